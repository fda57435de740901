"""A venue's own figures beside ours: component by component, scenario by scenario.

A *case* is a book, its market and its parameters as one payload of the venue gives them, and the
numbers that the venue made of them. Ours are computed from the same inputs:

    own     value of the component when every part that the venue prints is put in its place
    holds   |ours - theirs| <= room
    follows ours differs, own does not: only because its parts differ
    differs own differs too: its rule is where ours and theirs part
    missing a rule that is not published (Fidelity.MISSING) is left out: listed, never a failure
    given   taken from the payload: nothing of ours to compare

``room`` is half a unit of the last decimal that the venue prints, plus 16 units of float64 rounding
of the largest number in the case. Units: the pool's currency.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import InputError, ModelError
from crossmargin.instruments.book import Book
from crossmargin.margin.model import Fidelity, Requirement, Rule
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import cut
from crossmargin.margin.register import model_named
from crossmargin.margin.run import run
from crossmargin.margin.sheet import Column, Sheet
from crossmargin.market.snapshot import Snapshot
from crossmargin.scenarios.sets import ScenarioSet

__all__ = [
    "Case",
    "Claim",
    "Finding",
    "Status",
    "VectorClaim",
    "VectorFinding",
    "Verification",
    "room_of",
    "verify_case",
]

_ROUNDINGS = 16 * 2.0**-52
_SAME_MOVE = 1e-9


class Status(StrEnum):
    """How a component compares."""

    HOLDS = "holds"
    FOLLOWS = "follows"  # differs, and only because its parts do
    DIFFERS = "differs"
    MISSING = "missing"  # a rule that is not published is left out
    GIVEN = "given"  # taken from the payload


@dataclass(frozen=True, slots=True)
class Claim:
    """One number that the venue prints: the sum of ``plus`` less the sum of ``minus`` of a sheet.

    ``pool`` is the label of the pool; empty adds the pools of the account (one currency).
    ``decimals`` are those printed; None where the venue prints the float in full.
    """

    name: str
    theirs: float
    plus: tuple[str, ...] = ()
    minus: tuple[str, ...] = ()
    pool: str = ""
    decimals: int | None = None
    given: bool = False
    factor: float = 1.0  # theirs per unit of ours: a currency or a sign


@dataclass(frozen=True, slots=True)
class VectorClaim:
    """Numbers that the venue prints one a scenario.

    ``members`` are (venue, native id) whose scenario P&L is added, weighted by the holding; empty
    is the account's vector after the model's aggregation. ``scenario`` numbers ours for each; or
    ``at`` names it by its move and volatility (``""``: any), and of several the worst is compared.
    """

    name: str
    theirs: tuple[float, ...]
    scenario: tuple[int, ...] = ()
    at: tuple[tuple[float, str], ...] = ()
    members: tuple[tuple[str, str], ...] = ()
    pool: str = ""
    decimals: int | None = None
    factor: float = 1.0
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """What one payload gives, and what the venue says of it. The book has one account."""

    venue: str
    endpoint: str
    model: str
    as_of_ms: int
    book: Book
    snapshot: Snapshot
    parameters: Parameters
    claims: tuple[Claim, ...]
    vectors: tuple[VectorClaim, ...] = ()
    binding: tuple[int, ...] = ()  # our scenarios that the venue names as the worst; empty: none
    notes: tuple[str, ...] = ()
    room_fraction: float = 0.0  # of each number: where the venue reads several instants at once


@dataclass(frozen=True, slots=True)
class Finding:
    """One component: ours, theirs, and whether the rule is the same."""

    name: str
    ours: float | None
    theirs: float
    own: float | None
    room: float
    status: Status
    rule: str
    fidelity: str

    @property
    def difference(self) -> float | None:
        """Ours less theirs; None where there is nothing of ours."""
        return None if self.ours is None else self.ours - self.theirs


@dataclass(frozen=True, slots=True)
class VectorFinding:
    """One vector: every number, and the first scenario in which they part (-1: none)."""

    name: str
    label: tuple[str, ...]
    ours: tuple[float, ...]
    theirs: tuple[float, ...]
    room: float
    first: int
    rule: str

    @property
    def holds(self) -> bool:
        """Whether every number agrees."""
        return self.first < 0

    @property
    def largest(self) -> float:
        """The largest distance."""
        pairs = zip(self.ours, self.theirs, strict=True)
        return max((abs(a - b) for a, b in pairs), default=0.0)


@dataclass(frozen=True, slots=True)
class Verification:
    """The comparison of one case."""

    case: Case
    requirement: Requirement
    findings: tuple[Finding, ...]
    vectors: tuple[VectorFinding, ...] = ()
    scenario: str = ""  # ours that binds, where the venue names another
    first: str = ""  # the first rule where ours and theirs part; empty where none does
    first_place: str = field(default="")

    @property
    def holds(self) -> bool:
        """Whether no component and no vector differs; what is missing does not count."""
        bad = (Status.DIFFERS, Status.FOLLOWS)
        vectors = all(vector.holds for vector in self.vectors)
        return vectors and not self.scenario and not any(f.status in bad for f in self.findings)

    @property
    def distance(self) -> float:
        """Sum over components and vectors of (distance less room) over size: 0 where it holds."""
        total = 0.0
        for finding in self.findings:
            if finding.status in (Status.DIFFERS, Status.FOLLOWS) and finding.ours is not None:
                size = max(abs(finding.theirs), abs(finding.ours), finding.room)
                total += abs(finding.ours - finding.theirs) / size
        total += 1.0 if self.scenario else 0.0
        for vector in self.vectors:
            if not vector.holds:
                size = max(abs(x) for x in (*vector.theirs, *vector.ours, vector.room))
                total += vector.largest / size
        return total


def verify_case(case: Case) -> Verification:
    """Ours against the venue's, for one account.

    Raises InputError ``column_missing`` for a market that cannot price the book, and what the
    model raises.
    """
    model = model_named(case.model)
    view = case.snapshot.view(case.book.instruments, case.as_of_ms)
    if view.failures:
        failure = view.failures[0]
        raise InputError(
            "column_missing",
            f"the payload does not price {failure.subject}: {failure.reason}",
            place=f"{case.venue} {case.endpoint}",
            value=failure.code,
            limit="mark, and forward and volatility of an option",
            remedy="Give the tickers with the payload, or a snapshot with --market.",
        )
    found = run(case.book, view, model, case.parameters)
    vectors = tuple(_vector(case, found, claim) for claim in case.vectors)
    findings = _components(case, found)
    scenario = _other_scenario(case, found)
    first, place = _first(findings, vectors, scenario)
    return Verification(case, found, findings, vectors, scenario, first, place)


def room_of(decimals: int | None, gross: float, share: float = 0.0) -> float:
    """How far apart two numbers may lie: half a last decimal, roundings, and what is stated.

    ``gross`` is the largest number that the sum passes through, ``share`` an amount of its own.
    """
    printed = 0.0 if decimals is None else 0.5 * 10.0**-decimals
    return printed + _ROUNDINGS * gross + share


def _rows(found: Requirement, pool: str) -> list[int]:
    """Rows of the sheet that a claim speaks of."""
    labels = [found.plan.pools[int(code)].label for code in found.sheet.pool]
    rows = [k for k, label in enumerate(labels) if pool in ("", label)]
    if not rows:
        raise InputError(
            "option_unknown",
            "the payload speaks of a pool that the book does not make",
            place=found.model.name,
            value=pool,
            limit=", ".join(labels),
            remedy="Give the payload of the currency that is held.",
        )
    if len({found.plan.pools[int(found.sheet.pool[k])].currency for k in rows}) > 1:
        raise InputError(
            "unit_wrong",
            "one number of the payload stands for pools of several currencies",
            place=found.model.name,
            limit="one currency",
            remedy="Give the payload of one currency.",
        )
    return rows


_OPERATORS: Mapping[str, Callable[[Column, list[float]], float]] = {
    "sum": lambda _, parts: float(sum(parts[1:], parts[0])),
    "difference": lambda _, parts: parts[0] - parts[1],
    "product": lambda _, parts: parts[0] * parts[1],
    "max": lambda _, parts: max(parts),
    "min": lambda _, parts: min(parts),
    "scale": lambda column, parts: parts[0] * column.constant,
    "round": lambda column, parts: float(np.round(parts[0], int(column.constant))),
}


def _own(sheet: Sheet, row: int, name: str, known: Mapping[str, float]) -> float:
    """A column of a row, with the venue's own numbers in place of the columns under it."""
    columns = {column.name: column for column in sheet.columns}
    done: dict[str, float] = {}

    def of(part: str, top: bool = False) -> float:
        if not top and part in known:
            return known[part]
        if part not in done:
            column = columns[part]
            done[part] = (
                float(sheet[part][row])
                if column.operator == "leaf"
                else _OPERATORS[column.operator](column, [of(child) for child in column.children])
            )
        return done[part]

    return of(name, top=True)


