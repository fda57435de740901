"""Value at risk and expected shortfall of outcomes, under named conventions.

Outcomes are profits: gains positive, losses negative. Figures are losses: positive where money is
lost. ``level`` is the confidence (0.99), ``p = 1 - level`` the tail. The value at risk is minus the
p-quantile of the outcomes. Rival conventions for one series differ by percents, so each result
should name its own. Whole numbers ``n p`` are taken as whole: 800 outcomes at 0.99 have a tail of
eight, although ``1 - 0.99`` is a little more than 0.01 in binary.

Sources: Hyndman and Fan, Sample quantiles in statistical packages, 1996 (types 1 to 9, named as
in NumPy); Acerbi and Tasche, On the coherence of expected shortfall, 2002 (the fractional tail);
Boudoukh, Richardson and Whitelaw, The best of both worlds, 1998 (weights by age).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Bools, Floats
from crossmargin.core.errors import InputError, ModelError
from crossmargin.core.threads import blocks
from crossmargin.statistics.checks import enough, number, numbers, probability, series
from crossmargin.statistics.ordered import total

__all__ = [
    "Convention",
    "Tail",
    "age_weights",
    "effective_observations",
    "expected_shortfall",
    "expected_shortfall_error",
    "mean_of_worst",
    "observations_needed",
    "value_at_risk",
    "value_at_risk_error",
    "value_at_risk_range",
]

WHOLE = 1e-9  # n p within this share of a whole number is that number
WEIGHT_SUM = 1e-9


class Convention(StrEnum):
    """Which point between the sorted outcomes is the quantile; NumPy's names."""

    INVERTED_CDF = "inverted_cdf"  # x_(ceil(n p)): an outcome itself
    AVERAGED_INVERTED_CDF = "averaged_inverted_cdf"
    CLOSEST_OBSERVATION = "closest_observation"
    INTERPOLATED_INVERTED_CDF = "interpolated_inverted_cdf"
    HAZEN = "hazen"
    WEIBULL = "weibull"
    LINEAR = "linear"
    MEDIAN_UNBIASED = "median_unbiased"
    NORMAL_UNBIASED = "normal_unbiased"
    LOWER = "lower"
    HIGHER = "higher"
    MIDPOINT = "midpoint"
    NEAREST = "nearest"


class Tail(StrEnum):
    """What the expected shortfall is the mean of."""

    OUTCOMES = "outcomes"  # every outcome that loses the value at risk or more
    FRACTIONAL = "fractional"  # exactly the share p: the last outcome counts in part


# The 0-based place of the quantile is n p + a + p b, before rounding or interpolation.
_INTERPOLATED = {
    Convention.INTERPOLATED_INVERTED_CDF: (-1.0, 0.0),
    Convention.HAZEN: (-0.5, 0.0),
    Convention.WEIBULL: (-1.0, 1.0),
    Convention.LINEAR: (0.0, -1.0),
    Convention.MEDIAN_UNBIASED: (-2.0 / 3.0, 1.0 / 3.0),
    Convention.NORMAL_UNBIASED: (-0.625, 0.25),
}


class _Place(NamedTuple):
    """The quantile is x_low + share (x_high - x_low) of the sorted outcomes, counted from 0."""

    low: int
    high: int
    share: float


def observations_needed(level: float, *, tail: int = 1) -> int:
    """The fewest outcomes whose tail holds ``tail``: the least n with n (1 - level) >= tail.

    Errors: ``number_out_of_range``.
    """
    p = 1.0 - probability(level)
    if tail < 1:
        raise InputError("number_out_of_range", "tail is refused", value=tail, limit="1 or more")
    return math.ceil(_whole(tail / p))


