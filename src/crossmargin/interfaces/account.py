"""The verb account: a requirement against what the account holds and what it agreed to."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from crossmargin.accounts.agreement import Agreement, Status, agreement_for
from crossmargin.accounts.cash import CashPlan, cash_of
from crossmargin.accounts.isolation import Isolation, isolation_of
from crossmargin.accounts.standing import Standing, judge
from crossmargin.accounts.worth import ExitCost, Worth, worth_of
from crossmargin.instruments.book import Book
from crossmargin.interfaces.account_layouts import account_document
from crossmargin.interfaces.closing import Closing, cost_to_close
from crossmargin.interfaces.exit import BooksLike
from crossmargin.interfaces.figures import checked
from crossmargin.interfaces.linked import (
    accounts_of,
    joined,
    linked_figures,
    linked_names,
    linked_notes,
)
from crossmargin.interfaces.plots import write_plot
from crossmargin.interfaces.receipt import Receipt
from crossmargin.interfaces.results import MarginResult, Shown
from crossmargin.interfaces.sources import (
    BookLike,
    MarketLike,
    ParametersLike,
    book_of,
    one_account,
    only_account,
)
from crossmargin.interfaces.tables import Document
from crossmargin.interfaces.verbs import _command as command_of
from crossmargin.interfaces.verbs import margin
from crossmargin.margin.comparison import cash_needed
from crossmargin.margin.model import Requirement
from crossmargin.margin.totals import stands_apart, usd_per_row

__all__ = ["AccountResult", "account"]


@dataclass(frozen=True, slots=True, repr=False)
class AccountResult(Shown):
    """One account against its agreement: standing, worth, cash and what pooling saves."""

    requirement: Requirement
    agreement: Agreement
    standing: Standing
    worth: Worth
    cash: CashPlan
    isolation: Isolation
    figures: Mapping[str, Any]
    margined: MarginResult

    @property
    def status(self) -> str:
        """ok, warning, call, liquidation or unknown."""
        return str(self.figures["status"])

    def plot(self, path: str | Path) -> Path:
        """Equity and requirement against spot with the liquidation points: FILE.html, .svg, .png.

        The picture is that of ``liquidation`` on its default path; on a page this account's own
        tables stand under it. InputError for an account without equity.
        """
        from crossmargin.interfaces.liquidation import HEADING, pictured  # only to draw
        from crossmargin.interfaces.liquidation_plot import plot_svg

        found = pictured(self.margined)

        def draw(width: float) -> str:
            return plot_svg(found.found, found.figures, width)

        def tables() -> Document:
            own, far = self.document(), found.document()
            return replace(own, tables=(*own.tables, *far.tables))

        return write_plot(path, draw, tables, HEADING)

    def document(self) -> Document:
        """Standing and figures, ladder, cash by currency, isolated against cross."""
        return account_document(self.figures)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with the receipt."""
        return dict(self.figures)


