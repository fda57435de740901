"""The tools against procyclicality: bounds that always hold, slow twins, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.errors import CrossMarginError
from crossmargin.margin.families import anti_procyclical as tools

margins = st.lists(st.floats(0.01, 1e9), min_size=3, max_size=40).map(np.array)
shares = st.floats(0.0, 1.0)
CALM = np.full(10, 7.0)


@given(margins, st.floats(0.01, 1e9))
def test_never_under_the_floor_never_over_the_cap(margin: np.ndarray, level: float) -> None:
    assert (tools.floored(margin, level) >= level).all()
    assert (tools.capped(margin, level) <= level).all()


@given(margins, st.floats(0.01, 1e9), shares)
def test_stressed_weight_lies_between(margin: np.ndarray, stress: float, share: float) -> None:
    mixed = tools.stressed_weight(margin, stress, share)
    low, high = np.minimum(margin, stress), np.maximum(margin, stress)
    assert (mixed >= low * (1 - 1e-15)).all() and (mixed <= high * (1 + 1e-15)).all()
    assert (tools.stressed_weight(margin, stress, share, at_least=True) >= margin).all()


@given(margins, st.floats(0.0, 1.0))
def test_the_buffer_covers_and_is_used_up(margin: np.ndarray, share: float) -> None:
    charged = tools.exhaustible_buffer(margin, share)
    assert (charged >= margin).all() and (charged <= (1.0 + share) * margin).all()
    rises = np.diff(charged) > 0.0
    assert (charged[1:][rises] == margin[1:][rises]).all()  # it rises only when nothing is left


@given(margins, st.floats(0.0, 2.0), shares)
def test_no_step_is_larger_than_the_cap(margin: np.ndarray, up: float, down: float) -> None:
    path = tools.clipped_path(margin, up=up, down=down)
    assert (path[1:] <= path[:-1] * (1.0 + up)).all()
    assert (path[1:] >= path[:-1] * (1.0 - down)).all()
    assert path.min() >= margin.min() * (1 - 1e-15) and path.max() <= margin.max() * (1 + 1e-15)


@given(margins, st.floats(0.0, 1.0))
def test_one_sided_tools(margin: np.ndarray, share: float) -> None:
    assert (tools.speed_limited(margin, share) <= margin).all()
    assert (tools.slow_release(margin, share) >= margin).all()


@given(margins, st.integers(1, 40))
def test_largest_increase_is_that_of_every_pair(margin: np.ndarray, days: int) -> None:
    pairs = [
        margin[u] / margin[t] - 1.0
        for t in range(len(margin))
        for u in range(t + 1, min(t + days, len(margin) - 1) + 1)
    ]
    assert tools.largest_increase(margin, days) == pytest.approx(max(0.0, *pairs), rel=1e-12)


@pytest.mark.parametrize(
    "tool",
    [
        lambda m: tools.floored(m, 1.0),
        lambda m: tools.capped(m, 9.0),
        lambda m: tools.stressed_weight(m, 7.0),
        lambda m: tools.speed_limited(m, 0.05),
        lambda m: tools.slow_release(m, 0.05),
    ],
)
def test_a_constant_margin_stays(tool: object) -> None:
    assert callable(tool)
    assert tool(CALM).tolist() == CALM.tolist()


def test_metrics_of_a_rise_and_a_fall() -> None:
    found = tools.procyclicality([100.0, 110.0, 121.0, 60.5])
    assert found.peak_to_trough == 2.0
    assert found.increase_1 == pytest.approx(0.1, rel=1e-14)
    assert found.increase_5 == found.increase_30 == pytest.approx(0.21, rel=1e-14)
    changes = [math.log(1.1), math.log(1.1), math.log(0.5)]
    assert found.deviation_of_log_change == pytest.approx(float(np.std(changes, ddof=1)))


def test_cover_counts_what_it_lacked() -> None:
    seen = tools.cover([10.0, 10.0, 10.0], [12.0, -5.0, 10.0], [8.0, 10.0, 10.0])
    assert (seen.days, seen.breaches) == (3, 1)
    assert (seen.shortfall, seen.largest_shortfall) == (2.0, 2.0)
    assert seen.over_margin == pytest.approx(0.25 / 3.0)


def test_the_past_is_not_moved_by_the_future() -> None:
    margin = np.array([5.0, 6.0, 4.0, 9.0, 3.0])
    for tool in (
        tools.exhaustible_buffer,
        lambda m: tools.speed_limited(m, 0.1),
        lambda m: tools.slow_release(m, 0.1),
        lambda m: tools.clipped_path(m, up=0.1, down=0.05),
    ):
        whole = tool(margin)
        for day in range(1, len(margin)):
            assert tool(margin[:day]).tolist() == whole[:day].tolist()


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: tools.floored([], 1.0), "observations_too_few"),
        (lambda: tools.floored([1.0, 0.0], 1.0), "number_out_of_range"),
        (lambda: tools.floored([1.0, math.nan], 1.0), "number_not_finite"),
        (lambda: tools.floored([1.0, 2.0], [1.0, 2.0, 3.0]), "shape_wrong"),
        (lambda: tools.floored([[1.0, 2.0]], 1.0), "shape_wrong"),
        (lambda: tools.stressed_weight([1.0], 2.0, 1.1), "number_out_of_range"),
        (lambda: tools.exhaustible_buffer([1.0], -0.1), "number_out_of_range"),
        (lambda: tools.clipped_path([1.0], up=-0.1, down=0.1), "number_out_of_range"),
        (lambda: tools.clipped_path([1.0], up=math.nan, down=0.1), "number_out_of_range"),
        (lambda: tools.slow_release([1.0], 1.5), "number_out_of_range"),
        (lambda: tools.largest_increase([1.0, 2.0], 0), "number_out_of_range"),
        (lambda: tools.procyclicality([1.0, 2.0]), "observations_too_few"),
        (lambda: tools.cover([1.0, 2.0], [1.0]), "shape_wrong"),
    ],
)
def test_refused(call: object, code: str) -> None:
    assert callable(call)
    with pytest.raises(CrossMarginError) as error:
        call()
    assert error.value.code == code
