"""A requirement inside a programme: the terms of its pieces as columns, their rows when they bind.

    q = base + step @ h                      quantities of a pool after trades h[J]
    R = sum over pools of usd x sum over terms of weight x u
    u >= row of the term at h                one row a scenario, added when it is violated

A term of the worst of many rows begins with the few that are worst at the start; after each solve
the rows that the answer violates are added. The answer is then the optimum over all rows, and their
multipliers are those of all: rows that were never added have none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from crossmargin.core.arrays import Bools, Floats, Longs
from crossmargin.decisions.programme import Programme
from crossmargin.margin.pieces import LargestOf, Pieces, Separable, Term, WorstOf

__all__ = ["Binding", "Block", "Columns", "Requirement"]

FIRST = 6  # rows of a term at the start,
MORE = 4  # and at most so many a round
TIGHT = 1e-9  # violation that is left, of the requirement's own size


_Layers = list[tuple[Longs, Longs, Floats]]


@dataclass(frozen=True, slots=True)
class Block:
    """One pool: its pieces, quantities ``base[I]``, what a unit of each trade adds ``[I, J]``."""

    name: str
    pieces: Pieces
    base: Floats
    step: Floats
    usd_per_unit: float


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns ``[X]`` of the programme that make the trades: ``h[trade] += unit * x``."""

    trade: Longs
    unit: Floats

    def sizes(self, x: Floats, trades: int) -> Floats:
        """[J] sizes of the trades."""
        out = np.zeros(trades)
        np.add.at(out, self.trade, self.unit * x[: len(self.trade)])
        return out


@dataclass(frozen=True, slots=True)
class Binding:
    """Row ``row`` of a term, with the ``share`` of its slope that it carries, in [0, 1]."""

    pool: str
    term: str
    scenario: str
    share: float
    value_usd: float
    row: int = 0


@dataclass(slots=True)
class _Sum:
    """A linear expression: constant, [J] of the trades, and coefficients of columns."""

    constant: float
    trade: Floats
    columns: dict[int, float] = field(default_factory=dict)

    def add(self, node: _Node, factor: float, money: float) -> None:
        """``factor`` times a node, in dollars over ``money``."""
        if isinstance(node, _Sides):
            self.constant += factor * (node.fixed / money)
            self.trade = self.trade + factor * (node.linear / money)
            for column in node.columns.values():
                self.columns[column] = self.columns.get(column, 0.0) + factor
            return
        self.columns[node.column] = self.columns.get(node.column, 0.0) + factor


class _Stack:
    """Rows of every worst of a requirement, one below the other: looked at in one product.

    The terms are taken first, then closed; ``values`` and ``peaks`` are those of the trades that
    were looked at last.
    """

    def __init__(self) -> None:
        self.nodes: list[_Worst] = []
        self._rows: list[list[Floats]] = []
        self._blocks: list[Block] = []
        self._at: Floats | None = None

    def take(self, node: _Worst, block: Block) -> None:
        """One more node; nodes of a block follow each other."""
        if not self._blocks or self._blocks[-1] is not block:
            self._blocks.append(block)
            self._rows.append([])
        node.number = len(self.nodes)
        self.nodes.append(node)
        self._rows[-1].append(node.term.rows)

    def close(self, trades: int) -> None:
        """Slopes over the trades ``[K, J]`` and levels, of all rows."""
        slope, level = [np.zeros((0, trades))], [np.zeros(0)]
        for block, rows in zip(self._blocks, self._rows, strict=True):
            every = np.vstack(rows)
            slope.append(_moved(every, _layers(block.step), trades))
            level.append(every @ block.base)
        offset = [node.term.offset for node in self.nodes]
        self.slope = np.vstack(slope)
        self.level = np.concatenate(level) + np.concatenate([*offset, np.zeros(0)])
        size = np.array([len(each) for each in offset], np.int64)
        ends = np.cumsum(size)
        self._first: Longs = np.asarray(ends - size, np.int64)
        for node, first, end in zip(self.nodes, self._first.tolist(), ends.tolist(), strict=True):
            node.rows = slice(first, end)
        self.column = np.array([node.column for node in self.nodes], np.int64)
        self.floor = np.array([node.floor for node in self.nodes])
        self._rows.clear()

    def look(self, h: Floats) -> None:
        """Values of all rows at trades ``h``, which nobody changes afterwards."""
        if h is self._at:
            return
        self._at, self.values = h, self.slope @ h + self.level
        if self.nodes:
            self.peaks = np.asarray(np.maximum.reduceat(self.values, self._first))
            self.worst = np.maximum(self.peaks, self.floor).tolist()

    def over(self, x: Floats, money: float) -> Bools:
        """Which nodes have a row above what the answer ``x`` says of them."""
        if not self.nodes:
            return np.zeros(0, np.bool_)
        have = np.maximum(x[self.column] * money, self.floor) + TIGHT * money
        return np.asarray(self.peaks > have)


