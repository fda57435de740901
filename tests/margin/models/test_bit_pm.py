"""BIT.com portfolio margin: two products by date, and the two readings of its floor."""

from __future__ import annotations

import pytest

from crossmargin.core.clock import utc_ms
from crossmargin.margin.model import Extent
from crossmargin.margin.models.bit_pm import BIT_PM
from tests.margin.models.scan_books import column, margined, vector

SPOT = {"BTC": 20_000.0}
NOW = utc_ms(2022, 11, 1)


def test_steps_are_equal_up_to_seventeen_per_cent() -> None:
    pnl = vector(margined("bit-pm", {"BTC-USDT-PERPETUAL": 1.0}, now_ms=NOW, spot=SPOT))
    assert pnl[::3] == pytest.approx([20_000.0 * 0.034 * k for k in range(-5, 6)], abs=1e-8)


def test_the_coin_product_counts_coins() -> None:
    """20,000 dollars of the inverse perpetual at -18 %: 1 / 0.82 - 1 coins at the index of now."""
    early = utc_ms(2020, 8, 1)
    pnl = vector(margined("bit-pm", {"BTC-PERPETUAL": 20_000.0}, now_ms=early, spot=SPOT))
    assert pnl[0] == pytest.approx(-20_000.0 * (1.0 / 0.82 - 1.0), rel=1e-12)


def test_the_floor_is_the_greater_or_is_added() -> None:
    name = "BTC-USDT-25NOV22-60000-C"
    held, marks = {name: -10.0, "BTC-USDT-PERPETUAL": 0.01}, {name: 0.01}
    ours = margined("bit-pm", held, now_ms=NOW, spot=SPOT, marks=marks, vol=0.3)
    assert column(ours, "floor") == pytest.approx(0.01 * 100.0 + 10.0 * 200.0)
    assert column(ours, "requirement") == column(ours, "floor") > column(ours, "scan_risk")
    changes = {"reading.floor": "added"}
    both = margined("bit-pm", held, now_ms=NOW, spot=SPOT, marks=marks, vol=0.3, changes=changes)
    added = column(ours, "floor") + column(ours, "scan_risk")
    assert column(both, "requirement") == pytest.approx(added)
    assert BIT_PM.spec.extent is Extent.AT_LEAST
