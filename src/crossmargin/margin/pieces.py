"""The linear pieces of a requirement: what an optimiser may know of a model.

    im(q)  >=  sum of terms,  each convex and piecewise linear in the quantities q[I]

    WorstOf     weight * max(max over rows of (rows @ q + offset), floor)
    Separable   weight * sum over i of (long_i max(q_i, 0) + short_i max(-q_i, 0))
    LargestOf   weight * max(max over parts of (offset + sum of its own terms), floor)

``q[I]`` are the quantities of a pool's instruments in its canonical order, balance lines included;
money is of the pool's currency. A sum of such terms is a linear programme. An absolute value is two
rows, a positive part one row and the floor 0, a least charge beside a scan the two parts of a
``LargestOf``. What a model charges beside its pieces is named in ``left_out``: the exact model is
run again on every answer, and the difference is shown.

Three standings, never mixed up: *exact* (the whole requirement, of every book without orders,
before rounding), *lower* (never above it), *tangent* (right at one book and near it).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable

import numpy as np

from crossmargin.core.arrays import Floats, finite
from crossmargin.core.errors import ModelError
from crossmargin.margin.model import PoolBook, Priced
from crossmargin.margin.parameter_files import Parameters

__all__ = ["HasPieces", "LargestOf", "Part", "Pieces", "Separable", "Standing", "Term", "WorstOf"]


class Standing(StrEnum):
    """What the sum of the terms is to the requirement."""

    EXACT = "exact"
    LOWER = "lower"
    TANGENT = "tangent"


@dataclass(frozen=True, slots=True)
class WorstOf:
    """One term: the largest of linear functions, never below ``floor``, times ``weight`` >= 0.

    ``rows[K, I]``: money per unit of quantity, a loss positive; ``offset[K]``: money that does not
    depend on the quantities. ``scenario[K]`` names the rows ("" where a row is no scenario).
    ``floor`` may be minus infinity: no floor.
    """

    name: str
    rows: Floats
    offset: Floats
    scenario: tuple[str, ...] = ()
    floor: float = 0.0
    weight: float = 1.0

    def __post_init__(self) -> None:
        finite(self.rows, f"rows of {self.name}")
        finite(self.offset, f"offset of {self.name}")
        named = len(self.scenario) in (0, len(self.offset))
        if self.rows.ndim != 2 or self.offset.shape != self.rows.shape[:1] or not named:
            raise ModelError(
                "shape_wrong",
                "a term has a row of money per unit, an offset and a name for each piece",
                place=self.name,
                value=(self.rows.shape, self.offset.shape, len(self.scenario)),
                limit="[K, I], [K], K names or none",
                remedy="Correct the model's pieces.",
            )
        _convex(self.name, self.weight, self.floor)

    def values(self, quantity: Floats) -> Floats:
        """[..., K] of quantities [..., I], before floor and weight."""
        return np.asarray(quantity @ self.rows.T + self.offset)

    def at(self, quantity: Floats) -> Floats:
        """[...] money of the term at quantities [..., I]."""
        worst = self.values(quantity).max(axis=-1)
        return np.asarray(self.weight * np.maximum(worst, self.floor))

    def slope(self, quantity: Floats) -> Floats:
        """[I] money per unit at quantities [I]: of the first worst row; 0 on the floor."""
        values = self.values(quantity)
        k = int(values.argmax())
        if values[k] < self.floor:
            return np.zeros(self.rows.shape[1])
        return np.asarray(self.weight * self.rows[k])


@dataclass(frozen=True, slots=True)
class Separable:
    """One term: a charge on each position by itself, ``long[I] + short[I] >= 0`` (convex)."""

    name: str
    long: Floats  # money per unit bought
    short: Floats  # money per unit sold
    weight: float = 1.0

    def __post_init__(self) -> None:
        finite(self.long, f"long charges of {self.name}")
        finite(self.short, f"short charges of {self.name}")
        if self.long.ndim != 1 or self.long.shape != self.short.shape:
            raise ModelError(
                "shape_wrong",
                "a charge by position has one number a side for each instrument",
                place=self.name,
                value=(self.long.shape, self.short.shape),
                limit="[I], [I]",
                remedy="Correct the model's pieces.",
            )
        _convex(self.name, self.weight, float((self.long + self.short).min(initial=0.0)), 0.0)

    def at(self, quantity: Floats) -> Floats:
        """[...] money of the term at quantities [..., I]."""
        up, down = np.maximum(quantity, 0.0), np.maximum(-np.asarray(quantity), 0.0)
        return np.asarray(self.weight * (up @ self.long + down @ self.short))

    def slope(self, quantity: Floats) -> Floats:
        """[I] money per unit at quantities [I]: that of a purchase where nothing is held."""
        return np.asarray(self.weight * np.where(quantity >= 0.0, self.long, -self.short))


@dataclass(frozen=True, slots=True)
class Part:
    """One of the sums of which a :class:`LargestOf` takes the largest."""

    name: str
    terms: tuple[Term, ...]
    offset: float = 0.0

    def at(self, quantity: Floats) -> Floats:
        """[...] money of the part at quantities [..., I]."""
        total = np.full(np.shape(quantity)[:-1], self.offset)
        for term in self.terms:
            total = total + term.at(quantity)
        return np.asarray(total)

    def slope(self, quantity: Floats) -> Floats:
        """[I] money per unit at quantities [I]."""
        total = np.zeros(np.shape(quantity))
        for term in self.terms:
            total = total + term.slope(quantity)
        return total


@dataclass(frozen=True, slots=True)
class LargestOf:
    """One term: the largest of sums of terms, never below ``floor``, times ``weight`` >= 0."""

    name: str
    parts: tuple[Part, ...]
    floor: float = 0.0
    weight: float = 1.0

    def __post_init__(self) -> None:
        _convex(self.name, self.weight, self.floor)

    def values(self, quantity: Floats) -> Floats:
        """[..., K] of the parts at quantities [..., I], before floor and weight."""
        return np.stack([part.at(quantity) for part in self.parts], axis=-1)

    def at(self, quantity: Floats) -> Floats:
        """[...] money of the term at quantities [..., I]."""
        worst = self.values(quantity).max(axis=-1)
        return np.asarray(self.weight * np.maximum(worst, self.floor))

    def slope(self, quantity: Floats) -> Floats:
        """[I] money per unit at quantities [I]: of the first worst part; 0 on the floor."""
        values = self.values(quantity)
        k = int(values.argmax())
        if values[k] < self.floor:
            return np.zeros(np.shape(quantity))
        return self.weight * self.parts[k].slope(quantity)


Term = WorstOf | Separable | LargestOf


def _convex(name: str, weight: float, floor: float, least: float = -np.inf) -> None:
    if not (0.0 <= weight < np.inf) or np.isnan(floor) or floor == np.inf or floor < least:
        raise ModelError(
            "number_out_of_range",
            "a term that falls with its worst row is not convex",
            place=name,
            value=(weight, floor),
            limit="weight >= 0, floor below infinity",
            remedy="Correct the model's pieces.",
        )


@dataclass(frozen=True, slots=True)
class Pieces:
    """The terms of one pool, in the order in which they are added.

    ``left_out``: the charges that are no part of it, in words. ``near``: the terms are right at one
    book only, a tangent, and bound nothing.
    """

    terms: tuple[Term, ...]
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())
    near: bool = False

    @property
    def exact(self) -> bool:
        """Whether the pieces are the whole of the requirement."""
        return not self.left_out and not self.near

    @property
    def standing(self) -> Standing:
        """What the sum is to the requirement."""
        if self.near:
            return Standing.TANGENT
        return Standing.EXACT if self.exact else Standing.LOWER

    def at(self, quantity: Floats) -> Floats:
        """[...] money at quantities [..., I]: the sum of the terms in their order."""
        total = np.zeros(np.shape(quantity)[:-1])
        for term in self.terms:
            total = total + term.at(quantity)
        return total

    def slope(self, quantity: Floats) -> Floats:
        """[I] money per unit of each instrument at quantities [I]: one subgradient of the sum."""
        total = np.zeros(np.shape(quantity))
        for term in self.terms:
            total = total + term.slope(quantity)
        return total


@runtime_checkable
class HasPieces(Protocol):
    """Optional beside ``MarginModel``: a model that gives its linear pieces.

    Where charges are not convex, or not linear, they are frozen at the block's one account where
    that is a bound, or left out by name.
    """

    def pieces(self, priced: Priced, held: PoolBook, parameters: Parameters) -> Pieces:
        """The pieces of one pool near the one account of a block; pure."""
        ...
