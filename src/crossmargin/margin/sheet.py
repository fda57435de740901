"""The answer as a table, and each row of it as a tree.

A column is a leaf (a number with the rule that makes it) or an operator over columns to its left.
Every node equals its operator on its children, to the bit, because it was computed so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite

import numpy as np

from crossmargin.core.arrays import Floats, Ints, finite, frozen
from crossmargin.core.errors import ModelError

__all__ = ["Column", "Node", "Sheet", "SheetBuilder", "stack"]


@dataclass(frozen=True, slots=True)
class Column:
    """A named column: ``operator`` is leaf, sum, difference, product, max, min, scale, round.

    ``constant`` is the factor of ``scale`` or the decimals of ``round``. ``rule`` names the rule of
    the model that a leaf follows.
    """

    name: str
    operator: str
    children: tuple[str, ...]
    rule: str = ""
    constant: float = 0.0


# Columns that a builder holds at first; it grows where a model has more.
_COLUMNS = 32
# A model names the same columns in every block, and making a frozen record takes a microsecond.
_column = lru_cache(maxsize=4096)(Column)


@dataclass(frozen=True, slots=True)
class Node:
    """One row of a sheet as a tree."""

    name: str
    value: float
    operator: str
    rule: str
    constant: float
    children: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """R rows, C columns; ``account`` and ``pool`` index the population and the model's pools."""

    account: Ints
    pool: Ints
    columns: tuple[Column, ...]
    values: tuple[Floats, ...]

    def __getitem__(self, name: str) -> Floats:
        for column, values in zip(self.columns, self.values, strict=True):
            if column.name == name:
                return values
        raise ModelError(
            "option_unknown",
            "the sheet has no such column",
            value=name,
            limit=", ".join(c.name for c in self.columns),
            remedy="Ask for one of the model's columns.",
        )

    def __contains__(self, name: str) -> bool:
        return any(column.name == name for column in self.columns)

    def __len__(self) -> int:
        return len(self.account)

    def tree(self, row: int, name: str = "im") -> Node:
        """The tree under a column of one row."""
        for column, values in zip(self.columns, self.values, strict=True):
            if column.name == name:
                children = tuple(self.tree(row, child) for child in column.children)
                return Node(
                    name,
                    float(values[row]),
                    column.operator,
                    column.rule,
                    column.constant,
                    children,
                )
        raise KeyError(name)


class SheetBuilder:
    """Collects the columns of one block of rows; each method returns the column's name.

    The columns are rows of one table, written in place. A single row is held in plain floats: there
    a NumPy call costs twenty times the addition that it makes.
    """

    def __new__(cls, rows: int) -> SheetBuilder:
        """The builder for that many rows."""
        return object.__new__(_OneRow if rows == 1 else cls)

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self._columns: dict[str, Column] = {}
        self._values: dict[str, Floats] = {}
        self._table = np.empty((_COLUMNS, rows))

    def _new(self, column: Column) -> Floats:
        """The row of the table that holds a new column."""
        if column.name in self._columns:
            raise ModelError("option_unknown", "a sheet column is named twice", value=column.name)
        number = len(self._columns)
        if number == len(self._table):
            self._grow()
        self._columns[column.name] = column
        values: Floats = self._table[number]
        self._values[column.name] = values
        return values

    def _grow(self) -> None:
        table = np.empty((2 * len(self._table), self.rows))
        table[: len(self._table)] = self._table
        self._table = table
        self._values = {name: table[k] for k, name in enumerate(self._values)}

    def __getitem__(self, name: str) -> Floats:
        return self._values[name]

    def leaf(self, name: str, values: Floats | float, rule: str) -> str:
        """A number that a rule makes; it must be finite, which :meth:`build` checks."""
        # Adding zero turns the -0.0 of a negated empty sum into the 0.0 that a person expects.
        np.add(values, 0.0, out=self._new(_column(name, "leaf", (), rule)))
        return name

    def sum(self, name: str, first: str, *rest: str) -> str:
        """Sum of columns, added from the left."""
        total = self._new(_column(name, "sum", (first, *rest)))
        np.add(self._values[first], self._values[rest[0]] if rest else 0.0, out=total)
        for part in rest[1:]:
            total += self._values[part]
        return name

    def difference(self, name: str, first: str, second: str) -> str:
        """First minus second."""
        values = self._new(_column(name, "difference", (first, second)))
        np.subtract(self._values[first], self._values[second], out=values)
        return name

    def product(self, name: str, first: str, second: str) -> str:
        """First times second."""
        values = self._new(_column(name, "product", (first, second)))
        np.multiply(self._values[first], self._values[second], out=values)
        return name

    def max(self, name: str, first: str, *rest: str) -> str:
        """The largest of the columns."""
        values = self._new(_column(name, "max", (first, *rest)))
        values[:] = self._values[first]
        for part in rest:
            np.maximum(values, self._values[part], out=values)
        return name

    def min(self, name: str, first: str, *rest: str) -> str:
        """The smallest of the columns."""
        values = self._new(_column(name, "min", (first, *rest)))
        values[:] = self._values[first]
        for part in rest:
            np.minimum(values, self._values[part], out=values)
        return name

    def scale(self, name: str, part: str, factor: float, rule: str = "") -> str:
        """A column times a constant."""
        values = self._new(_column(name, "scale", (part,), rule, factor))
        np.multiply(self._values[part], factor, out=values)
        return name

    def round(self, name: str, part: str, decimals: int, rule: str = "") -> str:
        """A column rounded to decimals, where the venue's rule says so."""
        values = self._new(_column(name, "round", (part,), rule, float(decimals)))
        self._values[part].round(decimals, out=values)
        return name

    def build(self, account: Ints, pool: int) -> Sheet:
        """The finished sheet of one block and pool.

        Raises ModelError ``number_not_finite`` naming the first column that is not finite.
        """
        table = self._table[: len(self._columns)]
        return _built(table, account, pool, tuple(self._columns.values()))


