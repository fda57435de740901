"""What a margin model is, and what its answer looks like.

A model is a small final class: it *plans* (which instruments form a pool, from rules and listings),
*prices* (scenario set, risk array and instrument columns, from prices and time) and *margins* (any
block of accounts, from holdings). The three stages are pure; an engine repeats only the one whose
input changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

import numpy as np

from crossmargin.core.arrays import Bools, Bytes, Floats, Ints, Longs
from crossmargin.core.errors import Failure, ModelError
from crossmargin.instruments.book import Book
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.sheet import Sheet
from crossmargin.market.view import View
from crossmargin.scenarios.risk_array import RiskArray
from crossmargin.scenarios.sets import ScenarioSet

# A loss below this many dollars is the noise of a hedged sum: no scenario is named for it.
NOTHING_USD = 1e-6

__all__ = [
    "Acceptance",
    "Bound",
    "Detail",
    "Details",
    "EquitySource",
    "Extent",
    "Fidelity",
    "Fills",
    "Listed",
    "MarginModel",
    "ModelSpec",
    "NetsAsPriced",
    "OrderNeed",
    "Plan",
    "PoolAnswer",
    "Pool",
    "PoolBook",
    "Priced",
    "Refusal",
    "Refuses",
    "Requirement",
    "Rule",
    "ScaleLaw",
    "Standing",
    "Warns",
]


class Fidelity(StrEnum):
    """How well a rule is known."""

    EXACT = "exact"  # reproduces recorded numbers of the venue
    STATED = "stated"  # the venue's own text, no numbers to check against
    INFERRED = "inferred"  # rival readings: the result is an interval over them
    MISSING = "missing"  # left out: the result is at least that


class Bound(StrEnum):
    """What a total means."""

    VALUE = "value"
    AT_LEAST = "at_least"  # a rule of the venue is unknown and left out


class Extent(StrEnum):
    """How much of a venue's rulebook a model holds."""

    COMPLETE = "complete"  # every rule that the venue names
    AT_LEAST = "at_least"  # a charge, never negative, is unknown and left out
    REFUSED = "refused"  # unknown unless the venue's own parameter payload is given


class Standing(StrEnum):
    """Whether a venue still runs the rulebook."""

    ACTIVE = "active"
    DORMANT = "dormant"  # the venue runs, the rules are of a market that hardly trades
    HISTORICAL = "historical"  # the venue or this version of its rules is gone


class Acceptance(StrEnum):
    """Which orders a venue takes from an account; ``crossmargin.margin.gates`` judges them."""

    MET = "met"  # initial margin is met with the order resting
    MET_OR_NOT_RAISED = "met_or_not_raised"  # or the order does not raise it
    MET_OR_REDUCES = "met_or_reduces"  # or it does not, and its fill reduces risk


class ScaleLaw(StrEnum):
    """What doubling the book does to the requirement."""

    HOMOGENEOUS = "homogeneous"  # exactly doubles
    SUPERLINEAR = "superlinear"  # at least doubles: size is charged
    FIXED_PART = "fixed_part"  # dead zones or caps: neither


