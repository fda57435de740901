"""The shapes of which families make their pieces: scenarios, gross, net of groups, equity at risk.

scenarios   max over s of -(pnl_s @ q) weight_s            one row a scenario
nets        sum over groups g of rate_g |sum of size_i q_i|  two rows a group
shortages   sum over groups g of rate_g max(-sum of size_i q_i, 0)
gross       sum over i of rate_i |q_i|
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from crossmargin.core.arrays import Floats, Ints
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.model import PoolBook, Priced
from crossmargin.margin.pieces import LargestOf, Part, Separable, Term, WorstOf

__all__ = ["equity_map", "gross", "larger", "linear", "nets", "scaled", "scenarios", "shortages"]


def scenarios(name: str, pnl: Floats, weight: Floats, labels: Sequence[str]) -> WorstOf:
    """The worst loss of ``pnl[I, S]`` times ``weight[S]``, never below zero."""
    rows = np.ascontiguousarray(-(pnl[:, : len(labels)] * weight[: len(labels)]).T)
    return WorstOf(name, rows + 0.0, np.zeros(len(labels)), tuple(labels))


def linear(name: str, row: Floats, offset: float = 0.0) -> WorstOf:
    """A charge ``row[I] @ q + offset``, of either sign."""
    return WorstOf(name, row[None, :], np.array([offset]), floor=-np.inf)


def gross(name: str, rate: Floats) -> tuple[Separable, ...]:
    """``rate[I]`` of the size of each position; nothing where no row has a rate."""
    return (Separable(name, rate, rate),) if rate.any() else ()


def nets(name: str, size: Floats, run: Ints, rate: Floats) -> tuple[WorstOf, ...]:
    """``rate[G] |sum of size[I] q|`` of each group; rows with code -1 count nowhere."""
    out = []
    for g, row in _groups(size, run, rate):
        rows = np.stack([row, -row])
        out.append(WorstOf(f"{name} {g}", rows, np.zeros(2), floor=-np.inf, weight=float(rate[g])))
    return tuple(out)


def shortages(name: str, size: Floats, run: Ints, rate: Floats) -> tuple[WorstOf, ...]:
    """``rate[G] max(-sum of size[I] q, 0)`` of each group."""
    return tuple(
        WorstOf(f"{name} {g}", -row[None, :], np.zeros(1), weight=float(rate[g]))
        for g, row in _groups(size, run, rate)
    )


def _groups(size: Floats, run: Ints, rate: Floats) -> list[tuple[int, Floats]]:
    """Number and row of each group that can charge anything."""
    out = []
    for g in range(len(rate)):
        row = np.where(run == g, size, 0.0)
        if rate[g] > 0.0 and row.any():
            out.append((g, row))
    return out


def larger(name: str, *sides: tuple[str, Sequence[Term]]) -> tuple[Term, ...]:
    """The largest of sums of terms; an empty side is zero, which no sum of charges is below."""
    full = [(label, tuple(terms)) for label, terms in sides if terms]
    if len(full) < 2:
        return full[0][1] if full else ()
    return (LargestOf(name, tuple(Part(label, terms) for label, terms in full)),)


def scaled(factor: float, terms: Sequence[Term]) -> tuple[Term, ...]:
    """The terms times ``factor`` >= 0."""
    return tuple(replace(term, weight=term.weight * factor) for term in terms)


def equity_map(priced: Priced, held: PoolBook) -> tuple[Floats, Floats]:
    """What a model that puts reported equity at risk counts: ``q @ turn + fixed``, [I, I] and [I].

    The balance line of a currency with a reported equity is that equity less the value of the
    options that settle in it (which have rows of their own), whatever cash is held.
    """
    part = priced.pool.instruments
    turn, fixed = np.eye(len(part)), np.zeros(len(part))
    given = held.book.reported.equity
    if not given or not priced.pool.facts.get("cash_at_risk", True) or not held.book.account:
        return turn, fixed
    line = {i.underlying: k for k, i in enumerate(part.items) if i.kind == Kind.ASSET}
    settle = np.array([item.settle for item in part.items])
    for (account, currency), amount in given.items():
        if account != held.book.account[0] or currency not in line:
            continue
        own = line[currency]
        turn[:, own] = np.where(settle == currency, -priced.option_value, 0.0)
        fixed[own] = amount
    return turn, fixed
