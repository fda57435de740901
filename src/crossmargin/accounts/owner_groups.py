"""What belongs to one owner: linked accounts added up, matched against themselves, and their share.

    group        the lines of every account of an owner, as one account
    matched      min(sum of longs, -sum of shorts) of a contract: held against oneself
    share        max(longs, -shorts) / open interest
    multiplier   1 + slope x max(share - free, 0)        of the requirement of the group

A hundred wallets of one owner are one risk: profit of one is loss of another, and what is large for
the market is large however it is cut up. Who belongs together is an input.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from crossmargin.core.arrays import frozen
from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book, Orders
from crossmargin.instruments.contracts import Kind
from crossmargin.pricing.positions import order_positions

__all__ = ["Exposure", "by_owner", "exposures", "share_multiplier"]


@dataclass(frozen=True, slots=True)
class Exposure:
    """What an owner holds of one contract over all accounts, in the contract's own unit.

    ``matched`` is held against oneself; ``share`` of the open interest, None where that is unknown.
    """

    owner: str
    contract: str
    long: float
    short: float  # not positive
    matched: float
    share: float | None

    @property
    def net(self) -> float:
        """What is left against the rest of the market."""
        return self.long + self.short


def by_owner(book: Book, owner: Mapping[str, str]) -> Book:
    """The population with the accounts of one owner as one account, named after the owner.

    ``owner``: account to owner; an account that is not named is its own. Entry prices of what is
    merged are gone. Raises InputError ``option_unknown`` for an account that the book does not
    have, or for a book with reported equity, which cannot be added to a balance.
    """
    names = _owners(book, owner)
    if book.reported.equity or book.reported.holds:
        raise InputError(
            "option_unknown",
            "what a venue reports of an account is not that of its owner",
            place="reported",
            limit="balances",
            remedy="Give the balances of each account.",
        )
    places = {name: k for k, name in enumerate(dict.fromkeys(names))}
    of_account = np.array([places[name] for name in names], np.int32)
    code = of_account[np.repeat(np.arange(len(book)), np.diff(book.row))].astype(np.int32)
    made = order_positions(code, book.column, book.quantity, len(places), len(book.instruments))
    merged = Book.of_arrays(
        book.instruments,
        frozen(made.row_ptr, np.int64),
        frozen(made.column, np.int32),
        frozen(made.quantity, np.float64),
        tuple(places),
    )
    mine = dict(zip(book.account, names, strict=True))
    orders = [replace(order, account=mine[order.account]) for order in book.orders.items]
    return replace(merged, orders=Orders.of(orders, tuple(places)))


def exposures(
    book: Book, owner: Mapping[str, str], open_interest: Mapping[str, float] | None = None
) -> tuple[Exposure, ...]:
    """Every contract that an owner holds, owners in the book's order, contracts in the table's.

    ``open_interest``: by native id, in the contract's own unit, above 0. Raises InputError
    ``option_unknown``, ``number_out_of_range``.
    """
    known = dict(open_interest or {})
    for name, size in known.items():
        if not 0.0 < size < float("inf"):
            raise InputError(
                "number_out_of_range",
                "open interest is above 0",
                place=name,
                value=size,
                limit="> 0",
                remedy="Leave it out where it is not known.",
            )
    names = _owners(book, owner)
    sides: dict[tuple[str, int], list[float]] = {}
    for a, name in enumerate(names):
        for j in range(int(book.row[a]), int(book.row[a + 1])):
            size = float(book.quantity[j])
            side = sides.setdefault((name, int(book.column[j])), [0.0, 0.0])
            side[0 if size > 0.0 else 1] += size
    order = {name: k for k, name in enumerate(dict.fromkeys(names))}
    out = []
    for (name, column), (long, short) in sorted(
        sides.items(), key=lambda each: (order[each[0][0]], each[0][1])
    ):
        item = book.instruments.items[column]
        if item.kind in (Kind.ASSET, Kind.DEBT) or (long == 0.0 and short == 0.0):
            continue
        whole = known.get(item.native_id)
        share = None if whole is None else max(long, -short) / whole
        out.append(Exposure(name, item.native_id, long, short, min(long, -short), share))
    return tuple(out)


def share_multiplier(share: float, free: float = 0.05, slope: float = 2.0) -> float:
    """How much more is required of an owner who holds a share of all that is open.

    ``1 + slope x max(share - free, 0)``: the requirement rises faster than the position. The
    defaults are this project's own. Raises InputError ``number_out_of_range``.
    """
    if not (0.0 <= share < float("inf") and 0.0 <= free <= 1.0 and 0.0 <= slope < float("inf")):
        raise InputError(
            "number_out_of_range",
            "a share of open interest, the share that is free and a slope",
            place="share_multiplier",
            value=(share, free, slope),
            limit=">= 0, 0 to 1, >= 0",
            remedy="Give fractions.",
        )
    return 1.0 + slope * max(share - free, 0.0)


def _owners(book: Book, owner: Mapping[str, str]) -> list[str]:
    strangers = sorted(set(owner) - set(book.account))
    if strangers:
        raise InputError(
            "option_unknown",
            "an owner is named of an account that the book does not have",
            place="owner",
            value=", ".join(strangers),
            limit=", ".join(list(book.account)[:8]),
            remedy="Name accounts of the book.",
        )
    return [owner.get(name, name) for name in book.account]
