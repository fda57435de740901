"""The tables of an explanation: heat grid, contributions cut to the largest, rules."""

from __future__ import annotations

import pytest

import crossmargin as xm
from crossmargin.interfaces.layouts_why import fidelity_text
from tests.interfaces.test_layouts import named


def test_the_grid_is_moves_by_volatility_with_worst_and_runner_up(
    margined: xm.MarginResult,
) -> None:
    table = named(margined.explain().document(), "grid")
    assert [column.title for column in table.columns] == [
        "price move",
        "vol up",
        "vol same",
        "vol down",
    ]
    assert len(table.rows) == 9 + 8
    assert table.rows[0][0] == "extended -66 %"
    assert sorted(table.marks.values()) == ["▼", "▽"]
    (worst,) = [place for place, mark in table.marks.items() if mark == "▼"]
    assert -table.rows[worst[0]][worst[1]] == margined.accounts[0]["pools"][0]["worst_loss"]


@pytest.mark.parametrize("top", [0, 1, 3, 6, 100])
def test_contributions_cut_to_the_largest_still_add_up(top: int, margined: xm.MarginResult) -> None:
    table = named(margined.explain().document(top), "contributions")
    *lines, total = table.rows
    assert sum(row[2] for row in lines) == pytest.approx(total[2], rel=1e-9)
    assert total[2] == margined.accounts[0]["pools"][0]["im"]
    if top == 3:
        assert len(lines) == 3 + 2
        assert lines[3][0] == "5 smaller positions"


def test_the_residual_of_mark_and_model_is_summed_up(margined: xm.MarginResult) -> None:
    table = named(margined.explain().document(), "contributions")
    assert any("mark - model over 7 options" in note for note in table.notes)


def test_rules_carry_their_source(margined: xm.MarginResult) -> None:
    table = named(margined.explain().document(), "rules")
    assert all(row[-1] for row in table.rows)


def test_fidelity_in_words() -> None:
    assert fidelity_text({"all": "stated"}) == "stated"
    mixed = {"perpetual": "exact", "option": "inferred", "future": "exact"}
    assert fidelity_text(mixed) == "exact (perpetual, future); inferred (option)"
