"""Revaluation on a grid against the formula of each contract, one price at a time."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from crossmargin.core.errors import MarketDataError
from crossmargin.decisions.price_grid import grid_of, price_of, vol_response
from crossmargin.instruments.contracts import Instruments, Kind
from tests.decisions.protect_case import prepared, worth_of

NORMAL = NormalDist()
PRICES = np.array([0.0, 20_000.0, 55_000.0, 68_412.0, 90_000.0, 150_000.0])


def _black(f: float, k: float, w: float, right: int) -> float:
    if f <= 0.0:
        return k if right < 0 else 0.0
    d1 = math.log(f / k) / w + w / 2
    return right * (f * NORMAL.cdf(right * d1) - k * NORMAL.cdf(right * (d1 - w)))


@pytest.mark.parametrize("response", [0.0, 0.7])
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0, 2.0])
def test_options_and_futures_are_worth_what_their_formula_says(
    share: float, response: float
) -> None:
    lines = worth_of("sample:retail-short-vol").lines
    names = {item.native_id: k for k, item in enumerate(lines.items)}
    for name in ("BTC-31JUL26-60000-P", "BTC-28AUG26-85000-C", "BTC-PERPETUAL"):
        row = names[name]
        item, life = lines.items[row], float(lines.years[row])
        t = share * life if life != math.inf else share
        found = lines.values([row], PRICES, t, response)[0]
        for price, value in zip(PRICES.tolist(), found.tolist(), strict=True):
            if item.kind == Kind.PERPETUAL:
                mark = float(lines.mark[row])
                later = price * float(lines.basis[row])
                coins = item.multiplier * (1 / mark - 1 / later) if price > 0.0 else 0.0
                wanted = coins * price if price > 0.0 else -item.multiplier / lines.basis[row]
            elif t >= life:
                wanted = max(item.right * (price - item.strike), 0.0)
            else:
                left = (life - t) / life
                basis = float(lines.basis[row]) ** left
                moved = max(price / lines.price, 1e-9)
                vol = float(lines.vol[row]) * min(max(moved**-response, 0.25), 4.0)
                wanted = _black(price * basis, item.strike, vol * math.sqrt(life - t), item.right)
                wanted /= basis  # a share of the forward in coin, and the coin is worth the index
            assert value == pytest.approx(wanted, rel=1e-7, abs=1e-4), (name, price)


def test_the_account_today_is_the_equity_of_the_model() -> None:
    for name in ("holder", "sample:retail-short-vol", "sample:market-maker"):
        worth = worth_of(name)
        today = worth.at(np.array([worth.lines.price]), 0.0)
        assert today[0] == pytest.approx(prepared(name).core.before.equity_usd, rel=1e-12)


def test_coins_are_worth_their_price_and_nothing_at_zero() -> None:
    found = worth_of().at(PRICES, 0.3)
    np.testing.assert_allclose(found, 10.0 * PRICES, rtol=1e-12, atol=1e-6)


def test_the_grid_holds_zero_today_and_every_strike() -> None:
    grid = grid_of(100.0, [33.3, 250.0, 999.0])
    assert {0.0, 100.0, 33.3, 250.0} <= set(grid.tolist())
    assert grid[-1] == 300.0
    assert np.diff(grid).max() <= 0.5 + 1e-9


def test_the_response_is_the_slope_of_log_moves() -> None:
    chance = np.random.default_rng(2)
    x = np.concatenate([[0.0], np.cumsum(0.03 * chance.standard_normal(200))])
    assert vol_response(np.exp(x), np.exp(-0.6 * x)) == pytest.approx(0.6)
    assert vol_response(np.exp(x), np.exp(0.6 * x)) == 0.0
    assert vol_response(np.exp(x[:20]), np.exp(-x[:20])) == 0.0


def test_a_coin_without_a_price_is_refused() -> None:
    view, _ = prepared().seen()
    with pytest.raises(MarketDataError) as refused:
        price_of(view, "DOGE")
    assert refused.value.code == "index_missing"
    assert isinstance(view.instruments, Instruments)
