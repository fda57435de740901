"""The standard schedule of initial margin: shares of the gross notional, eased by net to gross.

    gross = sum of rate(class, maturity) x |notional|
    NGR   = max(sum of V, 0) / sum of max(V, 0)        V: replacement values of the netting set
    IM    = (0.4 + 0.6 NGR) x gross

V is seen by the party that collects. The party that posts is margined on its counterparty's view,
where every value has the other sign. Where no trade has a positive value NGR is 0/0: the standard
does not say, and the caller chooses.

Source: BCBS-IOSCO, Margin requirements for non-centrally cleared derivatives, Appendix A.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import InputError
from crossmargin.margin.parameter_files import Parameters

__all__ = [
    "CLASSES",
    "EDGES_YEARS",
    "SIDES",
    "Schedule",
    "ScheduleMargin",
    "ScheduleTrade",
    "net_to_gross",
    "schedule_margin",
    "schedule_of",
    "seen_by_collector",
]

CLASSES = ("credit", "commodity", "equity", "fx", "rates", "other")
SIDES = ("call", "post")
EDGES_YEARS = (2.0, 5.0)  # the first band ends at the first edge, which is part of it
_BANDS = ("to_2y", "to_5y", "beyond_5y")


@dataclass(frozen=True, slots=True)
class ScheduleTrade:
    """One derivative: class of the schedule, remaining maturity, notional and value.

    ``notional`` counts without its sign; ``value`` is the replacement value as the account sees it.
    Both are in one currency.
    """

    asset_class: str
    maturity_years: float
    notional: float
    value: float


@dataclass(frozen=True, slots=True)
class Schedule:
    """Rates by class, one a maturity band; the share of gross that no netting eases."""

    rates: Mapping[str, tuple[float, float, float]]
    gross_share: float  # 0.4 in the standard; NGR weighs the rest

    def rate(self, asset_class: str, maturity_years: float) -> float:
        """Share of the notional. Errors: ``option_unknown``, ``number_out_of_range``, …"""
        if asset_class not in self.rates:
            raise InputError(
                "option_unknown",
                "the schedule has no such class",
                value=asset_class,
                limit=", ".join(self.rates),
                remedy="Use 'other' for what fits no class.",
            )
        _number(maturity_years, "maturity_years", low=0.0)
        band = sum(maturity_years > edge for edge in EDGES_YEARS)
        return self.rates[asset_class][band]


@dataclass(frozen=True, slots=True)
class ScheduleMargin:
    """The margin of one netting set and what it is made of."""

    gross: float  # of the rates
    gross_value: float  # sum of the values that are positive to who collects
    net_value: float  # of all values, at least 0
    net_to_gross: float
    margin: float


def schedule_of(parameters: Parameters) -> Schedule:
    """The schedule of a parameter set: ``rate.CLASS.BAND`` and ``margin.gross_share``."""
    rates = {}
    for name in CLASSES:
        first, second, third = (parameters.number(f"rate.{name}.{band}") for band in _BANDS)
        rates[name] = (first, second, third)
    return Schedule(rates, parameters.number("margin.gross_share"))


def seen_by_collector(side: str) -> float:
    """The sign with which the account's values are seen by who collects the margin."""
    if side not in SIDES:
        raise InputError(
            "option_unknown", "no such side of a margin call", value=side, limit=", ".join(SIDES)
        )
    return 1.0 if side == "call" else -1.0


def net_to_gross(net_value: Floats, gross_value: Floats, if_no_value: float) -> Floats:
    """[A] max(net, 0) / gross, in [0, 1]; ``if_no_value`` where the gross value is 0."""
    whole = gross_value > 0.0
    ratio = np.maximum(net_value, 0.0) / np.where(whole, gross_value, 1.0)
    return np.where(whole, np.minimum(ratio, 1.0), if_no_value)


def schedule_margin(
    trades: Sequence[ScheduleTrade], schedule: Schedule, side: str, *, if_no_value: float = 1.0
) -> ScheduleMargin:
    """Margin of one netting set. ``side``: call, what the account collects; post, what it gives.

    ``if_no_value`` is NGR where no trade is worth anything to who collects (1: no easing). Errors:
    ``option_unknown`` (class, side), ``number_not_finite``, ``number_out_of_range``.
    """
    sign = seen_by_collector(side)
    _number(if_no_value, "if_no_value", low=0.0, high=1.0)
    _number(schedule.gross_share, "gross_share", low=0.0, high=1.0)
    gross = positive = net = 0.0
    for trade in trades:
        size = abs(_number(trade.notional, "notional"))
        gross += schedule.rate(trade.asset_class, trade.maturity_years) * size
        value = sign * _number(trade.value, "value")
        positive += max(value, 0.0)
        net += value
    ratio = float(net_to_gross(np.array([net]), np.array([positive]), if_no_value)[0])
    eased = schedule.gross_share + (1.0 - schedule.gross_share) * ratio
    return ScheduleMargin(gross, positive, max(net, 0.0), ratio, eased * gross)


def _number(value: float, what: str, *, low: float | None = None, high: float = 1e300) -> float:
    """A finite number in its range, or a named error."""
    if not isfinite(value):
        raise InputError("number_not_finite", f"{what} is not finite", place=what, value=value)
    if (low is not None and value < low) or abs(value) > high:
        raise InputError(
            "number_out_of_range",
            f"{what} is refused",
            place=what,
            value=value,
            limit=f"{low if low is not None else -high:g} to {high:g}",
        )
    return value
