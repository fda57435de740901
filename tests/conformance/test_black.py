from __future__ import annotations

import pytest
from mpmath import mp, mpf

from crossmargin.conformance.black import price


@pytest.mark.parametrize("strike", [40_000.0, 64_000.0, 110_000.0])
@pytest.mark.parametrize("vol", [0.05, 0.6, 3.0])
def test_values_agree_with_many_digits(strike: float, vol: float) -> None:
    with mp.workdps(40):
        forward, years = mpf(64_000), mpf(0.25)
        spread = mpf(vol) * mp.sqrt(years)
        d1 = mp.log(forward / mpf(strike)) / spread + spread / 2
        call = forward * mp.ncdf(d1) - mpf(strike) * mp.ncdf(d1 - spread)
        put = call - forward + mpf(strike)
    near = {"rel": 1e-12, "abs": 1e-9}
    assert price(1, 64_000.0, strike, vol, 0.25) == pytest.approx(float(call), **near)
    assert price(-1, 64_000.0, strike, vol, 0.25) == pytest.approx(float(put), **near)


def test_without_variance_the_intrinsic_value_is_left() -> None:
    assert price(1, 110.0, 100.0, 0.5, 0.0) == 10.0
    assert price(-1, 110.0, 100.0, 0.0, 1.0) == 0.0
