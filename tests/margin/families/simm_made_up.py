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


class _Table:
    """Rows under way: every number drawn at random inside its bounds."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.rows: list[Row] = []

    def put(self, risk: str, block: str, item: str, value: object, *rest: str) -> None:
        days, bucket, first, second = (*rest, "", "", "", "")[:4]
        self.rows.append((VERSION, risk, block, item, days, bucket, first, second, str(value)))

    def draw(self, low: float, high: float) -> float:
        return round(float(self.rng.uniform(low, high)), 4)

    def weight(self, risk: str, item: str, low: float, high: float, *rest: str) -> None:
        self.put(risk, "RiskWeights", item, self.draw(low, high), *rest)

    def limit(self, risk: str, item: str, bucket: str = "") -> None:
        self.put(risk, "ConcentrationThresholds", item, self.draw(0.5, 3.0), "", bucket)

    def rho(self, risk: str, item: str, low: float, high: float, *rest: str) -> None:
        self.put(risk, "Correlations", item, self.draw(low, high), "", *rest)

    def matrix(
        self, risk: str, block: str, item: str, names: tuple[str, ...], at: str = ""
    ) -> None:
        for i, first in enumerate(names):
            for second in names[:i]:
                value = self.draw(0.05, 0.6)
                self.put(risk, block, item, value, "", at, first, second)
                self.put(risk, block, item, value, "", at, second, first)


def rows(seed: int = 7) -> list[Row]:
    """Every number that some book could need."""
    table = _Table(seed)
    for days in ("10", "1"):
        _weights(table, days)
    _currencies(table)
    for item in ("SubCurves", "Inflation", "XCcyBasis", "Outer"):
        table.rho("InterestRate", item, 0.1, 0.9)
    table.rho("FX", "Volatility", 0.2, 0.7)
    table.rho("CreditQualifying", "BaseCorrelation", 0.1, 0.5)
    table.matrix("InterestRate", "Correlations", "IntraBucket", TENORS)
    for home in ("1", "2"):
        table.matrix("FX", "Correlations", "IntraBucket", ("1", "2"), home)
        for group in ("1", "2"):
            table.rho("FX", "IntraBucket", 0.2, 0.6, home, group, group)
    for risk, kind in _GROUPED.items():
        _grouped(table, risk, buckets_of(kind))
    table.matrix("RiskClass", "Correlation", "", RISK_CLASSES)
    return table.rows


def _weights(table: _Table, days: str) -> None:
    for group in ("1", "2", "3"):
        for tenor in TENORS:
            table.weight("InterestRate", "Delta", 10, 90, days, group, tenor)
    for risk in ("InterestRate", "Commodity", "FX", "CreditQualifying", "CreditNonQualifying"):
        table.weight(risk, "Vega", 0.1, 0.6, days)
    for risk in ("InterestRate", "Equity", "Commodity", "FX"):
        table.weight(risk, "HistoricalVolatilityRatio", 0.5, 0.9, days)
    for item in ("Inflation", "XCcyBasis"):
        table.weight("InterestRate", item, 10, 60, days)
    for risk, kind in _GROUPED.items():
        for bucket in buckets_of(kind):
            table.weight(risk, "Delta", 10, 60, days, bucket)
            if risk == "Equity":
                table.weight(risk, "Vega", 0.1, 0.9, days, bucket)
    table.weight("CreditQualifying", "BaseCorrelation", 5, 10, days)
    for first in ("1", "2"):
        for second in ("1", "2"):
            table.weight("FX", "Delta", 5, 20, days, "", first, second)


def _currencies(table: _Table) -> None:
    for currency, group in (("JPY", "2"), ("USD", "1"), ("Other", "3")):
        table.put("InterestRate", "RiskWeights", "CurrencyLists", currency, "", group)
    for currency, group in (("BRL", "1"), ("Other", "2")):
        table.put("FX", "RiskWeights", "CurrencyLists", currency, "", group)
    for risk in ("InterestRate", "FX"):
        for currency, group in (("USD", "1"), ("EUR", "2"), ("Other", "3")):
            table.put(risk, "ConcentrationThresholds", "CurrencyLists", currency, "", group)
        for group in ("1", "2", "3"):
            table.limit(risk, "Delta", group)
    for group in ("1", "2", "3"):
        table.limit("InterestRate", "Vega", group)
    for pair in map(str, range(1, 7)):
        table.limit("FX", "Vega", pair)


def _grouped(table: _Table, risk: str, buckets: tuple[str, ...]) -> None:
    plain = tuple(bucket for bucket in buckets if bucket != "Residual")
    table.matrix(risk, "Correlations", "InterBucket", plain)
    credit = risk.startswith("Credit")
    for bucket in buckets:
        table.limit(risk, "Delta", bucket)
        if not credit:
            table.limit(risk, "Vega", bucket)
            table.rho(risk, "IntraBucket", 0.1, 0.6, bucket)
    if credit:
        table.limit(risk, "Vega")
        for where in ("aggregate", "residual"):
            table.rho(risk, "IntraBucket", 0.5, 0.9, "", where, "same")
            table.rho(risk, "IntraBucket", 0.1, 0.5, "", where, "different")


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
