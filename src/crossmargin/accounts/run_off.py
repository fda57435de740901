"""Hedging an option with the perpetual until it expires, instead of closing it.

Expected cost of one line, all in dollars, from now to expiry T in n steps of dt:

    hedge       cost of trading |q Delta| F once: fee, spread, walk and impact of the perpetual
    unwind      k |q Delta| F                  the hedge is closed as the option settles
    re-hedging  sqrt(2/pi) k sigma |q| F^2 Gamma sqrt(dt) (n - 1)  +  gas (n + 1)
    funding     |q Delta| F rate_8h T/8h       where the hedge pays it; what it receives is left out
    vol risk    1/2 |q| F^2 Gamma sigma^2 T |(1 +- x)^2 - 1|

``k`` is the one-way cost of a small trade as a fraction, ``x`` the share by which realised
volatility is worse than the mark's: higher for an option sold, lower for one bought. F^2 Gamma and
F Delta are martingales where the forward is lognormal, so that today's are their means on every
later day. The option's theoretical value is kept; margin and the settlement fee are left out.

Source: Leland (1985), Option pricing and replication with transactions costs, for the cost of one
step; the mean of |normal| is sqrt(2/pi).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from crossmargin.accounts.exit_terms import ExitTerms
from crossmargin.core.clock import YEAR_MS
from crossmargin.instruments.contracts import Instrument
from crossmargin.market.costs import TradeCost

__all__ = ["Hedge", "RunOff", "rehedging_usd", "run_off"]

_HOUR_MS = 3_600_000
_PERIOD_MS = 8 * _HOUR_MS


@dataclass(frozen=True, slots=True)
class Hedge:
    """The perpetual of an underlying: its cost object (dollars, in its own units) and its unit."""

    item: Instrument
    cost: TradeCost
    notional_usd: float  # of one unit
    funding_8h: float | None
    volume_usd: float  # traded in a day; 0 where unknown

    @property
    def one_way(self) -> float:
        """The cost of a small trade as a fraction of notional, mean of both sides."""
        small = 1e-6
        both = self.cost.at([small, -small])
        return float(both[0] + both[1]) / (2.0 * small * self.notional_usd)


@dataclass(frozen=True, slots=True)
class RunOff:
    """Dollars, costs positive; ``trades`` is the number of hedges with the first and the last."""

    hedge_usd: float
    unwind_usd: float
    rehedging_usd: float
    gas_usd: float
    funding_usd: float
    vol_risk_usd: float
    trades: int

    @property
    def total_usd(self) -> float:
        """The sum."""
        first = self.hedge_usd + self.unwind_usd + self.rehedging_usd
        return first + self.gas_usd + self.funding_usd + self.vol_risk_usd


def rehedging_usd(
    cash_gamma_usd: float, vol: float, one_way: float, years: float, steps: int
) -> float:
    """``sqrt(2/pi) k sigma S^2 |Gamma| sqrt(dt) (n - 1)``: expected cost of hedging again.

    ``cash_gamma_usd`` is S^2 Gamma; the first hedge and what is left at expiry are not in it.
    """
    if steps < 2:
        return 0.0
    step = math.sqrt(years / steps)
    return math.sqrt(2.0 / math.pi) * one_way * vol * abs(cash_gamma_usd) * step * (steps - 1)


def run_off(
    quantity: float,
    delta_usd: float,
    cash_gamma_usd: float,
    vol: float,
    life_ms: int,
    hedge: Hedge,
    terms: ExitTerms,
) -> RunOff:
    """What it costs to hedge a line to expiry.

    ``quantity`` is signed; ``delta_usd`` (F Delta) and ``cash_gamma_usd`` (F^2 Gamma) are those of
    the whole line, signed as it is held; ``vol`` is the mark's.
    """
    years = life_ms / YEAR_MS
    steps = max(math.ceil(life_ms / (terms.number("run_off.interval_hours") * _HOUR_MS)), 1)
    one_way = hedge.one_way
    worse = terms.number("run_off.vol_share")
    share = (1.0 + worse) ** 2 - 1.0 if quantity < 0.0 else 1.0 - (1.0 - worse) ** 2
    periods = life_ms / _PERIOD_MS
    # The hedge of a positive delta is short and receives a positive rate.
    paid = -delta_usd * (hedge.funding_8h or 0.0) * periods
    return RunOff(
        hedge_usd=float(hedge.cost.at(-delta_usd / hedge.notional_usd)),
        unwind_usd=one_way * abs(delta_usd),
        rehedging_usd=rehedging_usd(cash_gamma_usd, vol, one_way, years, steps),
        gas_usd=terms.number("run_off.gas_usd") * (steps + 1),
        funding_usd=max(paid, 0.0),
        vol_risk_usd=0.5 * abs(cash_gamma_usd) * vol * vol * years * share,
        trades=steps + 1,
    )