def value_at_risk(
    pnl: npt.ArrayLike,
    level: float,
    convention: Convention = Convention.INVERTED_CDF,
    *,
    weights: npt.ArrayLike | None = None,
    least: int | None = None,
) -> Floats:
    """Minus the (1 - level)-quantile of ``pnl [..., S]``, a loss ``[...]`` in the unit of ``pnl``.

    ``weights [S]`` (not negative, sum 1) take the first sorted outcome whose cumulative weight
    reaches ``1 - level``; only ``inverted_cdf`` is defined for them. ``least`` is the fewest
    outcomes accepted, :func:`observations_needed` where it is not given. Each row depends on its
    own outcomes alone. Errors: ``number_not_finite``, ``number_out_of_range``, ``option_unknown``,
    ``shape_wrong``, ``observations_too_few``.
    """
    rows, p = _checked(pnl, level, least)
    if weights is not None:
        own = _weights(weights, rows.shape[-1], convention)
        return _by_rows(rows, lambda part: -_reached(part, p, own).limit)
    place = _place(rows.shape[-1], p, convention)
    ranks = sorted({place.low, place.high})
    return _by_rows(rows, lambda part: -_between(np.partition(part, ranks, axis=-1), place))


def expected_shortfall(
    pnl: npt.ArrayLike,
    level: float,
    convention: Convention = Convention.INVERTED_CDF,
    *,
    tail: Tail = Tail.OUTCOMES,
    weights: npt.ArrayLike | None = None,
    least: int | None = None,
) -> Floats:
    """Mean loss in the tail of ``pnl [..., S]``, as a loss ``[...]`` in the unit of ``pnl``.

    ``outcomes``: the mean of all outcomes at or below minus the value at risk under
    ``convention``, ties included. ``fractional``: with k = floor(n p),
    ``-(sum of the k worst + (n p - k) x_(k+1)) / (n p)``, the same under every convention and
    coherent. Weights as in :func:`value_at_risk`. Errors: as there.
    """
    rows, p = _checked(pnl, level, least)
    count = rows.shape[-1]
    if weights is not None:
        own = _weights(weights, count, convention)
        return _by_rows(rows, lambda part: _reached(part, p, own).shortfall(tail, p))
    if Tail(tail) is Tail.FRACTIONAL:
        return _by_rows(rows, lambda part: _fractional(part, _whole(count * p)))
    place = _place(count, p, convention)
    return _by_rows(rows, lambda part: _beyond(part, place))


def mean_of_worst(pnl: npt.ArrayLike, count: int) -> Floats:
    """Mean loss of the ``count`` worst of ``pnl [..., S]``, as a loss ``[...]``.

    Clearing houses state an expected shortfall so, for instance as the mean of six of 2,500.
    """
    if count < 1:
        raise InputError("number_out_of_range", "count is refused", value=count, limit="1 or more")
    rows = series(pnl, "pnl", least=count)
    return _by_rows(rows, lambda part: -total(_worst(part, count)) / count)


def age_weights(count: int, decay: float) -> Floats:
    """Weights ``[count]``, oldest first: ``decay^age (1 - decay) / (1 - decay^count)``, sum 1.

    The newest outcome has age 0. ``decay`` lies strictly between 0 and 1.
    """
    number(decay, "decay", above=0.0, below=1.0)
    enough(count, 1, "age weights")
    ages = np.arange(count - 1, -1, -1, dtype=np.float64)
    return np.power(decay, ages) * ((1.0 - decay) / (1.0 - decay**count))


def effective_observations(weights: npt.ArrayLike) -> float:
    """How many equal weights vary as little: ``1 / sum w^2`` for weights of sum 1."""
    array = series(weights, "weights")
    return float(1.0 / total(array * array))


def value_at_risk_error(level: float, count: int, density: npt.ArrayLike) -> Floats:
    """Standard error of a value at risk of ``count`` independent draws.

    ``sqrt(level (1 - level) / count) / f(VaR)`` with the density f of the loss at the value at
    risk, which the caller knows or estimates. Unit: that of the loss.
    """
    probability(level)
    enough(count, 1, "draws")
    f = numbers(density, "density", above=0.0)
    return np.asarray(math.sqrt(level * (1.0 - level) / count) / f)


