"""A whole parameter set of made-up numbers, and random lines for it: nobody's, but complete."""

from __future__ import annotations

import numpy as np

from crossmargin.instruments.factors import (
    CREDIT_TENORS,
    CURVES,
    RISK_CLASSES,
    RISK_TYPES,
    TENORS,
    Factor,
    buckets_of,
)
from crossmargin.margin.families.sensitivity_parameters import Row

VERSION = "made up"
_GROUPED = {
    "CreditQualifying": "Risk_CreditQ",
    "CreditNonQualifying": "Risk_CreditNonQ",
    "Equity": "Risk_Equity",
    "Commodity": "Risk_Commodity",
}
CURRENCIES = ("USD", "EUR", "JPY", "BRL", "TRY", "XAU")


def rows(seed: int = 7) -> list[Row]:
    """Every number that some book could need, drawn at random inside its bounds."""
    rng = np.random.default_rng(seed)
    out: list[Row] = []

    def put(risk: str, block: str, item: str, value: object, *rest: str) -> None:
        days, bucket, first, second = (*rest, "", "", "", "")[:4]
        out.append((VERSION, risk, block, item, days, bucket, first, second, str(value)))

    def draw(low: float, high: float) -> float:
        return round(float(rng.uniform(low, high)), 4)

    def matrix(risk: str, block: str, item: str, names: tuple[str, ...], bucket: str = "") -> None:
        for i, first in enumerate(names):
            for second in names[:i]:
                value = draw(0.05, 0.6)
                put(risk, block, item, value, "", bucket, first, second)
                put(risk, block, item, value, "", bucket, second, first)

    for days in ("10", "1"):
        for group in ("1", "2", "3"):
            for tenor in TENORS:
                put("InterestRate", "RiskWeights", "Delta", draw(10, 90), days, group, tenor)
        for risk in ("InterestRate", "Commodity", "FX"):
            put(risk, "RiskWeights", "Vega", draw(0.1, 0.6), days)
        for risk in ("InterestRate", "Equity", "Commodity", "FX"):
            put(risk, "RiskWeights", "HistoricalVolatilityRatio", draw(0.5, 0.9), days)
        for item in ("Inflation", "XCcyBasis"):
            put("InterestRate", "RiskWeights", item, draw(10, 60), days)
        for risk, kind in _GROUPED.items():
            for bucket in buckets_of(kind):
                put(risk, "RiskWeights", "Delta", draw(10, 60), days, bucket)
                if risk == "Equity":
                    put(risk, "RiskWeights", "Vega", draw(0.1, 0.9), days, bucket)
        for risk in ("CreditQualifying", "CreditNonQualifying"):
            put(risk, "RiskWeights", "Vega", draw(0.1, 0.9), days)
        put("CreditQualifying", "RiskWeights", "BaseCorrelation", draw(5, 10), days)
        for first in ("1", "2"):
            for second in ("1", "2"):
                put("FX", "RiskWeights", "Delta", draw(5, 20), days, "", first, second)
    put("InterestRate", "RiskWeights", "CurrencyLists", "JPY", "", "2")
    put("InterestRate", "RiskWeights", "CurrencyLists", "USD", "", "1")
    put("InterestRate", "RiskWeights", "CurrencyLists", "Other", "", "3")
    put("FX", "RiskWeights", "CurrencyLists", "BRL", "", "1")
    put("FX", "RiskWeights", "CurrencyLists", "Other", "", "2")
    for risk in ("InterestRate", "FX"):
        put(risk, "ConcentrationThresholds", "CurrencyLists", "USD", "", "1")
        put(risk, "ConcentrationThresholds", "CurrencyLists", "EUR", "", "2")
        put(risk, "ConcentrationThresholds", "CurrencyLists", "Other", "", "3")
        for group in ("1", "2", "3"):
            put(risk, "ConcentrationThresholds", "Delta", draw(0.5, 3), "", group)
    for group in ("1", "2", "3"):
        put("InterestRate", "ConcentrationThresholds", "Vega", draw(0.5, 3), "", group)
    for pair in map(str, range(1, 7)):
        put("FX", "ConcentrationThresholds", "Vega", draw(0.5, 3), "", pair)
    for item in ("SubCurves", "Inflation", "XCcyBasis", "Outer"):
        put("InterestRate", "Correlations", item, draw(0.1, 0.9))
    put("FX", "Correlations", "Volatility", draw(0.2, 0.7))
    put("CreditQualifying", "Correlations", "BaseCorrelation", draw(0.1, 0.5))
    matrix("InterestRate", "Correlations", "IntraBucket", TENORS)
    for home in ("1", "2"):
        matrix("FX", "Correlations", "IntraBucket", ("1", "2"), home)
        for group in ("1", "2"):
            put("FX", "Correlations", "IntraBucket", draw(0.2, 0.6), "", home, group, group)
    for risk, kind in _GROUPED.items():
        buckets = buckets_of(kind)
        matrix(risk, "Correlations", "InterBucket", tuple(b for b in buckets if b != "Residual"))
        for bucket in buckets:
            put(risk, "ConcentrationThresholds", "Delta", draw(0.5, 3), "", bucket)
            if risk.startswith("Credit"):
                continue
            put(risk, "ConcentrationThresholds", "Vega", draw(0.5, 3), "", bucket)
            put(risk, "Correlations", "IntraBucket", draw(0.1, 0.6), "", bucket)
        if risk.startswith("Credit"):
            put(risk, "ConcentrationThresholds", "Vega", draw(0.5, 3))
            for where in ("aggregate", "residual"):
                put(risk, "Correlations", "IntraBucket", draw(0.5, 0.9), "", "", where, "same")
                put(risk, "Correlations", "IntraBucket", draw(0.1, 0.5), "", "", where, "different")
    matrix("RiskClass", "Correlation", "", RISK_CLASSES)
    return out


def random_factor(rng: np.random.Generator) -> Factor:
    """A factor of any risk type, with few names so that some meet."""

    def pick(choices: tuple[str, ...]) -> str:
        return choices[int(rng.integers(len(choices)))]

    kind = pick(tuple(RISK_TYPES))
    pc = pick(("RatesFX", "Credit"))
    if kind.startswith(("Risk_IR", "Risk_Infl", "Risk_XC")):
        tenor = pick(TENORS) if kind in ("Risk_IRCurve", "Risk_IRVol", "Risk_InflationVol") else ""
        curve = pick(CURVES[:3]) if kind == "Risk_IRCurve" else ""
        return Factor(pc, kind, pick(CURRENCIES), "", tenor, curve)
    if kind == "Risk_FX":
        return Factor(pc, kind, pick(CURRENCIES))
    if kind == "Risk_FXVol":
        return Factor(pc, kind, pick(CURRENCIES[:3]) + pick(CURRENCIES[3:]), "", pick(TENORS))
    if kind == "Risk_BaseCorr":
        return Factor(pc, kind, pick(("IG", "HY")))
    bucket, name = pick(buckets_of(kind)[-4:]), pick(("one", "two", "three"))
    if "Credit" in kind:
        return Factor(pc, kind, name, bucket, pick(CREDIT_TENORS), pick(("EUR", "USD")))
    return Factor(pc, kind, name, bucket, pick(TENORS) if kind.endswith("Vol") else "")
