"""SPAN risk arrays and deltas, made from a pricing model: the loss of one long unit per scenario.

A scenario moves the price by a share ``m`` of the price scan range (PSR), the volatility by a share
``u`` of the volatility scan range (VSR), lets the look-ahead time pass, and counts a share ``w`` of
the loss:

    ra = w (V(S, T, vol) - V(S + m PSR, max(T - look-ahead, 0), max(vol + u VSR, 0)))

V is the Black value of a spot that grows at the rate (``basis="spot"``, no dividend), or of a
forward (``basis="forward"``, which time does not move). A future is worth the forward itself.
Positive is a loss of the long side, as exchanges publish it.

Source: the published 16 scenarios; every convention was recovered from an exchange's own arrays.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Floats, Ints, frozen
from crossmargin.core.errors import InputError
from crossmargin.pricing.checks import reals, rights
from crossmargin.pricing.greeks import greeks
from crossmargin.pricing.revalue import revalue

__all__ = [
    "BASES",
    "COMPOSITE",
    "SCENARIOS",
    "Scan",
    "ScanPoints",
    "composite_delta",
    "future_arrays",
    "option_arrays",
    "plain_delta",
    "standard_points",
    "years_of",
]

SCENARIOS = 16
BASES = ("spot", "forward")
# Price moves in order; each but the extremes comes with volatility up, then down.
_MOVES = (0.0, 1 / 3, -1 / 3, 2 / 3, -2 / 3, 1.0, -1.0)
# Weight of the delta at each of the seven price points of the composite delta.
COMPOSITE = (
    (0.0, 0.270),
    (1 / 3, 0.217),
    (-1 / 3, 0.217),
    (2 / 3, 0.111),
    (-2 / 3, 0.111),
    (1.0, 0.037),
    (-1.0, 0.037),
)


@dataclass(frozen=True, slots=True)
class ScanPoints:
    """[S] moves as shares of the scan ranges, share of the loss that counts, and the paired point.

    ``paired[s]`` is the point of the same price move and the other volatility (itself where there
    is none): the average of the two is free of volatility.
    """

    price: Floats
    vol: Floats
    weight: Floats
    paired: Ints

    def __post_init__(self) -> None:
        count = len(self.price)
        for name in ("vol", "weight", "paired"):
            if len(getattr(self, name)) != count:
                raise InputError(
                    "shape_wrong",
                    "the columns of the scan points differ in length",
                    place=name,
                    value=len(getattr(self, name)),
                    limit=str(count),
                )
        outside = (self.paired < 0) | (self.paired >= count)
        if outside.any():
            raise InputError(
                "number_out_of_range",
                "a paired point is not one of the points",
                place=f"scan point {int(np.argmax(outside)) + 1}",
                value=int(self.paired[np.argmax(outside)]) + 1,
                limit=f"1 to {count}",
            )

    def __len__(self) -> int:
        return len(self.price)


@dataclass(frozen=True, slots=True)
class Scan:
    """How arrays are made: points, basis and look-ahead time."""

    points: ScanPoints
    basis: str = "spot"
    look_ahead_years: float = 0.0

    def __post_init__(self) -> None:
        if self.basis not in BASES:
            raise InputError(
                "option_unknown",
                "no such basis",
                value=self.basis,
                limit=" | ".join(BASES),
            )
        if not 0.0 <= self.look_ahead_years < math.inf:
            raise InputError(
                "number_out_of_range",
                "the look-ahead time must be finite and not negative",
                value=self.look_ahead_years,
                limit="0 or more years",
            )


def standard_points(extreme_multiplier: float, cover_fraction: float) -> ScanPoints:
    """The 16 published points: seven price moves with vol up and down, and two extreme moves.

    The extremes are ``extreme_multiplier`` scan ranges of which ``cover_fraction`` counts (NSE 2
    and 0.35; others 3 and 0.30 to 0.33). Errors: ``number_out_of_range``.
    """
    for name, value in (("multiplier", extreme_multiplier), ("fraction", cover_fraction)):
        if not 0.0 < value < math.inf:
            raise InputError(
                "number_out_of_range",
                f"the extreme move's {name} must be positive",
                value=value,
                limit="above 0",
            )
    price = [move for move in _MOVES for _ in range(2)] + [extreme_multiplier, -extreme_multiplier]
    vol = [1.0, -1.0] * len(_MOVES) + [0.0, 0.0]
    weight = [1.0] * 14 + [cover_fraction] * 2
    paired = [s ^ 1 for s in range(14)] + [14, 15]
    return ScanPoints(
        frozen(price, np.float64),
        frozen(vol, np.float64),
        frozen(weight, np.float64),
        frozen(paired, np.int32),
    )


def years_of(days: npt.ArrayLike, *, extra_days: float = 1.0, year_days: float = 365.0) -> Floats:
    """``(days + extra_days) / year_days``: NSE counts the day of valuation itself."""
    return np.asarray((reals(days, "days", low=0.0) + extra_days) / year_days)


def _positive(values: Floats, what: str) -> None:
    if (values <= 0.0).any():
        raise InputError(
            "number_out_of_range",
            f"{what} must be positive",
            place=f"row {int(np.argmax(values <= 0.0))}",
            value=float(values[np.argmax(values <= 0.0)]),
            limit="above 0",
        )


def _columns(size: int, **given: npt.ArrayLike) -> list[Floats]:
    """Every argument as ``[size]`` finite floats; single numbers are spread."""
    return [
        reals(np.broadcast_to(np.asarray(v, np.float64), (size,)), name, shape=(size,))
        for name, v in given.items()
    ]


def _groups(*columns: Floats) -> tuple[Floats, Ints]:
    """Distinct rows of columns and the row that each entry has."""
    table, place = np.unique(np.column_stack(columns), axis=0, return_inverse=True)
    return table, np.asarray(place, np.int32).reshape(-1)


def _grown(rate: float, years: float) -> float:
    return math.exp(rate * years)


def option_arrays(
    price: npt.ArrayLike,
    strike: npt.ArrayLike,
    right: npt.ArrayLike,
    years: npt.ArrayLike,
    vol: npt.ArrayLike,
    rate: npt.ArrayLike,
    price_scan: npt.ArrayLike,
    vol_scan: npt.ArrayLike,
    scan: Scan,
) -> Floats:
    """``[N, S]`` loss of one long option per scenario; the module has the formula.

    ``price`` is the spot or the forward, as ``scan.basis`` says; ``vol`` and ``vol_scan`` are
    annual fractions, ``price_scan`` is in units of price. A single number stands for all rows.
    Errors: ``number_not_finite``, ``number_out_of_range`` (a price, volatility or scan range that
    is not positive, a negative life), ``shape_wrong``.
    """
    kind = rights(right, np.shape(right)[0])
    base, held, life, sigma, rates, psr, vsr = _columns(
        len(kind), price=price, strike=strike, years=years, vol=vol, rate=rate,
        price_scan=price_scan, vol_scan=vol_scan,
    )  # fmt: skip
    for column, what in ((base, "price"), (held, "strike"), (sigma, "volatility"), (psr, "PSR")):
        _positive(column, what)
    reals(life, "years", low=0.0)
    reals(vsr, "vol_scan", low=0.0)
    table, place = _groups(base, life, rates, psr, vsr)
    points, spot = scan.points, scan.basis == "spot"
    ahead = np.maximum(table[:, 1] - scan.look_ahead_years, 0.0)
    shape = (len(table), len(points))
    moved = np.maximum(table[:, :1] + table[:, 3:4] * points.price, 0.0)
    now = table[:, :1].copy()
    paid = np.empty((2, len(table)))
    for e, (r, t, later) in enumerate(zip(table[:, 2], table[:, 1], ahead, strict=True)):
        paid[:, e] = _grown(-r, t), _grown(-r, later)
        if spot:
            now[e] *= _grown(r, t)
            moved[e] *= _grown(r, later)
    none = np.zeros((len(table), 1))
    row = (place, held, kind, sigma)
    root = np.sqrt(table[:, 1:2])
    value = revalue(now, paid[0], root, none, none, *row)[:, :1]
    root = np.sqrt(ahead)[:, None]
    shift = table[:, 4:5] * points.vol * root
    shocked = revalue(
        moved, paid[1], np.broadcast_to(root, shape), shift, np.zeros(shape), *row
    )[:, : len(points)]  # fmt: skip
    return np.asarray(points.weight * (value - shocked))


def future_arrays(
    price: npt.ArrayLike,
    years: npt.ArrayLike,
    rate: npt.ArrayLike,
    price_scan: npt.ArrayLike,
    scan: Scan,
) -> Floats:
    """``[N, S]`` loss of one long future per scenario: spot grown to the expiry, or the forward.

    Errors as :func:`option_arrays`.
    """
    size = np.broadcast(price, years, rate, price_scan).size
    base, life, rates, psr = _columns(
        size, price=price, years=years, rate=rate, price_scan=price_scan
    )
    _positive(base, "price")
    _positive(psr, "PSR")
    reals(life, "years", low=0.0)
    points = scan.points
    moved = base[:, None] + psr[:, None] * points.price
    if scan.basis == "spot":
        ahead = np.maximum(life - scan.look_ahead_years, 0.0)
        grown = [_grown(r, t) for r, t in zip(rates, life, strict=True)]
        later = [_grown(r, t) for r, t in zip(rates, ahead, strict=True)]
        return np.asarray(
            points.weight * ((base * grown)[:, None] - moved * np.array(later)[:, None])
        )
    return np.asarray(points.weight * (base[:, None] - moved))


def _delta_at(
    price: Floats,
    strike: Floats,
    kind: Floats,
    years: Floats,
    vol: Floats,
    rate: Floats,
    spot: bool,
) -> Floats:
    size = len(price)
    discount = np.array([_grown(-r, t) for r, t in zip(rate, years, strict=True)])
    forward = price / discount if spot else price
    delta = greeks(forward, strike, years, vol, kind, discount).delta.reshape(size)
    return delta / discount if spot else delta


def plain_delta(
    price: npt.ArrayLike,
    strike: npt.ArrayLike,
    right: npt.ArrayLike,
    years: npt.ArrayLike,
    vol: npt.ArrayLike,
    rate: npt.ArrayLike,
    scan: Scan,
) -> Floats:
    """``[N]`` slope of the value in ``price`` today: the field ``d`` of NSE's file.

    Spot: ``c N(c d1)``; forward: that, discounted.
    """
    kind = rights(right, np.shape(right)[0])
    base, held, life, sigma, rates = _columns(
        len(kind), price=price, strike=strike, years=years, vol=vol, rate=rate
    )
    _positive(base, "price")
    _positive(sigma, "volatility")
    return _delta_at(base, held, kind, life, sigma, rates, scan.basis == "spot")


def composite_delta(
    price: npt.ArrayLike,
    strike: npt.ArrayLike,
    right: npt.ArrayLike,
    years: npt.ArrayLike,
    vol: npt.ArrayLike,
    rate: npt.ArrayLike,
    price_scan: npt.ArrayLike,
    scan: Scan,
) -> Floats:
    """``[N]`` weighted mean of the deltas at seven prices, volatility unchanged, look-ahead passed.

    Weights 0.270 (no move), 0.217 (a third up or down), 0.111, 0.037: see :data:`COMPOSITE`.
    """
    kind = rights(right, np.shape(right)[0])
    base, held, life, sigma, rates, psr = _columns(
        len(kind), price=price, strike=strike, years=years, vol=vol, rate=rate,
        price_scan=price_scan,
    )  # fmt: skip
    _positive(base, "price")
    _positive(sigma, "volatility")
    _positive(psr, "PSR")
    ahead = np.maximum(life - scan.look_ahead_years, 0.0)
    total = np.zeros(len(kind))
    for move, weight in COMPOSITE:
        moved = np.maximum(base + move * psr, np.finfo(np.float64).tiny)
        total += weight * _delta_at(
            moved, held, kind, ahead, sigma, rates, scan.basis == "spot"
        )  # fmt: skip
    return total
