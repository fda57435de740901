"""Sums, concentration and quadratic forms by hand; bits alone and among neighbours."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from crossmargin.instruments.factors import Factor
from crossmargin.margin.families.sensitivity_forms import (
    LAMBDA_FULL,
    Loads,
    Space,
    bucket_kernel,
    group_kernel,
    margins,
    reach,
    surcharges,
)
from crossmargin.margin.families.sensitivity_parameters import set_of
from crossmargin.margin.families.sensitivity_space import space_of
from tests.margin.families.simm_made_up import VERSION, random_factor, rows

RHO = 0.25
LOADS = Loads(np.arange(3), np.array([0, 1], np.int32), np.array([1.0, 2.0]))


def plain_space(**changes: object) -> Space:
    """Two entries of two names in one bucket of one group."""
    ints = np.zeros(2, np.int32)
    base = Space(
        bucket=ints,
        concentration=np.array([0, 1], np.int32),
        code=ints,
        name=np.arange(2, dtype=np.int32),
        weight=np.array([3.0, 5.0]),
        bucket_group=np.zeros(1, np.int32),
        family=np.zeros(1, np.int32),
        place=np.zeros(1, np.int32),
        residual=np.zeros(1, np.bool_),
        threshold_usd=np.array([1.0, 100.0]),
        same=np.ones((1, 1, 1)),
        different=np.full((1, 1, 1), RHO),
        gamma_of=np.zeros(1, np.int32),
        gamma=np.ones((1, 1, 1)),
        within=np.ones(1, np.bool_),
        curvature=np.zeros(1, np.bool_),
        scale=np.ones(1),
        one_sided=np.zeros(1, np.bool_),
    )
    return replace(base, **changes)


def of(space: Space, *quantity: float) -> float:
    row, column = np.array([0, 2]), np.array([0, 1], np.int32)
    return float(margins(space, LOADS, row, column, np.array(quantity))[0, 0])


def test_two_names_by_hand() -> None:
    x, y = 4.0, -10.0  # the second load doubles: -20
    cr = math.sqrt(4.0)
    ws = 3.0 * x * cr, 5.0 * 2.0 * y
    form = ws[0] ** 2 + ws[1] ** 2 + 2.0 * RHO * (1.0 / cr) * ws[0] * ws[1]
    assert of(plain_space(), x, y) == pytest.approx(math.sqrt(form), rel=1e-15)
    without = plain_space(within=np.zeros(1, np.bool_))
    form = ws[0] ** 2 + ws[1] ** 2 + 2.0 * RHO * ws[0] * ws[1]
    assert of(without, x, y) == pytest.approx(math.sqrt(form), rel=1e-15)


def test_residual_is_outside_and_scale_applies() -> None:
    parts = plain_space(
        bucket=np.array([0, 1], np.int32),
        bucket_group=np.zeros(2, np.int32),
        family=np.zeros(2, np.int32),
        place=np.zeros(2, np.int32),
        residual=np.array([False, True]),
        concentration=np.full(2, -1, np.int32),
        scale=np.array([2.0]),
    )
    assert of(parts, 1.0, -1.0) == 2.0 * (3.0 + 10.0)


def test_curvature_of_gains_and_of_losses() -> None:
    curved = plain_space(
        curvature=np.ones(1, np.bool_), weight=np.ones(2), concentration=np.full(2, -1, np.int32)
    )
    assert of(curved, -1.0, -1.0) == 0.0 + max(0.0, -3.0 + math.sqrt(1 + 4 + 2 * RHO * 2))
    root = math.sqrt(1 + 4 + 2 * RHO * 2)
    assert of(curved, 1.0, 1.0) == pytest.approx(3.0 + LAMBDA_FULL * root, rel=1e-15)
    theta = -1.0 / 3.0
    root = math.sqrt(1 + 4 - 2 * RHO * 2)
    lam = LAMBDA_FULL * (1 + theta) - theta
    assert of(curved, 1.0, -1.0) == pytest.approx(max(0.0, -1.0 + lam * root), rel=1e-15)
    assert pytest.approx(2.575829303548901**2 - 1.0, rel=1e-14) == LAMBDA_FULL


def test_one_sided_and_surcharges() -> None:
    sided = plain_space(one_sided=np.ones(1, np.bool_), concentration=np.full(2, -1, np.int32))
    assert of(sided, 2.0, -1.0) == 6.0
    block = np.array([0, 2]), np.array([0, 1], np.int32), np.array([4.0, -10.0])
    charge = surcharges(plain_space(), LOADS, block)[0, 0]
    assert charge == pytest.approx(12.0 * (2.0 - 1.0), rel=1e-15)
    orders = np.array([0, 2]), np.array([0, 0], np.int32), np.array([5.0, -7.0])
    most = surcharges(plain_space(), LOADS, block, orders)[0, 0]
    assert most == pytest.approx(3.0 * 16.0 * (4.0 - 1.0), rel=1e-15)
    far = reach(plain_space(), LOADS, block, orders)[0, 0]  # 4 + 5 or 4 - 7; no concentration
    assert far == pytest.approx(math.sqrt(27.0**2 + 100.0**2 + 2 * RHO * 27.0 * 100.0), rel=1e-15)
    assert reach(sided, LOADS, block, orders)[0, 0] == 27.0


def test_kernels_of_nothing() -> None:
    none, ints = np.zeros(0), np.zeros(0, np.int32)
    bucket_kernel.run(
        np.zeros(1, np.int64), ints, ints, ints, none, none,
        np.ones((1, 1, 1)), np.ones((1, 1, 1)), none, none, none, none,
    )  # fmt: skip
    group_kernel.run(
        np.zeros(1, np.int64), ints, ints, np.zeros(0, np.int8), none, none, none,
        np.ones((1, 1, 1)), none, none,
    )  # fmt: skip
    row, column = np.array([0, 0]), np.zeros(0, np.int32)
    assert margins(plain_space(), LOADS, row, column, none).tolist() == [[0.0]]


def test_bits_do_not_depend_on_neighbours() -> None:
    numbers = set_of(rows(), VERSION, 10, "made up")
    rng = np.random.default_rng(8)
    factors = sorted(
        {random_factor(rng) for _ in range(200)} | {Factor("RatesFX", "Risk_FX", "EUR")}
    )
    made = space_of(factors, numbers)
    counts = rng.integers(0, 60, 40)
    column = np.concatenate(
        [np.sort(rng.choice(len(factors), n, replace=False)) for n in counts]
    ).astype(np.int32)
    row = np.concatenate([[0], np.cumsum(counts)])
    quantity = rng.normal(size=len(column)) * 1e6
    whole = margins(made.space, made.loads, row, column, quantity)
    for a in range(40):
        span = slice(row[a], row[a + 1])
        edge = np.array([0, counts[a]])
        alone = margins(made.space, made.loads, edge, column[span], quantity[span])
        assert alone.tobytes() == whole[a : a + 1].tobytes()
