"""One pool of dollars: P&L against plain formulas, time, orders, coins without numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from crossmargin.conformance.world import (
    AS_OF_MS,
    SPOT,
    Subject,
    World,
    contracts,
    view_of,
)
from crossmargin.core.clock import DAY_MS, YEAR_MS
from crossmargin.core.errors import ModelError
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.margin.families.whole_account import (
    coin_names,
    dollar_market,
    dollar_risk,
    plan_account,
    priced_account,
    refuse_strangers,
    scenario_set,
    strangers,
)
from crossmargin.margin.model import Priced
from crossmargin.margin.models.fixed_rate import FixedRate
from crossmargin.margin.pools import cut
from crossmargin.margin.run import parameters_for
from tests.oracle.black import price as black

MODEL = FixedRate()
SUBJECT = Subject(MODEL, parameters_for(MODEL, AS_OF_MS))
UP = {"BTC": np.array([1.0, 1.1, 0.8]), "ETH": np.array([1.0, 1.2, 0.7])}


def world() -> World:
    return view_of(contracts(SUBJECT))


def priced(seen: World, passed_years: float = 0.0) -> Priced:
    pool = plan_account(seen.instruments, SUBJECT.parameters).pools[0]
    market = dollar_market(pool, seen.view)
    vols = np.ones((len(pool.instruments.expiries), 3)) * np.array([1.0, 1.3, 0.9])
    scenarios = scenario_set(market, ("none", "up", "down"), UP, vols, passed_years=passed_years)
    risk = dollar_risk(market, scenarios)
    return priced_account(market, pool, scenarios, risk, {}, {})


def dollars(item: Instrument, seen: World, s: int, passed_years: float = 0.0) -> float:
    """One unit of a contract in one scenario, from the definitions."""
    coin = item.underlying
    if coin not in SPOT:
        return 0.0
    f, vol = float(UP[coin][s]), (1.0, 1.3, 0.9)[s]
    row = seen.instruments.index_of()[item.key]
    index, mark = SPOT[coin], float(seen.view.mark[row])
    usd = float(seen.view.usd[seen.instruments.names.index(item.settle)])
    if item.kind == Kind.ASSET:
        return index * (f - 1.0)
    if item.kind in (Kind.PERPETUAL, Kind.FUTURE):
        place = seen.instruments.expiries
        at = [k for k, key in enumerate(place) if key[3] == item.expiry_ms and key[0] == coin]
        price = float(seen.view.forward[at[0]]) if at else mark
        if item.inverse:
            return item.multiplier * (1.0 / price - 1.0 / (price * f)) * index * f
        return item.multiplier * price * (f - 1.0) * usd
    key = (coin, item.quote, item.settle, item.expiry_ms)
    forward = float(seen.view.forward[seen.instruments.expiries.index(key)])
    years = (item.expiry_ms - AS_OF_MS) / YEAR_MS
    left = max(years - passed_years, 0.0)
    sigma = float(seen.view.vol[row])
    now = black(item.right, forward, item.strike, sigma, years)
    then = black(item.right, forward * f, item.strike, sigma * vol, left)
    if item.inverse:
        return then / (forward * f) * index * f - now / forward * index
    return (then - now) * usd


@pytest.mark.parametrize("passed_days", [0.0, 3.0])
def test_every_row_against_its_formula(passed_days: float) -> None:
    seen = world()
    passed = passed_days * DAY_MS / YEAR_MS
    found = priced(seen, passed)
    assert found.risk is not None
    for k, item in enumerate(found.pool.instruments.items):
        for s in range(3):
            expected = dollars(item, seen, s, passed)
            assert found.risk.pnl[k, s] == pytest.approx(expected, rel=1e-9, abs=1e-6), item


def test_no_move_is_no_loss() -> None:
    found = priced(world())
    assert found.risk is not None
    assert (found.risk.pnl[:, 0] == 0.0).all()


def test_an_option_that_expires_inside_the_horizon_is_worth_what_it_pays() -> None:
    seen = world()
    found = priced(seen, 1.0)  # a year: all options are past
    assert found.risk is not None
    for k, item in enumerate(found.pool.instruments.items):
        if item.kind is Kind.OPTION and not item.inverse:
            key = (item.underlying, item.quote, item.settle, item.expiry_ms)
            e = found.pool.instruments.expiries.index(key)
            pays = max(item.right * (seen.view.forward[e] * 1.1 - item.strike), 0.0)
            if item.underlying == "BTC":
                value = found.risk.pnl[k, 1] / 0.9995 + found.risk.value[k]
                assert value == pytest.approx(pays, rel=1e-9, abs=1e-6)


def test_coins_and_money() -> None:
    seen = world()
    assert coin_names(seen.instruments) == ("BTC", "ETH")
    pool = plan_account(seen.instruments, SUBJECT.parameters, ("said",)).pools[0]
    market = dollar_market(pool, seen.view)
    for k, item in enumerate(pool.instruments.items):
        money = item.kind is Kind.ASSET and item.underlying == "USDC"
        assert bool(market.moving[k]) is not money
        if item.kind is Kind.FUTURE and item.inverse:
            assert market.coins[k] == pytest.approx(1.0 / float(seen.view.mark[k]))
    assert bool(pool.cash.any())


def test_a_coin_without_numbers_is_named() -> None:
    items = [*contracts(SUBJECT), Instrument("deribit", "GOLD", Kind.ASSET, "GOLD", "USD", "GOLD")]
    seen = view_of(items)
    found = priced(seen)
    place = seen.instruments.index_of()[("deribit", "GOLD")]
    book = Book.of(seen.instruments, [Line("b", place, 2.0)], accounts=("a", "b"))
    held = cut(book, found.pool, 0)
    (refusal,) = strangers(found, held, ("BTC", "ETH"), "asset.GOLD")
    assert refusal.row == 1
    with pytest.raises(ModelError, match="parameter_missing") as caught:
        refuse_strangers(found, held, ("BTC", "ETH"), "asset.GOLD")
    assert "GOLD" in str(caught.value)
    assert strangers(found, held, ("BTC", "ETH", "GOLD"), "asset.GOLD") == ()
    assert math.isfinite(float(found.option_value.sum()))
