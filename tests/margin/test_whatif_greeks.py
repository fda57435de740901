"""Greeks of a book by underlying, against the kernel's own and sums by hand."""

from __future__ import annotations

import pytest

from crossmargin.margin.whatif_greeks import GreekTable
from crossmargin.pricing.greeks import greeks
from tests.margin.sample_before_trades import CALL, OTHER, SWAP, bare, leg, ready


def test_units() -> None:
    prepared = ready(book=bare((CALL, 2.0), (SWAP, -30_000.0), ("BTC", 5.0)))
    view = prepared.base.view
    table = view.instruments
    k, s = prepared.column[CALL], prepared.column[SWAP]
    e = int(table.expiry[k])
    years = float(view.life_ms[e]) / 86_400_000.0 / 365.0
    forward = float(view.forward[e] + view.forward_settled[e])
    unit = greeks(forward, float(table.strike[k]), years, float(view.vol[k]), 1.0)
    found = GreekTable(view).of_book(prepared.base.book)["BTC"]
    swap_coins = -30_000.0 / float(view.mark[s])
    assert found.delta_coins == pytest.approx(2.0 * float(unit.delta) + swap_coins)  # no balance
    assert found.gamma_coins_per_usd == pytest.approx(2.0 * float(unit.gamma))
    assert found.vega_usd_per_point == pytest.approx(2.0 * float(unit.vega) / 100.0)
    assert found.theta_usd_per_day == pytest.approx(2.0 * float(unit.theta) / 365.0)
    assert found.vega_usd_per_point > 0.0 > found.theta_usd_per_day
    assert found.index_usd == float(view.index[table.pair[k]])


def test_after_a_trade_they_are_those_of_the_changed_book() -> None:
    prepared = ready()
    legs = [leg(prepared, CALL, 3.0, 0.01), leg(prepared, OTHER, -5_000.0, 2_000.0)]
    found = prepared.whatif(legs)
    assert "ETH" not in found.greeks_before
    whole = GreekTable(prepared.base.view).of_book(prepared.changed_book(legs))
    assert found.greeks_after.keys() == whole.keys()
    for name, values in whole.items():
        assert tuple(found.greeks_after[name]) == pytest.approx(tuple(values), rel=1e-12)
