"""How crossings, their distances and what the venue adds are shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossmargin.interfaces.tables import Column, Document, Table

__all__ = ["liquidation_document"]


def liquidation_document(figures: Mapping[str, Any]) -> Document:
    """Standing now in lines; tables of crossings, probabilities, quotes and smoothed marks."""
    path = figures["path"]
    lines = [
        f"account {figures['account']}, as of {figures['as_of']}",
        f"path: {path['title']}; {path['says']}",
        f"searched from {_end(path, 'from')} to {_end(path, 'to')} at {path['nodes']:,} points",
        f"now: equity that counts {figures['counted_mm_usd']:,.0f} USD, maintenance margin "
        f"{figures['mm_usd']:,.0f} USD, left {figures['over_mm_usd']:,.0f} USD",
    ]
    on = figures["on"]
    if on["basis"] == "quotes":
        lines.append(
            f"valued on market quotes: {on['cost_usd']:,.0f} USD from mark to touch come off "
            "everywhere"
        )
    elif on["basis"] == "exit":
        lines.append(
            f"valued at exit: closing every line costs {on['cost_usd']:,.0f} USD now and what it "
            "costs there at every point"
        )
    if figures["bound"] != "value":
        lines.append("maintenance margin is at least this: liquidation may come earlier")
    if figures["says"]:
        lines.append(figures["says"])
    tables = [
        table
        for table in (
            _crossings(figures),
            _added(figures),
            _touch(figures),
            _quotes(figures),
            _late(figures),
        )
        if table is not None
    ]
    title = f"liquidation under {figures['model']['name']}: {figures['model']['title']}"
    return Document(title, tuple(lines), tuple(tables), tuple(figures["notes"]))


def _end(path: Mapping[str, Any], key: str) -> str:
    if path["unit"] == "ms":
        return f"{path[key] / 3_600_000.0:,.1f} h"
    return f"{path[key]:g} times now"


def _crossings(figures: Mapping[str, Any]) -> Table | None:
    entries = figures["crossings"]
    if not entries:
        return None
    columns, keys = _where(figures)
    columns += [
        Column("need_mm_usd", "requirement", "usd"),
        Column("over_low_usd", "left just under", "usd", essential=False),
        Column("over_high_usd", "left just over", "usd", essential=False),
        Column("kind", "kind", "machine"),
        Column("at", "at", "machine"),
    ]
    keys += ["need_mm_usd", "over_low_usd", "over_high_usd", "kind", "at"]
    rows = tuple(
        (f"{each['kind']} {each['side']}", *(_cell(each, key) for key in keys)) for each in entries
    )
    notes = []
    if any(each["kind"] == "jump" for each in entries):
        jumps = [
            f"at {each['at']:.10g}: {each['over_low_usd']:,.2f} to {each['over_high_usd']:,.2f} USD"
            for each in entries
            if each["kind"] == "jump"
        ]
        notes.append(f"a jump has two values, left just under and just over ({'; '.join(jumps)})")
    columns.insert(0, Column("crossing", "crossing", "name"))
    title = "every crossing of maintenance margin"
    return Table("crossings", title, tuple(columns), rows, tuple(notes))


def _cell(entry: Mapping[str, Any], key: str) -> Any:
    """A root is left with nothing: its last bracket is wide and says nothing to a reader."""
    wide = entry["kind"] == "root" and key in ("over_low_usd", "over_high_usd")
    return None if wide else entry.get(key)


def _where(figures: Mapping[str, Any]) -> tuple[list[Column], list[str]]:
    """Columns of the place of a crossing: broken side, then price and distances, or time."""
    entries = figures["crossings"]
    columns, keys = [Column("broken", "broken", "name")], ["broken"]
    if figures["path"]["unit"] == "ms":
        columns += [Column("time", "at", "name"), Column("hours", "after", "number", "h")]
        return columns, [*keys, "time", "hours"]
    if "price_usd" in entries[0]:
        columns.append(Column("price_usd", f"{entries[0]['coin']} at", "usd"))
        keys.append("price_usd")
    columns.append(Column("percent", "distance", "fraction"))
    keys.append("percent")
    if any(each.get("sigmas") is not None for each in entries):
        columns.append(Column("sigmas", "daily sigmas", "number"))
        keys.append("sigmas")
    return columns, keys


def _added(figures: Mapping[str, Any]) -> Table | None:
    """The crossings after the lag of the venue's oracle and after its penalty."""
    entries, terms = figures["crossings"], figures["terms"]
    columns, keys = [Column("percent", "distance", "fraction")], ["percent"]
    if figures["path"]["unit"] == "ms":
        columns, keys = [Column("hours", "after", "number", "h")], ["hours"]
    notes = []
    if any(each.get("price_after_lag_usd") is not None for each in entries):
        columns.append(Column("price_after_lag_usd", "price after the lag", "usd"))
        keys.append("price_after_lag_usd")
        notes.append(f"two sigmas of a lag of {terms['oracle_lag_s']:g} s beyond the crossing")
    if any(each.get("left_after_penalty_usd") is not None for each in entries):
        columns.append(Column("left_after_penalty_usd", "equity after the penalty", "usd"))
        keys.append("left_after_penalty_usd")
        share = 100.0 * terms["penalty_fraction"]
        notes.append(f"penalty {share:g} % of the gross notional, everything closed")
    if not notes:
        return None
    notes.append(f"terms: {terms['source']}")
    rows = tuple(tuple(each.get(key) for key in keys) for each in entries)
    return Table("terms", "what the venue adds", tuple(columns), rows, tuple(notes))


