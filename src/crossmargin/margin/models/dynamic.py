"""A wrapper round any model: its ranges, haircuts and weights from a forecast of volatility.

``dynamic:MODEL`` plans, prices and margins by the rules of MODEL. Before it prices, it sets the
numbers that ``dynamic.scales`` declares from the market's own history at the time of the view.
Nothing later than that is in a view, so nothing later can move a figure.
"""

from __future__ import annotations

from dataclasses import replace
from typing import final

from crossmargin.core.arrays import Floats
from crossmargin.core.clock import DAY_MS, format_ms
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.families.dynamic_names import (
    FOLDER,
    Scaled,
    inner_set,
    own_numbers,
    scaled_set,
    targets_of,
    with_tables,
)
from crossmargin.margin.families.dynamic_ranges import ranges_of
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
from crossmargin.market.fields import DOLLAR_PEGGED, OTHER_MONEY
from crossmargin.market.view import View

__all__ = ["Dynamic", "needed_coins"]

_SET = "dynamic_set"
_OLD_DAYS = 2  # a history that ends earlier than this before the view is said to be old
_COLUMNS = (
    ("coin", "Coin", "name"),
    ("what", "Range of", "name"),
    ("set_at", "Set at", "text"),
    ("days", "Days", "count"),
    ("deviation_fraction", "Deviation over the horizon", "fraction"),
    ("stress_fraction", "Largest move so far", "fraction"),
    ("wanted_fraction", "Wanted", "fraction"),
    ("range_fraction", "Range", "fraction"),
    ("stated_fraction", "Stated", "fraction"),
    ("numbers", "Numbers set", "count"),
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
        coins = needed_coins(pool.instruments, own)
        ranges = {coin: ranges_of(view.history, coin, view.as_of_ms, own) for coin in coins}
        made = scaled_set(own, ranges)
        priced = self.inner.price(pool, view, made.parameters)
        return replace(priced, facts={**priced.facts, _SET: made})

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of the wrapped model."""
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
        """As the wrapped model."""
        return self.inner.refusals(priced, held) if isinstance(self.inner, Refuses) else ()

    def details(self, priced: Priced, held: PoolBook, parameters: Parameters) -> tuple[Detail, ...]:
        """The ranges, then the tables of the wrapped model."""
        made = _made(priced)
        own = Detail("dynamic_ranges", "Ranges by the forecast", _COLUMNS, _rows(made))
        if not isinstance(self.inner, Details):
            return (own,)
        return (own, *self.inner.details(priced, held, made.parameters))

    def warnings(self, priced: Priced, held: PoolBook, parameters: Parameters) -> tuple[str, ...]:
        """An old history, numbers at their bounds, vol ranges that stayed."""
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
        if isinstance(self.inner, Warns):
            out += self.inner.warnings(priced, held, made.parameters)
        return tuple(out)


def _made(priced: Priced) -> Scaled:
    made = priced.facts[_SET]
    assert isinstance(made, Scaled)  # set by price()
    return made


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
                    format_ms(int(path.day[-1]) * DAY_MS),
                    len(path.day),
                    *(float(each[-1]) for each in last),
                    made.stated[coin] if what == "price" else None,
                    made.count[coin] if what == "price" else None,
                )
            )
    return tuple(rows)
