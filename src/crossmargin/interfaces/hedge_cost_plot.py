"""Cost of re-hedging and spread of the hedged result against the time between hedges."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from crossmargin.decisions.hedge_formula import Pacing, expected_cost
from crossmargin.interfaces.charts import Curve, curves_svg

if TYPE_CHECKING:
    from crossmargin.interfaces.hedge_cost import HedgeCostResult

__all__ = ["pace_svg"]

_HOURS = (0.5, 1.0, 2.0, 4.0, 8.0, 24.0, 72.0, 168.0)


def pace_svg(result: HedgeCostResult, width: float) -> str:
    """Two curves over a logarithmic axis of hours, the asked pace dotted on both."""
    figures = result.figures
    horizon = figures["horizon_days"] / 365.0
    most = min(168.0, horizon * 8760.0 / 3.0)
    hours = np.geomspace(min(0.5, most / 2.0), most, 25)
    asked = figures["hours_between_hedges"]
    vol = figures["formula"]["vol_fraction"]
    costs, errors = [], []
    for each in hours.tolist():
        step = each / 8760.0
        pacing = Pacing(step, max(round(horizon / step), 1))
        found = expected_cost(result.book, vol, pacing, result.market.terms)
        costs.append(found.cost_usd)
        errors.append(found.error_sd_usd)
    x = np.log10(hours).tolist()
    law = figures["formula"]
    dot = math.log10(asked)
    marked = x[0] <= dot <= x[-1]
    curves = [
        Curve("expected cost", x, costs, [(dot, law["cost_usd"])] if marked else ()),
        Curve("standard deviation of the hedged result", x, errors,
              [(dot, law["error_sd_usd"])] if marked else ()),
    ]  # fmt: skip
    title = (
        f"Hedging {figures['underlying']} options for {figures['horizon_days']:g} days "
        f"at {100.0 * vol:.0f} % realised volatility"
    )
    marks = [(math.log10(each), f"{each:g}") for each in _HOURS]
    return curves_svg(
        title, curves, width, unit="USD", x_title="hours between hedges", x_ticks=marks
    )
