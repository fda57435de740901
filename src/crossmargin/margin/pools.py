"""Cut a table of instruments and a block of accounts into the pools of a plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import compress
from typing import Any

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Bools, Floats, Ints, Longs, frozen
from crossmargin.instruments.book import Book
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.model import Pool, PoolBook
from crossmargin.market.view import View

Codes = npt.NDArray[np.int32] | npt.NDArray[np.int64]

__all__ = [
    "at_home",
    "by_row",
    "cut",
    "each_group",
    "is_kind",
    "lies_in",
    "make_pool",
    "of_underlying",
    "per_row",
    "restrict",
    "row_of_position",
    "sizes_of",
]


def is_kind(instruments: Instruments, *kinds: Kind) -> Bools:
    """[I] True where the row is of one of the kinds."""
    out = np.zeros(len(instruments.kind), np.bool_)
    for kind in kinds:
        out |= instruments.kind == int(kind)
    return out


def make_pool(
    instruments: Instruments,
    columns: Ints,
    label: str,
    currency: str,
    cash_names: tuple[str, ...],
    facts: Mapping[str, Any] | None = None,
) -> Pool:
    """A pool of the given rows; its cash are the ASSET rows named in ``cash_names``."""
    part = Instruments.of(instruments.items[k] for k in columns.tolist())
    cash = [item.kind == Kind.ASSET and item.underlying in cash_names for item in part.items]
    return Pool(
        label=label,
        currency=currency,
        columns=frozen(columns, np.int32),
        instruments=part,
        cash=frozen(cash, np.int8),
        facts=facts or {},
    )


def restrict(view: View, instruments: Instruments, pool: Pool) -> View:
    """The view seen through the pool's own table (its codes are its own)."""
    part = pool.instruments
    if len(pool.columns) == len(instruments):
        return view
    rows = pool.columns
    names = {name: k for k, name in enumerate(instruments.names)}
    pairs = {pair: k for k, pair in enumerate(instruments.pairs)}
    expiries = {key: k for k, key in enumerate(instruments.expiries)}
    of_name = np.array([names[n] for n in part.names], np.int64)
    of_pair = np.array([pairs[p] for p in part.pairs], np.int64)
    of_expiry = np.array([expiries[e] for e in part.expiries], np.int64)
    kept = {part.label(k) for k in range(len(part))}
    return replace(
        view,
        instruments=part,
        index=frozen(view.index[of_pair], np.float64),
        usd=frozen(view.usd[of_name], np.float64),
        forward=frozen(view.forward[of_expiry], np.float64),
        forward_settled=frozen(view.forward_settled[of_expiry], np.float64),
        rate=frozen(view.rate[of_expiry], np.float64),
        life_ms=frozen(view.life_ms[of_expiry], np.int64),
        mark=frozen(view.mark[rows], np.float64),
        vol=frozen(view.vol[rows], np.float64),
        bid=frozen(view.bid[rows], np.float64),
        ask=frozen(view.ask[rows], np.float64),
        has_bid=frozen(view.has_bid[rows], np.bool_),
        has_ask=frozen(view.has_ask[rows], np.bool_),
        ok=frozen(view.ok[rows], np.bool_),
        failures=tuple(f for f in view.failures if f.subject in kept),
    )


def row_of_position(row: Longs) -> Longs:
    """[N] account row of each position of a CSR."""
    return np.repeat(np.arange(len(row) - 1), np.diff(row))


def per_row(row: Longs, values: Floats) -> Floats:
    """[A] sums of position values by account, added in order."""
    return by_row(row_of_position(row), values, len(row) - 1)


def by_row(rows: Codes, values: Floats, count: int) -> Floats:
    """[count] sums of values by row code, added in order."""
    return np.bincount(rows, weights=values, minlength=count).astype(np.float64, copy=False)


def of_underlying(part: Instruments, rows: Codes, of: Callable[[str], float]) -> Floats:
    """[R] what ``of`` says of the underlying of each row, asked once a name."""
    code = part.underlying[rows]
    out, known = np.zeros(len(part.names)), dict[str, float]()
    for k in np.flatnonzero(np.bincount(code, minlength=len(part.names))).tolist():
        name = part.names[k]
        if name not in known:  # copies of a table repeat its names
            known[name] = of(name)
        out[k] = known[name]
    return np.asarray(out[code])


def sizes_of(held: PoolBook, instruments: int) -> Floats:
    """[I] signed size of each instrument, of accounts none of which holds another's."""
    out = np.zeros(instruments)
    out[held.column] = held.quantity
    return out


def each_group(groups: int, accounts: int) -> tuple[Longs, Ints, Floats]:
    """Rows of accounts that hold one of each of their own groups, the same number each."""
    row = np.arange(accounts + 1, dtype=np.int64) * (groups // max(accounts, 1))
    return row, np.arange(groups, dtype=np.int32), np.ones(groups)


def at_home(book: Book, pool: Pool) -> Bools:
    """[A] True where the account's assets belong to this pool.

    A pool that shares its assets with others (facts ``pool_of`` and ``number``) is the home of the
    accounts whose first derivative lies in it; the first pool is that of accounts without any.
    """
    if "pool_of" not in pool.facts:
        return np.ones(len(book), np.bool_)
    code = pool.facts["pool_of"][book.column]
    rows = row_of_position(book.row)
    first = np.full(len(book), np.iinfo(np.int32).max, np.int32)
    derivative = code >= 0
    np.minimum.at(first, rows[derivative], code[derivative])
    first[first == np.iinfo(np.int32).max] = 0
    return np.asarray(first == pool.facts["number"])


def lies_in(book: Book, pool: Pool) -> Bools:
    """[N] positions whose rows are the pool's; behind walls (fact ``walls``) only those inside.

    The fact is an object whose ``positions(book)`` says so for each account: see ADR 1.
    """
    inside = np.isin(book.column, pool.columns)
    return inside & pool.facts["walls"].positions(book) if "walls" in pool.facts else inside


def cut(book: Book, pool: Pool, first_account: int) -> PoolBook:
    """The positions of a block in a pool; ``first_account`` is the block's first account."""
    account = np.arange(first_account, first_account + len(book), dtype=np.int32)
    if len(pool.columns) == len(book.instruments) and "walls" not in pool.facts:
        return PoolBook(
            book.row,
            book.column,
            book.quantity,
            book.entry_price,
            book.entry_known,
            account,
            book,
            book.exact,
        )
    place = np.full(len(book.instruments), -1, np.int32)
    place[pool.columns] = np.arange(len(pool.columns), dtype=np.int32)
    column = place[book.column]
    kept = column >= 0
    if "pool_of" in pool.facts:
        shared = pool.facts["pool_of"][book.column] < 0
        kept &= ~shared | at_home(book, pool)[row_of_position(book.row)]
    if "walls" in pool.facts:
        kept &= pool.facts["walls"].positions(book)
    counts = np.bincount(row_of_position(book.row)[kept], minlength=len(book))
    row = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return PoolBook(
        row,
        np.ascontiguousarray(column[kept]),
        np.ascontiguousarray(book.quantity[kept]),
        np.ascontiguousarray(book.entry_price[kept]),
        np.ascontiguousarray(book.entry_known[kept]),
        account,
        book,
        None if book.exact is None else tuple(compress(book.exact, kept.tolist())),
    )
