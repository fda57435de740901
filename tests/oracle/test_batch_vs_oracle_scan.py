"""500 random books of each form of the scan family: the batch engine against the scalar oracle.

Every charge, the requirement and every scenario P&L agree to 1e-10 of the requirement and 1e-12 of
gross value; the binding scenario is the same or tied. The house rulebook has every charge.
"""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from crossmargin.instruments.contracts import Instrument
from crossmargin.margin import Requirement
from crossmargin.margin.parameter_files import Parameters, from_values
from tests.vectors.building import asset, delta_one, option

from . import books, scan
from .batch import COUNT, NOW_MS, SPOT, named_books, rows_by_account, run_book, vectors_of
from .types import TIE

COIN = "BTC"
USD = {"USDC": 0.9991, "USDT": 1.0007, "USD": 1.0}
ADDED = (
    "option_contingency",
    "vega_spread",
    "basis",
    "roll",
    "depeg",
    "futures_contingency",
    "liquidity",
    "concentration",
    "fees",
)
FLOORS = ("min_delta", "floor")
RATES = {
    "option_factor": 0.008,
    "vega_spread_factor": 0.0004,
    "basis_rate_annual": 0.3,
    "roll_factor": 0.01,
    "depeg_factor": 0.02,
    "futures_factor": 0.002,
    "liquidity_futures": 0.001,
    "liquidity_option": 0.003,
    "concentration_factor": 0.01,
    "concentration_threshold_usd": 2e5,
    "fee_futures": 0.0006,
    "fee_option": 0.0003,
    "fee_option_cap": 0.125,
    "unhedged_factor": 0.3,
    "hedged_factor": 0.1,
    "outright_floor": 0.4,
    "option_floor": 0.02,
}
QUALIFIERS = ("min_vol_up", "min_shock_up", "delta_one_clamp")
MOVES = [(-0.15, 1.0), (-0.05, 1.0), (0.0, 1.0), (0.05, 1.0), (0.15, 1.0)]
TAILS = [(-0.6, 0.4, 0.3), (1.0, 0.4, 0.2)]
PLAIN = {
    "moves": MOVES,
    "vols": (0.4, 0.0, -0.25),
    "scenarios": TAILS,
    "clock": "exact",
    "day_count": "exact",
    "delta_one": "mark",
    "vol_shock": "relative",
    "base": "model",
    "coins": "cash",
    "coin_worth": "shocked",
    "short_option": "contract",
    "basis": "hedged",
    "power_short": 0.3,
    "power_long": 0.13,
    "dte_floor_days": 1.0,
    "im_factor": 1.3,
    "mm_factor": 1.0,
    **RATES,
}
# What differs from PLAIN: each form of each part is met at least once.
FORMS: dict[str, dict[str, Any]] = {
    "bybit": {
        "clock": "whole_seconds",
        "day_count": "whole_days_up",
        "base": "mark",
        "coins": "hedge_gains",
        "short_option": "net",
        "basis": "per_expiry",
        "scenarios": (),
    },
    "points": {"vol_shock": "points", "coins": "position", "delta_one": "index"},
    "both": {"vol_shock": "both", "vol_points": (0.3, 0.0, -0.2), "coins": "hedge"},
    "clamped": {
        "delta_one_clamp": 0.2,
        "min_vol_up": 0.5,
        "delta_one": "forward",
        "short_option": "strike",
        "moves": (),
        "scenarios": [*TAILS, (0.0, 0.4, 1.0), (-0.2, 0.4, 1.0), (0.2, -0.3, 1.0)],
    },
    "coins": {"coin_worth": "unshocked", "min_shock_up": 0.35, "power_short": 0.0},
}


