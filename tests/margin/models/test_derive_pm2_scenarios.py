"""Scenario tables of Derive PMRM_2: vol shocks, skews, static discounts."""

from __future__ import annotations

from dataclasses import replace
from math import exp, log, sqrt
from typing import Any

import numpy as np
import pytest

from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instruments
from crossmargin.margin.models.derive_pm2_scenarios import scenario_set, static_discounts
from crossmargin.margin.parameter_files import overlay
from crossmargin.market.view import View
from crossmargin.scenarios.sets import ScenarioSet
from tests.margin.models.test_derive_pm2 import AS_OF_MS, NEWEST, call
from tests.vectors.building import Dated, Facts, Quote, view_of

TABLE = "market.BTC"


def market(*days: float, settled: float = 0.0, rate: float = 0.0) -> tuple[Instruments, View]:
    items = [call(d, strike) for d in days for strike in (40_000.0, 50_000.0, 60_000.0)]
    table = Instruments.of(items)
    facts = Facts(
        AS_OF_MS,
        {("BTC", "USD"): 50_000.0},
        {"BTC": 50_000.0, "USDC": 1.0, "USD": 1.0},
        {
            key[3]: Dated(50_000.0 - settled, key[3] - AS_OF_MS, settled, rate)
            for key in table.expiries
        },
        {item.native_id: Quote(0.0, 0.6) for item in items},
    )
    return table, view_of(table, facts)


def built(rows: list[list[Any]], *days: float, **more: Any) -> ScenarioSet:
    table, view = market(*days, **more)
    parameters = overlay(NEWEST, {f"{TABLE}.scenarios": rows}, "test")
    return scenario_set(table, view, parameters, TABLE)


def test_labels_moves_and_order_are_the_venues() -> None:
    found = built(
        [[1.18, "up", 1.0], [0.34, "up", 0.21], [1.0, "linear", 1.0], [0.9, "abs", 1.0]], 30.0
    )
    assert found.label == (
        "+18 %, vol up",
        "-66 %, vol up, x0.21",
        "skew linear",
        "skew abs, spot -10 %",
    )
    assert found.move.tolist() == pytest.approx([0.18, -0.66, 0.0, -0.1])
    assert found.vol_label == ("up", "up", "linear", "abs")
    assert found.weight.tolist() == [1.0, 0.21, 1.0, 1.0]
    assert found.reflect.tolist() == [False, False, True, True]


@pytest.mark.parametrize(
    ("days", "scale"),
    [(30.0, 1.0), (7.5, 4.0**0.3), (120.0, 0.25**0.13), (0.5, 30.0**0.3)],
)
def test_vol_shocks(days: float, scale: float) -> None:
    """+50 % and -30 % at thirty days, floored at 0.4 on the way up; square root of life inside."""
    found = built([[1.0, "up", 1.0], [1.0, "none", 1.0], [1.0, "down", 1.0]], days)
    root = sqrt(days / 365.0)
    assert found.root_years.tolist() == pytest.approx([root])
    wanted = [1.0 + 0.5 * scale, 1.0, max(1.0 - 0.3 * scale, 0.0)]
    assert (found.vol_factor[0] / root).tolist() == pytest.approx(wanted, rel=1e-12)
    assert (found.vol_floor[0] / root).tolist() == pytest.approx([0.4, 0.0, 0.0], rel=1e-12)
    assert found.strike_factor is None


def test_a_down_shock_stops_at_zero() -> None:
    """A day of life: 30^0.3 x 0.3 is 0.83; with a range of 1 it would be 2.77."""
    table, view = market(1.0)
    rows = [[1.0, "down", 1.0]]
    changes = {f"{TABLE}.scenarios": rows, f"{TABLE}.vol_range_down": 1.0}
    found = scenario_set(table, view, overlay(NEWEST, changes, "test"), TABLE)
    assert found.vol_factor.tolist() == [[0.0]]


def test_only_the_free_part_of_a_forward_moves_and_none_of_it_in_a_skew() -> None:
    found = built([[1.1, "none", 1.0], [1.1, "linear", 1.0]], 30.0, settled=10_000.0)
    assert found.forward[0].tolist() == pytest.approx([54_000.0, 50_000.0])
    assert found.spot[0].tolist() == [1.1, 1.1]  # futures move in both


def test_skews_by_strike() -> None:
    """cap = 0.25 - 0.1 sqrt(T), k* = 4 x 0.6 sqrt(T); 1 + k cap / k*, never beyond the cap."""
    table, view = market(30.0)
    parameters = overlay(
        NEWEST, {f"{TABLE}.scenarios": [[1.0, "linear", 1.0], [1.0, "abs", 1.0]]}, "test"
    )
    found = scenario_set(table, view, parameters, TABLE).strike_factor
    assert found is not None
    root = sqrt(30.0 / 365.0)
    cap, k_star = 0.25 - 0.1 * root, 2.4 * root
    for row, item in enumerate(table.items):
        k = log(item.strike / 50_000.0)
        assert abs(k) < k_star
        assert found[row].tolist() == pytest.approx(
            [1.0 + k * cap / k_star, 1.0 + abs(k) * cap / k_star], rel=1e-12
        )
    wings = [
        replace(item, strike=strike)
        for item, strike in zip(table.items, (1.0, 5e4, 1e9), strict=True)
    ]
    table = Instruments.of(wings)
    view = replace(view, instruments=table)
    found = scenario_set(table, view, parameters, TABLE).strike_factor
    assert found is not None
    assert found[0].tolist() == pytest.approx([1.0 - cap, 1.0 + cap], rel=1e-12)
    assert found[2].tolist() == pytest.approx([1.0 + cap, 1.0 + cap], rel=1e-12)


def test_an_unknown_vol_shock_is_refused() -> None:
    with pytest.raises(ModelError) as caught:
        built([[1.0, "sideways", 1.0]], 30.0)
    assert (caught.value.code, caught.value.value) == ("parameter_out_of_bounds", "'sideways'")


def test_discounts() -> None:
    """long 1.02 e^(-0.1 T), short min(0.98 e^(0.1 T), 1 / D); a negative rate is none."""
    _, view = market(30.0, 365.0, rate=0.05)
    long, short = static_discounts(view, NEWEST, TABLE)
    years = np.array([30.0, 365.0]) / 365.0
    assert long.tolist() == pytest.approx([1.02 * exp(-0.1 * t) for t in years])
    wanted = [min(0.98 * exp(0.1 * t), exp(0.05 * t)) for t in years]
    assert short.tolist() == pytest.approx(wanted)
    assert wanted[1] == exp(0.05)  # the bound is reached within a year
    _, negative = market(365.0, rate=-0.5)
    assert static_discounts(negative, NEWEST, TABLE)[1].tolist() == [1.0]
    table, view = market(365.0, rate=0.05)
    rows = {f"{TABLE}.scenarios": [[1.0, "none", 1.0]]}
    assert scenario_set(table, view, overlay(NEWEST, rows, "t"), TABLE).discount.tolist() == (
        pytest.approx([exp(-0.05)])
    )


def test_the_life_of_the_view_is_the_life_of_the_tables() -> None:
    found = built([[1.0, "none", 1.0]], 0.0, 30.0)
    assert found.root_years.tolist() == pytest.approx([0.0, sqrt(30.0 / 365.0)])
    assert found.vol_factor[0].tolist() == [0.0]
