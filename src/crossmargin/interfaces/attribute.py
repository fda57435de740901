"""The verbs attribute and explain_change: who causes a requirement, what it costs, why it moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from crossmargin.core.clock import format_ms
from crossmargin.core.errors import Failure, InputError
from crossmargin.instruments.book import Book
from crossmargin.instruments.contracts import Instrument, Instruments
from crossmargin.interfaces import figures as plain
from crossmargin.interfaces.attribute_figures import (
    attribution_figures,
    change_figures,
    greek_figures,
    tie_figures,
)
from crossmargin.interfaces.attribute_layouts import attribute_document, change_document
from crossmargin.interfaces.plots import write_plot
from crossmargin.interfaces.receipt import Receipt, command_line, manifest
from crossmargin.interfaces.results import Shown
from crossmargin.interfaces.sources import (
    BookLike,
    MarketLike,
    ParametersLike,
    book_of,
    moment_of,
    one_account,
    only_account,
    parameters_of,
    refuse_wrong_entries,
    snapshot_of,
)
from crossmargin.interfaces.tables import Document
from crossmargin.interfaces.whatif_legs import find_instrument
from crossmargin.margin.listings import is_mapped
from crossmargin.margin.mapping import Mapped, map_for
from crossmargin.margin.model import MarginModel, Requirement
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.register import model_named
from crossmargin.margin.run import run
from crossmargin.market.snapshot import Snapshot
from crossmargin.market.view import View
from crossmargin.risk.account_game import AccountGame
from crossmargin.risk.attribution import Attribution
from crossmargin.risk.attribution import attribute as attribute_game
from crossmargin.risk.between import over
from crossmargin.risk.change import Change, State
from crossmargin.risk.change import explain_change as change_of
from crossmargin.risk.euler import TieRule
from crossmargin.risk.games import EXACT_MAX, PAIRS
from crossmargin.risk.groups import Groups, groups_of, order_groups, tags_of
from crossmargin.risk.statement import BASES, Statement, cost_of_margin

__all__ = [
    "GROUPS_SHOWN", "METHODS", "AttributeResult", "ChangeResult", "attribute", "explain_change",
]  # fmt: skip

METHODS = ("all", "euler", "ray", "shapley", "stand-alone", "incremental")
GROUPS_SHOWN = 20
HIERARCHY = ("client", "desk", "strategy")  # outermost first, where the book has such tags


@dataclass(frozen=True, slots=True, repr=False)
class ChangeResult(Shown):
    """Why a requirement changed; the parts add up to the change."""

    change: Change
    figures: Mapping[str, Any]
    receipt: Receipt

    def document(self) -> Document:
        """What is shown."""
        return change_document(self.figures)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with the receipt."""
        return {**self.figures, "receipt": self.receipt.to_dict()}

    def plot(self, path: str | Path) -> Path:
        """The waterfall from the old requirement to the new as FILE.html, .svg or .png."""
        from crossmargin.interfaces.attribute_plot import waterfall_svg  # only when drawn

        heading = "Why the requirement changed"
        return write_plot(path, lambda w: waterfall_svg(self.figures, w), self.document, heading)


