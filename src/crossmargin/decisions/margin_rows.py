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

from crossmargin.core.arrays import Floats, Longs
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
    """A row with a multiplier: ``share`` of its term's slope that it carries, in [0, 1]."""

    pool: str
    term: str
    scenario: str
    share: float
    value_usd: float


@dataclass(slots=True)
class _Sum:
    """A linear expression: constant, [J] of the trades, and coefficients of columns."""

    constant: float
    trade: Floats
    columns: dict[int, float] = field(default_factory=dict)

    def add(self, other: _Sum, factor: float) -> None:
        self.constant += factor * other.constant
        self.trade = self.trade + factor * other.trade
        for column, value in other.columns.items():
            self.columns[column] = self.columns.get(column, 0.0) + factor * value


class _Worst:
    """A worst of rows: column ``u``, rows that are in, all rows over the trades."""

    def __init__(self, term: WorstOf, block: Block, layers: _Layers, column: int) -> None:
        self.term, self.column = term, column
        self.slope = _moved(term.rows, layers, block.step.shape[1])  # [K, J]
        self.level = term.rows @ block.base + term.offset
        self.floor, self.weight = term.floor, term.weight
        self.row: dict[int, int] = {}

    def values(self, h: Floats) -> Floats:
        return np.asarray(self.slope @ h + self.level)

    def at(self, h: Floats) -> float:
        return max(float(self.values(h).max()), self.floor)

    def expression(self) -> _Sum:
        return _Sum(0.0, np.zeros(self.slope.shape[1]), {self.column: 1.0})

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

    def expression(self) -> _Sum:
        return _Sum(self.fixed, self.linear.copy(), dict.fromkeys(self.columns.values(), 1.0))


class _Largest:
    """A largest of sums: column ``U``, its parts' own nodes, parts that are in."""

    def __init__(self, term: LargestOf, column: int) -> None:
        self.term, self.column = term, column
        self.floor, self.weight = term.floor, term.weight
        self.parts: list[tuple[str, float, list[_Node]]] = []
        self.row: dict[int, int] = {}

    def values(self, h: Floats) -> Floats:
        return np.array(
            [off + sum(n.weight * n.at(h) for n in nodes) for _, off, nodes in self.parts]
        )

    def at(self, h: Floats) -> float:
        return max(float(self.values(h).max()), self.floor)

    def expression(self, trades: int) -> _Sum:
        return _Sum(0.0, np.zeros(trades), {self.column: 1.0})

    def label(self, k: int) -> str:
        return self.parts[k][0]


_Node = _Worst | _Sides | _Largest


