"""Did the value at risk hold? Coverage, independence, zones and the dynamic quantile test.

Profit ``pnl`` is negative where money is lost; ``value_at_risk`` is a loss, positive. A breach is
``pnl < -value_at_risk``. ``p`` is the tail that the model promised (0.01 for a level of 0.99).
Likelihood ratios take ``0 ln 0 = 0``, so they are finite for no breach and for only breaches.

Sources: Kupiec, Techniques for verifying the accuracy of risk measurement models, 1995;
Christoffersen, Evaluating interval forecasts, 1998; Basel Committee, Supervisory framework for the
use of backtesting, 1996, and Minimum capital requirements for market risk, 2019, MAR32 and MAR99;
Engle and Manganelli, CAViaR, 2004.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Bools
from crossmargin.core.errors import InputError
from crossmargin.statistics.checks import enough, number, numbers, probability, series
from crossmargin.statistics.ordered import dot, projection

__all__ = [
    "Attribution",
    "BaselScale",
    "Coverage",
    "Statistic",
    "TrafficLight",
    "Transitions",
    "Zone",
    "attribution_test",
    "basel_multiplier",
    "breaches",
    "breaches_at_most",
    "conditional_coverage",
    "dynamic_quantile",
    "independence",
    "kupiec",
    "kupiec_region",
    "time_until_first",
    "traffic_light",
    "transitions",
]


class Statistic(NamedTuple):
    """A test statistic, the probability of one as large where the model holds, its freedom."""

    value: float
    p_value: float
    freedom: int


class Coverage(StrEnum):
    """Which unconditional ratio is added to that of independence."""

    RUGARCH = "rugarch"  # over all n observations, as R's rugarch does
    TRANSITIONS = "transitions"  # over the n - 1 transitions that independence is judged by


class Transitions(NamedTuple):
    """How often a day without (0) or with (1) a breach followed one without or with."""

    n00: int
    n01: int
    n10: int
    n11: int


class Zone(StrEnum):
    """A zone of the Basel traffic light or of the attribution test."""

    GREEN = "green"
    YELLOW = "yellow"
    AMBER = "amber"
    RED = "red"


class BaselScale(StrEnum):
    """Which of the committee's multipliers."""

    MAR_2019 = "2019"
    AMENDMENT_1996 = "1996"


class TrafficLight(NamedTuple):
    """The zone, and the probability of so many breaches or fewer."""

    zone: Zone
    cumulative: float


# Multipliers for 0 to 10 breaches in 250 observations at 99 %: MAR99.20 and the 1996 amendment.
_MULTIPLIERS = {
    BaselScale.MAR_2019: (*[1.5] * 5, 1.70, 1.76, 1.83, 1.88, 1.92, 2.0),
    BaselScale.AMENDMENT_1996: (*[3.0] * 5, 3.40, 3.50, 3.65, 3.75, 3.85, 4.0),
}
_YELLOW_FROM, _RED_FROM = 0.95, 0.9999  # cumulative probabilities where the zones begin


def breaches(pnl: npt.ArrayLike, value_at_risk: npt.ArrayLike) -> Bools:
    """Where ``pnl [..., T]`` lost more than ``value_at_risk`` (positive losses, same shape)."""
    outcome, limit = numbers(pnl, "pnl"), numbers(value_at_risk, "value at risk")
    if outcome.shape != limit.shape or outcome.ndim == 0:
        raise InputError(
            "shape_wrong",
            "value at risk and pnl differ",
            value=limit.shape,
            limit=f"{outcome.shape}",
        )
    return np.asarray(outcome < -limit)


def kupiec(observations: int, count: int, p: float) -> Statistic:
    """Proportion of failures: ``-2 ln[(1-p)^(n-x) p^x / ((1-x/n)^(n-x) (x/n)^x)]``, chi2(1)."""
    n, x = _counts(observations, count)
    probability(p, "p")
    ratio = _log_bernoulli(n - x, x, x / n) - _log_bernoulli(n - x, x, p)
    return _chi2(2.0 * ratio, 1)


