"""Which books tell the rival readings of a model apart, and which reading a venue's answers fit.

A *combination* is one value of every switch in ``ModelSpec.readings``. Every candidate book is an
account of one population, margined once under every combination; what a venue prints of it (columns
of the sheet, P&L before and after aggregation in every scenario) is its answer. Two combinations
are apart on a book if a printed component, or a vector against its largest number, differs by more
than 1 %: ten times what the venue's own printing of volatilities blurs. Books are chosen greedily:
always the one that parts the most pairs not parted yet, the first of equals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from crossmargin.core.arrays import Bools, Floats, Longs
from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book
from crossmargin.margin.model import MarginModel, ModelSpec, Requirement
from crossmargin.margin.parameter_files import Parameters, overlay
from crossmargin.margin.pools import cut
from crossmargin.margin.run import run
from crossmargin.margin.verification import Case, verify_case
from crossmargin.market.view import View
from crossmargin.pricing.netting import net

__all__ = [
    "PROBES_MAX",
    "Choice",
    "Combination",
    "Fit",
    "Trial",
    "choose_probes",
    "combinations",
    "fit_readings",
]

PROBES_MAX = 40
_APART = 0.01
_NOISE = 1e-9  # of a book's largest number: a component below is nothing
Combination = dict[str, str]


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen books in order, and the pairs of combinations that no candidate parts."""

    account: tuple[int, ...]
    combinations: tuple[Combination, ...]
    parted: tuple[int, ...]  # pairs parted by each chosen book, first come
    together: tuple[tuple[int, int], ...]  # pairs that stay together

    def open_readings(self) -> tuple[str, ...]:
        """Switches of which two values cannot be told apart, all others equal."""
        names: dict[str, None] = {}
        for a, b in self.together:
            one, other = self.combinations[a], self.combinations[b]
            differ = [name for name in one if one[name] != other[name]]
            if len(differ) == 1:
                names[differ[0]] = None
        return tuple(names)


@dataclass(frozen=True, slots=True)
class Trial:
    """One combination against all answers: how many hold, how far off, and where first."""

    choices: Combination
    holding: int
    distance: float
    first: str


@dataclass(frozen=True, slots=True)
class Fit:
    """Every combination, those that hold everywhere first (by distance, then the default first)."""

    trials: tuple[Trial, ...]
    answers: int

    @property
    def holding(self) -> tuple[Trial, ...]:
        """Combinations that fit every answer; empty where none does."""
        return tuple(trial for trial in self.trials if trial.holding == self.answers)

    def decided(self) -> dict[str, str]:
        """Switches of which one value is left."""
        return {name: left[0] for name, left in self._left().items() if len(left) == 1}

    def undecided(self) -> dict[str, tuple[str, ...]]:
        """Switches of which several values fit."""
        return {name: left for name, left in self._left().items() if len(left) > 1}

    def _left(self) -> dict[str, tuple[str, ...]]:
        names = list(self.trials[0].choices) if self.trials else []
        return {
            name: tuple(dict.fromkeys(trial.choices[name] for trial in self.holding))
            for name in names
        }


def combinations(spec: ModelSpec) -> tuple[Combination, ...]:
    """Every combination of the readings of a model; the default first.

    Raises InputError ``option_unknown`` for a model without readings.
    """
    if not spec.readings:
        raise InputError(
            "option_unknown",
            "the model has no open reading",
            value=spec.name,
            remedy="Choose a model whose `crossmargin models NAME` lists readings.",
        )
    names = tuple(spec.readings)
    return tuple(
        dict(zip(names, values, strict=True))
        for values in product(*(spec.readings[name] for name in names))
    )


