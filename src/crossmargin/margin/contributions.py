"""What each position contributes to a requirement: Aumann-Shapley along the ray.

    c_i = q_i * integral over t in (0, 1] of dR/dq_i (t q)

Where the rule is homogeneous the integrand is constant and c_i is Euler's q_i dR/dq_i; elsewhere it
is integrated between the kinks of the ray (`crossmargin.margin.ray`). Derivatives are central
differences of the model itself: every position moved up and down is one account of a population, so
the whole table is one call and works for any model. Rounding is left out while differentiating.
What no position moves (holds, rounding, dead zones) is one line, and the lines add up to the
requirement by construction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from crossmargin.core.arrays import Floats, frozen
from crossmargin.instruments.book import Book, Orders, Reported
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.equity import with_equity_rows
from crossmargin.margin.model import PoolBook, Requirement, ScaleLaw
from crossmargin.margin.pools import cut
from crossmargin.margin.ray import NOISE, NOISE_OF_INTEGERS, along_ray, made_whole
from crossmargin.margin.sheet import Sheet

__all__ = ["Contribution", "Contributions", "contributions", "population", "smooth"]

# Relative size of the move: the rule is piecewise smooth, so the error is rounding over the step.
STEP = 1e-6
# Of rules in integers: every figure is rounded to a quantum, so the move must be far larger.
STEP_OF_INTEGERS = 1e-3


@dataclass(frozen=True, slots=True)
class Contribution:
    """One position's share, in the currency of its pool."""

    label: str
    quantity: float
    value: float


@dataclass(frozen=True, slots=True)
class Contributions:
    """Lines of one row and what is fixed; ``sum(lines) + fixed`` is the column's value."""

    column: str
    currency: str
    lines: tuple[Contribution, ...]
    fixed: float


def contributions(requirement: Requirement, row: int, column: str = "im") -> Contributions:
    """The contributions of the positions of one row to one column of its sheet."""
    pool_number = int(requirement.sheet.pool[row])
    pool = requirement.plan.pools[pool_number]
    priced = requirement.priced[pool_number]
    account = int(requirement.sheet.account[row])
    held = cut(requirement.book.rows(account, account + 1), pool, account)
    held = with_equity_rows(priced, held) if priced.risk is not None else held
    part = pool.instruments
    # A balance is a line of its own where the rule puts it at risk (a coin in a dollar pool).
    risky = part.kind != Kind.ASSET
    if priced.risk is not None:
        risky = risky | (priced.risk.pnl != 0.0).any(axis=1)
    moving = np.flatnonzero(risky[held.column] & (held.quantity != 0.0))
    total = float(requirement.sheet[column][row])
    shares = np.zeros(len(moving))
    model = requirement.via
    if len(moving):
        homogeneous = requirement.model.scale is ScaleLaw.HOMOGENEOUS
        step = STEP_OF_INTEGERS if requirement.model.quantum > 0.0 else STEP

        def values(quantity: Floats) -> Floats:
            answer = model.margin(priced, population(held, quantity), requirement.parameters)
            return smooth(answer.sheet, column)

        def gradient(t: Floats, steps: Floats) -> Floats:
            small = np.minimum(steps, step)
            found = [
                values(_variants(held, moving, at, own))
                for at, own in zip(t.tolist(), small.tolist(), strict=True)
            ]
            moves = (2.0 * small * t)[:, None]
            return np.array([each[0::2] - each[1::2] for each in found]) / moves

        if homogeneous:
            shares = gradient(np.ones(1), np.array([step]))[0]
        else:
            ray = along_ray(lambda t: values(_scaled(held, moving, t)), gradient)
            noise = NOISE_OF_INTEGERS if requirement.model.quantum > 0.0 else NOISE
            shares = made_whole(ray.mean, ray.moved, noise)
    lines = tuple(
        Contribution(part.label(int(held.column[j])), float(held.quantity[j]), float(share))
        for j, share in zip(moving.tolist(), shares.tolist(), strict=True)
    )
    return Contributions(column, pool.currency, lines, total - float(sum(shares.tolist())))


