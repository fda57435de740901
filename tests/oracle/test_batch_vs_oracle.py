"""500 random books a model: the batch engine against the scalar oracle.

Requirement, every charge and every scenario P&L agree to 1e-10 of the requirement and 1e-13 of
gross value; the binding scenario is the same or tied.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest

from crossmargin.instruments.book import Book, Line, Reported
from crossmargin.instruments.contracts import Instrument
from crossmargin.margin import Requirement, model_named, run
from crossmargin.margin.parameter_files import Parameters, from_values
from crossmargin.margin.pools import cut
from crossmargin.market.fields import contract_subject
from tests.vectors.building import asset, delta_one, option
from tests.vectors.derive_values import market_values

from . import books, deribit_pm, deribit_sm, derive_pm2, fixed_rate, paradex_pm
from .types import DAY_MS, TIE, Leg

COUNT = 500
NOW_MS = 1_770_709_020_000  # 2026-02-10T07:37:00Z: 23 minutes before an expiry
SPOT = {"BTC": 68_000.0, "ETH": 2_050.0}
DERIBIT_LIVES = [23 * 60_000, *books.lives(0.6, 1.0, 3.3, 29.99, 30.0, 44.5, 135.0, 410.0)]


def _close(ours: float, theirs: float, requirement: float, gross: float) -> bool:
    return abs(ours - theirs) <= 1e-10 * abs(requirement) + 1e-13 * gross


def _run(
    table: books.Market,
    held: Mapping[str, Sequence[tuple[str, float]]],
    name: str,
    parameters: Parameters,
    *,
    entries: Mapping[tuple[str, str], float] | None = None,
    reported: Reported | None = None,
) -> Requirement:
    place = {item.native_id: row for row, item in enumerate(table.instruments.items)}
    lines = [
        Line(account, place[row], quantity, (entries or {}).get((account, row)))
        for account, rows in held.items()
        for row, quantity in rows
    ]
    book = Book.of(table.instruments, lines, reported=reported, accounts=tuple(held))
    found = run(book, table.view, model_named(name), parameters)
    assert found.failures == ()
    return found


def _rows(found: Requirement, pool: int = 0) -> dict[int, int]:
    """Row of each account in one pool."""
    sheet = found.sheet
    pairs = zip(sheet.account.tolist(), sheet.pool.tolist(), strict=True)
    return {account: row for row, (account, p) in enumerate(pairs) if p == pool}


def _pool(found: Requirement, currency: str) -> int:
    labels = [pool.label for pool in found.plan.pools]
    return next(k for k, label in enumerate(labels) if currency in label)


def _vectors(found: Requirement, pool: int) -> np.ndarray:
    model = model_named(found.model.name)
    vectors = model.vector(found.priced[pool], cut(found.book, found.plan.pools[pool], pool))
    assert vectors is not None
    return np.asarray(vectors)


def _named(rows: Iterable[Any]) -> dict[str, Any]:
    return {f"a{k:03d}": row for k, row in enumerate(rows)}


# ---------------------------------------------------------------- Deribit


def _deribit_items(
    coin: str, now_ms: int, *, linear: bool = False, lives: Sequence[int] = tuple(DERIBIT_LIVES)
) -> list[Instrument]:
    quote = "USDC" if linear else "USD"
    terms = {
        "underlying": coin,
        "quote": quote,
        "settle": quote if linear else coin,
        "inverse": not linear,
    }
    mark = f"{coin}_{quote}" if linear else coin
    items = [delta_one("deribit", f"{mark}-PERPETUAL", **terms)]
    for k, life in enumerate(lives):
        expiry = now_ms + life
        if k % 2 == 0:
            items.append(delta_one("deribit", f"{mark}-F{k}", expiry_ms=expiry, **terms))
        for strike in books.strikes(SPOT[coin]):
            for right in (1, -1):
                name = f"{mark}-F{k}-{strike:g}-{'C' if right > 0 else 'P'}"
                items.append(option("deribit", name, right, strike, expiry, **terms))
    return items


BTC_PAIR = {
    "price_range": 0.16,
    "volatility_range_up": 0.5,
    "volatility_range_down": 0.25,
    "min_volatility_for_shock_up": 0.5,
    "short_term_vega_power": 0.3,
    "long_term_vega_power": 0.13,
    "extended_table_factor": 1.0,
    "m_inc": 5e-5,
    "delta_total_liq_shock_threshold": 20e6,
    "max_delta_shock": 0.1,
    "annualised_move_risk": 0.075,
    "min_annualised_move": 0.01,
    "extended_dampener": 100e3,
    "pnl_offset": 0.35,
    "max_offsetable_pnl": 3e6,
    "mm_factor": 0.8,
}
CURRENCY = (
    "annualised_move_risk",
    "min_annualised_move",
    "extended_dampener",
    "pnl_offset",
    "max_offsetable_pnl",
)
DOLLARS = ("delta_total_liq_shock_threshold", "extended_dampener", "max_offsetable_pnl")


def _deribit_pair(rng: Random) -> dict[str, float]:
    """Parameters near the venue's; the dampener is at times small, so that the tails bind."""
    out = {name: value * rng.uniform(0.8, 1.2) for name, value in BTC_PAIR.items()}
    out["mm_factor"] = 0.8
    out["extended_dampener"] *= rng.choice([1.0, 1e-3, 0.0])
    out["delta_total_liq_shock_threshold"] *= rng.choice([1.0, 0.01])
    return out


