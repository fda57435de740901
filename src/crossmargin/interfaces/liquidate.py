"""The verb liquidate: an account taken apart step by step, by its venue's way or by a house's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from crossmargin.accounts.liquidation_account import Judge, on_own_lines, with_cash_rows
from crossmargin.accounts.liquidation_engine import HouseLiquidation, HouseOutcome, HouseStep
from crossmargin.accounts.liquidation_order import (
    CostOf,
    Order,
    Sizes,
    Terms,
    cost_by_name,
    touch_cost,
)
from crossmargin.accounts.waterfall import Cover, Purses, Winner, dollars, down
from crossmargin.core.clock import format_ms
from crossmargin.core.errors import InputError, MarketDataError, ModelError
from crossmargin.instruments.book import Book
from crossmargin.interfaces.figures import checked
from crossmargin.interfaces.liquidate_inputs import command_text, moved_by, named_flags
from crossmargin.interfaces.liquidate_layouts import liquidate_document
from crossmargin.interfaces.results import MarginResult, Shown
from crossmargin.interfaces.sources import (
    BookLike,
    MarketLike,
    ParametersLike,
    book_of,
    moment_of,
    one_account,
    only_account,
    snapshot_of,
)
from crossmargin.interfaces.tables import Document
from crossmargin.interfaces.verbs import margin
from crossmargin.margin.liquidation import Bid, DutchAuction, Rounds, Rules
from crossmargin.margin.liquidation import Terms as AuctionTerms
from crossmargin.margin.liquidation.steps import Market, Mechanics, Outcome, Step
from crossmargin.margin.model import MarginModel, Requirement
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.totals import stands_apart
from crossmargin.market.fields import contract_subject, dated_subject, pair_subject
from crossmargin.market.snapshot import Snapshot
from crossmargin.market.view import View

__all__ = ["MECHANICS", "LiquidateResult", "liquidate"]

# Venues whose rounds are published, whole or in part.
_ROUNDS = ("bybit", "deribit", "okx", "paradex")
MECHANICS = ("auto", "house", "venue")
CostLike = CostOf | Mapping[str, Sizes]


@dataclass(frozen=True, slots=True, repr=False)
class LiquidateResult(Shown):
    """The steps of a liquidation and what is left; ``outcome`` has the book after each."""

    outcome: Outcome
    requirement: Requirement
    figures: Mapping[str, Any]

    @property
    def ended(self) -> str:
        """Why it ended."""
        return str(self.figures["ended"])

    @property
    def steps(self) -> list[dict[str, Any]]:
        """One entry a step."""
        return list(self.figures["steps"])

    @property
    def left(self) -> Book:
        """The account that is left."""
        return self.outcome.left

    def document(self) -> Document:
        """Steps, trades, who paid, the orders that were tried."""
        return liquidate_document(self.figures)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with the receipt."""
        return dict(self.figures)


def liquidate(
    book: BookLike,
    market: MarketLike | Sequence[MarketLike],
    model: str = "deribit-xpm",
    as_of: str | int | None = None,
    params: ParametersLike | None = None,
    *,
    mechanics: str = "auto",
    order: str = "best",
    spot: float | None = None,
    buffer: float | None = None,
    terms: Mapping[str, object] | None = None,
    lots: Mapping[str, float] | None = None,
    cost: CostLike | None = None,
    fund_usd: float = 0.0,
    winners: Mapping[str, tuple[float, float]] | None = None,
    bids: Sequence[tuple[float, float]] = (),
    not_before: str | int | None = None,
    account: str | None = None,
    changes: Mapping[str, Any] | None = None,
    venue: str | None = None,
    form: str | None = None,
    allow_duplicates: bool = False,
) -> LiquidateResult:
    """One account liquidated, step by step, where it broke its maintenance margin.

    ``market``: one that stands still, or several in order of time: each step sees the newest that
    is not after it. ``mechanics``: the venue's own steps where they are published (``auto``,
    ``venue``), else a house's (``house``). ``spot`` moves every coin by a fraction first, at
    unchanged volatilities, quotes as far from their marks as now. Of a house: ``order`` (best,
    risk_per_cost, largest, pro_rata); ``buffer`` and ``terms``, changes of the shipped terms by
    dotted name; ``lots`` by contract; ``cost``, dollars against the mark as a function of view,
    row and signed size, or an object with ``at(size)`` by contract (default: the best quote);
    ``fund_usd``, the insurance fund; ``winners``, name to (profit in dollars, leverage): who is
    deleveraged as the last resort (None: nobody). Of an auction: ``bids``, (seconds after the
    start, share). ``not_before``: the end of the last gap; an input from before it blocks every
    decision. The rest as for ``margin``. Raises CrossMarginError.
    """
    held = book_of(book, venue=venue, form=form, allow_duplicates=allow_duplicates)
    held = only_account(held, "a liquidation") if account is None else one_account(held, account)
    snapshots = _in_time(market)
    made = margin(held, snapshots[0], model, as_of, params, changes=changes)
    asked = made.requirement
    _refuse_carried(asked, held)
    start_ms = asked.view.as_of_ms
    asked, wide, views = _begun(asked, snapshots, moment_of(not_before, "not_before"), spot)
    seen = _path(views)
    way: Mechanics
    if _mechanics_of(mechanics, asked) == "house":
        by_terms = {**(terms or {}), **({} if buffer is None else {"liquidation.buffer": buffer})}
        way = _house(asked, Terms.as_of(start_ms, by_terms, lots), order, cost, fund_usd, winners)
    else:
        way = _venue(asked, wide, seen, start_ms, bids)
        wide = on_own_lines(wide, seen(start_ms), asked.via, asked.parameters)
    outcome = way.run(wide, seen, start_ms)
    flags = {"--model": asked.model.name, "--mechanics": mechanics, "--order": order,
             "--spot": spot, "--buffer": buffer, "--fund": fund_usd or None, "--as-of": as_of,
             "--not-before": not_before, "--account": account, "--venue": venue,
             "--format": form, "--allow-duplicates": allow_duplicates}  # fmt: skip
    named = named_flags(terms, lots, changes, winners, bids)
    command = "" if cost is not None else command_text((book, market), flags, named, params)
    found = {
        **_head(held, made, asked, way, outcome),
        **_figures(outcome, wide, seen, start_ms, asked, fund_usd),
        "left": _left(outcome.left),
        "spot_fraction": spot,
        "notes": [*made.figures["notes"], *_move_notes(spot)],
        "receipt": replace(made.receipt, command=command).to_dict(),
    }
    return LiquidateResult(outcome, asked, checked(found))


