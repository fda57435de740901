"""One account at many markets as one block of accounts over a table of many copies.

Node ``k`` of M has copy ``k`` of every row, name, pair and expiry, with codes of its own and the
names of the original. A model that reads prices by code and rules by name then prices all nodes in
one call, and margins them as M accounts. No copy sees another: each account holds its own rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from crossmargin.core.arrays import Bools, Floats, Ints, Longs, frozen
from crossmargin.instruments.book import Book, Orders
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.model import MarginModel, NetsAsPriced, Plan, Pool
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import cut, is_kind, restrict
from crossmargin.margin.run import margin_block
from crossmargin.margin.surface_grid import derivative_profit, moved_view, values_now
from crossmargin.market.view import View

__all__ = ["Tile", "tile_of", "tiled_table", "tiled_view"]


def tiled_table(table: Instruments, count: int) -> Instruments:
    """``count`` copies of a table one after another; each has codes of its own."""

    def codes(values: Ints, size: int) -> Ints:
        own = np.arange(count, dtype=np.int32)[:, None] * size
        return frozen(np.where(values < 0, -1, values + own).ravel(), np.int32)

    names, pairs, expiries = len(table.names), len(table.pairs), len(table.expiries)
    return Instruments(
        items=table.items * count,
        kind=frozen(np.tile(table.kind, count), np.int8),
        right=frozen(np.tile(table.right, count), np.int8),
        underlying=codes(table.underlying, names),
        quote=codes(table.quote, names),
        settle=codes(table.settle, names),
        pair=codes(table.pair, pairs),
        expiry=codes(table.expiry, expiries),
        inverse=frozen(np.tile(table.inverse, count), np.bool_),
        multiplier=frozen(np.tile(table.multiplier, count), np.float64),
        strike=frozen(np.tile(table.strike, count), np.float64),
        expiry_ms=frozen(np.tile(table.expiry_ms, count), np.int64),
        names=table.names * count,
        pairs=table.pairs * count,
        expiries=table.expiries * count,
        expiry_pair=codes(table.expiry_pair, pairs),
        sha256=f"{table.sha256}x{count}",
    )


def tiled_view(view: View, count: int) -> View:
    """The unmoved market seen ``count`` times."""

    def numbers(values: Floats) -> Floats:
        return frozen(np.tile(values, count), np.float64)

    def flags(values: Bools) -> Bools:
        return frozen(np.tile(values, count), np.bool_)

    return replace(
        view,
        instruments=tiled_table(view.instruments, count),
        index=numbers(view.index),
        usd=numbers(view.usd),
        forward=numbers(view.forward),
        forward_settled=numbers(view.forward_settled),
        rate=numbers(view.rate),
        life_ms=frozen(np.tile(view.life_ms, count), np.int64),
        mark=numbers(view.mark),
        vol=numbers(view.vol),
        bid=numbers(view.bid),
        ask=numbers(view.ask),
        has_bid=flags(view.has_bid),
        has_ask=flags(view.has_ask),
        ok=flags(view.ok),
    )


def _tiled_facts(facts: Mapping[str, Any], rows: tuple[int, int], count: int) -> dict[str, Any]:
    """Facts of a pool: arrays by row are repeated, codes of groups (``..._run``) are made apart."""
    out: dict[str, Any] = {}
    for name, value in facts.items():
        if isinstance(value, np.ndarray) and value.ndim == 1 and len(value) in rows:
            again = np.tile(value, count)
            if name.endswith("_run"):
                step = int(value.max(initial=-1)) + 1
                own = np.repeat(np.arange(count, dtype=value.dtype) * step, len(value))
                again = np.where(again < 0, again, again + own).astype(value.dtype)
            again.flags.writeable = False
            out[name] = again
        elif name == "bases":
            out[name] = value * count
        else:
            out[name] = value
    return out


@dataclass(frozen=True, slots=True)
class _TiledPool:
    """A pool, its unmoved market, and where its names stand in the whole table's."""

    pool: Pool
    view: View
    names: Longs  # [K_pool] code in the whole table's names
    rows: Ints  # [I_pool] rows of the whole table
    currency: int  # code of the pool's currency in the whole table's names, -1 where it has none
    before: Floats  # values of its options before any move


