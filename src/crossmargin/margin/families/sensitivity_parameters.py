"""One set of numbers of a sensitivities model: weights, correlations, thresholds, currency groups.

The package ships no numbers of the ISDA SIMM, which is a licensed standard: they come from a file
that the user names. A set is one version and one horizon (10 days or 1 day) of rows ``version,
risk_class, block, item, mpor_days, bucket, label1, label2, value``. A set is checked whole before
it is used: every number that a rule needs is there and finite, no weight or ratio is negative,
every threshold is positive, every correlation lies in -1 to 1 and every matrix is symmetric.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from crossmargin.core.arrays import digest
from crossmargin.core.errors import InputError, ModelError
from crossmargin.instruments.factors import RISK_CLASSES, TENORS, buckets_of

__all__ = ["HORIZONS", "NOTICE", "Row", "SensitivitySet", "is_symmetric", "set_of", "versions_of"]

NOTICE = (
    "SIMM-style aggregation, not endorsed: ISDA SIMM is a licensed standard and trademark of "
    "ISDA, and its use, also by vendors and end users, needs a licence of ISDA. This package "
    "ships none of its numbers; they are those of the file that you named."
)
HORIZONS = (10, 1)
# version, risk class, block, item, horizon or "", bucket, label 1, label 2, value
Row = tuple[str, str, str, str, str, str, str, str, str]
_Key = tuple[str, str, str, str, str, str]
_GROUPED = {
    "CreditQualifying": "Risk_CreditQ",
    "CreditNonQualifying": "Risk_CreditNonQ",
    "Equity": "Risk_Equity",
    "Commodity": "Risk_Commodity",
}
_OTHER = "Other"


@dataclass(frozen=True)
class SensitivitySet:
    """The numbers of one version and horizon.

    ``numbers[(risk class, block, item, bucket, label1, label2)]``; ``groups[(risk class, block)]``
    maps a currency to its group, ``Other`` standing for all that are not named.
    """

    version: str
    horizon_days: int
    source: str
    numbers: Mapping[_Key, float]
    groups: Mapping[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)

    @cached_property
    def sha256(self) -> str:
        """Hash of version, horizon and every number."""
        groups = sorted((key, sorted(names.items())) for key, names in self.groups.items())
        return digest([self.version, self.horizon_days, sorted(self.numbers.items()), groups])

    def number(
        self,
        risk_class: str,
        block: str,
        item: str,
        bucket: str = "",
        label1: str = "",
        label2: str = "",
    ) -> float:
        """One number; ModelError ``parameter_missing`` where the set has none of that name."""
        key = (risk_class, block, item, bucket, label1, label2)
        found = self.numbers.get(key)
        if found is None:
            raise ModelError(
                "parameter_missing",
                "the parameter set lacks a number that the rule needs",
                place=f"{self.source}, version {self.version}, {self.horizon_days}-day",
                value=" ".join(part for part in key if part),
                remedy="Complete the parameter file.",
            )
        return found

    def weight(self, risk_class: str, item: str, bucket: str = "", *labels: str) -> float:
        """A risk weight or ratio."""
        return self.number(risk_class, "RiskWeights", item, bucket, *labels)

    def threshold_usd(self, risk_class: str, item: str, bucket: str) -> float:
        """A concentration threshold in dollars; infinite in the 1-day model, which has none."""
        if self.horizon_days == 1:
            return math.inf
        return 1e6 * self.number(risk_class, "ConcentrationThresholds", item, bucket)

    def group(self, risk_class: str, block: str, currency: str) -> str:
        """The group of a currency for risk weights or for concentration thresholds."""
        names = self.groups[risk_class, block]
        return names.get(currency) or names[_OTHER]


def versions_of(rows: Iterable[Row]) -> tuple[str, ...]:
    """The versions that rows speak of, in order of first appearance."""
    return tuple(dict.fromkeys(row[0] for row in rows))


def set_of(rows: Iterable[Row], version: str, horizon_days: int, source: str) -> SensitivitySet:
    """The checked set of one version and horizon.

    Raises InputError ``version_unknown``, ``option_unknown`` (horizon), ``number_unreadable``,
    ``duplicate_row``; ModelError ``parameter_missing``, ``number_not_finite``,
    ``parameter_out_of_bounds``.
    """
    held = list(rows)
    known = versions_of(held)
    if version not in known:
        raise InputError(
            "version_unknown",
            "the parameter file has no such version",
            place=source,
            value=version,
            limit=", ".join(known),
            remedy="Choose one of those.",
        )
    if horizon_days not in HORIZONS:
        raise InputError(
            "option_unknown",
            "no such margin period",
            value=horizon_days,
            limit=", ".join(map(str, HORIZONS)),
            remedy="Choose 10 or 1 day.",
        )
    numbers: dict[_Key, float] = {}
    groups: dict[tuple[str, str], dict[str, str]] = {}
    for row in held:
        if row[0] != version or row[1] == "Meta" or row[4] not in ("", str(horizon_days)):
            continue
        _, risk_class, block, item, _, bucket, label1, label2, value = row
        if item == "CurrencyLists":
            groups.setdefault((risk_class, block), {})[value] = bucket
            continue
        key = (risk_class, block, item, bucket, label1, label2)
        number = _read(value, key, source)
        if numbers.setdefault(key, number) != number:
            raise _bad("duplicate_row", "two rows give one number", source, key, value, "")
    found = SensitivitySet(version, horizon_days, source, numbers, groups)
    _check_bounds(found)
    _check_complete(found)
    return found


def _read(value: str, key: _Key, source: str) -> float:
    try:
        number = float(value)
    except ValueError:
        raise _bad("number_unreadable", "not a number", source, key, value, "") from None
    if not math.isfinite(number):
        raise _bad("number_not_finite", "a number must be finite", source, key, value, "")
    return number


def _bad(code: str, message: str, source: str, key: _Key, value: object, limit: str) -> InputError:
    place = f"{source}, {' '.join(part for part in key if part)}"
    return InputError(
        code, message, place=place, value=value, limit=limit, remedy="Correct the parameter file."
    )


def is_symmetric(risk_class: str, item: str) -> bool:
    """Whether an item is a matrix over its two labels: the same number both ways round."""
    return item in ("InterBucket", "") or (
        item == "IntraBucket" and risk_class in ("InterestRate", "FX")
    )


def _check_bounds(found: SensitivitySet) -> None:
    """Weights, thresholds and correlations are sane, and matrices symmetric."""
    where = f"{found.source}, version {found.version}"
    for key, number in found.numbers.items():
        risk_class, block, item, bucket, label1, label2 = key
        code = "parameter_out_of_bounds"
        if block == "Correlations" or risk_class == "RiskClass":
            if abs(number) > 1.0:
                raise _bad(code, "a correlation", where, key, number, "-1 to 1")
            twin = found.numbers.get((risk_class, block, item, bucket, label2, label1))
            if is_symmetric(risk_class, item) and twin is not None and twin != number:
                limit = f"{twin:g}, as the other way round"
                raise _bad(code, "correlations are symmetric", where, key, number, limit)
        elif block == "RiskWeights" and number < 0.0:
            raise _bad(code, "a risk weight", where, key, number, "0 or more")
        elif block == "ConcentrationThresholds" and not number > 0.0:
            raise _bad(code, "a concentration threshold", where, key, number, "more than 0")


def _check_complete(found: SensitivitySet) -> None:
    """Every number that some book could need is in the set."""
    for kind in ("InterestRate", "FX"):
        for block in ("RiskWeights", "ConcentrationThresholds"):
            if _OTHER not in found.groups.get((kind, block), {}):
                found.number(kind, block, "CurrencyLists", _OTHER)
    _check_rates(found)
    _check_currencies(found)
    for risk_class, risk_type in _GROUPED.items():
        _check_grouped(found, risk_class, buckets_of(risk_type))
    for first in RISK_CLASSES:
        for second in RISK_CLASSES:
            if first != second:
                found.number("RiskClass", "Correlation", "", "", first, second)


def _check_rates(found: SensitivitySet) -> None:
    name = "InterestRate"
    for group in sorted(set(found.groups[name, "RiskWeights"].values())):
        for tenor in TENORS:
            found.weight(name, "Delta", group, tenor)
    for item in ("Vega", "HistoricalVolatilityRatio", "Inflation", "XCcyBasis"):
        found.weight(name, item)
    for item in ("SubCurves", "Inflation", "XCcyBasis", "Outer"):
        found.number(name, "Correlations", item)
    for first in TENORS:
        for second in TENORS:
            if first != second:
                found.number(name, "Correlations", "IntraBucket", "", first, second)
    limits = sorted(set(found.groups[name, "ConcentrationThresholds"].values()))
    _check_thresholds(found, name, limits)


def _check_thresholds(found: SensitivitySet, risk_class: str, groups: Iterable[str]) -> None:
    for group in groups:
        for item in ("Delta", "Vega"):
            found.number(risk_class, "ConcentrationThresholds", item, group)


def _check_currencies(found: SensitivitySet) -> None:
    groups = sorted(set(found.groups["FX", "RiskWeights"].values()))
    for first in groups:
        for second in groups:
            found.weight("FX", "Delta", "", first, second)
            for calculation in groups:
                found.number("FX", "Correlations", "IntraBucket", calculation, first, second)
    for item in ("Vega", "HistoricalVolatilityRatio"):
        found.weight("FX", item)
    found.number("FX", "Correlations", "Volatility")
    for pair in map(str, range(1, 7)):
        found.number("FX", "ConcentrationThresholds", "Vega", pair)
    for category in ("1", "2", "3"):
        found.number("FX", "ConcentrationThresholds", "Delta", category)


def _check_grouped(found: SensitivitySet, risk_class: str, buckets: tuple[str, ...]) -> None:
    credit = risk_class.startswith("Credit")
    for bucket in buckets:
        found.weight(risk_class, "Delta", bucket)
        found.number(risk_class, "ConcentrationThresholds", "Delta", bucket)
        vega = "" if credit else bucket
        found.number(risk_class, "ConcentrationThresholds", "Vega", vega)
        found.weight(risk_class, "Vega", bucket if risk_class == "Equity" else "")
        if not credit:
            found.number(risk_class, "Correlations", "IntraBucket", bucket)
    plain = [bucket for bucket in buckets if bucket != "Residual"]
    for first in plain:
        for second in plain:
            if first != second:
                found.number(risk_class, "Correlations", "InterBucket", "", first, second)
    if credit:
        for where in ("aggregate", "residual"):
            for names in ("same", "different"):
                found.number(risk_class, "Correlations", "IntraBucket", "", where, names)
    else:
        found.weight(risk_class, "HistoricalVolatilityRatio")
    if risk_class == "CreditQualifying":
        found.weight(risk_class, "BaseCorrelation")
        found.number(risk_class, "Correlations", "BaseCorrelation")
