from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossmargin.core.errors import CrossMarginError
from crossmargin.risk.games import owen, shapley

Table = dict[int, float]


def game_of(table: np.ndarray):  # type: ignore[no-untyped-def] # a small closure of the tests
    """A game from a value for each bit mask."""

    def value(flags: np.ndarray) -> np.ndarray:
        masks = (flags.astype(np.int64) << np.arange(flags.shape[1])).sum(axis=1)
        return table[masks]

    return value


def by_orders(table: np.ndarray, players: int, allowed=lambda order: True) -> np.ndarray:  # type: ignore[no-untyped-def] # a predicate
    """The mean gain over every allowed order of arrival, one at a time."""
    total, count = np.zeros(players), 0
    for order in permutations(range(players)):
        if not allowed(order):
            continue
        mask = 0
        for player in order:
            total[player] += table[mask | 1 << player] - table[mask]
            mask |= 1 << player
        count += 1
    return total / count


def random_table(seed: int, players: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=1 << players) * 100.0


@given(st.integers(0, 10_000), st.integers(1, 5))
@settings(max_examples=40, deadline=None)
def test_shapley_is_the_mean_over_every_order(seed: int, players: int) -> None:
    table = random_table(seed, players)
    found = shapley(game_of(table), players)
    assert found.values == pytest.approx(by_orders(table, players), rel=1e-12, abs=1e-10)
    assert found.values.sum() == pytest.approx(table[-1] - table[0], rel=1e-12, abs=1e-10)
    assert found.exact
    assert found.coalitions == 1 << players


def test_equal_players_share_alike_and_who_adds_nothing_pays_nothing() -> None:
    """v depends on how many of players 0, 1, 2 are there; player 3 changes nothing."""
    cost = np.array([0.0, 10.0, 12.0, 13.0])
    masks = np.arange(16)
    present = np.array([bin(m & 7).count("1") for m in masks])
    found = shapley(game_of(cost[present]), 4)
    assert found.values == pytest.approx([13.0 / 3.0] * 3 + [0.0], abs=1e-13)


def hierarchical(paths: list[tuple[str, ...]]):  # type: ignore[no-untyped-def] # a predicate
    """Whether every union of a hierarchy arrives in one go."""

    def allowed(order: tuple[int, ...]) -> bool:
        for depth in range(1, len(paths[0])):
            names = [paths[k][:depth] for k in order]
            runs = [name for k, name in enumerate(names) if k == 0 or names[k - 1] != name]
            if len(runs) != len(set(runs)):
                return False
        return True

    return allowed


PATHS = [("a", "x", "1"), ("a", "x", "2"), ("a", "y", "1"), ("b", "z", "1"), ("b", "z", "2")]


@pytest.mark.parametrize("seed", range(4))
def test_owen_is_the_mean_over_orders_that_keep_unions_together(seed: int) -> None:
    table = random_table(seed, 5)
    wanted = by_orders(table, 5, hierarchical(PATHS))
    found = owen(game_of(table), PATHS)
    assert found.values == pytest.approx(wanted, rel=1e-12, abs=1e-10)
    assert wanted != pytest.approx(by_orders(table, 5), abs=1e-3)


@pytest.mark.parametrize(
    "paths",
    [[(str(k), "leg") for k in range(5)], [("all", str(k)) for k in range(5)]],
    ids=["each alone", "all in one union"],
)
def test_owen_of_a_trivial_hierarchy_is_shapley(paths: list[tuple[str, ...]]) -> None:
    table = random_table(9, 5)
    assert owen(game_of(table), paths).values == pytest.approx(
        shapley(game_of(table), 5).values, rel=1e-12, abs=1e-10
    )


def test_owen_of_a_union_is_the_unions_shapley() -> None:
    """Quotient property: what a union pays is its share in the game among unions."""
    table = random_table(11, 5)
    found = owen(game_of(table), PATHS).values
    a, b = 0b00111, 0b11000
    outer = np.array([table[0], table[a], table[b], table[a | b]])
    assert [found[:3].sum(), found[3:].sum()] == pytest.approx(
        shapley(game_of(outer), 2).values, rel=1e-12
    )


@pytest.mark.parametrize("paths", [[(str(k),) for k in range(6)], [*PATHS, ("b", "w", "1")]])
def test_drawn_shares_add_up_and_lie_within_their_error(paths: list[tuple[str, ...]]) -> None:
    table = random_table(3, 6)
    exact = owen(game_of(table), paths)
    drawn = owen(game_of(table), paths, exact_max=0, pairs=3000, seed=5)
    assert not drawn.exact
    assert drawn.pairs == 3000
    assert drawn.values.sum() == pytest.approx(exact.values.sum(), rel=1e-12)
    assert (drawn.error > 0.0).all()
    assert (np.abs(drawn.values - exact.values) < 4.5 * drawn.error).all()
    again = owen(game_of(table), paths, exact_max=0, pairs=3000, seed=5)
    assert again.values.tobytes() == drawn.values.tobytes()
    other = owen(game_of(table), paths, exact_max=0, pairs=3000, seed=6)
    assert other.values.tobytes() != drawn.values.tobytes()


def test_an_additive_game_is_drawn_without_error() -> None:
    weight = np.arange(20.0)
    found = shapley(lambda flags: flags @ weight, 20, pairs=3)
    assert found.values == pytest.approx(weight, abs=1e-12)
    assert found.error == pytest.approx(np.zeros(20), abs=1e-6)


def test_fourteen_players_are_exact_and_nobody_is_no_game() -> None:
    weight = np.linspace(-1.0, 2.0, 14)
    found = shapley(lambda flags: np.maximum(flags @ weight, 0.0), 14)
    assert found.coalitions == 16_384
    assert found.values.sum() == pytest.approx(weight.sum(), rel=1e-12)
    assert len(shapley(lambda flags: np.zeros(len(flags)), 0).values) == 0


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda v: shapley(v, 3, exact_max=21), "number_out_of_range"),
        (lambda v: shapley(v, 3, pairs=1), "number_out_of_range"),
        (lambda v: owen(v, [("a",), ("a", "b")]), "shape_wrong"),
        (lambda v: owen(v, [("a",), ("a",)]), "shape_wrong"),
        (lambda v: shapley(lambda f: np.full(len(f), np.nan), 2), "number_not_finite"),
    ],
)
def test_bad_games_are_refused(call, code: str) -> None:  # type: ignore[no-untyped-def] # a closure
    with pytest.raises(CrossMarginError) as caught:
        call(lambda flags: flags.sum(axis=1).astype(float))
    assert caught.value.code == code