def kupiec_region(observations: int, p: float, *, size: float = 0.05) -> tuple[int, int]:
    """The least and the greatest number of breaches that the test does not reject at ``size``."""
    probability(size, "size")
    n, _ = _counts(observations, 0)
    kept = [x for x in range(n + 1) if kupiec(n, x, p).p_value > size]
    if not kept:  # the chi2 law is coarse for so few observations
        raise InputError(
            "number_out_of_range", "every count is rejected", value=n, limit="more observations"
        )
    return kept[0], kept[-1]


def time_until_first(first: int, p: float) -> Statistic:
    """Kupiec's time until the first failure v (1 for the first observation), chi2(1).

    ``-2 ln[p (1-p)^(v-1) / ((1/v) (1 - 1/v)^(v-1))]``.
    """
    v, _ = _counts(first, 1)
    probability(p, "p")
    return _chi2(2.0 * (_log_bernoulli(v - 1, 1, 1.0 / v) - _log_bernoulli(v - 1, 1, p)), 1)


def breaches_at_most(observations: int, count: int, p: float) -> float:
    """``P(X <= count)`` of a binomial(observations, p)."""
    from scipy.special import bdtr

    n, x = _counts(observations, count)
    return float(bdtr(float(x), n, probability(p, "p")))


def transitions(hits: npt.ArrayLike) -> Transitions:
    """Counts of the four transitions in ``hits [T]`` (true for a breach), oldest first."""
    seen = np.asarray(hits)
    if seen.ndim != 1 or seen.dtype != np.bool_:
        raise InputError("shape_wrong", "hits must be one row of booleans", value=seen.shape)
    enough(len(seen), 2, "hits")
    code = 2 * seen[:-1].astype(np.int64) + seen[1:]
    return Transitions(*(int(n) for n in np.bincount(code, minlength=4)))


def independence(seen: Transitions) -> Statistic:
    """Christoffersen: does a breach make the next more likely? chi2(1).

    ``-2 ln(L0 / L1)``: L0 with one probability ``(n01 + n11) / (n00 + n01 + n10 + n11)``, L1 with
    ``n01 / (n00 + n01)`` after calm and ``n11 / (n10 + n11)`` after a breach.
    """
    n00, n01, n10, n11 = _checked(seen)
    calm, hit = n00 + n10, n01 + n11
    split = _log_likelihood(n00, n01) + _log_likelihood(n10, n11)
    return _chi2(2.0 * (split - _log_likelihood(calm, hit)), 1)


def conditional_coverage(
    seen: Transitions, p: float, *, first: bool = False, coverage: Coverage = Coverage.RUGARCH
) -> Statistic:
    """Coverage and independence together: the sum of both ratios, chi2(2).

    ``rugarch`` counts the first observation too (``first`` says whether it was a breach), so that
    n is one more than the transitions; ``transitions`` leaves it out. The two differ by hundredths.
    """
    n00, n01, n10, n11 = _checked(seen)
    n, x = n00 + n01 + n10 + n11, n01 + n11
    if Coverage(coverage) is Coverage.RUGARCH:
        n, x = n + 1, x + bool(first)
    return _chi2(kupiec(n, x, p).value + independence(seen).value, 2)


def traffic_light(observations: int, count: int, p: float = 0.01) -> TrafficLight:
    """The Basel zone of ``count`` breaches.

    Green below a cumulative probability of 95 %, yellow below 99.99 %, then red: with 250
    observations at 99 % that is up to 4, 5 to 9, and 10 or more.
    """
    chance = breaches_at_most(observations, count, p)
    zone = Zone.GREEN if chance < _YELLOW_FROM else Zone.YELLOW
    return TrafficLight(Zone.RED if chance >= _RED_FROM else zone, chance)


def basel_multiplier(count: int, scale: BaselScale = BaselScale.MAR_2019) -> float:
    """The committee's capital multiplier for ``count`` breaches in 250 observations at 99 %."""
    _counts(250, count)
    table = _MULTIPLIERS[BaselScale(scale)]
    return table[min(count, len(table) - 1)]


