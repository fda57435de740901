"""What holds for the margin of open orders under every model that margins them."""

from __future__ import annotations

from itertools import product

import numpy as np

from crossmargin.conformance.checks import answers, margined
from crossmargin.conformance.world import (
    Subject,
    accounts_of,
    random_lines,
    random_orders,
    world_of,
)
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.pools import cut

__all__ = [
    "orders_are_local",
    "orders_cost_or_cost_nothing",
    "worst_fill_is_an_upper_bound",
]


def orders_are_local(subject: Subject) -> None:
    """Orders in any sequence, accounts in any block and alone: the same bits."""
    world, rng = world_of(subject), np.random.default_rng(61)
    lines, orders = random_lines(world, 61), random_orders(world, 61)
    names = accounts_of()
    book = Book.of(world.instruments, lines, orders, accounts=names)
    whole = answers(margined(subject, book))
    mixed = [orders[k] for k in rng.permutation(len(orders)).tolist()]
    again = Book.of(world.instruments, lines, mixed, accounts=names)
    assert answers(margined(subject, again, block=3, threads=2)) == whole
    for a in (0, 1, 2):
        alone = answers(margined(subject, book.rows(a, a + 1)))
        assert alone.items() <= whole.items()


def orders_cost_or_cost_nothing(subject: Subject) -> None:
    """An order never lowers the initial requirement and never touches what keeps one alive.

    Unless the model says that its maintenance margin counts orders: then it never lowers that.
    """
    world = world_of(subject)
    lines, orders = random_lines(world, 62), random_orders(world, 62)
    names = accounts_of()
    without = margined(subject, Book.of(world.instruments, lines, accounts=names)).sheet
    sheet = margined(subject, Book.of(world.instruments, lines, orders, accounts=names)).sheet
    slack = 1e-9 * (1.0 + np.abs(sheet["im"]))
    assert (sheet["im"] >= without["im"] - slack).all()
    if "order_margin" in sheet or "open_orders_margin" in sheet:
        assert (sheet["im"] > without["im"] + slack).any(), "no order costs anything"
    if subject.model.spec.orders_in_mm:
        assert (sheet["mm"] >= without["mm"] * (1.0 - 1e-9)).all()
    else:
        assert sheet["mm"].tobytes() == without["mm"].tobytes()
    idle = ~np.isin(sheet.account, [names.index(order.account) for order in orders])
    assert (sheet["im"] == without["im"])[idle].all()


def worst_fill_is_an_upper_bound(subject: Subject) -> None:
    """No subset of fills needs more than the worst fill: all subsets of up to four orders.

    The fill's own loss against the mark counts. Premium moves cash, which a model in dollars
    margins; there only futures are ordered.
    """
    world = world_of(subject)
    lines, orders = random_lines(world, 63, 16, 6), random_orders(world, 63, 16)
    items = world.instruments.items
    if subject.model.spec.currency == "USD":
        orders = [order for order in orders if items[order.column].kind != Kind.OPTION]
    names = accounts_of(16)
    book = Book.of(world.instruments, lines, orders, accounts=names)
    found = margined(subject, book)
    for row in range(len(found.sheet)):
        a, number = int(found.sheet.account[row]), int(found.sheet.pool[row])
        priced, pool = found.priced[number], found.plan.pools[number]
        held = cut(book.rows(a, a + 1), pool, 0)
        need = subject.model.order_need(priced, held, subject.parameters)
        if need is None or not len(need.fills):
            continue
        fills = need.fills
        im = float(found.sheet["im"][row])
        assert im >= float(need.need[0]) * (1.0 - 1e-9) - 1e-8, "the worst fill is not covered"
        for chosen in product((0.0, 1.0), repeat=len(fills)):
            filled = [
                Line(names[a], int(pool.columns[column]), float(size) * yes)
                for column, size, yes in zip(fills.column, fills.size, chosen, strict=True)
            ]
            own = [line for line in lines if line.account == names[a]]
            after = margined(subject, Book.of(world.instruments, own + filled))
            at = after.sheet.pool.tolist().index(number)
            needs = float(after.sheet["im"][at]) - float(np.dot(chosen, fills.gain))
            assert needs <= float(need.need[0]) * (1.0 + 1e-9) + 1e-8, (names[a], chosen)
