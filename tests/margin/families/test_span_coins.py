"""SPAN terms of coins: scenarios in words and numbers, tiers, deltas, what a table changes."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.conformance.world import AS_OF_MS, SPOT, Subject, contracts, view_of
from crossmargin.core.clock import DAY_MS, YEAR_MS
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.families.span_arrays import COMPOSITE, Scan, option_arrays
from crossmargin.margin.families.span_coins import (
    UNDATED,
    coin_terms,
    coins_of,
    points_of,
    scan_scenarios,
)
from crossmargin.margin.families.span_engine import SpanTerms
from crossmargin.margin.families.whole_account import dollar_market, dollar_risk, plan_account
from crossmargin.margin.models.span import Span
from crossmargin.margin.parameter_files import Parameters, overlay
from crossmargin.margin.run import parameters_for
from tests.oracle.black import price as black

MODEL = Span()
SET = parameters_for(MODEL, AS_OF_MS)
WORLD = view_of(contracts(Subject(MODEL, SET)))
MARKET = dollar_market(plan_account(WORLD.instruments, SET).pools[0], WORLD.view)


def terms(parameters: Parameters = SET) -> SpanTerms:
    risk = dollar_risk(MARKET, scan_scenarios(MARKET, parameters))
    return coin_terms(MARKET, risk, np.zeros(len(MARKET.part)), parameters)


def test_scenarios_are_the_points() -> None:
    found = scan_scenarios(MARKET, SET)
    assert found.label[0] == "price no move, vol up"
    assert found.label[5] == "price a third down, vol down"
    assert found.label[14:] == ("price up 2 ranges", "price down 2 ranges")
    assert found.vol_label[:2] == ("up, later", "down, later")
    assert found.vol_label[15] == "same"
    pair = [p[0] for p in MARKET.part.pairs].index("ETH")
    psr = SET.number("coin.ETH.price_scan")
    assert found.spot[pair].tolist() == pytest.approx((1.0 + psr * points_of(SET).price).tolist())
    now = scan_scenarios(MARKET, overlay(SET, {"scan.look_ahead_days": 0.0}, "test"))
    assert now.vol_label[:2] == ("up", "down")


def test_an_array_by_hand() -> None:
    """A linear option at a range down with vol up, two days later, by the plain formula."""
    k = next(k for k, i in enumerate(MARKET.part.items) if i.native_id == "BTC_USDC-30-57600-P")
    item, psr, vsr = (
        MARKET.part.items[k],
        SET.number("coin.BTC.price_scan"),
        SET.number("coin.BTC.vol_scan"),
    )
    forward, vol = float(MARKET.forward_of[k]), float(WORLD.view.vol[k])
    years = (item.expiry_ms - AS_OF_MS) / YEAR_MS
    for s, move, up in ((12, -1.0, 1.0), (3, 1 / 3, -1.0)):
        later = black(
            -1, forward * (1.0 + move * psr), item.strike, vol + up * vsr, years - 2 / 365
        )
        gain = (later - black(-1, forward, item.strike, vol, years)) * 0.9995
        assert terms().tables.pnl[k, s] == pytest.approx(gain, rel=1e-9)
    risk = dollar_risk(MARKET, scan_scenarios(MARKET, SET))
    assert terms().tables.pnl[k, 14] == pytest.approx(0.35 * risk.pnl[k, 14], rel=1e-12)


def test_linear_arrays_are_those_of_the_generator() -> None:
    """What reproduces an exchange's arrays makes the arrays of linear options here."""
    rows = [
        k
        for k, i in enumerate(MARKET.part.items)
        if i.kind == Kind.OPTION and not i.inverse and i.underlying == "BTC"
    ]
    forward = MARKET.forward_of[rows]
    made = option_arrays(
        forward,
        MARKET.part.strike[rows],
        MARKET.part.right[rows].astype(np.float64),
        MARKET.life_years[rows],
        WORLD.view.vol[rows],
        0.0,
        SET.number("coin.BTC.price_scan") * forward,
        SET.number("coin.BTC.vol_scan"),
        Scan(points_of(SET), "forward", SET.number("scan.look_ahead_days") / 365.0),
    )
    ours = -terms().tables.pnl[rows][:, :16] / 0.9995
    assert np.abs(ours - made).max() <= 1e-7


def test_deltas_are_composite_or_plain() -> None:
    k = next(k for k, i in enumerate(MARKET.part.items) if i.native_id == "ETH_ETH-89-1900-C")
    item, psr = MARKET.part.items[k], SET.number("coin.ETH.price_scan")
    forward, vol = float(MARKET.forward_of[k]), float(WORLD.view.vol[k])
    years = (item.expiry_ms - AS_OF_MS) / YEAR_MS - 2 / 365
    mean, h = 0.0, 1e-3
    for move, weight in COMPOSITE:
        base = forward * (1.0 + move * psr)
        ends = [black(1, base + x, item.strike, vol, years) for x in (h, -h)]
        mean += weight * (ends[0] - ends[1]) / (2.0 * h)
    assert terms().tables.delta[k] == pytest.approx(mean, abs=1e-6)
    plain = terms(overlay(SET, {"delta.kind": "plain"}, "test"))
    assert plain.tables.delta.tolist() == MARKET.delta.tolist()


def test_periods_and_tiers() -> None:
    """What has no expiry is one period, the first; inverse and linear expiries are one."""
    found = terms()
    btc = found.periods[0]
    assert btc[0] == UNDATED
    assert len(btc) == 1 + len({i.expiry_ms for i in MARKET.part.items if MARKET.part.expiry[
        MARKET.part.items.index(i)] >= 0 and i.underlying == "BTC"})  # fmt: skip
    tiers = found.commodities[0].intra_tiers
    edge = AS_OF_MS + 7 * DAY_MS
    assert tiers[0].holds(UNDATED)
    assert [tiers[k].holds(f"{edge:015d}") for k in range(4)] == [True, False, False, False]
    assert [tiers[k].holds(f"{edge + 1:015d}") for k in range(4)] == [False, True, False, False]
    assert tiers[3].holds(f"{edge + 1000 * DAY_MS:015d}")


def test_spreads_are_in_rising_order_of_rate_and_cover_every_pair() -> None:
    for commodity in terms().commodities:
        rates = [spread.rate for spread in commodity.spreads]
        assert rates == sorted(rates)
        pairs = {tuple(leg.tier for leg in spread.legs) for spread in commodity.spreads}
        assert pairs == {(a, b) for a in range(1, 5) for b in range(a, 5)}


def test_money_is_of_no_commodity_and_every_contract_is_of_its_coin() -> None:
    found = terms().tables
    for k, item in enumerate(MARKET.part.items):
        coin = item.underlying if item.underlying in SPOT else ""
        expected = coins_of(SET).index(coin) if coin else -1
        assert found.commodity[k] == expected
        assert bool(found.som_unit[k] > 0.0) is (item.kind == Kind.OPTION)