def _touch(figures: Mapping[str, Any]) -> Table | None:
    entries = [each for each in figures["crossings"] if each.get("touch")]
    if not entries:
        return None
    columns = (
        Column("price_usd", "price", "usd"),
        Column("hours", "within", "count", "h"),
        Column("probability", "touched", "fraction"),
        Column("how", "how", "name"),
        Column("windows", "sample", "count"),
        Column("apart", "side by side", "count"),
    )
    rows = tuple(
        (each["price_usd"], t["hours"], t["probability"], t["how"], t["windows"], t["apart"])
        for each in entries
        for t in each["touch"]
    )
    sigma = entries[0]["sigma_daily"]
    notes = [f"daily sigma {100.0 * sigma:.2f} %: EWMA of daily log returns, decay 0.94"]
    if any(row[3] == "reflection" for row in rows):
        notes.append(
            "reflection: 2 N(-|ln move| / (sigma sqrt(days))), a driftless walk without jumps; "
            "the history is too coarse to count; sample: returns behind sigma"
        )
    if any(row[3] == "counted" for row in rows):
        notes.append("counted: windows of the history that moved as far at its own times")
    return Table("touch", "probability of touching", columns, rows, tuple(notes))


def _quotes(figures: Mapping[str, Any]) -> Table | None:
    quotes = figures["quotes"]
    if not quotes["quoted"] or figures["path"]["unit"] == "ms":
        return None
    columns = (
        Column("kind", "crossing", "name"),
        Column("broken", "broken", "name"),
        Column("distance", "distance", "fraction"),
    )
    rows = tuple((e["kind"], e["broken"], e["at"] - 1.0) for e in quotes["crossings"])
    notes = [
        f"at the touch now: {quotes['cost_usd']:,.2f} USD less than at mark over "
        f"{quotes['quoted']} legs, the same all along the path"
    ]
    if quotes["unquoted"]:
        shown = ", ".join(quotes["unquoted"][:3]) + (", …" if len(quotes["unquoted"]) > 3 else "")
        notes.append(f"without a quote, counted at mark: {shown}")
    title = "nearest crossings on market quotes" + ("" if rows else ": none on this path")
    return Table("quotes", title, columns if rows else (), rows, tuple(notes))


def _late(figures: Mapping[str, Any]) -> Table | None:
    entries = figures["late_marks"]
    if not entries:
        return None
    columns = (
        Column("move", "jump of spot", "fraction"),
        Column("vol", "volatility follows", "fraction"),
        Column("after_s", "margin breaks after", "count", "s"),
    )
    rows = tuple(
        (each["factor"] - 1.0, each["vol_factor"] - 1.0, each["after_s"]) for each in entries
    )
    note = (
        f"marks follow over {figures['terms']['mark_lag_s']:,.0f} s: {figures['terms']['source']}"
    )
    return Table("late_marks", "how long after a jump the venue's marks show it", columns, rows,
                 (note,))  # fmt: skip
