"""What the verb rebalance shows: bands, contracts, fills, weights, policies on past prices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossmargin.interfaces.tables import Column, Document, Table

__all__ = ["rebalance_document"]

Figures = Mapping[str, Any]
_UNITS = {"delta": "USD", "gamma": "USD a 1 % move", "vega": "USD a point"}


def rebalance_document(figures: Figures) -> Document:
    """The document of one rebalance."""
    if figures["mode"] == "backtest":
        return _backtest(figures)
    return _greeks(figures) if figures["mode"] == "greeks" else _weights(figures)


def _greeks(figures: Figures) -> Document:
    columns = (
        Column("underlying", "coin", "name"),
        Column("greek", "Greek", "name"),
        Column("unit", "unit", "name"),
        Column("before", "before", "usd", " "),
        Column("low", "band from", "usd", " "),
        Column("high", "to", "usd", " "),
        Column("outside", "outside", "name"),
        Column("after", "after", "usd", " "),
    )
    rows = tuple(
        tuple(_UNITS[row["greek"]] if c.key == "unit" else row[c.key] for c in columns)
        for row in figures["bands"]
    )
    tables = [Table("bands", "Greeks and their bands", columns, rows)]
    if figures["contracts"]:
        tables.append(_contracts(figures))
    lines = [f"account {figures['account']} under {figures['model']}; market of "
             f"{figures['as_of']}; traded to the {figures['to']}"]  # fmt: skip
    if figures["fills"]:
        tables.append(_fills(figures))
        count = len(figures["trades"])
        each = "1 trade costs" if count == 1 else f"{count} trades cost"
        lines.append(
            f"{each} {figures['cost_usd']:,.2f} USD against the mark{_split(figures)}; initial "
            f"margin {figures['im_before_usd']:,.2f} to {figures['im_after_usd']:,.2f} USD"
        )
    else:
        lines.append("every Greek is inside its band: nothing to trade")
    notes = [
        f"margin costs {100.0 * figures['margin_rate_fraction']:g} % a year over "
        f"{figures['hold_days']:g} days; below zero where a contract frees margin",
        "derivatives alone, unless coins are counted; nothing here sends an order",
    ]
    return Document("Rebalancing of Greeks", tuple(lines), tuple(tables), tuple(notes))


def _split(figures: Figures) -> str:
    """What the cost is made of, in brackets; what is a cent or less is not named."""
    parts = [f"{k} {usd:,.2f}" for k, usd in figures["components"].items() if abs(usd) >= 0.005]
    return f" ({', '.join(parts)})" if parts else ""


def _contracts(figures: Figures) -> Table:
    columns = (
        Column("underlying", "coin", "name", essential=False),
        Column("instrument", "contract", "name"),
        Column("trading_bp", "trading", "bp", "bp of delta"),
        Column("carry_bp", "carry", "bp", "bp of delta"),
        Column("margin_bp", "margin", "bp", "bp of delta"),
        Column("total_bp", "all", "bp", "bp of delta"),
        Column("size", "traded", "quantity"),
    )
    rows = tuple(tuple(row[c.key] for c in columns) for row in figures["contracts"])
    note = "cost per delta of the size that alone would bring delta to its goal"
    return Table("contracts", "What may be traded, the cheapest first", columns, rows, (note,))


def _fills(figures: Figures) -> Table:
    columns = (
        Column("fill", "fill", "count"),
        Column("instrument", "contract", "name"),
        Column("size", "size", "quantity"),
        Column("im_usd", "initial margin\nafter it", "usd"),
        Column("room_usd", "room left", "usd"),
        Column("passes", "taken", "name"),
    )
    rows = tuple(tuple(row[c.key] for c in columns) for row in figures["fills"])
    notes = () if figures["holds"] else ("margin does not hold at every fill",)
    return Table("fills", "Fills in order, with margin at each", columns, rows, notes)


def _weights(figures: Figures) -> Document:
    columns = (
        Column("asset", "asset", "name"),
        Column("instrument", "contract", "name", essential=False),
        Column("held_usd", "held", "usd"),
        Column("weight_fraction", "weight", "fraction"),
        Column("target_fraction", "target", "fraction"),
        Column("low_fraction", "from", "fraction"),
        Column("high_fraction", "to", "fraction"),
        Column("outside", "outside", "name"),
        Column("trade_usd", "trade", "usd"),
        Column("after_fraction", "after", "fraction"),
    )
    rows = tuple(tuple(row[c.key] for c in columns) for row in figures["assets"])
    tables = [Table("weights", "Weights and their bands", columns, rows)]
    if figures["fills"]:
        tables.append(_fills(figures))
    rule = figures["policy"]
    lines = [
        f"policy {rule['trigger']}, to {rule['to']}; value {figures['value_before_usd']:,.2f} USD "
        f"less cost {figures['cost_usd']:,.2f}{_split(figures)} is "
        f"{figures['value_after_usd']:,.2f} USD",
        f"two-way turnover {100.0 * figures['turnover_two_way_fraction']:.2f} %",
    ]
    if figures["account"]:
        lines.insert(0, f"account {figures['account']}; market of {figures['as_of']}")
    notes = [
        "held: coins, and the delta of derivatives; cash is what the weights leave of one",
        "whole lots of the contracts, towards nothing; nothing here sends an order",
    ]
    return Document("Rebalancing of weights", tuple(lines), tuple(tables), tuple(notes))


def _backtest(figures: Figures) -> Document:
    columns = (
        Column("policy", "policy", "name"),
        Column("trades", "trades", "count"),
        Column("turnover_one_way", "one-way\nturnover", "fraction"),
        Column("turnover_two_way", "two-way", "fraction", essential=False),
        Column("net_return", "net\nreturn", "fraction"),
        Column("tracking_error", "tracking\nerror", "fraction"),
        Column("cost_usd", "cost", "usd", essential=False),
        Column("harvest", "harvest\nbefore cost", "fraction", essential=False),
        Column("harvest_net", "harvest\nnet", "fraction"),
        Column("losing_share", "behind", "fraction"),
        Column("worst_window", "worst\nwindow", "fraction", essential=False),
    )
    rows = tuple(tuple(row[c.key] for c in columns) for row in figures["policies"])
    first = figures["policies"][0]
    lines = [
        f"{figures['observations']} observations from {figures['from']} to {figures['to']}, "
        f"{figures['left_out']} left out; fills one observation after the decision",
        ", ".join(f"{a['asset']} {100.0 * a['target_fraction']:g} %" for a in figures["assets"])
        + f"; never rebalanced {100.0 * first['hold_return']:+.2f} % a year, kept for free "
        f"{100.0 * first['ideal_return']:+.2f} %",
        f"harvest by formula {100.0 * first['harvest_formula']:+.2f} % a year, if prices came back",
    ]
    parts = (
        Column("policy", "policy", "name"),
        *(Column(f"{name}_usd", name, "usd") for name in _components(figures)),
    )
    split = tuple(
        (row["policy"], *(row["components_usd"].get(name, 0.0) for name in _components(figures)))
        for row in figures["policies"]
    )
    tables = [Table("policies", "Policies beside each other", columns, rows)]
    if split and len(parts) > 1:
        tables.append(Table("components", "Cost by component", parts, split))
    notes = (
        "turnover, returns and error are of a year; harvest: growth a year above never rebalancing",
        "behind: share of windows of "
        f"{first['window_days']:.0f} days that end below it after costs",
    )
    return Document("Rebalancing policies on past prices", tuple(lines), tuple(tables), notes)


def _components(figures: Figures) -> list[str]:
    return list(dict.fromkeys(n for row in figures["policies"] for n in row["components_usd"]))
