"""Gate portfolio mode: the printed slice of its stress test, and spot in use."""

from __future__ import annotations

import pytest

from crossmargin.core.clock import utc_ms
from crossmargin.margin.models.gate_pm import GATE_PM
from tests.margin.models.scan_books import column, margined, vector

NOW = utc_ms(2026, 6, 1)
SPOT = {"BTC": 50_000.0}


def test_the_printed_grid_moves_the_index() -> None:
    ours = margined("gate-pm", {"BTC_USDT": 2.0}, now_ms=NOW, spot=SPOT, marks={"BTC_USDT": 6e4})
    assert vector(ours) == pytest.approx([1e5 * 0.04 * k for k in range(-5, 6)], abs=1e-9)
    assert ours.at_least.all()
    assert not GATE_PM.grid


@pytest.mark.parametrize(("spot", "used"), [(5.0, 4.0), (3.0, 3.0), (-5.0, 0.0)])
def test_spot_in_use_is_bounded_by_the_delta(spot: float, used: float) -> None:
    held = {"BTC_USDT": -4.0, "BTC": spot}
    changes = {"form.coins": "hedge"}
    ours = margined("gate-pm", held, now_ms=NOW, spot=SPOT, changes=changes)
    assert column(ours, "scan_risk") == pytest.approx(0.2 * 50_000.0 * (4.0 - used), abs=1e-8)
