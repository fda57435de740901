"""Spelling alone: grammars that neither overlap nor lose a term."""

from __future__ import annotations

import pytest

from crossmargin.instruments.contracts import Kind
from crossmargin.instruments.names import CURRENCIES, VENUES
from crossmargin.instruments.naming import Terms


def test_a_quarterly_future_expires_on_the_last_friday_of_its_month() -> None:
    # calendar facts: the last Fridays of these months
    fridays = {"H24": (2024, 3, 29), "M24": (2024, 6, 28), "Z24": (2024, 12, 27)}
    fridays |= {"H25": (2025, 3, 28), "U25": (2025, 9, 26), "H28": (2028, 3, 31)}
    for code, day in fridays.items():
        terms = VENUES["bybit"].read(f"BTCUSD{code}")
        assert terms is not None
        assert terms.day == day
    other = Terms(Kind.FUTURE, "BTC", "USD", "BTC", (2025, 3, 21))
    written = VENUES["bybit"].write(other)
    assert VENUES["bybit"].read(written or "") != other


@pytest.mark.parametrize("venue", VENUES)
def test_the_forms_that_a_message_shows_are_names(venue: str) -> None:
    for form in VENUES[venue].forms.split(", "):
        assert form in CURRENCIES or VENUES[venue].read(form) is not None


def test_currencies_are_names_of_their_own() -> None:
    for name in CURRENCIES:
        assert name.isascii()
        assert name.isalnum()
        assert name == name.upper()
