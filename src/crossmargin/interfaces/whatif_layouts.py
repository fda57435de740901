"""What a what-if shows: the verdict first, then before and after, legs, Greeks, ranking."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossmargin.interfaces.tables import Column, Document, Table

__all__ = ["whatif_document"]

Figures = Mapping[str, Any]

_MEASURES = (
    ("cash_usd", "cash", "usd"),
    ("equity_usd", "equity", "usd"),
    ("im_usd", "IM", "usd"),
    ("mm_usd", "MM", "usd"),
    ("counted_im_usd", "counted against IM", "usd"),
    ("counted_mm_usd", "counted against MM", "usd"),
)
_USAGE = (("im_usage", "IM / counted"), ("mm_usage", "MM / counted"))
_GREEKS = (
    ("delta_coins", "delta", "coins"),
    ("gamma_coins_per_usd", "gamma", "coins/USD"),
    ("vega_usd_per_point", "vega", "USD/point"),
    ("theta_usd_per_day", "theta", "USD/day"),
)


def whatif_document(figures: Figures, top: int = 20) -> Document:
    """The document of a what-if; ``top`` cuts the ranking (0: all)."""
    model = figures["model"]
    lines = [
        f"account {figures['account']}; market of {figures['as_of']}; "
        + ("all legs at once" if figures["how"] == "atomic" else "legs fill one after another"),
        figures["verdict"]["text"],
    ]
    tables = []
    ranking = figures.get("ranking")
    if ranking:
        tables.append(_ranking(ranking, top))
        lines.append(f"in full: the first of {len(ranking)} candidates, {ranking[0]['candidate']}")
    tables += [_account(figures), _usage(figures), _legs(figures)]
    tables += [_pools(figures)] if _several(figures) else []
    tables.append(_greeks(figures))
    if figures["legged"] is not None:
        tables.append(_legged(figures["legged"]))
    if figures["fit"] is not None:
        tables.append(_fit(figures))
    notes = list(figures["notes"])
    if figures["bound"] == "at_least":
        notes += [f"≥ left out or only partly known: {text}" for text in model["unknown"]]
    title = f"what if, under {model['name']}: {model['title']}"
    return Document(title, tuple(lines), tuple(tables), tuple(notes))


def _account(figures: Figures) -> Table:
    before, after = figures["before"], figures["after"]
    columns = (
        Column("measure", "account", "name"),
        Column("before_usd", "before", "usd"),
        Column("after_usd", "after", "usd"),
        Column("change_usd", "change", "usd"),
    )
    rows: list[tuple[Any, ...]] = []
    marks = {}
    for key, title, _ in _MEASURES:
        old, new = before[key], after[key]
        change = None if old is None or new is None else new - old
        if figures["bound"] == "at_least" and key in ("im_usd", "mm_usd"):
            marks[len(rows), 1] = marks[len(rows), 2] = "≥"
        rows.append((title, old, new, change))
    for key, title in (
        ("premium_usd", "premium received"),
        ("fees_usd", "fees"),
        ("day_one_usd", "day-one P&L against mark"),
        ("day_one_after_fees_usd", "day-one P&L after fees"),
    ):
        rows.append((title, None, None, figures[key]))
    return Table("account", "", columns, tuple(rows), marks=marks)


def _usage(figures: Figures) -> Table:
    columns = (
        Column("measure", "usage", "name"),
        Column("before_fraction", "before", "fraction"),
        Column("after_fraction", "after", "fraction"),
    )
    rows = tuple((title, figures["before"][key], figures["after"][key]) for key, title in _USAGE)
    return Table("usage", "", columns, rows)


def _legs(figures: Figures) -> Table:
    columns = (
        Column("instrument", "leg", "name"),
        Column("size", "size", "quantity"),
        Column("price", "price", "price"),
        Column("price_from", "price\nfrom", "name", essential=False),
        Column("premium_usd", "premium", "usd"),
        Column("fee_usd", "fee", "usd", essential=False),
        Column("day_one_usd", "day-one\nP&L", "usd"),
        Column("marginal_im_usd", "marginal\nIM", "usd"),
        Column("marginal_mm_usd", "marginal\nMM", "usd"),
        Column("alone_im_usd", "IM if it\nfills alone", "usd", essential=False),
        Column("alone_mm_usd", "MM if it\nfills alone", "usd", essential=False),
    )
    rows = tuple(tuple(leg[column.key] for column in columns) for leg in figures["legs"])
    note = "marginal: with all legs less with all others; alone: with this leg less without any"
    return Table("legs", "", columns, rows, notes=(note,) if len(rows) > 1 else ())


def _several(figures: Figures) -> bool:
    pools = figures["pools"]
    return len(pools) > 1 or any(pool["currency"] != "USD" for pool in pools)


def _pools(figures: Figures) -> Table:
    columns = (
        Column("pool", "pool", "name"),
        Column("currency", "in", "name"),
        Column("im_before", "IM\nbefore", "amount"),
        Column("im_after", "IM\nafter", "amount"),
        Column("mm_before", "MM\nbefore", "amount", essential=False),
        Column("mm_after", "MM\nafter", "amount", essential=False),
        Column("counted_im_after", "counted\nafter", "amount"),
        Column("worst_before", "worst scenario\nbefore", essential=False),
        Column("worst_after", "worst scenario\nafter"),
    )
    rows = tuple(
        (
            pool["pool"],
            pool["currency"],
            pool["before"]["im"],
            pool["after"]["im"],
            pool["before"]["mm"],
            pool["after"]["mm"],
            pool["after"]["counted_im"],
            pool["before"]["worst_scenario"],
            pool["after"]["worst_scenario"],
        )
        for pool in figures["pools"]
    )
    return Table("pools", "by pool", columns, rows, currency="currency")


def _greeks(figures: Figures) -> Table:
    columns = (
        Column("underlying", "Greeks", "name"),
        Column("greek", "", "name"),
        Column("unit", "in", "name"),
        Column("before", "before", "name"),
        Column("after", "after", "name"),
        Column("change", "change", "name"),
    )
    rows = []
    for entry in figures["greeks"]:
        for key, name, unit in _GREEKS:
            old, new = entry[f"{key}_before"], entry[f"{key}_after"]
            rows.append((entry["underlying"], name, unit, _short(old), _short(new),
                         _short(new - old)))  # fmt: skip
    return Table("greeks", "", columns, tuple(rows))


def _short(value: float) -> str:
    """A number of any size in few digits: Greeks of several units share a column."""
    return f"{value:+,.2f}" if abs(value) >= 1.0 or value == 0.0 else f"{value:+.4g}"


def _legged(legged: Figures) -> Table:
    columns = (
        Column("measure", "on the way", "name"),
        Column("value_usd", "worst", "usd"),
        Column("filled", "with these legs filled"),
    )
    filled = ", ".join(legged["worst_filled"]) or None
    rows = [
        ("largest IM" if legged["exact"] else "largest IM, at most", legged["im_usd"], None),
        ("largest MM" if legged["exact"] else "largest MM, at most", legged["mm_usd"], None),
        (
            "least counted less IM" if legged["exact"] else "counted less IM, at least",
            legged["room_im_usd"],
            filled,
        ),
    ]
    if legged["best_order"]:
        order = ", then ".join(legged["best_order"])
        rows.append(("the same in the best order", legged["best_order_room_im_usd"], order))
    return Table("legged", "the worst state over every order of fills", columns, tuple(rows))


def _fit(figures: Figures) -> Table:
    fit = figures["fit"]
    columns = (
        Column("instrument", "largest size that passes", "name"),
        Column("size", "size", "quantity"),
        Column("step", "one step", "quantity"),
    )
    rows = tuple(
        (leg["instrument"], size, step)
        for leg, size, step in zip(figures["legs"], fit["sizes"], fit["step"], strict=True)
    )
    if fit["steps"] == 0:
        note = "not even one step passes; the figures are those of one step"
    elif fit["unlimited"]:
        note = "it passes up to the largest size that is looked at"
    else:
        note = f"one step more: {fit['one_more']['text']}"
    return Table("fit", "", columns, rows, notes=(note,))


def _ranking(ranking: list[Figures], top: int) -> Table:
    columns = (
        Column("rank", "rank", "count"),
        Column("candidate", "candidate"),
        Column("status", "verdict", "name"),
        Column("room_im_usd", "left of\ninitial", "usd"),
        Column("marginal_im_usd", "marginal\nIM", "usd"),
        Column("marginal_mm_usd", "marginal\nMM", "usd", essential=False),
        Column("premium_usd", "premium", "usd"),
        Column("fees_usd", "fees", "usd", essential=False),
        Column("day_one_usd", "day-one\nP&L", "usd"),
    )
    shown = ranking if top <= 0 else ranking[:top]
    rows = tuple(tuple(row[column.key] for column in columns) for row in shown)
    marks = {
        (r, c): "≥"
        for r, row in enumerate(shown)
        for c, column in enumerate(columns)
        if row["bound"] == "at_least" and column.key.startswith("marginal")
    }
    more = len(ranking) - len(shown)
    note = (f"{more} more; --top 0 shows all",) if more else ()
    title = "candidates by the initial margin that they leave"
    return Table("ranking", title, columns, rows, notes=note, marks=marks)
