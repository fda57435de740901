"""The pictures of an optimisation: curves by coin, the worst scenarios by their own names."""

from __future__ import annotations

import pytest

import crossmargin as xm
from crossmargin.decisions.margin_choice import Desired
from crossmargin.interfaces.optimise_plot import SCENARIOS, optimise_svg, worst_scenarios


def test_the_worst_of_either_come_first_under_their_names() -> None:
    rows = worst_scenarios([1.0, 5.0, -2.0, 0.0], [6.0, 2.0, -1.0, 0.0], ["a", "b", "c", "d"])
    assert rows == [("a", (1.0, 6.0)), ("b", (5.0, 2.0))]
    assert worst_scenarios([3.0, 1.0], [0.0, 4.0], ()) == [
        ("scenario 2", (1.0, 4.0)),
        ("scenario 1", (3.0, 0.0)),
    ]
    assert len(worst_scenarios([1.0] * 40, [0.0] * 40, ())) == SCENARIOS
    assert worst_scenarios([-1.0], [0.0], ["gain"]) == []


@pytest.mark.parametrize(("model", "pools"), [("deribit-xpm", 1), ("okx-pm", 2)])
def test_every_pool_with_scenarios_has_a_picture(model: str, pools: int) -> None:
    found = xm.optimise(
        "sample:market-maker", "sample:market", model, asked={}, desired=Desired(kept=20)
    )
    drawn = optimise_svg(found, 1040.0)
    assert drawn.count(f"Loss as {model} weighs it, pool") >= pools
    assert "scenario, venue" not in drawn
    assert "vol down" in drawn and f"{SCENARIOS} worst of" in drawn
    assert drawn.count("move of the index") == 2
