"""One account on a market of a few numbers, for worked examples of the models without scenarios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from crossmargin.conformance.world import parameters_of
from crossmargin.core.arrays import frozen
from crossmargin.instruments.book import Book, Line, Order, Reported
from crossmargin.instruments.contracts import Instrument, Instruments
from crossmargin.margin import Parameters, Requirement, model_named, run
from crossmargin.margin.parameter_files import available
from tests.vectors.building import Dated, Facts, Quote, view_of

AS_OF_MS = 1_795_000_000_000
DAY_MS = 86_400_000
EXPIRY_MS = AS_OF_MS + 30 * DAY_MS

Held = Sequence[tuple[Instrument, float] | tuple[Instrument, float, float]]


def newest(model: str) -> Parameters:
    """The newest set that ships."""
    return available(model)[-1]


def payload(model: str) -> Parameters:
    """The made-up payload of a model that refuses without one."""
    return parameters_of(model_named(model), newest(model))


def worked(
    model: str,
    held: Held,
    *,
    price: Mapping[str, float],
    marks: Mapping[str, float] | None = None,
    orders: Sequence[tuple[Instrument, float, float]] = (),
    parameters: Parameters | None = None,
    reads: Mapping[str, Mapping[str, float]] | None = None,
    choices: Mapping[str, float] | None = None,
    reported: Reported | None = None,
) -> Requirement:
    """The account "a": (instrument, quantity, entry price); orders (instrument, size, limit).

    ``price`` are dollars per coin; an instrument without a mark of its own stands at that.
    """
    items = [row[0] for row in held] + [row[0] for row in orders]
    table = Instruments.of(items)
    place = table.index_of()
    lines = [Line("a", place[row[0].key], row[1], row[2] if len(row) > 2 else None) for row in held]
    resting = [
        Order("a", place[item.key], 1 if size > 0 else -1, abs(size), limit)
        for item, size, limit in orders
    ]
    quotes = {
        i.native_id: Quote((marks or {}).get(i.native_id, _price(i, price)), 0.5) for i in items
    }
    usd: dict[str, Any] = {"USD": 1.0, "USDC": 1.0, "USDT": 1.0, **price}
    facts = Facts(
        AS_OF_MS,
        {pair: usd[pair[0]] / usd[pair[1]] for pair in table.pairs},
        usd,
        {EXPIRY_MS: Dated(price.get("BTC", 1.0), 30 * DAY_MS)},
        quotes,
        reads or {},
    )
    book = Book.of(table, lines, resting, reported, accounts=("a",))
    chosen = {name: frozen([value], "float64") for name, value in (choices or {}).items()}
    book = replace(book, choices=chosen)
    return run(book, view_of(table, facts), model_named(model), parameters or newest(model))


def _price(item: Instrument, price: Mapping[str, float]) -> float:
    return price.get(item.underlying, 0.0)


def cell(found: Requirement, name: str, pool: str | None = None) -> float:
    """One column of the only row, or of the row of a pool."""
    labels = [found.plan.pools[k].label for k in found.sheet.pool.tolist()]
    row = 0 if pool is None else labels.index(pool)
    assert pool is not None or len(labels) == 1
    return float(found.sheet[name][row])


def both(found: Requirement, pool: str | None = None) -> tuple[float, float]:
    """(IM, MM)."""
    return cell(found, "im", pool), cell(found, "mm", pool)