def _components(case: Case, found: Requirement) -> tuple[Finding, ...]:
    """Every claim, in the order given."""
    rules = {column.name: column.rule for column in found.sheet.columns}
    gross = max((abs(claim.theirs) for claim in case.claims), default=0.0)
    gross = max([gross, *(abs(x) for vector in case.vectors for x in vector.theirs)])
    gross = max([gross, *(float(np.abs(values).max()) for values in found.sheet.values)])
    found_ones = [_compare(case, found, claim, rules, gross) for claim in case.claims]
    return _after_missing(found_ones)


def _compare(
    case: Case, found: Requirement, claim: Claim, rules: Mapping[str, str], gross: float
) -> Finding:
    """One claim against the sheet."""
    rule = _rule_of(found, claim, rules)
    known = {each.name: each for each in found.model.rules}
    stated = known[rule].fidelity if rule in known else Fidelity.STATED
    level = stated.value if isinstance(stated, Fidelity) else "by kind"
    missing = rule in known and _left_out(found, known[rule], claim)
    room = room_of(claim.decimals, gross, case.room_fraction * abs(claim.theirs))
    if claim.given:
        return Finding(claim.name, None, claim.theirs, None, room, Status.GIVEN, rule, level)
    sheet, rows = found.sheet, _rows(found, claim.pool)
    theirs = _theirs_in_sheet(case.claims, claim)

    def total(name: str) -> float:
        return float(sheet[name][rows].sum())

    def with_theirs(name: str) -> float:
        return _own(sheet, rows[0], name, theirs) if len(rows) == 1 else total(name)

    ours = claim.factor * _value(claim, total)
    own = claim.factor * _value(claim, with_theirs)
    status = _status(ours, own, claim.theirs, room, missing)
    return Finding(claim.name, ours, claim.theirs, own, room, status, rule, level)


