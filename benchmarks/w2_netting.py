"""W2: the worst loss of many accounts over one risk array."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from benchmarks.machine import Limits
from benchmarks.populations import positions
from benchmarks.report import Report, WrongValue
from benchmarks.timing import OURS, Candidate, Settings, interleaved, one_processor
from crossmargin.core.threads import map_blocks
from crossmargin.pricing.netting import worst

__all__ = ["run"]

INSTRUMENTS = 3000
HELD = 60
BLOCK = 16_384  # accounts of one call: enough that the packed copy of the risk array costs nothing


def run(report: Report, settings: Settings, limits: Limits) -> None:
    """Three widths on one core against scipy.sparse; a million accounts on two."""
    rng = np.random.default_rng(2)
    accounts = settings.size(100_000, 4_000)
    row, column = positions(rng, accounts, HELD, INSTRUMENTS)
    quantity = 5.0 * rng.standard_normal(column.size)
    for scenarios in (40, 96, 200):
        pnl = rng.standard_normal((INSTRUMENTS, scenarios))
        case = f"{accounts}×{HELD}×{scenarios}, one core"
        with one_processor():
            candidates = _candidates(row, column, quantity, pnl)
            timings = interleaved(candidates, settings)
        limit = limits.l3_bytes_per_s / 8.0
        rates = report.compare(
            "W2", case, "G position-scenarios/s", timings, candidates, scale=1e9,
            limit=limit,
        )  # fmt: skip
        report.goal("W2", case, 6.0, rates[OURS], "G/s", reason=_SHORT)
        report.goal("W2", case, 7.5, rates[OURS], "G/s", stretch=True, reason=_SHORT)
        report.against("W2", case, rates, {"scipy.sparse": (1.9, 3.2)})
        share = rates[OURS] * 1e9 / limit
        text = f"{case}: of the third-level cache's reads"
        report.goal("W2", text, 0.75, share, "", stretch=True, reason=_SHORT)
    _million(report, settings, rng)


_SHORT = "short rows: the loop over 60 positions is entered and left once per tile of scenarios"


def _candidates(
    row: np.ndarray, column: np.ndarray, quantity: np.ndarray, pnl: np.ndarray
) -> list[Candidate]:
    accounts, scenarios = row.size - 1, pnl.shape[1]
    found = worst(row, column, quantity, pnl, scenarios)
    # Slices whose result stays in the cache are the best that the library can do.
    part = min(accounts, 4_000)
    held = csr_array(
        (quantity[: row[part]], column[: row[part]], row[: part + 1]), shape=(part, len(pnl))
    )

    def sparse() -> np.ndarray:
        return (held @ pnl).min(axis=1)

    expected = np.maximum(-sparse(), 0.0)
    error = float(np.abs(found.loss[:part] - expected).max() / expected.max())
    if not error <= 1e-12:
        raise WrongValue(f"W2: losses differ from scipy.sparse by {error:.1e} of the largest")
    few = min(accounts, 500)

    def one_by_one() -> np.ndarray:
        out = np.empty(few)
        for a in range(few):
            span = slice(row[a], row[a + 1])
            out[a] = (quantity[span] @ pnl[column[span]]).min()
        return out

    def ours() -> None:
        worst(row, column, quantity, pnl, scenarios, trusted=True)

    cells = float(scenarios)
    return [
        Candidate(OURS, ours, row[-1] * cells, error),
        Candidate("scipy.sparse", sparse, row[part] * cells, 0.0),
        Candidate("NumPy, account by account", one_by_one, row[few] * cells, 0.0),
    ]


def _million(report: Report, settings: Settings, rng: np.random.Generator) -> None:
    """A million accounts, in blocks shared by two threads."""
    accounts, scenarios = settings.size(1_000_000, 40_000), 96
    row, column = positions(rng, accounts, HELD, INSTRUMENTS)
    quantity = rng.standard_normal(column.size)
    pnl = rng.standard_normal((INSTRUMENTS, scenarios))

    def part(low: int, high: int) -> None:
        first, last = row[low], row[high]
        starts = row[low : high + 1] - first
        worst(starts, column[first:last], quantity[first:last], pnl, scenarios, trusted=True)

    def both() -> None:
        map_blocks(part, accounts, block=BLOCK, threads=2)

    both()
    candidates = [Candidate(OURS, both, float(row[-1] * scenarios))]
    timings = interleaved(candidates, settings)
    case = f"{accounts}×{HELD}×{scenarios}, two threads"
    rates = report.compare(
        "W2", case, "G position-scenarios/s", timings, candidates, scale=1e9, by_cpu=False
    )
    seconds = timings[OURS].wall_s * 1_000_000 / accounts
    text = "10⁶ accounts × 60 × 96, two threads"
    if accounts < 1_000_000:
        text += f" (from {accounts})"
    busy = f"{timings[OURS].processors}; both share the third-level cache"
    report.goal("W2", text, 0.55, seconds, "s", at_least=False, reason=busy)
    report.goal("W2", text, 0.36, seconds, "s", at_least=False, stretch=True, reason=busy)
    report.goal("W2", case, 11.0, rates[OURS], "G/s", reason=busy)
    report.goal("W2", case, 16.0, rates[OURS], "G/s", stretch=True, reason=busy)
