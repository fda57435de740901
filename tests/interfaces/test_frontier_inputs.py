"""Prices, holdings and limits as the verb reads them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from crossmargin.core.errors import CrossMarginError, InputError
from crossmargin.decisions.mean_variance import frontier
from crossmargin.decisions.portfolio_choice import Method
from crossmargin.interfaces.frontier_inputs import (
    Limits,
    holdings_of,
    limits_of,
    prices_of,
    refuse_out_of_reach,
)

FOUND = prices_of(None, "sample:market", None, 100, None)


def test_prices_of_a_snapshot() -> None:
    assert FOUND.table.names == ("BTC", "ETH") and FOUND.returns.shape == (99, 2)
    assert FOUND.periods == 365.0 and FOUND.step_days == 1.0 and FOUND.left_out == 901
    assert FOUND.sha256 == prices_of(None, "sample:market", ["BTC", "ETH"], 100, None).sha256
    assert FOUND.sha256 != prices_of(None, "sample:market", ["BTC", "ETH"], 99, None).sha256


def test_holdings_and_money(tmp_path: Path) -> None:
    held = holdings_of({"BTC": 1.0, "USD": 1000.0}, FOUND)
    assert held is not None
    assert held.value == pytest.approx(FOUND.table.price[-1, 0] + 1000.0)
    assert held.weight.sum() == pytest.approx(1.0 - 1000.0 / held.value)
    assert holdings_of(None, FOUND) is None
    path = tmp_path / "held.csv"
    for text in ("asset,size\nBTC,1\n", "asset,quantity\nBTC,1\nBTC,2\n", "asset,quantity\nBTC,\n"):
        path.write_text(text)
        with pytest.raises(CrossMarginError):
            holdings_of(path, FOUND)


def test_a_holding_typed_in_place_of_a_file_is_refused_by_the_flag() -> None:
    with pytest.raises(InputError) as caught:
        holdings_of("BTC=0.5", FOUND)
    error = caught.value
    assert error.code == "file_unreadable" and error.place == "--current"
    assert "FILE.csv" in str(error.limit) and "BTC=0.5" in str(error.value)


def test_limits_by_name_lie_over_those_of_all() -> None:
    limits = limits_of(Limits(0.1, 0.8, {"ETH": (0.0, 0.3)}), ["BTC", "ETH"], None)
    assert limits.low.tolist() == [0.1, 0.0] and limits.high.tolist() == [0.8, 0.3]
    held = holdings_of({"BTC": 1.0}, FOUND)
    priced = limits_of(Limits(turnover=0.5, cost_bp=30.0, hold=10.0), ["BTC", "ETH"], held)
    (distance,) = priced.distances
    assert distance.most == 0.5 and np.allclose(distance.cost, 0.0003)
    with pytest.raises(CrossMarginError):
        limits_of(Limits(turnover=0.5, hold=0.0), ["BTC", "ETH"], held)


@pytest.mark.parametrize(
    ("way", "place", "value", "limit"),
    [
        (Method("max-sharpe", risk_free=0.002), "--risk-free", "0.5", "below -0.25 a year"),
        (Method("target-return", 0.01), "--target", "2.5", "-0.25 a year or less"),
        (Method("target-volatility", 0.01), "--target", "0.158113883", "0.316228 a year or more"),
    ],
)
def test_what_is_out_of_reach_is_said_in_years(
    way: Method, place: str, value: str, limit: str
) -> None:
    """Every mean below the risk-free return: figures as they were asked, not those of a day."""
    line = frontier([-0.001, -0.002], np.diag([4e-4, 4e-2]) + 4e-4 * (1.0 - np.eye(2)))
    with pytest.raises(InputError) as refused:
        refuse_out_of_reach(line, way, 250.0)
    problem = refused.value
    assert (problem.code, problem.place) == ("number_out_of_range", place)
    assert problem.value == value
    assert limit in str(problem.limit)


def test_what_is_in_reach_is_not_refused() -> None:
    line = frontier([0.001, 0.002], np.diag([4e-4, 4e-2]))
    for way in (
        Method("max-sharpe", risk_free=0.0019),
        Method("target-return", 0.002),
        Method("target-volatility", 0.1),
        Method("min-variance"),
    ):
        refuse_out_of_reach(line, way, 250.0)
