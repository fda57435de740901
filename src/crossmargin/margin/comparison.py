"""One book under several models, side by side in figures that may be compared.

IM of one model less IM of another means nothing: what counts against it differs. *Cash to hold* is
the least settlement-currency cash with which the account passes under the model's own balance side;
*cash to stay alive* is the same for maintenance. Savings are measured on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from crossmargin.core.clock import DAY_MS
from crossmargin.core.errors import CrossMarginError, InputError
from crossmargin.instruments.book import Book
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.balance_lines import with_balance_lines
from crossmargin.margin.contributions import population
from crossmargin.margin.deribit_common import coin_size
from crossmargin.margin.details import warnings_of
from crossmargin.margin.equity import with_lines
from crossmargin.margin.listings import is_mapped
from crossmargin.margin.mapping import map_for
from crossmargin.margin.model import (
    Bound,
    Fidelity,
    MarginModel,
    ModelSpec,
    Requirement,
    Standing,
)
from crossmargin.margin.pools import cut
from crossmargin.margin.readings import fidelity_shares
from crossmargin.margin.register import every_model, model_named
from crossmargin.margin.run import parameters_for, run
from crossmargin.margin.totals import account_totals, usd_per_row
from crossmargin.market.view import View

__all__ = ["ComparisonRow", "cash_needed", "compare", "gross_notional_usd", "margin_or_map"]


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """One model's figures for one account. Coin figures where one coin settles everything."""

    model: str
    title: str
    coin: str | None = None
    im_usd: float = 0.0
    mm_usd: float = 0.0
    im_coin: float | None = None
    mm_coin: float | None = None
    cash_to_hold_usd: float = 0.0
    cash_to_stay_alive_usd: float = 0.0
    cash_to_hold_coin: float | None = None
    cash_to_stay_alive_coin: float | None = None
    worst_scenario: str = "—"
    saving_fraction: float | None = None
    saving_against: str = ""
    stress_leverage: float | None = None
    gross_leverage: float | None = None
    alone_im_usd: float = 0.0
    fidelity: dict[Fidelity, float] = field(default_factory=dict)
    bound: Bound = Bound.VALUE
    parameters_label: str = ""
    parameters_date: str = ""
    parameters_age_days: float = 0.0
    notes: tuple[str, ...] = ()
    error: str | None = None


def compare(book: Book, view: View, names: Sequence[str] = ()) -> tuple[ComparisonRow, ...]:
    """One row a model, in the order asked for.

    Without names every model that can margin the book, the least cash to hold first; then those
    that cannot, each with its reason. Rules that no venue runs any more are left to be asked for,
    unless the book is that venue's own. A row without a number has its error. Raises InputError for
    a book of several accounts: choose one.
    """
    if len(book) != 1:
        raise InputError(
            "option_unknown",
            "a comparison is of one account",
            value=len(book),
            limit="1 account",
            remedy="Choose an account.",
        )
    models = [model_named(name) for name in names] or list(every_model())
    cash: dict[str, float] = {}
    rows = []
    for model in models:
        gone = "" if names else _left_out(book, model.spec)
        if gone:
            rows.append(ComparisonRow(model.spec.name, model.spec.title, error=gone))
            continue
        try:
            row = _row(book, view, model)
        except CrossMarginError as error:
            text = str(error) if names else _in_one_line(error)
            rows.append(ComparisonRow(model.spec.name, model.spec.title, error=text))
            continue
        rows.append(row)
        cash[row.model] = row.cash_to_hold_usd
    if not names:
        rows.sort(key=lambda row: (row.error is not None, row.cash_to_hold_usd))
    return tuple(_with_saving(row, cash, book, view) for row in rows)


def _left_out(book: Book, spec: ModelSpec) -> str:
    """Why a model is not tried unless it is named; empty where it is."""
    if spec.formula_unknown:
        return f"rules_unknown: {spec.formula_unknown}"
    own = spec.venue != "" and {item.venue for item in book.instruments.items} == {spec.venue}
    if spec.standing is Standing.ACTIVE or own:
        return ""
    return f"{spec.standing.value}: name it to margin the book under it"


def _in_one_line(error: CrossMarginError) -> str:
    """Code, reason and place: what a list of many models has room for."""
    at = f" ({error.place})" if error.place else ""
    return f"{error.code}: {error.message}{at}"


def margin_or_map(
    book: Book, view: View, model: MarginModel
) -> tuple[Requirement, tuple[str, ...]]:
    """The requirement, after an explicit mapping where the book is another venue's."""
    losses: tuple[str, ...] = ()
    if is_mapped(model.spec, book.instruments.items):
        mapped = map_for(book, view, model.spec)
        book, view, losses = mapped.book, mapped.view, mapped.losses
    return run(book, view, model, parameters_for(model, view.as_of_ms)), losses


