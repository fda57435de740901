"""A lending protocol as a model: sides, refusals, exact counts, details."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crossmargin.core.errors import InputError, ModelError
from crossmargin.instruments.book import Reported
from crossmargin.margin import Bound, model_named, run
from crossmargin.margin.equity import SOURCES
from crossmargin.margin.families.lending_model import LendingModel, only_one
from crossmargin.margin.model import Details, EquitySource
from crossmargin.margin.pools import cut
from tests.margin.families.lending_worlds import figures, margined, position

HELD = {"ETH": 10.0, "debt USDC": 12_000.0}


def test_a_debt_is_one_of_either_sign_and_so_is_a_negative_balance() -> None:
    expected = figures(margined("aave-v3", HELD))
    assert figures(margined("aave-v3", {"ETH": 10.0, "debt USDC": -12_000.0})) == expected
    assert figures(margined("aave-v3", {"ETH": 10.0, "USDC": -12_000.0})) == expected
    both = margined("aave-v3", {"ETH": 10.0, "USDC": -2_000.0, "debt USDC": 10_000.0})
    assert figures(both) == expected


def test_the_sheet() -> None:
    found = margined("aave-v3", HELD)
    sheet = {column.name: float(found.sheet[column.name][0]) for column in found.sheet.columns}
    assert sheet["cash"] == 0.0
    assert sheet["equity"] == sheet["collateral_value"] - sheet["debt_value"] == 8_000.0
    assert sheet["surplus_mm"] == sheet["counted_mm"] - sheet["mm"]
    assert SOURCES[int(found.source[0])] is EquitySource.BALANCES
    assert found.bound is Bound.VALUE


def test_exact_counts_are_taken_as_they_are() -> None:
    found = margined("aave-v3", HELD)
    # Canonical order: by settlement currency, so ETH comes before the debt in USDC.
    exact = (10 * 10**18 + 1, 12_000 * 10**6 + 1)
    book = replace(found.book, exact=exact)
    again = run(book, found.view, found.via, found.parameters)
    account = position(again)
    assert account.collateral == {"ETH": exact[0]}
    assert account.debt == {"USDC": exact[1]}


def test_what_is_refused() -> None:
    with pytest.raises(ModelError) as caught:
        margined("aave-v3", {"DOGE": 1.0})
    assert caught.value.code == "parameter_missing"
    with pytest.raises(ModelError) as caught:
        margined("compound-v3", {"ETH": -1.0})
    assert caught.value.code == "kind_not_accepted"
    assert "borrow" in caught.value.message
    with pytest.raises(ModelError) as caught:
        only_one({"A": 1, "B": 2}, "maker", "collateral")
    assert caught.value.code == "kind_not_accepted"
    assert only_one({}, "maker", "collateral") == ""
    found = margined("aave-v3", HELD)
    book = replace(found.book, reported=Reported({("a", "USDC"): 5.0}))
    with pytest.raises(InputError, match="no equity but that of the lines"):
        run(book, found.view, found.via, found.parameters)


def test_only_the_refused_account_is_lost() -> None:
    found = margined("compound-v3", {"ETH": 10.0, "debt USDC": 12_000.0})
    book, model = found.book, found.via
    two = replace(
        book,
        account=("a", "b"),
        row=np.array([0, 2, 4]),
        column=np.concatenate([book.column, book.column]),
        quantity=np.array([*book.quantity.tolist(), -1.0, 5.0]),
        entry_price=np.zeros(4),
        entry_known=np.zeros(4, np.bool_),
        orders=type(book.orders).none(2),
        lines=(),
    )
    again = run(two, found.view, model, found.parameters)
    assert [failure.subject for failure in again.failures] == ["b"]
    assert figures(again) == figures(found)


def test_details_tell_health_and_prices() -> None:
    found = margined("aave-v3", HELD)
    model, priced = found.via, found.priced[0]
    assert isinstance(model, Details)
    held = cut(found.book, priced.pool, 0)
    health, prices = model.details(priced, held, found.parameters)
    assert health.name == "lending_health"
    assert prices.rows[0][0] == "ETH"
    nothing = replace(held, row=np.array([0, 0]), column=held.column[:0])
    assert model.details(priced, nothing, found.parameters) == ()
    assert model.order_need(priced, held, found.parameters) is None
    assert model.vector(priced, held) is None


def test_a_member_makes_itself() -> None:
    model = model_named("aave-v3")
    assert isinstance(model, LendingModel)
    assert model() is model
