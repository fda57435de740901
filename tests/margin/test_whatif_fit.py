"""The largest size that passes: it passes, one step more fails, whatever the model."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from crossmargin.core.errors import InputError
from crossmargin.margin.whatif_fit import STEPS_MAX, fit, scaled, steps_of
from crossmargin.margin.whatif_judge import Status
from crossmargin.margin.whatif_trades import Leg
from tests.margin.sample_before_trades import CALL, PUT, SWAP, bare, leg, ready

MODELS = ("deribit-spm", "deribit-xpm", "deribit-sm", "derive-pm2", "paradex-pm", "fixed-rate")
PASSING = (Status.PASSES, Status.REDUCES)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("atomic", [True, False], ids=["atomic", "legged"])
def test_it_passes_and_one_step_more_fails(model: str, atomic: bool) -> None:
    prepared = ready(model, bare((CALL, -1.0), ("BTC", 5.0)))
    for package in ([(CALL, -0.1)], [(CALL, -0.2), (PUT, -0.1)], [(SWAP, -10.0)]):
        legs = [leg(prepared, name, size, None) for name, size in package]
        found = prepared.size_to_fit(legs, atomic=atomic)
        assert found.fit is not None and found.next_verdict is not None
        assert found.fit.steps > 0
        assert found.verdict.status in PASSING
        assert found.next_verdict.status is Status.FAILS
        step, _ = steps_of(legs, [0.1 if name != SWAP else 10.0 for name, _ in package])
        more = scaled(legs, step, found.fit.steps + 1)
        assert prepared.whatif(more, atomic=atomic).verdict.status is Status.FAILS
        assert [each.leg.size for each in found.legs] == list(found.fit.sizes)


def test_legged_fits_no_more_than_atomic() -> None:
    prepared = ready("deribit-spm")
    legs = [leg(prepared, CALL, -0.1), leg(prepared, SWAP, 100.0)]
    once, slow = prepared.size_to_fit(legs), prepared.size_to_fit(legs, atomic=False)
    assert once.fit is not None and slow.fit is not None
    assert slow.fit.steps <= once.fit.steps


@pytest.mark.parametrize("limit", [0, 1, 2, 31, 32, 33, 1000, 123_456_789])
@pytest.mark.parametrize("per_octave", [1, 8])
def test_the_search_finds_any_limit(limit: int, per_octave: int) -> None:
    calls = []

    def passes(sizes: list[list[Leg]]) -> np.ndarray:
        calls.append(len(sizes))
        return np.array([abs(each[0].size) <= 0.1 * limit + 1e-9 for each in sizes])

    found = fit([Leg(0, -0.3)], [0.1], passes, per_octave)
    assert found.steps == limit
    assert found.sizes == (float(Decimal("-0.1") * limit),)
    assert not found.unlimited
    assert len(calls) < 12


def test_what_always_passes_is_unlimited() -> None:
    found = fit([Leg(0, 1.0)], [1.0], lambda sizes: np.ones(len(sizes), np.bool_))
    assert found.unlimited and found.steps == STEPS_MAX


def test_where_not_one_step_fits_the_verdict_is_of_one_step() -> None:
    prepared = ready("deribit-sm", bare((CALL, -10.0), ("BTC", 0.3)))
    found = prepared.size_to_fit([leg(prepared, CALL, -5.0, 0.001)])
    assert found.fit is not None
    assert found.fit.steps == 0 and found.fit.sizes == (0.0,)
    assert found.verdict.status is Status.FAILS
    assert found.legs[0].fill.size == -0.1


def test_ratio_and_lots() -> None:
    legs = [Leg(0, -0.6), Leg(1, 30.0)]
    step, count = steps_of(legs, [0.1, 10.0])
    assert step == (Decimal("-0.2"), Decimal("10.0")) and count == 3
    assert [each.size for each in scaled(legs, step, 3)] == [-0.6, 30.0]
    for size, lot in ((0.25, 0.1), (1.0, 0.0), (0.04, 0.1)):
        with pytest.raises(InputError) as told:
            steps_of([Leg(0, size)], [lot])
        assert told.value.place and told.value.limit and told.value.remedy
    assert 0.1 * 17 != 1.7  # a size that a program multiplies is whole but for its last digit
    assert steps_of([Leg(0, -0.1 * 17)], [0.1]) == ((Decimal("-0.1"),), 17)


def test_without_a_balance_no_size_fits() -> None:
    prepared = ready("deribit-spm", bare((CALL, -1.0)))
    with pytest.raises(InputError) as told:
        prepared.size_to_fit([leg(prepared, CALL, -1.0)])
    assert told.value.code == "order_invalid"
