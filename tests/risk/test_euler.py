from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossmargin.core.errors import CrossMarginError
from crossmargin.risk.euler import (
    TieRule,
    euler_worst_of,
    min_delta,
    tail_shares,
    tie_weights,
    volatility_shares,
)
from crossmargin.risk.games import shapley
from tests.risk.scan_book import PRINTED, PRINTED_MARGIN, QUANTITY, loss_per_unit

TIE = np.array([[10.0, -4.0], [-4.0, 10.0], [3.0, 3.0]])


def test_the_worked_book() -> None:
    """Five rules on one book: margin and every printed share to a dollar."""
    losses = loss_per_unit()
    found = euler_worst_of(losses, QUANTITY)
    assert found.value == pytest.approx(PRINTED_MARGIN, abs=0.5)
    assert found.shares == pytest.approx(PRINTED["euler"], abs=0.6)
    assert found.shares.sum() == pytest.approx(found.value, rel=1e-12)

    def margin(flags: np.ndarray) -> np.ndarray:
        return np.maximum((flags * QUANTITY) @ losses.T, 0.0).max(axis=1)

    assert shapley(margin, 4).values == pytest.approx(PRINTED["shapley"], abs=0.6)
    alone = margin(np.eye(4))
    without = found.value - margin(1.0 - np.eye(4))
    assert alone == pytest.approx(PRINTED["stand_alone"], abs=0.6)
    assert without == pytest.approx(PRINTED["incremental"], abs=0.6)
    assert (found.shares <= alone + 1e-9).all()
    assert found.tied == (23,)
    assert found.gap > 0.0


@pytest.mark.parametrize("rule", TieRule)
def test_a_symmetric_tie_is_shared_alike(rule: TieRule) -> None:
    found = euler_worst_of(TIE, np.ones(2), rule=rule)
    assert found.value == 6.0
    assert found.shares == pytest.approx([3.0, 3.0], abs=1e-9)
    assert found.tied == (0, 1, 2)
    assert found.marginal_up.tolist() == [10.0, 10.0]
    assert found.marginal_down.tolist() == [-4.0, -4.0]
    assert found.runner_up == -1


def test_given_multipliers_choose_any_point_of_the_hull() -> None:
    for weights, wanted in (([1, 0, 0], [10, -4]), ([0, 2, 0], [-4, 10]), ([1, 1, 2], [3, 3])):
        found = euler_worst_of(TIE, np.ones(2), weights=np.array(weights, float))
        assert found.shares == pytest.approx(wanted, abs=1e-12)


def rules_differ() -> np.ndarray:
    return np.array([[8.0, -1.0, -1.0], [1.0, -6.0, 11.0], [6.5, 1.5, -2.0]])


def test_each_rule_minimises_what_it_says() -> None:
    """Against a fine grid over the weights of a lopsided tie."""
    rows = rules_differ()
    ticks = np.linspace(0.0, 1.0, 201)
    grid = np.array([(a, b, 1.0 - a - b) for a in ticks for b in ticks if a + b <= 1.0 + 1e-12])
    shares = grid @ rows
    for rule, size in (
        (TieRule.LP, np.abs(shares).sum(axis=1)),
        (TieRule.MIN_NORM, (shares * shares).sum(axis=1)),
    ):
        weights = tie_weights(rows, rule)
        own = weights @ rows
        least = np.abs(own).sum() if rule == TieRule.LP else (own * own).sum()
        assert (weights >= 0.0).all()
        assert weights.sum() == pytest.approx(1.0, abs=1e-12)
        assert least <= size.min() + 1e-6
    assert tie_weights(rows, "average").tolist() == pytest.approx([1 / 3] * 3)


def test_the_lp_rule_gives_the_multipliers_of_the_hedging_programme() -> None:
    """min over |h| <= |x| of the worst tied L.(x + h): its multipliers are the weights."""
    from scipy.optimize import linprog

    rows = rules_differ()
    weights = tie_weights(rows, "lp")
    count, size = rows.shape
    cost = np.zeros(size + 1)
    cost[-1] = 1.0
    table = np.hstack([rows, -np.ones((count, 1))])
    bounds = [(-1.0, 1.0)] * size + [(None, None)]
    answer = linprog(cost, A_ub=table, b_ub=np.zeros(count), bounds=bounds, method="highs-ds")
    assert -answer.fun == pytest.approx(np.abs(weights @ rows).sum(), rel=1e-7)


