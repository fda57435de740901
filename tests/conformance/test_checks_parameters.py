"""Every shipped parameter set: sources, dates, readings, and both ends of every bound."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crossmargin.conformance import checks_parameters
from crossmargin.conformance.suite import PARAMETER_CHECKS, Check
from crossmargin.conformance.world import Subject, answering, subject_of
from crossmargin.instruments.contracts import Kind
from crossmargin.margin import ALL_MODELS, MarginModel, model_named

SUBJECTS = tuple(subject_of(model) for model in answering(ALL_MODELS))


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
@pytest.mark.parametrize("check", PARAMETER_CHECKS, ids=lambda check: check.__name__)
def test_promise(check: Check, subject: Subject) -> None:
    check(subject)


@pytest.mark.parametrize("model", ALL_MODELS, ids=lambda model: model.spec.name)
def test_a_model_takes_cash(model: MarginModel) -> None:
    assert Kind.ASSET in model.spec.kinds


def test_a_default_that_is_not_the_best_reading_is_found() -> None:
    subject = subject_of(model_named("paradex-pm"))
    name = "reading.min_vol_shock"
    entry = subject.parameters.entries[name]
    other = replace(entry, value=entry.choices[1])
    entries = {**subject.parameters.entries, name: other}
    wrong = replace(subject, parameters=replace(subject.parameters, entries=entries))
    with pytest.raises(AssertionError, match="min_vol_shock"):
        checks_parameters.every_reading_is_a_choice(wrong)
