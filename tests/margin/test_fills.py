from __future__ import annotations

import numpy as np
import pytest

from crossmargin.instruments.book import Book, Line, Order
from crossmargin.instruments.contracts import Instruments
from crossmargin.margin import model_named, run
from crossmargin.margin.fills import dense, fills_of, growth, order_margin, reach
from crossmargin.margin.model import Fills, OrderNeed, PoolBook, Priced
from crossmargin.margin.pools import cut
from tests.vectors.building import Dated, Facts, Quote, delta_one, option, view_of

AS_OF_MS = 1_780_000_000_000
EXPIRY_MS = AS_OF_MS + 30 * 86_400_000
TABLE = Instruments.of(
    [
        delta_one("v", "P", underlying="BTC", settle="BTC", inverse=True),
        option("v", "C", 1, 60.0, EXPIRY_MS, underlying="BTC", settle="BTC", inverse=True),
        delta_one("v", "L", underlying="BTC", quote="USDC"),
    ]
)
ROW = {item.native_id: row for row, item in enumerate(TABLE.items)}


def cut_of(lines: list[tuple[str, float]], orders: list[Order]) -> tuple[Priced, PoolBook]:
    """The BTC pool of the baseline with a mark of 50, the call at 0.1."""
    facts = Facts(
        AS_OF_MS,
        {("BTC", "USD"): 50.0, ("BTC", "USDC"): 50.0},
        {"BTC": 50.0, "USD": 1.0, "USDC": 1.0},
        {EXPIRY_MS: Dated(50.0, 30 * 86_400_000)},
        {"P": Quote(50.0), "C": Quote(0.1, 0.6), "L": Quote(50.0)},
    )
    book = Book.of(TABLE, [Line("a", ROW[n], q) for n, q in lines], orders, accounts=("a", "b"))
    found = run(book, view_of(TABLE, facts), model_named("fixed-rate"))
    pool = found.plan.pools[0]
    assert pool.label == "BTC"
    return found.priced[0], cut(book, pool, 0)


def fills(
    lines: list[tuple[str, float]], orders: list[Order], *, mmp: bool = False
) -> Fills | None:
    priced, held = cut_of(lines, orders)
    return fills_of(priced, held, np.ones(len(priced.pool.instruments)), mmp=mmp)


def test_no_order_in_the_pool_is_none() -> None:
    assert fills([("P", 1.0)], []) is None
    assert fills([], [Order("a", ROW["L"], 1, 1.0, 50.0)]) is None


def test_gains_against_the_mark() -> None:
    """Buy 100 dollars at 40: 100 (1/40 - 1/50) = 0.5 coins; sell 3 calls at 0.12: 0.06."""
    found = fills([], [Order("a", ROW["P"], 1, 100.0, 40.0), Order("a", ROW["C"], -1, 3.0, 0.12)])
    assert found is not None
    kind = dict(zip(found.size.tolist(), found.gain.tolist(), strict=True))
    assert kind == {100.0: pytest.approx(0.5), -3.0: pytest.approx(0.06)}
    cash = dict(zip(found.size.tolist(), found.cash.tolist(), strict=True))
    assert cash == {100.0: 0.0, -3.0: pytest.approx(0.36)}  # a premium received
    assert found.row.tolist() == [0, 2, 2]
    moves = found.moves(np.eye(2, 8))
    assert moves.shape == (2, 8)
    assert moves.sum(axis=1).tolist() == found.size.tolist()


def test_maker_orders_are_left_to_their_own_rule() -> None:
    orders = [Order("a", ROW["P"], 1, 100.0, 40.0, mmp=True), Order("a", ROW["P"], 1, 7.0, 40.0)]
    found = fills([], orders)
    assert found is not None
    assert found.size.tolist() == [7.0]
    both = fills([], orders, mmp=True)
    assert both is not None
    assert len(both) == 2


def test_a_reduce_only_order_is_cut_to_its_position() -> None:
    orders = [Order("a", ROW["P"], -1, 100.0, 60.0, reduce_only=True)]
    found = fills([("P", 30.0)], orders)
    assert found is not None
    assert found.size.tolist() == [-30.0]


def test_reduce_only_orders_share_one_position() -> None:
    """Three sells of 1,000 against +1,000 cannot sell 3,000; a plain sell is not cut."""
    sells = [Order("a", ROW["P"], -1, 1_000.0, at, reduce_only=True) for at in (55.0, 60.0, 65.0)]
    found = fills([("P", 1_000.0)], sells)
    assert found is not None
    assert found.size.tolist() == [-1_000.0]
    sells[0] = Order("a", ROW["P"], -1, 400.0, 55.0, reduce_only=True)
    found = fills([("P", 1_000.0)], [*sells, Order("a", ROW["P"], -1, 50.0, 70.0)])
    assert found is not None
    assert found.size.tolist() == [-400.0, -600.0, -50.0]
    # A bid at 45 fills before one at 40; what stands under maker protection takes no room.
    bids = [Order("a", ROW["P"], 1, 60.0, at, reduce_only=True) for at in (40.0, 45.0)]
    guarded = Order("a", ROW["P"], 1, 60.0, 49.0, reduce_only=True, mmp=True)
    found = fills([("P", -100.0)], [*bids, guarded])
    assert found is not None
    assert found.size.tolist() == [40.0, 60.0]


