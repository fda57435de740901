"""Drift, bands and trades: nothing inside, exactly there outside, value less cost kept."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.errors import CrossMarginError
from crossmargin.decisions.drift import (
    Policy,
    breached,
    drifted,
    rebalance_to,
    turnover,
    wanted,
)
from crossmargin.decisions.notional_costs import CostTerms

TARGET = np.array([0.5, 0.3, 0.2])
WEIGHTS = st.lists(st.floats(0.01, 1.0), min_size=3, max_size=3).map(
    lambda raw: np.array(raw) / sum(raw)
)


def test_drift_by_hand() -> None:
    # 60 and 40 of 100: after +10 % and -5 % they are 66 and 38 of 104
    assert drifted([0.6, 0.4], [0.1, -0.05]) == pytest.approx([66.0 / 104.0, 38.0 / 104.0])
    assert turnover([0.6, 0.4], [0.5, 0.5]) == pytest.approx((0.1, 0.2))


def test_cash_drifts_too() -> None:
    assert drifted([0.5], [0.1]) == pytest.approx([0.55 / 1.05])


@given(
    WEIGHTS, st.sampled_from(["absolute", "relative"]), st.sampled_from(["target", "edge", "inner"])
)
def test_inside_nothing_is_traded_and_outside_all_end_inside(
    weights: np.ndarray, trigger: str, to: str
) -> None:
    policy = Policy(trigger, 0.2, 0.1, to)
    bands = policy.bands(TARGET)
    after = wanted(weights, TARGET, bands, to, whole=False)
    out = breached(weights, bands)
    assert (after[~out] == weights[~out]).all()
    assert not breached(after, bands).any()
    if to == "edge":
        assert after[out] == pytest.approx(np.clip(weights, bands.low, bands.high)[out])
    if to == "inner":
        assert (after[out] >= bands.inner_low[out] - 1e-12).all()
        assert (after[out] <= bands.inner_high[out] + 1e-12).all()
    if to == "target":
        assert after[out] == pytest.approx(TARGET[out])


@given(WEIGHTS, st.sampled_from(["target", "edge", "inner"]))
def test_a_whole_portfolio_stays_whole_inside_its_bands(weights: np.ndarray, to: str) -> None:
    bands = Policy("absolute", 0.1, 0.05, to).bands(TARGET)
    after = wanted(weights, TARGET, bands, to, whole=True)
    assert after.sum() == pytest.approx(1.0)
    assert not breached(after, bands).any()
    # no further than the target: the nearest point inside is nearer
    assert np.abs(after - weights).sum() <= np.abs(TARGET - weights).sum() + 1e-9


def test_hysteresis_lies_between_inner_and_outer() -> None:
    policy = Policy("absolute", 0.10, 0.04, "inner")
    bands = policy.bands(TARGET)
    resting = TARGET + np.array([0.07, -0.07, 0.0])  # outside inner, inside outer
    assert (wanted(resting, TARGET, bands, "inner", whole=False) == resting).all()
    moved = wanted(TARGET + np.array([0.12, 0.0, 0.0]), TARGET, bands, "inner", whole=False)
    assert moved[0] == pytest.approx(0.54)


def test_a_region_is_taken_as_given() -> None:
    policy = Policy("region", 1.0, None, "edge")
    low = TARGET - np.array([0.1, 0.02, 0.02])
    high = TARGET + np.array([0.05, 0.02, 0.02])
    after = wanted(np.array([0.6, 0.3, 0.1]), TARGET, policy.bands(TARGET, (low, high)), "edge",
                   whole=False)  # fmt: skip
    assert after == pytest.approx([0.55, 0.3, 0.18])


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3),
    st.floats(0.0, 0.02),
    st.floats(0.0, 5.0),
)
def test_value_is_kept_less_cost(held: list[float], fee: float, gas: float) -> None:
    terms = [
        CostTerms(fee=fee, half_spread=1e-4, gas_usd=gas),
        CostTerms(fee=fee, impact=1.0, vol_day=0.03, volume_day_usd=1e8),
        CostTerms(),
    ]
    value = 5e6
    found = rebalance_to(held, value, TARGET, terms)
    assert found.value_usd == value - found.cost_usd
    assert sum(v.sum() for _, v in found.components) == pytest.approx(found.cost_usd, rel=1e-12)
    after = np.array(held) + found.trade_usd
    assert after / found.value_usd == pytest.approx(TARGET, abs=1e-9)
    assert found.weights == pytest.approx(TARGET, abs=1e-9)


def test_free_of_cost_the_value_is_the_same() -> None:
    found = rebalance_to([1.0, 2.0, 3.0], 10.0, TARGET, [CostTerms()] * 3)
    assert found.value_usd == 10.0
    assert found.trade_usd == pytest.approx([4.0, 1.0, -1.0])


def test_what_is_fixed_is_not_traded() -> None:
    found = rebalance_to([5.0, 2.0, 3.0], 10.0, TARGET, [CostTerms(gas_usd=0.1)] * 3,
                         fixed=[True, False, True])  # fmt: skip
    assert found.trade_usd[[0, 2]].tolist() == [0.0, 0.0]
    assert found.cost_usd == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("kwargs", "code"),
    [
        ({"trigger": "sometimes"}, "option_unknown"),
        ({"trigger": "absolute", "to": "middle"}, "option_unknown"),
        ({"trigger": "absolute", "outer": -0.1}, "number_out_of_range"),
        ({"trigger": "absolute", "outer": 0.1, "inner": 0.2}, "number_out_of_range"),
        ({"trigger": "absolute", "outer": 0.1, "to": "inner"}, "number_out_of_range"),
        ({"trigger": "calendar", "every": 0}, "number_out_of_range"),
    ],
)
def test_policies_that_contradict_themselves_are_refused(
    kwargs: dict[str, object], code: str
) -> None:
    with pytest.raises(CrossMarginError) as refused:
        Policy(**kwargs)  # type: ignore[arg-type] # bad on purpose
    assert refused.value.code == code


def test_costs_above_the_value_are_refused() -> None:
    with pytest.raises(CrossMarginError) as refused:
        rebalance_to([0.0], 1.0, [0.5], [CostTerms(gas_usd=2.0)])
    assert refused.value.code == "solver_failed"
    with pytest.raises(CrossMarginError):
        rebalance_to([0.0], 0.0, [0.5], [CostTerms()])
    with pytest.raises(CrossMarginError):
        Policy("region").bands(TARGET)
    with pytest.raises(CrossMarginError):
        drifted([1.0], [-1.0])
