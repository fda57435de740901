"""Option sets of the workloads, and the textbook values that every candidate is checked against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from crossmargin.pricing.revalue import padded

__all__ = ["Options", "Shocked", "book_of_options", "listing", "shocked_chain", "textbook"]

Floats = npt.NDArray[np.float64]
FORWARD = 60_000.0


@dataclass(frozen=True)
class Options:
    """N options without discount; ``call`` is +1 or -1."""

    forward: Floats
    strike: Floats
    years: Floats
    vol: Floats
    call: Floats

    def __len__(self) -> int:
        return len(self.forward)

    def head(self, count: int) -> Options:
        """The first ``count`` options."""
        columns = (self.forward, self.strike, self.years, self.vol, self.call)
        return Options(*(np.ascontiguousarray(column[:count]) for column in columns))

    def values(self) -> Floats:
        """Textbook values."""
        return textbook(self.forward, self.strike, self.vol * np.sqrt(self.years), self.call)


def textbook(forward: Floats, strike: Floats, spread: Floats, call: Floats) -> Floats:
    """Black-76 as a NumPy user writes it; ``spread`` is vol times the square root of the years."""
    d1 = np.log(forward / strike) / spread + 0.5 * spread
    return call * (forward * ndtr(call * d1) - strike * ndtr(call * (d1 - spread)))


def listing(rng: np.random.Generator, count: int) -> Options:
    """Options as venues list them: a day to a year, strikes within four deviations."""
    years = rng.uniform(1.0 / 365.0, 1.0, count)
    vol = rng.uniform(0.25, 1.5, count)
    reach = rng.uniform(-4.0, 4.0, count) * np.minimum(vol * np.sqrt(years), 0.3)
    call = np.where(rng.random(count) < 0.5, 1.0, -1.0)
    return Options(np.full(count, FORWARD), FORWARD * np.exp(reach), years, vol, call)


@dataclass(frozen=True)
class Shocked:
    """I options on E expiries in S scenarios of spot and volatility."""

    forward_e: Floats
    years_e: Floats
    expiry: npt.NDArray[np.int32]
    strike: Floats
    vol: Floats
    call: Floats
    spot_factor: Floats
    vol_factor: Floats

    @property
    def cells(self) -> int:
        """Values in the table, without the padding."""
        return len(self.strike) * len(self.spot_factor)

    def arguments(self) -> tuple[object, ...]:
        """Of ``revalue_kernel.run``, its output last."""
        forward = padded(self.forward_e[:, None] * self.spot_factor)
        factor = padded(np.sqrt(self.years_e)[:, None] * self.vol_factor)
        nothing = np.zeros_like(forward)
        out = np.empty((len(self.strike), forward.shape[1]))
        discount = np.ones(len(self.forward_e))
        head = (forward, discount, factor, nothing, nothing, self.expiry)
        return (*head, self.strike, self.call, self.vol, np.ones((1, 1)), False, out)

    def reference(self, low: int = 0, high: int | None = None) -> Floats:
        """Textbook values of rows ``low`` to ``high``, ``[I, S]``."""
        rows = slice(low, high)
        expiry = self.expiry[rows]
        spread = (self.vol[rows] * np.sqrt(self.years_e)[expiry])[:, None] * self.vol_factor
        forward = self.forward_e[expiry][:, None] * self.spot_factor
        return textbook(forward, self.strike[rows][:, None], spread, self.call[rows][:, None])

    def part(self, low: int, high: int) -> Shocked:
        """Some of the instruments."""
        names = ("expiry", "strike", "vol", "call")
        rows = {name: np.ascontiguousarray(getattr(self, name)[low:high]) for name in names}
        return Shocked(
            self.forward_e, self.years_e, **rows, spot_factor=self.spot_factor,
            vol_factor=self.vol_factor,
        )  # fmt: skip

    def flat(self, rows: int) -> Options:
        """The cells of the first rows as a plain list, as packages without scenarios take it."""
        expiry = self.expiry[:rows]
        shape = (rows, len(self.spot_factor))
        forward = self.forward_e[expiry][:, None] * self.spot_factor
        columns = (
            forward,
            np.broadcast_to(self.strike[:rows, None], shape),
            np.broadcast_to(self.years_e[expiry][:, None], shape),
            self.vol[:rows, None] * self.vol_factor,
            np.broadcast_to(self.call[:rows, None], shape),
        )
        return Options(*(np.ascontiguousarray(column).ravel() for column in columns))


def shocked_chain(
    rng: np.random.Generator, instruments: int, scenarios: int, expiries: int = 12
) -> Shocked:
    """A chain with shocks of spot up to a fifth and of volatility by 0.7 to 1.4."""
    years = np.geomspace(2.0 / 365.0, 1.0, expiries)
    forward = FORWARD * np.exp(0.04 * years)
    expiry = np.sort(rng.integers(0, expiries, instruments)).astype(np.int32)
    vol = rng.uniform(0.3, 1.1, instruments)
    width = np.minimum(vol * np.sqrt(years[expiry]), 0.4)
    strike = forward[expiry] * np.exp(2.0 * width * rng.standard_normal(instruments))
    call = np.where(rng.random(instruments) < 0.5, 1.0, -1.0)
    return Shocked(
        forward, years, expiry, strike, vol, call,
        np.exp(rng.uniform(-0.2, 0.2, scenarios)), rng.uniform(0.7, 1.4, scenarios),
    )  # fmt: skip


def book_of_options(rng: np.random.Generator, count: int, instruments: int) -> tuple[Floats, ...]:
    """Row offsets, columns and quantities of one account."""
    column = np.sort(rng.choice(instruments, count, replace=False)).astype(np.int32)
    return np.array([0, count], np.int64), column, 5.0 * rng.standard_normal(count)
