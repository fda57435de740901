"""Equity by currency: balances, open profit, option value, what the venue reports, tiers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crossmargin.conformance.world import one_account, subject_of, world_of
from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book, Reported
from crossmargin.margin import Requirement, model_named, run
from crossmargin.margin.families.currency_equity import (
    CurrencyEquity,
    currency_codes,
    currency_equity,
    step_rates,
)
from crossmargin.margin.pools import cut

SUBJECT = subject_of(model_named("okx-pm"))
PERPETUAL, COIN, CALL = "BTC_USDT-PERPETUAL", "BTC_BTC-PERPETUAL", "BTC_BTC-30-64000-C"


def found_of(book: Book) -> tuple[Requirement, CurrencyEquity, tuple[str, ...]]:
    found = run(book, world_of(SUBJECT).view, SUBJECT.model, SUBJECT.parameters)
    priced = found.priced[-1]
    names, code = currency_codes(priced.pool.instruments)
    return found, currency_equity(priced, cut(book, priced.pool, 0), names, code), names


def of(table: np.ndarray, names: tuple[str, ...], name: str) -> float:
    return float(table[0, names.index(name)])


def with_entry(book: Book, name: str, price: float) -> Book:
    place = {item.native_id: k for k, item in enumerate(book.instruments.items)}
    lines = [
        replace(line, entry_price=price if line.column == place[name] else line.entry_price)
        for line in book.lines
    ]
    return Book.of(book.instruments, lines, reported=book.reported)


def test_profit_is_added_and_a_premium_is_in_the_balance_already() -> None:
    book, world = one_account(SUBJECT, {"USDT": 1000.0, "BTC": 1.0, PERPETUAL: 2.0, CALL: 3.0})
    book = with_entry(with_entry(book, PERPETUAL, 64_000.0), CALL, 0.01)
    _, equity, names = found_of(book)
    place = {item.native_id: k for k, item in enumerate(world.instruments.items)}
    assert of(equity.cash, names, "USDT") == 1000.0
    assert of(equity.unrealised, names, "USDT") == pytest.approx(2.0 * 64_000.0 * 0.0004)
    assert of(equity.cash, names, "BTC") == 1.0
    assert of(equity.unrealised, names, "BTC") == 0.0
    value = 3.0 * float(world.view.mark[place[CALL]])
    assert of(equity.option_value, names, "BTC") == pytest.approx(value, rel=1e-12)
    assert equity.source.tolist() == [2]


def test_an_inverse_contract_gains_coin() -> None:
    book, world = one_account(SUBJECT, {"BTC": 1.0, COIN: 64_000.0})
    _, equity, names = found_of(with_entry(book, COIN, 60_000.0))
    mark = 64_000.0 * 1.0004
    assert of(equity.unrealised, names, "BTC") == pytest.approx(64_000.0 * (1 / 6e4 - 1 / mark))
    assert world.view.usd.min() >= 0.0


def test_without_a_balance_equity_is_the_profit_since_entry() -> None:
    book, _ = one_account(SUBJECT, {CALL: -2.0})
    _, equity, names = found_of(with_entry(book, CALL, 0.05))
    assert of(equity.cash, names, "BTC") == 0.1  # the premium received
    assert equity.source.tolist() == [3]
    _, bare, _ = found_of(book)
    assert bare.source.tolist() == [0]
    assert of(bare.cash, names, "BTC") == 0.0


def test_what_the_venue_reports_stands() -> None:
    book, _ = one_account(SUBJECT, {"USDT": 1000.0, "BTC": 1.0, CALL: 1.0})
    book = replace(book, reported=Reported(equity={("a", "USDT"): -250.0}))
    found, equity, names = found_of(book)
    assert of(equity.total(), names, "USDT") == -250.0
    assert of(equity.total(), names, "BTC") == pytest.approx(0.0, abs=1e-15)  # not named: empty
    assert equity.source.tolist() == [1]
    assert float(found.sheet["borrowed"][-1]) == pytest.approx(250.0 * 1.0003)


def test_a_currency_that_nobody_holds_is_refused() -> None:
    book, _ = one_account(SUBJECT, {"USDT": 1.0})
    book = replace(book, reported=Reported(equity={("a", "DOGE"): 1.0}))
    with pytest.raises(InputError) as told:
        found_of(book)
    assert told.value.code == "currency_unknown"
    assert told.value.value == "'DOGE'"


def test_dollars_are_added_currency_by_currency() -> None:
    units = np.array([[1.0, 2.0], [0.0, -1.0]])
    assert CurrencyEquity.in_dollars(units, np.array([10.0, 0.5])).tolist() == [11.0, -0.5]


def test_a_tier_holds_its_edge_and_the_last_rates_go_on() -> None:
    edges, rates = np.array([10.0, 20.0]), np.array([[0.02, 0.1], [0.03, 0.2]])
    found, beyond = step_rates(np.array([0.0, 10.0, 10.5, 21.0]), edges, rates)
    assert found[:, 0].tolist() == [0.02, 0.02, 0.03, 0.03]
    assert beyond.tolist() == [False, False, False, True]
