from __future__ import annotations

from decimal import Decimal

import numpy as np

from crossmargin.conformance.world import (
    accounts_of,
    one_account,
    random_book,
    random_lines,
    split,
    subject_of,
    view_of,
    world_of,
)
from crossmargin.margin import model_named

SUBJECT = subject_of(model_named("paradex-pm"))


def test_a_world_holds_the_kinds_of_its_model_and_nothing_else() -> None:
    world = world_of(SUBJECT)
    assert {item.kind for item in world.instruments.items} == set(SUBJECT.model.spec.kinds)
    assert {item.venue for item in world.instruments.items} == {"paradex"}
    assert world.view.failures == ()


def test_the_same_seed_gives_the_same_book() -> None:
    assert random_book(SUBJECT, 5).positions_sha256() == random_book(SUBJECT, 5).positions_sha256()
    assert random_book(SUBJECT, 5).positions_sha256() != random_book(SUBJECT, 6).positions_sha256()
    assert len(random_book(SUBJECT, 5, 7)) == len(accounts_of(7)) == 7


def test_lots_add_up_to_the_decimal() -> None:
    rng = np.random.default_rng(1)
    for line in random_lines(world_of(SUBJECT), 3, 10):
        lots = split(line, rng)
        assert sum(Decimal(repr(lot.quantity)) for lot in lots) == Decimal(repr(line.quantity))


def test_a_contract_named_unpriced_fails() -> None:
    items = world_of(SUBJECT).instruments.items
    option = next(item for item in items if item.strike > 0.0)
    blind = view_of(items, (option.native_id,))
    assert [failure.code for failure in blind.view.failures] == ["vol_missing"]


def test_an_account_of_named_contracts() -> None:
    book, world = one_account(SUBJECT, {"BTC_USDC-PERPETUAL": 2.0})
    assert len(book) == 1
    assert world.instruments.items[int(book.column[0])].native_id == "BTC_USDC-PERPETUAL"