def _head(
    held: Book, made: MarginResult, asked: Requirement, way: Mechanics, outcome: Outcome
) -> dict[str, Any]:
    """Of what, by whom, and how it ended."""
    return {
        "verb": "liquidate",
        "model": {"name": asked.model.name, "title": asked.model.title},
        "as_of": made.figures["as_of"],
        "account": held.account[0],
        "mechanics": way.name,
        "ended": outcome.ended or "under way: nobody took what is left",
    }


def _begun(
    asked: Requirement, snapshots: Sequence[Snapshot], not_before_ms: int | None, spot: float | None
) -> tuple[Requirement, Book, list[View]]:
    """The account with its rows of cash and the markets that it sees, moved where that is asked."""
    wide = with_cash_rows(asked.book, stands_apart(asked.model))
    views = _views(snapshots, wide, asked.view.as_of_ms, not_before_ms)
    return (asked, wide, views) if spot is None else _moved(asked, wide, views, spot)


def _moved(
    asked: Requirement, wide: Book, views: Sequence[View], spot: float
) -> tuple[Requirement, Book, list[View]]:
    """The start after a move; a path of markets has its moves already."""
    if len(views) != 1:
        raise InputError(
            "option_unknown",
            "a path of markets moves by itself",
            place="--spot",
            value=spot,
            limit="one market",
            remedy="Give one market, or leave the move out.",
        )
    moved, book, view = moved_by(asked, wide, views[0], spot)
    return moved, book, [view]


def _move_notes(spot: float | None) -> list[str]:
    if spot is None:
        return []
    return [
        f"every coin is moved by {100.0 * spot:+.4g} % first; volatilities stand; quotes are as "
        "far from their marks as before, of options in price, of futures in proportion"
    ]


def _refuse_carried(asked: Requirement, held: Book) -> None:
    """ModelError ``kind_not_accepted`` for a book that was mapped to another venue's contracts."""
    if asked.book.instruments != held.instruments:
        raise ModelError(
            "kind_not_accepted",
            "a liquidation closes the account's own contracts: it is not carried to another venue",
            place=held.account[0],
            value=asked.model.name,
            limit="a model of the book's venue, or of none",
            remedy="Choose such a model.",
        )


def _in_time(market: MarketLike | Sequence[MarketLike]) -> list[Snapshot]:
    """Snapshots in order of time; InputError ``option_unknown`` for two of one moment, or none."""
    sources: list[Any] = list(market) if isinstance(market, list | tuple) else [market]
    found = [snapshot_of(each) for each in sources]
    times = [each.as_of_ms for each in found]
    if not times or times != sorted(set(times)):
        raise InputError(
            "option_unknown",
            "markets of a path stand in order of time, each at a moment of its own",
            place="market",
            value=len(times),
            limit="one or more, oldest first",
            remedy="Sort them, and give each moment once.",
        )
    return found


