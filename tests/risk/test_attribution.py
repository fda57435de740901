from __future__ import annotations

import numpy as np
import pytest

from crossmargin.conformance.checks import margined
from crossmargin.conformance.world import (
    answering,
    one_account,
    random_book,
    subject_of,
    world_of,
)
from crossmargin.instruments.book import Book, Line
from crossmargin.margin.contributions import contributions
from crossmargin.margin.model import MarginModel, ScaleLaw
from crossmargin.margin.register import ALL_MODELS, model_named
from crossmargin.margin.run import run
from crossmargin.margin.selection import accounts_where
from crossmargin.risk.account_game import AccountGame
from crossmargin.risk.attribution import (
    Attribution,
    _along_the_ray,
    attribute,
    euler,
    sizes_of,
)
from crossmargin.risk.groups import groups_of, order_groups
from tests.risk.sample_books import attributed

WORST_OF = ("deribit-spm", "paradex-pm", "okx-pm")


def adds_up(found: Attribution) -> None:
    """Every rule that promises it, to 1e-9 of the requirement."""
    near = 1e-9 * max(abs(found.whole), 1.0)
    assert found.euler.sum() + found.euler_fixed == pytest.approx(found.positions, abs=near)
    if found.ray is not None:
        assert found.ray.sum() + found.ray_fixed == pytest.approx(found.positions, abs=near)
    if found.shapley is not None:
        whole = found.shapley.values.sum() + found.nobody
        assert whole == pytest.approx(found.positions, abs=near)
    orders = found.orders
    assert orders.shares.values.sum() == pytest.approx(orders.orders, abs=near)
    parts = found.positions + orders.orders + orders.holds + found.residual
    assert parts == pytest.approx(found.whole, abs=near)
    assert abs(found.residual) <= near


@pytest.mark.parametrize("model", answering(ALL_MODELS), ids=lambda model: model.spec.name)
def test_every_model_is_attributed(model: MarginModel) -> None:
    """A random account of the model's own contracts, its lots by kind, orders and all."""
    subject = subject_of(model)
    several = random_book(subject, 71, 3, 5)
    found = margined(subject, several)
    alone = np.zeros(len(found.book), np.bool_)
    alone[0] = True
    held = accounts_where(found.book, alone)
    one = margined(subject, held, world_of(subject))
    game = AccountGame(one)
    groups = groups_of(held, ["kind"], game.column, game.quantity)
    made = attribute(game, groups, order_groups(held, ["kind"]), pairs=4)
    adds_up(made)
    assert made.refused == ()
    if model.spec.scale is ScaleLaw.HOMOGENEOUS and model.spec.quantum == 0.0:
        # Euler's shares alone are the requirement: nothing is left for nobody.
        near = 1e-9 * max(abs(made.positions), 1.0)
        assert made.euler.sum() == pytest.approx(made.positions, abs=near)


@pytest.mark.parametrize("model", WORST_OF)
@pytest.mark.parametrize("level", ["im", "mm"])
def test_shares_of_the_sample_book(model: str, level: str) -> None:
    found, game = attributed(model, ["kind"], level=level)
    adds_up(found)
    assert found.stand_alone is not None
    total = float(np.abs(found.euler).sum())
    assert abs(found.euler_fixed) <= 1e-7 * max(total, 1.0)
    if game.requirement.model.scale is ScaleLaw.HOMOGENEOUS:
        assert (found.euler <= found.stand_alone + 1e-6 * total).all()


def test_shares_by_leg_are_the_contributions_of_margin() -> None:
    """Off kinks Euler by leg is what `margin --explain` shows of each pool."""
    found, game = attributed("deribit-spm", ["leg"], "retail-short-vol")
    wanted: dict[str, float] = {}
    base = game.requirement
    for row, pool in enumerate(base.sheet.pool.tolist()):
        made = contributions(base, row)
        for line in made.lines:
            name = line.label.partition(" ")[2]
            wanted[name] = line.value * base.priced[pool].usd_per_unit
    assert found.derivatives.rule == ""
    for path, value in zip(found.groups.paths, found.euler.tolist(), strict=True):
        if path[0] in wanted:
            assert value == pytest.approx(wanted[path[0]], rel=1e-6, abs=1e-3)


