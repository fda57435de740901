"""The table of open orders in an explanation: three rules, and the set of fills that needs most."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossmargin.interfaces.tables import Column, Table

__all__ = ["order_tables"]

Figures = Mapping[str, Any]


def order_tables(pool: Figures, top: int) -> list[Table]:
    """Order margin by worst fill, by side and stand-alone; then the worst set, ``top`` lines."""
    found = pool["orders"]
    if found is None:
        return []
    unit = pool["currency"]
    rules = (
        ("worst fill", found["worst_fill"]),
        ("the worst set filled, margined as it is", found["set_margin"]),
        ("the larger of all buys and all sells", found["by_side"]),
        ("sum of each order alone", found["stand_alone"]),
    )
    sure = "exact" if found["exact"] else "an upper bound: every charge at the fills worst for it"
    where = "" if found["scenario"] == "—" else f" in scenario {found['scenario']}"
    note = f"worst fill ({sure}){where}; fill against mark included"
    title = f"pool {pool['pool']}: what the open orders add to IM"
    columns = (Column("rule", "order margin by", "name"), Column("im", "IM", "amount", unit))
    tables = [Table("order_margin", title, columns, rules, (note,))]
    filled = found["filled"]
    shown = filled if top <= 0 else filled[:top]
    rows = tuple((f["instrument"], f["side"], f["size"], f["limit_price"]) for f in shown)
    names = (
        Column("instrument", "order", "name"),
        Column("side", "side", "name"),
        Column("size", "size", "quantity"),
        Column("limit_price", "limit", "price"),
    )
    rest = len(filled) - len(shown)
    notes = (f"{rest} more in --json and --csv, or with --top 0",) if rest > 0 else ()
    title = f"pool {pool['pool']}: the {len(filled)} fills that need most"
    tables.append(Table("worst_fills", title, names, rows, notes))
    return tables
