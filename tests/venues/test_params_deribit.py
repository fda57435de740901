from __future__ import annotations

from typing import Any

import pytest

from crossmargin.core.errors import InputError
from crossmargin.venues.params_deribit import deribit_numbers, pair_of

NEWER: dict[str, Any] = {
    "general": {"mm_factor": 0.8, "buckets_count": 4, "timestamp": 1771197609587},
    "currency": {"btc": {"annualised_move_risk": 0.075, "min_annualised_move": 0.01}},
    "currency_pair": {
        "btc_usd": {"price_range": 0.16, "delta_total_liq_shock_threshold": 2e7},
        "btc_usdc": {"price_range": 0.16},
    },
}
OLDER: dict[str, Any] = {
    "general": {
        "mm_factor": 0.8,
        "currencies": [{"BTC": {"annualised_%_move_risk": 0.075, "min_expiry_delta_shock": 0.01}}],
        "currency_pairs": {
            "BTC_USD": {"price_range": 0.16, "delta_total_liquid_shock_threshold": 2e7}
        },
    }
}


def test_both_generations_say_the_same() -> None:
    newer, older = deribit_numbers(NEWER, "new"), deribit_numbers(OLDER, "old")
    assert newer.values == older.values
    assert newer.values == {
        "general.mm_factor": 0.8,
        "pair.BTC.price_range": 0.16,
        "pair.BTC.delta_total_liq_shock_threshold_usd": 2e7,
        "currency.BTC.annualised_move_risk": 0.075,
        "currency.BTC.min_annualised_move": 0.01,
    }
    assert (newer.observed_ms, older.observed_ms) == (1771197609587, None)


def test_two_quotes_that_disagree_are_refused() -> None:
    pairs = {"btc_usd": {"price_range": 0.16}, "btc_usdc": {"price_range": 0.2}}
    with pytest.raises(InputError) as caught:
        deribit_numbers({**NEWER, "currency_pair": pairs}, "x")
    assert caught.value.code == "rules_unknown"


def test_a_payload_without_parameters_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        deribit_numbers({"balance": 1}, "x")
    assert caught.value.code == "column_missing"
    with pytest.raises(InputError):
        pair_of("btc", "x")
