"""The promises of a refusal find a model that answers, and one that hides what is missing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crossmargin.conformance.checks_refusal import (
    every_book_is_refused,
    what_is_missing_is_declared,
)
from crossmargin.conformance.world import Subject, answering, subject_of
from crossmargin.margin import ALL_MODELS, ModelSpec, model_named
from crossmargin.margin.families.without_formula import WithoutFormula
from crossmargin.margin.model import Extent, Fidelity

KRAKEN = subject_of(model_named("kraken-options-pm"))


def of(spec: ModelSpec) -> Subject:
    return replace(KRAKEN, model=WithoutFormula(spec))


def test_a_model_that_answers_is_found() -> None:
    with pytest.raises(AssertionError, match="not refused"):
        every_book_is_refused(subject_of(model_named("fixed-rate")))


def test_a_declaration_that_hides_what_is_missing_is_found() -> None:
    spec = KRAKEN.model.spec
    known = tuple(replace(rule, fidelity=Fidelity.STATED) for rule in spec.rules)
    for wrong in (
        replace(spec, unknown=()),
        replace(spec, extent=Extent.COMPLETE),
        replace(spec, formula_unknown=""),
        replace(spec, rules=known),
        replace(spec, rules=(*spec.rules, spec.rules[0])),
        replace(spec, rules=(replace(spec.rules[-2], source=" "),)),
    ):
        with pytest.raises(AssertionError):
            what_is_missing_is_declared(of(wrong))


def test_models_with_a_formula_are_those_that_answer() -> None:
    names = {model.spec.name for model in answering(ALL_MODELS)}
    assert set(ALL_MODELS.names) - names == {"kraken-options-pm"}
