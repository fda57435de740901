"""Two days of the sample account: some contracts expire, some are traded, the market moves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from crossmargin.core.clock import DAY_MS
from crossmargin.instruments.book import Book
from crossmargin.margin.model import MarginModel
from crossmargin.margin.run import parameters_for
from crossmargin.market.snapshot import Snapshot
from crossmargin.risk.between import without_expired
from crossmargin.risk.change import State
from tests.risk.sample_books import book, market

NAME = "market-maker"


def moved(
    snapshot: Snapshot, factors: Mapping[str, float], as_of_ms: int | None = None
) -> Snapshot:
    """The market with fields scaled: spot fields of BTC, or volatilities."""
    rows = []
    for row in snapshot.rows():
        factor = factors.get(row.field, 1.0)
        if row.field in ("index", "forward") and not row.subject.startswith("BTC"):
            factor = 1.0
        rows.append(row._replace(value=row.value * factor))
    return Snapshot.of(rows, snapshot.as_of_ms if as_of_ms is None else as_of_ms)


def before(model: MarginModel) -> State:
    return State(book(NAME), market(), parameters_for(model, market().as_of_ms))


def after(model: MarginModel) -> State:
    """A day later: BTC up 3 %, volatilities up 10 %, half the perpetual sold, a deposit."""
    start = book(NAME)
    later = market().as_of_ms + DAY_MS
    alive = without_expired(start, later)
    items = start.instruments.items
    lines = []
    for line in alive.lines:
        name = items[line.column].native_id
        factor = 0.5 if name == "BTC-PERPETUAL" else 1.2 if name == "BTC" else 1.0
        lines.append(replace(line, quantity=line.quantity * factor))
    held = Book.of(start.instruments, lines, alive.orders.items[:-4], None, start.account)
    snapshot = moved(market(), {"index": 1.03, "forward": 1.03, "mark_iv": 1.1})
    return State(held, snapshot, parameters_for(model, later), later)
