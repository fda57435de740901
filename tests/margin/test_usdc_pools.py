from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crossmargin.core.errors import ModelError
from crossmargin.instruments.book import Reported
from crossmargin.instruments.contracts import Instruments
from crossmargin.margin.parameter_files import from_values
from crossmargin.margin.pools import cut, per_row
from crossmargin.margin.usdc_pools import cash_and_source, plan_by_underlying, stable_usd
from tests.vectors.building import Facts, asset, book_of, delta_one, view_of

SWAPS = [delta_one("v", f"{coin}-P", underlying=coin, settle="USDC") for coin in ("BTC", "ETH")]
CASH = asset("v", "USDC")
PARAMETERS = from_values(
    "m", "1", {"asset": {"BTC": {"x": 1.0}, "ETH": {"x": 1.0}, "SOL": {"x": 1.0}}}, "test"
)


def ids(table: Instruments) -> list[str]:
    return sorted(item.native_id for item in table.items)


def test_a_pool_an_underlying_and_the_assets_in_every_table() -> None:
    table = Instruments.of([*SWAPS, CASH, asset("v", "ETH"), asset("v", "DOGE")])
    plan = plan_by_underlying(table, PARAMETERS, "asset", "a note")
    assert [pool.label for pool in plan.pools] == ["BTC", "ETH"]
    assert ids(plan.pools[0].instruments) == ["BTC-P", "DOGE", "ETH", "USDC"]
    assert ids(plan.pools[1].instruments) == ["DOGE", "ETH", "ETH-P", "USDC"]
    assert [int(pool.cash.sum()) for pool in plan.pools] == [1, 1]
    assert [pool.currency for pool in plan.pools] == ["USDC", "USDC"]
    assert plan.notes == ("a note",)


def test_assets_count_where_their_holder_has_a_derivative() -> None:
    """What a neighbour holds changes nothing: an account's first pool is its own."""
    table = Instruments.of([*SWAPS, CASH])
    lines = {
        "a": [("USDC", 5.0), ("ETH-P", 1.0)],
        "b": [("USDC", 7.0), ("BTC-P", 1.0), ("ETH-P", 1.0)],
        "c": [("USDC", 9.0)],
    }
    plan = plan_by_underlying(table, PARAMETERS, "asset", "")
    held = [cut(book_of(table, lines), pool, 0) for pool in plan.pools]
    size = [
        per_row(each.row, each.quantity * pool.cash[each.column]).tolist()
        for each, pool in zip(held, plan.pools, strict=True)
    ]
    assert size == [[0.0, 7.0, 9.0], [5.0, 0.0, 0.0]]


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
    found, source = cash_and_source(plan.pools[0].cash, held, plan.pools[0], cash, np.zeros(4))
    assert found is cash
    assert source.tolist() == [2, 0, 0, 2]
    told = replace(held.book, reported=Reported(equity={("b", "USDC"): 11.0}))
    rest = np.array([0.0, 4.0, 0.0, 0.0])
    found, source = cash_and_source(
        plan.pools[0].cash, replace(held, book=told), plan.pools[0], cash, rest
    )
    assert (found.tolist(), source.tolist()) == ([5.0, 7.0, 0.0, 0.0], [2, 1, 0, 2])
