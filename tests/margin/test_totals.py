from __future__ import annotations

import pytest

from crossmargin.instruments.contracts import Instruments
from crossmargin.margin import model_named, parameters_for, run
from crossmargin.margin.totals import account_totals, room_usd, stands_apart, usd_per_row
from tests.margin.test_run import AS_OF_MS, CASH, TABLE, view
from tests.vectors.building import book_of


def test_pools_of_different_currencies_meet_in_dollars() -> None:
    """a: 10 % of 1,000 dollars as 0.002 BTC, and 10 % of a coin in USDC; b: cash of 3 BTC."""
    book = book_of(TABLE, {"a": [("P", 1_000.0), ("L", 1.0)], "b": [("BTC", 3.0)], "c": []})
    found = run(book, view(), model_named("fixed-rate"))
    assert usd_per_row(found).tolist() == [50_000.0] * 3 + [1.0] * 3
    totals = account_totals(found)
    assert totals.im_usd.tolist() == pytest.approx([100.0 + 5_000.0, 0.0, 0.0], rel=1e-14)
    assert totals.mm_usd.tolist() == pytest.approx([50.0 + 2_500.0, 0.0, 0.0], rel=1e-14)
    assert totals.cash_usd.tolist() == [0.0, 150_000.0, 0.0]
    assert totals.equity_usd.tolist() == [0.0, 150_000.0, 0.0]
    assert totals.counted_im_usd.tolist() == totals.counted_mm_usd.tolist()
    assert totals.counted_im_usd.tolist() == [0.0, 150_000.0, 0.0]


def test_each_level_counts_its_own() -> None:
    """10 % of 3 BTC are taken off the initial side alone."""
    table = Instruments.of([CASH])
    model = model_named("deribit-xpm")
    parameters = parameters_for(model, AS_OF_MS, {"currency.BTC.haircut": 0.1})
    found = run(book_of(table, {"a": [("BTC", 3.0)]}), view(table), model, parameters)
    totals = account_totals(found)
    assert totals.counted_im_usd.tolist() == pytest.approx([135_000.0], rel=1e-14)
    assert totals.counted_mm_usd.tolist() == [150_000.0]


def test_what_is_left_is_that_of_the_pool_that_fails_first() -> None:
    """Dollars left: -1,000 of coins, 3,000 of dollars, a pool that only holds cash."""
    pools = [(0.06, 0.04, 50_000.0), (2_000.0, 5_000.0, 1.0), (0.0, 7.0, 1.0)]
    left, share = room_usd(pools, apart=True)
    assert (left, share) == (pytest.approx(-1_000.0), pytest.approx(-0.5))
    left, share = room_usd(pools[1:], apart=True)
    assert (left, share) == (3_000.0, 0.6)
    assert room_usd(pools[2:], apart=True) == (7.0, 1.0)
    assert room_usd(pools, apart=False)[0] == pytest.approx(2_007.0)
    assert room_usd([(1.0, 0.0, 1.0)], apart=False) == (-1.0, None)
    assert stands_apart(model_named("deribit-spm").spec)
    assert not stands_apart(model_named("deribit-xpm").spec)
