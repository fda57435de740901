"""Margin optimisation: trades that lower a requirement, at a cost, inside tolerances.

    minimise    price x R(h) + cost(h)                 price of a dollar of margin over the horizon
    or          cost(h)  with  R(h) + cost(h) <= budget         a margin call is met
    subject to  low <= h <= high,  least <= G h <= most (Greeks),  down <= P h <= up (profile)

``R`` are the linear pieces of the requirement (``margin.pieces``), ``cost`` the straight pieces of
the one cost object. Without rows that keep the risk a margin optimiser closes the book; the profile
(P&L change on a grid of the caller's own) and the Greeks keep it a hedge. Rows of scenarios and of
the profile are generated: the programme holds the few that bind. Lots, least tickets, fixed fees
and the number of legs make it a mixed-integer programme.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from crossmargin.core.arrays import Bools, Floats, finite
from crossmargin.core.errors import InputError, SolverError
from crossmargin.decisions.margin_rows import Binding, Block, Columns, Requirement
from crossmargin.decisions.margin_sides import Sides, Ticket, in_whole_lots, straight
from crossmargin.decisions.programme import Evidence, Programme, Relaxation, Solution

__all__ = [
    "Contradiction",
    "Goal",
    "Limit",
    "MarginAnswer",
    "MarginProblem",
    "Profile",
    "Ticket",
    "optimal",
    "straight",
]

ROUNDS = 200  # rows are finite, and each round adds one: a stop for what should not happen
PROFILE_MORE = 6
LARGEST_COST = 1.0  # of a column in the programme
WHOLE_GAP = 1e-4  # of a mixed-integer answer, relative
NODES = 60  # searched at most: then the best so far, with the gap that is left


@dataclass(frozen=True, slots=True)
class Limit:
    """``least <= row[J] @ h <= most``, in ``unit``; the name says what it keeps."""

    name: str
    unit: str
    row: Floats
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Profile:
    """P&L change of the book at every point of a grid: ``down[K] <= rows[K, J] @ h <= up[K]``."""

    rows: Floats
    down: Floats
    up: Floats
    names: tuple[str, ...]
    unit: str = "USD"


@dataclass(frozen=True, slots=True)
class Goal:
    """``price``: dollars a dollar of requirement costs over the horizon. ``budget_usd``: the most
    that requirement and cost may be together, then the price is 0 unless one is given."""

    price: float = 1.0
    budget_usd: float | None = None


@dataclass(frozen=True, slots=True)
class MarginProblem:
    """Everything that a solution depends on; trades are ``tickets[J]``."""

    blocks: tuple[Block, ...]
    tickets: tuple[Ticket, ...]
    goal: Goal
    limits: tuple[Limit, ...] = ()
    profile: Profile | None = None
    legs: int | None = None  # at most so many tickets
    # [J] dollars a unit that a trade takes out of what counts against IM, beside its cost: like a
    # requirement, it is not free for other trades. None: nothing.
    uncounted: Floats | None = None

    @property
    def beside(self) -> Floats:
        """[J] dollars a unit beside the requirement."""
        return np.zeros(len(self.tickets)) if self.uncounted is None else self.uncounted

    @property
    def low(self) -> Floats:
        """[J] smallest sizes."""
        return Sides.of(self.tickets).bounds(len(self.tickets))[0]

    @property
    def high(self) -> Floats:
        """[J] largest sizes."""
        return Sides.of(self.tickets).bounds(len(self.tickets))[1]


@dataclass(frozen=True, slots=True)
class MarginAnswer:
    """Sizes ``h[J]`` and what they are proven with; dollars.

    ``objective``: price x requirement + cost (of the pieces, which are not the exact model).
    ``duals``: (row, unit, dollars of the objective per unit of its bound), none of a mixed-integer
    answer.
    """

    h: Floats
    objective: float
    cost_usd: float
    before_usd: float
    after_usd: float
    bindings: tuple[Binding, ...]
    runner_up: str
    runner_up_gap_usd: float
    duals: tuple[tuple[str, str, float], ...]
    evidence: Evidence
    rounds: int
    rows: int
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Rows that cannot hold together, and the least changes that would let them; with units."""

    relaxations: tuple[Relaxation, ...]
    units: dict[str, str] = field(default_factory=dict)


def optimal(
    problem: MarginProblem, *, whole: bool = False, among: Bools | None = None
) -> MarginAnswer | Contradiction:
    """The optimum over all rows, proven; or what contradicts.

    ``whole``: with lots, least tickets, fixed fees and the number of legs. ``among[J]``: trades
    that may be used (None: all). Raises SolverError where the solver fails, InputError for numbers
    that are no problem.
    """
    return _Run(problem, whole, among).solve()


