"""The verb check: would the venue take these orders, which gate decides, on what data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from crossmargin.core.clock import format_ms
from crossmargin.core.errors import InputError, MarketDataError
from crossmargin.decisions.intents import Trade
from crossmargin.interfaces.doubts import SHOWN, age_notes, verdict_notes
from crossmargin.interfaces.figures import checked, market_notes
from crossmargin.interfaces.receipt import Receipt
from crossmargin.interfaces.results import Shown
from crossmargin.interfaces.sources import BookLike, MarketLike
from crossmargin.interfaces.tables import Column, Document, Table
from crossmargin.interfaces.whatif import PreparedBook, prepare
from crossmargin.interfaces.whatif_figures import verdict_text
from crossmargin.interfaces.whatif_legs import LegLike, Wanted, wanted
from crossmargin.margin.gates import Check, Decision, Gate, Resting, gate
from crossmargin.margin.model import Bound
from crossmargin.margin.order_rules import order_rules
from crossmargin.margin.totals import account_totals

__all__ = ["CheckResult", "check"]

_WORDS = {
    Decision.ACCEPTED: "accepted: the venue would take it",
    Decision.NOT_RAISING: "accepted: it does not raise the initial margin, which is not met",
    Decision.REDUCING: "accepted: it does not raise the initial margin and its fill reduces risk",
    Decision.REJECTED: "rejected",
    Decision.UNKNOWN: "no balance is known: whether it passes depends on the cash",
}
_ACCEPTED = (Decision.ACCEPTED, Decision.NOT_RAISING, Decision.REDUCING)
# A market older than this is no ground for a verdict.
_STALE_MS = 3_600_000


@dataclass(frozen=True, repr=False)
class CheckResult(Shown):
    """What the venue would say to resting orders. ``found`` has every number as computed."""

    found: Gate
    prepared: PreparedBook
    orders: tuple[Wanted, ...]
    asked: Mapping[str, Any]

    @property
    def decision(self) -> Decision:
        """accepted, accepted_not_raising, accepted_reducing, rejected or cash_unknown."""
        return self.found.decision

    @property
    def accepted(self) -> bool:
        """Whether the venue would take the orders."""
        return self.found.decision in _ACCEPTED

    @property
    def reason(self) -> str:
        """The verdict in a sentence, with the gate that decides and by how much."""
        text = _WORDS[self.found.decision]
        failed = self.found.reason
        if self.found.decision is Decision.UNKNOWN:
            return f"{text}; {self.found.cash_needed_usd:,.2f} USD must be there before the order"
        if failed is None or failed.limit is None:
            return text
        if failed.name.startswith("size of"):
            return (
                f"{text}: {failed.name}, {failed.value:,.6g}, is no whole lot of {failed.limit:g}"
            )
        over = failed.value - failed.limit
        said = f"{failed.name} is over by {over:,.6g} {failed.unit}"
        return f"{text}: {said} ({failed.value:,.6g} against {failed.limit:,.6g})"

    @cached_property
    def figures(self) -> Mapping[str, Any]:
        """Every figure as plain values."""
        found, base = self.found, self.prepared.core.base
        sides = {"before": found.before, "after": found.after}
        totals = {name: account_totals(each) for name, each in sides.items()}
        notes = [f"mapped to {base.model.venue}: {text}" for text in self.prepared.core.losses]
        if base.book.reported.holds:
            notes.append("holds that the venue reports are left out: the model's own rule counts")
        view, market = self.prepared.seen(self.orders)
        bound = found.after.bound
        if bound is Bound.AT_LEAST:
            notes += [f"≥ left out or only partly known: {text}" for text in base.model.unknown]
        notes += [rule.text for rule in base.model.rules if rule.name == "order_margin"]
        made: Mapping[str, Any] = checked(
            {
                "verb": "check",
                "model": {"name": base.model.name, "title": base.model.title},
                "account": self.prepared.account,
                "as_of": format_ms(base.view.as_of_ms),
                "orders": [order.text() for order in self.orders],
                "decision": found.decision.value,
                "accepted": self.accepted,
                "text": self.reason,
                "acceptance": base.model.acceptance.value,
                "bound": bound.value,
                "checks": [_check(each) for each in found.checks],
                **{
                    name: {"im_usd": float(each.im_usd[0]), "mm_usd": float(each.mm_usd[0])}
                    for name, each in totals.items()
                },
                "order_margin_usd": float(totals["after"].im_usd[0] - totals["before"].im_usd[0]),
                "if_filled": verdict_text(found.filled),
                "worst_set": _worst_set(found),
                "market": market,
                "notes": [*notes, *age_notes(market), *verdict_notes(market), *market_notes(view)],
            }
        )
        return made

    @cached_property
    def receipt(self) -> Receipt:
        """What reproduces it."""
        return self.prepared.receipt(self.orders, self.asked, verb="check")

    def document(self) -> Document:
        """The verdict, then gate by gate, and the fills that make the order margin."""
        figures = self.figures
        lines = (
            f"account {figures['account']}; market of {figures['as_of']}; "
            f"{', '.join(figures['orders'])}",
            figures["text"],
            f"if filled at the limits: {figures['if_filled']}",
        )
        tables = [_gates(figures), _margins(figures)]
        tables += [_set(figures)] if figures["worst_set"] else []
        title = f"check, under {figures['model']['name']}: {figures['model']['title']}"
        return Document(title, lines, tuple(tables), tuple(figures["notes"]))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with the receipt."""
        return {**self.figures, "receipt": self.receipt.to_dict()}


