"""What the market says of hedging an underlying: its options as arrays, the hedge and its cost."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from crossmargin.accounts.exit_market import Desk
from crossmargin.accounts.exit_terms import ExitTerms
from crossmargin.accounts.run_off import Hedge
from crossmargin.core.clock import YEAR_MS
from crossmargin.core.errors import InputError, MarketDataError
from crossmargin.decisions.checked import number
from crossmargin.decisions.notional_costs import CostTerms
from crossmargin.decisions.option_book import OptionBook
from crossmargin.instruments.book import Book
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.margin.deribit_common import coin_size
from crossmargin.margin.pools import is_kind
from crossmargin.margin.whatif_costs import Schedule
from crossmargin.margin.whatif_trades import error_of
from crossmargin.market.depth import Depth
from crossmargin.market.fields import contract_subject
from crossmargin.market.snapshot import Snapshot
from crossmargin.market.view import View

__all__ = ["Books", "HedgeMarket", "Liquidity", "hedge_market", "option_book", "underlying_of"]

Books = Mapping[tuple[str, str], Depth]


@dataclass(frozen=True, slots=True)
class Liquidity:
    """Dollars of the hedge's contract that (a sale, a purchase) meets; None where not known.

    ``touch``: at the best quote. ``within``: in the order book up to ``bp`` from the mark.
    """

    touch: tuple[float | None, float | None] = (None, None)
    within: tuple[float | None, float | None] = (None, None)
    bp: float = 10.0
    volume_from: str = "not known"

    def met(self, delta: float) -> tuple[float | None, float | None]:
        """(touch, within) of the trade that hedges ``delta``: a sale where it is above 0."""
        side = 0 if delta > 0.0 else 1
        return self.touch[side], self.within[side]


@dataclass(frozen=True, slots=True)
class HedgeMarket:
    """The contract that hedges, what a dollar of it costs, and a day's volume in dollars."""

    contract: str
    terms: CostTerms
    volume_day_usd: float
    source: str
    liquidity: Liquidity = Liquidity()


def underlying_of(book: Book, asked: str | None) -> str:
    """The underlying of the options, or the one that is asked for.

    Raises InputError ``option_unknown`` where the book has options of none or of several.
    """
    items = book.instruments.items
    held = sorted({items[k].underlying for k in book.column.tolist()
                   if items[k].kind == Kind.OPTION})  # fmt: skip
    if asked is not None and asked in held:
        return asked
    if asked is None and len(held) == 1:
        return str(held[0])
    raise InputError(
        "option_unknown",
        "hedging is of the options of one underlying",
        place="--underlying",
        value=asked or f"{len(held)} underlyings",
        limit=", ".join(held) or "a book with options",
        remedy="Name one.",
    )


def option_book(book: Book, view: View, underlying: str) -> OptionBook:
    """The account's options of an underlying on its spot, futures and perpetuals as linear delta.

    Raises MarketDataError for a contract that the market does not price.
    """
    table = view.instruments
    option, future = is_kind(table, Kind.OPTION), is_kind(table, Kind.PERPETUAL, Kind.FUTURE)
    coins = coin_size(table, view)
    size: dict[int, float] = {}
    linear = 0.0
    for k, quantity in zip(book.column.tolist(), book.quantity.tolist(), strict=True):
        if table.items[k].underlying != underlying or not (option[k] or future[k]):
            continue
        if not view.ok[k]:
            raise next(error_of(f, view) for f in view.failures if f.subject == table.label(k))
        if option[k]:
            size[k] = size.get(k, 0.0) + quantity
        else:
            linear += quantity * float(coins[k])
    rows = np.array([k for k, held in sorted(size.items()) if held != 0.0], np.int64)
    if not len(rows):
        raise InputError(
            "book_empty",
            "the book holds no option of the underlying",
            place=underlying,
            remedy="Give a book with options.",
        )
    expiry = table.expiry[rows]
    index = table.pair[rows]
    spot = float(view.index[index[0]] * view.usd[table.quote[rows[0]]])
    dollars = view.usd[table.quote[rows]]
    return OptionBook.of(
        spot,
        np.array([size[k] for k in rows.tolist()]) * table.multiplier[rows],
        table.strike[rows] * dollars,
        (view.life_ms / YEAR_MS)[expiry],
        view.vol[rows],
        table.right[rows].astype(np.float64),
        forward=(view.forward + view.forward_settled)[expiry] * dollars,
        linear=linear,
    )


