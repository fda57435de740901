"""Chance that is a function of its seed, and resampling that keeps the dependence of neighbours.

Numbers come from the raw words of Philox 4x64-10, whose stream NumPy keeps for ever, turned into
uniforms and indices by rules that are written here: the same seed gives the same numbers on every
machine and under every version.

Sources: Salmon and others, Parallel random numbers: as easy as 1, 2, 3, 2011; Politis and Romano,
A circular block-resampling procedure, 1992, and The stationary bootstrap, 1994.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Floats, Longs
from crossmargin.core.errors import InputError
from crossmargin.statistics.checks import enough, number, probability, series
from crossmargin.statistics.ordered import total

__all__ = [
    "Interval",
    "circular_blocks",
    "interval_of",
    "normals",
    "overlapping",
    "resampled",
    "stationary",
    "uniforms",
]

WORD = 2.0**-53


class Interval(NamedTuple):
    """A statistic of the sample, its bootstrap standard error and a percentile interval."""

    value: float
    error: float
    low: float
    high: float


def uniforms(seed: int, *shape: int, stream: int = 0) -> Floats:
    """Uniforms ``k 2^-53``, k a whole number below 2^53, of the given shape.

    ``seed`` and ``stream`` are 64-bit keys: streams of one seed never meet. The first numbers of a
    longer draw are those of a shorter one.
    """
    for name, key in (("seed", seed), ("stream", stream)):
        if not 0 <= key < 2**64:
            raise InputError(
                "number_out_of_range", f"{name} is refused", value=key, limit="0 to 2^64 - 1"
            )
    key = (stream << 64) | seed
    source = np.random.Philox(key=key)  # nondeterminism-ok: its key is given
    words = source.random_raw(int(np.prod(shape)))
    return np.asarray((words >> np.uint64(11)) * WORD).reshape(shape)


def normals(seed: int, *shape: int, stream: int = 0) -> Floats:
    """Standard normal numbers by the inverse distribution at ``uniforms + 2^-54``."""
    from scipy.special import ndtri

    return np.asarray(ndtri(uniforms(seed, *shape, stream=stream) + 0.5 * WORD))


def circular_blocks(count: int, block: int, samples: int, seed: int) -> Longs:
    """Indices ``[samples, count]``: blocks of neighbours from random starts, in a ring."""
    _sizes(count, samples)
    if not 1 <= block <= count:
        raise InputError(
            "number_out_of_range", "block is refused", value=block, limit=f"1 to {count}"
        )
    blocks = -(-count // block)
    starts = np.floor(uniforms(seed, samples, blocks) * count).astype(np.int64)
    index = (starts[:, :, None] + np.arange(block)) % count
    return np.ascontiguousarray(index.reshape(samples, -1)[:, :count])


def stationary(count: int, mean_block: float, samples: int, seed: int) -> Longs:
    """Indices ``[samples, count]``: a new random start with chance ``1/mean_block``, else the next.

    Blocks have geometric lengths, so that the resampled series is stationary.
    """
    _sizes(count, samples)
    number(mean_block, "mean block", above=0.999999, below=float(count) + 1e-6)
    draw = uniforms(seed, samples, count, 2)
    fresh = draw[:, :, 0] * mean_block < 1.0
    fresh[:, 0] = True
    starts = np.floor(draw[:, :, 1] * count).astype(np.int64)
    place = np.arange(count)
    last = np.maximum.accumulate(np.where(fresh, place, 0), axis=1)
    return np.asarray((np.take_along_axis(starts, last, 1) + place - last) % count)


def overlapping(returns: npt.ArrayLike, horizon: int) -> Floats:
    """Sums of ``horizon`` neighbouring returns at every start, ``[..., T - horizon + 1]``."""
    if horizon < 1:
        raise InputError(
            "number_out_of_range", "horizon is refused", value=horizon, limit="1 or more"
        )
    r = series(returns, "returns", least=horizon)
    return total(np.lib.stride_tricks.sliding_window_view(r, horizon, axis=-1))


def resampled(
    observations: npt.ArrayLike, index: Longs, statistic: Callable[[Floats], npt.ArrayLike]
) -> Floats:
    """``statistic`` of each series that ``index [B, T]`` takes from ``observations [T]``.

    ``statistic`` takes ``[B, T]`` to ``[B]``. To judge overlapping windows, resample the returns
    and let the statistic form the windows: the windows' own dependence is then inside.
    """
    x = series(observations, "observations")
    if x.ndim != 1:
        raise InputError("shape_wrong", "observations must be one series", value=x.shape)
    return np.asarray(statistic(x[index]), dtype=np.float64)


def interval_of(value: float, drawn: npt.ArrayLike, confidence: float = 0.95) -> Interval:
    """Standard error and percentile interval of a statistic from its resampled values ``[B]``."""
    rest = 0.5 * (1.0 - probability(confidence, "confidence"))
    values = np.sort(series(drawn, "resampled values", least=2))
    enough(len(values), int(np.ceil(1.0 / rest - 1e-9)), "resampled values")
    gap = values - float(total(values)) / len(values)
    error = float(np.sqrt(total(gap * gap) / (len(values) - 1)))
    low = int(np.floor(rest * len(values) + 1e-9))
    return Interval(float(value), error, float(values[low]), float(values[-1 - low]))


def _sizes(count: int, samples: int) -> None:
    enough(count, 1, "observations")
    if samples < 1:
        raise InputError(
            "number_out_of_range", "samples is refused", value=samples, limit="1 or more"
        )