def _items() -> list[Instrument]:
    items = [asset("deribit", name) for name in (COIN, "USDC", "USDT")]
    for settle in ("USDC", "USDT", COIN):
        terms = {"underlying": COIN, "settle": settle, "inverse": settle == COIN}
        items.append(delta_one("deribit", f"{settle}-PERP", **terms))
        for k, life in enumerate([*books.lives(0.2, 1.0, 7.5, 30.0, 31.0, 200.0), 86_400_500]):
            expiry = NOW_MS + life
            if k % 2 == 0:
                items.append(delta_one("deribit", f"{settle}-F{k}", expiry_ms=expiry, **terms))
            for strike in books.strikes(SPOT[COIN])[::2]:
                for right in (1, -1):
                    name = f"{settle}-{k}-{strike:g}-{'C' if right > 0 else 'P'}"
                    items.append(option("deribit", name, right, strike, expiry, **terms))
    return items


def _parameters(rule: dict[str, Any]) -> Parameters:
    form = {
        name: rule[name]
        for name in (
            "clock",
            "day_count",
            "delta_one",
            "vol_shock",
            "base",
            "coins",
            "coin_worth",
            "short_option",
            "basis",
        )
    }
    form |= {"balance": "settled", "order_loss": "none"}
    numbers: dict[str, Any] = {name: rule[name] for name in (*RATES, *QUALIFIERS) if name in rule}
    if rule["moves"]:
        numbers["moves"] = [list(row) for row in rule["moves"]]
        numbers["vols"] = [[v] for v in rule["vols"]]
        numbers["vol_points"] = [[v] for v in rule.get("vol_points", ())]
    if rule["scenarios"]:
        numbers["scenarios"] = [list(row) for row in rule["scenarios"]]
    values = {
        "general": {
            "vega_power_short": rule["power_short"],
            "vega_power_long": rule["power_long"],
            "dte_floor_days": rule["dte_floor_days"],
        },
        "form": form,
        "level": {"im_factor": rule["im_factor"], "mm_factor": rule["mm_factor"]},
        "asset": {COIN: numbers},
    }
    return from_values("house", "test", values, "test")


@pytest.mark.parametrize("name", FORMS)
def test_scan(name: str) -> None:
    rule = {**PLAIN, **FORMS[name]}
    rng = Random(f"scan {name}")
    items = _items()
    table = books.market(rng, items, NOW_MS, SPOT, usd=USD)
    names = [item.native_id for item in items if item.native_id in table.legs and item.right]
    names += [
        item.native_id for item in items if "PERP" in item.native_id or "-F" in item.native_id
    ]
    held = named_books(books.books(rng, table, names, COUNT))
    coins = {a: rng.choice([0.0, 1.0, -1.0]) * 10.0 ** rng.uniform(-2, 2) for a in held}
    given = {a: [*rows, (COIN, coins[a])] for a, rows in held.items()}
    found = run_book(table, given, "house-example", _parameters(rule))
    market = scan.Market(
        SPOT[COIN], {item.native_id: item.settle for item in items}, {**USD, **SPOT}
    )
    rows_of, vectors = rows_by_account(found), vectors_of(found, 0)
    for k, (account, rows) in enumerate(held.items()):
        legs = table.held(rows)
        theirs = scan.margin(legs, coins[account], rule, market, ADDED, FLOORS)
        _compare(found, rows_of[k], theirs, vectors[k], account)


def _compare(
    found: Requirement, row: int, theirs: dict[str, Any], vector: Any, account: str
) -> None:
    slack = 1e-10 * theirs["im"] + 1e-12 * theirs["gross"]
    for column in ("scan_risk", *ADDED, *FLOORS, "risk", "requirement", "im", "mm"):
        ours = float(found.sheet[column][row])
        assert abs(ours - theirs[column]) <= slack, (account, column, ours, theirs[column])
    for s, (ours, number) in enumerate(zip(vector.tolist(), theirs["pnl"], strict=True)):
        assert abs(ours - number) <= slack, (account, s, ours, number)
    least = min(theirs["pnl"])
    binding = theirs["pnl"][int(found.scenario[row])]
    assert binding <= least + TIE * abs(least) + slack, account
