from __future__ import annotations

import pytest

from crossmargin.core.errors import ModelError
from crossmargin.margin.families.exact_plan import one_pool, require_table, takes_only
from crossmargin.margin.parameter_files import from_values
from tests.margin.families.books import COINS, table

KNOWN = from_values("m", "1", {"market": {"BTC": {"x": 1}}, "token": {"USDC": {"x": 1}}}, "test")


def test_every_market_must_be_known() -> None:
    require_table(KNOWN, "market", "BTC")
    with pytest.raises(ModelError) as caught:
        one_pool(table(), KNOWN, "USDC", ("USDC",), "market")
    assert caught.value.code == "parameter_missing"
    assert "--params" in caught.value.remedy


def test_a_balance_is_taken_by_name_or_by_table() -> None:
    takes_only(table(), ("USDC",), "m")
    with pytest.raises(ModelError) as caught:
        takes_only(table(), ("USDT",), "m")
    assert caught.value.code == "kind_not_accepted"
    every = from_values("m", "1", {"market": {key: {"x": 1} for key in COINS[1:]}}, "t")
    with pytest.raises(ModelError):
        one_pool(table(), every, "USDC", (), "market", "token")
    pool = one_pool(table(), every, "USDC", ("USDC",), "market").pools[0]
    assert pool.label == "account"
    assert pool.cash.sum() == 1
