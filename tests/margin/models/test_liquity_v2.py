"""Liquity v2 through the model: ratios by branch, batches, one branch a trove."""

from __future__ import annotations

import pytest

from crossmargin.core.errors import ModelError
from tests.margin.families.lending_worlds import figures, margined, position


def test_ratios_by_branch() -> None:
    eth = figures(margined("liquity-v2", {"ETH": 10.0, "debt BOLD": 12_000.0}))
    assert eth[::2] == pytest.approx((20_000 / 1.1, 20_000 / 1.1), rel=1e-15)
    assert figures(margined("liquity-v2", {"RETH": 24_000.0, "debt BOLD": 12_000.0}))[2] == 20_000.0


def test_a_batch_borrows_at_more() -> None:
    found = margined("liquity-v2", {"ETH": 10.0, "debt BOLD": 17_000.0}, batch=1.0)
    assert figures(found)[::2] == pytest.approx((20_000 / 1.2, 20_000 / 1.1), rel=1e-15)
    assert position(found).healthy()
    assert not position(found).may_borrow()


def test_one_branch_a_trove() -> None:
    with pytest.raises(ModelError) as caught:
        margined("liquity-v2", {"ETH": 10.0, "RETH": 1.0})
    assert caught.value.code == "kind_not_accepted"
