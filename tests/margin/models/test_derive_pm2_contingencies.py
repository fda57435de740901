"""Add-ons of Derive PMRM_2: naked shorts, perpetuals, low confidence."""

from __future__ import annotations

import pytest

from tests.margin.models.test_derive_pm2 import CASH, PERPETUAL, call, margined, numbers

NAKED = 0.003 * 50_000.0  # maintenance a unit; 0.002 initial
LOW = 0.25  # a confidence under the threshold of 0.55 costs (1 - c) x 0.4 of the notional
CHARGE = (1.0 - LOW) * 0.4


@pytest.mark.parametrize(
    ("calls", "puts", "naked"),
    [
        (-1.0, 0.0, 1.0),
        (0.0, -2.0, 2.0),
        (-1.0, -2.0, 3.0),  # a strangle on one strike: both
        (1.0, 0.0, 0.0),
        (1.0, -1.0, 0.0),  # a long call of the strike covers the short put
        (3.0, -1.0, 0.0),
        (1.0, -3.0, 2.0),
        (-3.0, 1.0, 2.0),
    ],
)
def test_naked_shorts_of_one_strike(calls: float, puts: float, naked: float) -> None:
    sheet = numbers(margined({call(): calls, call(right=-1): puts}))
    assert sheet["mm_option_contingency"] == pytest.approx(naked * NAKED, rel=1e-13)
    assert sheet["im_option_contingency"] == pytest.approx(naked * NAKED * 2.0 / 3.0, rel=1e-13)


def test_nothing_covers_another_strike_or_expiry() -> None:
    for other in (call(strike=51_000.0), call(60.0)):
        sheet = numbers(margined({call(): -1.0, other: 5.0}))
        assert sheet["mm_option_contingency"] == pytest.approx(NAKED, rel=1e-13)


def test_a_perpetual_pays_by_size_at_the_spot_whichever_way() -> None:
    for size in (2.0, -2.0):
        sheet = numbers(margined({PERPETUAL: size}))
        assert sheet["mm_perp_contingency"] == pytest.approx(0.03 * 100_000.0, rel=1e-13)
        assert sheet["im_perp_contingency"] == pytest.approx(0.01 * 100_000.0, rel=1e-13)


def confidence(held: dict[object, float], **reads: dict[str, float]) -> float:
    found = margined(held, reads=reads)  # type: ignore[arg-type] # instruments as keys
    return numbers(found)["im_confidence_contingency"]


def expiry_of(item: object) -> str:
    return str(item.expiry_ms)  # type: ignore[attr-defined] # an instrument


def test_full_confidence_costs_nothing_and_the_threshold_itself_is_enough() -> None:
    assert confidence({call(): 1.0, PERPETUAL: 1.0}) == 0.0
    assert confidence({PERPETUAL: 1.0}, spot_confidence={"BTC": 0.55}) == 0.0
    low = confidence({PERPETUAL: 1.0}, spot_confidence={"BTC": 0.5499})
    assert low == pytest.approx((1.0 - 0.5499) * 0.4 * 50_000.0, rel=1e-12)


def test_the_spot_feed_is_under_everything() -> None:
    """One perpetual and 3 options long and short: 1 + 5 units of notional; cash is not charged."""
    held = {PERPETUAL: -1.0, call(): 3.0, call(60.0): -2.0, CASH: 1_000.0}
    wanted = CHARGE * 6.0 * 50_000.0
    assert confidence(held, spot_confidence={"BTC": LOW}) == pytest.approx(wanted, rel=1e-12)


def test_the_perpetuals_feed_counts_only_where_one_is_held() -> None:
    feed = {"BTC": LOW}
    both = confidence({PERPETUAL: 1.0, call(): 2.0}, perp_confidence=feed)
    assert both == pytest.approx(CHARGE * 3.0 * 50_000.0, rel=1e-12)
    assert confidence({call(): 2.0}, perp_confidence=feed) == 0.0


@pytest.mark.parametrize("feed", ["forward_confidence", "rate_confidence"])
def test_a_feed_of_an_expiry_charges_that_expiry(feed: str) -> None:
    held = {call(): 1.0, call(strike=60_000.0): -2.0, call(60.0): 5.0, PERPETUAL: 1.0}
    found = confidence(held, **{feed: {expiry_of(call()): LOW}})  # type: ignore[arg-type] # instruments
    assert found == pytest.approx(CHARGE * 3.0 * 50_000.0, rel=1e-12)


def test_the_least_certain_vol_charges_its_whole_expiry_if_it_is_held() -> None:
    item, other = call(), call(strike=60_000.0)
    feed = {item.native_id: LOW}
    assert confidence({item: 1.0, other: 2.0, call(60.0): 4.0}, vol_confidence=feed) == (
        pytest.approx(CHARGE * 3.0 * 50_000.0, rel=1e-12)
    )
    assert confidence({item: 0.0, other: 2.0}, vol_confidence=feed) == 0.0


def test_low_confidence_is_an_initial_charge_alone() -> None:
    calm, doubtful = (
        numbers(margined({PERPETUAL: 1.0}, reads={"spot_confidence": {"BTC": c}}))
        for c in (1.0, LOW)
    )
    assert doubtful["mm"] == calm["mm"]
    assert doubtful["im"] == pytest.approx(calm["im"] + CHARGE * 50_000.0, rel=1e-12)


def test_a_feed_at_the_threshold_is_enough_beside_one_that_is_not() -> None:
    held = {call(): 1.0, call(60.0): 5.0}
    feeds = {expiry_of(call()): LOW, expiry_of(call(60.0)): 0.55}
    found = confidence(held, forward_confidence=feeds)  # type: ignore[arg-type] # instruments
    assert found == pytest.approx(CHARGE * 50_000.0, rel=1e-12)
