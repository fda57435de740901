"""The worst set of fills under models that charge position by position, against all sets."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from crossmargin.conformance.checks import margined
from crossmargin.conformance.world import Subject, subject_of, world_of
from crossmargin.instruments.book import Book, Line, Order
from crossmargin.instruments.contracts import Kind
from crossmargin.margin import model_named
from crossmargin.margin.pools import cut

LINEAR = "BTC_USDC-PERPETUAL"
CALL = "BTC_USDC-30-64000-C"
MARK = 64_025.6


def worst(subject: Subject, position: float, orders: list[tuple[float, float]], name: str) -> float:
    """The order need of (signed size, limit over mark) orders beside a position."""
    world = world_of(subject)
    items = world.instruments.items
    row = [item.native_id for item in items].index(name)
    mark = float(world.view.mark[row])
    made = [Order("a", row, 1 if x > 0 else -1, abs(x), mark * part) for x, part in orders]
    book = Book.of(world.instruments, [Line("a", row, position)], made)
    pool = subject.model.plan(world.instruments, subject.parameters).pools
    number = next(k for k, p in enumerate(pool) if p.currency == items[row].settle)
    found = margined(subject, book)
    held = cut(found.book, pool[number], 0)
    need = subject.model.order_need(found.priced[number], held, subject.parameters)
    assert need is not None
    return float(need.need[0])


def by_hand(
    subject: Subject, position: float, orders: list[tuple[float, float]], name: str
) -> float:
    """The most that any set of fills needs: the charge after it, less what it adds that counts."""
    world = world_of(subject)
    items = world.instruments.items
    row = [item.native_id for item in items].index(name)
    mark = float(world.view.mark[row])
    sets = list(product((0.0, 1.0), repeat=len(orders)))
    sizes = [position + sum(yes * x for yes, (x, _) in zip(s, orders, strict=True)) for s in sets]
    worth = 0.0 if items[row].kind == Kind.OPTION else mark  # an option's value backs nothing
    costs = [
        sum(yes * x * (part * mark - worth) for yes, (x, part) in zip(s, orders, strict=True))
        for s in sets
    ]
    lines = [Line(f"a{k:03d}", row, size) for k, size in enumerate(sizes)]
    sheet = margined(subject, Book.of(world.instruments, lines)).sheet
    im = np.zeros(len(sets))
    np.add.at(im, sheet.account, sheet["im"])
    return float((im + np.array(costs)).max())


@pytest.mark.parametrize("name", [LINEAR, CALL])
@pytest.mark.parametrize("model", ["deribit-sm", "fixed-rate"])
def test_the_worst_set_of_all(model: str, name: str) -> None:
    """Random orders on both sides, deep through the mark and far from it."""
    subject = subject_of(model_named(model))
    rng = np.random.default_rng(71)
    for _ in range(12):
        position = float(rng.uniform(-3.0, 3.0))
        orders = [(float(rng.uniform(-2.0, 2.0)), float(rng.uniform(0.85, 1.15))) for _ in range(5)]
        wanted = by_hand(subject, position, orders, name)
        assert worst(subject, position, orders, name) == pytest.approx(wanted, rel=1e-12)


def test_costs_on_both_sides_may_exceed_either_position() -> None:
    """Buy at 3 % over the mark, sell 3 % under: both fill, nothing is held, 6 % is lost.

    Either alone is 3 % and the 2 % (and a little) of a position.
    """
    subject = subject_of(model_named("deribit-sm"))
    orders = [(1.0, 1.03), (-1.0, 0.97)]
    assert worst(subject, 0.0, orders, LINEAR) == pytest.approx(0.06 * MARK, rel=1e-12)


def test_a_bid_for_an_option_takes_its_premium() -> None:
    """The premium leaves the cash, and the option that it buys backs nothing.

    An offer at the mark brings its premium: its share of the index is left of the charge.
    """
    subject = subject_of(model_named("fixed-rate"))
    world = world_of(subject)
    row = [item.native_id for item in world.instruments.items].index(CALL)
    mark = float(world.view.mark[row])
    assert worst(subject, 0.0, [(2.0, 0.9)], CALL) == pytest.approx(1.8 * mark, rel=1e-12)
    share = subject.parameters.number("im.short_option_share")
    offer = worst(subject, 0.0, [(-2.0, 1.0)], CALL)
    assert offer == pytest.approx(2.0 * share * 64_000.0, rel=1e-12)
    both = worst(subject, 0.0, [(2.0, 0.9), (-2.0, 1.0)], CALL)
    assert both == pytest.approx(max(1.8 * mark, offer), rel=1e-12)


def test_a_short_that_one_order_closes_dearly_and_another_for_nothing() -> None:
    """Only the dear one fills in the worst case: closing for nothing would relieve."""
    subject = subject_of(model_named("fixed-rate"))
    held, cheap = (worst(subject, -2.0, [(1.0, part)], CALL) for part in (0.01, 1.0))
    dear = worst(subject, -2.0, [(1.0, 5.0)], CALL)
    assert held == cheap < dear
    assert worst(subject, -2.0, [(1.0, 5.0), (1.0, 1.0)], CALL) == pytest.approx(dear, rel=1e-12)


def test_an_order_better_than_the_mark_needs_less() -> None:
    """A buy 5 % under the mark: 10 % of the position less the 5 % that its fill would gain.

    One 20 % under gains more than its position needs: it would rather not fill.
    """
    subject = subject_of(model_named("fixed-rate"))
    assert worst(subject, 0.0, [(1.0, 0.95)], LINEAR) == pytest.approx(0.05 * MARK, rel=1e-12)
    assert worst(subject, 0.0, [(1.0, 0.8)], LINEAR) == 0.0
    assert worst(subject, -1.0, [(1.0, 0.5)], LINEAR) == pytest.approx(0.1 * MARK, rel=1e-12)
