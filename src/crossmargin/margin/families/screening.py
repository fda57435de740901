"""Yes or no for a population of an integer model: floats for most accounts, integers for the rest.

A model that counts in integers costs microseconds an account; which accounts fall short is asked of
millions. So each account is first bounded in floats, all of a block at once:

    surplus in [floats - slack, floats + slack]        slack covers every rounding on the way

Where that interval lies on one side of zero the answer is certain; the others are recomputed in
integers. The answers are those of the integers for every account; the figures of an account that
was not recomputed are the floats.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from crossmargin.core.arrays import Bools, Floats, Ints, frozen
from crossmargin.core.errors import ModelError
from crossmargin.instruments.book import Book
from crossmargin.margin.model import MarginModel, PoolBook, Priced
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import cut, restrict
from crossmargin.margin.selection import accounts_where
from crossmargin.market.view import View

__all__ = ["LEVELS", "Bounded", "Bounds", "Screened", "screen"]

LEVELS = ("im", "mm")


@dataclass(frozen=True, slots=True)
class Bounds:
    """[A] what counts and what is needed, in the pool's currency, and how far floats may be off.

    ``slack`` bounds the error of ``counted - needed`` against the integers.
    """

    counted: Floats
    needed: Floats
    slack: Floats


class Bounded(MarginModel, Protocol):
    """An integer model that can bound a block of accounts in floats.

    Its sheet has ``surplus_im`` and ``surplus_mm``: the exact difference, rounded once.
    """

    def bounds(
        self, priced: Priced, held: PoolBook, parameters: Parameters, level: str
    ) -> Bounds | None:
        """The bounds of a block at a level; None where floats cannot bound this book."""
        ...


@dataclass(frozen=True, slots=True)
class Screened:
    """One pool of a population: ``passes[A]`` is exact, ``counted`` and ``needed`` are figures.

    ``exact[A]`` marks the accounts that were recomputed in integers; their figures are exact too.
    """

    pool: str
    passes: Bools
    counted: Floats
    needed: Floats
    exact: Bools


def screen(
    book: Book, view: View, model: Bounded, parameters: Parameters, level: str = "mm"
) -> tuple[Screened, ...]:
    """Which accounts hold ``level`` ("im" or "mm"), one answer a pool of the model's plan.

    ``passes`` equals ``surplus >= 0`` of the model's own integers for every account. Raises
    ModelError ``option_unknown`` for another level, and what the model raises.
    """
    if level not in LEVELS:
        raise ModelError(
            "option_unknown",
            "no such level",
            value=level,
            limit=", ".join(LEVELS),
            remedy="Ask for im or mm.",
        )
    found = []
    for pool in model.plan(book.instruments, parameters).pools:
        priced = model.price(pool, restrict(view, book.instruments, pool), parameters)
        bounds = model.bounds(priced, cut(book, pool, 0), parameters, level)
        count = len(book)
        if bounds is None:
            zero = np.zeros(count)
            bounds = Bounds(zero, zero, np.full(count, np.inf))
        surplus = bounds.counted - bounds.needed
        passes = surplus >= 0.0
        near = ~(np.abs(surplus) > bounds.slack)
        counted, needed = bounds.counted.copy(), bounds.needed.copy()
        if near.any():
            held = cut(accounts_where(book, near), pool, 0)
            sheet = model.margin(priced, held, parameters).sheet
            rows = _rows(near)
            passes[rows] = sheet[f"surplus_{level}"] >= 0.0
            counted[rows], needed[rows] = sheet[f"counted_{level}"], sheet[level]
        found.append(
            Screened(
                pool.label,
                frozen(passes, np.bool_),
                frozen(counted, np.float64),
                frozen(needed, np.float64),
                frozen(near, np.bool_),
            )
        )
    return tuple(found)


def _rows(flags: Bools) -> Ints:
    return np.flatnonzero(flags).astype(np.int32)
