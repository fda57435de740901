"""Strategy-based margin of listed options (Regulation T, Cboe and FINRA rules) for crypto books.

Every position of an account is put into one strategy, coin by coin, so that the whole needs least;
what each strategy needs is in ``families.strategy_rules``, how the pairing is found and proven in
``families.strategy_pairing``. The initial and the maintenance level are paired each for itself.

The rules speak of stock. Here a coin that is held, a perpetual and a future are it, with their
delta at mark in coins: they cover and are covered, a future until it expires. Contracts paid in
coin and in dollars pair with each other: an inverse option pays in dollars what a linear one does.

Equity counts options at mark, so a long option needs its premium (it backs nothing) and a short one
its charge without its premium. The solver runs account by account: the cost is per account.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import final

import numpy as np

from crossmargin.core.arrays import Floats, Ints, Longs, frozen
from crossmargin.core.clock import DAY_MS
from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.equity import with_equity_rows
from crossmargin.margin.families.standard_options import unscenarioed
from crossmargin.margin.families.strategy_columns import CLASSES, columns_of, costs_of
from crossmargin.margin.families.strategy_names import Parts, found_in
from crossmargin.margin.families.strategy_pairing import Pairing, paired
from crossmargin.margin.families.strategy_rules import Legs, Rates, linear_cost, naked_cost
from crossmargin.margin.families.whole_account import (
    ALL_OF,
    KINDS,
    dollar_market,
    equity_columns,
    fills_in_dollars,
    plan_account,
    priced_account,
)
from crossmargin.margin.fills import order_margin
from crossmargin.margin.model import (
    Detail,
    Fidelity,
    Fills,
    ModelSpec,
    OrderNeed,
    Plan,
    Pool,
    PoolAnswer,
    PoolBook,
    Priced,
    Refusal,
    Rule,
    ScaleLaw,
)
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import by_row, is_kind, per_row, row_of_position
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.market.view import View

__all__ = ["RegT"]

_MANUAL = "Cboe margin manual; FINRA 4210(f)(2)"
_OWN = "this project's own"
_RULES = (
    "long_option",
    "short_option",
    "combination",
    "spread",
    "covered",
    "protected",
    "linear",
    "offset",
)  # of each of CLASSES
# A maintenance pairing replaces the initial one only where it saves more than the solver's noise.
_SAVING = 1e-9

SPEC = ModelSpec(
    name="reg-t",
    title="Strategy-based margin (Regulation T, Cboe)",
    family="strategy",
    venue="",
    version="1",
    folder="reg-t",
    kinds=KINDS,
    currency="USD",
    scale=ScaleLaw.HOMOGENEOUS,
    balance_side="equity with options at mark; a long option's premium is part of the requirement",
    rules=(
        Rule("long_option", "the premium; 75 % beyond nine months", _MANUAL, Fidelity.EXACT),
        Rule(
            "short_option",
            "20 % of the index less out-of-the-money, at least 10 % of index (call), strike (put)",
            f"{_MANUAL}; that a coin has the shares of an equity: {_OWN} choice",
            Fidelity.EXACT,
        ),
        Rule(
            "combination",
            "short call with short put: the side that needs more, and both premiums",
            _MANUAL,
            Fidelity.EXACT,
        ),
        Rule(
            "spread",
            "worst loss at expiry, premiums included; a later long counts at the short's expiry; "
            "options bought beyond those sold count with them, where a broker may ask for as many",
            f"{_MANUAL}(H); pooled by expiry: {_OWN} formulation, never above the named shapes",
            Fidelity.STATED,
        ),
        Rule(
            "covered",
            "the linear position's, the premium applied; valued at the strike for maintenance",
            f"{_MANUAL}; that a perpetual or future covers: {_OWN} choice",
            Fidelity.STATED,
        ),
        Rule(
            "protected",
            "maintenance of protective options, collars and conversions: 10 % of the strike",
            f"{_MANUAL}(G)",
            Fidelity.STATED,
        ),
        Rule(
            "linear",
            "50 % initial; 25 % long and 30 % short maintenance",
            f"Regulation T 220.12; FINRA 4210(c); for perpetuals and futures: {_OWN} choice",
            Fidelity.STATED,
        ),
        Rule(
            "offset",
            "a coin held, perpetual or future against another that is sold: 10 %",
            f"FINRA 4210(e)(1); that they are exchangeable: {_OWN} choice",
            Fidelity.STATED,
        ),
        Rule(
            "order_margin",
            "an upper bound over all sets of fills: each order's size alone, beside what no "
            "fill can take away",
            _OWN,
            Fidelity.STATED,
        ),
        Rule("balance_side", "net liquidating equity", _MANUAL, Fidelity.STATED),
    ),
    standard="reg-t",
    maps_from=ALL_OF,
)
_NOTES = (
    "reg-t: lots are cut where that needs less (sizes are decimals); coins held, perpetuals and "
    "futures stand for the stock; a solver runs for each account",
)


@final
class RegT:
    """One pool of dollars; coins do not pair with each other."""

    spec = SPEC

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """One pool of all rows."""
        return plan_account(instruments, parameters, _NOTES)

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """Dollars a coin of every row, and what a unit alone needs at most."""
        market, part = dollar_market(pool, view), pool.instruments
        rates = _rates(parameters)
        option, asset = is_kind(part, Kind.OPTION), is_kind(part, Kind.ASSET)
        quote_usd = view.usd[part.quote]
        # The mark of an option is in its settlement currency, that of a future in its quote.
        mark = view.mark * np.where(option, market.settle_usd, quote_usd)
        expiry = np.maximum(part.expiry, 0)
        dated = part.expiry >= 0
        columns = {
            "coins": np.where(market.moving, market.coins, 0.0),
            "price": np.where(asset, market.index_usd, mark),
            "strike": part.strike * quote_usd,
            "spot": market.index_usd,
            "days": np.where(dated, view.life_ms[expiry] / DAY_MS, 0.0)
            if len(view.life_ms)
            else np.zeros(len(part)),
            "discount": np.exp(-np.where(dated, view.rate[expiry], 0.0) * market.life_years)
            if len(view.rate)
            else np.ones(len(part)),
        }
        every = np.arange(len(part), dtype=np.int32)
        for name, side in (("long", 1.0), ("short", -1.0)):
            legs = _legs(part, columns, every, np.full(len(part), side))
            columns[f"alone_{name}"] = columns["coins"] * _alone(legs, rates)
        facts = {"rates": rates}
        return priced_account(market, pool, None, None, columns, facts)

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block of accounts."""
        needs = _needs(priced, held)
        sheet = SheetBuilder(len(held.row) - 1)
        for level, name in enumerate(("im", "mm")):
            for kind, rule in enumerate(_RULES):
                sheet.leaf(f"{CLASSES[kind]}_{name}", needs[:, level, kind], rule)
        equity = equity_columns(sheet, priced, held)
        sheet.sum("strategies_im", *(f"{kind}_im" for kind in CLASSES))
        need = self.order_need(priced, held, parameters)
        sheet.leaf("order_margin", order_margin(need, sheet["strategies_im"]), "order_margin")
        sheet.sum("counted_im", "equity")
        sheet.sum("im", "strategies_im", "order_margin")
        sheet.sum("counted_mm", "equity")
        sheet.sum("mm", *(f"{kind}_mm" for kind in CLASSES))
        return unscenarioed(sheet, held, equity.source)

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """Upper bound of the initial requirement after any fills.

            need = R(what no fill takes away) + sum over contracts alone(the rest that is held)
                   + sum over orders of max(0, alone(order) - gain)

        R of two books together is at most the sum of theirs, as long as no lot of one closes a lot
        of the other: a hedge that is sold may cost more than its own charge. So every contract is
        first taken to the smallest position that fills can leave of it. A premium that is paid or
        received in a coin which the account's table lists is a position of that coin.
        """
        fills = fills_in_dollars(priced, held)
        if fills is None:
            return None
        accounts, owner = len(held.row) - 1, row_of_position(fills.row)
        book = with_equity_rows(priced, held)
        purse, paid = _premiums(priced, fills)
        with_coin = np.flatnonzero(purse >= 0)
        kept = _least(
            book,
            np.concatenate([owner, owner[with_coin]]),
            np.concatenate([fills.column, purse[with_coin]]),
            np.concatenate([fills.size, paid[with_coin]]),
        )
        certain = replace(book, quantity=frozen(kept, np.float64))
        need = np.zeros(accounts)
        for a in np.flatnonzero(np.diff(fills.row)).tolist():
            need[a] = sum(_account_needs(priced, certain, a)[0])
        need = need + per_row(book.row, _alone_cost(priced, book.column, book.quantity - kept))
        extra = _alone_cost(priced, fills.column, fills.size) - fills.gain
        extra[with_coin] += _alone_cost(priced, purse[with_coin], paid[with_coin])
        extra = np.maximum(extra, 0.0)
        need = need + by_row(owner, extra, accounts)
        nothing = np.full(accounts, -1, np.int32)
        return OrderNeed(need, fills, np.asarray(extra > 0.0), nothing)

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """No scenarios: strategy by strategy."""
        return None

    def refusals(self, priced: Priced, held: PoolBook) -> tuple[Refusal, ...]:
        """Accounts whose pairing is not proven to need least."""
        book, out = with_equity_rows(priced, held), []
        for row in range(len(held.row) - 1):
            try:
                _account_needs(priced, book, row)
            except ModelError as error:
                out.append(Refusal(row, error))
        return tuple(out)

    def details(self, priced: Priced, held: PoolBook, parameters: Parameters) -> tuple[Detail, ...]:
        """The strategies of one account at both levels."""
        book = with_equity_rows(priced, held)
        tables: tuple[list[tuple[str, str, float]], ...] = ([], [])
        bound = [0.0, 0.0]
        for rows, legs in _coins(priced, book, 0):
            for level, (pairing, cost) in enumerate(_paired(legs, priced.facts["rates"])):
                bound[level] += pairing.bound
                for found in found_in(pairing, legs, cost):
                    text = _text(priced, rows, found.legs)
                    tables[level].append((found.name, text, found.need))
        columns = (
            ("strategy", "strategy", "name"),
            ("legs", "legs", "text"),
            ("need_usd", "needs", "amount"),
        )
        named = ("initial_strategies", "initial level"), ("maintenance_strategies", "maintenance")
        return tuple(
            Detail(
                name,
                f"strategies found, {title}",
                columns,
                tuple(table),
                (f"no pairing needs less than {least:,.2f}: proven by duality",),
            )
            for (name, title), table, least in zip(named, tables, bound, strict=True)
        )


