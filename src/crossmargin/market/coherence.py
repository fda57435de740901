"""One forward per expiry and one index per pair from rows that were fetched at different instants.

* forward of an expiry: the median of what its rows said
* index: where the index rows agree within :data:`AGREE_BP` they were one reading, and their median
  stands. Where they do not, a forward and an index of one row are not of one instant, and their
  ratio read as a short-dated carry would be absurd (-200 % a year on 2026-02-05). The forwards of
  different expiries do move together, so the index is then the value at zero life of a Theil-Sen
  line through ln F against life, over the :data:`NEAREST` nearest expiries: the term structure
  bends further out. With two expiries or fewer the median of the rows stands; so it does where
  the line lies further away than different instants explain, :data:`LIMIT_BP` beyond the range of
  the rows (synthetic forwards of 2021 lie 480 bp below an index that agrees with itself).
* distance: the line over the median of the rows. A pair is ``incoherent`` where the range of its
  index rows or the distance exceeds :data:`LIMIT_BP`.

On the 931 chains from 2025-12-30 to 2026-08-22, where the rows agree, the line lies 0.8 bp (median)
and at most 5.4 bp from the index: that is what the estimate is worth.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.core.clock import YEAR_MS

__all__ = ["AGREE_BP", "LIMIT_BP", "NEAREST", "Coherent", "Merged", "cohere", "parity_forward"]

AGREE_BP = 2.0
LIMIT_BP = 25.0
NEAREST = 6
# Parity is read from the strikes nearest to the forward: far ones carry it in their last digit.
PARITY_STRIKES = 6


@dataclass(frozen=True, slots=True)
class Merged:
    """One value made of ``count`` rows; ``spread_bp`` is their range over their least."""

    value: float
    spread_bp: float
    count: int
    verdict: str


@dataclass(frozen=True, slots=True)
class Coherent:
    """Index and forwards of one pair. ``gap_bp``: line over median index row, None without line."""

    index: Merged | None
    gap_bp: float | None
    forwards: Mapping[int, Merged]


def _merged(seen: Sequence[float]) -> Merged:
    values = np.asarray(seen, np.float64)
    spread_bp = (float(values.max()) / float(values.min()) - 1.0) * 1e4
    verdict = "incoherent" if spread_bp > LIMIT_BP else "ok"
    return Merged(float(np.median(values)), spread_bp, values.size, verdict)


def _line_at_zero(life_years: Floats, log_forward: Floats) -> float:
    """Theil-Sen: median of the pairwise slopes, then median of the intercepts."""
    i, j = np.triu_indices(life_years.size, 1)
    slope = np.median((log_forward[j] - log_forward[i]) / (life_years[j] - life_years[i]))
    return float(np.median(log_forward - slope * life_years))


def cohere(
    index_rows: Sequence[float],
    forward_rows: Mapping[int, Sequence[float]],
    implied: Mapping[int, float],
    as_of_ms: int,
) -> Coherent:
    """Merge what the rows of one pair said; all values are positive and finite.

    ``index_rows``: every index reading, quote currency. ``forward_rows``: expiry_ms -> forward
    readings. ``implied``: expiry_ms -> forward from parity, for expiries without a reading.
    """
    forwards = {expiry: _merged(seen) for expiry, seen in sorted(forward_rows.items()) if seen}
    for expiry, value in sorted(implied.items()):
        forwards.setdefault(expiry, Merged(value, 0.0, 0, "implied"))
    forwards = dict(sorted(forwards.items()))
    ahead = [expiry for expiry in forwards if expiry >= as_of_ms][:NEAREST]
    line = None
    if len(ahead) > 2:
        life = (np.asarray(ahead, np.float64) - as_of_ms) / YEAR_MS
        line = _line_at_zero(life, np.log([forwards[expiry].value for expiry in ahead]))
    if not index_rows:
        if line is None:
            return Coherent(None, None, forwards)
        return Coherent(Merged(math.exp(line), 0.0, 0, "implied"), None, forwards)
    rows = _merged(index_rows)
    if line is None:
        return Coherent(rows, None, forwards)
    gap_bp = (line - math.log(rows.value)) * 1e4
    explained = abs(gap_bp) <= rows.spread_bp + LIMIT_BP
    value = math.exp(line) if rows.spread_bp > AGREE_BP and explained else rows.value
    apart = rows.spread_bp > LIMIT_BP or abs(gap_bp) > LIMIT_BP
    index = Merged(value, rows.spread_bp, rows.count, "incoherent" if apart else "ok")
    return Coherent(index, gap_bp, forwards)


def parity_forward(
    calls: Mapping[float, float], puts: Mapping[float, float], inverse: bool
) -> float | None:
    """Forward that put-call parity implies: median over the strikes nearest to the money.

    ``calls`` and ``puts``: strike -> undiscounted mark, in coin if ``inverse``, else in quote
    currency. Inverse: ``C - P = 1 - K/F``, so ``F = K / (1 - (C - P))``; linear: ``F = K + C - P``.
    None where no strike has both.
    """
    found: list[tuple[float, float]] = []
    for strike in sorted(calls.keys() & puts.keys()):
        lean = calls[strike] - puts[strike]
        if inverse and lean >= 1.0:
            continue
        forward = strike / (1.0 - lean) if inverse else strike + lean
        if forward > 0.0:
            found.append((abs(lean), forward))
    if not found:
        return None
    found.sort()
    return float(np.median([forward for _, forward in found[:PARITY_STRIKES]]))