@dataclass(frozen=True, slots=True, repr=False)
class AttributeResult(Shown):
    """The shares of a requirement, the bill of a day, and the change where one was asked for."""

    found: Attribution
    statement: Statement | None
    figures: Mapping[str, Any]
    receipt: Receipt
    change: ChangeResult | None = None

    @property
    def groups(self) -> list[dict[str, Any]]:
        """One dictionary a group, its figures under every rule."""
        return list(self.figures["groups"])

    def document(self, top: int = 0) -> Document:
        """What is shown: every group, or the ``top`` of the largest shares."""
        return attribute_document(self.figures, top)

    def summary(self) -> Document:
        """What fits a screen: the largest groups, the others as one row."""
        return self.document(GROUPS_SHOWN)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, with the receipt."""
        return {**self.figures, "receipt": self.receipt.to_dict()}

    def plot(self, path: str | Path) -> Path:
        """The shares as bars (and the waterfall of a change) as FILE.html, .svg or .png."""
        from crossmargin.interfaces.attribute_plot import attribute_svg  # only when drawn

        heading = "Who causes the requirement"
        return write_plot(path, lambda w: attribute_svg(self.figures, w), self.document, heading)


@dataclass(frozen=True, slots=True)
class _Ready:
    """One account under one model, its groups and the hashes of all that went in."""

    held: Book
    game: AccountGame
    groups: Groups
    levels: tuple[str, ...]
    losses: tuple[str, ...]
    receipt: Receipt


def attribute(
    book: BookLike,
    market: MarketLike,
    model: str = "deribit-xpm",
    *,
    by: str | Sequence[str] | None = None,
    method: str = "all",
    level: str = "im",
    pool: str | None = None,
    rate: float = 0.08,
    days: int = 1,
    basis: str | None = None,
    tie: str = "lp",
    instruments: Sequence[str] = (),
    exact_max: int = EXACT_MAX,
    pairs: int = PAIRS,
    seed: int = 0,
    against: BookLike | None = None,
    market_before: MarketLike | None = None,
    market_repaired: MarketLike | None = None,
    **options: Any,
) -> AttributeResult:
    """Who causes an account's requirement under any model, and what it costs a day.

    ``by``: leg, underlying, expiry, kind or tags of the book, several for a hierarchy (outermost
    first); default the tags client, desk and strategy that the book has, else leg. ``method``: all,
    or one of the rules. ``pool``: one pool in its own currency, without a bill. ``rate``: yearly
    funding rate as a fraction; ``basis``: whose shares are billed. ``tie``: lp, min_norm or
    average. ``instruments``: names of further contracts whose marginal is wanted. ``against`` and
    ``market_before``: the state before, for the change. ``options``: account, as_of, params,
    changes, venue, form and allow_duplicates of ``margin``.
    Requirements are positive, reliefs negative, dollars.
    """
    _check(method, tie, basis)
    ready = _ready(book, market, model, (level, pool), by, instruments, options)
    found = attribute_game(
        ready.game,
        ready.groups,
        order_groups(ready.game.requirement.book, ready.levels),
        rule=tie,
        exact_max=exact_max,
        pairs=pairs,
        seed=seed,
        shares=method in ("all", "shapley", "stand-alone", "incremental") or basis == "shapley",
    )
    requirement, bill = ready.game.requirement, None
    if pool is None:
        bill = cost_of_margin(found, requirement, rate, days=days, basis=basis)
    figures = attribution_figures(found, requirement, ready.game, bill, method)
    figures["account"] = ready.held.account[0]
    figures["greeks"] = greek_figures(ready.game, ready.groups)
    figures["ties"] = tie_figures(ready.game, tie)
    figures["notes"] += [f"mapped to {requirement.model.venue}: {loss}" for loss in ready.losses]
    change = None
    if against is not None or market_before is not None:
        first = book if against is None else against, market_before or market
        change = explain_change(first, (book, market), model, level=level,
                                market_repaired=market_repaired, **options)  # fmt: skip
        figures["change"] = change.figures
    asked = {
        "model": requirement.model.name, "by": ",".join(ready.levels), "method": method,
        "level": level, "pool": pool, "rate": rate, "days": days, "basis": basis, "tie": tie,
        "exact-max": exact_max, "pairs": pairs, "seed": seed, "against": against,
        "market-before": market_before, "market-repaired": market_repaired,
    }  # fmt: skip
    receipt = replace(ready.receipt, command=_command(book, market, asked, options, instruments))
    return AttributeResult(found, bill, plain.checked(figures, "attribute"), receipt, change)


def _ready(
    book: BookLike,
    market: MarketLike,
    model: str,
    scope: tuple[str, str | None],
    by: str | Sequence[str] | None,
    instruments: Sequence[str],
    options: Mapping[str, Any],
) -> _Ready:
    """The account margined and laid out; errors of ``margin``."""
    chosen = model_named(model)
    known = _options(options)
    held = _account(book, known)
    snapshot = snapshot_of(market)
    whole, extra = _with_instruments(held, snapshot, instruments)
    view = snapshot.view(whole.instruments, moment_of(known["as_of"], "--as-of"))
    refuse_wrong_entries(whole, view)
    parameters, made = parameters_of(
        chosen, view.as_of_ms, known["params"], known["changes"], held.account[0]
    )
    requirement, mapped = _margined(whole, view, chosen, parameters)
    rows = [k if mapped is None else int(mapped.place[k]) for k in extra]
    game = AccountGame(requirement, *scope, [k for k in rows if k >= 0])
    levels = _levels(by, whole)
    return _Ready(
        held,
        game,
        _groups(whole, levels, game, mapped),
        tuple(levels),
        () if mapped is None else mapped.losses,
        _receipt(held, snapshot, parameters, made, view),
    )


def explain_change(
    before: tuple[BookLike, MarketLike],
    after: tuple[BookLike, MarketLike],
    model: str = "deribit-xpm",
    *,
    level: str = "im",
    market_repaired: MarketLike | None = None,
    sequence: Sequence[str] | None = None,
    params_before: ParametersLike | None = None,
    **options: Any,
) -> ChangeResult:
    """Why one account's requirement changed from one (book, market) to the next, cause by cause.

    ``market_repaired``: the first market as corrected since: a cause of its own. ``sequence``: take
    the causes in that order instead of the mean over all orders. ``options``: account, as_of,
    params, changes, venue, form and allow_duplicates of ``margin``; as_of, params and changes are
    of the second state, ``params_before`` of the first; each set defaults to what was in force.
    Dollars; the parts add up to the change.
    """
    chosen = model_named(model)
    known = _options(options)
    books = [_account(pair[0], known) for pair in (before, after)]
    snapshots = [snapshot_of(pair[1]) for pair in (before, after)]
    moment = moment_of(known["as_of"], "--as-of")
    at = snapshots[1].as_of_ms if moment is None else moment
    parameters, made = parameters_of(
        chosen, at, known["params"], known["changes"], books[1].account[0]
    )
    first, _ = parameters_of(
        chosen, snapshots[0].as_of_ms, params_before, None, books[0].account[0]
    )
    found = change_of(
        chosen,
        State(books[0], snapshots[0], first),
        State(books[1], snapshots[1], parameters, at),
        level=level,
        repaired=None if market_repaired is None else snapshot_of(market_repaired),
        sequence=sequence,
    )
    days = format_ms(snapshots[0].as_of_ms), format_ms(at)
    figures = change_figures(found, chosen.spec.name, books[1].account[0], *days)
    view = snapshots[1].view(books[1].instruments, at)
    receipt = _receipt(books[1], snapshots[1], parameters, made, view)
    return ChangeResult(found, plain.checked(figures, "explain_change"), receipt)


# -- inputs --------------------------------------------------------------------------------------


def _check(method: str, tie: str, basis: str | None) -> None:
    for value, offered, place in (
        (method, METHODS, "--method"),
        (tie, tuple(TieRule), "--tie"),
        (basis, (None, *BASES), "--basis"),
    ):
        if value not in offered:
            raise InputError(
                "option_unknown",
                "no such choice",
                place=place,
                value=value,
                limit=", ".join(str(each) for each in offered if each),
                remedy="Choose one of those.",
            )


_KNOWN: Mapping[str, Any] = {
    "account": None, "as_of": None, "params": None, "changes": None, "venue": None, "form": None,
    "allow_duplicates": False,
}  # fmt: skip


def _options(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of reading and margining with their defaults; a wrong name is a TypeError."""
    for name in options:
        if name not in _KNOWN:
            raise TypeError(f"unexpected argument {name!r}; accepted: {', '.join(_KNOWN)}")
    return {**_KNOWN, **options}


