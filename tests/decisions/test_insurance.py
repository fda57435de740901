"""Insurance rules against their definitions, slow twins and bad numbers."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossmargin.core.errors import InputError
from crossmargin.decisions import insurance as ins

NORMAL = NormalDist()


def _black(spot: float, strike: float, w: float, right: float, paid: float = 1.0) -> float:
    forward = spot / paid
    d1 = math.log(forward / strike) / w + w / 2
    call = forward * NORMAL.cdf(right * d1) - strike * NORMAL.cdf(right * (d1 - w))
    return paid * right * call


def test_the_exposure_is_m_times_the_cushion_and_never_more_than_the_cap() -> None:
    values = [50.0, 79.0, 80.0, 90.0, 100.0, 1000.0]
    assert ins.cppi_exposure(values, 80.0, 3.0).tolist() == [0.0, 0.0, 0.0, 30.0, 60.0, 1000.0]
    assert ins.cppi_exposure(1000.0, 80.0, 3.0, cap=2.0) == 2000.0
    assert ins.tipp_floor([80.0, 80.0], [90.0, 120.0], 0.8).tolist() == [80.0, 96.0]
    assert ins.multiplier_of_crash(0.25) == 4.0


@settings(max_examples=60, deadline=None)
@given(
    st.floats(1.1, 12.0), st.floats(0.001, 0.2), st.integers(0, 400), st.floats(0.1, 2.0),
    st.floats(-1.0, 1.0),
)  # fmt: skip
def test_the_gap_is_the_chance_of_a_fall_of_one_over_m(
    m: float, dt: float, steps: int, vol: float, drift: float
) -> None:
    found = ins.gap_probability(m, dt, steps, vol, drift)
    low = (math.log(1 - 1 / m) - (drift - vol * vol / 2) * dt) / (vol * math.sqrt(dt))
    assert found.step == pytest.approx(NORMAL.cdf(low), rel=1e-9, abs=1e-15)
    assert found.any == pytest.approx(1 - (1 - found.step) ** steps, rel=1e-6, abs=1e-12)
    assert ins.gap_probability(1.0, dt, steps, vol).any == 0.0


def test_the_empirical_gap_counts_steps() -> None:
    moves = np.log([0.99, 0.7, 1.02, 0.76, 1.1, 0.999, 1.0, 0.5])
    assert ins.gap_of_moves(moves, 4.0, 2).step == 2 / 8
    assert ins.gap_of_moves(moves, 4.0, 2).any == pytest.approx(1 - (6 / 8) ** 2)
    assert ins.gap_of_moves(moves, 1.5, 5) == (0.0, 0.0, 5)
    assert ins.multiplier_of_moves(moves, 1.0) == pytest.approx(2.0)
    assert ins.multiplier_of_moves(moves, 7 / 8) == pytest.approx(1 / 0.3)


@settings(max_examples=60, deadline=None)
@given(
    st.floats(0.3, 0.99), st.floats(0.1, 1.5), st.floats(0.02, 2.0), st.floats(0.0, 0.1),
    st.floats(0.05, 4.0),
)  # fmt: skip
def test_obpi_pays_for_itself_and_is_worth_its_floor_at_every_price(
    floor: float, vol: float, years: float, rate: float, end: float
) -> None:
    found = ins.obpi(1.0, floor, 1.0, vol, years, rate)
    put = _black(1.0, found.strike, vol * math.sqrt(years), -1.0, math.exp(-rate * years))
    assert found.put == pytest.approx(put, abs=1e-9)
    assert found.units * (1.0 + put) == pytest.approx(1.0, abs=1e-9)
    assert found.units * max(end, found.strike) >= floor * (1 - 1e-12)


@given(st.floats(0.6, 0.98), st.floats(0.3, 1.2), st.floats(0.02, 1.0))
@settings(max_examples=40, deadline=None)
def test_a_collar_of_no_cost_brings_what_the_put_costs(
    put: float, vol: float, years: float
) -> None:
    def smile(strike: float) -> float:
        return vol * (1.0 + 0.1 * math.log(strike) ** 2)

    paid = _black(1.0, put, smile(put) * math.sqrt(years), -1.0)
    if paid < 1e-8:
        return
    strike = ins.zero_cost_strike(paid, 1.0, years, smile)
    assert strike > 1.0
    assert _black(1.0, strike, smile(strike) * math.sqrt(years), 1.0) == pytest.approx(
        paid, rel=1e-6, abs=1e-12
    )


def test_continuous_cppi_keeps_its_floor_and_starts_at_the_wealth() -> None:
    terms: dict[str, Any] = {
        "value": 100.0, "floor": 80.0, "multiplier": 4.0, "rate": 0.03, "vol": 0.7
    }  # fmt: skip
    ends = ins.cppi_terminal([0.01, 0.5, 1.0, 3.0], years=1.0, **terms)
    assert (ends >= 80.0 * math.exp(0.03)).all()
    assert (np.diff(ends) > 0.0).all()
    assert ins.cppi_terminal(1.0, years=0.0, **terms) == pytest.approx(100.0)


@pytest.mark.parametrize("inverse", [False, True])
@pytest.mark.parametrize(("exposure", "posted"), [(150.0, None), (60.0, 20.0), (60.0, 60.0)])
def test_the_liquidation_price_is_where_equity_is_the_requirement(
    inverse: bool, exposure: float, posted: float | None
) -> None:
    found = ins.perp_liquidation(100.0, 80.0, exposure, 50.0, 0.02, posted, inverse=inverse)
    held = 100.0 if posted is None else posted
    s = found.liquidation_price / 50.0
    if s > 0.0:
        if inverse:  # in coin: collateral, and profit of an inverse contract
            equity, need = held + exposure * (1 - 1 / s), 0.02 * exposure / s
        else:
            equity, need = held + exposure * (s - 1), 0.02 * exposure * s
        assert equity == pytest.approx(need)
    at = found.floor_price / 50.0
    assert 100.0 + exposure * (at - 1) == pytest.approx(80.0)
    assert found.safe is (found.liquidation_price <= found.floor_price)


def test_no_leverage_is_never_liquidated_and_little_collateral_breaks_the_floor() -> None:
    assert ins.perp_liquidation(100.0, 80.0, 60.0, 50.0, 0.02).liquidation_price == 0.0
    assert not ins.perp_liquidation(100.0, 80.0, 60.0, 50.0, 0.02, posted=10.0).safe


BAD: list[tuple[Any, tuple[Any, ...], str]] = [
    (ins.multiplier_of_crash, (0.0,), "number_out_of_range"),
    (ins.multiplier_of_crash, (math.nan,), "number_not_finite"),
    (ins.cppi_exposure, (math.inf, 1.0, 3.0), "number_not_finite"),
    (ins.cppi_exposure, (1.0, 1.0, -1.0), "number_out_of_range"),
    (ins.gap_probability, (3.0, 0.0, 5, 0.5), "number_out_of_range"),
    (ins.gap_probability, (3.0, 0.1, -1, 0.5), "number_out_of_range"),
    (ins.gap_probability, (3.0, 0.1, 5, 0.0), "number_out_of_range"),
    (ins.obpi, (1.0, 1.0, 1.0, 0.5, 1.0), "number_out_of_range"),
    (ins.obpi, (1.0, 0.5, 1.0, math.nan, 1.0), "number_not_finite"),
    (ins.zero_cost_strike, (0.9, 1.0, 0.1, 0.5), "number_out_of_range"),
    (ins.multiplier_of_moves, ([0.1, 0.2],), "number_out_of_range"),
    (ins.perp_liquidation, (1.0, 0.8, 0.5, 1.0, 1.0), "number_out_of_range"),
    (ins.tipp_floor, (1.0, 1.0, 1.0), "number_out_of_range"),
]


@pytest.mark.parametrize(("function", "given_", "code"), BAD)
def test_bad_numbers_are_refused(function: Any, given_: tuple[Any, ...], code: str) -> None:
    with pytest.raises(InputError) as refused:
        function(*given_)
    assert refused.value.code == code
