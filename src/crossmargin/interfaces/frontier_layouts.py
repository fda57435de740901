"""What the verb frontier shows: weights, portfolios, the frontier, sizes, trades, the back-test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossmargin.interfaces.tables import Column, Document, Table

__all__ = ["frontier_document"]


def frontier_document(figures: Mapping[str, Any]) -> Document:
    """Every table that the figures have something for."""
    tables = [_assets(figures), _portfolios(figures), _points(figures)]
    notes = [
        "return, volatility: a year, from the estimates named above; no forecast of anybody",
        "ES (of one step) and drawdown: of these weights held through the history, a loss positive"
        " and a fall negative; effective: how many equal positions are as concentrated",
    ]
    if figures["margin"] is not None:
        tables.append(_margin(figures["margin"]))
        if figures["backtest"] is not None:
            notes.append("the back-test is without the margin budget: it is of today's prices")
    if figures["sizing"] is not None:
        tables.append(_sizing(figures["sizing"]))
    if figures["trades"]:
        tables.append(_trades(figures["trades"]))
    if figures["bands"] is not None:
        tables.append(_bands(figures["bands"]))
        notes.append(
            "bands: what portfolios of resampled histories earn and risk under the whole history"
        )
    if figures["backtest"] is not None:
        tables.append(_backtest(figures["backtest"]))
        notes.append(
            "behind: share of the stretches between dates that ended behind equal weights; costs of"
            " every trade are taken, the first purchase included"
        )
    return Document("Efficient frontier", _lines(figures), tuple(tables), tuple(notes))


def _each(step_days: float) -> str:
    """How often a return was taken."""
    return "a day" if step_days == 1.0 else f"every {step_days:g} days"


def _lines(figures: Mapping[str, Any]) -> tuple[str, ...]:
    found = [
        f"{figures['source']}: {figures['observations']} returns,"
        f" one {_each(figures['step_days'])}, {figures['from']} to {figures['to']}",
        f"covariance {figures['estimator']}"
        f" (shrunk by {100.0 * figures['shrinkage_fraction']:.1f} %),"
        f" means {figures['mean_estimator']}"
        f" (shrunk by {100.0 * figures['mean_shrinkage_fraction']:.1f} %),"
        f" risk-free {100.0 * figures['risk_free_fraction']:g} % a year",
        f"{figures['solver']['status']}: {figures['solver']['weights_by']},"
        f" residuals {figures['solver']['primal']:.0e} and {figures['solver']['dual']:.0e};"
        f" {figures['turning_points']} turning points",
    ]
    if figures["views"]:
        told = ", ".join(f"{name} {100.0 * v:+g} %" for name, v in figures["views"].items())
        found.append(f"views, in place of the means: {told} a year above risk-free")
    if figures["value_usd"] is not None:
        found.append(f"held: {figures['value_usd']:,.2f} USD")
    return tuple(found)


def _assets(figures: Mapping[str, Any]) -> Table:
    columns = [
        Column("asset", "asset", "name"),
        Column("weight_fraction", "weight", "fraction"),
        Column("risk_share_fraction", "of risk", "fraction"),
        Column("return_fraction", "return\na year", "fraction"),
        Column("volatility_fraction", "volatility\na year", "fraction"),
        Column("least_variance_fraction", "least\nvariance", "fraction", essential=False),
        Column("price_usd", "price", "price", unit="USD", essential=False),
    ]
    if figures["value_usd"] is not None:
        columns.insert(1, Column("held_fraction", "held", "fraction"))
    return _table("assets", "Weights", columns, figures["assets"])


def _portfolios(figures: Mapping[str, Any]) -> Table:
    columns = [
        Column("portfolio", "portfolio", "name"),
        Column("return_fraction", "return\na year", "fraction"),
        Column("volatility_fraction", "volatility\na year", "fraction"),
        Column("sharpe", "Sharpe", "number"),
        Column("shortfall_fraction", f"ES\n{100.0 * figures['level']:g} %", "fraction"),
        Column("drawdown_fraction", "drawdown", "fraction"),
        Column("effective", "effective", "number"),
        Column("why", "why none", "text", essential=False),
    ]
    return _table("portfolios", "Beside others, on this history", columns, figures["portfolios"])


def _points(figures: Mapping[str, Any]) -> Table:
    names = [each["asset"] for each in figures["assets"]]
    columns = [
        Column("return_fraction", "return\na year", "fraction"),
        Column("volatility_fraction", "volatility\na year", "fraction"),
        Column("sharpe", "Sharpe", "number"),
        *(
            Column(f"weight_{name}", name, "fraction", essential=k < 6)
            for k, name in enumerate(names)
        ),
    ]
    rows = [
        {**each, **{f"weight_{name}": w for name, w in each["weights"].items()}}
        for each in figures["points"]
    ]
    return _table("frontier", "The frontier, equal steps of return", columns, rows)


def _margin(margin: Mapping[str, Any]) -> Table:
    columns = (
        Column("portfolio", "portfolio", "name"),
        Column("im_usd", "IM", "usd"),
        Column("im_by_pieces_usd", "by its\nlinear pieces", "usd"),
        Column("im_fraction", "of the\nvalue", "fraction"),
        Column("kept", "inside", "name"),
    )
    title = (
        f"Initial margin under {margin['model']} of {margin['wealth_usd']:,.0f} USD in "
        f"{', '.join(margin['contracts'])}: at most {margin['budget_usd']:,.0f} USD"
    )
    rows = [tuple(each[c.key] for c in columns) for each in margin["rows"]]
    notes = tuple(f"beside the pieces, in the exact IM: {text}" for text in margin["left_out"])
    return Table("margin", title, columns, tuple(rows), notes)


def _sizing(sizing: Mapping[str, Any]) -> Table:
    columns = (Column("measure", "size", "name"), Column("value", "value", "number"))
    days = "1 day" if sizing["days"] == 1.0 else f"{sizing['days']:g} days"
    rows = [
        ("live volatility a year, %", 100.0 * sizing["live_volatility_fraction"]),
        (f"leverage (set by: {sizing['set_by']})", sizing["leverage"]),
        (
            f"move of {sizing['sigmas']:g} sigma in {days}, %",
            100.0 * sizing["move_fraction"],
        ),
        ("collateral of notional that survives it, %", 100.0 * sizing["collateral_ratio_fraction"]),
        ("leverage that it allows", sizing["leverage_most"]),
    ]
    if sizing["target_volatility_fraction"] is not None:
        rows.insert(1, ("target volatility, %", 100.0 * sizing["target_volatility_fraction"]))
    return Table("sizing", "Leverage and collateral", columns, tuple(rows))


def _trades(trades: list[dict[str, Any]]) -> Table:
    columns = [
        Column("instrument", "trade", "name"),
        Column("side", "side", "name"),
        Column("size", "size", "quantity"),
        Column("cost_usd", "cost", "usd"),
        Column("reason", "why", "text"),
    ]
    rows = [{**each, "side": "buy" if each["size"] > 0.0 else "sell"} for each in trades]
    return _table("trades", "From what is held to the weights", columns, rows)


def _bands(bands: Mapping[str, Any]) -> Table:
    columns = [
        Column("return_fraction", "return\na year", "fraction"),
        Column("volatility_fraction", "volatility\na year", "fraction"),
        Column("return_low_fraction", "return\nlow", "fraction"),
        Column("return_high_fraction", "return\nhigh", "fraction"),
        Column("volatility_low_fraction", "volatility\nlow", "fraction"),
        Column("volatility_high_fraction", "volatility\nhigh", "fraction"),
    ]
    share = 100.0 * bands["confidence"]
    title = (
        f"Bands of {share:g} % over {bands['samples']} resampled histories, seed {bands['seed']}"
    )
    return _table("bands", title, columns, bands["points"])


def _backtest(found: Mapping[str, Any]) -> Table:
    columns = [
        Column("rule", "rule", "name"),
        Column("return_fraction", "return\na year", "fraction"),
        Column("volatility_fraction", "volatility\na year", "fraction"),
        Column("sharpe", "Sharpe", "number"),
        Column("drawdown_fraction", "drawdown", "fraction", essential=False),
        Column("turnover_year_fraction", "turnover\na year", "fraction"),
        Column("cost_fraction", "cost", "fraction", essential=False),
        Column("behind_fraction", "behind", "fraction"),
        Column("worst_behind_fraction", "worst", "fraction", essential=False),
        Column("refused", "refused", "count", essential=False),
    ]
    title = (
        f"Out of sample from {found['first']}: {found['window']} periods seen, every"
        f" {found['every']}, {found['cost_bp']:g} bp a trade"
    )
    return _table("backtest", title, columns, found["rows"])


def _table(name: str, title: str, columns: list[Column], rows: list[dict[str, Any]]) -> Table:
    cells = tuple(tuple(row[column.key] for column in columns) for row in rows)
    return Table(name, title, tuple(columns), cells)
