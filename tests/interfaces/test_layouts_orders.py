from __future__ import annotations

import crossmargin as xm
from crossmargin.interfaces.layouts_orders import order_tables


def test_the_orders_of_a_quoting_account_stand_under_three_rules() -> None:
    found = xm.margin("sample:market-maker", "sample:market", model="deribit-sm").explain()
    every = found.to_dict()["explain"]["pools"]
    pools = [pool for pool in every if pool["orders"] is not None]
    assert pools
    for pool in pools:
        orders = pool["orders"]
        margin, fills = order_tables(pool, 3)
        assert [row[1] for row in margin.rows] == [
            orders["worst_fill"],
            orders["set_margin"],
            orders["by_side"],
            orders["stand_alone"],
        ]
        assert len(fills.rows) == min(3, len(orders["filled"]))
        assert len(order_tables(pool, 0)[1].rows) == len(orders["filled"])
        assert orders["set_margin"] <= orders["worst_fill"] * (1.0 + 1e-9)


def test_an_account_without_orders_has_no_such_table() -> None:
    book, market = "sample:retail-short-vol", "sample:market"
    found = xm.margin(book, market, model="deribit-spm").explain()
    pool = found.to_dict()["explain"]["pools"][0]
    assert pool["orders"] is None
    assert order_tables(pool, 5) == []