class Requirement:
    """The requirement of some pools as columns from ``first`` on; money is divided by ``money``."""

    def __init__(
        self, blocks: Sequence[Block], first: int, bounds: tuple[Floats, Floats], money: float
    ) -> None:
        self.blocks, self.money, self.trades = tuple(blocks), money, len(bounds[0])
        self.first, self._bounds = first, bounds
        self._floors: list[float] = []
        self._layers = {id(block): _layers(block.step) for block in blocks}
        self.tops: list[tuple[Block, list[_Node]]] = [
            (block, [self._node(t, block) for t in _merged(block.pieces.terms)]) for block in blocks
        ]

    def _node(self, term: Term, block: Block) -> _Node:
        if isinstance(term, WorstOf):
            return _Worst(term, block, self._layers[id(block)], self._column(term.floor))
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
                total.add(self._expression(node), node.weight * block.usd_per_unit)
        return total

    def _expression(self, node: _Node) -> _Sum:
        if isinstance(node, _Largest):
            return node.expression(self.trades)
        found = node.expression()
        found.constant /= self.money
        found.trade = found.trade / self.money
        return found

    # -- rows ------------------------------------------------------------------------------------

    def start(self, programme: Programme, columns: Columns, h: Floats) -> None:
        """Rows that hold whatever binds, and those that are worst at trades ``h``."""
        for _, nodes in self.tops:
            for node in nodes:
                self._start(programme, columns, node, h)

    def _start(self, programme: Programme, columns: Columns, node: _Node, h: Floats) -> None:
        if isinstance(node, _Sides):
            self._add_sides(programme, columns, node)
            return
        worst = np.argsort(-node.values(h), kind="stable")[:FIRST].tolist()
        if isinstance(node, _Largest):
            for k, (_, _, inner) in enumerate(node.parts):
                for each in inner:
                    if k in worst or isinstance(each, _Sides):
                        self._start(programme, columns, each, h)
        self._add(programme, columns, node, worst)

    def sharpen(self, programme: Programme, columns: Columns, h: Floats, x: Floats) -> int:
        """Adds rows that the answer ``x`` violates; how many."""
        return sum(
            self._sharpen(programme, columns, node, h, x)
            for _, nodes in self.tops
            for node in nodes
        )

    def _sharpen(
        self, programme: Programme, columns: Columns, node: _Node, h: Floats, x: Floats
    ) -> int:
        if isinstance(node, _Sides):
            return 0
        values = node.values(h)
        have = max(float(x[node.column]) * self.money, node.floor) + TIGHT * self.money
        order = np.argsort(-values, kind="stable")
        wrong = order[: np.count_nonzero(values > have)].tolist()
        new = [k for k in wrong if k not in node.row][:MORE]
        added = 0
        if isinstance(node, _Largest):
            for k in wrong[:MORE]:
                for each in node.parts[k][2]:
                    added += self._sharpen(programme, columns, each, h, x)
        return added + self._add(programme, columns, node, new)

    def complete(self, programme: Programme, columns: Columns) -> None:
        """Every row: what contradicts must be said of all of them."""

        def all_of(node: _Node) -> None:
            if isinstance(node, _Sides):
                return
            if isinstance(node, _Largest):
                for _, _, inner in node.parts:
                    for each in inner:
                        all_of(each)
            count = len(node.parts) if isinstance(node, _Largest) else len(node.level)
            self._add(programme, columns, node, list(range(count)))

        for _, node in self._nodes():
            all_of(node)

    def _nodes(self) -> Iterator[tuple[Block, _Node]]:
        """Every node that stands by itself: not those inside a largest."""
        for block, nodes in self.tops:
            for node in nodes:
                yield block, node

    def _add(
        self, programme: Programme, columns: Columns, node: _Worst | _Largest, which: list[int]
    ) -> int:
        """Rows ``(what the piece is) - u <= -its constant`` for pieces that are not in yet."""
        new = [k for k in which if k not in node.row]
        if not new:
            return 0
        if isinstance(node, _Worst):
            over = node.slope[new][:, columns.trade] * (columns.unit / self.money)
            values = np.hstack([over, np.full((len(new), 1), -1.0)])
            index = np.append(np.arange(len(columns.trade)), node.column)
            most = -node.level[new] / self.money
            first = programme.add_dense(index, values, np.full(len(new), -np.inf), most)
            node.row |= {k: first + n for n, k in enumerate(new)}
            return len(new)
        for k in new:
            _, offset, inner = node.parts[k]
            total = _Sum(offset / self.money, np.zeros(self.trades))
            for each in inner:
                total.add(self._expression(each), each.weight)
            total.columns[node.column] = total.columns.get(node.column, 0.0) - 1.0
            node.row[k] = _row(programme, columns, total)
        return len(new)

    def _add_sides(self, programme: Programme, columns: Columns, node: _Sides) -> None:
        """Two rows an instrument that may change its sign, each over what moves it."""
        if not len(node.bent):
            return
        slope = node.block.step[node.bent][:, columns.trade] * (columns.unit / self.money)
        row, column = np.nonzero(slope)
        count = len(node.bent)
        own = np.arange(count)
        place = np.concatenate([row, own])
        order = np.argsort(place, kind="stable")
        index = np.concatenate([column, np.array(list(node.columns.values()), np.int64)])[order]
        cuts = np.cumsum(np.bincount(place, minlength=count))[:-1]
        base = node.block.base[node.bent] / self.money
        for rate in (node.term.long[node.bent], -node.term.short[node.bent]):
            values = np.concatenate([rate[row] * slope[row, column], np.full(count, -1.0)])[order]
            pieces = np.split(index, cuts), np.split(values, cuts)
            programme.add_sparse(*pieces, np.full(count, -np.inf), -rate * base)

    # -- what binds ------------------------------------------------------------------------------

    def bindings(self, h: Floats, dual: Floats, price: float) -> tuple[Binding, ...]:
        """Rows that carry a multiplier, the largest first; ``price`` of a dollar of requirement."""
        out = []
        for block, node in self._nodes():
            if isinstance(node, _Sides) or node.weight == 0.0 or price == 0.0:
                continue
            whole = price * node.weight * block.usd_per_unit
            values = node.values(h) * block.usd_per_unit * node.weight
            for k, row in node.row.items():
                share = abs(float(dual[row])) / whole
                if share > 1e-9:
                    name, value = node.term.name, float(values[k])
                    out.append(Binding(block.name, name, node.label(k), share, value))
        return tuple(sorted(out, key=lambda each: -each.share * abs(each.value_usd)))

    def runner_up(self, h: Floats) -> tuple[str, float]:
        """The next piece of the largest term, and its distance in dollars; "" where none is."""
        best: tuple[float, str, float] = (-np.inf, "", 0.0)
        for block, node in self._nodes():
            if isinstance(node, _Sides):
                continue
            values = node.values(h) * block.usd_per_unit * node.weight
            order = np.argsort(-values, kind="stable")
            if len(order) > 1 and values[order[0]] > best[0]:
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


def _row(programme: Programme, columns: Columns, total: _Sum) -> int:
    """The row ``total <= 0`` over the trade columns and its own."""
    own = list(total.columns)
    index = np.concatenate([np.arange(len(columns.trade)), np.array(own, np.int64)])
    values = np.concatenate(
        [total.trade[columns.trade] * columns.unit, np.array([total.columns[c] for c in own])]
    )
    return programme.add_dense(index, values[None, :], [-np.inf], [-total.constant])
