"""Buckets with walls: who lies where, what is posted, and what a bucket's numbers are.

    tier.NAME.bucket       where a coin's contracts and the coin itself lie; OTHER for the rest
    bucket.NAME            weight of the model, static shares, floor; the first is the core
    choice bucket:NAME     an account's own place of the contract NAME: 1 the first bucket, 2 the
                           second …, 0 by tier
    choice posted:BUCKET   dollars of the core's money that the account posted to a bucket

Money lies in the core. A bucket has the profit of its own positions since their entry prices, its
own coins, and what was posted to it; nothing else is ever taken from the core.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Bools, Floats, Ints, Longs, frozen
from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book
from crossmargin.instruments.contracts import Instruments
from crossmargin.margin.families.whole_account import is_money
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import row_of_position

__all__ = [
    "PLACE",
    "POSTED",
    "Bucket",
    "Walls",
    "bucket_names",
    "buckets_of",
    "codes_of",
    "places_of",
    "posted_usd",
]

PLACE, POSTED = "bucket:", "posted:"
_OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class Bucket:
    """The numbers of one bucket; shares of the notional, or of the index of an option."""

    name: str
    weight: float  # of the model; the rest is static
    future: tuple[float, float]  # initial, maintenance
    option: tuple[float, float]
    coin: tuple[float, float]
    floor: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Walls:
    """What lies inside one bucket: of the table ``code[I]`` by tier, unless an account chose."""

    number: int
    names: tuple[str, ...]
    code: Ints

    def positions(self, book: Book) -> Bools:
        """[N] positions of a block that lie here."""
        owner = row_of_position(book.row)
        return np.asarray(places_of(self, book, owner, book.column) == self.number)

    def orders(self, book: Book) -> Bools:
        """[M] open orders of a block that lie here: where their contract does."""
        orders = book.orders
        owner = row_of_position(orders.row)
        return np.asarray(places_of(self, book, owner, orders.column) == self.number)


def bucket_names(parameters: Parameters) -> tuple[str, ...]:
    """Buckets in the order of the file; the first is the core."""
    return parameters.tables("bucket")


def buckets_of(parameters: Parameters) -> tuple[Bucket, ...]:
    """The numbers of every bucket."""

    def two(name: str, key: str) -> tuple[float, float]:
        return (
            parameters.number(f"bucket.{name}.im_{key}"),
            parameters.number(f"bucket.{name}.mm_{key}"),
        )

    return tuple(
        Bucket(
            name,
            parameters.number(f"bucket.{name}.weight"),
            two(name, "future_share"),
            two(name, "short_option_share"),
            two(name, "coin_share"),
            two(name, "floor_share"),
        )
        for name in bucket_names(parameters)
    )


def codes_of(instruments: Instruments, parameters: Parameters) -> Ints:
    """[I] bucket of each row by the tier of its coin; money lies in the core."""
    names, tiers = bucket_names(parameters), parameters.tables("tier")
    place = {name: k for k, name in enumerate(names)}

    def of(coin: str) -> int:
        if is_money(coin):
            return 0
        return place[str(parameters.get(f"tier.{coin if coin in tiers else _OTHER}.bucket"))]

    return frozen([of(item.underlying) for item in instruments.items], np.int32)


def places_of(walls: Walls, book: Book, owner: Longs, column: Ints) -> Ints:
    """Bucket of each row ``(owner, column)`` of a block, an account's own choices included.

    Raises InputError ``option_unknown`` for a bucket that there is none of, for a contract that the
    book does not have, and for money, which is posted.
    """
    found = walls.code[column].copy()
    for name, chosen in _choices(book, PLACE).items():
        rows = [k for k, item in enumerate(book.instruments.items) if item.native_id == name]
        if is_money(name) or (not rows and bool((chosen != 0.0).any())):
            _refuse(PLACE + name, "names no contract of the book", name, "a contract of the book")
        good = (chosen >= 0.0) & (chosen <= len(walls.names)) & (chosen == np.floor(chosen))
        if not good.all():
            wrong = float(chosen[~good][0])
            limit = ", ".join(f"{k} {n}" for k, n in enumerate(("by tier", *walls.names)))
            _refuse(PLACE + name, "is no number of a bucket", wrong, limit)
        mine = np.isin(column, rows) & (chosen[owner] > 0.0)
        found[mine] = chosen[owner[mine]].astype(np.int32) - 1
    return found


def posted_usd(names: tuple[str, ...], number: int, book: Book) -> Floats:
    """[A] dollars posted to a bucket; less than 0 in the core, which they come from.

    Raises InputError ``option_unknown`` for a bucket that there is none of and
    ``number_out_of_range`` for less than nothing.
    """
    out = np.zeros(len(book))
    for name, dollars in _choices(book, POSTED).items():
        if name not in names[1:]:
            limit = ", ".join(names[1:])
            _refuse(POSTED + name, "names no bucket beside the core", name, limit)
        if not ((dollars >= 0.0) & np.isfinite(dollars)).all():
            raise InputError(
                "number_out_of_range",
                "what is posted to a bucket is not negative",
                place=POSTED + name,
                value=float(dollars.min()),
                limit="0 or more dollars",
                remedy="What a bucket holds too much of goes back to the core: post less.",
            )
        if number == 0:
            out = out - dollars
        elif names[number] == name:
            out = out + dollars
    return out


def _choices(book: Book, prefix: str) -> Mapping[str, Floats]:
    """Choices under a prefix in order of name, the prefix taken off."""
    return {
        name.removeprefix(prefix): values
        for name, values in sorted(book.choices.items())
        if name.startswith(prefix)
    }


def _refuse(place: str, what: str, value: object, limit: str) -> None:
    raise InputError(
        "option_unknown",
        f"a choice {what}",
        place=place,
        value=value,
        limit=limit,
        remedy="Correct the account's choices.",
    )
