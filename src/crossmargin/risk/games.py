"""Shares of a joint cost: Shapley's value, Owen's value for a hierarchy, exact or sampled.

    phi_i = sum over coalitions S without i of  |S|! (g - |S| - 1)! / g! * (v(S + i) - v(S))

A game is a function of coalitions, ``v(bool[V, G]) -> [V]``: all coalitions that are needed are
asked for in a few large calls. Shares add up to ``v(all) - v(none)``. Owen's value is the same
average over the orders of arrival in which every union of the hierarchy stays together; without
unions, or with one, it is Shapley's.

Beyond ``EXACT_MAX`` players orders are drawn in antithetic pairs (an order and its reverse) from a
seed. The standard error is that of the mean over pairs.

Sources: Shapley, A value for n-person games, 1953; Owen, Values of games with a priori unions,
1977; Castro, Gomez and Tejada, Polynomial calculation of the Shapley value based on sampling, 2009.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import factorial

import numpy as np

from crossmargin.core.arrays import Bools, Floats, Longs, finite
from crossmargin.core.errors import InputError
from crossmargin.statistics.bootstrap import uniforms

__all__ = ["EXACT_MAX", "PAIRS", "Shares", "owen", "shapley"]

Value = Callable[[Bools], Floats]
Path = tuple[str, ...]

EXACT_MAX = 14  # players: 16,384 coalitions
PAIRS = 200  # antithetic pairs of orders where they are drawn
# Coalitions asked for in one call: the game bounds its own memory, this bounds the flags.
_AT_ONCE = 1 << 16
_EXACT_LIMIT = 1 << EXACT_MAX


@dataclass(frozen=True, slots=True)
class Shares:
    """[G] shares in the game's unit and their standard errors (0 where exact)."""

    values: Floats
    error: Floats
    coalitions: int  # that were asked for
    exact: bool
    pairs: int = 0


def shapley(
    value: Value, players: int, *, exact_max: int = EXACT_MAX, pairs: int = PAIRS, seed: int = 0
) -> Shares:
    """Shapley's value of a game of ``players``; exact up to ``exact_max`` (at most 20), else drawn.

    Raises InputError ``number_out_of_range`` for numbers outside their bounds.
    """
    return owen(value, [(str(k),) for k in range(players)], exact_max=exact_max, pairs=pairs,
                seed=seed)  # fmt: skip


def owen(
    value: Value,
    paths: Sequence[Path],
    *,
    exact_max: int = EXACT_MAX,
    pairs: int = PAIRS,
    seed: int = 0,
) -> Shares:
    """Owen's value: ``paths[k]`` names player k from the outermost union to itself.

    Paths have one length and are distinct. Exact where no more coalitions are needed than
    ``2**exact_max``, else drawn.
    """
    _check(paths, exact_max, pairs)
    if not paths:
        return Shares(np.zeros(0), np.zeros(0), 0, True)
    if len(paths[0]) == 1 and len(paths) <= exact_max:
        return _all_subsets(value, len(paths))
    if len(paths[0]) > 1:
        terms = _owen_terms(paths, 1 << exact_max)
        if terms is not None:
            return _weighed(value, terms, len(paths))
    return _drawn(value, paths, pairs, seed)


def _check(paths: Sequence[Path], exact_max: int, pairs: int) -> None:
    depths = {len(path) for path in paths}
    if len(depths) > 1 or 0 in depths or len(set(paths)) < len(paths):
        raise InputError(
            "shape_wrong",
            "every player of a hierarchy has a path of its own, all of one length",
            value=sorted(depths),
            limit="distinct paths of one length",
            remedy="Name every level of every player.",
        )
    for number, least, most, place in (
        (exact_max, 0, 20, "exact_max"),
        (pairs, 2, 10_000_000, "pairs"),
    ):
        if not least <= number <= most:
            raise InputError(
                "number_out_of_range",
                "a count of the game is outside its bounds",
                place=place,
                value=number,
                limit=f"{least} to {most}",
                remedy="Choose a number inside them.",
            )


# -- exact ---------------------------------------------------------------------------------------


def _asked(value: Value, coalitions: Iterator[Bools], count: int) -> Floats:
    """Values of coalitions, asked for in large calls; they must be finite."""
    out = np.empty(count)
    done = 0
    for flags in coalitions:
        out[done : done + len(flags)] = value(flags)
        done += len(flags)
    return finite(out, "value of a coalition", lambda k: f"coalition {k}")


def _bits(masks: Longs, players: int) -> Bools:
    """[V, G] flags of bit masks."""
    return np.asarray((masks[:, None] >> np.arange(players)) & 1, np.bool_)


