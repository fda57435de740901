"""A synthetic BTC chain of about 700 contracts at one venue, and populations of accounts on it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import frozen
from crossmargin.core.clock import DAY_MS, YEAR_MS, utc_ms
from crossmargin.instruments.book import Book
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.instruments.symbology import asset, format_id
from crossmargin.margin import ALL_MODELS, model_named
from crossmargin.market.view import View
from crossmargin.pricing.revalue import black_value

__all__ = [
    "NOT_TIMED",
    "VENUE_OF_MODEL",
    "chain",
    "chain_of",
    "positions",
    "quantities",
    "view_of",
]

AS_OF_MS = utc_ms(2026, 12, 1, 12)
INDEX_USD = 64_000.0
STABLE_USD = 0.9998
CARRY_ANNUAL = 0.04
# Days from the first 08:00 after the market's time to each expiry: dailies, weeklies, quarters.
EXPIRIES_DAYS = (0, 1, 2, 9, 16, 23, 37, 65, 93, 121, 177, 205)
STRIKES = 29
COIN_SETTLED = ("deribit", "okx")
# Stablecoins in which a venue quotes perpetuals beside the coin-settled one.
STABLE_QUOTES = {"okx": ("USDT", "USDC")}
DERIVATIVES = (Kind.PERPETUAL, Kind.FUTURE, Kind.OPTION)
NOT_TIMED = {
    "thalex-pm": "refuses without the venue's grid",
    "aevo-pm": "has numbers of ETH alone, and this is a chain of BTC",
    "aevo-sm": "takes options alone, and this is a chain with a perpetual",
    "binance-options": "takes options alone",
    "bit-sm": "takes options alone",
    "kraken-options-pm": "has no formula",
    "bybit-sm": "takes options alone",
    "gate-sm": "refuses without the venue's shares",
    "binance-usdm": "refuses without the venue's brackets",
    "binance-pm": "refuses without the venue's rates and brackets",
    "gmx-v2": "refuses without the market's factors",
    "hyperliquid": "takes no options",
    "hyperliquid-pm": "takes no options",
    "coinbase-intl": "takes no options",
    "dydx-v4": "takes no options",
    "drift-v2": "refuses without the venue's numbers",
    "opyn-gamma": "takes options alone",
    "synthetix-v3": "refuses without the venue's numbers",
    "mango-v4": "refuses without the venue's numbers",
    "vertex": "refuses without the venue's numbers",
    "zeta": "refuses without the venue's numbers",
    "sensitivities-crif": "takes lines of sensitivities, and this is a chain of contracts",
    "aave-v3": "takes collateral and debts alone",
    "compound-v3": "takes collateral and debts alone",
    "maker": "takes collateral and debts alone",
    "liquity-v1": "takes collateral and debts alone",
    "liquity-v2": "takes collateral and debts alone",
    "euler-v2": "takes collateral and debts alone",
    "morpho-blue": "takes collateral and debts alone",
    "gearbox-v3": "takes collateral and debts alone",
    "kamino": "takes collateral and debts alone",
    "marginfi": "takes collateral and debts alone",
    "var-historical": "needs a history, and this is a market of one moment",
    "es-historical": "needs a history, and this is a market of one moment",
    "var-filtered": "needs a history, and this is a market of one moment",
    "es-filtered": "needs a history, and this is a market of one moment",
    "var-montecarlo": "revalues each account in ten thousand draws: W6 times that",
    "es-montecarlo": "revalues each account in ten thousand draws: W6 times that",
}
VENUE_OF_MODEL = {
    model.spec.name: model.spec.venue or "deribit"
    for model in ALL_MODELS
    if model.spec.name not in NOT_TIMED
}
# Quote and settlement of the linear contracts of a venue; elsewhere USD and USDC.
_LINEAR = {"bybit": ("USDC", "USDC"), "bit": ("USDT", "USDT"), "gate": ("USDT", "USDT")}
_LINEAR["grvt"] = ("USD", "USDT")


def chain_of(model: str) -> Instruments:
    """The rows of its venue's chain that a model takes."""
    kinds = model_named(model).spec.kinds
    return Instruments.of(i for i in chain(VENUE_OF_MODEL[model]).items if i.kind in kinds)


def chain(venue: str) -> Instruments:
    """Balances, a perpetual, dated futures where the venue's models take them, and options."""
    inverse = venue in COIN_SETTLED
    quote, settle = ("USD", "BTC") if inverse else _LINEAR.get(venue, ("USD", "USDC"))
    base = Instrument(venue, "", Kind.PERPETUAL, "BTC", quote, settle, inverse)
    items = [base]
    stables = STABLE_QUOTES.get(venue, ())
    items += [replace(base, quote=name, settle=name, inverse=False) for name in stables]
    first = AS_OF_MS - AS_OF_MS % DAY_MS + DAY_MS + 8 * 3_600_000
    for days in EXPIRIES_DAYS:
        expiry_ms = first + days * DAY_MS
        if inverse:
            items.append(replace(base, kind=Kind.FUTURE, expiry_ms=expiry_ms))
        for strike in _strikes(expiry_ms):
            for right in (1, -1):
                option = replace(base, kind=Kind.OPTION, right=right, strike=strike)
                items.append(replace(option, expiry_ms=expiry_ms))
    named = [replace(item, native_id=format_id(venue, item)) for item in items]
    return Instruments.of([*(asset(venue, name) for name in (settle, *stables)), *named])


