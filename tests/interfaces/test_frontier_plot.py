"""The drawing: inside its frame, with every asset and portfolio by name."""

from __future__ import annotations

import re

import crossmargin as xm
from crossmargin.interfaces.frontier_plot import frontier_svg


def test_points_lie_inside_the_picture() -> None:
    found = xm.frontier(history="sample:market", last=200, bands=20)
    svg = frontier_svg(found.figures)
    for x, y in re.findall(r'cx="([\d.-]+)" cy="([\d.-]+)"', svg):
        assert 0.0 <= float(x) <= 900.0 and 0.0 <= float(y) <= 560.0
    for word in ("BTC", "ETH", "equal weights", "chosen: max-sharpe", "volatility a year"):
        assert word in svg
    assert svg == frontier_svg(found.figures)
