"""Tokens held and owed at lending protocols: both ways, and what is no name."""

from __future__ import annotations

import pytest

from crossmargin.core.errors import InputError
from crossmargin.instruments.contracts import Kind
from crossmargin.instruments.names_lending import LENDING
from crossmargin.instruments.symbology import asset, format_id, parse


@pytest.mark.parametrize("venue", LENDING)
def test_both_ways(venue: str) -> None:
    for name in LENDING[venue].forms.split(", "):
        item = parse(venue, name)
        assert format_id(venue, item) == name
        assert item.kind is (Kind.DEBT if name.startswith("debt ") else Kind.ASSET)
        assert item.settle == item.underlying
        assert not item.inverse


def test_a_token_that_is_no_known_currency() -> None:
    assert parse("aave", "CBETH") == asset("aave", "CBETH")
    owed = parse("morpho", "debt CBETH")
    assert (owed.kind, owed.underlying, owed.quote) == (Kind.DEBT, "CBETH", "USD")


@pytest.mark.parametrize("name", ["debt", "debt ", "debt usdc", "DEBT USDC", "debt  USDC", "weth"])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(InputError):
        parse("aave", name)
