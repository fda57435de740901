"""What the Derive managers share: pools, refusals, the peg, what counts."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instruments
from crossmargin.margin.families.derive import (
    coin_worth,
    index_of,
    peg_factor,
    perp_profit,
    plan_managers,
    refusals_of,
    side_by_side,
)
from crossmargin.margin.models.derive_pm1 import DerivePM1
from crossmargin.margin.parameter_files import available
from crossmargin.margin.pools import cut, restrict
from tests.margin.models.test_derive_pm2 import AS_OF_MS, CASH, ETH_PERPETUAL, PERPETUAL, call
from tests.vectors.building import Dated, Facts, Quote, asset, view_of

PARAMETERS = available("derive-pm1")[-1]
COIN, ETHER = asset("derive", "BTC"), asset("derive", "ETH")
TABLE = Instruments.of([PERPETUAL, ETH_PERPETUAL, CASH, COIN, ETHER, call()])
VIEW = view_of(
    TABLE,
    Facts(
        AS_OF_MS,
        {("BTC", "USD"): 50_000.0, ("ETH", "USD"): 2_000.0},
        {"BTC": 50_000.0, "ETH": 2_000.0, "USDC": 0.8, "USD": 1.0},
        {key[3]: Dated(50_000.0, key[3] - AS_OF_MS) for key in TABLE.expiries},
        {"BTC-PERP": Quote(51_000.0), "ETH-PERP": Quote(2_000.0)},
    ),
)


def test_a_manager_is_a_pool_and_a_strike_is_a_run() -> None:
    for own, where in ((True, ["BTC", "ETH"]), (False, ["BTC", "BTC"])):
        plan = plan_managers(TABLE, PARAMETERS, own_base=own)
        assert [pool.label for pool in plan.pools] == ["BTC", "ETH"]
        assert plan.notes
        lines = [Line("a", row, 1.0) for row in range(len(TABLE))]
        book = Book.of(TABLE, lines)
        home = {}
        for pool in plan.pools:
            assert len(pool.facts["strike_run"]) == len(pool.instruments)
            for c in cut(book, pool, 0).column.tolist():
                home[pool.instruments.items[c].native_id] = pool.label
        assert [home["BTC"], home["ETH"]] == where
        assert home["USDC"] == "BTC"


def test_worth_index_and_columns() -> None:
    worth = coin_worth(TABLE, VIEW, 0.8)
    named = dict(zip((i.native_id for i in TABLE.items), worth.tolist(), strict=True))
    assert (named["BTC"], named["ETH"], named["USDC"], named["BTC-PERP"]) == (
        62_500.0,
        2_500.0,
        0.0,
        0.0,
    )
    assert index_of(TABLE, VIEW, "ETH") == 2_000.0
    assert index_of(TABLE, VIEW, "SOL") == 0.0
    table = side_by_side({"a": worth, "b": worth + 1.0}, "b", "a")
    assert table.shape == (len(TABLE), 4)
    assert (table[:, 0] == worth + 1.0).all()
    assert (table[:, 2:] == 0.0).all()


@pytest.mark.parametrize(("stable", "factor"), [(1.0, 1.25), (0.99, 1.25), (0.94, 1.45)])
def test_the_factor_rises_under_the_peg(stable: float, factor: float) -> None:
    assert peg_factor(PARAMETERS, "market.BTC", stable) == pytest.approx(factor, rel=1e-12)


def test_profit_is_that_of_perpetuals_with_an_entry() -> None:
    place = TABLE.index_of()
    lines = [
        Line("a", place[PERPETUAL.key], 2.0, 50_000.0),
        Line("a", place[call().key], 1.0, 3.0),
        Line("b", place[PERPETUAL.key], 2.0),
    ]
    book = Book.of(TABLE, lines)
    plan = plan_managers(TABLE, PARAMETERS, own_base=True)
    model = DerivePM1()
    view = restrict(VIEW, TABLE, plan.pools[0])
    held = cut(book, plan.pools[0], 0)
    assert perp_profit(plan.pools[0].instruments, view, held).tolist() == [2_000.0, 0.0]
    priced = model.price(plan.pools[0], view, PARAMETERS)
    assert refusals_of(priced, held) == ()


def test_refusals_name_the_account_and_the_line() -> None:
    odd = asset("derive", "USDT")
    table = Instruments.of([PERPETUAL, CASH, COIN, odd])
    place = table.index_of()
    facts = Facts(
        AS_OF_MS,
        {("BTC", "USD"): 50_000.0},
        {"BTC": 50_000.0, "USDT": 1.0, "USDC": 1.0, "USD": 1.0},
        quotes={"BTC-PERP": Quote(50_000.0)},
    )
    lines = [
        Line("fine", place[COIN.key], 1.0),
        Line("owes", place[COIN.key], -1.0),
        Line("odd", place[odd.key], 5.0),
        Line("none of it", place[odd.key], 0.0),
    ]
    pool = plan_managers(table, PARAMETERS, own_base=True).pools[0]
    priced = DerivePM1().price(pool, view_of(table, facts), PARAMETERS)
    book = Book.of(table, lines)
    found = refusals_of(priced, cut(book, pool, 0))
    assert {book.account[r.row]: r.error.code for r in found} == {
        "owes": "parameter_out_of_bounds",
        "odd": "parameter_missing",
    }
    assert np.all([r.error.remedy for r in found])