def hedge_market(
    book: Book,
    view: View,
    snapshot: Snapshot,
    underlying: str,
    *,
    cost_bp: float | None = None,
    fee: float | None = None,
    gas_usd: float = 0.0,
    books: Books | None = None,
    within_bp: float = 10.0,
) -> HedgeMarket:
    """The perpetual of the options' venue: taker's fee, half spread, impact, funding as they are.

    ``cost_bp`` takes the place of fee, spread and impact: one way, in basis points of notional.
    ``books``: order books by (venue, native id), read up to ``within_bp`` from the mark.
    Raises MarketDataError ``quote_missing`` where the market has no perpetual with both quotes and
    no cost is given.
    """
    item = _first(book, underlying)
    terms = ExitTerms.at(view.as_of_ms)
    number("--within", within_bp, 0.0, 1e4, above=True)
    desk = Desk(view, snapshot, Schedule.at(view.as_of_ms, fee), terms, books)
    found = desk.hedge(item)
    there = Liquidity() if found is None else _liquidity(desk, found, within_bp)
    if cost_bp is not None:
        share = number("--cost-bp", cost_bp, 0.0, 5000.0) / 1e4
        funding = 0.0 if found is None or found.funding_8h is None else found.funding_8h
        name = f"{underlying} at the given cost" if found is None else found.item.native_id
        volume = 0.0 if found is None else found.volume_usd
        given = CostTerms(half_spread=share, gas_usd=gas_usd, funding_8h=funding)
        return HedgeMarket(name, given, volume, "given", there)
    if found is None:
        raise MarketDataError(
            "quote_missing",
            "the market has no perpetual of the underlying with bid and ask",
            place=f"{item.venue} {underlying}",
            remedy="Give the one-way cost with --cost-bp.",
        )
    split = {name: float(value) / found.notional_usd for name, value in found.cost.split(1.0)}
    volume = found.volume_usd
    made = CostTerms(
        fee=split.get("fee", 0.0),
        half_spread=max(split.get("spread", 0.0), 0.0),
        impact=terms.number("impact.coefficient") if volume > 0.0 else 0.0,
        vol_day=desk.vol_annual(item) / math.sqrt(365.0),
        volume_day_usd=volume,
        gas_usd=gas_usd,
        funding_8h=found.funding_8h or 0.0,
    )
    return HedgeMarket(found.item.native_id, made, volume, "market", there)


def _liquidity(desk: Desk, hedge: Hedge, bp: float) -> Liquidity:
    """Sizes at the touch, of the order book where there is one, and within a distance of it."""
    item, unit = hedge.item, hedge.notional_usd
    subject = contract_subject(*item.key)
    depth = desk.books.get(item.key)
    touch: list[float | None] = []
    within: list[float | None] = []
    mark = float(desk.snapshot.view(Instruments.of([item]), desk.view.as_of_ms).mark[0])
    for name, sign in (("bid_size", -1.0), ("ask_size", 1.0)):
        if depth is None:
            size = desk.snapshot.get(name, subject)
            touch.append(None if size is None else size * unit)
            within.append(None)
            continue
        sizes = depth.side(sign)[1]
        touch.append(float(sizes[0]) * unit if len(sizes) else 0.0)
        within.append(depth.within(sign, mark, bp) * unit)
    given = depth is not None and depth.volume_day is not None
    told = "as given" if given else "guessed from open interest"
    return Liquidity((touch[0], touch[1]), (within[0], within[1]), bp, told)


def _first(book: Book, underlying: str) -> Instrument:
    items = book.instruments.items
    return next(
        item
        for item in (items[int(k)] for k in book.column)
        if item.underlying == underlying and item.kind == Kind.OPTION
    )
