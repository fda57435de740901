from __future__ import annotations

import pytest

from crossmargin.instruments.contracts import Instruments
from crossmargin.margin import model_named, parameters_for, run
from crossmargin.margin.totals import account_totals, usd_per_row
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
