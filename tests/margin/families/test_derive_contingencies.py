"""Naked shorts, gross sizes of fills, and what feeds are worth."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.margin.families.derive_contingencies import (
    Feeds,
    expiry_confidence,
    in_order,
    naked_reach,
    naked_shorts,
    perp_reach,
    with_every_fill,
)
from crossmargin.margin.fills import fills_of
from crossmargin.margin.pools import cut
from tests.margin.models.test_derive_pm1 import margined
from tests.margin.models.test_derive_pm2 import PERPETUAL, call

KEY = ("BTC", "USD", "USDC", 1_800_000_000_000)


def test_a_zero_more_beside_a_row_changes_no_bit() -> None:
    rng = np.random.default_rng(1)
    table = rng.normal(size=(50, 23)) * 10.0 ** rng.integers(-6, 6, size=(50, 23))
    wide = np.zeros((50, 90))
    wide[:, rng.choice(90, 23, replace=False)] = 0.0
    places = np.sort(rng.choice(90, 23, replace=False))
    wide[:, places] = table
    assert in_order(wide).tobytes() == in_order(table).tobytes()
    assert in_order(table) == pytest.approx(table.sum(axis=1), rel=1e-9)
    assert in_order(np.zeros((3, 0))).tolist() == [0.0, 0.0, 0.0]


def test_fills_reach_the_worst_of_each_line_and_strike() -> None:
    """Held 2 and short 1 call; sells of 3 and 4, buys of 1 and 2."""
    orders = (
        (PERPETUAL, -3.0, 51_000.0),
        (PERPETUAL, 1.0, 51_000.0),
        (call(), -4.0, 3_000.0),
        (call(right=-1), 2.0, 3_000.0),
    )
    found = margined({PERPETUAL: 2.0, call(): -1.0}, orders=orders)
    priced, pool = found.priced[0], found.plan.pools[0]
    held = cut(found.book, pool, 0)
    fills = fills_of(priced, held, np.ones(len(pool.instruments)), mmp=True)
    assert fills is not None
    feeds: Feeds = priced.facts["feeds"]
    runs = pool.facts["strike_run"]
    assert naked_shorts(held, runs, feeds.option).tolist() == [1.0]
    assert naked_reach(held, fills, runs, feeds.option).tolist() == [5.0]
    assert perp_reach(held, fills, feeds.perp).tolist() == [3.0]
    every = with_every_fill(held, fills, len(pool.instruments))
    sizes = {
        pool.instruments.items[c].native_id: q
        for c, q in zip(every.column, every.quantity, strict=True)
    }
    assert sizes["BTC-PERP"] == 6.0
    assert sizes[call().native_id] == 5.0


def test_a_forward_is_read_by_coin_and_expiry_before_expiry_alone() -> None:
    """Two coins share an expiry: what is said of the one is not said of the other."""
    found = margined({PERPETUAL: 1.0})
    view = found.view
    for reads, wanted in (
        ({}, 1.0),
        ({"1800000000000": 0.7}, 0.7),
        ({"1800000000000": 0.7, "BTC@1800000000000": 0.9}, 0.9),
        ({"ETH@1800000000000": 0.2}, 1.0),
    ):
        seen = type(view)(**{**_fields(view), "reads": {"forward_confidence": reads}})
        assert expiry_confidence(seen, KEY, "forward", "rate") == wanted


def _fields(view: object) -> dict[str, object]:
    return {name: getattr(view, name) for name in view.__dataclass_fields__}  # type: ignore[attr-defined] # a dataclass
