"""The own grid and the Greeks against one-line formulas."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.conformance.black import price as black
from crossmargin.conformance.world import AS_OF_MS, subject_of, world_of
from crossmargin.core.clock import YEAR_MS
from crossmargin.decisions.hedge_grid import MOVES, grid_of, unit_greeks
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.register import model_named

WORLD = world_of(subject_of(model_named("deribit-xpm")))


def test_a_row_of_the_grid_is_the_change_in_dollars() -> None:
    view, grid = WORLD.view, grid_of(WORLD.view)
    assert grid.usd.shape[1] == 3 * len(MOVES)
    assert len(MOVES) == 61
    for k, item in enumerate(WORLD.instruments.items):
        if item.kind != Kind.OPTION or k % 7:
            continue
        e = int(view.instruments.expiry[k])
        years = (item.expiry_ms - AS_OF_MS) / YEAR_MS
        forward, vol = float(view.forward[e]), float(view.vol[k])
        usd = float(view.usd[view.instruments.settle[k]])
        for point in (0, 40, 91, 182):
            move, label = float(grid.move[point]), grid.labels[point]
            factor = {"down": 0.75, "same": 1.0, "up": 1.25}[label.rpartition(" ")[2]]
            f = forward * (1.0 + move)
            now = black(item.right, forward, item.strike, vol, years)
            then = black(item.right, f, item.strike, vol * factor, years)
            wanted = (then - now) * usd
            if item.inverse:
                wanted = (then / f - now / forward) * usd * (1.0 + move)
            assert grid.usd[k, point] == pytest.approx(wanted, rel=1e-9, abs=1e-7)


def test_an_inverse_perpetual_gains_its_dollars_times_the_move() -> None:
    grid = grid_of(WORLD.view)
    k = next(
        k
        for k, item in enumerate(WORLD.instruments.items)
        if item.kind == Kind.PERPETUAL and item.inverse and item.underlying == "BTC"
    )
    mark = float(WORLD.view.mark[k])
    index = float(WORLD.view.usd[WORLD.instruments.names.index("BTC")])
    np.testing.assert_allclose(grid.usd[k], grid.move / mark * index, rtol=1e-9, atol=1e-12)


def test_a_book_is_summed_by_coin_and_delta_is_the_slope() -> None:
    grid, greek = grid_of(WORLD.view), unit_greeks(WORLD.view).columns
    quantity = np.random.default_rng(1).normal(size=len(WORLD.instruments))
    by_coin = grid.of(quantity)
    assert by_coin.shape == (2, grid.usd.shape[1])
    np.testing.assert_allclose(by_coin.sum(axis=0), quantity @ grid.usd, rtol=1e-9, atol=1e-6)
    same = [k for k, label in enumerate(grid.labels) if label.endswith("same")]
    up, down = same[31], same[29]
    for k, item in enumerate(WORLD.instruments.items):
        if item.kind == Kind.OPTION and not item.inverse and k % 5 == 0:
            e = int(WORLD.instruments.expiry[k])
            forward = float(WORLD.view.forward[e])
            usd = float(WORLD.view.usd[WORLD.instruments.settle[k]])
            slope = (grid.usd[k, up] - grid.usd[k, down]) / (0.02 * forward * usd)
            assert slope == pytest.approx(greek[k, 0], abs=2e-3)
