"""The linear pieces of a requirement: what an optimiser may know of a model.

    im(q)  >=  sum over terms of  weight * max(max over rows of (rows @ q + offset), floor)

with ``q[I]`` the quantities of a pool's instruments in its canonical order and money of the pool's
currency. Each term is convex and piecewise linear, so a sum of them is a linear programme. An
absolute value is two rows, a positive part one row and the floor 0, a short-option charge one term
an option. What a model charges beside its pieces is named in ``left_out``: the exact model is run
again on every answer, and the difference is shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np

from crossmargin.core.arrays import Floats, finite
from crossmargin.core.errors import ModelError
from crossmargin.margin.model import PoolBook, Priced
from crossmargin.margin.parameter_files import Parameters

__all__ = ["HasPieces", "Pieces", "WorstOf"]


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
        if not (0.0 <= self.weight < np.inf) or np.isnan(self.floor) or self.floor == np.inf:
            raise ModelError(
                "number_out_of_range",
                "a term that falls with its worst row is not convex",
                place=self.name,
                value=(self.weight, self.floor),
                limit="weight >= 0, floor below infinity",
                remedy="Correct the model's pieces.",
            )

    def values(self, quantity: Floats) -> Floats:
        """[..., K] of quantities [..., I], before floor and weight."""
        return np.asarray(quantity @ self.rows.T + self.offset)

    def at(self, quantity: Floats) -> Floats:
        """[...] money of the term at quantities [..., I]."""
        worst = self.values(quantity).max(axis=-1)
        return np.asarray(self.weight * np.maximum(worst, self.floor))


@dataclass(frozen=True, slots=True)
class Pieces:
    """The terms of one pool, in the order in which they are added.

    ``exact``: their sum is the model's requirement of every book without orders, before rounding.
    ``left_out``: the charges that are no part of it, in words; empty exactly where ``exact``.
    """

    terms: tuple[WorstOf, ...]
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def exact(self) -> bool:
        """Whether the pieces are the whole of the requirement."""
        return not self.left_out

    def at(self, quantity: Floats) -> Floats:
        """[...] money at quantities [..., I]: the sum of the terms in their order."""
        total = np.zeros(np.shape(quantity)[:-1])
        for term in self.terms:
            total = total + term.at(quantity)
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
