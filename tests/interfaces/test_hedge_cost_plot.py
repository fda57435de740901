"""The picture of cost and error by pace."""

from __future__ import annotations

import crossmargin as xm
from crossmargin.interfaces.hedge_cost_plot import pace_svg


def test_two_curves_and_the_asked_pace() -> None:
    result = xm.hedge_cost("sample:retail-short-vol", "sample:market", paths=100)
    svg = pace_svg(result, 700.0)
    assert "hours between hedges" in svg
    assert svg.count("<polyline") == 2
    assert svg.count("<circle") == 2
