"""500 random books a Deribit model: the batch engine against the scalar oracle.

Requirement, every charge and every scenario P&L agree to 1e-10 of the requirement and 1e-13 of
gross value; the binding scenario is the same or tied.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

import pytest

from crossmargin.instruments.book import Reported
from crossmargin.margin import Requirement
from crossmargin.margin.parameter_files import Parameters, from_values
from tests.vectors.building import asset, delta_one

from . import books, deribit_pm, deribit_sm
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
from .types import DAY_MS, TIE

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
        assert is_close(ours, theirs[name], need, gross), (account, name, ours, theirs[name])
    aggregated = theirs["aggregated"]
    for k, number in enumerate(aggregated):
        assert is_close(float(vector[k]), number, need, gross), (account, "scenario", k)
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
        rng, deribit_items(base, NOW_MS, linear=linear), NOW_MS, SPOT, usd={"USDC": 1.0}
    )
    flat = _deribit_pair(rng)
    held = named_books(books.books(rng, table, list(table.legs), COUNT // 6 + 1))
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
    found = run_book(table, held, "deribit-spm", parameters, reported=Reported(holds=holds))
    pool = pool_of(found, settle)
    rows, vectors = rows_by_account(found, pool), vectors_of(found, pool)
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
    items = deribit_items("BTC", NOW_MS, lives=[minutes * 60_000, 60 * DAY_MS])
    table = books.market(rng, items, NOW_MS, SPOT)
    flat = _deribit_pair(rng)
    held = named_books(books.books(rng, table, list(table.legs), 20))
    parameters = _deribit_parameters("deribit-spm", {"BTC": flat}, "relative")
    found = run_book(table, held, "deribit-spm", parameters)
    pool = pool_of(found, "BTC")
    rows, vectors = rows_by_account(found, pool), vectors_of(found, pool)
    for k, book in enumerate(held.values()):
        theirs = deribit_pm.margin(table.held(book), deribit_pm.Case(SPOT["BTC"]), flat)
        _compare_pm(found, pool, k, rows[k], theirs, vectors[k])


@pytest.mark.parametrize("vol_shock", ["relative", "additive"])
@pytest.mark.parametrize("equity", ["balance", "reported"])
def test_deribit_cross_of_one_currency(vol_shock: str, equity: str) -> None:
    rng = Random(f"cross {vol_shock} {equity}")
    items = [*deribit_items("BTC", NOW_MS), asset("deribit", "BTC")]
    table = books.market(rng, items, NOW_MS, SPOT)
    flat = _deribit_pair(rng)
    names = [name for name in table.legs if name != "BTC"]
    held = named_books(books.books(rng, table, names, COUNT // 4))
    coins = {account: 10.0 ** rng.uniform(-2.0, 2.0) for account in held}
    parameters = _deribit_parameters("deribit-xpm", {"BTC": flat}, vol_shock)
    if equity == "balance":
        given = {a: [*rows, ("BTC", coins[a])] for a, rows in held.items()}
        found = run_book(table, given, "deribit-xpm", parameters)
    else:
        told = Reported(equity={(account, "BTC"): coin for account, coin in coins.items()})
        found = run_book(table, held, "deribit-xpm", parameters, reported=told)
    rows, vectors = rows_by_account(found), vectors_of(found, 0)
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
        for item in deribit_items(coin, NOW_MS + 7 * (coin == "ETH"), linear=linear)
    ]
    items += [asset("deribit", coin) for coin in SPOT]
    table = books.market(rng, items, NOW_MS, SPOT, usd={"USDC": 1.0})
    flat = {coin: _deribit_pair(rng) for coin in SPOT}
    names = [name for name in table.legs if name not in SPOT]
    held = named_books(books.books(rng, table, names, COUNT // 5))
    coins = {coin: 10.0 ** rng.uniform(-1.0, 1.0) for coin in SPOT}
    if mode == "cross":
        given = {a: [*rows, *coins.items()] for a, rows in held.items()}
    else:
        given = dict(held)
    model = "deribit-spm" if linear else "deribit-xpm"
    found = run_book(table, given, model, _deribit_parameters(model, flat, "relative"))
    pool = pool_of(found, "USDC") if linear else 0
    rows, vectors = rows_by_account(found, pool), vectors_of(found, pool)
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
    items = [*deribit_items("BTC", NOW_MS), *deribit_items("BTC", NOW_MS, linear=True)]
    items.append(asset("deribit", "BTC"))
    table = books.market(rng, items, NOW_MS, SPOT, usd={"USDC": 0.9991})
    flat = _deribit_pair(rng)
    names = [name for name in table.legs if name != "BTC"]
    held = named_books(books.books(rng, table, names, COUNT // 5))
    given = {a: [*rows, ("BTC", 1.5)] for a, rows in held.items()}
    parameters = _deribit_parameters("deribit-xpm", {"BTC": flat}, "relative")
    found = run_book(table, given, "deribit-xpm", parameters)
    rows, vectors = rows_by_account(found), vectors_of(found, 0)
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
        items = deribit_items("BTC", NOW_MS, lives=[minutes * 60_000])
        table = books.market(Random(1), items, NOW_MS, SPOT)
        held = {"a": [("BTC-F0-47600-C", 10.0), ("BTC-PERPETUAL", -10.0 * SPOT["BTC"])]}
        parameters = _deribit_parameters("deribit-spm", {"BTC": flat}, "relative")
        found = run_book(table, held, "deribit-spm", parameters)
        row = rows_by_account(found, pool_of(found, "BTC"))[0]
        theirs = deribit_pm.margin(table.held(held["a"]), deribit_pm.Case(SPOT["BTC"]), flat)
        _compare_pm(found, 0, 0, row, theirs, vectors_of(found, 0)[0])
        found_mm.append(float(found.sheet["mm"][row]))
    assert found_mm[0] < found_mm[1] < found_mm[2]


@pytest.mark.parametrize("rule", ["increment", "tier"])
@pytest.mark.parametrize("coin", ["BTC", "ETH"])
def test_deribit_standard(coin: str, rule: str) -> None:
    rng = Random(f"standard {coin} {rule}")
    linear = [
        delta_one("deribit", f"{coin}_USDC-PERPETUAL", underlying=coin, quote="USDC", settle="USDC")
    ]
    items = [*deribit_items(coin, NOW_MS), *linear]
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
    held = named_books(books.books(rng, table, list(table.legs), COUNT // 4))
    found = run_book(table, held, "deribit-sm", parameters)
    for settle, inverse in ((coin, True), ("USDC", False)):
        rows = rows_by_account(found, pool_of(found, settle))
        for k, book in enumerate(held.values()):
            legs = [leg for leg in table.held(book) if leg.inverse == inverse]
            theirs = deribit_sm.margin(legs, SPOT[coin], plain, rule)
            for level in ("im", "mm"):
                if k not in rows:
                    assert theirs[level] == 0.0
                    continue
                ours = float(found.sheet[level][rows[k]])
                assert is_close(ours, theirs[level], theirs["im"], theirs["gross"]), (k, level)


# ---------------------------------------------------------------- Derive