def _views(
    snapshots: Sequence[Snapshot], book: Book, start_ms: int, not_before_ms: int | None
) -> list[View]:
    """The account's table in each market; the first is seen at the start."""
    if not_before_ms is not None:
        for snapshot in snapshots:
            _refuse_older(snapshot, book, not_before_ms)
    first = snapshots[0].view(book.instruments, start_ms)
    return [first, *(each.view(book.instruments) for each in snapshots[1:])]


def _path(views: Sequence[View]) -> Market:
    """The newest view that is not after a moment; the first one before all."""

    def at(at_ms: int) -> View:
        past = [view for view in views if view.as_of_ms <= at_ms]
        return past[-1] if past else views[0]

    return at


def _refuse_older(snapshot: Snapshot, book: Book, not_before_ms: int) -> None:
    """MarketDataError ``market_doubtful`` that names an input from before the restart."""
    table = book.instruments
    subjects = {pair_subject(*pair) for pair in table.pairs} | set(table.names)
    subjects |= {dated_subject(u, q, at) for u, q, _, at in table.expiries}
    subjects |= {contract_subject(i.venue, i.native_id) for i in table.items}
    for number in range(len(snapshot)):
        row = snapshot.row(number)
        if row.subject in subjects and row.event_ms < not_before_ms:
            raise MarketDataError(
                "market_doubtful",
                "an input is older than the end of the last gap: nothing is decided on it",
                place=f"{row.field} {row.subject}",
                value=format_ms(row.event_ms),
                limit=f"from {format_ms(not_before_ms)} on",
                remedy="Wait until every input is newer than the restart.",
            )


def _mechanics_of(wanted: str, asked: Requirement) -> str:
    """``house`` or ``venue``; ModelError ``rules_unknown`` for a venue without published steps."""
    if wanted not in MECHANICS:
        raise InputError(
            "option_unknown",
            "there is no such mechanics",
            place="mechanics",
            value=wanted,
            limit=", ".join(MECHANICS),
            remedy="Choose one of those.",
        )
    published = asked.model.venue in (*_ROUNDS, "derive")
    if wanted == "venue" and not published:
        raise ModelError(
            "rules_unknown",
            "the steps of this venue's liquidation are not published, or the model has no venue",
            place=asked.model.name,
            limit=", ".join((*_ROUNDS, "derive")),
            remedy="Choose mechanics=house.",
        )
    return "venue" if published and wanted != "house" else "house"


def _house(
    asked: Requirement,
    terms: Terms,
    order: str,
    cost: CostLike | None,
    fund_usd: float,
    winners: Mapping[str, tuple[float, float]] | None,
) -> HouseLiquidation:
    d = terms.decimals
    if fund_usd < 0.0:
        raise InputError(
            "number_out_of_range",
            "an insurance fund is not negative",
            place="fund_usd",
            value=fund_usd,
            limit=">= 0",
            remedy="Give what it holds, 0 if nothing.",
        )
    who = None
    if winners is not None:
        who = tuple(Winner(name, down(usd, d), by) for name, (usd, by) in winners.items())
    if isinstance(cost, Mapping):
        cost = cost_by_name(cost, touch_cost(terms))
    chosen: Order = order  # type: ignore[assignment] # the engine refuses any other
    return HouseLiquidation(
        asked.via, asked.parameters, terms, cost, chosen, down(fund_usd, d), who
    )


def _venue(
    asked: Requirement,
    book: Book,
    market: Market,
    start_ms: int,
    bids: Sequence[tuple[float, float]],
) -> Mechanics:
    """The venue's own steps; its cash is where the account's stands."""
    venue = asked.model.venue
    if venue == "derive":
        taken = tuple(Bid(start_ms + round(1000.0 * s), share) for s, share in bids)
        return DutchAuction(asked.via, asked.parameters, AuctionTerms.as_of(start_ms), taken)
    own = on_own_lines(book, market(start_ms), asked.via, asked.parameters)
    judge = Judge(own, market(start_ms), asked.via, asked.parameters)
    cash = judge.items[int(own.column[judge.cash[0]])].underlying
    rules = Rules.as_of(f"{venue}-liquidation", start_ms)
    return Rounds(asked.via, asked.parameters, rules, f"{venue} rounds", cash)


# -- figures -------------------------------------------------------------------------------------


def _figures(
    outcome: Outcome,
    book: Book,
    market: Market,
    start_ms: int,
    asked: Requirement,
    fund_usd: float,
) -> dict[str, Any]:
    model, parameters = asked.via, asked.parameters
    own = on_own_lines(book, market(start_ms), model, parameters)
    before = _standing(own, market(start_ms), model, parameters)
    last_ms = outcome.steps[-1].at_ms if outcome.steps else start_ms
    after = _standing(outcome.left, market(last_ms), model, parameters) if outcome.steps else before
    if isinstance(outcome, HouseOutcome):
        steps = [_house_step(n, s, outcome) for n, s in enumerate(outcome.steps, 1)]
        more = _house_figures(outcome)
    else:
        steps = [_venue_step(n, s, market(s.at_ms), asked) for n, s in enumerate(outcome.steps, 1)]
        more = {"order": None, "why": "the venue's own steps", "attempts": [], "purses": []}
        more |= {"trades": [], "covers": [], "fund_usd": fund_usd or None, "bad_debt_usd": None}
    return {"before": before, "after": after, "steps": steps, **more}


