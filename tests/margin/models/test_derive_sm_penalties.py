"""What doubtful feeds cost under the standard manager."""

from __future__ import annotations

import pytest

from tests.margin.models.test_derive_pm2 import PERPETUAL, call, numbers
from tests.margin.models.test_derive_sm import COIN, margined

LOW, SPOT = 0.25, 50_000.0
CHARGE = (1.0 - LOW) * SPOT


def cost(held: dict[object, float], **reads: dict[str, float]) -> tuple[float, float]:
    """Of lines and of options; nothing of either moves the maintenance side."""
    sheet = numbers(margined(held, reads=reads))  # type: ignore[arg-type] # instruments as keys
    calm = numbers(margined(held))  # type: ignore[arg-type] # instruments as keys
    assert sheet["mm"] == calm["mm"]
    assert calm["line_penalty"] == calm["option_penalty"] == 0.0
    return sheet["line_penalty"], sheet["option_penalty"]


def test_the_spot_feed_is_under_everything() -> None:
    held = {PERPETUAL: -2.0, COIN: 3.0, call(): -1.0, call(60.0): 7.0}
    lines, options = cost(held, spot_confidence={"BTC": LOW})
    assert lines == pytest.approx(5.0 * CHARGE, rel=1e-12)
    assert options == pytest.approx(CHARGE, rel=1e-12)  # only what is short


def test_the_perpetuals_feed_is_the_perpetuals_alone() -> None:
    held = {PERPETUAL: 2.0, COIN: 3.0, call(): -1.0}
    assert cost(held, perp_confidence={"BTC": LOW}) == pytest.approx((2.0 * CHARGE, 0.0))


def test_a_coins_own_feed_is_the_coins() -> None:
    assert cost({COIN: 3.0}, collateral_confidence={"BTC": LOW}) == pytest.approx(
        (3.0 * CHARGE, 0.0)
    )


@pytest.mark.parametrize("name", ["margin_factor", "im_scale"])
def test_a_coin_without_initial_margin_value_is_not_charged(name: str) -> None:
    feed = {"spot_confidence": {"BTC": LOW}}
    found = margined({COIN: 3.0}, changes={f"market.BTC.base.{name}": 0.0}, reads=feed)
    assert numbers(found)["line_penalty"] == 0.0


def test_an_expiry_is_as_good_as_its_worst_feed() -> None:
    """A doubtful vol of what is held, long or short, charges the shorts of its expiry."""
    short, long = call(), call(strike=60_000.0)
    held = {short: -2.0, long: 1.0, call(60.0): -4.0}
    feed = {"vol_confidence": {long.native_id: LOW}}
    assert cost(held, **feed) == pytest.approx((0.0, 2.0 * CHARGE))
    assert cost({short: -2.0, long: 0.0}, **feed) == (0.0, 0.0)


def test_forwards_are_trusted_by_coin_and_expiry() -> None:
    item = call()
    for name, charged in (("BTC", True), ("ETH", False)):
        feed = {f"{name}@{item.expiry_ms}": LOW}
        wanted = (0.0, CHARGE if charged else 0.0)
        assert cost({item: -1.0}, forward_confidence=feed) == pytest.approx(wanted)
    assert cost({item: -1.0}, rate_confidence={str(item.expiry_ms): LOW}) == (0.0, 0.0)


def test_the_threshold_itself_is_enough() -> None:
    held = {PERPETUAL: 1.0, call(): -1.0}
    assert cost(held, spot_confidence={"BTC": 0.55}) == (0.0, 0.0)
    assert cost(held, spot_confidence={"BTC": 0.5499})[0] > 0.0
