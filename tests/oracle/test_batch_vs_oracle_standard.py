"""Random books under the models without scenarios: the batch engine against scalar arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest

from crossmargin.core.arrays import frozen
from crossmargin.instruments.book import Book, Line, Order
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.margin import Parameters, Requirement, model_named, run
from crossmargin.margin.parameter_files import available, from_values
from tests.vectors.building import Dated, Facts, Quote, asset, option, view_of

from . import binance_pm, standard_options, tiers
from .types import DAY_MS

NOW_MS = 1_770_709_020_000
SPOT = {"BTC": 68_000.0, "ETH": 2_050.0}
BOOKS = 300
Holdings = dict[str, tuple[float, float | None]]  # native id -> quantity, entry price
PREMIUMS = ("premium_multiplier", "long_itm", "short_itm", "short_otm", "short_put_cap")


def margined(
    model: str,
    parameters: Parameters,
    table: Instruments,
    books: list[Holdings],
    marks: dict[str, float],
    *,
    orders: list[Order] | None = None,
    leverage: list[float] | None = None,
) -> Requirement:
    """One account a book."""
    place = {item.native_id: k for k, item in enumerate(table.items)}
    names = tuple(f"a{k:03d}" for k in range(len(books)))
    lines = [
        Line(name, place[held], size, entry)
        for name, book in zip(names, books, strict=True)
        for held, (size, entry) in book.items()
    ]
    usd = {**SPOT, "USD": 1.0, "USDC": 1.0, "USDT": 1.0}
    facts = Facts(
        NOW_MS,
        {pair: usd[pair[0]] for pair in table.pairs},
        usd,
        {key[3]: Dated(usd[key[0]], key[3] - NOW_MS) for key in table.expiries},
        {name: Quote(mark, 0.5) for name, mark in marks.items()},
    )
    book = Book.of(table, lines, orders or [], accounts=names)
    if leverage is not None:
        book = replace(book, choices={"leverage": frozen(leverage, np.float64)})
    found = run(book, view_of(table, facts), model_named(model), parameters)
    assert found.failures == ()
    assert len(found.sheet) == len(books)
    return found


def chain(venue: str, quote: str) -> tuple[Instruments, dict[str, float]]:
    """Options of two coins from far in to far out of the money, and their marks."""
    rng = Random(f"chain {venue}")
    items, marks = [], {}
    when = NOW_MS + 30 * DAY_MS
    for coin, spot in SPOT.items():
        for share in (0.2, 0.6, 0.85, 0.95, 1.0, 1.04, 1.12, 1.5, 3.0):
            for right in (1, -1):
                strike = float(round(spot * share))
                name = f"{coin}-{strike:g}-{right}"
                terms = {"underlying": coin, "quote": quote, "settle": "USDC"}
                items.append(option(venue, name, right, strike, when, **terms))
                inner = max(right * (spot - strike), 0.0)
                marks[name] = inner + spot * rng.uniform(0.0001, 0.08)
    return Instruments.of(items), marks


def perps(venue: str, quote: str) -> tuple[Instruments, dict[str, float]]:
    """A perpetual of each coin, a little over its spot."""
    items = [Instrument(venue, f"{c}-P", Kind.PERPETUAL, c, quote, "USDC") for c in SPOT]
    return Instruments.of(items), {f"{c}-P": spot * 1.001 for c, spot in SPOT.items()}


def drawn(rng: Random, table: Instruments) -> list[Holdings]:
    """Books of up to eight positions whose sizes range over five decades."""
    out: list[Holdings] = []
    for _ in range(BOOKS):
        scale = 10.0 ** rng.uniform(-2.0, 3.0)
        picked = rng.sample(range(len(table)), rng.randint(1, min(len(table), 8)))
        sizes = {k: scale * rng.uniform(0.1, 3.0) * rng.choice([-1.0, 1.0]) for k in picked}
        out.append({table.items[k].native_id: (size, None) for k, size in sizes.items()})
    return out


def resting(rng: Random, table: Instruments, marks: dict[str, float]) -> list[Order]:
    """Up to four orders in every second account, some better and some worse than the mark."""
    out = []
    for k in range(0, BOOKS, 2):
        for _ in range(rng.randint(1, 4)):
            column = rng.randrange(len(table))
            limit = marks[table.items[column].native_id] * rng.uniform(0.95, 1.05)
            size = 10.0 ** rng.uniform(-2.0, 3.0)
            out.append(Order(f"a{k:03d}", column, rng.choice([1, -1]), size, limit))
    return out


def open_of(
    orders: list[Order], account: int, column: int, size: float, mark: float
) -> tuple[tuple[float, float], float]:
    """Open sizes of a market and the open loss of its orders."""
    own = [o for o in orders if o.account == f"a{account:03d}" and o.column == column]
    sides = tiers.open_sizes(size, [o.side * o.remaining for o in own])
    return sides, sum(max(o.side * o.remaining * (o.limit_price - mark), 0.0) for o in own)


# ---------------------------------------------------------------- short options

_BY_COIN = {"im_itm_share": 0.15, "im_least_share": 0.10, "mm_share": 0.075}
_BYBIT = {
    "im_itm_share": 0.15,
    "im_least_share": 0.10,
    "mm_share": 0.03,
    "liquidation_fee": 0.002,
}
_GATE = {"im_ratio_1": 0.10, "im_ratio_2": 0.15, "mm_ratio_1": 0.07, "mm_ratio_2": 0.08}
_EAPI = {
    "initial_margin": 0.15,
    "min_initial_margin": 0.10,
    "maintenance_margin": 0.075,
    "min_maintenance_margin": 0.05,
}
SHORTS: dict[str, tuple[Callable[..., Any], dict[str, float], dict[str, Any]]] = {
    "bit-sm": (
        standard_options.floored,
        {"share": 0.15, "least": 0.10, "mm": 0.075},
        dict.fromkeys(SPOT, _BY_COIN),
    ),
    "aevo-sm": (
        standard_options.floored,
        {"share": 0.17, "least": 0.11, "mm": 0.09},
        {"im_itm_share": 0.17, "im_least_share": 0.11, "mm_share": 0.09},
    ),
    "bybit-sm": (
        standard_options.with_fee,
        {"share": 0.15, "least": 0.10, "mm": 0.03, "fee": 0.002},
        dict.fromkeys(SPOT, _BYBIT),
    ),
    "binance-options": (
        standard_options.sloped,
        {"share": 0.15, "least": 0.10, "mm": 0.075, "mm_least": 0.05},
        _EAPI,
    ),
    "gate-sm": (
        standard_options.classic,
        {"im_1": 0.10, "im_2": 0.15, "mm_1": 0.07, "mm_2": 0.08},
        dict.fromkeys(SPOT, _GATE),
    ),
}


@pytest.mark.parametrize("model", SHORTS)
def test_short_options(model: str) -> None:
    form, shares, values = SHORTS[model]
    table, marks = chain(model.split("-", maxsplit=1)[0], "USDC")
    items = {item.native_id: item for item in table.items}
    books = drawn(Random(model), table)
    parameters = from_values(model, "1", {"option": values}, "test")
    found = margined(model, parameters, table, books, marks)
    for k, book in enumerate(books):
        wanted = [0.0, 0.0]
        for name, (size, _) in book.items():
            item = items[name]
            each = form(item.right, item.strike, SPOT[item.underlying], marks[name], shares)
            for level in (0, 1):
                wanted[level] += max(-size, 0.0) * each[level]
        ours = found.sheet["im"][k], found.sheet["mm"][k]
        assert ours == pytest.approx(wanted, rel=1e-12), (k, book)


# ---------------------------------------------------------------- tiers


def bracket_rows(rng: Random, unit: float = 1.0) -> list[list[float]]:
    """Four brackets in rising order: lower, cap, rate, leverage, deduction."""
    edges = [0.0, *sorted(10.0 ** rng.uniform(3.0, 8.0) / unit for _ in range(3)), 1e15]
    rates = sorted(rng.uniform(0.003, 0.2) for _ in range(4))
    rows, less = [], 0.0
    for k, rate in enumerate(rates):
        less += edges[k] * (rate - rates[k - 1]) if k else 0.0
        rows.append([edges[k], edges[k + 1], rate, max(0.5 / rate, 1.0), less])
    return rows


@pytest.mark.parametrize("model", ["binance-usdm", "hyperliquid"])
def test_tiers(model: str) -> None:
    rng = Random(model)
    table, marks = perps(model.split("-", maxsplit=1)[0], "USD")
    rows = {coin: bracket_rows(rng) for coin in SPOT}
    values: dict[str, Any] = {"tier": {f"{coin}_USDC": rows[coin] for coin in SPOT}}
    if model == "hyperliquid":
        values = {"asset": {c: {"tiers": [[r[0], 0.5 / r[2]] for r in rows[c]]} for c in SPOT}}
    leverage_of = {c: [(r[0], r[2], max(0.5 / r[2], 1.0)) for r in rows[c]] for c in SPOT}
    books, orders = drawn(rng, table), resting(rng, table, marks)
    chosen = [rng.choice([0.0, 1.0, 7.5, 200.0]) for _ in books]
    parameters = from_values(model, "1", values, "test")
    found = margined(model, parameters, table, books, marks, orders=orders, leverage=chosen)
    for k, book in enumerate(books):
        im = mm = 0.0
        for column, item in enumerate(table.items):
            mark, plain = marks[item.native_id], leverage_of[item.underlying]
            size = book.get(item.native_id, (0.0, None))[0]
            sides, loss = open_of(orders, k, column, size, mark)
            mm += tiers.maintenance(abs(size) * mark, plain)
            im += tiers.initial(max(sides) * mark, plain, chosen[k]) + loss
        assert found.sheet["im"][k] == pytest.approx(im, rel=1e-11), (k, book)
        assert found.sheet["mm"][k] == pytest.approx(mm, rel=1e-9), (k, book)


# ---------------------------------------------------------------- uniMMR

COINS = list(SPOT)
PRICE = {"USDT": 1.0, **SPOT}
RATES = {"USDT": 0.999, "BTC": 0.95, "ETH": 0.9}


def uni_table() -> Instruments:
    money = [asset("binance", name) for name in PRICE]
    loans = [Instrument("binance", f"loan {c}", Kind.DEBT, c, "USD", c) for c in COINS]
    perp = Kind.PERPETUAL
    linear = [Instrument("binance", f"{c}USDT", perp, c, "USDT", "USDT") for c in COINS]
    turned = [Instrument("binance", f"{c}USD_PERP", perp, c, "USD", c, True, 100.0) for c in COINS]
    return Instruments.of([*money, *loans, *linear, *turned])


def uni_books(rng: Random) -> list[Holdings]:
    books = []
    for _ in range(BOOKS):
        scale = 10.0 ** rng.uniform(-1.0, 2.0)
        book: Holdings = {
            name: (rng.uniform(-0.3, 1.0) * scale * 1e5 / PRICE[name], None) for name in PRICE
        }
        for c in COINS:
            if rng.random() < 0.5:
                book[f"loan {c}"] = (-rng.uniform(0.0, 1.0) * scale * 3e4 / PRICE[c], None)
            if rng.random() < 0.7:
                entry = SPOT[c] * rng.uniform(0.8, 1.2)
                book[f"{c}USDT"] = (rng.uniform(-2.0, 2.0) * scale * 1e5 / PRICE[c], entry)
            if rng.random() < 0.7:
                entry = SPOT[c] * rng.uniform(0.8, 1.2)
                book[f"{c}USD_PERP"] = (1.0 + round(rng.uniform(-2.0, 2.0) * scale * 1e3), entry)
        books.append(book)
    return books


def uni_account(
    book: Holdings, marks: dict[str, float], rows: dict[str, list[list[float]]]
) -> binance_pm.Account:
    profit, charge = [], []
    for c in COINS:
        size, entry = book.get(f"{c}USDT", (0.0, None))
        mark = marks[f"{c}USDT"]
        if entry:
            profit.append(("USDT", size * (mark - entry)))
            charge.append(("USDT", binance_pm.bracket_mm(abs(size) * mark, rows[f"{c}_USDT"])))
        size, entry = book.get(f"{c}USD_PERP", (0.0, None))
        mark = marks[f"{c}USD_PERP"]
        if entry:
            profit.append((c, size * 100.0 * (1.0 / entry - 1.0 / mark)))
            charge.append((c, binance_pm.bracket_mm(abs(size) * 100.0 / mark, rows[f"{c}_{c}"])))
    balance = {name: book[name][0] for name in PRICE}
    loan = {c: -book.get(f"loan {c}", (0.0, None))[0] for c in COINS}
    return binance_pm.Account(PRICE, RATES, balance, loan, 0.08, profit, charge)


def test_uni_mmr() -> None:
    rng = Random("uni")
    units = {"BTC_USDT": 1.0, "ETH_USDT": 1.0, "BTC_BTC": SPOT["BTC"], "ETH_ETH": SPOT["ETH"]}
    rows = {name: bracket_rows(rng, unit) for name, unit in units.items()}
    values = {
        "general": {"loan_mm_share": 0.08, "open_loss_share": 1.0},
        "collateral": {name: {"rate": rate} for name, rate in RATES.items()},
        "tier": rows,
    }
    marks = {f"{c}USDT": SPOT[c] * 1.01 for c in COINS}
    marks |= {f"{c}USD_PERP": SPOT[c] * 0.99 for c in COINS}
    books = uni_books(rng)
    parameters = from_values("binance-pm", "1", values, "test")
    found = margined("binance-pm", parameters, uni_table(), books, marks)
    for k, book in enumerate(books):
        theirs = binance_pm.uni_mmr(uni_account(book, marks, rows))
        gross = sum(abs(size) * PRICE.get(name, 1e5) for name, (size, _) in book.items())
        near = pytest.approx(theirs["adjusted_equity"], rel=1e-10, abs=1e-13 * gross)
        assert found.sheet["counted_mm"][k] == near, k
        assert found.sheet["mm"][k] == pytest.approx(theirs["mm"], rel=1e-9), k


# ---------------------------------------------------------------- Paradex


def test_paradex_cross() -> None:
    """Options and perpetuals of two coins, orders on both sides, fees."""
    rng = Random("paradex")
    options, marks = chain("paradex", "USD")
    futures, more = perps("paradex", "USD")
    table, marks = Instruments.of([*options.items, *futures.items]), {**marks, **more}
    base = available("paradex-xm")[-1]
    books, orders = drawn(rng, table), resting(rng, table, marks)
    found = margined("paradex-xm", base, table, books, marks, orders=orders)
    perp_fee, fee, cap = (
        base.number(f"general.{name}")
        for name in ("perp_taker_fee", "option_taker_fee", "option_fee_cap")
    )

    def charge(item: Instrument, size: float, level: str) -> float:
        coin, mark, spot = item.underlying, marks[item.native_id], SPOT[item.underlying]
        if item.kind is Kind.PERPETUAL:
            imf = base.number(f"perpetual.{coin}.imf") * (0.5 if level == "mm" else 1.0)
            return abs(size) * mark * (imf + perp_fee)
        shares = {name: base.number(f"option.{coin}.{level}_{name}") for name in PREMIUMS}
        terms = item.right, item.strike, spot, mark, size > 0.0
        return abs(size) * (standard_options.paradex(*terms, shares) + min(fee * spot, cap * mark))

    for k, book in enumerate(books):
        im = mm = 0.0
        for column, item in enumerate(table.items):
            size = book.get(item.native_id, (0.0, None))[0]
            sides, loss = open_of(orders, k, column, size, marks[item.native_id])
            mm += charge(item, size, "mm")
            im += max(charge(item, sides[0], "im"), charge(item, -sides[1], "im")) + loss
        assert found.sheet["im"][k] == pytest.approx(im, rel=1e-11), k
        assert found.sheet["mm"][k] == pytest.approx(mm, rel=1e-11), k