def account(
    book: BookLike,
    market: MarketLike,
    model: str = "deribit-xpm",
    as_of: str | int | None = None,
    params: ParametersLike | None = None,
    *,
    account: str | None = None,
    linked: Sequence[str] = (),
    changes: Mapping[str, Any] | None = None,
    ladder: str | None = None,
    buffer: float | None = None,
    exit_cost: ExitCost | str | None = None,
    books: BooksLike | None = None,
    venue: str | None = None,
    form: str | None = None,
    allow_duplicates: bool = False,
) -> AccountResult:
    """The standing of one account: what it holds against what a model requires of it.

    ``ladder``: another one than the model's venue has (``house``). ``buffer``: fraction of the
    initial margin to keep over it. ``exit_cost``: the cost to close that ``exit_value`` finds, at
    ``depth`` (default), ``touch`` or the ``cheaper`` way of each line, no line ever a gain; or
    dollars, or a function of a leg's label. ``books``: order books, as for ``exit_value``.
    ``linked``: accounts of one owner, or ``("all",)``: they are judged as one, with what they hold
    against each other. Everything else as for ``margin``. Raises CrossMarginError;
    ``option_unknown`` for a book of several accounts: choose one, or link them.
    """
    whole = book_of(book, venue=venue, form=form, allow_duplicates=allow_duplicates)
    names = linked_names(whole, linked) if linked else ()
    held = joined(whole, names) if names else _chosen(whole, account)
    made = margin(held, market, model, as_of, params, changes=changes)
    spec = made.requirement.model
    wanted = {} if buffer is None else {"buffer": buffer}
    agreement = agreement_for(spec, made.requirement.view.as_of_ms, wanted, ladder=ladder)
    closing = cost_to_close(made, held, exit_cost, books, venue)
    asked = {"ladder": ladder, "buffer": buffer, "as_of": as_of, "params": params}
    one = None if names else held.account[0]
    asked |= {"changes": changes, "account": one, "linked": ",".join(linked) or None}
    asked |= {"venue": venue, "form": form, "allow_duplicates": allow_duplicates}
    receipt = replace(
        made.receipt,
        parameters={**made.receipt.parameters, "agreements": _sha256(agreement)},
        command=_command((book, market), exit_cost, books, model=spec.name, **asked),
    )
    more = None
    if names:
        apart = margin(accounts_of(whole, names), market, model, as_of, params, changes=changes)
        more = linked_figures(whole, names, apart, made)
    return _judged(made, agreement, closing, receipt, more)


def _judged(
    made: MarginResult,
    agreement: Agreement,
    closing: Closing,
    receipt: Receipt,
    linked: Mapping[str, Any] | None,
) -> AccountResult:
    """The account that was margined against its agreement, as figures."""
    requirement = made.requirement
    spec = requirement.model
    standing = judge(requirement, agreement)
    worth = worth_of(requirement, agreement, 0, closing.cost)
    cash, isolation = cash_of(requirement), isolation_of(requirement)
    hold = cash_needed(requirement, "im") + agreement.buffer * worth.im_usd
    found = {
        "verb": "account",
        "model": {"name": spec.name, "title": spec.title},
        "as_of": made.figures["as_of"],
        "account": made.book.account[0],
        "bound": requirement.bound.value,
        **_standing_figures(standing, worth, closing),
        "cash_to_hold_usd": hold,
        "agreement": _agreement_figures(agreement, requirement),
        "cash": _cash_figures(cash, agreement),
        "isolation": _isolation_figures(isolation),
        "linked": linked,
        "notes": [*made.figures["notes"], *closing.notes, *linked_notes(linked)],
        "receipt": receipt.to_dict(),
    }
    parts = (requirement, agreement, standing, worth, cash, isolation)
    return AccountResult(*parts, checked(found), made)


def _chosen(book: Book, account: str | None) -> Book:
    """The account that is named, or the only one."""
    held = only_account(book, "a standing") if account is None else book
    return one_account(held, account or held.account[0])


def _command(
    sources: tuple[BookLike, MarketLike],
    exit_cost: ExitCost | str | None,
    books: BooksLike | None,
    **options: Any,
) -> str:
    """The command; empty where a cost is a function or books are objects: no command says them."""
    if callable(exit_cost) or not (books is None or isinstance(books, str | Path)):
        return ""
    return command_of("account", sources, exit_cost=exit_cost, books=books, **options)


def _sha256(agreement: Agreement) -> str:
    return "" if agreement.parameters is None else agreement.parameters.sha256


