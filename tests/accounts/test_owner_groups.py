"""Accounts of one owner as one: added up, matched against themselves, measured by open interest."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.accounts.owner_groups import by_owner, exposures, share_multiplier
from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book, Line, Order, Reported
from tests.accounts.broken_books import perpetuals

TABLE = perpetuals(0.0, {})[0].instruments
PLACE = {item.native_id: k for k, item in enumerate(TABLE.items)}


def wallets(held: dict[str, dict[str, float]], **options: object) -> Book:
    lines = [Line(a, PLACE[name], q) for a, rows in held.items() for name, q in rows.items()]
    return Book.of(TABLE, lines, accounts=tuple(held), **options)  # type: ignore[arg-type]


HELD = {
    "w1": {"BTC-PERP": 3.0, "USDC": 10.0},
    "w2": {"BTC-PERP": -2.0, "ETH-PERP": 1.0},
    "other": {"BTC-PERP": -1.0},
}


def test_accounts_of_an_owner_are_one_account() -> None:
    order = Order("w2", PLACE["BTC-PERP"], 1, 0.5, 40_000.0)
    found = by_owner(wallets(HELD, orders=[order]), {"w1": "whale", "w2": "whale"})
    assert tuple(found.account) == ("whale", "other")
    span = slice(int(found.row[0]), int(found.row[1]))
    names = [TABLE.items[c].native_id for c in found.column[span].tolist()]
    assert dict(zip(names, found.quantity[span].tolist(), strict=True)) == {
        "BTC-PERP": 1.0,
        "ETH-PERP": 1.0,
        "USDC": 10.0,
    }
    assert found.orders.items[0].account == "whale"


def test_what_is_held_against_oneself_and_of_all_that_is_open() -> None:
    whale = {"w1": "whale", "w2": "whale"}
    found = exposures(wallets(HELD), whale, {"BTC-PERP": 12.0})
    first = found[0]
    assert (first.owner, first.contract) == ("whale", "BTC-PERP")
    assert (first.long, first.short, first.matched, first.net) == (3.0, -2.0, 2.0, 1.0)
    assert first.share == 0.25
    assert [(e.owner, e.contract, e.share) for e in found[1:]] == [
        ("whale", "ETH-PERP", None),
        ("other", "BTC-PERP", pytest.approx(1.0 / 12.0)),
    ]


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_more_of_the_market_never_requires_less(a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert 1.0 <= share_multiplier(low) <= share_multiplier(high)


def test_the_multiplier_by_hand() -> None:
    assert share_multiplier(0.05) == 1.0
    assert share_multiplier(0.55) == pytest.approx(2.0)


def test_what_is_refused() -> None:
    book = wallets(HELD)
    with pytest.raises(InputError, match="option_unknown"):
        by_owner(book, {"nobody": "whale"})
    with pytest.raises(InputError, match="option_unknown"):
        by_owner(replace(book, reported=Reported(equity={("w1", "USDC"): 1.0})), {})
    with pytest.raises(InputError, match="number_out_of_range"):
        exposures(book, {}, {"BTC-PERP": 0.0})
    with pytest.raises(InputError, match="number_out_of_range"):
        share_multiplier(-0.1)
