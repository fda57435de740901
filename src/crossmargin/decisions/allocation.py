"""Positions and collateral over venues: the least demand for its cost, with a buffer at each venue.

    minimise   price * Σ demand_v  +  cost of trades  +  cost of transfers
    subject to room_v >= buffer_v at every venue v, nothing moves that is not there

Room is what counts less what is required to open, in dollars, under the venue's own rule; demand is
equity less room. Moves
close a position at one venue and open the same contract at another, at the executable side, fees
included; transfers send an asset, worth at each end what that venue's rule makes of it. ``price``
is what a dollar of room is worth over the time that it is kept: rate * days / 365.

Each venue's room is concave where its margin is convex, and is bounded from above by tangents: at
the answer of a mixed-integer programme the exact rule is asked for its value and slope, the new
tangents are added, and so on until bound and exact value meet (Kelley, The cutting-plane method for
solving convex programs, 1960). Where a rule is not convex a tangent may cut off better answers:
then the answer is the best that was found and says that it is not proven.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import InputError, SolverError
from crossmargin.decisions.moves import Move, Route, Shift
from crossmargin.decisions.places import Place
from crossmargin.decisions.programme import Evidence, Programme, Relaxation
from crossmargin.instruments.contracts import Instrument
from crossmargin.margin.whatif_trades import Fill

__all__ = ["Found", "Problem", "Tangent", "Wish", "best", "gross_usd"]

ROUNDS = 60
_FRACTION = 1e-6  # of the size of a move: the step of a slope
_JITTER = 1e-5  # of the size: tangents are taken where the rule is smooth, beside its edges
_ENOUGH_USD = 0.01
_TIE = 1e-6  # dollars a dollar sent: of plans that are worth the same, the one that moves least
_ENOUGH = 1e-7


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked. ``rate_annual`` and ``days`` price a dollar of room.

    At each place stays room of ``buffers_usd`` (by place) and of ``buffer_fraction`` of what the
    venue demands after the plan. ``gross_weight``: dollars that a dollar of gross notional less is
    worth (compression); 0: none.
    """

    buffers_usd: Mapping[str, float]
    buffer_fraction: float = 0.0
    rate_annual: float = 0.08
    days: float = 30.0
    gross_weight: float = 0.0

    def __post_init__(self) -> None:
        """InputError ``number_out_of_range`` for a price or a weight below zero."""
        numbers = {
            "--buffer": self.buffer_fraction,
            "--rate": self.rate_annual,
            "--days": self.days,
            "--compress": self.gross_weight,
            **{f"--buffer-usd {name}": usd for name, usd in self.buffers_usd.items()},
        }
        for place, value in numbers.items():
            if not 0.0 <= value < math.inf:
                raise InputError(
                    "number_out_of_range",
                    "buffers, rate, days and weight are not negative",
                    place=place,
                    value=value,
                    limit=">= 0",
                    remedy="Correct the number.",
                )

    @property
    def price(self) -> float:
        """Dollars that one dollar of room is worth over the time."""
        return self.rate_annual * self.days / 365.0


@dataclass(frozen=True, slots=True)
class Problem:
    """Places, and everything that may move between them."""

    places: tuple[Place, ...]
    moves: tuple[Move, ...] = ()
    shifts: tuple[Shift, ...] = ()
    route: Route | None = None
    at_mark: bool = False  # trades at the mark: what would be where, if it could be placed anew

    @property
    def trades(self) -> tuple[float, ...]:
        """Largest size of each trade column: moves, then the ways of the route."""
        own = [move.largest for move in self.moves]
        if self.route is not None:
            own += [abs(self.route.size)] * len(self.route.ways)
        return tuple(own)

    def fills(self, name: str, sizes: Floats) -> list[Fill]:
        """What the trade columns do at one place, in their order."""
        return self.variants(name, sizes[None, :])[0]

    def variants(self, name: str, sizes: Floats) -> list[list[Fill]]:
        """The fills of each of ``sizes[V, T]`` at one place; one is made once for each size."""
        place = next(each for each in self.places if each.name == name)
        by_column: list[list[Fill | None]] = []
        for column in self.touches(name):
            item, per_unit, price = self._leg(place, column)
            made: dict[float, Fill | None] = {}
            own = sizes[:, column].tolist()
            for size in own:
                if size not in made:
                    signed = per_unit(size)
                    made[size] = place.fill(item, signed, price) if size > 0.0 else None
            by_column.append([made[size] for size in own])
        if not by_column:
            return [[] for _ in sizes]
        return [
            [fill for fill in fills if fill is not None] for fills in zip(*by_column, strict=True)
        ]

    def _leg(
        self, place: Place, column: int
    ) -> tuple[Instrument, Callable[[float], float], float | None]:
        """What a trade column trades at a place: contract, signed size of a size, price or None."""
        if column < len(self.moves):
            move = self.moves[column]
            item = move.at(place.name, 1.0)[0]
            price = place.mark(item) if self.at_mark else None
            return item, lambda size: move.at(place.name, size)[1], price
        route = self.route
        if route is None:
            raise AssertionError  # a column beyond the moves is of the route
        way, sign = route.ways[column - len(self.moves)], math.copysign(1.0, route.size)
        price = place.mark(way.item) if self.at_mark else route.price
        return way.item, lambda size: sign * size * way.ratio, price

    def touches(self, name: str) -> list[int]:
        """Trade columns that trade at a place."""
        own = [k for k, move in enumerate(self.moves) if name in (move.source, move.target)]
        if self.route is not None:
            first = len(self.moves)
            own += [first + k for k, way in enumerate(self.route.ways) if way.place == name]
        return own


