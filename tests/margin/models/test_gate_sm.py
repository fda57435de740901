"""Gate standard margin: the form on given shares, and the refusal without them."""

from __future__ import annotations

import pytest

from crossmargin.core.errors import ModelError
from crossmargin.margin import model_named
from crossmargin.margin.model import Extent
from tests.margin.families.worked import EXPIRY_MS, both, payload, worked
from tests.vectors.building import option

PRICE = {"BTC": 115_000.0}


@pytest.mark.parametrize(
    ("right", "strike", "mark", "im", "mm"),
    [
        # 0.15 x 115,000 - 1,000 = 16,250 is over 11,500; at maintenance 8,625 is over 7,625.
        (1, 116_000.0, 500.0, 16_250.0, 8_625.0),
        (1, 200_000.0, 5.0, 11_500.0, 8_625.0),
        # A put's floor grows by its mark: 0.10 x (115,000 + 60,000), 0.075 x the same.
        (-1, 175_000.0, 60_000.0, 17_500.0, 13_125.0),
    ],
)
def test_a_short_option(right: int, strike: float, mark: float, im: float, mm: float) -> None:
    item = option("gate", "O", right, strike, EXPIRY_MS, underlying="BTC", quote="USDT")
    found = worked(
        "gate-sm", [(item, -2.0)], price=PRICE, marks={"O": mark}, parameters=payload("gate-sm")
    )
    assert both(found) == pytest.approx((2.0 * (im + mark), 2.0 * (mm + mark)), rel=1e-13)


def test_it_is_refused_without_the_shares() -> None:
    item = option("gate", "O", 1, 116_000.0, EXPIRY_MS, underlying="BTC", quote="USDT")
    with pytest.raises(ModelError) as caught:
        worked("gate-sm", [(item, -1.0)], price=PRICE)
    assert caught.value.code == "parameter_missing"
    assert caught.value.value == repr("option.BTC.im_ratio_1")
    assert model_named("gate-sm").spec.extent is Extent.REFUSED
