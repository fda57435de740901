"""Where lines enter: by hand from the formulas, number by number."""

from __future__ import annotations

import math

import pytest

from crossmargin.instruments.factors import TENORS, Factor
from crossmargin.margin.families.sensitivity_parameters import SensitivitySet, set_of
from crossmargin.margin.families.sensitivity_places import (
    BASIS,
    INFLATION,
    currency_codes,
    sites_of,
    spread_days,
)
from tests.margin.families.simm_made_up import VERSION, rows

Q99 = 2.3263478740408408


@pytest.fixture(scope="module")
def ten() -> SensitivitySet:
    return set_of(rows(), VERSION, 10, "made up")


def test_vega_has_two_places(ten: SensitivitySet) -> None:
    factor = Factor("Commodity", "Risk_CommodityVol", "BTC", "16", "3m")
    vega, curvature = sites_of(factor, ten, "USD")
    sigma = ten.weight("Commodity", "Delta", "16") * math.sqrt(365 / 14) / Q99
    ratio = ten.weight("Commodity", "HistoricalVolatilityRatio")
    assert vega.factor == pytest.approx(ratio * sigma, rel=1e-15)
    assert vega.weight == ten.weight("Commodity", "Vega")
    assert curvature.factor == pytest.approx(0.5 * 14 / (365 / 4) * sigma, rel=1e-15)
    assert (curvature.weight, curvature.concentration) == (1.0, "")
    (only,) = sites_of(Factor("Equity", "Risk_EquityVol", "VIX", "12", "1m"), ten, "USD")
    assert only.group == ("Equity", "Equity", "Vega")
    short = Factor("Commodity", "Risk_CommodityVol", "BTC", "16", "2w")
    assert sites_of(short, ten, "USD")[1].factor == pytest.approx(0.5 * sigma, rel=1e-15)


def test_one_day(ten: SensitivitySet) -> None:
    one = set_of(rows(), VERSION, 1, "made up")
    assert (spread_days(ten), spread_days(one)) == (14.0, 1.4)
    factor = Factor("RatesFX", "Risk_IRVol", "USD", "", "1m")
    assert sites_of(factor, one, "USD")[1].factor == pytest.approx(0.5 * 1.4 / (365 / 12))
    assert sites_of(factor, one, "USD")[0].threshold_usd == math.inf


def test_rates(ten: SensitivitySet) -> None:
    def site(kind: str, currency: str = "USD", *labels: str) -> tuple:
        (found,) = sites_of(Factor("RatesFX", kind, currency, "", *labels), ten, "USD")
        return found.code, found.concentration, found.weight, found.bucket

    weight = ten.weight("InterestRate", "Delta", "2", "5y")  # the list of weights decides the group
    assert site("Risk_IRCurve", "JPY", "5y", "OIS") == (TENORS.index("5y"), "JPY", weight, "JPY")
    assert site("Risk_Inflation")[:2] == (INFLATION, "USD")
    assert site("Risk_XCcyBasis")[:2] == (BASIS, "")


def test_currencies(ten: SensitivitySet) -> None:
    assert sites_of(Factor("RatesFX", "Risk_FX", "USD"), ten, "USD") == ()
    (dollar,) = sites_of(Factor("RatesFX", "Risk_FX", "USD"), ten, "BRL")
    assert dollar.weight == ten.weight("FX", "Delta", "", "1", "2")
    assert currency_codes(ten) == ["1", "2"]
    both = [
        sites_of(Factor("RatesFX", "Risk_FXVol", pair, "", "1y"), ten, "USD")
        for pair in ("EURUSD", "USDEUR")
    ]
    assert both[0] == both[1]
    assert both[0][0].threshold_usd == 1e6 * ten.number(
        "FX", "ConcentrationThresholds", "Vega", "2"
    )


def test_securitisations_are_alike_by_their_group(ten: SensitivitySet) -> None:
    (first,) = sites_of(Factor("Credit", "Risk_CreditNonQ", "A", "1", "1y", "CMBX"), ten, "USD")
    (second,) = sites_of(Factor("Credit", "Risk_CreditNonQ", "B", "1", "1y", "CMBX"), ten, "USD")
    assert first.entry[0] == second.entry[0] == "CMBX"
    assert first.concentration != second.concentration
