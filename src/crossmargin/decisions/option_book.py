"""The options of one underlying as arrays, for questions about hedging them over time.

Value in dollars of one unit of underlying, by Black-76 without rates and at each leg's own constant
volatility. A forward that is not the spot moves with it: strike and quantity are rescaled once, so
that every leg is written on the spot. Linear positions are a constant delta. With w the variance
left and D = ln(S/K)/sqrt(w) - sqrt(w)/2:

    value = q c (S N(c D1) - K N(c D))    delta = q c N(c D1)    S^2 Gamma = q K phi(D)/sqrt(w)

Along a martingale with volatility s the cash gamma S^2 Gamma of one leg keeps that form with w =
s^2 t + sigma^2 (T - t): the mean of a Gaussian kernel is a Gaussian kernel.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from crossmargin.core.arrays import Bools, Floats, frozen
from crossmargin.decisions.checked import number, refused, vector

__all__ = ["OptionBook"]

_ROOT_2PI = 2.5066282746310002
# Points of the mean of an absolute value over the spot, in standard deviations of its logarithm.
_REACH, _NODES = 7.0, 1401


@dataclass(frozen=True, slots=True, eq=False)
class OptionBook:
    """[J] legs: signed ``quantity`` (underlying), ``strike``, ``years`` to expiry, ``vol``, and
    ``right`` (call 1, put -1); ``linear`` units of underlying in futures and perpetuals.
    """

    spot: float
    quantity: Floats
    strike: Floats
    years: Floats
    vol: Floats
    right: Floats
    linear: float = 0.0

    @staticmethod
    def of(
        spot: float,
        quantity: npt.ArrayLike,
        strike: npt.ArrayLike,
        years: npt.ArrayLike,
        vol: npt.ArrayLike,
        right: npt.ArrayLike,
        *,
        forward: npt.ArrayLike | None = None,
        linear: float = 0.0,
    ) -> OptionBook:
        """Checked; ``forward[J]`` is each leg's, default the spot. Raises InputError."""
        now = number("spot", spot, 0.0, above=True)
        q = vector("quantity", quantity)
        strikes = vector("strike", strike, len(q))
        lives, vols = vector("years", years, len(q)), vector("vol", vol, len(q))
        sides = vector("right", right, len(q))
        for name, values in (("strike", strikes), ("years", lives), ("vol", vols)):
            if (values <= 0.0).any():
                raise refused(name, float(values.min()), "> 0")
        if not np.isin(sides, (-1.0, 1.0)).all():
            raise refused("right", sides.tolist(), "1 for a call, -1 for a put")
        ahead = np.full(len(q), now) if forward is None else vector("forward", forward, len(q))
        if (ahead <= 0.0).any():
            raise refused("forward", float(ahead.min()), "> 0")
        ratio = ahead / now
        q, strikes, lives, vols, sides = (
            frozen(each, np.float64) for each in (q * ratio, strikes / ratio, lives, vols, sides)
        )
        return OptionBook(now, q, strikes, lives, vols, sides, number("linear", linear))

    def __len__(self) -> int:
        return len(self.quantity)

    @property
    def one_sign(self) -> bool:
        """Whether all options are bought, or all sold: the net gamma never changes its sign."""
        return bool((self.quantity >= 0.0).all() or (self.quantity <= 0.0).all())

    def alive(self, t_years: float) -> OptionBook:
        """The legs that expire later than a time from now, but for its rounding."""
        kept = self.years > t_years * (1.0 + 1e-12) + 1e-12
        return replace(self.picked(kept), linear=self.linear)

    def picked(self, rows: Bools | slice) -> OptionBook:
        """Some of the legs, without linear positions."""
        return OptionBook(
            self.spot,
            self.quantity[rows],
            self.strike[rows],
            self.years[rows],
            self.vol[rows],
            self.right[rows],
        )

    def delta(self, spots: Floats, t_years: float = 0.0) -> Floats:
        """Units of underlying at each spot, with linear positions; expired legs have none."""
        total = np.full(np.shape(spots), self.linear)
        for q, k, left, s, c in self._legs(t_years):
            if left > 0.0:
                total = total + q * c * ndtr(c * (_d2(spots, k, s * s * left) + s * left**0.5))
        return total

    def value(self, spots: Floats, t_years: float = 0.0) -> Floats:
        """Dollars of the options at each spot; an expired leg is worth its payoff there."""
        total = np.zeros(np.shape(spots))
        for q, k, left, s, c in self._legs(t_years):
            total = total + q * _black(spots, k, s * s * left, c)
        return total

    def payoff_change(self, spots: Floats, t_years: float) -> Floats:
        """Value at a later time less value now."""
        return self.value(spots, t_years) - self.value(np.asarray(self.spot), 0.0)

    def cash_gamma(self, spots: Floats, t_years: float = 0.0) -> Floats:
        """S^2 Gamma at each spot: dollars of delta that a move of 100 % would bring."""
        total = np.zeros(np.shape(spots))
        for q, k, left, s, _ in self._legs(t_years):
            if left > 0.0:
                w = s * s * left
                total = total + q * _kernel(spots, k, w)
        return total

    def vega(self) -> float:
        """Dollars per 1.00 of volatility, all legs moved alike."""
        root = np.sqrt(self.years)
        d1 = _d2(np.asarray(self.spot), self.strike, self.vol**2 * self.years) + self.vol * root
        return float((self.quantity * self.spot * np.exp(-0.5 * d1 * d1) / _ROOT_2PI * root).sum())

    def theta_day(self) -> float:
        """Dollars a day that passes."""
        gamma = _kernel(np.asarray(self.spot), self.strike, self.vol**2 * self.years)
        return float(-0.5 * (self.quantity * gamma * self.vol**2).sum() / 365.0)

    def mean_power(self, vol: float, t_years: float, power: float = 1.0) -> float:
        """E |S^2 Gamma|^power at a time, the spot a martingale of volatility ``vol``.

        In closed form for the first power of a book of one sign, else by the trapezium rule.
        """
        spread = vol * t_years**0.5
        if power == 1.0 and self.one_sign:
            total = 0.0
            for q, k, left, s, _ in self._legs(t_years):
                if left > 0.0:
                    w = spread * spread + s * s * left
                    total += abs(q) * float(_kernel(np.asarray(self.spot), k, w))
            return total
        if spread == 0.0:
            return float(np.abs(self.cash_gamma(np.asarray(self.spot), t_years)) ** power)
        z = np.linspace(-_REACH, _REACH, _NODES)
        weight = np.exp(-0.5 * z * z)
        spots = self.spot * np.exp(spread * z - 0.5 * spread * spread)
        values = np.abs(self.cash_gamma(spots, t_years)) ** power
        return float((weight * values).sum() / weight.sum())

    def mean_change(self, vol: float, t_years: float) -> float:
        """E[value at a time] less value now, in dollars, the spot a martingale of that volatility.

        What a hedge at the legs' own deltas earns on average before its cost.
        """
        total = 0.0
        spot = np.asarray(self.spot)
        columns = (self.quantity, self.strike, self.years, self.vol, self.right)
        for q, k, years, s, c in zip(*(column.tolist() for column in columns), strict=True):
            lived = min(years, t_years)
            now = s * s * years
            then = vol * vol * lived + s * s * (years - lived)
            total += q * float(_black(spot, k, then, c) - _black(spot, k, now, c))
        return total

    def _legs(self, t_years: float) -> list[tuple[float, float, float, float, float]]:
        left = self.years - t_years
        left = np.where(left > 1e-12 + 1e-12 * self.years, left, np.minimum(left, 0.0))
        columns = (self.quantity, self.strike, left, self.vol, self.right)
        return list(zip(*(column.tolist() for column in columns), strict=True))


def _d2(spots: Floats, strike: npt.ArrayLike, variance: npt.ArrayLike) -> Floats:
    root = np.sqrt(variance)
    return np.asarray(np.log(spots / np.asarray(strike)) / root - 0.5 * root)


def _kernel(spots: Floats, strike: npt.ArrayLike, variance: npt.ArrayLike) -> Floats:
    """K phi(D)/sqrt(w)."""
    d2 = _d2(spots, strike, variance)
    return np.asarray(np.asarray(strike) * np.exp(-0.5 * d2 * d2) / _ROOT_2PI / np.sqrt(variance))


def _black(spots: Floats, strike: float, variance: float, right: float) -> Floats:
    if variance <= 0.0:
        return np.asarray(np.maximum(right * (spots - strike), 0.0))
    d2 = _d2(spots, strike, variance)
    first = ndtr(right * (d2 + variance**0.5))
    return np.asarray(right * (spots * first - strike * ndtr(right * d2)))
