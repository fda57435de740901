"""The pictures say the figures of the results."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

import crossmargin as xm
from crossmargin.core.errors import InputError
from crossmargin.interfaces.account_plots import collateral_svg, exit_svg, unified_svg
from crossmargin.interfaces.plots import NARROW, WIDE

RETAIL, MARKET = "sample:retail-short-vol", "sample:market"


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_the_dot_of_the_exit_is_the_cost_at_depth(width: float) -> None:
    found = xm.exit_value(RETAIL, MARKET, "deribit-spm").found
    root = ElementTree.fromstring(exit_svg(found, width))
    size, days = root.findall("g")
    dots = size.findall("circle")
    line = size.find("polyline")
    assert len(dots) == 1 and line is not None
    points = [tuple(map(float, p.split(","))) for p in line.attrib["points"].split()]
    at = (float(dots[0].attrib["cx"]), float(dots[0].attrib["cy"]))
    assert points[20] == pytest.approx(at, abs=0.11)  # the whole account is the 21st of 41 points
    falling = days.find("polyline")
    assert falling is not None
    heights = [float(p.split(",")[1]) for p in falling.attrib["points"].split()]
    assert heights == sorted(heights)  # more days cost no more: down is larger


def test_the_cost_object_of_a_line_gives_its_cost() -> None:
    found = xm.exit_value(RETAIL, MARKET, "deribit-spm", days=4).found
    for leg in found.legs:
        assert float(leg.cost.at(-leg.quantity)) == leg.depth_usd
        assert 4.0 * float(leg.cost.at(-leg.quantity / 4.0)) == pytest.approx(leg.days_usd)


def test_bars_of_collateral_and_of_the_whole_carry_their_numbers() -> None:
    backing = xm.collateral("sample:market-maker", MARKET, model="deribit-xpm").to_dict()
    drawn = collateral_svg(backing, WIDE)
    for each in backing["assets"]:
        assert f"average haircut {100.0 * each['haircut']:.1f} %" in drawn
    assert f"health {backing['health']:.4f}" in drawn
    whole = xm.unified("sample:three-venues").to_dict()
    drawn = unified_svg(whole, WIDE)
    move = whole["dangers"][0]["move_fraction"]
    assert f"liquidated at a move of {100.0 * move:+.2f} %" in drawn
    tip = f"the whole, equity: {whole['totals']['equity_usd'] / 1e3:.0f} thousand USD"
    assert tip in drawn


def test_what_holds_nothing_is_not_drawn() -> None:
    rows = [{"type": "balance", "account": "a", "venue": "deribit", "instrument": "BTC",
             "quantity": 1.0}]  # fmt: skip
    with pytest.raises(InputError, match="nothing to draw"):
        exit_svg(xm.exit_value(rows, MARKET, "deribit-spm").found, WIDE)
