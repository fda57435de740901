"""The verb exit_value: what it costs to leave an account, line by line, and what is left of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from crossmargin.accounts.exit import Exit, LegExit, exit_of
from crossmargin.accounts.exit_terms import ExitTerms
from crossmargin.accounts.run_off import RunOff
from crossmargin.core.clock import format_ms
from crossmargin.core.errors import InputError
from crossmargin.instruments.contracts import Kind
from crossmargin.interfaces.doubts import age_notes, market_figures, verdict_notes
from crossmargin.interfaces.exit_layouts import exit_document
from crossmargin.interfaces.figures import checked, market_notes, parameter_figures
from crossmargin.interfaces.plots import write_plot
from crossmargin.interfaces.receipt import Receipt, command_line
from crossmargin.interfaces.results import MarginResult, Shown
from crossmargin.interfaces.sources import BookLike, MarketLike, book_of, one_account, only_account
from crossmargin.interfaces.tables import Document
from crossmargin.interfaces.verbs import margin
from crossmargin.margin.whatif_costs import Schedule
from crossmargin.market.depth import Depth
from crossmargin.market.view import View

__all__ = ["BooksLike", "ExitResult", "exit_value", "levels_of"]

BooksLike = str | Path | Mapping[tuple[str, str], Depth]


@dataclass(frozen=True, repr=False)
class ExitResult(Shown):
    """What it costs to leave. ``found`` has every number as computed."""

    found: Exit
    margined: MarginResult
    view: View
    schedule: Schedule
    terms: ExitTerms
    asked: Mapping[str, Any]

    @cached_property
    def figures(self) -> Mapping[str, Any]:
        """Every figure as plain values."""
        base = self.margined.figures
        market = market_figures(self.margined.snapshot, self.view)
        venues = dict.fromkeys(leg.item.venue for leg in self.found.legs)
        made: Mapping[str, Any] = checked(
            {
                "verb": "exit",
                "model": base["model"],
                "account": self.margined.book.account[0],
                "as_of": format_ms(self.view.as_of_ms),
                "days": self.found.days,
                "days_to_close": self.found.days_to_close,
                "standings": [_standing(each) for each in self.found.standings],
                "legs": [_leg(each) for each in self.found.legs],
                "unquoted": [leg.item.native_id for leg in self.found.unquoted],
                "execution": parameter_figures(
                    self.terms.parameters, self.view.as_of_ms, self.asked["changes"]
                ),
                "fees": {venue: self.schedule.fidelity(venue) for venue in venues},
                "market": market,
                "notes": [
                    *_notes(self.found, self.view),
                    *age_notes(market),
                    *verdict_notes(market),
                    *market_notes(self.view),
                ],
            }
        )
        return made

    @property
    def receipt(self) -> Receipt:
        """What reproduces it."""
        own = self.margined.receipt
        parts: list[str] = []
        if self.asked["reproducible"]:
            book, market = self.asked["sources"]
            parts = ["crossmargin", "exit", str(book), "--market", str(market)]
            for flag, value in self.asked["flags"].items():
                parts += [flag] if value is True else [flag, str(value)] if value else []
            for name, value in self.asked["changes"].items():
                parts += ["--set", f"{name}={value}"]
        return Receipt(
            book=own.book,
            orders=own.orders,
            snapshot=own.snapshot,
            parameters={**own.parameters, "execution": self.terms.parameters.sha256},
            changes=dict(self.asked["changes"]),
            as_of=own.as_of,
            model=own.model,
            command=command_line(parts) if parts else "",
            build=own.build,
        )

    def document(self, top: int = 0) -> Document:
        """The account on every basis, then line by line, the dearest first (0: all)."""
        return exit_document(self.figures, top)

    def summary(self) -> Document:
        """The document with the dearest lines alone."""
        from crossmargin.interfaces.results import SHOWN

        return self.document(SHOWN)

    def plot(self, path: str | Path) -> Path:
        """Cost by size and by days as FILE.html, .svg or .png."""
        from crossmargin.interfaces.account_plots import exit_svg  # only when it is drawn

        heading = "Cost by size and by days"
        return write_plot(path, lambda width: exit_svg(self.found, width), self.summary, heading)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with the receipt."""
        return {**self.figures, "receipt": self.receipt.to_dict()}


