"""In which order the legs of a decision fill, and whether margin holds after every one of them.

Legs fill one by one, so that each state on the way must meet its requirement, not only the last.
Up to ten legs the order whose worst state is best is found over all orders; beyond that the legs go
by what each alone does to the requirement, the largest relief first. Every state on the way is
margined by the model itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crossmargin.margin.whatif import Prepared
from crossmargin.margin.whatif_judge import judge
from crossmargin.margin.whatif_legged import LEGS_EXACT
from crossmargin.margin.whatif_trades import Leg

__all__ = ["FillOrder", "fill_order"]


@dataclass(frozen=True, slots=True)
class FillOrder:
    """``order`` are the legs (from 0) as they should fill; ``im_usd`` and ``room_usd`` after each.

    ``room_usd`` is what counts less what is required. ``best`` says that no order has a better
    worst state; ``passes`` that the venue's rule takes every one of the states.
    """

    order: tuple[int, ...]
    im_usd: tuple[float, ...]
    room_usd: tuple[float, ...]
    passes: tuple[bool, ...]
    best: bool

    @property
    def least_room_usd(self) -> float:
        """Of all states on the way and the last."""
        return min(self.room_usd)

    @property
    def holds(self) -> bool:
        """Whether every state on the way is taken."""
        return all(self.passes)


def fill_order(prepared: Prepared, legs: Sequence[Leg]) -> FillOrder:
    """The order, and every state on the way; errors of :meth:`Prepared.whatif`."""
    if len(legs) <= LEGS_EXACT:
        found = prepared.whatif(legs, atomic=len(legs) == 1)
        order = (0,) if found.legged is None else found.legged.order
        # among orders of one worst state the search may begin anywhere: relief goes first
        relief = _by_relief(prepared, legs)
        chosen = _states(prepared, legs, order)
        other = _states(prepared, legs, relief)
        better = min(other[1]) >= min(chosen[1]) - 1e-9 * max(abs(min(chosen[1])), 1.0)
        picked, states = (relief, other) if better else (order, chosen)
        return FillOrder(picked, *states, best=True)
    order = _by_relief(prepared, legs)
    return FillOrder(order, *_states(prepared, legs, order), best=False)


def _by_relief(prepared: Prepared, legs: Sequence[Leg]) -> tuple[int, ...]:
    """Legs by the requirement that each alone leaves, the least first; ties as they came."""
    ranked = prepared.rank([[leg] for leg in legs])
    alone = np.empty(len(legs))
    alone[ranked.order] = ranked.marginal_im_usd
    return tuple(np.argsort(alone, kind="stable").tolist())


def _states(
    prepared: Prepared, legs: Sequence[Leg], order: Sequence[int]
) -> tuple[tuple[float, ...], tuple[float, ...], tuple[bool, ...]]:
    """(IM, room, taken) after each leg of the order."""
    fills = [prepared.fill(legs[k]) for k in order]
    ground = prepared.ground
    states = ground.evaluate([fills[: k + 1] for k in range(len(fills))])
    judged = judge(ground, states)
    im = np.zeros(len(fills))
    for pool, values in zip(ground.pools, states.values, strict=True):
        im = im + values[0] * pool.priced.usd_per_unit
    return (
        tuple(im.tolist()),
        tuple(judged.room_im_usd.tolist()),
        tuple(bool(each) for each in judged.passes),
    )
