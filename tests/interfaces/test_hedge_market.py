"""Options of an underlying as arrays, and the hedge's cost, from the sample market."""

from __future__ import annotations

import pytest

from crossmargin.core.errors import CrossMarginError
from crossmargin.interfaces.hedge_market import hedge_market, option_book, underlying_of
from crossmargin.interfaces.sources import book_of, snapshot_of
from crossmargin.margin.whatif_greeks import GreekTable
from crossmargin.market.depth import Depth


def test_delta_gamma_and_vega_are_those_of_the_account() -> None:
    book, snapshot = book_of("sample:market-maker"), snapshot_of("sample:market")
    view = snapshot.view(book.instruments)
    for name, each in GreekTable(view).of_book(book).items():
        found = option_book(book, view, name)
        spot = found.spot
        assert spot == pytest.approx(each.index_usd)
        import numpy as np

        now = np.array([spot])
        # the forwards of the sample stand within half a per cent of the spot, which moves them
        assert found.delta(now)[0] == pytest.approx(each.delta_coins, abs=0.02 * len(found))
        assert found.vega() / 100.0 == pytest.approx(each.vega_usd_per_point, rel=1e-6)
        gamma = found.cash_gamma(now)[0] / spot**2
        assert gamma == pytest.approx(each.gamma_coins_per_usd, rel=0.05)


def test_cost_is_the_perpetuals_or_the_given_one() -> None:
    book, snapshot = book_of("sample:market-maker"), snapshot_of("sample:market")
    view = snapshot.view(book.instruments)
    found = hedge_market(book, view, snapshot, "BTC")
    assert found.contract == "BTC-PERPETUAL"
    assert found.terms.fee == pytest.approx(5e-4, rel=0.01)
    assert found.terms.half_spread > 0.0
    assert found.terms.impact > 0.0
    given = hedge_market(book, view, snapshot, "BTC", cost_bp=7.0, gas_usd=1.0)
    assert given.terms.one_way == pytest.approx(7e-4)
    assert (given.terms.impact, given.terms.gas_usd, given.source) == (0.0, 1.0, "given")


def test_several_underlyings_must_be_named() -> None:
    book = book_of("sample:market-maker")
    assert underlying_of(book, "ETH") == "ETH"
    for asked in (None, "SOL"):
        with pytest.raises(CrossMarginError) as refused:
            underlying_of(book, asked)
        assert refused.value.code == "option_unknown"


def test_depth_of_the_hedge_is_read_on_the_side_that_it_meets() -> None:
    """Inverse perpetual: a unit is a dollar (ten at the venue's own size). Levels near the mark."""
    book, snapshot = book_of("sample:market-maker"), snapshot_of("sample:market")
    view = snapshot.view(book.instruments)
    mark = snapshot.get("mark", "deribit|BTC-PERPETUAL")
    assert mark is not None
    levels = Depth.of(
        [(mark * 0.9999, 3e4), (mark * 0.9992, 5e4), (mark * 0.998, 9e9)],
        [(mark * 1.0002, 2e4), (mark * 1.0011, 7e9)],
        "perp",
        volume_day=1e8,
    )
    books = {("deribit", "BTC-PERPETUAL"): levels}
    bare = hedge_market(book, view, snapshot, "BTC").liquidity
    assert bare.within == (None, None)
    assert bare.volume_from == "guessed from open interest"
    found = hedge_market(book, view, snapshot, "BTC", books=books)
    unit = found.volume_day_usd / 1e8
    there = found.liquidity
    assert there.met(1.0) == pytest.approx((3e4 * unit, 8e4 * unit))  # sold into the bids
    assert there.met(-1.0) == pytest.approx((2e4 * unit, 2e4 * unit))
    assert there.volume_from == "as given"
    wide = hedge_market(book, view, snapshot, "BTC", books=books, within_bp=12.0, cost_bp=5.0)
    assert wide.liquidity.met(-1.0)[1] == pytest.approx((2e4 + 7e9) * unit)
    with pytest.raises(CrossMarginError):
        hedge_market(book, view, snapshot, "BTC", within_bp=0.0)
