"""A tangent of any requirement: what an optimiser knows of a model that gives no pieces.

    im(q)  ~  im(q0) + g @ (q - q0),      g_i = (im(q0 + e_i) - im(q0 - e_i)) / (2 e_i)

Central differences of the exact model over one population of variants: two accounts an instrument.
A tangent is right at q0 and near it, and bounds nothing where the requirement is not convex. An
optimiser adds one a round, at each of its answers (Kelley's cuts), and keeps the best answer of the
exact model.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from crossmargin.core.arrays import Floats, Ints, frozen
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.contributions import population, smooth
from crossmargin.margin.model import MarginModel, PoolBook, Priced
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pieces import HasPieces, Pieces, WorstOf

__all__ = ["exact_im", "pieces_of", "spread", "tangent", "tangent_of"]

STEP = 1e-4  # of the size of an instrument: far above rounding, far below a lot


def pieces_of(
    model: MarginModel,
    priced: Priced,
    held: PoolBook,
    parameters: Parameters,
    among: Ints | None = None,
) -> Pieces:
    """The pieces of one pool: the model's own, or the tangent at the block's one account.

    ``among``: the rows of the pool that a tangent has slopes of; left out: every derivative.
    """
    if isinstance(model, HasPieces):
        return model.pieces(priced, held, parameters)
    return tangent_of(model, priced, held, parameters, among)


def spread(priced: Priced, held: PoolBook) -> PoolBook:
    """The block's one account with a line for every instrument of the pool, most of them 0."""
    count = len(priced.pool.instruments)
    column = frozen(np.arange(count), np.int32)
    quantity, entry = np.zeros(count), np.zeros(count)
    known = np.zeros(count, np.bool_)
    np.add.at(quantity, held.column, held.quantity)
    entry[held.column], known[held.column] = held.entry_price, held.entry_known
    return PoolBook(
        frozen([0, count], np.int64),
        column,
        frozen(quantity, np.float64),
        frozen(entry, np.float64),
        frozen(known, np.bool_),
        held.account,
        held.book,
    )


def exact_im(
    model: MarginModel,
    priced: Priced,
    held: PoolBook,
    parameters: Parameters,
    quantity: Floats,
    column: str = "im",
) -> Floats:
    """[V] requirement of books ``quantity[V, I]`` of one pool, orders left out, before rounding.

    Balances that the venue reports stay as they are reported.
    """
    wide = spread(priced, held)
    many = population(wide, np.atleast_2d(quantity))
    return smooth(model.margin(priced, many, parameters).sheet, column)


def tangent_of(
    model: MarginModel,
    priced: Priced,
    held: PoolBook,
    parameters: Parameters,
    among: Ints | None = None,
) -> Pieces:
    """The tangent at the block's one account, over the derivatives ``among`` the pool's rows."""
    quantity = np.asarray(spread(priced, held).quantity)
    part = priced.pool.instruments
    taken = (part.kind != Kind.ASSET) & priced.view.ok
    if among is not None:
        taken &= np.isin(np.arange(len(part)), among)
    moved = np.flatnonzero(taken).astype(np.int32)
    term = tangent(model, priced, held, parameters, quantity, moved)
    return Pieces((term,), (), ("a tangent of the exact requirement at the book",), near=True)


def tangent(
    model: MarginModel,
    priced: Priced,
    held: PoolBook,
    parameters: Parameters,
    quantity: Floats,
    moved: Ints,
    scale: Sequence[float] | Floats | None = None,
) -> WorstOf:
    """The tangent at ``quantity[I]``: slopes of the instruments ``moved``, 0 for the others.

    ``scale[I]`` is a size that is small of each instrument; left out: what is held, or the median
    of what is held where nothing is.
    """
    if scale is None:
        held_sizes = np.abs(quantity[moved])
        some = held_sizes[held_sizes > 0.0]
        typical = float(np.median(some)) if len(some) else 1.0
        scale = np.where(quantity != 0.0, np.abs(quantity), typical)
    step = STEP * np.asarray(scale, np.float64)[moved]
    books = np.tile(quantity, (2 * len(moved) + 1, 1))
    each = np.arange(len(moved))
    books[2 * each, moved] += step
    books[2 * each + 1, moved] -= step
    value = exact_im(model, priced, held, parameters, books)
    slope = np.zeros(len(quantity))
    slope[moved] = (value[0:-1:2] - value[1:-1:2]) / (2.0 * step)
    offset = float(value[-1]) - float(slope @ quantity)
    return WorstOf("tangent", slope[None, :], np.array([offset]), floor=-np.inf)
