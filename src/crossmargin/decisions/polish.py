"""A plan in whole lots, improved by the exact rules alone.

The programme's plan is of broken sizes and rests on tangents; rounding it can cost more than it
saves, and where a rule is not convex a tangent may cut off what is best. So a search starts from
the rounded plan, from doing nothing, from every position at one place and, of few positions, from
the best of all plans that leave each one whole. Every position may then go whole to another place,
come back, or move by a lot; of few positions any two go together. Each change is margined exactly;
one that lessens what a buffer lacks, or at equal buffers is worth more, is taken. A search finds a
good plan and proves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import prod

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.decisions.allocation import Problem, Tangent, Wish, gross_usd

__all__ = ["Polished", "polish"]

_ROUNDS = 60
_PAIRED = 8  # positions of which any two change together
_NEAR_USD, _BETTER_USD = 0.05, 0.005
_STARTS = 6
_WHOLE = 2200  # whole assignments up to which all are asked: seven positions over three places


@dataclass(frozen=True, slots=True)
class Polished:
    """Sizes of every trade column; ``worth_usd`` against doing nothing, of the trades alone.

    ``short_usd``: what the buffers lack together. ``asked``: books that were margined.
    ``over_usd``: by place, how much more room a book that was asked leaves than a tangent says:
    there the rule is not convex, and what rests on its tangents is no proof.
    """

    sizes: Floats
    worth_usd: float
    short_usd: float
    asked: int
    over_usd: Mapping[str, float]


def polish(
    problem: Problem,
    wish: Wish,
    starts: Sequence[Floats],
    sent: Mapping[str, tuple[float, float]],
    steps: Floats,
    tangents: Sequence[Tangent] = (),
) -> Polished:
    """The best plan that the search finds from any start.

    ``sent``: by place, dollars of room and of equity that transfers bring (negative: take).
    ``steps``: the lot of each trade column, 0 where any size trades. Raises what the models raise.
    """
    judge = _Judge(problem, wish, sent)
    groups = _groups(problem)
    best: tuple[float, float, Floats] | None = None
    whole = _best_whole(judge, groups)
    for start in _distinct(judge, [*starts, *_corners(problem, groups), *whole], len(groups)):
        found = _climb(judge, groups, start, steps)
        if best is None or _is_better(found, best):
            best = found
    if best is None:
        raise AssertionError  # there is always a start
    short, worth, sizes = best
    return Polished(sizes, worth, short, judge.asked, judge.over(tangents))


def _distinct(judge: _Judge, starts: Sequence[Floats], count: int) -> list[Floats]:
    """Each start once; of many positions only the two best, as each climb takes long."""
    own = list({start.tobytes(): start for start in starts}.values())
    if count <= _PAIRED:
        return own
    lacks, values = judge(own)
    return [own[int(k)] for k in np.lexsort((-values, lacks))[:2]]


@dataclass(frozen=True, slots=True)
class _Group:
    """Columns that share one position; ``whole``: they always add up to it (a new trade)."""

    columns: tuple[int, ...]
    most: float
    whole: bool


def _groups(problem: Problem) -> list[_Group]:
    together: dict[tuple[str, str], list[int]] = {}
    for k, move in enumerate(problem.moves):
        together.setdefault((move.source, move.item.native_id), []).append(k)
    out = [_Group(tuple(own), problem.moves[own[0]].largest, False) for own in together.values()]
    if problem.route is not None:
        first, count = len(problem.moves), len(problem.route.ways)
        out.append(_Group(tuple(range(first, first + count)), abs(problem.route.size), True))
    return out


def _corners(problem: Problem, groups: Sequence[_Group]) -> list[Floats]:
    """Everything where it is, and everything at one place; a new trade at each of its ways."""
    count = len(problem.trades)
    out = []
    ways = next((g.columns for g in groups if g.whole), ())
    base = np.zeros(count)
    if ways:
        base[ways[0]] = abs(problem.route.size) if problem.route is not None else 0.0
    out.append(base)
    for place in problem.places[: _STARTS - 1]:
        start = base.copy()
        for group in groups:
            for k in group.columns:
                own = problem.moves[k].target if k < len(problem.moves) else _way(problem, k)
                if own == place.name:
                    start[list(group.columns)] = 0.0
                    start[k] = group.most
        out.append(start)
    return out


def _best_whole(judge: _Judge, groups: Sequence[_Group]) -> list[Floats]:
    """Of few positions the best plan of all that leave each one whole."""
    choices = [_choices(group) for group in groups]
    if not groups or prod(len(each) for each in choices) > _WHOLE:
        return []
    plans = []
    for chosen in product(*choices):
        plan = np.zeros(len(judge.problem.trades))
        for change in chosen:
            for k, size in change.items():
                plan[k] = size
        plans.append(plan)
    lacks, values = judge(plans)
    return [plans[int(np.lexsort((-values, lacks))[0])]]


def _way(problem: Problem, column: int) -> str:
    if problem.route is None:
        raise AssertionError  # a column behind the moves is a way
    return problem.route.ways[column - len(problem.moves)].place


class _Judge:
    """What a plan lacks and what it is worth, by the exact rules; each book is asked once."""

    def __init__(
        self, problem: Problem, wish: Wish, sent: Mapping[str, tuple[float, float]]
    ) -> None:
        self.problem, self.wish, self.sent = problem, wish, sent
        self.own = [problem.touches(place.name) for place in problem.places]
        self.known: list[dict[bytes, tuple[float, float]]] = [{} for _ in problem.places]
        self.gross = gross_usd(problem) if wish.gross_weight > 0.0 else None

    @property
    def asked(self) -> int:
        """Books that were margined."""
        return sum(len(each) for each in self.known)

    def _left(self, number: int, plans: Sequence[Floats]) -> Floats:
        """[2, V] room and cost of one place under each plan."""
        place, own, known = self.problem.places[number], self.own[number], self.known[number]
        keys = [plan[own].tobytes() for plan in plans]
        new = {key: plan for key, plan in zip(keys, plans, strict=True) if key not in known}
        fills = {key: self.problem.fills(place.name, plan) for key, plan in new.items()}
        some = [key for key, each in fills.items() if each]
        known |= {key: (place.standing.over_im_usd, 0.0) for key in new if not fills[key]}
        if some:
            left = place.rooms([fills[key] for key in some])
            values = zip(left.im_usd.tolist(), left.cost_usd.tolist(), strict=True)
            known |= dict(zip(some, values, strict=True))
        return np.array([known[key] for key in keys], np.float64).T

    def __call__(self, plans: Sequence[Floats]) -> tuple[Floats, Floats]:
        """[V] dollars that the buffers lack, [V] worth in dollars."""
        short, worth = np.zeros(len(plans)), np.zeros(len(plans))
        wish = self.wish
        for number, place in enumerate(self.problem.places):
            room, cost = self._left(number, plans)
            worth += wish.price * (room + cost - place.standing.over_im_usd) - cost
            room_sent, equity_sent = self.sent.get(place.name, (0.0, 0.0))
            after = room + room_sent
            demand = place.standing.equity_usd - cost + equity_sent - after
            least = wish.buffers_usd.get(place.name, 0.0)
            buffer = np.maximum(least, wish.buffer_fraction * demand)
            lacks = buffer - after
            short += np.where(lacks > _NEAR_USD, lacks, 0.0)
        if self.gross is not None:
            worth -= wish.gross_weight * np.array([self.gross(plan) for plan in plans])
        return short, worth

    def over(self, tangents: Sequence[Tangent]) -> dict[str, float]:
        """By place, the most that a book's room lies above a tangent, where that is no rounding."""
        out = {}
        for number, (place, known) in enumerate(zip(self.problem.places, self.known, strict=True)):
            mine = [each for each in tangents if each.number == number]
            if not mine or not known:
                continue
            at = np.array([np.frombuffer(key) for key in known])
            room = np.array([value[0] for value in known.values()])
            above = np.max([room - each.most - at @ each.slope for each in mine], axis=0)
            if (above > _NEAR_USD + 2e-6 * np.abs(room)).any():
                out[place.name] = float(above.max())
        return out


