"""The space of a table: sorted, dense, and the same for lines in any order."""

from __future__ import annotations

import numpy as np

from crossmargin.instruments.factors import Factor
from crossmargin.margin.families.sensitivity_forms import margins
from crossmargin.margin.families.sensitivity_parameters import set_of
from crossmargin.margin.families.sensitivity_space import space_of
from tests.margin.families.simm_made_up import VERSION, random_factor, rows

NUMBERS = set_of(rows(), VERSION, 10, "made up")


def test_codes_are_sorted_and_dense() -> None:
    rng = np.random.default_rng(3)
    factors = sorted({random_factor(rng) for _ in range(150)})
    made = space_of(factors, NUMBERS)
    space = made.space
    for codes in (space.bucket, space.bucket_group):
        assert (np.diff(codes) >= 0).all()
        assert sorted(set(codes.tolist())) == list(range(codes.max() + 1))
    assert len(made.groups) == space.groups == space.bucket_group.max() + 1
    assert set(space.concentration.tolist()) - {-1} == set(range(len(space.threshold_usd)))
    assert (np.diff(made.loads.start) <= 2).all()
    assert np.array_equal(space.same, np.swapaxes(space.same, 1, 2))
    assert np.array_equal(space.different, np.swapaxes(space.different, 1, 2))
    assert np.array_equal(space.gamma, np.swapaxes(space.gamma, 1, 2))
    curved = [k for k, group in enumerate(made.groups) if group[2] == "Curvature"]
    assert space.curvature[curved].all()
    assert space.curvature.sum() == len(curved)


def test_order_of_the_table_does_not_matter() -> None:
    rng = np.random.default_rng(4)
    factors = sorted({random_factor(rng) for _ in range(60)})
    amount = rng.normal(size=len(factors)) * 1e6
    turn = rng.permutation(len(factors))
    row, column = np.array([0, len(factors)]), np.arange(len(factors), dtype=np.int32)
    first = space_of(factors, NUMBERS)
    second = space_of([factors[k] for k in turn], NUMBERS)
    assert first.groups == second.groups
    one = margins(first.space, first.loads, row, column, amount)
    two = margins(second.space, second.loads, row, column, amount[turn])
    assert np.allclose(one, two, rtol=1e-12, atol=1e-6)


def test_nothing_to_place() -> None:
    made = space_of([Factor("", "Notional", "A"), Factor("RatesFX", "Risk_FX", "USD")], NUMBERS)
    found = margins(
        made.space, made.loads, np.array([0, 2]), np.array([0, 1], np.int32), np.ones(2)
    )
    assert found.shape == (1, 0)
    assert made.groups == ()
