"""The tables of a market snapshot: pairs, expiries, currencies, verdicts and doubtful items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossmargin.core.clock import DAY_MS
from crossmargin.interfaces.tables import Column, Document, Table
from crossmargin.market.fields import VERDICTS

__all__ = ["market_document"]

Figures = Mapping[str, Any]


def market_document(figures: Figures, bad: Mapping[str, int], check: bool) -> Document:
    """What a snapshot holds; with ``check`` its verdicts item by item instead."""
    lines: tuple[str, ...] = (
        f"{figures['rows']} observations of {figures['as_of']}, from "
        + ", ".join(figures["sources"]),
        f"sha256 {figures['sha256']}",
    )
    if figures["rows_ignored"]:
        lines = (*lines, f"{figures['rows_ignored']} rows of another time were not taken: see --at")
    if check:
        tables = [_verdicts(figures, bad), _items(figures["items"])]
        state = "bad: " + ", ".join(f"{n} {name}" for name, n in bad.items()) if bad else "good"
        return Document(f"market snapshot: {state}", lines, tuple(t for t in tables if t.rows))
    tables = [_pairs(figures["pairs"]), _expiries(figures), _currencies(figures["currencies"])]
    tables.append(_verdicts(figures, bad))
    return Document("market snapshot", lines, tuple(table for table in tables if table.rows))


def _pairs(pairs: list[dict[str, Any]]) -> Table:
    columns = (
        Column("pair", "pair", "name"),
        Column("index", "index", "price"),
        Column("index_spread_bp", "spread of\nits rows", "bp", "bp"),
        Column("index_gap_bp", "forwards at\nzero life", "bp", "bp from index"),
        Column("expiry_count", "expiries", "count"),
        Column("verdict", "verdict", "name"),
    )
    rows = tuple(
        (
            each["pair"],
            each["index"],
            each["index_spread_bp"],
            each["index_gap_bp"],
            len(each["expiries"]),
            each["verdict"],
        )
        for each in pairs
    )
    return Table("pairs", "", columns, rows)


def _expiries(figures: Figures) -> Table:
    columns = (
        Column("pair", "pair", "name"),
        Column("expiry", "expiry", "name"),
        Column("life_days", "life", "number", "days"),
        Column("forward", "forward", "price"),
        Column("forward_spread_bp", "spread of\nits rows", "bp", "bp"),
        Column("carry_annual", "carry\na year", "fraction", essential=False),
        Column("options", "options", "count"),
        Column("vol_low", "lowest\nvol", "fraction", essential=False),
        Column("vol_high", "highest\nvol", "fraction", essential=False),
        Column("verdict", "verdict", "name"),
    )
    rows = []
    for pair in figures["pairs"]:
        for each in pair["expiries"]:
            life = (each["expiry_ms"] - figures["as_of_ms"]) / DAY_MS
            full = {**each, "pair": pair["pair"], "life_days": life}
            rows.append(tuple(full[column.key] for column in columns))
    return Table("expiries", "", columns, tuple(rows))


def _currencies(currencies: list[dict[str, Any]]) -> Table:
    columns = (
        Column("currency", "currency", "name"),
        Column("usd", "dollars", "price"),
        Column("source", "source"),
        Column("verdict", "verdict", "name"),
    )
    rows = tuple(tuple(each[column.key] for column in columns) for each in currencies)
    return Table("currencies", "", columns, rows)


def _verdicts(figures: Figures, bad: Mapping[str, int]) -> Table:
    columns = (
        Column("verdict", "verdict", "name"),
        Column("count", "observations", "count"),
        Column("meaning", "meaning"),
        Column("bad", "fails\na check"),
    )
    rows = tuple(
        (name, count, VERDICTS[name], name in bad) for name, count in figures["verdicts"].items()
    )
    return Table("verdicts", "", columns, rows)


def _items(items: list[dict[str, Any]]) -> Table:
    columns = (
        Column("verdict", "verdict", "name"),
        Column("field", "field", "name"),
        Column("subject", "of", "name"),
        Column("value", "value", "price"),
        Column("unit", "unit", "name"),
        Column("source", "source", essential=False),
        Column("age_ms", "age\nms", "count", essential=False),
    )
    gravity = list(VERDICTS)
    ordered = sorted(items, key=lambda item: -gravity.index(item["verdict"]))
    rows = tuple(tuple(each[column.key] for column in columns) for each in ordered)
    return Table("items", "what is not as quoted", columns, rows)
