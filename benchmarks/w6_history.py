"""W6: 1,000 positions in 10⁵ scenarios of their own, value at risk and expected shortfall.

Twice: tiles of scenarios through the revaluation and the netting kernel, and the same sizes under
the model ``var-montecarlo``, from drawn moves and held quantities to both figures and their errors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.machine import Limits
from benchmarks.options import FORWARD, textbook
from benchmarks.report import Report, WrongValue
from benchmarks.timing import OURS, Candidate, Settings, interleaved, one_processor
from benchmarks.w1_revaluation import FLOOR_SLOTS
from crossmargin.conformance.world import AS_OF_MS, view_of
from crossmargin.core.clock import DAY_MS
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.margin import model_named, parameters_for
from crossmargin.margin.parameter_files import overlay
from crossmargin.margin.pools import cut
from crossmargin.pricing.netting import net
from crossmargin.pricing.revalue import revalue_kernel

__all__ = ["run"]

Floats = npt.NDArray[np.float64]
EXPIRIES = 12
TILE = 256  # scenarios: the values of a thousand positions are two megabytes then
LEVEL = 0.99


def run(report: Report, settings: Settings, limits: Limits) -> None:
    """The whole path from shocks to VaR and ES, on one core."""
    rng = np.random.default_rng(8)
    book = _Book.of(rng, settings.size(1000, 200))
    count = settings.size(100_000, 6_400)
    spot = np.exp(0.03 * rng.standard_t(4, count).clip(-12, 12))
    vol = np.exp(0.1 * rng.standard_normal(count))
    few = settings.size(5_000, 640)
    with one_processor():
        candidates = _candidates(book, spot, vol, few)
        timings = interleaved(candidates, settings)
    case = f"{len(book.strike)}×{count}, one core"
    floor = limits.fma_per_s / FLOOR_SLOTS
    rates = report.compare("W6", case, "M values/s", timings, candidates, limit=floor)
    milliseconds = 1e8 / (rates[OURS] * 1e6) * 1e3
    text = "1000 positions × 10⁵ scenarios"
    report.goal("W6", text, 255.0, milliseconds, "ms", at_least=False)
    report.against("W6", case, rates, {"SciPy": (18.0, 18.4)})
    share = rates[OURS] * 1e6 / floor
    report.goal("W6", f"{case}: of the arithmetic floor", 0.7, share, "", reason=_FLOOR)
    _model(report, settings, rng)


def _model(report: Report, settings: Settings, rng: np.random.Generator) -> None:
    """A book of inverse and linear options of one coin under the model, streamed."""
    rows, count = settings.size(1000, 200), settings.size(100_000, 6_400)
    world = view_of(_options(rng, rows))
    lines = [Line("a", k, float(q)) for k, q in enumerate(rng.standard_normal(rows))]
    book = Book.of(world.instruments, lines)
    model = model_named("var-montecarlo")
    given = overlay(parameters_for(model, world.view.as_of_ms), {"draws.count": count}, "bench")
    plan = model.plan(book.instruments, given)
    priced = model.price(plan.pools[0], world.view, given)
    held = cut(book, plan.pools[0], 0)
    own = Candidate(OURS, lambda: model.margin(priced, held, given), float(rows) * count)
    with one_processor():
        timings = interleaved([own], settings)
    case = f"var-montecarlo: {rows}×{count}, one core"
    rates = report.compare("W6", case, "M values/s", timings, [own])
    text = "var-montecarlo: 1000 positions × 10⁵ draws"
    report.goal("W6", text, 255.0, 1e8 / (rates[OURS] * 1e6) * 1e3, "ms", at_least=False)


def _options(rng: np.random.Generator, count: int) -> list[Instrument]:
    """Options of twelve maturities, half of them paid in coin."""
    found: dict[str, Instrument] = {}
    lives = np.geomspace(3.0, 365.0, EXPIRIES)
    while len(found) < count:
        days, right = float(rng.choice(lives)), 1 if rng.random() < 0.5 else -1
        strike = float(round(64_000.0 * np.exp(0.25 * rng.standard_normal()), -2))
        inverse = bool(rng.random() < 0.5)
        name = f"BTC-{days:.0f}-{strike:.0f}-{right}-{inverse}"
        quote, settle = ("USD", "BTC") if inverse else ("USDC", "USDC")
        when = AS_OF_MS + int(days * DAY_MS)
        found[name] = Instrument(
            "deribit", name, Kind.OPTION, "BTC", quote, settle, inverse,
            right=right, strike=strike, expiry_ms=when,
        )  # fmt: skip
    return list(found.values())


_FLOOR = "as W1; and each tile is written and read again, which a streaming kernel would not do"


@dataclass(frozen=True)
class _Book:
    forward_e: Floats
    years_e: Floats
    expiry: npt.NDArray[np.int32]
    strike: Floats
    vol: Floats
    call: Floats
    quantity: Floats

    @staticmethod
    def of(rng: np.random.Generator, count: int) -> _Book:
        years = np.geomspace(3.0 / 365.0, 1.0, EXPIRIES)
        forward = FORWARD * np.exp(0.04 * years)
        expiry = np.sort(rng.integers(0, EXPIRIES, count)).astype(np.int32)
        vol = rng.uniform(0.3, 1.0, count)
        return _Book(
            forward,
            years,
            expiry,
            forward[expiry] * np.exp(0.25 * rng.standard_normal(count)),
            vol,
            np.where(rng.random(count) < 0.5, 1.0, -1.0),
            rng.standard_normal(count),
        )

    def value(self) -> float:
        spread = self.vol * np.sqrt(self.years_e)[self.expiry]
        forward = self.forward_e[self.expiry]
        return float(self.quantity @ textbook(forward, self.strike, spread, self.call))

    def pnl_by_scipy(self, spot: Floats, vol: Floats) -> Floats:
        """In slices of fifty scenarios, so that its temporaries stay in the cache."""
        out = np.empty(spot.size)
        spread = (self.vol * np.sqrt(self.years_e)[self.expiry])[:, None]
        forward = self.forward_e[self.expiry][:, None]
        strike, call = self.strike[:, None], self.call[:, None]
        for low in range(0, spot.size, 50):
            part = slice(low, low + 50)
            values = textbook(forward * spot[part], strike, spread * vol[part], call)
            out[part] = self.quantity @ values
        return out - self.value()

    def pnl(self, spot: Floats, vol: Floats) -> Floats:
        """Tile by tile through the kernels."""
        out = np.empty(spot.size)
        row = np.array([0, len(self.strike)], np.int64)
        column = np.arange(len(self.strike), dtype=np.int32)
        root = np.sqrt(self.years_e)[:, None]
        discount, none = np.ones(EXPIRIES), np.ones((1, 1))
        for low in range(0, spot.size, TILE):
            part = slice(low, low + TILE)
            forward = self.forward_e[:, None] * spot[part]
            nothing = np.zeros_like(forward)
            values = np.empty((len(self.strike), forward.shape[1]))
            revalue_kernel.run(
                forward, discount, root * vol[part], nothing, nothing, self.expiry, self.strike,
                self.call, self.vol, none, False, values,
            )  # fmt: skip
            out[part] = net(row, column, self.quantity, values, trusted=True)[0]
        return out - self.value()


def _tail(pnl: Floats) -> tuple[float, float]:
    """Value at risk and expected shortfall as losses."""
    worst = max(round(pnl.size * (1.0 - LEVEL)), 1)
    lowest = np.partition(pnl, worst - 1)[:worst]
    return -float(lowest.max()), -float(lowest.mean())


def _candidates(book: _Book, spot: Floats, vol: Floats, few: int) -> list[Candidate]:
    expected = book.pnl_by_scipy(spot[:few], vol[:few])
    gap = np.abs(book.pnl(spot[:few], vol[:few]) - expected).max()
    error = float(gap / (FORWARD * np.abs(book.quantity).sum()))
    if not error <= 1e-13:
        raise WrongValue(f"W6: P&L differs from the textbook by {error:.1e} of gross notional")
    rows = float(len(book.strike))
    return [
        Candidate(OURS, lambda: _tail(book.pnl(spot, vol)), rows * spot.size, error),
        Candidate(
            "SciPy", lambda: _tail(book.pnl_by_scipy(spot[:few], vol[:few])), rows * few, 0.0
        ),
    ]
