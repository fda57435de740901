"""Accounts on the sample market, prepared once for the tests of protection."""

from __future__ import annotations

from functools import cache

from crossmargin.decisions.hedge_chain import Chain, chains_of
from crossmargin.decisions.hedge_finder import Field
from crossmargin.decisions.price_grid import BookWorth
from crossmargin.decisions.protection import Ask, Protection, protect
from crossmargin.interfaces.protect import _tradable
from crossmargin.interfaces.sources import book_of, snapshot_of
from crossmargin.interfaces.whatif import PreparedBook, prepare


@cache
def prepared(name: str = "holder") -> PreparedBook:
    """``holder`` (ten coins), ``perp`` (dollars and a bought perpetual) or a sample book."""
    if name.startswith("sample:"):
        book = book_of(name)
    elif name == "perp":
        book = book_of(
            [{"type": "balance", "account": "a", "venue": "deribit", "currency": "USDC",
              "quantity": 400_000.0},
             {"type": "position", "account": "a", "venue": "deribit",
              "instrument": "BTC-PERPETUAL", "quantity": 400_000.0}]
        )  # fmt: skip
    else:
        book = book_of(
            [{"type": "balance", "account": "a", "venue": "deribit", "currency": "BTC",
              "quantity": 10.0}]
        )  # fmt: skip
    snapshot = snapshot_of("sample:market")
    return prepare(book, snapshot, "deribit-xpm", _tradable(book, snapshot, "BTC"))


@cache
def answer(name: str = "holder", ask: Ask | None = None) -> Protection:
    """The finder's answer for that account."""
    ready = prepared(name)
    view, _ = ready.seen()
    return protect(ready.core, ready.book, view, ready.snapshot, ask or Ask("BTC"))


@cache
def worth_of(name: str = "holder") -> BookWorth:
    """The account on prices of BTC."""
    ready = prepared(name)
    view, _ = ready.seen()
    return BookWorth.of(ready.book, view, "BTC", ready.core.before.equity_usd)


def field_of(
    name: str = "holder", floor: float = 0.8, response: float = 0.0, lot: float = 0.1
) -> Field:
    """A floor in dollars, with the bounds of the verb."""
    worth = worth_of(name)
    return Field(worth, floor * worth.equity_usd, 0.0, 0.5, 0.2, response, lot, 20.0)


@cache
def chains(name: str = "holder") -> tuple[Chain, ...]:
    """Every expiry that is quoted."""
    ready = prepared(name)
    view, _ = ready.seen()
    terms = ready.core.desk.schedule.of
    return tuple(chains_of(worth_of(name).lines, view, terms, set(ready.core.column)))
