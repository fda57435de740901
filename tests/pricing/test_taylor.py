"""The dollar expansion: against finite differences of the revaluation, and how wrong it is far out.

The published figures of the error are this project's own: Black-76, F = K = 100, 30 days, vol 0.6.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.errors import InputError
from crossmargin.pricing.revalue import black_value
from crossmargin.pricing.taylor import TERMS, Expansion, expanded, option_expansion, straight

YEARS = 30.0 / 365.0


def dollars(
    move: float, vol: float, years: float, *, inverse: bool, right: float = 1.0
) -> np.ndarray:
    """Value in dollars of two options on an index of 100, forwards of 101 and 97, both ways."""
    forward = np.array([101.0, 97.0]) * (1.0 + move)
    value = black_value(forward, [100.0, 110.0], vol * math.sqrt(years), right)
    return value / forward * 100.0 * (1.0 + move) if inverse else value


def expansion_of(*, inverse: bool, right: float = 1.0, vol: float = 0.6) -> Expansion:
    forward = np.array([101.0, 97.0])
    unit = 100.0 / forward if inverse else 1.0
    return option_expansion(forward, [100.0, 110.0], YEARS, vol, right, 100.0, unit)


@pytest.mark.parametrize("right", [1.0, -1.0])
@pytest.mark.parametrize("inverse", [False, True])
def test_each_greek_is_a_difference_of_the_dollar_value(inverse: bool, right: float) -> None:
    found = expansion_of(inverse=inverse, right=right)

    def value(ds: float = 0.0, dv: float = 0.0, dt: float = 0.0) -> np.ndarray:
        return dollars(ds / 100.0, 0.6 + dv, YEARS - dt, inverse=inverse, right=right)

    e, v, t = 1e-3, 1e-4, 1e-6
    expected = (
        (value(e) - value(-e)) / (2.0 * e),
        (value(e) - 2.0 * value() + value(-e)) / e**2,
        (value(dv=v) - value(dv=-v)) / (2.0 * v),
        (value(dt=t) - value(dt=-t)) / (2.0 * t),
        (value(e, v) - value(-e, v) - value(e, -v) + value(-e, -v)) / (4.0 * e * v),
        (value(dv=v) - 2.0 * value() + value(dv=-v)) / v**2,
    )
    for name, a, b in zip(TERMS, found, expected, strict=True):
        assert a == pytest.approx(b, rel=1e-5, abs=1e-5), name


def full(move: float, vol_factor: float, right: float = 1.0) -> float:
    """P&L of a short at-the-money call under full revaluation."""
    root = math.sqrt(YEARS)
    after = black_value(100.0 * (1.0 + move), 100.0, 0.6 * vol_factor * root, right)
    return -float(after - black_value(100.0, 100.0, 0.6 * root, right))


def taylor(move: float, vol_factor: float, terms: int = len(TERMS)) -> float:
    """The first terms of the expansion of the same short call."""
    short = option_expansion([100.0], 100.0, YEARS, 0.6, 1.0, 100.0, -1.0)
    found = expanded(short, [[100.0 * move]], [[0.6 * (vol_factor - 1.0)]], [[0.0]])
    return float(found[:terms].sum())


def test_the_error_is_small_near_and_useless_far() -> None:
    """The project's own figures: short call, vol x 1.4; delta, gamma and vega alone."""
    assert taylor(0.16, 1.4, 3) == pytest.approx(-14.24, abs=0.005)
    assert full(0.16, 1.4) == pytest.approx(-13.39, abs=0.005)
    assert taylor(1.0, 1.4, 3) == pytest.approx(-171.7, abs=0.05)
    assert full(1.0, 1.4) == pytest.approx(-93.2, abs=0.05)
    # The cross terms make a far shift no better: vanna grows with it too.
    assert taylor(0.16, 1.4) == pytest.approx(-14.4555, abs=0.0001)
    assert taylor(1.0, 1.4) < taylor(1.0, 1.4, 3) < 1.8 * full(1.0, 1.4)


def test_the_error_falls_with_the_cube_of_the_shift() -> None:
    errors = [abs(taylor(m, 1.0 + m) - full(m, 1.0 + m)) for m in (0.02, 0.01, 0.005)]
    assert errors[0] / errors[1] == pytest.approx(8.0, rel=0.15)
    assert errors[1] / errors[2] == pytest.approx(8.0, rel=0.1)


def test_the_known_greeks_of_an_at_the_money_call() -> None:
    found = option_expansion(100.0, 100.0, YEARS, 0.6, 1.0, 100.0, 1.0)
    known = (0.534270, 0.023107, 11.395095, -41.592098, 0.056975, -0.140487)
    for name, a, b in zip(TERMS, found, known, strict=True):
        assert float(a) == pytest.approx(b, abs=1e-6), name


@given(st.floats(-0.9, 5.0), st.floats(-0.5, 2.0), st.floats(-5.0, 5.0))
def test_a_linear_book_is_exact(move: float, dv: float, delta: float) -> None:
    terms = expanded(straight([delta]), [[100.0 * move]], [[dv]], [[0.01]])
    assert float(terms.sum()) == pytest.approx(delta * 100.0 * move, rel=1e-15, abs=1e-300)
    assert (terms[1:] == 0.0).all()


def test_call_less_put_is_a_forward_in_every_term() -> None:
    call, put = expansion_of(inverse=True), expansion_of(inverse=True, right=-1.0)
    assert call.delta - put.delta == pytest.approx(np.ones(2), rel=1e-14)
    for a, b in zip(call[1:], put[1:], strict=True):
        assert a == pytest.approx(b, rel=1e-12, abs=1e-15)


def test_without_time_or_vol_only_the_limit_of_delta_is_left() -> None:
    for years, vol in ((0.0, 0.6), (0.1, 0.0)):
        found = option_expansion([100.0, 100.0], [90.0, 120.0], years, vol, 1.0, 100.0, 2.0)
        assert found.delta.tolist() == [2.0, 0.0]
        assert all((each == 0.0).all() for each in found[1:])


def test_nothing_moves_nothing() -> None:
    zero = np.zeros((2, 3))
    assert (expanded(expansion_of(inverse=True), zero, zero, zero) == 0.0).all()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"index": 0.0}, "number_out_of_range"),
        ({"index": -1.0}, "number_out_of_range"),
        ({"index": math.nan}, "number_not_finite"),
        ({"vol": -0.1}, "number_out_of_range"),
        ({"vol": math.nan}, "number_not_finite"),
        ({"years": -1.0}, "number_out_of_range"),
        ({"unit": math.inf}, "number_not_finite"),
        ({"right": 0.0}, "number_out_of_range"),
    ],
)
def test_bad_input_is_refused(change: dict[str, float], code: str) -> None:
    plain = {"forward": 1.0, "strike": 1.0, "years": 1.0, "vol": 1.0, "right": 1.0}
    with pytest.raises(InputError) as caught:
        option_expansion(**{**plain, "index": 1.0, "unit": 1.0, **change})
    assert caught.value.code == code


def test_shifts_of_another_shape_or_not_finite_are_refused() -> None:
    found, good = expansion_of(inverse=False), np.zeros((2, 3))
    for bad in (np.zeros((3, 3)), np.zeros((2, 2))):
        with pytest.raises(InputError, match="shape_wrong"):
            expanded(found, good, bad, good)
    with pytest.raises(InputError, match="number_not_finite"):
        expanded(found, good, good, np.full((2, 3), math.nan))