def test_owen_of_two_levels_keeps_what_a_desk_pays() -> None:
    """What the strategies of a desk pay together is what the desk pays among desks."""
    outer, _ = attributed("deribit-spm", ["desk"])
    inner, _ = attributed("deribit-spm", ["desk", "strategy"])
    assert outer.shapley is not None
    assert inner.shapley is not None
    for (desk,), value in zip(outer.groups.paths, outer.shapley.values.tolist(), strict=True):
        parts = [v for path, v in zip(inner.groups.paths, inner.shapley.values.tolist(),
                                      strict=True) if path[0] == desk]  # fmt: skip
        assert sum(parts) == pytest.approx(value, abs=1e-6)


def test_stand_alone_is_a_margin_of_its_own() -> None:
    """Of each strategy alone, margined from its own lots."""
    found, game = attributed("deribit-spm", ["strategy"])
    base = game.requirement
    assert found.stand_alone is not None
    for path, value in zip(found.groups.paths, found.stand_alone.tolist(), strict=True):
        lots = [line for line in base.book.lines if dict(line.tags).get("strategy") == path[0]]
        if not lots:
            continue
        alone = run(Book.of(base.book.instruments, lots), base.view, base.via)
        assert value == pytest.approx(AccountGame(alone).whole, rel=1e-12)


@pytest.mark.parametrize("rule", ["lp", "min_norm", "average"])
def test_a_perfect_hedge_by_two_desks_stands_on_a_kink(rule: str) -> None:
    """Long and short of one contract: nothing is required; either side alone pays in full."""
    subject = subject_of(model_named("paradex-pm"))
    book, world = one_account(subject, {"BTC_USDC-PERPETUAL": 1.0, "BTC_USDC-30-64000-C": -2.0})
    perp = int(
        book.column[
            [i.kind.name for i in (book.instruments.items[c] for c in book.column)].index(
                "PERPETUAL"
            )
        ]
    )
    lots = [
        Line("a", perp, 1.0, None, (("desk", "long"),)),
        Line("a", perp, -1.0, None, (("desk", "short"),)),
    ]
    held = Book.of(book.instruments, lots)
    game = AccountGame(margined(subject, held, world))
    groups = groups_of(held, ["desk"], game.column, game.quantity)
    found = attribute(game, groups, rule=rule)
    adds_up(found)
    assert found.shapley is not None
    assert found.stand_alone is not None
    long, short = found.stand_alone.tolist()
    assert found.positions == pytest.approx(0.0, abs=1e-9)
    assert found.shapley.values == pytest.approx([(long - short) / 2, (short - long) / 2])
    assert found.incremental is not None
    assert (found.incremental < 0.0).all()
    own = found.derivatives
    assert own.rule == rule
    assert (own.right > 0.0).any()
    assert (own.left < 0.0).any()


def test_a_tie_of_scenarios_is_shared_so_that_it_adds_up() -> None:
    """A straddle whose worst moves up and down tie: the mean of one-sided slopes would not do."""
    subject = subject_of(model_named("paradex-pm"))
    held, world = one_account(subject, {"BTC_USDC-PERPETUAL": 1.0, "BTC_USDC-30-64000-C": -2.0})
    base = margined(subject, held, world)
    perp = [item.kind.name for item in base.book.instruments.items].index("PERPETUAL")
    game = AccountGame(base)
    k = game.place()[perp]

    def sides(size: float) -> float:
        """Derivative in the hedge: negative while up is worst, positive once down is."""
        at = np.array(game.quantity)
        at[k] = size
        return float(game.gradients(at[None], np.abs(at))[0][k])

    low, high = 0.01, 2.0
    assert sides(low) < 0.0 < sides(high)
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if sides(middle) < 0.0 else (low, middle)
    tied, world = one_account(subject, {"BTC_USDC-PERPETUAL": low, "BTC_USDC-30-64000-C": -2.0})
    at_tie = AccountGame(margined(subject, tied, world))
    groups = groups_of(tied, ["leg"], at_tie.column, at_tie.quantity)
    found = attribute(at_tie, groups)
    assert found.derivatives.rule == "lp"
    assert len(found.derivatives.weights) == 2
    assert abs(found.euler_fixed) <= 1e-6 * found.positions
    adds_up(found)
    # Each tied piece alone adds up too: the hedge pays in one and is paid in the other.
    names = [path[0] for path in found.groups.paths]
    hedge = names.index(tied.instruments.items[perp].native_id)
    column = at_tie.place()[perp]
    ends = found.derivatives.pieces[:, column] * at_tie.quantity[column]
    assert min(ends) < 0.0 < max(ends)
    assert -1e-6 <= found.euler[hedge] <= max(ends)  # the least sum of absolute shares
    sums = (found.derivatives.pieces * at_tie.quantity).sum(axis=1)
    assert sums == pytest.approx([found.positions] * 2, rel=1e-6)


