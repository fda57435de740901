from __future__ import annotations

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest

from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.market.view import View
from crossmargin.scenarios import risk_array
from crossmargin.scenarios.risk_array import RiskArray, price
from crossmargin.scenarios.sets import ScenarioSet
from tests.oracle.black import price as black
from tests.scenarios.test_sets import two_scenarios
from tests.vectors.building import Dated, Facts, Quote, asset, delta_one, option, view_of

AS_OF_MS = 1_740_000_000_000
QUARTER_MS = 365 * 86_400_000 // 4
EXPIRY_MS = AS_OF_MS + QUARTER_MS
VOL = 0.8


def market(*items: Instrument, settled: float = 0.0, vol: float = VOL) -> tuple[Instruments, View]:
    """Forward 100 in a quarter of a year; every delta-one mark 50."""
    table = Instruments.of(items)
    quotes = {
        item.native_id: Quote(mark=0.0 if item.kind == Kind.OPTION else 50.0, vol=vol)
        for item in items
    }
    facts = Facts(
        as_of_ms=AS_OF_MS,
        index={("BTC", "USD"): 50.0},
        usd={"BTC": 50.0, "USD": 1.0},
        dated={EXPIRY_MS: Dated(100.0 - settled, QUARTER_MS, settled)},
        quotes=quotes,
    )
    return table, view_of(table, facts)


def call(name: str = "C", strike: float = 100.0, **more: object) -> Instrument:
    return option("v", name, 1, strike, EXPIRY_MS, underlying="BTC", **more)  # type: ignore[arg-type] # keyword terms


def priced(item: Instrument, **more: float) -> RiskArray:
    table, view = market(item)
    return price(table, view, scenarios_of(table), view.mark, **more)  # type: ignore[arg-type] # scale only


def scenarios_of(table: Instruments) -> ScenarioSet:
    """The two scenarios, without an expiry row where nothing is dated."""
    both = two_scenarios()
    if table.expiries:
        return both
    empty = np.zeros((0, 2))
    return replace(
        both,
        forward=empty,
        vol_factor=empty,
        vol_shift=empty,
        vol_floor=empty,
        discount=np.zeros(0),
        root_years=np.zeros(0),
    )


def test_linear_delta_one() -> None:
    """2 coins a unit at 50: 10 % up is 2 x 50 x 0.1 = 10."""
    item = replace(delta_one("v", "P", underlying="BTC"), multiplier=2.0)
    found = priced(item)
    assert found.count == 2
    assert found.scenario_pnl().tolist() == [[0.0, pytest.approx(10.0, rel=1e-15)]]
    assert found.value.tolist() == [0.0]


def test_inverse_delta_one() -> None:
    """10 dollars a unit at 50 are 0.2 coins: 10 % up earns 0.2 (1 - 1 / 1.1) coins."""
    item = delta_one("v", "P", underlying="BTC", settle="BTC", inverse=True)
    found = priced(replace(item, multiplier=10.0))
    assert found.scenario_pnl().tolist() == [[0.0, pytest.approx(0.2 / 11.0, rel=1e-14)]]


def test_linear_option() -> None:
    """sqrt(T) = 0.5, vol 0.8: standard deviation 0.4 before and 0.6 after."""
    found = priced(call())
    before, after = black(1, 100.0, 100.0, 0.8, 0.25), black(1, 110.0, 100.0, 1.2, 0.25)
    assert found.value.tolist() == pytest.approx([before], rel=1e-13)
    assert found.scenario_pnl()[0].tolist() == [0.0, pytest.approx(after - before, rel=1e-12)]
    # At the money the value is F (2 N(sd / 2) - 1) = 100 (2 N(0.2) - 1).
    assert before == pytest.approx(15.851941887820608, rel=1e-12)


def test_inverse_option_is_counted_in_coin() -> None:
    """``V' / F' - V / F`` and the value ``V / F``, times the multiplier."""
    item = replace(call(settle="BTC", inverse=True), multiplier=0.1)
    found = priced(item)
    before, after = black(1, 100.0, 100.0, 0.8, 0.25), black(1, 110.0, 100.0, 1.2, 0.25)
    assert found.value.tolist() == pytest.approx([0.1 * before / 100.0], rel=1e-13)
    gain = 0.1 * (after / 110.0 - before / 100.0)
    assert found.scenario_pnl()[0].tolist() == [0.0, pytest.approx(gain, rel=1e-12)]


