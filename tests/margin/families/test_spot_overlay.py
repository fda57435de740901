"""The spot leg that an account sizes for itself, and its worst fill against every subset."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from crossmargin.core.arrays import frozen
from crossmargin.margin.families.spot_overlay import overlay_need, spot_used, worst_of
from crossmargin.margin.model import Fills

LEG = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])


def fills_of(counts: list[int], size: np.ndarray) -> Fills:
    none = np.zeros(len(size))
    row = frozen(np.concatenate([[0], np.cumsum(counts)]), np.int64)
    zeros = frozen(none, np.int32)
    return Fills(row, zeros, frozen(size, np.float64), none, none, zeros)


def test_spot_hedges_a_short_and_never_more_than_is_held() -> None:
    delta = np.array([-10.0, -10.0, 4.0, -3.0])
    coins = np.array([4.0, 20.0, 9.0, -5.0])
    assert spot_used(delta, coins).tolist() == [4.0, 10.0, 0.0, 0.0]


def test_the_worst_two_leave_the_vector_as_it_is() -> None:
    vector = np.array([[3.0, -5.0, -4.0, 0.0, 1.0, 0.0, 0.0, -9.0]])
    before = vector.copy()
    found = worst_of(np.array([0, 2]), vector, 7)
    assert (float(found.loss[0]), int(found.scenario[0])) == (5.0, 1)
    assert (float(found.runner_up[0]), int(found.runner_up_scenario[0])) == (4.0, 2)
    assert (vector == before).all()


def value(base: np.ndarray, delta: float, coins: float) -> np.ndarray:
    return base + min(max(-delta, 0.0), max(coins, 0.0)) * LEG


def test_no_subset_of_fills_needs_more_and_none_at_all_is_exact() -> None:
    """Orders of derivatives and of spot: all subsets of four, 300 accounts."""
    rng = np.random.default_rng(11)
    slack = []
    for _ in range(300):
        delta, coins = float(rng.normal() * 5.0), float(rng.uniform(-2.0, 8.0))
        base = delta * LEG + rng.normal(size=5)
        spot = rng.random(4) < 0.3
        size = rng.normal(size=4) * 4.0
        fill_delta = np.where(spot, 0.0, size)
        moves = fill_delta[:, None] * LEG + np.where(spot, 0.0, 0.3)[:, None] * rng.normal(size=5)
        bought = np.where(spot, size, 0.0)
        gain = rng.normal(size=4) * 0.2
        reach = (
            np.array([coins + np.minimum(bought, 0.0).sum()]),
            np.array([coins + np.maximum(bought, 0.0).sum()]),
        )
        found = overlay_need(
            base[None, :], LEG, np.array([delta]), reach, fills_of([4], size), moves,
            fill_delta, gain,
        )  # fmt: skip
        worst = 0.0
        for chosen in product((0.0, 1.0), repeat=4):
            yes = np.array(chosen)
            after = value(base + yes @ moves, delta + yes @ fill_delta, coins + yes @ bought)
            worst = max(worst, -float((after + yes @ gain).min()))
        assert worst <= float(found.need[0]) + 1e-9
        slack.append(float(found.need[0]) / max(worst, 1e-9))
        held = np.array([coins])
        bare = overlay_need(
            base[None, :], LEG, np.array([delta]), (held, held), fills_of([0], size[:0]),
            moves[:0], fill_delta[:0], gain[:0],
        )  # fmt: skip
        alone = max(-float(value(base, delta, coins).min()), 0.0)
        assert float(bare.need[0]) == pytest.approx(alone, abs=1e-9)
    assert float(np.median(slack)) < 1.2  # a bound that says something


def test_an_order_that_closes_a_hedged_short_costs_nothing() -> None:
    """Short 10, spot 10, buy 10: hedged before and flat after."""
    size = np.array([10.0])
    found = overlay_need(
        -10.0 * LEG[None, :], LEG, np.array([-10.0]), (np.array([10.0]),) * 2,
        fills_of([1], size), size[:, None] * LEG, size, np.array([0.0]),
    )  # fmt: skip
    assert float(found.need[0]) == 0.0


def test_costs_alone_bind_where_nothing_moves() -> None:
    size = np.array([1.0])
    found = overlay_need(
        np.zeros((1, 5)), LEG * 0.0, np.zeros(1), (np.zeros(1),) * 2,
        fills_of([1], size), np.zeros((1, 5)), np.zeros(1), np.array([-3.0]),
    )  # fmt: skip
    assert (float(found.need[0]), int(found.scenario[0])) == (3.0, -1)
    assert found.filled.tolist() == [True]