def _all_subsets(value: Value, players: int) -> Shares:
    count = 1 << players
    masks = np.arange(count, dtype=np.int64)
    parts = (_bits(masks[k : k + _AT_ONCE], players) for k in range(0, count, _AT_ONCE))
    found = _asked(value, parts, count)
    size = _bits(masks, players).sum(axis=1)
    weight = np.array([_weight(s, players) for s in range(players)] or [1.0])
    out = np.zeros(players)
    for i in range(players):
        without = masks[(masks >> i) & 1 == 0]
        gain = found[without | (1 << i)] - found[without]
        out[i] = float((weight[size[without]] * gain).sum())
    return Shares(out, np.zeros(players), count, True)


def _weight(size: int, players: int) -> float:
    """Chance that exactly a given coalition of that size comes before a given player."""
    return factorial(size) * factorial(players - size - 1) / factorial(players)


def _owen_terms(paths: Sequence[Path], limit: int) -> list[list[tuple[int, float]]] | None:
    """Of each player the coalitions before it with their weights; None where there are too many.

    At every level of its path the unions beside it have come or not, whole.
    """
    out: list[list[tuple[int, float]]] = []
    total = 0
    for k, path in enumerate(paths):
        levels: list[list[tuple[int, float]]] = []
        size = 1
        for depth in range(len(path)):
            beside: dict[str, int] = {}
            for j, other in enumerate(paths):
                if other[:depth] == path[:depth] and other[depth] != path[depth]:
                    beside[other[depth]] = beside.get(other[depth], 0) | (1 << j)
            size <<= len(beside)
            if len(beside) > 20 or size > limit:
                return None
            levels.append(_subsets(list(beside.values())))
        total += size
        if total > 4 * limit:
            return None
        terms = []
        for choice in product(*levels):
            mask, weight = 0, 1.0
            for own, chance in choice:
                mask |= own
                weight *= chance
            terms.append((mask, weight))
        if any(mask >> k & 1 for mask, _ in terms):
            raise AssertionError("a player comes before itself")
        out.append(terms)
    return out


def _subsets(masks: list[int]) -> list[tuple[int, float]]:
    """Unions of every subset of disjoint masks, and the chance that just these come first."""
    out = [(0, 0)]
    for mask in masks:
        out += [(own | mask, count + 1) for own, count in out]
    return [(own, _weight(count, len(masks) + 1)) for own, count in out]


def _weighed(value: Value, terms: list[list[tuple[int, float]]], players: int) -> Shares:
    wanted = {m for k, own in enumerate(terms) for mask, _ in own for m in (mask, mask | 1 << k)}
    masks = sorted(wanted)
    flags = np.array([[mask >> j & 1 for j in range(players)] for mask in masks], np.bool_)
    parts = (flags[k : k + _AT_ONCE] for k in range(0, len(masks), _AT_ONCE))
    found = dict(zip(masks, _asked(value, parts, len(masks)).tolist(), strict=True))
    out = [
        float(sum(weight * (found[mask | 1 << k] - found[mask]) for mask, weight in own))
        for k, own in enumerate(terms)
    ]
    return Shares(np.array(out), np.zeros(players), len(masks), True)


# -- drawn ---------------------------------------------------------------------------------------


def _drawn(value: Value, paths: Sequence[Path], pairs: int, seed: int) -> Shares:
    """Means over antithetic pairs of orders; each order's gains add up to the whole."""
    players = len(paths)
    start, sums, squares = np.zeros(players), np.zeros(players), np.zeros(players)
    at_once = max(1, _AT_ONCE // (2 * (players + 1)))
    for low in range(0, pairs, at_once):
        number = min(at_once, pairs - low)
        orders = np.empty((2 * number, players), np.int64)
        for k in range(number):
            orders[2 * k] = _order(paths, seed, low + k)
            orders[2 * k + 1] = orders[2 * k][::-1]
        place = np.argsort(orders, axis=1)  # when each player comes
        steps = np.arange(players + 1)
        flags = (place[:, None, :] < steps[None, :, None]).reshape(-1, players)
        found = _asked(value, iter((flags,)), len(flags)).reshape(2 * number, players + 1)
        gain = np.take_along_axis(np.diff(found, axis=1), place, axis=1)
        mean = 0.5 * (gain[0::2] + gain[1::2])
        if low == 0:  # counted from the first pair: a group of one gain has no spread by rounding
            start = mean[0].copy()
        sums += (mean - start).sum(axis=0)
        squares += ((mean - start) ** 2).sum(axis=0)
    values = sums / pairs
    spread = np.maximum(squares / pairs - values * values, 0.0) * pairs / (pairs - 1)
    error = np.sqrt(spread / pairs)
    return Shares(start + values, error, 2 * pairs * (players + 1), False, pairs)


def _order(paths: Sequence[Path], seed: int, number: int) -> Longs:
    """One order of arrival in which every union stays together, uniform among these."""
    nodes = sorted({path[: d + 1] for path in paths for d in range(len(path))})
    lot = dict(zip(nodes, uniforms(seed, len(nodes), stream=number).tolist(), strict=True))
    keys = [tuple(lot[path[: d + 1]] for d in range(len(path))) for path in paths]
    return np.array(sorted(range(len(paths)), key=lambda k: (keys[k], paths[k])), np.int64)
