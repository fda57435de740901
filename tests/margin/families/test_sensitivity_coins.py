"""Sensitivities of coins against finite differences, and their aggregation against a slow twin."""

from __future__ import annotations

import math

import numpy as np
import pytest

from crossmargin.conformance.world import (
    AS_OF_MS,
    SPOT,
    Subject,
    random_book,
    subject_of,
    world_of,
)
from crossmargin.core.clock import YEAR_MS
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.margin.families.sensitivity_coins import (
    CLASSES,
    GROUPS,
    TENORS,
    CoinSpace,
    Exposures,
    class_of,
    coin_space,
    concentration,
    exposures,
    horizon_days,
    weight_of,
)
from crossmargin.margin.families.sensitivity_forms import margins
from crossmargin.margin.families.whole_account import DollarMarket, dollar_market, plan_account
from crossmargin.margin.parameter_files import Parameters, overlay
from crossmargin.margin.register import model_named
from tests.oracle.black import price as black

SUBJECT = subject_of(model_named("sensitivities"))
SETS = ("ten_day", "one_day", "extension")
Q99, Q995 = 2.3263478740408408, 2.575829303548901
DAYS = (7.0, 30.0, 90.0, 180.0)


def chosen(name: str) -> Parameters:
    return overlay(SUBJECT.parameters, {"calibration.set": name}, "test")


def market() -> DollarMarket:
    world = world_of(Subject(SUBJECT.model, SUBJECT.parameters))
    return dollar_market(plan_account(world.instruments, SUBJECT.parameters).pools[0], world.view)


def dollars(seen: DollarMarket, k: int, move: float, vol: float | None = None) -> float:
    """Value of one unit of an option or coin after a move of the coin, in dollars."""
    item = seen.part.items[k]
    if item.kind == Kind.ASSET:
        return SPOT.get(item.underlying, 0.0) * (1.0 + move)
    expiry = int(seen.part.expiry[k])
    forward = float(seen.forward[expiry]) * (1.0 + move)
    years = (item.expiry_ms - AS_OF_MS) / YEAR_MS
    vol = float(seen.view.vol[k]) if vol is None else vol
    value = black(item.right, forward, item.strike, vol, years)
    if item.inverse:
        return value / forward * SPOT[item.underlying] * (1.0 + move)
    return value * float(seen.settle_usd[k])


def _linear(item: Instrument) -> bool:
    return item.kind in (Kind.PERPETUAL, Kind.FUTURE)


@pytest.mark.parametrize("name", SETS)
def test_units_are_finite_differences(name: str) -> None:
    seen, parameters = market(), chosen(name)
    found, h = exposures(seen, parameters), 1e-4
    for k, item in enumerate(seen.part.items):
        if _linear(item) or item.underlying not in SPOT:
            continue
        up, down, here = (dollars(seen, k, move) for move in (h, -h, 0.0))
        slope, bend = (up - down) / (2.0 * h), (up + down - 2.0 * here) / (h * h)
        # Delta is of the coin's price: an option's is N(d1) coins, the coin's price its index.
        scale = seen.index_usd[k] / seen.forward_of[k] if not item.inverse else 1.0
        scale *= 1.0 if item.inverse or item.kind == Kind.ASSET else 1.0 / seen.settle_usd[k]
        assert found.delta_per_cent[k] == pytest.approx(0.01 * slope * scale, rel=1e-5, abs=1e-5)
        if item.kind != Kind.OPTION:
            continue
        vol = float(seen.view.vol[k])
        vega = (dollars(seen, k, 0, vol + h) - dollars(seen, k, 0, vol - h)) / (2.0 * h)
        assert found.vega[k] == pytest.approx(vol * vega, rel=1e-5, abs=1e-4)
        days = (item.expiry_ms - AS_OF_MS) / 86_400_000
        moved = weight_of(class_of(item.underlying, parameters), parameters) / 100.0 / Q99
        moved *= math.sqrt(min(1.0, days / horizon_days(parameters)))
        assert found.curvature[k] == pytest.approx(-0.5 * bend * moved**2, rel=1e-3, abs=1e-2)
        nearest = min(range(4), key=lambda t: abs(math.log(days / DAYS[t])))
        assert found.tenor[k] == nearest


def test_futures_move_with_the_coin() -> None:
    seen = market()
    found = exposures(seen, SUBJECT.parameters)
    for k, item in enumerate(seen.part.items):
        if _linear(item):
            coins = item.multiplier / seen.view.mark[k] if item.inverse else item.multiplier
            index = SPOT[item.underlying] * (1.0 if item.inverse else 0.9995)  # in USDC, in dollars
            assert found.delta_per_cent[k] == pytest.approx(coins * index / 100.0)
            assert found.vega[k] == found.curvature[k] == 0.0


def rho(first: str, second: str, parameters: Parameters) -> float:
    """Correlation of two different coins, read from the file by its words."""
    if parameters.get("calibration.set") == "extension":
        return parameters.number("extension.floating")
    table = parameters.get("calibration.set")
    names = (f"{table}.correlation.{first}_{second}", f"{table}.correlation.{second}_{first}")
    (name,) = {name for name in names if name in parameters}
    return parameters.number(name)


