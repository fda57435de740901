"""Numbers from a seed: the published stream, the resampling laws, and overlapping windows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from crossmargin.core.errors import CrossMarginError
from crossmargin.statistics import bootstrap as bs


def _philox(counter: list[int], key: list[int]) -> list[int]:
    """One block of Philox 4x64-10 from its definition (Salmon and others, 2011, section 4.3)."""
    c, k = list(counter), list(key)
    for _ in range(10):
        p0, p1 = c[0] * 0xD2E7470EE14C6C93, c[2] * 0xCA5A826395121157
        low, mask = 2**64, 2**64 - 1
        c = [(p1 // low) ^ c[1] ^ k[0], p1 & mask, (p0 // low) ^ c[3] ^ k[1], p0 & mask]
        k = [(k[0] + 0x9E3779B97F4A7C15) & mask, (k[1] + 0xBB67AE8584CAA73B) & mask]
    return c


def test_stream_is_the_published_one() -> None:
    words = [word for n in (1, 2) for word in _philox([n, 0, 0, 0], [123, 9])]
    found = bs.uniforms(123, 8, stream=9)
    assert found.tolist() == [(word >> 11) * 2.0**-53 for word in words]


def test_draws() -> None:
    long = bs.uniforms(5, 4, 50_000)
    assert (bs.uniforms(5, 100) == long.ravel()[:100]).all()
    assert (bs.uniforms(6, 100) != long.ravel()[:100]).all()
    assert (bs.uniforms(5, 100, stream=1) != long.ravel()[:100]).all()
    assert 0.0 <= long.min() < 1e-4 < 1.0 - 1e-4 < long.max() < 1.0
    normal = bs.normals(5, 4, 50_000)
    assert np.isfinite(normal).all()
    assert abs(normal.mean()) < 0.01
    assert abs(normal.std() - 1.0) < 0.01


def test_circular_blocks() -> None:
    index = bs.circular_blocks(10, 4, 500, 1)
    assert index.shape == (500, 10)
    steps = (index[:, 1:] - index[:, :-1]) % 10
    inside = np.arange(1, 10) % 4 != 0
    assert (steps[:, inside] == 1).all()
    counts = np.bincount(index.ravel(), minlength=10) / index.size
    assert counts == pytest.approx(np.full(10, 0.1), abs=0.01)
    assert (bs.circular_blocks(10, 4, 500, 1) == index).all()
    assert (bs.circular_blocks(10, 4, 500, 2) != index).any()
    whole = bs.circular_blocks(10, 10, 3, 1)
    assert ((whole[:, 1:] - whole[:, :-1]) % 10 == 1).all()


def test_stationary() -> None:
    index = bs.stationary(200, 5.0, 400, 3)
    follows = (index[:, 1:] - index[:, :-1]) % 200 == 1
    # A new start is the next place by chance once in 200.
    assert follows.mean() == pytest.approx(0.8 + 0.2 / 200, abs=0.005)
    assert 0 <= index.min() <= index.max() < 200
    alone = bs.stationary(200, 1.0, 400, 3)
    assert ((alone[:, 1:] - alone[:, :-1]) % 200 == 1).mean() == pytest.approx(0.005, abs=0.003)


def test_overlapping_windows() -> None:
    assert bs.overlapping([1.0, 2.0, 4.0, 8.0], 2).tolist() == [3.0, 6.0, 12.0]
    assert bs.overlapping([[1.0, 2.0, 4.0]], 3).tolist() == [[7.0]]


def test_bootstrap_sees_dependence_that_shuffling_misses() -> None:
    """The mean of an autocorrelated series errs by more than independent draws say."""
    noise = np.random.default_rng(4).normal(size=2000)
    series = np.zeros(2000)
    for t in range(1, 2000):
        series[t] = 0.8 * series[t - 1] + noise[t]
    truth = 1.0 / (1.0 - 0.8) / np.sqrt(2000)

    def spread(index: np.ndarray) -> float:
        means = bs.resampled(series, index, lambda rows: rows.mean(axis=1))
        return bs.interval_of(float(series.mean()), means).error

    blocks = spread(bs.circular_blocks(2000, 50, 2000, 8))
    random_lengths = spread(bs.stationary(2000, 50.0, 2000, 8))
    shuffled = spread(bs.stationary(2000, 1.0, 2000, 8))
    assert blocks == pytest.approx(truth, rel=0.2)
    assert random_lengths == pytest.approx(truth, rel=0.2)
    assert shuffled < 0.5 * truth


def test_overlapping_quantile_by_resampled_returns() -> None:
    """Overlapping 10-day sums hold few independent ones: the error says so."""
    returns = np.random.default_rng(6).normal(size=1000)

    def statistic(rows: np.ndarray) -> np.ndarray:
        return np.quantile(bs.overlapping(rows, 10), 0.05, axis=-1)

    drawn = bs.resampled(returns, bs.circular_blocks(1000, 20, 400, 2), statistic)
    found = bs.interval_of(float(statistic(returns)), drawn)
    density = np.exp(-0.5 * 1.645**2) / np.sqrt(2 * np.pi) / np.sqrt(10)
    as_if_independent = np.sqrt(0.05 * 0.95 / 991) / density
    assert found.error > 1.5 * as_if_independent
    assert found.low < -1.645 * np.sqrt(10) < found.high


def test_interval() -> None:
    found = bs.interval_of(3.0, np.arange(100.0), confidence=0.9)
    assert (found.low, found.high) == (5.0, 94.0)
    assert found.error == pytest.approx(np.arange(100.0).std(ddof=1), rel=1e-12)


@pytest.mark.parametrize(
    ("code", "call"),
    [
        ("number_out_of_range", lambda: bs.uniforms(-1, 3)),
        ("number_out_of_range", lambda: bs.uniforms(0, 3, stream=2**64)),
        ("number_out_of_range", lambda: bs.circular_blocks(10, 11, 5, 1)),
        ("number_out_of_range", lambda: bs.circular_blocks(10, 2, 0, 1)),
        ("observations_too_few", lambda: bs.circular_blocks(0, 1, 5, 1)),
        ("number_out_of_range", lambda: bs.stationary(10, 0.5, 5, 1)),
        ("number_out_of_range", lambda: bs.overlapping([1.0], 0)),
        ("observations_too_few", lambda: bs.overlapping([1.0], 2)),
        ("observations_too_few", lambda: bs.interval_of(0.0, np.arange(10.0), 0.99)),
        (
            "shape_wrong",
            lambda: bs.resampled(np.zeros((2, 2)), bs.stationary(2, 1.0, 1, 1), np.mean),
        ),
    ],
)
def test_refusals(code: str, call: Any) -> None:
    with pytest.raises(CrossMarginError, match=f"^{code}:"):
        call()
