from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from crossmargin.instruments.book import Book, Line, Order, Reported
from crossmargin.instruments.contracts import Instruments
from crossmargin.margin.deribit_common import (
    coin_size,
    days_to_expiry,
    hold,
    margin_delta,
    mmp_hold,
    settlement_decay,
)
from crossmargin.margin.pools import cut, make_pool
from crossmargin.market.view import View
from tests.vectors.building import Dated, Facts, Quote, delta_one, option, view_of

AS_OF_MS = 1_780_000_000_000
MINUTE_MS = 60_000
QUARTER_MS = 365 * 86_400_000 // 4
N = NormalDist().cdf

PERPETUAL = delta_one("d", "P", underlying="BTC", settle="BTC", inverse=True)
LINEAR = delta_one("d", "L", underlying="BTC", quote="USDC")


def at(life_ms: int, *, inverse: bool = True, right: int = 1) -> tuple[Instruments, View]:
    """An option at the money of a forward of 100, marked at 0.05, and a future and perpetuals."""
    expiry_ms = AS_OF_MS + life_ms
    terms = {"underlying": "BTC", "settle": "BTC", "inverse": inverse}
    table = Instruments.of(
        [
            PERPETUAL,
            LINEAR,
            option("d", "C", right, 100.0, expiry_ms, **terms),  # type: ignore[arg-type] # terms
            delta_one("d", "F", expiry_ms=expiry_ms, **terms),  # type: ignore[arg-type] # terms
        ]
    )
    quotes = {
        "P": Quote(50.0),
        "L": Quote(50.0),
        "C": Quote(0.05, 0.8),
        "F": Quote(80.0),
    }
    facts = Facts(
        AS_OF_MS,
        {("BTC", "USD"): 50.0, ("BTC", "USDC"): 50.0},
        {"BTC": 50.0},
        {expiry_ms: Dated(100.0, life_ms)},
        quotes,
    )
    return table, view_of(table, facts)


def by_name(table: Instruments, values: object) -> dict[str, float]:
    names = [item.native_id for item in table.items]
    return dict(zip(names, values.tolist(), strict=True))  # type: ignore[attr-defined] # an array


def test_days_are_fractional() -> None:
    _, view = at(36 * 60 * MINUTE_MS)
    assert set(days_to_expiry(view).tolist()) == {1.5}


@pytest.mark.parametrize(
    ("life_ms", "share"),
    [
        (31 * MINUTE_MS, 1.0),
        (30 * MINUTE_MS, 1.0),
        (15 * MINUTE_MS, 0.5),
        (MINUTE_MS, 1.0 / 30.0),
        (0, 0.0),
    ],
)
def test_the_last_half_hour_runs_down_for_what_expires_alone(life_ms: int, share: float) -> None:
    table, view = at(life_ms)
    found = by_name(table, settlement_decay(table, view))
    assert found == {"P": 1.0, "L": 1.0, "C": pytest.approx(share), "F": pytest.approx(share)}


def test_an_inverse_future_is_sized_at_its_own_mark() -> None:
    table, view = at(QUARTER_MS)
    found = by_name(table, coin_size(table, view))
    assert found == {"P": 1.0 / 50.0, "L": 1.0, "C": 1.0, "F": 1.0 / 80.0}


def test_net_transaction_delta() -> None:
    """sd = 0.8 x 0.5, d1 = 0.2: N(0.2) = 0.5793, less the mark of 0.05 where it settles in coin."""
    for inverse, premium in ((True, 0.05), (False, 0.0)):
        table, view = at(QUARTER_MS, inverse=inverse)
        found = by_name(table, margin_delta(table, view))
        assert found["C"] == pytest.approx(N(0.2) - premium, rel=1e-12)
    table, view = at(QUARTER_MS, right=-1)
    found = by_name(table, margin_delta(table, view))
    assert found["C"] == pytest.approx(N(0.2) - 1.0 - 0.05, rel=1e-12)
    assert found["P"] == 0.02
    assert found["F"] == 0.0125


def test_deltas_of_the_last_half_hour_decay() -> None:
    """At 15 minutes half of the delta is left; at the money N(d1) is 0.5 to a thousandth."""
    table, view = at(15 * MINUTE_MS)
    found = by_name(table, margin_delta(table, view))
    assert found["C"] == pytest.approx(0.5 * (0.5 - 0.05), abs=1e-3)
    assert found["F"] == 0.5 * 0.0125
    assert found["P"] == 0.02


def test_holds_are_those_that_the_venue_reports() -> None:
    table = Instruments.of([PERPETUAL])
    reported = Reported(
        holds={
            ("a", "BTC"): {"spot_margin": 0.5},
            ("a", "ETH"): {"spot_margin": 10.0, "mmp_margin": 1.0},
            ("b", "SOL"): {"spot_margin": 99.0},
        }
    )
    book = Book.of(table, [Line("a", 0, 1.0), Line("b", 0, 1.0)], reported=reported)
    pool = make_pool(table, np.arange(1, dtype=np.int32), "x", "BTC", ())
    worth = {"BTC": 1.0, "ETH": 0.04}
    held = cut(book, pool, 0)
    spot, given = hold(held, "spot_margin", worth)
    assert (spot.tolist(), given.tolist()) == (pytest.approx([0.9, 0.0], rel=1e-15), [True, False])
    maker, given = hold(held, "mmp_margin", worth)
    assert maker.tolist() == pytest.approx([0.04, 0.0], rel=1e-15)
    assert given.tolist() == [True, False]
    nothing, given = hold(held, "open_orders_margin", worth)
    assert (nothing.tolist(), given.tolist()) == ([0.0, 0.0], [False, False])


def test_a_maker_group_holds_three_per_cent_of_its_larger_side() -> None:
    """At 50 a dollar is 0.02 coins: bids of 100 + 200 are 6, asks of 250 are 5; 3 % of 6 is 0.18.

    The second group adds 3 % of 2; what the venue reports itself replaces the rule.
    """
    table, view = at(QUARTER_MS)
    column = [item.native_id for item in table.items].index("P")
    orders = [
        Order("a", column, 1, 100.0, 49.0, mmp=True, group="g"),
        Order("a", column, 1, 200.0, 48.0, mmp=True, group="g"),
        Order("a", column, -1, 250.0, 51.0, mmp=True, group="g"),
        Order("a", column, -1, 100.0, 51.0, mmp=True, group="h"),
        Order("b", column, -1, 100.0, 51.0, mmp=True, group="g"),
        Order("c", column, -1, 100.0, 51.0),
    ]
    lines = [Line(name, column, 1.0) for name in ("a", "b", "c")]
    book = Book.of(table, lines, orders)
    place = {k: k for k in range(len(table))}
    size = coin_size(table, view)
    pool = make_pool(table, np.arange(len(table), dtype=np.int32), "x", "BTC", ())
    held = cut(book, pool, 0)
    none, silent = hold(held, "mmp_margin", {})
    found = mmp_hold(held, place, size, none, silent)
    assert found.tolist() == pytest.approx([0.24, 0.06, 0.0], rel=1e-14)
    for amount in (0.01, 0.0):  # a reported zero is a report
        reported = none + np.array([0.0, amount, 0.0])
        given = np.array([False, True, False])
        found = mmp_hold(held, place, size, reported, given)
        assert found.tolist() == pytest.approx([0.24, amount, 0.0], rel=1e-14)
