"""The best plan is at least as good as any that is drawn, and says where none exists."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crossmargin.core.errors import InputError, SolverError
from crossmargin.decisions.allocation import Problem, Wish, best
from crossmargin.decisions.moves import moves_of, shifts_of
from crossmargin.decisions.places import place_of
from crossmargin.decisions.programme import Programme, Solution
from tests.decisions.venue_accounts import CALL, PUT, account, contract, split


def problem_of(seed: int) -> Problem:
    """Three accounts and every move between them."""
    own = split(seed)
    wanted = [contract(name) for name in (CALL, PUT)]
    places = tuple(place_of(each, wanted, 0.0003) for each in own)
    moves, _ = moves_of(places)
    return Problem(places, moves)


def exact_worth(problem: Problem, wish: Wish, sizes: np.ndarray) -> tuple[float, float]:
    """Worth by the exact rules, and the least room less buffer."""
    freed = cost = 0.0
    least = np.inf
    for place in problem.places:
        fills = problem.fills(place.name, sizes)
        if fills:
            left = place.rooms([fills])
            room, paid = float(left.im_usd[0]), float(left.cost_usd[0])
        else:
            room, paid = place.standing.over_im_usd, 0.0
        freed += room + paid - place.standing.over_im_usd
        cost += paid
        least = min(least, room - wish.buffers_usd.get(place.name, 0.0))
    return wish.price * freed - cost, least


@pytest.mark.parametrize("at_mark", [False, True])
def test_variants_are_the_fills_of_each_move_by_itself(at_mark: bool) -> None:
    problem = replace(problem_of(2), at_mark=at_mark)
    most = np.array(problem.trades)
    rng = np.random.default_rng(5)
    sizes = np.round(most * rng.uniform(0.0, 1.0, (6, len(most))), 2)
    sizes[3] = sizes[2]  # sizes that variants share,
    sizes[4, ::2] = 0.0  # and moves that are not made
    for place in problem.places:
        found = problem.variants(place.name, sizes)
        for fills, own in zip(found, sizes.tolist(), strict=True):
            plain = []
            for move, size in zip(problem.moves, own, strict=True):
                if size > 0.0 and place.name in (move.source, move.target):
                    item, signed = move.at(place.name, size)
                    price = place.mark(item) if at_mark else None
                    plain.append(place.fill(item, signed, price))
            assert fills == plain
        together = place.rooms(found)
        for v, fills in enumerate(found):
            alone = place.rooms([fills])
            assert together.im_usd[v] == alone.im_usd[0]
            assert together.cost_usd[v] == alone.cost_usd[0]


@pytest.mark.parametrize("seed", range(3))
def test_no_drawn_plan_is_worth_more(seed: int) -> None:
    problem, wish = problem_of(seed), Wish({}, rate_annual=0.4, days=365.0)
    found = best(problem, wish)
    assert not found.relaxations
    value, least = exact_worth(problem, wish, found.sizes)
    assert value == pytest.approx(found.objective_usd, abs=1.0)
    assert least >= -0.05
    assert value > 0.0
    rng = np.random.default_rng(seed)
    most = np.array(problem.trades)
    for _ in range(60):
        drawn = most * rng.uniform(0.0, 1.0, len(most)) ** 2 / 2.0
        worth, room = exact_worth(problem, wish, drawn)
        if room >= 0.0:
            assert worth <= value + 1.0 + 1e-4 * abs(value)


def test_without_a_price_nothing_moves() -> None:
    found = best(problem_of(0), Wish({}, rate_annual=0.0))
    assert float(found.sizes.sum()) == 0.0
    assert found.objective_usd == pytest.approx(0.0, abs=1e-6)


def test_compression_lowers_gross_notional() -> None:
    problem = problem_of(1)
    found = best(problem, Wish({}, rate_annual=0.0, gross_weight=0.5))
    offset = [k for k, m in enumerate(problem.moves) if (m.source, m.target) in PAIRS]
    assert float(found.sizes[offset].sum()) > 0.0


PAIRS = (("one", "two"), ("two", "one"))


def test_a_buffer_that_nobody_can_fill_is_named_with_what_lacks() -> None:
    places = tuple(
        place_of(account(name, "deribit-xpm", {CALL: -1.0}, 50_000.0)) for name in ("a", "b")
    )
    problem = Problem(places, shifts=shifts_of(places, 1000.0))
    total = sum(place.standing.over_im_usd for place in places)
    found = best(problem, Wish({"a": total + 7000.0}))
    assert [each.name for each in found.relaxations] == ["buffer of a, USD"]
    lacks = total + 7000.0 - places[0].standing.over_im_usd
    lacks -= places[1].withdrawable_usd - 5.0
    assert found.relaxations[0].by == pytest.approx(lacks, rel=0.02)


@pytest.mark.parametrize(
    "bad", [{"rate_annual": -0.1}, {"days": np.nan}, {"buffer_fraction": -1.0}]
)
def test_bad_wishes_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(InputError):
        Wish({}, **bad)


@pytest.mark.parametrize("good", [0, 1])
def test_a_solver_that_gives_up_leaves_what_was_found(
    monkeypatch: pytest.MonkeyPatch, good: int
) -> None:
    """After a round that was solved the answer stands, unproven; before it there is none."""
    problem, wish = problem_of(3), Wish({}, 0.0, 0.5, 365.0)
    whole = best(problem, wish)
    assert whole.rounds > 1
    solve, calls = Programme.solve, []

    def tired(self: Programme) -> Solution | None:
        calls.append(1)
        if len(calls) > good:
            raise SolverError("solver_failed", "gave up", place="test")
        return solve(self)

    monkeypatch.setattr(Programme, "solve", tired)
    if good == 0:
        with pytest.raises(SolverError, match="gave up"):
            best(problem, wish)
        return
    found = best(problem, wish)
    assert not found.proven
    assert found.rounds == good
    assert found.bound_usd >= whole.objective_usd - 0.02
    assert found.bound_usd >= found.objective_usd
    assert exact_worth(problem, wish, found.sizes)[0] == pytest.approx(found.objective_usd, abs=1.0)
