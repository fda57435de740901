"""What the verb allocate shows: accounts before and after, trades, transfers, obstacles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossmargin.interfaces.tables import Column, Document, Table

__all__ = ["allocate_document"]

_NAMED = 3  # contracts that a row names


def allocate_document(figures: Mapping[str, Any]) -> Document:
    """The plan in the order in which it is read: effect, accounts, what to do."""
    tables = [_effect(figures), _accounts(figures)]
    if figures["trades"]:
        tables.append(_trades(figures))
    if figures["transfers"]:
        tables.append(_transfers(figures))
    if figures["stays"]:
        tables.append(_stays(figures))
    if figures["relaxations"]:
        tables.append(_relaxations(figures))
    lines = [
        f"market of {figures['as_of']}; a dollar of demand costs {100.0 * figures['rate_annual']:g}"
        f" % a year, for {figures['days']:g} days",
    ]
    if not figures["feasible"]:
        lines.append("no plan holds every buffer: nothing is proposed")
    elif not figures["buffers_held"]:
        lines.append("by the exact rules a buffer is not held: see the accounts")
    elif not figures["trades"] and not figures["transfers"]:
        lines.append("nothing is worth its cost: all stays where it is")
    title = f"Allocation of {figures['name']} over {len(figures['accounts'])} accounts"
    return Document(title, tuple(lines), tuple(tables), tuple(figures["notes"]))


def _effect(figures: Mapping[str, Any]) -> Table:
    columns = (
        Column("measure", "what it does", "name"),
        Column("usd", "amount", "usd"),
        Column("meaning", "what it is"),
    )
    days = figures["payback_days"]
    paid = "no saving" if days is None else f"paid back in {days:,.1f} days"
    rounds = "1 round" if figures["rounds"] == 1 else f"{figures['rounds']} rounds"
    proof = (
        f"no plan of these moves is worth more ({rounds}, {figures['solver']})"
        if figures["proven"]
        else "not proven: a rule is not convex here, this is the best plan found"
    )
    rows = (
        ("demanded before", figures["demand_before_usd"], "sum of the venues' own, to open"),
        ("demanded after", figures["demand_after_usd"], "the same after the plan, exact rules"),
        ("freed", figures["freed_usd"], "equity that no venue demands any more"),
        ("cost", figures["cost_usd"], f"trades against the mark, fees, transfers; {paid}"),
        ("worth", figures["worth_usd"], "what is freed over the days, less the cost"),
        ("bound", figures["bound_usd"], proof),
    )
    return Table("effect", "", columns, rows)


def _accounts(figures: Mapping[str, Any]) -> Table:
    columns = (
        Column("account", "account", "name"),
        Column("rulebook", "rulebook", "name"),
        Column("equity_before_usd", "equity\nbefore", "usd", essential=False),
        Column("demand_before_usd", "demanded\nbefore", "usd"),
        Column("demand_after_usd", "demanded\nafter", "usd"),
        Column("room_before_usd", "room\nbefore", "usd"),
        Column("room_after_usd", "room\nafter", "usd"),
        Column("buffer_usd", "buffer", "usd"),
        Column("least_room_usd", "least room\non the way", "usd", essential=False),
        Column("buffer_held", "held", "name"),
    )
    rows = tuple(
        tuple(
            ("yes" if each[c.key] else "NO") if c.key == "buffer_held" else each[c.key]
            for c in columns
        )
        for each in figures["accounts"]
    )
    notes = (
        "room: what counts less what is required to open; under 0 the venue takes no new risk",
    )
    return Table("accounts", "Accounts, each by its venue's own rule", columns, rows, notes)


def _trades(figures: Mapping[str, Any]) -> Table:
    columns = (
        Column("account", "account", "name"),
        Column("instrument", "contract", "name"),
        Column("side", "side", "name"),
        Column("size", "size", "quantity"),
        Column("cost_usd", "cost", "usd"),
        Column("reason", "why"),
    )
    rows = tuple(
        (
            each["account"],
            each["instrument"],
            "buy" if each["size"] > 0.0 else "sell",
            abs(each["size"]),
            each["cost_usd"],
            each["reason"],
        )
        for each in figures["trades"]
    )
    return Table(
        "trades", "Trades, in the order of filling; size in the venue's unit", columns, rows
    )


def _transfers(figures: Mapping[str, Any]) -> Table:
    columns = (
        Column("source", "from", "name"),
        Column("target", "to", "name"),
        Column("amount", "amount", "quantity"),
        Column("currency", "of", "name"),
        Column("cost_usd", "fees", "usd"),
        Column("seconds", "takes s", "count"),
        Column("reason", "why"),
    )
    rows = tuple(
        tuple(round(each["amount"], 8) if c.key == "amount" else each[c.key] for c in columns)
        for each in figures["transfers"]
    )
    return Table("transfers", "Transfers", columns, rows)


def _stays(figures: Mapping[str, Any]) -> Table:
    """By account and reason; JSON and the library name every contract with its size."""
    columns = (
        Column("account", "account", "name"),
        Column("count", "positions", "count"),
        Column("reason", "why"),
        Column("names", "such as"),
    )
    grouped: dict[tuple[str, str], list[str]] = {}
    for each in figures["stays"]:
        grouped.setdefault((each["account"], each["reason"]), []).append(each["instrument"])
    rows = tuple(
        (account, len(names), reason, ", ".join(names[:_NAMED]) + (", …" * (len(names) > _NAMED)))
        for (account, reason), names in grouped.items()
    )
    return Table("stays", "What stays, whole or in part", columns, rows)


def _relaxations(figures: Mapping[str, Any]) -> Table:
    columns = (
        Column("name", "what would have to give way", "name"),
        Column("by", "by", "usd"),
        Column("bound", "of", "usd"),
    )
    rows = tuple((each["name"], each["by"], each["bound"]) for each in figures["relaxations"])
    return Table("relaxations", "The smallest changes that would let a plan exist", columns, rows)
