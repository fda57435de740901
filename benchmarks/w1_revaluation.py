"""W1: I options in S scenarios of spot and volatility, one core and two."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from benchmarks.machine import Limits
from benchmarks.options import Shocked, shocked_chain
from benchmarks.peers import value_peers
from benchmarks.report import Report, WrongValue
from benchmarks.timing import OURS, Candidate, Settings, interleaved, one_processor
from crossmargin.pricing.revalue import revalue_kernel

__all__ = ["FLOOR_SLOTS", "checked", "run"]

# Multiply-adds and multiplies of one value: what the arithmetic alone would take.
FLOOR_SLOTS = 51.5
# How many times a peer, and the M values/s of the peer that this was set against.
PEERS = {
    "SciPy": (11.0, 25.0),
    "fast_vollib": (30.0, 10.0),
    "py_vollib_vectorized": (100.0, 2.9),
    "QuantLib, one by one": (700.0, 0.31),
}


def run(report: Report, settings: Settings, limits: Limits) -> None:
    """Three widths against the peers; two threads at the middle one."""
    rng = np.random.default_rng(1)
    instruments = settings.size(3000, 600)
    floor = limits.fma_per_s / FLOOR_SLOTS
    for scenarios in (33, 96, 200):
        chain = shocked_chain(rng, instruments, scenarios)
        case = f"{instruments}×{scenarios}, one core"
        with one_processor():
            candidates = _candidates(chain, settings)
            timings = interleaved(candidates, settings)
        rates = report.compare("W1", case, "M values/s", timings, candidates, limit=floor)
        if scenarios < 96:
            continue
        report.goal("W1", case, 340.0, rates[OURS], "M/s")
        if scenarios == 96:
            report.against("W1", case, rates, PEERS)
            share = rates[OURS] * 1e6 / floor
            report.goal("W1", f"{case}: of the arithmetic floor", 0.65, share, "", reason=_FLOOR)
            report.goal(
                "W1",
                f"{case}: P&L, base subtracted",
                340.0,
                rates["crossmargin, P&L"],
                "M/s",
                reason="the subtraction is one more pass over the table",
            )
    _both(report, settings, rng)


_FLOOR = (
    "full-width multiply-add pipes double this floor; beside 46 multiply-adds a vector of eight "
    "takes two divides, 25 other vector operations and 18 loads of constants; shorter polynomial "
    "chains were slower"
)


def checked(chain: Shocked) -> tuple[object, ...]:
    """Arguments of the kernel, after one call whose values agree with the textbook."""
    arguments = chain.arguments()
    revalue_kernel.run(*arguments)
    out = np.asarray(arguments[-1])
    error = _error(chain, out, chain.reference())
    if not error <= 2e-14:
        raise WrongValue(f"W1: values differ from the textbook by {error:.1e} of the forward")
    return arguments


def _error(chain: Shocked, out: np.ndarray, reference: np.ndarray) -> float:
    gap = np.abs(out[: len(reference), : reference.shape[1]] - reference).max()
    return float(gap / chain.forward_e.max())


def _candidates(chain: Shocked, settings: Settings) -> list[Candidate]:
    arguments = checked(chain)
    out = np.asarray(arguments[-1])
    error = _error(chain, out, chain.reference())
    # Peers take slices that stay in their cache, which is the best that they can do.
    rows = max(1, settings.size(30_000, 4_000) // len(chain.spot_factor))
    base = np.ascontiguousarray(out[:, :1])

    def with_base() -> None:
        revalue_kernel.run(*arguments)
        np.subtract(out, base, out=out)

    scipy = Candidate(
        "SciPy",
        lambda: chain.reference(0, rows),
        float(rows * len(chain.spot_factor)),
        0.0,
    )
    return [
        Candidate(OURS, lambda: revalue_kernel.run(*arguments), float(chain.cells), error),
        Candidate("crossmargin, P&L", with_base, float(chain.cells), error),
        scipy,
        *value_peers(chain.flat(rows), settings.size(5_000, 500)),
    ]


def _both(report: Report, settings: Settings, rng: np.random.Generator) -> None:
    """Half of the instruments in each of two threads; ten tables, so that threads start rarely."""
    instruments = settings.size(3000, 600)
    whole = shocked_chain(rng, 10 * instruments, 96)
    halves = [whole.part(0, 5 * instruments), whole.part(5 * instruments, 10 * instruments)]
    tables = [checked(half) for half in halves]

    with ThreadPoolExecutor(2) as pool:

        def call() -> None:
            list(pool.map(lambda arguments: revalue_kernel.run(*arguments), tables))

        call()
        candidates = [Candidate(OURS, call, float(whole.cells))]
        timings = interleaved(candidates, settings)
    case = f"{10 * instruments}×96, two threads"
    rates = report.compare("W1", case, "M values/s", timings, candidates, by_cpu=False)
    report.goal("W1", case, 650.0, rates[OURS], "M/s", reason=timings[OURS].processors)
