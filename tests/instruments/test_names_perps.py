"""Names of the venues of perpetuals: what they say, and what is no name of theirs."""

from __future__ import annotations

import pytest

from crossmargin.core.errors import InputError
from crossmargin.instruments.contracts import Kind
from crossmargin.instruments.names_perps import PERP_VENUES
from crossmargin.instruments.symbology import format_ccxt, format_id, parse, parse_ccxt


@pytest.mark.parametrize("venue", PERP_VENUES)
def test_every_form_says_what_it_was_written_for(venue: str) -> None:
    kinds = []
    for form in PERP_VENUES[venue].forms.split(", "):
        item = parse(venue, form)
        kinds.append(item.kind)
        if item.kind is Kind.PERPETUAL:
            assert format_id(venue, item) == form
            assert (item.settle, item.inverse, item.multiplier) == ("USDC", False, 1.0)
    assert set(kinds) == {Kind.PERPETUAL, Kind.ASSET}


def test_what_the_index_is_quoted_in() -> None:
    assert parse("hyperliquid", "BTC-PERP").quote == "USD"
    assert parse("coinbase-intl", "BTC-PERP").quote == "USDC"
    assert parse("gmx", "BTC/USD").quote == "USD"


def test_thousands_of_a_coin_carry_a_small_letter() -> None:
    assert parse("hyperliquid", "kPEPE-PERP").underlying == "kPEPE"


def test_ccxt_writes_the_quote_as_the_settlement() -> None:
    item = parse("hyperliquid", "BTC-PERP")
    assert format_ccxt(item) == "BTC/USDC:USDC"
    assert parse_ccxt("hyperliquid", "BTC/USDC:USDC") == item


@pytest.mark.parametrize(
    ("venue", "name"),
    [
        ("hyperliquid", "BTC-USD-PERP"),
        ("hyperliquid", "btc-PERP"),
        ("coinbase-intl", "kPEPE-PERP"),
        ("gmx", "BTC-PERP"),
        ("gmx", "BTC/USDC"),
    ],
)
def test_a_name_of_another_venue_is_refused(venue: str, name: str) -> None:
    with pytest.raises(InputError):
        parse(venue, name)
