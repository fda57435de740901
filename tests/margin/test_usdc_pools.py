from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instruments
from crossmargin.margin.parameter_files import from_values
from crossmargin.margin.pools import cut
from crossmargin.margin.usdc_pools import cash_and_source, plan_by_underlying, stable_usd
from tests.vectors.building import Facts, asset, book_of, delta_one, view_of

SWAPS = [delta_one("v", f"{coin}-P", underlying=coin, settle="USDC") for coin in ("BTC", "ETH")]
CASH = asset("v", "USDC")
PARAMETERS = from_values(
    "m", "1", {"asset": {"BTC": {"x": 1.0}, "ETH": {"x": 1.0}, "SOL": {"x": 1.0}}}, "test"
)


def ids(table: Instruments) -> list[str]:
    return sorted(item.native_id for item in table.items)


def test_a_pool_an_underlying_with_the_cash_in_the_first() -> None:
    table = Instruments.of([*SWAPS, CASH, asset("v", "ETH"), asset("v", "DOGE")])
    plan = plan_by_underlying(table, PARAMETERS, "asset", "a note")
    assert [pool.label for pool in plan.pools] == ["BTC", "ETH"]
    assert ids(plan.pools[0].instruments) == ["BTC-P", "DOGE", "USDC"]
    assert ids(plan.pools[1].instruments) == ["ETH", "ETH-P"]  # collateral of its own underlying
    assert [int(pool.cash.sum()) for pool in plan.pools] == [1, 0]
    assert [pool.currency for pool in plan.pools] == ["USDC", "USDC"]
    assert [pool.facts["home"] for pool in plan.pools] == [True, False]
    assert plan.notes == ("a note",)


def test_one_underlying_needs_no_note_and_cash_alone_stands_with_the_first_known() -> None:
    plan = plan_by_underlying(Instruments.of([SWAPS[1], CASH]), PARAMETERS, "asset", "a note")
    assert ([pool.label for pool in plan.pools], plan.notes) == (["ETH"], ())
    alone = plan_by_underlying(Instruments.of([CASH]), PARAMETERS, "asset", "a note")
    assert [pool.label for pool in alone.pools] == ["BTC"]


def test_an_underlying_without_parameters_is_named() -> None:
    doge = replace(SWAPS[0], native_id="DOGE-P", underlying="DOGE")
    with pytest.raises(ModelError) as caught:
        plan_by_underlying(Instruments.of([doge]), PARAMETERS, "asset", "")
    assert caught.value.code == "parameter_missing"
    assert (caught.value.value, caught.value.limit) == ("'DOGE'", "BTC, ETH, SOL")


def test_the_price_of_the_stablecoin() -> None:
    """From the view's names, else from what it read, else par."""
    table = Instruments.of([*SWAPS])
    facts = Facts(0, {}, {"USDC": 0.97})
    assert stable_usd(view_of(table, facts), table) == 0.97
    facts = Facts(0, {}, {}, reads={"usd": {"USDC": 0.98}})
    assert stable_usd(view_of(table, facts), table) == 0.98
    assert stable_usd(view_of(table, Facts(0, {})), table) == 1.0


def test_cash_is_a_balance_where_a_line_of_it_is_held() -> None:
    table = Instruments.of([*SWAPS, CASH])
    book = book_of(
        table, {"a": [("USDC", 5.0)], "b": [("BTC-P", 1.0)], "c": [], "d": [("USDC", 0.0)]}
    )
    plan = plan_by_underlying(table, PARAMETERS, "asset", "")
    held = cut(book, plan.pools[0], 0)
    cash = np.array([5.0, 0.0, 0.0, 0.0])
    found, source = cash_and_source(plan.pools[0].cash, held, cash)
    assert found is cash
    assert source.tolist() == [2, 0, 0, 2]
