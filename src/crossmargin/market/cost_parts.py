"""The components of a cost: each a function of the size traded, with its marginal cost.

Common to all. ``size`` is signed, in units of quantity: bought positive, sold negative. A cost is
money that is lost and positive, money received is negative; zero size costs nothing. ``marginal``
is money per further unit in the direction of the trade: d cost / d |size|, from above, at zero that
of a purchase. ``convex``: convex in the signed size, through zero. ``rises``: never below zero and
never falling as |size| grows.

    Steps      sum over levels of slope_l min(max(|z| - edge_l, 0), width_l)    fees, spread, walk,
               funding, borrow: one unbounded level is a proportional cost
    Power      c max(|z| - beyond, 0)^e                                         impact
    Fixed      amount where z is not 0                                          gas, a base fee
    Largest    r (max(0, max_s (a_s + b_s z)) - max(0, max_s a_s))              margin
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Floats, finite, frozen
from crossmargin.core.errors import InputError

__all__ = [
    "Fixed",
    "Largest",
    "Part",
    "Power",
    "Steps",
    "borrow",
    "funding",
    "funding_paid",
    "impact_linear",
    "impact_square_root",
    "margin_cost",
    "proportional",
    "steps",
]


class Part(Protocol):
    """One component; the module says what its members mean."""

    @property
    def name(self) -> str:
        """What the component is called in a split."""

    @property
    def convex(self) -> bool:
        """Whether the cost is convex in the signed size."""

    @property
    def rises(self) -> bool:
        """Whether the cost is never negative and never falls as the size grows."""

    def at(self, size: Floats) -> Floats:
        """Money at each size, of the same shape."""

    def marginal(self, size: Floats) -> Floats:
        """Money per further unit at each size, of the same shape."""


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """Piecewise linear by levels, one list for purchases and one for sales.

    ``width`` (units, > 0; the last may be infinite) and ``slope`` (money per unit); a side without
    levels cannot be traded. A size beyond the last level has no price: InputError
    ``number_out_of_range``.
    """

    name: str
    buy_width: Floats  # [L]
    buy_slope: Floats  # [L]
    sell_width: Floats
    sell_slope: Floats

    @property
    def convex(self) -> bool:
        """Slopes rise on both sides, and do not fall through zero."""
        rising = all((np.diff(side) >= 0.0).all() for side in (self.buy_slope, self.sell_slope))
        if not (self.buy_slope.size and self.sell_slope.size):
            return bool(rising)
        return bool(rising and self.buy_slope[0] + self.sell_slope[0] >= 0.0)

    @property
    def rises(self) -> bool:
        """No slope is below zero."""
        return bool((self.buy_slope >= 0.0).all() and (self.sell_slope >= 0.0).all())

    def side(self, sign: float) -> tuple[Floats, Floats]:
        """(width, slope) of purchases (``sign`` > 0) or sales."""
        if sign > 0.0:
            return self.buy_width, self.buy_slope
        return self.sell_width, self.sell_slope

    def at(self, size: Floats) -> Floats:
        """Money at each size."""
        return self._both(size, marginal=False)

    def marginal(self, size: Floats) -> Floats:
        """Slope of the level that the next unit is taken from."""
        return self._both(size, marginal=True)

    def _both(self, size: Floats, *, marginal: bool) -> Floats:
        out = np.empty(size.shape)
        for sign, chosen in ((1.0, size >= 0.0), (-1.0, size < 0.0)):
            width, slope = self.side(sign)
            z = np.abs(size[chosen])
            if not z.size:
                continue
            depth = float(np.cumsum(width)[-1]) if width.size else 0.0
            if float(z.max()) > depth or (marginal and not width.size):
                raise _beyond(self.name, float(z.max()), depth)
            if not width.size:
                out[chosen] = 0.0
                continue
            edge = np.concatenate([[0.0], np.cumsum(width[:-1])])
            level = np.searchsorted(edge, z, side="right") - 1
            if marginal:
                out[chosen] = slope[level]
                continue
            below = np.concatenate([[0.0], np.cumsum(width[:-1] * slope[:-1])])
            out[chosen] = below[level] + slope[level] * (z - edge[level])
        return out


@dataclass(frozen=True, slots=True)
class Power:
    """``scale max(|z| - beyond, 0)^exponent``; ``scale`` in money per unit^exponent, >= 0.

    ``buy_beyond`` and ``sell_beyond`` (units) are where it begins on each side; exponent >= 1.
    """

    name: str
    scale: float
    exponent: float
    buy_beyond: float = 0.0
    sell_beyond: float = 0.0

    @property
    def convex(self) -> bool:
        """Always: the exponent is at least 1."""
        return True

    @property
    def rises(self) -> bool:
        """Always: the scale is not negative."""
        return True

    def _past(self, size: Floats) -> Floats:
        begin = np.where(size >= 0.0, self.buy_beyond, self.sell_beyond)
        return np.asarray(np.maximum(np.abs(size) - begin, 0.0))

    def at(self, size: Floats) -> Floats:
        """Money at each size."""
        return np.asarray(self.scale * self._past(size) ** self.exponent)

    def marginal(self, size: Floats) -> Floats:
        """``scale exponent (|z| - beyond)^(exponent - 1)``."""
        begun = np.abs(size) >= np.where(size >= 0.0, self.buy_beyond, self.sell_beyond)
        slope = self.scale * self.exponent * self._past(size) ** (self.exponent - 1.0)
        return np.asarray(np.where(begun, slope, 0.0))


@dataclass(frozen=True, slots=True)
class Fixed:
    """``amount`` of money for a trade of any size but zero: not convex, its marginal cost is 0."""

    name: str
    amount: float

    @property
    def convex(self) -> bool:
        """Only where it is nothing."""
        return self.amount == 0.0

    @property
    def rises(self) -> bool:
        """Where it is no rebate."""
        return self.amount >= 0.0

    def at(self, size: Floats) -> Floats:
        """The amount where the size is not zero."""
        return np.where(size != 0.0, self.amount, 0.0)

    def marginal(self, size: Floats) -> Floats:
        """Nothing."""
        return np.zeros(size.shape)


@dataclass(frozen=True, slots=True, eq=False)
class Largest:
    """What the change of a requirement costs to hold; the requirement is a largest of lines.

    ``base[S]`` are losses of what is held in each scenario (money, loss positive), ``slope[S]``
    those of one more unit; the requirement is ``max(0, max_s (base + slope z))``. ``rate`` is money
    per money held, funding rate times years. Below zero where the trade frees margin.
    """

    name: str
    base: Floats  # [S]
    slope: Floats  # [S]
    rate: float

    @property
    def convex(self) -> bool:
        """Always: a largest of lines, and the rate is not negative."""
        return True

    @property
    def rises(self) -> bool:
        """Never promised: a hedge frees margin."""
        return False

    def _lines(self, size: Floats) -> Floats:
        return np.asarray(self.base + size[..., None] * self.slope)

    def at(self, size: Floats) -> Floats:
        """Money at each size."""
        held = max(0.0, float(self.base.max()))
        return np.asarray(self.rate * (np.maximum(self._lines(size).max(axis=-1), 0.0) - held))

    def marginal(self, size: Floats) -> Floats:
        """``rate`` times the steepest line, outward, among those that bind."""
        sign = np.where(size >= 0.0, 1.0, -1.0)
        lines = self._lines(size)
        top = np.maximum(lines.max(axis=-1), 0.0)
        close = lines >= (top - 1e-12 * np.maximum(np.abs(top), 1.0))[..., None]
        outward = np.where(close, sign[..., None] * self.slope, -np.inf).max(axis=-1)
        flat = top <= 0.0  # nothing is required: the line of zero binds too
        return np.asarray(self.rate * np.where(flat, np.maximum(outward, 0.0), outward))


# -- what they are made of -----------------------------------------------------------------------


def steps(
    name: str,
    buy: tuple[npt.ArrayLike, npt.ArrayLike],
    sell: tuple[npt.ArrayLike, npt.ArrayLike],
) -> Steps:
    """:class:`Steps` from (widths, slopes) of both sides, checked.

    Raises InputError: ``shape_wrong``, ``number_not_finite``, ``number_out_of_range``.
    """
    sides = []
    for width, slope in (buy, sell):
        w, s = np.asarray(width, np.float64), np.asarray(slope, np.float64)
        if w.ndim != 1 or w.shape != s.shape:
            raise InputError(
                "shape_wrong",
                "levels are two lists of one length",
                place=name,
                value=(w.shape, s.shape),
                limit="a width and a slope for each level",
                remedy="Give a width and a slope for each level.",
            )
        finite(s, f"{name}: a slope")
        finite(w[:-1], f"{name}: a width")
        if not (w > 0.0).all():
            raise _out(name, "a width", float(w[~(w > 0.0)][0]), "> 0")
        sides += [frozen(w, np.float64), frozen(s, np.float64)]
    return Steps(name, *sides)


def proportional(name: str, buy_rate: float, sell_rate: float | None = None) -> Steps:
    """A cost of so much money a unit, ``sell_rate`` for sales where it differs (signed)."""
    sold = buy_rate if sell_rate is None else sell_rate
    return steps(name, ([np.inf], [buy_rate]), ([np.inf], [sold]))


def funding(price: float, rate_8h: float, hours: float) -> Steps:
    """Funding of what is traded over so many hours: ``z price rate_8h hours / 8``.

    ``price``: money per unit; ``rate_8h``: fraction of notional that longs pay in eight hours. A
    long pays a positive rate, a short receives it: the cost is odd in the size and may be negative.
    """
    paid = _number("price", price, 0.0) * _number("rate_8h", rate_8h) * _number("hours", hours, 0.0)
    return proportional("funding", paid / 8.0, -paid / 8.0)


def funding_paid(price: float, rate_8h: float, hours: float) -> Steps:
    """Funding that a trade pays, never what it receives: ``max(z price rate_8h hours / 8, 0)``.

    A position adds its own funding whatever is traded, so the change is that of the trade alone: a
    purchase at a positive rate pays it, or forgoes what a short received. Units of :func:`funding`.
    """
    both = funding(price, rate_8h, hours)
    bought, sold = float(both.buy_slope[0]), float(both.sell_slope[0])
    return proportional("funding", max(bought, 0.0), max(sold, 0.0))


def borrow(price: float, cash_rate: float, asset_rate: float, years: float) -> Steps:
    """Borrowed cash of a purchase, the borrowed asset of a sale: ``|z| price rate years``.

    Rates are fractions a year, >= 0.
    """
    held = _number("price", price, 0.0) * _number("years", years, 0.0)
    cash, asset = _number("cash_rate", cash_rate, 0.0), _number("asset_rate", asset_rate, 0.0)
    return proportional("borrow", held * cash, held * asset)


def impact_square_root(
    move: float,
    volume: float,
    coefficient: float = 1.0,
    beyond: tuple[float, float] = (0.0, 0.0),
) -> Power:
    """The 3/2-power cost of the square-root law: ``Y move |z| sqrt(|z| / V)``.

    ``move``: standard deviation of the price over the time in which ``volume`` units trade (money
    per unit: price times volatility); ``coefficient`` Y is near 1. ``beyond``: sizes (purchase,
    sale) that a visible book takes before, so that the join has the slope of its last level.
    Source: Donier and Bonart (2015), A million metaorder analysis of market impact on the Bitcoin.
    """
    scale = _number("coefficient", coefficient, 0.0) * _number("move", move, 0.0)
    if not volume > 0.0 or not np.isfinite(volume):
        raise _out("impact", "a volume", volume, "> 0")
    return Power("impact", scale / float(np.sqrt(volume)), 1.5, *beyond)


def impact_linear(per_unit: float, beyond: tuple[float, float] = (0.0, 0.0)) -> Power:
    """The cost of a price that moves ``per_unit`` (money per unit, per unit): ``lambda z^2 / 2``.

    Almgren and Chriss (2000), Optimal execution of portfolio transactions, permanent impact.
    """
    return Power("impact", 0.5 * _number("per_unit", per_unit, 0.0), 2.0, *beyond)


def margin_cost(
    base: npt.ArrayLike, slope: npt.ArrayLike, rate_annual: float, years: float
) -> Largest:
    """What a requirement costs to hold: ``requirement x rate x years``; see :class:`Largest`."""
    a, b = np.asarray(base, np.float64), np.asarray(slope, np.float64)
    if a.ndim != 1 or a.shape != b.shape or not a.size:
        raise InputError(
            "shape_wrong",
            "a requirement is two lists of one length",
            place="margin",
            value=(a.shape, b.shape),
            limit="at least one scenario",
            remedy="Give a loss and a slope for each scenario.",
        )
    finite(a, "margin: a loss")
    finite(b, "margin: a slope")
    rate = _number("rate_annual", rate_annual, 0.0) * _number("years", years, 0.0)
    return Largest("margin", frozen(a, np.float64), frozen(b, np.float64), rate)


def _number(what: str, value: float, least: float = -np.inf) -> float:
    if not np.isfinite(value) or value < least:
        raise _out("cost", what, value, f">= {least:g}")
    return float(value)


def _out(place: str, what: str, value: float, limit: str) -> InputError:
    return InputError(
        "number_out_of_range",
        f"{what} of a cost is out of bounds",
        place=place,
        value=value,
        limit=limit,
        remedy="Correct the number.",
    )


def _beyond(name: str, size: float, depth: float) -> InputError:
    return InputError(
        "number_out_of_range",
        "the size is beyond the depth that is known",
        place=name,
        value=size,
        limit=f"at most {depth:g} units",
        remedy="Give more levels, or an impact beyond the last one.",
    )