class EquitySource(StrEnum):
    """Where the equity of a row comes from; never two at once."""

    NONE = "none"  # nothing was given: cash 0
    VENUE = "venue"  # the venue's own equity
    BALANCES = "balances"  # cash balances plus option value; futures profit is in the balance
    REBUILT = "rebuilt"  # no balance given: profit since the entry prices


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a rulebook: what it says, where that was read, how well it is known per kind."""

    name: str
    text: str
    source: str
    fidelity: Mapping[Kind, Fidelity] | Fidelity
    readings: tuple[str, ...] = ()  # names of the switches that it depends on

    def known(self, kind: Kind) -> Fidelity:
        """Fidelity for one kind of instrument."""
        if isinstance(self.fidelity, Fidelity):
            return self.fidelity
        return self.fidelity.get(kind, Fidelity.STATED)


@dataclass(frozen=True, slots=True)
class Listed:
    """Kinds of contract that a venue lists on an underlying, alike in quote and settlement.

    ``settle`` is a currency, or "coin" for the underlying itself (inverse).
    """

    kinds: tuple[Kind, ...]
    settle: str
    quote: str


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """The declaration of a model. ``readings``: switches with rival values, best first."""

    name: str
    title: str
    family: str
    venue: str  # whose instruments it takes; "" takes any
    version: str
    folder: str  # of its parameter files; "package:path" in a package outside this one
    kinds: tuple[Kind, ...]
    currency: str  # of the requirement: "settle" (each pool its own) or "USD"
    scale: ScaleLaw
    balance_side: str  # what its equity counts, in words
    rules: tuple[Rule, ...]
    has_im: bool = True
    one_balance: bool = False  # the pools of an account share one balance: surpluses pay deficits
    readings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    standard: str = ""  # the same venue's standard margin, the baseline of the saving
    maps_from: tuple[str, ...] = ()  # venues whose books are mapped to this one explicitly
    unknown: tuple[str, ...] = ()  # what is not known, in words
    listed: tuple[Listed, ...] = ()  # what mapped books become; empty: as `listings` has the venue
    extent: Extent = Extent.COMPLETE
    quotes: tuple[str, ...] = ()  # of its contracts, where a rule tells them apart
    standing: Standing = Standing.ACTIVE  # others are listed, and not counted in any total
    acceptance: Acceptance = Acceptance.MET_OR_REDUCES
    quantum: float = 0.0  # step of its figures where the rules count in integers, else 0
    formula_unknown: str = ""  # without it every book is refused, whatever payload is given
    orders_in_mm: bool = False  # open orders are part of its maintenance margin too
    expands: bool = False  # its vector is an expansion in Greeks: it keeps no bound of a price
    walls: bool = False  # no pool of an account pays for another, whatever the currency

    def rule(self, name: str) -> Rule:
        """A rule by name."""
        for rule in self.rules:
            if rule.name == name:
                return rule
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Pool:
    """Instruments that are margined together; ``columns`` are rows of the table, ascending."""

    label: str
    currency: str  # of the requirement of this pool
    columns: Ints
    instruments: Instruments  # the rows of ``columns``, canonical
    cash: Bytes  # [I_pool] 1 where a line is settlement cash of this pool
    facts: Mapping[str, Any] = field(default_factory=dict)  # codes the model needs, no prices


@dataclass(frozen=True, slots=True)
class Plan:
    """What follows from rules and listings."""

    pools: tuple[Pool, ...]
    parameters: Parameters
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Priced:
    """What follows from prices and time, for one pool; no accounts."""

    pool: Pool
    view: View  # restricted to the pool's instruments
    usd_per_unit: float  # dollars per unit of the pool's currency
    scenarios: ScenarioSet | None
    risk: RiskArray | None
    columns: Mapping[str, Floats]  # instrument columns [I_pool] that add-ons sum
    option_value: Floats  # [I_pool] venue's mark of one unit in the pool's currency, options only
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PoolBook:
    """The positions of a block of accounts in one pool: CSR over the pool's instruments."""

    row: Longs  # [A+1]
    column: Ints  # into the pool's instruments
    quantity: Floats
    entry_price: Floats
    entry_known: np.ndarray[Any, np.dtype[np.bool_]]
    account: Ints  # [A] index into the population
    book: Book  # the block it was cut from (choices, reported, orders)
    exact: tuple[int, ...] | None = None  # quantities in smallest units, where the book has them


@dataclass(frozen=True, slots=True)
class Fills:
    """Orders of a block in one pool, CSR by account, in rising order of column.

    ``size`` is signed (sells negative); ``gain`` is what the fill itself adds to what counts: its
    gain against the mark in the pool's currency, or the premium alone where option value does not
    count; ``source`` is the row of the order in the block's book.
    """

    row: Longs  # [A+1]
    column: Ints  # [M]
    size: Floats
    gain: Floats
    cash: Floats  # settlement currency that a fill pays (negative) or receives: option premium
    source: Ints

    def __len__(self) -> int:
        return len(self.column)

    def moves(self, pnl: Floats) -> Floats:
        """[M, S8] scenario P&L of each whole order once filled."""
        return np.asarray(self.size[:, None] * pnl[self.column])


@dataclass(frozen=True, slots=True)
class OrderNeed:
    """[A] initial requirement after the worst fill, and the fills that make it.

    ``filled[M]`` marks the orders of ``fills`` that fill in the binding scenario ``scenario[A]``
    (-1 where no scenario binds). Further charges are taken at their own worst fills, so ``need``
    may exceed what that one set of fills needs: an upper bound.
    """

    need: Floats
    fills: Fills
    filled: Bools
    scenario: Ints


class MarginModel(Protocol):
    """The protocol of every model; register it in ``crossmargin.margin.register``."""

    spec: ModelSpec

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """Pools and codes; no prices, no quantities."""
        ...

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """Scenario set, risk array and columns of one pool; no accounts."""
        ...

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of any block of accounts in one pool; pure."""
        ...

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """Initial requirement after the worst fill of the block's open orders, before rounding.

        What a fill costs against the mark is part of it; holds of other rules are not. Exact for
        the scenarios, an upper bound with further charges. None where there are no orders.
        """
        ...

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """[A, S] what the worst is taken of, in scenario order; None without scenarios."""
        ...


@dataclass(frozen=True, slots=True)
class Refusal:
    """An account that the model does not margin: its row in the block, and the error it gets."""

    row: int
    error: ModelError


@runtime_checkable
class NetsAsPriced(Protocol):
    """Optional beside :class:`MarginModel`: a model that prices accounts which share no row.

    Each account of the block stands in a market of its own, and none has open orders: the P&L of
    its rows is summed as it is priced and never stored. ``margin`` takes what comes back for this
    block alone; its numbers are those of :meth:`MarginModel.price` but for rounding.
    """

    def price_netted(
        self, pool: Pool, view: View, parameters: Parameters, held: PoolBook
    ) -> Priced:
        """Scenario set, P&L of each account's own groups, columns of one pool."""
        ...


