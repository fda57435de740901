"""How the collateral of an account is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossmargin.interfaces.layouts_why import _detail
from crossmargin.interfaces.tables import Column, Document, Table

__all__ = ["collateral_document"]

# Assets that stand side by side, their steps down.
_ACROSS_MAX = 5
_ASSETS = (
    Column("name", "asset", "name"),
    Column("quantity", "Held", "quantity"),
    Column("price_usd", "Price, USD", "price"),
    Column("price_from", "Price from", "name"),
    Column("gross_usd", "Gross, USD", "usd"),
    Column("price_rule_usd", "Price rule", "usd"),
    Column("not_eligible_usd", "Not eligible", "usd"),
    Column("tiers_usd", "Tiers", "usd"),
    Column("size_usd", "Size against depth", "usd"),
    Column("concentration_usd", "Concentration", "usd"),
    Column("cap_usd", "Cap", "usd"),
    Column("group_cap_usd", "Cap of the group", "usd"),
    Column("counted_usd", "Counted", "usd"),
    Column("haircut", "Average haircut", "fraction"),
    Column("wrong_way_usd", "Wrong-way add-on", "usd"),
    Column("days_to_sell", "Days to sell", "number", essential=False),
)
_SUMS = (
    ("collateral_usd", "collateral after haircuts", 1.0),
    ("wrong_way_usd", "wrong-way add-on", -1.0),
    ("profit_usd", "profit not realised", 1.0),
    ("counted_usd", "counted", 1.0),
    ("debt_usd", "debts", 1.0),
    ("required_usd", "maintenance margin", 1.0),
    ("needed_usd", "needed", 1.0),
)


def collateral_document(figures: Mapping[str, Any]) -> Document:
    """Steps by asset, sums, debts, changes, shocks and values."""
    own = figures["protocol"] or {"tables": (), "currency": ""}
    tables = [
        *(_detail(each, own["currency"]) for each in own["tables"]),
        _assets(figures["assets"]),
        _sums(figures),
        _debts(figures),
        _profits(figures["profits"]),
        _changes(figures["changes"], figures["threshold"]),
        _points("shocks", "one stablecoin moves", figures["shocks"]),
        _points("values", "an asset at each of its values", figures["values"]),
    ]
    notes = [f"{a['name']}: {text}" for a in figures["assets"] for text in a["verdicts"]]
    lines = (
        f"as of {figures['as_of']}; schedule {figures['schedule']}; maintenance margin "
        + (f"under {figures['model']}" if figures["model"] else "left out"),
        "what each step takes off is negative; requirements are positive",
    )
    return Document(
        f"collateral of account {figures['account']}: {_verdict(figures)}",
        lines,
        tuple(table for table in tables if table.rows),
        (*notes, *figures["notes"]),
    )


def _verdict(figures: Mapping[str, Any]) -> str:
    health = figures["health"]
    if health is None:
        return "nothing is needed of it"
    over = figures["counted_usd"] - figures["needed_usd"]
    side = "over" if over >= 0.0 else "short of"
    return f"health {health:,.4f}, {abs(over):,.2f} USD {side} what is needed"


def _assets(assets: list[Mapping[str, Any]]) -> Table:
    """Steps that take nothing of any asset are left out on every face but JSON."""
    rows = [{**each, **_taken(each)} for each in assets]
    always = ("name", "quantity", "price_usd", "gross_usd", "counted_usd", "haircut")
    kept = [
        column
        for column in _ASSETS
        if column.key in always or any(row[column.key] not in (0.0, None) for row in rows)
    ]
    cells = tuple(tuple(row[column.key] for column in kept) for row in rows)
    card = len(rows) <= _ACROSS_MAX
    return Table("assets", "", tuple(kept), cells, (), *(("card", 1) if card else ()))


def _taken(asset: Mapping[str, Any]) -> dict[str, Any]:
    """What each step takes, with its sign."""
    steps = ("price_rule", "not_eligible", "tiers", "size", "concentration", "cap", "group_cap")
    return {f"{name}_usd": -asset[f"{name}_usd"] or 0.0 for name in (*steps, "wrong_way")}


def _sums(figures: Mapping[str, Any]) -> Table:
    columns = (Column("item", "account", "name"), Column("usd", "", "usd"))
    rows = [(title, sign * figures[name]) for name, title, sign in _SUMS if figures[name]]
    notes = []
    for name, title in (("ratio", "counted / debts"), ("health", "counted / needed")):
        if figures[name] is not None:
            notes.append(f"{name} ({title}): {figures[name]:,.4f}")
    return Table("sums", "", columns, tuple(rows), tuple(notes))


def _debts(figures: Mapping[str, Any]) -> Table:
    columns = (
        Column("name", "debt", "name"),
        Column("quantity", "owed", "quantity"),
        Column("price_usd", "price", "price", "USD"),
        Column("usd", "owed", "usd"),
    )
    rows = [tuple(d[c.key] for c in columns) for d in figures["debts"]]
    if figures["options_owed_usd"]:
        rows.append(("options, net at the mark", None, None, figures["options_owed_usd"]))
    return Table("debts", "", columns, tuple(rows))


def _profits(profits: list[Mapping[str, Any]]) -> Table:
    columns = (
        Column("underlying", "profit not realised", "name"),
        Column("gain_usd", "gain", "usd"),
        Column("enters_usd", "enters, before the cap", "usd"),
        Column("frozen", "frozen by a jump", "name"),
    )
    return Table("profits", "", columns, tuple(tuple(p[c.key] for c in columns) for p in profits))


def _changes(changes: list[Mapping[str, Any]], threshold: float) -> Table:
    columns = (
        Column("name", f"health {threshold:g}", "name"),
        Column("top_up", "least top-up", "amount"),
        Column("withdrawal", "largest withdrawal", "amount"),
    )
    rows = tuple(tuple(each[c.key] for c in columns) for each in changes)
    notes = ("no top-up: the caps are reached",) if any(row[1] is None for row in rows) else ()
    return Table("changes", "", columns, rows, notes, currency="name")


def _points(name: str, title: str, points: list[Mapping[str, Any]]) -> Table:
    first = (
        (Column("factor", "times", "number"),)
        if name == "shocks"
        else (Column("value", "value", "name"), Column("price_usd", "price", "price", "USD"))
    )
    columns = (
        Column("name", "asset", "name"),
        *first,
        Column("counted_usd", "counted", "usd"),
        Column("debt_usd", "debts", "usd"),
        Column("ratio", "ratio", "number"),
        Column("health", "health", "number"),
    )
    return Table(name, title, columns, tuple(tuple(p[c.key] for c in columns) for p in points))
