"""Coverage tests: published regions, hand counts, size under the truth, and refusals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from crossmargin.core.errors import CrossMarginError
from crossmargin.statistics import backtests as bt

# Non-rejection regions at 5 %: Jorion, Value at Risk, table 6-2 (the first printed as "N < 7").
JORION = [(255, 0.01, 1, 6), (510, 0.05, 17, 35), (1000, 0.01, 5, 16), (1000, 0.05, 38, 64)]


@pytest.mark.parametrize(("count", "p", "least", "most"), [*JORION, (255, 0.025, 3, 11)])
def test_regions(count: int, p: float, least: int, most: int) -> None:
    assert bt.kupiec_region(count, p) == (least, most)


@given(st.integers(1, 2000), st.data(), st.floats(0.001, 0.5))
def test_kupiec_is_finite_and_least_at_the_promise(n: int, data: Any, p: float) -> None:
    x = data.draw(st.integers(0, n))
    found = bt.kupiec(n, x, p)
    assert 0.0 <= found.value < math.inf
    assert found.p_value == pytest.approx(float(stats.chi2.sf(found.value, 1)), rel=1e-9)
    if 0 < x < n:
        assert bt.kupiec(n, x, x / n).value == pytest.approx(0.0, abs=1e-9)


def test_traffic_light() -> None:
    zones = [bt.traffic_light(250, x).zone for x in range(12)]
    assert zones == ["green"] * 5 + ["yellow"] * 5 + ["red"] * 2
    assert bt.traffic_light(250, 4).cumulative == pytest.approx(0.8922, abs=5e-5)
    assert bt.traffic_light(250, 9).cumulative == pytest.approx(0.9997, abs=5e-5)
    assert bt.basel_multiplier(250) == 2.0
    assert bt.basel_multiplier(5, bt.BaselScale.AMENDMENT_1996) == 3.4


def test_transitions_by_hand() -> None:
    hits = np.array([0, 0, 1, 1, 0, 1, 0, 0], np.bool_)
    assert bt.transitions(hits) == (2, 2, 2, 1)
    assert bt.transitions(np.zeros(5, np.bool_)) == (4, 0, 0, 0)
    assert bt.independence(bt.Transitions(4, 0, 0, 0)).value == 0.0
    assert bt.independence(bt.Transitions(0, 0, 0, 4)).value == 0.0


def test_both_conventions_of_conditional_coverage() -> None:
    seen = bt.Transitions(240, 4, 4, 1)
    split = bt.independence(seen).value
    short = bt.conditional_coverage(seen, 0.01, coverage=bt.Coverage.TRANSITIONS)
    whole = bt.conditional_coverage(seen, 0.01, first=True)
    assert short.value == pytest.approx(split + bt.kupiec(249, 5, 0.01).value, rel=1e-12)
    assert whole.value == pytest.approx(split + bt.kupiec(250, 6, 0.01).value, rel=1e-12)
    assert whole.freedom == 2


def test_clusters_are_seen() -> None:
    calm = np.zeros(1000, np.bool_)
    calm[::50] = True
    bunched = np.zeros(1000, np.bool_)
    bunched[100:120] = True
    assert bt.independence(bt.transitions(calm)).p_value > 0.2
    assert bt.independence(bt.transitions(bunched)).p_value < 1e-10
    assert bt.time_until_first(100, 0.01).value == pytest.approx(0.0, abs=1e-12)


def test_dynamic_quantile_has_its_size_and_its_power() -> None:
    draw = np.random.default_rng(2)
    rejected = 0
    for _ in range(200):
        scale = np.exp(0.3 * draw.normal(size=1500))
        pnl = draw.normal(size=1500) * scale
        rejected += bt.dynamic_quantile(pnl, 1.6449 * scale, 0.05).p_value < 0.05
    assert 1 <= rejected <= 24
    swings = np.repeat(np.exp(draw.normal(size=15)), 100)
    pnl = draw.normal(size=1500) * swings
    flat = np.full(1500, np.quantile(-pnl, 0.95))
    assert bt.dynamic_quantile(pnl, flat, 0.05).p_value < 1e-4


def test_attribution() -> None:
    draw = np.random.default_rng(3)
    one = draw.normal(size=250)
    for noise, shift, zone in ((0.1, 0.0, "green"), (0.1, 1.0, "red"), (5.0, 0.0, "red")):
        two = one + noise * draw.normal(size=250) + shift
        found = bt.attribution_test(one, two)
        assert found.spearman == pytest.approx(stats.spearmanr(one, two).statistic, rel=1e-12)
        assert found.distance == pytest.approx(stats.ks_2samp(one, two).statistic, abs=1e-15)
        assert found.zone == zone
    ties = np.array([1.0, 1.0, 2.0, 3.0])
    other = np.array([1.0, 2.0, 2.0, 2.0])
    assert bt.attribution_test(ties, other).spearman == pytest.approx(
        stats.spearmanr(ties, other).statistic, rel=1e-12
    )


@pytest.mark.parametrize(
    ("code", "call"),
    [
        ("number_out_of_range", lambda: bt.kupiec(10, 11, 0.01)),
        ("number_out_of_range", lambda: bt.kupiec(0, 0, 0.01)),
        ("number_out_of_range", lambda: bt.kupiec(10, 1, 0.0)),
        ("number_out_of_range", lambda: bt.time_until_first(0, 0.01)),
        ("number_out_of_range", lambda: bt.independence(bt.Transitions(0, 0, 0, 0))),
        ("number_out_of_range", lambda: bt.independence(bt.Transitions(-1, 2, 0, 0))),
        ("shape_wrong", lambda: bt.transitions(np.array([0, 1]))),
        ("observations_too_few", lambda: bt.transitions(np.array([True]))),
        ("shape_wrong", lambda: bt.breaches([1.0], [1.0, 2.0])),
        ("number_not_finite", lambda: bt.breaches([math.nan], [1.0])),
        ("observations_too_few", lambda: bt.dynamic_quantile(np.zeros(9), np.ones(9), 0.01)),
        ("number_out_of_range", lambda: bt.attribution_test([1.0, 1.0], [1.0, 2.0])),
        ("shape_wrong", lambda: bt.attribution_test([1.0, 1.0], [1.0])),
    ],
)
def test_refusals(code: str, call: Any) -> None:
    with pytest.raises(CrossMarginError, match=f"^{code}:"):
        call()