class _Run:
    """One programme and its rounds."""

    def __init__(self, problem: MarginProblem, whole: bool, among: Bools | None) -> None:
        self.problem, self.whole = problem, whole
        count = len(problem.tickets)
        self.sides = Sides.of(problem.tickets)
        self.low, self.high = self.sides.bounds(count)
        _check(problem, self.sides, np.concatenate([self.low, self.high]))
        self.usable = np.ones(count, np.bool_) if among is None else among
        nothing = np.zeros(count)
        self._lay_out()
        bounds = np.where(self.usable, self.low, 0.0), np.where(self.usable, self.high, 0.0)
        first = len(self._cost) + len(self._extra_low)
        self.requirement = Requirement(problem.blocks, first, bounds)
        self.before = self.requirement.at(nothing)
        self.money = self.requirement.money = max(abs(self.before), 1.0)
        self.programme = self._programme()
        self._fixed_rows()
        self.requirement.start(self.programme, self.columns, nothing)
        self.profile_rows: dict[int, int] = {}

    # -- columns ---------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        """The size of each trade, then the straight pieces of its sides as columns in [0, 1].

        A side with one price and a lot is one whole column.
        """
        trades, sides = np.flatnonzero(self.usable), self.sides
        scale = np.maximum(np.maximum(self.high, -self.low)[trades], 1e-300)
        self.columns = Columns(trades.astype(np.int64), scale)
        mine = self.usable[sides.side // 2]
        side, width, slope = sides.side[mine], sides.width[mine], sides.slope[mine]
        lot = np.repeat([each.lot for each in self.problem.tickets], 2)
        pieces = np.bincount(side, minlength=len(lot))
        lots = (lot > 0.0) & self.whole
        one = (lots & (pieces == 1))[side]
        size = np.where(one, lot[side], width)
        self.piece_trade = side // 2
        self.piece_unit = np.where(side % 2 == 0, size, -size)
        first, count = len(trades), len(side)
        most = np.ones(count)
        most[one] = np.floor(width[one] / lot[side[one]] + 1e-9)
        self.linked: list[tuple[int, float, list[int]]] = []  # trade, lot, its columns
        ends = first + np.cumsum(pieces)
        for k in np.flatnonzero(lots & (pieces > 1)).tolist():
            own = range(int(ends[k] - pieces[k]), int(ends[k]))
            self.linked.append((k // 2, float(lot[k]), list(own)))
        none = np.zeros(first)
        self._cost = np.concatenate([none, slope * size])
        self._low = np.concatenate([self.low[trades] / scale, np.zeros(count)])
        self._high = np.concatenate([self.high[trades] / scale, most])
        self._whole = np.concatenate([none > 0.0, one])
        self._lay_out_tickets()

    def _lay_out_tickets(self) -> None:
        """Columns beside: lots of a side with several prices, and whether a ticket is written."""
        problem, first = self.problem, len(self._cost)
        high: list[float] = []
        for j, lot, _ in self.linked:
            ticket = problem.tickets[j]
            high.append(float(np.floor(max(ticket.high, -ticket.low) / lot + 1e-9)))
        self.written: dict[int, int] = {}
        self._extra_cost = [0.0] * len(high)
        if self.whole:
            for j in np.flatnonzero(self.usable).tolist():
                ticket = problem.tickets[j]
                if problem.legs is not None or ticket.fixed_usd > 0.0 or ticket.least > 0.0:
                    self.written[j] = first + len(high)
                    high.append(1.0)
                    self._extra_cost.append(ticket.fixed_usd)
        self._extra_low, self._extra_high = np.zeros(len(high)), np.array(high, np.float64)

    def _programme(self) -> Programme:
        columns, goal = self.columns, self.problem.goal
        total = self.total = self.requirement.total()
        total.trade = total.trade + self.problem.beside / self.money
        own = self._cost / self.money
        # A part of the requirement that is linear in the trades has no column of its own.
        self.own = np.concatenate([own, np.array(self._extra_cost, np.float64) / self.money])
        price = goal.price
        of_trades = price * total.trade[columns.trade] * columns.unit
        cost = self.own.copy()
        cost[: len(of_trades)] += of_trades
        rest = np.zeros(len(self.requirement.low))
        for column, value in total.columns.items():
            rest[column - self.requirement.first] = price * value
        low = np.concatenate([self._low, self._extra_low, self.requirement.low])
        high = np.concatenate([self._high, self._extra_high, np.full(len(rest), np.inf)])
        kind = np.concatenate(
            [self._whole, np.ones(len(self._extra_low), np.bool_), np.zeros(len(rest), np.bool_)]
        )
        every = np.concatenate([cost, rest])
        # Dollars of cost are far below dollars of margin: both above what a solver takes for zero.
        largest = float(np.abs(every).max(initial=0.0))
        self.worth = LARGEST_COST / largest if largest > 0.0 else 1.0
        some = bool(kind.any())  # whole columns
        return Programme(
            every * self.worth,
            low,
            high,
            kind if some else None,
            gap=WHOLE_GAP,
            nodes=NODES,
            presolve=some,
        )

    # -- rows ------------------------------------------------------------------------------------

    def _over(self, row: Floats) -> Floats:
        """A row over the trades as one over the columns."""
        return np.asarray(row[self.columns.trade] * self.columns.unit)

    def _fixed_rows(self) -> None:
        problem, width = self.problem, len(self.columns.trade)
        index = np.arange(width)
        self.limit_rows: list[tuple[Limit, float, int]] = []
        for limit in problem.limits:
            row = self._over(limit.row)
            scale = max(float(np.abs(row).max(initial=0.0)), 1e-300)
            bounds = limit.least / scale, limit.most / scale
            k = self.programme.add(index, row / scale, *bounds, limit.name)
            self.limit_rows.append((limit, scale, k))
        self.budget_row = -1
        if problem.goal.budget_usd is not None:
            total = self.total
            columns = [*range(len(self.own)), *total.columns]
            values = np.concatenate([self.own, np.array(list(total.columns.values()))])
            values[:width] += self._over(total.trade)
            most = problem.goal.budget_usd / self.money - total.constant
            self.budget_row = self.programme.add(columns, values, -np.inf, most, "margin budget")
        self._ticket_rows()

    def _ticket_rows(self) -> None:
        """A trade is the sum of its pieces; lots, least tickets and how many there are."""
        programme, first = self.programme, len(self._cost)
        offset = len(self.columns.trade)
        nothing = np.zeros(offset)
        # The pieces of a trade follow each other, in the order of the trades.
        place = np.searchsorted(self.columns.trade, self.piece_trade)
        size = np.bincount(place, minlength=offset)
        own = np.cumsum(size) - size  # where each trade's own column stands
        index = np.insert(offset + np.arange(len(place)), own, np.arange(offset))
        values = np.insert(-self.piece_unit / self.columns.unit[place], own, 1.0)
        programme.add_flat(size + 1, index, values, nothing, nothing)
        for k, (_, lot, mine) in enumerate(self.linked):
            sizes = np.append(np.abs(self.piece_unit[np.array(mine) - offset]), -lot)
            programme.add([*mine, first + k], sizes, 0.0, 0.0)
        for j, column in self.written.items():
            ticket, pieces = self.problem.tickets[j], np.flatnonzero(self.piece_trade == j)
            size, columns = np.abs(self.piece_unit[pieces]), [*(offset + pieces), column]
            most = max(ticket.high, -ticket.low)
            programme.add(columns, np.append(size, -most), -np.inf, 0.0)
            if ticket.least > 0.0:
                programme.add(columns, np.append(size, -ticket.least), 0.0, np.inf)
        if self.written and self.problem.legs is not None:
            columns = list(self.written.values())
            programme.add(columns, np.ones(len(columns)), -np.inf, float(self.problem.legs))

    def _sharpen_profile(self, h: Floats) -> int:
        profile = self.problem.profile
        if profile is None:
            return 0
        value = profile.rows @ h
        over = np.maximum(value - profile.up, profile.down - value)
        bounds = np.where(np.isfinite(profile.up), np.abs(profile.up), 0.0)
        bounds = np.maximum(bounds, np.where(np.isfinite(profile.down), np.abs(profile.down), 0.0))
        wrong = np.flatnonzero(over > 1e-9 * (1.0 + bounds))
        worst = wrong[np.argsort(-over[wrong], kind="stable")]
        new = [k for k in worst.tolist() if k not in self.profile_rows][:PROFILE_MORE]
        self._add_profile(profile, new)
        return len(new)

    def _add_profile(self, profile: Profile, new: list[int]) -> None:
        index = np.arange(len(self.columns.trade))
        for k in new:
            row, scale = self._over(profile.rows[k]), self.money
            least, most = float(profile.down[k]) / scale, float(profile.up[k]) / scale
            name = profile.names[k]
            self.profile_rows[k] = self.programme.add(index, row / scale, least, most, name)

    # -- solve -----------------------------------------------------------------------------------

    def solve(self) -> MarginAnswer | Contradiction:
        count = len(self.problem.tickets)
        for rounds in range(1, ROUNDS + 1):
            found = self.programme.solve()
            if found is None:
                return self._contradiction()
            h = self.columns.sizes(found.x, count)
            added = self.requirement.sharpen(self.programme, self.columns, h, found.x)
            if added + self._sharpen_profile(h) == 0:
                return self._answer(found, h, rounds)
        raise SolverError(
            "solver_failed",
            "rows were still being added",
            place="margin optimisation",
            value=ROUNDS,
            limit="rounds",
            remedy="Narrow the sizes.",
        )

    def _contradiction(self) -> Contradiction:
        self.requirement.complete(self.programme, self.columns)
        if self.problem.profile is not None:
            every = range(len(self.problem.profile.names))
            rest = [k for k in every if k not in self.profile_rows]
            self._add_profile(self.problem.profile, rest)
        units = {limit.name: limit.unit for limit in self.problem.limits}
        profile = self.problem.profile
        scales = {limit.name: scale for limit, scale, _ in self.limit_rows}
        scales["margin budget"] = self.money
        units["margin budget"] = "USD"
        if profile is not None:
            units |= dict.fromkeys(profile.names, profile.unit)
            scales |= dict.fromkeys(profile.names, self.money)
        loosened = tuple(
            Relaxation(each.name, each.by * scales[each.name], each.bound * scales[each.name])
            for each in self.programme.relaxations()
        )
        return Contradiction(loosened, units)

    def _answer(self, found: Solution, h: Floats, rounds: int) -> MarginAnswer:
        goal, used = self.problem.goal, len(self.own)
        dual = found.row_dual / self.worth
        noise = 1e-11 * np.maximum(self.high, -self.low)
        h = np.where(np.abs(h) <= noise, 0.0, h)
        if self.whole:
            h = in_whole_lots(h, np.array([each.lot for each in self.problem.tickets]))
        cost = float(self.own @ found.x[:used]) * self.money
        after = self.requirement.at(h) + float(self.problem.beside @ h)
        price = goal.price
        if self.budget_row >= 0:
            price += abs(float(dual[self.budget_row]))
        bindings = self.requirement.bindings(h, dual, price)
        name, gap = self.requirement.runner_up(h)
        return MarginAnswer(
            h,
            goal.price * after + cost,
            cost,
            self.before,
            after,
            () if self.whole else bindings,
            name,
            gap,
            self._duals(dual),
            found.evidence,
            rounds,
            self.programme.rows,
            self.whole,
        )

    def _duals(self, dual: Floats) -> tuple[tuple[str, str, float], ...]:
        out = []
        for limit, scale, row in self.limit_rows:
            out.append((limit.name, limit.unit, float(dual[row]) * self.money / scale))
        profile = self.problem.profile
        if profile is not None:
            for k, row in self.profile_rows.items():
                out.append((profile.names[k], profile.unit, float(dual[row])))
        if self.budget_row >= 0:
            out.append(("margin budget", "USD", float(dual[self.budget_row])))
        return tuple(each for each in out if each[2] != 0.0)


def _check(problem: MarginProblem, sides: Sides, sizes: Floats) -> None:
    if not len(problem.tickets) or not np.isfinite(sizes).all():
        raise InputError(
            "number_out_of_range",
            "trades to choose from need bounded sizes",
            place="tickets",
            value=len(problem.tickets),
            limit="1 or more, with a largest size",
            remedy="Give candidates and a largest size.",
        )
    finite(np.array([problem.goal.price]), "the price of margin")
    side, slope = sides.side, sides.slope
    finite(slope, "costs", lambda k: problem.tickets[int(side[k]) // 2].name)
    falls = np.diff(slope) < -1e-9 * (1.0 + np.abs(slope[1:]))
    falls &= side[1:] == side[:-1]
    if falls.any():
        first = int(side[int(np.argmax(falls))])
        ticket = problem.tickets[first // 2]
        raise InputError(
            "number_out_of_range",
            "a cost that falls with the size is not convex",
            place=ticket.name,
            value=slope[side == first].tolist(),
            limit="rising slopes",
            remedy="Give a convex cost.",
        )
