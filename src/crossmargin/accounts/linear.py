"""Liquidation prices of linear books in closed form.

Of one position ``q`` coins at ``P0`` with equity E and a maintenance rate m on notional:

    E + q (P - P0) = m |q| P        P = (q P0 - E) / (q - m |q|)

and of an inverse one (equity in coin, size S dollars, S > 0 long):

    E + S (1/P0 - 1/P) = m |S| / P   P = (S + m |S|) / (E + S / P0)

Of several positions of one coin with tiers, equity and requirement are both piecewise linear in the
price: each piece between two tier edges is solved, and an edge at which the sign changes is a jump.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from crossmargin.core.errors import InputError

__all__ = ["Leg", "LinearCrossing", "Tier", "inverse_price", "linear_crossings", "linear_price"]

# An edge whose two sides differ by less than this share of the requirement is no jump.
_TOUCH = 1e-12


@dataclass(frozen=True, slots=True)
class Tier:
    """From a notional of ``floor_usd`` on: requirement ``rate x notional - deduction_usd``."""

    floor_usd: float
    rate: float
    deduction_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class Leg:
    """A linear position of signed ``coins`` and the tiers of its requirement, first floor 0."""

    coins: float
    tiers: tuple[Tier, ...]


@dataclass(frozen=True, slots=True)
class LinearCrossing:
    """A root or a jump at a price, dollars left just under and just over it."""

    kind: str
    price: float
    broken: str  # the side on which margin is broken: below or above
    over_low_usd: float
    over_high_usd: float


def linear_price(equity_usd: float, coins: float, price: float, rate: float) -> float | None:
    """The price at which one linear position is liquidated; None where there is none above 0."""
    _positive(price, rate)
    slope = coins - rate * abs(coins)
    found = (coins * price - equity_usd) / slope if slope != 0.0 else math.inf
    return found if 0.0 < found < math.inf else None


def inverse_price(equity_coin: float, size_usd: float, price: float, rate: float) -> float | None:
    """The same of an inverse position of signed ``size_usd`` dollars, equity in coin."""
    _positive(price, rate)
    above, below = size_usd + rate * abs(size_usd), equity_coin + size_usd / price
    found = above / below if below != 0.0 else math.inf
    return found if 0.0 < found < math.inf else None


def linear_crossings(
    equity_usd: float, legs: Sequence[Leg], price: float
) -> tuple[LinearCrossing, ...]:
    """Every price above 0 at which equity less requirement changes its sign, in rising order.

    ``equity_usd`` is at ``price``. Raises InputError ``number_out_of_range`` for a price that is
    not positive, a negative rate, or tiers whose first floor is not 0 or that do not rise.
    """
    for leg in legs:
        floors = [tier.floor_usd for tier in leg.tiers]
        if not floors or floors[0] != 0.0 or sorted(set(floors)) != floors:
            raise _wrong("the floors of tiers start at 0 and rise", floors, "0, then rising")
        for tier in leg.tiers:
            _positive(price, tier.rate)
    edges = sorted({t.floor_usd / abs(leg.coins) for leg in legs for t in leg.tiers if leg.coins})
    out: list[LinearCrossing] = []
    before: float | None = None  # what is left just under the piece's lower end
    for low, high in zip(edges or [0.0], [*edges[1:], math.inf], strict=True):
        level, slope, need = _piece(equity_usd, legs, price, low)
        start = level + slope * low
        if before is not None and (before < 0.0) != (start < 0.0):
            if abs(before - start) > _TOUCH * need:
                side = "below" if before < 0.0 else "above"
                out.append(LinearCrossing("jump", low, side, before, start))
            else:  # the pieces meet at zero
                out.append(
                    LinearCrossing("root", low, "below" if slope > 0.0 else "above", 0.0, 0.0)
                )
        if slope != 0.0:
            root = -level / slope
            if low < root < high:
                out.append(
                    LinearCrossing("root", root, "below" if slope > 0.0 else "above", 0.0, 0.0)
                )
        before = level + slope * high if high < math.inf else None
    return tuple(out)


def _piece(
    equity_usd: float, legs: Sequence[Leg], price: float, low: float
) -> tuple[float, float, float]:
    """Level and slope of equity less requirement from ``low`` on, and the requirement there."""
    level, slope, need = equity_usd, 0.0, 0.0
    for leg in legs:
        size = abs(leg.coins)
        if size == 0.0:
            continue
        tier = [t for t in leg.tiers if t.floor_usd / size <= low][-1]
        level += tier.deduction_usd - leg.coins * price
        slope += leg.coins - tier.rate * size
        need += tier.rate * size * low - tier.deduction_usd
    return level, slope, need


def _positive(price: float, rate: float) -> None:
    if not (0.0 < price < math.inf and 0.0 <= rate < math.inf):
        raise _wrong("a price is positive and a rate not negative", (price, rate), "> 0, >= 0")


def _wrong(message: str, value: object, limit: str) -> InputError:
    return InputError(
        "number_out_of_range", message, value=value, limit=limit, remedy="Correct the number."
    )
