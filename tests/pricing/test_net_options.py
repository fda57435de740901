"""Sums of re-priced options against the risk array's kernel and the definition."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.pricing.net_options import net_options
from crossmargin.pricing.revalue import padded, revalue


@pytest.mark.parametrize("flat", [False, True])
def test_the_sums_are_those_of_revalued_rows(flat: bool) -> None:
    rng = np.random.default_rng(5)
    expiries, scenarios, rows, accounts = 3, 13, 40, 4
    shape = (expiries, scenarios)
    forward = rng.uniform(20_000.0, 90_000.0, shape)
    factor = np.zeros(shape) if flat else rng.uniform(0.1, 0.6, shape)
    shift = rng.uniform(-0.05, 0.05, shape) * (not flat)
    floor = rng.uniform(0.0, 0.1, shape) * (not flat)
    if not flat:
        factor[1, :4] = floor[1, :4] = 0.0
        shift[1, :4] = 0.0
    unit = rng.uniform(0.5, 2.0, shape)
    expiry = rng.integers(0, expiries, rows).astype(np.int32)
    owner = np.sort(rng.integers(0, accounts, rows)).astype(np.int32)
    size = rng.normal(0.0, 3.0, rows)
    strike = rng.uniform(20_000.0, 90_000.0, rows)
    strike[3] = 0.0
    right = np.where(rng.random(rows) < 0.5, 1.0, -1.0)
    vol = rng.uniform(0.3, 1.2, rows)
    tables = tuple(padded(each) for each in (forward, unit, factor, shift, floor))
    found = net_options(
        (tables[0], tables[1], tables[2], tables[3], tables[4]),
        owner, expiry, size, strike, right, vol, accounts,
    )  # fmt: skip
    values = revalue(forward, np.ones(expiries), factor, shift, floor, expiry, strike, right, vol)
    if strike[3] == 0.0:  # revalue takes the forward itself; here the limit of a low strike
        values[3] = padded(forward)[expiry[3]] * (right[3] > 0.0)
    expected = np.zeros((accounts, values.shape[1]))
    for j in range(rows):
        expected[owner[j]] += size[j] * tables[1][expiry[j]] * values[j]
    scale = np.abs(size).sum() * 1e5
    assert np.abs(found - expected).max() <= 1e-13 * scale
