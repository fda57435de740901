"""Paths: what they move, what they fit, and what they refuse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crossmargin.accounts.nodes import Account, Move
from crossmargin.accounts.path import (
    HIGHEST,
    LOWEST,
    NODES,
    Fit,
    co_movement,
    factors,
    joint_path,
    response_path,
    spot_path,
    time_path,
    vol_path,
    vol_response,
)
from crossmargin.core.clock import DAY_MS
from crossmargin.core.errors import InputError, MarketDataError
from crossmargin.market.history import History
from tests.accounts.random_books import account_of, contracts, named


def history(beta: float, days: int = 200, noise: float = 0.0) -> History:
    """Prices that walk, and a volatility that answers with a known power."""
    rng = np.random.default_rng(7)
    steps = rng.normal(0.0, 0.03, days)
    times = np.arange(days + 1, dtype=np.int64) * DAY_MS
    price = 50_000.0 * np.exp(np.concatenate([[0.0], np.cumsum(steps)]))
    own = np.concatenate([[0.0], np.cumsum(rng.normal(0.0, noise, days))]) if noise else 0.0
    return History("BTC", times, price, times, 0.5 * (price / price[0]) ** beta * np.exp(own))


def mixed() -> Account:
    option = next(i for i in contracts()["option"] if i.underlying == "BTC")
    legs = [(option, -1.0), (named("ETH-PERPETUAL"), 5_000.0), (named("BTC"), 1.0)]
    return account_of([*legs, (named("ETH"), 3.0)], "fixed-rate")


def test_a_planted_response_is_found() -> None:
    fit = vol_response({"BTC": history(-0.8)}, "BTC")
    assert fit.beta == pytest.approx(-0.8, rel=1e-9) and fit.r_squared == pytest.approx(1.0)
    assert fit.count == 200 and fit.largest > 0.05
    noisy = vol_response({"BTC": history(-0.8, 2000, 0.02)}, "BTC")
    assert noisy.beta == pytest.approx(-0.8, abs=0.05) and 0.3 < noisy.r_squared < 0.99
    assert "-0.8" in fit.words() and "200 moves of 1 d" in fit.words()


def test_a_planted_beta_between_coins_is_found() -> None:
    lead = history(-1.0)
    other = replace(lead, underlying="ETH", price=2_000.0 * (lead.price / lead.price[0]) ** 1.3)
    fit = co_movement({"BTC": lead, "ETH": other}, "BTC", "ETH")
    assert (fit.name, fit.beta) == ("ETH", pytest.approx(1.3))


def test_what_moves_on_each_path() -> None:
    account = mixed()
    assert spot_path(account).move(1.3) == Move(every=1.3)
    assert spot_path(account, "ETH").move(1.3) == Move(spot={"ETH": 1.3})
    assert vol_path(account).move(1.3) == Move(vol=1.3)
    known = response_path(account, {"BTC": -1.0})
    assert known.move(2.0) == Move(every=2.0, vols={"BTC": 0.5})
    assert known.move(0.01).vols["BTC"] == 4.0 and known.move(100.0).vols["BTC"] == 0.25
    together = joint_path(account, "BTC", {"ETH": 1.5})
    assert together.move(0.5).spot == {"BTC": 0.5, "ETH": 0.5**1.5}
    assert joint_path(account, "BTC").fits[0].name == "ETH"
    assert "beta" in known.says and "volatilities" in spot_path(account).says
    for path in (known, together, vol_path(account), spot_path(account)):
        assert path.lead == "BTC" and len(path.grid) == NODES
        assert (path.grid[0], path.grid[-1]) == (LOWEST, pytest.approx(HIGHEST))


def test_the_response_is_fitted_on_the_history_of_the_view() -> None:
    account = mixed()
    path = response_path(account)
    assert [fit.name for fit in path.fits] == ["BTC"]  # ETH has no option in the book
    fit: Fit = path.fits[0]
    assert fit == vol_response(account.view.history, "BTC") and fit.beta < 0.0
    assert f"{fit.beta:+.3f}" in path.says


def test_time_runs_to_every_expiry_and_just_beyond() -> None:
    account = mixed()
    path = time_path(account, nodes=5)
    life = int(account.book.instruments.expiry_ms.min()) - account.view.as_of_ms
    assert {0.0, float(life), float(life + 1)} <= set(path.grid.tolist())
    assert path.move(3.0) == Move(passed_ms=3) and path.integer
    with pytest.raises(InputError, match="option_unknown"):
        time_path(account_of([(named("BTC-PERPETUAL"), 1.0), (named("BTC"), 1.0)], "fixed-rate"))


def test_what_cannot_be_fitted_or_chosen_is_refused() -> None:
    account = mixed()
    with pytest.raises(MarketDataError, match="history_missing") as raised:
        vol_response({}, "BTC")
    assert "--history" in raised.value.remedy
    with pytest.raises(MarketDataError, match="history_missing"):
        vol_response({"BTC": history(-1.0, 20)}, "BTC")
    bare = replace(history(-1.0), vol_times_ms=np.zeros(0, np.int64), vol=np.zeros(0))
    with pytest.raises(MarketDataError, match="history_missing"):
        vol_response({"BTC": bare}, "BTC")
    with pytest.raises(MarketDataError, match="history_missing"):
        co_movement({"BTC": history(-1.0)}, "BTC", "ETH")
    with pytest.raises(InputError, match="option_unknown"):
        joint_path(account, "SOL", {})
    with pytest.raises(InputError, match="option_unknown"):
        spot_path(account_of([(named("USDC"), 5.0)], "fixed-rate"))
    for low, high, nodes in ((0.0, 2.0, 9), (1.1, 2.0, 9), (0.5, 0.9, 9), (0.5, 2.0, 2)):
        with pytest.raises(InputError, match="number_out_of_range"):
            factors(low, high, nodes)
