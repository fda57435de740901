"""Live correlation, and the alarm that it has left its regime.

Returns are first divided by the deviation that was known before each of them and cut at three, so
that neither a change of volatility nor one crash looks like a change of correlation. The score of a
pair on a day compares the correlation of the last days with that of the longer time before them:

    (atanh r_recent - atanh r_reference) / sqrt(1 / n_recent + 1 / n_reference)

Fisher's transform makes its deviation about 1 whatever the correlation. An alarm is raised when its
size passes the threshold; the pair is then silent until it has been back inside for as many days as
the recent window has. How often that happens while nothing changes is a matter of counting:
:func:`false_alarms` does it on simulated days, and states the rate.

Sources: Fisher, On the probable error of a coefficient of correlation, 1921; RiskMetrics Technical
Document, 1996 (weighted covariance); Ledoit and Wolf, A well-conditioned estimator for
large-dimensional covariance matrices, 2004 (shrinkage).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import InputError
from crossmargin.statistics.bootstrap import normals
from crossmargin.statistics.checks import enough, matrix, number, series
from crossmargin.statistics.covariance import (
    correlation_of,
    ewma_covariance,
    ledoit_wolf,
    psd_factor,
)
from crossmargin.statistics.filters import ewma_variance
from crossmargin.statistics.ordered import product, total

__all__ = [
    "Alarm",
    "AlarmRule",
    "FalseAlarms",
    "alarms",
    "false_alarms",
    "live_correlation",
    "scores",
    "standardised",
]

START = 60
CUT = 3.0
_NEAR_ONE = 0.999999


class AlarmRule(NamedTuple):
    """Days of both windows, and the score beyond which a pair has left its regime."""

    recent_days: int = 30
    reference_days: int = 250
    threshold: float = 4.0
    decay: float = 0.94


class Alarm(NamedTuple):
    """``place`` is the return (0 for the first) after which the pair (i, j) raised it."""

    place: int
    pair: tuple[int, int]
    score: float
    before: float  # correlation of the reference window
    after: float  # of the recent one


class FalseAlarms(NamedTuple):
    """Alarms among simulated days of one correlation, and how many that is a year of 365 days."""

    raised: int
    days: int
    a_year: float


def standardised(returns: npt.ArrayLike, decay: float) -> Floats:
    """``returns [N, T]`` over the deviation known before each, cut at 3: ``[N, T - 60]``."""
    r = series(returns, "returns", least=START + 1)
    if r.ndim != 2:
        raise InputError("shape_wrong", "returns must be [N, T]", value=r.shape)
    deviation = np.sqrt(ewma_variance(r, decay, start=START)[:, :-1])
    return np.asarray(np.clip(r[:, START:] / deviation, -CUT, CUT))


def live_correlation(returns: npt.ArrayLike, decay: float = 0.97) -> Floats:
    """The correlation matrix now of ``returns [N, T]``: weighted, then shrunk; PSD.

    ``(1 - a) C + a I`` with C from the weighted covariance of the standardised returns and a the
    share that Ledoit and Wolf's estimator gives for as many returns as the weights stand for.
    """
    z = standardised(returns, decay)
    count = min(z.shape[1], math.ceil((1.0 + decay) / (1.0 - decay)))
    share = ledoit_wolf(z[:, -count:].T).share
    weighted = correlation_of(ewma_covariance(z.T, decay))
    return np.asarray((1.0 - share) * weighted + share * np.eye(len(z)))


def scores(returns: npt.ArrayLike, rule: AlarmRule) -> tuple[Floats, Floats, Floats]:
    """Scores, reference and recent correlations of every pair i < j, each ``[P, D]``.

    The last of the D days is that of the last return; each rests on returns up to its own.
    Raises ModelError ``observations_too_few``, InputError for a rule outside its range.
    """
    number(rule.threshold, "threshold", above=0.0)
    if rule.recent_days < 5 or rule.reference_days < rule.recent_days:
        raise InputError(
            "number_out_of_range",
            "the windows are refused",
            value=(rule.recent_days, rule.reference_days),
            limit="5 days or more, and a reference as long at least",
        )
    z = standardised(returns, rule.decay)
    enough(z.shape[1], rule.recent_days + rule.reference_days, "standardised returns")
    first, second = np.triu_indices(len(z), 1)
    recent = _rolling(z, first, second, rule.recent_days)[:, rule.reference_days :]
    reference = _rolling(z, first, second, rule.reference_days)
    reference = reference[:, : recent.shape[1]]
    width = math.sqrt(1.0 / rule.recent_days + 1.0 / rule.reference_days)
    gap = np.arctanh(recent) - np.arctanh(reference)
    return np.asarray(gap / width), reference, recent


def _rolling(z: Floats, first: np.ndarray, second: np.ndarray, days: int) -> Floats:
    """Correlations ``[P, T - days + 1]`` over a moving window, the mean taken as 0."""

    def sums(values: Floats) -> Floats:
        return total(np.lib.stride_tricks.sliding_window_view(values, days, axis=-1))

    square = sums(z * z)
    cross = sums(z[first] * z[second])
    scale = np.sqrt(square[first] * square[second])
    found = np.divide(cross, scale, out=np.zeros_like(cross), where=scale > 0.0)
    return np.asarray(np.clip(found, -_NEAR_ONE, _NEAR_ONE))


def alarms(returns: npt.ArrayLike, rule: AlarmRule | None = None) -> tuple[Alarm, ...]:
    """Every alarm in ``returns [N, T]``, in order of time; the past is not moved by the future."""
    chosen = rule or AlarmRule()
    r = series(returns, "returns")
    score, before, after = scores(r, chosen)
    offset = r.shape[1] - score.shape[1]
    pairs = list(zip(*(each.tolist() for each in np.triu_indices(len(r), 1)), strict=True))
    out = []
    for number_, pair in enumerate(pairs):
        quiet = chosen.recent_days  # days inside, as many as it takes to be armed
        for day, value in enumerate(score[number_].tolist()):
            beyond = abs(value) > chosen.threshold
            if beyond and quiet >= chosen.recent_days:
                figures = (value, float(before[number_, day]), float(after[number_, day]))
                out.append(Alarm(offset + day, pair, *figures))
            quiet = 0 if beyond else quiet + 1
    return tuple(sorted(out))


def false_alarms(
    correlation: npt.ArrayLike,
    rule: AlarmRule | None = None,
    *,
    days: int = 36_500,
    freedom: int = 4,
    seed: int = 0,
) -> FalseAlarms:
    """How often the alarm is raised while the correlation is ``[N, N]`` throughout.

    ``days`` of student-t returns (``freedom`` degrees, all coins fat-tailed on the same days), made
    from the seed.
    """
    c = matrix(correlation, "correlation")
    chosen = rule or AlarmRule()
    draws = normals(seed, len(c), days)
    tail = total(np.moveaxis(normals(seed, freedom, days, stream=1) ** 2, 0, -1)) / freedom
    returns = product(psd_factor(c), draws) / np.sqrt(tail)
    count = len(alarms(returns, chosen))
    counted = days - START - chosen.recent_days - chosen.reference_days + 1
    return FalseAlarms(count, counted, 365.0 * count / counted)
