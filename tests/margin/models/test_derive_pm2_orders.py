"""Worst fills under Derive's rules: scenarios, basis and contingencies each at its own."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from crossmargin.core.clock import YEAR_MS
from crossmargin.instruments.book import Book, Line, Order
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.margin import Requirement, model_named, run
from crossmargin.margin.order_rules import order_rules
from crossmargin.margin.parameter_files import overlay
from tests.margin.every_fill import BARE
from tests.margin.models.test_derive_pm2 import AS_OF_MS, NEWEST, PERPETUAL, VOL, call
from tests.oracle.black import price as black
from tests.vectors.building import Dated, Facts, Quote, delta_one, view_of

PERP_MARK = 51_000.0


Orders = list[tuple[Instrument, float, float]]


def margined(
    held: dict[Instrument, float],
    orders: Orders,
    *,
    reads: dict[str, dict[str, float]] | None = None,
    changes: dict[str, Any] | None = None,
) -> Requirement:
    """Orders of (contract, signed size, limit)."""
    table = Instruments.of([PERPETUAL, *held, *(item for item, _, _ in orders)])
    place = table.index_of()
    facts = Facts(
        AS_OF_MS,
        {("BTC", "USD"): 50_000.0},
        {"BTC": 50_000.0, "USDC": 1.0, "USD": 1.0},
        {key[3]: Dated(50_000.0, key[3] - AS_OF_MS) for key in table.expiries},
        {i.native_id: Quote(_mark(i), VOL) for i in table.items},
        reads or {},
    )
    lines = [Line("a", place[item.key], size) for item, size in held.items()]
    made = [
        Order("a", place[item.key], 1 if x > 0 else -1, abs(x), limit) for item, x, limit in orders
    ]
    book = Book.of(table, lines, made, accounts=("a",))
    parameters = overlay(NEWEST, changes, "test") if changes else NEWEST
    return run(book, view_of(table, facts), model_named("derive-pm2"), parameters)


def _mark(item: Instrument) -> float:
    if item.kind == Kind.PERPETUAL:
        return PERP_MARK
    return black(item.right, 50_000.0, item.strike, VOL, (item.expiry_ms - AS_OF_MS) / YEAR_MS)


def gap(held: dict[Instrument, float], orders: Orders, **how: Any) -> float:
    """How far the requirement with orders is above the worst of all sets of fills, all at mark."""
    found = float(margined(held, orders, **how).sheet["im"][0])
    worst = 0.0
    for chosen in product((False, True), repeat=len(orders)):
        after = dict(held)
        cost = 0.0
        for yes, (item, size, limit) in zip(chosen, orders, strict=True):
            if yes:
                after[item] = after.get(item, 0.0) + size
                cost += size * (limit - _mark(item))
        # Every contract stays in the table: what is not held is there with nothing.
        bare = {**dict.fromkeys([i for i, _, _ in orders], 0.0), **after}
        worst = max(worst, float(margined(bare, [], **how).sheet["im"][0]) + cost)
    return found - worst


def margin_of(held: dict[Instrument, float], orders: Orders) -> float:
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


def test_perpetuals_do_not_net_line_by_line() -> None:
    """Long 10 of one line, short 10 of another: an order for 1 more is charged on 21 coins."""
    other = delta_one("derive", "BTC-PERP for a future", underlying="BTC", settle="USDC")
    held = {PERPETUAL: 10.0, other: -10.0}
    found = margined(held, [(other, -1.0, PERP_MARK)]).sheet
    filled = margined({PERPETUAL: 10.0, other: -11.0}, []).sheet
    assert float(found["im"][0]) == pytest.approx(float(filled["im"][0]), rel=1e-12)
    charge = float(filled["mm_perp_contingency"][0] + filled["im_perp_contingency"][0])
    assert charge == pytest.approx(21.0 * 0.04 * 50_000.0, rel=1e-12)


@pytest.mark.parametrize(
    "reads",
    [
        {"perp_confidence": {"BTC": 0.2}},  # a perpetual filled makes the options held doubtful
        {"spot_confidence": {"BTC": 0.3}},
        {"vol_confidence": {"30-50000-1": 0.1}},  # one option makes its whole expiry doubtful
        {"forward_confidence": {str(AS_OF_MS + 30 * 86_400_000): 0.4}},
    ],
    ids=lambda reads: next(iter(reads)),
)
def test_low_confidence_is_bounded_whatever_fills(reads: dict[str, dict[str, float]]) -> None:
    held = {call(30.0, 55_000.0): 4.0, call(60.0, 50_000.0): -2.0}
    near = call(30.0, 50_000.0)
    orders = [
        (PERPETUAL, 0.01, PERP_MARK),
        (near, 1.0, _mark(near)),
        (call(30.0, 55_000.0), -3.0, _mark(call(30.0, 55_000.0))),
        (call(60.0, 50_000.0), -1.0, _mark(call(60.0, 50_000.0)) - 10.0),
    ]
    assert gap(held, orders, reads=reads) >= -1e-7


def test_a_concave_expiry_is_exact() -> None:
    """What is good counts less, what is bad more, skews and charges left out: the set itself."""
    scenarios = [
        row for row in NEWEST.get("market.BTC.scenarios") if row[1] not in ("linear", "abs")
    ]
    changes = {
        **BARE["derive-pm2"],
        "market.BTC.scenarios": scenarios,
        "market.BTC.long_static_discount": 0.9,
        "market.BTC.short_static_discount": 1.0,
    }
    held = {call(30.0, 55_000.0): 4.0, call(60.0, 50_000.0): -2.0, PERPETUAL: -1.0}
    dear, put = call(30.0, 45_000.0), call(60.0, 48_000.0, -1)
    orders = [
        (dear, 2.0, _mark(dear) + 40.0),
        (dear, -3.0, _mark(dear) + 15.0),
        (put, -4.0, _mark(put) - 25.0),
        (put, 1.0, _mark(put) + 5.0),
        (PERPETUAL, 2.0, PERP_MARK - 100.0),
        (call(30.0, 55_000.0), -6.0, _mark(call(30.0, 55_000.0)) + 60.0),
    ]
    assert gap(held, orders, changes=changes) == pytest.approx(0.0, abs=1e-7)
    found = margined(held, orders, changes=changes)
    rules = order_rules(found, 0)
    assert rules is not None
    assert rules.exact
    assert rules.worst_fill > 1_000.0
