"""Names of the strategies in a pairing, for people: what each lot was taken into.

A block is a spread of any shape. It is taken apart into shapes that have names (box, iron condor,
iron butterfly, condor, butterfly, vertical, calendar and diagonal spread) as long as the parts
together need no more than the whole did; what is left has the name "universal spread".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.margin.families.strategy_columns import CLASSES, STRATEGIES, Block
from crossmargin.margin.families.strategy_pairing import Pairing
from crossmargin.margin.families.strategy_rules import Legs

__all__ = ["Found", "Parts", "found_in", "shape_of"]

# More legs than this are not taken apart into shapes of three and four: it would take minutes.
_LEGS_MAX = 12
_SAME = 1e-9
_NOTHING = 1e-11

Parts = tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class Found:
    """One strategy: its name and class, (leg, signed coins), and what it needs in dollars."""

    name: str
    kind: str
    legs: Parts
    need: float


def found_in(pairing: Pairing, legs: Legs, cost: Floats) -> tuple[Found, ...]:
    """Every strategy of a pairing, classes in the order of the sheet, amounts of dust left out.

    A long option that stands alone may as well stand in a spread that it does not make cheaper, if
    that has a name; which of the two the solver chose is chance.
    """
    columns, largest = pairing.columns, float(np.abs(legs.size).max(initial=0.0))
    amounts, count = pairing.amount.copy(), len(legs)
    alone = amounts[len(columns) - count :]
    free = np.where(cost[len(columns) - count :] == legs.price, alone, 0.0)
    free = np.where((legs.right != 0) & legs.long, free, 0.0)
    alone -= free
    out = []
    for block, taken in zip(columns.blocks, pairing.spread, strict=True):
        if (taken > _NOTHING * largest).any():
            whole = taken + np.where(block.sold, 0.0, free[block.legs])
            parts, rest = _of_block(block, np.where(whole > _NOTHING * largest, whole, 0.0), legs)
            out += parts
            free[block.legs] = np.where(block.sold, 0.0, rest)
    alone += free
    for j in np.flatnonzero(amounts > _NOTHING * largest).tolist():
        name, kind = STRATEGIES[int(columns.strategy[j])]
        amount = float(amounts[j])
        members = [k for k in columns.legs[j].tolist() if k >= 0]
        name = _column_name(name, legs, members)
        out.append(Found(name, kind, _signed(legs, members, amount), amount * float(cost[j])))
    return tuple(sorted(out, key=lambda found: CLASSES.index(found.kind)))


def _signed(legs: Legs, members: list[int], amount: float) -> Parts:
    return tuple((k, amount if legs.size[k] > 0.0 else -amount) for k in members)


def _column_name(name: str, legs: Legs, members: list[int]) -> str:
    """The name of a column, told apart by right and strike."""
    right = [int(legs.right[k]) for k in members]
    if name == "short straddle or strangle":
        same = len({(float(legs.strike[k]), int(legs.expiry[k])) for k in members}) == 1
        return "short straddle" if same else "short strangle"
    if name == "covered option":
        return "covered call" if right[1] > 0 else "covered put"
    if name == "protected position":
        return "protective put" if right[1] < 0 else "protective call"
    if name == "collar":
        return "conversion" if legs.strike[members[1]] == legs.strike[members[2]] else name
    if name in ("long option", "short option"):
        return name.replace("option", "call" if right[0] > 0 else "put")
    if name == "linear position":
        return "long position" if legs.size[members[0]] > 0.0 else "short position"
    return name


def shape_of(rights: tuple[int, ...], strikes: tuple[float, ...], sides: tuple[int, ...]) -> str:
    """The name of equal amounts of two to four options in order of strike, "" where it has none.

    ``sides`` are +1 bought and -1 sold; expiries are looked at by the caller.
    """
    if sum(sides) != 0 and len(rights) != 3:
        return ""
    one = len(set(rights)) == 1
    gaps = [b - a for a, b in pairwise(strikes)]
    if len(rights) == 2 and one:
        return "vertical spread" if gaps[0] > 0.0 else "calendar spread"
    if len(rights) == 4 and one and min(gaps) > 0.0 and sides in ((1, -1, -1, 1), (-1, 1, 1, -1)):
        return "condor"
    if len(rights) != 4 or one or sum(rights) != 0:
        return ""
    at = sorted(zip(strikes, rights, sides, strict=True))
    puts, calls = ([x for x in at if x[1] == right] for right in (-1, 1))
    if puts[0][0] == calls[0][0] and puts[1][0] == calls[1][0]:
        opposite = puts[0][2] == -calls[0][2] and puts[1][2] == -calls[1][2]
        return ("long box" if calls[0][2] > 0 else "short box") if opposite else ""
    wings = puts[0][2], puts[1][2], calls[0][2], calls[1][2]
    if wings not in ((1, -1, -1, 1), (-1, 1, 1, -1)) or puts[1][0] > calls[0][0]:
        return ""
    return "iron butterfly" if puts[1][0] == calls[0][0] else "iron condor"


def _of_block(block: Block, amount: Floats, legs: Legs) -> tuple[list[Found], Floats]:
    """The named parts of a block, largest shapes first; and bought legs that it does not need."""
    left, out = amount.copy(), []
    for count in (4, 3, 2):
        while (found := _peeled(block, left, legs, count)) is not None:
            name, part, left = found
            out.append(Found(name, "spreads", _parts(block, part, legs), block.cost(part)))
    rest = np.zeros(len(left))
    for k in np.flatnonzero(~block.sold & (left > 0.0)).tolist():
        part = np.where(np.arange(len(left)) == k, left, 0.0)
        if _adds_up(block, left, part):
            rest, left = rest + part, left - part
    if np.count_nonzero(left):
        last = _parts(block, left, legs)
        out.append(Found("universal spread", "spreads", last, block.cost(left)))
    return out, rest


def _peeled(
    block: Block, left: Floats, legs: Legs, count: int
) -> tuple[str, Floats, Floats] | None:
    """A named shape of so many legs, its amounts, and what is left without it."""
    if np.count_nonzero(left) < count or (count > 2 and np.count_nonzero(left) > _LEGS_MAX):
        return None
    for name, members, weight in _shapes(block, left, legs, count):
        part = np.zeros(len(left))
        part[members] = float((left[members] / weight).min()) * weight
        if _adds_up(block, left, part):
            rest = left - part
            return name, part, np.where(rest <= _NOTHING * left.max(), 0.0, rest)
    return None


def _adds_up(block: Block, whole: Floats, part: Floats) -> bool:
    """Whether a part and the rest need together what the whole does, and the rest is covered."""
    rest = np.maximum(whole - part, 0.0)
    need, apart = block.cost(whole), block.cost(part) + block.cost(rest)
    slack = _SAME * float((np.abs(block.loss).max(axis=0) * whole).sum())
    return _covered(block, rest) and apart <= need + slack


def _covered(block: Block, amount: Floats) -> bool:
    """Whether the calls sold are covered by calls bought."""
    slope = float(np.cumsum(block.calls * amount)[-1])
    return slope >= -_SAME * float(amount.max(initial=0.0))


def _parts(block: Block, amount: Floats, legs: Legs) -> Parts:
    chosen = np.flatnonzero(amount).tolist()
    return tuple(
        (int(block.legs[k]), float(amount[k]) * (1.0 if legs.size[block.legs[k]] > 0.0 else -1.0))
        for k in chosen
    )


def _shapes(
    block: Block, left: Floats, legs: Legs, count: int
) -> Iterator[tuple[str, list[int], Floats]]:
    """Named shapes of so many legs among those left: name, places in the block, weights."""
    there = np.flatnonzero(left).tolist()
    order = sorted(there, key=lambda k: (float(legs.strike[block.legs[k]]), k))
    for members in combinations(order, count):
        at = block.legs[list(members)]
        rights = tuple(legs.right[at].tolist())
        strikes = tuple(legs.strike[at].tolist())
        sides = tuple(1 if size > 0.0 else -1 for size in legs.size[at].tolist())
        lives = set(legs.expiry[at].tolist())
        weight = np.ones(count)
        if count == 3:
            wings = (strikes[1] - strikes[0], strikes[2] - strikes[1])
            if sides not in ((1, -1, 1), (-1, 1, -1)) or len(set(rights)) > 1 or min(wings) <= 0.0:
                continue
            weight[1] = 2.0
            name = "butterfly"
        else:
            name = shape_of(rights, strikes, sides)
        if len(lives) > 1:
            name = {"vertical spread": "diagonal spread", "calendar spread": "calendar spread"}.get(
                name, ""
            )
        elif name == "calendar spread":
            name = "vertical spread"  # one strike twice, as a coin and a dollar contract have it
        if name and not (count == 2 and not _pays(block, list(members))):
            yield name, list(members), weight


def _pays(block: Block, members: list[int]) -> bool:
    """Whether a spread of two leaves no call sold uncovered."""
    return float(block.calls[members].sum()) >= 0.0
