"""The sections of a report: surface, lines against spot, scenarios, contributions, tree, rules."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from crossmargin.interfaces.layouts_why import pool_tables, rules_table
from crossmargin.interfaces.report_cases import (
    SHOWN_SPOTS,
    SPOT_FACTORS,
    VOL_FACTORS,
    Case,
    crossings,
    moves,
)
from crossmargin.interfaces.report_charts import NARROW, WIDE, Heat, heat, zero_segments
from crossmargin.interfaces.report_lines import Bars, Lines, bars, lines
from crossmargin.interfaces.report_page import (
    details,
    escape,
    figure,
    paragraph,
    spoken,
    table_html,
)
from crossmargin.interfaces.report_svg import percent
from crossmargin.interfaces.tables import Column, Table, amount_text

__all__ = [
    "COMPARED",
    "SURFACE_TEXT",
    "against_spot",
    "contribution_chart",
    "model_parts",
    "scenario_chart",
    "signed",
    "surface_chart",
    "surface_parts",
]

# Positions that a page of several models lists for each: a dozen models share one page.
COMPARED = 25

Figures = Mapping[str, Any]
_Series = tuple[tuple[str, tuple[float, ...]], ...]

SURFACE_TEXT = (
    "Each cell is the account margined again: every coin moves together by the percentage across "
    "(index and forwards), every implied volatility by the percentage down, of itself. Options are "
    "re-priced, the profit of futures is settled into cash, coin balances are re-valued where the "
    "model counts them; rates, time and open orders stay. Above zero (blue) the equity that counts "
    "exceeds maintenance margin, under zero (orange) the account would be liquidated."
)
_NO_CASH = (
    "No balance is known, so cash counts as 0: a negative number is the cash that the account "
    "would need to stay alive."
)
_LINES_TEXT = (
    "The same re-margining at unmoved volatility. P&L is the change of equity against now, coin "
    "balances re-valued. IM counts open orders at their limits: one that the move crosses counts "
    "as filled where that is worse."
)
_COUNTED_TEXT = "What the rule counts: after offset, dampener, discount and weight."
_PLAIN_TEXT = "The book's own P&L in the same scenarios, before the rule counts it."
# Volatilities that a narrow page shows of the surface.
_NARROW_VOLS = (0, 2, 3, 5, 8)
_TOP = 20
_VOL_ORDER = ("down", "same", "none", "up")
_VOL_NAMES = {"down": "vol down", "same": "vol same", "none": "vol same", "up": "vol up"}


def surface_parts(case: Case, largest: float | None = None) -> list[str]:
    """Equity − MM over spot and vol: what was found, the map, its table; ``largest`` of Heat."""
    values = case.grid.over_mm_usd()
    out = [paragraph(_NO_CASH, "finding")] if not case.known else []
    out.append(paragraph(_finding(case), "finding"))
    out.append(
        figure(*(heat(surface_chart(case, width, largest), width) for width in (WIDE, NARROW)))
    )
    columns = (
        Column("spot_move_fraction", "spot", "fraction"),
        *(
            Column(f"usd_vol_{k}", f"vol {percent(move)}", "usd")
            for k, move in enumerate(moves(VOL_FACTORS))
        ),
    )
    rows = tuple(
        (move, *(float(v) for v in row))
        for move, row in zip(moves(SPOT_FACTORS), values, strict=True)
    )
    table = Table("surface", "equity that counts less MM", columns, rows)
    return [*out, details("The numbers of this chart", [table_html(table)])]


def _finding(case: Case) -> str:
    """What the surface says, in one sentence."""
    values = case.grid.over_mm_usd()
    low, high = float(values.min()), float(values.max())
    row, column = np.unravel_index(int(np.argmin(values)), values.shape)
    where = (
        f"spot {percent(moves(SPOT_FACTORS)[row], 1)}, vol {percent(moves(VOL_FACTORS)[column])}"
    )
    least = f"{signed(amount_text(low, 'USD'))} USD at {where}"
    if low >= 0.0:
        return f"No zero line in this range: equity exceeds MM everywhere. The least: {least}."
    if high < 0.0:
        return f"No zero line in this range: equity is under MM everywhere. The least: {least}."
    down, up = crossings(case, case.curve(values))
    now = float(values[case.base(), case.unmoved()])
    state = "stays above" if now >= 0.0 else "is under"
    sides = [f"at spot {percent(side, 1)}" for side in (down, up) if side is not None]
    crossing = (
        f"it crosses MM {' and '.join(sides)}" if sides else f"it {state} MM at every spot shown"
    )
    return f"At unmoved volatility {crossing} (linear between cells). The least: {least}."


def surface_chart(case: Case, width: float, largest: float | None = None) -> Heat:
    """The surface as a heat map with its zero line; fewer volatilities on a narrow page."""
    values = case.grid.over_mm_usd()
    segments = zero_segments(values.tolist())
    chosen = list(range(len(VOL_FACTORS))) if width > NARROW else list(_NARROW_VOLS)
    shown = values[SHOWN_SPOTS][:, chosen]

    def place(point: tuple[float, float]) -> tuple[float, float]:
        spot = point[0] / (SHOWN_SPOTS.step or 1)
        return float(np.interp(point[1], chosen, np.arange(len(chosen)))), spot

    spots, vols = moves(SPOT_FACTORS[SHOWN_SPOTS]), moves(VOL_FACTORS[chosen])
    chart = Heat(
        label=f"{case.label}: equity less maintenance margin over spot and volatility, in USD",
        row_title="vol",
        column_title="move of spot",
        rows=tuple(percent(move) for move in vols),
        columns=tuple(percent(move) for move in spots),
        values=tuple(tuple(float(v) for v in row) for row in shown.T),
        unit="USD",
        words=("under MM", "above MM"),
        marks={(vols.index(0.0), spots.index(0.0)): "now"},
        contour=tuple((place(first), place(last)) for first, last in segments),
        largest=largest,
    )
    return chart if width > NARROW else chart.turned()


def against_spot(cases: Sequence[Case]) -> list[str]:
    """P&L and margin against spot: of one case in one chart, of several one chart a figure."""
    if len(cases) == 1:
        case = cases[0]
        series: _Series = (
            ("equity counted", case.curve(case.grid.counted_mm_usd)),
            ("IM", case.curve(case.grid.im_usd)),
            ("MM", case.curve(case.grid.mm_usd)),
            ("P&L", case.curve(case.profit_usd())),
        )
        title = "equity, requirements and P&L"
        return [paragraph(_LINES_TEXT), *_spot_chart(cases, "USD", series, title)]
    out = [paragraph(_LINES_TEXT)]
    for title, name, danger in (
        ("Equity counted less MM", "over_mm", "under zero: liquidation"),
        ("Maintenance margin", "mm", ""),
        ("Initial margin", "im", ""),
        ("P&L of the account", "profit", ""),
    ):
        tables = {
            "over_mm": [case.grid.over_mm_usd() for case in cases],
            "mm": [case.grid.mm_usd for case in cases],
            "im": [case.grid.im_usd for case in cases],
            "profit": [case.profit_usd() for case in cases],
        }[name]
        series = tuple(
            (case.label, case.curve(table)) for case, table in zip(cases, tables, strict=True)
        )
        out.append(f"<h3>{escape(title)}</h3>")
        out += _spot_chart(cases, "USD", series, title, danger)
    return out


def _spot_chart(
    cases: Sequence[Case],
    unit: str,
    series: _Series,
    title: str,
    danger: str = "",
) -> list[str]:
    coin = cases[0].coin
    spots = moves(SPOT_FACTORS)
    levels = None
    if coin is not None and all(case.coin == coin for case in cases):
        levels = (f"{coin[0]} in USD", tuple(coin[1] * (1.0 + move) for move in spots))
    chart = Lines(f"{title} against spot", title, spots, series, unit, danger, levels)
    columns = (
        Column("spot_move_fraction", "spot", "fraction"),
        *(Column(f"usd_{k}", name, "usd") for k, (name, _) in enumerate(series)),
    )
    rows = tuple((move, *(line[k] for _, line in series)) for k, move in enumerate(spots))
    table = Table("against_spot", f"{title} against spot", columns, rows)
    return [
        figure(*(lines(chart, width) for width in (WIDE, NARROW))),
        details("The numbers of this chart", [table_html(table)]),
    ]


def model_parts(case: Case, top: int = 0) -> list[str]:
    """Scenarios, contributions and tree of each pool, then the rules with their sources.

    ``top`` cuts the tables of positions to the largest and one line of the rest (0: all).
    """
    out: list[str] = []
    for pool in case.explained["pools"]:
        if not (pool["contributions"]["lines"] or pool["im"]["value"] or pool["mm"]["value"]):
            out.append(paragraph(f"Pool {pool['pool']}: balances alone, no requirement."))
            continue
        out += _pool_parts(pool, {table.name: table for table in pool_tables(pool, top)}, top)
    rules = spoken(rules_table(case.explained["rules"]), "rule")
    summary = f"The {len(rules.rows)} rules, how well each is known, and sources"
    return [*out, details(summary, [table_html(rules)])]


def _pool_parts(pool: Figures, tables: Mapping[str, Table], top: int) -> list[str]:
    unit, name = pool["currency"], pool["pool"]
    out = [f"<h3>Pool {escape(name)}: P&amp;L of the account in each scenario</h3>"]
    out.append(paragraph(_binding(pool)))
    if pool["grid"] is not None:
        charts = [scenario_chart(pool, "counted")]
        if any(abs(c["counted"] - c["pnl"]) > 1e-9 * abs(c["pnl"]) for c in pool["grid"]["cells"]):
            charts.append(scenario_chart(pool, "pnl"))
        for chart, words in zip(charts, (_COUNTED_TEXT, _PLAIN_TEXT), strict=False):
            if len(charts) > 1:
                out.append(paragraph(words, "finding"))
            turned = chart.turned() if len(chart.columns) > 1 else chart
            out.append(figure(heat(chart, WIDE), heat(turned, NARROW)))
        out.append(details("The numbers of this chart", [table_html(_cells(pool))]))
    out.append(f"<h3>Pool {escape(name)}: what each position adds to initial margin</h3>")
    if pool["contributions"]["lines"]:
        out.append(
            paragraph(
                f"In {unit}. A position on the right raises initial margin, one on the left lowers "
                "it; the bars add up to the total. “Balances and fixed” is what no position "
                "moves: balances at risk, holds, rounding."
            )
        )
        shown = contribution_chart(pool)
        out.append(figure(bars(shown, WIDE), bars(shown, NARROW)))
    cut = 0 < top < len(pool["contributions"]["lines"])
    which = f"The {top} largest positions" if cut else "All positions"
    out.append(
        details(
            f"{which}, with mark, model and executable value",
            [table_html(tables["contributions"])],
        )
    )
    if "order_margin" in tables:
        out.append(f"<h3>Pool {escape(name)}: what the open orders add to initial margin</h3>")
        out.append(table_html(replace(tables["order_margin"], title="")))
        out.append(details("The fills that need most", [table_html(tables["worst_fills"])]))
    out.append(f"<h3>Pool {escape(name)}: how the requirement is made</h3>")
    return [*out, table_html(replace(spoken(tables["tree"], "node", "rule"), title=""))]


def _binding(pool: Figures) -> str:
    """Which scenario binds, and by how much."""
    grid, unit = pool["grid"], pool["currency"]
    if grid is None:
        return "This model charges position by position: it has no scenarios."
    if not grid["worst"]:
        return f"No scenario loses. Gains are positive, in {unit}."
    words = f"Binding: {signed(grid['worst'])}."
    worst = next((cell["counted"] for cell in grid["cells"] if cell["mark"] == "worst"), None)
    if worst is not None:
        words = f"{words[:-1]}, loss {amount_text(-worst, unit)} {unit}."
    else:
        words += " It is not a cell of this map: it is made of the two basis moves."
    if grid["runner_up"]:
        loss = amount_text(grid["runner_up_loss"], unit)
        words += f" Runner-up: {signed(grid['runner_up'])}, loss {loss} {unit}."
    names = [cell["scenario"] for cell in grid["cells"]]
    if any(" R," in name for name in names):
        words += " R is the price range of each coin in the parameters: −1.00 R is all of it, down."
    if any(name.startswith("extended ") for name in names):
        words += " Ext.: the extended table of far moves, which counts dampened."
    return f"{words} Gains are positive, losses negative, in {unit}."


def scenario_chart(pool: Figures, key: str) -> Heat:
    """The scenario grid as a heat map: moves across, volatility down; a list where cells clash.

    ``key``: pnl (the book's own) or counted (what the rule takes the worst of; it marks cells).
    """
    cells = pool["grid"]["cells"]
    marked = key == "counted"
    label = f"pool {pool['pool']}: {key} P&L of the account by scenario, in {pool['currency']}"
    words = ("loss", "gain")
    known = [vol for vol in _VOL_ORDER if any(cell["vol"] == vol for cell in cells)]
    rows = [vol for vol in known if vol not in ("none",) or "same" not in known] or [""]
    middle = next((vol for vol in rows if vol in ("same", "none")), rows[0])
    place = [
        (_move_name(cell["scenario"]), cell["vol"] if cell["vol"] in rows else middle)
        for cell in cells
    ]
    if len(set(place)) < len(place):
        return Heat(
            label, "scenario", "P&L",
            tuple(signed(cell["scenario"]) for cell in cells), ("P&L",),
            tuple((cell[key],) for cell in cells), pool["currency"], words,
            {(r, 0): cell["mark"] for r, cell in enumerate(cells) if marked and cell["mark"]},
        )  # fmt: skip
    order = {
        name: (cell["vol"] not in _VOL_ORDER, cell["move"])
        for (name, _), cell in zip(place, cells, strict=True)
    }
    columns = sorted(order, key=lambda name: order[name])
    found = dict(zip(place, cells, strict=True))
    # The unit goes to the title where every move has the same: two dozen columns are narrow.
    same = all("%" in name or "skew" in name for name in columns)
    title = "move of the price in %" if same else "move of the price"
    return Heat(
        label, "vol", title, tuple(_VOL_NAMES.get(vol, vol) for vol in rows),
        tuple(name.replace(" %", "") if same else name for name in columns),
        tuple(
            tuple(found[c, r][key] if (c, r) in found else None for c in columns) for r in rows
        ),
        pool["currency"], words,
        {
            (rows.index(vol), columns.index(name)): cell["mark"]
            for (name, vol), cell in found.items()
            if marked and cell["mark"]
        },
    )  # fmt: skip


def _move_name(scenario: str) -> str:
    """The move of a scenario in two short lines: the move, and what it is weighted by."""
    move, _, rest = scenario.partition(", vol ")
    weight = f"{float(rest.rpartition(', x')[2]):.2g}" if ", x" in rest else ""
    if move.startswith("extended "):
        return f"ext.\n{signed(move.removeprefix('extended '))}"
    if weight:
        return f"{signed(move)}\n×{weight}"
    return signed(move).replace("skew ", "skew\n")


def signed(shown: str) -> str:
    """Words of a number or a scenario with true signs: minus before digits, times for a weight."""
    return re.sub(r"-(?=\d)", "−", shown).replace(", x", ", ×")


def _cells(pool: Figures) -> Table:
    """Every scenario with its P&L."""
    columns = (
        Column("scenario", "scenario", "name"),
        Column("counted", "counted", "amount", pool["currency"]),
        Column("pnl", "P&L of\nthe book", "amount", pool["currency"]),
        Column("mark", "", "name"),
    )
    rows = tuple(
        (c["scenario"], c["counted"], c["pnl"], c["mark"] or " ") for c in pool["grid"]["cells"]
    )
    return Table("scenarios", f"pool {pool['pool']}: P&L by scenario", columns, rows)


def contribution_chart(pool: Figures) -> Bars:
    """The largest contributions, the rest in one bar, what is fixed, and the total."""
    found = pool["contributions"]
    lines_ = found["lines"]
    shown = lines_ if len(lines_) <= _TOP + 1 else lines_[:_TOP]
    rest = lines_[len(shown) :]
    rows = [
        (f"{each['instrument']} × {_quantity(each['quantity'])}", float(each["im_share"]))
        for each in shown
    ]
    if rest:
        rows.append((f"{len(rest)} smaller positions", float(sum(e["im_share"] for e in rest))))
    rows.append(("balances and fixed", float(found["fixed"])))
    rows.append(("initial margin", float(found["im"])))
    return Bars(
        label=f"pool {pool['pool']}: contributions to initial margin, in {found['currency']}",
        title="share of initial margin",
        rows=tuple(rows),
        unit=found["currency"],
        words=("lowers IM", "raises IM"),
        strong=frozenset({len(rows) - 1}),
    )


def _quantity(value: float) -> str:
    """A quantity with every decimal that it has, at most six."""
    whole, _, decimals = f"{value:,.6f}".partition(".")
    decimals = decimals.rstrip("0")
    return (f"{whole}.{decimals}" if decimals else whole).replace("-", "−")
