"""Rows of list parameters: columns with names, bounds or choices, checked cell by cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crossmargin.core.errors import InputError, ModelError

__all__ = [
    "PAYLOAD_DERIVE_PM1",
    "PAYLOAD_DERIVE_PM2",
    "PAYLOAD_PARADEX_PM",
    "Column",
    "check_rows",
    "columns_of",
]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: a number from ``low`` to ``high``, or one of ``choices``."""

    name: str
    low: float = 0.0
    high: float = 0.0
    choices: tuple[str, ...] = ()

    def holds(self, cell: Any) -> bool:
        """Whether a cell is of the right type and inside the bounds; NaN and bool are not."""
        if self.choices:
            return cell in self.choices
        number = isinstance(cell, int | float) and not isinstance(cell, bool)
        return number and self.low <= cell <= self.high

    @property
    def limit(self) -> str:
        """The bounds in words."""
        return " | ".join(self.choices) if self.choices else f"{self.low:g} to {self.high:g}"


# A venue's own payload has no file to state bounds: these are the venue's (Derive's manager takes
# factors up to 20 and any dampening) and what prices need (a spot that stays above zero).
_TINY, _HUGE = 5e-324, 1.7976931348623157e308
PAYLOAD_DERIVE_PM1 = (
    Column("spot_factor", _TINY, 20.0),
    Column("vol", choices=("up", "none", "down")),
)
PAYLOAD_DERIVE_PM2 = (
    Column("spot_factor", _TINY, 20.0),
    Column("vol", choices=("up", "none", "down", "linear", "abs")),
    Column("dampening", 0.0, _HUGE),
)
PAYLOAD_PARADEX_PM = (
    Column("spot_shock", -1.0 + 2.0**-53, 20.0),
    Column("vol_shock", -_HUGE, _HUGE),
    Column("weight", 0.0, _HUGE),
)


def columns_of(listed: Any, place: str) -> tuple[Column, ...]:
    """The schema of a list from ``columns = [{ name, min, max }, { name, choices }]``."""
    found = []
    for k, item in enumerate(listed):
        good = isinstance(item, Mapping) and "name" in item
        if not good or not ("choices" in item or ("min" in item and "max" in item)):
            raise InputError(
                "unit_wrong",
                "a column without a name, or without bounds and choices",
                place=f"{place} column {k + 1}",
                value=item,
                remedy="State name, and min and max or choices, of every column.",
            )
        low, high = float(item.get("min", 0.0)), float(item.get("max", 0.0))
        if not low <= high:
            raise InputError(
                "number_out_of_range",
                "bounds are inverted",
                place=f"{place} {item['name']}",
                value=(low, high),
            )
        found.append(Column(str(item["name"]), low, high, tuple(item.get("choices", ()))))
    return tuple(found)


def check_rows(rows: Any, columns: tuple[Column, ...], place: str) -> list[Any]:
    """``rows`` if there is one or more, each with every column's cell inside its bounds.

    Raises ModelError ``parameter_out_of_bounds`` with row, column, value and limit.
    """
    names = ", ".join(column.name for column in columns)
    if not isinstance(rows, list) or not rows:
        _refuse(place, rows, f"one or more rows of {names}")
    for k, row in enumerate(rows, start=1):
        if not isinstance(row, list | tuple) or len(row) != len(columns):
            _refuse(f"{place} row {k}", row, f"{len(columns)} columns: {names}")
        for column, cell in zip(columns, row, strict=True):
            if not column.holds(cell):
                _refuse(f"{place} row {k} {column.name}", cell, column.limit)
    return list(rows)


def _refuse(place: str, value: Any, limit: str) -> None:
    raise ModelError(
        "parameter_out_of_bounds",
        "a parameter is outside its bounds",
        place=place,
        value=value,
        limit=limit,
        remedy="Correct the parameter.",
    )
