"""A venue account as an allocation sees it: what it may trade, and what it is worth to move there.

The venue's own rule is asked each time: ``rooms`` margins a population of variants of the account
and says how many dollars each leaves above initial and maintenance margin, with every fee and the
cash of every trade booked; ``credit_usd`` says what an asset is worth there when it arrives, and
costs when it leaves. Nothing is approximated here: cuts and slopes are the allocation's business.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from crossmargin.accounts.book_edits import edited, money_line
from crossmargin.accounts.local_liquidation import with_money
from crossmargin.accounts.venue_accounts import (
    Standing,
    VenueAccount,
    parameters_of,
    standing_of,
    standing_under,
)
from crossmargin.core.arrays import Floats
from crossmargin.core.errors import CrossMarginError, InputError
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.margin.deribit_common import coin_size
from crossmargin.margin.families.whole_account import is_money
from crossmargin.margin.listings import counterpart, forms_of, is_mapped
from crossmargin.margin.totals import room_usd, stands_apart
from crossmargin.margin.whatif import Prepared, prepare
from crossmargin.margin.whatif_trades import Fill, Leg
from crossmargin.market.view import View

__all__ = ["Left", "Place", "contract_of", "place_of", "twin_at"]

TRADED = (Kind.OPTION, Kind.PERPETUAL, Kind.FUTURE)
Terms = tuple[str, int, int, float, int]


class Left(NamedTuple):
    """[V] of each variant: dollars above initial and maintenance margin, cost against the mark."""

    im_usd: Floats
    mm_usd: Floats
    cost_usd: Floats


@dataclass(frozen=True, slots=True)
class Place:
    """One account. ``prepared`` is None where nothing is traded: a lending pool, a wallet."""

    account: VenueAccount
    standing: Standing
    prepared: Prepared | None
    view: View | None = None  # the prepared table in the account's own market

    @property
    def name(self) -> str:
        """The account's name."""
        return self.account.name

    @property
    def demand_im_usd(self) -> float:
        """Equity that the venue wants to see."""
        return self.standing.demand_im_usd

    @property
    def withdrawable_usd(self) -> float:
        """Money that may leave now: an unrealised gain and an option cannot be sent."""
        left = min(self.standing.over_im_usd, self.standing.over_mm_usd)
        if not self.account.borrows:
            left = min(left, self.standing.cash_usd)
        return max(left, 0.0)

    def positions(self) -> tuple[tuple[Instrument, float], ...]:
        """Contracts that are held, in the order of the book."""
        book = self.account.book
        held = zip(book.column.tolist(), book.quantity.tolist(), strict=True)
        items = book.instruments.items
        return tuple((items[c], q) for c, q in held if items[c].kind in TRADED and q != 0.0)

    def assets(self) -> tuple[tuple[Instrument, float], ...]:
        """Balances and collateral of a positive quantity."""
        book = self.account.book
        held = zip(book.column.tolist(), book.quantity.tolist(), strict=True)
        items = book.instruments.items
        return tuple((items[c], q) for c, q in held if items[c].kind == Kind.ASSET and q > 0.0)

    def fill(self, item: Instrument, size: float, price: float | None = None) -> Fill:
        """A trade of a prepared contract at its price or the executable side."""
        if self.prepared is None:
            raise _no_trade(self.name)
        return self.prepared.fill(Leg(self.prepared.column[item.native_id], size, price))

    def coins(self, item: Instrument) -> float:
        """Coins of the underlying in one unit of a prepared contract."""
        view, row = self._row(item)
        return float(coin_size(view.instruments, view)[row])

    def notional_usd(self, item: Instrument) -> float:
        """Dollars of one unit of a prepared contract at the index."""
        view, row = self._row(item)
        return self.coins(item) * float(view.index[int(view.instruments.pair[row])])

    def mark(self, item: Instrument) -> float:
        """The venue's mark of a prepared contract, in its own quote."""
        view, row = self._row(item)
        return float(view.mark[row])

    def _row(self, item: Instrument) -> tuple[View, int]:
        if self.prepared is None or self.view is None:
            raise _no_trade(self.name)
        return self.view, self.prepared.column[item.native_id]

    def rooms(self, variants: Sequence[Sequence[Fill]]) -> Left:
        """The account after each set of fills, all in one call of the model."""
        if self.prepared is None:
            raise _no_trade(self.name)
        ground = self.prepared.ground
        left = np.zeros((2, len(variants)))
        left[0], left[1] = self.standing.over_im_usd, self.standing.over_mm_usd
        some = [v for v, fills in enumerate(variants) if fills]
        if some:
            left[:, some] = self._judged([variants[v] for v in some])
        cost = [0.0] * len(variants)
        known: dict[int, float] = {}  # dollars of a fill, which many variants share
        for v, fills in enumerate(variants):
            for fill in fills:
                own = known.get(id(fill))
                if own is None:
                    own = known[id(fill)] = (fill.fee - fill.gain) * ground.usd_of(fill.column)
                cost[v] += own
        return Left(left[0], left[1], np.array(cost, np.float64))

    def _judged(self, variants: Sequence[Sequence[Fill]]) -> Floats:
        """[2, V] dollars above both levels; the pool with least where no pool pays for another."""
        if self.prepared is None:
            raise _no_trade(self.name)
        ground = self.prepared.ground
        states = ground.evaluate(variants)
        apart = stands_apart(self.prepared.base.model)
        rates = [pool.priced.usd_per_unit for pool in ground.pools]
        left = np.zeros((2, len(variants)))
        for row, (need, counted) in enumerate(((0, 2), (1, 3))):
            for v in range(len(variants)):
                pools = []
                for number, (values, rate) in enumerate(zip(states.values, rates, strict=True)):
                    beside = 0.0 if states.unbooked is None else float(states.unbooked[number][v])
                    pools.append((float(values[need, v]), float(values[counted, v]) + beside, rate))
                left[row, v] = room_usd(pools, apart)[0]
        return left

    def after(
        self, fills: Sequence[Fill] = (), moved: Sequence[tuple[Instrument, float]] = ()
    ) -> Standing:
        """The exact standing after trades and after assets arrived (negative: left)."""
        if self.prepared is None:
            if fills:
                raise _no_trade(self.name)
            account = self.account
            for item, quantity in moved:
                account = _with_asset(account, item, quantity)
            return standing_of(account)
        base = self.prepared.base
        book, view = self.prepared.ground.changed_book(list(fills)), base.view
        for item, quantity in moved:
            line = _line_of(book, item.underlying)
            if line is not None:  # of the table that is margined: its market stands
                book = _added(book, line, quantity)
                continue
            if self.prepared.losses or base.book.instruments.items[0].venue != self.venue:
                raise _no_asset(self.name, item.underlying)
            line_item = money_line(book, self.account.venue, item.underlying)
            book = edited(book, {line_item: quantity})
            view = self.account.snapshot.view(book.instruments)
        return standing_under(book, view, base.via, base.parameters)

    @property
    def venue(self) -> str:
        """Whose contracts are margined: another venue's where the model maps the book."""
        if self.prepared is None:
            return self.account.venue
        return self.prepared.table.items[0].venue

    def credit_usd(self, item: Instrument, quantity: float) -> float:
        """Dollars above initial margin that an asset adds when it arrives, or takes as it leaves.

        NaN where the venue does not take it or has no price of it.
        """
        try:
            found = self.after((), ((item, quantity),))
        except CrossMarginError:
            return math.nan
        return found.over_im_usd - self.standing.over_im_usd


