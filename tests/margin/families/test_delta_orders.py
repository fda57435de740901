"""Orders under a delta margin: no subset of fills needs more, whatever the signs of the rates."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from tests.margin.greek_books import COIN, ETH_PERP, PERP, cell, future, option, required

ITEMS = (PERP, ETH_PERP, future(20.0), future(200.0), option(70_000.0), option(60_000.0, 80.0, -1))
SIZE = {ETH_PERP: 35.0}
# Rates that turn the sign of every coefficient of the bound once.
RATES: tuple[dict[str, Any], ...] = (
    {},
    {"charge.hedged": 0.3, "charge.across": 0.0, "floor.hedged": 0.5},
    {"charge.hedged": 0.0, "charge.across": 0.9, "form.impact": "none"},
    {"charge.across": 0.5, "floor.net": 0.5, "form.impact": "linear", "asset.BTC.depth_usd": 1e5},
)


@pytest.mark.parametrize("rates", RATES)
@pytest.mark.parametrize("seed", range(5))
def test_no_subset_of_fills_needs_more(seed: int, rates: dict[str, Any]) -> None:
    rng = np.random.default_rng(seed)
    held = {
        item: round(float(rng.normal()), 3) * SIZE.get(item, 1.0)
        for item in (*ITEMS, COIN)
        if rng.random() < 0.6
    }
    marks = {item: 2_000.0 if item is ETH_PERP else 70_000.0 for item in ITEMS}
    orders = []
    for k in rng.choice(4, 4).tolist():
        item, side = ITEMS[k], 1 if rng.random() < 0.5 else -1
        amount = round(float(rng.uniform(0.1, 2.0)), 3) * SIZE.get(item, 1.0)
        orders.append((item, side, amount, marks[item] * float(rng.uniform(0.97, 1.03))))
    most = cell(required("delta", held, rates, orders=orders), "im")
    assert most >= cell(required("delta", held, rates), "im") - 1e-9 if held else most >= 0.0
    reached = 0.0
    for chosen in product((0, 1), repeat=len(orders)):
        after, gain = dict(held), 0.0
        for yes, (item, side, amount, limit) in zip(chosen, orders, strict=True):
            if yes:
                after[item] = after.get(item, 0.0) + side * amount
                gain += side * amount * (marks[item] - limit)
        if after:
            reached = max(reached, cell(required("delta", after, rates), "im") - gain)
    assert reached <= most * (1.0 + 1e-9) + 1e-6
    assert reached >= 0.3 * most


def test_orders_that_all_buy_one_coin_are_exact() -> None:
    orders = [(PERP, 1, 1.0, 70_000.0), (PERP, 1, 2.0, 70_000.0)]
    whole = cell(required("delta", {PERP: 4.0}), "im")
    assert cell(required("delta", {PERP: 1.0}, orders=orders), "im") == pytest.approx(whole)
