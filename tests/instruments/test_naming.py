"""The parts of spelling, without any venue."""

from __future__ import annotations

from decimal import Decimal

import pytest

from crossmargin.instruments.contracts import Kind
from crossmargin.instruments.naming import (
    BASE,
    DMY,
    RIGHT,
    STRIKE,
    YMD,
    as_dmy,
    as_ymd,
    dated,
    derivative,
    grammar,
    matched,
    plain,
)

FORMS = grammar(rf"{BASE}-PERP", rf"{BASE}-(?:{DMY}|{YMD})(?:-{STRIKE}-{RIGHT})?")


@pytest.mark.parametrize(
    ("text", "written"), [("100000", "100000"), ("0.6250", "0.625"), ("1E+5", "100000")]
)
def test_a_strike_is_written_without_exponent_or_surplus_zeros(text: str, written: str) -> None:
    assert plain(Decimal(text)) == written
    assert plain(Decimal("2400.5"), "_") == "2400_5"


def test_a_name_is_the_whole_text_or_none() -> None:
    assert matched(FORMS, "BTC-PERP") == {"base": "BTC"}
    assert matched(FORMS, "BTC-PERP ") is None
    assert matched(FORMS, "BTC-07MAR25") is None  # a day has no leading zero


@pytest.mark.parametrize("text", ["BTC-7MAR25", "BTC-250307"])
def test_both_ways_to_write_a_day_are_one_day(text: str) -> None:
    part = matched(FORMS, text)
    assert part is not None
    terms = derivative(part, "USD", "USDC")
    assert (terms.kind, terms.day) == (Kind.FUTURE, (2025, 3, 7))
    assert (dated(terms, as_dmy), dated(terms, as_ymd)) == ("7MAR25", "250307")


def test_what_a_name_lacks_says_what_the_contract_is() -> None:
    kinds = {
        "BTC-PERP": Kind.PERPETUAL,
        "BTC-7MAR25": Kind.FUTURE,
        "BTC-7MAR25-90000-C": Kind.OPTION,
    }
    for text, kind in kinds.items():
        terms = derivative(matched(FORMS, text) or {}, "USD", "BTC")
        assert terms.kind is kind
        assert terms.inverse
