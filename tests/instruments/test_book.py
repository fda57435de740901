"""Books from lines: lots, views, hashes, and orders that contradict themselves."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book, Line, Order, Reported, account_of
from crossmargin.instruments.contracts import Instruments
from crossmargin.instruments.symbology import parse

NAMES = ["BTC-PERPETUAL", "BTC_USDC-PERPETUAL", "BTC-27MAR26-100000-C", "BTC-28MAR25", "BTC"]
TABLE = Instruments.of(parse("deribit", name) for name in NAMES)
COLUMN = {item.native_id: row for row, item in enumerate(TABLE.items)}
PERP, LINEAR, OPTION = (COLUMN[name] for name in NAMES[:3])

SIZES = st.decimals("-1000", "1000", places=3).map(float)
PRICES = st.one_of(st.none(), st.decimals("1", "99999", places=2).map(float))
LINES = st.lists(
    st.builds(
        Line,
        account=st.sampled_from(["a", "b"]),
        column=st.integers(0, len(NAMES) - 1),
        quantity=SIZES,
        entry_price=PRICES,
        tags=st.sampled_from([(), (("desk", "vol"),)]),
    ),
    max_size=12,
)


@given(lines=LINES, data=st.data())
def test_the_order_of_lines_does_not_matter_to_the_bit(
    lines: list[Line], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(lines))
    one, two = Book.of(TABLE, lines), Book.of(TABLE, shuffled)
    assert one.positions_sha256() == two.positions_sha256()
    assert one.lines == two.lines
    assert one.lots_merged == len(lines) - len(one.column)


@given(
    thousandths=st.integers(-10_000, 10_000),
    cut=st.integers(-10_000, 10_000),
    price=st.decimals("1", "99999", places=2).map(float),
    column=st.sampled_from([PERP, LINEAR, OPTION]),
)
def test_a_position_in_two_lots_has_the_bits_of_one(
    thousandths: int, cut: int, price: float, column: int
) -> None:
    whole = Book.of(TABLE, [Line("a", column, thousandths / 1000, price)])
    lots = [Line("a", column, part / 1000, price) for part in (cut, thousandths - cut)]
    split = Book.of(TABLE, lots)
    assert split.quantity.tobytes() == whole.quantity.tobytes()
    if thousandths:
        assert split.positions_sha256() == whole.positions_sha256()
    assert split.lots_merged == 1


@given(
    lots=st.lists(
        st.tuples(st.integers(1, 1000), st.decimals("1000", "99999", places=1).map(float)),
        min_size=2,
        max_size=5,
    ),
    mark=st.decimals("1000", "99999", places=1).map(float),
)
def test_merged_lots_keep_their_profit(lots: list[tuple[int, float]], mark: float) -> None:
    inverse = Book.of(TABLE, [Line("a", PERP, float(q), p) for q, p in lots])
    linear = Book.of(TABLE, [Line("a", LINEAR, float(q), p) for q, p in lots])
    each_coin = math.fsum(q * (1 / p - 1 / mark) for q, p in lots)
    each_cash = math.fsum(q * (mark - p) for q, p in lots)
    coin = inverse.quantity[0] * (1 / inverse.entry_price[0] - 1 / mark)
    cash = linear.quantity[0] * (mark - linear.entry_price[0])
    assert coin == pytest.approx(each_coin, rel=1e-11, abs=1e-12)
    assert cash == pytest.approx(each_cash, rel=1e-11, abs=1e-6)


def test_the_entry_price_of_inverse_lots_is_harmonic_and_of_options_arithmetic() -> None:
    lots = [(100.0, 50_000.0), (300.0, 100_000.0)]
    book = Book.of(TABLE, [Line("a", PERP, q, p) for q, p in lots])
    assert book.entry_price[0] == 400 / (100 / 50_000 + 300 / 100_000)
    coin = Book.of(TABLE, [Line("a", OPTION, q, p) for q, p in [(1.0, 0.04), (3.0, 0.02)]])
    assert coin.entry_price[0] == float(Fraction("0.025"))


def test_lots_that_cancel_or_lack_a_price_have_no_entry_price() -> None:
    cancelled = Book.of(TABLE, [Line("a", PERP, 1.0, 5e4), Line("a", PERP, -1.0, 6e4)])
    assert (cancelled.quantity[0], cancelled.entry_known[0]) == (0.0, False)
    unknown = Book.of(TABLE, [Line("a", PERP, 1.0, 5e4), Line("a", PERP, 1.0)])
    assert (unknown.quantity[0], unknown.entry_known[0]) == (2.0, False)
    # opposite lots whose coins cancel: no price carries their profit
    level = Book.of(TABLE, [Line("a", PERP, 2.0, 6e4), Line("a", PERP, -1.0, 3e4)])
    assert not level.entry_known[0]


def test_rows_is_a_view_of_whole_accounts() -> None:
    lines = [Line(name, column, 1.0 + column) for name in "abc" for column in (PERP, OPTION)]
    orders = [Order("b", OPTION, 1, 2.0, 0.01), Order("c", PERP, -1, 3.0, 1e5)]
    book = Book.of(TABLE, lines, orders)
    part = book.rows(1, 3)
    alone = Book.of(TABLE, lines[2:], orders)
    assert part.positions_sha256() == alone.positions_sha256()
    assert part.orders_sha256() == alone.orders_sha256()
    assert np.shares_memory(part.quantity, book.quantity)
    assert not part.quantity.flags.writeable
    assert len(part) == 2
    assert book.rows(1, 1).orders.column.size == 0


def test_hashes_see_every_part_that_a_margin_reads() -> None:
    line = Line("a", PERP, 1.0, 5e4)
    base = Book.of(TABLE, [line])
    others = [
        Book.of(TABLE, [replace(line, quantity=2.0)]),
        Book.of(TABLE, [replace(line, entry_price=6e4)]),
        Book.of(TABLE, [replace(line, entry_price=None)]),
        Book.of(TABLE, [replace(line, account="z")]),
        Book.of(TABLE, [replace(line, column=LINEAR)]),
        Book.of(TABLE, [line], reported=Reported(equity={("a", "BTC"): 1.0})),
    ]
    hashes = {book.positions_sha256() for book in [base, *others]}
    assert len(hashes) == len(others) + 1
    order = Order("a", OPTION, 1, 2.0, 0.01)
    changed = [
        order,
        replace(order, side=-1),
        replace(order, remaining=3.0),
        replace(order, limit_price=0.02),
        replace(order, mmp=True),
        replace(order, group="g"),
        replace(order, column=LINEAR),
    ]
    seen = {Book.of(TABLE, [line], [each]).orders_sha256() for each in changed}
    assert len(seen) == len(changed)


def test_orders_are_kept_apart_from_quantities_and_in_one_order() -> None:
    orders = [Order("a", OPTION, side, 2.0, 0.01 * k) for side in (1, -1) for k in (1, 2)]
    one = Book.of(TABLE, [Line("a", OPTION, 5.0)], orders)
    two = Book.of(TABLE, [Line("a", OPTION, 5.0)], orders[::-1])
    assert one.quantity.tolist() == [5.0]
    assert one.orders_sha256() == two.orders_sha256()
    assert (one.orders.bid.sum(), one.orders.ask.sum()) == (4.0, 4.0)
    assert not (one.orders.bid * one.orders.ask).any()


@pytest.mark.parametrize(
    "change",
    [
        {"side": 0},
        {"side": 2},
        {"remaining": 0.0},
        {"remaining": -1.0},
        {"remaining": math.nan},
        {"remaining": math.inf},
        {"limit_price": 0.0},
        {"limit_price": -1.0},
        {"limit_price": math.nan},
        {"reduce_only": True},  # buys while long
        {"reduce_only": True, "column": PERP, "side": -1},  # nothing held
    ],
    ids=str,
)
def test_an_order_that_contradicts_itself_is_refused(change: dict[str, object]) -> None:
    order = replace(Order("a", OPTION, 1, 1.0, 0.05), **change)  # type: ignore[arg-type] # a table
    with pytest.raises(InputError, match="order_invalid"):
        Book.of(TABLE, [Line("a", OPTION, 3.0)], [order])


def test_an_order_that_reduces_is_kept() -> None:
    order = Order("a", OPTION, -1, 1.0, 0.05, reduce_only=True)
    book = Book.of(TABLE, [Line("a", OPTION, 3.0)], [order])
    assert book.orders.reduce_only.tolist() == [True]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (Line("a", PERP, math.nan), "number_not_finite"),
        (Line("a", PERP, -math.inf), "number_not_finite"),
        (Line("a", PERP, 1.0, math.nan), "number_not_finite"),
        (Line("a", PERP, 1e300), "number_out_of_range"),
        (Line("a", PERP, 1.0, 0.0), "number_out_of_range"),
        (Line("a", PERP, 1.0, -5.0), "number_out_of_range"),
    ],
    ids=str,
)
def test_a_line_that_is_no_holding_is_refused(line: Line, code: str) -> None:
    with pytest.raises(InputError) as caught:
        Book.of(TABLE, [line])
    assert caught.value.code == code
    assert caught.value.place == "deribit BTC-PERPETUAL"


def test_accounts_are_named_or_refused() -> None:
    book = Book.of(TABLE, [Line("a", PERP, 1.0)], accounts=["a", "empty"])
    assert (len(book), account_of(book, "empty"), book.row.tolist()) == (2, 1, [0, 1, 1])
    with pytest.raises(InputError, match="option_unknown"):
        account_of(book, "z")
    with pytest.raises(InputError, match="option_unknown"):
        Book.of(TABLE, [Line("z", PERP, 1.0)], accounts=["a"])


def test_a_population_from_arrays_names_its_accounts_lazily() -> None:
    row = np.arange(0, 2_000_001, dtype=np.int64)
    column = np.zeros(2_000_000, np.int32)
    book = Book.of_arrays(TABLE, row, column, np.ones(2_000_000))
    assert (len(book), book.account[1_999_999], book.rows(5, 7).account[0]) == (
        2_000_000,
        "1999999",
        "5",
    )
    with pytest.raises(InputError, match="number_not_finite"):
        Book.of_arrays(TABLE, row[:2], column[:1], np.array([np.nan]))


def test_a_population_does_not_change_with_the_arrays_it_was_made_of() -> None:
    row = np.array([0, 1, 2], np.int64)
    column = np.array([0, 1], np.int32)
    quantity = np.array([1.0, -2.0])
    books = (
        Book.of_arrays(TABLE, row, column, quantity),
        Book.of_rows(TABLE, np.array([0, 1], np.int32), column, quantity, 2),
    )
    before = [book.positions_sha256() for book in books]
    for array in (row, column, quantity):
        array[:] = 0
    assert [book.positions_sha256() for book in books] == before
    assert [book.quantity.tolist() for book in books] == [[1.0, -2.0], [1.0, -2.0]]
