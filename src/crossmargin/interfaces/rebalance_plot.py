"""What rebalancing changes: weights or Greeks against their bands, values of policies over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crossmargin.core.clock import format_ms
from crossmargin.interfaces.charts import Curve, bars_svg, curves_svg

if TYPE_CHECKING:
    from crossmargin.interfaces.rebalance import RebalanceResult

__all__ = ["rebalance_svg"]

_POINTS = 200


def rebalance_svg(result: RebalanceResult, width: float) -> str:
    """The picture of a result."""
    if result.tracks:
        return _values(result, width)
    figures = result.figures
    if figures["mode"] == "weights":
        groups = [
            (row["asset"], [row["weight_fraction"], row["target_fraction"], row["after_fraction"]])
            for row in figures["assets"]
        ]
        remarks = [
            f"band {100.0 * row['low_fraction']:.2f} to {100.0 * row['high_fraction']:.2f} %"
            for row in figures["assets"]
        ]
        return bars_svg("Weights", groups, ("before", "target", "after"), width, unit="%",
                        remarks=remarks)  # fmt: skip
    units = {"delta": "USD", "gamma": "USD a 1 % move", "vega": "USD a point"}
    rows = figures["bands"]
    groups = [(f"{row['underlying']} {row['greek']}", [row["before"], row["after"]])
              for row in rows]  # fmt: skip
    remarks = [f"band {row['low']:,.0f} to {row['high']:,.0f} {units[row['greek']]}"
               for row in rows]  # fmt: skip
    return bars_svg("Greeks before and after", groups, ("before", "after"), width, remarks=remarks)


def _values(result: RebalanceResult, width: float) -> str:
    """Value of each policy and of hold, less that of never rebalancing."""
    first = result.tracks[0][1]
    picked = np.unique(np.linspace(0, len(first.net) - 1, _POINTS).astype(np.int64))
    x = first.times_ms[picked].astype(np.float64).tolist()
    curves = [
        Curve(name, x, (track.net[picked] / track.hold[picked] - 1.0).tolist())
        for name, track, _ in result.tracks
    ]
    marks = [(x[k], format_ms(int(x[k]))[:10]) for k in range(0, len(x), max(len(x) // 5, 1))]
    title = "Value after costs against never rebalancing"
    return curves_svg(title, curves, width, unit="%", x_title="date", x_ticks=marks)