class _Worst:
    """A worst of rows: column ``u``, its rows in the stack, and which of them are in."""

    number: int
    rows: slice

    def __init__(self, term: WorstOf, stack: _Stack, column: int) -> None:
        self.term, self.column, self.stack = term, column, stack
        self.floor, self.weight = term.floor, term.weight
        self.row: dict[int, int] = {}

    @property
    def count(self) -> int:
        return len(self.term.offset)

    def values(self, h: Floats) -> Floats:
        self.stack.look(h)
        return np.asarray(self.stack.values[self.rows])

    def at(self, h: Floats) -> float:
        self.stack.look(h)
        return float(self.stack.worst[self.number])

    def label(self, k: int) -> str:
        return self.term.scenario[k] if self.term.scenario else ""


class _Sides:
    """Charges by position: linear where the sign cannot change, else a column an instrument."""

    def __init__(
        self, term: Separable, block: Block, low: Floats, high: Floats, first: int
    ) -> None:
        self.term, self.block, self.weight = term, block, term.weight
        step, base = block.step, block.base
        moved = np.flatnonzero(step.any(axis=1) & ((term.long != 0.0) | (term.short != 0.0)))
        span = np.stack([step[moved] * low, step[moved] * high])
        bottom = base[moved] + span.min(axis=0).sum(axis=1)
        top = base[moved] + span.max(axis=0).sum(axis=1)
        still = np.ones(len(base), np.bool_)
        still[moved] = False
        rest = np.where(still, base, 0.0)
        self.fixed = float(np.maximum(rest, 0.0) @ term.long + np.maximum(-rest, 0.0) @ term.short)
        one = (bottom >= 0.0) | (top <= 0.0)
        rate = np.where(bottom >= 0.0, term.long[moved], -term.short[moved])
        mine = moved[one]
        self.fixed += float(rate[one] @ base[mine])
        self.linear = np.asarray(rate[one] @ step[mine])
        self.bent = moved[~one]
        self.columns = {int(i): first + k for k, i in enumerate(self.bent.tolist())}

    def at(self, h: Floats) -> float:
        q = self.block.base + self.block.step @ h
        up, down = np.maximum(q, 0.0), np.maximum(-q, 0.0)
        return float(up @ self.term.long + down @ self.term.short)


class _Largest:
    """A largest of sums: column ``U``, its parts' own nodes, parts that are in."""

    def __init__(self, term: LargestOf, column: int) -> None:
        self.term, self.column = term, column
        self.floor, self.weight = term.floor, term.weight
        self.parts: list[tuple[str, float, list[_Node]]] = []
        self.row: dict[int, int] = {}

    @property
    def count(self) -> int:
        return len(self.parts)

    def values(self, h: Floats) -> Floats:
        return np.array(
            [off + sum(n.weight * n.at(h) for n in nodes) for _, off, nodes in self.parts]
        )

    def at(self, h: Floats) -> float:
        return max(float(self.values(h).max()), self.floor)

    def label(self, k: int) -> str:
        return self.parts[k][0]


_Node = _Worst | _Sides | _Largest


class _Draft:
    """Rows on their way into a programme, in their order; those of a stack are made together."""

    def __init__(self, programme: Programme, columns: Columns, stack: _Stack, money: float) -> None:
        self.programme, self.columns, self.stack, self.money = programme, columns, stack, money
        self.rows = programme.rows
        self._worst: list[tuple[int, int]] = []  # row of the stack, column

    def worst(self, node: _Worst, k: int) -> int:
        """Number of the row ``(row k of the node) - u <= 0``."""
        self._worst.append((node.rows.start + k, node.column))
        self.rows += 1
        return self.rows - 1

    def total(self, total: _Sum) -> int:
        """Number of the row ``total <= 0`` over the trade columns and its own."""
        self.close()
        self.rows += 1
        columns, own = self.columns, list(total.columns)
        index = np.concatenate([np.arange(len(columns.trade)), np.array(own, np.int64)])
        values = np.concatenate(
            [total.trade[columns.trade] * columns.unit, np.array(list(total.columns.values()))]
        )
        least = [-np.inf]
        return self.programme.add_flat([len(index)], index, values, least, [-total.constant])

    def sides(self, node: _Sides) -> None:
        """Two rows an instrument that may change its sign, each over what moves it."""
        self.close()
        slope = node.block.step[node.bent][:, self.columns.trade] * self._scale()
        base = node.block.base[node.bent] / self.money
        row, column = np.nonzero(slope)
        for rate in (node.term.long[node.bent], -node.term.short[node.bent]):
            values = rate[row] * slope[row, column]
            self._add((row, column, values), list(node.columns.values()), -rate * base)
        self.rows = self.programme.rows

    def close(self) -> None:
        """Hands over what waits."""
        if not self._worst:
            return
        which = np.array([k for k, _ in self._worst], np.int64)
        slope = self.stack.slope[which][:, self.columns.trade] * self._scale()
        row, column = np.nonzero(slope)
        most = -self.stack.level[which] / self.money
        self._add((row, column, slope[row, column]), [own for _, own in self._worst], most)
        self._worst.clear()

    def _scale(self) -> Floats:
        return np.asarray(self.columns.unit / self.money)

    def _add(self, entries: tuple[Longs, Longs, Floats], own: list[int], most: Floats) -> None:
        """Rows ``entries - own column <= most``: row, column and value of each entry by row."""
        row, column, values = entries
        count = len(own)
        size = np.bincount(row, minlength=count)
        ends = np.cumsum(size)  # where each row's own column stands
        index = np.insert(column, ends, own)
        flat = np.insert(values, ends, -1.0)
        self.programme.add_flat(size + 1, index, flat, np.full(count, -np.inf), most)


