"""The shift grid: its cells, two times, and the same scenarios expanded and in full."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.conformance.world import subject_of, world_of
from crossmargin.margin import model_named
from crossmargin.margin.families.dollar_greeks import dollar_greeks
from crossmargin.margin.families.greeks_grid import (
    expanded_pnl,
    grid_of,
    joined,
    probes_of,
    shift_terms,
    shifts_of,
)
from crossmargin.margin.families.whole_account import dollar_market, dollar_risk, plan_account
from crossmargin.pricing.taylor import TERMS
from tests.margin.greek_books import parameters, vol_scale

SUBJECT = subject_of(model_named("greeks"))
WORLD = world_of(SUBJECT)
POOL = plan_account(WORLD.instruments, SUBJECT.parameters).pools[0]
MARKET = dollar_market(POOL, WORLD.view)
COINS = ("BTC", "ETH")
FOUND = dollar_greeks(MARKET, COINS)


def test_cells_of_the_shipped_grid() -> None:
    grid = grid_of(MARKET, COINS, parameters("greeks"))
    assert len(grid) == 42
    assert grid.move.shape == (2, 42)
    assert grid.move[0].min() == -0.14
    assert grid.move[1].max() == 0.21
    assert grid.passed_years.tolist() == [0.0] * 21 + [2.0 / 365.0] * 21
    assert grid.scenarios.label[0] == "BTC -14 %, ETH -21 %, vol -17 %"
    assert grid.scenarios.label[41] == "BTC +14 %, ETH +21 %, vol +29 %, 2 d later"
    assert set(grid.scenarios.vol_label[:21]) == {"down", "same", "up"}
    assert set(grid.scenarios.vol_label[21:]) == {"down, later", "same, later", "up, later"}
    assert grid.scenarios.root_years.tolist() == np.sqrt(MARKET.years).tolist()


def test_vol_factors_scale_with_life_and_stay_above_zero() -> None:
    given = parameters("greeks")
    grid = grid_of(MARKET, COINS, given)
    up = int(np.argmax(grid.vol_factor[0]))
    for e, (coin, *_) in enumerate(POOL.instruments.expiries):
        expected = 1.0 + vol_scale(MARKET.years[e], given) * given.number(f"asset.{coin}.vol_up")
        assert grid.vol_factor[e, up] == pytest.approx(expected, rel=1e-12)
    steep = parameters("greeks", {"asset.BTC.vol_down": 0.99, "asset.ETH.vol_down": 0.99})
    factor = grid_of(MARKET, COINS, steep).vol_factor
    assert factor.min() == 0.0


def test_terms_against_a_second_formula() -> None:
    grid = grid_of(MARKET, COINS, parameters("greeks"))
    terms = shift_terms(MARKET, FOUND, grid)
    assert terms.shape == (len(TERMS), len(POOL.instruments), 42)
    table, view = POOL.instruments, WORLD.view
    for i in range(0, len(table), 17):
        if FOUND.group[i] < 0:
            assert (terms[:, i] == 0.0).all()
            continue
        e = int(table.expiry[i])
        for s in (0, 10, 20, 25, 41):
            ds = FOUND.index_usd[i] * grid.move[FOUND.group[i], s]
            dv = view.vol[i] * (grid.vol_factor[e, s] - 1.0) if e >= 0 else 0.0
            dt = min(grid.passed_years[s], MARKET.years[e]) if e >= 0 else 0.0
            own = [float(part[i]) for part in FOUND.expansion]
            plain = [
                own[0] * ds,
                own[1] * ds * ds / 2.0,
                own[2] * dv,
                own[3] * dt,
                own[4] * ds * dv,
                own[5] * dv * dv / 2.0,
            ]
            assert terms[:, i, s].tolist() == pytest.approx(plain, rel=1e-12, abs=1e-12)


def test_the_pnl_is_the_sum_of_its_terms_padded() -> None:
    grid = grid_of(MARKET, COINS, parameters("greeks"))
    terms = shift_terms(MARKET, FOUND, grid)
    pnl, by_scenario = expanded_pnl(terms)
    assert pnl.shape == (len(POOL.instruments), 48)
    assert pnl[:, :42] == pytest.approx(terms.sum(axis=0), rel=1e-12, abs=1e-9)
    assert (pnl[:, 42:] == pnl[:, :1]).all()
    assert by_scenario.shape == (42, len(POOL.instruments), 8)
    assert by_scenario[5, :, 3].tolist() == terms[3, :, 5].tolist()
    assert (by_scenario[:, :, 6:] == 0.0).all()


def test_small_shifts_are_revalued_alike() -> None:
    """Third order: shifts of half a per cent leave two hundred-thousandths of the index at most."""
    names = ("half_width", "vol_up", "vol_down")
    small = {f"asset.{coin}.{name}": 0.005 for coin in COINS for name in names}
    given = parameters("greeks", {**small, "general.horizon_days": 0.0})
    grid = grid_of(MARKET, COINS, given)
    up = grid.scenarios.move > 0.0
    long_lived = np.flatnonzero((POOL.instruments.expiry >= 0) & (MARKET.life_years > 20.0 / 365.0))
    pnl, _ = expanded_pnl(shift_terms(MARKET, FOUND, grid))
    full = dollar_risk(MARKET, grid.scenarios).pnl
    gap = np.abs(pnl - full)[long_lived][:, :42][:, up]
    assert (gap <= 2e-5 * FOUND.index_usd[long_lived][:, None]).all()


def test_probes_and_joined_grids() -> None:
    far = probes_of(MARKET, COINS, parameters("greeks"))
    assert far.move[0].tolist() == [-0.66, -0.33, 0.33, 0.5, 1.0, 2.0]
    assert far.move[1].tolist() == far.move[0].tolist()
    first = shifts_of(MARKET, COINS, parameters("delta"), [0.1, 0.2], 0.0)
    both = joined(first, far)
    assert len(both) == len(first) + len(far)
    risk = dollar_risk(MARKET, both.scenarios).scenario_pnl()
    apart = [dollar_risk(MARKET, each.scenarios).scenario_pnl() for each in (first, far)]
    assert risk.tobytes() == np.concatenate(apart, axis=1).tobytes()


def test_a_pool_without_coins_has_a_grid_of_nothing() -> None:
    grid = grid_of(MARKET, (), parameters("greeks"))
    assert grid.scenarios.label[0].startswith("no coin")
    assert (grid.scenarios.move == 0.0).all()
