"""Linear pieces of models that charge position by position: probed, one position an account.

    im(q) = fixed + sum over i of C_i(q_i),      C_i convex, C_i(0) = 0

Each position is margined alone at a few sizes of each side. Where a charge doubles with the size it
is linear by side, and the pieces are exact. Elsewhere (rates that rise with the size) the tangents
at the probed sizes lie below the charge: a lower bound, touched at what is held.
"""

from __future__ import annotations

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.model import MarginModel, PoolBook, Priced
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pieces import Pieces, Separable, Term, WorstOf
from crossmargin.margin.tangents import exact_im, spread

__all__ = ["separable_pieces"]

SIZES = (0.25, 1.0, 4.0)  # of what is held, or of the median position
CLOSE = 1e-9
BENT = "charges that rise with the size of a position: their tangents at a few sizes"


def separable_pieces(
    model: MarginModel, priced: Priced, held: PoolBook, parameters: Parameters
) -> Pieces:
    """The pieces of one pool near the one account of a block."""
    wide = np.asarray(spread(priced, held).quantity)
    part = priced.pool.instruments
    rows = np.flatnonzero((part.kind != Kind.ASSET) & priced.view.ok)
    if not len(rows):
        still = exact_im(model, priced, held, parameters, wide)
        return Pieces((), ("what no position moves",) if still.any() else ())
    some = np.abs(wide[rows][wide[rows] != 0.0])
    typical = float(np.median(some)) if len(some) else 1.0
    scale = np.where(wide != 0.0, np.abs(wide), typical)[rows]
    multiples = np.array([sign * m for sign in (1.0, -1.0) for m in SIZES])
    size = scale[:, None] * multiples
    value = _alone(model, priced, held, parameters, np.repeat(rows, len(multiples)), size.ravel())
    rate = value.reshape(size.shape) / np.abs(size)
    up, down = rate[:, : len(SIZES)], rate[:, len(SIZES) :]
    level = np.maximum(np.abs(rate).max(axis=1), 1e-300)[:, None]
    straight = ((np.abs(up - up[:, :1]) + np.abs(down - down[:, :1])) <= CLOSE * level).all(axis=1)
    long, short = np.zeros((2, len(wide)))
    long[rows[straight]], short[rows[straight]] = up[straight, 0], down[straight, 0]
    terms: list[Term] = [Separable("positions", long, short)] if straight.any() else []
    bent = np.flatnonzero(~straight)
    terms += [
        _tangents(model, priced, held, parameters, int(rows[k]), size[k]) for k in bent.tolist()
    ]
    return Pieces(tuple(terms), (BENT,) if len(bent) else ())


def _alone(
    model: MarginModel,
    priced: Priced,
    held: PoolBook,
    parameters: Parameters,
    rows: np.ndarray,
    size: Floats,
) -> Floats:
    """[V] requirement of one position each, less that of none."""
    books = np.zeros((len(size) + 1, len(priced.pool.instruments)))
    books[np.arange(len(size)), rows] = size
    value = exact_im(model, priced, held, parameters, books)
    return np.asarray(value[:-1] - value[-1])


def _tangents(
    model: MarginModel,
    priced: Priced,
    held: PoolBook,
    parameters: Parameters,
    row: int,
    size: Floats,
) -> WorstOf:
    """Tangents of one convex charge at the given sizes, by central differences."""
    step = 1e-4 * np.abs(size)
    points = np.concatenate([size, size + step, size - step])
    books = np.full(len(points), row)
    value = _alone(model, priced, held, parameters, books, points).reshape(3, -1)
    slope = (value[1] - value[2]) / (2.0 * step)
    rows = np.zeros((len(size), len(priced.pool.instruments)))
    rows[:, row] = slope
    # A little lower: a central difference of a bent charge touches it from above.
    offset = value[0] - slope * size - np.abs(value[1] + value[2] - 2.0 * value[0])
    return WorstOf(f"position {row}", rows, offset)
