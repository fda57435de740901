"""The protocol of every liquidation: an account and a market in, steps and the book left out.

A market is what a moment looks like through the account's own table, so that a path of prices, a
replay and a frozen snapshot are the same thing to a mechanics. Steps are in order of time; every
step holds the book that it leaves. Nothing here is drawn: whoever bids, bids as the caller says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from crossmargin.core.arrays import frozen
from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.model import MarginModel
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.run import run
from crossmargin.market.view import View

__all__ = ["Levels", "Market", "Mechanics", "Outcome", "Step", "levels_of", "scaled"]

Market = Callable[[int], View]  # the view at a moment, UTC milliseconds


@dataclass(frozen=True, slots=True)
class Levels:
    """Of one account, in the model's currency: balances are counted minus requirement."""

    value: float  # mark-to-market of everything, cash included
    mm: float  # maintenance balance: under 0 the account may be liquidated


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened to the account.

    ``share`` of what it then held was taken over or closed, ``cash`` came into it (negative: left
    it), in the model's currency; ``figures`` are what the step was decided by.
    """

    at_ms: int
    what: str
    share: float
    cash: float
    left: Book
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The steps, the book that is left, and why it ended; "" while it is still under way."""

    steps: tuple[Step, ...]
    left: Book
    ended: str


class Mechanics(Protocol):
    """A venue's way to liquidate; parameters of its own are fields of the class."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    def run(self, account: Book, market: Market, start_ms: int) -> Outcome:
        """What is done to an account of one row from ``start_ms`` on."""
        ...


def levels_of(book: Book, view: View, model: MarginModel, parameters: Parameters) -> Levels:
    """Levels of a book of one account under a model, all its pools together.

    Pools of one currency add up. Raises InputError ``shape_wrong`` for a book of several accounts,
    and ``currency_unknown`` where pools are of different currencies; ModelError of the model.
    """
    if len(book) != 1:
        raise InputError(
            "shape_wrong",
            "one account is liquidated at a time",
            value=len(book),
            limit="1 account",
            remedy="Cut the account out of the population.",
        )
    found = run(book, view, model, parameters)
    if found.failures:
        failure = found.failures[0]
        raise InputError(failure.code, failure.reason, place=failure.subject)
    currencies = sorted({pool.currency for pool in found.plan.pools})
    if len(currencies) > 1:
        raise InputError(
            "currency_unknown",
            "pools of different currencies have no level together",
            place=book.account[0],
            value=", ".join(currencies),
            limit="one currency",
            remedy="Liquidate pool by pool.",
        )
    sheet = found.sheet
    balance = sheet["counted_mm"] - sheet["mm"]
    return Levels(value=float(sheet["equity"].sum()), mm=float(balance.sum()))


def scaled(book: Book, factor: float, cash: str, amount: float) -> Book:
    """The book of one account with every line times ``factor``, but ``cash`` set to ``amount``.

    Entry prices stay, so unsettled profit goes with the positions. Orders are gone: a venue cancels
    them first. Raises InputError ``currency_unknown`` for an account without a line of that cash.
    """
    items = book.instruments.items
    is_cash = [
        items[c].kind == Kind.ASSET and items[c].underlying == cash for c in book.column.tolist()
    ]
    if sum(is_cash) != 1:
        raise InputError(
            "currency_unknown",
            "the account has no line on which the cash of a liquidation could stand",
            place=book.account[0],
            value=cash,
            remedy="Give its balance, 0 if it has none.",
        )
    quantity = np.where(is_cash, amount, book.quantity * factor)
    bare = Book.of_arrays(
        book.instruments, book.row, book.column, frozen(quantity, np.float64), book.account
    )
    return replace(bare, entry_price=book.entry_price, entry_known=book.entry_known)
