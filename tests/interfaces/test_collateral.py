from __future__ import annotations

import pytest

import crossmargin as xm
from crossmargin.accounts.collateral import value_of
from crossmargin.interfaces.collateral import schedule_of


def test_the_figures_are_those_of_the_room(maker: str, market: str) -> None:
    result = xm.collateral(maker, market, model="deribit-xpm")
    figures = result.to_dict()
    value = value_of(result.holdings, result.schedule)
    assert result.health == figures["health"] == value.health
    assert figures["counted_usd"] == value.counted_usd
    margined = xm.margin(maker, market, "deribit-xpm")
    assert figures["required_usd"] == margined.mm_usd
    gross = sum(asset["gross_usd"] for asset in figures["assets"])
    assert gross == pytest.approx(46 * 68_412.57 + 640 * 2_036.84 + 350_000 * 0.9998)


def test_without_a_model_debts_alone_are_backed(retail: str, market: str) -> None:
    result = xm.collateral(retail, market)
    assert result.to_dict()["required_usd"] == 0.0
    assert "debts alone" in result.to_dict()["notes"][0]


def test_a_schedule_comes_in_every_form(retail: str, market: str) -> None:
    base = schedule_of(None, 1_783_000_000_000)
    assert schedule_of(base, 0) is base
    assert schedule_of(base.parameters, 0).assets == base.assets
    one = xm.collateral(retail, market, base.parameters)
    assert one.value == xm.collateral(retail, market).value
