"""What the tiered members share: one sheet, base class without rules of its own."""

from __future__ import annotations

import pytest

from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.margin.families.tiered_positions import TieredPositions
from tests.margin.families.worked import cell, worked
from tests.vectors.building import asset

PERP = Instrument("hyperliquid", "BTC-PERP", Kind.PERPETUAL, "BTC", "USD", "USDC")


def test_a_member_names_its_pools_and_its_tiers() -> None:
    """Without them there is no model."""
    assert TieredPositions.__abstractmethods__ == {"plan", "tiers"}
    with pytest.raises(TypeError):
        TieredPositions()  # type: ignore[abstract] # what is refused


def test_an_order_is_held_for_at_its_open_size_and_touches_no_maintenance() -> None:
    """Long 2 of 100,000, a sale of 5 at 1,000 under the mark: 3 short, and 5,000 lost."""
    held = [(asset("hyperliquid", "USDC"), 1e6), (PERP, 2.0)]
    plain = worked("hyperliquid", held, price={"BTC": 1e5})
    resting = worked("hyperliquid", held, orders=[(PERP, -5.0, 99_000.0)], price={"BTC": 1e5})
    assert cell(resting, "order_margin") == pytest.approx(1e5 / 40.0 + 5_000.0)
    assert cell(resting, "mm") == cell(plain, "mm") == pytest.approx(2e5 / 80.0)
    assert plain.scenario.tolist() == [-1]
