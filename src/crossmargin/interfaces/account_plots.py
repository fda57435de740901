"""The pictures of exit, collateral, unified and calibrate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from crossmargin.accounts.exit import Exit
from crossmargin.core.clock import DAY_MS, format_ms
from crossmargin.core.errors import InputError
from crossmargin.interfaces.charts import Curve, bars_svg, curves_svg
from crossmargin.interfaces.report_svg import picture
from crossmargin.margin.families.dynamic_ranges import RangePath

__all__ = ["calibrate_svg", "collateral_svg", "exit_svg", "unified_svg", "under"]

_SHARES = np.linspace(0.0, 2.0, 41)
_DAYS_AT_LEAST = 10
_GAP = 26.0


def exit_svg(found: Exit, width: float) -> str:
    """Cost against the share of the account that is closed now, and against days."""
    if not found.legs:
        raise _nothing("the account has no future, perpetual or option to leave")
    legs = found.legs
    now = [sum(float(leg.cost.at(-s * leg.quantity)) for leg in legs) for s in _SHARES.tolist()]
    touch = [s * sum(leg.touch_usd for leg in legs) for s in _SHARES.tolist()]
    one = float(sum(leg.depth_usd for leg in legs))
    size = curves_svg(
        "Cost to close now, by size",
        (
            Curve("at depth: spread, fees, walk and impact", _SHARES.tolist(), now, ((1.0, one),)),
            Curve("at the touch, whatever the size", _SHARES.tolist(), touch),
        ),
        width,
        unit="USD",
        x_title="of the account closed, each line alike (100 %: all of it)",
        x_ticks=[(k / 4.0, f"{25 * k} %") for k in range(9)],
    )
    last = max(_DAYS_AT_LEAST, round(found.days))
    days = [k / 2.0 for k in range(2, 2 * last + 1)]
    over = [n * sum(float(leg.cost.at(-leg.quantity / n)) for leg in legs) for n in days]
    # Lines alone, added up as if they moved together: the most that they can swing.
    risk = [
        sum(leg.waiting_risk_usd for leg in legs) * float(np.sqrt(n / found.days)) for n in days
    ]
    step = max(1, last // 10)
    time = curves_svg(
        "Cost and risk of taking longer",
        (
            Curve("cost over N days, one slice a day", days, over),
            Curve("risk of waiting: one deviation, lines added up", days, risk),
        ),
        width,
        unit="USD",
        x_title="days over which the account is closed",
        x_ticks=[(float(n), f"{n}") for n in range(1, last + 1, step)],
    )
    return under([size, time], width, "What it costs to leave, by size and by days")


def collateral_svg(figures: Mapping[str, Any], width: float) -> str:
    """Gross and counted value of each asset, debts and what is needed."""
    rows: list[tuple[str, list[float | None]]] = [
        (each["name"], [each["gross_usd"], each["counted_usd"], None]) for each in figures["assets"]
    ]
    remarks = [f"average haircut {100.0 * each['haircut']:.1f} %" for each in figures["assets"]]
    rows += [(f"{each['name']}, owed", [None, None, each["usd"]]) for each in figures["debts"]]
    remarks += [""] * len(figures["debts"])
    if figures["options_owed_usd"]:
        rows.append(("options", [None, None, figures["options_owed_usd"]]))
        remarks.append("worth less than nothing, all together at the mark")
    if figures["required_usd"]:
        rows.append(("maintenance", [None, None, figures["required_usd"]]))
        remarks.append(f"under {figures['model']}")
    if not rows:
        raise _nothing("the account holds and owes nothing")
    rows.append(("in all", [_gross(figures), figures["counted_usd"], figures["needed_usd"]]))
    health = figures["health"]
    remarks.append("" if health is None else f"health {health:.4f}")
    names = ("gross", "counted after haircuts and caps", "needed: debts and maintenance margin")
    title = f"Collateral of account {figures['account']}"
    return bars_svg(title, rows, names, width, remarks=remarks)


def _gross(figures: Mapping[str, Any]) -> float:
    return float(sum(each["gross_usd"] for each in figures["assets"]))


def unified_svg(figures: Mapping[str, Any], width: float) -> str:
    """By venue equity and both demands; of the whole what binds, the net and the credited one."""
    dangers = {each["account"]: each for each in figures["dangers"]}
    rows: list[tuple[str, Sequence[float | None]]] = []
    remarks = []
    for each in figures["accounts"]:
        own = (each["equity_usd"], each["demand_im_usd"], each["demand_mm_usd"], None)
        rows.append((each["name"], own))
        danger = dangers.get(each["name"])
        words = f"{each['model']}: {each['status']}"
        if danger is not None:
            words += ", in danger"
            if danger["move_fraction"] is not None:
                words += f": liquidated at a move of {100.0 * danger['move_fraction']:+.2f} %"
        remarks.append(words)
    total = figures["totals"]
    rows.append(
        (
            "the whole",
            (
                total["equity_usd"],
                total["demanded_im_usd"],
                total["demanded_mm_usd"],
                total["economic_net_im_usd"],
            ),
        )
    )
    remarks.append(f"the sum binds; the net is no venue's ({figures['net_model']})")
    names = ("equity", "initial, demanded", "maintenance, demanded", "economic net, no claim")
    return bars_svg(f"Unified account {figures['name']}", rows, names, width, remarks=remarks)


def calibrate_svg(
    figures: Mapping[str, Any], paths: Mapping[tuple[str, str], RangePath], width: float
) -> str:
    """The range of each coin through the history, wanted and stepped, and the next set's."""
    if not paths:
        raise _nothing("no range has a history")
    after = {(e["coin"], e["what"]): e["after_fraction"] for e in figures["evidence"]}
    charts = []
    for what, words in (("price", "the price"), ("vol", "volatility, relative")):
        curves = []
        first, last = np.inf, -np.inf
        for (coin, kind), path in paths.items():
            if kind != what:
                continue
            day = path.day.astype(np.float64).tolist()
            end = ((day[-1], after[coin, kind]),) if (coin, kind) in after else ()
            curves.append(Curve(f"{coin}: range", day, path.range.tolist(), end))
            curves.append(Curve(f"{coin}: wanted", day, path.wanted.tolist()))
            first, last = min(first, day[0]), max(last, day[-1])
        if curves:
            charts.append(
                curves_svg(
                    f"Ranges of {words}, of {figures['model']}; dots: the next set",
                    curves,
                    width,
                    unit="%",
                    x_title="day (UTC)",
                    x_ticks=_days(first, last),
                )
            )
    return under(charts, width, f"Ranges of {figures['model']} over time")


def _days(first: float, last: float) -> list[tuple[float, str]]:
    """About eight dates between two days since 1970."""
    step = max(1.0, (last - first) / 8.0)
    places = np.arange(first, last + 0.5, step).tolist()
    return [(at, format_ms(int(at) * DAY_MS)[:10]) for at in places]


def under(charts: Sequence[str], width: float, label: str) -> str:
    """Charts below each other in one SVG."""
    parts, y = [], 0.0
    for chart in charts:
        height = float(chart.partition('viewBox="0 0 ')[2].partition('"')[0].split()[1])
        inner = chart.partition(">")[2].removesuffix("</svg>")
        parts.append(f'<g transform="translate(0 {y:g})">{inner}</g>')
        y += height + _GAP
    return picture(width, y - _GAP, label, parts)


def _nothing(why: str) -> InputError:
    return InputError(
        "option_unknown",
        f"there is nothing to draw: {why}",
        place="--plot",
        remedy="Leave --plot out.",
    )
