"""Aevo portfolio margin: fifteen scenarios of ETH, at least; nothing of other coins."""

from __future__ import annotations

import pytest

from crossmargin.core.clock import utc_ms
from crossmargin.core.errors import ModelError
from crossmargin.margin.models.aevo_pm import AEVO_PM
from tests.margin.models.scan_books import column, margined, vector
from tests.oracle.black import price

NOW = utc_ms(2024, 6, 1, 8)
SPOT = {"ETH": 3_000.0, "BTC": 60_000.0}


def test_vols_move_by_equal_points() -> None:
    name = "ETH-1JUL24-3000-C"
    ours = margined("aevo-pm", {name: -1.0}, now_ms=NOW, spot=SPOT, vol=0.6)
    pnl = vector(ours)
    assert len(pnl) == 15
    years = 30.0 / 365.0
    base = price(1, 3_000.0, 3_000.0, 0.6, years)
    wanted = [base - price(1, 2_400.0, 3_000.0, vol, years) for vol in (1.1, 0.6, 0.35)]
    assert pnl[:3] == pytest.approx(wanted, rel=1e-10)
    assert ours.at_least.all()  # the floor is not published
    assert AEVO_PM.floors == ("unpublished",)


def test_collateral_counts_at_its_ratio() -> None:
    ours = margined("aevo-pm", {"ETH": 2.0, "USDC": 10.0}, now_ms=NOW, spot=SPOT)
    assert column(ours, "counted_im") == pytest.approx(0.9 * 6_000.0 + 10.0)


def test_another_coin_is_refused() -> None:
    with pytest.raises(ModelError) as caught:
        margined("aevo-pm", {"BTC-PERP": 1.0}, now_ms=NOW, spot=SPOT)
    assert caught.value.code == "parameter_missing"
