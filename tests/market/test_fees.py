"""The one formula of a fee, by hand, and the ladder of volumes."""

from __future__ import annotations

import pytest

from crossmargin.core.errors import ModelError
from crossmargin.market.fees import FeeTerms, FeeTier, fee_of_trade, tier_of

TERMS = FeeTerms(0.0003, 0.125, 0.5)
LADDER = [FeeTier(0.0, 2e-4, 5e-4), FeeTier(1e6, 1e-4, 4e-4), FeeTier(5e6, 0.0, 3e-4)]


@pytest.mark.parametrize("amount", [-2.0, 2.0])
def test_the_formula_by_hand(amount: float) -> None:
    def fee(option: bool, inverse: bool, price: float) -> float:
        return fee_of_trade(
            TERMS, option=option, inverse=inverse, amount=amount, price=price, index=60_000.0
        )

    assert fee(True, True, 0.05) == 2 * 0.0003 + 0.5 / 60_000.0
    assert (
        fee(True, True, 0.0008) == 2 * 0.125 * 0.0008 + 0.5 / 60_000.0
    )  # the cap of a cheap option
    assert fee(True, False, 3_000.0) == 2 * 0.0003 * 60_000.0 + 0.5
    assert fee(False, False, 61_000.0) == pytest.approx(2 * 0.0003 * 61_000.0 + 0.5, rel=1e-15)
    assert fee(False, True, 50_000.0) == 0.0003 * 2 / 50_000.0 + 0.5 / 50_000.0


def test_a_tier_begins_at_its_volume() -> None:
    assert tier_of(LADDER, 0.0) is LADDER[0]
    assert tier_of(LADDER, 999_999.0) is LADDER[0]
    assert tier_of(LADDER, 1e6) is LADDER[1]
    assert tier_of(LADDER, 1e12) is LADDER[2]


@pytest.mark.parametrize(
    ("ladder", "volume"),
    [
        ([], 0.0),
        (LADDER[1:], 2e6),
        (LADDER[::-1], 0.0),
        (LADDER, -1.0),
        (LADDER, float("nan")),
        (LADDER, float("inf")),
    ],
)
def test_what_is_no_ladder_or_volume(ladder: list[FeeTier], volume: float) -> None:
    with pytest.raises(ModelError) as told:
        tier_of(ladder, volume)
    assert told.value.code == "parameter_out_of_bounds"
