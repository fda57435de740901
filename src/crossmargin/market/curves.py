"""On-chain pools as costs: constant product, and liquidity concentrated in price ranges.

Money is the quote token. A range with liquidity L gives, between prices a and b,

    base = L (1/sqrt(a) - 1/sqrt(b))        quote = L (sqrt(b) - sqrt(a)) = base sqrt(a b)

A purchase of z walks up from the pool's price P, a sale down. The part ``pool`` is what is lost
against P without the pool's fee, the part ``pool fee`` the rest, the fee f being taken of what goes
in: a purchase pays quote/(1 - f), of a sale z (1 - f) reaches the curve. Constant product x y = k
is one range from 0 to infinity with L = sqrt(x y): a purchase loses p z^2/(x - z) and a sale
p z^2/(x + z). Source: Adams et al. (2021), Uniswap v3 Core, sections 6.2 and 6.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Floats, frozen
from crossmargin.core.errors import InputError
from crossmargin.market.cost_parts import Part

__all__ = ["Pool", "PoolPart", "constant_product", "pool_parts", "ranges"]


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """The walk away from the pool's price: one entry a range met, in the order of the walk.

    ``at`` is 1/sqrt(price) where the walk enters a range; base and quote are those of all before.
    """

    price: float  # quote per base
    fee: float  # fraction of what goes in
    buy: tuple[Floats, Floats, Floats, Floats]  # at, liquidity, base before, quote before
    buy_depth: float  # base that can be bought; what is at it or beyond has no price
    sell: tuple[Floats, Floats, Floats, Floats]
    sell_depth: float

    def paid(self, base: Floats) -> tuple[Floats, Floats]:
        """Quote that a purchase of ``base`` (>= 0) costs without fee, and the price after it."""
        if base.size and float(base.max()) >= self.buy_depth:
            raise _beyond("pool", float(base.max()), self.buy_depth)
        at, liquidity, before, quote = self.buy
        k = np.searchsorted(before, base, side="right") - 1
        took = base - before[k]
        root = 1.0 / (at[k] - took / liquidity[k])
        return quote[k] + took * root / at[k], root * root

    def received(self, base: Floats) -> tuple[Floats, Floats]:
        """Quote for ``base`` (>= 0) that reaches the curve, and the price after it."""
        if base.size and float(base.max()) > self.sell_depth:
            raise _beyond("pool", float(base.max()), self.sell_depth)
        at, liquidity, before, quote = self.sell
        k = np.searchsorted(before, base, side="right") - 1
        took = base - before[k]
        root = 1.0 / (at[k] + took / liquidity[k])
        return quote[k] + took * root / at[k], root * root


@dataclass(frozen=True, slots=True, eq=False)
class PoolPart:
    """One component of a pool's cost: the curve, or its fee."""

    pool: Pool
    is_fee: bool

    @property
    def name(self) -> str:
        """``pool`` or ``pool fee``."""
        return "pool fee" if self.is_fee else "pool"

    @property
    def convex(self) -> bool:
        """The curve is; of its fee only the sum with the curve is."""
        return not self.is_fee or self.pool.fee == 0.0

    @property
    def rises(self) -> bool:
        """Always."""
        return True

    def at(self, size: Floats) -> Floats:
        """Quote lost at each size."""
        pool, out = self.pool, np.empty(size.shape)
        bought, sold = size >= 0.0, size < 0.0
        paid, _ = pool.paid(size[bought])
        z = -size[sold]
        whole, _ = pool.received(z)
        if self.is_fee:
            out[bought] = paid * (pool.fee / (1.0 - pool.fee))
            out[sold] = whole - pool.received(z * (1.0 - pool.fee))[0]
        else:
            # what rounding leaves of a small trade must not look like a gain
            out[bought] = np.maximum(paid - pool.price * size[bought], 0.0)
            out[sold] = np.maximum(pool.price * z - whole, 0.0)
        return out

    def marginal(self, size: Floats) -> Floats:
        """Quote lost by the next unit."""
        pool, out = self.pool, np.empty(size.shape)
        bought, sold = size >= 0.0, size < 0.0
        _, above = pool.paid(size[bought])
        z = -size[sold]
        _, below = pool.received(z)
        if self.is_fee:
            kept = 1.0 - pool.fee
            out[bought] = above * (pool.fee / kept)
            out[sold] = below - kept * pool.received(z * kept)[1]
        else:
            out[bought] = above - pool.price
            out[sold] = pool.price - below
        return out