@dataclass(frozen=True, slots=True)
class Found:
    """The answer: size of every trade column, dollars of every shift, and how good it is.

    ``bound``: no plan of these columns reaches a higher objective, where ``proven``. ``rounds`` of
    tangents. ``relaxations``: what would have to give way where no plan meets the buffers.
    """

    sizes: Floats
    sent_usd: Floats
    rooms_usd: Mapping[str, float]  # from trades alone
    objective_usd: float
    bound_usd: float
    proven: bool
    rounds: int
    evidence: Evidence | None
    relaxations: tuple[Relaxation, ...] = ()


class Tangent(NamedTuple):
    """room of place ``number`` <= most + slope @ the sizes of the columns that touch it."""

    number: int
    most: float
    slope: Floats


class _Master:
    """The programme: trade columns, dollars sent, whether sent, room of each place, gross lines."""

    def __init__(self, problem: Problem, wish: Wish, slack_usd: Mapping[str, float]) -> None:
        self.problem, self.wish = problem, wish
        trades, shifts, places = problem.trades, problem.shifts, problem.places
        self.first_shift = len(trades)
        self.first_flag = self.first_shift + len(shifts)
        self.first_room = self.first_flag + len(shifts)
        self.lines = _gross_lines(problem) if wish.gross_weight > 0.0 else []
        self.first_line = self.first_room + len(places)
        size = self.first_line + len(self.lines)
        cost, low, high = np.zeros(size), np.zeros(size), np.full(size, np.inf)
        whole = np.zeros(size, np.bool_)
        high[: len(trades)] = trades
        # Room falls by a cost too; what is priced is the demand, equity less room.
        cost[: len(trades)] = (1.0 - wish.price) * _unit_costs(problem)
        for k, shift in enumerate(shifts):
            column, flag = self.first_shift + k, self.first_flag + k
            high[column], high[flag] = shift.most_usd, 1.0
            gained = shift.gain - shift.loss
            cost[column] = (1.0 - wish.price) * shift.fee_fraction + shift.holding
            cost[column] += _TIE - wish.price * gained
            cost[flag] = shift.fee_usd
            whole[flag] = shift.fee_usd > 0.0
        rooms = slice(self.first_room, self.first_line)
        cost[rooms], low[rooms] = -wish.price, -np.inf
        cost[self.first_line :] = wish.gross_weight
        self.scale = max(float(np.abs(cost).max()), 1e-12)
        self.programme = Programme(cost / self.scale, low, high, whole)
        self.tangents: list[Tangent] = []
        self._rows(slack_usd)

    def _rows(self, slack_usd: Mapping[str, float]) -> None:
        problem, programme = self.problem, self.programme
        for number, place in enumerate(problem.places):
            out = self._buffers(number, place, slack_usd.get(place.name, 0.0))
            if out:
                programme.add(out, [1.0] * len(out), -np.inf, place.withdrawable_usd)
        for k, shift in enumerate(problem.shifts):
            if shift.fee_usd > 0.0:
                pair = [self.first_shift + k, self.first_flag + k]
                programme.add(pair, [1.0, -shift.most_usd], -np.inf, 0.0)
        for (place_name, item), total in _assets_sent(problem).items():
            most = next(s.most_usd for k, s in enumerate(problem.shifts) if k in total)
            programme.add(
                [self.first_shift + k for k in total], [1.0] * len(total), -np.inf, most,
                f"{item} at {place_name}, USD",
            )  # fmt: skip
        if problem.route is not None:
            first, count = len(problem.moves), len(problem.route.ways)
            size = abs(problem.route.size)
            programme.add(range(first, first + count), [1.0] * count, size, size, "size to trade")
        self._share_positions()
        for line, (held, parts, per_unit) in enumerate(self.lines):
            columns = [self.first_line + line, *parts]
            for sign in (1.0, -1.0):
                row = [1.0, *(-sign * each * per_unit for each in parts.values())]
                programme.add(columns, row, sign * held * per_unit, np.inf)

    def _buffers(self, number: int, place: Place, slack_usd: float) -> list[int]:
        """Room left at a place; its columns of assets that leave.

        A share f of the demand, which is equity less room: ``(1 + f) room - f equity >= 0``.
        """
        column, value, moved, out = [self.first_room + number], [1.0], [0.0], []
        for k, shift in enumerate(self.problem.shifts):
            if place.name in (shift.source, shift.target):
                arrives = place.name == shift.target
                column.append(self.first_shift + k)
                value.append(shift.gain if arrives else -shift.loss)
                moved.append(1.0 - shift.fee_fraction if arrives else -1.0)
                out += [] if arrives else [self.first_shift + k]
                if arrives and shift.fee_usd > 0.0:
                    column.append(self.first_flag + k)
                    value.append(-shift.fee_usd)
                    moved.append(-shift.fee_usd)
        least = self.wish.buffers_usd.get(place.name, 0.0)
        name = f"buffer of {place.name}, USD"
        self.programme.add(column, value, least - slack_usd, np.inf, name)
        share = self.wish.buffer_fraction
        if share > 0.0:
            row = [(1.0 + share) * a - share * b for a, b in zip(value, moved, strict=True)]
            need = share * place.standing.equity_usd - (1.0 + share) * slack_usd
            name = f"buffer of {place.name}, {100.0 * share:g} % of its demand, USD"
            self.programme.add(column, row, need, np.inf, name)
        return out

    def _share_positions(self) -> None:
        """A position leaves once, whatever the number of places that it may go to."""
        together: dict[tuple[str, str], list[int]] = {}
        for k, move in enumerate(self.problem.moves):
            together.setdefault((move.source, move.item.native_id), []).append(k)
        for columns in together.values():
            if len(columns) > 1:
                most = self.problem.moves[columns[0]].largest
                self.programme.add(columns, [1.0] * len(columns), -np.inf, most)

    def tangent(self, number: int, at: Floats, value: float, slope: Floats, own: list[int]) -> None:
        """room <= value + slope (y - at)."""
        room = self.first_room + number
        most = value - float(slope @ at)
        self.tangents.append(Tangent(number, most, slope))
        self.programme.add([room, *own], [1.0, *(-slope).tolist()], -np.inf, most)


