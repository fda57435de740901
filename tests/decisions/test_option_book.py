"""The arrays of an option book against the kernel of the Greeks and plain integration."""

from __future__ import annotations

import math

import numpy as np
import pytest

from crossmargin.core.errors import InputError
from crossmargin.decisions.option_book import OptionBook
from crossmargin.pricing.greeks import greeks

LEGS = (
    [-10.0, 4.0, 3.0],
    [60_000.0, 55_000.0, 70_000.0],
    [0.1, 0.1, 0.3],
    [0.6, 0.7, 0.55],
    [1.0, -1.0, 1.0],
)


def book(**changes: object) -> OptionBook:
    return OptionBook.of(60_000.0, *LEGS, **changes)  # type: ignore[arg-type] # bad on purpose


def test_value_delta_and_gamma_are_those_of_the_kernel() -> None:
    forward = np.array([60_100.0, 60_100.0, 60_900.0])
    mine = book(forward=forward, linear=1.5)
    q, k, t, s, c = (np.array(each) for each in LEGS)
    unit = greeks(forward, k, t, s, c)
    at = np.array([60_000.0])
    assert mine.value(at)[0] == pytest.approx(float((q * unit.value).sum()))
    # a move of the spot moves each forward in proportion
    ratio = forward / 60_000.0
    assert mine.delta(at)[0] == pytest.approx(1.5 + float((q * unit.delta * ratio).sum()))
    gamma = float((q * unit.gamma * forward**2).sum())
    assert mine.cash_gamma(at)[0] == pytest.approx(gamma)
    assert mine.vega() == pytest.approx(float((q * unit.vega).sum()))
    assert mine.theta_day() == pytest.approx(float((q * unit.theta).sum()) / 365.0)


@pytest.mark.parametrize("t", [0.0, 0.02, 0.09, 0.2])
@pytest.mark.parametrize("power", [1.0, 1.5, 2.0])
def test_mean_gamma_against_a_fine_sum(t: float, power: float) -> None:
    mine, vol = book(), 0.65
    z = np.linspace(-9.0, 9.0, 40_001)
    w = np.exp(-0.5 * z * z)
    spots = 60_000.0 * np.exp(vol * math.sqrt(t) * z - 0.5 * vol * vol * t)
    plain = float((w * np.abs(mine.cash_gamma(spots, t)) ** power).sum() / w.sum())
    assert mine.mean_power(vol, t, power) == pytest.approx(plain, rel=2e-3)


def test_a_book_of_one_sign_has_the_closed_form() -> None:
    q, k, t, s, c = LEGS
    sold = OptionBook.of(60_000.0, [-abs(x) for x in q], k, t, s, c)
    mixed = OptionBook(sold.spot, sold.quantity, sold.strike, sold.years, sold.vol, sold.right)
    assert sold.one_sign
    z = np.linspace(-7.0, 7.0, 2001)
    weight = np.exp(-0.5 * z * z)
    spots = 60_000.0 * np.exp(0.5 * math.sqrt(0.05) * z - 0.125 * 0.05)
    plain = float((weight * np.abs(mixed.cash_gamma(spots, 0.05))).sum() / weight.sum())
    assert sold.mean_power(0.5, 0.05) == pytest.approx(plain, rel=1e-6)


@pytest.mark.parametrize("t", [0.05, 0.1, 0.2, 0.4])
def test_mean_change_is_the_mean_of_the_change(t: float) -> None:
    """Legs that expire before are worth the mean of their payoff at their own time."""
    mine, vol, total = book(), 0.5, 0.0
    for k in range(3):
        one = OptionBook.of(60_000.0, *([each[k]] for each in LEGS))
        end = min(t, LEGS[2][k])
        z = np.linspace(-9.0, 9.0, 20_001)
        weight = np.exp(-0.5 * z * z)
        spots = 60_000.0 * np.exp(vol * math.sqrt(end) * z - 0.5 * vol * vol * end)
        total += float((weight * one.payoff_change(spots, end)).sum() / weight.sum())
    assert mine.mean_change(vol, t) == pytest.approx(total, rel=1e-5)


def test_expired_legs_have_no_delta_and_are_their_payoff() -> None:
    mine = book()
    spots = np.array([50_000.0, 65_000.0])
    later = mine.alive(0.1)
    assert len(later) == 1
    assert mine.delta(spots, 0.1) == pytest.approx(later.delta(spots, 0.1))
    paid = -10.0 * np.maximum(spots - 60_000.0, 0.0) + 4.0 * np.maximum(55_000.0 - spots, 0.0)
    assert mine.value(spots, 0.1) - later.value(spots, 0.1) == pytest.approx(paid)


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("strike", [1.0, -1.0, 1.0], "number_out_of_range"),
        ("vol", [0.5, 0.0, 0.5], "number_out_of_range"),
        ("years", [0.5, 0.1], "shape_wrong"),
        ("right", [1.0, 0.0, 1.0], "number_out_of_range"),
        ("quantity", [1.0, math.nan, 1.0], "number_not_finite"),
        ("forward", [1.0, 0.0, 1.0], "number_out_of_range"),
    ],
)
def test_bad_books_are_refused(name: str, value: list[float], code: str) -> None:
    names = ("quantity", "strike", "years", "vol", "right")
    given: dict[str, object] = dict(zip(names, LEGS, strict=True))
    given[name] = value
    with pytest.raises(InputError) as refused:
        OptionBook.of(60_000.0, **given)  # type: ignore[arg-type] # bad on purpose
    assert refused.value.code == code
