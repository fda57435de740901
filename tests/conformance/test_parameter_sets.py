"""Every shipped parameter set: sources, dates, readings, and both ends of every bound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from crossmargin.core.arrays import frozen
from crossmargin.core.errors import ModelError
from crossmargin.instruments.book import Book
from crossmargin.instruments.contracts import Kind
from crossmargin.margin import ALL_MODELS, MarginModel, Parameters, parameters_for
from crossmargin.margin.parameter_files import Entry, available, overlay
from tests.conformance.checks import margined
from tests.conformance.world import AS_OF_MS, SPOT, Subject, random_book, subject_of

SETS = [
    pytest.param(model, parameters, id=f"{model.spec.name}-{parameters.label}")
    for model in ALL_MODELS
    for parameters in available(model.spec.folder)
]
BY_NAME = pytest.mark.parametrize("model", ALL_MODELS, ids=lambda model: model.spec.name)


def entries_of_the_world(parameters: Parameters) -> Iterator[tuple[str, Entry]]:
    """Entries of general tables and of the coins that the random books hold."""
    named = {name.split(".")[1] for name in parameters.entries if len(name.split(".")) > 2}
    foreign = {name for name in named if name.isupper() and name not in SPOT}
    for name, entry in parameters.entries.items():
        if name.split(".")[1] not in foreign - {"USD", "USDC"}:
            yield name, entry


@pytest.mark.parametrize(("model", "parameters"), SETS)
def test_every_number_has_unit_source_and_bounds(
    model: MarginModel, parameters: Parameters
) -> None:
    assert parameters.entries
    assert parameters.source.strip()
    for name, entry in parameters.entries.items():
        assert entry.source.strip(), name
        assert entry.unit.strip(), name
        if isinstance(entry.value, int | float):
            assert entry.low is not None, name
            assert entry.high is not None, name
            assert entry.low <= entry.value <= entry.high, name
        elif isinstance(entry.value, str):
            assert entry.value in entry.choices, name
        else:
            assert isinstance(entry.value, list), name
            assert entry.columns, name
            assert np.isfinite([x for row in entry.value for x in row if x != str(x)]).all(), name


@pytest.mark.parametrize(("model", "parameters"), SETS)
def test_a_set_is_in_force_from_its_own_moment(model: MarginModel, parameters: Parameters) -> None:
    """At the very millisecond it is the set; one earlier it is another, or is said to be later."""
    known = parameters.effective_ms
    when = parameters.observed_ms if known is None else known
    assert parameters_for(model, when).label == parameters.label
    assert parameters_for(model, when).verdicts == ()
    before = parameters_for(model, when - 1)
    first = available(model.spec.folder)[0].label == parameters.label
    assert (before.label == parameters.label) is first
    assert before.verdicts == (("parameters_later_than_market",) if first else ())


@pytest.mark.parametrize(("model", "parameters"), SETS)
def test_every_set_margins_a_book(model: MarginModel, parameters: Parameters) -> None:
    subject = Subject(model, parameters)
    sheet = margined(subject, random_book(subject, 31, 8)).sheet
    assert all(np.isfinite(values).all() for values in sheet.values)
    assert sheet["im"].max() > 0.0


def scaled(book: Book, size: float) -> Book:
    return replace(book, quantity=frozen(book.quantity * size, np.float64))


@BY_NAME
def test_every_reading_is_a_choice_of_the_parameters(model: MarginModel) -> None:
    """The best reading is the default; each gives finite numbers; an unknown one is refused."""
    subject = subject_of(model)
    # Some rules bind in large books alone.
    books = [scaled(random_book(subject, 32, 8), size) for size in (1.0, 1e3, 1e5)]
    for name, choices in model.spec.readings.items():
        assert subject.parameters.get(name) == choices[0]
        assert set(subject.parameters.entries[name].choices) == set(choices)
        found = []
        for choice in choices:
            chosen = overlay(subject.parameters, {name: choice}, "reading")
            answers = [margined(Subject(model, chosen), book) for book in books]
            for each in answers:
                assert all(np.isfinite(values).all() for values in each.sheet.values)
            # A reading may change which scenario binds and not what it costs.
            parts = [(x.sheet["im"].tolist(), x.scenario.tolist()) for x in answers]
            found.append(repr(parts))
        assert len(set(found)) == len(choices), f"{name} changes nothing"
        with pytest.raises(ModelError) as caught:
            overlay(subject.parameters, {name: "elsewise"}, "reading")
        assert caught.value.code == "parameter_out_of_bounds"
    stated = {n for n in subject.parameters.entries if n.startswith("reading.")}
    assert stated == set(model.spec.readings)


def ends(entry: Entry) -> Iterator[Any]:
    """Smallest and largest value of a number; of a list, with one cell of its rows at each end."""
    if entry.low is not None and entry.high is not None:
        yield from (entry.low, entry.high)
    for place, column in enumerate(entry.columns):
        for cell in column.choices or (column.low, column.high):
            yield [[*row[:place], cell, *row[place + 1 :]] for row in entry.value]


@BY_NAME
def test_both_ends_of_every_bound_compute(model: MarginModel) -> None:
    """Smallest and largest value of each number, one at a time: finite, or nothing at all."""
    subject = subject_of(model)
    book = random_book(subject, 33, 4, 12)
    failed = []
    count = 0
    for name, entry in entries_of_the_world(subject.parameters):
        for value in ends(entry):
            changed = overlay(subject.parameters, {name: value}, "end of bounds")
            sheet = margined(Subject(model, changed), book).sheet
            count += 1
            if not all(np.isfinite(values).all() for values in sheet.values):
                failed.append((name, value))
            if (sheet["im"] < 0.0).any() or (sheet["mm"] < 0.0).any():
                failed.append((name, value))
    assert failed == []
    assert count >= 8


@BY_NAME
def test_numbers_beyond_a_bound_do_not_load(model: MarginModel) -> None:
    subject = subject_of(model)
    for name, entry in subject.parameters.entries.items():
        if entry.low is None or entry.high is None:
            continue
        wrong = (np.nextafter(entry.low, -np.inf), np.nextafter(entry.high, np.inf), np.nan, "1")
        for value in wrong:
            with pytest.raises(ModelError) as caught:
                overlay(subject.parameters, {name: value}, "beyond")
            assert caught.value.code == "parameter_out_of_bounds"
            assert name in caught.value.place


@BY_NAME
def test_parameters_of_an_unknown_time_carry_a_verdict(model: MarginModel) -> None:
    early = parameters_for(model, AS_OF_MS - 20 * 365 * 86_400_000)
    assert early.verdicts == ("parameters_later_than_market",)
    assert Kind.ASSET in model.spec.kinds
