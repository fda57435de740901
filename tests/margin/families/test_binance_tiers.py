"""Names of the bracket tables."""

from __future__ import annotations

import pytest

from crossmargin.core.clock import utc_ms
from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.margin.families.binance_tiers import bracket_name, require_brackets, tiers_of
from tests.margin.families.worked import payload
from tests.vectors.building import asset

PERP = Instrument("binance", "BTCUSDT", Kind.PERPETUAL, "BTC", "USDT", "USDT")
WHEN = utc_ms(2026, 12, 31, 8)
DATED = Instrument("binance", "Q", Kind.FUTURE, "BTC", "USDT", "USDT", expiry_ms=WHEN)


def test_a_dated_contract_has_a_table_of_its_own() -> None:
    assert bracket_name(PERP) == "tier.BTC_USDT"
    assert bracket_name(DATED) == "tier.BTC_USDT_261231"


def test_tables_are_read_and_the_missing_one_is_named() -> None:
    given = payload("binance-usdm")
    require_brackets(Instruments.of([PERP, DATED, asset("binance", "USDT")]), given)
    assert [tier.max_leverage for tier in tiers_of(PERP, given)] == [125.0, 100.0, 75.0]
    strange = Instrument("binance", "X", Kind.PERPETUAL, "XYZ", "USDT", "USDT")
    with pytest.raises(ModelError) as caught:
        require_brackets(Instruments.of([PERP, strange]), given)
    assert "tier.XYZ_USDT" in str(caught.value)
