"""The frontier equity = maintenance margin in spot times volatility, and the standing of each node.

Every node is a full margin run (``nodes``); only the line between nodes is drawn straight. A
contour ends at the border or closes on itself; it crosses each edge of the grid whose ends differ
in sign once, at the place where a straight line between them is zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from crossmargin.accounts.crossings import refuse_sourceless
from crossmargin.accounts.nodes import Account, MoveGrid
from crossmargin.core.arrays import Bools, Floats, finite, frozen
from crossmargin.core.errors import InputError

__all__ = ["Frontier", "contours", "frontier"]

Line = tuple[tuple[float, float], ...]
_Edge = tuple[int, int, int]  # 0 across or 1 down, row, column


@dataclass(frozen=True, slots=True)
class Frontier:
    """``[S, V]`` dollars at each spot factor and volatility factor; lines of (spot, vol) factors.

    ``broken``: maintenance margin is broken; ``no_open``: initial margin is, so that nothing may be
    opened.
    """

    spot_factor: Floats
    vol_factor: Floats
    equity_usd: Floats
    mm_usd: Floats
    over_mm_usd: Floats
    broken: Bools
    no_open: Bools
    lines: tuple[Line, ...]


def frontier(
    account: Account,
    spot_factors: Sequence[float],
    vol_factors: Sequence[float],
    step: Callable[[], None] | None = None,
) -> Frontier:
    """The account at every pair of factors, and the lines on which F changes its sign.

    Raises InputError ``number_out_of_range`` for factors that are not positive and rising,
    ``column_missing`` where nothing says what the account is worth.
    """
    refuse_sourceless(account)
    spots, vols = _rising(spot_factors, "spot"), _rising(vol_factors, "volatility")
    found = account.many(MoveGrid(spots, vols), step)
    shape = len(spots), len(vols)
    over = found.over_mm_usd.reshape(shape)
    return Frontier(
        spots,
        vols,
        found.equity_usd.reshape(shape),
        found.mm_usd.reshape(shape),
        over,
        np.asarray(over < 0.0),
        np.asarray(found.over_im_usd.reshape(shape) < 0.0),
        contours(spots, vols, over),
    )


def _rising(values: Sequence[float], what: str) -> Floats:
    factors = finite(np.asarray(values, np.float64), f"{what} factor")
    if len(factors) < 2 or not (factors[0] > 0.0 and (np.diff(factors) > 0.0).all()):
        raise InputError(
            "number_out_of_range",
            f"the {what} factors of a frontier are positive and rise",
            value=factors.tolist()[:4],
            limit="two or more, > 0, rising",
            remedy="Give them in rising order.",
        )
    return frozen(factors, np.float64)


def contours(rows: Floats, columns: Floats, values: Floats) -> tuple[Line, ...]:
    """Polylines on which a table ``[R, C]`` changes sign, in the coordinates of rows and columns.

    Marching squares; a saddle's four crossings are joined by the sign of the mean of its corners.
    """
    places: dict[_Edge, tuple[float, float]] = {}
    joined: dict[_Edge, list[_Edge]] = {}
    inside = values >= 0.0
    mixed = (inside[:-1, :-1] != inside[1:, :-1]) | (inside[:-1, :-1] != inside[:-1, 1:])
    mixed |= inside[:-1, :-1] != inside[1:, 1:]
    for r, c in np.argwhere(mixed).tolist():
        edges: list[_Edge] = [(0, r, c), (1, r, c + 1), (0, r + 1, c), (1, r, c)]
        cut = [edge for edge in edges if _cut(edge, rows, columns, values, places)]
        if len(cut) == 4:  # the middle decides which corners hang together
            middle = float(values[r : r + 2, c : c + 2].mean()) >= 0.0
            turn = middle == bool(inside[r, c])
            cut = [cut[0], cut[1], cut[2], cut[3]] if turn else [cut[0], cut[3], cut[1], cut[2]]
        for one, other in zip(cut[::2], cut[1::2], strict=True):
            joined.setdefault(one, []).append(other)
            joined.setdefault(other, []).append(one)
    return _threaded(places, joined)


def _cut(
    edge: _Edge,
    rows: Floats,
    columns: Floats,
    values: Floats,
    places: dict[_Edge, tuple[float, float]],
) -> bool:
    """Whether the line crosses an edge; where is noted in ``places``."""
    if edge in places:
        return True
    down, r, c = edge
    a = float(values[r, c])
    b = float(values[r + 1, c] if down else values[r, c + 1])
    if (a >= 0.0) == (b >= 0.0):
        return False
    t = a / (a - b)
    if down:
        at = (float(rows[r] + t * (rows[r + 1] - rows[r])), float(columns[c]))
    else:
        at = (float(rows[r]), float(columns[c] + t * (columns[c + 1] - columns[c])))
    places[edge] = at
    return True


def _threaded(
    places: dict[_Edge, tuple[float, float]], joined: dict[_Edge, list[_Edge]]
) -> tuple[Line, ...]:
    """Lines from edge to edge: open ones from their first end, then closed ones."""
    lines: list[Line] = []
    seen: set[_Edge] = set()
    starts = [edge for edge in places if len(joined[edge]) == 1]
    for start in [*starts, *places]:
        if start in seen:
            continue
        line, at = [start], start
        seen.add(start)
        while True:
            onward = [edge for edge in joined[at] if edge not in seen]
            if not onward:
                break
            at = onward[0]
            seen.add(at)
            line.append(at)
        points = [places[edge] for edge in line]
        if len(line) > 2 and start in joined[at]:
            points.append(points[0])
        lines.append(tuple(points))
    return tuple(lines)
