"""W3: value and seven Greeks of many options in one pass."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from benchmarks.machine import Limits
from benchmarks.options import Options, listing
from benchmarks.peers import greek_peers
from benchmarks.report import Report, WrongValue
from benchmarks.timing import OURS, Candidate, Settings, interleaved, one_processor
from crossmargin.pricing.greeks import greeks_kernel

__all__ = ["run"]


def run(report: Report, settings: Settings, limits: Limits) -> None:
    """One core, against packages that give fewer Greeks in the same call."""
    del limits  # the arithmetic of this kernel has no floor in the specification
    options = listing(np.random.default_rng(3), settings.size(20_000, 4_000))
    case = f"{len(options)} options, one core"
    with one_processor():
        candidates = _candidates(options, settings)
        timings = interleaved(candidates, settings)
    rates = report.compare("W3", case, "M options/s", timings, candidates)
    report.goal("W3", case, 115.0, rates[OURS], "M/s", reason="see the profile in the documents")
    report.against("W3", case, rates, {"polars-greeks": (8.0, 13.9), "fast_vollib": (20.0, 5.6)})


def _reference(options: Options) -> np.ndarray:
    """Delta, gamma and vega by their formulas."""
    root = np.sqrt(options.years)
    spread = options.vol * root
    d1 = np.log(options.forward / options.strike) / spread + 0.5 * spread
    density = np.exp(-0.5 * d1 * d1) / np.sqrt(2.0 * np.pi)
    delta = options.call * ndtr(options.call * d1)
    gamma = density / (options.forward * spread)
    return np.stack([delta, gamma, options.forward * density * root])


def _candidates(options: Options, settings: Settings) -> list[Candidate]:
    out = np.empty((8, len(options)))
    ones = np.ones(len(options))
    o = options
    arguments = (o.forward, o.strike, o.years, o.vol, o.call, ones, out)
    greeks_kernel.run(*arguments)
    reference = _reference(options)
    scale = np.abs(reference).max(axis=1, keepdims=True)
    error = float((np.abs(out[1:4] - reference) / scale).max())
    if not error <= 1e-12:
        raise WrongValue(f"W3: Greeks differ from their formulas by {error:.1e} of the largest")
    return [
        Candidate(OURS, lambda: greeks_kernel.run(*arguments), float(len(options)), error),
        Candidate("SciPy, three of them", lambda: _reference(options), float(len(options)), 0.0),
        *greek_peers(options, settings.size(1_000, 200), reference),
    ]