_Standing = tuple[float, float, Floats]


def _is_better(one: _Standing, other: _Standing) -> bool:
    if abs(one[0] - other[0]) > _NEAR_USD:
        return one[0] < other[0]
    return one[1] > other[1] + _BETTER_USD


def _climb(judge: _Judge, groups: Sequence[_Group], start: Floats, steps: Floats) -> _Standing:
    """Steepest ascent; what improves by itself is also tried together, the best first."""
    short, worth = judge([start])
    now: _Standing = float(short[0]), float(worth[0]), start
    for _ in range(_ROUNDS):
        plans, owners = _near(groups, now[2], steps)
        if not plans:
            break
        lacks, values = judge(plans)
        order = np.lexsort((-values, lacks))
        first = int(order[0])
        found: _Standing = float(lacks[first]), float(values[first]), plans[first]
        together = _together(now, groups, plans, owners, lacks, values, order)
        if together:
            lacks, values = judge(together)
            k = int(np.lexsort((-values, lacks))[0])
            other = float(lacks[k]), float(values[k]), together[k]
            found = other if _is_better(other, found) else found
        if not _is_better(found, now):
            break
        now = found
    return now


def _together(
    now: _Standing,
    groups: Sequence[_Group],
    plans: Sequence[Floats],
    owners: Sequence[int],
    lacks: Floats,
    values: Floats,
    order: np.ndarray,
) -> list[Floats]:
    """The best change of each group that improves, in growing numbers at once."""
    out, plan, used = [], now[2].copy(), set()
    for k in order.tolist():
        better = _is_better((float(lacks[k]), float(values[k]), plans[k]), now)
        if not better or owners[k] < 0 or owners[k] in used:
            continue
        used.add(owners[k])
        columns = list(groups[owners[k]].columns)
        plan[columns] = plans[k][columns]
        if len(used) > 1:
            out.append(plan.copy())
    return out


