"""The verbs probe and fit: questions that tell rival readings apart, and what the answers say."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from crossmargin.core.clock import format_ms
from crossmargin.core.errors import InputError
from crossmargin.interfaces import figures as plain
from crossmargin.interfaces.probe_layouts import fit_document, probe_document
from crossmargin.interfaces.results import Shown
from crossmargin.interfaces.sources import MarketLike, moment_of, snapshot_of
from crossmargin.interfaces.tables import Document
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.parameter_text import parameter_text
from crossmargin.margin.probing import PROBES_MAX, Fit, choose_probes, fit_readings
from crossmargin.margin.register import model_named
from crossmargin.margin.run import parameters_for
from crossmargin.margin.verification import Case
from crossmargin.venues.assemble import assemble
from crossmargin.venues.payload import Payload, load
from crossmargin.venues.probe_adapters import prober_of
from crossmargin.venues.verify_adapters import case_of

__all__ = ["FitResult", "ProbeResult", "fit", "probe", "write_probes", "write_text"]

_NEAREST = 5  # combinations listed where none fits


@dataclass(frozen=True, slots=True, repr=False)
class ProbeResult(Shown):
    """The requests, and what their answers will and will not tell."""

    figures: Mapping[str, Any]

    def document(self) -> Document:
        """One row a probe."""
        return probe_document(self.figures)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return dict(self.figures)


@dataclass(frozen=True, slots=True, repr=False)
class FitResult(Shown):
    """What the answers say of every reading; ``fits`` is False where no combination holds."""

    outcome: Fit
    parameters: Parameters | None  # the dated set, where every reading is decided or at its default
    figures: Mapping[str, Any]

    @property
    def fits(self) -> bool:
        """Whether some combination of readings fits every answer."""
        return bool(self.outcome.holding)

    def document(self) -> Document:
        """Readings decided and open, and the combinations nearest to the answers."""
        return fit_document(self.figures)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return dict(self.figures)

    def parameter_file(self) -> str:
        """The dated set with its evidence as TOML. InputError where no reading fits."""
        if self.parameters is None:
            raise InputError(
                "rules_unknown",
                "no combination of readings fits the answers: there is no set to write",
                place=str(self.figures["model"]),
                remedy="The rule has another form than those that are known.",
            )
        evidence = f"Readings fit to {self.outcome.answers} answers; numbers as they print them."
        return parameter_text(self.parameters, evidence)


def probe(
    venue: str,
    market: MarketLike,
    currency: str = "BTC",
    *,
    most: int = PROBES_MAX,
    as_of: str | int | None = None,
) -> ProbeResult:
    """The smallest set of simulations, greedily, whose answers part the readings of a model.

    ``market``: a snapshot that prices the chain now. Raises InputError for a venue without probes,
    MarketDataError for a snapshot without the coin.
    """
    prober = prober_of(venue)
    snapshot = snapshot_of(market)
    model = model_named(prober.model)
    books, rows = prober.candidates(snapshot, currency)
    book = assemble(rows, "probes", allow_duplicates=True)
    moment = moment_of(as_of, "--as-of")
    view = snapshot.view(book.instruments, moment)
    parameters = parameters_for(model, view.as_of_ms)
    chosen = choose_probes(book, view, model, parameters, prober.columns, most)
    names = [int(name) for name in book.account]
    probes = [
        {
            "probe": number + 1,
            "positions": books[names[account]],
            "parts": chosen.parted[number],
            "request": prober.request(books[names[account]], currency),
            "reply": None,
        }
        for number, account in enumerate(chosen.account)
    ]
    total = len(chosen.combinations) * (len(chosen.combinations) - 1) // 2
    found = {
        "verb": "probe",
        "venue": venue,
        "model": model.spec.name,
        "as_of": format_ms(view.as_of_ms),
        "currency": currency,
        "readings": {name: list(values) for name, values in model.spec.readings.items()},
        "combinations": len(chosen.combinations),
        "candidates": len(books),
        "pairs": total,
        "pairs_together": len(chosen.together),
        "open": list(chosen.open_readings()),
        "parameters": plain.parameter_figures(parameters, view.as_of_ms, {}),
        "snapshot_sha256": snapshot.sha256,
        "probes": probes,
    }
    return ProbeResult(plain.checked(found))


def fit(
    venue: str,
    answers: Payload,
    *,
    market: MarketLike | None = None,
    at: str | int | None = None,
    tolerance: float = 1e-9,
) -> FitResult:
    """The reading that holds in every answer of a venue, or that none fits.

    ``answers``: a list of replies, or a file of probes with their replies filled in. ``market``,
    ``at`` and ``tolerance`` as for verify.
    """
    value, place = load(answers, f"{venue} answers")
    beside = None if market is None else snapshot_of(market)
    moment = moment_of(at, "--at")
    cases = [
        case_of(venue, {"reply": reply} if "reply" not in reply else reply, moment, beside)
        for reply in _replies(value, place)
    ]
    _of_one_model(cases, place)
    spec = model_named(cases[0].model).spec if cases else model_named(prober_of(venue).model).spec
    outcome = fit_readings(cases, spec, tolerance)
    made = _dated(cases, outcome) if outcome.holding else None
    found = {
        "verb": "fit",
        "venue": venue,
        "model": spec.name,
        "answers": len(cases),
        "as_of": [format_ms(case.as_of_ms) for case in cases],
        "fits": bool(outcome.holding),
        "decided": outcome.decided(),
        "undecided": {name: list(left) for name, left in outcome.undecided().items()},
        "holding": len(outcome.holding),
        "combinations": len(outcome.trials),
        "nearest": [
            {
                "choices": trial.choices,
                "holding": trial.holding,
                "distance": trial.distance,
                "first": trial.first,
            }
            for trial in outcome.trials[:_NEAREST]
        ],
        "set": made.label if made else None,
    }
    return FitResult(outcome, made, plain.checked(found))


def _replies(value: Any, place: str) -> list[Mapping[str, Any]]:
    """The replies of a list, of ``answers`` or of ``probes`` that were filled in."""
    if isinstance(value, Mapping):
        listed = value.get("answers", value.get("probes"))
        value = [value] if listed is None else listed
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise _no_answers(place, type(value).__name__)
    found = []
    for item in value:
        if not isinstance(item, Mapping):
            raise _no_answers(place, type(item).__name__)
        if "reply" in item and item["reply"] is None:
            continue  # a probe that was not asked
        found.append(item)
    if not found:
        raise _no_answers(place, "no reply")
    return found


def _no_answers(place: str, value: str) -> InputError:
    return InputError(
        "file_unreadable",
        "there are no answers in the file",
        place=place,
        value=value,
        limit="a list of replies, or the file of probes with every `reply` filled in",
        remedy="Send the requests and put each reply beside its request.",
    )


def _of_one_model(cases: Sequence[Case], place: str) -> None:
    models = list(dict.fromkeys(case.model for case in cases))
    if len(models) > 1:
        raise InputError(
            "option_unknown",
            "the answers are of several models",
            place=place,
            value=", ".join(models),
            limit="answers of one model",
            remedy="Fit them one model at a time.",
        )


def _dated(cases: Sequence[Case], outcome: Fit) -> Parameters:
    """The newest case's set with the readings that hold; each says what it rests on."""
    newest = max(cases, key=lambda case: case.as_of_ms)
    day = format_ms(newest.as_of_ms)[:10]
    source = f"{newest.endpoint}, {outcome.answers} answers until {format_ms(newest.as_of_ms)}"
    decided = outcome.decided()
    entries = dict(newest.parameters.entries)
    for name, value in outcome.holding[0].choices.items():
        if name not in entries:
            continue
        if name in decided:
            rivals = [t for t in outcome.trials if t.choices[name] != value]
            nearest = min((t.distance for t in rivals), default=0.0)
            text = f"{source}: holds in all; every rival differs, by {nearest:.2g} at least in sum"
        else:
            value = next(v for v in entries[name].choices if v in outcome.undecided()[name])
            text = f"{source}: not told apart; {entries[name].source}"
        entries[name] = replace(entries[name], value=value, source=text)
    return replace(
        newest.parameters,
        entries=entries,
        label=day,
        observed_ms=newest.as_of_ms,
        effective_ms=None,
        announced_ms=None,
        source=source,
        verdicts=(),
    )


def write_probes(result: ProbeResult, path: str | Path) -> None:
    """The probes as a file that takes the replies. InputError ``file_unreadable``."""
    write_text(json.dumps(result.to_dict(), indent=1) + "\n", path)


def write_text(text: str, path: str | Path) -> None:
    """Text into a file. InputError ``file_unreadable`` where it cannot be written."""
    try:
        Path(path).write_text(text, "utf-8")
    except OSError as cause:
        raise InputError(
            "file_unreadable",
            f"the file cannot be written ({cause.strerror})",
            place=str(path),
            remedy="Choose a folder that can be written to.",
        ) from None
