"""Candidate books for probes of Deribit's portfolio margin, and the requests that ask for them.

Candidates are made of what the snapshot prices: of a coin's coin-settled contracts the perpetual,
the nearest and the farthest future, and options at and 20 % away from the money of the expiries
nearest to 3, 30, 90 and 365 days; alone, long and short, and options against the perpetual, at
dollar sizes of 1e5, 1e7 and 1e8 rounded to whole lots. The largest pass the delta threshold and the
dampener. Nothing is traded: ``private/pme/simulate`` with ``add_positions`` false.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from crossmargin.core.clock import DAY_MS
from crossmargin.core.errors import MarketDataError
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.instruments.symbology import parse
from crossmargin.market.fields import pair_subject, split_contract
from crossmargin.market.snapshot import Snapshot
from crossmargin.venues.assemble import Row, RowKind

__all__ = ["COLUMNS", "MODEL", "candidates", "request_of"]

MODEL = "deribit-spm"
VENUE = "deribit"
# What the reply prints of a book, beside its vectors.
COLUMNS = ("worst_case_unrounded", "delta_shock", "roll_shock", "risk_matrix_margin", "im", "mm")
_SIZES_USD = (1e5, 1e7, 1e8)
_DAYS = (3.0, 30.0, 90.0, 365.0)
_MONEYNESS = (0.8, 1.0, 1.2)
_LOT_COINS = 0.1

Candidate = dict[str, float]  # instrument -> size in coins, as the venue's requests take it


def candidates(snapshot: Snapshot, coin: str) -> tuple[list[Candidate], list[Row]]:
    """Books as requests, and the rows of the population that they are: one account each.

    Raises MarketDataError ``index_missing`` or ``mark_missing`` for a snapshot without the coin.
    """
    index = snapshot.get("index", pair_subject(coin, "USD"))
    if index is None:
        raise MarketDataError(
            "index_missing",
            "the snapshot does not price the coin",
            value=coin,
            remedy="Give a snapshot that holds its chain.",
        )
    items = _listed(snapshot, coin)
    futures = _futures(items)
    options = _options(items, snapshot, index)
    if not futures or not options:
        raise MarketDataError(
            "mark_missing",
            "the snapshot holds no options, or no perpetual, of the coin",
            value=coin,
            limit="marks of a coin-settled chain",
            remedy="Give a snapshot that holds its chain.",
        )
    books = list(_books(futures, options, index))
    rows = []
    for number, book in enumerate(books):
        for name, coins in book.items():
            item = next(x for x in (*futures, *options) if x.native_id == name)
            rows.append(_row(f"{number:04d}", item, coins, snapshot, index))
    return books, rows


def request_of(book: Candidate, coin: str) -> dict[str, Any]:
    """The JSON-RPC request of one probe."""
    return {
        "jsonrpc": "2.0",
        "method": "private/pme/simulate",
        "params": {"currency": coin, "add_positions": False, "simulated_positions": dict(book)},
    }


def _listed(snapshot: Snapshot, coin: str) -> list[Instrument]:
    """Coin-settled contracts of the coin that have a mark, in canonical order."""
    found = []
    for subject in snapshot.places("mark"):
        venue, name = split_contract(subject)
        if venue == VENUE and name.startswith(f"{coin}-"):
            found.append(parse(venue, name))
    alive = [item for item in found if item.expiry_ms > snapshot.as_of_ms and item.inverse]
    return sorted(alive, key=lambda item: item.order())


def _futures(items: Sequence[Instrument]) -> list[Instrument]:
    """The perpetual, the nearest and the farthest future."""
    perpetual = [item for item in items if item.kind is Kind.PERPETUAL]
    dated = [item for item in items if item.kind is Kind.FUTURE]
    dated.sort(key=lambda item: item.expiry_ms)
    return [*perpetual, *dict.fromkeys((*dated[:1], *dated[-1:]))]


def _options(items: Sequence[Instrument], snapshot: Snapshot, index: float) -> list[Instrument]:
    """Calls and puts near the wanted strikes of the expiries near the wanted lives."""
    options = [item for item in items if item.kind is Kind.OPTION]
    expiries = sorted({item.expiry_ms for item in options})
    found: dict[Instrument, None] = {}
    for days in _DAYS:
        expiry = _nearest(expiries, snapshot.as_of_ms + days * DAY_MS)
        for right in (1, -1):
            row = {x.strike: x for x in options if (x.expiry_ms, x.right) == (expiry, right)}
            for money in _MONEYNESS if row else ():
                found[row[_nearest(list(row), money * index)]] = None
    return list(found)


def _nearest(values: Sequence[float], wanted: float) -> float:
    """The value nearest to the one wanted; of equals the first. NaN-free, 0 where there is none."""
    best = 0.0
    for k, value in enumerate(values):
        if k == 0 or abs(value - wanted) < abs(best - wanted):
            best = value
    return best


def _books(
    futures: Sequence[Instrument], options: Sequence[Instrument], index: float
) -> Iterator[Candidate]:
    """Smallest books first: one contract, then an option against the perpetual."""
    sizes = [max(round(usd / index / _LOT_COINS) * _LOT_COINS, _LOT_COINS) for usd in _SIZES_USD]
    for size in sizes:
        for item in (*futures, *options):
            for sign in (1.0, -1.0):
                yield {item.native_id: round(sign * size, 1)}
    for size in sizes:
        for item in options:
            for sign in (1.0, -1.0):
                for hedge in (1.0, -1.0):
                    for future in (*futures[:1], *futures[2:]):
                        yield {
                            item.native_id: round(sign * size, 1),
                            future.native_id: round(hedge * size, 1),
                        }


def _row(account: str, item: Instrument, coins: float, snapshot: Snapshot, index: float) -> Row:
    """A position in the book's own unit: inverse futures count in dollars of their mark."""
    mark = snapshot.get("mark", f"{VENUE}|{item.native_id}") or index
    units = coins if item.kind is Kind.OPTION else coins * mark
    return Row(
        kind=RowKind.POSITION,
        account=account,
        venue=VENUE,
        name=item.native_id,
        quantity=units / item.multiplier,
        place=f"probe {account}",
        item=item,
    )