def _check(each: Check) -> dict[str, Any]:
    holds = {True: "holds", False: "fails", None: "unknown"}[each.holds]
    return {
        "gate": each.name,
        "holds": holds,
        "value": each.value,
        "limit": each.limit,
        "unit": each.unit,
        "source": each.source,
    }


def _worst_set(found: Gate) -> list[dict[str, Any]]:
    """The fills that make the order margin, pool by pool."""
    after = found.after
    table = after.book.instruments
    out = []
    for row in range(len(after.sheet)):
        rules = order_rules(after, row)
        if rules is None:
            continue
        for number in rules.filled:
            order = after.book.orders.items[number]
            out.append(
                {
                    "instrument": table.items[order.column].native_id,
                    "size": order.side * order.remaining,
                    "limit_price": order.limit_price,
                    "scenario": rules.scenario,
                }
            )
    return out


def _gates(figures: Mapping[str, Any]) -> Table:
    columns = (
        Column("gate", "gate", "name"),
        Column("holds", "", "name"),
        Column("value", "value", "amount"),
        Column("limit", "limit", "amount"),
        Column("unit", "in", "name"),
        Column("source", "source", essential=False),
    )
    rows = tuple(tuple(each[column.key] for column in columns) for each in figures["checks"])
    return Table("gates", "", columns, rows, currency="unit")


def _margins(figures: Mapping[str, Any]) -> Table:
    columns = (
        Column("measure", "margin", "name"),
        Column("before_usd", "before", "usd"),
        Column("after_usd", "with the order", "usd"),
    )
    rows = tuple(
        (title, figures["before"][key], figures["after"][key])
        for key, title in (("im_usd", "IM"), ("mm_usd", "MM"))
    )
    mark = figures["bound"] == Bound.AT_LEAST.value
    marks = {(r, c): "≥" for r in range(2) for c in (1, 2)} if mark else {}
    return Table("margin", "", columns, rows, marks=marks)


def _set(figures: Mapping[str, Any]) -> Table:
    columns = (
        Column("instrument", "worst fills", "name"),
        Column("size", "size", "quantity"),
        Column("limit_price", "limit", "price"),
        Column("scenario", "scenario"),
    )
    rows = tuple(tuple(each[column.key] for column in columns) for each in figures["worst_set"])
    return Table("worst_set", "", columns, rows)


def _refuse_doubt(prepared: PreparedBook) -> None:
    """No verdict on a market that fails its check, or on one of another hour."""
    _, figures = prepared.seen()
    remedy = "Give a market that passes `market check`, taken at the time of the order."
    if abs(figures["as_of_minus_time_ms"]) > _STALE_MS:
        raise MarketDataError(
            "market_doubtful",
            "the market is of another time than the order",
            place=f"market of {figures['time']}",
            value=f"{figures['as_of_minus_time_ms'] / _STALE_MS:,.1f} h",
            limit="within 1 h",
            remedy=remedy,
        )
    for each in figures["verdicts"]:
        if each["fails_check"]:
            items = each["items"]
            raise MarketDataError(
                "market_doubtful",
                "the verdict would rest on doubtful data",
                place=", ".join(items[:SHOWN]) + (", …" if len(items) > SHOWN else ""),
                value=each["verdict"],
                limit="values as quoted, implied or assumed by rule",
                remedy=remedy,
            )


def check(
    book: BookLike,
    market: MarketLike,
    model: str = "deribit-xpm",
    orders: Sequence[LegLike] | LegLike = (),
    *,
    mmp: str | None = None,
    **options: Any,
) -> CheckResult:
    """Would the venue take these orders as they come to rest beside those of the book.

    ``orders``: as legs of :func:`whatif`, ``NAME:SIZE@LIMIT``; without a limit the executable
    side's price. ``mmp``: they are under maker protection, in the group of that name. ``options``:
    as_of, params, changes, account, venue, form, allow_duplicates and fee of :func:`prepare`.
    Raises MarketDataError ``market_doubtful`` where the market fails its check: doubtful data give
    no verdict.
    """
    given = [orders] if isinstance(orders, str | Mapping | Wanted | Trade) else list(orders)
    asked = tuple(wanted(each, "--order") for each in given)
    if not asked:
        raise InputError(
            "order_invalid",
            "there is no order",
            place="--order",
            limit="NAME:SIZE@LIMIT",
            remedy="Give at least one order.",
        )
    prepared = prepare(book, market, model, [order.name for order in asked], **options)
    _refuse_doubt(prepared)
    resting = [Resting(prepared.leg(order), mmp is not None, mmp or "") for order in asked]
    return CheckResult(gate(prepared.core, resting), prepared, asked, {"mmp": mmp})