@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(1, 12), st.sampled_from(TieRule))
@settings(max_examples=60, deadline=None)
def test_shares_add_up_and_nobody_pays_more_than_alone(
    seed: int, size: int, count: int, rule: TieRule
) -> None:
    rng = np.random.default_rng(seed)
    losses, x = np.round(rng.normal(size=(count, size)), 1), np.round(rng.normal(size=size), 1)
    found = euler_worst_of(losses, x, rule=rule)
    assert found.shares.sum() == pytest.approx(found.value, rel=1e-9, abs=1e-9)
    alone = np.maximum((losses * x).max(axis=0), 0.0)
    assert (found.shares <= alone + 1e-9).all()
    down, up = found.marginal_down, found.marginal_up
    assert (found.marginal <= up + 1e-12).all()
    assert (found.marginal >= down - 1e-12).all()


def test_nothing_lost_nothing_shared() -> None:
    found = euler_worst_of(np.array([[-1.0, -2.0]]), np.ones(2))
    assert found.value == 0.0
    assert found.shares.tolist() == [0.0, 0.0]
    assert found.tied == ()


def test_a_charge_on_net_and_hedged_delta_is_shared_in_full() -> None:
    found = min_delta([1.0, -1.5], 70_000.0, 0.02, 0.01)
    assert (found.net, found.gross, found.hedged) == (-0.5, 2.5, 1.0)
    assert found.charge == pytest.approx(1400.0, rel=1e-12)
    assert found.shares.sum() == pytest.approx(1400.0, rel=1e-12)
    step = 1e-6  # the shares are the derivatives times the deltas
    for k in range(2):
        moved = np.array([1.0, -1.5])
        moved[k] *= 1.0 + step
        gain = (min_delta(moved, 70_000.0, 0.02, 0.01).charge - found.charge) / step
        assert found.shares[k] == pytest.approx(gain, rel=1e-6)


def test_deviation_and_tail() -> None:
    covariance = np.array([[0.04, 0.01], [0.01, 0.09]])
    deviation, marginal, shares = volatility_shares(covariance, np.array([2.0, -1.0]))
    assert deviation**2 == pytest.approx(4 * 0.04 - 2 * 2 * 0.01 + 0.09)
    assert shares.sum() == pytest.approx(deviation, rel=1e-14)
    assert marginal == pytest.approx(shares / np.array([2.0, -1.0]))
    assert volatility_shares(np.zeros((2, 2)), np.ones(2))[2].tolist() == [0.0, 0.0]
    losses = np.array([[5.0, 0.0], [1.0, 3.0], [2.0, 2.0], [0.0, 1.0], [-4.0, 0.0]])
    value, own = tail_shares(losses, 0.7)  # 1.5 outcomes: all of 5, half of the two that are 4
    assert value == pytest.approx((5.0 + 0.5 * 4.0) / 1.5)
    assert own == pytest.approx([(5.0 + 0.25 * 3.0) / 1.5, (0.25 * 5.0) / 1.5])


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: tie_weights(np.zeros((0, 2))), "shape_wrong"),
        (lambda: tie_weights(TIE, "best"), "option_unknown"),
        (lambda: euler_worst_of(TIE, np.ones(3)), "shape_wrong"),
        (lambda: euler_worst_of(TIE * np.nan, np.ones(2)), "number_not_finite"),
        (lambda: euler_worst_of(TIE, np.ones(2), weights=np.zeros(3)), "number_out_of_range"),
        (
            lambda: euler_worst_of(
                np.vstack([TIE, [1.0, 1.0]]), np.ones(2), weights=np.array([0.0, 0.0, 0.0, 1.0])
            ),
            "number_out_of_range",
        ),
        (lambda: volatility_shares(np.eye(3), np.ones(2)), "shape_wrong"),
        (lambda: tail_shares(TIE, 1.0), "number_out_of_range"),
    ],
)
def test_bad_inputs(call, code: str) -> None:  # type: ignore[no-untyped-def] # a closure
    with pytest.raises(CrossMarginError) as caught:
        call()
    assert caught.value.code == code
