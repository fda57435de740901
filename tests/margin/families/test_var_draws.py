"""Draws against closed forms, their own seed, and what no joint distribution has."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from crossmargin.core.errors import ModelError
from crossmargin.margin.families.var_draws import correlation_matrix, drawn_moves, factor_names
from crossmargin.margin.families.var_moves import JointMoves
from crossmargin.margin.parameter_files import Parameters
from tests.margin.families.var_books import forced, numbers, world

VIEW = world().view


def drawn(parameters: Parameters) -> JointMoves:
    return drawn_moves(parameters, VIEW)


def test_the_same_seed_gives_the_same_bits_and_longer_runs_begin_with_shorter_ones() -> None:
    one, two = (drawn(numbers("var-montecarlo")) for _ in range(2))
    assert one.log_price.tobytes() == two.log_price.tobytes()
    short = drawn(numbers("var-montecarlo", draws__count=1500))
    assert short.log_price.tobytes() == np.ascontiguousarray(one.log_price[:, :1500]).tobytes()
    assert short.log_vol.tobytes() == np.ascontiguousarray(one.log_vol[:, :1500]).tobytes()
    other = drawn(numbers("var-montecarlo", draws__seed=2))
    assert not np.isclose(other.log_price, one.log_price).any()
    assert one.label(4) == "draw 5"


@pytest.mark.parametrize("freedom", [3.0, 6.0, 1000.0])
def test_margins_are_student_t_of_the_stated_deviation(freedom: float) -> None:
    given = numbers(
        "var-montecarlo", draws__count=100_000, coin__BTC__price_freedom=freedom,
        coin__BTC__price_daily=0.03, horizon__days=4.0,
    )  # fmt: skip
    own = drawn(given).log_price[0] / (0.06 * math.sqrt((freedom - 2.0) / freedom))
    law = stats.t(freedom)
    # At the largest distance of 4 / sqrt(n) from its law one sample of a hundred million is wrong.
    assert stats.kstest(own, law.cdf).statistic < 3.0 / math.sqrt(len(own))
    for level in (0.95, 0.99):
        density = float(law.pdf(law.ppf(level)))
        error = math.sqrt(level * (1.0 - level) / len(own)) / density
        assert abs(float(np.quantile(-own, level)) - float(law.ppf(level))) <= 4.0 * error


def test_rank_correlation_is_that_of_the_copula() -> None:
    given = numbers("var-montecarlo", draws__count=20_000)
    moves = drawn(given)
    rows = [moves.log_price[0], moves.log_vol[0], moves.log_price[1], moves.log_vol[1]]
    matrix = correlation_matrix(given)
    for i in range(4):
        for j in range(i):
            tau = stats.kendalltau(rows[i], rows[j]).statistic
            assert tau == pytest.approx(2.0 / math.pi * math.asin(matrix[i, j]), abs=0.02)


def test_tails_are_joint() -> None:
    """A t copula has dependent tails where a normal one of the same correlation loses them."""
    heavy = drawn(numbers("var-montecarlo", draws__count=50_000, draws__copula_freedom=2.1))
    thin = drawn(numbers("var-montecarlo", draws__count=50_000, draws__copula_freedom=1000.0))

    def both(moves: JointMoves) -> float:
        low = np.quantile(moves.log_price, 0.005, axis=1)
        return float((moves.log_price < low[:, None]).all(axis=0).mean() / 0.005)

    assert both(heavy) > both(thin) + 0.15


def test_factors_are_named_in_the_order_of_the_file() -> None:
    assert factor_names(numbers("var-montecarlo")) == (
        "BTC_price",
        "BTC_vol",
        "ETH_price",
        "ETH_vol",
    )


def test_no_deviation_is_no_move() -> None:
    given = numbers("var-montecarlo", coin__BTC__price_daily=0.0, coin__BTC__vol_daily=0.0)
    moves = drawn(given)
    assert not moves.log_price[0].any()
    assert not moves.log_vol[0].any()
    assert moves.log_price[1].any()


def test_coins_that_move_as_one_are_exactly_singular_and_work() -> None:
    base = numbers("var-montecarlo", coin__ETH__price_freedom=3.0, coin__BTC__price_freedom=3.0)
    one = forced(
        base,
        correlation__BTC_price__ETH_price=1.0,
        correlation__BTC_vol__ETH_price=base.number("correlation.BTC_price.BTC_vol"),
        correlation__ETH_price__ETH_vol=base.number("correlation.BTC_price.ETH_vol"),
    )
    moves = drawn(one)
    ratio = one.number("coin.ETH.price_daily") / one.number("coin.BTC.price_daily")
    assert moves.log_price[1] == pytest.approx(moves.log_price[0] * ratio, rel=1e-9)


def test_correlations_of_no_joint_distribution_are_refused_with_the_eigenvalue() -> None:
    wrong = forced(
        numbers("var-montecarlo"),
        correlation__BTC_price__BTC_vol=0.9,
        correlation__BTC_price__ETH_price=0.9,
        correlation__BTC_vol__ETH_price=-0.9,
    )
    with pytest.raises(ModelError, match="matrix_not_psd") as caught:
        drawn(wrong)
    least = float(np.linalg.eigvalsh(correlation_matrix(wrong))[0])
    assert float(str(caught.value.value).strip("'")) == pytest.approx(least, rel=1e-6)


def test_a_pair_that_is_not_stated_is_missing() -> None:
    given = numbers("var-montecarlo")
    entries = {k: v for k, v in given.entries.items() if k != "correlation.BTC_vol.ETH_vol"}
    import dataclasses

    with pytest.raises(ModelError, match="parameter_missing"):
        drawn(dataclasses.replace(given, entries=entries))