def _near(groups: Sequence[_Group], sizes: Floats, steps: Floats) -> tuple[list[Floats], list[int]]:
    """Plans one change away and whose change it is (-1: of two positions)."""
    out: dict[bytes, tuple[Floats, int]] = {}

    def put(change: Mapping[int, float], owner: int) -> None:
        plan = sizes.copy()
        for k, size in change.items():
            plan[k] = size
        if (plan != sizes).any():
            out.setdefault(plan.tobytes(), (plan, owner))

    choices = [_choices(group) for group in groups]
    for number, group in enumerate(groups):
        for choice in choices[number]:
            put(choice, number)
        for change in _lots(group, sizes, steps):
            put(change, number)
    if len(groups) <= _PAIRED:
        for one, other in combinations(range(len(groups)), 2):
            for a, b in product(choices[one], choices[other]):
                put({**a, **b}, -1)
    return [plan for plan, _ in out.values()], [owner for _, owner in out.values()]


def _choices(group: _Group) -> list[dict[int, float]]:
    """The whole position at each place; of a position also where it is."""
    nothing = dict.fromkeys(group.columns, 0.0)
    out = [] if group.whole else [nothing]
    return out + [{**nothing, k: group.most} for k in group.columns]


def _lots(group: _Group, sizes: Floats, steps: Floats) -> list[dict[int, float]]:
    """A lot more or less at each place; between any two places."""
    out = []
    held = {k: float(sizes[k]) for k in group.columns}
    free = max(group.most - sum(held.values()), 0.0)
    for k in group.columns:
        step = float(steps[k])
        if step <= 0.0:
            continue
        if not group.whole and free > 0.0:
            out.append({k: held[k] + min(step, free)})
        if not group.whole and held[k] > 0.0:
            out.append({k: max(held[k] - step, 0.0)})
        for other in group.columns:
            if other != k and held[other] > 0.0:
                moved = min(step, held[other])
                out.append({k: held[k] + moved, other: held[other] - moved})
    return out
