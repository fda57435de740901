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
from crossmargin.margin.pools import by_row, cut, row_of_position
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
    mix = kind_mix(requirement)
    for name, factor in _leaves(requirement, column).items():
        values = np.abs(sheet[name]) * rate * factor
        rule = spec.rule(next(c.rule for c in sheet.columns if c.name == name))
        if isinstance(rule.fidelity, Fidelity):
            shares[rule.fidelity] += float(values.sum())
            continue
        # Only the kinds that the rule speaks of: cash does not weigh a charge on futures.
        spoken = np.array([kind in rule.fidelity for kind in Kind], np.float64)
        named = mix * spoken
        whole = named.sum(axis=1)
        named = np.where(whole[:, None] > 0.0, named, mix)
        named /= named.sum(axis=1, keepdims=True)
        for kind, dollars in zip(Kind, (named * values[:, None]).sum(axis=0).tolist(), strict=True):
            shares[rule.known(kind)] += dollars
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


def kind_mix(requirement: Requirement) -> Floats:
    """[R, kinds] shares of the kinds of instrument in each row: of gross loss where it binds.

    Gross size where a row has no scenario; a row that holds nothing counts as ASSET.
    """
    sheet, kinds = requirement.sheet, len(Kind)
    out = np.zeros((len(sheet), kinds))
    for number, pool in enumerate(requirement.plan.pools):
        rows = np.flatnonzero(sheet.pool == number)
        priced = requirement.priced[number]
        held = cut(requirement.book, pool, 0)
        owner = row_of_position(held.row)
        size = np.abs(held.quantity)
        if priced.risk is not None:
            code = requirement.scenario[rows][owner]
            inside = (code >= 0) & (code < priced.risk.count)
            loss = np.abs(priced.risk.pnl[held.column, np.where(inside, code, 0)])
            size = np.where(inside, size * loss, size)
        kind = pool.instruments.kind[held.column].astype(np.int64)
        count = len(held.row) - 1
        found = by_row(owner * kinds + kind, size, count * kinds).reshape(count, kinds)
        out[rows] = found
    total = out.sum(axis=1)
    out[total <= 0.0, int(Kind.ASSET)] = 1.0
    return np.asarray(out / np.where(total > 0.0, total, 1.0)[:, None])