def _deribit_parameters(
    name: str, plain: Mapping[str, Mapping[str, float]], vol_shock: str
) -> Parameters:
    pairs: dict[str, Any] = {}
    currencies: dict[str, Any] = {}
    for coin, flat in plain.items():
        named = {f"{n}_usd" if n in DOLLARS else n: v for n, v in flat.items()}
        both = {f"{n}_usd" if n in DOLLARS else n for n in CURRENCY}
        pairs[coin] = {n: v for n, v in named.items() if n not in both and n != "mm_factor"}
        currencies[coin] = {n: named[n] for n in both}
        currencies[coin] |= {"haircut": 0.0, "equity_side_impact": "both"}
    first = next(iter(currencies.values()))
    for dollar in ("USD", "USDC"):
        currencies[dollar] = {**first, "equity_side_impact": "none"}
    values = {
        "general": {"mm_factor": 0.8},
        "reading": {"vol_shock": vol_shock},
        "pair": pairs,
        "currency": currencies,
    }
    return from_values(name, "test", values, "test")


PM_COLUMNS = {
    "worst_case": "worst_case_unrounded",
    "roll_shock": "roll_shock",
    "delta_shock": "delta_shock",
    "risk_matrix_margin": "risk_matrix_margin",
    "im": "im",
    "mm": "mm",
}


def _compare_pm(
    found: Requirement, pool: int, account: int, row: int, theirs: Mapping[str, Any], vector: Any
) -> None:
    gross, need = theirs["gross"], theirs["im"]
    for name, column in PM_COLUMNS.items():
        ours = float(found.sheet[column][row])
        assert _close(ours, theirs[name], need, gross), (account, name, ours, theirs[name])
    aggregated = theirs["aggregated"]
    for k, number in enumerate(aggregated):
        assert _close(float(vector[k]), number, need, gross), (account, "scenario", k)
    if theirs["worst_case"] > 1e-13 * gross:
        least = min(aggregated)
        slack = TIE * abs(least) + 1e-13 * gross
        assert aggregated[int(found.scenario[row])] <= least + slack, (account, "worst")