def _left_out(found: Requirement, rule: Rule, claim: Claim) -> bool:
    """Whether the rule is unknown for a kind of contract that the claim's pools hold."""
    held = set(found.book.column[found.book.quantity != 0.0].tolist())
    for row in _rows(found, claim.pool):
        pool = found.plan.pools[int(found.sheet.pool[row])]
        pairs = zip(pool.columns.tolist(), pool.instruments.items, strict=True)
        if any(rule.known(item.kind) is Fidelity.MISSING for c, item in pairs if c in held):
            return True
    return isinstance(rule.fidelity, Fidelity) and rule.fidelity is Fidelity.MISSING


def _after_missing(findings: list[Finding]) -> tuple[Finding, ...]:
    """What differs only by a rule that is left out holds with the venue's number in its place."""
    left_out = any(f.status is Status.MISSING for f in findings)
    parted = any(f.status is Status.DIFFERS for f in findings)
    if not left_out or parted:
        return tuple(findings)
    return tuple(
        replace(f, status=Status.MISSING) if f.status is Status.FOLLOWS else f for f in findings
    )


def _value(claim: Claim, of: Callable[[str], float]) -> float:
    total = 0.0
    for name in claim.plus:
        total += of(name)
    for name in claim.minus:
        total -= of(name)
    return total


def _theirs_in_sheet(claims: tuple[Claim, ...], leave_out: Claim) -> dict[str, float]:
    """Column -> the venue's number, of every claim that names one column as it stands."""
    return {
        claim.plus[0]: claim.theirs / claim.factor
        for claim in claims
        if len(claim.plus) == 1
        and not claim.minus
        and not claim.given
        and claim.pool == leave_out.pool
        and claim is not leave_out
    }


def _rule_of(found: Requirement, claim: Claim, rules: Mapping[str, str]) -> str:
    """The rule of a claim's first column; of an operator, its own name."""
    for name in claim.plus:
        if name not in rules:
            raise ModelError(
                "option_unknown",
                "the model has no such column",
                place=found.model.name,
                value=name,
                limit=", ".join(rules),
                remedy="Name one of the sheet's columns.",
            )
    return next((rules[name] or name for name in claim.plus), claim.name)


