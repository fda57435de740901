"""The interval of a result over the rival readings of its rules, and what it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.instruments.book import Book
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.model import Fidelity, MarginModel, Requirement
from crossmargin.margin.parameter_files import Parameters, overlay
from crossmargin.margin.pools import cut
from crossmargin.margin.run import run
from crossmargin.margin.totals import account_totals, usd_per_row
from crossmargin.market.view import View

__all__ = ["Reading", "fidelity_shares", "interval", "kind_mix"]


@dataclass(frozen=True, slots=True)
class Reading:
    """One combination of readings and the dollars that it gives, [A]; the first is the default."""

    choices: dict[str, str]
    im_usd: Floats
    mm_usd: Floats


def interval(
    book: Book, view: View, model: MarginModel, parameters: Parameters
) -> tuple[Reading, ...]:
    """The requirement under every combination of the readings that the model names."""
    names = tuple(model.spec.readings)
    found = []
    for values in product(*(model.spec.readings[name] for name in names)):
        choices = dict(zip(names, values, strict=True))
        chosen = overlay(parameters, choices, "reading") if choices else parameters
        totals = account_totals(run(book, view, model, chosen))
        found.append(Reading(choices, totals.im_usd, totals.mm_usd))
    return tuple(found)


def fidelity_shares(requirement: Requirement, column: str = "im") -> dict[Fidelity, float]:
    """Shares of a requirement by the fidelity of the rules that it rests on; they sum to 1.

    Each leaf under ``column`` weighs its dollars. A leaf whose rule is known differently by kind
    is split by the kinds' gross loss in the binding scenario (by gross size without scenarios).
    """
    shares = dict.fromkeys(Fidelity, 0.0)
    sheet, spec = requirement.sheet, requirement.model
    rate = usd_per_row(requirement)
    mixes: dict[int, dict[Kind, float]] = {}
    for name, factor in _leaves(requirement, column).items():
        values = np.abs(sheet[name]) * rate * factor
        rule = spec.rule(next(c.rule for c in sheet.columns if c.name == name))
        for row in np.flatnonzero(values > 0.0).tolist():
            if isinstance(rule.fidelity, Fidelity):
                shares[rule.fidelity] += float(values[row])
                continue
            mix = mixes.setdefault(row, kind_mix(requirement, row))
            # Only the kinds that the rule speaks of: cash does not weigh a charge on futures.
            named = {kind: part for kind, part in mix.items() if kind in rule.fidelity} or mix
            whole = sum(named.values())
            for kind, part in named.items():
                shares[rule.known(kind)] += float(values[row]) * part / whole
    total = sum(shares.values())
    if total <= 0.0:
        return {**dict.fromkeys(Fidelity, 0.0), Fidelity.EXACT: 1.0}
    return {level: value / total for level, value in shares.items()}


def _leaves(requirement: Requirement, column: str) -> dict[str, float]:
    """Leaves under a column with the product of the scales on the way; the binding arm of a max."""
    columns = {c.name: c for c in requirement.sheet.columns}
    out: dict[str, float] = {}

    def walk(name: str, factor: float) -> None:
        node = columns[name]
        if node.operator == "leaf":
            out[name] = out.get(name, 0.0) + abs(factor)
        elif node.operator == "max":
            totals = [float(requirement.sheet[child].sum()) for child in node.children]
            walk(node.children[int(np.argmax(totals))], factor)
        else:
            step = node.constant if node.operator == "scale" else 1.0
            for child in node.children:
                walk(child, factor * step)

    walk(column, 1.0)
    return out


def kind_mix(requirement: Requirement, row: int) -> dict[Kind, float]:
    """Shares of the kinds of instrument in a row: of gross loss in the binding scenario."""
    pool = int(requirement.sheet.pool[row])
    priced = requirement.priced[pool]
    account = int(requirement.sheet.account[row])
    part = requirement.book.rows(account, account + 1)
    held = cut(part, requirement.plan.pools[pool], account)
    code = int(requirement.scenario[row])
    if priced.risk is not None and 0 <= code < priced.risk.count:
        size = np.abs(held.quantity * priced.risk.pnl[held.column, code])
    else:
        size = np.abs(held.quantity)
    kinds = priced.pool.instruments.kind[held.column]
    total = float(size.sum())
    if total <= 0.0:
        return {Kind.ASSET: 1.0}
    return {Kind(int(kind)): float(size[kinds == kind].sum()) / total for kind in np.unique(kinds)}
