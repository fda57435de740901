"""One account of a lending model on a small market of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from crossmargin.conformance.world import subject_of, view_of
from crossmargin.core.arrays import frozen
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instruments
from crossmargin.instruments.symbology import parse
from crossmargin.margin import Requirement, model_named, run
from crossmargin.margin.families.lending import LendingAccount
from crossmargin.margin.families.lending_model import LendingModel
from crossmargin.margin.parameter_files import overlay
from crossmargin.margin.pools import cut

USD = {"BTC": 64_000.0, "ETH": 2_000.0, "USDC": 1.0, "DAI": 1.0, "LUSD": 1.0, "BOLD": 1.0}
FIGURES = ("counted_im", "im", "counted_mm", "mm")


def margined(
    name: str,
    held: Mapping[str, float],
    changes: Mapping[str, object] | None = None,
    reads: Mapping[str, Mapping[str, float]] | None = None,
    **choices: float,
) -> Requirement:
    """``held``: native ids at the model's venue; the set is its stand-in with ``changes``."""
    subject = subject_of(model_named(name))
    venue = subject.model.spec.venue
    items = Instruments.of(parse(venue, each) for each in held)
    place = items.index_of()
    book = Book.of(items, [Line("a", place[venue, each], size) for each, size in held.items()])
    book = replace(book, choices={key: np.array([x]) for key, x in choices.items()})
    view = view_of(items.items).view
    usd = frozen([USD.get(each, 1.0) for each in view.instruments.names], np.float64)
    parameters = overlay(subject.parameters, dict(changes or {}), "test")
    return run(book, replace(view, usd=usd, reads=reads or {}), subject.model, parameters)


def figures(found: Requirement) -> tuple[float, ...]:
    """The four totals of the only row."""
    return tuple(float(found.sheet[name][0]) for name in FIGURES)


def position(found: Requirement) -> LendingAccount:
    """The account behind the only row."""
    model = found.via
    assert isinstance(model, LendingModel)
    return model.account(found.priced[0], cut(found.book, found.priced[0].pool, 0), 0)
