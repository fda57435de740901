"""What an account would be worth, and need, at other spots and volatilities.

Every cell is a full margin run on a shifted view; nothing is interpolated and no risk array of the
unshifted market is read. What a shift ``(s, v)`` moves, and what it leaves:

* every coin moves by the factor ``s``, all together: index, dollars of the coin, the free part of
  each forward; dollars, stablecoins and other pegged money stand still
* the settled part of a forward, rates, funding, time and open orders stay; no quote is executable
* futures and perpetuals keep their premium: mark ``s`` (a dated one ``F'/F``)
* volatilities move by the factor ``v``; option marks are re-priced by Black-76 with discount and
  keep their residual: ``mark' = max(mark + model(F', v vol) - model(F, vol), 0)``
* profit of futures is added to the cash line of the currency that settles them, and all profit to
  the equity that a venue reported: a move is settled as it happens. Where the account's equity is
  rebuilt from entry prices the model itself counts that profit. Profit in a currency of which the
  account has no line is added in dollars.

So coin balances are re-valued where the model counts them, and at ``s = v = 1`` the cell is the
plain run to the bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from crossmargin.core.arrays import Bools, Floats, Longs, finite, frozen
from crossmargin.core.clock import YEAR_MS
from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.equity import SOURCES
from crossmargin.margin.model import EquitySource, MarginModel, Plan, Requirement
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import is_kind, lies_in, restrict
from crossmargin.margin.run import margin_block, run
from crossmargin.margin.totals import room_usd, stands_apart
from crossmargin.market.fields import DOLLAR_PEGGED, OTHER_MONEY
from crossmargin.market.view import View
from crossmargin.pricing.revalue import black_value

__all__ = [
    "PEGGED",
    "Grid",
    "counted_futures",
    "derivative_profit",
    "equity_minus_mm",
    "grid",
    "moved_book",
    "moved_view",
    "pool_dollars",
    "shifted_book",
    "shifted_view",
    "values_now",
]

# Money that a move of the coins leaves where it is.
PEGGED = DOLLAR_PEGGED | OTHER_MONEY
# The move at which it is seen whether a row's own equity counts the profit of its futures.
_PROBE = 1.05


@dataclass(frozen=True, slots=True)
class Grid:
    """``[S, V]`` dollars of one account at each spot factor and volatility factor.

    ``counted`` is what the model's balance side counts against the requirement of that level. All
    but ``over`` are sums over the pools; ``over`` is what counts less what is required, of pools
    that stand apart that of the one with least left (:func:`crossmargin.margin.totals.room_usd`).
    """

    spot_factor: Floats  # [S]
    vol_factor: Floats  # [V]
    equity_usd: Floats
    counted_im_usd: Floats
    counted_mm_usd: Floats
    im_usd: Floats
    mm_usd: Floats
    over_im: Floats
    over_mm: Floats

    def over_im_usd(self) -> Floats:
        """[S, V] what counts less IM: at least 0 where the account may still open."""
        return self.over_im

    def over_mm_usd(self) -> Floats:
        """[S, V] what counts less MM: under 0 the account would be liquidated."""
        return self.over_mm


def equity_minus_mm(
    book: Book,
    view: View,
    model: MarginModel,
    parameters: Parameters,
    spot_factors: Sequence[float],
    vol_factors: Sequence[float],
) -> Floats:
    """``[S, V]`` dollars of equity that counts less maintenance margin of the only account."""
    return grid(book, view, model, parameters, spot_factors, vol_factors).over_mm_usd()


def grid(
    book: Book,
    view: View,
    model: MarginModel,
    parameters: Parameters,
    spot_factors: Sequence[float],
    vol_factors: Sequence[float],
    step: Callable[[], None] | None = None,
) -> Grid:
    """The account re-margined at every pair of factors; ``step`` is called after each cell.

    Raises InputError: ``option_unknown`` for a book of several accounts, ``number_out_of_range``
    for a factor that is not positive, and what the model raises.
    """
    if len(book) != 1:
        raise InputError(
            "option_unknown",
            "a surface is of one account",
            value=len(book),
            limit="1 account",
            remedy="Choose an account.",
        )
    spots, vols = _factors(spot_factors, "spot factor"), _factors(vol_factors, "volatility factor")
    plain = run(book, view, model, parameters)
    if len(plain.book) != 1:
        raise InputError(
            plain.failures[0].code,
            "the account cannot be margined",
            place=plain.failures[0].reason,
            remedy="Remove the line, or give a market that prices it.",
        )
    counted = counted_futures(plain, book, view, model, parameters)
    out = np.zeros((7, len(spots), len(vols)))
    for r, spot in enumerate(spots.tolist()):
        for c, vol in enumerate(vols.tolist()):
            moved = shifted_view(view, spot, vol)
            held, unlined = moved_book(book, view, moved, counted)
            out[:, r, c] = _totals(held, moved, model, parameters, plain.plan, unlined)
            if step is not None:
                step()
    finite(out, "a shifted requirement")
    return Grid(spots, vols, *(frozen(table, np.float64) for table in out))


def _factors(values: Sequence[float], what: str) -> Floats:
    factors = finite(np.asarray(values, np.float64), what)
    if not (factors > 0.0).all():
        raise InputError(
            "number_out_of_range",
            f"a {what} is positive",
            value=float(factors.min()),
            limit="> 0",
            remedy="1.0 is no move, 0.6 a fall by 40 %.",
        )
    return frozen(factors, np.float64)


def _totals(
    book: Book,
    view: View,
    model: MarginModel,
    parameters: Parameters,
    plan: Plan,
    unlined: Mapping[str, float],
) -> Floats:
    """[7] dollars: equity, counted against IM and MM, IM, MM, and what is left of both.

    ``unlined``: dollars of profit, by currency, that no line of the book took.
    """
    names = ("equity", "counted_im", "counted_mm", "im", "mm")
    parts = pool_dollars(book, view, model, parameters, plan)
    total = np.zeros(len(names))
    for _, values, usd in parts:
        total += np.array(values) * usd
    total[:3] += sum(unlined.values())
    apart = stands_apart(model.spec)
    if not apart:
        return np.append(total, [total[1] - total[3], total[2] - total[4]])
    room = []
    for counted, need in ((1, 3), (2, 4)):
        own = [
            (values[need] * usd, values[counted] * usd + unlined.get(currency, 0.0), 1.0)
            for currency, values, usd in parts
        ]
        room.append(room_usd(own, apart)[0])
    return np.append(total, room)


def pool_dollars(
    book: Book, view: View, model: MarginModel, parameters: Parameters, plan: Plan
) -> list[tuple[str, list[float], float]]:
    """Of each pool of the only account: its currency, equity, counted against IM and MM, IM and
    MM in that currency, and dollars per unit of it; one full margin run.
    """
    names = ("equity", "counted_im", "counted_mm", "im", "mm")
    priced = tuple(
        model.price(pool, restrict(view, book.instruments, pool), parameters) for pool in plan.pools
    )
    answers = margin_block(model, plan, priced, book, (0, 1), parameters)
    return [
        (
            market.pool.currency,
            [float(answer.sheet[name][0]) for name in names],
            market.usd_per_unit,
        )
        for market, answer in zip(priced, answers, strict=True)
    ]


def counted_futures(
    plain: Requirement, book: Book, view: View, model: MarginModel, parameters: Parameters
) -> Bools:
    """[N] futures whose profit since entry the model counts beside cash, so that it moves alone."""
    future = is_kind(book.instruments, Kind.PERPETUAL, Kind.FUTURE)[book.column]
    counted = np.zeros(len(book.column), np.bool_)
    if not (future & book.entry_known).any():
        return counted
    probe = run(book, shifted_view(view, _PROBE, 1.0), model, parameters)
    moves = probe.sheet["unrealised"] != plain.sheet["unrealised"]
    rebuilt = np.array(
        [SOURCES[int(code)] is EquitySource.REBUILT for code in plain.source], np.bool_
    )
    for row in np.flatnonzero(moves | rebuilt).tolist():
        pool = plain.plan.pools[int(plain.sheet.pool[row])]
        counted |= lies_in(book, pool)
    return counted & future & book.entry_known


def shifted_view(view: View, spot_factor: float, vol_factor: float) -> View:
    """The market after every coin moved by one factor and every volatility by another.

    The view itself where both are 1. The module says what moves.
    """
    if spot_factor == 1.0 and vol_factor == 1.0:
        return view
    names = view.instruments.names
    by_name = np.array([1.0 if name in PEGGED else spot_factor for name in names])
    moved = moved_view(view, by_name, vol_factor)
    usd_read = view.reads.get("usd", {})
    read = {k: u * (1.0 if k in PEGGED else spot_factor) for k, u in usd_read.items()}
    return replace(moved, reads={**view.reads, "usd": read})


def moved_view(
    view: View,
    by_name: Floats,
    vol_factor: float | Floats,
    passed_ms: int = 0,
    before: Floats | None = None,
) -> View:
    """The market after the dollar price of each name [K] moved by its factor, volatilities by one.

    ``vol_factor`` is one number or [I]. ``passed_ms`` of time goes by beside it: lives are shorter,
    the forwards stand. Rows are told apart by their codes alone, never by a name. ``reads`` stay.
    ``before``: :func:`values_now` of the view, where it is known.
    """
    table = view.instruments
    money = np.zeros((2, len(table.pairs)), np.int64)
    money[0][table.pair], money[1][table.pair] = table.underlying, table.quote
    by_pair = by_name[money[0]] / by_name[money[1]]
    pair_of_expiry = by_pair[table.expiry_pair] if len(table.expiries) else np.ones(0)
    forward = view.forward * pair_of_expiry
    life_ms = np.maximum(view.life_ms - passed_ms, 0)
    vol = view.vol * vol_factor
    return replace(
        view,
        as_of_ms=view.as_of_ms + passed_ms,
        index=frozen(view.index * by_pair, np.float64),
        usd=frozen(view.usd * by_name, np.float64),
        forward=frozen(forward, np.float64),
        life_ms=frozen(life_ms, np.int64),
        mark=frozen(_marks(view, forward, by_pair, vol, life_ms, before), np.float64),
        vol=frozen(vol, np.float64),
        bid=frozen(np.zeros(len(table)), np.float64),
        ask=frozen(np.zeros(len(table)), np.float64),
        has_bid=frozen(np.zeros(len(table)), np.bool_),
        has_ask=frozen(np.zeros(len(table)), np.bool_),
    )


def values_now(view: View) -> Floats:
    """Black-76 values of the priced options of an unmoved view, in the order of its rows."""
    rows = np.flatnonzero((view.instruments.kind == Kind.OPTION) & view.ok)
    if not len(rows):
        return np.zeros(0)
    forward = view.forward + view.forward_settled
    return _option_values(view, rows, forward, view.vol[rows], view.life_ms)


def _marks(
    view: View,
    forward: Floats,
    by_pair: Floats,
    vol: Floats,
    life_ms: Longs,
    before: Floats | None,
) -> Floats:
    """[I] marks at the moved forwards, volatilities and lives, in each instrument's price unit."""
    table = view.instruments
    mark = view.mark * by_pair[table.pair]
    old = view.forward + view.forward_settled
    new = forward + view.forward_settled
    dated = (table.kind == Kind.FUTURE) & view.ok
    expiry = table.expiry[dated]
    known = old[expiry] > 0.0
    ratio = np.where(known, new[expiry], 1.0) / np.where(known, old[expiry], 1.0)
    mark[dated] = view.mark[dated] * np.where(known, ratio, by_pair[table.pair[dated]])
    rows = np.flatnonzero((table.kind == Kind.OPTION) & view.ok)
    if len(rows):
        before = values_now(view) if before is None else before
        after = _option_values(view, rows, new, vol[rows], life_ms)
        mark[rows] = np.maximum(view.mark[rows] + (after - before), 0.0)
    return mark


