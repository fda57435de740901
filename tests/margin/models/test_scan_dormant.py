"""Scan rulebooks of venues that are gone: the figures of their own examples where there are any."""

from __future__ import annotations

import pytest

from crossmargin.core.clock import utc_ms
from crossmargin.margin import model_named
from crossmargin.margin.families.scan import Member
from crossmargin.margin.model import Standing
from crossmargin.margin.models.scan_dormant import (
    COINCALL_PM,
    DEDERI_PM,
    GRVT_PM,
    POWERTRADE_PM,
    SYNDR_PM,
)
from tests.margin.models.scan_books import column, margined, vector

SPOT = {"ETH": 2_243.3, "BTC": 40_000.0}
NOW = utc_ms(2024, 6, 1, 8)


def test_dederis_worked_example_of_a_future() -> None:
    """10 ETH-10JAN24 at F = 2243.3 exp(8 % x 20 / 365) = 2253.2: the wiki prints whole dollars."""
    now = utc_ms(2023, 12, 21, 8)
    ours = margined(
        "dederi-pm", {"ETH-10JAN24": 10.0}, now_ms=now, spot=SPOT, marks={"ETH-10JAN24": 2_253.2}
    )
    pnl = vector(ours)
    assert pnl[:5] == pytest.approx([-3_380.0, -2_704.0, -2_028.0, -1_352.0, -676.0], abs=0.5)
    assert pnl[5] == 0.0
    assert pnl[6:] == pytest.approx([-x for x in pnl[4::-1]])
    assert column(ours, "futures_contingency") == pytest.approx(134.6, abs=0.05)
    assert ours.at_least.all()


def test_coincall_takes_a_wider_grid_for_other_coins() -> None:
    book = {"BTC-PERPETUAL": 1.0}
    pnl = vector(margined("coincall-pm", book, now_ms=NOW, spot=SPOT))
    assert pnl[::3] == pytest.approx([40_000.0 * 0.03 * k for k in range(-5, 6)], abs=1e-8)
    sol = margined("coincall-pm", {"SOL-PERPETUAL": 1.0}, now_ms=NOW, spot={"SOL": 100.0})
    assert vector(sol)[0] == pytest.approx(-30.0)


def test_powertrade_takes_spot_as_a_position() -> None:
    ours = margined("powertrade-pm", {"BTC-PERPETUAL": -1.0, "BTC": 3.0}, now_ms=NOW, spot=SPOT)
    assert column(ours, "scan_risk") == pytest.approx(2.0 * 0.15 * 40_000.0)


def test_grvt_weighs_the_extremes_and_multiplies() -> None:
    ours = margined("grvt-pm", {"BTC-PERPETUAL": 2.0}, now_ms=NOW, spot=SPOT)
    loss = 2.0 * 0.2 * 40_000.0  # a third of 60 % is less
    assert column(ours, "scan_risk") == pytest.approx(loss)
    assert column(ours, "mm") == pytest.approx(loss + 0.006 * 80_000.0)
    assert column(ours, "im") == pytest.approx(1.3 * column(ours, "mm"))


def test_syndrs_margin_is_the_largest_loss() -> None:
    ours = margined("syndr-pm", {"ETH-PERPETUAL": -2.0}, now_ms=NOW, spot=SPOT)
    assert column(ours, "im") == column(ours, "mm") == pytest.approx(0.15 * 2.0 * 2_243.3)
    assert not ours.at_least.any()


@pytest.mark.parametrize("member", [COINCALL_PM, DEDERI_PM, GRVT_PM, POWERTRADE_PM, SYNDR_PM])
def test_none_of_them_stands_as_active(member: Member) -> None:
    spec = member.spec
    assert spec.standing in (Standing.DORMANT, Standing.HISTORICAL)
    assert model_named(spec.name).spec is spec
