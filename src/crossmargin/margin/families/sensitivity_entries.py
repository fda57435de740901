"""A user's sensitivity numbers as entries of a parameter set, and back.

Every number becomes an entry ``number.CLASS.BLOCK.ITEM.DAYS|BUCKET|LABEL1|LABEL2`` with bounds,
every currency of a group a switch ``group.CLASS.BLOCK.CURRENCY``. Of a symmetric matrix one half is
kept, so that no change can make it asymmetric. Both horizons are held; the set chooses one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from crossmargin.core.errors import ModelError
from crossmargin.margin.families.sensitivity_parameters import (
    HORIZONS,
    NOTICE,
    Row,
    SensitivitySet,
    is_symmetric,
    set_of,
)
from crossmargin.margin.parameter_files import Entry, Parameters

__all__ = ["set_from", "with_numbers"]

_NUMBER, _GROUP = "number", "group"
_NO_ITEM = "all"
_Bounds = tuple[str, float, float]
_BOUNDS: Mapping[str, _Bounds] = {
    "RiskWeights": ("basis points, per cent or a ratio", 0.0, 1e6),
    "Correlations": ("correlation", -1.0, 1.0),
    "Correlation": ("correlation", -1.0, 1.0),
    "ConcentrationThresholds": ("millions of dollars per unit of sensitivity", 1e-9, 1e9),
}


def with_numbers(base: Parameters, rows: Sequence[Row], version: str, source: str) -> Parameters:
    """``base`` with the numbers of one version, checked whole for every horizon that it has.

    Raises the errors of ``set_of``; ModelError ``parameter_missing`` for a version without any.
    """
    entries = {
        name: entry
        for name, entry in base.entries.items()
        if name.split(".")[0] not in (_NUMBER, _GROUP)
    }
    for days in HORIZONS:
        found = set_of(rows, version, days, source)
        for (risk_class, block, item, *rest), number in found.numbers.items():
            if is_symmetric(risk_class, item) and rest[1] > rest[2]:
                continue
            unit, low, high = _BOUNDS[block]
            horizon = str(days) if block == "RiskWeights" else ""
            tail = "|".join((horizon, *rest))
            name = ".".join((_NUMBER, risk_class, block, item or _NO_ITEM, tail))
            entries[name] = Entry(number, unit, source, low, high)
        for (risk_class, block), names in found.groups.items():
            choices = tuple(sorted(set(names.values())))
            for currency, group in names.items():
                name = f"{_GROUP}.{risk_class}.{block}.{currency}"
                entries[name] = Entry(group, "choice", source, choices=choices)
    label = f"{base.label} + {source}, version {version}"
    return replace(base, entries=entries, version=version, label=label, source=source)


def set_from(parameters: Parameters, horizon_days: int) -> SensitivitySet:
    """The numbers of one horizon that a parameter set holds.

    Raises ModelError ``parameter_missing`` where it holds none.
    """
    numbers: dict[tuple[str, str, str, str, str, str], float] = {}
    groups: dict[tuple[str, str], dict[str, str]] = {}
    for name, entry in parameters.entries.items():
        kind, _, rest = name.partition(".")
        if kind == _GROUP:
            risk_class, block, currency = rest.split(".")
            groups.setdefault((risk_class, block), {})[currency] = str(entry.value)
        elif kind == _NUMBER:
            risk_class, block, item, tail = rest.split(".", 3)
            days, bucket, first, second = tail.split("|")
            item = "" if item == _NO_ITEM else item
            if days in ("", str(horizon_days)):
                value = float(entry.value)
                numbers[risk_class, block, item, bucket, first, second] = value
                if is_symmetric(risk_class, item):
                    numbers[risk_class, block, item, bucket, second, first] = value
    if not numbers:
        raise ModelError(
            "parameter_missing",
            "the package ships no numbers for sensitivity files",
            place=f"{parameters.model} {parameters.label}",
            limit="a file of risk weights, correlations and thresholds",
            remedy=f"Name the file (--params FILE). {NOTICE}",
        )
    return SensitivitySet(parameters.version, horizon_days, parameters.source, numbers, groups)
