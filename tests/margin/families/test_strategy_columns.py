"""Which strategies are candidates, and that a block's kinks miss no loss."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.margin.families.strategy_columns import (
    CLASSES,
    STRATEGIES,
    Columns,
    columns_of,
    costs_of,
)
from crossmargin.margin.families.strategy_rules import FAR_DAYS, Leg, Legs, Rates


def option(right: int, size: float, strike: float, days: int, price: float = 2.0) -> Leg:
    return Leg(right, size, price, strike, 100.0, float(days), days)


def linear(size: float, expiry: int = 10**6) -> Leg:
    return Leg(0, size, 100.0, spot=100.0, expiry=expiry)


def names(columns: Columns) -> list[tuple[str, tuple[int, ...]]]:
    return [
        (STRATEGIES[code][0], tuple(k for k in members if k >= 0))
        for code, members in zip(columns.strategy.tolist(), columns.legs.tolist(), strict=True)
    ]


def test_every_strategy_has_a_class() -> None:
    assert {kind for _, kind in STRATEGIES} == set(CLASSES)


def test_legs_alone_come_last_in_their_order() -> None:
    legs = Legs.of([option(1, -1.0, 100.0, 30), linear(1.0), option(-1, 1.0, 90.0, 30)])
    alone = [("short option", (0,)), ("linear position", (1,)), ("long option", (2,))]
    assert names(columns_of(legs, FAR_DAYS))[-3:] == alone


def test_a_future_covers_until_it_expires() -> None:
    legs = Legs.of([linear(1.0, 30), option(1, -1.0, 110.0, 30), option(1, -1.0, 110.0, 31)])
    assert [m for name, m in names(columns_of(legs, FAR_DAYS)) if name == "covered option"] == [
        (0, 1)
    ]


def test_collars_and_reverse_conversions_share_an_expiry() -> None:
    legs = Legs.of(
        [
            linear(1.0),
            linear(-1.0),
            option(-1, 1.0, 95.0, 30),
            option(1, -1.0, 105.0, 30),
            option(1, -1.0, 90.0, 30),  # below the put
            option(1, -1.0, 105.0, 60),  # of another expiry
            option(-1, -1.0, 100.0, 30),
            option(1, 1.0, 100.0, 30),
        ]
    )
    found = names(columns_of(legs, FAR_DAYS))
    assert [m for name, m in found if name == "collar"] == [(0, 2, 3)]
    assert [m for name, m in found if name == "reverse conversion"] == [(1, 6, 7)]


def test_a_long_option_serves_blocks_of_its_expiry_and_before() -> None:
    legs = Legs.of(
        [
            option(1, -1.0, 100.0, 30),
            option(1, 1.0, 105.0, 29),
            option(1, 1.0, 105.0, 30),
            option(1, 1.0, 105.0, 60),
            option(1, -1.0, 100.0, 60),
        ]
    )
    blocks = columns_of(legs, FAR_DAYS).blocks
    assert [(b.expiry, b.legs.tolist()) for b in blocks] == [(30, [0, 2, 3]), (60, [3, 4])]


def test_long_boxes_of_a_long_life() -> None:
    for days, count in ((400, 1), (30, 0)):
        legs = Legs.of(
            [
                option(1, 1.0, 95.0, days),
                option(-1, -1.0, 95.0, days),
                option(1, -1.0, 105.0, days),
                option(-1, 1.0, 105.0, days),
                option(-1, 1.0, 95.0, days),
            ]
        )
        found = [m for name, m in names(columns_of(legs, FAR_DAYS)) if name == "long box"]
        assert found == [(0, 2, 1, 3)] * count


def test_rules_that_a_level_lacks_cost_infinitely_much() -> None:
    legs = Legs.of([linear(1.0), option(-1, 1.0, 95.0, 30)])
    columns = columns_of(legs, FAR_DAYS)
    assert np.isinf(costs_of(columns, legs, Rates())).tolist() == [True, False, False]
    assert np.isfinite(costs_of(columns, legs, Rates(hedged=True))).all()


OPTION = st.builds(
    option,
    st.sampled_from((1, -1)),
    st.sampled_from((-1.0, 1.0)),
    st.sampled_from((60.0, 80.0, 95.0, 100.0, 105.0, 120.0, 150.0)),
    st.just(30),
    st.sampled_from((0.5, 2.0, 7.0)),
)


@given(st.lists(OPTION, min_size=2, max_size=9), st.integers(0, 2**31))
def test_no_price_loses_more_than_the_kinks_say(rows: list[Leg], seed: int) -> None:
    """Against a grid of prices; the calls sold are covered."""
    legs = Legs.of(rows)
    for block in columns_of(legs, FAR_DAYS).blocks:
        y = np.random.default_rng(seed).random(len(block.legs))
        sold = -float((block.calls * y)[block.calls < 0.0].sum())
        bought = float((block.calls * y)[block.calls > 0.0].sum())
        y = np.where(block.calls < 0.0, y * min(1.0, bought / max(sold, 1e-300)), y)
        side = np.sign(legs.size[block.legs])
        right, strike = legs.right[block.legs], legs.strike[block.legs]
        price = np.concatenate([np.linspace(0.0, 300.0, 1501), [1e5]])
        value = (np.maximum(right * (price[:, None] - strike), 0.0) * side * y).sum(axis=1)
        paid = float((side * legs.price[block.legs] * y).sum())
        worst = max(paid - min(float(value.min()), 0.0), 0.0)
        assert abs(block.cost(y) - worst) <= 1e-9 * max(1.0, worst)
