"""Random books through the batch engine: what the tests against the oracle share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from crossmargin.instruments.book import Book, Line, Reported
from crossmargin.instruments.contracts import Instrument
from crossmargin.margin import Requirement, model_named, run
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import cut
from tests.vectors.building import delta_one, option

from . import books

COUNT = 500
NOW_MS = 1_770_709_020_000  # 2026-02-10T07:37:00Z: 23 minutes before an expiry
SPOT = {"BTC": 68_000.0, "ETH": 2_050.0}
DERIBIT_LIVES = [23 * 60_000, *books.lives(0.6, 1.0, 3.3, 29.99, 30.0, 44.5, 135.0, 410.0)]


def is_close(ours: float, theirs: float, requirement: float, gross: float) -> bool:
    return abs(ours - theirs) <= 1e-10 * abs(requirement) + 1e-13 * gross


def run_book(
    table: books.Market,
    held: Mapping[str, Sequence[tuple[str, float]]],
    name: str,
    parameters: Parameters,
    *,
    entries: Mapping[tuple[str, str], float] | None = None,
    reported: Reported | None = None,
) -> Requirement:
    place = {item.native_id: row for row, item in enumerate(table.instruments.items)}
    lines = [
        Line(account, place[row], quantity, (entries or {}).get((account, row)))
        for account, rows in held.items()
        for row, quantity in rows
    ]
    book = Book.of(table.instruments, lines, reported=reported, accounts=tuple(held))
    found = run(book, table.view, model_named(name), parameters)
    assert found.failures == ()
    return found


def rows_by_account(found: Requirement, pool: int = 0) -> dict[int, int]:
    """Row of each account in one pool."""
    sheet = found.sheet
    pairs = zip(sheet.account.tolist(), sheet.pool.tolist(), strict=True)
    return {account: row for row, (account, p) in enumerate(pairs) if p == pool}


def pool_of(found: Requirement, currency: str) -> int:
    labels = [pool.label for pool in found.plan.pools]
    return next(k for k, label in enumerate(labels) if currency in label)


def vectors_of(found: Requirement, pool: int) -> np.ndarray:
    model = model_named(found.model.name)
    vectors = model.vector(found.priced[pool], cut(found.book, found.plan.pools[pool], pool))
    assert vectors is not None
    return np.asarray(vectors)


def named_books(rows: Iterable[Any]) -> dict[str, Any]:
    return {f"a{k:03d}": row for k, row in enumerate(rows)}


# ---------------------------------------------------------------- Deribit


def deribit_items(
    coin: str, now_ms: int, *, linear: bool = False, lives: Sequence[int] = tuple(DERIBIT_LIVES)
) -> list[Instrument]:
    quote = "USDC" if linear else "USD"
    terms = {
        "underlying": coin,
        "quote": quote,
        "settle": quote if linear else coin,
        "inverse": not linear,
    }
    mark = f"{coin}_{quote}" if linear else coin
    items = [delta_one("deribit", f"{mark}-PERPETUAL", **terms)]
    for k, life in enumerate(lives):
        expiry = now_ms + life
        if k % 2 == 0:
            items.append(delta_one("deribit", f"{mark}-F{k}", expiry_ms=expiry, **terms))
        for strike in books.strikes(SPOT[coin]):
            for right in (1, -1):
                name = f"{mark}-F{k}-{strike:g}-{'C' if right > 0 else 'P'}"
                items.append(option("deribit", name, right, strike, expiry, **terms))
    return items
