"""Accounts of coins under our historical value-at-risk model, through the run of every model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from crossmargin.core.arrays import Floats, frozen
from crossmargin.core.clock import parse_ms
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.margin.models.value_at_risk import VAR_HISTORICAL
from crossmargin.margin.run import parameters_for, run
from crossmargin.market.history import History
from crossmargin.market.view import View

__all__ = ["histories", "requirements"]


def histories(dates: Sequence[str], prices: Mapping[str, Floats]) -> dict[str, History]:
    """Daily prices as a market holds them."""
    times = frozen([parse_ms(f"{day}T00:00:00Z") for day in dates], np.int64)
    none, never = frozen(np.zeros(0), np.float64), frozen(np.zeros(0), np.int64)
    return {
        coin: History(coin, times, frozen(series, np.float64), never, none)
        for coin, series in prices.items()
    }


def requirements(
    dates: Sequence[str],
    prices: Mapping[str, Floats],
    books: Sequence[Mapping[str, float]],
    days: int,
    level: float,
) -> list[float]:
    """Initial margin of the model of past moves, in dollars, for perpetuals on the coins."""
    table = Instruments.of(
        Instrument("paradex", f"{coin}-USD-PERP", Kind.PERPETUAL, coin, "USD", "USDC")
        for coin in prices
    )
    column = {item.underlying: k for k, item in enumerate(table.items)}
    held = [
        Line(f"book {k:02d}", column[coin], size)
        for k, book in enumerate(books)
        for coin, size in book.items()
    ]
    names = tuple(f"book {k:02d}" for k in range(len(books)))
    changes = {
        "level.var": level,
        "level.im_factor": 1.0,
        "horizon.days": float(days),
        "form.convention": "inverted_cdf",
        "form.windows": "overlapping" if days > 1 else "scaled",
        "form.funding": "left_out",
        "history.lookback": len(dates),
    }
    view = _view(table, dates, prices)
    found = run(
        Book.of(table, held, accounts=names),
        view,
        VAR_HISTORICAL,
        parameters_for(VAR_HISTORICAL, view.as_of_ms, changes, "as the peer has it"),
    )
    if found.failures:
        raise ValueError(str(found.failures[0]))
    return [float(value) for value in found.sheet["im"]]


def _view(table: Instruments, dates: Sequence[str], prices: Mapping[str, Floats]) -> View:
    """A market of the last prices, marks at the index, with its past."""
    last = {coin: float(series[-1]) for coin, series in prices.items()}
    none, no = frozen(np.zeros(len(table)), np.float64), frozen(np.zeros(len(table)), np.bool_)
    return View(
        instruments=table,
        as_of_ms=parse_ms(f"{dates[-1]}T00:00:00Z"),
        index=frozen([last[coin] for coin, _ in table.pairs], np.float64),
        usd=frozen([last.get(name, 1.0) for name in table.names], np.float64),
        forward=frozen([], np.float64),
        forward_settled=frozen([], np.float64),
        rate=frozen([], np.float64),
        life_ms=frozen([], np.int64),
        mark=frozen([last[item.underlying] for item in table.items], np.float64),
        vol=none,
        bid=none,
        ask=none,
        has_bid=no,
        has_ask=no,
        ok=frozen(np.ones(len(table)), np.bool_),
        history=histories(dates, prices),
    )
