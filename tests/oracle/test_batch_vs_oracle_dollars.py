"""500 random books a dollar model: the batch engine against the scalar oracle.

Requirement, every charge and every scenario P&L agree to 1e-10 of the requirement and 1e-13 of
gross value; the binding scenario is the same or tied.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from crossmargin.instruments.contracts import Instrument
from crossmargin.margin import Requirement
from crossmargin.margin.parameter_files import from_values
from crossmargin.market.fields import contract_subject
from tests.vectors.building import asset, delta_one, option
from tests.vectors.derive_values import market_values

from . import books, derive_pm2, fixed_rate, paradex_pm
from .batch import (
    COUNT,
    NOW_MS,
    SPOT,
    deribit_items,
    is_close,
    named_books,
    pool_of,
    rows_by_account,
    run_book,
    vectors_of,
)
from .types import TIE, Leg

DERIVE_PLAIN = {
    "vol_up": 0.5,
    "vol_down": 0.3,
    "min_vol_up": 0.4,
    "short_power": 0.3,
    "long_power": 0.13,
    "dte_floor_days": 1.0,
    "mm_factor": 0.8,
    "im_factor": 1.0,
    "short_rate_mult": 0.5,
    "long_rate_mult": 1.0,
    "short_rate_add": 0.1,
    "long_rate_add": 0.1,
    "long_base": 0.97,
    "short_base": 1.02,
    "basis_up": 1.045,
    "basis_down": 0.955,
    "basis_add": 0.5,
    "basis_mult": 2.0,
    "peg_threshold": 0.99,
    "peg_factor": 4.0,
    "confidence_threshold": 0.55,
    "confidence_margin": 0.4,
    "mm_perp": 0.03,
    "im_perp": 0.01,
    "mm_option": 0.003,
    "im_option": 0.002,
    "linear_base_cap": 0.25,
    "linear_c_base": -0.1,
    "abs_base_cap": 0.25,
    "abs_c_base": -0.1,
    "min_k_star": 0.01,
    "width_scale": 4.0,
    "vol_param_static": 0.6,
    "vol_param_scale": -0.1,
}
COLLATERALS = (
    derive_pm2.Collateral("ETH", 1.0, SPOT["ETH"], True, 0.056, 0.014),
    derive_pm2.Collateral("WBTC", 1.0, 67_500.0, False, 0.25, 0.05),
    derive_pm2.Collateral("USDT", 1.0, 0.9991, False, 0.02, 0.08),
)


def _derive_scenarios() -> list[derive_pm2.Scenario]:
    out = [derive_pm2.Scenario(1.18, "up")]
    for step in (3, 2, 1, 0, -1, -2, -3):
        out += [derive_pm2.Scenario(1.0 + 0.045 * step, vol) for vol in ("up", "none", "down")]
    out.append(derive_pm2.Scenario(0.82, "up"))
    tails = ((0.34, 0.21), (0.67, 0.42), (1.5, 0.2772), (3.0, 0.0693), (6.0, 0.02772))
    out += [derive_pm2.Scenario(spot, "up", damp) for spot, damp in tails]
    return [*out, derive_pm2.Scenario(1.0, "linear"), derive_pm2.Scenario(1.0, "abs")]


def _derive_items() -> list[Instrument]:
    terms = {"underlying": "ETH", "settle": "USDC"}
    items = [delta_one("derive", "ETH-PERP", **terms), asset("derive", "USDC")]
    items += [asset("derive", c.name) for c in COLLATERALS]
    for k, life in enumerate([20 * 60_000, *books.lives(0.5, 1.0, 10.0, 30.0, 31.0, 200.0)]):
        for strike in books.strikes(SPOT["ETH"]):
            for right in (1, -1):
                name = f"ETH-{k}-{strike:g}-{'C' if right > 0 else 'P'}"
                items.append(option("derive", name, right, strike, NOW_MS + life, **terms))
    return items


@pytest.mark.parametrize("trust", ["full", "poor"])
@pytest.mark.parametrize("stable", [1.0003, 0.984])
def test_derive(trust: str, stable: float) -> None:
    rng = Random(f"derive {trust} {stable}")
    items = _derive_items()
    expiries = sorted({item.expiry_ms for item in items if item.right})

    def confidence() -> float:
        return 1.0 if trust == "full" else rng.choice([1.0, 0.8, 0.549, 0.3])

    reads = {
        "spot_confidence": {"ETH": max(confidence(), 0.8)},
        "perp_confidence": {"ETH": confidence()},
        "vol_confidence": {item.native_id: confidence() for item in items if item.right},
        "forward_confidence": {str(when): confidence() for when in expiries},
        "rate_confidence": {str(when): confidence() for when in expiries},
        "collateral_confidence": {c.name: confidence() for c in COLLATERALS},
    }
    usd = {c.name: c.price for c in COLLATERALS} | {"USDC": stable}
    table = books.market(
        rng, items, NOW_MS, SPOT, usd=usd, reads=reads, settling=True, negative_rates=True
    )
    plain = {name: value * rng.uniform(0.9, 1.1) for name, value in DERIVE_PLAIN.items()}
    plain["basis_up"], plain["basis_down"] = 1.045, 0.955
    if rng.random() < 0.5:  # as deployed: a positive value is marked up, a negative one down
        plain["long_base"], plain["short_base"] = 1.02, 0.98
    scenarios = _derive_scenarios()
    values = {"market": {"ETH": market_values(plain, scenarios, COLLATERALS)}}
    parameters = from_values("derive-pm2", "test", values, "test")
    assets = {"USDC", *(c.name for c in COLLATERALS)}
    names = [name for name in table.legs if name not in assets]
    held = named_books(books.books(rng, table, names, COUNT // 4, 14))
    perp = table.legs["ETH-PERP"]
    accounts, given, entries = {}, {}, {}
    for account, rows in held.items():
        legs = table.held(rows)
        size = sum(leg.quantity for leg in legs if leg.kind == "perpetual")
        unsettled = size * rng.uniform(-60.0, 60.0)
        if size:
            entries[account, "ETH-PERP"] = perp.mark - unsettled / size
        owned = [c for c in COLLATERALS if rng.random() < 0.5]
        owned = [
            replace(
                c,
                amount=rng.uniform(0.1, 50.0),
                confidence=reads["collateral_confidence"][c.name],
            )
            for c in owned
        ]
        cash = rng.uniform(-1e5, 1e5)
        trusted = reads["vol_confidence"]
        options = [replace(g, confidence=trusted[g.name]) for g in legs if g.kind == "option"]
        accounts[account] = derive_pm2.Account(cash, tuple(options), size, unsettled, tuple(owned))
        given[account] = [*rows, ("USDC", cash), *((c.name, c.amount) for c in owned)]
    market = derive_pm2.Market(
        SPOT["ETH"],
        perp.mark,
        stable,
        reads["spot_confidence"]["ETH"],
        reads["perp_confidence"]["ETH"],
        {when: reads["forward_confidence"][str(when)] for when in expiries},
        {when: reads["rate_confidence"][str(when)] for when in expiries},
    )
    found = run_book(table, given, "derive-pm2", parameters, entries=entries)
    rows_of, vectors = rows_by_account(found), vectors_of(found, 0)
    for k, account in enumerate(held):
        theirs = derive_pm2.margin(accounts[account], market, scenarios, plain)
        _compare_derive(found, k, rows_of[k], theirs, vectors[k])


def _compare_derive(
    found: Requirement, account: int, row: int, theirs: Mapping[str, Any], vector: Any
) -> None:
    gross, need = theirs["gross"], theirs["im_required"]
    columns = {"im": "im_required", "mm": "mm_required", "counted_im": None, "counted_mm": None}
    balance = theirs["im"] + theirs["im_required"]
    for column, name in columns.items():
        ours = float(found.sheet[column][row])
        number = theirs[name] if name else balance
        assert is_close(ours, number, need, gross), (account, column, ours, number)
    pnl = theirs["scenario_pnl"]
    for k, number in enumerate(pnl):
        assert is_close(float(vector[k]), number, need, gross), (account, "scenario", k)
    candidates = [*pnl, theirs["basis"]]
    least = min(candidates)
    worst = int(found.scenario[row])
    assert candidates[worst] <= least + TIE * abs(least) + 1e-13 * gross, (account, "worst")


# ---------------------------------------------------------------- Paradex


def _paradex_items() -> list[Instrument]:
    items = []
    for coin, shift in (("BTC", 0), ("ETH", 3_600_000)):
        terms = {"underlying": coin, "settle": "USDC"}
        items.append(delta_one("paradex", f"{coin}-PERP", **terms))
        for k, life in enumerate(books.lives(0.2, 1.0, 7.5, 29.9, 30.0, 90.0, 300.0)):
            for strike in books.strikes(SPOT[coin]):
                for right in (1, -1):
                    name = f"{coin}-{k}-{strike:g}-{'C' if right > 0 else 'P'}"
                    expiry = NOW_MS + life + shift
                    items.append(option("paradex", name, right, strike, expiry, **terms))
    return items


@pytest.mark.parametrize("reading", ["shock", "vol"])
def test_paradex(reading: str) -> None:
    rng = Random(f"paradex {reading}")
    funding = {"BTC-PERP": 0.0004, "ETH-PERP": -0.0007}
    reads = {"funding_8h": {contract_subject("paradex", n): rate for n, rate in funding.items()}}
    table = books.market(rng, _paradex_items(), NOW_MS, SPOT, usd={"USDC": 1.0}, reads=reads)
    scenarios = paradex_pm.bitcoin_scenarios()
    # The venue's factors, and ones so high that the least charge on delta binds often.
    unhedged, hedged = (0.02, 0.01) if reading == "shock" else (0.12, 0.08)
    plain = {
        "min_vol_shock_up": 0.4,
        "dte_floor_days": 1.0,
        "vega_power_short_dte": 0.3,
        "vega_power_long_dte": 0.13,
        "unhedged_margin_factor": unhedged,
        "hedged_margin_factor": hedged,
        "mmf_factor": 0.5,
    }
    fees = paradex_pm.Fees(0.00045, 0.000125, 0.125)
    coin = {
        "scenarios": [[s.spot, s.vol, s.weight] for s in scenarios],
        "min_vol_shock_up": 0.4,
        "unhedged_margin_factor": unhedged,
        "hedged_margin_factor": hedged,
    }
    values = {
        "general": {
            "mmf_factor": 0.5,
            "funding_provision_hours": 8.0,
            "dte_floor_days": 1.0,
            "vega_power_short_dte": 0.3,
            "vega_power_long_dte": 0.13,
            "perp_taker_fee": fees.perpetual,
            "option_taker_fee": fees.option,
            "option_fee_cap": fees.option_cap,
        },
        "reading": {"min_vol_shock": f"floor_of_{reading}"},
        "asset": {"BTC": coin, "ETH": coin},
    }
    parameters = from_values("paradex-pm", "test", values, "test")
    names = list(table.legs)
    btc = [name for name in names if name.startswith("BTC")]
    third = COUNT // 4
    held = named_books(
        books.books(rng, table, btc, third) + books.books(rng, table, names, COUNT // 2 - third)
    )
    found = run_book(table, held, "paradex-pm", parameters)
    for k, book in enumerate(held.values()):
        legs = table.held(book)
        _compare_paradex(found, k, legs, scenarios, plain, reading, funding, fees)


PARADEX_COLUMNS = {
    "im": "im",
    "mm": "mm",
    "scan_risk": "scan",
    "net_pimr": "net",
    "fee_provision": "fee_provision",
    "funding_provision": "funding_provision",
}


def _compare_paradex(
    found: Requirement,
    account: int,
    legs: list[Leg],
    scenarios: Sequence[paradex_pm.Scenario],
    plain: Mapping[str, float],
    reading: str,
    funding: Mapping[str, float],
    fees: paradex_pm.Fees,
) -> None:
    for coin in sorted({leg.underlying for leg in legs}):
        mine = [leg for leg in legs if leg.underlying == coin]
        theirs = paradex_pm.margin(mine, SPOT[coin], scenarios, plain, reading, funding, fees)
        row = rows_by_account(found, pool_of(found, coin))[account]
        need, gross = theirs["im"], theirs["gross"]
        for column, name in PARADEX_COLUMNS.items():
            ours, number = float(found.sheet[column][row]), theirs[name]
            assert is_close(ours, number, need, gross), (account, coin, column, ours, number)
        floor = float(found.sheet["min_delta_risk"][row])
        assert is_close(floor, theirs["min_delta"]["charge"], need, gross), (account, coin)
        pnl = theirs["weighted_pnl"]
        if theirs["scan"] > 1e-13 * gross:
            least = min(pnl)
            worst = pnl[int(found.scenario[row])]
            assert worst <= least + TIE * abs(least) + 1e-13 * gross, (account, coin)


# ---------------------------------------------------------------- the baseline


def test_fixed_rate() -> None:
    rng = Random("fixed")
    items = deribit_items("BTC", NOW_MS)
    table = books.market(rng, items, NOW_MS, SPOT)
    rates = {
        "im": {"future_share": 0.11, "short_option_share": 0.16},
        "mm": {"future_share": 0.05, "short_option_share": 0.09},
    }
    parameters = from_values("fixed-rate", "test", rates, "test")
    held = named_books(books.books(rng, table, list(table.legs), COUNT))
    found = run_book(table, held, "fixed-rate", parameters)
    rows = rows_by_account(found, pool_of(found, "BTC"))
    for k, book in enumerate(held.values()):
        theirs = fixed_rate.margin(table.held(book), SPOT, rates)
        for level in ("im", "mm"):
            ours = float(found.sheet[level][rows[k]])
            assert is_close(ours, theirs[level], theirs["im"], theirs["gross"]), (k, level, ours)