def _standing_figures(standing: Standing, worth: Worth, closing: Closing) -> dict[str, Any]:
    """Status and dollars; what counts is None where no cash is stated."""
    status = Status(int(standing.account_status[0]))
    usage = float(standing.account_usage[0])
    counted = {
        "equity_mark_usd": worth.equity_mark_usd,
        "equity_executable_usd": worth.equity_executable_usd,
        "equity_exit_usd": worth.equity_exit_usd,
        "counted_im_usd": worth.counted_im_usd,
        "counted_mm_usd": worth.counted_mm_usd,
        "surplus_im_usd": float(standing.account_surplus_im_usd[0]),
        "surplus_mm_usd": float(standing.account_surplus_mm_usd[0]),
        "usage": usage if math.isfinite(usage) else None,
        "exit_usage": worth.exit_usage,
        "mm_usage": worth.mm_usage,
        "exit_mm_usage": worth.exit_mm_usage,
        "free_usd": worth.free_usd,
        "withdrawable_usd": worth.withdrawable_usd,
    }
    given = status is not Status.UNKNOWN
    return {
        "status": status.name.lower(),
        "verdict": standing.verdict(0),
        "im_usd": worth.im_usd,
        "mm_usd": worth.mm_usd,
        "exit_cost_usd": worth.exit_cost_usd,
        "exit_cost_source": closing.source,
        **{name: value if given else None for name, value in counted.items()},
        "withheld": [{"step": name, "usd": usd} for name, usd in worth.withheld] if given else [],
        "unquoted": [
            {"leg": leg.label, "quantity": leg.quantity, "close_usd": leg.close_usd}
            for leg in worth.unquoted
        ],
    }


def _agreement_figures(agreement: Agreement, requirement: Requirement) -> dict[str, Any]:
    """Each rung with what it asks for and what is over it.

    Of the account's total; where pools stand apart, of the pool that is nearest to the rung.
    """
    sheet, rate = requirement.sheet, usd_per_row(requirement)
    rows = list(range(len(sheet)))
    units = [[row] for row in rows] if stands_apart(requirement.model) else [rows]
    rungs = []
    for rung in agreement.ladder.rungs:
        found = []
        for unit in units:
            need = sum(float(sheet[rung.level][row] * rate[row]) for row in unit)
            counted = sum(float(sheet[f"counted_{rung.level}"][row] * rate[row]) for row in unit)
            pool = requirement.plan.pools[int(sheet.pool[unit[0]])].label if len(units) > 1 else ""
            found.append((counted - rung.multiple * need, rung.multiple * need, counted, pool))
        at_risk = [each for each in found if each[1] > 0.0 or each[0] < 0.0]
        over, asked, counted, pool = min(at_risk or found)
        rungs.append(
            {
                "status": rung.status.name.lower(),
                "level": rung.level.upper(),
                "multiple": rung.multiple,
                "boundary": "fails" if rung.boundary_fails else "passes",
                "pool": pool or None,
                "asks_usd": asked,
                "counted_usd": counted,
                "over_usd": over,
            }
        )
    return {
        "ladder": agreement.ladder.name,
        "source": agreement.ladder.source,
        "buffer": agreement.buffer,
        "withdrawal_multiple": agreement.withdrawal_multiple,
        "auto_borrow": agreement.auto_borrow,
        "rungs": rungs,
    }


def _cash_figures(cash: CashPlan, agreement: Agreement) -> dict[str, Any]:
    worst = cash.worst()
    return {
        "own_scenarios": cash.own_scenarios,
        "auto_borrow": agreement.auto_borrow,
        "currencies": [
            {
                "currency": c.currency,
                "balance": c.balance,
                "usd_per_unit": c.usd,
                "worst_after": c.worst_after,
                "worst_after_futures": c.worst_after_futures,
                "worst_scenario": c.worst_scenario,
                "borrowed": c.borrowed,
                "borrowed_usd": c.borrowed_usd,
                "below_zero": c.below_zero,
                "scenarios": c.scenarios,
            }
            for c in cash.currencies
        ],
        "scenarios": [
            {
                "scenario": s.label,
                "first": s.first,
                "share": s.share,
                "short": s.short,
                "short_usd": s.short_usd,
                "total_usd": s.total_usd,
                "covered": s.covered,
                "after": dict(s.after),
            }
            for s in cash.scenarios
        ],
        "worst": None if worst is None else worst.label,
    }


def _isolation_figures(isolation: Isolation) -> dict[str, Any]:
    return {
        "alone_usd": isolation.alone_usd,
        "lines": isolation.lines,
        "credits": [
            {
                "credit": c.name,
                "credit_usd": c.credit_usd,
                "after_usd": c.after_usd,
                "groups": c.groups,
            }
            for c in isolation.credits
        ],
        "orders_usd": isolation.orders_usd,
        "cross_usd": isolation.cross_usd,
        "warning": isolation.warning(),
    }
