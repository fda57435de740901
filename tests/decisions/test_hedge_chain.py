"""Executable sides with fees, and what is not quoted is named."""

from __future__ import annotations

import math

import pytest

from crossmargin.core.errors import MarketDataError
from crossmargin.margin.whatif_trades import Leg
from tests.decisions.protect_case import chains, prepared


def test_a_unit_costs_what_the_desk_would_fill_it_at() -> None:
    ready = prepared()
    for chain in chains()[4:8]:
        for side in (chain.puts, chain.calls):
            for place, row in enumerate(side.rows):
                for size, cash in ((1.0, -side.buy[place]), (-1.0, side.sell[place])):
                    if math.isnan(cash):
                        with pytest.raises(MarketDataError) as refused:
                            ready.core.desk.fill(Leg(row, size))
                        assert refused.value.code == "quote_missing"
                    else:
                        fill = ready.core.desk.fill(Leg(row, size))
                        assert fill.cash == pytest.approx(float(cash), rel=1e-12)


def test_what_is_not_quoted_is_named_and_nothing_else() -> None:
    market = prepared().snapshot
    for chain in chains():
        named = {miss.name: miss.sides for miss in chain.missing}
        items = prepared().core.table.items
        for side in (chain.puts, chain.calls):
            for row in side.rows:
                name = items[row].native_id
                lacks = [s for s in ("ask", "bid") if not market.get(s, f"deribit|{name}")]
                assert named.get(name, "") == " and ".join(lacks)
    assert any(chain.missing for chain in chains())


def test_strikes_rise_and_lie_near_the_price() -> None:
    for chain in chains():
        for side in (chain.puts, chain.calls):
            strikes = side.strike.tolist()
            assert strikes == sorted(strikes)
            assert all(0.3 * 68_412 <= k <= 2.0 * 68_413 for k in strikes)
