"""What is shown of one account's tail: conventions, the estimate, worst moves, components.

The component of a position is its mean P&L over the tail, with the weights of the coherent
shortfall, so that the components add up to the shortfall; at the quantile, its P&L in the one
scenario that the value at risk is. The marginal figure is the component a unit (Euler), the
incremental one what the shortfall falls by without the position.

Source: Tasche, Capital allocation to business units and sub-portfolios: the Euler principle, 2008.
"""

from __future__ import annotations

import math

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.margin.families.var_exit import days_to_exit
from crossmargin.margin.families.var_measures import Measure
from crossmargin.margin.families.var_table import Lines, ScenarioTable
from crossmargin.margin.model import Detail, PoolBook, Priced
from crossmargin.margin.parameter_files import Parameters
from crossmargin.statistics.quantiles import (
    Convention,
    Tail,
    expected_shortfall,
    value_at_risk,
)

__all__ = ["tail_details"]

WORST = 10  # moves that are listed
INCREMENTAL_CELLS = 5e7  # values without each position in turn, a second's work


def tail_details(
    priced: Priced, book: PoolBook, parameters: Parameters, table: ScenarioTable, measure: Measure
) -> tuple[Detail, ...]:
    """The tables of one account."""
    lines = Lines.of_book(book)
    pnl, _ = table.vectors(lines)
    return (
        _conventions(pnl, measure),
        _estimate(priced, book, parameters, table, measure, pnl),
        _worst(table, pnl[0]),
        _components(priced, table, measure, lines, pnl[0]),
    )


def _conventions(pnl: Floats, measure: Measure) -> Detail:
    """The same vector under every convention of the quantile and both shortfalls."""
    rows: list[tuple[str | float | int | None, ...]] = []
    spread = []
    for rule in Convention:
        var = value_at_risk(pnl, measure.var_level, rule, least=1)
        es = expected_shortfall(pnl, measure.es_level, rule, tail=Tail.OUTCOMES, least=1)
        spread.append(float(var[0]))
        rows.append((rule.value, float(var[0]), float(es[0])))
    coherent = expected_shortfall(pnl, measure.es_level, tail=Tail.FRACTIONAL, least=1)
    rows.append(("coherent shortfall", None, float(coherent[0])))
    middle = float(np.median(spread))
    share = (max(spread) - min(spread)) / middle if middle > 0.0 else 0.0
    return Detail(
        name="conventions",
        title="Both figures by the convention of the quantile",
        columns=(
            ("convention", "convention", "name"),
            ("value_at_risk_usd", "value at risk", "amount"),
            ("expected_shortfall_usd", "expected shortfall", "amount"),
        ),
        rows=tuple(rows),
        notes=(
            f"Spread of the value at risk from convention alone: {100.0 * share:.2f} %. "
            "All outcomes weigh alike here.",
        ),
    )


def _estimate(
    priced: Priced,
    book: PoolBook,
    parameters: Parameters,
    table: ScenarioTable,
    measure: Measure,
    pnl: Floats,
) -> Detail:
    """How good the estimate is, and what it was made of."""
    found = measure.estimate(pnl)
    days = float(days_to_exit(priced.facts["exit"], book)[0])
    rows: list[tuple[str, float]] = [
        ("moves", float(len(table))),
        ("outcomes of equal weight", measure.effective),
        ("moves left out for gaps", float(table.moves.left_out)),
        ("windows that share a day", float(table.moves.overlap)),
        ("horizon, days", parameters.number("horizon.days")),
        ("days to exit", days),
        ("value at risk over the horizon", float(found.value_at_risk[0])),
        ("standard error of it", float(found.value_at_risk_error[0])),
        ("expected shortfall over the horizon", float(found.expected_shortfall[0])),
        ("standard error of the shortfall", float(found.expected_shortfall_error[0])),
        ("mean P&L of all moves", math.fsum(pnl[0].tolist()) / len(table)),
    ]
    how = "block bootstrap" if measure.block > 1 else "independent outcomes"
    return Detail(
        name="estimate",
        title="The estimate",
        columns=(("what", "what", "name"), ("value", "value", "number")),
        rows=tuple(rows),
        notes=(f"Standard errors: {how}.", _span(table)),
    )


