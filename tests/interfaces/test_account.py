from __future__ import annotations

import json

import pytest

import crossmargin as xm
from crossmargin.core.errors import InputError


def test_the_figures_of_a_sample_account(retail: str, market: str) -> None:
    result = xm.account(retail, market)
    margined = xm.margin(retail, market, "deribit-xpm")
    figures = result.to_dict()
    assert result.status == "ok"
    assert figures["im_usd"] == margined.im_usd
    assert figures["mm_usd"] == margined.mm_usd
    assert figures["usage"] == margined.accounts[0]["im_usage"]
    compared = xm.compare(retail, market, "deribit-xpm").rows[0]
    assert figures["cash_to_hold_usd"] == compared.cash_to_hold_usd
    assert figures["free_usd"] >= figures["withdrawable_usd"] > 0.0
    assert json.loads(result.to_json())["verdict"] == figures["verdict"]
    assert "withdrawable" in result.to_csv()


def test_the_buffer_and_the_ladder_are_asked_for(retail: str, market: str) -> None:
    plain = xm.account(retail, market).to_dict()
    more = xm.account(retail, market, buffer=0.5, ladder="house").to_dict()
    assert more["agreement"]["ladder"] == "house"
    expected = plain["cash_to_hold_usd"] + 0.5 * plain["im_usd"]
    assert more["cash_to_hold_usd"] == pytest.approx(expected)


def test_an_account_without_cash_has_no_standing(market: str) -> None:
    row = {"account": "a", "venue": "deribit", "instrument": "BTC-PERPETUAL", "quantity": 1e4}
    result = xm.account([row], market, "deribit-spm")
    figures = result.to_dict()
    assert result.status == "unknown"
    assert figures["free_usd"] is None
    assert figures["withheld"] == []
    assert figures["im_usd"] > 0.0


def test_one_account_is_chosen(market: str) -> None:
    rows = [
        {
            "account": name,
            "venue": "deribit",
            "instrument": "BTC",
            "quantity": 1.0,
            "type": "balance",
        }
        for name in "ab"
    ]
    with pytest.raises(InputError):
        xm.account(rows, market)
    assert xm.account(rows, market, account="b").to_dict()["account"] == "b"


def test_the_ladder_of_pools_apart_names_the_pool_that_fails(maker: str, market: str) -> None:
    result = xm.account(maker, market, "deribit-sm")
    rungs = {rung["status"]: rung for rung in result.to_dict()["agreement"]["rungs"]}
    assert result.status == "liquidation"
    assert rungs["liquidation"]["over_usd"] < 0.0
    assert rungs["liquidation"]["pool"] == "BTC"
    surplus = result.to_dict()["surplus_mm_usd"]
    assert rungs["liquidation"]["over_usd"] == pytest.approx(surplus, rel=1e-12)
    assert result.to_dict()["exit_usage"] > result.to_dict()["usage"] > 1.0
    assert result.to_dict()["receipt"]["command"].startswith("crossmargin account ")