@pytest.mark.parametrize("vol_shock", ["relative", "additive"])
@pytest.mark.parametrize("coin", ["BTC", "ETH", "BTC_USDC"])
def test_deribit_segregated(coin: str, vol_shock: str) -> None:
    rng = Random(f"segregated {coin} {vol_shock}")
    linear = coin.endswith("_USDC")
    base = coin.removesuffix("_USDC")
    table = books.market(
        rng, _deribit_items(base, NOW_MS, linear=linear), NOW_MS, SPOT, usd={"USDC": 1.0}
    )
    flat = _deribit_pair(rng)
    held = _named(books.books(rng, table, list(table.legs), COUNT // 6 + 1))
    settle = "USDC" if linear else base
    holds = {
        (account, settle): {
            "open_orders_margin": rng.uniform(0.0, 0.01),
            "mmp_margin": rng.choice([0.0, 0.06]),
            "spot_margin": 0.0,
        }
        for account in held
    }
    parameters = _deribit_parameters("deribit-spm", {base: flat}, vol_shock)
    found = _run(table, held, "deribit-spm", parameters, reported=Reported(holds=holds))
    pool = _pool(found, settle)
    rows, vectors = _rows(found, pool), _vectors(found, pool)
    how = deribit_pm.Readings(vol_shock=vol_shock)
    for k, (account, book) in enumerate(held.items()):
        hold = holds[account, settle]
        case = deribit_pm.Case(
            SPOT[base],
            not linear,
            open_orders=hold["open_orders_margin"],
            mmp=hold["mmp_margin"],
        )
        theirs = deribit_pm.margin(table.held(book), case, flat, how)
        _compare_pm(found, pool, k, rows[k], theirs, vectors[k])


@pytest.mark.parametrize("minutes", [31, 30, 29, 15, 0])
def test_deribit_settlement_window(minutes: int) -> None:
    rng = Random(f"window {minutes}")
    items = _deribit_items("BTC", NOW_MS, lives=[minutes * 60_000, 60 * DAY_MS])
    table = books.market(rng, items, NOW_MS, SPOT)
    flat = _deribit_pair(rng)
    held = _named(books.books(rng, table, list(table.legs), 20))
    parameters = _deribit_parameters("deribit-spm", {"BTC": flat}, "relative")
    found = _run(table, held, "deribit-spm", parameters)
    pool = _pool(found, "BTC")
    rows, vectors = _rows(found, pool), _vectors(found, pool)
    for k, book in enumerate(held.values()):
        theirs = deribit_pm.margin(table.held(book), deribit_pm.Case(SPOT["BTC"]), flat)
        _compare_pm(found, pool, k, rows[k], theirs, vectors[k])


@pytest.mark.parametrize("vol_shock", ["relative", "additive"])
@pytest.mark.parametrize("equity", ["balance", "reported"])
def test_deribit_cross_of_one_currency(vol_shock: str, equity: str) -> None:
    rng = Random(f"cross {vol_shock} {equity}")
    items = [*_deribit_items("BTC", NOW_MS), asset("deribit", "BTC")]
    table = books.market(rng, items, NOW_MS, SPOT)
    flat = _deribit_pair(rng)
    names = [name for name in table.legs if name != "BTC"]
    held = _named(books.books(rng, table, names, COUNT // 4))
    coins = {account: 10.0 ** rng.uniform(-2.0, 2.0) for account in held}
    parameters = _deribit_parameters("deribit-xpm", {"BTC": flat}, vol_shock)
    if equity == "balance":
        given = {a: [*rows, ("BTC", coins[a])] for a, rows in held.items()}
        found = _run(table, given, "deribit-xpm", parameters)
    else:
        told = Reported(equity={(account, "BTC"): coin for account, coin in coins.items()})
        found = _run(table, held, "deribit-xpm", parameters, reported=told)
    rows, vectors = _rows(found), _vectors(found, 0)
    how = deribit_pm.Readings(vol_shock=vol_shock)
    for k, (account, book) in enumerate(held.items()):
        legs = table.held(book)
        # The equity of a coin counts the value of its options; the venue's own number does already.
        options = sum(leg.units * leg.mark for leg in legs if leg.kind == "option")
        total = coins[account] + (options if equity == "balance" else 0.0)
        case = deribit_pm.Case(SPOT["BTC"], True, total)
        theirs = deribit_pm.margin(legs, case, flat, how, "cross")
        _compare_pm(found, 0, k, rows[k], theirs, vectors[k])


@pytest.mark.parametrize("mode", ["segregated", "cross"])
def test_deribit_several_currencies(mode: str) -> None:
    """Dollar pools: a gain of one coin meets the other's loss only through its offset."""
    rng = Random(f"several {mode}")
    linear = mode == "segregated"
    items = [
        item
        for coin in SPOT
        for item in _deribit_items(coin, NOW_MS + 7 * (coin == "ETH"), linear=linear)
    ]
    items += [asset("deribit", coin) for coin in SPOT]
    table = books.market(rng, items, NOW_MS, SPOT, usd={"USDC": 1.0})
    flat = {coin: _deribit_pair(rng) for coin in SPOT}
    names = [name for name in table.legs if name not in SPOT]
    held = _named(books.books(rng, table, names, COUNT // 5))
    coins = {coin: 10.0 ** rng.uniform(-1.0, 1.0) for coin in SPOT}
    if mode == "cross":
        given = {a: [*rows, *coins.items()] for a, rows in held.items()}
    else:
        given = dict(held)
    model = "deribit-spm" if linear else "deribit-xpm"
    found = _run(table, given, model, _deribit_parameters(model, flat, "relative"))
    pool = _pool(found, "USDC") if linear else 0
    rows, vectors = _rows(found, pool), _vectors(found, pool)
    for k, book in enumerate(held.values()):
        parts = []
        for coin, spot in SPOT.items():
            legs = [leg for leg in table.held(book) if leg.underlying == coin]
            options = sum(leg.units * leg.mark for leg in legs if leg.kind == "option")
            case = deribit_pm.Case(spot, not linear, coins[coin] + options)
            parts.append(deribit_pm.part(legs, case, flat[coin], deribit_pm.Readings(), mode))
        theirs = deribit_pm.combine(parts, (), 0.8)
        _compare_pm(found, pool, k, rows[k], theirs, vectors[k])


def test_deribit_cross_of_coin_and_dollar_settled() -> None:
    """The venue's buckets are {base}_{settle}: what settles in dollars is a bucket of its own."""
    rng = Random("mixed")
    items = [*_deribit_items("BTC", NOW_MS), *_deribit_items("BTC", NOW_MS, linear=True)]
    items.append(asset("deribit", "BTC"))
    table = books.market(rng, items, NOW_MS, SPOT, usd={"USDC": 0.9991})
    flat = _deribit_pair(rng)
    names = [name for name in table.legs if name != "BTC"]
    held = _named(books.books(rng, table, names, COUNT // 5))
    given = {a: [*rows, ("BTC", 1.5)] for a, rows in held.items()}
    parameters = _deribit_parameters("deribit-xpm", {"BTC": flat}, "relative")
    found = _run(table, given, "deribit-xpm", parameters)
    rows, vectors = _rows(found), _vectors(found, 0)
    for k, book in enumerate(held.values()):
        legs = table.held(book)
        options = sum(leg.units * leg.mark for leg in legs if leg.kind == "option" and leg.inverse)
        parts = []
        for inverse, equity in ((True, 1.5 + options), (False, 0.0)):
            case = deribit_pm.Case(SPOT["BTC"], inverse, equity, stable_usd=0.9991)
            mine = [leg for leg in legs if leg.inverse == inverse]
            parts.append(deribit_pm.part(mine, case, flat, deribit_pm.Readings(), "cross"))
        theirs = deribit_pm.combine(parts, (), 0.8)
        _compare_pm(found, 0, k, rows[k], theirs, vectors[k])


def test_a_long_call_and_its_hedge_through_the_settlement_window() -> None:
    """Long calls in the money against short perpetuals: the hedge stays, what it hedges fades."""
    flat = dict(BTC_PAIR)
    found_mm = []
    for minutes in (31, 15, 0):  # 07:29, 07:45 and 08:00 of the expiry day
        items = _deribit_items("BTC", NOW_MS, lives=[minutes * 60_000])
        table = books.market(Random(1), items, NOW_MS, SPOT)
        held = {"a": [("BTC-F0-47600-C", 10.0), ("BTC-PERPETUAL", -10.0 * SPOT["BTC"])]}
        parameters = _deribit_parameters("deribit-spm", {"BTC": flat}, "relative")
        found = _run(table, held, "deribit-spm", parameters)
        row = _rows(found, _pool(found, "BTC"))[0]
        theirs = deribit_pm.margin(table.held(held["a"]), deribit_pm.Case(SPOT["BTC"]), flat)
        _compare_pm(found, 0, 0, row, theirs, _vectors(found, 0)[0])
        found_mm.append(float(found.sheet["mm"][row]))
    assert found_mm[0] < found_mm[1] < found_mm[2]


@pytest.mark.parametrize("rule", ["increment", "tier"])
@pytest.mark.parametrize("coin", ["BTC", "ETH"])
def test_deribit_standard(coin: str, rule: str) -> None:
    rng = Random(f"standard {coin} {rule}")
    linear = [
        delta_one("deribit", f"{coin}_USDC-PERPETUAL", underlying=coin, quote="USDC", settle="USDC")
    ]
    items = [*_deribit_items(coin, NOW_MS), *linear]
    table = books.market(rng, items, NOW_MS, SPOT, usd={"USDC": 0.9997})
    plain = {"im_base": 0.02, "mm_base": 0.01, "increment_per_coin": 5e-5, "leverage": 40.0}
    values = {
        "option": {"im_itm_share": 0.15, "im_least_share": 0.10, "mm_share": 0.075},
        "reading": {"future_rule": rule},
        "future_tier": {"mm_fraction": 2.0 / 3.0},
        "future": {
            coin: {
                "im_base": 0.02,
                "mm_base": 0.01,
                "increment": 5e-5,
                "leverage": 40.0,
            }
        },
    }
    parameters = from_values("deribit-sm", "test", values, "test")
    held = _named(books.books(rng, table, list(table.legs), COUNT // 4))
    found = _run(table, held, "deribit-sm", parameters)
    for settle, inverse in ((coin, True), ("USDC", False)):
        rows = _rows(found, _pool(found, settle))
        for k, book in enumerate(held.values()):
            legs = [leg for leg in table.held(book) if leg.inverse == inverse]
            theirs = deribit_sm.margin(legs, SPOT[coin], plain, rule)
            for level in ("im", "mm"):
                if k not in rows:
                    assert theirs[level] == 0.0
                    continue
                ours = float(found.sheet[level][rows[k]])
                assert _close(ours, theirs[level], theirs["im"], theirs["gross"]), (k, level)


# ---------------------------------------------------------------- Derive

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
    held = _named(books.books(rng, table, names, COUNT // 4, 14))
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
    found = _run(table, given, "derive-pm2", parameters, entries=entries)
    rows_of, vectors = _rows(found), _vectors(found, 0)
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
        assert _close(ours, number, need, gross), (account, column, ours, number)
    pnl = theirs["scenario_pnl"]
    for k, number in enumerate(pnl):
        assert _close(float(vector[k]), number, need, gross), (account, "scenario", k)
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
    held = _named(
        books.books(rng, table, btc, third) + books.books(rng, table, names, COUNT // 2 - third)
    )
    found = _run(table, held, "paradex-pm", parameters)
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
        row = _rows(found, _pool(found, coin))[account]
        need, gross = theirs["im"], theirs["gross"]
        for column, name in PARADEX_COLUMNS.items():
            ours, number = float(found.sheet[column][row]), theirs[name]
            assert _close(ours, number, need, gross), (account, coin, column, ours, number)
        floor = float(found.sheet["min_delta_risk"][row])
        assert _close(floor, theirs["min_delta"]["charge"], need, gross), (account, coin)
        pnl = theirs["weighted_pnl"]
        if theirs["scan"] > 1e-13 * gross:
            least = min(pnl)
            worst = pnl[int(found.scenario[row])]
            assert worst <= least + TIE * abs(least) + 1e-13 * gross, (account, coin)


# ---------------------------------------------------------------- the baseline


def test_fixed_rate() -> None:
    rng = Random("fixed")
    items = _deribit_items("BTC", NOW_MS)
    table = books.market(rng, items, NOW_MS, SPOT)
    rates = {
        "im": {"future_share": 0.11, "short_option_share": 0.16},
        "mm": {"future_share": 0.05, "short_option_share": 0.09},
    }
    parameters = from_values("fixed-rate", "test", rates, "test")
    held = _named(books.books(rng, table, list(table.legs), COUNT))
    found = _run(table, held, "fixed-rate", parameters)
    rows = _rows(found, _pool(found, "BTC"))
    for k, book in enumerate(held.values()):
        theirs = fixed_rate.margin(table.held(book), SPOT, rates)
        for level in ("im", "mm"):
            ours = float(found.sheet[level][rows[k]])
            assert _close(ours, theirs[level], theirs["im"], theirs["gross"]), (k, level, ours)
