"""Books of the conformance world for the tests of netting and buckets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from crossmargin.conformance.world import Subject, World, one_account, subject_of
from crossmargin.core.arrays import frozen
from crossmargin.instruments.book import Book
from crossmargin.margin import Requirement, model_named, run
from crossmargin.margin.parameter_files import overlay
from crossmargin.margin.pools import cut

BTC, ETH = "BTC_USDC-PERPETUAL", "ETH_USDC-PERPETUAL"
CALL, PUT = "BTC_USDC-30-64000-C", "ETH_USDC-30-1900-P"


def subject(model: str, changes: Mapping[str, object] | None = None) -> Subject:
    """A registered model with changes of its newest set."""
    found = subject_of(model_named(model))
    if not changes:
        return found
    return replace(found, parameters=overlay(found.parameters, dict(changes), "test"))


def book(found: Subject, held: Mapping[str, float], **choices: float) -> tuple[Book, World]:
    """One account of the world; choices with ``__`` for the colon."""
    made, world = one_account(found, dict(held))
    chosen = {n.replace("__", ":", 1): frozen([v], np.float64) for n, v in choices.items()}
    return replace(made, choices=chosen), world


def with_choices(made: Book, chosen: Mapping[str, float]) -> Book:
    """The book of one account with choices by their full names."""
    return replace(made, choices={n: frozen([v], np.float64) for n, v in chosen.items()})


def margined(
    model: str, held: Mapping[str, float], changes: Mapping[str, object] | None = None
) -> Requirement:
    """The requirement of one account."""
    found = subject(model, changes)
    made, world = book(found, held)
    return run(made, world.view, found.model, found.parameters)


def stage(found: Requirement, number: int = 0):  # (Priced, PoolBook)
    """The priced pool and the first account's book in it."""
    pool = found.plan.pools[number]
    return found.priced[number], cut(found.book.rows(0, 1), pool, 0)


def dollars(found: Requirement, column: str = "im") -> float:
    """The sum of a column over the pools of the only account, in dollars."""
    usd = [found.priced[int(p)].usd_per_unit for p in found.sheet.pool]
    return float(sum(v * u for v, u in zip(found.sheet[column].tolist(), usd, strict=True)))