def _standing(
    book: Book, view: View, model: MarginModel, parameters: Parameters
) -> dict[str, float]:
    now = Judge(book, view, model, parameters).now
    return {
        "equity_usd": float(now.equity[0].sum()),
        "counted_usd": float(now.counted[0].sum()),
        "mm_usd": float(now.mm[0].sum()),
    }


def _house_step(number: int, step: Step, outcome: HouseOutcome) -> dict[str, Any]:
    if not isinstance(step, HouseStep):  # a house takes no other
        return {}
    d, one = outcome.decimals, len(step.legs) == 1
    return {
        "step": number,
        "at": format_ms(step.at_ms),
        "what": step.what,
        "share": step.share,
        "size": step.legs[0].size if one else None,
        "mark": step.legs[0].mark if one else None,
        "price": step.legs[0].price if one else None,
        "moved_usd": dollars(step.moved, d),
        "cost_usd": dollars(step.cost, d),
        "fee_usd": dollars(step.fee, d),
        "penalty_usd": dollars(step.penalty, d),
        "fund_usd": dollars(step.purses.fund, d),
        "equity_usd": dollars(step.purses.account, d),
        "counted_usd": dollars(step.counted, d),
        "mm_usd": dollars(step.mm, d),
        "short_usd": dollars(step.short, d),
        "why": step.why,
    }


def _venue_step(number: int, step: Step, view: View, asked: Requirement) -> dict[str, Any]:
    """A step of a venue; its money is in the model's currency, at the dollars of the start."""
    standing = _standing(step.left, view, asked.via, asked.parameters)
    usd = asked.priced[0].usd_per_unit
    slippage = step.figures.get("slippage")
    fee = step.figures.get("fee", -step.cash if step.what == "fee" else None)
    return {
        "step": number,
        "at": format_ms(step.at_ms),
        "what": step.what,
        "share": step.share,
        "cost_usd": None if slippage is None else -slippage * usd,
        "penalty_usd": None if fee is None else fee * usd,
        **standing,
        "short_usd": max(standing["mm_usd"] - standing["counted_usd"], 0.0),
    }


def _house_figures(outcome: HouseOutcome) -> dict[str, Any]:
    d = outcome.decimals
    steps = [step for step in outcome.steps if isinstance(step, HouseStep)]
    trades = [
        {
            "step": number,
            "instrument": leg.name,
            "size": leg.size,
            "mark": leg.mark,
            "price": leg.price,
            "cost_usd": dollars(leg.cost, d),
            "fee_usd": dollars(leg.fee, d),
        }
        for number, step in enumerate(steps, 1)
        for leg in step.legs
    ]
    attempts = [
        {
            "order": each.order,
            "used": each.order == outcome.order,
            "steps": each.steps,
            "paid_usd": dollars(each.paid, d),
            "equity_usd": dollars(each.equity, d),
            "bad_debt_usd": dollars(-each.unpaid, d),
            "ended": each.ended,
        }
        for each in outcome.attempts
    ]
    return {
        "order": outcome.order,
        "why": outcome.why,
        "attempts": attempts,
        "trades": trades,
        "covers": [_cover(each, d) for step in steps for each in step.covers],
        "purses": _purses(outcome.before, outcome.after, d),
        "units": {"decimals": d, "before": outcome.before.total, "after": outcome.after.total},
        "fund_usd": dollars(outcome.after.fund, d),
        "bad_debt_usd": outcome.bad_debt_usd,
    }


def _cover(each: Cover, decimals: int) -> dict[str, Any]:
    return {"source": each.source, "name": each.name, "usd": dollars(each.units, decimals)}


def _purses(before: Purses, after: Purses, decimals: int) -> list[dict[str, Any]]:
    names = ("account", "fund", "counterparties", "fees", "unpaid", "total")
    out = []
    for name in names:
        start, end = getattr(before, name), getattr(after, name)
        units = {"before_units": start, "after_units": end}
        usd = [dollars(n, decimals) for n in (start, end, end - start)]
        row = dict(zip(("before_usd", "after_usd", "change_usd"), usd, strict=True))
        out.append({"party": name, **row, **units})
    return out


def _left(book: Book) -> list[dict[str, Any]]:
    items = book.instruments.items
    return [
        {"instrument": items[c].native_id, "quantity": q}
        for c, q in zip(book.column.tolist(), book.quantity.tolist(), strict=True)
        if q != 0.0
    ]
