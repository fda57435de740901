"""The requirement of a model as a limit on weights: its linear pieces over what the weights buy.

    q = base + step @ h,    h_i = w_i units_i,    R(w) = sum over pools of usd x pieces(q)

``h_i`` is the size of the contract that stands for asset i, ``units_i`` what a weight of one buys.
A row of the pieces over the quantities of a pool becomes a row over the sizes; what does not depend
on them (balances, held positions) a constant.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from crossmargin.core.arrays import Floats, Ints
from crossmargin.decisions.margin_choice import blocks_of
from crossmargin.decisions.margin_rows import Block
from crossmargin.decisions.programme import Programme
from crossmargin.decisions.weight_limits import MarginBudget, WeightLimits
from crossmargin.margin.pieces import LargestOf, Part, Separable, Standing, Term, WorstOf
from crossmargin.margin.whatif import Prepared

__all__ = ["least_margin", "margin_budget", "sharpened", "terms_over"]


def margin_budget(
    prepared: Prepared, column: Ints, units: Floats, limit_usd: float
) -> tuple[MarginBudget, tuple[str, ...]]:
    """The limit and, in words, what the pieces leave out; dollars.

    ``column[n]``: rows of the prepared table that stand for the assets.
    """
    blocks = blocks_of(prepared, column)
    terms = tuple(term for block in blocks for term in terms_over(block))
    left = dict.fromkeys(text for block in blocks for text in block.pieces.left_out)
    return MarginBudget(terms, units, limit_usd, "margin budget"), tuple(left)


def sharpened(
    prepared: Prepared, column: Ints, budget: MarginBudget, weights: Floats
) -> MarginBudget | None:
    """The limit with the tangents at ``weights`` too; None where no pool's pieces are a tangent.

    A pool's tangents are one term, the largest of them (Kelley's cuts).
    """
    blocks = blocks_of(prepared, column, weights * budget.units)
    if not any(block.pieces.standing is Standing.TANGENT for block in blocks):
        return None
    fresh = [term for block in blocks for term in terms_over(block)]
    terms: list[Term] = []
    for old, new in zip(budget.terms, fresh, strict=True):
        if not (isinstance(old, WorstOf) and isinstance(new, WorstOf) and new.name == "tangent"):
            terms.append(old)
            continue
        rows, offset = np.vstack([old.rows, new.rows]), np.append(old.offset, new.offset)
        terms.append(WorstOf(old.name, rows, offset, (), old.floor, old.weight))
    return replace(budget, terms=tuple(terms))


def least_margin(allowed: WeightLimits, budget: MarginBudget) -> float | None:
    """The least dollars of the pieces that weights within the limits have; None where none do."""
    columns = replace(allowed, margins=(budget,)).columns()
    cost = np.zeros(len(columns.low))
    row = columns.held.pop()  # the sum of the terms, the last that is added
    cost[list(row)] = list(row.values())
    made = Programme(cost, np.array(columns.low), np.array(columns.high))
    for held, least, most in zip(columns.held, columns.least, columns.most, strict=False):
        made.add(list(held), np.array(list(held.values())), least, most)
    found = made.solve()
    return None if found is None else found.objective * budget.limit


def terms_over(block: Block) -> tuple[Term, ...]:
    """The terms of a pool's pieces in dollars, over the sizes of the trades [J]."""
    return tuple(_over(term, block, block.usd_per_unit) for term in _flat(block))


def _flat(block: Block) -> tuple[Term, ...]:
    """The terms; a charge by position on what is held or does not move is one of rows."""
    out: list[Term] = []
    for term in block.pieces.terms:
        out += _split(term, block) if isinstance(term, Separable) else [term]
    return tuple(out)


def _split(term: Separable, block: Block) -> list[Term]:
    """A charge by position as rows, one term an instrument that moves, and one of the rest."""
    moved = np.flatnonzero(block.step.any(axis=1) & ((term.long != 0.0) | (term.short != 0.0)))
    still = np.ones(len(block.base), np.bool_)
    still[moved] = False
    rest = np.where(still, block.base, 0.0)
    fixed = float(np.maximum(rest, 0.0) @ term.long + np.maximum(-rest, 0.0) @ term.short)
    out: list[Term] = []
    for i in moved.tolist():
        rows = np.zeros((2, len(block.base)))
        rows[0, i], rows[1, i] = term.long[i], -term.short[i]
        out.append(WorstOf(term.name, rows, np.zeros(2), floor=-np.inf, weight=term.weight))
    if fixed != 0.0:
        row = np.zeros((1, len(block.base)))
        out.append(WorstOf(term.name, row, np.array([fixed]), floor=-np.inf, weight=term.weight))
    return out


def _over(term: Term, block: Block, usd: float) -> Term:
    """A term over the sizes of the trades; ``usd`` dollars a unit of its money."""
    if isinstance(term, WorstOf):
        rows = term.rows @ block.step
        offset = term.rows @ block.base + term.offset
        return WorstOf(term.name, rows, offset, term.scenario, term.floor, term.weight * usd)
    assert isinstance(term, LargestOf)  # charges by position were split before
    parts = []
    for part in term.parts:
        inner: list[Term] = []
        for each in part.terms:
            inner += _split(each, block) if isinstance(each, Separable) else [each]
        parts.append(Part(part.name, tuple(_over(t, block, 1.0) for t in inner), part.offset))
    return LargestOf(term.name, tuple(parts), term.floor, term.weight * usd)
