"""Orders under a margin by Greeks: no subset of fills needs more, options and both readings."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from crossmargin.instruments.contracts import Instrument
from tests.margin.greek_books import COIN, ETH_PERP, INVERSE, PERP, cell, option, required

ITEMS = (
    PERP, ETH_PERP, INVERSE, option(70_000.0), option(77_000.0, 5.0), option(60_000.0, 80.0, -1),
)  # fmt: skip
MARKS = {PERP: 70_000.0, ETH_PERP: 2_000.0, INVERSE: 70_000.0}


def mark_of(item: Instrument) -> float:
    """The mark of a row in the flat market."""
    if item in MARKS:
        return MARKS[item]
    return cell(required("greeks", {item: 1.0}), "option_value")


@pytest.mark.parametrize("error", ["flagged", "charged"])
@pytest.mark.parametrize("seed", range(6))
def test_no_subset_of_fills_needs_more(seed: int, error: str) -> None:
    rng = np.random.default_rng(seed)
    changes = {"reading.error": error}
    size = {INVERSE: 70_000.0, ETH_PERP: 35.0}
    held = {
        item: round(float(rng.normal()), 3) * size.get(item, 1.0)
        for item in (*ITEMS, COIN)
        if rng.random() < 0.6
    }
    orders = []
    for item in rng.choice(len(ITEMS), 4).tolist():
        own = ITEMS[item]
        side = 1 if rng.random() < 0.5 else -1
        amount = round(float(rng.uniform(0.1, 2.0)), 3) * size.get(own, 1.0)
        orders.append((own, side, amount, mark_of(own) * float(rng.uniform(0.97, 1.03))))
    most = cell(required("greeks", held, changes, orders=orders), "im")
    assert most >= cell(required("greeks", held, changes), "im") - 1e-9
    reached = 0.0
    for chosen in product((0, 1), repeat=len(orders)):
        after, gain = dict(held), 0.0
        for yes, (item, side, amount, limit) in zip(chosen, orders, strict=True):
            if yes:
                after[item] = after.get(item, 0.0) + side * amount
                worth = mark_of(item)
                own = 1.0 / limit - 1.0 / worth if item.inverse else worth - limit
                gain += side * amount * own * (70_000.0 if item.inverse else 1.0)
        if not after:
            continue
        reached = max(reached, cell(required("greeks", after, changes), "im") - gain)
    assert reached <= most * (1.0 + 1e-9) + 1e-6
    assert reached >= 0.5 * most  # a bound, and not an idle one
