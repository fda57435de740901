"""Coinbase International: base shares, the close-out margin, collateral at its weight."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.margin import Bound
from crossmargin.margin.parameter_files import from_values
from tests.margin.families.worked import both, cell, newest, worked
from tests.vectors.building import asset

MODEL = "coinbase-intl"
CASH, BTC = asset(MODEL, "USDC"), asset(MODEL, "BTC")


def perp(coin: str) -> Instrument:
    return Instrument(MODEL, f"{coin}-PERP", Kind.PERPETUAL, coin, "USDC", "USDC")


@pytest.mark.parametrize(("coin", "share"), [("BTC", 0.2), ("ETH", 0.2), ("INJ", 0.5)])
def test_base_share_and_two_thirds_of_it(coin: str, share: float) -> None:
    found = worked(MODEL, [(CASH, 1e6), (perp(coin), -10.0)], price={coin: 100.0})
    assert both(found) == pytest.approx((1_000.0 * share, 1_000.0 * share * 2.0 / 3.0), rel=1e-13)
    assert found.bound is Bound.AT_LEAST
    # max(IM / 3, MM - 12 % of size)
    out = 1_000.0 * max(share / 3.0, share * 2.0 / 3.0 - 0.12)
    assert cell(found, "close_out_margin") == pytest.approx(out, rel=1e-13)


def test_size_is_at_the_execution_price() -> None:
    found = worked(MODEL, [(CASH, 1e6), (perp("BTC"), 10.0, 80.0)], price={"BTC": 100.0})
    assert cell(found, "im") == pytest.approx(0.2 * 800.0)
    assert cell(found, "counted_im") == pytest.approx(1e6 + 200.0)


def test_a_given_size_share_takes_the_doubt_away() -> None:
    more = from_values(MODEL, "1", {"contract": {"BTC": {"size_share": 0.25}}}, "test")
    base = newest(MODEL)
    given = replace(base, entries={**base.entries, **more.entries})
    found = worked(
        MODEL, [(CASH, 1e6), (perp("BTC"), 10.0)], price={"BTC": 100.0}, parameters=given
    )
    assert cell(found, "im") == pytest.approx(250.0)
    assert cell(found, "size_margin") == pytest.approx(50.0)
    assert found.bound is Bound.VALUE


def test_collateral_counts_at_its_weight() -> None:
    """Notional value 2,000 at a weight of 90 % is 1,800 (help page)."""
    weight = from_values(MODEL, "1", {"collateral": {"BTC": {"weight": 0.9}}}, "test")
    base = newest(MODEL)
    given = replace(base, entries={**base.entries, **weight.entries})
    found = worked(MODEL, [(BTC, 0.02)], price={"BTC": 1e5}, parameters=given)
    assert cell(found, "equity") == pytest.approx(2_000.0)
    assert cell(found, "counted_im") == pytest.approx(1_800.0)


def test_what_is_not_published_is_refused() -> None:
    for held, missing in (
        ([(BTC, 1.0)], "collateral.BTC.weight"),
        ([(perp("DOGE"), 1.0)], "contract.DOGE.base_share"),
    ):
        with pytest.raises(ModelError) as caught:
            worked(MODEL, held, price={"BTC": 1e5, "DOGE": 1.0})
        assert caught.value.code == "parameter_missing"
        assert caught.value.value == repr(missing)
    with pytest.raises(ModelError) as caught:
        worked(MODEL, [(perp("BTC"), 1.0)], price={"BTC": 1.0}, choices={"margin_offset": 1.0})
    assert caught.value.code == "rules_unknown"
