"""The table of fees and lots: sources, overrides, and venues that are not in it."""

from __future__ import annotations

import pytest

from crossmargin.core.clock import utc_ms
from crossmargin.core.errors import ModelError
from crossmargin.instruments.symbology import parse
from crossmargin.margin.whatif_costs import Schedule, is_whole, lot_of, trading_parameters
from crossmargin.market.fees import FeeTerms, fee_of_trade

NOW = utc_ms(2026, 7, 3, 6)
OPTION, SWAP = parse("deribit", "BTC-10JUL26-72000-C"), parse("deribit", "BTC-PERPETUAL")
LINEAR = parse("deribit", "BTC_USDC-PERPETUAL")
FOREIGN = parse("bybit", "BTCUSDT")


def test_every_number_says_where_it_was_read() -> None:
    parameters = trading_parameters(NOW)
    for name, entry in parameters.entries.items():
        assert entry.source.strip(), name
        assert entry.unit.strip(), name


def test_the_fees_of_deribit() -> None:
    schedule = Schedule.at(NOW)
    assert schedule.of(OPTION) == FeeTerms(0.0003, 0.125, 0.0)
    assert schedule.of(SWAP) == schedule.of(LINEAR) == FeeTerms(0.0005, 0.125, 0.0)
    assert schedule.fidelity("deribit") == "stated"
    assert schedule.fidelity("derive") == "inferred"
    assert schedule.fidelity("bybit") == "missing"


def test_the_fees_and_lots_of_okx() -> None:
    schedule, maker = Schedule.at(NOW), Schedule(trading_parameters(NOW), maker=True)
    option, swap = parse("okx", "BTC-USD-260731-40000-P"), parse("okx", "BTC-USDT-SWAP")
    assert schedule.of(option) == FeeTerms(0.0003, 0.07, 0.0)
    assert maker.of(option) == FeeTerms(0.0002, 0.07, 0.0)
    assert (schedule.of(swap).share, maker.of(swap).share) == (0.0005, 0.0002)
    assert schedule.fidelity("okx") == "inferred"  # one example, and pages that were not read
    lots = trading_parameters(NOW)
    assert [lot_of(each, lots) for each in (option, swap)] == [1.0, 0.01]
    # the example of the venue's page: 100 contracts of 0.01 BTC at 0.05 BTC, taken
    fee = fee_of_trade(
        schedule.of(option), option=True, inverse=True, amount=100 * 0.01, price=0.05, index=6e4
    )
    assert fee == pytest.approx(0.0003)
    cheap = fee_of_trade(
        schedule.of(option), option=True, inverse=True, amount=1.0, price=0.001, index=6e4
    )
    assert cheap == pytest.approx(0.07 * 0.001)


def test_a_share_given_replaces_every_venue_and_its_base() -> None:
    schedule = Schedule.at(NOW, 0.0)
    assert schedule.of(OPTION) == FeeTerms(0.0, 0.125, 0.0)
    assert schedule.of(parse("derive", "BTC-20260710-72000-C")).base == 0.0
    assert schedule.of(FOREIGN).share == 0.0
    assert schedule.fidelity("bybit") == "given"
    changed = Schedule.at(NOW, {"deribit.fee.future": 0.0001})
    assert changed.of(SWAP).share == 0.0001
    assert changed.of(OPTION).share == 0.0003


@pytest.mark.parametrize("fee", [-0.1, 0.06, float("nan")])
def test_a_share_outside_its_bounds(fee: float) -> None:
    with pytest.raises(ModelError) as told:
        Schedule.at(NOW, fee)
    assert told.value.code == "parameter_out_of_bounds"


def test_an_unknown_venue_needs_a_fee_and_an_unknown_contract_a_lot() -> None:
    with pytest.raises(ModelError) as told:
        Schedule.at(NOW).of(FOREIGN)
    assert told.value.code == "parameter_missing"
    assert "--fee" in told.value.remedy
    parameters = trading_parameters(NOW)
    assert lot_of(OPTION, parameters) == 0.1
    assert lot_of(SWAP, parameters) == 10.0
    with pytest.raises(ModelError) as told:
        lot_of(LINEAR, parameters)
    assert "--lot" in told.value.remedy


def test_whole_lots_but_for_the_rounding_of_floats() -> None:
    for size, lot in ((0.3, 0.1), (-0.1 * 17, 0.1), (10.0, 10.0), (1e9, 0.1)):
        assert is_whole(size, lot), (size, lot)
    for size, lot in ((0.05, 0.1), (0.15, 0.1), (-5.0, 10.0), (0.0, 0.1)):
        assert not is_whole(size, lot), (size, lot)


def test_a_maker_pays_a_makers_share_and_a_volume_earns_its_tier() -> None:
    maker = Schedule(trading_parameters(NOW), maker=True)
    assert maker.of(SWAP).share == 0.0
    assert maker.of(OPTION) == FeeTerms(0.0003, 0.125, 0.0)
    perp = parse("hyperliquid", "BTC")
    assert Schedule.at(NOW).of(perp).share == 0.00045
    for volume, taker, resting in ((0.0, 45e-5, 15e-5), (25e6, 35e-5, 8e-5), (9e9, 24e-5, 0.0)):
        known = {"hyperliquid": volume}
        assert Schedule(trading_parameters(NOW), volume=known).of(perp).share == taker
        found = Schedule(trading_parameters(NOW), maker=True, volume=known).of(perp)
        assert found.share == resting
    with pytest.raises(ModelError) as told:
        maker.of(parse("derive", "BTC-20260710-72000-C"))
    assert told.value.code == "parameter_missing"
