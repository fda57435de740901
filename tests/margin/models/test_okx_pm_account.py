"""OKX's account row: tiers, discounts, orders, what is not known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crossmargin.conformance.world import one_account, subject_of, world_of
from crossmargin.instruments.book import Book, Order
from crossmargin.margin import Parameters, model_named, run
from crossmargin.margin.models.okx_pm_account import Account, account_of
from crossmargin.margin.parameter_files import Entry
from crossmargin.margin.pools import cut

SUBJECT = subject_of(model_named("okx-pm"))
TIERS = [[1000.0, 0.02, 0.1], [5000.0, 0.05, 0.2]]


def told(**lists: list[list[float]]) -> Parameters:
    """The set with the venue's own tables of a payload: borrow_USDC, discount_BTC, …"""
    entries = dict(SUBJECT.parameters.entries)
    for name, value in lists.items():
        table, currency = name.split("_")
        entries[f"{table}.{currency}.tiers"] = Entry(value, "as given", "the venue's payload")
    return replace(SUBJECT.parameters, entries=entries)


def account(book: Book, parameters: Parameters = SUBJECT.parameters) -> Account:
    found = run(book, world_of(SUBJECT).view, SUBJECT.model, parameters)
    return account_of(found.priced[-1], cut(book, found.plan.pools[-1], 0), parameters)


def test_the_tier_of_the_whole_amount_is_charged() -> None:
    parameters = told(borrow_USDC=TIERS)
    for units, mmr, beyond in (
        (-800.0, 0.02, False),
        (-2000.0, 0.05, False),
        (-9000.0, 0.05, True),
    ):
        found = account(one_account(SUBJECT, {"USDC": units, "USDT": 1e5})[0], parameters)
        assert float(found.borrowed[0]) == pytest.approx(-units * 0.9995)
        assert float(found.borrow_mmr[0]) == pytest.approx(-units * 0.9995 * mmr)
        assert found.at_least.tolist() == [beyond]


def test_a_currency_without_rates_is_charged_nothing_and_said_so() -> None:
    found = account(one_account(SUBJECT, {"USDC": -800.0})[0])
    assert float(found.borrowed[0]) > 0.0
    assert (found.rated.tolist(), found.borrow_imr.tolist()) == ([0.0], [0.0])
    assert found.at_least.tolist() == [True]


def test_discounts_go_slice_by_slice() -> None:
    parameters = told(discount_BTC=[[1.0, 0.95], [1e15, 0.5]])
    found = account(one_account(SUBJECT, {"BTC": 3.0})[0], parameters)
    assert float(found.discount[0]) == pytest.approx((0.05 + 2 * 0.5) * 64_000.0)
    assert found.at_least.tolist() == [False]


def test_nothing_is_borrowed_by_an_account_that_says_nothing_of_its_balances() -> None:
    found = account(one_account(SUBJECT, {"BTC_BTC-30-64000-C": -1.0})[0])
    assert found.source.tolist() == [0]
    assert found.borrowed.tolist() == [0.0]
    assert found.at_least.tolist() == [True]


def test_a_fill_that_costs_is_borrowed() -> None:
    book, world = one_account(SUBJECT, {"USDT": 100.0})
    column = next(k for k in world.rows(lambda i: i.native_id == "BTC_USDT-PERPETUAL"))
    mark = float(world.view.mark[column])
    order = Order("a", column, 1, 2.0, mark + 500.0)
    book = Book.of(book.instruments, book.lines, [order])
    found = account(book)
    assert float(found.orders[0]) == pytest.approx(0.1 * (1000.0 - 100.0) * 1.0003)
    cheap = Book.of(book.instruments, book.lines, [replace(order, limit_price=mark - 5.0)])
    assert account(cheap).orders.tolist() == [0.0]


def test_a_row_of_nothing() -> None:
    found = Account.nothing(np.array([True, False]))
    assert found.at_least.tolist() == [True, False]
    assert all(not values.any() for values in found[:-2])