def _option_values(
    view: View, rows: np.ndarray, forward: Floats, vol: Floats, life_ms: Longs
) -> Floats:
    """Black-76 with discount of option rows, in their price unit (coin for inverse ones)."""
    table = view.instruments
    expiry = table.expiry[rows]
    at = forward[expiry]
    years = life_ms[expiry] / YEAR_MS
    value = black_value(at, table.strike[rows], vol * np.sqrt(years), table.right[rows])
    paid = value * np.exp(-view.rate[expiry] * years)
    in_coin = table.inverse[rows] & (at > 0.0)
    return np.asarray(np.where(in_coin, paid / np.where(in_coin, at, 1.0), paid))


def shifted_book(book: Book, view: View, moved: View, counted: Bools) -> tuple[Book, float]:
    """The only account of a book after the move has been settled, and dollars with no line.

    ``counted[N]`` are positions whose profit the model counts by itself. Dollars are profit in a
    currency of which the account has neither a line nor a reported equity, at the moved price.
    """
    held, unlined = moved_book(book, view, moved, counted)
    return held, sum(unlined.values())


def moved_book(
    book: Book, view: View, moved: View, counted: Bools
) -> tuple[Book, dict[str, float]]:
    """:func:`shifted_book` with the dollars by the currency that has no line."""
    if moved is view:
        return book, {}
    table = book.instruments
    settle = table.settle[book.column]
    future = is_kind(table, Kind.PERPETUAL, Kind.FUTURE)[book.column]
    profit = derivative_profit(book, view, moved)
    paid = _by_name(table, settle, np.where(future & ~counted, profit, 0.0))
    whole = _by_name(table, settle, profit)
    lines = {
        table.names[int(settle[j])]: j
        for j in np.flatnonzero(book.is_cash()).tolist()
        if table.items[int(book.column[j])].settle == table.items[int(book.column[j])].underlying
    }
    quantity = book.quantity.copy()
    name = book.account[0]
    given = dict(book.reported.equity)
    unlined: dict[str, float] = {}
    for code, currency in enumerate(table.names):
        if (name, currency) in given:
            given[name, currency] += whole[code]
        if currency in lines:
            quantity[lines[currency]] += paid[code]
        elif (name, currency) not in given:
            unlined[currency] = paid[code] * float(moved.usd[code])
    held = replace(
        book,
        quantity=frozen(quantity, np.float64),
        reported=replace(book.reported, equity=_frozen_equity(given)),
        exact=None,
    )
    return held, unlined


def _frozen_equity(given: Mapping[tuple[str, str], float]) -> dict[tuple[str, str], float]:
    return {key: float(amount) for key, amount in given.items()}


def derivative_profit(book: Book, view: View, moved: View) -> Floats:
    """[N] what each derivative gains by the move, in the currency that settles it."""
    table, column = book.instruments, book.column
    kind = table.kind[column]
    live = (kind != Kind.ASSET) & (kind != Kind.DEBT) & view.ok[column]
    before, after = view.mark[column], moved.mark[column]
    turned = live & table.inverse[column] & (kind != Kind.OPTION)
    inverse = 1.0 / np.where(turned, before, 1.0) - 1.0 / np.where(turned, after, 1.0)
    gain = np.where(turned, inverse, after - before)
    return np.where(live, book.quantity * table.multiplier[column] * gain, 0.0)


def _by_name(table: Instruments, settle: np.ndarray, values: Floats) -> list[float]:
    """Sums by currency, added in the book's order."""
    sums = np.bincount(settle, weights=values, minlength=len(table.names))
    return [float(each) for each in sums]
