"""Results: readable as text, open to machines, honest about several accounts."""

from __future__ import annotations

import json

import pytest

import crossmargin as xm
from crossmargin.core.errors import InputError
from crossmargin.interfaces.results import MarketResult, ModelCard, ModelList


def test_text_of_a_result(margined: xm.MarginResult) -> None:
    text = repr(margined)
    assert text.startswith("deribit-spm: Deribit segregated portfolio margin (S:PM)")
    assert f"{margined.im_usd:,.0f}" in text
    assert "balances" in text


def test_a_lower_bound_is_marked(crossed: xm.MarginResult) -> None:
    assert f"≥ {crossed.im_usd:,.0f}" in repr(crossed)


def test_several_accounts_have_no_single_number(market: str) -> None:
    row = {"venue": "deribit", "instrument": "BTC-PERPETUAL", "quantity": 10.0}
    result = xm.margin([{**row, "account": "a"}, {**row, "account": "b"}], market)
    assert [account["account"] for account in result.accounts] == ["a", "b"]
    assert result.accounts[0]["im_usd"] == result.accounts[1]["im_usd"]
    with pytest.raises(InputError, match="several accounts"):
        _ = result.im_usd
    assert "accounts" in repr(result)


def test_the_json_is_the_dictionary(compared: xm.CompareResult) -> None:
    assert json.loads(compared.to_json()) == compared.to_dict()


@pytest.mark.parametrize("kind", [ModelList, ModelCard, MarketResult])
def test_other_results_have_the_same_faces(kind: type, market: str) -> None:
    made = {
        ModelList: lambda: xm.models(),
        ModelCard: lambda: xm.models("paradex-pm"),
        MarketResult: lambda: xm.quality(market),
    }
    result = made[kind]()
    assert isinstance(result, kind)
    assert repr(result)
    assert result._repr_html_().startswith("<div")
    assert result.to_csv().startswith("table,")
    assert json.loads(result.to_json()) == result.to_dict()