def pool_parts(pool: Pool) -> tuple[Part, Part]:
    """The two components of a pool: curve and fee; together convex."""
    return PoolPart(pool, False), PoolPart(pool, True)


def constant_product(base: float, quote: float, fee: float = 0.0) -> Pool:
    """The pool ``base x quote = k`` with reserves of both tokens (> 0).

    Raises InputError ``number_out_of_range``.
    """
    if not (0.0 < base < np.inf and 0.0 < quote < np.inf):
        raise _out("reserves", (base, quote), "> 0")
    return ranges([(0.0, np.inf, float(np.sqrt(base)) * float(np.sqrt(quote)))], quote / base, fee)


def ranges(liquidity: Sequence[tuple[float, float, float]], price: float, fee: float = 0.0) -> Pool:
    """A pool of ranges (low price, high price, liquidity), ascending and apart, around a price.

    ``fee`` is a fraction in [0, 1). A gap between two ranges is crossed for nothing.
    Raises InputError ``number_out_of_range``.
    """
    if not (0.0 < price < np.inf and 0.0 <= fee < 1.0):
        raise _out("price and fee", (price, fee), "price > 0, fee in [0, 1)")
    last = 0.0
    for low, high, amount in liquidity:
        if not (last <= low < high and 0.0 < amount < np.inf):
            raise _out("range", (low, high, amount), "0 <= low < high, ascending, liquidity > 0")
        last = high
    up = [(max(low, price), high, amount) for low, high, amount in liquidity if high > price]
    down = [(low, min(high, price), amount) for low, high, amount in liquidity if low < price]
    if not up or not down:
        raise _out("range", price, "liquidity above and below the price")
    buy, buy_depth = _walk([(1.0 / np.sqrt(a), 1.0 / np.sqrt(b), amount) for a, b, amount in up])
    sell, sell_depth = _walk(
        [(1.0 / np.sqrt(b), np.inf if a == 0.0 else 1.0 / np.sqrt(a), c) for a, b, c in down[::-1]]
    )
    return Pool(price, fee, buy, buy_depth, sell, sell_depth)


def _walk(
    pieces: Sequence[tuple[float, float, float]],
) -> tuple[tuple[Floats, Floats, Floats, Floats], float]:
    """Entries of the ranges in order (``at`` and ``to`` as 1/sqrt(price)), and the base in all."""
    base, quote = 0.0, 0.0
    rows = []
    for at, to, amount in pieces:
        rows.append((at, amount, base, quote))
        base += amount * abs(at - to)
        if 0.0 < to < np.inf:
            quote += amount * abs(1.0 / to - 1.0 / at)
    columns = [frozen(column, np.float64) for column in zip(*rows, strict=True)]
    return (columns[0], columns[1], columns[2], columns[3]), base


def _out(what: str, value: object, limit: str) -> InputError:
    return InputError(
        "number_out_of_range",
        f"the {what} of a pool cannot be",
        place="pool",
        value=value,
        limit=limit,
        remedy="Correct the pool.",
    )


def _beyond(name: str, size: float, depth: float) -> InputError:
    return InputError(
        "number_out_of_range",
        "the size is beyond the depth that is known",
        place=name,
        value=size,
        limit=f"less than {depth:g} units",
        remedy="Trade less, or give further ranges.",
    )
