"""Levels of an account, and a share of it taken away."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book, Line
from crossmargin.margin import model_named
from crossmargin.margin.liquidation.steps import levels_of, scaled
from tests.margin.models.test_derive_pm1 import NEWEST, margined
from tests.margin.models.test_derive_pm2 import CASH, PERPETUAL

HELD = {PERPETUAL: 2.0, CASH: 1_000.0}
FOUND = margined(HELD, entry=50_000.0)
MODEL = model_named("derive-pm1")


def test_levels_are_value_and_counted_less_required() -> None:
    """1,000 and 2 x 1,000 of profit; 18 % of 102,000 and 3 % of 100,000 are required."""
    levels = levels_of(FOUND.book, FOUND.view, MODEL, NEWEST)
    assert levels.value == pytest.approx(3_000.0)
    assert levels.mm == pytest.approx(3_000.0 - 18_360.0 - 3_000.0)


def test_a_share_goes_with_its_unsettled_profit() -> None:
    left = scaled(FOUND.book, 0.25, "USDC", 400.0)
    levels = levels_of(left, FOUND.view, MODEL, NEWEST)
    assert levels.value == pytest.approx(400.0 + 500.0)
    assert FOUND.book.quantity.tolist() != left.quantity.tolist()
    assert sorted(left.quantity.tolist()) == [0.5, 400.0]


def test_an_account_without_a_line_of_cash_is_refused() -> None:
    found = margined({PERPETUAL: 1.0})
    with pytest.raises(InputError) as caught:
        scaled(found.book, 0.5, "USDC", 1.0)
    assert caught.value.code == "currency_unknown"


def test_one_account_at_a_time() -> None:
    table = FOUND.book.instruments
    two = Book.of(table, [Line(name, 0, 1.0) for name in ("a", "b")])
    with pytest.raises(InputError) as caught:
        levels_of(two, FOUND.view, MODEL, NEWEST)
    assert caught.value.code == "shape_wrong"


def test_pools_of_several_currencies_have_no_level_together() -> None:
    from crossmargin.conformance.world import one_account, subject_of

    subject = subject_of(model_named("deribit-spm"))
    book, world = one_account(subject, {"BTC_BTC-PERPETUAL": 1e4, "ETH_ETH-PERPETUAL": 1e4})
    with pytest.raises(InputError) as caught:
        levels_of(book, world.view, subject.model, subject.parameters)
    assert caught.value.code == "currency_unknown"


def test_what_cannot_be_priced_has_no_level() -> None:
    view = FOUND.view
    blind = replace(view, ok=view.ok & False)
    with pytest.raises(InputError) as caught:
        levels_of(FOUND.book, blind, MODEL, NEWEST)
    assert caught.value.code == "mark_missing"