def _span(table: ScenarioTable) -> str:
    if table.moves.end_ms is None:
        return "The moves are drawn; the error falls with the root of their number."
    return f"The moves end on {table.moves.label(0)} to {table.moves.label(len(table) - 1)}."


def _worst(table: ScenarioTable, pnl: Floats) -> Detail:
    """The moves in which the account loses most."""
    order = np.argsort(pnl, kind="stable")[:WORST].tolist()
    moves = table.moves
    shown = [k for k, own in enumerate(moves.known) if own]
    rows = []
    for s in order:
        cells: list[str | float | int | None] = [moves.label(s), float(pnl[s])]
        for k in shown:
            cells.append(math.expm1(float(moves.log_price[k, s])))
            cells.append(math.expm1(float(moves.log_vol[k, s])))
        rows.append(tuple(cells))
    columns = [("move", "move", "name"), ("pnl_usd", "P&L", "amount")]
    for k in shown:
        name = moves.names[k]
        columns.append((f"{name.lower()}_price_fraction", f"{name} price", "fraction"))
        columns.append((f"{name.lower()}_vol_fraction", f"{name} 30-day vol", "fraction"))
    return Detail(
        name="worst-moves",
        title="The worst moves",
        columns=tuple(columns),
        rows=tuple(rows),
        notes=("Moves are over the horizon, as they were scaled.",),
    )


def _components(
    priced: Priced, table: ScenarioTable, measure: Measure, lines: Lines, pnl: Floats
) -> Detail:
    """What each position adds to both figures."""
    ranked, weights = measure.order(pnl)
    inside = weights > 0.0
    chosen = np.concatenate([ranked[inside], measure.scenario(pnl[None, :])])
    part = priced.pool.instruments
    held = np.flatnonzero((table.row[lines.column] >= 0) & (lines.size != 0.0))
    mine = Lines(np.array([0, len(held)], np.int64), lines.column[held], lines.size[held])
    gains = table.of_positions(mine, chosen)
    tail = -np.add.accumulate(gains[:, :-1] * weights[inside], axis=1)[:, -1:]
    without = _without(table, measure, mine, pnl)
    rows = []
    for j, column in enumerate(mine.column.tolist()):
        size, component = float(mine.size[j]), float(tail[j, 0]) + 0.0
        rows.append(
            (
                part.items[column].native_id,
                size,
                -float(gains[j, -1]) + 0.0,
                component,
                component / size,
                None if without is None else float(without[j]),
            )
        )
    total = math.fsum(row[3] for row in rows)
    return Detail(
        name="components",
        title="What each position adds",
        columns=(
            ("position", "position", "name"),
            ("quantity", "quantity", "quantity"),
            ("component_var_usd", "component VaR", "amount"),
            ("component_es_usd", "component ES", "amount"),
            ("marginal_es_usd", "marginal ES a unit", "amount"),
            ("incremental_es_usd", "incremental ES", "amount"),
        ),
        rows=tuple(rows),
        notes=(f"The components add up to a coherent shortfall of {total:,.2f} dollars.",),
    )


def _without(table: ScenarioTable, measure: Measure, lines: Lines, pnl: Floats) -> Floats | None:
    """[N] how much the shortfall falls without each position; None where that is too much work."""
    count = len(lines.column)
    if float(count) * len(table) > INCREMENTAL_CELLS:
        return None
    every = np.arange(len(table), dtype=np.int64)
    coherent = measure._replace(tail=Tail.FRACTIONAL)
    whole = float(coherent.es(pnl[None, :])[0])
    gains = table.of_positions(lines, every)
    return np.array([whole - float(coherent.es((pnl - own)[None, :])[0]) for own in gains])
