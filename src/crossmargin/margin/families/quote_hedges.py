"""Hedges between contracts of one coin that are quoted in different dollars.

A long in one stablecoin against a short in another is flat in the coin and not in the stablecoin.
Rules that charge for it pair the quote currencies in a stated order: each pair hedges what the
pairs before it left over.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from crossmargin.core.arrays import Bools, Floats

__all__ = ["cumulative_charge", "hedge_bound", "hedged_pairs"]


def hedged_pairs(delta_usd: Floats, pairs: Sequence[tuple[int, int]]) -> list[Floats]:
    """[A] dollars that each pair hedges, in the order of the pairs; ``delta_usd[A, Q]``.

    ``min(|a|, |b|)`` where the signs differ, else 0; both legs are reduced before the next pair.
    """
    rest = delta_usd.copy()
    out = []
    for a, b in pairs:
        size = np.where(
            rest[:, a] * rest[:, b] < 0.0,
            np.minimum(np.abs(rest[:, a]), np.abs(rest[:, b])),
            0.0,
        )
        for leg in (a, b):
            rest[:, leg] -= np.sign(rest[:, leg]) * size
        out.append(size)
    return out


def hedge_bound(high: Floats, low: Floats, pairs: Sequence[tuple[int, int]]) -> list[Floats]:
    """[A] the most that each pair can hedge where deltas lie between ``low`` and ``high``."""

    def most(up: Floats, down: Floats) -> Floats:
        return np.minimum(np.maximum(up, 0.0), np.maximum(-down, 0.0))

    return [np.maximum(most(high[:, a], low[:, b]), most(high[:, b], low[:, a])) for a, b in pairs]


def cumulative_charge(size: Floats, edges: Floats, rates: Floats) -> tuple[Floats, Bools]:
    """[A] dollars charged slice by slice, and where the size lies beyond the last known edge.

    A slice between two edges is charged at its own rate; what lies beyond the last edge at the last
    rate: of rising rates a lower bound.
    """
    out = np.zeros(len(size))
    below = 0.0
    for k in range(len(edges)):
        edge = max(float(edges[k]), below)
        top = np.minimum(size, edge) if k + 1 < len(edges) else size
        out += np.maximum(top - below, 0.0) * rates[k]
        below = edge
    return out, np.asarray(size > below)
