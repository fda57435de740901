"""The posterior against the form with inverses, and its limits."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.core.errors import CrossMarginError
from crossmargin.decisions.black_litterman import black_litterman, implied_returns

RNG = np.random.default_rng(2)
S = np.cov(RNG.normal(size=(50, 4)).T) * 0.04
W = np.array([0.4, 0.3, 0.2, 0.1])
P = np.array([[1.0, -1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]])
Q = np.array([0.02, 0.05])


def test_the_form_with_inverses() -> None:
    omega = np.array([0.001, 0.0005])
    found = black_litterman(W, S, P, Q, uncertainty=omega, tau=0.1, aversion=3.0)
    scaled = np.linalg.inv(0.1 * S)
    precision = scaled + P.T @ np.diag(1.0 / omega) @ P
    mean = np.linalg.solve(precision, scaled @ (3.0 * S @ W) + P.T @ (Q / omega))
    assert found.mean == pytest.approx(mean, rel=1e-10)
    assert found.covariance == pytest.approx(S + np.linalg.inv(precision), rel=1e-10)
    assert found.weights == pytest.approx(np.linalg.solve(3.0 * found.covariance, mean), rel=1e-9)


def test_a_certain_view_is_held_and_an_idle_one_changes_nothing() -> None:
    sure = black_litterman(W, S, P, Q, uncertainty=[0.0, 0.0])
    assert P @ sure.mean == pytest.approx(Q, abs=1e-14)
    pi = implied_returns(W, S)
    idle = black_litterman(W, S, P, P @ pi)
    assert idle.mean == pytest.approx(pi, abs=1e-15)


def test_only_assets_of_a_view_are_traded() -> None:
    """Without limits the weights move along the views alone (He and Litterman, property 1)."""
    found = black_litterman(W, S, P[:1], Q[:1], tau=0.05)
    moved = found.weights - W / 1.05
    assert moved[2:] == pytest.approx([0.0, 0.0], abs=1e-12)
    assert moved[0] == pytest.approx(-moved[1], rel=1e-9)


@pytest.mark.parametrize(
    "call",
    [
        lambda: black_litterman(W, S, P, Q[:1]),
        lambda: black_litterman(W[:3], S, P, Q),
        lambda: black_litterman(W, S, P, [np.nan, 0.1]),
        lambda: black_litterman(W, S, P, Q, tau=0.0),
        lambda: black_litterman(W, S, P, Q, aversion=-1.0),
        lambda: black_litterman(W, S, P, Q, uncertainty=[-1.0, 0.0]),
        lambda: black_litterman(W, S, [P[0], P[0]], Q, uncertainty=[0.0, 0.0]),
        lambda: black_litterman(W, -S, P, Q),
    ],
)
def test_what_is_refused(call: object) -> None:
    with pytest.raises(CrossMarginError):
        call()  # type: ignore[operator] # parametrised
