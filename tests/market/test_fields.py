from __future__ import annotations

import pytest

from crossmargin.core.errors import MarketDataError
from crossmargin.market.fields import (
    DOLLAR_PEGGED,
    FIELDS,
    IV_MAX,
    IV_MIN,
    OTHER_MONEY,
    VERDICTS,
    check_rows,
    contract_subject,
    dated_subject,
    split_contract,
    split_dated,
    worst_verdict,
)
from tests.market.markets import AS_OF_MS, least_rows, row


def test_subjects_round_trip() -> None:
    assert split_dated(dated_subject("BTC", "USDC", 1770969600000)) == (
        "BTC",
        "USDC",
        1770969600000,
    )
    assert split_contract(contract_subject("deribit", "BTC-PERPETUAL")) == (
        "deribit",
        "BTC-PERPETUAL",
    )


def test_a_euro_is_money_but_no_dollar() -> None:
    assert {"USD", "USDC", "USDT", "USDE", "USYC", "BUIDL"} <= DOLLAR_PEGGED
    assert {"EUR", "EURC", "EURR"} <= OTHER_MONEY
    assert not DOLLAR_PEGGED & OTHER_MONEY
    assert not (DOLLAR_PEGGED | OTHER_MONEY) & {"BTC", "ETH", "STETH", "PAXG"}


def test_gravest_verdict_stands() -> None:
    assert worst_verdict("ok", "stale", "outside_touch") == "outside_touch"
    assert worst_verdict(*VERDICTS) == "missing"


@pytest.mark.parametrize("value", [IV_MIN, 0.578, 3.4882, IV_MAX])
def test_volatilities_seen_in_markets_pass(value: float) -> None:
    check_rows([row("mark_iv", "deribit|BTC-13FEB26-60000-C", value, "fraction")], AS_OF_MS)


def test_zero_mark_is_a_rounded_quote() -> None:
    check_rows([row("mark", "deribit|BTC-13FEB26-200000-C", 0.0, "BTC")], AS_OF_MS)


def test_missing_row_holds_nothing() -> None:
    check_rows([row("mark_iv", "deribit|X", 0.0, "fraction", verdict="missing")], AS_OF_MS)
    with pytest.raises(MarketDataError) as caught:
        check_rows([row("mark_iv", "deribit|X", 0.5, "fraction", verdict="missing")], AS_OF_MS)
    assert caught.value.code == "number_out_of_range"


def test_every_field_says_what_it_means() -> None:
    assert all(field.meaning and field.low < field.high for field in FIELDS.values())


def test_least_rows_pass() -> None:
    check_rows(least_rows(), AS_OF_MS)
