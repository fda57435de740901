"""How protection is shown: the account, the candidates by cost, what they leave, the comparison."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossmargin.interfaces.tables import Column, Document, Table

__all__ = ["protect_document"]


def protect_document(figures: Mapping[str, Any], top: int = 0) -> Document:
    """The whole answer; ``top`` candidates (0: all)."""
    unit = "USD" if figures["floor_unit"] == "usd" else figures["coin"]
    floor = figures["floor_usd"] if unit == "USD" else figures["floor_coins"]
    share = figures["floor_usd"] / figures["equity_usd"]
    lines = (
        f"account {figures['account']}; market of {figures['as_of']}; {figures['coin']} at "
        f"{figures['price_usd']:,.2f} USD",
        f"floor {floor:,.{0 if unit == 'USD' else 4}f} {unit}, {100.0 * share:.1f} % of the equity "
        f"of {figures['equity_usd']:,.0f} USD, over {figures['days']:g} days",
        _bare(figures),
    )
    rows = figures["candidates"]
    shown = rows if top <= 0 else rows[:top]
    more = (f"{len(rows) - len(shown)} more in --json and --csv, or with --top 0",)
    tables: list[Table] = []
    if shown:
        tables += [_hedges(shown, more if len(rows) > len(shown) else ()), _floors(shown)]
        tables += [_margins(shown, figures)]
    if figures["compared"] is not None:
        tables.append(_compared(figures["compared"]))
    if figures["tail"] is not None:
        tables += [_tail(figures["tail"]), _crashes(figures["tail"])]
    if figures["missing"]:
        tables.append(_missing(figures["missing"]))
    title = f"protection of {figures['account']} under {figures['model']}"
    return Document(title, lines, tuple(tables), tuple(figures["notes"]))


def _bare(figures: Mapping[str, Any]) -> str:
    if not figures["needed"]:
        return "without a hedge the floor holds at every price"
    low, high = figures["bare_holds_from_usd"], figures["bare_holds_to_usd"]
    parts = ([f"below {low:,.0f}"] if low > 0.0 else []) + ([f"above {high:,.0f}"] if high else [])
    return f"without a hedge the floor is broken {' and '.join(parts) or 'today'} USD"


def _legs(each: Mapping[str, Any]) -> str:
    return "\n".join(f"{leg['size']:+g} {leg['instrument']}" for leg in each["legs"])


def _hedges(rows: list[Mapping[str, Any]], notes: tuple[str, ...]) -> Table:
    columns = (
        Column("rank", "#", "count"),
        Column("strategy", "strategy", "name"),
        Column("legs", "legs", "name"),
        Column("cost_usd", "cost\nnow", "usd"),
        Column("rolls", "rolls", "count", essential=False),
        Column("roll_usd", "rolls\ncost", "usd", essential=False),
        Column("resale_usd", "resale", "usd", essential=False),
        Column("horizon_cost_usd", "cost to\nhorizon", "usd"),
        Column("cost_fraction_per_year", "of equity\na year", "fraction"),
        Column("upside_kept_fraction", "upside\nkept", "fraction"),
    )
    body = tuple(
        (k, each["strategy"], _legs(each), *(each[column.key] for column in columns[3:]))
        for k, each in enumerate(rows, start=1)
    )
    title = "hedges, what holds the floor first, then by cost to the horizon"
    return Table("hedges", title, columns, body, notes)


def _floors(rows: list[Mapping[str, Any]]) -> Table:
    columns = (
        Column("rank", "#", "count"),
        Column("strategy", "strategy", "name"),
        Column("holds", "floor\nholds", "name"),
        Column("holds_from_usd", "holds\nfrom", "usd"),
        Column("holds_to_usd", "holds\nto", "usd", essential=False),
        Column("over_floor_usd", "least over\nfloor", "usd"),
        Column("least_at_usd", "at price", "usd", essential=False),
        Column("marked_over_floor_usd", "marked,\nover floor", "usd"),
        Column("marked_at_usd", "marked\nat", "usd", essential=False),
        Column("loss_usd", "most\nlost", "usd"),
        Column("strike_of_no_cost_usd", "strike of\nno cost", "usd", essential=False),
    )
    body = tuple(
        (k, each["strategy"], "yes" if each["holds"] else "in part",
         *(each[column.key] for column in columns[3:]))
        for k, each in enumerate(rows, start=1)
    )  # fmt: skip
    return Table("floors", "the floor at every price, at expiry and on the way", columns, body)


def _margins(rows: list[Mapping[str, Any]], figures: Mapping[str, Any]) -> Table:
    columns = (
        Column("rank", "#", "count"),
        Column("strategy", "strategy", "name"),
        Column("im_usd", "IM after", "usd"),
        Column("marginal_im_usd", "IM change", "usd"),
        Column("mm_usd", "MM after", "usd", essential=False),
        Column("marginal_mm_usd", "MM change", "usd"),
        Column("passes", "taken", "name"),
        Column("depth_share", "of size\nshown", "fraction", essential=False),
        Column("interest_share", "of open\ninterest", "fraction"),
    )
    body = tuple(
        (k, each["strategy"], *(each[column.key] for column in columns[2:]))
        for k, each in enumerate(rows, start=1)
    )
    title = f"margin by the exact model (before: IM {figures['im_usd']:,.0f} USD) and liquidity"
    return Table("margins", title, columns, body)


def _compared(compared: Mapping[str, Any]) -> Table:
    columns = (
        Column("strategy", "strategy", "text"),
        Column("breach_fraction", "floor\nbroken", "fraction"),
        Column("shortfall_usd", "mean gap\nthen", "usd"),
        Column("mean_usd", "mean at\nhorizon", "usd", essential=False),
        Column("least_usd", "worst", "usd", essential=False),
        Column("upside_kept_fraction", "upside\nkept", "fraction"),
        Column("cost_usd", "cost", "usd"),
        Column("turnover", "turnover", "number"),
        Column("margin_use_fraction", "IM of\nequity", "fraction"),
        Column("gap_history_fraction", "gap,\nhistory", "fraction", essential=False),
        Column("gap_lognormal_fraction", "gap,\nlognormal", "fraction", essential=False),
        Column("liquidation_price_usd", "liquidated\nat", "usd", essential=False),
        Column("floor_price_usd", "floor met\nat", "usd", essential=False),
    )
    body = tuple(tuple(each[column.key] for column in columns) for each in compared["rows"])
    return Table("compared", f"strategies over {compared['paths']}", columns, body)


def _tail(tail: Mapping[str, Any]) -> Table:
    columns = (
        Column("instrument", "put", "name"),
        Column("size", "size", "quantity"),
        Column("cost_usd", "premium", "usd"),
        Column("cost_usd_per_year", "a year", "usd"),
    )
    body = tuple(tuple(each[column.key] for column in columns) for each in tail["legs"])
    title = (
        f"tail hedge for {tail['budget_usd_per_year']:,.0f} USD a year, held to expiry and bought "
        f"again; it changes the IM by {tail['marginal_im_usd']:+,.0f} USD"
    )
    return Table("tail", title, columns, body, _tail_notes(tail))


def _tail_notes(tail: Mapping[str, Any]) -> tuple[str, ...]:
    """What the next dollar brings, and how the margin budget was kept."""
    notes = [f"a further dollar of budget brings {tail['budget_price']:.2f} USD of weighted payoff"]
    if tail["margin_budget_usd"] is not None:
        notes.append(
            f"IM after {tail['im_usd']:,.0f} USD by the exact model, at most "
            f"{tail['margin_budget_usd']:,.0f} USD asked; a further dollar of margin brings "
            f"{tail['margin_price']:.2f} USD"
        )
    if tail["margin_rate_fraction_per_year"]:
        change = tail["margin_rate_fraction_per_year"] * tail["marginal_im_usd"]
        notes.append(
            f"margin costs {100.0 * tail['margin_rate_fraction_per_year']:g} % a year: "
            f"{change:+,.0f} USD of the budget"
        )
    if tail["left_out"]:
        notes.append(f"made good by the exact model: {'; '.join(tail['left_out'])}")
    if not tail["passes"]:
        notes.append("the venue's initial margin check fails after it")
    return tuple(notes)


def _crashes(tail: Mapping[str, Any]) -> Table:
    columns = (
        Column("move_fraction", "fall at once", "fraction"),
        Column("vol_factor", "volatility\ntimes", "number"),
        Column("payoff_usd", "pays", "usd"),
        Column("convexity", "over\npremium", "number"),
        Column("breakeven_per_year", "pays for itself,\nfalls a year", "number"),
    )
    body = tuple(tuple(each[column.key] for column in columns) for each in tail["crashes"])
    return Table("crashes", "what the tail hedge pays in a crash", columns, body)


def _missing(missing: list[Mapping[str, str]]) -> Table:
    columns = (
        Column("instrument", "not quoted", "machine"),
        Column("sides", "sides", "machine"),
    )
    rows = tuple((each["instrument"], each["sides"]) for each in missing)
    return Table("missing", "", columns, rows)
