"""What a report computes before it draws."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.core.errors import InputError
from crossmargin.interfaces.report_cases import (
    CELLS,
    SPOT_FACTORS,
    VOL_FACTORS,
    Case,
    account_of,
    cases_of,
    crossings,
    moves,
)
from crossmargin.interfaces.results import MarginResult


@pytest.fixture(scope="module")
def case(margined: MarginResult) -> Case:
    return cases_of({"a model": margined.requirement})[0]


def test_the_grid_reaches_as_far_as_it_says() -> None:
    assert moves(SPOT_FACTORS)[0] == -0.4
    assert moves(SPOT_FACTORS)[-1] == 0.4
    assert 0.0 in moves(SPOT_FACTORS)
    assert moves(VOL_FACTORS) == (-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
    assert CELLS == 297


def test_a_case_is_what_the_result_says_where_nothing_moves(
    case: Case, margined: MarginResult
) -> None:
    entry = margined.accounts[0]
    base = case.base(), case.unmoved()
    assert case.grid.mm_usd[base] == entry["mm_usd"]
    assert case.grid.im_usd[base] == entry["im_usd"]
    assert case.grid.over_mm_usd()[base] == entry["counted_mm_usd"] - entry["mm_usd"]
    assert case.profit_usd()[base] == 0.0
    assert case.curve(case.grid.mm_usd)[case.base()] == entry["mm_usd"]
    assert case.label == "a model"
    assert case.account == entry["account"]
    assert case.known


def test_the_only_coin_is_named_with_its_index(case: Case, crossed: MarginResult) -> None:
    assert case.coin is not None
    assert case.coin[0] == "BTC"
    assert case.coin[1] == pytest.approx(68_413.0, rel=0.01)
    assert cases_of({"two coins": crossed.requirement})[0].coin is None


def test_progress_counts_the_cells_of_every_case(margined: MarginResult) -> None:
    heard: list[tuple[int, int]] = []
    two = {"one": margined.requirement, "two": margined.requirement}
    cases_of(two, None, lambda done, total: heard.append((done, total)))
    assert heard == [(k + 1, 2 * CELLS) for k in range(2 * CELLS)]


def test_crossings_are_the_nearest_on_each_side(case: Case) -> None:
    spots = np.array(moves(SPOT_FACTORS))
    down, up = crossings(case, (0.21 - np.abs(spots)).tolist())
    assert down == pytest.approx(-0.21)
    assert up == pytest.approx(0.21)
    assert crossings(case, (spots + 0.11).tolist()) == (pytest.approx(-0.11), None)
    assert crossings(case, np.ones(33).tolist()) == (None, None)


def test_an_account_is_named_or_the_only_one() -> None:
    assert account_of(["a"], None) == 0
    assert account_of(["a", "b"], "b") == 1
    for wrong in (None, "c"):
        with pytest.raises(InputError, match="option_unknown"):
            account_of(["a", "b"], wrong)
