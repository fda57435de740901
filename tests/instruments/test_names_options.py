"""Names of the smaller options venues: what they say, and what is no name of theirs."""

from __future__ import annotations

import pytest

from crossmargin.core.clock import utc_ms
from crossmargin.core.errors import InputError
from crossmargin.instruments.contracts import Kind
from crossmargin.instruments.names_options import OPTION_VENUES
from crossmargin.instruments.symbology import format_id, parse


@pytest.mark.parametrize("venue", OPTION_VENUES)
def test_every_form_says_what_it_was_written_for(venue: str) -> None:
    for form in OPTION_VENUES[venue].forms.split(", "):
        item = parse(venue, form, multiplier=None if venue != "gate" else 0.01)
        if item.kind is not Kind.ASSET:
            assert format_id(venue, item) == form


def test_bit_tells_coin_from_linear() -> None:
    coin = parse("bit", "BTC-28AUG20-9500-C")
    linear = parse("bit", "ETH-USDT-17NOV23-1850-P")
    assert (coin.settle, coin.quote, coin.inverse) == ("BTC", "USD", True)
    assert (linear.settle, linear.right, linear.strike) == ("USDT", -1, 1850.0)
    assert linear.expiry_ms == utc_ms(2023, 11, 17, 8)


def test_gate_sizes_are_given() -> None:
    with pytest.raises(InputError) as caught:
        parse("gate", "BTC_USDT")
    assert caught.value.code == "instrument_unknown"


@pytest.mark.parametrize(
    ("venue", "name"),
    [
        ("aevo", "ETH-PERPETUAL"),
        ("thalex", "ETH-PERP"),
        ("gate", "BTC_USDC"),
        ("bit", "BTC-USDC-PERPETUAL"),
    ],
)
def test_a_name_of_another_venue_is_refused(venue: str, name: str) -> None:
    with pytest.raises(InputError):
        parse(venue, name, multiplier=1.0)
