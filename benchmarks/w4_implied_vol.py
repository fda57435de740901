"""W4: implied volatility, and how wrong it is against 50-digit arithmetic.

Prices of the sample that is judged are exact to half an ulp. A vol cannot be better than what the
rounded price carries, so the error that is judged is what exceeds four ulp of the price times the
condition number ``price / (vol * vega)``; the plain relative error stands beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.machine import Limits
from benchmarks.options import FORWARD, Options
from benchmarks.peers import implied_peers
from benchmarks.report import Report, WrongValue
from benchmarks.timing import OURS, Candidate, Settings, interleaved, one_processor
from crossmargin.pricing.implied_vol import implied_vol_kernel
from crossmargin.pricing.revalue import black_value

__all__ = ["run"]

Floats = npt.NDArray[np.float64]
ULP = 2.220446049250313e-16
BEST_PACKAGES = ("iv-engine", "fast_vollib", "fast_vollib.jackel", "py_vollib_vectorized")


def run(report: Report, settings: Settings, limits: Limits) -> None:
    """A listing and a wide set against the peers, the extremes for accuracy and time alone."""
    del limits  # the arithmetic of this kernel has no floor in the specification
    rng = np.random.default_rng(4)
    count = settings.size(20_000, 3_000)
    for name, make in SETS.items():
        options = make(rng, count)
        price = black_value(
            options.forward, options.strike, options.vol * np.sqrt(options.years), options.call
        )
        keep = price > 0.0
        options, price = _choose(options, keep), price[keep]
        accuracy = _accuracy(make(rng, settings.size(1_500, 150)))
        case = f"{name}, {len(options)} options, one core"
        with one_processor():
            candidates = _candidates(price, options, accuracy, settings, name)
            timings = interleaved(candidates, settings)
        rates = report.compare("W4", case, "M vols/s", timings, candidates)
        report.goal(
            "W4", case, 20.0, rates[OURS], "M/s", reason="three steps of a third-order rule"
        )
        report.goal(
            "W4", f"{name}: error beyond what the price carries", 1e-13, accuracy.beyond, "",
            at_least=False,
        )  # fmt: skip
        report.remarks.append(
            f"W4 {name}: largest plain relative error {accuracy.plain:.1e} "
            f"(condition numbers up to {accuracy.condition:.0f}), {accuracy.refused} not determined"
        )
        if name != "extremes":
            best = max((rates[peer] for peer in BEST_PACKAGES if peer in rates), default=None)
            times = None if best is None else rates[OURS] / best
            report.goal("W4", f"{name}: against the best package", 6.5, times, "×")


def _listing(rng: np.random.Generator, count: int) -> Options:
    """A day to a year, time value above a millionth of the forward."""
    return _sample(rng, count, (0.012, 1.5), (0.0, 4.6), 1e-6)


def _wide(rng: np.random.Generator, count: int) -> Options:
    """Any moneyness and spread whose normalised price is above 1e-12."""
    return _sample(rng, count, (0.003, 4.0), (0.0, 7.0), 1e-12)


def _extremes(rng: np.random.Generator, count: int) -> Options:
    """Prices down to 1e-290 of the forward, and up to 1e-12 under the bound."""
    low = _sample(rng, count // 2, (0.003, 2.0), (6.5, 35.0), 1e-290)
    high = _sample(rng, count - count // 2, (4.0, 13.0), (0.0, 1.0), 0.0)
    pairs = zip(_columns(low), _columns(high), strict=True)
    return Options(*(np.concatenate(pair) for pair in pairs))


SETS = {"listing": _listing, "wide": _wide, "extremes": _extremes}


def _sample(
    rng: np.random.Generator,
    count: int,
    spread: tuple[float, float],
    depth: tuple[float, float],
    least: float,
) -> Options:
    """Out-of-the-money options, strikes ``depth`` deviations off, dearer than ``least``."""
    parts: list[Options] = []
    found = 0
    while found < count:
        w = np.exp(rng.uniform(np.log(spread[0]), np.log(spread[1]), 4 * count))
        x = np.minimum(rng.uniform(*depth, w.size) * w, 25.0)
        call = np.where(rng.random(w.size) < 0.5, 1.0, -1.0)
        years = rng.uniform(1.0 / 365.0, 2.0, w.size)
        strike = FORWARD * np.exp(call * x)
        forward = np.full(w.size, FORWARD)
        options = Options(forward, strike, years, w / np.sqrt(years), call)
        price = black_value(forward, strike, w, call)
        bound = np.minimum(forward, strike)
        dear = (price > least * FORWARD) & (price < bound * (1.0 - 1e-12))
        parts.append(_choose(options, dear))
        found += int(dear.sum())
    joined = zip(*(_columns(part) for part in parts), strict=True)
    return Options(*(np.concatenate(columns) for columns in joined)).head(count)


def _columns(options: Options) -> tuple[Floats, ...]:
    return options.forward, options.strike, options.years, options.vol, options.call


def _choose(options: Options, rows: npt.NDArray[np.bool_]) -> Options:
    return Options(*(np.ascontiguousarray(column[rows]) for column in _columns(options)))


@dataclass(frozen=True)
class Accuracy:
    """Largest errors over a sample with exact prices."""

    beyond: float
    plain: float
    condition: float
    refused: int


def _accuracy(options: Options) -> Accuracy:
    price, condition = _exact(options)
    vol, status = _solve(price, options)
    found = status == 0
    plain = np.abs(vol / options.vol - 1.0)
    beyond = np.maximum(plain - 4.0 * ULP * condition, 0.0)
    return Accuracy(
        float(beyond[found].max()),
        float(plain[found].max()),
        float(condition[found].max()),
        int((~found).sum()),
    )


def _exact(options: Options) -> tuple[Floats, Floats]:
    """Prices of fifty digits, rounded once, and their condition numbers."""
    import mpmath

    mpmath.mp.dps = 50
    root_two, root_pi = mpmath.sqrt(2), mpmath.sqrt(2 * mpmath.pi)
    price, condition = np.empty(len(options)), np.empty(len(options))
    for n, (forward, strike, years, vol, call) in enumerate(
        zip(*(column.tolist() for column in _columns(options)), strict=True)
    ):
        f, k, c = mpmath.mpf(forward), mpmath.mpf(strike), int(call)
        w = mpmath.mpf(vol) * mpmath.sqrt(mpmath.mpf(years))
        d1 = mpmath.log(f / k) / w + w / 2
        value = (
            c
            * (f * mpmath.erfc(-c * d1 / root_two) - k * mpmath.erfc(-c * (d1 - w) / root_two))
            / 2
        )
        price[n] = float(value)
        condition[n] = float(value / (w * f * mpmath.exp(-d1 * d1 / 2) / root_pi))
    return price, condition


def _solve(price: Floats, options: Options) -> tuple[Floats, npt.NDArray[np.int8]]:
    vol, status = np.empty(len(options)), np.empty(len(options), np.int8)
    implied_vol_kernel.run(price, options.forward, options.strike, options.years, vol, status)
    return vol, status


def _candidates(
    price: Floats, options: Options, accuracy: Accuracy, settings: Settings, name: str
) -> list[Candidate]:
    vol, status = _solve(price, options)
    error = float(np.abs(vol / options.vol - 1.0)[status == 0].max())
    if name == "listing" and not error <= 1e-8:
        raise WrongValue(f"W4: implied vols differ from the true ones by {error:.1e}")
    inputs = (price, options.forward, options.strike, options.years, vol, status)
    ours = Candidate(OURS, lambda: implied_vol_kernel.run(*inputs), len(options), accuracy.plain)
    if name == "extremes":
        return [ours]
    return [ours, *implied_peers(price, options, settings.size(1_000, 200))]
