"""The best pairing: against every partition, any other pairing, its own bound; and refusals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import InputError, ModelError
from crossmargin.margin.families.strategy_columns import CLASSES, Columns, columns_of, costs_of
from crossmargin.margin.families.strategy_pairing import Pairing, paired
from crossmargin.margin.families.strategy_rules import Leg, Legs, Rates
from tests.margin.families.strategy_twin import greedy, least
from tests.oracle.black import price as black

SPOT = 100.0
INITIAL = Rates()
MAINTENANCE = Rates(linear_long=0.25, linear_short=0.30, hedged=True, at_strike=True)
HELD = Rates(proceeds_held=True)
LEVELS = (INITIAL, MAINTENANCE, HELD)


def leg(right: int, size: float, strike: float, days: int, noise: float = 0.0) -> Leg:
    if right == 0:
        return Leg(0, size, SPOT * (1.0 + noise), spot=SPOT)
    value = black(right, SPOT, strike, 0.6, days / 365.0)
    return Leg(right, size, value + noise, strike, SPOT, float(days), days)


LEG = st.builds(
    leg,
    st.sampled_from((1, 1, -1, -1, 0)),
    st.sampled_from((-2.0, -1.0, -1.0, 1.0, 1.0, 2.0)),
    st.sampled_from((70.0, 85.0, 95.0, 100.0, 110.0, 130.0)),
    st.sampled_from((7, 30, 400)),
    st.sampled_from((0.0, 0.01, 0.4)),
)
SMALL = st.lists(LEG, min_size=1, max_size=4)
LARGER = st.lists(LEG, min_size=1, max_size=12)


def prepared(legs: Sequence[Leg], rates: Rates) -> tuple[Legs, Columns, Floats]:
    table = Legs.of(legs)
    columns = columns_of(table, rates.far_days)
    return table, columns, costs_of(columns, table, rates)


def best(legs: Sequence[Leg], rates: Rates, whole: bool = False) -> tuple[float, Pairing]:
    table, columns, cost = prepared(legs, rates)
    made = paired(columns, table, cost, whole=whole)
    return made.total(cost), made


@given(SMALL, st.sampled_from(LEVELS))
def test_no_partition_of_whole_lots_needs_less(legs: list[Leg], rates: Rates) -> None:
    far = replace(rates, far_days=1e6)  # a long box with a rule of its own is tested by itself
    need, made = best(legs, far, whole=True)
    assert need == pytest.approx(least(legs, far), abs=1e-7)
    assert made.bound <= need + 1e-7


@given(SMALL, st.sampled_from(LEVELS))
def test_cutting_lots_never_needs_more(legs: list[Leg], rates: Rates) -> None:
    far = replace(rates, far_days=1e6)
    once = least(legs, far)
    need, _ = best(legs, far)
    assert need <= once + 1e-7
    if sum(abs(x.size) for x in legs) <= 4.0:
        twice = least([replace(x, size=2.0 * x.size) for x in legs], far) / 2.0
        assert need <= twice + 1e-7
        assert twice <= once + 1e-7


def test_cut_lots_can_need_less() -> None:
    """Contracts worth seventeen times less reach the fractional optimum; whole ones do not."""
    legs = [leg(1, 1.0, 110.0, 7), leg(1, 1.0, 105.0, 30)]
    legs += [leg(-1, -1.0, 85.0, 7), leg(1, -1.0, 95.0, 7)]
    cut, whole = best(legs, INITIAL)[0], best(legs, INITIAL, whole=True)[0]
    assert cut < whole - 0.1
    assert whole == pytest.approx(least(legs, INITIAL), rel=1e-12)
    finer = {n: [replace(x, size=n * x.size) for x in legs] for n in (2, 3, 17)}
    needs = {n: best(book, INITIAL, whole=True)[0] / n for n, book in finer.items()}
    assert needs[17] == pytest.approx(cut, rel=1e-9)
    assert cut <= min(needs.values()) + 1e-9


@given(LARGER, st.sampled_from(LEVELS), st.integers(0, 2**31))
def test_never_worse_than_taking_one_by_one(legs: list[Leg], rates: Rates, seed: int) -> None:
    far = replace(rates, far_days=1e6)
    order = np.random.default_rng(seed).permutation(2000)
    assert best(legs, far)[0] <= greedy(legs, far, lambda k: int(order[k % 2000])) + 1e-7


@given(LARGER, st.sampled_from(LEVELS), st.integers(0, 2**31))
def test_never_worse_than_any_pairing(legs: list[Leg], rates: Rates, seed: int) -> None:
    table, columns, cost = prepared(legs, rates)
    made = paired(columns, table, cost)
    rng = np.random.default_rng(seed)
    left, amount = np.abs(table.size), np.zeros(len(columns))
    for j in rng.permutation(len(columns) - len(table)).tolist():
        members = columns.legs[j][columns.legs[j] >= 0]
        if np.isfinite(cost[j]) and rng.random() < 0.5:
            amount[j] = float(left[members].min()) * rng.choice([1.0, 0.5])
            left[members] -= amount[j]
    spread = []
    for block in columns.blocks:
        y = left[block.legs] * rng.random(len(block.legs))
        bought = float((block.calls * y)[block.calls > 0.0].sum())
        sold = -float((block.calls * y)[block.calls < 0.0].sum())
        y = np.where(block.calls < 0.0, y * min(1.0, bought / max(sold, 1e-300)), y)
        left[block.legs] -= y
        spread.append(y)
    amount[len(columns) - len(table) :] = left
    other = Pairing(columns, amount, tuple(spread), 0.0).total(cost)
    assert made.total(cost) <= other + 1e-7
    assert made.bound <= other + 1e-7


@given(LARGER, st.sampled_from(LEVELS))
def test_every_lot_is_in_one_strategy(legs: list[Leg], rates: Rates) -> None:
    table, columns, cost = prepared(legs, rates)
    made = paired(columns, table, cost)
    used = np.zeros(len(table))
    for j in np.flatnonzero(made.amount).tolist():
        used[columns.legs[j][columns.legs[j] >= 0]] += made.amount[j]
    for block, y in zip(columns.blocks, made.spread, strict=True):
        used[block.legs] += y
        assert float((block.calls * y).sum()) >= -1e-12
    assert used == pytest.approx(np.abs(table.size), rel=1e-12)
    assert (made.amount >= 0.0).all()
    assert made.total(cost) == pytest.approx(sum(made.by_class(cost)), rel=1e-12)
    assert len(made.by_class(cost)) == len(CLASSES)


@given(LARGER, LEG, st.sampled_from(LEVELS[:2]))
def test_a_long_leg_never_costs_more_than_its_premium(
    legs: list[Leg], more: Leg, rates: Rates
) -> None:
    bought = replace(more, size=abs(more.size), right=more.right or 1, strike=more.strike or 100.0)
    price = bought.price * bought.size
    raised = best([*legs, bought], rates)[0] - best(legs, rates)[0]
    assert raised <= price + 1e-6


@given(LARGER, LARGER, st.sampled_from(LEVELS))
def test_two_books_need_no_more_together(first: list[Leg], other: list[Leg], rates: Rates) -> None:
    apart = best(first, rates)[0] + best(other, rates)[0]
    assert best([*first, *other], rates)[0] <= apart + 1e-6


@given(LARGER, st.sampled_from(LEVELS), st.floats(1e-6, 1e6))
def test_scale(legs: list[Leg], rates: Rates, size: float) -> None:
    need = best(legs, rates)[0]
    twice = best([replace(x, size=2.0 * x.size) for x in legs], rates)[0]
    assert twice == 2.0 * need
    scaled = best([replace(x, size=size * x.size) for x in legs], rates)[0]
    gross = sum(abs(x.size) for x in legs) * SPOT
    assert scaled == pytest.approx(size * need, rel=1e-9, abs=1e-8 * size * gross)


@given(LARGER, st.sampled_from(LEVELS))
def test_the_same_book_gives_the_same_bits(legs: list[Leg], rates: Rates) -> None:
    first, again = (best(legs, rates)[1] for _ in range(2))
    assert first.amount.tobytes() == again.amount.tobytes()
    assert [y.tobytes() for y in first.spread] == [y.tobytes() for y in again.spread]


def test_a_solver_that_is_stopped_is_refused() -> None:
    """One iteration proves nothing of a book that takes some."""
    rng = np.random.default_rng(1)
    legs = [
        leg(int(r), float(s), float(k), int(d))
        for r, s, k, d in zip(
            rng.choice([1, -1], 60),
            rng.uniform(-3.0, 3.0, 60),
            rng.integers(60, 150, 60),
            rng.choice([7, 30, 90], 60),
            strict=True,
        )
    ]
    table, columns, cost = prepared(legs, INITIAL)
    paired(columns, table, cost)
    with pytest.raises(ModelError) as caught:
        paired(columns, table, cost, iterations=0)
    assert caught.value.code == "optimum_unproven"
    assert "lower bound" in caught.value.limit


def test_parts_of_a_whole_contract_are_refused() -> None:
    table, columns, cost = prepared([leg(1, -0.5, 100.0, 30)], INITIAL)
    with pytest.raises(InputError) as caught:
        paired(columns, table, cost, whole=True)
    assert caught.value.code == "number_out_of_range"


def test_two_hundred_legs_are_proven() -> None:
    rng = np.random.default_rng(7)
    strikes, days = np.arange(60.0, 161.0, 5.0), (7, 30, 90, 180, 400, 700)
    legs = [
        leg(int(r), round(float(s), 2), float(k), int(d), float(n))
        for r, s, k, d, n in zip(
            rng.choice([1, -1], 196),
            rng.uniform(-20.0, 20.0, 196),
            rng.choice(strikes, 196),
            rng.choice(days, 196),
            rng.uniform(0.0, 0.05, 196),
            strict=True,
        )
    ]
    legs += [leg(0, size, 0.0, 0, 0.001 * size) for size in (5.0, -3.0, 2.5, -7.0)]
    for rates in LEVELS:
        need, made = best(legs, rates)
        table, _, cost = prepared(legs, rates)
        gross = float((np.abs(table.size) * cost[-len(table) :]).sum())
        assert 0.0 < need < gross
        assert need - made.bound <= 1e-8 * gross
