"""The verb allocate: positions and collateral over venues, a new trade over them, a call cured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from crossmargin.accounts.venue_accounts import Standing, Trust, VenueAccount
from crossmargin.core.clock import format_ms
from crossmargin.core.errors import CrossMarginError, InputError
from crossmargin.decisions.allocate import Allocation, Asked, PlaceResult
from crossmargin.decisions.allocate import allocate as plan_of
from crossmargin.decisions.allocation import Wish
from crossmargin.decisions.intents import Intents
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instrument, Instruments
from crossmargin.instruments.symbology import asset
from crossmargin.interfaces.allocate_layouts import allocate_document
from crossmargin.interfaces.figures import checked
from crossmargin.interfaces.intents_file import write_intents
from crossmargin.interfaces.plots import write_plot
from crossmargin.interfaces.results import Shown
from crossmargin.interfaces.sources import (
    BookLike,
    MarketLike,
    book_of,
    moment_of,
    one_account,
    only_account,
    snapshot_of,
)
from crossmargin.interfaces.tables import Document
from crossmargin.interfaces.unified_file import read_unified
from crossmargin.interfaces.whatif_legs import find_instrument, wanted
from crossmargin.margin.register import model_named
from crossmargin.market.snapshot import Snapshot

__all__ = ["AllocateResult", "allocate"]

HEADING = "Initial margin (with haircuts) that each venue demands, before and after"


@dataclass(frozen=True, slots=True, repr=False)
class AllocateResult(Shown):
    """The plan and each account before and after; ``found`` has the numbers as computed."""

    found: Allocation
    figures: Mapping[str, Any]

    @property
    def intents(self) -> Intents:
        """Trades and transfers."""
        return self.found.intents

    def document(self) -> Document:
        """Accounts, trades, transfers, what would have to give way."""
        return allocate_document(self.figures)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return dict(self.figures)

    def plot(self, path: str | Path) -> Path:
        """Demand by account before and after, as FILE.html, .svg or .png."""
        from crossmargin.interfaces.charts import bars_svg  # drawing: only when asked for

        groups = [
            (each["account"], (each["demand_before_usd"], each["demand_after_usd"]))
            for each in self.figures["accounts"]
        ]

        def picture(width: float) -> str:
            return bars_svg(HEADING, groups, ("before", "after"), width)

        return write_plot(path, picture, self.document, HEADING)

    def write_intents(self, path: str | Path) -> Path:
        """Trades by account, each a candidate of a what-if on that account; JSON has transfers."""
        groups: dict[str, Intents] = {}
        for trade in self.intents.trades:
            own = groups.get(trade.account, Intents())
            groups[trade.account] = Intents((*own.trades, trade))
        if self.intents.transfers:
            groups["transfers"] = Intents((), self.intents.transfers)
        return write_intents(path, groups)


def allocate(
    source: BookLike,
    market: MarketLike | None = None,
    models: Sequence[str] = (),
    *,
    cash: Mapping[str, float] | None = None,
    buffer: float = 0.1,
    buffers_usd: Mapping[str, float] | None = None,
    rate: float = 0.08,
    days: float = 30.0,
    add: str | None = None,
    trades: bool = True,
    transfers: bool = True,
    lots: bool = True,
    at_mark: bool = False,
    compress: float = 0.0,
    holding: Mapping[str, float] | None = None,
    fee: float | Mapping[str, float] | None = None,
    as_of: str | int | None = None,
    account: str | None = None,
    venue: str | None = None,
    form: str | None = None,
    allow_duplicates: bool = False,
) -> AllocateResult:
    """Where positions and collateral should lie, for the least demand at its cost.

    ``source``: the file of a unified account; or a book with its ``market`` and the ``models`` of
    the venues that it may be spread over: it lies at the first, and ``cash`` (dollars in USDC by
    model) at the others. ``buffer``: room that must stay at each venue, as a share of its demand;
    ``buffers_usd`` the same in dollars by account. ``rate`` a year for ``days`` is what a dollar of
    demand costs. ``add``: a new trade, ``NAME:SIZE[@PRICE]``, spread over the accounts.
    ``compress``: dollars that a dollar of gross notional less is worth. ``holding``: what a dollar
    of an asset tied up costs a year, by name. ``at_mark``: no spread. Raises CrossMarginError.
    """
    if market is None:
        _refuse_book_flags(models, cash, account)
        file = read_unified(_path(source))
        accounts, name = file.accounts, file.name
    else:
        held = book_of(source, venue=venue, form=form, allow_duplicates=allow_duplicates)
        held = only_account(held, "allocate") if account is None else one_account(held, account)
        snapshot = snapshot_of(market)
        at_ms = moment_of(as_of, "--as-of") or snapshot.as_of_ms
        accounts = _over_models(held, snapshot, models, cash or {}, at_ms)
        name = held.account[0]
    leg = None if add is None else _new_trade(add, accounts)
    wish = Wish(dict(buffers_usd or {}), buffer, rate, days, compress)
    _known_accounts(wish.buffers_usd, accounts)
    asked = Asked(trades, transfers, lots, leg, holding, fee, at_mark)
    found = plan_of(accounts, wish, asked)
    newest = max(each.snapshot.as_of_ms for each in accounts)
    figures = {
        "verb": "allocate",
        "name": name,
        "as_of": format_ms(newest),
        "rate_annual": rate,
        "days": days,
        "buffer_fraction": buffer,
        **_figures(found, rate),
    }
    return AllocateResult(found, checked(figures))


def _path(source: BookLike) -> str | Path:
    if isinstance(source, str | Path) and (
        str(source).startswith("sample:") or Path(source).suffix in (".toml", ".json")
    ):
        return source
    raise InputError(
        "option_unknown",
        "a book is allocated with its market and the models of its venues",
        place="allocate",
        value=str(source)[:80],
        limit="FILE.toml, or BOOK with --market and --models",
        remedy="Give --market and --models, or the file of a unified account.",
    )


def _refuse_book_flags(
    models: Sequence[str], cash: Mapping[str, float] | None, account: str | None
) -> None:
    given = [
        name
        for name, value in (("--models", models), ("--cash", cash), ("--account", account))
        if value
    ]
    if given:
        raise InputError(
            "option_unknown",
            "a unified account says its own models and cash",
            place=", ".join(given),
            limit="with a book and its --market",
            remedy="Leave it out, or give --market.",
        )


def _over_models(
    held: Book, snapshot: Snapshot, models: Sequence[str], cash: Mapping[str, float], at_ms: int
) -> tuple[VenueAccount, ...]:
    """The book at the first model's account, money at the others'."""
    if not models:
        raise InputError(
            "option_unknown",
            "no model says where the book may lie",
            place="--models",
            limit="deribit-xpm,derive-pm2,…: the first is where the book lies now",
            remedy="Name one or more.",
        )
    unknown = [name for name in cash if name not in models]
    if unknown:
        raise InputError(
            "option_unknown",
            "cash is given for an account that there is not",
            place="--cash",
            value=unknown[0],
            limit=", ".join(models),
            remedy="Name one of the models.",
        )
    home = held.instruments.items[0].venue
    money = asset(home, "USDC")
    accounts = []
    for number, name in enumerate(models):
        model = model_named(name)
        if number == 0:
            book = held
        else:
            line = Line(name, 0, float(cash.get(name, 0.0)))
            book = Book.of(Instruments.of([money]), [line], [], None, (name,))
        accounts.append(VenueAccount(name, home, book, snapshot, at_ms, Trust(), model))
    if models[0] in cash:
        first = accounts[0]
        accounts[0] = replace(first, book=_with_cash(first.book, money, cash[models[0]]))
    return tuple(accounts)


def _with_cash(book: Book, money: Instrument, amount: float) -> Book:
    from crossmargin.accounts.book_edits import edited  # only where cash is added

    return edited(book, {money: amount})


def _new_trade(
    text: str, accounts: Sequence[VenueAccount]
) -> tuple[Instrument, float, float | None]:
    leg = wanted(text)
    last: CrossMarginError | None = None
    for each in accounts:
        if each.model is None:
            continue
        known = each.book.instruments.items
        quoted = each.snapshot.places("mark")
        try:
            item = find_instrument(leg.name, known, quoted, each.snapshot.as_of_ms, "--add")
        except InputError as error:
            last = error
            continue
        return item, leg.size, leg.price
    raise last or InputError(
        "instrument_unknown",
        "no account trades contracts",
        place="--add",
        value=leg.name,
        limit="an account with a margin model",
        remedy="Add such an account.",
    )


def _known_accounts(named: Mapping[str, float], accounts: Sequence[VenueAccount]) -> None:
    names = [each.name for each in accounts]
    for name in named:
        if name not in names:
            raise InputError(
                "option_unknown",
                "a buffer is given for an account that there is not",
                place="--buffer-usd",
                value=name,
                limit=", ".join(names),
                remedy="Name one of the accounts.",
            )


def _figures(found: Allocation, rate: float) -> dict[str, Any]:
    before = sum(each.before.demand_im_usd for each in found.places)
    return {
        "feasible": found.feasible,
        "buffers_held": found.held,
        "demand_before_usd": before,
        "demand_after_usd": before - found.freed_usd,
        "freed_usd": found.freed_usd,
        "cost_usd": found.cost_usd,
        "worth_usd": found.worth_usd,
        "bound_usd": found.bound_usd,
        "proven": found.proven,
        "rounds": found.rounds,
        "solver": found.solver,
        "payback_days": found.payback_days(rate),
        "accounts": [_account(each) for each in found.places],
        **found.intents.to_dict(),
        "stays": [
            {
                "account": each.place,
                "instrument": each.item.native_id,
                "quantity": each.quantity,
                "reason": each.reason,
            }
            for each in found.stays
        ],
        "relaxations": [asdict(each) for each in found.relaxations],
        "notes": list(found.notes),
    }


def _account(each: PlaceResult) -> dict[str, Any]:
    def two(kind: str, standing: Standing) -> dict[str, float]:
        return {
            f"equity_{kind}_usd": standing.equity_usd,
            f"demand_{kind}_usd": standing.demand_im_usd,
            f"room_{kind}_usd": standing.over_im_usd,
            f"room_mm_{kind}_usd": standing.over_mm_usd,
        }

    return {
        "account": each.name,
        "rulebook": each.rulebook,
        **two("before", each.before),
        **two("after", each.after),
        "buffer_usd": each.buffer_usd,
        "least_room_usd": each.least_room_usd,
        "buffer_held": each.held,
    }
