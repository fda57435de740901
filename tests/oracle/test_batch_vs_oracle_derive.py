"""Random books under Derive's first portfolio manager and its standard manager.

The batch engine against the scalar oracle: requirement and what counts agree to 1e-10 of the
requirement and 1e-13 of gross value; the binding scenario is the same or tied.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

import pytest

from crossmargin.instruments.contracts import Instrument
from crossmargin.margin.parameter_files import from_values
from tests.vectors.building import asset, delta_one, option
from tests.vectors.derive_pm1_books import market_values
from tests.vectors.derive_sm_books import parameters_of

from . import books, derive_pm1, derive_sm
from .batch import COUNT, NOW_MS, SPOT, is_close, named_books, rows_by_account, run_book, vectors_of
from .derive_pm2 import Market
from .types import TIE, Leg

PLAIN = {
    "basis_up": 1.045,
    "basis_down": 0.955,
    "basis_add": 0.5,
    "basis_mult": 2.0,
    "peg_threshold": 0.99,
    "peg_factor": 4.0,
    "confidence_threshold": 0.55,
    "confidence_margin": 1.0,
    "perp_share": 0.03,
    "base_share": 0.025,
    "option_share": 0.015,
    "im_factor": 1.25,
    "static_discount": 0.95,
    "rate_mult": 1.0,
    "rate_add": 0.12,
    "vol_up": 0.5,
    "vol_down": 0.275,
    "short_power": 0.3,
    "long_power": 0.13,
    "dte_floor_days": 1.0,
}
STANDARD = {
    "im_perp": 0.066,
    "mm_perp": 0.05,
    "most": 0.15,
    "least": 0.13,
    "mm_call": 0.09,
    "mm_put": 0.09,
    "mm_put_value": 0.09,
    "unpaired_im": 1.2,
    "unpaired_mm": 1.1,
    "offset": 1.05,
    "perp_threshold": 0.55,
    "option_threshold": 0.6,
    "base_threshold": 0.5,
    "oracle": 0.9,
    "margin_factor": 0.8,
    "im_scale": 0.9375,
    "depeg_threshold": 0.99,
    "depeg_factor": 2.0,
}


def _items(coin: str, shift_ms: int = 0) -> list[Instrument]:
    terms = {"underlying": coin, "settle": "USDC"}
    items = [delta_one("derive", f"{coin}-PERP", **terms), asset("derive", coin)]
    for k, life in enumerate([20 * 60_000, *books.lives(0.5, 1.0, 10.0, 30.0, 31.0, 200.0)]):
        for strike in books.strikes(SPOT[coin]):
            for right in (1, -1):
                name = f"{coin}-{k}-{strike:g}-{'C' if right > 0 else 'P'}"
                expiry_ms = NOW_MS + life + shift_ms
                items.append(option("derive", name, right, strike, expiry_ms, **terms))
    return items


def _doubts(
    rng: Random, trust: str, items: Sequence[Instrument], coins: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Confidences of every feed, forwards by coin and expiry."""

    def drawn() -> float:
        return 1.0 if trust == "full" else rng.choice([1.0, 1.0, 0.8, 0.549, 0.3])

    dated = sorted({f"{i.underlying}@{i.expiry_ms}" for i in items if i.right})
    return {
        "spot_confidence": {coin: max(drawn(), 0.5) for coin in coins},
        "perp_confidence": {coin: drawn() for coin in coins},
        "vol_confidence": {i.native_id: drawn() for i in items if i.right},
        "forward_confidence": {name: drawn() for name in dated},
        "rate_confidence": {name: drawn() for name in dated},
    }


def _legs(
    table: books.Market, rows: Sequence[tuple[str, float]], doubts: Mapping[str, float]
) -> list[Leg]:
    return [
        Leg(**{**leg.__dict__, "confidence": doubts.get(leg.name, 1.0)}) for leg in table.held(rows)
    ]


