"""Euler's shares of a model's linear pieces, exact, with an optimisation's own multipliers.

    share_i = q_i sum over terms of weight * sum over tied rows k of w_k rows[k, i]

The shares and what no position moves (offsets, floors) add up to the pieces' value. Where rows of a
term tie, their weights are the multipliers that an optimisation gives for them
(``decisions.margin_rows.Binding.share`` by pool, term and scenario, or the number of the row where
it is no scenario), else those of the rule of :func:`crossmargin.risk.euler.tie_weights`. A floor
that ties is a row of zeros.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import InputError
from crossmargin.margin.pieces import LargestOf, Pieces, Separable, Term, WorstOf
from crossmargin.risk.euler import TIE, TieRule, tie_weights

__all__ = ["FLOOR", "PieceShares", "shares_of_pieces"]

FLOOR = "floor"  # the name of a floor among the rows that tie
Multipliers = Mapping[tuple[str, str], float]  # (term, scenario) -> share of the term's slope


@dataclass(frozen=True, slots=True)
class PieceShares:
    """[I] shares in the pool's currency; ``shares`` and ``fixed`` add up to ``value``.

    ``marginal[I]`` is the mixed slope a unit. ``tied`` are (term, names of its tied rows, weights)
    of the terms where more than one row is at the worst.
    """

    value: float
    shares: Floats
    fixed: float
    marginal: Floats
    tied: tuple[tuple[str, tuple[str, ...], Floats], ...]


def shares_of_pieces(
    pieces: Pieces,
    quantity: Floats,
    *,
    multipliers: Multipliers | None = None,
    rule: TieRule | str = TieRule.LP,
    tie: float = TIE,
) -> PieceShares:
    """The shares of quantities ``[I]`` under ``pieces``.

    ``tie``: how near to the worst a row ties, as a share of the term's largest product; the answer
    of an optimisation ties to its solver's tolerance, about 1e-7.

    Raises InputError ``number_out_of_range`` for multipliers that lie on rows which do not tie.
    """
    mixer = _Mixer(np.asarray(quantity, np.float64), multipliers or {}, rule, tie)
    slope = np.zeros(len(mixer.quantity))
    for term in pieces.terms:
        slope = slope + mixer.slope(term)
    shares = slope * mixer.quantity
    value = float(pieces.at(mixer.quantity))
    return PieceShares(value, shares, value - float(shares.sum()), slope, tuple(mixer.tied))


class _Mixer:
    """The slope of one term at a time; ties are kept as they are met."""

    def __init__(
        self, quantity: Floats, multipliers: Multipliers, rule: TieRule | str, tie: float
    ) -> None:
        self.quantity, self.multipliers = quantity, multipliers
        self.rule, self.tie = rule, tie
        self.tied: list[tuple[str, tuple[str, ...], Floats]] = []

    def slope(self, term: Term) -> Floats:
        if isinstance(term, Separable):
            return term.slope(self.quantity)
        values = term.values(self.quantity)
        if isinstance(term, WorstOf):
            size = float(np.abs(term.rows * self.quantity).sum(axis=1).max(initial=0.0))
            near, names, rows = self._near(values, term.floor, size)
            table = [term.rows[k] for k in rows]
            labels = [(term.scenario[k] if term.scenario else "") or str(k) for k in rows]
        else:
            size = float(np.abs(values).max(initial=0.0))
            near, names, rows = self._near(values, term.floor, size)
            table = [self._part(term, k) for k in rows]
            labels = [term.parts[k].name for k in rows]
        if near:
            table.append(np.zeros(len(self.quantity)))
            labels += names
        return np.asarray(term.weight * self._mixed(term.name, labels, np.array(table)))

    def _near(self, values: Floats, floor: float, size: float) -> tuple[bool, list[str], list[int]]:
        """Whether the floor ties, its name, and the rows at the worst."""
        worst = max(float(values.max()), floor)
        least = worst - self.tie * max(abs(worst), size)
        return floor >= least, [FLOOR], np.flatnonzero(values >= least).tolist()

    def _part(self, term: LargestOf, k: int) -> Floats:
        total = np.zeros(len(self.quantity))
        for own in term.parts[k].terms:
            total = total + self.slope(own)
        return total

    def _mixed(self, name: str, labels: Sequence[str], table: Floats) -> Floats:
        given = [self.multipliers.get((name, label), 0.0) for label in labels]
        stated = sum(share for (term, _), share in self.multipliers.items() if term == name)
        if stated > 0.0:
            weights = self._given(name, np.array(given), stated)
        elif len(table) == 1:
            return np.asarray(table[0])
        else:
            weights = tie_weights(table * self.quantity, self.rule)
        if (table * self.quantity).any():  # where nothing is held nothing ties
            self.tied.append((name, tuple(labels), weights))
        return np.asarray((weights[:, None] * table).sum(axis=0))

    def _given(self, name: str, own: Floats, stated: float) -> Floats:
        """Multipliers of the tied rows; they must not lie elsewhere."""
        if own.sum() < (1.0 - 1e-6) * stated or (own < 0.0).any():
            raise InputError(
                "number_out_of_range",
                "multipliers lie on rows that are not at the worst",
                place=name,
                value=stated - float(own.sum()),
                limit="not negative, on tied rows alone",
                remedy="Give those of the book that the optimisation ends in, or a wider tie.",
            )
        return np.asarray(own / own.sum())
