"""Every promise over every registered model: a new model is picked up without an edit here."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from crossmargin.conformance.checks_rules import bound_is_declared, tree_adds_up
from crossmargin.conformance.suite import (
    CHECKS,
    PARAMETER_CHECKS,
    REFUSAL_CHECKS,
    broken,
    judge,
    promises_of,
)
from crossmargin.conformance.world import Subject, answering, subject_of
from crossmargin.margin import ALL_MODELS
from tests.conformance.test_checks import spoiled

SUBJECTS = tuple(subject_of(model) for model in answering(ALL_MODELS))
UNANSWERED = tuple(subject_of(model) for model in ALL_MODELS if model.spec.formula_unknown)


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_promise(check: Callable[[Subject], None], subject: Subject) -> None:
    check(subject)


@pytest.mark.parametrize("subject", UNANSWERED, ids=lambda subject: subject.name)
@pytest.mark.parametrize("check", REFUSAL_CHECKS, ids=lambda check: check.__name__)
def test_promise_of_a_model_without_a_formula(
    check: Callable[[Subject], None], subject: Subject
) -> None:
    check(subject)


def test_every_model_is_asked_for_numbers_or_for_its_refusal() -> None:
    assert {s.name for s in (*SUBJECTS, *UNANSWERED)} == set(ALL_MODELS.names)
    assert promises_of(SUBJECTS[0]) == (*CHECKS, *PARAMETER_CHECKS)
    assert all(promises_of(subject) == REFUSAL_CHECKS for subject in UNANSWERED)


def test_a_broken_promise_says_where_and_what() -> None:
    kept, faulty = judge(spoiled("mm", lambda v: v + 1.0), (bound_is_declared, tree_adds_up))
    assert kept.kept
    assert kept.fault == ""
    assert not faulty.kept
    assert "tree_adds_up" in faulty.fault
    assert faulty.text.startswith("Every column is its operator")
    assert broken(spoiled("mm", lambda v: -v))
