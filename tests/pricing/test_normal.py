"""The scalar pieces against 40-digit arithmetic, through a small kernel of the test's own."""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np

from crossmargin.core.jit import kernel
from crossmargin.pricing.normal import exp_negative, log_ratio, tail_absolute, tail_relative


@kernel("f8[:], f8[:], out f8[:,:]")
def pieces(x: Any, y: Any, out: Any) -> None:
    """Rows: exp(x), ln(|x|/y), N(-|x|) by either rational."""
    for i in range(x.size):
        a = abs(x[i])
        out[0, i] = exp_negative(x[i])
        out[1, i] = log_ratio(a, y[i])
        p, q = tail_absolute(a)
        out[2, i] = exp_negative(-0.5 * a * a) * (p / q)
        p, q = tail_relative(a)
        out[3, i] = exp_negative(-0.5 * a * a) * (p / q)


def evaluate(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    out = np.empty((4, x.size))
    pieces.run(x, y, out)
    return out


def relative(found: np.ndarray, exact: list[mp.mpf]) -> float:
    return max(float(abs(f - e) / abs(e)) for f, e in zip(found, exact, strict=True) if e != 0)


def test_exponential() -> None:
    rng = np.random.default_rng(1)
    x = np.concatenate([rng.uniform(-708, 10, 300), rng.normal(size=100), [0.0, -708.0]])
    with mp.workdps(40):
        exact = [mp.exp(v) for v in x]
    found = evaluate(x, np.ones_like(x))[0]
    assert relative(found, exact) <= 5e-16
    assert evaluate(np.array([-1e6]), np.ones(1))[0, 0] == found[-1]  # clamped, never zero


def test_logarithm_of_a_ratio_keeps_its_digits_near_one() -> None:
    rng = np.random.default_rng(2)
    y = np.exp(rng.uniform(-20, 20, 600))
    x = np.concatenate(
        [
            y[:200] * np.exp(rng.uniform(-30, 30, 200)),
            y[200:400] * (1 + rng.normal(0, 1e-6, 200)),
            y[400:] * np.exp(rng.uniform(-0.7, 0.7, 200)),
        ]
    )
    with mp.workdps(40):
        exact = [mp.log(mp.mpf(a) / mp.mpf(b)) for a, b in zip(x, y, strict=True)]
    assert relative(evaluate(x, y)[1], exact) <= 5e-16
    assert evaluate(y, y)[1].tolist() == [0.0] * 600
    wide = evaluate(np.array([1e300, 1e-300]), np.array([1e-300, 1e300]))[1]
    np.testing.assert_allclose(wide, [1381.5510557964274, -1381.5510557964274], rtol=4e-16)


def test_normal_tails() -> None:
    rng = np.random.default_rng(3)
    x = np.concatenate([rng.uniform(0, 8, 400), rng.uniform(8, 37, 200), [0.0]])
    with mp.workdps(40):
        half = mp.sqrt(mp.mpf(1) / 2)
        exact = [mp.erfc(v * half) / 2 for v in x]
    out = evaluate(x, np.ones_like(x))
    assert max(float(abs(f - e)) for f, e in zip(out[2], exact, strict=True)) <= 2.5e-16
    assert relative(out[3][:400], exact[:400]) <= 3e-15
    # beyond 8 the rounding of the exponent x^2/2 is what is left
    assert relative(out[3][400:], exact[400:]) <= 1e-13
