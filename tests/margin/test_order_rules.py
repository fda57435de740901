"""The three rules for open orders, against every subset of the fills."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from crossmargin.conformance.checks import margined
from crossmargin.conformance.world import (
    accounts_of,
    answering,
    random_lines,
    random_orders,
    subject_of,
    world_of,
)
from crossmargin.core.arrays import Floats
from crossmargin.instruments.book import Book, Line, Order, Reported
from crossmargin.instruments.contracts import Kind
from crossmargin.margin import ALL_MODELS, Requirement, model_named, run
from crossmargin.margin.order_rules import OrderRules, order_rules
from tests.margin.every_fill import BARE, Resting, needs, resting, subsets

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


@pytest.mark.parametrize("model", answering(ALL_MODELS), ids=lambda model: model.spec.name)
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
    assert seen > 3 or "order_margin" not in found.sheet


# -- every subset ----------------------------------------------------------------------------------

BOOKS = {True: 100, False: 50}  # of each model, without and with the charges beside the scenarios
EVERY = subsets(12)


@cache
def every_need(model: str, bare: bool) -> tuple[Resting, Requirement, Floats]:
    """Books with their orders, and [books, 4096] what each subset of their fills needs."""
    made = resting(model, BARE[model] if bare else None, BOOKS[bare])
    table = np.array([needs(made, a, EVERY) for a in range(BOOKS[bare])])
    return made, made.margined(), table


@pytest.mark.parametrize("model", BARE)
def test_the_worst_fill_of_the_scenarios_is_exact(model: str) -> None:
    """400 books of 12 orders: the worst of 4,096 subsets, and the set that is named is one."""
    _, found, table = every_need(model, bare=True)
    worst, without = table.max(axis=1), table[:, 0]
    slack = 2e-9 + 1e-12 * worst  # Deribit rounds the worst case and the total
    assert (np.abs(found.sheet["im"] - worst) <= slack).all()
    assert (worst > without + slack).mean() > 0.95, "almost every book's orders cost something"
    sets = set()
    for row in range(len(table)):
        rules = order_rules(found, row)
        assert rules is not None
        assert rules.exact
        chosen = np.zeros(12, np.bool_)
        chosen[list(rules.filled)] = True
        sets.add(rules.filled)
        place = int(np.flatnonzero((chosen == EVERY).all(axis=1))[0])
        assert table[row, place] == pytest.approx(worst[row], rel=1e-9, abs=2e-9)
        assert rules.set_margin == pytest.approx(rules.worst_fill, rel=1e-9, abs=4e-9)
    assert len(sets) > len(table) / 2, "and it is not always the same set"


# How far the bound is above the worst subset: of all order margin, and at most of a requirement.
GAPS = {
    "deribit-spm": (0.0196, 0.1069),
    "deribit-xpm": (0.0201, 0.0951),
    "derive-pm1": (0.0364, 0.0930),
    "derive-pm2": (0.0138, 0.0509),
    "paradex-pm": (0.0006, 0.0018),
}


@pytest.mark.parametrize("model", BARE)
def test_with_further_charges_it_is_a_bound(model: str) -> None:
    """No subset needs more; how much less the worst of them needs is written down."""
    _, found, table = every_need(model, bare=False)
    im, worst, without = found.sheet["im"], table.max(axis=1), table[:, 0]
    assert (im >= worst - 2e-9 - 1e-12 * worst).all()
    gap = ((im - worst).sum() / (im - without).sum(), ((im - worst) / im).max())
    print(f"{model}: {gap[0]:.4f} of the order margin, {gap[1]:.4f} of a requirement at most")
    assert gap == pytest.approx(GAPS[model], abs=5e-5)


@pytest.mark.parametrize("bare", [True, False], ids=["bare", "shipped"])
@pytest.mark.parametrize("model", BARE)
def test_the_other_rules_are_what_they_say(model: str, bare: bool) -> None:
    """By side: all bids or all offers filled. Stand-alone: each on an empty book, no relief."""
    made, found, table = every_need(model, bare)
    book = made.book()
    alone_of = np.eye(12, dtype=np.bool_)
    for row in range(0, len(table), 10):
        rules = order_rules(found, row)
        assert rules is not None
        bids = book.orders.bid[12 * row : 12 * row + 12] > 0.0
        sides = [int(np.flatnonzero((side == EVERY).all(axis=1))[0]) for side in (bids, ~bids)]
        by_side = max(*(table[row, side] - table[row, 0] for side in sides), 0.0)
        assert rules.by_side == pytest.approx(by_side, rel=1e-9, abs=4e-9)
        alone = np.maximum(needs(made, row, alone_of, empty=True), 0.0).sum()
        assert rules.stand_alone == pytest.approx(alone, rel=1e-9, abs=2e-8)
        assert rules.by_side <= rules.worst_fill + 4e-9 + 1e-12 * alone
        # A set never needs more than its orders apart: losses of scenarios and charges add up.
        # Deribit's dead zone alone could turn this; no order here is large enough for it.
        assert rules.set_margin <= rules.stand_alone + 2e-8
        assert rules.set_margin <= rules.worst_fill + 4e-9 + 1e-9 * rules.worst_fill


def test_apart_the_dead_zone_is_forgiven_each_order() -> None:
    """Sixteen offers of 200 far calls of less than a day: nothing in the standard table.

    Alone each loses less than the dampener of the extended table, in every one of its moves;
    together the dampener is taken off once. The one rule under which orders apart need less.
    """
    made = resting("deribit-spm", BARE["deribit-spm"], 1, 1)
    far = next(
        k
        for k, item in enumerate(made.world.instruments.items)
        if item.native_id == "BTC_BTC-0.75-96000-C"
    )
    mark = float(made.world.view.mark[far])
    orders = [Order("a000", far, -1, 200.0, mark) for _ in range(16)]
    rules = order_rules(replace(made, lines=[], orders=orders).margined(), 0)
    assert rules is not None
    assert rules.exact
    assert rules.scenario.startswith("extended")
    assert rules.worst_fill == pytest.approx(rules.by_side, rel=1e-9)
    assert rules.worst_fill > 100.0
    assert rules.stand_alone < 1.0


def test_currencies_that_move_apart_are_each_at_their_worst() -> None:
    """A cross account of two coins: every subset of eight fills needs no more than the bound."""
    made = resting("deribit-xpm", None, 60, 8, seed=17, whole=True)
    found = made.margined()
    gaps = []
    for a in range(60):
        table = needs(made, a, subsets(8))
        assert found.sheet["im"][a] >= table.max() * (1.0 - 1e-12) - 1e-6
        gaps.append((found.sheet["im"][a] - table.max()) / (found.sheet["im"][a] - table[0]))
    print(f"two coins: {np.mean(gaps):.4f} on the mean, {max(gaps):.4f} at most")
    assert 0.0 < np.mean(gaps) < 0.25


# -- orders that are not like others ---------------------------------------------------------------


@pytest.mark.parametrize("model", BARE)
def test_a_reduce_only_order_is_cut_to_the_position(model: str) -> None:
    """Selling 50 against 3 held needs what selling 3 needs: less than nothing more."""
    made = resting(model, None, 1, 1)
    row = next(k for k, i in enumerate(made.world.instruments.items) if i.kind == Kind.PERPETUAL)
    mark = float(made.world.view.mark[row])
    held = 3.0 * (mark if made.world.instruments.inverse[row] else 1.0)

    def margin_of(size: float, reduce_only: bool) -> float:
        order = Order("a000", row, -1, size, 0.9 * mark, reduce_only)
        book = replace(made, lines=[Line("a000", row, held)], orders=[order])
        return float(book.margined().sheet["im"][0] - book.margined(False).sheet["im"][0])

    assert margin_of(50.0 / 3.0 * held, reduce_only=True) == margin_of(held, reduce_only=False)
    assert margin_of(50.0 / 3.0 * held, reduce_only=False) > 0.0


def test_deribit_holds_for_protected_orders_by_their_own_rule() -> None:
    """3 % of the larger side; the same orders unprotected cost the worst of their fills."""
    made = resting("deribit-spm", None, 1, 1)
    row = next(k for k, i in enumerate(made.world.instruments.items) if i.kind == Kind.PERPETUAL)
    mark = float(made.world.view.mark[row])
    plain = [Order("a000", row, side, 5.0 * mark, mark) for side in (1, -1)]
    kept = [replace(order, mmp=True, group="g") for order in plain]
    protected = replace(made, lines=[], orders=kept).margined()
    assert float(protected.sheet["open_orders_margin"][0]) == 0.0
    assert float(protected.sheet["mmp_margin"][0]) == pytest.approx(0.03 * 5.0, rel=1e-12)
    assert order_rules(protected, 0) is None
    open_ = replace(made, lines=[], orders=plain).margined()
    assert float(open_.sheet["mmp_margin"][0]) == 0.0
    assert float(open_.sheet["open_orders_margin"][0]) > 5.0 * 0.14


def test_what_the_venue_reports_of_orders_stands() -> None:
    """The rules are still told beside it."""
    made = resting("deribit-spm", None, 1, 4)
    book = made.book()
    told = replace(book, reported=Reported(holds={("a000", "BTC"): {"open_orders_margin": 0.125}}))
    found = run(told, made.world.view, model_named("deribit-spm"), made.parameters)
    assert float(found.sheet["open_orders_margin"][0]) == 0.125
    own = made.margined()
    assert order_rules(found, 0) == order_rules(own, 0)
    assert float(own.sheet["open_orders_margin"][0]) != 0.125


def test_reported_equity_is_the_balance_that_a_premium_leaves() -> None:
    """Cross mode: 3 coins reported where 1 is held; the rules are those of 3 coins held."""
    made = resting("deribit-xpm", None, 1, 4)
    purse = next(k for k, i in enumerate(made.world.instruments.items) if i.kind == Kind.ASSET)
    bare = replace(made, lines=[Line("a000", purse, 3.0)]).margined()
    book = replace(made, lines=[Line("a000", purse, 1.0)]).book()
    told = replace(book, reported=Reported(equity={("a000", "BTC"): 3.0}))
    found = run(told, made.world.view, model_named("deribit-xpm"), made.parameters)
    assert order_rules(found, 0) == order_rules(bare, 0)