def _scaled(held: PoolBook, moving: np.ndarray, t: Floats) -> Floats:
    """[T, n] quantities of the book with its moving positions at each ``t``."""
    inside = np.isin(np.arange(len(held.column)), moving)
    return np.asarray(np.where(inside, t[:, None] * held.quantity, held.quantity))


def _variants(held: PoolBook, moving: np.ndarray, t: float, step: float) -> Floats:
    """Two accounts a position: the book at ``t`` with that position moved up, and down."""
    quantity = np.repeat(_scaled(held, moving, np.array([t])), 2 * len(moving), axis=0)
    rows = np.arange(len(moving))
    quantity[2 * rows, moving] *= 1.0 + step
    quantity[2 * rows + 1, moving] *= 1.0 - step
    return quantity


def population(held: PoolBook, quantity: Floats, *, with_orders: bool = False) -> PoolBook:
    """Variants ``[V, n]`` of the one account of a block: the same instruments, other quantities.

    Orders and holds are left out, or repeated for every variant ``with_orders``.
    """
    count, size = quantity.shape
    row = frozen(np.arange(count + 1) * size, np.int64)
    column = frozen(np.tile(held.column, count), np.int32)
    flat = frozen(quantity.reshape(-1), np.float64)
    nothing = frozen(np.zeros(count * size), np.float64)
    unknown = frozen(np.zeros(count * size, np.bool_), np.bool_)
    book: Book = replace(
        held.book,
        account=tuple(str(k) for k in range(count)),
        row=row,
        column=column,
        quantity=flat,
        entry_price=nothing,
        entry_known=unknown,
        orders=_repeated(held.book.orders, count) if with_orders else Orders.none(count),
        reported=Reported(holds=_holds(held.book, count) if with_orders else {}),
        choices={},
        lines=(),
    )
    account = frozen(np.arange(count), np.int32)
    return PoolBook(row, column, flat, nothing, unknown, account, book)


def _repeated(orders: Orders, count: int) -> Orders:
    """The orders of one account as those of ``count`` accounts."""
    size = len(orders.column)
    return Orders(
        row=frozen(np.arange(count + 1) * size, np.int64),
        column=frozen(np.tile(orders.column, count), np.int32),
        bid=frozen(np.tile(orders.bid, count), np.float64),
        ask=frozen(np.tile(orders.ask, count), np.float64),
        limit_price=frozen(np.tile(orders.limit_price, count), np.float64),
        reduce_only=frozen(np.tile(orders.reduce_only, count), np.bool_),
        mmp=frozen(np.tile(orders.mmp, count), np.bool_),
        group=orders.group * count,
    )


def _holds(book: Book, count: int) -> dict[tuple[str, str], Mapping[str, float]]:
    """What the venue holds of one account, for each of ``count`` accounts."""
    own = {c: held for (name, c), held in book.reported.holds.items() if name == book.account[0]}
    return {(str(k), currency): held for k in range(count) for currency, held in own.items()}


def smooth(sheet: Sheet, name: str) -> Floats:
    """A column recomputed from the leaves with rounding left out."""
    columns = {column.name: column for column in sheet.columns}

    def value(node: str) -> Floats:
        column = columns[node]
        if column.operator == "leaf":
            return sheet[node]
        parts = [value(child) for child in column.children]
        if column.operator in ("round", "scale"):
            factor = column.constant if column.operator == "scale" else 1.0
            return parts[0] * factor
        if column.operator == "difference":
            return parts[0] - parts[1]
        if column.operator == "product":
            return parts[0] * parts[1]
        out = parts[0]
        for part in parts[1:]:
            if column.operator == "sum":
                out = out + part
            else:
                out = np.maximum(out, part) if column.operator == "max" else np.minimum(out, part)
        return out

    return value(name)