# ---------------------------------------------------------------- one account


def _rates(parameters: Parameters) -> tuple[Rates, Rates]:
    """The numbers of both levels."""
    number = parameters.number

    def level(name: str) -> Rates:
        return Rates(
            short_share=number("option.short_share"),
            short_floor=number("option.short_floor"),
            far_share=number("option.far_share"),
            far_days=number("option.far_days"),
            box_share=number("option.box_share"),
            leverage=number("option.leverage"),
            linear_long=number(f"{name}.linear_long"),
            linear_short=number(f"{name}.linear_short"),
            offset_share=number(f"{name}.offset_share"),
            hedge_share=number("mm.hedge_share"),
            hedged=name == "mm",
            at_strike=name == "mm",
        )

    return level("im"), level("mm")


def _legs(part: Instruments, columns: Mapping[str, Floats], rows: Ints, size: Floats) -> Legs:
    """The positions of some rows, ``size`` in coins."""
    option = part.kind[rows] == Kind.OPTION
    return Legs(
        right=np.where(option, part.right[rows], 0).astype(np.int32),
        size=size,
        price=columns["price"][rows],
        strike=columns["strike"][rows],
        spot=columns["spot"][rows],
        days=columns["days"][rows],
        expiry=part.expiry_ms[rows],
        discount=columns["discount"][rows],
    )


