from __future__ import annotations

import math

import pytest

from crossmargin.core.clock import YEAR_MS
from crossmargin.core.errors import MarketDataError
from crossmargin.market.chain import STALE_MS, Quote
from crossmargin.market.snapshot import Snapshot
from tests.market.markets import AS_OF_MS, FEB_MS, assembled, option, quote, row
from tests.market.test_lens import black

FORWARD = 64100.0
YEARS = (FEB_MS - AS_OF_MS) / YEAR_MS


def priced(strike: int, right: str, vol: float = 0.7, **other: object) -> Quote:
    """An option whose mark is its Black-76 value in coin."""
    sign = 1 if right == "C" else -1
    mark = black(FORWARD, float(strike), YEARS, vol, sign) / FORWARD
    values: dict[str, object] = {"mark": mark, "mark_iv": vol, "forward": FORWARD, **other}
    return quote(f"BTC-13FEB26-{strike}-{right}", index_price=64000.0, **values)


def verdict(snapshot: Snapshot, field: str, native_id: str) -> str:
    return snapshot.verdict[snapshot.places(field)[option(native_id)]]


def test_plain_chain_is_ok_throughout() -> None:
    snapshot = assembled([priced(60000, "C"), priced(60000, "P", bid=0.001, ask=0.2)])
    assert snapshot.get("forward", f"BTC/USD@{FEB_MS}") == FORWARD
    assert snapshot.get("index", "BTC/USD") == 64000.0
    doubts = {(f, v) for f, v in zip(snapshot.field, snapshot.verdict, strict=True) if v != "ok"}
    assert doubts == {("usd", "assumed")}


def test_stablecoins_are_assumed_and_said_so_unless_given() -> None:
    given = row("usd", "USDC", 0.9991, "USD")
    snapshot = assembled([priced(60000, "C")], extra=[given])
    assert snapshot.get("usd", "USDC") == 0.9991
    place = snapshot.places("usd")["USDT"]
    assert (snapshot.value[place], snapshot.confidence[place]) == (1.0, 0.0)
    assert (snapshot.verdict[place], snapshot.source[place]) == ("assumed", "assumed at par")
    assert not assembled([priced(60000, "C")], assumed_usd=()).places("usd")


def test_volatility_comes_from_the_price_and_is_marked() -> None:
    snapshot = assembled([priced(66000, "C", 0.83, mark_iv=None), priced(60000, "C")])
    assert snapshot.get("mark_iv", option("BTC-13FEB26-66000-C")) == pytest.approx(0.83, abs=1e-10)
    assert verdict(snapshot, "mark_iv", "BTC-13FEB26-66000-C") == "implied"
    assert verdict(snapshot, "mark_iv", "BTC-13FEB26-60000-C") == "ok"


def test_volatility_comes_from_the_surface_where_the_price_is_rounded_away() -> None:
    smile = [
        priced(strike, "C", 0.6 + 0.3 * math.log(strike / FORWARD) ** 2)
        for strike in range(50000, 80001, 3000)
    ]
    wing = quote("BTC-13FEB26-90000-C", mark=0.0, forward=FORWARD, index_price=64000.0)
    silent = quote("BTC-13FEB26-63500-P", forward=FORWARD, index_price=64000.0)
    snapshot = assembled([*smile, wing, silent])
    for name, strike in (("BTC-13FEB26-90000-C", 90000), ("BTC-13FEB26-63500-P", 63500)):
        expected = 0.6 + 0.3 * math.log(strike / FORWARD) ** 2
        assert snapshot.get("mark_iv", option(name)) == pytest.approx(expected, abs=0.01)
        assert verdict(snapshot, "mark_iv", name) == "estimated"
    assert verdict(snapshot, "mark", "BTC-13FEB26-90000-C") == "ok"
    assert verdict(snapshot, "mark", "BTC-13FEB26-63500-P") == "missing"
    assert snapshot.get("mark", option("BTC-13FEB26-63500-P")) is None


def test_option_that_carries_nothing_is_missing() -> None:
    silent = quote("BTC-13FEB26-63500-P", forward=FORWARD, index_price=64000.0)
    snapshot = assembled([silent])
    assert verdict(snapshot, "mark_iv", "BTC-13FEB26-63500-P") == "missing"
    assert snapshot.get("mark_iv", option("BTC-13FEB26-63500-P")) is None