class Requirement:
    """The requirement of some pools as columns from ``first`` on.

    Money is divided by ``money``, to be set before the programme is made.
    """

    money = 1.0

    def __init__(self, blocks: Sequence[Block], first: int, bounds: tuple[Floats, Floats]) -> None:
        self.trades = len(bounds[0])
        self.first, self._bounds = first, bounds
        self._floors: list[float] = []
        self._stack = _Stack()
        self.tops: list[tuple[Block, list[_Node]]] = [
            (block, [self._node(t, block) for t in _merged(block.pieces.terms)]) for block in blocks
        ]
        self._stack.close(self.trades)

    def _node(self, term: Term, block: Block) -> _Node:
        if isinstance(term, WorstOf):
            leaf = _Worst(term, self._stack, self._column(term.floor))
            self._stack.take(leaf, block)
            return leaf
        if isinstance(term, Separable):
            node = _Sides(term, block, *self._bounds, self.first + len(self._floors))
            self._floors += [-np.inf] * len(node.columns)
            return node
        largest = _Largest(term, self._column(term.floor))
        for part in term.parts:
            nodes = [self._node(t, block) for t in _merged(part.terms)]
            largest.parts.append((part.name, part.offset, nodes))
        return largest

    def _column(self, floor: float) -> int:
        self._floors.append(floor)
        return self.first + len(self._floors) - 1

    @property
    def low(self) -> Floats:
        """Lower bounds of the columns, in the programme's money."""
        return np.array(self._floors) / self.money

    def at(self, h: Floats) -> float:
        """Dollars of the pieces at trades h."""
        return sum(
            block.usd_per_unit * sum(node.weight * node.at(h) for node in nodes)
            for block, nodes in self.tops
        )

    def total(self) -> _Sum:
        """The whole as an expression in dollars over the programme's money."""
        total = _Sum(0.0, np.zeros(self.trades))
        for block, nodes in self.tops:
            for node in nodes:
                total.add(node, node.weight * block.usd_per_unit, self.money)
        return total

    # -- rows ------------------------------------------------------------------------------------

    def _draft(self, programme: Programme, columns: Columns) -> _Draft:
        return _Draft(programme, columns, self._stack, self.money)

    def start(self, programme: Programme, columns: Columns, h: Floats) -> None:
        """Rows that hold whatever binds, and those that are worst at trades ``h``."""
        draft = self._draft(programme, columns)
        for _, nodes in self.tops:
            for node in nodes:
                self._start(draft, node, h)
        draft.close()

    def _start(self, draft: _Draft, node: _Node, h: Floats) -> None:
        if isinstance(node, _Sides):
            if len(node.bent):
                draft.sides(node)
            return
        worst = [0]
        if node.count > 1:
            worst = np.argsort(-node.values(h), kind="stable")[:FIRST].tolist()
        if isinstance(node, _Largest):
            for k, (_, _, inner) in enumerate(node.parts):
                for each in inner:
                    if k in worst or isinstance(each, _Sides):
                        self._start(draft, each, h)
        self._add(draft, node, worst)

    def sharpen(self, programme: Programme, columns: Columns, h: Floats, x: Floats) -> int:
        """Adds rows that the answer ``x`` violates; how many."""
        draft, before = self._draft(programme, columns), programme.rows
        self._stack.look(h)
        over = self._stack.over(x, self.money)
        for _, nodes in self.tops:
            for node in nodes:
                self._sharpen(draft, node, (h, x), over)
        draft.close()
        return programme.rows - before

    def _sharpen(self, draft: _Draft, node: _Node, at: tuple[Floats, Floats], over: Bools) -> None:
        if isinstance(node, _Sides) or (isinstance(node, _Worst) and not over[node.number]):
            return
        h, x = at
        values = node.values(h)
        have = max(float(x[node.column]) * self.money, node.floor) + TIGHT * self.money
        order = np.argsort(-values, kind="stable")
        wrong = order[: np.count_nonzero(values > have)].tolist()
        if isinstance(node, _Largest):
            for k in wrong[:MORE]:
                for each in node.parts[k][2]:
                    self._sharpen(draft, each, at, over)
        self._add(draft, node, [k for k in wrong if k not in node.row][:MORE])

    def complete(self, programme: Programme, columns: Columns) -> None:
        """Every row: what contradicts must be said of all of them."""
        draft = self._draft(programme, columns)

        def all_of(node: _Node) -> None:
            if isinstance(node, _Sides):
                return
            if isinstance(node, _Largest):
                for _, _, inner in node.parts:
                    for each in inner:
                        all_of(each)
            self._add(draft, node, list(range(node.count)))

        for _, node in self._nodes():
            all_of(node)
        draft.close()

    def _nodes(self) -> Iterator[tuple[Block, _Node]]:
        """Every node that stands by itself: not those inside a largest."""
        for block, nodes in self.tops:
            for node in nodes:
                yield block, node

    def _add(self, draft: _Draft, node: _Worst | _Largest, which: list[int]) -> None:
        """Rows ``(what the piece is) - u <= -its constant`` for pieces that are not in yet."""
        for k in which:
            if k in node.row:
                continue
            if isinstance(node, _Worst):
                node.row[k] = draft.worst(node, k)
                continue
            _, offset, inner = node.parts[k]
            total = _Sum(offset / self.money, np.zeros(self.trades))
            for each in inner:
                total.add(each, each.weight, self.money)
            total.columns[node.column] = total.columns.get(node.column, 0.0) - 1.0
            node.row[k] = draft.total(total)

    # -- what binds ------------------------------------------------------------------------------

    def bindings(self, h: Floats, dual: Floats, price: float) -> tuple[Binding, ...]:
        """Rows that carry a multiplier, the largest first; ``price`` of a dollar of requirement."""
        out = []
        for block, node in self._nodes():
            if isinstance(node, _Sides) or node.weight == 0.0 or price == 0.0:
                continue
            whole = price * node.weight * block.usd_per_unit
            for k, row in node.row.items():
                share = abs(float(dual[row])) / whole
                if share > 1e-9:
                    value = float(node.values(h)[k]) * block.usd_per_unit * node.weight
                    out.append(Binding(block.name, node.term.name, node.label(k), share, value, k))
        return tuple(sorted(out, key=lambda each: -each.share * abs(each.value_usd)))

    def runner_up(self, h: Floats) -> tuple[str, float]:
        """The next piece of the largest term, and its distance in dollars; "" where none is."""
        best: tuple[float, str, float] = (-np.inf, "", 0.0)
        for block, node in self._nodes():
            if isinstance(node, _Sides) or node.count < 2:
                continue
            values = node.values(h) * block.usd_per_unit * node.weight
            if values.max() > best[0]:
                order = np.argsort(-values, kind="stable")
                k, gap = int(order[1]), float(values[order[0]] - values[order[1]])
                best = (float(values[order[0]]), node.label(k), gap)
        return best[1], best[2]


def _layers(step: Floats) -> _Layers:
    """``step`` as layers of one entry a trade: a trade moves a contract, and cash at most."""
    column, row = np.nonzero(step.T)
    layer = np.arange(len(column)) - np.searchsorted(column, column, side="left")
    out = []
    for n in range(int(layer.max(initial=-1)) + 1):
        mine = layer == n
        out.append((column[mine], row[mine], step[row[mine], column[mine]]))
    return out


def _moved(rows: Floats, layers: _Layers, trades: int) -> Floats:
    """``rows @ step`` [K, J], layer by layer."""
    out = np.zeros((len(rows), trades))
    for column, row, value in layers:
        out[:, column] += rows[:, row] * value
    return out


def _merged(terms: Sequence[Term]) -> list[Term]:
    """The terms with those by position as one: fewer columns for the same sum."""
    sides = [term for term in terms if isinstance(term, Separable)]
    rest: list[Term] = [term for term in terms if not isinstance(term, Separable)]
    if not sides:
        return rest
    long, short = np.zeros((2, len(sides[0].long)))
    for term in sides:
        long, short = long + term.weight * term.long, short + term.weight * term.short
    return [*rest, Separable("positions", long, short)]
