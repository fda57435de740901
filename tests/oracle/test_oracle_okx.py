"""Random books of OKX's contracts: the batch engine against the scalar oracle.

Every term of every risk unit, every scenario's P&L and the account's row agree to 1e-10 of the
requirement and 1e-13 of gross value, under each reading.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from crossmargin.instruments.contracts import Instrument
from crossmargin.margin import Parameters, model_named, parameters_for
from crossmargin.margin.parameter_files import overlay
from tests.vectors.building import asset, delta_one, option

from . import books, okx_pm, okx_sm
from .batch import (
    COUNT,
    NOW_MS,
    SPOT,
    is_close,
    named_books,
    pool_of,
    rows_by_account,
    run_book,
    vectors_of,
)

FORMS = {"USD": None, "USDT": "USDT", "USDC": "USDC"}
USD = {"USDT": 1.0004, "USDC": 0.9997, "USD": 1.0}
SHARED = ("mr1", "mr2", "mr4", "mr6", "mr7", "mr9", "spot_in_use", "deriv_mmr", "deriv_imr")
READINGS = {
    "best": ({}, {}),
    "index": ({"reading.coin_pnl": "index"}, {"dollar_value": False}),
    "life alone": ({"reading.basis_dated": "life_alone"}, {"floor_dated": False}),
    "free spot": ({"reading.basis_spot": "free"}, {"spot_charged": False}),
    "2023": ({"reading.option_charge": "code_2023"}, {"option_code": True}),
}


def _items() -> list[Instrument]:
    items = [asset("okx", name) for name in (*SPOT, "USDT", "USDC")]
    for coin, shift in (("BTC", 0), ("ETH", 3_600_000)):
        for quote, settle in FORMS.items():
            terms = {
                "underlying": coin,
                "quote": quote,
                "settle": settle or coin,
                "inverse": settle is None,
            }
            stem = f"{coin}-{quote}"
            items.append(delta_one("okx", f"{stem}-SWAP", **terms))
            for k, life in enumerate(books.lives(0.3, 1.0, 12.0, 45.0, 150.0)):
                expiry = NOW_MS + life + shift
                items.append(delta_one("okx", f"{stem}-F{k}", expiry_ms=expiry, **terms))
                if quote == "USDT":
                    continue
                for strike in books.strikes(SPOT[coin])[::2]:
                    for right in (1, -1):
                        name = f"{stem}-{k}-{strike:g}-{'C' if right > 0 else 'P'}"
                        items.append(option("okx", name, right, strike, expiry, **terms))
    return items


def _rules(parameters: Parameters, **readings: bool) -> okx_pm.Rules:
    steps = tuple((a, b) for a, b in parameters.get("tier.first.minimum_steps"))
    depeg = tuple((top, rate) for _, top, rate in parameters.get("depeg.rates"))
    return okx_pm.Rules(okx_pm.Tier(steps=steps), depeg=depeg, **readings)


@pytest.mark.parametrize("reading", READINGS)
def test_okx(reading: str) -> None:
    rng = Random(f"okx {reading}")
    table = books.market(rng, _items(), NOW_MS, SPOT, usd={**USD, **SPOT}, settling=True)
    changes, switches = READINGS[reading]
    # Multiples and slices that books of this size reach.
    steps = [[k * 2e5, m] for k, m in ((1, 1.0), (3, 2.0), (9, 4.0), (1e6, 12.0))]
    changes = {
        **changes,
        "tier.first.minimum_steps": steps,
        "depeg.rates": [[0.995, 2e5, 0.005], [0.995, 1e6, 0.01], [0.995, 1e15, 0.02]],
    }
    parameters = overlay(parameters_for(model_named("okx-pm"), NOW_MS), changes, "test")
    rules = _rules(parameters, **switches)
    names = [name for name, leg in table.legs.items() if leg.kind != "asset"]
    perpetuals = [name for name in names if name.endswith("SWAP")]
    drawn = books.books(rng, table, names, COUNT // 5) + books.books(rng, table, perpetuals, 40, 6)
    held = {}
    for account, rows in named_books(drawn).items():
        coins = [(c, rng.uniform(-3.0, 12.0)) for c in SPOT if rng.random() < 0.7]
        cash = [(c, rng.uniform(-8e4, 2e5)) for c in ("USDT", "USDC")]
        held[account] = [*rows, *coins, *cash]
    found = run_book(table, held, "okx-pm", parameters)
    market = okx_pm.Market(table.facts.index, {**USD, **SPOT}, NOW_MS)
    tiers = {"USDT": tuple((a, b, c) for a, b, c in parameters.get("borrow.USDT.tiers"))}
    for coin in SPOT:
        number = pool_of(found, coin)
        place, vectors = rows_by_account(found, number), vectors_of(found, number)
        for k, rows in enumerate(held.values()):
            legs = [g for g in table.held(rows) if g.kind != "asset" and g.underlying == coin]
            spot = sum(q for name, q in rows if name == coin)
            theirs = okx_pm.unit(legs, spot, coin, market, rules)
            gross, need = theirs["gross"], theirs["deriv_imr"]
            for name in SHARED:
                ours = float(found.sheet[name][place[k]])
                assert is_close(ours, theirs[name], need, gross), (k, coin, name, ours)
            for s, pnl in enumerate(theirs["vector"]):
                assert is_close(float(vectors[k][s]), pnl, need, gross), (k, coin, s)
    account_row = rows_by_account(found, pool_of(found, "account"))
    for k, rows in enumerate(held.values()):
        equity: dict[str, float] = {}
        for name, quantity in rows:
            leg = table.legs[name]
            if leg.kind == "asset":
                equity[name] = equity.get(name, 0.0) + quantity
            elif leg.kind == "option":
                settle = leg.underlying if leg.inverse else okx_pm.quote_of(leg)
                equity[settle] = equity.get(settle, 0.0) + quantity * leg.multiplier * leg.mark
        theirs = okx_pm.account(equity, {**USD, **SPOT}, tiers, 0.001)
        scale = sum(abs(x) * {**USD, **SPOT}[c] for c, x in equity.items()) + 1e6
        for name, number in theirs.items():
            ours = float(found.sheet[name][account_row[k]])
            assert abs(ours - number) <= 1e-10 * abs(number) + 1e-13 * scale, (k, name, ours)


def test_the_oracle_knows_the_recorded_reply() -> None:
    """BTC of the API reference's reply of 2025-01-15: MR1, MR4, MR6, MR7 and IMR."""
    leg = okx_pm.Leg("perpetual", -10.0, "BTC-USDT-SWAP", mark=97_093.7, multiplier=0.01)
    market = okx_pm.Market({("BTC", "USDT"): 97_078.9}, {"USDT": 0.99954, "BTC": 97_034.2}, 0)
    found = okx_pm.unit([leg], 0.0, "BTC", market, okx_pm.Rules())
    assert found["mr1"] == pytest.approx(1164.4109244719994, rel=1e-12)
    assert found["mr4"] == pytest.approx(19.4098073796, rel=1e-12)
    assert found["mr6"] == pytest.approx(1164.4109244720003, rel=1e-12)
    assert found["mr7"] == pytest.approx(43.67206660410001, rel=1e-12)
    assert found["deriv_imr"] == pytest.approx(1538.9669514070802, rel=1e-12)
    hedged = replace(leg, quantity=10.0, name="BTC-USD-SWAP", inverse=True, multiplier=100.0)
    assert okx_pm.cash_delta(hedged, market_of_usd(market), okx_pm.Rules()) == 1000.0


