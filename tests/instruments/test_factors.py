"""Names of risk factors: both ways, and what no file may name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.errors import InputError
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.instruments.factors import (
    RISK_TYPES,
    TENOR_DAYS,
    Factor,
    buckets_of,
    checked,
    factor_of,
    instrument_of,
)

GOOD = [
    Factor("RatesFX", "Risk_IRCurve", "USD", "1", "2w", "OIS"),
    Factor("RatesFX", "Risk_Inflation", "CHF"),
    Factor("Credit", "Risk_CreditQ", "ISIN:X|Y%", "Residual", "5y", "EUR"),
    Factor("Credit", "Risk_BaseCorr", "CDX IG"),
    Factor("Equity", "Risk_EquityVol", "SPX", "11", "20y"),
    Factor("Commodity", "Risk_Commodity", "BTC", "16"),
    Factor("RatesFX", "Risk_FXVol", "EURQAR", "", "3m"),
    Factor("", "Param_ProductClassMultiplier", "Credit"),
    Factor("", "Notional", "Product A"),
]
BAD = [
    (Factor("RatesFX", "Risk_Weather", "USD"), "option_unknown", "Risk_Weather"),
    (Factor("Rates", "Risk_FX", "EUR"), "option_unknown", "Rates"),
    (Factor("RatesFX", "Risk_FX", ""), "column_missing", None),
    (Factor("RatesFX", "Risk_FX", "EURO"), "currency_unknown", "EURO"),
    (Factor("RatesFX", "Risk_FX", "eur"), "currency_unknown", "eur"),
    (Factor("RatesFX", "Risk_FXVol", "EUR", "", "1y"), "currency_unknown", "EUR"),
    (Factor("RatesFX", "Risk_IRCurve", "USD", "1", "4y", "OIS"), "option_unknown", "4y"),
    (Factor("RatesFX", "Risk_IRCurve", "USD", "1", "2y", "SOFR?"), "option_unknown", "SOFR?"),
    (Factor("Credit", "Risk_CreditQ", "X", "13", "5y"), "option_unknown", "13"),
    (Factor("Credit", "Risk_CreditQ", "X", "1", "30y"), "option_unknown", "30y"),
    (Factor("Commodity", "Risk_Commodity", "BTC", "18"), "option_unknown", "18"),
    (Factor("Commodity", "Risk_CommodityVol", "BTC", "16", ""), "option_unknown", ""),
    (Factor("", "Param_ProductClassMultiplier", "Crypto"), "option_unknown", "Crypto"),
    (Factor("", "Notional", ""), "column_missing", None),
]


@pytest.mark.parametrize("factor", GOOD, ids=lambda f: f.risk_type)
def test_good_factors_make_a_round_trip(factor: Factor) -> None:
    item = instrument_of(checked(factor, "here"))
    assert item.kind is Kind.FACTOR
    assert factor_of(item.native_id) == factor
    assert factor.volatility == factor.risk_type.endswith("Vol")


@given(st.text(st.sampled_from("ab|%7C25 "), min_size=1, max_size=12))
def test_any_name_survives(name: str) -> None:
    factor = Factor("Equity", "Risk_Equity", name, "1")
    assert factor_of(factor.native_id) == factor


@pytest.mark.parametrize(("factor", "code", "value"), BAD)
def test_bad_factors_are_refused(factor: Factor, code: str, value: str | None) -> None:
    with pytest.raises(InputError) as caught:
        checked(factor, "file.csv:3")
    error = caught.value
    assert error.code == code
    assert error.place.startswith("file.csv:3")
    assert error.limit
    assert error.remedy
    assert value is None or repr(value) == error.value


def test_a_name_that_is_none() -> None:
    with pytest.raises(InputError, match="not the name of a risk factor"):
        factor_of("BTC-PERPETUAL")


def test_order_of_the_table_and_buckets() -> None:
    table = Instruments.of(instrument_of(factor) for factor in reversed(GOOD))
    names = [item.native_id for item in table.items]
    assert names == sorted(names)
    assert buckets_of("Risk_Equity")[-1] == "Residual"
    assert buckets_of("Risk_CommodityVol")[-1] == "17"
    assert buckets_of("Risk_FX") == buckets_of("Risk_BaseCorr") == buckets_of("Notional") == ()
    assert {f.risk_class for f in GOOD if f.risk_type in RISK_TYPES} >= {"FX", "Equity"}
    assert list(TENOR_DAYS.values()) == sorted(TENOR_DAYS.values())
