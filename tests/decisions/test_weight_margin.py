"""The pieces over weights are the pieces at the quantities; the least margin is the least."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.decisions.margin_rows import Block
from crossmargin.decisions.weight_limits import MarginBudget, weight_limits
from crossmargin.decisions.weight_margin import least_margin, margin_budget, terms_over
from crossmargin.margin.pieces import LargestOf, Part, Pieces, Separable, WorstOf
from tests.decisions.protect_case import prepared


def _pieces(draw: np.random.Generator, count: int) -> Pieces:
    """Terms of every kind, one inside another, over ``count`` instruments."""

    def rows(k: int, floor: float) -> WorstOf:
        return WorstOf(
            "scan", draw.normal(size=(k, count)), draw.normal(size=k), floor=floor, weight=1.5
        )

    def sides() -> Separable:
        return Separable("sides", draw.uniform(0, 2, count), draw.uniform(0, 2, count), 0.5)

    parts = (Part("a", (rows(2, 0.0), sides()), 0.3), Part("b", (sides(),), -1.0))
    return Pieces((rows(4, 0.0), sides(), LargestOf("most", parts, 0.1, 2.0), rows(3, -np.inf)))


@given(st.integers(0, 200))
def test_terms_over_trades_are_the_terms_at_the_quantities(seed: int) -> None:
    draw = np.random.default_rng(seed)
    count, trades = 5, 3
    step = draw.normal(size=(count, trades)) * (draw.random((count, trades)) < 0.6)
    block = Block("pool", _pieces(draw, count), draw.normal(size=count), step, 1.7)
    budget = MarginBudget(terms_over(block), np.array([2.0, 0.5, 3.0]), 1.0)
    for weights in draw.normal(size=(6, trades)):
        plain = 1.7 * float(block.pieces.at(block.base + step @ (weights * budget.units)))
        assert float(budget.at(weights)) == pytest.approx(plain, rel=1e-12, abs=1e-12)


@given(st.integers(0, 60))
def test_the_least_margin_is_below_every_weight(seed: int) -> None:
    draw = np.random.default_rng(seed)
    block = Block("pool", _pieces(draw, 3), np.zeros(3), np.eye(3), 1.0)
    budget = MarginBudget(terms_over(block), np.array([2.0, 0.5, 3.0]), 4.0)
    allowed = weight_limits(3, low=-0.5, high=1.5)
    least = least_margin(allowed, budget)
    assert least is not None
    drawn = draw.uniform(-0.5, 1.5, size=(4000, 3))
    drawn[:, 2] = 1.0 - drawn[:, :2].sum(axis=1)
    inside = drawn[(drawn[:, 2] >= -0.5) & (drawn[:, 2] <= 1.5)]
    every = budget.at(inside)
    assert every.min() >= least - 1e-9 * (1.0 + abs(least))
    assert every.min() <= least + 0.35 * (1.0 + abs(least))  # and some come near
    nothing = weight_limits(3, low=0.0, high=1.0, rows=[[1.0, 0.0, 0.0]], least=2.0)
    assert least_margin(nothing, budget) is None


def test_the_pieces_of_an_account_are_those_of_its_trades() -> None:
    """A coin account: the constant of what is held stays, and a sale lowers the requirement."""
    ready = prepared().core
    column = np.array([ready.column["BTC-PERPETUAL"]], np.int32)
    budget, left = margin_budget(ready, column, np.array([1e5]), 5e4)
    assert left
    at = [float(budget.at(np.array([w]))) for w in (0.0, -1.0, -2.0)]
    assert at[0] > at[1] > at[2] > 0.0
    assert budget.limit == 5e4
