"""How an account against its agreement is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossmargin.interfaces.tables import Column, Document, Table

__all__ = ["account_document"]

# Scenarios that leave a currency below zero, on screen: the gravest.
_SHOWN = 10
_CARD = (
    Column("account", "account", "name"),
    Column("status", "Status", "name"),
    Column("equity_mark_usd", "Equity at the mark", "usd"),
    Column("equity_executable_usd", "Equity at bid and ask", "usd"),
    Column("exit_cost_usd", "Cost to close", "usd"),
    Column("equity_exit_usd", "Equity net of exit", "usd"),
    Column("im_usd", "Initial margin (IM)", "usd"),
    Column("mm_usd", "Maintenance margin (MM)", "usd"),
    Column("counted_im_usd", "Counted against IM", "usd"),
    Column("counted_mm_usd", "Counted against MM", "usd"),
    Column("usage", "IM / counted", "fraction"),
    Column("exit_usage", "IM / counted net of exit", "fraction"),
    Column("mm_usage", "MM / counted", "fraction"),
    Column("exit_mm_usage", "MM / counted net of exit", "fraction"),
    Column("surplus_im_usd", "Over IM", "usd"),
    Column("surplus_mm_usd", "Over MM", "usd"),
    Column("free_usd", "Free", "usd"),
    Column("withdrawable_usd", "Withdrawable", "usd"),
    Column("cash_to_hold_usd", "Cash to hold, with buffer", "usd"),
)


def account_document(figures: Mapping[str, Any]) -> Document:
    """Standing, ladder, withdrawal, cash and pooling."""
    agreement = figures["agreement"]
    row = tuple("USD" if c.key == "account" else figures[c.key] for c in _CARD)
    at_least = figures["bound"] == "at_least"
    marks = {(0, k): "≥" for k, c in enumerate(_CARD) if at_least and c.key in ("im_usd", "mm_usd")}
    tables = [
        Table("account", f"account {figures['account']}", _CARD, (row,), (), "card", 1, "", marks),
        _ladder(agreement),
        _withheld(figures),
        _currencies(figures["cash"]),
        *_scenarios(figures["cash"]),
        _isolation(figures["isolation"]),
    ]
    if figures.get("linked"):
        tables[1:1] = _linked(figures["linked"])
    if figures["unquoted"]:
        tables.append(_unquoted(figures["unquoted"]))
    model = figures["model"]
    title = f"account {figures['account']} under {model['name']}: {figures['verdict']}"
    lines = (
        f"{model['title']}; as of {figures['as_of']}; ladder of {agreement['ladder']}",
        "requirements and gains are positive; a short quantity is negative",
    )
    shown = [table for table in tables if table.rows]
    return Document(title, lines, tuple(shown), tuple(figures["notes"]))


def _linked(linked: Mapping[str, Any]) -> list[Table]:
    """The accounts alone and as one; then what they hold against each other."""
    columns = (
        Column("account", "linked", "name"),
        Column("equity_usd", "equity", "usd"),
        Column("im_usd", "IM", "usd"),
        Column("mm_usd", "MM", "usd"),
    )
    rows = [tuple(each[c.key] for c in columns) for each in linked["accounts"]]
    one = linked["together"]
    rows.append(("as one", one["equity_usd"], one["im_usd"], one["mm_usd"]))
    multiplier = linked["share_multiplier"]
    if multiplier > 1.0:
        words = f"as one, x {multiplier:.3f} for its share of open interest"
        rows.append((words, None, linked["im_with_share_usd"], None))
    held = (
        Column("contract", "contract", "name"),
        Column("long", "long", "quantity"),
        Column("short", "short", "quantity"),
        Column("net", "net", "quantity"),
        Column("matched", "matched", "quantity", essential=False),
        Column("matched_usd", "matched", "usd"),
        Column("share_of_interest", "of open\ninterest", "fraction"),
        Column("multiplier", "multiplier", "number", essential=False),
    )
    shown = linked["contracts"][:_SHOWN]
    rest = len(linked["contracts"]) - len(shown)
    cells = tuple(tuple(each[c.key] for c in held) for each in shown)
    notes = (f"and {rest} more, in JSON",) if rest > 0 else ()
    return [
        Table("linked", "accounts of one owner", columns, tuple(rows)),
        Table("linked_contracts", "what they hold, and against each other", held, cells, notes),
    ]


def _ladder(agreement: Mapping[str, Any]) -> Table:
    columns: tuple[Column, ...] = (
        Column("status", "status", "name"),
        Column("asks", "unless what counts is", "name"),
        Column("pool", "pool", "name"),
        Column("asks_usd", "which is", "usd"),
        Column("over_usd", "over it", "usd"),
        Column("multiple", "multiple", "machine"),
        Column("level", "level", "machine"),
        Column("boundary", "boundary", "machine"),
    )
    rows: tuple[tuple[Any, ...], ...] = tuple(
        (
            each["status"],
            f"{'>' if each['boundary'] == 'fails' else '>='} "
            + (f"{each['multiple']:g} x " if each["multiple"] != 1.0 else "")
            + each["level"],
            each["pool"],
            each["asks_usd"],
            each["over_usd"],
            each["multiple"],
            each["level"],
            each["boundary"],
        )
        for each in agreement["rungs"]
    )
    if all(row[2] is None for row in rows):  # one balance: no pool decides alone
        columns = columns[:2] + columns[3:]
        rows = tuple(row[:2] + row[3:] for row in rows)
    return Table("ladder", "", columns, rows, (agreement["source"],))


def _withheld(figures: Mapping[str, Any]) -> Table:
    columns = (Column("step", "withdrawable", "name"), Column("usd", "", "usd"))
    rows = [(each["step"], each["usd"]) for each in figures["withheld"]]
    if rows:
        rows.append(("withdrawable", figures["withdrawable_usd"]))
    return Table("withdrawable", "", columns, tuple(rows))


def _currencies(cash: Mapping[str, Any]) -> Table:
    columns = (
        Column("currency", "cash", "name"),
        Column("balance", "balance", "amount"),
        Column("worst_after", "at worst", "amount"),
        Column("worst_after_futures", "futures alone", "amount"),
        Column("worst_scenario", "in scenario", "name"),
        Column("borrowed", "missing", "amount"),
        Column("borrowed_usd", "missing", "usd", essential=False),
        Column("below_zero", "scenarios below 0", "count", essential=False),
        Column("scenarios", "of", "count", essential=False),
    )
    rows = tuple(tuple(each[c.key] for c in columns) for each in cash["currencies"])
    whose = "the model's scenarios" if cash["own_scenarios"] else "moves of every coin together"
    borrow = (
        "what is missing is borrowed by the agreement"
        if cash["auto_borrow"]
        else "nothing is lent: a currency below zero must be bought or brought"
    )
    note = f"all profit paid in its own currency, over {whose}, without their weights; {borrow}"
    return Table("cash", "", columns, rows, (note,), currency="currency")


def _scenarios(cash: Mapping[str, Any]) -> list[Table]:
    """The scenarios that leave a currency below zero, the gravest first; the rest in JSON."""
    short = [each for each in cash["scenarios"] if each["first"] is not None]
    if not short:
        return []
    columns = (
        Column("scenario", "scenario", "name"),
        Column("first", "first", "name"),
        Column("share", "gone at", "fraction"),
        Column("short", "missing", "amount"),
        Column("short_usd", "in all", "usd"),
        Column("covered", "covered", "name"),
        Column("total_usd", "all currencies", "usd", essential=False),
    )
    short.sort(key=lambda each: -each["short_usd"])
    rows = tuple(tuple(each[c.key] for c in columns) for each in short[:_SHOWN])
    rest = len(short) - len(rows)
    notes = (f"and {rest} more, in JSON",) if rest > 0 else ()
    return [
        Table(
            "first_below_zero",
            "the first currency below zero",
            columns,
            rows,
            notes,
            currency="first",
        )
    ]


def _isolation(isolation: Mapping[str, Any]) -> Table:
    columns = (
        Column("step", "isolated against cross", "name"),
        Column("usd", "IM", "usd"),
        Column("after_usd", "left", "usd"),
        Column("groups", "groups with margin", "count", essential=False),
    )
    rows: list[tuple[Any, ...]] = [
        ("every line alone", isolation["alone_usd"], isolation["alone_usd"], isolation["lines"])
    ]
    rows += [
        (each["credit"], -each["credit_usd"], each["after_usd"], each["groups"])
        for each in isolation["credits"]
    ]
    rows.append(("open orders and holds", isolation["orders_usd"], isolation["cross_usd"], None))
    rows.append(("cross margin", isolation["cross_usd"], isolation["cross_usd"], None))
    return Table("isolation", "", columns, tuple(rows), (isolation["warning"],))


def _unquoted(legs: list[Mapping[str, Any]]) -> Table:
    columns = (
        Column("leg", "no quote on the side that closes it", "name"),
        Column("quantity", "quantity", "quantity"),
        Column("close_usd", "taken to cost", "usd"),
    )
    rows = tuple((each["leg"], each["quantity"], each["close_usd"]) for each in legs[:_SHOWN])
    rest = len(legs) - len(rows)
    return Table("unquoted", "", columns, rows, (f"and {rest} more, in JSON",) if rest > 0 else ())
