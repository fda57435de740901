"""Bracket tables of Binance futures, from ccxt's leverage tiers or the venue's own reply.

    ccxt, freqtrade   {"BTC/USDT:USDT": [{"minNotional", "maxNotional", "maintenanceMarginRate",
                       "maxLeverage", "info": {"cum"}}, ...], ...}
    fapi, dapi        [{"symbol": "BTCUSDT", "brackets": [{"notionalFloor" or "qtyFloor",
                       "notionalCap" or "qtyCap", "maintMarginRatio", "initialLeverage", "cum"}]}]

Each becomes ``tier.UNDERLYING_SETTLE``, a dated future's with ``_YYMMDD`` at its end. Every bracket
must begin where the one before it ends, and the deductions must be those that leave the margin
without a jump, to a unit of the currency or a millionth of the deduction.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from crossmargin.core.errors import InputError
from crossmargin.instruments.symbology import parse
from crossmargin.margin.families.binance_tiers import bracket_name
from crossmargin.margin.families.tiers import BRACKET, deductions
from crossmargin.margin.parameter_files import Entry, Parameters
from crossmargin.venues.payload import Payload, items_of, load, required, text_of
from crossmargin.venues.reading import unreadable

__all__ = ["leverage_tiers", "with_leverage_tiers"]

_UNIFIED = re.compile(r"(\w{1,20})/(\w{1,10}):(\w{1,10})(?:-([0-9]{6}))?", re.ASCII)
_CCXT = ("minNotional", "maxNotional", "maintenanceMarginRate", "maxLeverage")
_SLACK = 1e-6

Rows = list[list[float]]


def leverage_tiers(payload: Payload) -> dict[str, Rows]:
    """Rows of (lower, cap, mm_rate, max_leverage, deduction) by parameter name.

    Raises InputError ``file_unreadable``, ``column_missing``, ``instrument_unknown``,
    ``number_out_of_range`` for brackets with a gap or a jump.
    """
    value, place = load(payload, "leverage tiers")
    pairs = _of_ccxt(value, place) if isinstance(value, Mapping) else _of_venue(value, place)
    found: dict[str, Rows] = {}
    for name, rows, where in pairs:
        if name in found:
            raise unreadable("a contract is listed twice", where, name)
        found[name] = _checked(rows, where)
    if not found:
        raise unreadable("no table of brackets", place, remedy="Give the whole reply.")
    return found


def with_leverage_tiers(base: Parameters, payload: Payload, label: str) -> Parameters:
    """``base`` with the bracket tables of a payload."""
    entries = {
        name: Entry(rows, "notional in settlement currency", label, columns=BRACKET)
        for name, rows in leverage_tiers(payload).items()
    }
    for name, entry in entries.items():
        entry.checked(entry.value, name)
    label = f"{base.label} + {Path(label).name}"
    return replace(base, entries={**base.entries, **entries}, label=label)


def _of_ccxt(value: Mapping[str, object], place: str) -> Iterator[tuple[str, Rows, str]]:
    for symbol, listed in value.items():
        where = f"{place} {symbol}"
        part = _UNIFIED.fullmatch(str(symbol))
        if part is None:
            raise InputError(
                "instrument_unknown",
                "not ccxt's name of a contract",
                place=where,
                value=symbol,
                limit="BTC/USDT:USDT, BTC/USDT:USDT-241227, BTC/USD:BTC",
                remedy="Give the tables of contracts alone.",
            )
        base, _, settle, day = part.groups()
        rows = []
        for k, item in enumerate(items_of(listed, where)):
            info = item.get("info")
            if not isinstance(info, Mapping):
                raise unreadable("a bracket without the venue's own fields", f"{where}[{k}] info")
            row = [required(item, name, f"{where}[{k}]") for name in _CCXT]
            rows.append([*row, required(info, "cum", f"{where}[{k}] info")])
        yield f"tier.{base}_{settle}" + (f"_{day}" if day else ""), rows, where


def _of_venue(value: object, place: str) -> Iterator[tuple[str, Rows, str]]:
    for item in items_of(value, place):
        symbol = text_of(item, "symbol", place)
        where = f"{place} {symbol}"
        rows = []
        for k, one in enumerate(items_of(item.get("brackets"), f"{where} brackets")):
            here = f"{where} brackets[{k}]"
            size = "notional" if "notionalFloor" in one else "qty"
            names = (f"{size}Floor", f"{size}Cap", "maintMarginRatio", "initialLeverage", "cum")
            rows.append([required(one, name, here) for name in names])
        yield bracket_name(parse("binance", symbol)), rows, where


def _checked(rows: Rows, place: str) -> Rows:
    """Rows in rising order, without gap or jump."""
    rows = sorted(rows)
    if not rows or rows[0][0] != 0.0:
        raise _wrong_table("the first bracket does not begin at 0", place, rows[:1])
    for before, after in pairwise(rows):
        if before[1] != after[0] or before[2] > after[2]:
            raise _wrong_table("a bracket does not continue the one before it", place, after[:3])
    wanted = deductions([row[0] for row in rows], [row[2] for row in rows])
    for row, less in zip(rows, wanted, strict=True):
        if abs(row[4] - less) > max(1.0, _SLACK * less):
            raise _wrong_table("the deduction leaves a jump in the margin", place, (row[4], less))
    return rows


def _wrong_table(why: str, place: str, value: object) -> InputError:
    return InputError(
        "number_out_of_range",
        why,
        place=place,
        value=value,
        limit="brackets from 0 on, each from where the one before ends",
        remedy="Give the venue's own table.",
    )
