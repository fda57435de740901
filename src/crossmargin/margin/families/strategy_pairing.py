"""The pairing of positions into strategies that needs least, with a proof that it does.

    minimise    sum_j c_j x_j + sum_g z_g
    subject to  every lot of every leg is in exactly one strategy
                z_g >= loss of block g at each of its kinks,  calls sold <= calls bought in g
                x, y, z >= 0

x are amounts of columns, y amounts of legs in blocks. Sizes of crypto contracts are decimals, so a
lot may be cut and the linear programme is the rule itself, exact; ``whole`` asks for an integer
programme instead, for contracts that cannot be cut. Pairing is then never worse than any order of
taking strategies one by one, and the need of two books together is at most the sum of theirs.

What the solver returns is not trusted. Amounts are taken from what is left of each leg, in the
order of the columns, and what remains stands alone: a pairing that adds up. Its need is summed in
that order. A lower bound is made from the solver's prices of the legs, repaired so that they are
feasible; where the two do not meet, ModelError ``optimum_unproven``. Limits count iterations, not
seconds: the same book gives the same answer on any machine.

The idea of pricing option strategies by network flow and integer programmes is that of Rudd and
Schroeder (1982) and of Coffman, Matsypura and Timkovsky.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from crossmargin.core.arrays import Bools, Floats, Ints
from crossmargin.core.errors import InputError, ModelError
from crossmargin.margin.families.strategy_columns import CLASSES, STRATEGIES, Block, Columns
from crossmargin.margin.families.strategy_rules import Legs

__all__ = ["ITERATIONS_MAX", "Pairing", "paired"]

ITERATIONS_MAX = 200_000
# Between the need and its bound, in parts of what all legs alone need.
_GAP_MAX = 1e-8
# Ways to solve one programme, the next where the last has no proof.
_WAYS: tuple[Mapping[str, str], ...] = (
    {},
    {"solver": "ipm"},
    {"solver": "simplex", "presolve": "off"},
)
# Amounts this near to nothing, or to all that is left of a leg, are so.
_DUST = 1e-12
_CLASS = np.array([CLASSES.index(name) for _, name in STRATEGIES], np.int32)
_SPREADS = CLASSES.index("spreads")


@dataclass(frozen=True, slots=True, eq=False)
class Pairing:
    """Amounts of a decomposition: ``amount[m]`` of columns, ``spread`` of each block's legs."""

    columns: Columns
    amount: Floats
    spread: tuple[Floats, ...]
    bound: float  # no pairing needs less, in dollars; proven

    def by_class(self, cost: Floats) -> list[float]:
        """Dollars of each of :data:`CLASSES` at these costs of the columns, added in order."""
        out = [0.0] * len(CLASSES)
        used = np.flatnonzero(self.amount > 0.0)
        classes = _CLASS[self.columns.strategy[used]]
        for kind, value in zip(
            classes.tolist(), (self.amount[used] * cost[used]).tolist(), strict=True
        ):
            out[kind] += value
        for block, amount in zip(self.columns.blocks, self.spread, strict=True):
            out[_SPREADS] += block.cost(amount)
        return out

    def total(self, cost: Floats) -> float:
        """Dollars of the whole decomposition."""
        total = 0.0
        for value in self.by_class(cost):
            total += value
        return total


def paired(
    columns: Columns,
    legs: Legs,
    cost: Floats,
    *,
    whole: bool = False,
    iterations: int = ITERATIONS_MAX,
) -> Pairing:
    """The decomposition that needs least at given costs of the columns; inf forbids one.

    Raises ModelError ``optimum_unproven`` where the solver stops short of a proof, and InputError
    ``number_out_of_range`` for a size that is not whole where ``whole`` is asked.
    """
    size = np.abs(legs.size)
    alone = len(columns) - len(legs)
    # A power of two: scaling by it changes no digit, so twice the book is exactly twice.
    unit = 1.0 if whole else math.ldexp(1.0, math.frexp(float(size.max(initial=0.0)))[1])
    if whole and (size != np.floor(size)).any():
        wrong = int(np.flatnonzero(size != np.floor(size))[0])
        raise InputError(
            "number_out_of_range",
            "a size that cannot be cut is a whole number",
            place=f"position {wrong}",
            value=float(size[wrong]),
            limit="whole contracts",
            remedy="Give whole contracts, or allow fractions.",
        )
    part = size / unit
    usable = np.flatnonzero(np.isfinite(cost[:alone])).astype(np.int32)
    if len(usable) == 0 and not columns.blocks:
        # Only the legs alone are there: nothing to choose.
        made = Pairing(columns, np.concatenate([np.zeros(alone), size]), (), 0.0)
        return Pairing(columns, made.amount, (), made.total(cost))
    # Dollars too: the solver's tolerances are absolute and the underlying is then about 16.
    largest = float(legs.spot.max(initial=0.0)) or float(legs.price.max(initial=0.0))
    dollar = math.ldexp(1.0, math.frexp(largest)[1] - 4)
    programme = _Programme.of(columns, part, cost / dollar, usable, dollar)
    gross = float((size * cost[alone:]).sum())
    for way in _WAYS[: 1 if whole else None]:
        x, price, proven = programme.solved(whole, iterations, way)
        lower = proven if whole else programme.bound(price)
        amount, spread = _decomposed(columns, usable, x, part)
        scaled = tuple(y * unit for y in spread)
        made = Pairing(columns, amount * unit, scaled, lower * unit * dollar)
        if made.total(cost) - made.bound <= _GAP_MAX * gross:
            return made
    raise ModelError(
        "optimum_unproven",
        "the pairing that was found is not proven to need least",
        place=f"{len(made.columns)} candidate strategies",
        value=made.total(cost),
        limit=f"the proven lower bound {made.bound:g} and {_GAP_MAX:g} of {gross:g}",
        remedy="Margin the account in parts, or report the book.",
    )


