"""How a liquidation is shown: its steps, who paid, the orders that were tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from crossmargin.interfaces.tables import Column, Document, Table, amount_text

__all__ = ["liquidate_document"]

_STEPS = (
    Column("step", "step", "count"),
    Column("at", "at", "name", essential=False),
    Column("what", "closed", "name"),
    Column("share", "share", "fraction"),
    Column("size", "traded", "quantity", essential=False),
    Column("mark", "mark", "price", essential=False),
    Column("price", "price", "price", essential=False),
    Column("moved_usd", "prices moved", "usd", essential=False),
    Column("cost_usd", "cost", "usd"),
    Column("fee_usd", "fee", "usd", essential=False),
    Column("penalty_usd", "penalty", "usd", essential=False),
    Column("fund_usd", "fund after", "usd", essential=False),
    Column("equity_usd", "equity\nafter", "usd"),
    Column("counted_usd", "counted after", "usd", essential=False),
    Column("mm_usd", "MM\nafter", "usd"),
    Column("short_usd", "short\nafter", "usd"),
    Column("why", "why", essential=False),
)
_TRADES = (
    Column("step", "step", "count"),
    Column("instrument", "contract", "name"),
    Column("size", "traded", "quantity"),
    Column("mark", "mark", "price"),
    Column("price", "price", "price"),
    Column("cost_usd", "cost", "usd"),
    Column("fee_usd", "fee", "usd"),
)
_PURSES = (
    Column("party", "who", "name"),
    Column("before_usd", "before", "usd"),
    Column("after_usd", "after", "usd"),
    Column("change_usd", "change", "usd"),
)
_ATTEMPTS = (
    Column("order", "order", "name"),
    Column("used", "used", "name"),
    Column("steps", "steps", "count"),
    Column("paid_usd", "paid", "usd"),
    Column("equity_usd", "equity left", "usd"),
    Column("bad_debt_usd", "bad debt", "usd"),
    Column("ended", "ended"),
)
_COVERS = (
    Column("source", "paid by", "name"),
    Column("name", "name", "name"),
    Column("usd", "amount", "usd"),
)


def liquidate_document(figures: Mapping[str, Any], top: int = 0) -> Document:
    """Steps first; then who paid what, and what other orders would have come to.

    Of more than ``top`` steps (0: all) the first are shown, and the last one.
    """
    before, after = figures["before"], figures["after"]
    lines = [
        f"as of {figures['as_of']}, {figures['model']['name']}, {figures['mechanics']}",
        f"before: equity {_usd(before['equity_usd'])}, counted {_usd(before['counted_usd'])}, "
        f"MM {_usd(before['mm_usd'])}",
        f"after: equity {_usd(after['equity_usd'])}, counted {_usd(after['counted_usd'])}, "
        f"MM {_usd(after['mm_usd'])}",
        f"ended: {figures['ended']}",
    ]
    if figures["order"] is not None and figures["steps"]:
        lines.append(f"order {figures['order']}: {figures['why']}")
    tables = [_steps(figures["steps"], top)] if figures["steps"] else []
    for name, title, columns in (
        ("covers", "Who covered the deficit", _COVERS),
        ("purses", "Where the money went", _PURSES),
        ("attempts", "Orders that were tried", _ATTEMPTS),
        ("trades", "Trades", _TRADES),
    ):
        rows = figures[name]
        if rows and (figures["steps"] or name != "purses"):
            tables.append(_table(name, title, columns, rows))
    if len({trade["step"] for trade in figures["trades"]}) == len(figures["trades"]):
        tables = [table for table in tables if table.name != "trades"]  # the steps say it all
    title = f"liquidation of {figures['account']}"
    return Document(title, tuple(lines), tuple(tables), tuple(figures["notes"]))


def _steps(steps: list[dict[str, Any]], top: int) -> Table:
    if not 0 < top < len(steps):
        return _table("steps", "Steps", _STEPS, steps)
    cut = _table("steps", "Steps", _STEPS, [*steps[: top - 1], steps[-1]])
    return replace(cut, notes=(f"{len(steps) - top:,} more before the last, in --json and --csv",))


def _usd(amount: float) -> str:
    return f"{amount_text(amount, 'USD')} USD"


def _table(name: str, title: str, columns: tuple[Column, ...], rows: list[dict[str, Any]]) -> Table:
    """The columns of which some row has a value."""
    kept = tuple(c for c in columns if any(row.get(c.key) is not None for row in rows))
    cells = tuple(tuple(_cell(row.get(c.key), c.key) for c in kept) for row in rows)
    return Table(name, title, kept, cells)


def _cell(value: Any, key: str) -> Any:
    if key == "used":
        return "yes" if value else "no"
    return value
