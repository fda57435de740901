"""Zeta options: single charges by hand."""

from __future__ import annotations

import pytest

from crossmargin.conformance.checks import margined
from crossmargin.conformance.world import one_account, subject_of, world_of
from crossmargin.margin.models.zeta import Zeta

SUBJECT = subject_of(Zeta())


def needs(name: str, size: float) -> tuple[float, float]:
    sheet = margined(SUBJECT, one_account(SUBJECT, {name: size})[0]).sheet
    return float(sheet["im"][0]), float(sheet["mm"][0])


def test_a_short_is_charged_by_moneyness_and_a_put_is_capped() -> None:
    """Spot 64,000: 15 % less what is out of the money, at least 10 %; a put at half its strike."""
    assert needs("BTC_USDC-30-64000-C", -1.0) == pytest.approx((9_600.0, 7_680.0))
    assert needs("BTC_USDC-30-70400-C", -1.0) == pytest.approx((6_400.0, 5_120.0))
    assert needs("BTC_USDC-30-44800-P", -2.0) == pytest.approx((12_800.0, 10_240.0))


def test_a_long_is_charged_its_mark_at_most_a_share_of_spot() -> None:
    world = world_of(SUBJECT)
    mark = {
        i.native_id: float(m) for i, m in zip(world.instruments.items, world.view.mark, strict=True)
    }
    far, deep = "BTC_USDC-30-70400-C", "BTC_USDC-206-44800-C"
    assert mark[far] < 6_400.0 < mark[deep]
    assert needs(far, 3.0)[0] == pytest.approx(3.0 * mark[far])
    assert needs(deep, 3.0)[0] == pytest.approx(3.0 * 6_400.0)


def test_the_cap_of_a_put_binds() -> None:
    from crossmargin.conformance.world import Subject
    from crossmargin.margin.parameter_files import overlay

    capped = overlay(SUBJECT.parameters, {"asset.BTC.im_put_cap": 0.05}, "test")
    sheet = margined(
        Subject(Zeta(), capped), one_account(SUBJECT, {"BTC_USDC-30-64000-P": -1.0})[0]
    )
    assert sheet.sheet["im"][0] == pytest.approx(3_200.0)
