"""Order books from a file or decoded: levels by contract, in the contract's own units.

JSON: one book, a list of books, or an object of books by name. A book has ``bids`` and ``asks``,
each a list of ``[price, size]`` (more fields in a level are left), and says its contract as
``instrument_name`` (Deribit's ``public/get_order_book``, also inside ``result``), ``instrument``,
``symbol``, or by the name that it stands under; ``venue`` where it is not the default.
``volume_day`` (or Deribit's ``stats.volume``, ``stats.volume_usd`` for an inverse future) is the
number of units that traded in a day.
"""

from __future__ import annotations

from collections.abc import Mapping

from crossmargin.core.errors import InputError
from crossmargin.instruments.contracts import Kind
from crossmargin.instruments.symbology import parse
from crossmargin.market.depth import Depth
from crossmargin.venues.payload import Payload, load, optional
from crossmargin.venues.reading import real, unreadable

__all__ = ["read_order_books"]

_NAMES = ("instrument_name", "instrument", "symbol")


def read_order_books(source: Payload, venue: str = "deribit") -> dict[tuple[str, str], Depth]:
    """Levels by (venue, native id). ``venue`` is that of a book which names none.

    Raises InputError: ``file_unreadable``, ``number_unreadable``, ``instrument_unknown``,
    ``duplicate_row``; MarketDataError for levels that cannot be.
    """
    value, place = load(source, "order books")
    found: dict[tuple[str, str], Depth] = {}
    for name, item, where in _books(value, place):
        key, depth = _book(name, item, where, venue)
        if key in found:
            raise InputError(
                "duplicate_row",
                "two books are of one contract",
                place=where,
                value=" ".join(key),
                remedy="Keep the newest.",
            )
        found[key] = depth
    return found


def _books(value: object, place: str) -> list[tuple[str, Mapping[str, object], str]]:
    """(name it stands under, book, place) of every book."""
    if isinstance(value, Mapping) and isinstance(value.get("result"), Mapping):
        value = value["result"]
    if isinstance(value, Mapping) and ("bids" in value or "asks" in value):
        return [("", value, place)]
    if isinstance(value, Mapping):
        listed = [(str(name), item, f"{place} {name}") for name, item in value.items()]
    elif isinstance(value, list | tuple):
        listed = [("", item, f"{place}[{k}]") for k, item in enumerate(value)]
    else:
        raise unreadable("no order books", place, type(value).__name__)
    found = []
    for name, item, where in listed:
        if isinstance(item, Mapping) and isinstance(item.get("result"), Mapping):
            item = item["result"]
        if not isinstance(item, Mapping) or not ("bids" in item or "asks" in item):
            raise unreadable("a book has bids and asks", where, type(item).__name__)
        found.append((name, item, where))
    return found


def _book(
    name: str, item: Mapping[str, object], where: str, venue: str
) -> tuple[tuple[str, str], Depth]:
    said = next((item[key] for key in _NAMES if item.get(key)), name)
    native, at = str(said), str(item.get("venue", venue))
    for mark in ("|", " "):
        if mark in native:
            at, _, native = native.partition(mark)
            break
    terms = parse(at, native)
    stats = item.get("stats")
    volume = optional(item, "volume_day", where)
    if volume is None and isinstance(stats, Mapping):
        dollars = terms.inverse and terms.kind != Kind.OPTION
        volume = optional(stats, "volume_usd" if dollars else "volume", f"{where} stats")
    sides = [_levels(item.get(side, []), f"{where} {side}") for side in ("bids", "asks")]
    return terms.key, Depth.of(sides[0], sides[1], f"{at} {native}", volume)


def _levels(value: object, where: str) -> list[tuple[float, float]]:
    if not isinstance(value, list | tuple):
        raise unreadable("levels are a list", where, type(value).__name__)
    found = []
    for k, level in enumerate(value):
        if not isinstance(level, list | tuple) or len(level) < 2:
            raise unreadable("a level is [price, size]", f"{where}[{k}]", repr(level)[:60])
        found.append((real(level[0], f"{where}[{k}]"), real(level[1], f"{where}[{k}]")))
    return found
