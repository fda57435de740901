"""Small books of coins for the models of a whole account: contracts of the conformance world."""

from __future__ import annotations

from typing import Any

from crossmargin.conformance.world import Subject, random_book, subject_of, world_of
from crossmargin.instruments.book import Book, Line, Order
from crossmargin.margin import Requirement, model_named, run
from crossmargin.margin.model import MarginModel, PoolBook, Priced
from crossmargin.margin.parameter_files import overlay
from crossmargin.margin.pools import cut


def subject(name: str) -> Subject:
    return subject_of(model_named(name))


def margined(
    name: str,
    held: dict[str, float],
    orders: list[tuple[str, int, float, float]] | None = None,
    entries: dict[str, float] | None = None,
    **changes: Any,
) -> Requirement:
    """One account; orders are (native id, side, size, limit); changes have __ for each dot."""
    chosen = subject(name)
    world = world_of(chosen)
    place = {item.native_id: k for k, item in enumerate(world.instruments.items)}
    entry = entries or {}
    lines = [Line("a", place[n], size, entry_price=entry.get(n)) for n, size in held.items()]
    resting = [Order("a", place[n], side, size, limit) for n, side, size, limit in orders or []]
    named = {key.replace("__", "."): value for key, value in changes.items()}
    book = Book.of(world.instruments, lines, resting, accounts=("a",))
    parameters = overlay(chosen.parameters, named, "test") if named else chosen.parameters
    return run(book, world.view, chosen.model, parameters)


def column(name: str, chosen: Subject) -> int:
    """Row of a contract in the world of a model."""
    items = world_of(chosen).instruments.items
    return next(k for k, item in enumerate(items) if item.native_id == name)


def stage(found: Requirement) -> tuple[MarginModel, Priced, PoolBook]:
    """The model, its priced pool and the whole block."""
    return found.via, found.priced[0], cut(found.book, found.plan.pools[0], 0)


def population(name: str, seed: int) -> Requirement:
    """Forty random accounts."""
    chosen = subject(name)
    world = world_of(chosen)
    return run(random_book(chosen, seed), world.view, chosen.model, chosen.parameters)
