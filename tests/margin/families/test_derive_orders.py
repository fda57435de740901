"""The worst fill of scenarios and basis, with what the fills cost."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.margin.families.derive_orders import span_need
from crossmargin.margin.fills import fills_of
from crossmargin.margin.pools import cut
from tests.margin.models.test_derive_pm1 import Instrument, margined
from tests.margin.models.test_derive_pm2 import PERPETUAL, call


def needed(
    held: dict[Instrument, float], *orders: tuple[Instrument, float, float], factor: float = 1.25
) -> float:
    found = margined(held, orders=orders)
    priced, pool = found.priced[0], found.plan.pools[0]
    own = cut(found.book, pool, 0)
    fills = fills_of(priced, own, np.ones(len(pool.instruments)), mmp=True)
    assert fills is not None
    span, chosen = span_need(priced, own, fills, factor)
    assert len(chosen.filled) == len(orders)
    return float(span[0])


def test_the_factor_is_on_the_loss_and_not_on_the_cost() -> None:
    for factor in (1.0, 1.25):
        found = needed({}, (PERPETUAL, -2.0, 50_900.0), factor=factor)
        assert found == pytest.approx(factor * 0.18 * 102_000.0 + 200.0, rel=1e-12)


def test_the_basis_is_a_candidate_with_its_own_fills() -> None:
    """Synthetic forwards of two expiries: the orders take what would have been hedged."""
    held = {call(30.0): 1.0, call(30.0, right=-1): -1.0}
    far = ((call(90.0), -1.0, 6_000.0), (call(90.0, right=-1), 1.0, 6_000.0))
    alone = float(margined(held).sheet["span_loss"][0])
    assert needed(held, *far) >= 1.25 * alone
