"""One account's requirement as a function of what it holds, for any model.

Every question of an attribution is "what would be required of other quantities, other orders, in
the same market": a variant of the account. Variants are accounts of one population, so a question
costs one call of the model a pool for as many variants as memory takes.

The columns stay those of the account in every variant, with quantity 0 where a part is left out:
a pool, a home of assets or a source of equity never changes because somebody else is away. A
reported equity that a rule puts at risk stands as a balance line (equity less option value).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from crossmargin.core.arrays import Bools, Floats, Longs, frozen
from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book, Orders, Reported
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.contributions import STEP, STEP_OF_INTEGERS, smooth
from crossmargin.margin.equity import with_equity_rows
from crossmargin.margin.model import Requirement
from crossmargin.margin.pools import cut

__all__ = ["AccountGame"]

# Positions margined at once: their rows and scenario sums stay within some hundred megabytes.
_ROWS_AT_ONCE = 1_000_000


class AccountGame:
    """The only account of a requirement; ``level`` is im or mm.

    Money is dollars over all pools, or of one ``pool`` (its label) that pool's currency. ``column``
    and ``quantity`` [n] are what it holds, in the table of ``requirement.book``; rows of the table
    in ``extra`` are columns too, with nothing held.

    Raises InputError ``option_unknown`` for several accounts, another level or no such pool.
    """

    def __init__(
        self,
        requirement: Requirement,
        level: str = "im",
        pool: str | None = None,
        extra: Sequence[int] = (),
    ) -> None:
        labels = [each.label for each in requirement.plan.pools]
        if len(requirement.book) != 1 or level not in ("im", "mm"):
            raise InputError(
                "option_unknown",
                "an attribution is of one account and one level",
                place="--account, --level",
                value=f"{len(requirement.book)} accounts, level {level}",
                limit="1 account, im or mm",
                remedy="Choose one.",
            )
        if pool is not None and pool not in labels:
            raise InputError(
                "option_unknown",
                "no such pool",
                place="pool",
                value=pool,
                limit=", ".join(labels),
                remedy="Choose one of those.",
            )
        self.requirement, self.level = requirement, level
        self.pools = [k for k, label in enumerate(labels) if pool in (None, label)]
        self.unit = "USD" if pool is None else requirement.priced[self.pools[0]].pool.currency
        self.rate = [
            1.0 if pool is not None else requirement.priced[k].usd_per_unit for k in self.pools
        ]
        self._lay_out(extra)
        row = {int(p): r for r, p in enumerate(requirement.sheet.pool.tolist())}
        own = [float(requirement.sheet[level][row[k]]) for k in self.pools]
        self.whole = sum(value * rate for value, rate in zip(own, self.rate, strict=True))

    def _lay_out(self, extra: Sequence[int]) -> None:
        """The account's row, its balances as the rules see them."""
        book = self.requirement.book
        held = dict(zip(book.column.tolist(), book.quantity.tolist(), strict=True))
        entry = dict(zip(book.column.tolist(), book.entry_price.tolist(), strict=True))
        known = dict(zip(book.column.tolist(), book.entry_known.tolist(), strict=True))
        if book.reported.equity:
            for priced in self.requirement.priced:
                if priced.risk is None:
                    continue
                seen = with_equity_rows(priced, cut(book, priced.pool, 0))
                part = priced.pool
                for local, amount in zip(seen.column.tolist(), seen.quantity.tolist(), strict=True):
                    if part.instruments.kind[local] == Kind.ASSET:
                        held[int(part.columns[local])] = amount
        for row in extra:
            held.setdefault(row, 0.0)
        order = sorted(held)
        self.column = frozen(order, np.int32)
        self.quantity = frozen([held[k] for k in order], np.float64)
        self._entry = frozen([entry.get(k, 0.0) for k in order], np.float64)
        self._known = frozen([known.get(k, False) for k in order], np.bool_)
        kinds = book.instruments.kind[self.column]
        self.is_asset = np.asarray(kinds == Kind.ASSET)

    def place(self) -> Mapping[int, int]:
        """Row of the table -> place in ``column``."""
        return {column: k for k, column in enumerate(self.column.tolist())}

    # -- values ------------------------------------------------------------------------------

    def values(
        self,
        quantity: Floats,
        *,
        orders: Bools | None = None,
        holds: bool = False,
        smoothed: bool = False,
    ) -> Floats:
        """[V] requirement of variants ``quantity[V, n]``, in the game's unit.

        ``orders[V, M]`` says which open orders rest (default none); ``holds``: with what the venue
        holds of the account; ``smoothed``: before the model's rounding.
        """
        count, size = quantity.shape
        out = np.empty(count)
        chunk = max(1, _ROWS_AT_ONCE // max(size, 1))
        for low in range(0, count, chunk):
            part = slice(low, min(low + chunk, count))
            resting = None if orders is None else orders[part]
            out[part] = self._values(quantity[part], resting, holds, smoothed)
        return out

    def _values(
        self, quantity: Floats, orders: Bools | None, holds: bool, smoothed: bool
    ) -> Floats:
        book = self._book(quantity, orders, holds)
        total = np.zeros(len(quantity))
        base = self.requirement
        for number, rate in zip(self.pools, self.rate, strict=True):
            priced = base.priced[number]
            held = cut(book, priced.pool, 0)
            sheet = base.via.margin(priced, held, base.parameters).sheet
            total += rate * (smooth(sheet, self.level) if smoothed else sheet[self.level])
        return total

    def _book(self, quantity: Floats, orders: Bools | None, holds: bool) -> Book:
        base = self.requirement.book
        count, size = quantity.shape
        said = {}
        if holds:
            said = {
                (str(k), currency): held
                for k in range(count)
                for (_, currency), held in base.reported.holds.items()
            }
        return replace(
            base,
            account=tuple(map(str, range(count))),
            row=frozen(np.arange(count + 1) * size, np.int64),
            column=frozen(np.tile(self.column, count), np.int32),
            quantity=frozen(quantity.reshape(-1), np.float64),
            entry_price=frozen(np.tile(self._entry, count), np.float64),
            entry_known=frozen(np.tile(self._known, count), np.bool_),
            orders=Orders.none(count) if orders is None else _resting(base.orders, orders),
            reported=Reported(holds=said),
            choices={name: np.repeat(values, count) for name, values in base.choices.items()},
            lines=(),
            exact=None,
        )

    # -- derivatives -------------------------------------------------------------------------

    def step(self) -> float:
        """Relative size of a move: far larger where the rule counts in integers."""
        return STEP_OF_INTEGERS if self.requirement.model.quantum > 0.0 else STEP

    def slopes(self, at: Floats, scale: Floats) -> tuple[Floats, Floats]:
        """[n], [n] derivatives to the right and to the left at quantities ``at[n]``, a unit.

        ``scale[n]`` is the size that a move is small against; 0 leaves the position out (slope 0).
        Their mean is the central difference.
        """
        moving = np.flatnonzero(scale > 0.0)
        right, left = np.zeros(len(at)), np.zeros(len(at))
        if not len(moving):
            return right, left
        step = self.step() * scale[moving]
        variants = np.tile(at, (2 * len(moving) + 1, 1))
        rows = 1 + 2 * np.arange(len(moving))
        variants[rows, moving] += step
        variants[rows + 1, moving] -= step
        value = self.values(variants, smoothed=True)
        # What was really added, after rounding, is what is divided by.
        up = variants[rows, moving] - at[moving]
        down = at[moving] - variants[rows + 1, moving]
        right[moving] = (value[rows] - value[0]) / up
        left[moving] = (value[0] - value[rows + 1]) / down
        return right, left

    def gradients(self, points: Floats, scale: Floats, relative: Floats | None = None) -> Floats:
        """[D, n] central differences at points ``[D, n]``.

        ``relative[D]``: the moves at each point as a share of ``scale``, instead of :meth:`step`.
        """
        moving = np.flatnonzero(scale > 0.0)
        out = np.zeros(points.shape)
        if not len(moving) or not len(points):
            return out
        own = np.full(len(points), self.step()) if relative is None else relative
        step = own[:, None] * scale[moving]
        many = 2 * len(moving)
        variants = np.repeat(points, many, axis=0)
        first = many * np.arange(len(points))[:, None] + 2 * np.arange(len(moving))
        variants[first, moving] += step
        variants[first + 1, moving] -= step
        value = self.values(variants, smoothed=True)
        width = variants[first, moving] - variants[first + 1, moving]
        out[:, moving] = (value[first] - value[first + 1]) / width
        return out

    def scenario_slopes(self, number: int, scenario: int, scale: Floats) -> tuple[float, Floats]:
        """Loss of pool ``number`` in one scenario, and its derivatives [n], pool's currency.

        ``(0, zeros)`` of a model without scenarios. What the model makes of the P&L (offsets,
        dampeners, weights) is in it; charges beside the scenarios are not.
        """
        priced = self.requirement.priced[number]
        inside = np.isin(self.column, priced.pool.columns)
        moving = np.flatnonzero((scale > 0.0) & inside)
        out = np.zeros(len(self.column))
        step = self.step() * scale[moving]
        variants = np.tile(self.quantity, (2 * len(moving) + 1, 1))
        rows = 1 + 2 * np.arange(len(moving))
        variants[rows, moving] += step
        variants[rows + 1, moving] -= step
        held = cut(self._book(variants, None, False), priced.pool, 0)
        pnl = self.requirement.via.vector(priced, held)
        if pnl is None or not 0 <= scenario < pnl.shape[1]:
            return 0.0, out
        loss = -pnl[:, scenario]
        width = variants[rows, moving] - variants[rows + 1, moving]
        out[moving] = (loss[rows] - loss[rows + 1]) / width
        return float(loss[0]), out


def _resting(orders: Orders, flags: Bools) -> Orders:
    """The orders of one account of which each variant keeps its own: ``flags[V, M]``."""
    count = len(flags)
    which: Longs = np.concatenate([np.flatnonzero(row) for row in flags] or [np.zeros(0, np.int64)])
    row = np.concatenate([[0], np.cumsum(flags.sum(axis=1))])
    return (
        Orders(
            row=frozen(row, np.int64),
            column=frozen(orders.column[which], np.int32),
            bid=frozen(orders.bid[which], np.float64),
            ask=frozen(orders.ask[which], np.float64),
            limit_price=frozen(orders.limit_price[which], np.float64),
            reduce_only=frozen(orders.reduce_only[which], np.bool_),
            mmp=frozen(orders.mmp[which], np.bool_),
            group=tuple(orders.group[k] for k in which.tolist()),
        )
        if len(orders.column)
        else Orders.none(count)
    )
