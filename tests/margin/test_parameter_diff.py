from __future__ import annotations

from dataclasses import replace

import pytest

from crossmargin.conformance.world import one_account, subject_of, world_of
from crossmargin.core.errors import InputError
from crossmargin.margin.parameter_diff import Change, cash_changes, changes
from crossmargin.margin.parameter_files import available, overlay
from crossmargin.margin.register import model_named

OLD, MIDDLE, NEW = available("deribit-pm")
MODEL = model_named("fixed-rate")


def test_changed_added_and_removed_numbers() -> None:
    found = {each.name: each for each in changes(MIDDLE, NEW)}
    assert found["pair.BTC.price_range"] == Change(
        "pair.BTC.price_range", 0.16, 0.14, "fraction of index"
    )
    assert found["pair.BTC.price_range"].share == pytest.approx(-0.125)
    assert found["currency.USYC.haircut"].before is None
    assert found["currency.USYC.haircut"].share is None
    back = {each.name: each for each in changes(NEW, MIDDLE)}
    assert set(back) == set(found)
    assert back["currency.USYC.haircut"].after is None
    assert changes(NEW, NEW) == ()


def test_sets_of_two_models_are_not_compared() -> None:
    with pytest.raises(InputError) as caught:
        changes(NEW, available("paradex-pm")[0])
    assert caught.value.code == "option_unknown"


def test_cash_of_each_account_largest_increase_first() -> None:
    subject = subject_of(MODEL)
    names = [x.native_id for x in world_of(subject).instruments.items if x.kind.name == "PERPETUAL"]
    books = []
    for account, size in (("small", 1.0), ("large", 10.0)):
        book, world = one_account(subject, {names[0]: size})
        books.append((replace(book, account=(account,)), world.view))
    twice = overlay(subject.parameters, {"im.future_share": 0.2}, "twice")
    found = cash_changes(books, MODEL, subject.parameters, twice)
    assert [each.account for each in found] == ["large", "small"]
    for each in found:
        assert each.change_usd == pytest.approx(each.before_usd)
        assert each.change_usd > 0.0
    falling = cash_changes(books, MODEL, twice, subject.parameters)
    assert [each.account for each in falling] == ["small", "large"]
