from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crossmargin.conformance import checks_orders
from tests.conformance.test_checks import FIXED, spoiled


def test_orders_that_lower_maintenance_are_found() -> None:
    checks_orders.orders_cost_or_cost_nothing(FIXED)
    with pytest.raises(AssertionError):
        # The last bits of a block depend on what stands beside: not on the account alone.
        checks_orders.orders_are_local(spoiled("im", lambda v: v + float(v.sum()) * 1e-3))


def test_a_requirement_that_orders_do_not_raise_is_found() -> None:
    flat = spoiled("im", lambda v: np.floor(v * 0.0))
    with pytest.raises(AssertionError):
        checks_orders.worst_fill_is_an_upper_bound(flat)
    with pytest.raises(AssertionError, match="costs"):
        checks_orders.orders_cost_or_cost_nothing(replace(flat))
