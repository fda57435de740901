"""The verbs of parameter sets: what changed and what it costs, a venue's payload, a check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from crossmargin.core.clock import format_ms
from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book
from crossmargin.interfaces import figures as plain
from crossmargin.interfaces.parameters_layouts import check_document, diff_document, set_document
from crossmargin.interfaces.results import Shown
from crossmargin.interfaces.sources import (
    BookLike,
    MarketLike,
    book_of,
    moment_of,
    one_account,
    snapshot_of,
)
from crossmargin.interfaces.tables import Document
from crossmargin.margin.model import MarginModel
from crossmargin.margin.parameter_diff import CashChange, Change, cash_changes, changes
from crossmargin.margin.parameter_files import Parameters, available, load, read_parameters
from crossmargin.margin.parameter_scope import ALL, Scope
from crossmargin.margin.parameter_text import parameter_text
from crossmargin.margin.payload_parameters import FromPayload, from_payload
from crossmargin.margin.register import ALL_MODELS, model_named
from crossmargin.market.snapshot import Snapshot
from crossmargin.market.view import View
from crossmargin.venues.params_adapters import numbers_of
from crossmargin.venues.payload import Payload
from crossmargin.venues.reading import file_bytes

__all__ = ["CheckResult", "DiffResult", "SetResult", "check_set", "diff_sets", "import_set"]

_TOML_BYTES_MAX = 10_000_000


@dataclass(frozen=True, slots=True, repr=False)
class DiffResult(Shown):
    """Changed numbers, and the change in cash to hold of each account."""

    figures: Mapping[str, Any]

    def document(self) -> Document:
        """Numbers, then accounts, largest increase first."""
        return diff_document(self.figures)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return dict(self.figures)


@dataclass(frozen=True, slots=True, repr=False)
class SetResult(Shown):
    """A dated set made of a venue's payload."""

    parameters: Parameters
    figures: Mapping[str, Any]

    def document(self) -> Document:
        """What was read, and what was carried on."""
        return set_document(self.figures)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return dict(self.figures)

    def text(self) -> str:
        """The set as the text of a parameter file."""
        carried = self.figures["carried"]
        comment = f"Read from the venue's own payload: {self.parameters.source}."
        if carried:
            comment += f"\nNot in the payload, carried on from {self.figures['base']['set']}:"
            comment += "".join(f"\n  {name}" for name in carried)
        return parameter_text(self.parameters, comment)


@dataclass(frozen=True, slots=True, repr=False)
class CheckResult(Shown):
    """A live payload against the set in force."""

    figures: Mapping[str, Any]

    @property
    def current(self) -> bool:
        """Whether every number of the payload is that of the set."""
        return not self.figures["changes"]

    def document(self) -> Document:
        """The numbers that differ."""
        return check_document(self.figures)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return dict(self.figures)


def diff_sets(
    before: str | Path | Parameters,
    after: str | Path | Parameters,
    *,
    book: BookLike | None = None,
    market: MarketLike | None = None,
    model: str | None = None,
    as_of: str | int | None = None,
) -> DiffResult:
    """Numbers that differ between two sets and, with a book and a market, what that costs.

    ``before``, ``after``: a parameter file, or ``MODEL/LABEL`` of a set that ships
    (``deribit-pm/2026-02-15``). ``model``: which of the models that read these sets; default the
    first. Cash to hold is compared account by account, in dollars, largest increase first.
    """
    old, new = _set_of(before), _set_of(after)
    found: dict[str, Any] = {
        "verb": "parameters diff",
        "before": _named(old),
        "after": _named(new),
        "changes": [_change(each) for each in changes(old, new)],
        "accounts": None,
        "model": None,
        "as_of": None,
    }
    if (book is None) != (market is None):
        raise InputError(
            "option_unknown",
            "the change in cash needs a book and a market",
            limit="--book and --market together",
            remedy="Give both, or neither.",
        )
    if book is not None and market is not None:
        chosen = _model_for(old, model)
        held, snapshot = book_of(book), snapshot_of(market)
        moment = moment_of(as_of, "--as-of")
        rows = cash_changes(_accounts(held, snapshot, moment), chosen, old, new)
        found["model"] = chosen.spec.name
        found["as_of"] = format_ms(snapshot.as_of_ms if moment is None else moment)
        found["accounts"] = [_cash(each) for each in rows]
    return DiffResult(plain.checked(found))


