"""Lots after a trade: sums of decimals, entry prices, and the profit of what is closed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crossmargin.conformance.world import Subject
from crossmargin.instruments.book import Book, Line
from tests.margin.accounts_before_trades import SUBJECTS, account, prepared_for

PARADEX: Subject = next(each for each in SUBJECTS if each.name == "paradex-pm")
SEGREGATED: Subject = next(each for each in SUBJECTS if each.name == "deribit-spm")


def test_quantities_are_summed_as_they_were_written() -> None:
    base = account(SEGREGATED, 1, "balances")
    line = base.lines[0]
    lots = [replace(line, quantity=q) for q in (0.1, 0.2)]
    book = Book.of(base.instruments, [*lots, *base.lines[1:]], (), None, ("a",))
    ground = prepared_for(SEGREGATED, book).ground
    assert ground.lots.total(line.column, [0.3, -0.6]) == 0.0  # floats alone leave 1e-17
    assert ground.lots.total(line.column, [1e-20]) == 0.3


def test_a_lot_carries_its_price_where_the_book_keeps_prices() -> None:
    ground = prepared_for(SEGREGATED, account(SEGREGATED, 1, "balances and entries")).ground
    assert ground.lots.keeps_entries
    silent = prepared_for(SEGREGATED, account(SEGREGATED, 1, "balances")).ground
    assert not silent.lots.keeps_entries


def test_closing_books_the_profit_of_the_position() -> None:
    """Paradex: open profit is not in the balance, so a closed position brings it there."""
    base = account(PARADEX, 2, "balances and entries")
    kinds = base.instruments.strike
    held = next(each for each in base.lines if kinds[each.column] > 0.0)
    prepared = prepared_for(PARADEX, base, fee=0.0)
    from crossmargin.margin.whatif_trades import Leg

    price = 100.0
    fill = prepared.fill(Leg(held.column, -held.quantity, price))
    assert held.entry_price is not None
    ((column, cash),) = prepared.ground.lots.flows([fill])
    assert column == held.column
    assert cash == pytest.approx(held.quantity * (price - held.entry_price))
    more = prepared.fill(Leg(held.column, held.quantity, price))
    assert prepared.ground.lots.flows([more]) == [(held.column, 0.0)]  # the lot carries its gain
    (lot,) = prepared.ground.lots.after(held.column, [fill])
    assert lot == Line("a", held.column, 0.0, price, (), None, "what-if")