@pytest.mark.parametrize("trust", ["full", "poor"])
@pytest.mark.parametrize("stable", [1.0003, 0.984])
def test_first_portfolio_manager(trust: str, stable: float) -> None:
    rng = Random(f"derive 1 {trust} {stable}")
    items = [*_items("ETH"), asset("derive", "USDC")]
    reads = _doubts(rng, trust, items, ["ETH"])
    table = books.market(
        rng,
        items,
        NOW_MS,
        SPOT,
        usd={"USDC": stable},
        reads=reads,
        settling=True,
        negative_rates=True,
    )
    plain = {name: value * rng.uniform(0.9, 1.05) for name, value in PLAIN.items()}
    plain["basis_up"], plain["basis_down"] = 1.045, 0.955
    scenarios = [(1.18, "up")]
    for step in (3, 2, 1, 0, -1, -2, -3):
        scenarios += [(1.0 + 0.045 * step, vol) for vol in ("up", "none", "down")]
    values = {"market": {"ETH": market_values(plain, scenarios)}}
    parameters = from_values("derive-pm1", "test", values, "test")
    names = [name for name in table.legs if name not in ("USDC", "ETH")]
    held = named_books(books.books(rng, table, names, COUNT // 4, 14))
    perp = table.legs["ETH-PERP"]
    entries, given, accounts = {}, {}, {}
    for account, rows in held.items():
        legs = _legs(table, rows, reads["vol_confidence"])
        size = sum(leg.quantity for leg in legs if leg.kind == "perpetual")
        value = size * rng.uniform(-60.0, 60.0)
        if size != 0.0:
            entries[account, "ETH-PERP"] = perp.mark - value / size
        cash = rng.uniform(-5e4, 5e4)
        base = rng.uniform(0.0, 30.0) if rng.random() < 0.5 else 0.0
        given[account] = [*rows, ("USDC", cash), ("ETH", base)]
        options = tuple(leg for leg in legs if leg.kind == "option")
        accounts[account] = derive_pm1.Account(cash, options, size, value, base)
    market = Market(
        SPOT["ETH"],
        perp.mark,
        stable,
        reads["spot_confidence"]["ETH"],
        reads["perp_confidence"]["ETH"],
        {int(k.partition("@")[2]): v for k, v in reads["forward_confidence"].items()},
        {int(k.partition("@")[2]): v for k, v in reads["rate_confidence"].items()},
    )
    found = run_book(table, given, "derive-pm1", parameters, entries=entries)
    rows_of, vectors = rows_by_account(found), vectors_of(found, 0)
    for k, account in enumerate(held):
        theirs = derive_pm1.margin(accounts[account], market, scenarios, plain)
        gross, need = float(theirs["gross"]), float(theirs["im_required"])
        for level in ("im", "mm"):
            ours = float(found.sheet[level][rows_of[k]])
            assert is_close(ours, theirs[f"{level}_required"], need, gross), (account, level)
            counted = float(found.sheet[f"counted_{level}"][rows_of[k]])
            assert is_close(counted, theirs["mtm"], need, gross), (account, level)
        for s, number in enumerate(theirs["scenario_pnl"]):
            assert is_close(float(vectors[k][s]), number, need, gross), (account, "scenario", s)
        candidates = [*theirs["scenario_pnl"], theirs["basis"]]
        least = min(candidates)
        worst = int(found.scenario[rows_of[k]])
        assert candidates[worst] <= least + TIE * abs(least) + 1e-13 * gross, (account, "worst")


@pytest.mark.parametrize("trust", ["full", "poor"])
@pytest.mark.parametrize("stable", [1.0003, 0.984])
def test_standard_manager(trust: str, stable: float) -> None:
    """Two coins in one account; their expiries are an hour apart, as a forward has one coin."""
    rng = Random(f"derive standard {trust} {stable}")
    items = [*_items("ETH"), *_items("BTC", 3_600_000), asset("derive", "USDC")]
    reads = _doubts(rng, trust, items, ["ETH", "BTC"])
    table = books.market(rng, items, NOW_MS, SPOT, usd={"USDC": stable}, reads=reads, settling=True)
    params = {
        coin: {name: value * rng.uniform(0.9, 1.05) for name, value in STANDARD.items()}
        for coin in ("ETH", "BTC")
    }
    for plain in params.values():
        plain["depeg_threshold"], plain["depeg_factor"] = 0.99, 2.0
    names = [name for name in table.legs if name not in ("USDC", "ETH", "BTC")]
    few = [name for name in names if name.startswith(("ETH-3-", "BTC-5-")) or "PERP" in name]
    held = named_books(
        books.books(rng, table, names, COUNT // 4, 16) + books.books(rng, table, few, COUNT // 4)
    )
    entries, given, accounts = {}, {}, {}
    for account, rows in held.items():
        legs = _legs(table, rows, reads["vol_confidence"])
        perps = {}
        for leg in legs:
            if leg.kind == "perpetual":
                value = leg.quantity * rng.uniform(-60.0, 60.0)
                entries[account, leg.name] = leg.mark - value / leg.quantity
                perps[leg.underlying] = derive_sm.Perp(leg.quantity, value)
        cash = rng.uniform(-5e4, 5e4)
        base = {coin: rng.choice([0.0, rng.uniform(0.0, 30.0)]) for coin in params}
        given[account] = [*rows, ("USDC", cash), *base.items()]
        options = tuple(leg for leg in legs if leg.kind == "option")
        accounts[account] = derive_sm.Account(cash, options, perps, base)
    markets = {
        coin: derive_sm.Market(
            SPOT[coin],
            table.legs[f"{coin}-PERP"].mark,
            reads["spot_confidence"][coin],
            reads["perp_confidence"][coin],
            {
                int(name.partition("@")[2]): sure
                for name, sure in reads["forward_confidence"].items()
                if name.startswith(coin)
            },
        )
        for coin in params
    }
    found = run_book(table, given, "derive-sm", parameters_of(params), entries=entries)
    rows_of = rows_by_account(found)
    bounded = 0
    for k, account in enumerate(held):
        theirs = derive_sm.margin(accounts[account], markets, stable, params)
        sheet = {
            c.name: float(v[rows_of[k]])
            for c, v in zip(found.sheet.columns, found.sheet.values, strict=True)
        }
        for level in ("im", "mm"):
            ours = sheet[f"counted_{level}"] - sheet[level]
            assert is_close(ours, theirs[level], sheet["im"], theirs["gross"]), (account, level)
        assert is_close(sheet["equity"], theirs["mtm"], sheet["im"], theirs["gross"]), account
        bounded += theirs["bounded"] > 0.0
    assert bounded > COUNT // 20  # the maximum loss is the lesser charge of some expiry