def _account(book: BookLike, known: Mapping[str, Any]) -> Book:
    given = {name: known[name] for name in ("venue", "form", "allow_duplicates")}
    held = book_of(book, **given)
    held = held if known["account"] is None else one_account(held, known["account"])
    return only_account(held, "an attribution")


def _with_instruments(
    held: Book, snapshot: Snapshot, names: Sequence[str]
) -> tuple[Book, list[int]]:
    """The book over a table with further contracts, and their rows; as it is without any."""
    if not names:
        return held, []
    quoted = snapshot.places("mark")
    found: list[Instrument] = [
        find_instrument(name, held.instruments.items, quoted, snapshot.as_of_ms, "--instrument")
        for name in names
    ]
    table = Instruments.of([*held.instruments.items, *found])
    place = table.index_of()
    return over(held, table, held.account[0]), [place[item.key] for item in found]


def _margined(
    book: Book, view: View, model: MarginModel, parameters: Parameters
) -> tuple[Requirement, Mapped | None]:
    mapped = None
    if is_mapped(model.spec, book.instruments.items):
        mapped = map_for(book, view, model.spec)
        book, view = mapped.book, mapped.view
    requirement = run(book, view, model, parameters)
    for failure in requirement.failures:
        raise _error_of(failure)
    return requirement, mapped


