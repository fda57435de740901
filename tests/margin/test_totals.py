from __future__ import annotations

import pytest

from crossmargin.margin import model_named, run
from crossmargin.margin.totals import account_totals, usd_per_row
from tests.margin.test_run import TABLE, view
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