@runtime_checkable
class Refuses(Protocol):
    """Optional beside :class:`MarginModel`: a model whose rules may refuse single accounts.

    ``margin`` of a block with refused accounts raises the first refusal's error. The driver then
    asks for all of them and margins the rest; a book of one account raises.
    """

    def refusals(self, priced: Priced, held: PoolBook) -> tuple[Refusal, ...]:
        """The refused accounts of a block in one pool, in order, one error each; pure."""
        ...


@dataclass(frozen=True, slots=True)
class Detail:
    """A table that a model shows of one account in one pool, beside its sheet.

    ``columns`` are (key, title, style): the key is the name for machines, its unit last; the style
    is name or text (words), amount (of the pool's currency), quantity, price, fraction (drawn in
    per cent), number or count. A cell is None where there is no value.
    """

    name: str  # of the table in JSON and CSV: lower case, no space
    title: str
    columns: tuple[tuple[str, str, str], ...]
    rows: tuple[tuple[str | float | int | None, ...], ...]
    notes: tuple[str, ...] = ()


@runtime_checkable
class Details(Protocol):
    """Optional beside :class:`MarginModel`: what the model shows of one account with ``--explain``.

    Errors of an approximation, strategies that were found, spreads that were formed, tails.
    """

    def details(self, priced: Priced, held: PoolBook, parameters: Parameters) -> tuple[Detail, ...]:
        """The tables of a block of one account in one pool; pure."""
        ...


@runtime_checkable
class Warns(Protocol):
    """Optional beside :class:`MarginModel`: what must be said of an account, asked or not."""

    def warnings(self, priced: Priced, held: PoolBook, parameters: Parameters) -> tuple[str, ...]:
        """Sentences for a block of one account in one pool, in order; empty where all is well."""
        ...


@dataclass(frozen=True, slots=True)
class PoolAnswer:
    """Sheet of one block and pool, with the binding scenario of each row (-1 where none)."""

    sheet: Sheet
    scenario: Ints
    runner_up: Ints
    runner_up_loss: Floats
    source: Bytes  # [R] code of the equity source: equity.SOURCES
    bound: Bound = Bound.VALUE  # of every row of the block
    at_least: Bools | None = None  # [R] where the rows differ
    loss: Floats | None = None  # [R] loss in the binding scenario; None without scenarios


@dataclass(frozen=True, slots=True)
class Requirement:
    """The answer for a population. Every sheet ends in counted_im, im, counted_mm, mm.

    ``sheet`` rows are (account, pool) in the pool's currency. ``failures`` name accounts that could
    not be margined: they have no row. ``source`` says where each row's equity comes from.
    """

    model: ModelSpec
    via: MarginModel
    parameters: Parameters
    plan: Plan
    priced: tuple[Priced, ...]
    book: Book
    view: View
    sheet: Sheet
    scenario: Ints
    runner_up: Ints
    runner_up_loss: Floats
    source: Bytes  # [R] code of the equity source: equity.SOURCES
    at_least: Bools  # [R] True where a rule of the venue is left out: the row is a lower bound
    loss: Floats  # [R] loss in the binding scenario, pool's currency; 0 without scenarios
    failures: tuple[Failure, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def bound(self) -> Bound:
        """What the totals mean: at least, if any row is a lower bound."""
        return Bound.AT_LEAST if bool(self.at_least.any()) else Bound.VALUE

    def worst_loss(self, row: int) -> float:
        """The loss in the binding scenario of a row, pool's currency; 0 without scenarios."""
        return float(self.loss[row])

    def scenario_label(self, row: int) -> str:
        """Label of the binding scenario of a row; a dash where nothing is lost in any."""
        code = int(self.scenario[row])
        priced = self.priced[int(self.sheet.pool[row])]
        loss_usd = self.worst_loss(row) * priced.usd_per_unit
        if priced.scenarios is None or code < 0 or loss_usd < NOTHING_USD:
            return "—"
        if code >= len(priced.scenarios):
            return "basis contingency"
        return priced.scenarios.label[code]
