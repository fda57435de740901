"""Would the venue take an order: the account with the order resting, against each of its gates.

    accepted              what counts covers the requirement at both levels, the order resting
    accepted_not_raising  it does not, but the initial requirement does not rise, and the venue
                          takes such orders
    accepted_reducing     it does not, the requirement does not rise, and the fill reduces risk
    rejected              otherwise, or where a count or a size is over the venue's limit
    cash_unknown          the account states no balance: the cash that must be there is given

A resting order counts by the model's own rule for open orders; see its rules. Which of the second
and third a venue knows is the model's declaration (``ModelSpec.acceptance``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from crossmargin.instruments.book import Book, Order, Reported
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.model import Acceptance, Requirement
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.run import run
from crossmargin.margin.whatif import Prepared
from crossmargin.margin.whatif_costs import is_whole
from crossmargin.margin.whatif_judge import Status, Verdict
from crossmargin.margin.whatif_trades import Leg

__all__ = ["Check", "Decision", "Gate", "Resting", "gate"]

LEVELS = (("initial margin", "im", "counted_im"), ("maintenance margin", "mm", "counted_mm"))


class Decision(StrEnum):
    """What the venue would say."""

    ACCEPTED = "accepted"
    NOT_RAISING = "accepted_not_raising"
    REDUCING = "accepted_reducing"
    REJECTED = "rejected"
    UNKNOWN = "cash_unknown"


class Resting(NamedTuple):
    """An order to place: a leg with its limit (None: the executable side), and its flags."""

    leg: Leg
    mmp: bool = False
    group: str = ""


class Check(NamedTuple):
    """One gate. ``holds`` None: the venue's limit is not known, or nothing is limited."""

    name: str
    holds: bool | None
    value: float
    limit: float | None
    unit: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Gate:
    """The answer. ``filled`` is the account once all orders are filled at their limits."""

    decision: Decision
    checks: tuple[Check, ...]
    before: Requirement
    after: Requirement
    filled: Verdict
    cash_needed_usd: float

    @property
    def reason(self) -> Check | None:
        """The first gate that does not hold."""
        return next((check for check in self.checks if check.holds is False), None)


def gate(prepared: Prepared, orders: Sequence[Resting]) -> Gate:
    """Every gate for ``orders`` that rest together beside those of the book.

    Holds that the venue reports stand for the orders that it knew: here the model's own rule takes
    their place, before and after, so that the change is the orders'. Raises InputError
    ``order_invalid`` for an order that contradicts itself or the position it would reduce.
    """
    base = prepared.base
    book = replace(base.book, reported=replace(base.book.reported, holds={}))
    added = [_order(prepared, book.account[0], each) for each in orders]
    wanted = Book.of(
        book.instruments,
        book.lines,
        (*book.orders.items, *added),
        Reported(book.reported.equity, {}, book.reported.fields),
        tuple(book.account),
    )
    wanted = replace(wanted, choices=book.choices)
    before = base if not base.book.reported.holds else _margined(base, book)
    after = _margined(base, wanted)
    filled = prepared.whatif([each.leg for each in orders]).verdict
    touched = {prepared.ground.pool_of[order.column] for order in added}
    money = _money(after, touched)
    limits = _limits(after, added, prepared.desk.schedule.parameters)
    needed = sum(max(need - counted, 0.0) * rate for need, counted, rate in _short(after, touched))
    # Equity that is rebuilt from entry prices is known, as a what-if and the margin take it.
    if not (prepared.ground.has_balance or bool((after.source != 0).any())):
        broken = any(check.holds is False for check in limits)
        decision = Decision.REJECTED if broken else Decision.UNKNOWN
        money = tuple(check._replace(holds=None, limit=None) for check in money)
    else:
        decision = _decided(base, before, after, touched, (*money, *limits), filled)
    return Gate(decision, (*money, *limits), before, after, filled, needed)


def _order(prepared: Prepared, account: str, resting: Resting) -> Order:
    """The order in the margined table: another venue's where the book is mapped."""
    fill = prepared.fill(resting.leg)
    side = 1 if fill.size > 0.0 else -1
    return Order(
        account,
        fill.column,
        side,
        abs(fill.size),
        fill.price,
        resting.leg.reduce_only,
        resting.mmp,
        resting.group,
    )


def _margined(base: Requirement, book: Book) -> Requirement:
    return run(book, base.view, base.via, base.parameters)


def _units(found: Requirement, touched: set[int]) -> list[tuple[str, str, float, list[int]]]:
    """What is judged: (label, currency, dollars a unit, rows); pools, or the account in dollars."""
    if found.model.currency == "settle":
        return [
            (priced.pool.label, priced.pool.currency, priced.usd_per_unit, [number])
            for number, priced in enumerate(found.priced)
            if number in touched
        ]
    return [("", "USD", 1.0, list(range(len(found.priced))))]