def import_set(
    venue: str,
    payload: Payload,
    *,
    observed: str | int | None = None,
    announced_at: str | int | None = None,
    effective_from: str | int | None = None,
    effective_for: Scope = ALL,
) -> SetResult:
    """A dated set from the venue's own payload; its own time unless ``observed`` is given."""
    made, base, notes = _from_payload(venue, payload, moment_of(observed, "--observed"))
    set_ = replace(
        made.parameters,
        announced_ms=moment_of(announced_at, "--announced-at"),
        effective_ms=moment_of(effective_from, "--effective-from"),
        effective_for=effective_for,
    )
    found = {
        "verb": "parameters import",
        "venue": venue,
        "set": _named(set_),
        "base": _named(base),
        "changes": [_change(each) for each in changes(base, set_)],
        "carried": list(made.carried),
        "notes": list(notes),
    }
    return SetResult(set_, plain.checked(found))


def check_set(venue: str, payload: Payload, *, as_of: str | int | None = None) -> CheckResult:
    """A live payload against the set in force at its time (or at ``as_of``)."""
    made, base, notes = _from_payload(venue, payload, moment_of(as_of, "--as-of"))
    found = {
        "verb": "parameters check",
        "venue": venue,
        "as_of": format_ms(made.parameters.observed_ms),
        "set": _named(base),
        "changes": [_change(each) for each in changes(base, made.parameters)],
        "carried": list(made.carried),
        "age_days": plain.parameter_figures(base, made.parameters.observed_ms, {})["age_days"],
        "notes": list(notes),
    }
    return CheckResult(plain.checked(found))


def _from_payload(
    venue: str, payload: Payload, given_ms: int | None
) -> tuple[FromPayload, Parameters, tuple[str, ...]]:
    numbers = numbers_of(venue, payload)
    time_ms = numbers.observed_ms if given_ms is None else given_ms
    if time_ms is None:
        raise InputError(
            "column_missing",
            "the payload carries no time",
            place=f"{venue} parameters",
            value="timestamp",
            limit="a time to the minute with its zone",
            remedy="Say when it was read: --observed (import) or --as-of (check).",
        )
    base = load(numbers.folder, time_ms)
    made = from_payload(base, numbers, format_ms(time_ms)[:10], time_ms)
    return made, base, numbers.notes


def _set_of(source: str | Path | Parameters) -> Parameters:
    """A set as it is, of a file, or ``MODEL/LABEL`` of one that ships."""
    if isinstance(source, Parameters):
        return source
    folder, sign, label = str(source).rpartition("/")
    folders = {model.spec.folder for model in ALL_MODELS}
    if sign and folder in folders and not label.endswith(".toml"):
        for found in available(folder):
            if found.label == label:
                return found
        raise InputError(
            "option_unknown",
            "no set of that label ships with the model",
            place=folder,
            value=label,
            limit=", ".join(found.label for found in available(folder)),
            remedy="Choose one of those.",
        )
    path = Path(source)
    try:
        text = file_bytes(path, _TOML_BYTES_MAX).decode("utf-8")
    except UnicodeDecodeError:
        raise InputError("file_unreadable", "the file is not UTF-8", place=str(path)) from None
    return read_parameters(text, path.name)


def _model_for(found: Parameters, name: str | None) -> MarginModel:
    """The model asked for, if it reads such sets; else the first that does."""
    readers = [model for model in ALL_MODELS if model.spec.folder == found.model]
    if name is not None:
        readers = [model for model in readers if model is model_named(name)]
    if not readers:
        raise InputError(
            "option_unknown",
            "the model does not read such sets",
            place="--model",
            value=name,
            limit=", ".join(m.spec.name for m in ALL_MODELS if m.spec.folder == found.model),
            remedy="Choose one of those.",
        )
    return readers[0]


def _accounts(book: Book, snapshot: Snapshot, as_of_ms: int | None) -> Iterator[tuple[Book, View]]:
    for name in book.account:
        one = one_account(book, name)
        yield one, snapshot.view(one.instruments, as_of_ms)


def _named(found: Parameters) -> dict[str, Any]:
    def time(ms: int | None) -> str | None:
        return None if ms is None else format_ms(ms)

    return {
        "set": f"{found.model}/{found.label}",
        "announced_at": time(found.announced_ms),
        "effective_from": time(found.effective_ms),
        "observed": time(found.observed_ms),
        "effective_for": found.effective_for.text,
        "source": found.source,
        "sha256": found.sha256,
    }


def _change(each: Change) -> dict[str, Any]:
    return {
        "name": each.name,
        "before": each.before,
        "after": each.after,
        "unit": each.unit,
        "share": each.share,
    }


def _cash(each: CashChange) -> dict[str, Any]:
    if each.failure is not None:
        return {"account": each.account, "error": f"{each.failure.code}: {each.failure.reason}"}
    return {
        "account": each.account,
        "before_usd": each.before_usd,
        "after_usd": each.after_usd,
        "change_usd": each.change_usd,
        "error": None,
    }
