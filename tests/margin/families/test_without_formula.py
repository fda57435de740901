"""A model without a formula: every step of the protocol refuses, and says what is missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from crossmargin.conformance.world import random_book, subject_of, world_of
from crossmargin.core.errors import ModelError
from crossmargin.margin import model_named
from crossmargin.margin.families.without_formula import WithoutFormula
from crossmargin.margin.pools import cut, restrict
from tests.margin.families.worked import newest

MODEL = model_named("kraken-options-pm")


def test_every_step_refuses() -> None:
    assert isinstance(MODEL, WithoutFormula)
    subject = subject_of(model_named("fixed-rate"))
    world, numbers = world_of(subject), newest("kraken-options-pm")
    book = random_book(subject, 1, 2)
    pool = subject.model.plan(world.instruments, subject.parameters).pools[0]
    priced = subject.model.price(
        pool, restrict(world.view, world.instruments, pool), subject.parameters
    )
    held = cut(book, pool, 0)
    steps: tuple[Callable[[], Any], ...] = (
        lambda: MODEL.plan(world.instruments, numbers),
        lambda: MODEL.price(pool, world.view, numbers),
        lambda: MODEL.margin(priced, held, numbers),
        lambda: MODEL.order_need(priced, held, numbers),
        lambda: MODEL.vector(priced, held),
    )
    for step in steps:
        with pytest.raises(ModelError) as caught:
            step()
        assert caught.value.code == "rules_unknown"
        assert caught.value.place == "kraken-options-pm"
        assert MODEL.spec.formula_unknown in caught.value.message
        assert caught.value.remedy
