"""Scenario tables of the scan family: grids, vol rules, clocks, what a move acts on."""

from __future__ import annotations

import pytest

from crossmargin.core.errors import ModelError
from tests.margin.families.house import (
    INVERSE,
    PERPETUAL,
    SPOT,
    TETHERED,
    WIDE,
    call,
    future,
    margined,
    rules,
    vector,
)
from tests.oracle.black import price as black

YEARS = 30.0 / 365.0


def value(forward: float, vol: float, years: float = YEARS) -> float:
    return black(1, forward, SPOT, vol, years)


def test_scenarios_stand_in_the_order_of_the_file() -> None:
    numbers = {**WIDE, "scenarios": [[-0.5, 0.4, 0.25]]}
    found = margined({PERPETUAL: 1.0}, rules(numbers))
    labels = found.priced[0].scenarios.label
    assert labels[:3] == ("-10 %, vol +50 %", "-10 %, vol same", "-10 %, vol -50 %")
    assert labels[-1] == "-50 %, vol +40 %, x0.25"
    wanted = [-5e3] * 3 + [0.0] * 3 + [5e3] * 3 + [-25e3 * 0.25]
    assert vector(found) == pytest.approx(wanted, rel=1e-13)


@pytest.mark.parametrize(
    ("form", "up"),
    [("relative", 0.5 * 1.4), ("points", 0.5 + 0.4)],
)
def test_a_vol_shock_is_a_share_or_points(form: str, up: float) -> None:
    found = margined({call(): 1.0}, rules({"moves": [[0.1, 1.0]], "vols": [[0.4]]}, vol_shock=form))
    wanted = value(55_000.0, up) - value(SPOT, 0.5)
    assert vector(found) == pytest.approx([wanted], rel=1e-10)


def test_the_worse_of_share_and_points_is_two_scenarios() -> None:
    numbers = {"moves": [[0.0, 1.0]], "vols": [[0.4]], "vol_points": [[0.4]]}
    found = margined({call(): -1.0}, rules(numbers, vol_shock="both"))
    flat = value(SPOT, 0.5)
    assert vector(found) == pytest.approx(
        [flat - value(SPOT, 0.7), flat - value(SPOT, 0.9)], rel=1e-10
    )
    assert found.scenario_label(0) == "+0 %, vol +40 points"


@pytest.mark.parametrize(
    ("days", "count", "scale"),
    [
        (7.5, "exact", 4.0**0.3),
        (7.5, "whole_days_up", (30.0 / 8.0) ** 0.3),
        (0.25, "exact", 30.0**0.3),  # a day at least
        (120.0, "exact", 0.25**0.13),
    ],
)
def test_the_shock_scales_with_life(days: float, count: str, scale: float) -> None:
    numbers = {"moves": [[0.0, 1.0]], "vols": [[0.4]]}
    chosen = rules(numbers, power=(0.3, 0.13, 1.0), day_count=count)
    years = days / 365.0
    wanted = value(SPOT, 0.5 * (1.0 + 0.4 * scale), years) - value(SPOT, 0.5, years)
    assert vector(margined({call(days): 1.0}, chosen)) == pytest.approx([wanted], rel=1e-10)


def test_the_clock_may_cut_now_to_the_second() -> None:
    """A life of a day and 300 ms counts as a day and a second."""
    numbers = {"moves": [[0.1, 1.0]], "vols": [[0.0]]}
    life_days = 1.0 + 300 / 86_400_000
    for clock, seconds in (("exact", 86_400.3), ("whole_seconds", 86_401.0)):
        found = margined({call(life_days): 1.0}, rules(numbers, clock=clock))
        years = seconds / 86_400 / 365
        wanted = value(55_000.0, 0.5, years) - value(SPOT, 0.5, years)
        assert vector(found) == pytest.approx([wanted], rel=1e-12)


def test_floors_of_the_upward_vol() -> None:
    up = {"moves": [[0.0, 1.0]], "vols": [[0.1], [-0.1]]}
    base = value(SPOT, 0.5)
    for more, high in (({"min_vol_up": 0.8}, 0.8), ({"min_shock_up": 0.3}, 0.65)):
        found = vector(margined({call(): 1.0}, rules({**up, **more})))
        wanted = [value(SPOT, high) - base, value(SPOT, 0.45) - base]
        assert found == pytest.approx(wanted, rel=1e-10)


