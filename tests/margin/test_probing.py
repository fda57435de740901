from __future__ import annotations

from dataclasses import replace

import pytest

from crossmargin.conformance.world import random_book, subject_of, world_of
from crossmargin.core.errors import InputError
from crossmargin.margin.probing import Fit, Trial, choose_probes, combinations, fit_readings
from crossmargin.margin.register import model_named

MODEL = model_named("paradex-pm")


def test_the_default_comes_first_and_every_value_occurs() -> None:
    found = combinations(model_named("deribit-spm").spec)
    readings = model_named("deribit-spm").spec.readings
    assert found[0] == {name: values[0] for name, values in readings.items()}
    assert len({tuple(each.items()) for each in found}) == len(found) == 64
    with pytest.raises(InputError):
        combinations(replace(MODEL.spec, readings={}))


def test_books_are_chosen_until_no_pair_is_left() -> None:
    subject = subject_of(MODEL)
    book, world = random_book(subject, 5, 12), world_of(subject)
    found = choose_probes(book, world.view, MODEL, subject.parameters, ("im", "mm"), 3)
    assert found.together == ()
    assert sum(found.parted) == 1  # two readings make one pair
    assert len(found.account) == 1


def test_books_that_feel_no_rule_leave_the_pairs_together() -> None:
    subject = subject_of(MODEL)
    book, world = random_book(subject, 5, 2), world_of(subject)
    found = choose_probes(book, world.view, MODEL, subject.parameters, ("cash",), 3)
    vectors_part = len(found.account) > 0
    assert vectors_part or found.open_readings() == ("reading.min_vol_shock",)


def test_decided_and_undecided_follow_from_what_holds() -> None:
    a, b = {"x": "1", "y": "1"}, {"x": "1", "y": "2"}
    outcome = Fit(
        (Trial(a, 2, 0.0, ""), Trial(b, 2, 0.0, ""), Trial({"x": "2", "y": "1"}, 1, 1.0, "im")), 2
    )
    assert outcome.decided() == {"x": "1"}
    assert outcome.undecided() == {"y": ("1", "2")}
    assert Fit((Trial(a, 0, 1.0, "im"),), 1).holding == ()


def test_no_answers_are_no_fit() -> None:
    with pytest.raises(InputError):
        fit_readings([], MODEL.spec)
