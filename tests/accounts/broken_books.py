"""Small accounts that broke their margin, on markets made by hand, for the tests of liquidation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from crossmargin.accounts.liquidation_engine import HouseLiquidation, HouseOutcome
from crossmargin.accounts.liquidation_order import Terms
from crossmargin.core.arrays import frozen
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instruments
from crossmargin.instruments.symbology import asset
from crossmargin.margin import model_named, parameters_for
from crossmargin.market.view import View
from tests.vectors.building import Facts, Quote, delta_one, view_of

START_MS = 1_790_000_000_000
MARKS = {"BTC": 50_000.0, "ETH": 2_500.0, "SOL": 100.0}
# Perpetuals lose a fixed part of their value, whoever quotes: nobody does.
NO_COST = {"cost.fee_share": 0.0, "cost.penalty_share": 0.0, "cost.unquoted_future": 0.0}


def perpetuals(
    cash: float,
    held: Mapping[str, float],
    marks: Mapping[str, float] = MARKS,
    *,
    settle: Mapping[str, str] | None = None,
    order: Sequence[int] | None = None,
    usdc: float = 1.0,
) -> tuple[Book, View]:
    """Linear perpetuals and balances of the money that settles them, as one account and market."""
    pays = {coin: (settle or {}).get(coin, "USDC") for coin in marks}
    names = sorted(set(pays.values()))
    items = [asset("paradex", name) for name in names]
    items += [
        delta_one("paradex", f"{coin}-PERP", underlying=coin, quote="USD", settle=pays[coin])
        for coin in marks
    ]
    table = Instruments.of(items)
    place = {item.native_id: k for k, item in enumerate(table.items)}
    lines = [Line("a", place[name], cash) for name in names]
    lines += [Line("a", place[f"{coin}-PERP"], size) for coin, size in held.items()]
    if order is not None:
        lines = [lines[k] for k in sorted(range(len(lines)), key=lambda k: order[k % len(order)])]
    return Book.of(table, lines), market_of(table, marks, usdc)


def market_of(
    table: Instruments, marks: Mapping[str, float], usdc: float = 1.0, at_ms: int = START_MS
) -> View:
    """The market of these marks; nobody quotes."""
    money = {item.settle: 1.0 for item in table.items} | {"USDC": usdc, "USD": 1.0}
    facts = Facts(
        at_ms,
        {(coin, "USD"): price for coin, price in marks.items()},
        money | dict(marks),
        quotes={f"{coin}-PERP": Quote(price) for coin, price in marks.items()},
    )
    return view_of(table, facts)


def quoted(view: View, spread: float) -> View:
    """The same market with quotes at a share around every mark."""
    all_of_it = frozen(np.ones(len(view.mark)), np.bool_)
    return replace(
        view,
        bid=frozen(view.mark * (1.0 - spread), np.float64),
        ask=frozen(view.mark * (1.0 + spread), np.float64),
        has_bid=all_of_it,
        has_ask=all_of_it,
    )


def house(model: str = "fixed-rate", **options: object) -> HouseLiquidation:
    """A house under a model; ``terms`` are changes by dotted name, ``lots`` by contract."""
    rules = model_named(model)
    terms = Terms.as_of(START_MS, options.pop("terms", None), options.pop("lots", None))  # type: ignore[arg-type]
    changes = options.pop("changes", None)
    parameters = parameters_for(rules, START_MS, changes)  # type: ignore[arg-type]
    return HouseLiquidation(rules, parameters, terms, **options)  # type: ignore[arg-type]


def liquidated(
    book: Book, view: View, model: str = "fixed-rate", **options: object
) -> HouseOutcome:
    """The account liquidated in a market that stands still."""
    return house(model, **options).run(book, lambda _: view, START_MS)


def sizes(book: Book) -> dict[str, float]:
    """Native id to quantity."""
    items = book.instruments.items
    pairs = zip(book.column.tolist(), book.quantity.tolist(), strict=True)
    return {items[column].native_id: quantity for column, quantity in pairs}
