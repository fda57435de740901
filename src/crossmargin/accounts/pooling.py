"""All accounts as one pool under one model: the economic net, which no venue grants.

Balances and debts become lines of the pool (a debt is a negative balance), positions keep their
venue's contract and mark. Where two markets speak of one price, the newer row is taken; a contract
is always valued at its own venue's mark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from crossmargin.accounts.book_edits import one_account
from crossmargin.accounts.venue_accounts import (
    Standing,
    VenueAccount,
    parameters_of,
    standing_under,
    view_of,
)
from crossmargin.core.errors import CrossMarginError
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.margin.equity import mark_value
from crossmargin.margin.listings import forms_of
from crossmargin.margin.mapping import map_book
from crossmargin.margin.model import MarginModel
from crossmargin.market.fields import Row
from crossmargin.market.snapshot import Snapshot

__all__ = ["PoolRule", "Saving", "merged_snapshot", "net_of", "pooled_book", "savings"]

_ACCOUNT = "unified"


@dataclass(frozen=True, slots=True)
class PoolRule:
    """The model that margins the pool, and the one market that it is valued in."""

    model: MarginModel
    market: Snapshot


@dataclass(frozen=True, slots=True)
class Saving:
    """What pooling saves under one model: alone less together, in dollars of initial demand.

    ``reason`` says why a model could not be asked; then there is no number.
    """

    model: str
    alone_usd: float | None
    together_usd: float | None
    reason: str = ""

    @property
    def saving_usd(self) -> float | None:
        """The benefit under this model; None where it could not be asked."""
        if self.alone_usd is None or self.together_usd is None:
            return None
        return self.alone_usd - self.together_usd


def merged_snapshot(accounts: Sequence[VenueAccount]) -> Snapshot:
    """One market of all accounts; of two rows that say the same, the newer (then the first)."""
    kept: dict[tuple[str, str], Row] = {}
    for snapshot in dict.fromkeys(account.snapshot for account in accounts):
        for row in snapshot.rows():
            key = (row.field, row.subject)
            if key not in kept or row.event_ms > kept[key].event_ms:
                kept[key] = row
    return Snapshot.of(kept.values(), max(account.snapshot.as_of_ms for account in accounts))


def pooled_book(accounts: Sequence[VenueAccount]) -> Book:
    """One book of one account: every line of every account, without open orders.

    A coin balance whose equity the venue reported stands at that equity less the options' value.
    """
    rows: list[tuple[Instrument, float, float | None]] = []
    for account in accounts:
        rows += _lines(account)
    table = Instruments.of(item for item, _, _ in rows)
    place = table.index_of()
    lines = [Line(_ACCOUNT, place[item.key], quantity, entry) for item, quantity, entry in rows]
    return Book.of(table, lines, (), None, (_ACCOUNT,))


def _lines(account: VenueAccount) -> list[tuple[Instrument, float, float | None]]:
    book = account.book
    name = one_account(book, account.name)
    table = book.instruments
    out: list[tuple[Instrument, float, float | None]] = []
    said = {currency: equity for (_, currency), equity in sorted(book.reported.equity.items())}
    worth = mark_value(table, view_of(account)) if said else None
    for j, column in enumerate(book.column.tolist()):
        item, quantity = table.items[column], float(book.quantity[j])
        entry = float(book.entry_price[j]) if bool(book.entry_known[j]) else None
        if item.kind == Kind.DEBT:
            item, quantity = replace(item, kind=Kind.ASSET), -abs(quantity)
        if item.kind == Kind.ASSET and item.underlying in said and worth is not None:
            quantity = book.reported.equity[name, item.underlying] - sum(
                float(q) * float(worth[c])
                for c, q in zip(book.column.tolist(), book.quantity.tolist(), strict=True)
                if table.items[c].settle == item.underlying
            )
        out.append((item, quantity, None if item.kind == Kind.ASSET else entry))
    return out


def net_of(accounts: Sequence[VenueAccount], rule: PoolRule) -> Standing:
    """The pool of the accounts under a rule; a pool that holds nothing needs nothing.

    Another venue's contracts are carried to the model's own where the model is a venue's. Raises
    what the model or the mapping raises.
    """
    model, book = rule.model, pooled_book(accounts)
    if len(book.column) == 0:
        return Standing(0.0, 0.0, 0.0, 0.0)
    view = rule.market.view(book.instruments)
    venue = model.spec.venue
    if venue and any(item.venue != venue for item in book.instruments.items):
        mapped = map_book(book, view, venue, forms=forms_of(model.spec))
        book, view = mapped.book, mapped.view
    name = model.spec.name
    own = next((a for a in accounts if a.model and a.model.spec.name == name), accounts[0])
    return standing_under(book, view, model, parameters_of(own, model))


def savings(
    accounts: Sequence[VenueAccount], models: Sequence[MarginModel], market: Snapshot
) -> tuple[Saving, ...]:
    """What each model says pooling saves; one that cannot be asked says why."""
    return tuple(_saving(accounts, PoolRule(model, market)) for model in models)


def _saving(accounts: Sequence[VenueAccount], rule: PoolRule) -> Saving:
    name = rule.model.spec.name
    try:
        alone = sum(net_of([account], rule).demand_im_usd for account in accounts)
        together = net_of(accounts, rule).demand_im_usd
    except CrossMarginError as error:
        return Saving(name, None, None, f"{error.code}: {error.message} ({error.place})")
    return Saving(name, alone, together)
