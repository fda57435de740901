from __future__ import annotations

import math
import time

import numpy as np
import pytest

from crossmargin.core.clock import YEAR_MS
from crossmargin.instruments.contracts import Instruments
from crossmargin.instruments.symbology import parse
from crossmargin.market.snapshot import Snapshot
from crossmargin.market.view import View
from tests.market.markets import AS_OF_MS, FEB_MS, MAR_MS, least, option, row, table


def black(forward: float, strike: float, years: float, vol: float, right: int) -> float:
    w = vol * math.sqrt(years)
    d1 = math.log(forward / strike) / w + 0.5 * w
    n = [0.5 * math.erfc(-right * d / math.sqrt(2.0)) for d in (d1, d1 - w)]
    return right * (forward * n[0] - strike * n[1])


def code(view: View) -> str:
    assert not view.ok.any()
    return view.failures[0].code


def test_what_the_snapshot_says_is_what_the_view_shows() -> None:
    bid = row("bid", option("BTC-13FEB26-60000-C"), 0.08, "BTC")
    view = least().with_rows([bid]).view(table("BTC-13FEB26-60000-C", "BTC", "USDC"))
    place = {item.native_id: k for k, item in enumerate(view.instruments.items)}
    call = place["BTC-13FEB26-60000-C"]
    assert (view.mark[call], view.vol[call], view.bid[call]) == (0.0812, 0.72, 0.08)
    assert view.has_bid[call]
    assert not view.has_ask[call]
    assert view.ok[call]
    assert (view.forward[0], view.life_ms[0], view.rate[0]) == (64100.0, FEB_MS - AS_OF_MS, 0.0)
    assert view.usd.tolist() == [64000.0, 1.0, 0.0]  # BTC, USD, USDC
    assert not view.ok[place["USDC"]]
    assert view.mark[place["BTC"]] == 64000.0
    assert view.reads["estimated"] == {}
    assert not view.mark.flags.writeable


def test_dollars_are_never_assumed_silently() -> None:
    known = [row("usd", "USDT", 0.9992, "USD")]
    assumed = [row("usd", "USDC", 1.0, "USD", confidence=0.0, verdict="assumed")]
    view = least().with_rows(known + assumed).view(table("USDC", "USDT"))
    assert view.usd.tolist() == [1.0, 1.0, 0.9992]
    assert view.reads["assumed"] == {"USDC": 1.0}
    assert "collateral_confidence" not in view.reads
    assert code(least().view(table("USDC"))) == "currency_unknown"
    assert code(least().view(table("BTC_USDC-PERPETUAL"))) == "index_missing"


def test_linear_contract_takes_the_cross_rate_and_says_so() -> None:
    view = (
        least()
        .with_rows([row("usd", "USDC", 0.998, "USD")])
        .view(table("BTC_USDC-PERPETUAL", "BTC_USDC-13FEB26-60000-C"))
    )
    assert view.ok.all()
    assert view.index[0] == pytest.approx(64000.0 / 0.998, rel=1e-15)
    assert view.forward[0] == pytest.approx(64100.0 / 0.998, rel=1e-15)
    said = view.reads["estimated"]
    assert {"index BTC/USDC", f"forward BTC/USDC@{FEB_MS}"} <= said.keys()
    assert option("BTC_USDC-PERPETUAL") in said


def test_contract_of_other_venue_takes_the_volatility_of_the_same_terms() -> None:
    usdc = row("usd", "USDC", 1.0, "USD", confidence=0.0, verdict="assumed")
    view = least().with_rows([usdc]).view(table("BTC-20260213-60000-P", venue="derive"))
    years = (FEB_MS - AS_OF_MS) / YEAR_MS
    assert view.ok.all()
    assert view.vol[0] == 0.72
    assert view.mark[0] == pytest.approx(black(64100.0, 60000.0, years, 0.72, -1), rel=1e-12)
    assert "derive|BTC-20260213-60000-P" in view.reads["estimated"]


def smile() -> Snapshot:
    rows = [
        row("index", "BTC/USD", 64000.0, "USD"),
        row("forward", f"BTC/USD@{MAR_MS}", 64500.0, "USD"),
    ]
    for strike in range(40000, 100001, 5000):
        k = math.log(strike / 64500.0)
        vol = 0.6 - 0.1 * k + 0.3 * k * k
        rows.append(row("mark_iv", option(f"BTC-27MAR26-{strike}-C"), vol, "fraction"))
    return Snapshot.of(rows, AS_OF_MS)


def test_strike_that_is_not_listed_is_read_off_the_surface() -> None:
    view = smile().view(table("BTC-27MAR26-62500-P"))
    k = math.log(62500.0 / 64500.0)
    assert view.ok.all()
    assert view.vol[0] == pytest.approx(0.6 - 0.1 * k + 0.3 * k * k, abs=2e-3)
    years = (MAR_MS - AS_OF_MS) / YEAR_MS
    value = black(64500.0, 62500.0, years, float(view.vol[0]), -1) / 64500.0
    assert view.mark[0] == pytest.approx(value, rel=1e-12)
    assert option("BTC-27MAR26-62500-P") in view.reads["estimated"]


def test_volatility_from_the_own_mark_where_that_is_all_there_is() -> None:
    years = (FEB_MS - AS_OF_MS) / YEAR_MS
    mark = black(64100.0, 66000.0, years, 0.81, 1) / 64100.0
    snapshot = least().with_rows([row("mark", option("BTC-13FEB26-66000-C"), mark, "BTC")])
    view = snapshot.view(table("BTC-13FEB26-66000-C"))
    assert view.vol[0] == pytest.approx(0.81, abs=1e-9)
    assert view.mark[0] == mark