def _alone(legs: Legs, rates: tuple[Rates, Rates]) -> Floats:
    """[n] most that a coin of each leg needs by itself; a long option its whole premium.

    Without the loan on a long life: closing a short lot against a long one may end it.
    """
    rows, option = np.arange(len(legs), dtype=np.int32), legs.right != 0
    linear = np.maximum(*(linear_cost(legs, rows, level) for level in rates))
    if not len(rows) or legs.size[0] > 0.0:
        return np.where(option, legs.price, linear)
    return np.where(option, naked_cost(legs, rows, rates[0]), linear)


def _alone_cost(priced: Priced, column: Ints, size: Floats) -> Floats:
    """[N] dollars of positions each margined by itself."""
    columns = priced.columns
    unit = np.where(size > 0.0, columns["alone_long"][column], columns["alone_short"][column])
    return np.asarray(np.abs(size) * unit)


def _premiums(priced: Priced, fills: Fills) -> tuple[Ints, Floats]:
    """[M] row of the coin in which a fill's premium is paid, else -1, and the coins received."""
    part, moves = priced.pool.instruments, priced.columns["coins"] != 0.0
    line = {
        item.underlying: k
        for k, item in enumerate(part.items)
        if item.kind == Kind.ASSET and moves[k]
    }
    rows = [line.get(part.items[k].settle, -1) for k in fills.column.tolist()]
    purse = np.array(rows, np.int32)
    return np.where(fills.cash != 0.0, purse, -1).astype(np.int32), fills.cash


