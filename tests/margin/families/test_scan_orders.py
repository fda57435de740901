"""Worst fills under the scan family: exact for the scenarios, a bound with charges."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from crossmargin.instruments.contracts import Instrument
from crossmargin.margin import Requirement
from crossmargin.margin.pools import cut
from tests.margin.families.house import (
    COIN,
    PERPETUAL,
    SPOT,
    WIDE,
    call,
    column,
    margined,
    rules,
)

Order = tuple[Instrument, int, float, float]


def need(found: Requirement) -> float:
    priced = found.priced[0]
    own = cut(found.book, priced.pool, 0)
    answer = found.via.order_need(priced, own, found.parameters)
    assert answer is not None
    return float(answer.need[0])


def every_fill(held: dict[Instrument, float], orders: list[Order], chosen: object) -> float:
    """The most that any subset of fills needs, what it costs against the mark included."""
    most = 0.0
    for taken in product((False, True), repeat=len(orders)):
        after, cost = dict(held), 0.0
        for (item, side, size, limit), yes in zip(orders, taken, strict=True):
            if yes:
                after[item] = after.get(item, 0.0) + side * size
                cost += side * size * (limit - SPOT)
        most = max(most, column(margined(after, chosen), "im") + cost)  # type: ignore[arg-type] # the parameters of the test
    return most


@pytest.mark.parametrize("im", [1.0, 1.3])
def test_the_worst_fill_of_the_scenarios_is_exact(im: float) -> None:
    chosen = rules(WIDE, im=im)
    rng = np.random.default_rng(3)
    item = call(30.0, 52_000.0)
    for _ in range(8):
        held = {PERPETUAL: float(rng.normal()), item: float(rng.normal())}
        orders = [
            (PERPETUAL, int(side), float(size), SPOT * float(price))
            for side, size, price in zip(
                rng.choice([-1, 1], 4),
                rng.uniform(0.1, 2.0, 4),
                rng.uniform(0.97, 1.03, 4),
                strict=True,
            )
        ]
        found = margined(held, chosen, orders=orders)
        assert need(found) == pytest.approx(every_fill(held, orders, chosen), rel=1e-12)


def test_charges_and_a_floor_are_bounds() -> None:
    numbers = {**WIDE, "futures_factor": 0.01, "unhedged_factor": 0.3, "hedged_factor": 0.1}
    chosen = rules(numbers, im=1.2)
    held = {PERPETUAL: 1.0}
    orders = [(PERPETUAL, -1, 3.0, SPOT * 0.99), (PERPETUAL, 1, 1.0, SPOT * 1.02)]
    found = margined(held, chosen, orders=orders)
    assert need(found) >= every_fill(held, orders, chosen) * (1.0 - 1e-12)


def test_a_hedge_of_spot_is_taken_at_both_ends_of_its_use() -> None:
    for mode in ("hedge", "hedge_gains"):
        chosen = rules(WIDE, coins=mode)
        held = {PERPETUAL: -3.0, COIN: 2.0}
        orders = [(PERPETUAL, 1, 2.5, SPOT), (PERPETUAL, -1, 1.0, SPOT)]
        found = margined(held, chosen, orders=orders)
        assert need(found) >= every_fill(held, orders, chosen) * (1.0 - 1e-12)


@pytest.mark.parametrize(("side", "coins"), [(1, 1.5), (-1, 2.5)])
def test_a_premium_leaves_or_reaches_a_balance_that_is_a_position(side: int, coins: float) -> None:
    """Ten options at 0.05 coin: the need covers the fill whether or not the half coin is booked."""
    item = call(settle="BTC", inverse=True)
    chosen = rules(WIDE, coins="position")
    marks = {item.native_id: 0.05}
    found = margined({COIN: 2.0}, chosen, orders=[(item, side, 10.0, 0.05)], marks=marks)
    after = [margined({COIN: c, item: side * 10.0}, chosen, marks=marks) for c in (coins, 2.0)]
    assert need(found) >= max(column(each, "im") for each in after) * (1.0 - 1e-12)


def test_a_premium_in_a_coin_with_a_haircut_counts_less_than_what_was_sold() -> None:
    item = call(settle="BTC", inverse=True)
    marks = {item.native_id: 0.05}
    haircut = {"collateral": {"BTC": {"haircut": 0.1}}}
    orders = [(item, -1, 10.0, 0.05)]
    plain = margined({}, rules(WIDE), orders=orders, marks=marks)
    found = margined({}, rules(WIDE, more=haircut), orders=orders, marks=marks)
    assert need(found) - need(plain) == pytest.approx(0.0)
    held = {COIN: 2.0}
    plain = margined(held, rules(WIDE), orders=orders, marks=marks)
    found = margined(held, rules(WIDE, more=haircut), orders=orders, marks=marks)
    assert need(found) - need(plain) == pytest.approx(0.5 * SPOT * 0.1)


def test_a_fill_may_bring_spot_into_use_that_then_loses() -> None:
    """Sold calls of three days gain little in a fall; the five coins that hedge their delta lose.

    No coin is in use without the fill, so the least use alone would not cover it.
    """
    item = call(3.0)
    chosen = rules({"moves": [[-0.1, 1.0], [0.0, 1.0]], "vols": [[0.0]]}, coins="hedge")
    held, orders = {COIN: 5.0, item: 0.0}, [(item, -1, 10.0, SPOT)]
    marks = {item.native_id: SPOT}
    found = margined(held, chosen, orders=orders, marks=marks)
    filled = column(margined({COIN: 5.0, item: -10.0}, chosen, marks=marks), "im")
    assert filled > 0.3 * SPOT
    assert need(found) >= filled
