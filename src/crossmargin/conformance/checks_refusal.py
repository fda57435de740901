"""What holds for a model whose formula is not known: what it declares, and that it refuses.

Promises about numbers cannot be asked of it. These stand in their place.
"""

from __future__ import annotations

from functools import partial

from crossmargin.conformance.checks import margined, refused
from crossmargin.conformance.world import AS_OF_MS, Subject, random_book, view_of, world_of
from crossmargin.instruments.book import Book, Line
from crossmargin.margin import parameters_for
from crossmargin.margin.model import Extent, Fidelity

__all__ = ["every_book_is_refused", "what_is_missing_is_declared"]


def what_is_missing_is_declared(subject: Subject) -> None:
    """Rules have text and source, one of them is missing, and the spec says what is not known."""
    spec = subject.model.spec
    assert spec.extent is Extent.REFUSED
    assert spec.formula_unknown.strip()
    assert spec.unknown
    assert spec.title.strip()
    assert spec.balance_side.strip()
    assert len({rule.name for rule in spec.rules}) == len(spec.rules)
    for rule in spec.rules:
        assert rule.text.strip(), rule.name
        assert rule.source.strip(), rule.name
    assert any(rule.fidelity is Fidelity.MISSING for rule in spec.rules)
    assert not spec.readings, "a switch of a formula that is not known"


def every_book_is_refused(subject: Subject) -> None:
    """No number for a population, one contract, cash or nothing, with a payload or without."""
    spec, world = subject.model.spec, world_of(subject)
    items = world.instruments.items
    books = [random_book(subject, 61), Book.of(world.instruments, (), accounts=("a",))]
    books += [Book.of(world.instruments, [Line("a", k, 1.0)]) for k in range(len(items))]
    bare = Subject(subject.model, parameters_for(subject.model, AS_OF_MS))
    for given in (subject, bare):
        for book in books:
            error = refused("rules_unknown", partial(margined, given, book, world))
            assert error.place == spec.name
            assert spec.formula_unknown in error.message
            assert error.limit
            assert error.remedy
    small = view_of(items[:1])
    one = Book.of(small.instruments, [Line("a", 0, -1.0)])
    refused("rules_unknown", partial(margined, bare, one, small))
