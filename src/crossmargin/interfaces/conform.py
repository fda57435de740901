"""The verb conform: a package's models, or one, against the promises; their validation cards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from crossmargin.conformance.recorded import read
from crossmargin.conformance.sensitivity import Sensitivity, sensitivity, unmeasured
from crossmargin.conformance.suite import Promise, judge, promises_of
from crossmargin.conformance.vectors import KINDS, tallies
from crossmargin.conformance.world import AS_OF_MS, Subject
from crossmargin.core.errors import Failure, InputError, ModelError
from crossmargin.interfaces.explanation import rule_figures
from crossmargin.interfaces.figures import checked
from crossmargin.interfaces.layouts_conform import conform_document
from crossmargin.interfaces.results import Shown
from crossmargin.interfaces.sources import ParametersLike, parameters_of
from crossmargin.interfaces.tables import Document
from crossmargin.margin import outside
from crossmargin.margin.model import Extent, MarginModel
from crossmargin.margin.register import ALL_MODELS, is_built_in, model_named

__all__ = ["Conformed", "card_figures", "conform", "recorded_vectors"]


@dataclass(frozen=True, slots=True, repr=False)
class Conformed(Shown):
    """The cards of the models that were asked for, and what could not be run."""

    figures: Mapping[str, Any]

    @property
    def status(self) -> int:
        """0: every promise is kept; 1: one is broken, or a vector differs; 2: one could not run."""
        return int(self.figures["status"])

    def document(self) -> Document:
        """Rules, vectors, promises, sensitivities and gaps of each model."""
        return conform_document(self.figures)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return dict(self.figures)


def conform(
    name: str, vectors: str | Path | None = None, params: ParametersLike | None = None
) -> Conformed:
    """Run the conformance suite over a model, or over all models of an installed package.

    ``vectors``: a folder of ``*.vectors.json``, whose cases are run too. ``params``: for a model
    that refuses without its venue's own payload. Raises InputError ``model_unknown`` where neither
    a model nor a package with models has that name.
    """
    models, failures = _chosen(name)
    cards = []
    for model in models:
        try:
            cards.append(_card(model, _subject(model, params), vectors))
        except ModelError as error:
            failures = (*failures, Failure(model.spec.name, error.code, error.message))
    bad = any(card["broken"] or any(row["failed"] for row in card["vectors"]) for card in cards)
    return Conformed(
        checked(
            {
                "verb": "conform",
                "name": name,
                "models": cards,
                "failures": [asdict(failure) for failure in failures],
                "status": 2 if failures else 1 if bad else 0,
            }
        )
    )


def _chosen(name: str) -> tuple[tuple[MarginModel, ...], tuple[Failure, ...]]:
    """The model of that name, else the models of the package of that name."""
    if is_built_in(name):
        return (model_named(name),), ()
    found = outside.of_package(name, ALL_MODELS.names)
    if found.models or found.failures:
        return found.models, found.failures
    try:
        return (model_named(name),), ()
    except InputError as error:
        if error.code != "model_unknown":
            raise
        raise InputError(
            "model_unknown",
            f"no margin model of that name, and no package with entry points in {outside.GROUP}",
            value=name,
            remedy="Install the package beside crossmargin, or see `crossmargin models`.",
        ) from None


def _subject(model: MarginModel, params: ParametersLike | None) -> Subject:
    """The model with what it is run with; without its payload a refusing model cannot be run."""
    needs = model.spec.extent is Extent.REFUSED and not model.spec.formula_unknown
    if params is None and needs:
        raise ModelError(
            "rules_unknown",
            "its numbers are not published: give the venue's own payload (--params FILE)",
            place=model.spec.name,
            remedy="Give --params FILE.",
        )
    return Subject(model, parameters_of(model, AS_OF_MS, params, None)[0])


def _card(model: MarginModel, subject: Subject, vectors: str | Path | None) -> dict[str, Any]:
    promises = judge(subject, promises_of(subject))
    measured, fault = _measured(subject)
    if fault:
        promises = (*promises, Promise("sensitivity", "The reference book is margined.", fault))
    return {
        **card_figures(subject, measured),
        "promises": [
            {"promise": each.name, "text": each.text, "fault": each.fault or None}
            for each in promises
        ],
        "broken": sum(not each.kept for each in promises),
        "vectors": [*_run_vectors(model, vectors), *recorded_vectors(model)],
    }


def _measured(subject: Subject) -> tuple[tuple[Sensitivity, ...], str]:
    try:
        return sensitivity(subject), ""
    except Exception as error:  # noqa: BLE001 # a stranger's model may fail in any way
        return (), f"{type(error).__name__}: {error}"


def card_figures(subject: Subject, measured: Sequence[Sensitivity]) -> dict[str, Any]:
    """What a card says without running the suite: rules, sensitivities and gaps."""
    spec = subject.model.spec
    return {
        "model": spec.name,
        "title": spec.title,
        "venue": spec.venue or "any",
        "version": spec.version,
        "extent": spec.extent.value,
        "standing": spec.standing.value,
        "parameters": subject.parameters.label,
        "rules": [rule_figures(rule) for rule in spec.rules],
        "sensitivity": [
            {**asdict(each), "choices": list(each.choices), "rules": list(each.rules)}
            for each in measured
        ],
        "unmeasured": list(unmeasured(subject)),
        "unknown": list(spec.unknown),
    }


def _run_vectors(model: MarginModel, folder: str | Path | None) -> list[dict[str, Any]]:
    if folder is None:
        return []
    return [
        {
            "kind": KINDS[tally.kind],
            "file": tally.source,
            "cases": tally.count,
            "numbers": tally.numbers,
            "worst_error": tally.worst_error,
            "failed": list(tally.failed),
            "run": "now",
        }
        for tally in tallies(model, Path(folder))
    ]


def recorded_vectors(model: MarginModel) -> list[dict[str, Any]]:
    """What a run that had the files found of a built-in model."""
    if not is_built_in(model.spec.name):
        return []
    return [
        {
            "kind": KINDS[row.kind],
            "file": row.file,
            "cases": row.cases,
            "numbers": row.numbers,
            "worst_error": row.worst_error,
            "failed": [],
            "run": "recorded",
        }
        for row in read(model.spec.name).vectors
    ]
