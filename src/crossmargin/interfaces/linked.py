"""Accounts of one owner as one account: what they hold against each other, and their share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from crossmargin.accounts.owner_groups import by_owner, exposures, share_multiplier
from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book
from crossmargin.interfaces.results import MarginResult
from crossmargin.margin.deribit_common import coin_size
from crossmargin.market.fields import contract_subject

__all__ = ["ALL", "accounts_of", "joined", "linked_figures", "linked_names", "linked_notes"]

ALL = ("all",)


def linked_names(book: Book, linked: Sequence[str]) -> tuple[str, ...]:
    """The accounts that are linked, in the book's order; ``all`` names every one.

    Raises InputError ``option_unknown`` for a name that the book does not have, or for fewer than
    two.
    """
    wanted = tuple(book.account) if tuple(linked) == ALL else tuple(linked)
    strangers = [name for name in wanted if name not in book.account]
    if strangers or len(set(wanted)) < 2:
        raise InputError(
            "option_unknown",
            "linked accounts are two or more accounts of the book",
            place="--linked",
            value=", ".join(strangers or wanted),
            limit=", ".join(list(book.account)[:8]),
            remedy="Name them with commas between, or write all.",
        )
    return tuple(name for name in book.account if name in wanted)


def joined(book: Book, names: Sequence[str]) -> Book:
    """The accounts as one, named after all of them. Lots keep the entry price of their profit.

    Raises what ``by_owner`` raises: a reported equity is not that of an owner.
    """
    owner = "+".join(names)
    both = accounts_of(book, names)
    # The rules of an owner are by_owner's; lines as read keep entry prices beside them.
    merged = by_owner(both, dict.fromkeys(names, owner))
    if not both.lines:
        return merged
    lines = [replace(line, account=owner) for line in both.lines]
    orders = [replace(order, account=owner) for order in both.orders.items]
    return Book.of(both.instruments, lines, orders, accounts=(owner,))


def accounts_of(book: Book, names: Sequence[str]) -> Book:
    """The book with those accounts alone."""
    if tuple(book.account) == tuple(names):
        return book
    lines = [line for line in book.lines if line.account in names]
    if not lines and len(book.column):
        raise InputError(
            "option_unknown",
            "accounts of a population are linked all together",
            place="--linked",
            limit="all",
            remedy="Link all, or give a book of these accounts.",
        )
    orders = [order for order in book.orders.items if order.account in names]
    found = Book.of(book.instruments, lines, orders, accounts=tuple(names))
    kept = {key: usd for key, usd in book.reported.equity.items() if key[0] in names}
    return replace(found, reported=replace(book.reported, equity=kept)) if kept else found


def linked_figures(
    book: Book, names: Sequence[str], alone: MarginResult, made: MarginResult
) -> dict[str, Any]:
    """What the owner holds of each contract, and the requirement alone against together.

    ``alone``: the accounts margined one by one, ``made``: as one. Dollars; ``matched`` is held
    against oneself. ``im_with_share_usd`` is the owner's IM times the multiplier of the contract
    of which the owner has the largest share.
    """
    view = made.snapshot.view(made.book.instruments, made.requirement.view.as_of_ms)
    table = made.book.instruments
    interest = made.snapshot.values("open_interest")
    known = {
        item.native_id: interest[contract_subject(*item.key)]
        for item in table.items
        if interest.get(contract_subject(*item.key), 0.0) > 0.0
    }
    owner = made.book.account[0]
    held = [
        each
        for each in exposures(accounts_of(book, names), dict.fromkeys(names, owner), known)
        if each.owner == owner
    ]
    size = np.abs(coin_size(table, view))
    at = {item.native_id: k for k, item in enumerate(table.items)}
    rows: list[dict[str, Any]] = []
    for each in held:
        k = at[each.contract]
        index_usd = float(view.index[table.pair[k]] * view.usd[table.quote[k]])
        rows.append(
            {
                "contract": each.contract,
                "long": each.long,
                "short": each.short,
                "net": each.net,
                "matched": each.matched,
                "matched_usd": each.matched * float(size[k]) * index_usd,
                "share_of_interest": each.share,
                "multiplier": None if each.share is None else share_multiplier(each.share),
            }
        )
    multiplier = max((float(row["multiplier"] or 1.0) for row in rows), default=1.0)
    one = made.accounts[0]
    apart = [
        {name: each.get(name) for name in ("account", "equity_usd", "im_usd", "mm_usd")}
        for each in alone.accounts
    ]
    equities: list[Any] = [each["equity_usd"] for each in apart]
    given = one["equity_usd"] is not None and None not in equities
    return {
        "owner": owner,
        "accounts": apart,
        "together": {name: one.get(name) for name in ("equity_usd", "im_usd", "mm_usd")},
        "im_alone_usd": sum(each["im_usd"] for each in apart),
        "im_together_usd": one["im_usd"],
        "share_multiplier": multiplier,
        "im_with_share_usd": multiplier * one["im_usd"],
        "matched_usd": sum(row["matched_usd"] for row in rows),
        "equity_left_out_usd": sum(equities) - one["equity_usd"] if given else None,
        "contracts": sorted(rows, key=lambda row: -row["matched_usd"]),
    }


def linked_notes(figures: Mapping[str, Any] | None) -> list[str]:
    """What a reader must know of the sum; nothing where no accounts are linked."""
    if figures is None:
        return []
    notes = [
        "linked accounts are judged as one: no venue nets them, and what is held against oneself "
        "is no hedge of either account"
    ]
    left = figures["equity_left_out_usd"]
    if left is not None and abs(left) > 0.005:
        notes.append(
            f"equity of the accounts is {left:,.2f} USD more than that of the owner: profit since "
            "entry of positions that cancel"
        )
    if all(row["share_of_interest"] is None for row in figures["contracts"]):
        notes.append("the market has no open interest of these contracts: no share is known")
    return notes
