"""Option books for strategy-based rules: drawn from seeds, or read from recorded calls."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from crossmargin.core.arrays import Floats
from crossmargin.margin.families.strategy_columns import columns_of, costs_of
from crossmargin.margin.families.strategy_pairing import Pairing, paired
from crossmargin.margin.families.strategy_rules import Leg, Legs, Rates

__all__ = ["BROAD", "Book", "Position", "drawn", "groupings", "option", "recorded"]

BROAD = "broad-based"
CONTRACT = 100  # shares
VOL = 0.45


class Position(NamedTuple):
    """An option (``right`` C or P, contracts) or shares (``right`` S, a multiple of a hundred)."""

    right: str
    size: int
    price: float
    strike: float = 0.0
    days: int = 0


@dataclass(frozen=True)
class Book:
    """Positions in one underlying."""

    spot: float
    positions: tuple[Position, ...]
    index: str = ""
    leverage: float = 1.0
    odd_usd: float = 0.0  # shares that make no whole contract: no option can be paired with them

    def need(self, *, cash: bool = False) -> float:
        """Our initial requirement in dollars, proceeds held, whole contracts."""
        rates = self._rates(cash)
        found = 0.0
        if self.positions:
            _, cost, pairing = self._pairing(rates)
            found = pairing.total(cost)
        return CONTRACT * found + self.odd_usd * (1.0 if cash else rates.linear_long)

    def unequal(self) -> bool:
        """Whether our pairing has a spread with more options bought than sold, calls or puts."""
        legs, _, pairing = self._pairing(self._rates(cash=False))
        for block, amount in zip(pairing.columns.blocks, pairing.spread, strict=True):
            side = np.where(legs.size[block.legs] > 0.0, amount, -amount)
            for right in (1, -1):
                if abs(float(side[legs.right[block.legs] == right].sum())) > 0.5:
                    return True
        return False

    def _rates(self, cash: bool) -> Rates:
        return Rates(
            short_share=0.15 if self.index == BROAD else 0.20,
            proceeds_held=True,
            leverage=self.leverage,
            cash=cash,
            index=self.index == BROAD,
        )

    def _pairing(self, rates: Rates) -> tuple[Legs, Floats, Pairing]:
        legs = Legs.of(self._leg(held) for held in self.positions)
        columns = columns_of(legs, rates.far_days)
        cost = costs_of(columns, legs, rates)
        return legs, cost, paired(columns, legs, cost, whole=True)

    def _leg(self, held: Position) -> Leg:
        if held.right == "S":
            return Leg(0, held.size / CONTRACT, held.price, spot=self.spot)
        right = 1 if held.right == "C" else -1
        return Leg(
            right, held.size, held.price, strike=held.strike, spot=self.spot, days=held.days,
            expiry=1 + held.days,
        )  # fmt: skip

    def times(self, count: int) -> Book:
        """The same with every position so many times."""
        many = tuple(held._replace(size=held.size * count) for held in self.positions)
        return replace(self, positions=many)

    def only(self, positions: Sequence[Position]) -> Book:
        """The same with other positions."""
        return replace(self, positions=tuple(positions))


def option(
    rng: np.random.Generator,
    spot: float,
    size: int,
    right: str = "",
    days: int = 30,
    cents: int = 1,
) -> Position:
    """An option at a fair price, which no book can be paid for holding; whole ``cents``."""
    right = right or str(rng.choice(("C", "P")))
    strike = float(max(1, round(spot * rng.uniform(0.8, 1.2))))
    spread = VOL * np.sqrt(days / 365.0)
    up = np.log(spot / strike) / spread + 0.5 * spread
    call = float(spot * ndtr(up) - strike * ndtr(up - spread))
    fair = call if right == "C" else call - spot + strike
    price = cents * max(1, round(100.0 * fair / cents)) / 100.0
    return Position(right, size, price, strike, days)


def drawn(
    seed: int, count: int, make: Callable[[np.random.Generator, float], Sequence[Position]]
) -> list[Book]:
    """So many books of positions that all differ; prices of underlyings are whole dollars."""
    rng = np.random.default_rng(seed)
    out: list[Book] = []
    while len(out) < count:
        spot = float(rng.integers(20, 500))
        positions = tuple(make(rng, spot))
        if len({(held.right, held.strike, held.days) for held in positions}) == len(positions):
            out.append(Book(spot, positions))
    return out


def groupings(items: Sequence[Position]) -> Iterator[list[list[Position]]]:
    """Every way to put items into groups."""
    if not items:
        yield []
        return
    first, rest = items[0], items[1:]
    for found in groupings(rest):
        yield [[first], *found]
        for k in range(len(found)):
            yield [*found[:k], [first, *found[k]], *found[k + 1 :]]


def recorded(path: Path) -> list[Book]:
    """Calls of a file with columns ``underlying_price, etf_type, leverage, legs(...)``."""
    with path.open(encoding="utf-8", newline="") as stream:
        return [_recorded(row) for row in csv.DictReader(stream)]


def _recorded(row: dict[str, str]) -> Book:
    positions, odd = [], 0.0
    words = next(value for key, value in row.items() if key.startswith("legs"))
    for word in words.split(";"):
        if word.startswith("STK:"):
            size, price = word.removeprefix("STK:").split("@")
            whole = int(float(size) / CONTRACT) * CONTRACT
            odd += (float(size) - whole) * float(price)
            if whole:
                positions.append(Position("S", whole, float(price)))
            continue
        right, strike, size, price, days = word.split(":")
        positions.append(
            Position(right, int(size[1:]), float(price[1:]), float(strike[1:]), int(days[1:]))
        )
    return Book(
        float(row["underlying_price"]), tuple(positions), row["etf_type"],
        float(row["leverage"]), odd,
    )  # fmt: skip
