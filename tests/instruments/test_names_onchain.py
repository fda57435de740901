"""Spelling of the venues on chain: what a symbol says, and what is not one."""

from __future__ import annotations

import pytest

from crossmargin.instruments.contracts import Kind
from crossmargin.instruments.names import VENUES
from crossmargin.instruments.names_onchain import ONCHAIN


def test_every_venue_is_listed() -> None:
    assert ONCHAIN.items() <= VENUES.items()


def test_an_otoken_says_its_collateral() -> None:
    read = ONCHAIN["opyn"].read
    call, put = read("oWETHUSDC/WETH-05NOV21-4000C"), read("oWETHUSDC/USDC-05NOV21-4000P")
    assert call is not None and put is not None
    assert (call.base, call.quote, call.settle, call.right) == ("WETH", "USDC", "WETH", 1)
    assert (put.settle, put.right, put.day) == ("USDC", -1, (2021, 11, 5))
    assert call.inverse and not put.inverse


@pytest.mark.parametrize("venue", ONCHAIN)
def test_settlement_is_at_one_instant(venue: str) -> None:
    assert ONCHAIN[venue].window_ms(Kind.OPTION, 0) == 0