def value_at_risk_range(
    pnl: npt.ArrayLike, level: float, *, confidence: float = 0.95
) -> tuple[Floats, Floats]:
    """Losses ``(low, high)`` that hold the true value at risk with ``confidence``; no density.

    Order statistics: the number of outcomes below the true quantile is binomial(n, p), so the
    ranks at its two quantiles bound it (David and Nagaraja, Order Statistics, 7.1). Refused where
    the lower rank would be 0, with the number of outcomes needed. ``pnl [..., S]``.
    """
    from scipy.special import bdtr

    probability(confidence, "confidence")
    p, rest = 1.0 - probability(level), 0.5 * (1.0 - confidence)
    rows = series(pnl, "pnl") + 0.0
    count = rows.shape[-1]
    # No rank is low enough while P(no outcome below the quantile) exceeds what may be missed.
    enough(count, math.ceil(math.log(rest) / math.log1p(-p)), "pnl")
    below = bdtr(np.arange(count, dtype=np.float64), count, p)
    first = int(np.searchsorted(below, rest, side="right"))
    last = int(np.searchsorted(below, 1.0 - rest, side="left")) + 1
    if last > count:
        raise ModelError(
            "observations_too_few", "the upper rank lies beyond the sample", value=count
        )
    parted = np.partition(rows, sorted({first - 1, last - 1}), axis=-1)
    return -parted[..., last - 1], -parted[..., first - 1]


def expected_shortfall_error(pnl: npt.ArrayLike, level: float) -> Floats:
    """Standard error of the expected shortfall of independent draws ``pnl [..., S]``.

    ``sqrt((V + (1 - p) (ES - VaR)^2) / (n p))`` with the variance V of the losses in the tail
    (Chen, Nonparametric estimation of expected shortfall, 2008). Unit: that of the loss.
    """
    rows, p = _checked(pnl, level, observations_needed(level, tail=2))
    count = rows.shape[-1]
    k = max(2, math.ceil(_whole(count * p)))
    losses = -np.sort(np.partition(rows, k - 1, axis=-1)[..., :k], axis=-1)
    mean = total(losses) / k
    spread = losses - mean[..., None]
    variance = total(spread * spread) / (k - 1)
    gap = mean - losses[..., -1]
    return np.asarray(np.sqrt((variance + (1.0 - p) * gap * gap) / (count * p)))


def _checked(pnl: npt.ArrayLike, level: float, least: int | None) -> tuple[Floats, float]:
    p = 1.0 - probability(level)
    need = observations_needed(level) if least is None else max(1, least)
    return series(pnl, "pnl", least=need), p


def _by_rows(rows: Floats, task: Callable[[Floats], Floats]) -> Floats:
    """``task`` over blocks of rows, which bounds the copies that sorting makes."""
    flat = rows.reshape(-1, rows.shape[-1])
    out = np.empty(len(flat))
    for low, high in blocks(len(flat)):
        # + 0.0: no minus zero, so that ties have one face, nor in the result
        out[low:high] = task(flat[low:high] + 0.0) + 0.0
    return out.reshape(rows.shape[:-1])


def _worst(rows: Floats, count: int) -> Floats:
    """The ``count`` smallest of each row, ascending."""
    return np.sort(np.partition(rows, count - 1, axis=-1)[..., :count], axis=-1)


def _fractional(rows: Floats, mass: float) -> Floats:
    k = min(math.floor(mass), rows.shape[-1] - 1)
    head = _worst(rows, k + 1)
    return np.asarray(-(total(head[..., :k]) + (mass - k) * head[..., k]) / mass)


def _beyond(rows: Floats, place: _Place) -> Floats:
    head = _worst(rows, place.high + 1)
    limit = _between(head, place)
    inside = head <= limit[..., None]
    # Beyond the head an outcome can at most equal the limit, and then it is a tie of it.
    members = np.count_nonzero(rows <= limit[..., None], axis=-1)
    ties = members - np.count_nonzero(inside, axis=-1)
    return np.asarray(-(total(np.where(inside, head, 0.0)) + ties * limit) / members)


