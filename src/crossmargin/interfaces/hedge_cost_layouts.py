"""What the verb hedge-cost shows: the book, cost three ways, pace, break-even, bands, replay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossmargin.interfaces.tables import Column, Document, Table

__all__ = ["hedge_cost_document"]

APART = 0.03  # beyond this share the reader is told why formula and simulation differ

Figures = Mapping[str, Any]


def hedge_cost_document(figures: Figures) -> Document:
    """The document of one hedge-cost."""
    hedge, formula = figures["hedge"], figures["formula"]
    lines = [
        f"account {figures['account']}; market of {figures['as_of']}; every "
        f"{figures['hours_between_hedges']:g} hours for {figures['horizon_days']:.4g} days, "
        f"{figures['intervals']} hedges in {hedge['contract']}",
        f"one way {hedge['one_way_bp']:.2f} bp of notional ({hedge['source']}); realised "
        f"volatility {100.0 * formula['vol_fraction']:.2f} %",
    ]
    at = figures["break_even"]["realised_vol_fraction"]
    lines.append(
        "no realised volatility between 1 % and 500 % breaks even"
        if at is None
        else f"breaks even at a realised volatility of {100.0 * at:.2f} %, "
        + _away(figures["break_even"]["margin_vol_points"])
    )
    made = (_book, _liquidity, _costs, _components, _pace, _bands)
    tables = [each(figures) for each in made]
    return Document(
        f"Cost of hedging the {figures['underlying']} options of {figures['account']}",
        tuple(lines),
        tuple(tables),
        tuple(figures["notes"]),
    )


def _book(figures: Figures) -> Table:
    book = figures["book"]
    columns = (
        Column("delta_usd", "delta", "usd"),
        Column("gamma_usd_per_percent", "gamma", "usd", "USD a 1 % move"),
        Column("vega_usd_per_point", "vega", "usd", "USD a point"),
        Column("theta_usd_per_day", "theta", "usd", "USD a day"),
        Column("vol_fraction", "vol of\nthe book", "fraction"),
    )
    return Table("book", "", columns, (tuple(book[c.key] for c in columns),))


def _liquidity(figures: Figures) -> Table:
    """Delta to liquidity: at the touch, in the book within a distance, over a day."""
    hedge, delta = figures["hedge"], figures["book"]["delta_usd"]
    side = "bid" if delta > 0.0 else "ask"
    columns = (
        Column("measure", "liquidity of the hedge", "name"),
        Column("liquidity_usd", "there", "usd"),
        Column("delta_ratio", "delta\nover it", "fraction"),
    )
    rows = (
        (f"best {side}", hedge["touch_usd"], hedge["delta_to_touch_ratio"]),
        (f"{side}s within {hedge['depth_bp']:g} bp", hedge["depth_usd"],
         hedge["delta_to_depth_ratio"]),
        (f"a day's volume, {hedge['volume_from']}", hedge["volume_day_usd"] or None,
         hedge["delta_to_volume_ratio"]),
    )  # fmt: skip
    title = f"delta to liquidity: {delta:+,.0f} USD of delta against {hedge['contract']}"
    notes = () if hedge["depth_usd"] is not None else ("order books: --books FILE",)
    return Table("liquidity", title, columns, rows, notes)


def _costs(figures: Figures) -> Table:
    columns = (
        Column("way", "re-hedging", "name"),
        Column("cost_usd", "cost", "usd"),
        Column("cost_error_usd", "error of\nthe mean", "usd", essential=False),
        Column("gain_usd", "gain before\ncost", "usd"),
        Column("gain_sd_usd", "its sd", "usd"),
        Column("set_up_usd", "set up", "usd", essential=False),
        Column("unwinding_usd", "unwinding", "usd", essential=False),
        Column("carry_usd", "carry", "usd", essential=False),
        Column("net_usd", "net", "usd"),
        Column("trades", "trades", "number", essential=False),
    )
    law = figures["formula"]
    known = {**law, "gain_sd_usd": law["error_sd_usd"]}
    sources = [("formula", known), ("simulated", figures["simulation"]),
               ("simulated, band", figures["banded"])]  # fmt: skip
    if figures["replay"] is not None:
        sources.append((f"replayed, {figures['replay']['windows']} times", figures["replay"]))
    rows = tuple((name, *(each.get(c.key) for c in columns[1:])) for name, each in sources)
    notes = []
    if figures["replay"] is not None:
        past = figures["replay"]
        notes.append(
            f"replayed on prices of {past['from']} to {past['to']}, every {past['hours']:g} hours: "
            f"realised volatility {100.0 * past['realised_vol_fraction']:.1f} % on average; "
            f"{100.0 * past['losing_fraction']:.0f} % of the windows lose, the worst "
            f"{past['net_worst_usd']:,.0f} USD at a realised volatility of "
            f"{100.0 * past['worst_realised_vol_fraction']:.0f} %"
        )
    ran = figures["simulation"]["cost_usd"]
    if ran > 0.0 and abs(law["cost_usd"] / ran - 1.0) > APART:
        apart = 100.0 * (law["cost_usd"] / ran - 1.0)
        notes.append(
            f"the formula is {apart:+.0f} % from the simulation: it is the law of small steps, "
            "and this step is long for what expires soon or turns at its strike; "
            "with shorter steps they meet"
        )
    notes.append("net of the formula is without setting up, unwinding and carry")
    return Table("cost", "What hedging costs over the horizon", columns, rows, tuple(notes))


def _components(figures: Figures) -> Table:
    columns = (
        Column("component", "component of re-hedging", "name"),
        Column("formula_usd", "formula", "usd"),
        Column("simulated_usd", "simulated", "usd"),
    )
    law, run = figures["formula"]["components"], figures["simulation"]["components"]
    names = list(dict.fromkeys([*law, *run]))
    rows = tuple((name, law.get(name, 0.0), run.get(name, 0.0)) for name in names)
    return Table("components", "Cost by component", columns, rows)


def _pace(figures: Figures) -> Table:
    columns = (
        Column("hours", "hours\nbetween", "number"),
        Column("intervals", "hedges", "count"),
        Column("cost_usd", "cost by\nformula", "usd"),
        Column("simulated_usd", "simulated", "usd"),
        Column("error_sd_usd", "sd of the\nhedged result", "usd"),
    )
    rows = tuple(tuple(each[c.key] for c in columns) for each in figures["pace"])
    note = "the proportional part goes with one over the root of the step: a quarter costs twice"
    return Table("pace", "More often or less", columns, rows, (note,))


def _bands(figures: Figures) -> Table:
    columns = (
        Column("rule", "band of delta", "name"),
        Column("half_width_coins", "half-width", "number", "coins"),
        Column("half_width_usd", "half-width", "usd"),
        Column("delta_coins", "delta now", "number", "coins"),
        Column("hedge_coins", "trade now", "number", "coins"),
        Column("hedge_vol_fraction", "vol of\nthe delta", "fraction", essential=False),
        Column("fidelity", "constants", "name"),
    )
    rows = tuple(tuple(each[c.key] for c in columns) for each in figures["band"])
    return Table("band", "How far the hedge may stray", columns, rows)


def _away(points: float) -> str:
    """How far the break-even is from the volatility that was assumed, in points of volatility."""
    where = "above" if points > 0.0 else "below"
    return f"{abs(points):.2f} points {where} it"
