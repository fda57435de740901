"""The largest size of a trade that the venue would take, in whole lots.

The legs keep their ratio. A step is the smallest multiple of it in which every leg is a whole
number of its contract's lots. A grid of steps that grows by an eighth of an octave is margined as
one population; between the last that passes and the next, which fails, the grid is refined until
they are neighbours. A size that passes again between two points of the grid is not looked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from crossmargin.core.errors import InputError
from crossmargin.margin.whatif_trades import Leg

__all__ = ["Fit", "fit", "scaled", "steps_of"]

STEPS_MAX = 1 << 40
_SLACK = Decimal("1e-9")  # of a size: what is taken for the rounding of a float
_FINE = 32  # every step up to here, then eight an octave
_REFINE = 64


@dataclass(frozen=True, slots=True)
class Fit:
    """``steps`` of ``step`` (sizes of the legs) pass and one more fails; 0 where none passes.

    ``unlimited``: it passes up to the largest size that is looked at.
    """

    steps: int
    step: tuple[float, ...]
    sizes: tuple[float, ...]
    unlimited: bool


def steps_of(legs: Sequence[Leg], lots: Sequence[float]) -> tuple[tuple[Decimal, ...], int]:
    """Sizes of one step, and how many of them the legs as given are.

    Raises InputError ``order_invalid`` for a size that is no whole number of lots.
    """
    counts = []
    for leg, lot in zip(legs, lots, strict=True):
        unit = Decimal(repr(float(lot)))
        if not lot > 0.0:
            raise InputError(
                "number_out_of_range",
                "a lot is positive",
                place="--lot",
                value=lot,
                limit="> 0",
                remedy="Give the smallest size that can be traded.",
            )
        exact = Decimal(repr(float(leg.size))) / unit
        count = round(exact)
        # 0.1 * 17 is 1.7000000000000002 in floats: a last digit is no part of a lot.
        if count == 0 or abs(exact - count) > _SLACK * abs(count):
            raise InputError(
                "order_invalid",
                "the size of a leg is no whole number of lots",
                place="--add",
                value=leg.size,
                limit=f"multiples of {lot:g}",
                remedy="Give sizes in whole lots, or another lot with --lot.",
            )
        counts.append(count)
    common = math.gcd(*counts)
    step = tuple(
        Decimal(repr(float(lot))) * (count // common)
        for lot, count in zip(lots, counts, strict=True)
    )
    return step, common


def scaled(legs: Sequence[Leg], step: Sequence[Decimal], steps: int) -> list[Leg]:
    """The legs at so many steps."""
    return [
        Leg(leg.column, float(unit * steps), leg.price, leg.reduce_only)
        for leg, unit in zip(legs, step, strict=True)
    ]


def fit(
    legs: Sequence[Leg],
    lots: Sequence[float],
    passes: Callable[[list[list[Leg]]], np.ndarray],
    per_octave: int = 8,
) -> Fit:
    """The largest number of steps that passes; ``passes`` judges many sizes in one call."""
    step, _ = steps_of(legs, lots)

    def asked(counts: Sequence[int]) -> list[bool]:
        found: list[bool] = passes([scaled(legs, step, count) for count in counts]).tolist()
        return found

    grid = _grid(per_octave)
    good = asked(grid)
    if not any(good):
        low, high = 0, 1
    else:
        last = max(k for k, passed in enumerate(good) if passed)
        low = grid[last]
        high = grid[last + 1] if last + 1 < len(grid) else 0
    while high - low > 1:
        inner = sorted({low + (high - low) * k // _REFINE for k in range(1, _REFINE)} - {low, high})
        answers = asked(inner)
        # The first that fails after one that passes bounds it from above.
        wrong = [count for count, passed in zip(inner, answers, strict=True) if not passed]
        high = min(wrong, default=high)
        low = max([count for count in inner if count < high], default=low)
    sizes = tuple(float(unit * low) + 0.0 for unit in step)
    return Fit(low, tuple(float(unit) for unit in step), sizes, high == 0)


def _grid(per_octave: int) -> list[int]:
    """1, 2, … and then ``per_octave`` points a doubling up to the largest size."""
    fine = _FINE if per_octave >= 8 else 4
    out = list(range(1, fine + 1))
    while out[-1] < STEPS_MAX:
        out.append(min(max(out[-1] + 1, round(out[-1] * 2.0 ** (1.0 / per_octave))), STEPS_MAX))
    return out