def _whole(value: float) -> float:
    near = float(round(value))
    return near if abs(value - near) <= WHOLE * max(1.0, near) else value


def _place(count: int, p: float, convention: Convention) -> _Place:
    rule = Convention(convention)
    mass = _whole(count * p)
    if rule in _INTERPOLATED:
        constant, slope = _INTERPOLATED[rule]
        at = _whole(mass + constant + slope * p)
        at = min(max(at, 0.0), count - 1.0)
        low = math.floor(at)
        return _Place(low, min(low + 1, count - 1), at - low)
    if rule is Convention.INVERTED_CDF:
        low = high = math.ceil(mass) - 1
    elif rule is Convention.AVERAGED_INVERTED_CDF:
        low, high = math.ceil(mass) - 1, math.floor(mass)
    elif rule is Convention.CLOSEST_OBSERVATION:
        low = high = round(mass) - 1  # a tie goes to the even rank
    else:
        at = _whole(mass - p)
        low, high = math.floor(at), math.ceil(at)
        if rule is Convention.LOWER:
            high = low
        elif rule is Convention.HIGHER:
            low = high
        elif rule is Convention.NEAREST:
            low = high = round(at)
    low, high = (min(max(place, 0), count - 1) for place in (low, high))
    return _Place(low, high, 0.0 if low == high else 0.5)


def _between(parted: Floats, place: _Place) -> Floats:
    low, high = parted[..., place.low], parted[..., place.high]
    return np.asarray(low + place.share * (high - low) if place.share else low + 0.0)


def _weights(weights: npt.ArrayLike, count: int, convention: Convention) -> Floats:
    if Convention(convention) is not Convention.INVERTED_CDF:
        raise InputError(
            "option_unknown",
            "weights are defined for one quantile convention only",
            value=str(convention),
            limit=str(Convention.INVERTED_CDF),
        )
    array = series(weights, "weights")
    if array.shape != (count,):
        raise InputError(
            "shape_wrong", "weights have the wrong shape", value=array.shape, limit=f"({count},)"
        )
    sum_of = float(total(array))
    if (array < 0.0).any() or abs(sum_of - 1.0) > WEIGHT_SUM:
        raise InputError(
            "number_out_of_range",
            "weights are refused",
            place="weights",
            value=sum_of if (array >= 0.0).all() else float(array.min()),
            limit="not negative, with sum 1",
        )
    return array


class _Reached(NamedTuple):
    """Sorted outcomes with their weights, and the one where the cumulative weight reaches p."""

    outcomes: Floats
    weights: Floats
    before: Floats  # cumulative weight of the outcomes before that one
    ahead: Bools  # the outcomes before it
    limit: Floats  # that outcome

    def shortfall(self, tail: Tail, p: float) -> Floats:
        """Weighted mean loss of the tail."""
        if Tail(tail) is Tail.FRACTIONAL:
            worse = total(np.where(self.ahead, self.weights * self.outcomes, 0.0))
            return np.asarray(-(worse + (p - self.before) * self.limit) / p)
        inside = self.outcomes <= self.limit[..., None]
        mass = total(np.where(inside, self.weights, 0.0))
        return np.asarray(-total(np.where(inside, self.weights * self.outcomes, 0.0)) / mass)


def _reached(rows: Floats, p: float, weights: Floats) -> _Reached:
    order = np.argsort(rows, axis=-1, kind="stable")
    outcomes, own = np.take_along_axis(rows, order, -1), weights[order]
    reach = np.add.accumulate(own, axis=-1)
    ahead = reach < p * (1.0 - WHOLE)
    ahead[..., -1] = False  # the last outcome is in, whatever rounding left of the sum
    at = np.count_nonzero(ahead, axis=-1)[..., None]
    limit = np.take_along_axis(outcomes, at, -1)[..., 0]
    before = np.take_along_axis(reach - own, at, -1)[..., 0]
    return _Reached(outcomes, own, before, ahead, limit)
