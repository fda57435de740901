"""Short options one by one, the maximum loss of an expiry, and the lesser of both."""

from __future__ import annotations

import pytest

from tests.margin.models.test_derive_pm2 import call, numbers
from tests.margin.models.test_derive_sm import margined, value

SPOT = 50_000.0


def charges(held: dict[object, float]) -> tuple[float, float]:
    sheet = numbers(margined(held))  # type: ignore[arg-type] # instruments as keys
    return sheet["im_option"], sheet["mm_option"]


@pytest.mark.parametrize(
    ("strike", "share"), [(50_000.0, 0.15), (45_000.0, 0.15), (50_500.0, 0.14), (70_000.0, 0.13)]
)
def test_a_short_call(strike: float, share: float) -> None:
    """Value, and 15 % less what it is out of the money, at least 13 %; 9 % for maintenance."""
    item = call(strike=strike)
    im, mm = charges({item: -2.0})
    assert im == pytest.approx(2.0 * (value(item) + share * SPOT), rel=1e-12)
    assert mm == pytest.approx(2.0 * (value(item) + 0.09 * SPOT), rel=1e-12)


def test_a_short_put_far_in_the_money_is_charged_on_its_value() -> None:
    """9 % of the value beats 9 % of the spot; the initial charge is at least 1.05 of it."""
    item = call(strike=110_000.0, right=-1)
    im, mm = charges({item: -1.0})
    assert value(item) > SPOT
    assert mm == pytest.approx(1.09 * value(item), rel=1e-12)
    plain = value(item) + 0.15 * SPOT
    assert im == pytest.approx(max(plain, 1.05 * 1.09 * value(item)), rel=1e-12)
    assert im > plain


def test_a_long_option_needs_and_backs_nothing() -> None:
    sheet = numbers(margined({call(): 5.0}))
    assert sheet["im"] == sheet["mm"] == sheet["counted_im"] == 0.0
    assert sheet["equity"] == pytest.approx(5.0 * value(call()), rel=1e-12)


def test_a_spread_is_charged_its_width() -> None:
    low, high = call(strike=48_000.0), call(strike=50_000.0)
    assert charges({low: -3.0, high: 3.0}) == pytest.approx((6_000.0, 6_000.0))
    assert charges({low: 3.0, high: -3.0}) == (0.0, 0.0)


def test_what_is_not_paired_pays_on_the_forward() -> None:
    """One call more is short: 1.2 and 1.1 of the forward, unless the shorts alone are cheaper."""
    low, high = call(strike=48_000.0), call(strike=50_000.0)
    im, mm = charges({low: -3.1, high: 3.0})
    # at 50,000 the calls of 48,000 have lost 2,000 each
    assert im == pytest.approx(3.1 * 2_000.0 + 0.1 * 1.2 * SPOT, rel=1e-12)
    assert mm == pytest.approx(3.1 * 2_000.0 + 0.1 * 1.1 * SPOT, rel=1e-12)
    alone, _ = charges({low: -3.0})
    assert alone == pytest.approx(3.0 * (value(low) + 0.15 * SPOT), rel=1e-12)


def test_nothing_is_covered_by_another_expiry() -> None:
    near, far = call(strike=48_000.0), call(60.0, strike=48_000.0)
    assert charges({near: -1.0, far: 1.0}) == charges({near: -1.0})


def test_a_short_box_owes_its_width_at_every_price() -> None:
    held = {
        call(strike=40_000.0): -1.0,
        call(strike=40_000.0, right=-1): 1.0,
        call(strike=50_000.0): 1.0,
        call(strike=50_000.0, right=-1): -1.0,
    }
    assert charges(dict(held)) == pytest.approx((10_000.0, 10_000.0))
