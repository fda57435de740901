"""Linear pieces of Deribit portfolio margin: matrix and roll shock.

The delta shock rises with the square of the delta up to a cap: it is not convex, and left out.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.margin.families.fold_pieces import folded_terms
from crossmargin.margin.model import PoolBook, Priced
from crossmargin.margin.piece_shapes import equity_map, nets
from crossmargin.margin.pieces import LargestOf, Part, Pieces, Term, WorstOf

__all__ = ["pieces_of"]

SHOCK = "the delta shock of large directional books"


def pieces_of(priced: Priced, held: PoolBook, *, cross: bool) -> Pieces:
    """The pieces of one pool; in cross mode a reported equity counts as a position in its coin."""
    risk, scenarios, facts = priced.risk, priced.scenarios, priced.facts
    assert scenarios is not None and risk is not None  # set by price()
    size = np.asarray(
        np.bincount(held.column, held.quantity, len(priced.pool.instruments)), np.float64
    )
    found = folded_terms("worst_case", risk.pnl, facts["fold"], scenarios.label, size)
    terms, left, _ = found
    if cross and held.book.reported.equity:
        turn, fixed = equity_map(priced, held)
        terms = tuple(_turned(term, turn, fixed) for term in terms)
    delta, run = priced.columns["delta"], priced.pool.facts["roll_run"]
    shock = (SHOCK,) if _shocks(facts["shock"]) else ()
    return Pieces((*terms, *nets("roll_shock", delta, run, facts["roll"])), (*shock, *left))


def _shocks(tables: Floats) -> bool:
    """Whether a currency of the pool has a delta shock at all."""
    return bool((tables[0] * tables[1]).any())


def _turned(term: Term, turn: Floats, fixed: Floats) -> Any:
    """The term of counted quantities as one of held quantities."""
    if isinstance(term, WorstOf):
        offset = term.offset + term.rows @ fixed
        return WorstOf(term.name, term.rows @ turn, offset, term.scenario, term.floor, term.weight)
    assert isinstance(term, LargestOf)  # folds make no other
    parts = tuple(
        Part(part.name, tuple(_turned(t, turn, fixed) for t in part.terms), part.offset)
        for part in term.parts
    )
    return LargestOf(term.name, parts, term.floor, term.weight)
