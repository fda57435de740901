from __future__ import annotations

import pytest

from crossmargin.instruments.book import Book, Line, Order
from crossmargin.margin import ALL_MODELS, Requirement, model_named
from crossmargin.margin.order_rules import OrderRules, order_rules
from tests.conformance.checks import margined
from tests.conformance.world import accounts_of, random_lines, random_orders, subject_of, world_of

MARK = 64_025.6
LINEAR = "BTC_USDC-PERPETUAL"


def ordered(model: str, position: float, orders: list[tuple[float, float]]) -> Requirement:
    """Orders of (signed size, limit) on the linear perpetual."""
    subject = subject_of(model_named(model))
    world = world_of(subject)
    row = [item.native_id for item in world.instruments.items].index(LINEAR)
    made = [Order("a", row, 1 if x > 0 else -1, abs(x), limit) for x, limit in orders]
    return margined(subject, Book.of(world.instruments, [Line("a", row, position)], made))


def rules(found: Requirement) -> OrderRules:
    made = [order_rules(found, row) for row in range(len(found.sheet))]
    there = [one for one in made if one is not None]
    assert len(there) == 1  # one pool holds the orders
    return there[0]


def test_no_orders_no_rules() -> None:
    found = ordered("fixed-rate", 1.0, [])
    assert [order_rules(found, row) for row in range(len(found.sheet))] == [None] * len(found.sheet)


def test_three_rules_side_by_side() -> None:
    """Long 1; buy 1 and sell 3 at the mark, 10 % each: +1 after the buy, +1 after the sells.

    The buy makes 2 long (one more), the sells make 2 short (one more); alone they need 4.
    """
    found = rules(ordered("fixed-rate", 1.0, [(1.0, MARK), (-3.0, MARK)]))
    unit = 0.1 * MARK
    assert found.worst_fill == pytest.approx(unit, rel=1e-12)
    assert found.by_side == pytest.approx(unit, rel=1e-12)
    assert found.stand_alone == pytest.approx(4.0 * unit, rel=1e-12)
    assert found.set_margin == pytest.approx(found.worst_fill)
    assert found.exact
    assert found.scenario == "—"
    assert len(found.filled) == 1


def test_a_fill_through_the_mark_costs_its_loss() -> None:
    """Buy 1 at 1,000 over the mark: 10 % of the position and the 1,000."""
    found = rules(ordered("fixed-rate", 0.0, [(1.0, MARK + 1_000.0)]))
    assert found.worst_fill == pytest.approx(0.1 * MARK + 1_000.0, rel=1e-12)


def test_a_scan_names_the_scenario_in_which_the_fills_hurt() -> None:
    """Paradex, spot 64,000: the sell loses 14 % of it when the price rises, with its fee."""
    found = rules(ordered("paradex-pm", 0.0, [(-1.0, MARK)]))
    assert found.scenario.startswith("+14 %")
    assert found.worst_fill == pytest.approx(0.14 * 64_000.0 + 0.00045 * MARK, rel=1e-10)
    assert found.filled == (0,)


@pytest.mark.parametrize("model", ALL_MODELS, ids=lambda model: model.spec.name)
def test_the_set_needs_no_more_than_the_worst_fill(model: object) -> None:
    """And neither side alone does: the worst fill is a bound for every set."""
    subject = subject_of(model)  # type: ignore[arg-type] # a registered model
    world = world_of(subject)
    lines, orders = random_lines(world, 81, 12, 6), random_orders(world, 81, 12)
    book = Book.of(world.instruments, lines, orders, accounts=accounts_of(12))
    found = margined(subject, book)
    seen = 0
    rounds = any(column.operator == "round" for column in found.sheet.columns)
    rounding = 2e-9 if rounds else 1e-12  # worst case and total to nine places each
    for row in range(len(found.sheet)):
        made = order_rules(found, row)
        if made is None:
            continue
        seen += 1
        slack = 1e-8 + 1e-9 * (abs(made.worst_fill) + float(found.sheet["im"][row]))
        assert made.set_margin <= made.worst_fill + slack
        assert made.by_side <= made.worst_fill + slack
        gap = made.worst_fill - made.set_margin
        assert made.exact is (abs(gap) <= 1e-9 * made.worst_fill + rounding)
    assert seen > 3
