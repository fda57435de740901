"""Where an account crosses its maintenance margin along a path: every root, every jump.

With ``F(x)`` what counts less what is required, in dollars, an account is broken where ``F < 0``.
F is taken at every node of the path's grid; each change of sign between neighbours is narrowed to

    a root   |F| at most 1e-9 of the requirement there (1e-6 dollars where nothing is required)
    a jump   two neighbouring numbers x of different sign, neither a root: a tier, an expiry

and is given with F on both sides. Where F comes near zero between nodes without a change of sign,
the dip is searched too. Two crossings inside one step (0.15 %) of the grid whose dip does not show
at its nodes are not seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from crossmargin.accounts.nodes import Account, Values
from crossmargin.accounts.path import Path
from crossmargin.core.arrays import Floats
from crossmargin.core.errors import InputError

__all__ = ["ROOT", "Crossing", "Crossings", "crossings", "narrowed", "refuse_sourceless"]

ROOT = 1e-9
_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0
_DIP_STEPS = 24
_STEPS = 300
_NOTHING_USD = 1e-6

Valued = Callable[[float], tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Crossing:
    """One crossing. ``low <= at <= high`` are what brackets it, ``over_*`` dollars left there.

    ``kind`` is root or jump; ``broken`` is the side on which margin is broken: below or above.
    ``need_usd`` is the requirement at ``at``. A jump is ``at`` its broken side.
    """

    kind: str
    at: float
    broken: str
    low: float
    high: float
    over_low_usd: float
    over_high_usd: float
    over_usd: float
    need_usd: float


@dataclass(frozen=True, slots=True)
class Crossings:
    """All crossings of a path in rising order, and the account at its origin and on the grid."""

    path: Path
    found: tuple[Crossing, ...]
    now: Values  # one node
    values: Values  # of the grid

    @property
    def broken_now(self) -> bool:
        """Whether maintenance margin is broken already."""
        return float(self.now.over_mm_usd[0]) < 0.0

    @property
    def below(self) -> Crossing | None:
        """The nearest crossing under the origin."""
        under = [each for each in self.found if each.at < self.path.origin]
        return under[-1] if under else None

    @property
    def above(self) -> Crossing | None:
        """The nearest crossing over the origin."""
        return next((each for each in self.found if each.at >= self.path.origin), None)

    def says(self) -> str:
        """The answer in a sentence."""
        if self.broken_now:
            return "maintenance margin is broken already: the account can be liquidated now"
        if not self.found:
            return "not liquidated on this path"
        return ""


def crossings(account: Account, path: Path, step: Callable[[], None] | None = None) -> Crossings:
    """Every crossing of an account along a path; ``step`` is called as the grid goes by.

    Raises InputError ``column_missing`` where nothing says what the account is worth.
    """
    refuse_sourceless(account)
    grid = path.grid
    values = account.many([path.move(float(x)) for x in grid.tolist()], step)
    over = values.over_mm_usd

    def valued(x: float) -> tuple[float, float]:
        one = account.one(path.move(x))
        return float(one.over_mm_usd[0]), float(one.need_mm_usd[0])

    broken = over < 0.0
    brackets = [
        (float(grid[k]), float(grid[k + 1]))
        for k in np.flatnonzero(broken[1:] != broken[:-1]).tolist()
    ]
    if not path.integer:
        for k in _dips(over):
            brackets += _split(valued, grid, over, k)
    found = [narrowed(valued, *ends, integer=path.integer) for ends in sorted(brackets)]
    kept = [each for each in found if each is not None]
    return Crossings(path, tuple(kept), account.one(path.move(path.origin)), values)


def refuse_sourceless(account: Account) -> None:
    """InputError ``column_missing`` where neither balance nor equity nor entry prices are given."""
    if not account.sourceless:
        return
    raise InputError(
        "column_missing",
        "nothing says what the account is worth: without equity it has no liquidation price",
        place=f"account {account.book.account[0]}",
        limit="balances, the venue's equity, or an entry price of every position",
        remedy="Give a balance line of the settlement currency.",
    )


def narrowed(valued: Valued, low: float, high: float, *, integer: bool = False) -> Crossing | None:
    """The crossing between two points of different sign, by secants and halves.

    ``valued(x)`` gives dollars left and required. None where the signs turn out alike.
    """
    (f_low, need_low), (f_high, need_high) = valued(low), valued(high)
    if (f_low < 0.0) == (f_high < 0.0):
        return None
    broken = "below" if f_low < 0.0 else "above"
    ends = (low, f_low, high, f_high)
    for f, need, x in ((f_low, need_low, low), (f_high, need_high, high)):
        if _is_root(f, need):
            return _crossing("root", x, f, need, broken, ends)
    a, fa, b, fb = ends
    weigh_a, weigh_b = fa, fb  # what the secant sees: halved where an end stays (Illinois)
    width = b - a
    for number in range(_STEPS):
        if integer and b - a <= 1.0:
            break
        x = b - weigh_b * (b - a) / (weigh_b - weigh_a)
        if number % 3 == 2 and (b - a) > 0.25 * width:
            x = 0.5 * (a + b)  # the secant hardly narrows: a jump or a kink
        if number % 3 == 2:
            width = b - a
        x = float(math.floor(x)) if integer else x
        if not a < x < b:
            x = float(math.floor(0.5 * (a + b))) if integer else 0.5 * (a + b)
        if not a < x < b:
            break
        f, need = valued(x)
        if _is_root(f, need):
            return _crossing("root", x, f, need, broken, (a, fa, b, fb))
        if (f < 0.0) == (fa < 0.0):
            a, fa, weigh_a, weigh_b = x, f, f, 0.5 * weigh_b
        else:
            b, fb, weigh_b, weigh_a = x, f, f, 0.5 * weigh_a
    at, f = (a, fa) if broken == "below" else (b, fb)
    return _crossing("jump", at, f, valued(at)[1], broken, (a, fa, b, fb))


def _crossing(
    kind: str, at: float, over: float, need: float, broken: str,
    ends: tuple[float, float, float, float],
) -> Crossing:  # fmt: skip
    low, f_low, high, f_high = ends
    return Crossing(kind, at, broken, low, high, f_low, f_high, over, need)


def _is_root(over: float, need: float) -> bool:
    return abs(over) <= (ROOT * need if need > 0.0 else _NOTHING_USD)


def _dips(over: Floats) -> list[int]:
    """Nodes at which F is nearest to zero among their neighbours, near enough to reach it."""
    size = np.abs(over)
    inner = np.arange(1, len(over) - 1)
    same = (over[:-2] < 0.0) == (over[1:-1] < 0.0)
    same &= (over[2:] < 0.0) == (over[1:-1] < 0.0)
    least = same & (size[1:-1] <= size[:-2]) & (size[1:-1] <= size[2:])
    near = size[1:-1] < np.maximum(size[:-2], size[2:]) - size[1:-1]
    return [int(k) for k in inner[least & near]]


def _split(valued: Valued, grid: Floats, over: Floats, k: int) -> list[tuple[float, float]]:
    """Brackets of a dip that reaches the other sign between its neighbours; none where it fails."""
    sign = -1.0 if over[k] < 0.0 else 1.0
    low, high = float(grid[k - 1]), float(grid[k + 1])
    a, b = low, high
    c, d = b - _GOLDEN * (b - a), a + _GOLDEN * (b - a)
    fc, fd = sign * valued(c)[0], sign * valued(d)[0]
    for _ in range(_DIP_STEPS):
        x, f = (c, fc) if fc < fd else (d, fd)
        if f < 0.0 or (f == 0.0 and sign < 0.0):
            return [(low, x), (x, high)]
        if fc < fd:
            b, d, fd = d, c, fc
            c = b - _GOLDEN * (b - a)
            fc = sign * valued(c)[0]
        else:
            a, c, fc = c, d, fd
            d = a + _GOLDEN * (b - a)
            fd = sign * valued(d)[0]
    return []