def twin(
    seen: DollarMarket, unit: Exposures, held: dict[int, float], p: Parameters
) -> tuple[float, ...]:
    """Delta, vega, curvature and both surcharges of one account, coin by coin."""
    base = "one_day" if p.get("calibration.set") == "one_day" else "ten_day"
    delta, curve = dict.fromkeys(SPOT, 0.0), dict.fromkeys(SPOT, 0.0)
    vega = {(coin, tenor): 0.0 for coin in SPOT for tenor in range(4)}
    for k, size in held.items():
        coin = seen.part.items[k].underlying
        if coin in SPOT:
            delta[coin] += size * unit.delta_per_cent[k]
            curve[coin] += size * unit.curvature[k]
            vega[coin, int(unit.tenor[k])] += size * unit.vega[k]
    w = {coin: weight_of(coin, p) for coin in SPOT}
    corr = rho("BTC", "ETH", p)
    d = [w[coin] * delta[coin] for coin in SPOT]
    first = math.sqrt(d[0] ** 2 + d[1] ** 2 + 2.0 * corr * d[0] * d[1])
    form, ws = 0.0, {}
    for (coin, tenor), x in vega.items():
        ratio = p.number(f"{base}.expiry.{TENORS[tenor]}")
        ws[coin, tenor] = p.number(f"{base}.vega.{coin}") * ratio * x
    for (coin, t), x in ws.items():
        for (other, u), y in ws.items():
            low, high = TENORS[min(t, u)], TENORS[max(t, u)]
            same = 1.0 if t == u else p.number(f"{base}.expiry_correlation.{low}_{high}")
            across = 1.0 if coin == other else p.number(f"{base}.vega_across.coins")
            form += same * across * x * y
    c = [max(0.0, curve[coin]) for coin in SPOT]
    third = Q995**2 * math.sqrt(c[0] ** 2 + c[1] ** 2 + 2.0 * corr**2 * c[0] * c[1])
    crowd = [0.0, 0.0]
    for coin in SPOT:
        cr = max(1.0, math.sqrt(abs(delta[coin]) / p.number(f"threshold.{coin}")))
        crowd[0] += w[coin] * abs(delta[coin]) * (cr - 1.0)
        total = sum(vega[coin, t] for t in range(4))
        cr = max(1.0, math.sqrt(abs(total) / p.number(f"vega_threshold.{coin}")))
        crowd[1] += sum(abs(ws[coin, t]) for t in range(4)) * (cr - 1.0)
    return first, math.sqrt(max(form, 0.0)), third, *crowd


@pytest.mark.parametrize("name", SETS)
def test_random_books_equal_the_twin(name: str) -> None:
    parameters = overlay(
        chosen(name), {"threshold.BTC": 2e3, "threshold.ETH": 2e3, "vega_threshold.BTC": 1e4}, "t"
    )
    seen = market()
    unit = exposures(seen, parameters)
    space = coin_space(seen, unit, parameters)
    book = random_book(SUBJECT, 9, 25)
    block = book.row, book.column, book.quantity
    found, crowded = margins(space.space, space.loads, *block), concentration(space, block)
    charged = 0
    for a in range(25):
        span = slice(int(book.row[a]), int(book.row[a + 1]))
        held = dict(zip(book.column[span].tolist(), book.quantity[span].tolist(), strict=True))
        theirs = twin(seen, unit, held, parameters)
        assert found[a].tolist() == pytest.approx(theirs[:3], rel=1e-9, abs=1e-6)
        assert [crowded[0][a], crowded[1][a]] == pytest.approx(theirs[3:], rel=1e-9, abs=1e-6)
        charged += theirs[3] > 0.0 and theirs[4] > 0.0
    assert charged


def test_classes() -> None:
    p = SUBJECT.parameters
    names = {"BTC": "BTC", "SOL": "large", "USDC": "pegged", "EUR": "pegged", "NOBODY": "other"}
    assert {coin: class_of(coin, p) for coin in names} == names
    extension = chosen("extension")
    assert [weight_of(name, extension) for name in CLASSES] == [132.0] * 4 + [12.0]
    assert (horizon_days(extension), horizon_days(chosen("one_day"))) == (10.0, 1.0)
    assert len(GROUPS) == 3


@pytest.mark.parametrize("name", SETS)
def test_shipped_correlations_are_those_of_some_market(name: str) -> None:
    """Positive semidefinite for any number of coins of a class: netting never makes a root fail."""
    seen, parameters = market(), chosen(name)
    space: CoinSpace = coin_space(seen, exposures(seen, parameters), parameters)
    price, curve = space.space.different[0], space.space.different[2]
    alone = np.isin(CLASSES, ("BTC", "ETH"))
    for matrix in (price, curve):
        limit = matrix.copy()
        limit[alone, alone] = 1.0
        assert np.linalg.eigvalsh(limit).min() > -1e-12
    tenors = space.space.same[1][:4, :4]
    assert np.linalg.eigvalsh(tenors).min() > 0.0
