"""BIT standard margin on the venue's worked example and on the shares of other coins."""

from __future__ import annotations

import pytest

from crossmargin.core.errors import ModelError
from tests.margin.families.worked import EXPIRY_MS, both, worked
from tests.vectors.building import option


def test_the_example_of_the_help_page() -> None:
    """ETH-USDT-17NOV23-1850-P: index 2,098, mark 2.4, 50 short: MM 7,987.5 and IM 10,610."""
    item = option("bit", "P", -1, 1_850.0, EXPIRY_MS, underlying="ETH", quote="USDT")
    found = worked("bit-sm", [(item, -50.0)], price={"ETH": 2_098.0}, marks={"P": 2.4})
    assert both(found) == pytest.approx((10_610.0, 7_987.5), rel=1e-13)


@pytest.mark.parametrize(
    ("coin", "im", "mm"), [("BTC", 0.15, 0.075), ("BCH", 0.25, 0.125), ("TON", 0.6, 0.4)]
)
def test_each_coin_has_its_shares(coin: str, im: float, mm: float) -> None:
    item = option("bit", "C", 1, 100.0, EXPIRY_MS, underlying=coin, quote="USDT")
    found = worked("bit-sm", [(item, -1.0)], price={coin: 100.0}, marks={"C": 5.0})
    assert both(found) == pytest.approx((100.0 * im + 5.0, 100.0 * mm + 5.0), rel=1e-13)


def test_coin_margined_contracts_take_shares_of_a_coin() -> None:
    item = option("bit", "C", 1, 52_000.0, EXPIRY_MS, underlying="BTC", settle="BTC", inverse=True)
    found = worked("bit-sm", [(item, -2.0)], price={"BTC": 50_000.0}, marks={"C": 0.02})
    assert both(found) == pytest.approx((2 * 0.13, 2 * 0.095), rel=1e-13)


def test_a_coin_without_shares_is_refused() -> None:
    item = option("bit", "C", 1, 100.0, EXPIRY_MS, underlying="SOL", quote="USDT")
    with pytest.raises(ModelError) as caught:
        worked("bit-sm", [(item, -1.0)], price={"SOL": 100.0}, marks={"C": 5.0})
    assert caught.value.code == "parameter_missing"
