"""How an exit is shown: the account on every basis, then its lines, the dearest first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossmargin.interfaces.tables import Column, Document, Table

__all__ = ["exit_document"]

_BASES = {
    "mark": "at mark",
    "touch": "at the touch",
    "depth": "at depth, now",
    "days": "over {days:g} days",
    "cheaper": "cheaper way of each line",
}


def exit_document(figures: Mapping[str, Any], top: int = 0) -> Document:
    """The account, the lines, and what the depth costs are made of; ``top`` lines (0: all)."""
    lines = [
        f"account {figures['account']}; market of {figures['as_of']}",
        _days(figures),
    ]
    if figures["unquoted"]:
        lines.append(f"no quote: {len(figures['unquoted'])} of {len(figures['legs'])} lines")
    tables = [_account(figures)]
    if figures["legs"]:
        order = sorted(figures["legs"], key=lambda leg: -leg["depth_usd"])
        shown = order if top <= 0 else order[:top]
        rest = len(order) - len(shown)
        more = (f"{rest} more in --json and --csv, or with --top 0",) if rest > 0 else ()
        tables += [_legs(figures, shown, more), _parts(shown)]
        hedged = [leg for leg in shown if leg["run_off"] is not None]
        tables += [_run_off(hedged)] if hedged else []
    model = figures["model"]
    title = f"exit, under {model['name']}: {model['title']}"
    return Document(title, tuple(lines), tuple(tables), tuple(figures["notes"]))


def _days(figures: Mapping[str, Any]) -> str:
    days = figures["days_to_close"]
    if not figures["legs"]:
        return "nothing to close"
    if days is None:
        return "days to close: unknown for some lines"
    known = [leg for leg in figures["legs"] if leg["days_to_close"] is not None]
    slowest = max(known, key=lambda leg: leg["days_to_close"])
    return f"days to close: {days:,.1f}, the slowest {slowest['instrument']}"


def _account(figures: Mapping[str, Any]) -> Table:
    columns = (
        Column("basis", "value", "name"),
        Column("cost_usd", "cost to\nleave", "usd"),
        Column("equity_usd", "equity", "usd"),
        Column("im_usage", "IM usage", "fraction"),
        Column("mm_usage", "MM usage", "fraction"),
        Column("over_mm_usd", "left over\nMM", "usd"),
    )
    rows = tuple(
        (
            _BASES[each["basis"]].format(days=figures["days"]),
            *(each[column.key] for column in columns[1:]),
        )
        for each in figures["standings"]
    )
    return Table("account", "the account, net of what it costs to leave", columns, rows)


def _legs(figures: Mapping[str, Any], legs: list[Any], notes: tuple[str, ...]) -> Table:
    days = f"{figures['days']:g} days"
    bounded = any(leg["bound"] for leg in legs)
    columns = (
        Column("instrument", "line", "name"),
        Column("quantity", "size", "quantity"),
        Column("mark", "mark", "price", essential=False),
        Column("touch", "touch", "price", essential=False),
        *((Column("bound", "bounded\nby", "name"),) if bounded else ()),
        Column("touch_usd", "cost at\ntouch", "usd"),
        Column("depth_usd", "cost at\ndepth", "usd"),
        Column("days_to_close", "days to\nclose", "number"),
        Column("run_off_usd", "hedged to\nexpiry", "usd", essential=False),
        Column("way", "cheaper\nway", "name"),
        Column("days_usd", f"over\n{days}", "usd", essential=False),
        Column("left", f"left after\n{days}", "quantity", essential=False),
        Column("waiting_risk_usd", "risk of\nwaiting", "usd", essential=False),
        Column("worth_usd", "worth\nat mark", "usd", essential=False),
    )
    rows = tuple(
        (
            leg["instrument"],
            leg["quantity"],
            leg["mark"],
            leg["touch"],
            *((leg["bound"] or None,) if bounded else ()),
            leg["touch_usd"],
            leg["depth_usd"],
            leg["days_to_close"],
            None if leg["run_off"] is None else leg["run_off"]["total_usd"],
            leg["way"],
            leg["days_usd"],
            leg["left"],
            leg["waiting_risk_usd"],
            leg["worth_usd"] if leg["kind"] == "option" else None,
        )
        for leg in legs
    )
    return Table("legs", "line by line, the dearest first", columns, rows, notes)


def _parts(legs: list[Any]) -> Table:
    names = list(dict.fromkeys(name for leg in legs for name in leg["parts_usd"]))
    columns = (
        Column("instrument", "line", "name"),
        Column("side", "side", "name"),
        Column("shown", "size shown", "quantity"),
        Column("depth_source", "depth from", "name"),
        *(Column(f"part_{name.replace(' ', '_')}_usd", name, "usd") for name in names),
    )
    rows = tuple(
        (
            leg["instrument"],
            leg["side"],
            leg["shown"],
            leg["depth_source"],
            *(leg["parts_usd"].get(name) for name in names),
        )
        for leg in legs
    )
    return Table("parts", "what the cost at depth is made of", columns, rows)


def _run_off(legs: list[Any]) -> Table:
    columns = (
        Column("instrument", "line", "name"),
        Column("hedge_usd", "hedge now", "usd"),
        Column("unwind_usd", "unwind", "usd"),
        Column("rehedging_usd", "re-hedging", "usd"),
        Column("gas_usd", "gas", "usd", essential=False),
        Column("funding_usd", "funding", "usd"),
        Column("vol_risk_usd", "vol risk", "usd"),
        Column("total_usd", "in all", "usd"),
        Column("trades", "trades", "count"),
    )
    rows = tuple(
        (leg["instrument"], *(leg["run_off"][column.key] for column in columns[1:])) for leg in legs
    )
    return Table("run_off", "hedging to expiry with the perpetual, expected", columns, rows)
