"""Days to exit by hand, with orders, and the root of time."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.conformance.world import random_lines, random_orders
from crossmargin.instruments.book import Line, Order
from crossmargin.margin.families.var_exit import (
    CLASSES,
    days_to_exit,
    exit_columns,
    exit_factor,
)
from crossmargin.margin.families.whole_account import (
    dollar_market,
    fills_in_dollars,
    priced_account,
)
from tests.margin.families.var_books import block, numbers, place, pool_of, world

GIVEN = numbers("var-historical", coin__BTC__delta_one_volume_coins=1000.0,
                coin__BTC__option_volume_coins=200.0)  # fmt: skip
SEEN = world()
MARKET = dollar_market(pool_of(SEEN, GIVEN), SEEN.view)
COLUMNS = exit_columns(MARKET, GIVEN)


def days(lines: list[Line]) -> float:
    return float(days_to_exit(COLUMNS, block(SEEN, GIVEN, lines))[0])


def test_by_hand() -> None:
    future, coin = place(SEEN, "BTC_USDC-30"), place(SEEN, "BTC")
    option, inverse = place(SEEN, "BTC_USDC-30-64000-C"), place(SEEN, "BTC_BTC-PERPETUAL")
    assert CLASSES == ("delta_one", "option")
    assert days([Line("a", future, -250.0)]) == pytest.approx(2.5)
    assert days([Line("a", future, -250.0), Line("a", coin, 50.0)]) == pytest.approx(3.0)
    assert days([Line("a", inverse, 64_000.0)]) == pytest.approx(0.01 / 1.0004)
    assert days([Line("a", option, -30.0), Line("a", future, 100.0)]) == pytest.approx(1.5)
    assert days([Line("a", place(SEEN, "USDC"), 1e9)]) == 0.0


def test_fills_take_the_largest_book_that_they_can_make() -> None:
    future = place(SEEN, "BTC_USDC-30")
    lines = [Line("a", future, 100.0)]
    orders = [Order("a", future, 1, 50.0, 60_000.0), Order("a", future, -1, 400.0, 70_000.0)]
    held = block(SEEN, GIVEN, lines, orders)
    priced = priced_account(MARKET, pool_of(SEEN, GIVEN), None, None, {}, {})
    fills = fills_in_dollars(priced, held)
    assert fills is not None
    assert float(days_to_exit(COLUMNS, held, fills)[0]) == pytest.approx(3.0)
    assert float(days_to_exit(COLUMNS, held)[0]) == pytest.approx(1.0)


def test_no_subset_of_fills_takes_longer() -> None:
    lines, orders = random_lines(SEEN, 12, 8), random_orders(SEEN, 12, 8)
    held = block(SEEN, GIVEN, lines, orders)
    priced = priced_account(MARKET, pool_of(SEEN, GIVEN), None, None, {}, {})
    fills = fills_in_dollars(priced, held)
    assert fills is not None
    most = days_to_exit(COLUMNS, held, fills)
    rng = np.random.default_rng(1)
    for a in range(len(held.row) - 1):
        own = held.quantity[held.row[a] : held.row[a + 1]]
        size = dict(
            zip(held.column[held.row[a] : held.row[a + 1]].tolist(), own.tolist(), strict=True)
        )
        for _ in range(20):
            after = dict(size)
            for m in range(int(fills.row[a]), int(fills.row[a + 1])):
                if rng.random() < 0.5:
                    column = int(fills.column[m])
                    after[column] = after.get(column, 0.0) + float(fills.size[m])
            gross = sum(abs(q) * COLUMNS[c] for c, q in after.items())
            assert float(np.max(gross, initial=0.0)) <= most[a] * (1.0 + 1e-12) + 1e-12


def test_the_figure_grows_with_the_root_up_to_the_most() -> None:
    given = numbers("var-historical", horizon__days=2.0, horizon__exit_days_max=18.0)
    factor = exit_factor(np.array([0.0, 2.0, 8.0, 18.0, 1e9]), given)
    assert factor == pytest.approx([1.0, 1.0, 2.0, 3.0, 3.0])
