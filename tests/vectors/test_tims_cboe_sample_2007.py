"""The engine of `tims` on Cboe's sample of 2007: the portfolio-margin column of its table.

The leaflet prints prices, strikes and the requirement. The rate, the dividend yield and the life
are not printed: 5.25 %, 1.8 % for the index (0 for the stock) and 57 days are assumed, and each
volatility is implied from the option's printed price; hence the tolerance of 2 %. A minimum charge
needs none of them and is exact. Options on the stock are American (a Cox-Ross-Rubinstein tree).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import erfc, exp, log, sqrt
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq

from crossmargin.margin.families.valuation_points import (
    GRIDS,
    POINTS,
    group_risk,
    groups_of,
    least_charge,
    valuation_points,
)
from tests.vectors.recording import seen
from tests.vectors.tables import given, rows, tables

PATTERN = "tims_cboe_sample_*.csv"
RATE, YEARS = 0.0525, 57.0 / 365.0
MULTIPLIER = 100.0
MINIMUM_PER_CONTRACT = 0.375 * MULTIPLIER
STEPS = 200
TOLERANCE = 0.02


@dataclass(frozen=True)
class Market:
    """What the underlying's type and the assumptions say."""

    spot: float
    dividend: float
    american: bool
    down: float
    up: float


@dataclass(frozen=True)
class Leg:
    """One leg: right 0 is the stock (or the fund that tracks the index)."""

    right: int
    strike: float
    price: float
    quantity: float


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test a row with a portfolio-margin number."""
    found: list[tuple[str, object]] = [
        (f"{row['strategy']}-{row['underlying']}", (path.name, row))
        for path in tables(metafunc, PATTERN)
        for row in rows(path)
        if row["published_portfolio_margin"]
    ]
    given(metafunc, found, PATTERN)


def legs_of(text: str) -> list[Leg]:
    """``C1460@21.66x-100 stock@97.73x10000`` as legs."""
    out = []
    for word in text.split():
        name, _, rest = word.partition("@")
        price, _, size = rest.partition("x")
        right = {"C": 1, "P": -1}.get(name[0], 0)
        out.append(Leg(right, float(name[1:]) if right else 0.0, float(price), float(size)))
    return out


def market_of(row: dict[str, str]) -> Market:
    """An index of high capitalisation moves by +6 % and -8 %, a stock by 15 % either way."""
    spot = float(row["spot"])
    if row["underlying"] in {"SPX", "SPY", "OEX", "XSP"}:
        return Market(spot, 0.018, american=False, down=0.08, up=0.06)
    return Market(spot, 0.0, american=True, down=0.15, up=0.15)


def european(market: Market, leg: Leg, spot: float, vol: float) -> float:
    """Black-Scholes with a dividend yield."""
    forward = spot * exp((RATE - market.dividend) * YEARS)
    spread = vol * sqrt(YEARS)
    d = log(forward / leg.strike) / spread + 0.5 * spread

    def tail(x: float) -> float:
        return 0.5 * erfc(-leg.right * x / sqrt(2.0))

    return leg.right * exp(-RATE * YEARS) * (forward * tail(d) - leg.strike * tail(d - spread))


def american(market: Market, leg: Leg, spot: float, vol: float) -> float:
    """A Cox-Ross-Rubinstein tree with early exercise."""
    step = YEARS / STEPS
    up = exp(vol * sqrt(step))
    chance = (exp((RATE - market.dividend) * step) - 1.0 / up) / (up - 1.0 / up)
    power = np.arange(-STEPS, STEPS + 1, 2, dtype=float)
    price = spot * up**power
    value = np.maximum(leg.right * (price - leg.strike), 0.0)
    for _ in range(STEPS):
        price = price[1:] / up
        value = exp(-RATE * step) * (chance * value[1:] + (1.0 - chance) * value[:-1])
        value = np.maximum(value, leg.right * (price - leg.strike))
    return float(value[0])


def pnl_of(market: Market, leg: Leg, moves: np.ndarray) -> np.ndarray:
    """[10] dollars of one unit: a share, or an option contract with its volatility held."""
    if leg.right == 0:
        return leg.price * moves
    value = american if market.american else european

    def gap(vol: float) -> float:
        return value(market, leg, market.spot, vol) - leg.price

    vol = brentq(gap, 0.02, 2.0, xtol=1e-10)
    now = value(market, leg, market.spot, vol)
    moved = [value(market, leg, market.spot * (1.0 + move), vol) for move in moves.tolist()]
    return MULTIPLIER * (np.array(moved) - now)


def margin_of(row: dict[str, str], grid: str) -> float:
    """The requirement of the row's strategy under a grid of valuation points."""
    market, legs = market_of(row), legs_of(row["legs"])
    moves = valuation_points(market.down, market.up, grid)
    pnl = np.zeros((len(legs), 16))
    pnl[:, :POINTS] = [pnl_of(market, leg, moves) for leg in legs]
    # The fund is a class of its own beside the index; the sample offsets the two in full.
    code = [0 if leg.right == 0 and not market.american else 1 for leg in legs]
    minimum = [MINIMUM_PER_CONTRACT if leg.right else 0.0 for leg in legs]
    groups = groups_of(code, [0, 0], [0], [1.0], [1.0], minimum)
    book = np.array([0, len(legs)]), np.arange(len(legs)), np.array([leg.quantity for leg in legs])
    loss = group_risk(*book, pnl, POINTS, groups).loss
    return float(max(loss[0], least_charge(*book, groups)[0, 0]))


def test_case(sample: Any) -> None:
    name, row = sample
    published = float(row["published_portfolio_margin"])
    options = sum(abs(leg.quantity) for leg in legs_of(row["legs"]) if leg.right)
    for grid in GRIDS:
        ours = margin_of(row, grid)
        if published == MINIMUM_PER_CONTRACT * options:
            assert ours == published
        assert ours == pytest.approx(published, rel=TOLERANCE)
        if grid == GRIDS[0]:
            seen("tims", "suite", name, f"{row['strategy']} {row['underlying']}", ours, published)
