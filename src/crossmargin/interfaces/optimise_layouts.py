"""What the verb optimise shows: the saving first, then trades, outlooks, bands, proof."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossmargin.interfaces.tables import Column, Document, Table

__all__ = ["optimise_document"]

Figures = Mapping[str, Any]
_STANDING = {
    "exact": "the whole requirement",
    "lower": "a lower bound",
    "tangent": "right at the book and near it, no bound",
}


def optimise_document(figures: Figures) -> Document:
    """The document of an answer."""
    tables = [_trades(figures), _split(figures)] if figures["trades"] else []
    tables += [_account(figures), _outlooks(figures), _greeks(figures)]
    tables += [_grid(figures, name) for name in _GRIDS]
    tables += [found for found in [_bindings(figures)] if found.rows]
    tables += [_limits(figures)] if figures["limits"] else []
    tables.append(_rounds(figures))
    return Document(
        f"Margin of {figures['account']} under {figures['model']}, optimised",
        (f"market of {figures['as_of']}", _headline(figures)),
        tuple(tables),
        tuple(_notes(figures)),
    )


def _headline(figures: Figures) -> str:
    if not figures["trades"]:
        return f"nothing to do: {figures['nothing_because']}"
    count, saved = len(figures["trades"]), figures["saved_usd"]
    each = "1 trade saves" if count == 1 else f"{count} trades save"
    text = f"{each} {saved:,.0f} USD of initial margin"
    beside = figures["uncounted_usd"]
    if abs(beside) > 0.5:  # option value that does not count: a premium is locked up, or comes in
        each = "1 trade frees" if count == 1 else f"{count} trades free"
        way = "less counts" if beside > 0.0 else "more counts"
        text = f"{each} {saved:,.0f} USD: {-figures['saved_im_usd']:+,.0f} of initial margin, and "
        text += f"{abs(beside):,.0f} {way} against it, the cost aside,"
    cost, days = figures["cost_usd"], figures["pay_back_days"]
    if cost <= 0.0:  # quotes on the other side of the mark pay for the trade
        text += f" and bring in {-cost:,.0f} USD against the mark"
    else:
        text += f" for {cost:,.{0 if cost >= 10.0 else 2}f} USD"
        if days is not None:
            text += (
                f"; paid back in {days:,.1f} days at {100.0 * figures['funding_annual']:g} % a year"
            )
    return text + f"; the venue's answer: {str(figures['verdict']).replace('_', ' ')}"


def _trades(figures: Figures) -> Table:
    columns = (
        Column("instrument", "contract", "name"),
        Column("side", "side", "name"),
        Column("size", "size", "quantity"),
        Column("cost_usd", "cost", "usd"),
    )
    # The side says the sign.
    shown = [{**each, "size": abs(each["size"])} for each in figures["trades"]]
    rows = tuple(tuple(each[c.key] for c in columns) for each in shown)
    return Table("trades", "Trades (intents: nothing is sent)", columns, rows)


def _split(figures: Figures) -> Table:
    columns = (Column("component", "of it", "name"), Column("usd", "cost", "usd"))
    rows = [tuple(each[c.key] for c in columns) for each in figures["cost_split"]]
    rows.append(("cost", figures["cost_usd"]))
    return Table("cost_split", "What the trades cost", columns, tuple(rows))


def _account(figures: Figures) -> Table:
    columns = (
        Column("measure", "", "name"),
        Column("before", "before", "usd"),
        Column("after", "after", "usd"),
        Column("change", "change", "usd"),
    )
    names = (
        ("im_usd", "IM, open orders included"),
        ("mm_usd", "MM"),
        ("counted_im_usd", "counted against IM"),
    )
    before, after = figures["before"], figures["after"]
    rows = [(title, before[key], after[key], after[key] - before[key]) for key, title in names]
    free = [each["counted_im_usd"] - each["im_usd"] for each in (before, after)]
    rows.append(("free for new trades", free[0], free[1], free[1] - free[0]))
    exits = figures["exit_before_usd"], figures["exit_after_usd"]
    rows.append(("cost to leave", *exits, exits[1] - exits[0]))
    return Table("account", "The account, by the exact model", columns, tuple(rows))


def _outlooks(figures: Figures) -> Table:
    columns = (
        Column("when", "later", "name"),
        Column("at", "at", "name"),
        Column("im_without_usd", "IM without", "usd"),
        Column("im_with_usd", "IM with the trades", "usd"),
        Column("saved_usd", "saved", "usd"),
        Column("refused", "no number", "text", essential=False),
    )
    rows = tuple(tuple(each[c.key] for c in columns) for each in figures["outlooks"])
    return Table("outlooks", "The same later, at the prices of now", columns, rows)


def _greeks(figures: Figures) -> Table:
    columns = (
        Column("greek", "greek", "name"),
        Column("coin", "coin", "name"),
        Column("unit", "unit", "name"),
        Column("before", "before", "price"),
        Column("after", "after", "price"),
        Column("least", "band\nfrom", "price"),
        Column("most", "to", "price"),
        Column("binds", "binds", "name"),
    )
    rows = tuple(tuple(each[c.key] for c in columns) for each in figures["greeks"])
    notes = ("band: --delta, --gamma, --vega, shares of the gross Greek; without one it is free",)
    return Table("greeks", "Greeks and the bands that hold them", columns, rows, notes)


_GRIDS = {
    "grid": "P&L on the own grid: -30 to +30 % by 1 %, volatility x 0.75, 1, 1.25",
    "dense_grid": "P&L on a denser grid: by 0.25 %, volatility by 1/16",
}


def _grid(figures: Figures, name: str) -> Table:
    columns = (
        Column("coin", "coin", "name"),
        Column("worst_before_usd", "worst before", "usd"),
        Column("worst_after_usd", "worst after", "usd"),
        Column("largest_loss_added_usd", "largest change\ndown", "usd"),
        Column("largest_loss_added_at", "there", "name"),
        Column("largest_gain_added_usd", "largest change\nup", "usd", essential=False),
        Column("largest_gain_added_at", "there", "name", essential=False),
    )
    rows = tuple(tuple(each[c.key] for c in columns) for each in figures[name])
    return Table(name, _GRIDS[name], columns, rows)


def _bindings(figures: Figures) -> Table:
    columns = (
        Column("pool", "pool", "name"),
        Column("title", "charge", "name"),
        Column("binds", "binds", "name"),
        Column("value_usd", "charges", "usd"),
        Column("share", "share of\nits slope", "fraction"),
    )
    some = [each for each in figures["bindings"] if abs(each["value_usd"]) >= 0.005]
    rows = tuple(tuple(each[c.key] for c in columns) for each in some)
    return Table("bindings", "What binds, before sizes are whole lots", columns, rows)


def _limits(figures: Figures) -> Table:
    columns = (
        Column("limit", "limit", "name"),
        Column("unit", "unit", "name"),
        Column("usd_per_unit", "USD for one\nunit more", "price"),
    )
    rows = tuple(tuple(each[c.key] for c in columns) for each in figures["limits"][:12])
    return Table("limits", "Limits that hold the answer back", columns, rows)


def _rounds(figures: Figures) -> Table:
    columns = (
        Column("round", "round", "count"),
        Column("sizes", "sizes", "name"),
        Column("saved_by_pieces_usd", "saved by pieces", "usd"),
        Column("saved_exactly_usd", "saved exactly", "usd"),
        Column("excess_usd", "not kept", "usd"),
        Column("cost_usd", "cost", "usd"),
        Column("trades", "trades", "count"),
    )
    rows = tuple(
        (k + 1, *(each[c.key] for c in columns[1:])) for k, each in enumerate(figures["rounds"])
    )
    return Table("rounds", "Linear pieces against the exact model", columns, rows)


def _notes(figures: Figures) -> list[str]:
    out = [f"worse: {each}" for each in figures["worsened"]]
    short = [
        each["im_usd"] - each["counted_im_usd"] for each in (figures["before"], figures["after"])
    ]
    if short[0] > 0.0 and figures["objective"] != "call":
        out.append(
            f"initial margin is short by {short[0]:,.0f} USD before and {max(short[1], 0.0):,.0f} "
            "after: --objective call asks for what meets it"
        )
    for each in figures["pieces"]:
        text = f"pieces of {each['pool']}: {_STANDING[each['standing']]}"
        if each["left_out"]:
            text += "; " + "; ".join(each["left_out"])
        out.append(text)
    if figures["runner_up"]["scenario"]:
        runner = figures["runner_up"]
        out.append(f"next to bind: {runner['scenario']}, {runner['below_usd']:,.0f} USD below")
    proof = figures["solver"]
    out.append(
        f"{proof['solver']}: primal {proof['primal_residual']:.1e}, dual "
        f"{proof['dual_residual']:.1e}, gap {proof['gap']:.1e}; {proof['rows']} rows in "
        f"{proof['rounds_of_rows']} rounds"
    )
    out.append(f"sizes: {figures['lots']}; contracts looked at: {figures['looked_at']}")
    if figures["screened_out"]:
        out.append(f"{figures['screened_out']} contracts with less relief for the cost left aside")
    out.append("the saving is the exact model's; cost is spread, walk, impact, fees and funding")
    out += figures["cost_notes"]
    return out
