"""How a calibration is shown: what each range rests on, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossmargin.interfaces.tables import Column, Document, Table

__all__ = ["calibrate_document"]


def calibrate_document(figures: Mapping[str, Any]) -> Document:
    """The head with the hashes, ranges, their sample, and the accounts."""
    tables = [_ranges(figures["evidence"]), _sample(figures["evidence"])]
    if figures["accounts"] is not None:
        tables.append(_accounts(figures))
    lines = (
        f"as of {figures['as_of']}; in force from {figures['effective_from']}",
        f"before: {figures['before']}, sha256 {figures['before_sha256']}",
        f"set: {figures['set']}, sha256 {figures['sha256']}",
        f"market: sha256 {figures['snapshot_sha256']}; forecast {figures['method']}, "
        f"seed {figures['seed']}",
    )
    notes = []
    if figures["bounded"]:
        notes.append("cut to the bounds of the set: " + ", ".join(figures["bounded"]))
    if figures["left"]:
        notes.append("no history, left as they are: " + ", ".join(figures["left"]))
    return Document(f"calibration of {figures['model']}", lines, tuple(tables), tuple(notes))


def _ranges(evidence: list[dict[str, Any]]) -> Table:
    columns = (
        Column("coin", "coin", "name"),
        Column("what", "of", "name"),
        Column("before_fraction", "before", "fraction"),
        Column("after_fraction", "after", "fraction"),
        Column("wanted_fraction", "wanted", "fraction"),
        Column("held_by", "held by", "name"),
        Column("deviation_fraction", "deviation", "fraction"),
        Column("stress_fraction", "stress", "fraction"),
    )
    return _table("ranges", "ranges and what they rest on", columns, evidence)


def _sample(evidence: list[dict[str, Any]]) -> Table:
    columns = (
        Column("coin", "coin", "name"),
        Column("what", "of", "name"),
        Column("first_day", "from", "name", essential=False),
        Column("last_day", "to", "name"),
        Column("days", "days", "count"),
        Column("quantile_fraction", "99 % of\nmoves", "fraction"),
        Column("quantile_low_fraction", "95 %\nfrom", "fraction", essential=False),
        Column("quantile_high_fraction", "to", "fraction", essential=False),
        Column("moves", "moves", "count"),
        Column("beyond", "beyond", "count"),
        Column("p_value", "Kupiec p", "fraction"),
    )
    return _table("sample", "the sample, and the ranges of the time against it", columns, evidence)


def _accounts(figures: Mapping[str, Any]) -> Table:
    columns = (
        Column("account", "account", "name"),
        Column("im_before_usd", "IM before", "usd"),
        Column("im_after_usd", "IM after", "usd"),
        Column("im_change_usd", "change", "usd"),
        Column("mm_before_usd", "MM before", "usd"),
        Column("mm_after_usd", "MM after", "usd"),
        Column("error", "why there is no number"),
    )
    kept = None if any(each["error"] for each in figures["accounts"]) else -1
    title = f"margin under {figures['model']} at this market"
    return _table("accounts", title, columns[:kept], figures["accounts"])


def _table(name: str, title: str, columns: tuple[Column, ...], rows: list[dict[str, Any]]) -> Table:
    cells = tuple(tuple(row.get(column.key) for column in columns) for row in rows)
    return Table(name, title, columns, cells)