def dynamic_quantile(
    pnl: npt.ArrayLike, value_at_risk: npt.ArrayLike, p: float, *, lags: int = 4
) -> Statistic:
    """Engle and Manganelli: can anything known beforehand predict a breach?

    ``h'X (X'X)^-1 X'h / (p (1 - p))`` for ``h_t = 1{breach} - p`` and the regressors: a constant,
    the quantile itself, ``lags`` earlier h, and the square of the last outcome; chi2 with as many
    degrees of freedom as regressors (the choice of R's GAS). Where regressors depend on each other
    (a constant value at risk) the pseudo-inverse is meant.
    """
    probability(p, "p")
    hits = breaches(pnl, value_at_risk)
    outcome, limit = np.asarray(pnl, np.float64), np.asarray(value_at_risk, np.float64)
    if hits.ndim != 1 or lags < 1:
        raise InputError("shape_wrong", "one series and one lag or more", value=hits.shape)
    enough(len(hits), 2 * (lags + 3), "pnl")
    h = np.asarray(hits - p, np.float64)
    rows = len(h) - lags
    columns = [np.ones(rows), -limit[lags:]]
    columns += [np.asarray(h[k : k + rows]) for k in range(lags)]
    columns.append(outcome[lags - 1 : -1] ** 2)
    fitted, _ = projection(np.stack(columns, axis=1), h[lags:])
    return _chi2(float(dot(fitted, fitted)) / (p * (1.0 - p)), len(columns))


class Attribution(NamedTuple):
    """Spearman's correlation and the Kolmogorov-Smirnov distance, and the zone of both."""

    spearman: float
    distance: float
    zone: Zone


def attribution_test(hypothetical: npt.ArrayLike, theoretical: npt.ArrayLike) -> Attribution:
    """Profit-and-loss attribution of FRTB (MAR32.26 to 32.32) for two series ``[T]``.

    Green: correlation above 0.80 and distance below 0.09; red: below 0.70 or above 0.12; amber
    between.
    """
    from scipy.stats import rankdata

    one, two = series(hypothetical, "hypothetical", least=2), series(theoretical, "theoretical")
    if one.shape != two.shape or one.ndim != 1:
        raise InputError("shape_wrong", "the series differ", value=two.shape, limit=f"{one.shape}")
    a, b = (rankdata(x) - 0.5 * (len(x) + 1) for x in (one, two))
    spread = float(dot(a, a)) * float(dot(b, b))
    number(spread, "spread of the ranks", above=0.0)
    spearman = float(dot(a, b)) / math.sqrt(spread)
    pooled = np.sort(np.concatenate([one, two]))
    below = [np.searchsorted(np.sort(x), pooled, side="right") / len(x) for x in (one, two)]
    distance = float(np.abs(below[0] - below[1]).max())
    zone = Zone.AMBER
    if spearman > 0.80 and distance < 0.09:
        zone = Zone.GREEN
    elif spearman < 0.70 or distance > 0.12:
        zone = Zone.RED
    return Attribution(spearman, distance, zone)


def _counts(observations: int, count: int) -> tuple[int, int]:
    if observations < 1 or not 0 <= count <= observations:
        raise InputError(
            "number_out_of_range",
            "counts are refused",
            value=(observations, count),
            limit="0 <= count <= observations, and one observation",
        )
    return int(observations), int(count)


def _checked(seen: Transitions) -> Transitions:
    if min(seen) < 0 or sum(seen) < 1:
        raise InputError("number_out_of_range", "transitions are refused", value=tuple(seen))
    return seen


def _log_bernoulli(misses: int, hits: int, p: float) -> float:
    """``misses ln(1 - p) + hits ln p`` with ``0 ln 0 = 0``."""
    out = misses * math.log1p(-p) if misses else 0.0
    return out + (hits * math.log(p) if hits else 0.0)


def _log_likelihood(misses: int, hits: int) -> float:
    """At its own best probability; 0 where nothing was seen."""
    return _log_bernoulli(misses, hits, hits / (misses + hits)) if misses + hits else 0.0


def _chi2(value: float, freedom: int) -> Statistic:
    from scipy.special import chdtrc

    value = max(value, 0.0)  # a ratio of likelihoods: below 0 is rounding
    return Statistic(value, float(chdtrc(freedom, value)), freedom)
