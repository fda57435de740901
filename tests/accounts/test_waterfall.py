"""Who pays: rounding at the one gate, money that is only ever moved, and the order of payers."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.accounts.waterfall import Purses, Winner, cover, dollars, down, up
from crossmargin.core.errors import InputError

PARTIES = ("account", "fund", "counterparties", "fees", "unpaid")
AMOUNTS = st.integers(0, 10**15)
WINNERS = st.lists(
    st.builds(Winner, st.text("abcdef", min_size=1), AMOUNTS, st.floats(0.0, 100.0)),
    max_size=5,
    unique_by=lambda winner: winner.name,
)


@given(st.floats(-1e12, 1e12), st.integers(0, 9))
def test_requirements_round_up_and_equity_down(amount: float, decimals: int) -> None:
    exact, guard = Fraction(amount) * 10**decimals, Fraction(1, 10**6)
    assert -guard <= up(amount, decimals) - exact + guard < 1 + guard
    assert -1 - guard < down(amount, decimals) - exact - guard <= guard


@pytest.mark.parametrize(
    ("amount", "down_to", "up_to"),
    [
        (0.1 + 0.2, 300_000, 300_000),  # the noise of a float sum is no unit
        (1e-6, 1, 1),
        (1.5e-6, 1, 2),
        (-1.5e-6, -2, -1),
        (0.0, 0, 0),
        (123_456.7890125, 123_456_789_012, 123_456_789_013),
    ],
)
def test_the_gate_by_hand(amount: float, down_to: int, up_to: int) -> None:
    assert (down(amount, 6), up(amount, 6)) == (down_to, up_to)
    assert dollars(1_234_567, 6) == 1.234567


@given(
    st.integers(-(10**15), 10**15),
    AMOUNTS,
    st.lists(st.tuples(st.sampled_from(PARTIES), st.sampled_from(PARTIES), AMOUNTS)),
)
def test_money_is_only_moved(account: int, fund: int, payments: list[tuple[str, str, int]]) -> None:
    purses = Purses(account, fund)
    for giver, taker, units in payments:
        purses = purses.paid(giver, taker, units)  # type: ignore[arg-type]
    assert purses.total == account + fund


@given(AMOUNTS, AMOUNTS, st.none() | WINNERS)
def test_a_deficit_is_covered_to_the_unit_and_in_order(
    deficit: int, fund: int, winners: list[Winner] | None
) -> None:
    start = Purses(-deficit, fund)
    after, covers = cover(start, deficit, winners)
    assert after.account == 0
    assert after.total == start.total
    assert sum(each.units for each in covers) == deficit
    assert all(each.units > 0 for each in covers)
    assert after.fund == max(fund - deficit, 0)
    rest = max(deficit - fund, 0)
    could = sum(winner.profit for winner in winners or ())
    assert after.counterparties == -min(rest, could)
    assert after.unpaid == -max(rest - could, 0)
    # Nobody pays before those who stand ahead of him have nothing left.
    order = ["fund", "deleveraged", "unpaid"]
    places = [order.index(each.source) for each in covers]
    assert places == sorted(places)


def test_who_is_deleveraged_first() -> None:
    winners = [Winner("calm", 900, 1.0), Winner("b", 100, 10.0), Winner("a", 100, 10.0)]
    _, covers = cover(Purses(-450, 50), 450, winners)
    assert [(c.source, c.name, c.units) for c in covers] == [
        ("fund", "", 50),
        ("deleveraged", "a", 100),
        ("deleveraged", "b", 100),
        ("deleveraged", "calm", 200),
    ]
    _, covers = cover(Purses(-450, 50), 450)
    assert [(c.source, c.units) for c in covers] == [("fund", 50), ("unpaid", 400)]


def test_what_is_refused() -> None:
    with pytest.raises(InputError, match="number_out_of_range"):
        cover(Purses(0), -1)
    with pytest.raises(InputError, match="number_out_of_range"):
        cover(Purses(0, -1), 1)
    with pytest.raises(InputError, match="number_out_of_range"):
        Winner("a", -1)
    with pytest.raises(InputError, match="option_unknown"):
        cover(Purses(-1), 1, [Winner("a", 1), Winner("a", 2)])
    with pytest.raises(InputError, match="number_not_finite"):
        up(float("nan"), 6)
