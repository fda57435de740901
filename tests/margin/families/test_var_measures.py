"""Figures of vectors: closed forms, order, errors that cover, refusals with the number needed."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from crossmargin.core.arrays import frozen
from crossmargin.core.errors import CrossMarginError, ModelError
from crossmargin.margin.families.var_measures import Measure, rank_error
from crossmargin.statistics.quantiles import Convention, Tail
from tests.margin.families.var_books import forced, numbers, random_moves

MEASURE = Measure(0.99, 0.975, Convention.INVERTED_CDF, Tail.FRACTIONAL, None, 1000.0)


def measure(count: int, **changes: object) -> Measure:
    return Measure.of(numbers("var-historical", **changes), random_moves(count))


def test_a_normal_sample_is_near_z_and_its_error_says_how_near() -> None:
    rng = np.random.default_rng(1)
    sample = rng.standard_normal((400, 4000))
    own = measure(4000)
    found = own.estimate(sample)
    z, es = stats.norm.ppf(0.99), stats.norm.pdf(stats.norm.ppf(0.975)) / 0.025
    for value, error, true in (
        (found.value_at_risk, found.value_at_risk_error, z),
        (found.expected_shortfall, found.expected_shortfall_error, es),
    ):
        assert float(value.mean()) == pytest.approx(true, abs=0.02)
        assert float(error.mean()) == pytest.approx(float(value.std(ddof=1)), rel=0.15)


@given(st.integers(0, 2**32 - 1), st.integers(200, 600))
def test_the_shortfall_is_at_least_the_value_at_risk_of_its_level(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    pnl = np.round(rng.standard_t(2.5, (3, count)), int(rng.integers(0, 4)))  # with ties
    own = measure(250)._replace(es_level=0.975, var_level=0.975)
    var, es = own.raw(pnl)
    assert (es >= var - 1e-12 * np.abs(var)).all()


@given(st.integers(0, 2**32 - 1))
def test_both_are_monotone_and_move_with_cash(seed: int) -> None:
    """What the bound on open orders rests on."""
    rng = np.random.default_rng(seed)
    pnl = np.round(rng.standard_normal((1, 300)), 1)
    worse = pnl - np.round(rng.exponential(0.3, pnl.shape), 1)
    for decay in (1.0, 0.995):
        own = measure(300, history__age_decay=decay)
        for one in (own.var, own.es):
            assert one(worse)[0] >= one(pnl)[0] - 1e-12
            assert one(pnl - 7.0)[0] == pytest.approx(float(one(pnl)[0]) + 7.0, abs=1e-9)


def test_gains_in_the_tail_need_nothing() -> None:
    found = MEASURE.estimate(np.full((1, 1000), 5.0))
    assert found.value_at_risk[0] == found.expected_shortfall[0] == 0.0
    assert MEASURE.raw(np.full((1, 1000), 5.0))[0][0] == -5.0


@pytest.mark.parametrize(
    ("count", "changes", "need"),
    [
        (99, {}, "100"),
        (150, {"level__var": 0.995}, "200"),
        (150, {"level__es": 0.99}, "200"),
    ],
)
def test_too_few_moves_are_refused_with_the_number(
    count: int, changes: dict[str, float], need: str
) -> None:
    with pytest.raises(ModelError, match="observations_too_few") as caught:
        measure(count, **changes)
    assert need in caught.value.limit


def test_weights_that_forget_leave_too_few() -> None:
    given_ = forced(numbers("var-historical"), history__age_decay=0.9)
    with pytest.raises(ModelError, match="observations_too_few") as caught:
        Measure.of(given_, random_moves(1000))
    assert "of 1000" in str(caught.value.value)


@pytest.mark.parametrize("level", [0.0, 1.0, -0.5, 1.5, float("nan")])
def test_a_level_that_is_none_is_refused(level: float) -> None:
    for name in ("level__var", "level__es"):
        with pytest.raises(CrossMarginError) as caught:
            Measure.of(forced(numbers("var-historical"), **{name: level}), random_moves(1000))
        assert caught.value.code in ("number_out_of_range", "number_not_finite")


def test_a_nan_is_refused_by_name() -> None:
    pnl = np.zeros((1, 1000))
    pnl[0, 7] = np.nan
    with pytest.raises(CrossMarginError, match="number_not_finite"):
        MEASURE.estimate(pnl)


def test_weights_and_windows_that_overlap_do_not_go_together() -> None:
    moves = replace(random_moves(900), overlap=5)
    with pytest.raises(ModelError, match="parameter_out_of_bounds"):
        Measure.of(numbers("var-historical", history__age_decay=0.995), moves)


def test_recent_days_weigh_more() -> None:
    pnl = np.zeros((1, 500))
    pnl[0, -8:] = -100.0  # the newest
    assert measure(500).var(pnl)[0] == 0.0 + 100.0
    pnl = np.zeros((1, 1000))
    pnl[0, -8:] = -100.0
    assert measure(1000).var(pnl)[0] == 0.0
    assert measure(1000, history__age_decay=0.99).var(pnl)[0] == 100.0


def test_windows_that_overlap_have_a_larger_error_than_draws() -> None:
    rng = np.random.default_rng(2)
    daily = rng.standard_normal(1009)
    windows = np.convolve(daily, np.ones(10), "valid")[None, :]
    apart = measure(1000)
    together = Measure.of(numbers("var-historical"), replace(random_moves(1000), overlap=10))
    one, two = apart.estimate(windows), together.estimate(windows)
    assert two.value_at_risk_error[0] > 1.3 * one.value_at_risk_error[0]
    assert two.expected_shortfall_error[0] > 1.3 * one.expected_shortfall_error[0]
    assert two.value_at_risk[0] == one.value_at_risk[0]
    assert together.estimate(windows).value_at_risk_error[0] == two.value_at_risk_error[0]


def test_the_order_gives_the_shortfall_back() -> None:
    rng = np.random.default_rng(3)
    pnl = rng.standard_normal(1003)
    for decay in (1.0, 0.995):
        own = measure(1003, history__age_decay=decay)
        ranked, weights = own.order(pnl)
        assert float(weights.sum()) == pytest.approx(1.0)
        expected = float(own.es(pnl[None, :])[0])
        assert -float((pnl[ranked] * weights).sum()) == pytest.approx(expected, rel=1e-12)
    scene = int(MEASURE.scenario(pnl[None, :])[0])
    assert -pnl[scene] == MEASURE.var(pnl[None, :])[0]


def test_a_thin_tail_is_said() -> None:
    assert measure(1000).thin_tail() == ()
    assert "2.5 outcomes" in measure(250).thin_tail()[0]


def test_published_figures_of_a_published_series(vectors_dir: Path) -> None:
    path = vectors_dir / "ore_histsimvar_pnl.csv"
    files = sorted(vectors_dir.glob("fhs_apc*.json"))
    if not path.is_file() or not files:
        pytest.skip("no ore_histsimvar and fhs_apc files in the --vectors folder")
    with path.open(encoding="utf-8") as file:
        pnl = np.array([[float(row["All"]) for row in csv.DictReader(file)]])
    stated = json.loads(files[0].read_text(encoding="utf-8"))["plain_hs"]
    assert stated
    for level, case in stated.items():
        own = MEASURE._replace(var_level=float(level), es_level=float(level), tail=Tail.OUTCOMES)
        var, es = own.raw(pnl)
        assert var[0] == pytest.approx(case["VaR"], rel=1e-12)
        assert es[0] == pytest.approx(case["ES"], rel=1e-12)


def test_the_error_of_a_rank_by_hand() -> None:
    pnl = np.arange(1000.0)[None, :]
    # n p = 10, deviation sqrt(9.9) = 3.146: ranks 6 and 14, distance 8 of unit steps
    assert rank_error(pnl, 0.99)[0] == pytest.approx(np.sqrt(9.9))
    assert rank_error(frozen(np.zeros((1, 1)), np.float64), 0.99)[0] == 0.0
