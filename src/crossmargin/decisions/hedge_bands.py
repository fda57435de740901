"""How far a hedge may stray before it is worth its cost: bands of delta, and the volatility to use.

Delta and half-widths are in units of the underlying, prices in dollars, gamma in units a dollar,
``cost`` is one way and a share of the notional traded (half spread plus fee), ``aversion`` is
absolute risk aversion in 1/dollars: ``gamma / wealth`` for a relative one of gamma.

    Whalley-Wilmott   w = (3/2 e^(-r tau) cost S Gamma^2 / a)^(1/3)
    Zakamouline       w = cost/(a S sigma^2 tau)
                          + 1.12 cost^0.31 tau^0.05 (e^(-r tau)/sigma)^0.25 (|Gamma|/a)^0.5
                      around the delta at sigma sqrt(1 -+ K), K = -4.76 cost^0.78 tau^-0.02
                          (e^(-r tau)/sigma)^0.25 (a S^2 |Gamma|)^0.15
    fixed cost        w = (12 c e^(-r tau) Gamma^2 / a)^(1/4)
    Leland            A = sqrt(2/pi) k / (sigma sqrt(dt)), k the cost of a round trip

Inside its band a hedge rests; outside it is traded to the edge, and under a fixed cost to the
middle. Sources: Whalley and Wilmott (1997), Mathematical Finance 7:307; Leland (1985), Journal of
Finance 40:1283; Zakamouline (2006), European Financial Management 12:91. The fixed-cost width is
the one-dimensional problem solved here (see :func:`fixed_cost`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from crossmargin.core.errors import InputError
from crossmargin.decisions.checked import number

__all__ = ["Band", "Leland", "fixed_cost", "leland", "whalley_wilmott", "zakamouline"]


@dataclass(frozen=True, slots=True)
class Band:
    """``half_width`` in units of the underlying; ``vol`` is that of the delta in its middle.

    ``fidelity``: ``published``, ``derived``, or ``inferred`` where the constants were read in two
    implementations that name the paper, and not in the paper.
    """

    rule: str
    half_width: float
    vol: float
    fidelity: str

    def nearest(self, held: float, wanted: float) -> float:
        """The hedge to hold: ``held`` inside the band around ``wanted``, else its nearer edge."""
        return min(max(held, wanted - self.half_width), wanted + self.half_width)


@dataclass(frozen=True, slots=True)
class Leland:
    """Volatilities at which a short and a long option are hedged every ``dt``.

    ``ratio`` is Leland's A. ``vol_long`` is None where A >= 1: the cost of hedging at that pace
    eats all of the gamma, and no volatility of a long option exists.
    """

    ratio: float
    vol_short: float
    vol_long: float | None

    def long(self) -> float:
        """``vol_long``; InputError ``number_out_of_range`` where A >= 1."""
        if self.vol_long is None:
            raise InputError(
                "number_out_of_range",
                "hedging so often costs more than a long option's gamma earns",
                place="Leland's A",
                value=self.ratio,
                limit="< 1",
                remedy="Hedge less often, or at a lower cost.",
            )
        return self.vol_long


def whalley_wilmott(
    gamma: float,
    spot_usd: float,
    cost: float,
    aversion: float,
    *,
    vol: float = 0.0,
    tau_years: float = 0.0,
    rate: float = 0.0,
) -> Band:
    """The band for a small proportional cost. ``vol`` is passed on: the delta is that of the mark.

    Raises InputError ``number_out_of_range``.
    """
    spot, share, risk = _common(spot_usd, cost, aversion)
    discount = math.exp(-number("rate", rate) * number("tau_years", tau_years, 0.0))
    width = (1.5 * discount * share * spot * number("gamma", gamma) ** 2 / risk) ** (1.0 / 3.0)
    return Band("whalley-wilmott", width, number("vol", vol, 0.0), "published")


def zakamouline(
    gamma: float,
    spot_usd: float,
    cost: float,
    aversion: float,
    *,
    vol: float,
    tau_years: float,
    rate: float = 0.0,
) -> Band:
    """The band with its part that stays as gamma goes, and the adjusted volatility of its middle.

    A short option (``gamma`` < 0) is hedged at a higher volatility, a long one at a lower; where
    the formula leaves none the call is refused. Raises InputError ``number_out_of_range``.
    """
    spot, share, risk = _common(spot_usd, cost, aversion)
    sigma = number("vol", vol, 0.0, above=True)
    tau = number("tau_years", tau_years, 0.0, above=True)
    bend = abs(number("gamma", gamma))
    level = (math.exp(-number("rate", rate) * tau) / sigma) ** 0.25
    rest = share / (risk * spot * sigma * sigma * tau)
    moving = 1.12 * share**0.31 * tau**0.05 * level * math.sqrt(bend / risk)
    adjust = 4.76 * share**0.78 / tau**0.02 * level * (risk * spot * spot * bend) ** 0.15
    square = 1.0 + adjust if gamma < 0.0 else 1.0 - adjust
    if square <= 0.0:
        raise InputError(
            "number_out_of_range",
            "the adjustment leaves no volatility for a long option",
            place="Zakamouline's K",
            value=adjust,
            limit="< 1",
            remedy="Use the band of Whalley and Wilmott, or a lower cost or aversion.",
        )
    return Band("zakamouline", rest + moving, sigma * math.sqrt(square), "inferred")


def fixed_cost(
    gamma: float,
    spot_usd: float,
    cost_usd: float,
    aversion: float,
    *,
    vol: float,
    tau_years: float = 0.0,
    rate: float = 0.0,
) -> Band:
    """The band where each trade costs ``cost_usd`` whatever its size; outside trade to the middle.

    The deviation y = held - delta moves as Gamma S sigma dW and costs a e^(r tau) sigma^2 S^2 y^2/2
    a year in certainty equivalent, a trade costs c. With value v: (Gamma S sigma)^2 v''/2 +
    a e^(r tau) S^2 sigma^2 y^2/2 = const, v'(w) = 0 and v(w) - v(0) = c give w^4 =
    12 c Gamma^2 e^(-r tau) / a: the quarter power. Spot and volatility drop out.
    """
    number("vol", vol, 0.0)
    _, _, risk = _common(spot_usd, 0.0, aversion)
    discount = math.exp(-number("rate", rate) * number("tau_years", tau_years, 0.0))
    paid = number("cost_usd", cost_usd, 0.0)
    width = (12.0 * paid * discount * number("gamma", gamma) ** 2 / risk) ** 0.25
    return Band("fixed-cost", width, vol, "derived")


def leland(vol: float, round_trip: float, dt_years: float) -> Leland:
    """Adjusted volatilities for hedging every ``dt_years`` at a cost of ``round_trip`` (share).

    ``round_trip`` is twice the one-way cost. Raises InputError ``number_out_of_range``.
    """
    sigma = number("vol", vol, 0.0, above=True)
    step = number("dt_years", dt_years, 0.0, above=True)
    ratio = math.sqrt(2.0 / math.pi) * number("round_trip", round_trip, 0.0)
    ratio /= sigma * math.sqrt(step)
    below = sigma * math.sqrt(1.0 - ratio) if ratio < 1.0 else None
    return Leland(ratio, sigma * math.sqrt(1.0 + ratio), below)


def _common(spot_usd: float, cost: float, aversion: float) -> tuple[float, float, float]:
    return (
        number("spot_usd", spot_usd, 0.0, above=True),
        number("cost", cost, 0.0, 1.0),
        number("aversion", aversion, 0.0, above=True),
    )
