"""Greeks in dollars: the slope and bend of the very revaluation that they stand beside."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.conformance.world import SPOT, random_book, subject_of, world_of
from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.margin import model_named
from crossmargin.margin.families.dollar_greeks import (
    derivative_coins,
    dollar_greeks,
    known_coins,
    per_coin,
    refuse_unknown_derivatives,
)
from crossmargin.margin.families.whole_account import (
    dollar_market,
    dollar_risk,
    plan_account,
    scenario_set,
)
from tests.margin.greek_books import PERP, parameters

SUBJECT = subject_of(model_named("greeks"))
WORLD = world_of(SUBJECT)
POOL = plan_account(WORLD.instruments, SUBJECT.parameters).pools[0]
MARKET = dollar_market(POOL, WORLD.view)
FOUND = dollar_greeks(MARKET, ("BTC", "ETH"))


def revalued(moves: list[float], vols: list[float], passed_years: float = 0.0) -> np.ndarray:
    """[I, S] P&L of the revaluation at common moves and vol factors."""
    up = {coin: 1.0 + np.array(moves) for coin in SPOT}
    factor = np.ones((len(POOL.instruments.expiries), len(moves))) * np.array(vols)
    labels = [str(k) for k in range(len(moves))]
    made = scenario_set(MARKET, labels, up, factor, passed_years=passed_years)
    return dollar_risk(MARKET, made).scenario_pnl()


def test_delta_and_gamma_are_differences_of_the_revaluation() -> None:
    e = 1e-4
    pnl = revalued([e, -e], [1.0, 1.0])
    size = np.maximum(FOUND.index_usd, 1.0)
    assert FOUND.delta_usd / size == pytest.approx(
        (pnl[:, 0] - pnl[:, 1]) / (2 * e) / size, abs=1e-5
    )
    bend = (pnl[:, 0] + pnl[:, 1]) / e**2
    assert FOUND.gamma_usd / size == pytest.approx(bend / size, rel=1e-3, abs=1e-3)


def test_vega_and_theta_are_differences_of_the_revaluation() -> None:
    e = 1e-4
    pnl = revalued([0.0, 0.0], [1.0 + e, 1.0 - e])
    size = np.maximum(FOUND.index_usd, 1.0)
    per_share = FOUND.expansion.vega * MARKET.view.vol
    slope = (pnl[:, 0] - pnl[:, 1]) / (2 * e)
    assert per_share / size == pytest.approx(slope / size, abs=1e-7)
    years = 1e-7
    later = revalued([0.0], [1.0], years)[:, 0] / years
    assert FOUND.expansion.theta / size == pytest.approx(later / size, rel=1e-4, abs=1e-5)


def test_linear_rows_are_straight_and_money_is_none() -> None:
    table = POOL.instruments
    straight = np.isin(table.kind, (int(Kind.ASSET), int(Kind.PERPETUAL), int(Kind.FUTURE)))
    pnl = revalued([0.4, -0.3], [1.3, 0.9])
    for s, move in enumerate((0.4, -0.3)):
        assert FOUND.delta_usd[straight] * move == pytest.approx(pnl[straight, s], rel=1e-12)
    money = [k for k, i in enumerate(table.items) if i.underlying == "USDC"]
    assert FOUND.group[money].tolist() == [-1] * len(money)
    assert (FOUND.delta_usd[money] == 0.0).all()


def test_value_is_that_of_the_market_in_dollars() -> None:
    table, view = POOL.instruments, WORLD.view
    option = table.kind == Kind.OPTION
    usd = np.where(table.inverse, MARKET.index_usd, MARKET.settle_usd)
    expected = view.mark * table.multiplier * usd
    assert FOUND.value_usd[option] == pytest.approx(expected[option], rel=1e-9, abs=1e-9)


def test_columns_by_coin_hold_every_row_once() -> None:
    columns = per_coin(FOUND, FOUND.delta_usd)
    assert columns.shape == (len(POOL.instruments), 2)
    assert columns.sum(axis=1).tolist() == FOUND.delta_usd.tolist()
    assert ((columns != 0.0).sum(axis=1) <= 1).all()


def test_an_option_without_a_market_counts_for_none() -> None:
    blind = dollar_market(POOL, WORLD.view)
    view = blind.view
    bad = np.array(view.ok)
    row = int(np.flatnonzero(POOL.instruments.kind == Kind.OPTION)[0])
    bad[row] = False
    from dataclasses import replace

    found = dollar_greeks(replace(blind, view=replace(view, ok=bad)), ("BTC", "ETH"))
    assert found.delta_usd[row] == 0.0
    assert np.delete(found.delta_usd, row).tolist() == np.delete(FOUND.delta_usd, row).tolist()


def test_coins_with_numbers_and_without() -> None:
    given = parameters("greeks")
    assert known_coins(given) == ("BTC", "ETH")
    odd = Instrument("deribit", "sol", Kind.FUTURE, "SOL", "USD", "USD")
    held = Instrument("deribit", "GOLD", Kind.ASSET, "GOLD", "USD", "GOLD")
    assert derivative_coins(Instruments.of([odd, held, PERP])) == ("BTC", "SOL")
    refuse_unknown_derivatives(Instruments.of([held, PERP]), given)
    with pytest.raises(ModelError, match="SOL"):
        refuse_unknown_derivatives(Instruments.of([odd]), given)


def test_the_world_has_both_settlements() -> None:
    """Else the tests above would say less than they seem to."""
    assert set(POOL.instruments.inverse.tolist()) == {True, False}
    assert len(random_book(SUBJECT, 1)) == 40
