"""Value at risk by full revaluation: one member for past, filtered and drawn moves.

Every account is revalued in the same joint moves (`var_table`); its measure is taken of its vector.
A book with open orders is charged for the vector of the least P&L that any fills can leave in each
move: value at risk and coherent shortfall are monotone and move with cash, so the measure of that
vector is at least what any set of fills needs, less what it gains. The exit factor is that of the
largest book that fills can make.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.instruments.contracts import Instruments
from crossmargin.margin.equity import with_equity_rows
from crossmargin.margin.families.var_account import (
    Facts,
    exit_warning,
    figures_notes,
    probe,
    refuse_first,
    refuse_unknown_derivatives,
    refused_coins,
    var_answer,
)
from crossmargin.margin.families.var_details import tail_details
from crossmargin.margin.families.var_exit import days_to_exit, exit_columns, exit_factor
from crossmargin.margin.families.var_measures import Estimate, Measure
from crossmargin.margin.families.var_moves import JointMoves, known_coins
from crossmargin.margin.families.var_table import Lines, ScenarioTable, chunks, scenario_table
from crossmargin.margin.families.whole_account import (
    dollar_market,
    fills_in_dollars,
    plan_account,
    priced_account,
)
from crossmargin.margin.model import (
    Detail,
    Fills,
    ModelSpec,
    OrderNeed,
    Plan,
    Pool,
    PoolAnswer,
    PoolBook,
    Priced,
    Refusal,
)
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import by_row, row_of_position
from crossmargin.market.view import View

__all__ = ["ScenarioMember"]


@dataclass(frozen=True, slots=True)
class ScenarioMember:
    """A model that margins the tail of full revaluation. ``shortfall``: by its mean, else where
    it begins. ``about`` says of a set where its moves come from.
    """

    spec: ModelSpec
    source: Callable[[Parameters, View], JointMoves]
    about: Callable[[Parameters], str]
    shortfall: bool

    def __call__(self) -> ScenarioMember:
        """The member as a model, for the register."""
        return self

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """One pool of the whole account; a derivative on a coin without numbers is refused."""
        refuse_unknown_derivatives(instruments, parameters)
        notes = (
            self.about(parameters),
            f"The quantile is {parameters.get('form.convention')}, the shortfall is over "
            f"{parameters.get('form.tail')}.",
            *figures_notes(parameters, shortfall=self.shortfall),
        )
        return plan_account(instruments, parameters, notes)

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """The table of moves; nothing is drawn or read for a pool that holds nothing but money.

        Errors: ``history_missing``, ``history_gap``, ``observations_too_few``, ``matrix_not_psd``.
        """
        market = dollar_market(pool, view)
        known = known_coins(parameters)
        facts: dict[str, object] = {"market": market, "coins": Facts(known, known, known)}
        held = {item.underlying for item in pool.instruments.items}
        if market.moving.any() and held & set(known):
            moves = self.source(parameters, view)
            facts["measure"] = Measure.of(parameters, moves)
            facts["table"] = scenario_table(market, moves, parameters)
            facts["exit"] = exit_columns(market, parameters)
            coins = zip(known, moves.known, moves.has_vol, strict=True)
            there = [(name, vol) for name, own, vol in coins if own]
            smiling = tuple(name for name, vol in there if vol)
            facts["coins"] = Facts(known, tuple(name for name, _ in there), smiling)
        return priced_account(market, pool, None, probe(market), {}, facts)

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block; the first account that is refused raises."""
        refuse_first(self.refusals(priced, held))
        figures, factor, need = self._assessed(priced, held, parameters)
        return var_answer(
            priced, held, parameters, figures, factor, need, shortfall=self.shortfall, errors=True
        )

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """An upper bound over all subsets of fills; see the module."""
        return self._assessed(priced, held, parameters)[2]

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """None: the requirement is no worst of scenarios."""
        del priced, held
        return None

    def refusals(self, priced: Priced, held: PoolBook) -> tuple[Refusal, ...]:
        """Accounts with coins that have no numbers or no moves."""
        return refused_coins(priced, held, priced.facts["coins"])

    def details(self, priced: Priced, held: PoolBook, parameters: Parameters) -> tuple[Detail, ...]:
        """Conventions side by side, the estimate, the tail and what each position adds to it."""
        if "table" not in priced.facts:
            return ()
        book = with_equity_rows(priced, held)
        return tail_details(
            priced, book, parameters, priced.facts["table"], priced.facts["measure"]
        )

    def warnings(self, priced: Priced, held: PoolBook, parameters: Parameters) -> tuple[str, ...]:
        """A stale or broken history, a thin tail, a book that cannot be left in time."""
        if "table" not in priced.facts:
            return ()
        table: ScenarioTable = priced.facts["table"]
        measure: Measure = priced.facts["measure"]
        said = table.moves.warnings + measure.thin_tail()
        return said + exit_warning(priced, held, parameters)

    def _assessed(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> tuple[Estimate, Floats, OrderNeed | None]:
        """Figures and exit factor as held, and the need of the orders."""
        accounts = len(held.row) - 1
        fills = fills_in_dollars(priced, held)
        if "table" not in priced.facts:
            zero = np.zeros(accounts)
            return Estimate(zero, zero, zero, zero), np.ones(accounts), None
        table: ScenarioTable = priced.facts["table"]
        measure: Measure = priced.facts["measure"]
        book = with_equity_rows(priced, held)
        factor = exit_factor(days_to_exit(priced.facts["exit"], book), parameters)
        most, gain = factor, np.zeros(0)
        if fills is not None:
            days = days_to_exit(priced.facts["exit"], book, fills, table.market)
            most = exit_factor(days, parameters) * parameters.number("level.im_factor")
            gain = fills.gain / most[row_of_position(fills.row)]
        found = _measured(table, measure, book, fills, gain, shortfall=self.shortfall)
        need = None
        if fills is not None:
            # Whatever the tail is, fills that lose against the mark take that out of the equity.
            costs = by_row(row_of_position(fills.row), np.maximum(-fills.gain, 0.0), accounts)
            worst = np.maximum(most * np.maximum(found.after, 0.0), costs)
            none = np.full(accounts, -1, np.int32)
            need = OrderNeed(worst, fills, found.filled, none)
        return Estimate(*found.figures), factor, need


@dataclass(frozen=True, slots=True)
class _Found:
    figures: tuple[Floats, Floats, Floats, Floats]
    after: Floats  # [A] the measure of the filled vectors
    filled: np.ndarray


def _measured(
    table: ScenarioTable,
    measure: Measure,
    book: PoolBook,
    fills: Fills | None,
    gain: Floats,
    *,
    shortfall: bool,
) -> _Found:
    """Figures of a block, a few accounts at a time, so that only their vectors are held."""
    lines = Lines.of_book(book)
    orders = None if fills is None else Lines.of_fills(fills, table.market)
    accounts = len(book.row) - 1
    figures, after = np.zeros((4, accounts)), np.zeros(accounts)
    filled = np.zeros(0 if fills is None else len(fills), np.bool_)
    for low, high in chunks(table, lines, orders):
        part, _ = lines.part(low, high)
        if orders is None:
            pnl, _ = table.vectors(part)
        else:
            resting, span = orders.part(low, high)
            pnl, least = table.vectors(part, resting, gain[span])
            assert least is not None  # there are orders
            after[low:high] = measure.es(least) if shortfall else measure.var(least)
            filled[span] = table.losing(resting, gain[span], measure.scenario(least))
        figures[:, low:high] = measure.estimate(pnl)
    return _Found((figures[0], figures[1], figures[2], figures[3]), after, filled)
