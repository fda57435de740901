"""The sections: what is found in a surface, where a scenario's cell stands, what bars add up to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import crossmargin as xm
from crossmargin.interfaces.report_cases import Case, cases_of
from crossmargin.interfaces.report_charts import NARROW, WIDE
from crossmargin.interfaces.report_sections import (
    against_spot,
    contribution_chart,
    model_parts,
    scenario_chart,
    signed,
    surface_chart,
    surface_parts,
)
from crossmargin.interfaces.results import MarginResult
from crossmargin.sample import book_path


@pytest.fixture(scope="module")
def case(margined: MarginResult) -> Case:
    return cases_of({"deribit-spm": margined.requirement})[0]


@pytest.fixture(scope="module")
def pools(market: str) -> dict[str, list[dict[str, Any]]]:
    """Explained pools of the market maker by model."""
    book = str(book_path("market-maker"))
    models = ("deribit-xpm", "deribit-spm", "derive-pm2", "paradex-pm")
    return {
        model: xm.margin(book, market, model).explain().to_dict()["explain"]["pools"]
        for model in models
    }


def test_the_finding_says_where_equity_meets_maintenance(case: Case) -> None:
    words = " ".join(surface_parts(case))
    assert "At unmoved volatility it crosses MM at spot −36.6 % and at spot +37.0 %" in words
    assert "No balance is known" not in words


def test_a_surface_without_zero_says_so(case: Case) -> None:
    grid = case.grid
    rich = replace(case, grid=replace(grid, over_mm=grid.over_mm + 1e6))
    assert "equity exceeds MM everywhere" in " ".join(surface_parts(rich))
    poor = replace(case, grid=replace(grid, over_mm=grid.over_mm - 1e6), known=False)
    words = " ".join(surface_parts(poor))
    assert "equity is under MM everywhere" in words
    assert "No balance is known" in words


def test_the_narrow_surface_has_fewer_volatilities_and_the_same_numbers(case: Case) -> None:
    wide, narrow = surface_chart(case, WIDE), surface_chart(case, NARROW)
    assert (len(wide.rows), len(wide.columns)) == (9, 17)
    assert (len(narrow.rows), len(narrow.columns)) == (17, 5)
    for r, spot in enumerate(narrow.rows):
        for c, vol in enumerate(narrow.columns):
            place = wide.rows.index(vol), wide.columns.index(spot)
            assert narrow.values[r][c] == wide.values[place[0]][place[1]]
    assert wide.values[3][8] == case.grid.over_mm_usd()[16, 3]
    assert len(wide.contour) == len(narrow.contour) > 0


def test_every_scenario_has_one_cell(pools: dict[str, list[dict[str, Any]]]) -> None:
    for model, found in pools.items():
        for pool in found:
            cells = pool["grid"]["cells"]
            for key in ("counted", "pnl"):
                chart = scenario_chart(pool, key)
                shown = [v for row in chart.values for v in row if v is not None]
                assert sorted(shown) == sorted(cell[key] for cell in cells), model
                marks = sorted(chart.marks.values())
                wanted = sorted(cell["mark"] for cell in cells if cell["mark"])
                assert marks == (wanted if key == "counted" else [])
                for (r, c), mark in chart.marks.items():
                    cell = next(cell for cell in cells if cell["mark"] == mark)
                    assert chart.values[r][c] == cell["counted"]


def test_moves_stand_in_order_with_their_unit(pools: dict[str, list[dict[str, Any]]]) -> None:
    derive = scenario_chart(pools["derive-pm2"][0], "counted")
    assert derive.column_title == "move of the price in %"
    assert derive.columns[0] == "−66\n×0.21"
    assert derive.columns[-2:] == ("skew\nlinear", "skew\nabs")
    crossed = scenario_chart(pools["deribit-xpm"][0], "counted")
    assert crossed.columns[0] == "ext.\n−66 %"
    assert "−1.00 R" in crossed.columns
    assert crossed.rows == ("vol down", "vol same", "vol up")


def test_scenarios_that_share_a_cell_become_a_list(
    pools: dict[str, list[dict[str, Any]]],
) -> None:
    pool = pools["deribit-xpm"][0]
    cells = [{**cell, "scenario": "the same, vol x"} for cell in pool["grid"]["cells"]]
    chart = scenario_chart({**pool, "grid": {**pool["grid"], "cells": cells}}, "counted")
    assert len(chart.rows) == len(cells)
    assert chart.columns == ("P&L",)


def test_bars_add_up_to_initial_margin(pools: dict[str, list[dict[str, Any]]]) -> None:
    for found in pools.values():
        for pool in found:
            if not pool["contributions"]["lines"]:
                continue
            rows = contribution_chart(pool).rows
            assert rows[-1][1] == pool["im"]["value"]
            total = sum(value for _, value in rows[:-1])
            assert total == pytest.approx(rows[-1][1], rel=1e-9)
            assert len(rows) <= 24


def test_quantities_are_written_in_full(pools: dict[str, list[dict[str, Any]]]) -> None:
    names = [name for name, _ in contribution_chart(pools["deribit-xpm"][0]).rows]
    assert "BTC-25DEC26 × −1,339,200" in names
    assert "BTC-31JUL26-67000-P × −18.6" in names


def test_one_case_has_one_chart_against_spot_and_several_have_four(case: Case) -> None:
    assert " ".join(against_spot([case])).count("<figure>") == 1
    several = " ".join(against_spot([case, replace(case, label="other")]))
    assert several.count("<figure>") == 4
    assert "under zero: liquidation" in several


def test_a_model_without_scenarios_and_a_pool_of_cash_say_so(market: str) -> None:
    maker = xm.margin(str(book_path("market-maker")), market, "fixed-rate")
    words = " ".join(model_parts(cases_of({"fixed-rate": maker.requirement})[0]))
    assert "it has no scenarios" in words
    assert "Pool USDC: balances alone, no requirement." in words


def test_signs_of_scenarios_are_true_ones() -> None:
    assert signed("-16 %, vol -22 %, x0.36") == "−16 %, vol −22 %, ×0.36"
    assert signed("BTC-PERPETUAL") == "BTC-PERPETUAL"
