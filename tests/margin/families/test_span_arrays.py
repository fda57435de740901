"""Risk arrays against a plain Black formula, and the numbers that no array can be made of."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.arrays import frozen
from crossmargin.core.errors import InputError
from crossmargin.margin.families.span_arrays import (
    COMPOSITE,
    Scan,
    ScanPoints,
    composite_delta,
    future_arrays,
    option_arrays,
    plain_delta,
    standard_points,
    years_of,
)

POINTS = standard_points(2.0, 0.35)
PHI = NormalDist().cdf


def black(f: float, k: float, right: int, years: float, vol: float, rate: float) -> float:
    """Discounted value of a forward's option."""
    w, paid = vol * math.sqrt(years), math.exp(-rate * years)
    if w == 0.0 or f == 0.0:
        return paid * max(right * (f - k), 0.0)
    d = math.log(f / k) / w + w / 2.0
    return paid * right * (f * PHI(right * d) - k * PHI(right * (d - w)))


def value(
    price: float, k: float, right: int, years: float, vol: float, rate: float, basis: str
) -> float:
    grown = math.exp(rate * years) if basis == "spot" else 1.0
    return black(price * grown, k, right, years, vol, rate)


@given(
    st.floats(20.0, 200.0), st.sampled_from((1, -1)), st.floats(0.0, 1.0), st.floats(0.05, 1.5),
    st.floats(0.0, 0.1), st.floats(1.0, 60.0), st.floats(0.0, 0.6),
    st.sampled_from(("spot", "forward")), st.sampled_from((0.0, 2.0 / 365.0)),
)  # fmt: skip
def test_the_formula(
    strike: float, right: int, years: float, vol: float, rate: float, psr: float, vsr: float,
    basis: str, ahead: float,
) -> None:  # fmt: skip
    """Each of the 16 values, by the formula that the module states."""
    made = option_arrays(
        100.0, [strike], [right], years, vol, rate, psr, vsr, Scan(POINTS, basis, ahead)
    )
    moves = [0, 0, 1, 1, -1, -1, 2, 2, -2, -2, 3, 3, -3, -3, 6, -6]
    later = max(years - ahead, 0.0)
    for s, thirds in enumerate(moves):
        sign = 0.0 if s >= 14 else 1.0 - 2.0 * (s % 2)
        moved = max(100.0 + thirds / 3.0 * psr, 0.0)
        shocked = value(moved, strike, right, later, max(vol + sign * vsr, 0.0), rate, basis)
        lost = value(100.0, strike, right, years, vol, rate, basis) - shocked
        assert made[0, s] == pytest.approx((0.35 if s >= 14 else 1.0) * lost, abs=1e-9)


def test_points_in_pairs() -> None:
    assert POINTS.paired.tolist() == [1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 14, 15]
    assert sum(weight for _, weight in COMPOSITE) == pytest.approx(1.0, abs=1e-12)


def test_futures() -> None:
    """A forward moves by the range alone; a spot's future is grown by the rate."""
    made = future_arrays(100.0, 0.5, 0.05, 9.0, Scan(POINTS, "forward", 0.1))[0]
    assert made.tolist() == pytest.approx((-9.0 * POINTS.price * POINTS.weight).tolist())
    made = future_arrays([100.0, 50.0], 0.5, 0.05, 9.0, Scan(POINTS, "spot", 0.1))
    assert made[0, 0] == pytest.approx(100.0 * (math.exp(0.025) - math.exp(0.02)))
    assert made[1, 15] == pytest.approx(0.35 * (50.0 * math.exp(0.025) - 32.0 * math.exp(0.02)))


def test_deltas() -> None:
    """A slope of the value, and its mean over the seven prices with the published weights."""
    for basis in ("spot", "forward"):
        scan = Scan(POINTS, basis, 0.01)
        term = (100.0, [90.0, 110.0], [1, -1], 0.5, 0.6, 0.03)
        h = 1e-4
        for i, (k, right) in enumerate(((90.0, 1), (110.0, -1))):
            slope = [value(100.0 + x, k, right, 0.5, 0.6, 0.03, basis) for x in (h, -h)]
            assert plain_delta(*term, scan)[i] == pytest.approx(
                (slope[0] - slope[1]) / 2 / h, abs=1e-7
            )
            mean = 0.0
            for move, weight in COMPOSITE:
                base = 100.0 + 20.0 * move
                slope = [value(base + x, k, right, 0.49, 0.6, 0.03, basis) for x in (h, -h)]
                mean += weight * (slope[0] - slope[1]) / 2 / h
            assert composite_delta(*term, 20.0, scan)[i] == pytest.approx(mean, abs=1e-7)


def test_years_count_the_day_itself() -> None:
    assert years_of([0.0, 364.0]).tolist() == [1.0 / 365.0, 1.0]
    assert years_of(30.0, extra_days=0.0, year_days=360.0) == 30.0 / 360.0


SCAN = Scan(POINTS)


def arrays(price: float = 100.0, vol: float = 0.5, psr: float = 10.0, years: float = 0.5) -> object:
    return option_arrays(price, [100.0], [1], years, vol, 0.0, psr, 0.1, SCAN)


BAD: list[tuple[str, str, Callable[[], object]]] = [
    ("no vol", "number_out_of_range", lambda: arrays(vol=0.0)),
    ("negative vol", "number_out_of_range", lambda: arrays(vol=-0.1)),
    ("no range", "number_out_of_range", lambda: arrays(psr=0.0)),
    ("negative range", "number_out_of_range", lambda: arrays(psr=-1.0)),
    ("no price", "number_out_of_range", lambda: arrays(price=0.0)),
    ("NaN price", "number_not_finite", lambda: arrays(price=float("nan"))),
    ("negative life", "number_out_of_range", lambda: arrays(years=-0.1)),
    ("infinite life", "number_not_finite", lambda: arrays(years=float("inf"))),
    ("future without range", "number_out_of_range", lambda: future_arrays(1, 0, 0, 0, SCAN)),
    ("delta without vol", "number_out_of_range", lambda: plain_delta(1, [1], [1], 1, 0, 0, SCAN)),
    ("right", "number_out_of_range", lambda: option_arrays(1, [1.0], [0], 1, 1, 0, 1, 0, SCAN)),
    ("multiplier", "number_out_of_range", lambda: standard_points(0.0, 0.35)),
    ("fraction", "number_out_of_range", lambda: standard_points(2.0, float("nan"))),
    ("basis", "option_unknown", lambda: Scan(POINTS, "cash")),
    ("look-ahead", "number_out_of_range", lambda: Scan(POINTS, "spot", -1.0)),
    ("points", "shape_wrong", lambda: ScanPoints(
        POINTS.price, POINTS.vol[:15], POINTS.weight, POINTS.paired)),
    ("pair", "number_out_of_range", lambda: ScanPoints(
        POINTS.price, POINTS.vol, POINTS.weight, frozen(np.full(16, 16), np.int32))),
]  # fmt: skip


@pytest.mark.parametrize(("code", "call"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_refused(code: str, call: Callable[[], object]) -> None:
    with pytest.raises(InputError) as caught:
        call()
    assert caught.value.code == code
