"""A whole set of numbers for the sensitivities model, drawn from a seed, as rows and as ORE's XML.

The numbers are nobody's calibration: they have the shape of one (every weight, correlation and
threshold that a rule asks for, matrices positive definite) and nothing else. Both sides read the
same set, so that what is compared is the aggregation and no licensed number is needed for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.etree import ElementTree

import numpy as np

from crossmargin.instruments.factors import RISK_CLASSES, TENORS, buckets_of
from crossmargin.margin.families.sensitivity_parameters import Row

__all__ = ["VERSION", "drawn_rows", "ore_calibration", "regrouped"]

VERSION = "drawn"
CURRENCIES = ("USD", "EUR", "GBP", "JPY", "CHF", "BRL", "TRY", "ZAR", "KRW", "MXN")
_GROUPED = {
    "CreditQualifying": "Risk_CreditQ",
    "CreditNonQualifying": "Risk_CreditNonQ",
    "Equity": "Risk_Equity",
    "Commodity": "Risk_Commodity",
}
_PER_ENTRY = {"RiskWeights": "Weight", "Correlations": "Correlation"}
_SINGLE = (
    "HistoricalVolatilityRatio",
    "Inflation",
    "XCcyBasis",
    "BaseCorrelation",
    "SubCurves",
    "Outer",
    "Volatility",
)


class _Draw:
    """Collects rows; every number has two or three digits."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.rows: list[Row] = []

    def put(
        self,
        risk_class: str,
        block: str,
        item: str,
        value: float | str,
        bucket: str = "",
        labels: Sequence[str] = ("", ""),
        days: str = "",
    ) -> None:
        text = value if isinstance(value, str) else f"{value:.3g}"
        label1, label2 = (*labels, "", "")[:2]
        self.rows.append((VERSION, risk_class, block, item, days, bucket, label1, label2, text))

    def between(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def horizons(
        self, risk_class: str, item: str, low: float, high: float, bucket: str = "",
        labels: Sequence[str] = ("", ""),
    ) -> None:  # fmt: skip
        """A weight of the ten-day model and a smaller one of the one-day model."""
        for days, share in (("10", 1.0), ("1", 0.3)):
            value = self.between(low, high) * share
            self.put(risk_class, "RiskWeights", item, value, bucket, labels, days)

    def ratio(self, risk_class: str) -> None:
        for days in ("10", "1"):
            value = self.between(0.4, 0.9)
            self.put(risk_class, "RiskWeights", "HistoricalVolatilityRatio", value, "", (), days)

    def matrix(self, risk_class: str, block: str, item: str, names: Sequence[str]) -> None:
        """Correlations of one common factor, some of them negative: positive definite."""
        load = self.rng.uniform(0.3, 0.9, len(names)) * np.where(
            self.rng.random(len(names)) < 0.15, -1.0, 1.0
        )
        for i, first in enumerate(names):
            for j, second in enumerate(names):
                if i != j:
                    value = round(float(load[i] * load[j]), 2)
                    self.put(risk_class, block, item, value, "", (first, second))

    def thresholds(
        self, risk_class: str, item: str, buckets: Iterable[str], low: float, high: float
    ) -> None:
        for bucket in buckets:
            value = self.between(low, high)
            self.put(risk_class, "ConcentrationThresholds", item, value, bucket)


def regrouped(rows: Sequence[Row], currency: str, group: str) -> tuple[Row, ...]:
    """The rows with one currency's rates in another group of volatility."""

    def moved(row: Row) -> Row:
        version, risk_class, block, item, days, bucket, label1, label2, value = row
        listed = (risk_class, block, item) == ("InterestRate", "RiskWeights", "CurrencyLists")
        at = group if listed and value == currency else bucket
        return version, risk_class, block, item, days, at, label1, label2, value

    return tuple(map(moved, rows))


def drawn_rows(seed: int) -> tuple[Row, ...]:
    """Every number of a set, both horizons; the same for the same seed."""
    draw = _Draw(seed)
    _rates(draw)
    _currencies(draw)
    for risk_class, risk_type in _GROUPED.items():
        _grouped(draw, risk_class, buckets_of(risk_type))
    draw.matrix("RiskClass", "Correlation", "", RISK_CLASSES)
    return tuple(draw.rows)


def _lists(draw: _Draw, risk_class: str, block: str, groups: dict[str, str]) -> None:
    for currency, group in groups.items():
        draw.put(risk_class, block, "CurrencyLists", currency, group)


def _rates(draw: _Draw) -> None:
    name = "InterestRate"
    for group, size in (("1", 60.0), ("2", 20.0), ("3", 110.0)):
        for tenor in TENORS:
            draw.horizons(name, "Delta", 0.7 * size, 1.3 * size, group, (tenor, ""))
    draw.horizons(name, "Vega", 0.15, 0.25)
    draw.horizons(name, "Inflation", 40.0, 70.0)
    draw.horizons(name, "XCcyBasis", 15.0, 25.0)
    draw.ratio(name)
    # The standard's own groups: ORE has them in its code and does not read them from the file.
    weights = {"USD": "1", "EUR": "1", "GBP": "1", "CHF": "1", "KRW": "1", "JPY": "2", "Other": "3"}
    _lists(draw, name, "RiskWeights", weights)
    draw.matrix(name, "Correlations", "IntraBucket", TENORS)
    for item, low, high in (
        ("SubCurves", 0.95, 0.99),
        ("Inflation", 0.3, 0.5),
        ("XCcyBasis", -0.05, 0.05),
        ("Outer", 0.2, 0.4),
    ):
        draw.put(name, "Correlations", item, draw.between(low, high))
    draw.thresholds(name, "Delta", "1234", 2.0, 20.0)
    draw.thresholds(name, "Vega", "1234", 20.0, 200.0)
    groups = {"Other": "1", "USD": "2", "EUR": "2", "CHF": "3", "KRW": "3", "JPY": "4"}
    _lists(draw, name, "ConcentrationThresholds", groups)


def _currencies(draw: _Draw) -> None:
    name = "FX"
    for days, share in (("10", 1.0), ("1", 0.3)):
        high, mixed, low = (draw.between(a, b) * share for a, b in ((25, 35), (15, 22), (6, 9)))
        for labels, value in (("11", high), ("12", mixed), ("21", mixed), ("22", low)):
            draw.put(name, "RiskWeights", "Delta", value, "", tuple(labels), days)
    draw.horizons(name, "Vega", 0.3, 0.5)
    draw.ratio(name)
    _lists(draw, name, "RiskWeights", {"BRL": "1", "TRY": "1", "Other": "2"})
    for group in "12":
        mixed = round(draw.between(0.1, 0.5), 2)
        high, low = (round(draw.between(0.5, 0.9), 2) for _ in range(2))
        for labels, value in (("11", high), ("12", mixed), ("21", mixed), ("22", low)):
            draw.put(name, "Correlations", "IntraBucket", value, group, tuple(labels))
    draw.put(name, "Correlations", "Volatility", draw.between(0.4, 0.6))
    draw.thresholds(name, "Delta", "123", 20.0, 300.0)
    draw.thresholds(name, "Vega", "123456", 20.0, 300.0)
    groups = {"USD": "1", "EUR": "1", "GBP": "1", "JPY": "1", "BRL": "2", "TRY": "2", "Other": "3"}
    _lists(draw, name, "ConcentrationThresholds", groups)


def _grouped(draw: _Draw, name: str, buckets: tuple[str, ...]) -> None:
    credit = name.startswith("Credit")
    low, high = (60.0, 300.0) if credit else (15.0, 60.0)
    for bucket in buckets:
        draw.horizons(name, "Delta", low, high, bucket)
    if name == "Equity":
        for bucket in buckets:
            draw.horizons(name, "Vega", 0.2, 0.6, bucket)
    else:
        draw.horizons(name, "Vega", 0.3, 0.7)
    if not credit:
        draw.ratio(name)
        for bucket in buckets:
            value = 0.0 if bucket == "Residual" else round(draw.between(0.1, 0.9), 2)
            draw.put(name, "Correlations", "IntraBucket", value, bucket)
    else:
        for where, names, value in (
            ("aggregate", "same", round(draw.between(0.8, 0.95), 2)),
            ("aggregate", "different", round(draw.between(0.3, 0.6), 2)),
            # The standard has one number for names in the residual bucket; ORE keeps only one.
            ("residual", "same", 0.5),
            ("residual", "different", 0.5),
        ):
            draw.put(name, "Correlations", "IntraBucket", value, "", (where, names))
    plain = [bucket for bucket in buckets if bucket != "Residual"]
    draw.matrix(name, "Correlations", "InterBucket", plain)
    if name == "CreditQualifying":
        draw.horizons(name, "BaseCorrelation", 5.0, 15.0)
        draw.put(name, "Correlations", "BaseCorrelation", draw.between(0.1, 0.4))
    draw.thresholds(name, "Delta", buckets, 0.2, 5.0 if credit else 50.0)
    draw.thresholds(name, "Vega", ("",) if credit else buckets, 10.0, 300.0)


def ore_calibration(rows: Sequence[Row]) -> str:
    """The rows as a calibration file of ORE, in its own layout."""
    root = ElementTree.Element("SIMMCalibrationData")
    whole = ElementTree.SubElement(root, "SIMMCalibration", id=VERSION)
    names = ElementTree.SubElement(whole, "VersionNames")
    ElementTree.SubElement(names, "Name").text = VERSION
    for row in rows:
        _, risk_class, block, item, days, bucket, label1, label2, value = row
        marks = {"bucket": bucket, "label1": label1, "label2": label2}
        marks = {key: mark for key, mark in marks.items() if mark}
        if risk_class == "RiskClass":
            at = _child(whole, "RiskClassCorrelations")
            ElementTree.SubElement(at, "Correlation", marks).text = value
            continue
        at = _child(_child(whole, risk_class), block)
        if item in _SINGLE:
            ElementTree.SubElement(at, item, _days(days)).text = value
        elif item == "CurrencyLists":
            ElementTree.SubElement(_child(at, item), "Currency", marks).text = value
        else:
            entry = _PER_ENTRY.get(block, "Threshold")
            ElementTree.SubElement(_child(at, item, days), entry, marks).text = value
    return ElementTree.tostring(root, encoding="unicode")


def _days(days: str) -> dict[str, str]:
    return {"mporDays": days} if days else {}


def _child(parent: ElementTree.Element, tag: str, days: str = "") -> ElementTree.Element:
    """The child of that tag and horizon, made where there is none."""
    for element in parent:
        if element.tag == tag and element.get("mporDays", "") == days:
            return element
    return ElementTree.SubElement(parent, tag, _days(days))