@dataclass(frozen=True, slots=True)
class Tile:
    """``count`` copies of one account, its market and its pools, before any move."""

    count: int
    view: View
    book: Book
    plan: Plan
    pools: tuple[_TiledPool, ...]
    counted: Bools  # [M N] futures whose profit the model counts by itself
    lines: Mapping[int, int]  # cash line of each currency code: position in the account
    reported: Mapping[int, float]  # equity that the venue reported, by currency code
    before: Floats  # values of the options before any move

    def run(
        self, by_name: Floats, vol: Floats, model: MarginModel, parameters: Parameters
    ) -> tuple[list[tuple[str, Floats, Floats]], dict[str, Floats]]:
        """Margin at M moves: ``by_name[M, K]`` factors of dollar prices, ``vol[M, I]`` of vols.

        Of each pool the currency, [5, M] equity, counted against IM and MM, IM and MM, and [M]
        dollars per unit; and [M] dollars of profit by currency without a line.
        """
        moved = moved_view(self.view, by_name.ravel(), vol.ravel(), before=self.before)
        held, unlined = self._held(moved)
        names = len(by_name[0])
        usd = moved.usd.reshape(self.count, names)
        priced = []
        for part in self.pools:
            if len(part.rows) * self.count == len(self.view.instruments):
                seen = moved
            else:
                seen = moved_view(
                    part.view,
                    by_name[:, part.names].ravel(),
                    vol[:, part.rows].ravel(),
                    before=part.before,
                )
            if isinstance(model, NetsAsPriced):
                own = cut(held, part.pool, 0)
                priced.append(model.price_netted(part.pool, seen, parameters, own))
            else:
                priced.append(model.price(part.pool, seen, parameters))
        edge = (0, self.count)
        answers = margin_block(model, self.plan, tuple(priced), held, edge, parameters)
        out = []
        for part, market, answer in zip(self.pools, priced, answers, strict=True):
            fields = ("equity", "counted_im", "counted_mm", "im", "mm")
            values = np.stack([answer.sheet[name] for name in fields])
            rate = np.full(self.count, market.usd_per_unit)
            if part.currency >= 0 and market.usd_per_unit == usd[0, part.currency]:
                rate = usd[:, part.currency].copy()
            out.append((market.pool.currency, values, rate))
        return out, unlined

    def _held(self, moved: View) -> tuple[Book, dict[str, Floats]]:
        """The accounts after each move has been settled, as ``surface_grid`` settles one."""
        book, table = self.book, self.book.instruments
        names = len(table.names) // self.count
        size = len(book.column) // self.count
        settle = table.settle[book.column]
        future = is_kind(table, Kind.PERPETUAL, Kind.FUTURE)[book.column]
        profit = derivative_profit(book, self.view, moved)
        cash = np.where(future & ~self.counted, profit, 0.0)
        paid, whole = (
            np.bincount(settle, weights=each, minlength=len(table.names)).reshape(-1, names)
            for each in (cash, profit)
        )
        quantity = book.quantity.reshape(self.count, size).copy()
        given: dict[tuple[str, str], float] = {}
        unlined: dict[str, Floats] = {}
        usd = moved.usd.reshape(self.count, names)
        for code, currency in enumerate(table.names[:names]):
            if code in self.reported:
                values = (self.reported[code] + whole[:, code]).tolist()
                given.update(
                    ((name, currency), value)
                    for name, value in zip(book.account, values, strict=True)
                )
            if code in self.lines:
                quantity[:, self.lines[code]] += paid[:, code]
            elif code not in self.reported:
                unlined[currency] = paid[:, code] * usd[:, code]
        held = replace(
            book,
            quantity=frozen(quantity.ravel(), np.float64),
            reported=replace(book.reported, equity=given),
        )
        return held, unlined


def tile_of(book: Book, view: View, plan: Plan, counted: Bools, count: int) -> Tile:
    """Copies of the only account of a book without open orders."""
    table = book.instruments
    own = tiled_table(table, count)
    seen = tiled_view(view, count)
    names = {name: code for code, name in enumerate(table.names)}
    account = tuple(str(k) for k in range(count))
    size = len(book.column)
    step = np.arange(count, dtype=np.int32)[:, None] * len(table)
    many = replace(
        book,
        instruments=own,
        account=account,
        row=frozen(np.arange(count + 1) * size, np.int64),
        column=frozen((book.column[None, :] + step).ravel(), np.int32),
        quantity=frozen(np.tile(book.quantity, count), np.float64),
        entry_price=frozen(np.tile(book.entry_price, count), np.float64),
        entry_known=frozen(np.tile(book.entry_known, count), np.bool_),
        orders=Orders.none(count),
        choices={name: np.repeat(values, count) for name, values in book.choices.items()},
        lines=(),
        exact=None,
    )
    pools = []
    for pool in plan.pools:
        part = pool.instruments
        rows = (len(part), len(table))
        tiled = Pool(
            label=pool.label,
            currency=pool.currency,
            columns=frozen((pool.columns[None, :] + step).ravel(), np.int32),
            instruments=own if len(part) == len(table) else tiled_table(part, count),
            cash=frozen(np.tile(pool.cash, count), np.int8),
            facts=_tiled_facts(pool.facts, rows, count),
        )
        of_pool = (
            seen if len(part) == len(table) else tiled_view(restrict(view, table, pool), count)
        )
        pools.append(
            _TiledPool(
                tiled,
                of_pool,
                np.array([names[name] for name in part.names], np.int64),
                pool.columns,
                names.get(pool.currency, -1),
                values_now(of_pool),
            )
        )
    lines = {
        int(table.settle[book.column[j]]): j
        for j in np.flatnonzero(book.is_cash()).tolist()
        if table.items[int(book.column[j])].settle == table.items[int(book.column[j])].underlying
    }
    reported = {
        names[currency]: amount
        for (_, currency), amount in book.reported.equity.items()
        if currency in names
    }
    made = Plan(tuple(each.pool for each in pools), plan.parameters, plan.notes)
    return Tile(
        count,
        seen,
        many,
        made,
        tuple(pools),
        np.tile(counted, count),
        lines,
        reported,
        values_now(seen),
    )
