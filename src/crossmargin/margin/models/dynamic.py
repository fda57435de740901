"""A wrapper round any model: its ranges, haircuts and weights from a forecast of volatility.

``dynamic:MODEL`` plans, prices and margins by the rules of MODEL. Before it prices, it sets the
numbers that ``dynamic.scales`` declares from the market's own history at the time of the view.
Nothing later than that is in a view, so nothing later can move a figure.
"""

from __future__ import annotations

from dataclasses import replace
from typing import final

from crossmargin.core.arrays import Floats, Longs
from crossmargin.core.clock import DAY_MS, format_ms
from crossmargin.core.errors import CrossMarginError, ModelError
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.families.dynamic_alarm import Watched, watched
from crossmargin.margin.families.dynamic_names import (
    FOLDER,
    Scaled,
    inner_set,
    own_numbers,
    scaled_set,
    targets_of,
    with_tables,
)
from crossmargin.margin.families.dynamic_ranges import CoinRanges, ranges_of
from crossmargin.margin.model import (
    Detail,
    Details,
    MarginModel,
    ModelSpec,
    OrderNeed,
    Plan,
    Pool,
    PoolAnswer,
    PoolBook,
    Priced,
    Refusal,
    Refuses,
    Warns,
)
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import row_of_position
from crossmargin.market.fields import DOLLAR_PEGGED, OTHER_MONEY
from crossmargin.market.view import View

__all__ = ["Dynamic", "needed_coins"]

_SET, _LOST, _NUMBERS = "dynamic_set", "dynamic_lost", "dynamic_numbers"
_OLD_DAYS = 2  # a history that ends earlier than this before the view is said to be old
_COLUMNS = (
    ("coin", "Coin", "name"),
    ("what", "Of", "name"),
    ("set_at", "Set", "name"),
    ("deviation_fraction", "Deviation", "fraction"),
    ("stress_fraction", "Stress", "fraction"),
    ("wanted_fraction", "Wanted", "fraction"),
    ("range_fraction", "Range", "fraction"),
    ("stated_fraction", "Stated", "fraction"),
)
_NOTES = (
    "deviation: forecast of the log move over the horizon; stress: the largest move over it so far",
    "wanted is with stressed weight, floor and cap; the range follows it by the largest steps",
)


def needed_coins(instruments: Instruments, parameters: Parameters) -> tuple[str, ...]:
    """Coins of a table whose numbers are declared, in order of name; money never is one."""
    coins = sorted(
        {
            item.underlying
            for item in instruments.items
            if item.underlying not in DOLLAR_PEGGED and item.underlying not in OTHER_MONEY
        }
    )
    named = {target.coin for target in targets_of(with_tables(parameters, coins))}
    moving = {i.underlying for i in instruments.items if i.kind not in (Kind.ASSET, Kind.DEBT)}
    return tuple(c for c in coins if c in named or ("" in named and c in moving))


