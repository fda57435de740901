"""Sizes from live volatility: an account moved by exactly the stated amount is at its limit."""

from __future__ import annotations

from math import exp

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.errors import CrossMarginError
from crossmargin.decisions.leverage import (
    collateral_ratio,
    live_volatility,
    sigmas_of,
    sized,
)

SMALL = st.floats(0.001, 0.2)


@given(SMALL, st.floats(0.5, 5.0), st.floats(1.0, 10.0), st.floats(0.0, 0.3), st.booleans())
def test_at_the_move_equity_is_maintenance(
    sigma: float, k: float, days: float, rate: float, short: bool
) -> None:
    for beta in (0.0, 0.5, 0.99):
        ratio, move = collateral_ratio(
            sigma, sigmas=k, horizon=days, maintenance=rate, beta=beta, short=short
        )
        price = exp((k if short else -k) * sigma * days**0.5)
        assert abs(price - 1.0) == pytest.approx(move, rel=1e-12)
        collateral = ratio * (1.0 + beta * (price - 1.0))
        gain = (1.0 - price) if short else (price - 1.0)
        assert collateral + gain == pytest.approx(rate * price, abs=1e-12)


def test_the_smallest_limit_sets_the_leverage() -> None:
    calm = sized(0.01, 0.02, cap=3.0)
    assert (calm.leverage, calm.by, calm.capped) == (2.0, "target", False)
    assert sized(0.01, 0.1, cap=3.0).by == "cap"
    wild = sized(0.2, 10.0, cap=100.0, sigmas=4.0)
    assert wild.by == "collateral"
    assert wild.leverage == pytest.approx(1.0 / wild.collateral_ratio)


def test_live_volatility_is_the_newest() -> None:
    r = np.concatenate([np.tile([0.01, -0.01], 100), np.tile([0.03, -0.03], 100)])
    assert live_volatility(r, 0.9) == pytest.approx(0.03, rel=1e-6)
    assert live_volatility(r[:200], 0.9) == pytest.approx(0.01, rel=1e-12)


def test_sigmas_of_a_normal_history() -> None:
    r = np.random.default_rng(1).normal(size=20_000) * 0.02
    assert sigmas_of(r, 0.99, 0.999) == pytest.approx(2.326, abs=0.12)


@pytest.mark.parametrize(
    "call",
    [
        lambda: collateral_ratio(-0.1),
        lambda: collateral_ratio(float("nan")),
        lambda: collateral_ratio(0.1, maintenance=2.0),
        lambda: collateral_ratio(0.1, beta=1.5),
        lambda: collateral_ratio(10.0, sigmas=5.0),
        lambda: sized(0.1, -0.2),
        lambda: sized(0.1, 0.2, cap=float("inf")),
        lambda: live_volatility(np.zeros(10)),
    ],
)
def test_what_is_refused(call: object) -> None:
    with pytest.raises(CrossMarginError):
        call()  # type: ignore[operator] # parametrised