def best(
    problem: Problem,
    wish: Wish,
    slack_usd: Mapping[str, float] | None = None,
    tangents: list[Tangent] | None = None,
) -> Found:
    """The plan with the highest objective; ``slack_usd`` by place is room beyond the tangents'.

    The tangents that were used are put into ``tangents``, so that others may be held against them.

    Raises SolverError where no round's programme can be solved.
    """
    master = _Master(problem, wish, slack_usd or {})
    if tangents is not None:
        tangents.clear()
        master.tangents = tangents
    count = len(problem.trades)
    offset = wish.price * sum(place.standing.over_im_usd for place in problem.places)
    points = [np.zeros(count)]
    found: Found | None = None
    bound, proven = math.inf, True
    for number in range(1, ROUNDS + 1):
        for point in points:
            proven &= _add_tangents(master, point)
        try:
            solved = master.programme.solve()
        except SolverError:
            if found is None:
                raise
            # Many near-equal tangents can be too much for the solver: what was found still holds,
            # and the bound of the round before, but nothing is proven.
            return replace(found, bound_usd=bound, proven=False, rounds=number - 1)
        if solved is None:
            return _none(problem, master.programme.relaxations(), number)
        x = solved.x
        sizes, sent = x[:count].clip(min=0.0), x[count : master.first_flag].clip(min=0.0)
        exact = _rooms(problem, sizes)
        promised = x[master.first_room : master.first_line]
        over = float(np.maximum(promised - np.array(list(exact.values())), 0.0).sum())
        bound = -solved.objective * master.scale - offset
        value = bound - wish.price * over
        if found is None or value > found.objective_usd:
            found = Found(sizes, sent, exact, value, bound, proven, number, solved.evidence)
        if over <= _ENOUGH_USD + _ENOUGH * sum(abs(each) for each in exact.values()):
            return Found(sizes, sent, exact, value, bound, proven, number, solved.evidence)
        points = [sizes, 0.5 * (sizes + found.sizes)]
    if found is None:
        raise AssertionError  # a first round always finds or returns
    return Found(
        found.sizes, found.sent_usd, found.rooms_usd, found.objective_usd, bound, False, ROUNDS,
        found.evidence,
    )  # fmt: skip