def choose_probes(
    book: Book,
    view: View,
    model: MarginModel,
    parameters: Parameters,
    columns: Sequence[str],
    most: int = PROBES_MAX,
) -> Choice:
    """The fewest accounts of ``book`` (greedily) whose answers part the model's readings.

    ``columns`` are those of the sheet that the venue prints. ``most``: 1 to 40.
    """
    if not 1 <= most <= PROBES_MAX:
        raise InputError(
            "number_out_of_range",
            "the number of probes is out of bounds",
            place="most",
            value=most,
            limit=f"1 to {PROBES_MAX}",
            remedy="Choose fewer.",
        )
    tried = combinations(model.spec)
    answers = [
        _answer(run(book, view, model, overlay(parameters, choice, "probe")), columns)
        for choice in tried
    ]
    first, second = np.triu_indices(len(tried), 1)
    apart = _apart(answers, first, second)
    chosen: list[int] = []
    parted: list[int] = []
    left = np.ones(len(first), np.bool_)
    while left.any() and len(chosen) < most:
        gains = (apart & left).sum(axis=1)
        best = int(np.argmax(gains))
        if gains[best] == 0:
            break
        chosen.append(best)
        parted.append(int(gains[best]))
        left &= ~apart[best]
    rest = np.flatnonzero(left)
    together = tuple(zip(first[rest].tolist(), second[rest].tolist(), strict=True))
    return Choice(tuple(chosen), tried, tuple(parted), together)


def _answer(found: Requirement, columns: Sequence[str]) -> list[Floats]:
    """What the venue would print of each account, pool after pool: blocks [A, width]."""
    blocks: list[Floats] = []
    accounts = len(found.book)
    for number, pool in enumerate(found.plan.pools):
        rows = np.flatnonzero(found.sheet.pool == number)
        owner = found.sheet.account[rows]
        for name in columns:
            column = np.zeros((accounts, 1))
            column[owner, 0] = found.sheet[name][rows]
            blocks.append(column)
        priced = found.priced[number]
        held = cut(found.book, pool, 0)
        vector = found.via.vector(priced, held)
        if vector is not None and priced.risk is not None:
            before = net(held.row, held.column, held.quantity, priced.risk.pnl)
            blocks += [np.asarray(vector), np.asarray(before)[:, : priced.risk.count]]
    return blocks


def _apart(answers: Sequence[Sequence[Floats]], first: Longs, second: Longs) -> Bools:
    """[A, pairs] whether an account's answers differ between two combinations."""
    accounts = len(answers[0][0])
    largest = np.zeros(accounts)
    for blocks in answers:
        for block in blocks:
            largest = np.maximum(largest, np.abs(block).max(axis=1))
    out = np.zeros((accounts, len(first)), np.bool_)
    for number in range(len(answers[0])):
        block = np.stack([blocks[number] for blocks in answers])  # [combinations, A, width]
        size = np.abs(block).max(axis=2)
        for k, (a, b) in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
            differs = np.abs(block[a] - block[b]).max(axis=1)
            own = np.maximum(size[a], size[b])
            out[:, k] |= (differs > _APART * own) & (own > _NOISE * largest)
    return out


def fit_readings(cases: Sequence[Case], spec: ModelSpec, tolerance: float = 1e-9) -> Fit:
    """Every combination of readings against the venue's answers.

    ``tolerance``: share by which a printed number may differ. Raises InputError ``book_empty``
    where there is no answer.
    """
    if not cases:
        raise InputError("book_empty", "there is no answer to fit", remedy="Give one or more.")
    trials = []
    for choice in combinations(spec):
        holding, distance, first = 0, 0.0, ""
        for case in cases:
            chosen = replace(
                case,
                parameters=overlay(case.parameters, choice, "fit"),
                room_fraction=max(case.room_fraction, tolerance),
            )
            found = verify_case(chosen)
            holding += found.holds
            distance += found.distance
            first = first or found.first_place
        trials.append(Trial(choice, holding, distance, first))
    # Stable: of equals the default, then the order of the readings.
    ordered = sorted(trials, key=lambda trial: (-trial.holding, trial.distance))
    return Fit(tuple(ordered), len(cases))