def _decomposed(
    columns: Columns, usable: Ints, x: Floats, part: Floats
) -> tuple[Floats, list[Floats]]:
    """Amounts of the columns and of each block's legs that use up every leg."""
    left, amount, spread = part.copy(), np.zeros(len(columns)), []
    for k in np.flatnonzero(x[: len(usable)] > 0.0).tolist():
        j = int(usable[k])
        _take(amount, j, float(x[k]), left, columns.legs[j])
    first = len(usable) + len(part)
    for block in columns.blocks:
        width = len(block.legs)
        spread.append(_taken(x[first : first + width], left, block))
        first += width
    amount[len(columns) - len(part) :] = left
    return amount, spread


def _take(amount: Floats, column: int, wanted: float, left: Floats, legs: Ints) -> None:
    """Takes an amount of a column from what is left of its legs."""
    members = legs[legs >= 0]
    most = float(left[members].min())
    if wanted <= _DUST * most:
        return
    taken = most if wanted >= most * (1.0 - _DUST) else wanted
    amount[column] = taken
    left[members] -= taken


def _taken(wanted: Floats, left: Floats, block: Block) -> Floats:
    """Takes the legs of a block from what is left, without calls sold beyond those bought."""
    most = left[block.legs]
    y = np.where(wanted >= most * (1.0 - _DUST), most, wanted)
    y = np.where(wanted <= _DUST * most, 0.0, y)
    over = -float(np.cumsum(block.calls * y)[-1])
    for k in np.flatnonzero(block.calls < 0.0).tolist():
        cut = min(max(over, 0.0), float(y[k]))
        y[k] -= cut
        over -= cut
    if not (y[block.sold] > 0.0).any():
        y = np.zeros(len(y))  # nothing is sold: what is bought stands alone
    left[block.legs] -= y
    return y


