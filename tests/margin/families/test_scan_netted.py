"""The netted scan against the risk array of the same accounts, form by form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import crossmargin as xm
from crossmargin.margin.families.scan_netted import netted_scan
from crossmargin.margin.families.scan_table import (
    market_of,
    risk_of,
    scenarios_of,
    table_of,
)
from crossmargin.margin.pools import cut, restrict
from crossmargin.margin.run import parameters_for
from crossmargin.pricing.netting import net
from crossmargin.sample import book_path, market_path


@pytest.mark.parametrize("book", ["market-maker", "inverse-perp-basis", "retail-short-vol"])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"form.coin_worth": "unshocked"},
        {"form.delta_one": "index"},
        {"form.delta_one": "mark"},
        {"form.base": "mark"},
    ],
    ids=str,
)
def test_the_vectors_are_those_of_the_risk_array(book: str, changes: dict[str, Any]) -> None:
    need = xm.margin(str(book_path(book)), str(market_path()), "house-example").requirement
    parameters = parameters_for(need.via, need.view.as_of_ms, changes)
    for pool in need.plan.pools:
        view = restrict(need.view, need.book.instruments, pool)
        market = market_of(pool, view, parameters)
        scenarios = scenarios_of(market, parameters, table_of(parameters, pool.label))
        held = cut(need.book, pool, 0)
        found = netted_scan(market, scenarios, held, parameters)
        pnl = risk_of(market, scenarios, parameters).pnl
        expected = net(held.row, held.column, held.quantity, pnl)
        scale = float(np.abs(held.quantity[:, None] * pnl[held.column]).sum(axis=0).max())
        assert np.abs(found - expected).max() <= 1e-11 * scale
