"""Our Black-76 value and Greeks beside the numbers that Deribit published for the same rows.

The clock of a row is its own time stamp: with one time for the whole file the deltas of the
shortest options are off by 1.6e-4 instead of 4e-5. What is left is rounding (a tick of 1e-4 coin
in 2026, five decimals of delta and gamma, volatility to 0.01 points) and, in 2021, forwards that
were read some seconds apart from the marks. Bounds of 2021 are the figures found, rounded up.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from crossmargin.core.arrays import Floats
from crossmargin.core.clock import YEAR_MS
from crossmargin.instruments.symbology import parse
from crossmargin.pricing.greeks import greeks
from crossmargin.venues.market_text import number, read_csv

FULL_2026 = "deribit/full_ticker_BTC_options_raw_20260120.csv.gz"
FULL_2021 = "deribit/chain_btc_2021_full_ticker.csv"
SECOND_PASS_MS = 1_613_068_800_000


@dataclass(frozen=True)
class Bounds:
    """Mark in coin, delta and gamma per coin, vega in USD a volatility point."""

    mark_median: float
    mark_worst: float
    delta_worst: float
    gamma_worst: float
    vega_median: float
    vega_worst: float


CASES = [
    pytest.param(
        FULL_2026,
        "_",
        (0, 2**62),
        648,
        Bounds(2.6e-5, 2.0e-4, 4e-5, 5.1e-6, 1.7e-3, 3.6e-2),
        id="2026-01-20",
    ),
    pytest.param(
        FULL_2021,
        ".",
        (0, SECOND_PASS_MS),
        488,
        Bounds(9.0e-6, 5.9e-4, 9.4e-5, 5.0e-6, 2.6e-4, 4.4e-3),
        id="2021-02-11 first pass",
    ),
    pytest.param(
        FULL_2021,
        ".",
        (SECOND_PASS_MS, 2**62),
        488,
        Bounds(5.0e-6, 5.2e-4, 6.7e-5, 5.0e-6, 2.1e-4, 1.05e-2),
        id="2021-02-11 second pass",
    ),
]


def errors(path: Path, dot: str, span: tuple[int, int]) -> dict[str, Floats]:
    """Absolute differences of mark, delta, gamma and vega, row by row."""
    table = read_csv(path)
    rows = [row for row in table.rows if span[0] <= int(row["timestamp"]) < span[1]]

    def column(name: str) -> Floats:
        return np.array([number(row[name], name) for row in rows], np.float64)

    items = [parse("deribit", row["instrument_name"]) for row in rows]
    life_ms = np.array([item.expiry_ms for item in items]) - column("timestamp")
    forward = column("underlying_price")
    ours = greeks(
        forward,
        [item.strike for item in items],
        life_ms / YEAR_MS,
        column("mark_iv") / 100.0,
        [item.right for item in items],
    )
    return {
        "mark": np.abs(ours.value / forward - column("mark_price")),
        "delta": np.abs(ours.delta - column(f"greeks{dot}delta")),
        "gamma": np.abs(ours.gamma - column(f"greeks{dot}gamma")),
        "vega": np.abs(ours.vega / 100.0 - column(f"greeks{dot}vega")),
    }


@pytest.mark.parametrize(("file", "dot", "span", "count", "bounds"), CASES)
def test_value_and_greeks_match(
    market_dir: Path, file: str, dot: str, span: tuple[int, int], count: int, bounds: Bounds
) -> None:
    found = errors(market_dir / file, dot, span)
    for name, error in found.items():
        print(f"{name}: median {np.median(error):.2e} worst {error.max():.2e}")
    assert all(error.size == count for error in found.values())
    assert np.median(found["mark"]) <= bounds.mark_median
    assert found["mark"].max() <= bounds.mark_worst
    assert found["delta"].max() <= bounds.delta_worst
    assert found["gamma"].max() <= bounds.gamma_worst
    assert np.median(found["vega"]) <= bounds.vega_median
    assert found["vega"].max() <= bounds.vega_worst
