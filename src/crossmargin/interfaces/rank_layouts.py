"""What the verb rank shows: the candidates, best saving for the cost first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from crossmargin.interfaces.tables import Column, Document, Table

__all__ = ["differs", "rank_document"]


def differs(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether some candidate frees another amount than it saves: a premium that does not count."""
    return any(abs(each["freed_usd"] - each["saved_im_usd"]) > 0.5 for each in rows)


def rank_document(figures: Mapping[str, Any], top: int) -> Document:
    """The document of a ranking; ``top`` cuts it (0: all)."""
    rows = figures["candidates"]
    shown = rows[: top or None]
    helps = sum(1 for each in rows if each["freed_usd"] > 0.0)
    premium = differs(rows)
    word = "freed" if premium else "saved"
    columns = (
        Column("candidate", "candidate", "name"),
        Column("saved_im_usd", "saves IM", "usd"),
        *((Column("freed_usd", "frees", "usd"),) if premium else ()),
        # Decimals of its own: beside thousands of margin a cost of dollars would lose its cents.
        Column("cost_usd", "cost", "amount", "USD"),
        Column("saved_per_cost", f"{word} per\nUSD of cost", "number"),
        Column("lasts_days", "lasts\ndays", "number"),
        Column("passes", "taken", "name"),
        Column("im_usd", "IM after", "usd", essential=False),
        Column("free_after_usd", "free after", "usd", essential=False),
        Column("saved_mm_usd", "saves MM", "usd", essential=False),
        Column("largest", "largest that fits", "name"),
    )
    table = tuple(tuple(_cell(each, column.key) for column in columns) for each in shown)
    lines = (
        f"market of {figures['as_of']}",
        f"{helps} of {len(rows)} candidates "
        + ("free funds for other trades" if premium else "save initial margin"),
        f"initial margin {figures['im_usd']:,.0f} USD, free {figures['free_usd']:,.0f} USD",
    )
    notes = [
        "saved: the exact model with open orders, before less after",
        *([_PREMIUM] if premium else []),
        _cost_note(rows, figures["days"]),
        "largest that fits: what the venue still takes, whatever the depth; of the first few only",
    ]
    if figures["maker"]:
        notes.append(
            "of orders that rest: a maker's fee, no spread or walk; whether they are filled is not "
            "certain; a rebate is no gain"
        )
    if figures["funding_unknown"]:
        names = ", ".join(figures["funding_unknown"])
        notes.append(f"funding of {names} is not recorded and not counted")
    if figures["least_days"]:
        notes.append(
            f"contracts that expire within {figures['least_days']:g} days are only closed: what "
            "they save is back by then; --least-days 0 tries them too"
        )
    if len(shown) < len(rows):
        notes.append(f"the first {len(shown)} of {len(rows)}: --top 0 lists all")
    title = f"Trades of {figures['account']} under {figures['model']} by margin saved for cost"
    return Document(title, lines, (Table("candidates", "", columns, table),), tuple(notes))


_PREMIUM = (
    "frees: what becomes free for other trades, the cost aside; this model does not count all "
    "option value against the margin, so that a premium that is paid is locked up"
)


def _cost_note(rows: Sequence[Mapping[str, Any]], days: float) -> str:
    """What the cost is, and of how many it is only a part."""
    rest = sum(1 for each in rows if not each["cost_whole"])
    text = (
        f"cost: spread, walk, impact, fees, and funding that a perpetual pays over {days:g} days "
        "(what it receives is no gain)"
    )
    return (
        f"{text}; of the other {rest:,}, which stand behind, spread and fee alone" if rest else text
    )


def _cell(each: Mapping[str, Any], key: str) -> Any:
    value = each[key]
    if key == "largest":
        if value is None:
            return each["largest_unknown"] or None
        return ", ".join(f"{size:,.10g}" for size in value)
    if key == "saved_per_cost" and value is None:
        return "for nothing"
    if key == "lasts_days" and value is None:
        return "no expiry"
    return value