def exit_value(
    book: BookLike,
    market: MarketLike,
    model: str = "deribit-xpm",
    *,
    days: float = 5.0,
    books: BooksLike | None = None,
    as_of: str | int | None = None,
    account: str | None = None,
    fee: float | Mapping[str, float] | None = None,
    changes: Mapping[str, Any] | None = None,
    venue: str | None = None,
    form: str | None = None,
    allow_duplicates: bool = False,
) -> ExitResult:
    """What it costs to leave every future, perpetual and option of one account.

    ``book``, ``market``, ``model``, ``as_of``, ``account``, ``venue``, ``form`` as for margin.
    ``days``: over how many days the last column closes. ``books``: levels by (venue, native id), or
    a file that :func:`crossmargin.venues.order_books.read_order_books` reads. ``fee``: a taker's
    share in place of the venue's, or changes by name. ``changes``: numbers of the set ``execution``
    by name. Costs are positive dollars. Raises CrossMarginError with one code.
    """
    held = book_of(book, venue=venue, form=form, allow_duplicates=allow_duplicates)
    held = only_account(held if account is None else one_account(held, account), "an exit")
    margined = margin(held, market, model, as_of)
    view = margined.snapshot.view(held.instruments, margined.requirement.view.as_of_ms)
    schedule = Schedule.at(view.as_of_ms, fee)
    terms = ExitTerms.at(view.as_of_ms, changes)
    levels = levels_of(books, venue)
    found = exit_of(
        held,
        view,
        margined.snapshot,
        margined.requirement,
        schedule=schedule,
        terms=terms,
        days=days,
        books=levels,
    )
    flags = {
        "--model": margined.requirement.model.name,
        "--days": f"{days:g}",
        "--books": books if isinstance(books, str | Path) else None,
        "--as-of": None if as_of is None else format_ms(view.as_of_ms),
        "--account": account,
        "--fee": repr(fee) if isinstance(fee, float | int) else None,
        "--venue": venue,
        "--format": form,
        "--allow-duplicates": allow_duplicates,
    }
    files = all(isinstance(each, str | Path) for each in (book, market))
    plain = not isinstance(fee, Mapping) and (books is None or isinstance(books, str | Path))
    asked = {
        "sources": (book, market),
        "flags": flags,
        "changes": dict(changes or {}),
        "reproducible": files and plain,
    }
    return ExitResult(found, margined, view, schedule, terms, asked)


def levels_of(books: BooksLike | None, venue: str | None) -> Mapping[tuple[str, str], Depth]:
    """Levels by (venue, native id): as given, or of a file; InputError for anything else."""
    if books is None:
        return {}
    if isinstance(books, str | Path):
        from crossmargin.venues.order_books import read_order_books  # only where a file is read

        return read_order_books(books, venue or "deribit")
    if not isinstance(books, Mapping):
        raise InputError(
            "option_unknown",
            "these are no order books",
            place="books",
            value=type(books).__name__,
            limit="a file, or levels by (venue, native id)",
            remedy="Give the order books.",
        )
    return books


def _standing(each: Any) -> dict[str, Any]:
    return {
        "basis": each.basis,
        "cost_usd": each.cost_usd,
        "equity_usd": each.equity_usd,
        "im_usage": each.im_usage,
        "mm_usage": each.mm_usage,
        "over_mm_usd": each.over_mm_usd,
    }


def _leg(leg: LegExit) -> dict[str, Any]:
    return {
        "instrument": leg.item.native_id,
        "venue": leg.item.venue,
        "kind": leg.item.kind.name.lower(),
        "quantity": leg.quantity,
        "side": "sell" if leg.quantity > 0.0 else "buy",
        "price_unit": leg.item.settle if leg.item.kind.name == "OPTION" else leg.item.quote,
        "mark": leg.mark,
        "touch": leg.touch,
        "bound": leg.bound,
        "depth_source": leg.source,
        "shown": leg.shown,
        "worth_usd": leg.worth_usd,
        "touch_usd": leg.touch_usd,
        "depth_usd": leg.depth_usd,
        "parts_usd": dict(leg.parts),
        "days_usd": leg.days_usd,
        "volume_day": leg.volume_day,
        "days_to_close": leg.days_to_close,
        "left": leg.left,
        "waiting_risk_usd": leg.waiting_risk_usd,
        "run_off": None if leg.run_off is None else _run_off(leg.run_off),
        "way": leg.way,
        "cheaper_usd": leg.cheaper_usd,
    }


def _run_off(found: RunOff) -> dict[str, Any]:
    return {
        "total_usd": found.total_usd,
        "hedge_usd": found.hedge_usd,
        "unwind_usd": found.unwind_usd,
        "rehedging_usd": found.rehedging_usd,
        "gas_usd": found.gas_usd,
        "funding_usd": found.funding_usd,
        "vol_risk_usd": found.vol_risk_usd,
        "trades": found.trades,
    }


def _notes(found: Exit, view: View) -> list[str]:
    """What a reader must know of these numbers."""
    notes = []
    none = [leg for leg in found.legs if leg.bound]
    if none:
        listed = ", ".join(f"{leg.item.native_id} ({leg.bound})" for leg in none[:5])
        more = f" and {len(none) - 5} more" if len(none) > 5 else ""
        notes.append(
            f"without a quote on the side that closes it, and bounded: {len(none)} of "
            f"{len(found.legs)} lines: {listed}{more}"
        )
    bare = sum(leg.source == "touch" for leg in found.legs)
    if bare:
        notes.append(
            f"of {bare} lines no size is known at the touch: the impact begins with the first "
            "unit; give levels with --books"
        )
    blind = [leg.item.native_id for leg in found.legs if leg.days_to_close is None]
    if blind:
        notes.append(
            f"neither volume nor open interest is known of {', '.join(blind[:5])}: no impact, and "
            "no days to close"
        )
    better = sum(leg.touch_usd < 0.0 for leg in found.legs)
    if better:
        notes.append(f"{better} lines close at a quote better than the mark, so that they gain")
    if view.instruments.items and any(leg.run_off is not None for leg in found.legs):
        notes.append(
            "hedging to run off is the expected cost of each option alone, with a charge for "
            "volatility; lines that offset each other would be hedged for less"
        )
    options = [leg for leg in found.legs if leg.item.kind == Kind.OPTION]
    if options and all(leg.run_off is None for leg in options):
        notes.append("the market quotes no perpetual: hedging to run off is not priced")
    notes.append("balances and coins stay at their index; open orders are left out")
    return notes
