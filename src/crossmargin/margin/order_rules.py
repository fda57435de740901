"""The margin of one account's open orders under three rules, for any model.

    worst fill    the requirement after the subset of fills that needs most, less that without
    by side       the larger of: every buy filled, every sell filled
    stand-alone   the sum over the orders of what each needs on an empty book

Each counts what a fill costs against the mark. The worst fill's need is exact for the scenarios and
an upper bound with further charges; the need of the very set of fills that it names is given beside
it, so that the gap is seen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from crossmargin.core.arrays import Bools, Floats, Ints, frozen
from crossmargin.instruments.book import Orders, Reported
from crossmargin.margin.equity import with_equity_rows
from crossmargin.margin.model import Fills, PoolBook, Priced, Requirement
from crossmargin.margin.pools import cut
from crossmargin.margin.sheet import Sheet

__all__ = ["OrderRules", "order_rules"]

# Gap between the bound and the set's own need, as a share of the need, under which it is exact.
_EXACT = 1e-9


@dataclass(frozen=True, slots=True)
class OrderRules:
    """One row's order margin under each rule, in the pool's currency.

    ``filled`` are rows of the account's orders: the worst set. ``set_margin`` is the margin of that
    very set; ``exact`` says that it equals the worst fill's.
    """

    worst_fill: float
    by_side: float
    stand_alone: float
    set_margin: float
    filled: tuple[int, ...]
    exact: bool
    scenario: str


def order_rules(requirement: Requirement, row: int) -> OrderRules | None:
    """The three rules for one row of a requirement; None where its pool has no orders."""
    number = int(requirement.sheet.pool[row])
    priced, pool = requirement.priced[number], requirement.plan.pools[number]
    account = int(requirement.sheet.account[row])
    held = cut(requirement.book.rows(account, account + 1), pool, 0)
    if pool.currency == "USD" and pool.facts.get("cash_at_risk", True):
        held = with_equity_rows(priced, held)  # cash is at risk: equity stands as a balance line
        held = replace(held, book=replace(held.book, reported=Reported()))
    model, parameters = requirement.via, requirement.parameters
    need = model.order_need(priced, held, parameters)
    if need is None:
        return None
    fills = need.fills
    bare = float(_needs(requirement, priced, held, fills, np.zeros((1, len(fills)), np.bool_))[0])
    buys = fills.size > 0.0
    chosen = np.stack([need.filled, buys, ~buys])
    whole, buy, sell = _needs(requirement, priced, held, fills, chosen).tolist()
    empty = replace(
        held,
        row=frozen(np.zeros(2), np.int64),
        column=held.column[:0],
        quantity=held.quantity[:0],
    )
    alone = _needs(requirement, priced, empty, fills, np.eye(len(fills), dtype=np.bool_))
    worst = max(float(need.need[0]) - bare, 0.0)
    reached = max(whole - bare, 0.0)
    code = int(need.scenario[0])
    scenarios = priced.scenarios
    named = scenarios is not None and 0 <= code < len(scenarios)
    return OrderRules(
        worst_fill=worst,
        by_side=max(buy - bare, sell - bare, 0.0),
        stand_alone=float(np.maximum(alone, 0.0).sum()),
        set_margin=reached,
        filled=tuple(int(k) for k in fills.source[need.filled].tolist()),
        exact=abs(worst - reached) <= _EXACT * abs(worst) + _rounding(requirement.sheet),
        scenario=scenarios.label[code] if scenarios is not None and named else "—",
    )


def _rounding(sheet: Sheet) -> float:
    """What the roundings of a sheet may put between two sums; at least the noise of a sum."""
    places = [column.constant for column in sheet.columns if column.operator == "round"]
    return max(sum((10.0**-place for place in places), 0.0), 1e-12)


def _purses(priced: Priced) -> Ints:
    """[I] the balance line that pays a premium of each row, where cash is at risk; else -1."""
    part = priced.pool.instruments
    out = np.full(len(part), -1, np.int32)
    if priced.pool.currency != "USD":
        return out
    line = {i.underlying: k for k, i in enumerate(part.items) if priced.pool.cash[k]}
    for k, item in enumerate(part.items):
        out[k] = line.get(item.settle, -1)
    return out


def _needs(
    requirement: Requirement, priced: Priced, held: PoolBook, fills: Fills, chosen: Bools
) -> Floats:
    """[V] initial requirement after each chosen set of fills, less what the fills gain."""
    size = len(priced.pool.instruments)
    base = np.zeros(size)
    np.add.at(base, held.column, held.quantity)
    purse = _purses(priced)[fills.column]
    touched = np.union1d(np.union1d(held.column, fills.column), purse[purse >= 0])
    place = np.searchsorted(touched, fills.column)
    quantity = np.tile(base[touched], (len(chosen), 1))
    np.add.at(quantity.T, place, (chosen * fills.size).T)
    paid = purse >= 0
    at = np.searchsorted(touched, purse[paid])
    np.add.at(quantity.T, at, (chosen[:, paid] * fills.cash[paid]).T)
    touched = touched.astype(np.int32)
    count = len(chosen)
    row = frozen(np.arange(count + 1) * len(touched), np.int64)
    column = frozen(np.tile(touched, count), np.int32)
    flat = frozen(quantity.reshape(-1), np.float64)
    nothing = frozen(np.zeros(len(flat)), np.float64)
    unknown = frozen(np.zeros(len(flat), np.bool_), np.bool_)
    book = replace(
        held.book,
        account=tuple(str(k) for k in range(count)),
        row=row,
        column=column,
        quantity=flat,
        entry_price=nothing,
        entry_known=unknown,
        orders=Orders.none(count),
        reported=Reported(),
        choices={},
        lines=(),
    )
    variants = PoolBook(
        row, column, flat, nothing, unknown, frozen(np.arange(count), np.int32), book
    )
    sheet = requirement.via.margin(priced, variants, requirement.parameters).sheet
    return np.asarray(sheet["im"] - chosen @ fills.gain)