def _status(ours: float, own: float, theirs: float, room: float, missing: bool) -> Status:
    if abs(ours - theirs) <= room:
        return Status.HOLDS
    if missing:
        return Status.MISSING
    return Status.FOLLOWS if abs(own - theirs) <= room else Status.DIFFERS


def _vector(case: Case, found: Requirement, claim: VectorClaim) -> VectorFinding:
    row = _rows(found, claim.pool)[0]
    number = int(found.sheet.pool[row])
    priced = found.priced[number]
    held = cut(found.book, found.plan.pools[number], 0)
    if claim.members:
        ours = _net(found, number, claim)
    else:
        vector = found.via.vector(priced, held)
        if vector is None:
            raise ModelError(
                "rules_unknown",
                "the model has no scenarios to compare",
                place=case.model,
                value=claim.name,
                remedy="Choose a model with scenarios.",
            )
        ours = np.asarray(vector[int(found.sheet.account[row])])
    labels = priced.scenarios.label if priced.scenarios is not None else ()
    groups = [(s,) for s in claim.scenario] or _scenarios_at(case, priced.scenarios, claim)
    worst = [min(group, key=lambda s: float(ours[s])) for group in groups]
    values = tuple(claim.factor * float(ours[s]) for s in worst)
    size = max(abs(x) for x in (*claim.theirs, *values, 0.0))
    room = room_of(claim.decimals, size, case.room_fraction * size)
    apart = [abs(a - b) > room for a, b in zip(values, claim.theirs, strict=True)]
    first = apart.index(True) if True in apart else -1
    names = tuple(labels[s] if s < len(labels) else str(s) for s in worst)
    rule = claim.rule or next(iter(found.model.rules)).name
    return VectorFinding(claim.name, names, values, claim.theirs, room, first, rule)


def _scenarios_at(
    case: Case, scenarios: ScenarioSet | None, claim: VectorClaim
) -> list[tuple[int, ...]]:
    """Ours for each (move, volatility) that the venue prints; a move of another set is refused."""
    out = []
    for move, vol in claim.at:
        same = [
            s
            for s in range(0 if scenarios is None else len(scenarios))
            if scenarios is not None
            and abs(float(scenarios.move[s]) - move) < _SAME_MOVE
            and scenarios.vol_label[s] == (vol or scenarios.vol_label[s])
        ]
        if not same:
            raise InputError(
                "rules_unknown",
                "the venue prints a scenario that the set in force does not have",
                place=f"{case.venue} {claim.name}",
                value=f"{100.0 * move:+.4g} %, vol {vol or 'any'}",
                limit="the moves of the set",
                remedy="The venue's grid has changed: do not use the set before it is renewed.",
            )
        out.append(tuple(same))
    return out


def _net(found: Requirement, number: int, claim: VectorClaim) -> Floats:
    """[S] P&L of the members, each times its holding, added in canonical order."""
    pool, risk = found.plan.pools[number], found.priced[number].risk
    assert risk is not None  # a claim on scenarios is made of models with scenarios
    held = cut(found.book, pool, 0)
    total = np.zeros(risk.count)
    for column, quantity in zip(held.column.tolist(), held.quantity.tolist(), strict=True):
        if pool.instruments.items[column].key in claim.members:
            total = total + quantity * risk.pnl[column, : risk.count]
    return np.asarray(total)


def _other_scenario(case: Case, found: Requirement) -> str:
    """The scenario that binds with us where the venue names another; empty where they agree."""
    if not case.binding or int(found.scenario[0]) in case.binding:
        return ""
    return found.scenario_label(0)


def _first(
    findings: tuple[Finding, ...], vectors: tuple[VectorFinding, ...], scenario: str
) -> tuple[str, str]:
    """The first rule where ours and theirs part, and where: vectors come before their sums."""
    for vector in vectors:
        if not vector.holds:
            return vector.rule, f"{vector.name}, {vector.label[vector.first]}"
    for status in (Status.DIFFERS, Status.FOLLOWS):
        for finding in findings:
            if finding.status is status:
                return finding.rule, finding.name
    return (vectors[0].rule if vectors else "", "worst scenario") if scenario else ("", "")
