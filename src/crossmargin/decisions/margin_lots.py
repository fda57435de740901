"""Why an optimum cannot be carried out in whole lots: what one lot of its trades would do.

    saved  = pieces at the book - pieces after one lot           cost = the ticket at one lot
    moved  = row of a tolerance [J] x one lot, on the side that the optimum takes
    broken where moved leaves [least, most]; told is the one that is left the furthest, in bounds

One lot by itself: several together may keep what one breaks, and then the programme finds them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.decisions.margin_lp import MarginProblem

__all__ = ["OneLot", "one_lots"]


@dataclass(frozen=True, slots=True)
class OneLot:
    """One lot of a trade whose size of the optimum is less than that; dollars.

    ``size``, ``lot``: signed units of the trade. ``rule``: the tolerance that the lot breaks, ""
    where it keeps all; ``moved``, ``allowed``: in ``unit``, signed. ``worth_usd``: what the saving
    is worth at the price of margin, less the cost as the objective counts it.
    """

    trade: str
    size: float
    lot: float
    saved_usd: float
    cost_usd: float
    worth_usd: float
    rule: str = ""
    unit: str = ""
    moved: float = 0.0
    allowed: float = 0.0


def one_lots(problem: MarginProblem, sizes: Floats) -> tuple[OneLot, ...]:
    """One lot of each of the trades ``sizes[J]`` that are less than a lot, the most worth first."""
    out = []
    for j in np.flatnonzero(sizes).tolist():
        ticket, size = problem.tickets[j], float(sizes[j])
        if not abs(size) < ticket.lot:
            continue
        lot = float(np.copysign(ticket.lot, size))
        saved, cost = _saved(problem, j, lot), ticket.cost_usd(lot)
        worth = problem.goal.price * saved - cost
        broken = _broken(problem, j, lot)
        out.append(OneLot(ticket.name, size, lot, saved, cost, worth, *broken))
    return tuple(sorted(out, key=lambda each: -each.worth_usd))


def _saved(problem: MarginProblem, j: int, lot: float) -> float:
    """Dollars that the pieces, and what is no longer counted, are lower by after one lot."""
    beside = float(problem.beside[j]) * lot
    return -beside + sum(
        block.usd_per_unit
        * float(block.pieces.at(block.base) - block.pieces.at(block.base + block.step[:, j] * lot))
        for block in problem.blocks
    )


def _broken(problem: MarginProblem, j: int, lot: float) -> tuple[str, str, float, float]:
    """The tolerance that a lot leaves the furthest, its unit, the move and the bound."""
    worst, found = 1.0, ("", "", 0.0, 0.0)
    for rule, unit, row, least, most in _rules(problem):
        moved = float(row[j]) * lot
        allowed = most if moved > 0.0 else least
        over = moved / allowed if allowed != 0.0 else np.inf if moved != 0.0 else 0.0
        if over > worst:
            worst, found = over, (rule, unit, moved, allowed)
    return found


def _rules(problem: MarginProblem) -> Iterator[tuple[str, str, Floats, float, float]]:
    """Name, unit, row over the trades and bounds of every tolerance."""
    for limit in problem.limits:
        yield limit.name, limit.unit, limit.row, limit.least, limit.most
    profile = problem.profile
    if profile is None:
        return
    for k, name in enumerate(profile.names):
        yield name, profile.unit, profile.rows[k], float(profile.down[k]), float(profile.up[k])