@dataclass(frozen=True, slots=True, eq=False)
class _Programme:
    """minimise c x, rows ``low <= A x <= high``, x >= 0: columns, legs alone, blocks' y, then z."""

    cost: Floats
    row: Ints
    column: Ints
    value: Floats
    low: Floats
    high: Floats
    most: Floats  # [x] no pairing has more of it; of z nothing is known
    part: Floats  # [n] sizes: the right-hand side of the first rows
    kinks: tuple[tuple[int, int], ...]  # rows of each block's losses
    blocks: int

    @staticmethod
    def of(columns: Columns, part: Floats, cost: Floats, usable: Ints, dollar: float) -> _Programme:
        """The programme of some columns; losses of the blocks are divided by ``dollar``."""
        count, alone = len(part), len(columns) - len(part)
        members = np.concatenate([columns.legs[usable], columns.legs[alone:]])
        at, place = np.nonzero(members >= 0)
        rows, cols = [members[at, place]], [at]
        values = [np.ones(len(at))]
        most = [np.where(members >= 0, part[members], np.inf).min(axis=1)]
        start, next_row = len(usable) + count, count
        ends, kinks = start + sum(len(b.legs) for b in columns.blocks), []
        for g, block in enumerate(columns.blocks):
            width, bends = len(block.legs), len(block.loss)
            y = np.arange(start, start + width)
            # covered; z - loss >= 0 at each kink; calls bought - calls sold >= 0
            rows += [block.legs, np.repeat(np.arange(next_row, next_row + bends), width)]
            cols += [y, np.tile(y, bends)]
            values += [np.ones(width), -block.loss.ravel() / dollar]
            rows += [np.arange(next_row, next_row + bends), np.full(width, next_row + bends)]
            cols += [np.full(bends, ends + g), y]
            values += [np.ones(bends), block.calls]
            most.append(part[block.legs])
            kinks.append((next_row, next_row + bends))
            start, next_row = start + width, next_row + bends + 1
        rest = next_row - count
        named = np.concatenate([cost[usable], cost[alone:]])
        middle, last = np.zeros(ends - len(named)), np.ones(len(columns.blocks))
        value = np.concatenate(values)
        kept = value != 0.0
        return _Programme(
            np.concatenate([named, middle, last]),
            np.concatenate(rows)[kept].astype(np.int32),
            np.concatenate(cols)[kept].astype(np.int32),
            value[kept],
            np.concatenate([part, np.zeros(rest)]),
            np.concatenate([part, np.full(rest, np.inf)]),
            np.concatenate([*most, np.full(len(columns.blocks), np.inf)]),
            part,
            tuple(kinks),
            len(columns.blocks),
        )

    def solved(
        self, whole: bool, iterations: int, way: Mapping[str, str]
    ) -> tuple[Floats, Floats, float]:
        """x, the prices of the rows, and the solver's own bound of a whole programme."""
        import highspy  # a solver is loaded when one is needed

        order = np.lexsort((self.row, self.column))
        starts = np.searchsorted(self.column[order], np.arange(len(self.cost) + 1))
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = len(self.cost), len(self.low)
        lp.col_cost_ = self.cost
        lp.col_lower_, lp.col_upper_ = np.zeros(len(self.cost)), np.full(len(self.cost), np.inf)
        lp.row_lower_, lp.row_upper_ = self.low, self.high
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_ = starts.astype(np.int32)
        lp.a_matrix_.index_ = self.row[order]
        lp.a_matrix_.value_ = self.value[order]
        if whole:
            free = self._is_loss()
            kinds = highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger
            lp.integrality_ = [kinds[0] if z else kinds[1] for z in free.tolist()]
        solver = _solver(iterations, way)
        solver.passModel(lp)
        solver.run()
        if solver.getModelStatus() == highspy.HighsModelStatus.kNotset:
            # The process has solved with other threads before: theirs are taken, and left idle.
            solver.setOptionValue("threads", 0)
            solver.run()
        found = solver.getSolution()
        x, price = np.array(found.col_value), np.array(found.row_dual)
        if len(x) != len(self.cost):
            x, price = np.zeros(len(self.cost)), np.zeros(len(self.low))
        proven = float(solver.getInfo().mip_dual_bound) if whole else 0.0
        x = np.round(x) if whole else x
        return x, price if len(price) else np.zeros(len(self.low)), proven

    def _is_loss(self) -> Bools:
        return np.arange(len(self.cost)) >= len(self.cost) - self.blocks

    def bound(self, price: Floats) -> float:
        """A value that no x can go below, from any prices of the rows: weak duality, repaired.

        Losses' prices are cut to be at least 0 and to sum to at most 1, the slope's to at least 0;
        a column whose legs are priced above its cost lowers the bound by all there can be of it.
        """
        price = np.where(np.isfinite(price), price, 0.0)
        count = len(self.part)
        price = np.concatenate([price[:count], np.maximum(price[count:], 0.0)])
        for first, last in self.kinks:
            total = float(np.cumsum(price[first:last])[-1])
            if total > 1.0:
                price[first:last] /= total * (1.0 + 1e-15)
        charged = np.bincount(
            self.column, weights=self.value * price[self.row], minlength=len(self.cost)
        )
        short = np.minimum(self.cost - charged, 0.0)
        short = np.where(self._is_loss(), 0.0, short)
        lost = np.where(short < 0.0, short * np.where(self._is_loss(), 0.0, self.most), 0.0)
        return float(np.cumsum(price[:count] * self.part)[-1] + np.cumsum(lost)[-1])


def _solver(iterations: int, way: Mapping[str, str]) -> Any:
    """The solver on one thread, silent, without a clock."""
    import highspy  # a solver is loaded when one is needed

    solver: Any = highspy.Highs()  # type: ignore[no-untyped-call] # its constructor has no types
    options: dict[str, bool | int | float | str] = {
        "output_flag": False,
        "threads": 1,
        "parallel": "off",
        "random_seed": 0,
        "ipm_iteration_limit": iterations,
        "simplex_iteration_limit": iterations,
        "primal_feasibility_tolerance": 1e-9,
        "dual_feasibility_tolerance": 1e-9,
        "mip_feasibility_tolerance": 1e-8,
        "mip_rel_gap": 0.0,
        "mip_abs_gap": 1e-9,
        "mip_max_nodes": iterations,
        **way,
    }
    for name, value in options.items():
        solver.setOptionValue(name, value)
    return solver
