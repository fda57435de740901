from __future__ import annotations

import numpy as np
import pytest

from crossmargin.market.implied import vols_of_prices
from tests.market.test_lens import black


def test_volatilities_come_back() -> None:
    cases = [
        (strike, vol, right)
        for strike in (55000.0, 64100.0, 75000.0)
        for vol in (0.3, 0.75, 2.6)
        for right in (1, -1)
    ]
    strike, vol, right = (np.array(column) for column in zip(*cases, strict=True))
    price = [black(64100.0, k, 0.25, v, r) for k, v, r in cases]
    found, known = vols_of_prices(64100.0, strike, 0.25, right, price)
    assert known.all()
    np.testing.assert_allclose(found, vol, rtol=1e-11)


def test_price_that_carries_none_gives_none() -> None:
    price = np.array([0.0, 4000.0, 4001.0, 70000.0, 4500.0])
    years = np.array([0.1, 0.1, 0.1, 0.1, 0.0])
    found, known = vols_of_prices(64000.0, np.full(5, 60000.0), years, 1, price)
    assert not known.any()
    assert found.tolist() == [0.0] * 5


@pytest.mark.parametrize("vol", [0.005, 7.0])
def test_volatility_outside_the_accepted_range_is_not_known(vol: float) -> None:
    price = [black(64000.0, 64000.0, 0.25, vol, 1)]
    found, known = vols_of_prices(64000.0, 64000.0, 0.25, 1, price)
    assert not known.any()
    assert found.tolist() == [0.0]
