"""The verbs margin and compare, and the quality of a market: the command line calls these.

Here, once, stands what a failed account means: for a book of one account it is an error with the
failure's code, for several it is a list beside the accounts that could be margined.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from crossmargin.core.clock import format_ms
from crossmargin.core.errors import CrossMarginError, Failure, InputError, MarketDataError
from crossmargin.instruments.book import Book
from crossmargin.interfaces import figures as plain
from crossmargin.interfaces.doubts import (
    BAD_VERDICTS,
    age_notes,
    market_figures,
    verdict_notes,
)
from crossmargin.interfaces.receipt import Receipt, command_line, manifest
from crossmargin.interfaces.results import (
    SHOWN,
    CompareResult,
    MarginResult,
    MarketResult,
)
from crossmargin.interfaces.sources import (
    BookLike,
    MarketLike,
    ParametersLike,
    at_least,
    book_of,
    moment_of,
    named_once,
    one_account,
    only_account,
    parameters_of,
    refuse_wrong_entries,
    snapshot_of,
)
from crossmargin.margin import comparison
from crossmargin.margin.details import warnings_of
from crossmargin.margin.listings import is_mapped
from crossmargin.margin.mapping import map_for
from crossmargin.margin.model import Fidelity, MarginModel, Requirement
from crossmargin.margin.outside import found as outside_models
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.readings import fidelity_shares, interval
from crossmargin.margin.register import ALL_MODELS, model_named
from crossmargin.margin.run import parameters_for, run
from crossmargin.margin.selection import holdings
from crossmargin.market.fields import VERDICTS
from crossmargin.market.snapshot import Snapshot
from crossmargin.market.view import View

__all__ = ["BAD_VERDICTS", "compare", "margin", "quality"]


def margin(
    book: BookLike,
    market: MarketLike,
    model: str = "deribit-xpm",
    as_of: str | int | None = None,
    params: ParametersLike | None = None,
    readings: bool = False,
    threads: int = 1,
    *,
    account: str | None = None,
    changes: Mapping[str, Any] | None = None,
    venue: str | None = None,
    form: str | None = None,
    allow_duplicates: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> MarginResult:
    """Initial and maintenance margin of a book under one model.

    ``book``: a file, a Book, or rows with a book file's columns. ``market``: a snapshot, its file,
    or a file that can be imported. ``as_of``: the instant that lives are counted from and
    parameters chosen by (default: the snapshot's). ``params``: a file, a shipped set's label, a set
    or a mapping of changes; ``changes``: further changes by dotted name. ``readings``: also the
    interval over the rival readings. ``account``: that one alone. ``progress`` hears how many of
    how many accounts are done.
    Requirements are positive, gains are positive; each pool is in its own currency and in dollars.
    Raises CrossMarginError with one code; nothing is shown of a book that is wrong.
    """
    chosen = model_named(model)
    at_least(threads, 1, "threads")
    held = book_of(book, venue=venue, form=form, allow_duplicates=allow_duplicates)
    held = held if account is None else one_account(held, account)
    snapshot = snapshot_of(market)
    view = snapshot.view(held.instruments, moment_of(as_of, "--as-of"))
    refuse_wrong_entries(held, view)
    parameters, made = parameters_of(chosen, view.as_of_ms, params, changes, _only(held))
    _refuse_dead_orders(held, view)
    if len(held) == 1:
        _refuse_unpriced(held, view)
    mapped, seen, losses = _mapped_for(chosen, held, view)
    requirement = run(mapped, seen, chosen, parameters, threads=threads, progress=progress)
    _refuse_failures(requirement.failures, len(held), view)
    losses = losses if mapped is held else _with_assumed(losses, snapshot, mapped)
    found = _margin_figures(requirement, held, snapshot, view, losses, made)
    if readings:
        _add_readings(found, mapped, seen, chosen, parameters)
    command = _command(
        "margin",
        (book, market),
        model=chosen.spec.name,
        as_of=None if as_of is None else format_ms(view.as_of_ms),
        params=params,
        changes=changes,
        account=account,
        venue=venue,
        form=form,
        readings=readings,
        allow_duplicates=allow_duplicates,
    )
    receipt = Receipt(
        book=held.positions_sha256(),
        orders=held.orders_sha256(),
        snapshot=snapshot.sha256,
        parameters={chosen.spec.name: parameters.sha256},
        changes=made,
        as_of=format_ms(view.as_of_ms),
        model=chosen.spec.name,
        command=command,
        build=manifest(),
    )
    return MarginResult(requirement, held, snapshot, plain.checked(found), receipt)


def _warnings(requirement: Requirement) -> list[str]:
    """What the model must say of the first accounts, each under its account's name."""
    names = requirement.book.account
    out = []
    for row in range(min(len(requirement.sheet), SHOWN)):
        name = names[int(requirement.sheet.account[row])]
        said = warnings_of(requirement, row)
        out += [f"{name}: {text}" if len(names) > 1 else text for text in said]
    return out


def _only(book: Book) -> str | None:
    """The account whose parameter set is asked for: of several accounts nobody's in particular."""
    return book.account[0] if len(book) == 1 else None


def _mapped_for(model: MarginModel, book: Book, view: View) -> tuple[Book, View, tuple[str, ...]]:
    """The book as the model takes it: mapped explicitly where it is another venue's."""
    if not is_mapped(model.spec, book.instruments.items):
        return book, view, ()
    mapped = map_for(book, view, model.spec)
    return mapped.book, mapped.view, mapped.losses


def _refuse_dead_orders(book: Book, view: View) -> None:
    """An open order in a contract that expired is an error: no venue would hold it."""
    dead = {f.subject: f for f in view.failures if f.code == "instrument_expired"}
    if not dead:
        return
    for number, column in enumerate(book.orders.column.tolist()):
        failure = dead.get(book.instruments.label(column))
        if failure is not None:
            account = int(np.searchsorted(book.orders.row, number, side="right")) - 1
            reason = f"{failure.subject}: the contract of an open order expired before the snapshot"
            raise _error_of(Failure(book.account[account], failure.code, reason), view)


def _refuse_failures(failures: Sequence[Failure], accounts: int, view: View) -> None:
    """A book of one account that failed is an error; so is one of which nothing is left."""
    if failures and len(failures) >= accounts:
        raise _error_of(failures[0], view)


def _error_of(failure: Failure, view: View) -> CrossMarginError:
    """The failure of an account as an error with the same code."""
    label, _, reason = failure.reason.partition(": ")
    expired = failure.code == "instrument_expired"
    kind = InputError if expired else MarketDataError
    remedies = {
        "instrument_expired": "Remove the line, or give the market of its time.",
        "index_missing": "Import a market that holds this underlying.",
        "currency_unknown": "Import a market with the price of this currency.",
    }
    return kind(
        failure.code,
        reason or failure.reason,
        place=f"account {failure.subject}, {label}",
        value=view.expired_at(label) if expired else None,
        limit=f"contracts alive at {format_ms(view.as_of_ms)}" if expired else "",
        remedy=remedies.get(failure.code, "Import a market that quotes this contract."),
    )


def _margin_figures(
    requirement: Requirement,
    book: Book,
    snapshot: Snapshot,
    view: View,
    losses: tuple[str, ...],
    made: Mapping[str, Any],
) -> dict[str, Any]:
    spec, parameters = requirement.model, requirement.parameters
    notes = [f"mapped to {spec.venue}: {loss}" for loss in losses]
    market = market_figures(snapshot, view)
    notes += [*_warnings(requirement), *requirement.notes, *_market_notes(market, view)]
    if book.lots_merged:
        rows = "1 row was a lot" if book.lots_merged == 1 else f"{book.lots_merged} rows were lots"
        notes.append(f"{rows} of an instrument in another row and summed with it")
    accounts = plain.account_figures(requirement, view, book)
    notes += plain.report_notes(book, accounts)
    return {
        "verb": "margin",
        "model": {
            "name": spec.name,
            "title": spec.title,
            "venue": spec.venue or "any",
            "version": spec.version,
            "balance_side": spec.balance_side,
            "unknown": list(spec.unknown),
        },
        "as_of": format_ms(view.as_of_ms),
        "book": plain.book_figures(book),
        "bound": requirement.bound.value,
        "market": market,
        "accounts": accounts,
        "failures": [
            {"account": f.subject, "code": f.code, "reason": f.reason} for f in requirement.failures
        ],
        "fidelity": _shares(requirement),
        "parameters": plain.parameter_figures(
            parameters, view.as_of_ms, made, of_venue=bool(spec.venue)
        ),
        "notes": notes,
    }


def _with_assumed(losses: tuple[str, ...], snapshot: Snapshot, mapped: Book) -> tuple[str, ...]:
    """The losses of a mapping and the dollar prices assumed, but for those that it names itself."""
    assumed = plain.assumed_dollars(snapshot, mapped.instruments.names)
    heads = {" ".join(loss.split(" ")[:2]) for loss in losses}
    return (*losses, *(text for text in assumed if " ".join(text.split(" ")[:2]) not in heads))


def _market_notes(market: Mapping[str, Any], view: View) -> list[str]:
    return [*age_notes(market), *verdict_notes(market), *plain.market_notes(view)]


def _shares(requirement: Requirement) -> dict[str, float]:
    found = fidelity_shares(requirement)
    return {level.value: float(found.get(level, 0.0)) for level in Fidelity}


def _add_readings(
    found: dict[str, Any], book: Book, view: View, model: MarginModel, parameters: Parameters
) -> None:
    """Every reading's totals, and the interval of each account."""
    combinations = interval(book, view, model, parameters)
    if len(combinations) == 1:
        found["notes"].append(f"{model.spec.name}: no rule has rival readings")
    for number, entry in enumerate(found["accounts"] if len(combinations) > 1 else ()):
        for level in ("im", "mm"):
            values = [float(getattr(each, f"{level}_usd")[number]) for each in combinations]
            ends = {"low": min(values), "high": max(values)}
            for end, dollars in ends.items():
                rate = entry["coin_usd"]
                entry[f"{level}_{end}_usd"] = dollars
                entry[f"{level}_{end}_coin"] = dollars / rate if rate else None
    found["readings"] = [
        {
            "choices": dict(each.choices),
            "account": entry["account"],
            "im_usd": float(each.im_usd[number]),
            "mm_usd": float(each.mm_usd[number]),
        }
        for each in combinations
        for number, entry in enumerate(found["accounts"])
    ]


def compare(
    book: BookLike,
    market: MarketLike,
    models: str | Sequence[str] | None = None,
    as_of: str | int | None = None,
    *,
    account: str | None = None,
    venue: str | None = None,
    form: str | None = None,
    allow_duplicates: bool = False,
) -> CompareResult:
    """One account under several models, in figures that may stand side by side.

    Default: every model that can margin the book, the least cash to hold first, and of each other
    one the reason.

    Cash to hold is the least settlement-currency cash with which the account passes the initial
    margin under that model's own balance side, cash to stay alive the same for maintenance.
    A model that cannot margin the book has a row that says why; a book that no model could margin
    is an error.
    """
    held = book_of(book, venue=venue, form=form, allow_duplicates=allow_duplicates)
    held = one_account(held, account) if account is not None else only_account(held, "a comparison")
    snapshot = snapshot_of(market)
    view = snapshot.view(held.instruments, moment_of(as_of, "--as-of"))
    refuse_wrong_entries(held, view)
    names = models.split(",") if isinstance(models, str) else list(models or ())
    chosen = [model_named(name).spec.name for name in named_once(names)]
    _refuse_dead_orders(held, view)
    _refuse_unpriced(held, view)
    rows = comparison.compare(held, view, chosen)
    doubts = market_figures(snapshot, view)
    own = plain.venue_reports(held, held.account[0])
    said = plain.report_notes(held, [{"account": held.account[0], "venue_reports": own}])
    found = {
        "verb": "compare",
        "as_of": format_ms(view.as_of_ms),
        "account": held.account[0],
        "book": plain.book_figures(held),
        "gross_notional_usd": comparison.gross_notional_usd(held, view),
        "models": [_row_figures(row) for row in rows],
        "market": doubts,
        "venue_reports": own,
        "notes": [*_market_notes(doubts, view), *said, *(() if names else _unusable())],
    }
    command = _command(
        "compare",
        (book, market),
        models=",".join(names) or None,
        as_of=None if as_of is None else format_ms(view.as_of_ms),
        account=account,
        venue=venue,
        form=form,
        allow_duplicates=allow_duplicates,
    )
    asked = [model_named(row.model) for row in rows]
    hashes = {each.spec.name: parameters_for(each, view.as_of_ms).sha256 for each in asked}
    receipt = Receipt(
        book=held.positions_sha256(),
        orders=held.orders_sha256(),
        snapshot=snapshot.sha256,
        parameters=hashes,
        changes={},
        as_of=format_ms(view.as_of_ms),
        model=",".join(hashes),
        command=command,
        build=manifest(),
    )
    return CompareResult(rows, plain.checked(found), receipt, held, snapshot)


def _unusable() -> list[str]:
    """Models of other packages that cannot be used, one sentence each."""
    found = outside_models(ALL_MODELS.names).failures
    return [f"the model {each.subject} cannot be used: {each.reason}" for each in found]


def _refuse_unpriced(book: Book, view: View) -> None:
    """What the market cannot price fails an only account before any model is asked."""
    held = {k for _, columns, real in holdings(book) for k in columns[real].tolist()}
    for failure in view.failures:
        code = next((k for k in held if book.instruments.label(k) == failure.subject), None)
        if code is not None:
            reason = f"{failure.subject}: {failure.reason}"
            raise _error_of(Failure(book.account[0], failure.code, reason), view)


def _row_figures(row: comparison.ComparisonRow) -> dict[str, Any]:
    names = [
        "model",
        "title",
        "coin",
        "cash_to_hold_usd",
        "cash_to_stay_alive_usd",
        "cash_to_hold_coin",
        "cash_to_stay_alive_coin",
        "im_usd",
        "mm_usd",
        "im_coin",
        "mm_coin",
        "worst_scenario",
        "saving_fraction",
        "saving_against",
        "stress_leverage",
        "gross_leverage",
        "alone_im_usd",
        "parameters_label",
        "parameters_date",
        "parameters_age_days",
    ]
    if row.error is not None:
        # A failed cell is its reason, never a zero.
        return {"model": row.model, "title": row.title, "error": row.error}
    found = {name: getattr(row, name) for name in names}
    found["fidelity"] = {level.value: float(row.fidelity.get(level, 0.0)) for level in Fidelity}
    found["bound"] = row.bound.value
    found["notes"] = list(row.notes)
    found["error"] = None
    return found


def quality(source: MarketLike, at: str | int | None = None) -> MarketResult:
    """The quality of a snapshot: forwards, index, spreads in bp, and every doubtful item."""
    from crossmargin.market.quality import report  # reads every row: only when asked for

    snapshot = snapshot_of(source, at)
    found = plain.checked({"verb": "market", **report(snapshot)})
    counts: dict[str, int] = {}
    for by_verdict in found["counts"].values():
        for verdict, count in by_verdict.items():
            counts[verdict] = counts.get(verdict, 0) + count
    found["verdicts"] = {name: counts[name] for name in VERDICTS if name in counts}
    bad = {name: counts[name] for name in BAD_VERDICTS if name in counts}
    return MarketResult(snapshot, found, bad)


def _command(verb: str, sources: tuple[BookLike, MarketLike], **options: Any) -> str:
    """The command that gives the same bits; empty where something came from no file."""
    book, snapshot = sources
    if not isinstance(book, str | Path) or not isinstance(snapshot, str | Path):
        return ""
    params = options.pop("params", None)
    changes = dict(options.pop("changes", None) or {})
    if isinstance(params, Mapping):
        changes = {**params, **changes}
        params = None
    if isinstance(params, Parameters):
        return ""
    parts = ["crossmargin", verb, str(book), "--market", str(snapshot)]
    names = {"form": "--format"}
    for name, value in {**options, "params": params}.items():
        flag = names.get(name, "--" + name.replace("_", "-"))
        if value is True:
            parts.append(flag)
        elif value is not None and value is not False:
            parts += [flag, str(value)]
    for name, value in changes.items():
        parts += ["--set", f"{name}={value if isinstance(value, str) else json.dumps(value)}"]
    return command_line(parts)