def test_size_is_charged_along_the_ray() -> None:
    found, _ = attributed("deribit-sm", ["strategy"])
    assert found.ray is not None
    assert abs(found.ray_fixed) <= 1e-6 * found.positions
    assert not found.scales
    worst, _ = attributed("deribit-spm", ["strategy"])
    assert [each.pool for each in worst.worst] == ["BTC", "ETH"]
    assert all(each.gap is not None and each.gap >= 0.0 for each in worst.worst)


SIZED = [model for model in answering(ALL_MODELS) if model.spec.scale is not ScaleLaw.HOMOGENEOUS]


def _jumps_by_hand(game: AccountGame) -> tuple[np.ndarray, float]:
    """Requirements of nothing and of the book; the steps that stay whole in ever finer walks."""

    def walk(low: float, high: float, count: int) -> np.ndarray:
        t = np.linspace(low, high, count)
        return game.values(t[:, None] * game.quantity, smoothed=True)

    coarse = walk(0.0, 1.0, 2_001)
    steps = np.abs(np.diff(coarse))
    total = 0.0
    for k in np.flatnonzero((steps > 1.2 * np.median(steps)) | (np.arange(2_000) == 0)).tolist():
        low, high = k / 2_000, (k + 1) / 2_000
        for _ in range(3):
            fine = np.diff(walk(low, high, 21))
            at = int(np.argmax(np.abs(fine)))
            low, high = low + (high - low) * at / 20, low + (high - low) * (at + 1) / 20
        if abs(fine[at]) > 100.0 * np.median(steps) / 20**3:
            total += float(fine[at] - np.median(fine))
    return coarse[[0, -1]], total


@pytest.mark.parametrize("model", SIZED, ids=lambda model: model.spec.name)
def test_what_no_group_moves_along_the_ray_is_a_jump(model: MarginModel) -> None:
    """Before anything is rounded away: the remainder is the jumps of the ray, to 1e-8.

    Of models that count in integers to 1e-6: the noise of differences of rounded figures.

    The jumps by hand: a walk of 2,001 sizes, each of its steeper steps walked again twice.
    """
    subject = subject_of(model)
    found = margined(subject, random_book(subject, 71, 3, 5))
    for number in range(2):
        alone = np.zeros(len(found.book), np.bool_)
        alone[number] = True
        held = accounts_where(found.book, alone)
        game = AccountGame(margined(subject, held, world_of(subject)))
        groups = groups_of(held, ["leg"], game.column, game.quantity)
        made = attribute(game, groups, shares=False)
        assert made.ray is not None
        mean, moved = _along_the_ray(game, sizes_of(game, groups))
        ends, by_hand = _jumps_by_hand(game)
        whole = max(float(ends[1]), 1.0)
        noise = 1e-8 if model.spec.quantum == 0.0 else 1e-6
        assert float((mean * game.quantity).sum()) == pytest.approx(moved, abs=noise * whole)
        jumps = float(ends[1] - ends[0]) - moved
        assert jumps == pytest.approx(by_hand, abs=1e-6 * whole)
        assert ends[0] == 0.0
        rounding = made.positions - float(ends[1])
        near = 1e-10 * whole
        assert made.ray_fixed - rounding == pytest.approx(jumps, abs=near)


def test_the_same_call_has_the_same_bits() -> None:
    first, game = attributed("deribit-spm", ["strategy"])
    again = attribute(game, first.groups, order_groups(game.requirement.book, ["strategy"]))
    assert first.euler.tobytes() == again.euler.tobytes()
    scale = sizes_of(game, first.groups)
    assert euler(game, scale).slope.tobytes() == first.derivatives.slope.tobytes()
