"""Small books at a venue of the scan family, under the set of a date or a changed one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from crossmargin.instruments.book import Book, Line, Order
from crossmargin.instruments.contracts import Instrument, Instruments
from crossmargin.instruments.symbology import asset, parse
from crossmargin.margin import Requirement, model_named, parameters_for, run
from crossmargin.margin.parameter_files import overlay
from crossmargin.margin.pools import cut
from tests.vectors.building import Dated, Facts, Quote, view_of

USD = {"USD": 1.0, "USDC": 1.0, "USDT": 1.0}


def item_of(venue: str, name: str) -> Instrument:
    """A contract by its name, or a balance."""
    return parse(venue, name, multiplier=1.0) if "-" in name or "_" in name else _short(venue, name)


def _short(venue: str, name: str) -> Instrument:
    return asset(venue, name) if name in (*USD, "BTC", "ETH") else parse(venue, name)


def margined(
    model: str,
    held: Mapping[str, float],
    *,
    now_ms: int,
    spot: Mapping[str, float],
    marks: Mapping[str, float] | None = None,
    vol: float = 0.5,
    changes: Mapping[str, Any] | None = None,
    orders: Sequence[tuple[str, int, float, float]] = (),
) -> Requirement:
    """One account at index = forward = mark of futures, unless ``marks`` says otherwise."""
    rules = model_named(model)
    venue = rules.spec.venue
    items = {name: item_of(venue, name) for name in (*held, *(order[0] for order in orders))}
    table = Instruments.of(items.values())
    place = table.index_of()
    quotes = {
        name: Quote((marks or {}).get(name, spot.get(item.underlying, 0.0)), vol)
        for name, item in items.items()
    }
    facts = Facts(
        now_ms,
        {pair: spot.get(pair[0], 1.0) for pair in table.pairs},
        {**USD, **spot},
        {key[3]: Dated(spot[key[0]], key[3] - now_ms) for key in table.expiries},
        quotes,
    )
    lines = [Line("a", place[items[name].key], size) for name, size in held.items()]
    rest = [Order("a", place[items[n].key], side, size, limit) for n, side, size, limit in orders]
    parameters = parameters_for(rules, now_ms)
    if changes:
        parameters = overlay(parameters, changes, "test")
    return run(Book.of(table, lines, rest), view_of(table, facts), rules, parameters)


def column(found: Requirement, name: str, row: int = 0) -> float:
    return float(found.sheet[name][row])


def vector(found: Requirement) -> list[float]:
    priced = found.priced[0]
    full = found.via.vector(priced, cut(found.book, priced.pool, 0))
    assert full is not None
    return [float(x) for x in full[0]]
