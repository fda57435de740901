"""Linear pieces of the Derive managers: scenarios by expiry, basis, shares of perps and shorts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.margin.families.derive_contingencies import Feeds
from crossmargin.margin.families.fold_pieces import folded_terms
from crossmargin.margin.model import PoolBook, Priced
from crossmargin.margin.piece_shapes import gross, shortages
from crossmargin.margin.pieces import Part, Term, WorstOf

__all__ = ["confidence_left", "shares", "span_terms"]


FROZEN = "an expiry whose net value changes its sign is charged by the factor of its sign now"


def span_terms(
    priced: Priced, held: PoolBook
) -> tuple[tuple[Term, ...], tuple[str, ...], tuple[str, ...]]:
    """The span loss before its factor, what is left out, and what is frozen, in words."""
    risk, scenarios = priced.risk, priced.scenarios
    assert scenarios is not None and risk is not None  # set by price()
    fold = priced.facts["fold"]
    quantity = np.asarray(np.bincount(held.column, held.quantity, len(fold.run)), np.float64)
    terms, left, frozen = folded_terms(
        "span_loss", risk.pnl, fold, scenarios.label, quantity, (_basis(priced),)
    )
    return terms, left, (FROZEN,) if frozen else ()


def _basis(priced: Priced) -> Part:
    """Sum over expiries of rate x the worse of the two moves, where that is a loss."""
    table, run = priced.facts["basis_table"], priced.facts["run"]
    rate: Floats = priced.facts["basis_rate"]
    terms = []
    for e in range(len(rate)):
        rows = np.where(run == e, -table[:, :2].T, 0.0)
        if rows.any() and rate[e] > 0.0:
            terms.append(WorstOf(f"basis {e}", rows + 0.0, np.zeros(2), weight=float(rate[e])))
    return Part("basis contingency", tuple(terms))


def shares(priced: Priced, sizes: Mapping[str, Floats], option_rate: float) -> tuple[Term, ...]:
    """Dollars of each size by name, and of the naked shorts of each strike at the spot."""
    feeds = _feeds(priced)
    strikes = priced.pool.facts["strike_run"]
    count = int(strikes.max(initial=-1)) + 1
    rate = np.full(count, option_rate * feeds.spot)
    naked = shortages("option_contingency", feeds.option, strikes, rate)
    return (
        *(t for name, each in sizes.items() for t in gross(f"{name}_contingency", each)),
        *naked,
    )


def _feeds(priced: Priced) -> Feeds:
    facts = priced.facts
    found: Feeds = facts["feeds"] if "feeds" in facts else facts["contingencies"].feeds
    return found


def confidence_left(feeds: Feeds) -> tuple[str, ...]:
    """What a doubtful feed costs jumps with what is held beside it: left out where one is."""
    return () if feeds.trusted else ("the cost of feeds that are in doubt",)