def test_the_zero_shock_is_zero_to_the_bit() -> None:
    for strike in (1.0, 37.0, 100.0, 101.0, 1e6):
        for right in (1, -1):
            item = option("v", "X", right, strike, EXPIRY_MS, underlying="BTC")
            assert priced(item).pnl[0, 0] == 0.0


def test_an_asset_carries_no_price_risk_of_its_own() -> None:
    assert priced(asset("v", "BTC")).pnl.tolist() == [[0.0] * 8]


def test_what_is_not_ok_is_left_at_zero() -> None:
    table, view = market(call(), delta_one("v", "P", underlying="BTC"))
    blind = replace(view, ok=np.zeros(2, np.bool_))
    found = price(table, blind, two_scenarios(), view.mark)
    assert not found.pnl.any()
    assert not found.value.any()


def test_padding_repeats_the_first_scenario_and_the_array_is_read_only() -> None:
    table, view = market(delta_one("v", "P", underlying="BTC"), call())
    swapped = replace(
        two_scenarios(),
        spot=np.array([[1.1, 1.0]]),
        forward=np.array([[110.0, 100.0]]),
        vol_factor=np.array([[0.75, 0.5]]),
    )
    found = price(table, view, swapped, view.mark)
    assert found.pnl.shape == (2, 8)
    assert (found.pnl[:, 2:] == found.pnl[:, :1]).all()
    assert not found.pnl.flags.writeable
    assert not found.value.flags.writeable


def test_the_base_counts_the_settled_part_of_the_forward() -> None:
    """Free 60 and fixed 40 are worth what a forward of 100 is worth."""
    table, view = market(call(), settled=40.0)
    found = price(table, view, two_scenarios(), view.mark)
    assert found.value.tolist() == pytest.approx([black(1, 100.0, 100.0, 0.8, 0.25)], rel=1e-13)


def test_discount_and_floor_and_strike_factor() -> None:
    """w = max(floor, vol factor + shift) x strike factor, value = discount x Black."""
    table, view = market(call(), vol=0.2)
    tables = replace(
        two_scenarios(),
        discount=np.array([0.9]),
        vol_floor=np.array([[0.0, 0.5]]),
        vol_shift=np.array([[0.0, 0.1]]),
        strike_factor=np.array([[1.0, 0.5]]),
    )
    found = price(table, view, tables, view.mark)
    # 0.2 x 0.75 + 0.1 = 0.25 is under the floor of 0.5; halved it is 0.25.
    after = 0.9 * black(1, 110.0, 100.0, 0.25, 1.0)
    before = 0.9 * black(1, 100.0, 100.0, 0.2 * sqrt(0.25), 1.0)
    assert found.pnl[0, 1] == pytest.approx(after - before, rel=1e-12)


def test_a_scale_of_options_leaves_futures_alone() -> None:
    table, view = market(delta_one("v", "P", underlying="BTC"), call())
    plain = price(table, view, two_scenarios(), view.mark)
    damped = price(table, view, two_scenarios(), view.mark, np.array([1.0, 0.25]))
    future = int(np.flatnonzero(table.kind == Kind.PERPETUAL)[0])
    assert damped.pnl[future].tolist() == plain.pnl[future].tolist()
    assert damped.pnl[1 - future, 1] == pytest.approx(0.25 * plain.pnl[1 - future, 1], rel=1e-15)


def test_too_large_an_array_is_refused_with_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    table, view = market(call())
    monkeypatch.setattr(risk_array, "BYTES_MAX", 63)
    with pytest.raises(ModelError) as caught:
        price(table, view, two_scenarios(), view.mark)
    assert caught.value.code == "size_too_large"
    assert "1 instruments x 8 scenarios" in str(caught.value.value)


def test_a_price_that_explodes_is_a_named_error() -> None:
    """A move of -100 % makes an inverse contract's P&L infinite: an error, not a number."""
    item = delta_one("v", "P", underlying="BTC", settle="BTC", inverse=True)
    table, view = market(item)
    crash = replace(scenarios_of(table), spot=np.array([[1.0, 0.0]]))
    with np.errstate(divide="ignore"), pytest.raises(ModelError) as caught:
        price(table, view, crash, view.mark)
    assert caught.value.code == "number_not_finite"
    assert caught.value.place == "v P"