def market_of_usd(market: okx_pm.Market) -> okx_pm.Market:
    return replace(market, usd={**market.usd, "USD": 1.0})


def test_standard_margin_of_options() -> None:
    """Random books of options in coin and in dollars against the article, leg by leg."""
    rng = Random("okx sm")
    items = [item for item in _items() if item.right]
    table = books.market(rng, items, NOW_MS, SPOT, usd={**USD, **SPOT}, settling=True)
    names = list(table.legs)
    held = named_books(
        [(n, rng.uniform(-5.0, 5.0)) for n in rng.sample(names, 10)] for _ in range(COUNT // 5)
    )
    parameters = parameters_for(model_named("okx-sm"), NOW_MS)
    found = run_book(table, held, "okx-sm", parameters)
    for settle in ("BTC", "ETH", "USDC"):
        number = [pool.label for pool in found.plan.pools].index(settle)
        place = rows_by_account(found, number)
        for k, rows in enumerate(held.values()):
            legs = [
                leg
                for leg in table.held(rows)
                if settle == (leg.underlying if leg.inverse else okx_pm.quote_of(leg))
            ]
            for level in ("im", "mm"):
                theirs = sum(
                    okx_sm.margin([leg], table.facts.index[leg.underlying, okx_pm.quote_of(leg)])[
                        level
                    ]
                    for leg in legs
                )
                ours = float(found.sheet[level][place[k]])
                assert abs(ours - theirs) <= 1e-12 * max(theirs, 1.0), (k, settle, level)
