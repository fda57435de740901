"""Margin tables of Hyperliquid as tiers."""

from __future__ import annotations

import pytest

from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.margin.families.hyperliquid_tiers import require_margin_tables, tiers_of
from tests.margin.families.worked import newest


def perp(coin: str) -> Instrument:
    return Instrument("hyperliquid", f"{coin}-PERP", Kind.PERPETUAL, coin, "USD", "USDC")


@pytest.mark.parametrize("folder", ["hyperliquid", "hyperliquid-pm"])
def test_rate_is_half_the_smallest_initial_share(folder: str) -> None:
    first, second = tiers_of(perp("BTC"), newest(folder))
    assert (first.mm_rate, second.mm_rate) == (1.0 / 80.0, 1.0 / 40.0)
    assert (first.deduction, second.deduction) == (0.0, pytest.approx(150e6 / 80.0))
    assert (first.lower, second.lower) == (0.0, 150e6)


def test_an_asset_that_is_not_listed_is_refused() -> None:
    require_margin_tables(Instruments.of([perp("SOL"), perp("kPEPE")]), newest("hyperliquid"))
    with pytest.raises(ModelError) as caught:
        require_margin_tables(Instruments.of([perp("XYZ")]), newest("hyperliquid"))
    assert caught.value.code == "parameter_missing"
