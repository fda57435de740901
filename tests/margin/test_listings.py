"""What a venue lists, and the counterpart there of another venue's contract."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crossmargin.core.errors import InputError
from crossmargin.instruments.contracts import Kind
from crossmargin.instruments.symbology import parse
from crossmargin.margin import model_named
from crossmargin.margin.listings import (
    COIN,
    LISTED,
    counterpart,
    forms_of,
    is_mapped,
    main_currency,
    sources_of,
    takes,
)
from crossmargin.margin.model import Listed

FUTURES = (Kind.PERPETUAL, Kind.FUTURE)


@pytest.mark.parametrize(
    ("name", "venue", "wanted"),
    [
        # An option that settles in coin stays in coin where the venue has such options.
        ("BTC-27MAR26-60000-C", "okx", "BTC-USD-260327-60000-C"),
        ("BTC-27MAR26-60000-C", "bybit", "BTC-27MAR26-60000-C-USDT"),
        ("BTC-27MAR26-60000-C", "binance", "BTC-260327-60000-C"),
        ("BTC-27MAR26-60000-C", "derive", "BTC-20260327-60000-C"),
        ("BTC-27MAR26-60000-C", "paradex", "BTC-USD-27MAR26-60000-C"),
        # Perpetuals: coin to coin, dollars to dollars.
        ("BTC-PERPETUAL", "okx", "BTC-USD-SWAP"),
        ("BTC_USDC-PERPETUAL", "okx", "BTC-USDT-SWAP"),
        ("BTC_USDT-PERPETUAL", "okx", "BTC-USDT-SWAP"),
        ("BTC_USDC-PERPETUAL", "binance", "BTCUSDT"),
        ("BTC_USDC-PERPETUAL", "bybit", "BTCPERP"),
        ("BTC-PERPETUAL", "bybit", "BTCUSD"),
        ("BTC-PERPETUAL", "binance", "BTCUSD_PERP"),
        ("BTC-PERPETUAL", "derive", "BTC-PERP"),
        # A dated future is kept where it is listed; Bybit's in coin are quarterly alone.
        ("BTC-27MAR26", "okx", "BTC-USD-260327"),
        ("BTC-27MAR26", "binance", "BTCUSD_260327"),
        ("BTC-27MAR26", "bybit", "BTCUSDH26"),
        ("BTC-30JAN26", "bybit", "BTCUSDT-30JAN26"),
        ("BTC-27MAR26", "paradex", "BTC-USD-PERP"),
    ],
)
def test_counterparts(name: str, venue: str, wanted: str) -> None:
    item = parse("deribit", name)
    found = counterpart(item, venue, LISTED[venue])
    assert found == replace(
        parse(venue, wanted), average_ms=found.average_ms, expiry_ms=found.expiry_ms
    )
    assert found.underlying == item.underlying
    if found.kind == item.kind:
        assert (found.strike, found.right, found.expiry_ms) == (
            item.strike,
            item.right,
            item.expiry_ms,
        )


def test_what_a_venue_does_not_list_is_refused_by_name() -> None:
    option = parse("deribit", "SOL_USDC-27MAR26-150-C")
    with pytest.raises(InputError) as caught:
        counterpart(option, "okx", LISTED["okx"])
    assert caught.value.code == "instrument_unknown"
    assert "SOL_USDC-27MAR26-150-C" in caught.value.place
    swap = parse("deribit", "BTC-PERPETUAL")
    with pytest.raises(InputError):
        counterpart(swap, "okx", (Listed((Kind.OPTION,), COIN, "USD"),))


def test_the_model_says_what_its_venue_lists() -> None:
    spec = model_named("paradex-pm").spec
    assert forms_of(spec) == LISTED["paradex"]
    own = (Listed(FUTURES, "USDT", "USDT"),)
    assert forms_of(replace(spec, listed=own)) == own
    assert forms_of(replace(spec, venue="elsewhere")) == LISTED["derive"]
    assert main_currency(own) == "USDT"
    assert main_currency((Listed(FUTURES, COIN, "USD"),)) == "USDC"


def test_books_are_brought_from_venues_that_the_model_names() -> None:
    spec = model_named("paradex-pm").spec
    deribit, okx = parse("deribit", "BTC-PERPETUAL"), parse("okx", "BTC-USDT-SWAP")
    assert is_mapped(spec, [deribit])
    assert not is_mapped(spec, [okx])
    assert not is_mapped(spec, [deribit, okx])
    assert not is_mapped(spec, [parse("paradex", "BTC-USD-PERP")])
    assert not is_mapped(replace(spec, venue=""), [deribit])
    okx_spec = replace(spec, venue="okx", maps_from=())
    assert sources_of(okx_spec) == ("deribit",)
    assert sources_of(replace(okx_spec, venue="elsewhere")) == ()
    assert sources_of(replace(okx_spec, venue="deribit")) == ()


def test_what_a_model_takes() -> None:
    """Of another venue's contracts the counterparts count; without one a contract is not taken."""
    future, option = parse("deribit", "BTC-27MAR26"), parse("deribit", "BTC-27MAR26-60000-C")
    spec = model_named("okx-sm").spec
    assert takes(spec, option, mapped=True)
    assert not takes(spec, future, mapped=True)
    assert takes(model_named("derive-pm2").spec, future, mapped=True)  # stands as a perpetual
    assert not takes(model_named("derive-pm2").spec, future, mapped=False)