@final
class Dynamic:
    """The wrapper; ``inner`` is the model whose rules hold."""

    def __init__(self, inner: MarginModel) -> None:
        self.inner = inner
        self.spec: ModelSpec = replace(
            inner.spec,
            name=f"dynamic:{inner.spec.name}",
            title=f"{inner.spec.title}; ranges by a forecast of volatility",
            folder=f"{FOLDER}+{inner.spec.folder}",
        )

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """The plan of the wrapped model."""
        own = own_numbers(parameters)
        plan = self.inner.plan(instruments, inner_set(own))
        method = str(own.get("dynamic.forecast.method"))
        note = f"ranges from a forecast of volatility ({method}), set at midnight UTC"
        return replace(plan, notes=(*plan.notes, note))

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """The wrapped model under the numbers of the view's time."""
        own = own_numbers(parameters)
        ranges: dict[str, CoinRanges] = {}
        lost: dict[str, CrossMarginError] = {}
        for coin in needed_coins(pool.instruments, own):
            try:
                ranges[coin] = ranges_of(view.history, coin, view.as_of_ms, own)
            except CrossMarginError as error:  # its holders are refused, the others are not
                lost[coin] = error
        made = scaled_set(own, ranges)
        priced = self.inner.price(pool, view, made.parameters)
        facts = {**priced.facts, _SET: made, _LOST: lost, _NUMBERS: own}
        return replace(priced, facts=facts)

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of the wrapped model."""
        for refusal in _without_range(priced, held):
            raise refusal.error
        return self.inner.margin(priced, held, _made(priced).parameters)

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """As the wrapped model."""
        return self.inner.order_need(priced, held, _made(priced).parameters)

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """As the wrapped model."""
        return self.inner.vector(priced, held)

    def refusals(self, priced: Priced, held: PoolBook) -> tuple[Refusal, ...]:
        """Holders of a coin without a forecast, and whom the wrapped model refuses."""
        own = _without_range(priced, held)
        rows = {refusal.row for refusal in own}
        inner = self.inner.refusals(priced, held) if isinstance(self.inner, Refuses) else ()
        every = (*own, *(refusal for refusal in inner if refusal.row not in rows))
        return tuple(sorted(every, key=lambda refusal: refusal.row))

    def details(self, priced: Priced, held: PoolBook, parameters: Parameters) -> tuple[Detail, ...]:
        """The ranges, then the tables of the wrapped model."""
        made = _made(priced)
        own = Detail("dynamic_ranges", "Ranges by the forecast", _COLUMNS, _rows(made), _NOTES)
        seen = _watched(priced)
        found = (own,) if seen is None else (own, _correlation(seen))
        if not isinstance(self.inner, Details):
            return found
        return (*found, *self.inner.details(priced, held, made.parameters))

    def warnings(self, priced: Priced, held: PoolBook, parameters: Parameters) -> tuple[str, ...]:
        """An old history, numbers at their bounds, vol ranges that stayed, correlation alarms."""
        made, out = _made(priced), []
        for coin, found in made.ranges.items():
            known_ms = int(found.price.day[-1]) * DAY_MS
            if priced.view.as_of_ms - known_ms > _OLD_DAYS * DAY_MS:
                out.append(f"the history of {coin} ends at {format_ms(known_ms)}: the range is old")
        if made.bounded:
            out.append(f"cut to the bounds of the set: {', '.join(made.bounded)}")
        out += [
            f"no history of {coin}'s volatility: its vol ranges are the stated ones"
            for coin in made.without_vol
        ]
        seen = _watched(priced)
        out += seen.sentences() if seen is not None else ()
        if isinstance(self.inner, Warns):
            out += self.inner.warnings(priced, held, made.parameters)
        return tuple(out)


def _made(priced: Priced) -> Scaled:
    made = priced.facts[_SET]
    assert isinstance(made, Scaled)  # set by price()
    return made


def _watched(priced: Priced) -> Watched | None:
    coins = tuple(_made(priced).ranges)
    return watched(priced.view.history, coins, priced.view.as_of_ms, priced.facts[_NUMBERS])


def _correlation(seen: Watched) -> Detail:
    columns = (
        ("coin", "Coin", "name"),
        *((f"with_{coin}", coin, "number") for coin in seen.coins),
    )
    rows: tuple[tuple[str | float | int | None, ...], ...] = tuple(
        (coin, *row) for coin, row in zip(seen.coins, seen.correlation.tolist(), strict=True)
    )
    notes = seen.sentences() or ("no pair has left its regime",)
    return Detail("dynamic_correlation", "Correlation now, shrunk", columns, rows, notes)


def _without_range(priced: Priced, held: PoolBook) -> tuple[Refusal, ...]:
    """Accounts with a position or an open order in a coin whose range cannot be forecast."""
    lost: dict[str, CrossMarginError] = priced.facts[_LOST]
    if not lost:
        return ()
    items = priced.pool.instruments.items
    coin = [item.underlying if item.underlying in lost else "" for item in items]
    place = {int(column): k for k, column in enumerate(priced.pool.columns.tolist())}
    orders = held.book.orders
    columns = [place.get(column, -1) for column in orders.column.tolist()]
    found: dict[int, str] = {}
    real = (held.quantity != 0.0).tolist()
    for row, at in (
        *_rows_of(held.row, [k if yes else -1 for k, yes in zip(held.column, real, strict=True)]),
        *_rows_of(orders.row, columns),
    ):
        if at >= 0 and coin[at]:
            found.setdefault(row, coin[at])
    return tuple(Refusal(row, _unforecast(held, row, lost[found[row]])) for row in sorted(found))


def _rows_of(row: Longs, columns: list[int]) -> list[tuple[int, int]]:
    """(account, column) of each line of a CSR table."""
    return list(zip(row_of_position(row).tolist(), columns, strict=True))


def _unforecast(held: PoolBook, row: int, cause: CrossMarginError) -> ModelError:
    return ModelError(
        cause.code,
        cause.message,
        place=f"account {held.book.account[row]}, {cause.place}",
        value=cause.value,
        limit=cause.limit,
        remedy=cause.remedy,
    )


def _rows(made: Scaled) -> tuple[tuple[str | float | int | None, ...], ...]:
    rows: list[tuple[str | float | int | None, ...]] = []
    for coin, found in made.ranges.items():
        for what, path in (("price", found.price), ("vol", found.vol)):
            if path is None:
                continue
            last = (path.deviation, path.stress, path.wanted, path.range)
            rows.append(
                (
                    coin,
                    what,
                    format_ms(int(path.day[-1]) * DAY_MS)[:10],
                    *(float(each[-1]) for each in last),
                    made.stated[coin] if what == "price" else None,
                )
            )
    return tuple(rows)