def _row(book: Book, view: View, model: MarginModel) -> ComparisonRow:
    requirement, losses = margin_or_map(book, view, model)
    if requirement.failures:
        failure = requirement.failures[0]
        return ComparisonRow(
            model.spec.name, model.spec.title, error=f"{failure.code}: {failure.reason}"
        )
    totals = account_totals(requirement)
    hold, alive = cash_needed(requirement, "im"), cash_needed(requirement, "mm")
    coin, rate = _coin(view)
    equity = float(totals.equity_usd[0])
    known = bool((requirement.source > 0).any())
    parameters = requirement.parameters
    chosen_ms = parameters.effective_ms or parameters.observed_ms
    worst_usd = _worst_usd(requirement)

    def in_coin(value: float) -> float | None:
        return value / rate if coin else None

    return ComparisonRow(
        model=model.spec.name,
        title=model.spec.title,
        coin=coin,
        im_usd=float(totals.im_usd[0]),
        mm_usd=float(totals.mm_usd[0]),
        im_coin=in_coin(float(totals.im_usd[0])),
        mm_coin=in_coin(float(totals.mm_usd[0])),
        cash_to_hold_usd=hold,
        cash_to_stay_alive_usd=alive,
        cash_to_hold_coin=in_coin(hold),
        cash_to_stay_alive_coin=in_coin(alive),
        worst_scenario=_worst_label(requirement),
        stress_leverage=worst_usd / equity if known and equity > 0 and worst_usd >= 0 else None,
        gross_leverage=gross_notional_usd(book, view) / equity if known and equity > 0 else None,
        alone_im_usd=_alone(requirement),
        fidelity=fidelity_shares(requirement),
        bound=requirement.bound,
        parameters_label=parameters.label,
        parameters_date=parameters.date_text,
        parameters_age_days=(view.as_of_ms - chosen_ms) / DAY_MS,
        notes=(
            *losses,
            *warnings_of(requirement, 0),
            *_order_note(requirement),
            *requirement.notes,
            *_doubts(requirement),
        ),
    )


def _doubts(requirement: Requirement) -> tuple[str, ...]:
    """What is doubtful of the set; the numbers of a model of no venue do not age."""
    parameters = requirement.parameters
    if not requirement.model.venue:
        return parameters.verdicts
    return parameters.doubts(requirement.view.as_of_ms)


def _order_note(requirement: Requirement) -> tuple[str, ...]:
    """What of IM is for open orders: the legs alone do not hold it."""
    total = 0.0
    for name in ("order_margin", "open_orders_margin", "mmp_margin"):
        if name in requirement.sheet:
            total += float((requirement.sheet[name] * usd_per_row(requirement)).sum())
    return (f"IM holds {total:,.0f} USD for open orders",) if total > 0.0 else ()


def _with_saving(
    row: ComparisonRow, cash: dict[str, float], book: Book, view: View
) -> ComparisonRow:
    """The saving in cash to hold against the same venue's standard margin."""
    if row.error is not None:
        return row
    standard = model_named(row.model).spec.standard
    if not standard or standard == row.model:
        return row
    if standard not in cash:
        requirement, _ = margin_or_map(book, view, model_named(standard))
        cash[standard] = cash_needed(requirement, "im")
    base = cash[standard]
    # A book that needs no cash at all saves the whole of it, not more.
    saving = 1.0 - max(row.cash_to_hold_usd, 0.0) / base if base > 0.0 else None
    return replace(row, saving_fraction=saving, saving_against=standard)


def cash_needed(requirement: Requirement, level: str) -> float:
    """Dollars of cash with which the only account passes at ``level`` (im or mm).

    ``requirement - (counted - cash)``, pool by pool. Where cash itself is at risk (a model that
    margins balances) the least cash is found by Newton's method: the deficit is convex in cash.
    Negative: the positions themselves leave that much over. A pool with a balance of its own needs
    at least nothing: its surplus pays for no other pool. Behind walls the cash is money, which is
    not at risk, whatever was posted where.
    """
    walls = requirement.model.walls
    total = 0.0
    apart = len(requirement.plan.pools) > 1 and not requirement.model.one_balance
    sheet = requirement.sheet
    for row in range(len(sheet)):
        priced = requirement.priced[int(sheet.pool[row])]
        counted = float(sheet[f"counted_{level}"][row] - sheet["cash"][row])
        counted -= float(sheet["posted"][row]) if walls and "posted" in sheet else 0.0
        need = float(sheet[level][row]) - counted
        default = requirement.model.currency == "USD" and priced.risk is not None
        if not walls and priced.pool.facts.get("cash_at_risk", default):
            dollars = _cash_at_risk(requirement, row, level, need)
        else:
            dollars = need * priced.usd_per_unit
        total += max(dollars, 0.0) if apart else dollars
    return total


