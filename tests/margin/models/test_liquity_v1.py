"""Liquity v1 through the model: both modes, and a lower bound where the system is not known."""

from __future__ import annotations

import pytest

from crossmargin.margin import Bound
from tests.margin.families.lending_worlds import figures, margined, position

HELD = {"ETH": 10.0, "debt LUSD": 12_000.0}
GOOD = {"trove.ETH.system_collateral": 1_000.0, "trove.ETH.system_debt": 1_000_000.0}
LOW = {"trove.ETH.system_collateral": 1_000.0, "trove.ETH.system_debt": 1_600_000.0}


def test_normal_mode() -> None:
    found = margined("liquity-v1", HELD, GOOD)
    power = 20_000 / 1.1
    assert figures(found) == pytest.approx((power, 12_000.0, power, 12_000.0), rel=1e-15)
    assert found.bound is Bound.VALUE
    assert margined("liquity-v1", HELD).bound is Bound.AT_LEAST


def test_recovery_mode() -> None:
    found = figures(margined("liquity-v1", HELD, LOW))
    assert found[::2] == pytest.approx((20_000 / 1.5, 20_000 / 1.25), rel=1e-15)


def test_the_least_debt_counts_the_reserve() -> None:
    assert position(margined("liquity-v1", {"ETH": 10.0, "debt LUSD": 2_000.0}, GOOD)).may_borrow()
    small = margined("liquity-v1", {"ETH": 10.0, "debt LUSD": 1_999.0}, GOOD)
    assert not position(small).may_borrow()
