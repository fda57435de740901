"""Books and market views put together by hand from plain facts, for tests of the models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from crossmargin.core.arrays import frozen
from crossmargin.instruments.book import Book, Line, Reported
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.market.view import View

ACCOUNT = "account"


@dataclass(frozen=True)
class Dated:
    """What is known of one expiry; ``settled`` is the fixed part of the forward."""

    forward: float
    life_ms: int
    settled: float = 0.0
    rate: float = 0.0


@dataclass(frozen=True)
class Quote:
    """What is known of one instrument."""

    mark: float = 0.0
    vol: float = 0.0


@dataclass
class Facts:
    """A market in plain words; keys are names, (underlying, quote) and native ids."""

    as_of_ms: int
    index: Mapping[tuple[str, str], float]
    usd: Mapping[str, float] = field(default_factory=dict)
    dated: Mapping[int, Dated] = field(default_factory=dict)  # by expiry time
    quotes: Mapping[str, Quote] = field(default_factory=dict)
    reads: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def view_of(instruments: Instruments, facts: Facts) -> View:
    """The view of these facts through a table of instruments; every row is ok."""
    count = len(instruments)
    quotes = [facts.quotes.get(item.native_id, Quote()) for item in instruments.items]
    dated = [facts.dated[expiry_ms] for *_, expiry_ms in instruments.expiries]
    none = frozen(np.zeros(count), np.float64)
    absent = frozen(np.zeros(count), np.bool_)
    return View(
        instruments=instruments,
        as_of_ms=facts.as_of_ms,
        index=frozen([facts.index.get(pair, 0.0) for pair in instruments.pairs], np.float64),
        usd=frozen([facts.usd.get(name, 0.0) for name in instruments.names], np.float64),
        forward=frozen([d.forward for d in dated], np.float64),
        forward_settled=frozen([d.settled for d in dated], np.float64),
        rate=frozen([d.rate for d in dated], np.float64),
        life_ms=frozen([d.life_ms for d in dated], np.int64),
        mark=frozen([q.mark for q in quotes], np.float64),
        vol=frozen([q.vol for q in quotes], np.float64),
        bid=none,
        ask=none,
        has_bid=absent,
        has_ask=absent,
        ok=frozen(np.ones(count), np.bool_),
        reads=facts.reads,
    )


def book_of(
    instruments: Instruments,
    held: Mapping[str, Iterable[tuple[str, float]]],
    reported: Reported | None = None,
) -> Book:
    """A book of (native id, quantity) by account; accounts keep the order given."""
    place = {item.native_id: row for row, item in enumerate(instruments.items)}
    lines = [
        Line(account, place[name], quantity)
        for account, rows in held.items()
        for name, quantity in rows
    ]
    return Book.of(instruments, lines, reported=reported, accounts=tuple(held))


def option(
    venue: str,
    name: str,
    right: int,
    strike: float,
    expiry_ms: int,
    *,
    underlying: str,
    quote: str = "USD",
    settle: str | None = None,
    inverse: bool = False,
) -> Instrument:
    """A European option of one unit of the underlying."""
    return Instrument(
        venue=venue,
        native_id=name,
        kind=Kind.OPTION,
        underlying=underlying,
        quote=quote,
        settle=settle or quote,
        inverse=inverse,
        right=right,
        strike=strike,
        expiry_ms=expiry_ms,
        average_ms=30 * 60_000,
    )


def delta_one(
    venue: str,
    name: str,
    *,
    underlying: str,
    quote: str = "USD",
    settle: str | None = None,
    expiry_ms: int | None = None,
    inverse: bool = False,
) -> Instrument:
    """A perpetual, or a dated future where an expiry is given."""
    terms = {"expiry_ms": expiry_ms, "average_ms": 30 * 60_000} if expiry_ms is not None else {}
    return Instrument(
        venue=venue,
        native_id=name,
        kind=Kind.PERPETUAL if expiry_ms is None else Kind.FUTURE,
        underlying=underlying,
        quote=quote,
        settle=settle or quote,
        inverse=inverse,
        **terms,
    )


def asset(venue: str, name: str) -> Instrument:
    """A coin or currency that is held."""
    return Instrument(venue, name, Kind.ASSET, name, "USD", name)