def _least(book: PoolBook, owner: Longs, column: Ints, size: Floats) -> Floats:
    """[N] of each position what no change can take away, given by account, row and size."""
    if not len(book.column):
        return book.quantity
    width = len(book.book.instruments) + 1
    own = row_of_position(book.row) * width + book.column
    wanted = owner * width + column
    at = np.minimum(np.searchsorted(own, wanted), len(own) - 1)
    against = (own[at] == wanted) & (size * np.sign(book.quantity[at]) < 0.0)
    taken = np.bincount(at[against], weights=np.abs(size[against]), minlength=len(own))
    return np.sign(book.quantity) * np.maximum(np.abs(book.quantity) - taken, 0.0)


def _coins(priced: Priced, book: PoolBook, account: int) -> Iterator[tuple[Ints, Legs]]:
    """Rows of the pool and legs of an account, coin by coin in order of name."""
    part, columns = priced.pool.instruments, priced.columns
    span = slice(int(book.row[account]), int(book.row[account + 1]))
    column, coins = book.column[span], book.quantity[span] * columns["coins"][book.column[span]]
    real = coins != 0.0
    column, coins = column[real], coins[real]
    for code in np.unique(part.underlying[column]).tolist():
        mine = part.underlying[column] == code
        yield column[mine], _legs(part, columns, column[mine], coins[mine])


def _paired(legs: Legs, rates: tuple[Rates, Rates]) -> tuple[tuple[Pairing, Floats], ...]:
    """The pairing and the costs of each level; no strategy needs less initially than after."""
    columns = columns_of(legs, rates[0].far_days)
    im, mm = (costs_of(columns, legs, level) for level in rates)
    im = np.maximum(im, mm)
    first = paired(columns, legs, im)
    allowed = np.isfinite(mm)
    if (im[allowed] == mm[allowed]).all():
        return (first, im), (first, mm)
    again = paired(columns, legs, mm)
    if again.total(mm) < first.total(mm) * (1.0 - _SAVING):
        return (first, im), (again, mm)
    return (first, im), (replace(first, bound=again.bound), mm)


def _account_needs(priced: Priced, book: PoolBook, account: int) -> list[list[float]]:
    """[2][classes] dollars of one account at both levels, coins added in order of name."""
    out = [[0.0] * len(CLASSES), [0.0] * len(CLASSES)]
    for _, legs in _coins(priced, book, account):
        for total, (pairing, cost) in zip(out, _paired(legs, priced.facts["rates"]), strict=True):
            for kind, value in enumerate(pairing.by_class(cost)):
                total[kind] += value
    return out


def _needs(priced: Priced, held: PoolBook) -> Floats:
    """[A, 2, classes] dollars of a block of accounts."""
    book, accounts = with_equity_rows(priced, held), len(held.row) - 1
    found = [_account_needs(priced, book, account) for account in range(accounts)]
    return np.array(found, np.float64).reshape(accounts, 2, len(CLASSES))


def _text(priced: Priced, rows: Ints, parts: Parts) -> str:
    """Legs in the units of their venues: ``-2 deribit BTC-...``."""
    coins = priced.columns["coins"]
    words = []
    for leg, size in parts:
        row = int(rows[leg])
        words.append(f"{size / float(coins[row]):+.10g} {priced.pool.instruments.label(row)}")
    return ", ".join(words)