def _strikes(expiry_ms: int) -> list[float]:
    """Rising strikes around the index, wider for a longer life."""
    years = (expiry_ms - AS_OF_MS) / YEAR_MS
    reach = min(max(4.0 * 0.6 * np.sqrt(years), 0.1), 1.2)
    moneyness = np.linspace(-0.8 * reach, reach, STRIKES)
    step = 500.0 if reach < 0.5 else 1000.0
    first = round(INDEX_USD * float(np.exp(moneyness[0])) / step)
    grid = np.round(INDEX_USD * np.exp(moneyness) / step).astype(np.int64)
    rising = np.maximum.accumulate(np.maximum(grid - np.arange(STRIKES), first))
    return [float(k * step) for k in rising + np.arange(STRIKES)]


def view_of(table: Instruments) -> View:
    """The chain's market: a parabola of volatility in log-moneyness, marks at the model."""
    life = np.array([key[3] - AS_OF_MS for key in table.expiries], np.int64)
    years = life / YEAR_MS
    forward = INDEX_USD * np.exp(CARRY_ANNUAL * years)
    option = table.kind == Kind.OPTION
    own_forward = np.where(table.expiry >= 0, forward[table.expiry], INDEX_USD * 1.0004)
    own_years = np.where(table.expiry >= 0, years[table.expiry], 0.0)
    strike = np.where(option, table.strike, own_forward)
    k = np.log(strike / own_forward) / np.sqrt(np.maximum(own_years, 0.02))
    vol = np.where(option, np.clip(0.55 - 0.04 * k + 0.05 * k * k, 0.3, 2.0), 0.0)
    right = np.where(option, table.right, 1).astype(np.float64)
    value = black_value(own_forward, strike, vol * np.sqrt(own_years), right)
    unit = np.where(table.inverse, own_forward, 1.0)
    derivative = np.isin(table.kind, [int(kind) for kind in DERIVATIVES])
    mark = np.where(option, value / unit, np.where(derivative, own_forward, 0.0))
    usd = {"BTC": INDEX_USD, "USD": 1.0, "USDC": STABLE_USD, "USDT": 1.0002}
    pairs = {"BTC": INDEX_USD}
    perpetuals = [item for item in table.items if item.kind == Kind.PERPETUAL]
    funding = {f"{item.venue}|{item.native_id}": 0.0001 for item in perpetuals}
    none = frozen(np.zeros(len(table)), np.float64)
    no = frozen(np.zeros(len(table), np.bool_), np.bool_)
    return View(
        instruments=table,
        as_of_ms=AS_OF_MS,
        index=frozen([pairs.get(pair[0], 1.0) for pair in table.pairs], np.float64),
        usd=frozen([usd[name] for name in table.names], np.float64),
        forward=frozen(forward, np.float64),
        forward_settled=frozen(np.zeros(len(life)), np.float64),
        rate=frozen(np.full(len(life), 0.03), np.float64),
        life_ms=frozen(life, np.int64),
        mark=frozen(mark, np.float64),
        vol=frozen(vol, np.float64),
        bid=none,
        ask=none,
        has_bid=no,
        has_ask=no,
        ok=frozen(np.ones(len(table), np.bool_), np.bool_),
        reads={"funding_8h": funding},
    )


def positions(
    rng: np.random.Generator, accounts: int, held: int, instruments: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """Row offsets and columns of accounts that hold ``held`` distinct instruments each.

    A few instruments are popular: ranks are squared uniforms, dealt to columns at random.
    """
    span = instruments - held + 1
    rank = (rng.random((accounts, held), dtype=np.float32) ** 2 * np.float32(span)).astype(np.int32)
    np.minimum(rank, span - 1, out=rank)
    rank.sort(axis=1)
    rank += np.arange(held, dtype=np.int32)
    column = rng.permutation(instruments).astype(np.int32)[rank]
    column.sort(axis=1)
    return np.arange(0, accounts * held + 1, held, dtype=np.int64), column.ravel()


def quantities(
    rng: np.random.Generator, table: Instruments, column: npt.NDArray[np.int32]
) -> npt.NDArray[np.float64]:
    """Signed sizes: some contracts of an option, dollars of an inverse future, cash enough."""
    size = np.ones(len(table))
    delta_one = np.isin(table.kind, [int(Kind.PERPETUAL), int(Kind.FUTURE)])
    size[delta_one & table.inverse] = INDEX_USD
    amount = rng.standard_normal(column.size)
    amount *= size[column]
    cash = table.kind == Kind.ASSET
    amount[cash[column]] = 50.0 if table.inverse.any() else 50.0 * INDEX_USD
    return amount


def population(
    model: str, accounts: int, held: int, seed: int = 11
) -> tuple[Book, View, dict[str, Any]]:
    """A book of ``accounts`` and the market of its chain; facts about them for the report."""
    rng = np.random.default_rng(seed)
    table = chain_of(model)
    row, column = positions(rng, accounts, held, len(table))
    book = Book.of_arrays(table, row, column, quantities(rng, table, column))
    facts = {"accounts": accounts, "positions": held, "instruments": len(table)}
    return book, view_of(table), facts
