"""Spreads one by one: what is available, what is taken, and legs that cannot be served."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.core.errors import ModelError
from crossmargin.margin.families.span_spreads import Deltas, form
from crossmargin.margin.families.span_terms import Commodity, DeltaSpread, Leg, Tier

PERIODS = ("202601", "202602", "202603")
WFPR = np.array([[7.0]])


def deltas(*left: float) -> Deltas:
    return Deltas((PERIODS,), [np.array([left])])


def terms(*legs: Leg, method: str = "F", rate: float = 1.0) -> DeltaSpread:
    return DeltaSpread(legs, method, rate, 0.5)


TIERS = Commodity("X", intra_tiers=(Tier(1, PERIODS[0], PERIODS[1]), Tier(2, PERIODS[2])))


def test_both_ways_round() -> None:
    """Long January against short February, and then the reverse."""
    near, far = Leg("X", "A", 1.0, tier=1), Leg("X", "B", 1.0, tier=2)
    for sign in (1.0, -1.0):
        book = deltas(4.0 * sign, 0.0, -3.0 * sign)
        made = form(terms(near, far, rate=2.0), book, (TIERS,), WFPR, "intra", {"X": 0})
        assert made.count.tolist() == [3.0]
        assert sum(made.amount.values()).tolist() == [6.0]
        assert book.left[0].tolist() == [[sign, 0.0, 0.0]]
        assert book.used[0].tolist() == [[3.0, 0.0, 3.0]]


def test_within_a_commodity_sides_stand_apart_between_commodities_they_net() -> None:
    near, far = Leg("X", "A", 1.0, tier=1), Leg("X", "B", 1.0, tier=1)
    book = deltas(4.0, -3.0, 0.0)
    assert form(terms(near, far), book, (TIERS,), WFPR, "intra", {"X": 0}).count.tolist() == [3.0]
    both = Commodity("X"), Commodity("Y")
    legs = Leg("X", "A", 1.0, rate=0.5), Leg("Y", "B", 2.0, rate=0.25)
    book = Deltas((PERIODS, PERIODS), [np.array([[4.0, -3.0, 0.0]]), np.array([[-6.0, 0.0, 0.0]])])
    made = form(
        DeltaSpread(legs, "W"), book, both, np.array([[7.0, 2.0]]), "inter", {"X": 0, "Y": 1}
    )
    assert made.count.tolist() == [1.0]
    assert {c: v.tolist() for c, v in made.amount.items()} == {0: [3.5], 1: [1.0]}
    assert book.net(0).tolist() == [0.0]
    assert book.net(1).tolist() == [-4.0]


def test_ratios_and_the_scarcest_leg() -> None:
    """A butterfly, 1 : 2 : 1: the middle leg is the scarce one."""
    legs = tuple(
        Leg("X", s, r, period=p) for s, r, p in zip("ABA", (1.0, 2.0, 1.0), PERIODS, strict=True)
    )
    book = deltas(5.0, -6.0, 9.0)
    made = form(terms(*legs), book, (TIERS,), WFPR, "intra", {"X": 0})
    assert made.count.tolist() == [3.0]
    assert book.left[0].tolist() == [[2.0, 0.0, 6.0]]


def test_charges_by_method() -> None:
    legs = (
        Leg("X", "A", 1.0, period=PERIODS[0], rate=0.1),
        Leg("X", "B", 2.0, period=PERIODS[2], rate=0.2),
    )
    for method, charge in (("F", 1.0), ("W", 7.0 * (0.1 + 2.0 * 0.2)), ("P", 1.0 + 2 * 0.5)):
        made = form(
            terms(*legs, method=method), deltas(3.0, 0.0, -6.0), (TIERS,), WFPR, "intra", {"X": 0}
        )
        assert sum(made.amount.values())[0] == pytest.approx(3.0 * charge)


def test_legs_that_cannot_be_served() -> None:
    whole = Leg("X", "A", 1.0), Leg("X", "A", 1.0, period=PERIODS[0]), Leg("X", "B", 1.0)
    with pytest.raises(ModelError, match="share a period"):
        form(terms(*whole), deltas(1.0, 0.0, 0.0), (TIERS,), WFPR, "intra", {"X": 0})
    lost = Leg("X", "A", 1.0, tier=9), Leg("X", "B", 1.0)
    with pytest.raises(ModelError, match="tier that is not defined"):
        form(terms(*lost), deltas(1.0, 0.0, 0.0), (TIERS,), WFPR, "intra", {"X": 0})
    # One leg written twice is one leg of both ratios.
    twice = Leg("X", "A", 1.0), Leg("X", "A", 1.0), Leg("X", "B", 1.0)
    book = deltas(4.0, 0.0, -9.0)
    assert form(terms(*twice), book, (TIERS,), WFPR, "intra", {"X": 0}).count.tolist() == [2.0]


def test_deltas_are_taken_from_the_first_period_on() -> None:
    """Four of the front tier's six: three from January, one from February."""
    near, far = Leg("X", "A", 1.0, tier=1), Leg("X", "B", 1.0, tier=2)
    book = deltas(3.0, 3.0, -4.0)
    form(terms(near, far), book, (TIERS,), WFPR, "intra", {"X": 0})
    assert book.left[0].tolist() == [[0.0, 2.0, 0.0]]
    assert book.used[0].tolist() == [[3.0, 1.0, 4.0]]