class _OneRow(SheetBuilder):
    """A builder of one row: the same operators on floats, in the same order, to the same bits."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self._columns: dict[str, Column] = {}
        self._numbers: dict[str, float] = {}

    def _put(self, column: Column, value: float) -> str:
        if column.name in self._columns:
            raise ModelError("option_unknown", "a sheet column is named twice", value=column.name)
        self._columns[column.name] = column
        self._numbers[column.name] = value
        return column.name

    def __getitem__(self, name: str) -> Floats:
        return np.array([self._numbers[name]])

    def leaf(self, name: str, values: Floats | float, rule: str) -> str:
        number = values if isinstance(values, float) else values.item()
        return self._put(_column(name, "leaf", (), rule), number + 0.0)

    def sum(self, name: str, first: str, *rest: str) -> str:
        total = self._numbers[first] + (self._numbers[rest[0]] if rest else 0.0)
        for part in rest[1:]:
            total += self._numbers[part]
        return self._put(_column(name, "sum", (first, *rest)), total)

    def difference(self, name: str, first: str, second: str) -> str:
        value = self._numbers[first] - self._numbers[second]
        return self._put(_column(name, "difference", (first, second)), value)

    def product(self, name: str, first: str, second: str) -> str:
        value = self._numbers[first] * self._numbers[second]
        return self._put(_column(name, "product", (first, second)), value)

    def max(self, name: str, first: str, *rest: str) -> str:
        value = max(self._numbers[part] for part in (first, *rest))
        return self._put(_column(name, "max", (first, *rest)), value)

    def min(self, name: str, first: str, *rest: str) -> str:
        value = min(self._numbers[part] for part in (first, *rest))
        return self._put(_column(name, "min", (first, *rest)), value)

    def scale(self, name: str, part: str, factor: float, rule: str = "") -> str:
        value = self._numbers[part] * factor
        return self._put(_column(name, "scale", (part,), rule, factor), value)

    def round(self, name: str, part: str, decimals: int, rule: str = "") -> str:
        # NumPy's own rounding: Python's differs in the last bit.
        value = float(np.float64(self._numbers[part]).round(decimals))
        return self._put(_column(name, "round", (part,), rule, float(decimals)), value)

    def build(self, account: Ints, pool: int) -> Sheet:
        numbers = list(self._numbers.values())
        table = np.array(numbers)[:, None]
        columns = tuple(self._columns.values())
        if not all(map(isfinite, numbers)):
            return _built(table, account, pool, columns)  # which names the first that is not
        table.flags.writeable = False
        return Sheet(frozen(account, np.int32), _one_pool(pool), columns, tuple(table))


@lru_cache(maxsize=256)
def _one_pool(pool: int) -> Ints:
    return frozen([pool], np.int32)


def _built(table: Floats, account: Ints, pool: int, columns: tuple[Column, ...]) -> Sheet:
    if not np.isfinite(table).all():
        for column, values in zip(columns, table, strict=True):
            finite(values, column.name, lambda k: f"row {k}", ModelError)
    table.flags.writeable = False
    return Sheet(
        account=frozen(account, np.int32),
        pool=frozen(np.full(len(account), pool, np.int32), np.int32),
        columns=columns,
        values=tuple(table),
    )


def stack(sheets: Sequence[Sheet]) -> Sheet:
    """Rows of several sheets of one model under each other."""
    first = sheets[0]
    if len(sheets) == 1:
        return first
    return Sheet(
        account=frozen(np.concatenate([s.account for s in sheets]), np.int32),
        pool=frozen(np.concatenate([s.pool for s in sheets]), np.int32),
        columns=first.columns,
        values=tuple(
            frozen(np.concatenate([s.values[k] for s in sheets]), np.float64)
            for k in range(len(first.columns))
        ),
    )
