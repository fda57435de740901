"""SA-CCR: Basel's worked examples, limits of delta and factors, properties, what is refused.

The examples are those of BCBS 279, Annex 4a, whose totals are 569, 381, 936 and 1,879 (thousands);
their trades are given here as recalled, and meet those totals.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.errors import InputError
from crossmargin.margin.families.exposure_at_default import (
    FAMILIES,
    SECTORS,
    MarginTerms,
    Trade,
    add_ons,
    exposure,
    factors_of,
    margined_factor,
    multiplier,
    option_delta,
    replacement_cost,
    supervisory_duration,
    tranche_delta,
    unmargined_factor,
)
from crossmargin.margin.parameter_files import available

FACTORS = factors_of(available("sa-ccr")[0])
SWAPTION_DELTA = option_delta(-1, True, 0.06, 0.05, FACTORS["rates"].option_vol, 1.0)


def rates(currency: str, notional: float, end: float, delta: float, start: float = 0.0) -> Trade:
    d = notional * supervisory_duration(start, end)
    return Trade("rates", "rates", currency, d, delta, 1.0, end)


def interest() -> list[Trade]:
    """A received and a paid swap in dollars, a bought option to pay in euro."""
    return [
        rates("USD", 10_000.0, 10.0, 1.0),
        rates("USD", 10_000.0, 4.0, -1.0),
        rates("EUR", 5_000.0, 11.0, SWAPTION_DELTA, 1.0),
    ]


def credit() -> list[Trade]:
    def one(sector: str, entity: str, end: float, delta: float) -> Trade:
        d = 10_000.0 * supervisory_duration(0.0, end)
        return Trade("credit", sector, "credit", d, delta, 1.0, end, entity)

    return [
        one("credit_aa", "A", 3.0, 1.0),
        one("credit_bbb", "B", 6.0, -1.0),
        one("credit_index_ig", "index", 5.0, 1.0),
    ]


def commodities() -> list[Trade]:
    def one(group: str, kind: str, notional: float, delta: float, years: float) -> Trade:
        factor = unmargined_factor(years)
        return Trade("commodity", "commodity_other", group, notional, delta, factor, years, kind)

    return [
        one("energy", "oil", 10_000.0, 1.0, 0.75),
        one("energy", "oil", 20_000.0, -1.0, 2.0),
        one("metals", "silver", 10_000.0, 1.0, 5.0),
    ]


# ---------------------------------------------------------------- worked examples


def test_example_1_interest() -> None:
    found = exposure(60.0, 0.0, interest(), FACTORS)
    assert round(found.ead) == 569
    assert round(found.add_on) == 347
    assert round(SWAPTION_DELTA, 2) == -0.27


def test_example_2_credit() -> None:
    found = exposure(-20.0, 0.0, credit(), FACTORS)
    assert round(found.ead) == 381
    assert round(found.multiplier, 3) == 0.965


def test_example_4_interest_and_credit() -> None:
    found = exposure(40.0, 0.0, [*interest(), *credit()], FACTORS)
    assert round(found.ead) == 936


def test_example_5_interest_and_commodities_with_margin() -> None:
    factor = margined_factor(14.0)
    trades = [replace(t, maturity_factor=factor) for t in (*interest(), *commodities())]
    terms = MarginTerms(0.0, 5.0, 150.0)
    found = exposure(80.0, 200.0, trades, FACTORS, terms=terms)
    assert round(found.ead) == 1_879
    assert round(found.multiplier, 3) == 0.958
    assert found.replacement_cost == 0.0


def test_bands_of_maturity_by_hand() -> None:
    ends = (1.0, 3.0, 5.0, 5.5)  # the first in the first band, the last in the third
    trades = [
        Trade("rates", "rates", "USD", 100.0 * (k + 1), 1.0, 1.0, e) for k, e in enumerate(ends)
    ]
    a, b, c = 100.0, 500.0, 400.0
    square = a * a + b * b + c * c + 1.4 * a * b + 1.4 * b * c + 0.6 * a * c
    assert add_ons(trades, FACTORS)["rates", "USD"] == pytest.approx(0.005 * math.sqrt(square))
    pair = [Trade("fx", "fx", "EUR/USD", 100.0, side, 0.5) for side in (1.0, -0.25)]
    assert add_ons(pair, FACTORS)["fx", "EUR/USD"] == pytest.approx(0.04 * 37.5)


def test_commodities_by_hand() -> None:
    found = add_ons(commodities(), FACTORS)
    energy = 0.18 * abs(10_000.0 * math.sqrt(0.75) - 20_000.0)
    # One type in a set: rho^2 A^2 + (1 - rho^2) A^2 is A^2.
    assert found["commodity", "energy"] == pytest.approx(energy)
    assert found["commodity", "metals"] == pytest.approx(1_800.0)
    gas = replace(commodities()[1], entity="gas")
    two = add_ons([commodities()[0], gas], FACTORS)["commodity", "energy"]
    a, b = 1_800.0 * math.sqrt(0.75), -3_600.0
    assert two == pytest.approx(math.sqrt((0.4 * (a + b)) ** 2 + (1 - 0.16) * (a * a + b * b)))


def test_coins_net_inside_a_coin_alone() -> None:
    btc = Trade("crypto", "crypto", "BTC", 1_000.0, 1.0, 1.0)
    found = exposure(
        0.0,
        0.0,
        [btc, replace(btc, delta=-1.0, adjusted_notional=400.0), replace(btc, hedging_set="ETH")],
        FACTORS,
    )
    assert found.add_ons == {("crypto", "BTC"): 192.0, ("crypto", "ETH"): 320.0}
    assert found.ead == pytest.approx(1.4 * 512.0)


# ---------------------------------------------------------------- pieces


def test_delta_at_its_limits() -> None:
    assert option_delta(1, True, 100.0, 100.0, 1.2, 0.0) == 0.5
    assert option_delta(1, True, 101.0, 100.0, 1.2, 0.0) == 1.0
    assert option_delta(-1, True, 101.0, 100.0, 1.2, 0.0) == 0.0
    assert option_delta(1, False, 1e6, 1.0, 1.2, 0.1) == pytest.approx(-1.0)
    d = (math.log(90 / 100) + 0.5 * 1.44 * 0.5) / (1.2 * math.sqrt(0.5))
    up = 0.5 * math.erfc(-d / math.sqrt(2))
    assert option_delta(1, True, 90.0, 100.0, 1.2, 0.5) == pytest.approx(up)
    assert option_delta(-1, True, 90.0, 100.0, 1.2, 0.5) == pytest.approx(up - 1.0)


def test_factors_of_time() -> None:
    assert unmargined_factor(5.0) == 1.0
    assert unmargined_factor(0.25) == 0.5
    assert unmargined_factor(0.0) == pytest.approx(math.sqrt(10 / 250))
    assert margined_factor(10.0) == pytest.approx(0.3)
    assert supervisory_duration(0.0, 10.0) == pytest.approx((1 - math.exp(-0.5)) / 0.05)
    ten_days = supervisory_duration(0.0, 10 / 250)
    assert supervisory_duration(0.0, 0.0) == ten_days > 0.0
    assert tranche_delta(True, 0.0, 0.03) == pytest.approx(15 / 1.42)
    assert tranche_delta(False, 0.03, 0.07) < 0.0


def test_replacement_cost_of_margined_sets() -> None:
    terms = MarginTerms(10.0, 5.0, 3.0)
    assert replacement_cost(2.0, 0.0, terms) == 12.0
    assert replacement_cost(20.0, 1.0, terms) == 19.0
    assert replacement_cost(2.0, 50.0, MarginTerms(0.0, 0.0, 9.0)) == 0.0
    assert replacement_cost(-5.0, 0.0) == 0.0


@given(st.floats(-1e9, 1e9), st.floats(0.0, 1e9), st.floats(0.0, 1e9))
def test_what_can_be_owed_more_exposes_more(value: float, add_on: float, more: float) -> None:
    def pfe(v: float, a: float) -> float:
        return float(multiplier(np.array([v]), np.array([a]), 0.05)[0]) * a

    slack = 1e-9 * (1.0 + add_on + more)
    assert 0.0 <= pfe(value, add_on) <= add_on + slack
    assert pfe(value, add_on) <= pfe(value + more, add_on) + slack
    assert pfe(value, add_on) <= pfe(value, add_on + more) + slack


def test_every_family_has_its_sectors() -> None:
    assert set(FACTORS) == set(SECTORS)
    for name in FAMILIES:
        assert any(sector.startswith(name) for sector in SECTORS), name


GOOD = Trade("rates", "rates", "USD", 1.0, 1.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"asset_class": "weather"}, "option_unknown"),
        ({"sector": "rain"}, "option_unknown"),
        ({"adjusted_notional": -1.0}, "number_out_of_range"),
        ({"adjusted_notional": math.nan}, "number_not_finite"),
        ({"delta": 1.5}, "number_out_of_range"),
        ({"delta": math.inf}, "number_not_finite"),
        ({"maturity_factor": -0.1}, "number_out_of_range"),
        ({"end_years": -1.0}, "number_out_of_range"),
    ],
)
def test_a_trade_is_refused(changed: dict[str, Any], code: str) -> None:
    with pytest.raises(InputError) as caught:
        add_ons([replace(GOOD, **changed)], FACTORS)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("right", "price", "strike", "vol", "years", "code"),
    [
        (0, 1.0, 1.0, 1.0, 1.0, "option_unknown"),
        (1, 0.0, 1.0, 1.0, 1.0, "number_out_of_range"),
        (1, 1.0, -1.0, 1.0, 1.0, "number_out_of_range"),
        (1, 1.0, 1.0, 0.0, 1.0, "number_out_of_range"),
        (1, 1.0, 1.0, 1.0, -1.0, "number_out_of_range"),
        (1, math.nan, 1.0, 1.0, 1.0, "number_not_finite"),
    ],
)
def test_an_option_is_refused(
    right: int, price: float, strike: float, vol: float, years: float, code: str
) -> None:
    with pytest.raises(InputError) as caught:
        option_delta(right, True, price, strike, vol, years)
    assert caught.value.code == code


def test_times_and_terms_are_refused() -> None:
    for call in (
        lambda: supervisory_duration(2.0, 1.0),
        lambda: supervisory_duration(-1.0, 1.0),
        lambda: unmargined_factor(-0.1),
        lambda: margined_factor(-1.0),
        lambda: tranche_delta(True, 0.5, 0.4),
        lambda: replacement_cost(0.0, 0.0, MarginTerms(-1.0)),
    ):
        with pytest.raises(InputError) as caught:
            call()
        assert caught.value.code == "number_out_of_range"