def _error_of(failure: Failure) -> InputError:
    return InputError(
        failure.code,
        failure.reason,
        place=f"account {failure.subject}",
        remedy="Give a market that prices the whole book.",
    )


def _levels(by: str | Sequence[str] | None, book: Book) -> list[str]:
    if by is None:
        known = tags_of(book)
        return [name for name in HIERARCHY if name in known] or ["leg"]
    names = by.split(",") if isinstance(by, str) else list(by)
    return [name.strip() for name in names]


def _groups(book: Book, levels: Sequence[str], game: AccountGame, mapped: Mapped | None) -> Groups:
    if mapped is None:
        return groups_of(book, levels, game.column, game.quantity)
    place, factor = mapped.place.tolist(), mapped.size_factor.tolist()
    return groups_of(
        book,
        levels,
        game.column,
        game.quantity,
        place=lambda k: (place[k], factor[k]),
        items=mapped.book.instruments.items,
    )


def _receipt(
    held: Book,
    snapshot: Snapshot,
    parameters: Parameters,
    made: Mapping[str, Any],
    view: View,
) -> Receipt:
    return Receipt(
        book=held.positions_sha256(),
        orders=held.orders_sha256(),
        snapshot=snapshot.sha256,
        parameters={parameters.model: parameters.sha256},
        changes=made,
        as_of=format_ms(view.as_of_ms),
        model=parameters.model,
        command="",
        build=manifest(),
    )


def _command(
    book: BookLike,
    market: MarketLike,
    asked: Mapping[str, Any],
    options: Mapping[str, Any],
    instruments: Sequence[str],
) -> str:
    """The command that gives the same; empty where something came from no file."""
    known = _options(options)
    flags = {**asked, "as-of": known["as_of"], "params": known["params"], "format": known["form"],
             "account": known["account"], "venue": known["venue"]}  # fmt: skip
    flags = {name: value for name, value in flags.items() if value is not None}
    sources = [flags.get(n) for n in ("params", "against", "market-before", "market-repaired")]
    files = [book, market, *(each for each in sources if each is not None)]
    if not all(isinstance(each, str | Path) for each in files):
        return ""
    parts = ["crossmargin", "attribute", str(book), "--market", str(market)]
    for name, value in flags.items():
        parts += [f"--{name}", str(value)]
    parts += ["--allow-duplicates"] if known["allow_duplicates"] else []
    for name in instruments:
        parts += ["--instrument", name]
    for name, value in (known["changes"] or {}).items():
        parts += ["--set", f"{name}={value}"]
    return command_line(parts)
