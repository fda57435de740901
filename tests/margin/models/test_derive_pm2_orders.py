"""Worst fills under Derive's rules: scenarios, basis and contingencies each at its own."""

from __future__ import annotations

import pytest

from crossmargin.instruments.book import Book, Line, Order
from crossmargin.instruments.contracts import Instrument, Instruments
from crossmargin.margin import Requirement, model_named, run
from tests.margin.models.test_derive_pm2 import AS_OF_MS, NEWEST, PERPETUAL, VOL, call
from tests.vectors.building import Dated, Facts, Quote, view_of

PERP_MARK = 51_000.0


def margined(
    held: dict[Instrument, float], orders: list[tuple[Instrument, float, float]]
) -> Requirement:
    """Orders of (contract, signed size, limit)."""
    table = Instruments.of([PERPETUAL, *held, *(item for item, _, _ in orders)])
    place = table.index_of()
    facts = Facts(
        AS_OF_MS,
        {("BTC", "USD"): 50_000.0},
        {"BTC": 50_000.0, "USDC": 1.0, "USD": 1.0},
        {key[3]: Dated(50_000.0, key[3] - AS_OF_MS) for key in table.expiries},
        {i.native_id: Quote(PERP_MARK if i is PERPETUAL else 3_000.0, VOL) for i in table.items},
    )
    lines = [Line("a", place[item.key], size) for item, size in held.items()]
    made = [
        Order("a", place[item.key], 1 if x > 0 else -1, abs(x), limit) for item, x, limit in orders
    ]
    book = Book.of(table, lines, made, accounts=("a",))
    return run(book, view_of(table, facts), model_named("derive-pm2"), NEWEST)


def margin_of(
    held: dict[Instrument, float], orders: list[tuple[Instrument, float, float]]
) -> float:
    return float(margined(held, orders).sheet["order_margin"][0])


def test_a_perpetual_order_is_its_scenario_and_its_contingencies() -> None:
    """Buy 1 at the mark: 18 % of 51,000, and 3 % + 1 % of the spot."""
    wanted = 0.18 * PERP_MARK + 0.04 * 50_000.0
    assert margin_of({}, [(PERPETUAL, 1.0, PERP_MARK)]) == pytest.approx(wanted, rel=1e-10)


def test_an_order_that_only_reduces_costs_nothing() -> None:
    assert margin_of({PERPETUAL: 2.0}, [(PERPETUAL, -1.0, PERP_MARK)]) == pytest.approx(
        0.0, abs=1e-8
    )


def test_a_loss_against_the_mark_is_not_multiplied_by_the_factor() -> None:
    """Buy 1 at 500 over the mark: exactly 500 more."""
    plain = margin_of({}, [(PERPETUAL, 1.0, PERP_MARK)])
    dear = margin_of({}, [(PERPETUAL, 1.0, PERP_MARK + 500.0)])
    assert dear - plain == pytest.approx(500.0, rel=1e-9)


def test_a_sold_option_brings_its_naked_charge() -> None:
    """At least (0.3 + 0.2) % of the spot a unit beside the scenarios; maintenance is unmoved."""
    item = call()
    found = margined({}, [(item, -2.0, 3_000.0)])
    filled = margined({item: -2.0}, [])
    cost = float(found.sheet["order_margin"][0])
    assert cost >= 2.0 * 0.005 * 50_000.0
    assert cost >= float(filled.sheet["im"][0]) - 1e-8
    assert float(found.sheet["mm"][0]) == 0.0
