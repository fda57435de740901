"""Margin tables of Hyperliquid's perpetuals, from the ``meta`` reply of its info endpoint.

    {"universe": [{"name": "BTC", "maxLeverage": 40, "marginTableId": 56}, ...],
     "marginTables": [[56, {"marginTiers": [{"lowerBound": "0.0", "maxLeverage": 40}, ...]}], ...]}

An id below 50 that is not listed stands for one tier at the largest leverage. A reply without ids
(an older form) does not say where the tiers begin and is refused. Each becomes
``asset.NAME.tiers``. Of ``metaAndAssetCtxs`` the first part is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from crossmargin.core.errors import InputError
from crossmargin.margin.families.hyperliquid_tiers import TIER
from crossmargin.margin.parameter_files import Entry, Parameters
from crossmargin.venues.payload import Payload, items_of, load, required, text_of
from crossmargin.venues.reading import unreadable

__all__ = ["margin_tables", "with_margin_tables"]

_FLAT_BELOW = 50.0

Rows = list[list[float]]


def margin_tables(payload: Payload) -> dict[str, Rows]:
    """Rows of (lower, max_leverage) by parameter name.

    Raises InputError ``file_unreadable``, ``column_missing``, ``number_out_of_range``.
    """
    value, place = load(payload, "meta")
    if isinstance(value, list | tuple) and value:
        value = value[0]
    if not isinstance(value, Mapping) or "universe" not in value:
        raise unreadable("no universe of perpetuals", place, remedy="Give the reply to `meta`.")
    tables = _tables(value.get("marginTables", []), f"{place} marginTables")
    found: dict[str, Rows] = {}
    for k, item in enumerate(items_of(value["universe"], f"{place} universe")):
        where = f"{place} universe[{k}]"
        most = required(item, "maxLeverage", where)
        number = required(item, "marginTableId", where)
        if number not in tables and number >= _FLAT_BELOW:
            raise unreadable("the asset's margin table is not listed", where, number)
        found[f"asset.{text_of(item, 'name', where)}.tiers"] = tables.get(number, [[0.0, most]])
    return found


def with_margin_tables(base: Parameters, payload: Payload, label: str) -> Parameters:
    """``base`` with the tiers of every asset of a payload, in place of those it has."""
    unit = "USDC of notional, multiple"
    entries = {
        name: Entry(rows, unit, label, columns=TIER)
        for name, rows in margin_tables(payload).items()
    }
    for name, entry in entries.items():
        entry.checked(entry.value, name)
    label = f"{base.label} + {Path(label).name}"
    return replace(base, entries={**base.entries, **entries}, label=label)


def _tables(listed: object, place: str) -> dict[float, Rows]:
    """The tables by their id."""
    if not isinstance(listed, list | tuple):
        raise unreadable("a list was expected", place, type(listed).__name__)
    found: dict[float, Rows] = {}
    for k, pair in enumerate(listed):
        where = f"{place}[{k}]"
        if not isinstance(pair, list | tuple) or len(pair) != 2 or not isinstance(pair[1], Mapping):
            raise unreadable("an id and its table were expected", where)
        tiers = items_of(pair[1].get("marginTiers"), f"{where} marginTiers")
        rows = [[required(t, n, where) for n in ("lowerBound", "maxLeverage")] for t in tiers]
        found[required({"id": pair[0]}, "id", where)] = _checked(rows, where)
    return found


def _checked(rows: Rows, place: str) -> Rows:
    """Rows from 0 on, in rising order of notional and falling order of leverage."""
    rising = all(a[0] < b[0] and a[1] > b[1] for a, b in pairwise(rows))
    if not rows or rows[0][0] != 0.0 or not rising:
        raise InputError(
            "number_out_of_range",
            "tiers that do not rise from 0, or whose leverage does not fall",
            place=place,
            value=rows,
            limit="lower bounds rising from 0, leverage falling",
            remedy="Give the venue's own reply.",
        )
    return rows