def _cash_at_risk(requirement: Requirement, row: int, level: str, start_usd: float) -> float:
    """Least cash, in dollars, held in the coin that settles most of the pool's contracts."""
    pool_number = int(requirement.sheet.pool[row])
    pool, priced = requirement.plan.pools[pool_number], requirement.priced[pool_number]
    account = int(requirement.sheet.account[row])
    held = cut(requirement.book.rows(account, account + 1), pool, account)
    part = pool.instruments
    settles = [part.items[c].settle for c in held.column.tolist()]
    if not settles:  # nothing of the account lies here: what is needed is no cash of its own
        return start_usd
    coin = max(sorted(set(settles)), key=settles.count)
    line = [k for k, i in enumerate(part.items) if pool.cash[k] and i.underlying == coin]
    if not line:  # the table has nowhere to put the cash: the same account over a wider one
        book = requirement.book.rows(account, account + 1)
        wider = with_balance_lines(book, requirement.view)
        again = run(*wider, requirement.via, requirement.parameters)
        labels = [again.plan.pools[k].label for k in again.sheet.pool.tolist()]
        return _cash_at_risk(again, labels.index(pool.label), level, start_usd)
    if line[0] not in held.column:
        held = with_lines(held, {0: {line[0]: 0.0}})
    cash = np.flatnonzero(pool.cash[held.column] > 0)
    mine = np.flatnonzero(held.column == line[0])
    rate = float(priced.view.usd[part.names.index(coin)])
    x = start_usd / rate
    for _ in range(40):
        step = max(abs(x), 1.0) * 1e-4
        quantity = np.tile(held.quantity, (2, 1))
        quantity[:, cash] = 0.0
        quantity[:, mine[0]] = (x, x + step)
        variants = population(held, quantity, with_orders=True)
        answer = requirement.via.margin(priced, variants, requirement.parameters)
        deficit = answer.sheet[level] - answer.sheet[f"counted_{level}"]
        slope = float(deficit[1] - deficit[0]) / step
        if slope >= 0.0:
            break
        change = -float(deficit[0]) / slope
        x += change
        if abs(change) <= 1e-9 * max(abs(x), 1.0):
            break
    return x * rate


def _coin(view: View) -> tuple[str | None, float]:
    """The one coin that settles every contract of the original view, and its dollars."""
    table = view.instruments
    derivative = table.kind != Kind.ASSET
    settles = {table.names[int(s)] for s in table.settle[derivative]}
    if len(settles) != 1:
        return None, 1.0
    coin = settles.pop()
    return coin, float(view.usd[table.names.index(coin)])


def _worst_usd(requirement: Requirement) -> float:
    """Sum of the binding losses in dollars; -1 for a model without scenarios."""
    if all(priced.scenarios is None for priced in requirement.priced):
        return -1.0
    return float((requirement.loss * usd_per_row(requirement)).sum())


def _worst_label(requirement: Requirement) -> str:
    """The binding scenario; several pools are named."""
    rows = [k for k in range(len(requirement.sheet)) if requirement.scenario[k] >= 0]
    labels = {requirement.plan.pools[int(requirement.sheet.pool[k])].label: k for k in rows}
    if len(labels) == 1:
        return requirement.scenario_label(rows[0])
    return (
        "; ".join(f"{name}: {requirement.scenario_label(k)}" for name, k in labels.items()) or "—"
    )


def _alone(requirement: Requirement) -> float:
    """Sum of the initial requirements of the lines, each margined alone, in dollars.

    A coin that a rule puts at risk is a line too; money needs nothing.
    """
    total = 0.0
    for number, pool in enumerate(requirement.plan.pools):
        held = cut(requirement.book.rows(0, 1), pool, 0)
        legs = np.arange(len(held.column))
        if not len(legs):
            continue
        quantity = np.zeros((len(legs), len(held.column)))
        quantity[np.arange(len(legs)), legs] = held.quantity[legs]
        priced = requirement.priced[number]
        answer = requirement.via.margin(priced, population(held, quantity), requirement.parameters)
        total += float(answer.sheet["im"].sum()) * priced.usd_per_unit
    return total


def gross_notional_usd(book: Book, view: View) -> float:
    """Sum of |coins| x index over the derivatives of a book, in dollars."""
    table = book.instruments
    derivative = table.kind != Kind.ASSET
    coins = np.abs(book.quantity) * np.abs(coin_size(table, view)[book.column])
    price = (view.index[table.pair] * view.usd[table.quote])[book.column]
    return float((coins * price)[derivative[book.column]].sum())