def test_reach_is_the_net_and_its_extremes() -> None:
    priced, held = cut_of(
        [("P", 10.0)],
        [
            Order("a", ROW["P"], 1, 5.0, 50.0),
            Order("a", ROW["P"], -1, 40.0, 50.0),
            Order("b", ROW["P"], -1, 1.0, 50.0),
        ],
    )
    found = fills_of(priced, held, np.ones(2), mmp=False)
    assert found is not None
    run_of = np.zeros(2, np.int32)
    base, high, low = reach(held, found, run_of, np.array([2.0, 2.0]))
    assert (base.tolist(), high.tolist(), low.tolist()) == (
        [[20.0], [0.0]],
        [[30.0], [0.0]],
        [[-60.0], [-2.0]],
    )


def test_dense_adds_up() -> None:
    rows, runs = np.array([0, 0, 2], np.int32), np.array([1, 1, 0], np.int32)
    found = dense(rows, runs, np.array([1.0, 2.0, 4.0]), 3, 2)
    assert found.tolist() == [[0.0, 3.0], [0.0, 0.0], [4.0, 0.0]]
    assert dense(rows[:0], runs[:0], np.zeros(0), 2, 0).shape == (2, 1)


def test_the_margin_of_orders_is_what_they_add() -> None:
    found = fills([], [Order("a", ROW["P"], 1, 100.0, 40.0)])
    assert found is not None
    need = OrderNeed(np.array([5.0, 5.0]), found, np.array([True]), np.array([0, 0], np.int32))
    assert order_margin(need, np.array([3.0, 3.0])).tolist() == [2.0, 0.0]  # b has no order
    assert order_margin(need, np.array([7.0, 3.0])).tolist() == [0.0, 0.0]
    assert order_margin(None, np.array([7.0, 3.0])).tolist() == [0.0, 0.0]


def test_where_an_options_value_backs_nothing_its_premium_is_the_gain() -> None:
    """Sell 3 calls at 0.12: 0.36 come in; a perpetual's fill gains the same either way."""
    orders = [Order("a", ROW["P"], 1, 100.0, 40.0), Order("a", ROW["C"], -1, 3.0, 0.12)]
    priced, held = cut_of([], orders)
    found = fills_of(priced, held, np.ones(2), mmp=False, value_counts=False)
    assert found is not None
    gain = dict(zip(found.size.tolist(), found.gain.tolist(), strict=True))
    assert gain == {100.0: pytest.approx(0.5), -3.0: pytest.approx(0.36)}


def test_gains_are_in_the_pools_currency() -> None:
    priced, held = cut_of([], [Order("a", ROW["C"], 1, 2.0, 0.15)])
    found = fills_of(priced, held, np.full(2, 50.0), mmp=False)
    assert found is not None
    assert found.gain.tolist() == [pytest.approx(2.0 * (0.1 - 0.15) * 50.0)]
    assert found.cash.tolist() == [pytest.approx(-0.3)]  # what leaves is coin


@pytest.mark.parametrize(
    ("held", "bid", "ask", "wanted"),
    [
        (0.0, 3.0, 5.0, 5.0),  # one contract is never long and short at once
        (2.0, 3.0, 1.0, 3.0),
        (2.0, 0.0, 4.0, 0.0),  # short 2 is no larger than long 2
        (2.0, 0.0, 7.0, 3.0),
        (-2.0, 1.0, 0.5, 0.5),
        (-2.0, 9.0, 0.0, 5.0),
    ],
)
def test_growth_is_the_most_that_a_contract_can_grow(
    held: float, bid: float, ask: float, wanted: float
) -> None:
    orders = [
        Order("b", ROW["C"], side, size, 0.1) for side, size in ((1, bid), (-1, ask)) if size > 0.0
    ]
    priced, _ = cut_of([], orders)
    lines = [Line("a", ROW["P"], 7.0), Line("b", ROW["C"], held)]
    part = cut(Book.of(TABLE, lines, orders, accounts=("a", "b")), priced.pool, 0)
    found = fills_of(priced, part, np.ones(len(priced.pool.instruments)), mmp=False)
    assert found is not None
    more = growth(part, found)
    assert more.account.tolist() == [1]
    assert [priced.pool.instruments.items[c].native_id for c in more.column.tolist()] == ["C"]
    assert more.size.tolist() == [wanted]
    sizes = np.array([side * size for side, size in ((1.0, bid), (-1.0, ask))])
    every = [abs(held + sum(sizes[list(k)])) for k in ((), (0,), (1,), (0, 1))]
    assert wanted == max(every) - abs(held)