def _none(problem: Problem, relaxations: tuple[Relaxation, ...], number: int) -> Found:
    nothing = np.zeros(len(problem.trades))
    rooms = _rooms(problem, nothing)
    sent = np.zeros(len(problem.shifts))
    return Found(nothing, sent, rooms, 0.0, 0.0, False, number, None, relaxations)


def _rooms(problem: Problem, sizes: Floats) -> dict[str, float]:
    """Exact room of each place after the trades."""
    out = {}
    for place in problem.places:
        fills = problem.fills(place.name, sizes)
        base = place.standing.over_im_usd
        out[place.name] = float(place.rooms([fills]).im_usd[0]) if fills else base
    return out


def _add_tangents(master: _Master, point: Floats) -> bool:
    """Tangents of every place beside a point; whether none of the rules was seen to be no convex.

    The slopes are one-sided differences of the exact rule, all of a place in one call.
    """
    problem = master.problem
    most = np.array(problem.trades)
    # Fixed and different for each column, so that no two edges are met at once.
    inside = 0.5 + 0.25 * np.sin(1.0 + np.arange(len(most)))
    near = point + _JITTER * most * inside
    near = np.where(near > most * (1.0 - _FRACTION), most * (1.0 - _JITTER * inside), near)
    concave = True
    for number, place in enumerate(problem.places):
        own = problem.touches(place.name)
        if not own:
            value, slope = place.standing.over_im_usd, np.zeros(0)
            master.tangent(number, np.zeros(0), value, slope, own)
            continue
        here = near[own]
        steps = _FRACTION * most[own]
        sizes = np.tile(near, (len(own) + 2, 1))
        sizes[np.arange(len(own)) + 1, own] += steps
        sizes[-1] = point
        left = place.rooms(problem.variants(place.name, sizes)).im_usd
        slope = (left[1:-1] - left[0]) / steps
        master.tangent(number, here, float(left[0]), slope, own)
        above = float(left[-1]) - float(left[0] + slope @ (point[own] - here))
        concave &= above <= _ENOUGH_USD + 1e-6 * abs(float(left[0]))
    return concave


def _unit_costs(problem: Problem) -> Floats:
    """[T] dollars per unit of each trade column at its whole size."""
    out = []
    for k, most in enumerate(problem.trades):
        sizes = np.zeros(len(problem.trades))
        sizes[k] = most
        total = 0.0
        for place in problem.places:
            fills = problem.fills(place.name, sizes) if k in problem.touches(place.name) else []
            if fills and place.prepared is not None:
                ground = place.prepared.ground
                total += sum((f.fee - f.gain) * ground.usd_of(f.column) for f in fills)
        out.append(total / most)
    return np.array(out, np.float64)


def _assets_sent(problem: Problem) -> dict[tuple[str, str], list[int]]:
    """Shifts of one asset from one place, where there are several."""
    together: dict[tuple[str, str], list[int]] = {}
    for k, shift in enumerate(problem.shifts):
        together.setdefault((shift.source, shift.item.underlying), []).append(k)
    return {key: own for key, own in together.items() if len(own) > 1}


_Line = tuple[float, dict[int, float], float]


def _gross_lines(problem: Problem) -> list[_Line]:
    """Of each contract at each place: what is held, the columns that change it, dollars a unit."""
    out: dict[tuple[str, str], _Line] = {}
    for place in problem.places:
        for item, quantity in place.positions():
            if place.prepared is not None:
                out[place.name, item.native_id] = (quantity, {}, place.notional_usd(item))
    for k, move in enumerate(problem.moves):
        for name in (move.source, move.target):
            item, signed = move.at(name, 1.0)
            if (name, item.native_id) not in out:
                place = next(each for each in problem.places if each.name == name)
                out[name, item.native_id] = (0.0, {}, place.notional_usd(item))
            out[name, item.native_id][1][k] = signed
    return list(out.values())


def gross_usd(problem: Problem) -> Callable[[Floats], float]:
    """Dollars of gross notional over all places, as a function of the sizes of a plan."""
    lines = _gross_lines(problem)

    def gross(sizes: Floats) -> float:
        total = 0.0
        for held, parts, per_unit in lines:
            line = held + sum(signed * float(sizes[k]) for k, signed in parts.items())
            total += abs(line) * per_unit
        return total

    return gross
