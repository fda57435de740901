"""Scenario tables of the Derive family: what both managers read, without their own additions."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from crossmargin.margin.families.derive_scenarios import (
    basis_loss,
    basis_moves,
    basis_rate,
    label_of,
    scenario_set,
    spot_row,
    vol_factors,
)
from crossmargin.margin.parameter_files import available
from crossmargin.margin.pools import cut
from tests.margin.models.test_derive_pm1 import margined
from tests.margin.models.test_derive_pm2 import call
from tests.margin.models.test_derive_pm2_scenarios import market

PARAMETERS = available("derive-pm1")[-1]
TABLE = "market.BTC"


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ((1.18, "up", 1.0), "+18 %, vol up"),
        ((0.9, "none", 0.5), "-10 %, vol same, x0.5"),
        ((1.0, "abs", 1.0), "skew abs"),
    ],
)
def test_labels(row: tuple[float, str, float], text: str) -> None:
    assert label_of(row) == text


def test_a_set_without_floor_discount_or_skew() -> None:
    """Up 1.5 and down 0.725 at thirty days; only the free part of the forward moves."""
    table, view = market(30.0, settled=10_000.0, rate=0.05)
    rows = [(1.1, "up", 1.0), (1.0, "down", 1.0), (0.9, "none", 1.0)]
    factors = vol_factors(view, PARAMETERS, TABLE)
    found = scenario_set(table, view, rows, factors, discount=np.ones(1))
    root = sqrt(30.0 / 365.0)
    assert (found.vol_factor[0] / root).tolist() == pytest.approx([1.5, 0.725, 1.0])
    assert found.vol_floor.tolist() == [[0.0, 0.0, 0.0]]
    assert found.forward[0].tolist() == pytest.approx([54_000.0, 50_000.0, 46_000.0])
    assert found.discount.tolist() == [1.0]
    assert found.reflect.tolist() == [False] * 3
    assert spot_row(table, found, "BTC").tolist() == [1.1, 1.0, 0.9]
    assert spot_row(table, found, "ETH").tolist() == [1.0] * 3


def test_the_basis_moves_are_without_vol_shock() -> None:
    """A deep call moves with 4.5 % of the forward either way; 0.5 + 2 T of the worse."""
    table, view = market(30.0)
    up, down = basis_moves(table, view, PARAMETERS, TABLE, np.ones(1))
    assert (up > 0.0).all()
    assert (down < 0.0).all()
    assert (up < 2_250.0).all()
    assert basis_rate(view, PARAMETERS, TABLE).tolist() == pytest.approx([0.5 + 60.0 / 365.0])
    found = margined({call(strike=1.0): -2.0})
    loss = basis_loss(found.priced[0], cut(found.book, found.plan.pools[0], 0))
    assert loss.tolist() == pytest.approx([2.0 * 2_250.0 * (0.5 + 60.0 / 365.0)], rel=1e-9)