def _sum(found: Requirement, name: str, rows: Sequence[int], in_unit: bool) -> float:
    values = found.sheet[name]
    return sum(
        float(values[row]) * (1.0 if in_unit else found.priced[row].usd_per_unit) for row in rows
    )


def _money(after: Requirement, touched: set[int]) -> tuple[Check, ...]:
    """What counts against both levels, in each unit that is judged."""
    out = []
    settle = after.model.currency == "settle"
    for label, currency, _, rows in _units(after, touched):
        for title, need, counted in LEVELS:
            value, limit = (_sum(after, name, rows, settle) for name in (need, counted))
            name = f"{title} of {label}" if label else title
            out.append(Check(name, limit >= value, value, limit, currency, "the model's rules"))
    return tuple(out)


def _short(after: Requirement, touched: set[int]) -> list[tuple[float, float, float]]:
    """(requirement, counted, dollars a unit) at the initial level of each unit."""
    settle = after.model.currency == "settle"
    return [
        (_sum(after, "im", rows, settle), _sum(after, "counted_im", rows, settle), rate)
        for _, _, rate, rows in _units(after, touched)
    ]


def _decided(
    base: Requirement,
    before: Requirement,
    after: Requirement,
    touched: set[int],
    checks: Sequence[Check],
    filled: Verdict,
) -> Decision:
    failed = [check for check in checks if check.holds is False]
    if not failed:
        return Decision.ACCEPTED
    margin_alone = all(check.name.startswith(("initial", "maintenance")) for check in failed)
    settle = after.model.currency == "settle"
    raised = any(
        _sum(after, "im", rows, settle) > _sum(before, "im", rows, settle)
        for _, _, _, rows in _units(after, touched)
    )
    if margin_alone and not raised:
        if base.model.acceptance is Acceptance.MET_OR_NOT_RAISED:
            return Decision.NOT_RAISING
        if base.model.acceptance is Acceptance.MET_OR_REDUCES and filled.status in (
            Status.PASSES,
            Status.REDUCES,
        ):
            return Decision.REDUCING
    return Decision.REJECTED


def _limits(after: Requirement, added: Sequence[Order], table: Parameters) -> tuple[Check, ...]:
    """Counts and sizes against the venue's limits, those that are not known included."""
    book, venue = after.book, after.model.venue or _venue_of(after.book, added)
    items = book.instruments.items
    lines = {*book.column[book.quantity != 0.0].tolist(), *book.orders.column.tolist()}
    expiries = {
        (items[k].underlying, items[k].expiry_ms)
        for k in sorted(lines)
        if items[k].kind == Kind.OPTION
    }
    counts = (
        ("open orders", "open_orders", float(len(book.orders.column)), "orders"),
        ("assets in the account", "assets", float(len(lines)), "assets"),
        ("option expiries", "expiries", float(len(expiries)), "expiries"),
    )
    out = []
    for title, name, value, unit in counts:
        key = f"{venue}.limit.{name}"
        if key in table:
            most = table.number(key)
            out.append(Check(title, value <= most, value, most, unit, table.entries[key].source))
        else:
            out.append(Check(title, None, value, None, unit, "the venue's limit is not known here"))
    for order in added:
        out += _size(items[order.column].native_id, order, book, venue, table)
    return tuple(out)


def _venue_of(book: Book, added: Sequence[Order]) -> str:
    """The venue of the first order."""
    return book.instruments.items[added[0].column].venue


def _size(name: str, order: Order, book: Book, venue: str, table: Parameters) -> list[Check]:
    """One order's size against the lot, and the exposure of its maker-protection group."""
    item = book.instruments.items[order.column]
    form = "inverse" if item.inverse else "linear"
    kind = "option" if item.kind == Kind.OPTION else "future"
    key = f"{item.venue}.lot.{form}_{kind}.{item.underlying}"
    out = []
    if key in table:
        lot = table.number(key)
        whole = is_whole(order.remaining, lot)
        source = f"whole lots of {lot:g}: {table.entries[key].source}"
        out.append(Check(f"size of {name}", whole, order.remaining, lot, "size", source))
    else:
        reason = "the smallest size is not known here"
        out.append(Check(f"size of {name}", None, order.remaining, None, "size", reason))
    factor = f"{venue}.limit.mmp_exposure_factor"
    if order.mmp and factor in table:
        group = [o for o in book.orders.items if o.mmp and o.group == order.group]
        sides = [sum(o.remaining for o in group if o.side == side) for side in (1, -1)]
        exposure = table.number(factor) * max(sides)
        title = f"exposure of maker-protection group {order.group or 'unnamed'}"
        out.append(Check(title, None, exposure, None, "size", table.entries[factor].source))
    return out
