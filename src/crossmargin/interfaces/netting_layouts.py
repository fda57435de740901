"""What the verb netting shows: the requirement, the offsets, the curve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossmargin.interfaces.tables import Column, Document, Table

__all__ = ["netting_document"]


def netting_document(figures: Mapping[str, Any]) -> Document:
    """Requirement, offsets and curve of one account."""
    tables = [_requirement(figures), _offsets(figures)]
    notes = [
        "saved: what both sides need alone, less what they need together (IM, orders left out)",
        "a break that is larger than 'eaten at' costs more than the offset saves",
    ]
    if any(each["kind"] == "stable" for each in figures["offsets"]):
        notes.append("stable: the equity that one money lends to another; no margin is taken of it")
    if figures["curve"]:
        tables.append(_curve(figures))
    else:
        notes.append("no two coins of the matrix offset each other: there is no curve")
    return Document(
        f"Netting of {figures['account']} under {figures['model']}",
        (f"as of {figures['as_of']}",),
        tuple(tables),
        tuple(notes),
    )


def _requirement(figures: Mapping[str, Any]) -> Table:
    columns = (Column("measure", "IM", "name"), Column("usd", "amount", "usd"))
    rows = (
        ("coins one by one", figures["plain_usd"]),
        ("netted, base correlations", figures["base_usd"]),
        ("netted, worst of base and stressed", figures["stressed_usd"]),
        ("an offset parts", figures["break_usd"]),
        ("required", figures["initial_usd"]),
    )
    return Table("requirement", "", columns, rows)


def _offsets(figures: Mapping[str, Any]) -> Table:
    columns = (
        Column("kind", "kind", "name"),
        Column("first", "one side", "name"),
        Column("second", "other side", "name"),
        Column("hedged_usd", "hedged", "usd"),
        Column("saved_usd", "saves", "usd"),
        Column("eaten_at_fraction", "eaten at", "fraction"),
        Column("stated_break_fraction", "break", "fraction"),
        Column("break_loss_usd", "it costs", "usd", essential=False),
        Column("eaten", "eaten", "name"),
        Column("first_delta_usd", "delta of one", "usd", essential=False),
        Column("second_delta_usd", "delta of other", "usd", essential=False),
    )
    rows = tuple(tuple(each[c.key] for c in columns) for each in figures["offsets"])
    return Table("offsets", "Offsets and the break that eats each", columns, rows)


def _curve(figures: Mapping[str, Any]) -> Table:
    bases = list(dict.fromkeys(each["basis_fraction"] for each in figures["curve"]))
    saved: dict[float, dict[float, float]] = {}
    for each in figures["curve"]:
        saved.setdefault(each["correlation"], {})[each["basis_fraction"]] = each["saved_fraction"]
    columns = (
        Column("correlation", "correlation", "number"),
        *(
            Column(
                f"saved_fraction_at_{100.0 * b:g}_percent", f"basis\n{100.0 * b:g} %", "fraction"
            )
            for b in bases
        ),
    )
    kept = [rho for k, rho in enumerate(saved) if k % 4 == 0]
    rows = tuple((rho, *(saved[rho][b] for b in bases)) for rho in kept)
    title = f"Saved of the plain sum: {' against '.join(figures['pair'])}"
    return Table("curve", title, columns, rows)
