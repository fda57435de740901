"""What holds for the parameter files of a model: sources, dates, readings, ends of every bound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from crossmargin.conformance.checks import margined, refused
from crossmargin.conformance.checks_rules import ROOTS
from crossmargin.conformance.world import AS_OF_MS, SPOT, Subject, random_book
from crossmargin.core.arrays import frozen
from crossmargin.core.clock import YEAR_MS
from crossmargin.instruments.book import Book
from crossmargin.margin import Parameters, parameters_for
from crossmargin.margin.model import Extent
from crossmargin.margin.parameter_files import Entry, available, overlay

__all__ = [
    "both_ends_of_every_bound_compute",
    "every_number_has_unit_source_and_bounds",
    "every_reading_is_a_choice",
    "every_set_margins_a_book",
    "numbers_beyond_a_bound_do_not_load",
    "parameters_of_an_unknown_time_carry_a_verdict",
    "sets_are_in_force_from_their_own_moment",
]


def every_number_has_unit_source_and_bounds(subject: Subject) -> None:
    """Each entry of each set states unit, source and bounds, and lies inside them."""
    sets = available(subject.model.spec.folder)
    assert sets
    for parameters in sets:
        refused_bare = subject.model.spec.extent is Extent.REFUSED  # its numbers are the payload's
        assert parameters.entries or refused_bare, parameters.label
        assert parameters.source.strip(), parameters.label
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
                cells = [x for row in entry.value for x in row if x != str(x)]
                assert np.isfinite(cells).all(), name


def sets_are_in_force_from_their_own_moment(subject: Subject) -> None:
    """At the very millisecond it is the set; one earlier it is another, or is said to be later."""
    model = subject.model
    sets = available(model.spec.folder)
    for parameters in sets:
        known = parameters.effective_ms
        when = parameters.observed_ms if known is None else known
        assert parameters_for(model, when).label == parameters.label
        assert parameters_for(model, when).verdicts == ()
        before = parameters_for(model, when - 1)
        first = sets[0].label == parameters.label
        assert (before.label == parameters.label) is first, parameters.label
        assert before.verdicts == (("parameters_later_than_market",) if first else ())


def parameters_of_an_unknown_time_carry_a_verdict(subject: Subject) -> None:
    """A market long before the first set is margined with it, and the result says so."""
    early = parameters_for(subject.model, AS_OF_MS - 20 * YEAR_MS)
    assert early.verdicts == ("parameters_later_than_market",)


def every_set_margins_a_book(subject: Subject) -> None:
    """Finite numbers under every set, not only the newest."""
    refused_bare = subject.model.spec.extent is Extent.REFUSED  # the payload is what can be tried
    for parameters in available(subject.model.spec.folder):
        dated = subject if refused_bare else replace(subject, parameters=parameters)
        sheet = margined(dated, random_book(subject, 31, 8)).sheet
        assert all(np.isfinite(values).all() for values in sheet.values), parameters.label
        assert sheet["im"].max() > 0.0, parameters.label


def _scaled(book: Book, size: float) -> Book:
    return replace(book, quantity=frozen(book.quantity * size, np.float64))


def every_reading_is_a_choice(subject: Subject) -> None:
    """The best reading is the default; each changes something; an unknown one is refused."""
    model = subject.model
    # Some rules bind in large books alone.
    books = [_scaled(random_book(subject, 32, 24), size) for size in (1.0, 1e3, 1e5)]
    for name, choices in model.spec.readings.items():
        assert subject.parameters.get(name) == choices[0], name
        assert set(subject.parameters.entries[name].choices) == set(choices), name
        found = []
        for choice in choices:
            chosen = overlay(subject.parameters, {name: choice}, "reading")
            answers = [margined(replace(subject, parameters=chosen), book) for book in books]
            for each in answers:
                finite = all(np.isfinite(values).all() for values in each.sheet.values)
                assert finite, (name, choice)
            # A reading may change which scenario binds and not what it costs, or what counts.
            parts = [
                ([x.sheet[name].tolist() for name in ROOTS], x.scenario.tolist()) for x in answers
            ]
            found.append(repr(parts))
        assert len(set(found)) == len(choices), f"{name} changes nothing"
        refused(
            "parameter_out_of_bounds",
            partial(overlay, subject.parameters, {name: "elsewise"}, "reading"),
        )
    stated = {n for n in subject.parameters.entries if n.startswith("reading.")}
    assert stated == set(model.spec.readings)


def _of_the_world(parameters: Parameters) -> Iterator[tuple[str, Entry]]:
    """Entries of general tables and of the coins that the random books hold."""
    named = {name.split(".")[1] for name in parameters.entries if len(name.split(".")) > 2}
    foreign = {name for name in named if name.isupper() and name not in SPOT}
    for name, entry in parameters.entries.items():
        if name.split(".")[1] not in foreign - {"USD", "USDC"}:
            yield name, entry


def _ends(entry: Entry) -> Iterator[Any]:
    """Smallest and largest value of a number; of a list, with one cell of its rows at each end."""
    if entry.low is not None and entry.high is not None:
        yield from (entry.low, entry.high)
    for place, column in enumerate(entry.columns):
        for cell in column.choices or (column.low, column.high):
            yield [[*row[:place], cell, *row[place + 1 :]] for row in entry.value]


def both_ends_of_every_bound_compute(subject: Subject) -> None:
    """Smallest and largest value of each number, one at a time: finite, and not negative."""
    book = random_book(subject, 33, 4, 12)
    failed = []
    for name, entry in _of_the_world(subject.parameters):
        for value in _ends(entry):
            changed = overlay(subject.parameters, {name: value}, "end of bounds")
            sheet = margined(replace(subject, parameters=changed), book).sheet
            if not all(np.isfinite(values).all() for values in sheet.values):
                failed.append((name, value))
            if (sheet["im"] < 0.0).any() or (sheet["mm"] < 0.0).any():
                failed.append((name, value))
    assert failed == []


def numbers_beyond_a_bound_do_not_load(subject: Subject) -> None:
    """The neighbour of each bound, a NaN and a text are refused, with the number's name."""
    for name, entry in subject.parameters.entries.items():
        if entry.low is None or entry.high is None:
            continue
        wrong = (np.nextafter(entry.low, -np.inf), np.nextafter(entry.high, np.inf), np.nan, "1")
        for value in wrong:
            error = refused(
                "parameter_out_of_bounds",
                partial(overlay, subject.parameters, {name: value}, "beyond"),
            )
            assert name in error.place