def test_a_clamp_holds_the_futures_and_not_the_options() -> None:
    numbers = {"moves": [[-0.5, 1.0]], "vols": [[0.0]], "delta_one_clamp": 0.2}
    assert vector(margined({PERPETUAL: 1.0}, rules(numbers))) == pytest.approx([-10_000.0])
    found = vector(margined({call(): 1.0}, rules(numbers)))
    assert found == pytest.approx([value(25_000.0, 0.5) - value(SPOT, 0.5)], rel=1e-10)


@pytest.mark.parametrize(
    ("target", "pnl"), [("mark", 5_100.0), ("index", 5_000.0), ("forward", 5_000.0)]
)
def test_what_a_move_acts_on(target: str, pnl: float) -> None:
    chosen = rules({"moves": [[0.1, 1.0]], "vols": [[0.0]]}, delta_one=target)
    item = future(30.0)
    found = margined({item: 1.0}, chosen, marks={item.native_id: 51_000.0})
    assert vector(found) == pytest.approx([pnl], rel=1e-13)


def test_the_base_is_the_model_or_the_mark() -> None:
    item, still = call(), {"moves": [[0.0, 1.0]], "vols": [[0.0]]}
    marks = {item.native_id: value(SPOT, 0.5) - 100.0}
    assert vector(margined({item: 2.0}, rules(still), marks=marks)) == [0.0]
    found = vector(margined({item: 2.0}, rules(still, base="mark"), marks=marks))
    assert found == pytest.approx([200.0], rel=1e-10)


def test_a_mark_within_rounding_of_the_model_is_the_model() -> None:
    item, still = call(), {"moves": [[0.0, 1.0]], "vols": [[0.0]]}
    marks = {item.native_id: value(SPOT, 0.5) * (1.0 + 1e-15)}
    assert vector(margined({item: 2.0}, rules(still, base="mark"), marks=marks)) == [0.0]


def test_a_settlement_currency_has_its_own_dollar() -> None:
    chosen = rules({"moves": [[0.1, 1.0]], "vols": [[0.0]]})
    assert vector(margined({TETHERED: 1.0}, chosen)) == pytest.approx([2_500.0], rel=1e-13)


def test_coins_are_worth_the_shocked_index_or_that_of_now() -> None:
    """50,000 dollars of an inverse future at -20 %: a quarter of a coin, at 40,000 or at 50,000."""
    numbers = {"moves": [[-0.2, 1.0]], "vols": [[0.0]]}
    for worth, wanted in (("shocked", -10_000.0), ("unshocked", -12_500.0)):
        found = margined({INVERSE: 50_000.0}, rules(numbers, coin_worth=worth))
        assert vector(found) == pytest.approx([wanted], rel=1e-13)
    item = call(settle="BTC", inverse=True)
    base, after = value(SPOT, 0.5), value(40_000.0, 0.5)
    marks = {item.native_id: base / SPOT}
    for worth, wanted in (
        ("shocked", after - base),
        ("unshocked", (after / 40_000.0 - base / SPOT) * SPOT),
    ):
        found = margined({item: 1.0}, rules(numbers, coin_worth=worth), marks=marks)
        assert vector(found) == pytest.approx([wanted], rel=1e-10)


def test_a_rulebook_without_a_grid_is_refused() -> None:
    with pytest.raises(ModelError) as caught:
        margined({PERPETUAL: 1.0}, rules({"option_factor": 0.1}, short_option="net"))
    assert caught.value.code == "parameter_missing"
    assert "--params" in caught.value.remedy


def test_a_move_that_takes_the_price_away_is_refused() -> None:
    with pytest.raises(ModelError) as caught:
        margined({PERPETUAL: 1.0}, rules({"moves": [[-1.0, 1.0]], "vols": [[0.0]]}))
    assert caught.value.code == "parameter_out_of_bounds"
