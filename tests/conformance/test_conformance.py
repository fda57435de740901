"""Every promise over every registered model: a new model is picked up without an edit here."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from crossmargin.margin import ALL_MODELS
from tests.conformance.suite import CHECKS
from tests.conformance.world import Subject, subject_of

SUBJECTS = tuple(subject_of(model) for model in ALL_MODELS)


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_promise(check: Callable[[Subject], None], subject: Subject) -> None:
    check(subject)
