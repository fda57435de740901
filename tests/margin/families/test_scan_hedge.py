"""Spot in a risk unit: money, a position, or a hedge up to the delta of the derivatives."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.instruments.book import Reported
from crossmargin.margin.families.scan_hedge import used_of
from tests.margin.families.house import (
    COIN,
    PERPETUAL,
    SPOT,
    USDC,
    column,
    margined,
    rules,
    vector,
)

ENDS = {"moves": [[-0.1, 1.0], [0.1, 1.0]], "vols": [[0.0]]}


@pytest.mark.parametrize(
    ("coins", "delta", "used"),
    [
        (5.0, -4.0, 4.0),
        (3.0, -4.0, 3.0),
        (5.0, 4.0, 0.0),
        (-5.0, 4.0, -4.0),
        (-0.5, 4.0, -0.5),
        (0.0, 4.0, 0.0),
        (5.0, 0.0, 0.0),
    ],
)
def test_as_much_is_used_as_offsets_the_delta(coins: float, delta: float, used: float) -> None:
    assert used_of(np.array([coins]), np.array([delta])).tolist() == [used]


@pytest.mark.parametrize(
    ("mode", "coins", "wanted"),
    [
        ("cash", 5.0, [20_000.0, -20_000.0]),
        ("position", 5.0, [-5_000.0, 5_000.0]),
        ("hedge", 5.0, [0.0, 0.0]),
        ("hedge", 1.0, [15_000.0, -15_000.0]),
        ("hedge_gains", 5.0, [20_000.0, 0.0]),
        ("hedge_gains", -5.0, [20_000.0, -20_000.0]),
    ],
)
def test_a_short_future_and_a_balance(mode: str, coins: float, wanted: list[float]) -> None:
    found = margined({PERPETUAL: -4.0, COIN: coins}, rules(ENDS, coins=mode))
    assert vector(found) == pytest.approx(wanted, abs=1e-9)
    assert column(found, "scan_risk") == pytest.approx(max(0.0, -min(wanted)), abs=1e-9)


def test_owed_coins_hedge_a_long_where_they_gain() -> None:
    found = margined({PERPETUAL: 4.0, COIN: -1.0}, rules(ENDS, coins="hedge_gains"))
    assert vector(found) == pytest.approx([-15_000.0, 20_000.0], abs=1e-9)


def test_a_coin_without_derivatives_is_at_risk_only_as_a_position() -> None:
    for mode, loss in (("cash", 0.0), ("hedge", 0.0), ("position", 2.0 * 0.1 * SPOT)):
        found = margined({COIN: 2.0, USDC: 5.0}, rules(ENDS, coins=mode))
        assert column(found, "scan_risk") == pytest.approx(loss)
        assert column(found, "equity") == pytest.approx(2.0 * SPOT + 5.0)


def test_an_order_that_takes_the_delta_away_frees_the_spot() -> None:
    """4 short against 4 coins need nothing; a buy of 4 leaves coins that hedge nothing."""
    chosen = rules(ENDS, coins="hedge")
    held = {PERPETUAL: -4.0, COIN: 4.0}
    assert column(margined(held, chosen), "im") == pytest.approx(0.0, abs=1e-9)
    found = margined(held, chosen, orders=[(PERPETUAL, -1, 2.0, SPOT)])
    assert column(found, "im") >= 2.0 * 0.1 * SPOT - 1e-9
    most = column(margined(held, chosen, orders=[(PERPETUAL, 1, 4.0, SPOT)]), "im")
    assert 0.0 <= most <= 4.0 * 0.1 * SPOT + 1e-9


def test_coins_that_the_venue_reports_are_at_risk_like_a_balance() -> None:
    told = Reported(equity={("a", "BTC"): 3.0})
    for mode, loss in (("cash", 0.0), ("position", 15_000.0)):
        found = margined({COIN: 0.0}, rules(ENDS, coins=mode), reported=told)
        assert column(found, "scan_risk") == pytest.approx(loss)
        assert column(found, "equity") == pytest.approx(3.0 * SPOT)
