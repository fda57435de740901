"""Who owns what of an account: its lots and orders by tag, underlying, expiry or contract.

A level of a hierarchy is ``leg`` (the contract), ``underlying``, ``expiry``, ``kind``, or the name
of any tag of the book (desk, strategy, client, …). Lots of one contract may belong to several
groups. A lot without the tag is "no desk"; a balance without it is "balances".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Floats, Ints
from crossmargin.core.clock import NEVER_MS, format_ms
from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book, Line, Order
from crossmargin.instruments.contracts import Instrument, Kind

__all__ = ["BALANCES", "LEVELS", "Groups", "groups_of", "order_groups", "tags_of"]

BALANCES = "balances"
LEVELS = ("leg", "underlying", "expiry", "kind")
Path = tuple[str, ...]
Tags = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Groups:
    """G groups over n columns: ``parts[G, n]`` add up to the account's quantities."""

    by: tuple[str, ...]
    paths: tuple[Path, ...]
    parts: Floats

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def labels(self) -> tuple[str, ...]:
        """Of each group its path in one text."""
        return tuple(" / ".join(path) for path in self.paths)


def tags_of(book: Book) -> tuple[str, ...]:
    """Names of the tags that any line or order of the book carries, in their order."""
    lots = (name for line in book.lines for name, value in line.tags if value)
    resting = (name for order in book.orders.items for name, value in order.tags if value)
    return tuple(dict.fromkeys((*lots, *resting)))


def groups_of(
    book: Book,
    by: Sequence[str],
    column: Ints,
    quantity: Floats,
    *,
    place: Callable[[int], tuple[int, float]] | None = None,
    items: Sequence[Instrument] | None = None,
) -> Groups:
    """The groups of the only account of a book over the columns that are margined.

    ``column[n]``, ``quantity[n]``: rows of the margined table and what is held of them.
    ``place(k)`` gives the margined row and size factor of row k of the book's own table, where they
    differ (a mapped book); ``items`` are the margined contracts, default the book's own. What the
    lots do not explain is the balances', or without a tag.

    Raises InputError ``option_unknown`` for a level that is neither a tag nor one of ``LEVELS``.
    """
    table = book.instruments.items
    seen = table if items is None else items
    levels = _levels(book, by)
    at = {c: k for k, c in enumerate(column.tolist())}
    sums: dict[Path, Floats] = {}

    def add(path: Path, k: int, amount: float) -> None:
        sums.setdefault(path, np.zeros(len(column)))[k] += amount

    for line in _lots(book):
        row, factor = (line.column, 1.0) if place is None else place(line.column)
        if row not in at or (place is not None and seen[row].kind == Kind.ASSET):
            continue
        add(_path(levels, table[line.column], line.tags), at[row], factor * line.quantity)
    rest = np.array(quantity, np.float64)
    for own in sums.values():
        rest -= own
    scale = np.abs(quantity) + sum((np.abs(own) for own in sums.values()), np.zeros(len(column)))
    for k in np.flatnonzero(np.abs(rest) > 1e-12 * scale).tolist():
        add(_path(levels, seen[int(column[k])], ()), k, float(rest[k]))
    paths = sorted(path for path, own in sums.items() if own.any())
    # Balances last: they belong to nobody.
    paths.sort(key=lambda path: path[0] == BALANCES)
    parts = np.array([sums[path] for path in paths]).reshape(len(paths), len(column))
    return Groups(tuple(by), tuple(paths), parts)


def order_groups(book: Book, by: Sequence[str]) -> tuple[Path, ...]:
    """[M] the group of each open order of the only account of a book."""
    levels = _levels(book, by, strict=False)
    table = book.instruments.items
    resting: Sequence[Order] = book.orders.items
    if len(resting) == len(book.orders.column):
        return tuple(_path(levels, table[o.column], o.tags) for o in resting)
    return tuple(_path(levels, table[k], ()) for k in book.orders.column.tolist())


def _lots(book: Book) -> Sequence[Line]:
    """The lots as read; of a book made from arrays its positions."""
    if book.lines:
        return book.lines
    pairs = zip(book.column.tolist(), book.quantity.tolist(), strict=True)
    return [Line("", column, quantity) for column, quantity in pairs]


_Level = Callable[[Instrument, Mapping[str, str]], str]


def _levels(book: Book, by: Sequence[str], *, strict: bool = True) -> list[_Level]:
    known = tags_of(book)
    out: list[_Level] = []
    if not by or len(set(by)) < len(by):
        raise InputError(
            "option_unknown",
            "an attribution names its levels, each once",
            place="by",
            value=", ".join(by),
            limit=", ".join((*LEVELS, *known)),
            remedy="Choose one or several of those.",
        )
    for name in by:
        if name in LEVELS:
            out.append(_BUILT_IN[name])
        elif name in known or not strict:
            out.append(_tag(name))
        else:
            raise InputError(
                "option_unknown",
                "no line of the book carries such a tag",
                place="by",
                value=name,
                limit=", ".join((*LEVELS, *known)),
                remedy="Choose one of those, or write a column tag.NAME into the book.",
            )
    return out


def _tag(name: str) -> _Level:
    def level(item: Instrument, tags: Mapping[str, str]) -> str:
        return tags.get(name, "") or (BALANCES if item.kind == Kind.ASSET else f"no {name}")

    return level


def _leg(item: Instrument, _: Mapping[str, str]) -> str:
    return f"{item.native_id} balance" if item.kind == Kind.ASSET else item.native_id


def _underlying(item: Instrument, _: Mapping[str, str]) -> str:
    return BALANCES if item.kind == Kind.ASSET else item.underlying


def _expiry(item: Instrument, _: Mapping[str, str]) -> str:
    if item.kind == Kind.ASSET:
        return BALANCES
    return "no expiry" if item.expiry_ms == NEVER_MS else format_ms(item.expiry_ms)[:10]


def _kind(item: Instrument, _: Mapping[str, str]) -> str:
    return BALANCES if item.kind == Kind.ASSET else item.kind.name.lower()


_BUILT_IN: Mapping[str, _Level] = {
    "leg": _leg,
    "underlying": _underlying,
    "expiry": _expiry,
    "kind": _kind,
}


def _path(levels: Sequence[_Level], item: Instrument, tags: Tags) -> Path:
    own = dict(tags)
    return tuple(level(item, own) for level in levels)