def _with_asset(account: VenueAccount, item: Instrument, quantity: float) -> VenueAccount:
    """An asset arrives; money repays a debt in it first."""
    if is_money(item.underlying):
        price = account.snapshot.get("usd", item.underlying) or 1.0
        return with_money(replace(account, money=item.underlying), quantity * price)
    line = money_line(account.book, account.venue, item.underlying)
    return replace(account, book=edited(account.book, {line: quantity}))


def _line_of(book: Book, currency: str) -> int | None:
    """The row of a balance in the table, or None."""
    for column, item in enumerate(book.instruments.items):
        if item.kind == Kind.ASSET and item.underlying == currency:
            return column
    return None


def _added(book: Book, column: int, quantity: float) -> Book:
    """The one account with more of a balance; what the venue reported moves with it."""
    name = book.account[0]
    key = name, book.instruments.items[column].underlying
    equity = dict(book.reported.equity)
    if key in equity:
        equity[key] += quantity
    lines = [*book.lines, Line(name, column, quantity)]
    reported = replace(book.reported, equity=equity)
    made = Book.of(book.instruments, lines, list(book.orders.items), reported, (name,))
    return replace(made, choices=book.choices)


def place_of(
    account: VenueAccount,
    candidates: Sequence[Instrument] = (),
    fee: float | Mapping[str, float] | None = None,
) -> Place:
    """An account ready for trades in what it holds and in ``candidates``; errors of the model.

    A book of another venue's contracts is mapped as the model maps it. ``fee`` as in a what-if.
    """
    held = account.book.instruments.kind[account.book.column]
    trades = bool(candidates) or any(Kind(k) in TRADED for k in held.tolist())
    if account.model is None or account.terms is not None or not trades:
        return Place(account, standing_of(account), None)
    parameters = parameters_of(account, account.model)
    made = prepare(account.book, account.snapshot, account.model, parameters, candidates, fee=fee)
    base = made.base
    standing = standing_under(base.book, base.view, base.via, base.parameters)
    return Place(account, standing, made, account.snapshot.view(made.table))


def contract_of(item: Instrument) -> Terms:
    """What makes two venues' contracts the same: underlying, kind, right, strike and expiry."""
    return item.underlying, int(item.kind), item.right, item.strike, item.expiry_ms


def twin_at(item: Instrument, account: VenueAccount) -> Instrument | None:
    """The same contract at another account, with a price there; None where there is none.

    One that the account holds goes first, then the very contract where its market prices it and
    the model takes or maps it, then what its venue lists. A dated future that would become a
    perpetual is no twin.
    """
    if account.model is None or account.terms is not None:
        return None
    terms = contract_of(item)
    own = [each for each in account.book.instruments.items if contract_of(each) == terms]
    if own:
        return own[0]
    spec = account.model.spec
    same = account.snapshot.get("mark", f"{item.venue}|{item.native_id}") is not None
    if same and spec.venue in ("", item.venue):
        return item
    if not spec.venue or item.kind not in spec.kinds:
        return None
    try:
        made = counterpart(item, spec.venue, forms_of(spec))
    except InputError:
        return None
    if same and is_mapped(spec, (item,)):
        return item if contract_of(made) == terms else None
    quoted = account.snapshot.get("mark", f"{made.venue}|{made.native_id}")
    return made if contract_of(made) == terms and quoted is not None else None


def _no_trade(name: str) -> InputError:
    return InputError(
        "order_invalid",
        "nothing is traded at this account",
        place=name,
        limit="an account with a margin model and contracts",
        remedy="Move money there instead.",
    )


def _no_asset(name: str, currency: str) -> InputError:
    return InputError(
        "currency_unknown",
        "the account's venue holds no such balance",
        place=name,
        value=currency,
        limit="currencies that its contracts settle in",
        remedy="Send another.",
    )
