"""The one cost object: what trading a size costs, as a sum of components that add up.

    cost(z) = fees + half spread + book walk + pool + impact + funding + borrow + gas + margin

The same expression is evaluated by exit, liquidation, optimiser and simulator. Sizes are signed
(bought positive) in units of quantity, costs are positive money of one currency, usually dollars;
see :mod:`crossmargin.market.cost_parts` for what each component promises.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Floats, finite
from crossmargin.core.errors import InputError
from crossmargin.market.cost_parts import Fixed, Part, Steps
from crossmargin.market.curves import PoolPart

__all__ = ["TradeCost"]


@dataclass(frozen=True, slots=True)
class TradeCost:
    """Components in the order in which they are added; their names are distinct.

    ``currency`` is the money of every component (``USD``).
    """

    parts: tuple[Part, ...]
    currency: str = "USD"

    def __post_init__(self) -> None:
        names = [part.name for part in self.parts]
        if not names or len(set(names)) != len(names):
            raise InputError(
                "option_unknown",
                "a cost has one component or more, each with a name of its own",
                place="cost",
                value=", ".join(names),
                limit="distinct names",
                remedy="Name each component once.",
            )

    def at(self, size: npt.ArrayLike) -> Floats:
        """Money at each signed size, of the same shape: the sum of :meth:`split` in its order.

        Raises InputError ``number_not_finite`` for a size, ``number_out_of_range`` for one beyond
        the depth that a component knows.
        """
        return _sum([values for _, values in self.split(size)])

    def split(self, size: npt.ArrayLike) -> tuple[tuple[str, Floats], ...]:
        """(name, money at each size) of every component."""
        z = finite(np.asarray(size, np.float64), "a size")
        flat = np.atleast_1d(z)
        return tuple((part.name, part.at(flat).reshape(z.shape)) for part in self.parts)

    def marginal(self, size: npt.ArrayLike) -> Floats:
        """Money per further unit in the direction of the trade; at zero that of a purchase."""
        z = finite(np.asarray(size, np.float64), "a size")
        flat = np.atleast_1d(z)
        return _sum([part.marginal(flat).reshape(z.shape) for part in self.parts])

    @property
    def convex(self) -> bool:
        """Whether the sum is convex in the signed size.

        Piecewise linear components are added first: the fee of a sale falls with the price that it
        walks down to, and only fee and walk together are convex. So are a pool and its fee.
        """
        linear = [part for part in self.parts if isinstance(part, Steps)]
        rest = [part for part in self.parts if not isinstance(part, Steps)]
        pools = [part.pool for part in rest if isinstance(part, PoolPart) and not part.is_fee]
        return _convex(linear) and all(
            part.convex or (isinstance(part, PoolPart) and part.pool in pools) for part in rest
        )

    @property
    def rises(self) -> bool:
        """Whether no component is ever negative or falls as the size grows."""
        return all(part.rises for part in self.parts)

    def pieces(self, sign: float, largest: float, ratio: float = 1.2) -> tuple[Floats, Floats]:
        """(width, slope) of straight pieces for purchases (``sign`` > 0) or sales up to a size.

        The nodes are every edge of a level and sizes that grow by ``ratio``. The pieces are chords:
        they lie on or above a convex cost, by at most 0.4 % of a 3/2-power cost at a ratio of 1.2.
        Fixed components are left out.
        Raises InputError ``number_out_of_range``.
        """
        if not (0.0 < largest < np.inf and 1.0 < ratio < np.inf):
            raise InputError(
                "number_out_of_range",
                "pieces need a largest size above 0 and a ratio above 1",
                place="pieces",
                value=(largest, ratio),
                limit="> 0, > 1",
                remedy="Correct the numbers.",
            )
        way = 1.0 if sign > 0.0 else -1.0
        edges = [np.cumsum(p.side(way)[0]) for p in self.parts if isinstance(p, Steps)]
        count = int(np.ceil(np.log(1e4) / np.log(ratio)))
        grown = largest / ratio ** np.arange(count, -1.0, -1.0)
        nodes = np.unique(np.concatenate([[0.0], grown, *edges]))
        nodes = np.append(nodes[nodes < largest], largest)
        moving = [p.at(way * nodes) for p in self.parts if not isinstance(p, Fixed)]
        cost = _sum([np.zeros(nodes.shape), *moving])
        return np.diff(nodes), np.diff(cost) / np.diff(nodes)


def _sum(parts: list[Floats]) -> Floats:
    total = np.zeros(parts[0].shape)
    for values in parts:
        total = total + values
    return total


def _convex(parts: list[Steps]) -> bool:
    """Whether the sum of piecewise linear components is convex, but for the rounding of slopes."""
    through = 0.0
    for sign in (1.0, -1.0):
        sides = [part.side(sign) for part in parts]
        known = min((float(width.sum()) for width, _ in sides), default=0.0)
        if known == 0.0:
            through = np.inf  # that side cannot be traded at all
            continue
        nodes = np.unique(np.concatenate([[0.0], *(np.cumsum(width[:-1]) for width, _ in sides)]))
        slopes = _sum([_slopes(width, slope, nodes[nodes < known]) for width, slope in sides])
        slack = 1e-12 * max(float(np.abs(slope).max()) for _, slope in sides)
        if (np.diff(slopes) < -slack).any():
            return False
        through += float(slopes[0]) + slack
    return bool(through >= 0.0)


def _slopes(width: Floats, slope: Floats, nodes: Floats) -> Floats:
    """The slope of one side from each node on."""
    edge = np.concatenate([[0.0], np.cumsum(width[:-1])])
    return np.asarray(slope[np.searchsorted(edge, nodes, side="right") - 1])