def test_missing_forward_comes_from_parity_and_is_marked() -> None:
    chain = [
        priced(strike, right, forward=None)
        for strike in (60000, 64000, 68000)
        for right in ("C", "P")
    ]
    snapshot = assembled(chain)
    place = snapshot.places("forward")[f"BTC/USD@{FEB_MS}"]
    assert snapshot.value[place] == pytest.approx(FORWARD, rel=1e-12)
    assert snapshot.verdict[place] == "implied"


def test_forward_of_an_expiry_without_options_is_its_future() -> None:
    future = quote("BTC-27MAR26", mark=64600.0, index_price=64000.0)
    snapshot = assembled([priced(60000, "C"), future])
    assert sorted(snapshot.values("forward").values()) == [FORWARD, 64600.0]


def test_verdicts_of_quotes() -> None:
    old = AS_OF_MS - STALE_MS - 1
    mark = float(priced(62000, "C").mark or 0.0)
    snapshot = assembled(
        [
            priced(60000, "C", bid=0.2, ask=0.1),
            priced(61000, "C", event_ms=old),
            priced(62000, "C", bid=mark + 0.001, ask=mark + 0.002),
            priced(63000, "C", mark=1.01),
            quote("BTC-13FEB26", mark=64300.0, index_price=64000.0),
        ]
    )
    assert verdict(snapshot, "bid", "BTC-13FEB26-60000-C") == "crossed"
    assert verdict(snapshot, "ask", "BTC-13FEB26-60000-C") == "crossed"
    assert verdict(snapshot, "mark_iv", "BTC-13FEB26-61000-C") == "stale"
    assert verdict(snapshot, "mark", "BTC-13FEB26-62000-C") == "outside_touch"
    assert verdict(snapshot, "mark", "BTC-13FEB26-63000-C") == "outside_bounds"
    assert verdict(snapshot, "mark", "BTC-13FEB26") == "incoherent"


def test_executable_value_is_absent_where_there_is_no_quote() -> None:
    snapshot = assembled([priced(60000, "C", bid=0.02)])
    subject = option("BTC-13FEB26-60000-C")
    assert snapshot.get("bid", subject) == 0.02
    assert subject not in snapshot.places("ask")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"forward": 0.0}, "price_not_positive"),
        ({"forward": -1.0}, "price_not_positive"),
        ({"index_price": 0.0}, "price_not_positive"),
        ({"index_price": math.nan}, "number_not_finite"),
        ({"forward": math.inf}, "number_not_finite"),
        ({"mark_iv": 9.0}, "vol_out_of_bounds"),
        ({"mark": -0.1}, "number_out_of_range"),
        ({"event_ms": AS_OF_MS + 3_600_000}, "number_out_of_range"),
    ],
)
def test_bad_readings_are_refused(change: dict[str, object], code: str) -> None:
    with pytest.raises(MarketDataError) as caught:
        assembled([priced(60000, "C")._replace(**change)])  # type: ignore[arg-type]  # keywords of a test
    assert caught.value.code == code


def test_contract_may_be_quoted_once() -> None:
    with pytest.raises(MarketDataError) as caught:
        assembled([priced(60000, "C"), priced(60000, "C")])
    assert caught.value.code == "market_duplicate"


def test_order_of_rows_is_irrelevant() -> None:
    chain = [priced(strike, right) for strike in range(50000, 70001, 1000) for right in "CP"]
    assert assembled(chain) == assembled(list(reversed(chain)))


def test_a_coin_settled_mark_in_dollars_is_refused() -> None:
    for right, mark in (("C", 1.5), ("C", 2100.0), ("P", 1800.0)):
        with pytest.raises(MarketDataError) as caught:
            assembled([priced(60000, right, mark=mark)])
        assert caught.value.code == "unit_wrong"
    deep = quote("BTC-13FEB26-200000-P", mark=2.1, forward=FORWARD, index_price=64000.0)
    assert assembled([deep]).get("mark", option("BTC-13FEB26-200000-P")) == 2.1
