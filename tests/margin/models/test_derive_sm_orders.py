"""Open orders under the standard manager: never less than any set of fills, exact if it can be."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from crossmargin.instruments.contracts import Instrument
from crossmargin.margin.models import derive_sm_orders
from tests.margin.models.test_derive_pm2 import PERPETUAL, call, numbers
from tests.margin.models.test_derive_sm import COIN, margined, value

Orders = tuple[tuple[Instrument, float, float], ...]


def both(held: dict[Instrument, float], orders: Orders, **how: Any) -> tuple[float, float]:
    """Requirement with the orders, and the worst over all sets of fills."""
    found = numbers(margined(held, orders=orders, **how))["im"]
    worst = 0.0
    for chosen in product((False, True), repeat=len(orders)):
        after, cost = dict(held), 0.0
        for yes, (item, size, limit) in zip(chosen, orders, strict=True):
            if yes:
                after[item] = after.get(item, 0.0) + size
                cost += size * (limit - (0.0 if item.right else 51_000.0))
        named = {**dict.fromkeys([o[0] for o in orders], 0.0), **after}
        worst = max(worst, numbers(margined(named, **how))["im"] + cost)
    return found, worst


def test_a_perpetual_order_pays_its_share_and_its_loss_against_the_mark() -> None:
    sheet = numbers(margined({}, orders=((PERPETUAL, 1.0, 51_500.0),)))
    assert sheet["order_margin"] == pytest.approx(0.066 * 51_000.0 + 500.0, rel=1e-12)
    assert sheet["mm"] == 0.0
    reducing = numbers(margined({PERPETUAL: 2.0}, orders=((PERPETUAL, -1.0, 51_000.0),)))
    assert reducing["order_margin"] == 0.0


def test_a_bid_for_an_option_takes_its_premium_out_of_what_counts() -> None:
    item = call()
    sheet = numbers(margined({}, orders=((item, 2.0, 3_000.0),)))
    assert sheet["order_margin"] == pytest.approx(6_000.0, rel=1e-12)


def test_a_sold_option_brings_its_premium() -> None:
    item = call(strike=70_000.0)
    sheet = numbers(margined({}, orders=((item, -1.0, 900.0),)))
    assert sheet["order_margin"] == pytest.approx(value(item) + 0.13 * 50_000.0 - 900.0, rel=1e-12)


def test_selling_the_cover_of_a_spread_can_leave_it_bare() -> None:
    low, high = call(strike=48_000.0), call(strike=50_000.0)
    held = {low: -1.0, high: 1.0}
    found, worst = both(held, ((high, -1.0, value(high)),))
    assert found == pytest.approx(worst, rel=1e-12)
    assert worst > 2_000.0


def test_a_strike_that_only_an_order_has_is_a_candidate_where_it_fills() -> None:
    """Above the highest strike held the net short call is charged on the forward, no more."""
    held = {call(strike=48_000.0): -3.1, call(strike=50_000.0): 3.0}
    found, worst = both(held, ((call(strike=90_000.0), 0.1, 1.0),))
    assert worst == pytest.approx(3.1 * 2_000.0 + 0.1 * 1.2 * 50_000.0, rel=1e-12)
    assert found == pytest.approx(worst, rel=1e-12)


def drawn(seed: int, count: int) -> tuple[dict[Instrument, float], Orders, dict[str, Any]]:
    """A mixed book with its orders, with doubtful feeds and a broken peg in turn."""
    rng = np.random.default_rng(seed)
    strikes = (40_000.0, 48_000.0, 50_000.0, 56_000.0)
    items = [call(d, k, r) for d in (30.0, 60.0) for k in strikes for r in (1, -1)]
    pool = [*items, PERPETUAL]
    held: dict[Instrument, float] = {
        pool[k]: round(rng.normal(scale=3.0), 1)
        for k in rng.choice(len(pool), 6, replace=False).tolist()
    }
    held[COIN] = 1.0
    orders = []
    for k in rng.choice(len(pool), count).tolist():
        item = pool[k]
        fair = value(item) if item.right else 51_000.0
        size = round(rng.normal(scale=3.0), 1) or 1.0
        orders.append((item, size, fair * float(rng.uniform(0.9, 1.1)) + 1e-3))
    feeds = {i.native_id: float(rng.choice([1.0, 0.3])) for i in items}
    reads = {"vol_confidence": feeds} if seed % 2 else {}
    return held, tuple(orders), {"stable": float(rng.choice([1.0, 0.95])), "reads": reads}


@pytest.mark.parametrize("seed", range(12))
def test_few_orders_of_an_expiry_are_exact(seed: int) -> None:
    held, orders, how = drawn(seed, 7)
    found, worst = both(held, orders, **how)
    assert found == pytest.approx(worst, rel=1e-12)


@pytest.mark.parametrize("seed", range(12))
def test_many_orders_are_bounded(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """No set of fills needs more than the bound, and it is rarely much above the worst."""
    monkeypatch.setattr(derive_sm_orders, "EVERY_SET", -1)
    held, orders, how = drawn(seed, 6)
    found, worst = both(held, orders, **how)
    assert found >= worst * (1.0 - 1e-12)
    assert found <= 1.6 * worst + 1.0