def test_future_lends_its_mark_to_a_forward_that_is_not_known() -> None:
    snapshot = least().with_rows([row("mark", option("BTC-27MAR26"), 64600.0, "USD")])
    view = snapshot.view(table("BTC-27MAR26", "BTC-PERPETUAL"))
    assert view.forward.tolist() == [64600.0]
    assert view.ok.all()
    assert sorted(view.mark.tolist()) == [64000.0, 64600.0]  # the perpetual has the index
    assert option("BTC-PERPETUAL") in view.reads["estimated"]


def test_failures_say_why() -> None:
    assert code(least().view(table("BTC-27MAR26-60000-C"))) == "forward_missing"
    assert code(least().view(table("BTC-27MAR26"))) == "forward_missing"
    assert code(least().view(table("BTC-30JAN26-60000-C"))) == "instrument_expired"
    assert code(least().view(table("ETH-13FEB26-2000-C"))) == "index_missing"
    bare = Snapshot.of([r for r in least().rows() if r.field in ("index", "forward")], AS_OF_MS)
    assert code(bare.view(table("BTC-13FEB26-60000-C"))) == "mark_missing"
    tick = bare.with_rows([row("mark", option("BTC-13FEB26-200000-C"), 0.0, "BTC")])
    assert code(tick.view(table("BTC-13FEB26-200000-C"))) == "iv_undetermined"
    over = bare.with_rows([row("mark", option("BTC-13FEB26-60000-C"), 1.5, "BTC")])
    assert code(over.view(table("BTC-13FEB26-60000-C"))) == "vol_missing"
    zero = bare.with_rows([row("mark", option("BTC-PERPETUAL"), 0.0, "USD")])
    assert code(zero.view(table("BTC-PERPETUAL"))) == "price_not_positive"


def test_failed_row_changes_no_other_and_holds_zeros() -> None:
    view = least().view(table("BTC-13FEB26-60000-C", "BTC-27MAR26-60000-C"))
    assert view.ok.tolist() == [True, False]
    assert (view.mark[1], view.vol[1]) == (0.0, 0.0)
    assert len(view.failures) == 1
    assert np.isfinite(view.mark).all()


def test_expiry_at_this_instant_needs_no_volatility() -> None:
    snapshot = Snapshot.of(
        [
            row("index", "BTC/USD", 64000.0, "USD"),
            row("forward_settled", f"BTC/USD@{FEB_MS}", 64100.0, "USD"),
        ],
        AS_OF_MS,
    )
    view = snapshot.view(table("BTC-13FEB26-60000-C"), as_of_ms=FEB_MS)
    assert view.ok.all()
    assert (view.forward[0], view.forward_settled[0], view.life_ms[0]) == (0.0, 64100.0, 0)
    assert view.mark[0] == pytest.approx(1.0 - 60000.0 / 64100.0, rel=1e-14)


def test_feeds_that_are_less_than_certain_are_read_by_name() -> None:
    rows = [
        row("index", "BTC/USD", 64000.0, "USD", confidence=0.9),
        row("forward", f"BTC/USD@{FEB_MS}", 64100.0, "USD", confidence=0.8),
        row("mark_iv", option("BTC-13FEB26-60000-C"), 0.7, "fraction", confidence=0.7),
        row("mark", option("BTC-PERPETUAL"), 64010.0, "USD", confidence=0.6),
        row("funding_8h", option("BTC-PERPETUAL"), 1e-5, "fraction"),
    ]
    view = least().with_rows(rows).view(table("BTC-13FEB26-60000-C", "BTC-PERPETUAL"))
    assert view.read("spot_confidence", "BTC", 1.0) == 0.9
    assert view.read("forward_confidence", f"BTC@{FEB_MS}", 1.0) == 0.8
    assert view.read("vol_confidence", "BTC-13FEB26-60000-C", 1.0) == 0.7
    assert view.read("perp_confidence", "BTC", 1.0) == 0.6
    assert view.read("funding_8h", option("BTC-PERPETUAL"), 0.0) == 1e-5


@pytest.mark.parametrize(("count", "limit_s"), [(200, 0.005), (3000, 0.060)])
def test_view_is_fast(count: int, limit_s: float) -> None:
    rows, items = list(least_rows_of_many(count)), []
    snapshot = Snapshot.of(rows, AS_OF_MS)
    items = [parse("deribit", f"BTC-13FEB26-{1000 + k}-C") for k in range(count)]
    instruments = Instruments.of(items)
    took = []
    for _ in range(5):
        begin = time.perf_counter()
        view = snapshot.view(instruments)
        took.append(time.perf_counter() - begin)
    assert view.ok.all()
    assert min(took) <= limit_s


def least_rows_of_many(count: int) -> list[object]:
    rows: list[object] = [
        row("index", "BTC/USD", 64000.0, "USD"),
        row("forward", f"BTC/USD@{FEB_MS}", 64100.0, "USD"),
    ]
    for k in range(count):
        subject = option(f"BTC-13FEB26-{1000 + k}-C")
        rows.append(row("mark", subject, 0.5, "BTC"))
        rows.append(row("mark_iv", subject, 0.7, "fraction"))
        rows.append(row("bid", subject, 0.4, "BTC"))
        rows.append(row("ask", subject, 0.6, "BTC"))
    return rows
