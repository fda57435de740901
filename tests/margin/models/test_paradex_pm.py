"""Paradex portfolio margin on a spot of 50,000, with the page of November 2026."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instrument, Instruments
from crossmargin.margin import EquitySource, Requirement, model_named, run
from crossmargin.margin.equity import SOURCES
from crossmargin.margin.parameter_files import available, overlay
from crossmargin.margin.pools import cut
from tests.oracle.black import price as black
from tests.vectors.building import Dated, Facts, Quote, asset, delta_one, option, view_of

AS_OF_MS = 1_795_400_000_000
DAY_MS = 86_400_000
NEWEST = available("paradex-pm")[-1]
PERPETUAL = delta_one("paradex", "BTC-USD-PERP", underlying="BTC", settle="USDC")
ETH = delta_one("paradex", "ETH-USD-PERP", underlying="ETH", settle="USDC")
CASH = asset("paradex", "USDC")
FEE = 0.00045


def call(days: float = 30.0, strike: float = 50_000.0, right: int = 1) -> Instrument:
    expiry_ms = AS_OF_MS + int(days * DAY_MS)
    return option(
        "paradex", f"O{days:g}-{right}", right, strike, expiry_ms, underlying="BTC", settle="USDC"
    )


def margined(
    held: dict[Instrument, float],
    *,
    changes: dict[str, Any] | None = None,
    vol: float = 0.5,
    funding: float = 0.0,
    entry: float | None = None,
) -> Requirement:
    table = Instruments.of(held)
    place = table.index_of()
    lines = [
        Line("a", place[item.key], size, None if item is CASH else entry)
        for item, size in held.items()
    ]
    quotes = {item.native_id: Quote(2_000.0, vol) for item in held}
    quotes |= {"BTC-USD-PERP": Quote(51_000.0), "ETH-USD-PERP": Quote(2_000.0)}
    facts = Facts(
        AS_OF_MS,
        {("BTC", "USD"): 50_000.0, ("ETH", "USD"): 2_000.0},
        {"BTC": 50_000.0, "ETH": 2_000.0, "USDC": 1.0, "USD": 1.0},
        {key[3]: Dated(50_000.0, key[3] - AS_OF_MS) for key in table.expiries},
        quotes,
        {"funding_8h": {"paradex|BTC-USD-PERP": funding}},
    )
    parameters = overlay(NEWEST, changes, "test") if changes else NEWEST
    return run(Book.of(table, lines), view_of(table, facts), model_named("paradex-pm"), parameters)


def numbers(found: Requirement, row: int = 0) -> dict[str, float]:
    return {
        column.name: float(values[row])
        for column, values in zip(found.sheet.columns, found.sheet.values, strict=True)
    }


def vector(found: Requirement) -> list[float]:
    pnl = found.via.vector(found.priced[0], cut(found.book, found.plan.pools[0], 0))
    assert pnl is not None
    return pnl[0].tolist()  # type: ignore[no-any-return] # a list of floats


@pytest.mark.parametrize(("size", "label"), [(2.0, "-14 %, vol +40 %"), (-2.0, "+14 %, vol +40 %")])
def test_a_perpetual_moves_with_the_spot(size: float, label: str) -> None:
    """14 % of 2 x 50,000 (the index, not its mark of 51,000); fee 0.045 % of 2 x 51,000.

    The weighted tails lose less: -66 % x 0.1061 is 7 %; -33 % x 0.2121 just as much.
    """
    found = margined({PERPETUAL: size})
    sheet = numbers(found)
    assert sheet["scan_risk"] == pytest.approx(14_000.0, rel=1e-12)
    assert sheet["fee_provision"] == pytest.approx(2.0 * 51_000.0 * FEE, rel=1e-13)
    assert sheet["im"] == pytest.approx(14_000.0 + 45.9, rel=1e-13)
    assert sheet["mm"] == pytest.approx(7_000.0 + 45.9, rel=1e-13)
    assert found.scenario_label(0) == label


def test_tails_are_weighted() -> None:
    pnl = vector(margined({PERPETUAL: 1.0}))
    assert pnl[16] == pytest.approx(-0.66 * 0.1061 * 50_000.0, rel=1e-13)
    assert pnl[23] == pytest.approx(5.0 * 0.0028 * 50_000.0, rel=1e-13)
    heavy = [[0.1, 0.4, 1.0], [-0.5, 0.4, 0.5]]
    found = margined({PERPETUAL: 1.0}, changes={"asset.BTC.scenarios": heavy})
    assert numbers(found)["scan_risk"] == pytest.approx(12_500.0, rel=1e-13)
    assert found.scenario_label(0) == "-50 %, vol +40 %, x0.5"


def test_the_zero_scenario_is_exactly_zero() -> None:
    still = {"asset.BTC.scenarios": [[0.0, 0.0, 1.0]], "asset.BTC.min_vol_shock_up": 0.4}
    assert vector(margined({call(): 3.0, PERPETUAL: -1.0}, changes=still)) == [0.0]


@pytest.mark.parametrize(
    ("days", "reading", "up"),
    [
        (30.0, "floor_of_shock", 0.5 * 1.4),
        (120.0, "floor_of_shock", 0.5 * 1.4),  # 0.4 x 0.25^0.13 = 0.334 is under the floor
        (120.0, "floor_of_vol", 0.5 * (1.0 + 0.4 * 0.25**0.13)),
        (7.5, "floor_of_shock", 0.5 * (1.0 + 0.4 * 4.0**0.3)),
        (0.25, "floor_of_vol", 0.5 * (1.0 + 0.4 * 30.0**0.3)),  # a day at least
    ],
)
def test_the_vol_shock_and_the_readings_of_its_floor(days: float, reading: str, up: float) -> None:
    only = {"asset.BTC.scenarios": [[0.0, 0.4, 1.0]], "reading.min_vol_shock": reading}
    pnl = vector(margined({call(days): 1.0}, changes=only))
    years = days / 365.0
    flat = black(1, 50_000.0, 50_000.0, 0.5, years)
    wanted = black(1, 50_000.0, 50_000.0, up, years) - flat
    assert pnl == pytest.approx([wanted], rel=1e-10)


def test_a_low_vol_is_raised_to_the_floor_under_the_second_reading() -> None:
    """vol 0.1 x 1.4 = 0.14 becomes 0.4; the down shock has no floor."""
    both = [[0.0, 0.4, 1.0], [0.0, -0.22, 1.0]]
    changes = {"asset.BTC.scenarios": both, "reading.min_vol_shock": "floor_of_vol"}
    pnl = vector(margined({call(): 1.0}, changes=changes, vol=0.1))
    years = 30.0 / 365.0
    base = black(1, 50_000.0, 50_000.0, 0.1, years)
    wanted = [black(1, 50_000.0, 50_000.0, vol, years) - base for vol in (0.4, 0.078)]
    assert pnl == pytest.approx(wanted, rel=1e-10)


def test_the_least_charge_on_delta() -> None:
    """A long call of delta 0.5 + half a per cent of variance, hedged by a short perpetual."""
    still = {
        "asset.BTC.scenarios": [[0.0, 0.0, 1.0]],
        "asset.BTC.unhedged_margin_factor": 0.02,
        "asset.BTC.hedged_margin_factor": 0.01,
    }
    years = 30.0 / 365.0
    delta = NormalDist().cdf(0.25 * years**0.5)
    sheet = numbers(margined({call(): 2.0, PERPETUAL: -0.4}, changes=still))
    net, gross = 2.0 * delta - 0.4, 2.0 * delta + 0.4
    wanted = (0.02 * net + 0.01 * (gross - net) / 2.0) * 50_000.0
    assert sheet["min_delta_risk"] == pytest.approx(wanted, rel=1e-12)
    assert sheet["net_pimr"] == sheet["min_delta_risk"]


def test_calls_and_puts_do_not_hide_each_other_from_gross_delta() -> None:
    """A synthetic future against a perpetual is hedged in full: (gross - 0) / 2 at 1 %."""
    still = {
        "asset.BTC.scenarios": [[0.0, 0.0, 1.0]],
        "asset.BTC.hedged_margin_factor": 0.01,
    }
    held = {call(right=1): 1.0, call(right=-1): -1.0, PERPETUAL: -1.0}
    sheet = numbers(margined(held, changes=still))
    assert sheet["min_delta_risk"] == pytest.approx(0.01 * 1.0 * 50_000.0, rel=1e-9)


def test_funding_is_provided_for_where_it_is_owed() -> None:
    """1 basis point of 8 hours on 2 x 51,000 for a long; a short receives it and provides none."""
    assert numbers(margined({PERPETUAL: 2.0}, funding=1e-4))["funding_provision"] == pytest.approx(
        10.2
    )
    assert numbers(margined({PERPETUAL: -2.0}, funding=1e-4))["funding_provision"] == 0.0
    changes = {"general.funding_provision_hours": 24.0}
    found = margined({PERPETUAL: 2.0}, funding=1e-4, changes=changes)
    assert numbers(found)["funding_provision"] == pytest.approx(30.6)
    assert numbers(found)["mm"] == pytest.approx(7_000.0 + 45.9 + 30.6)


def test_the_fee_of_an_option_is_capped_by_its_price() -> None:
    """0.0125 % of 50,000 = 6.25, and at most 12.5 % of the mark of 2,000 (250) or of 20 (2.5)."""
    item = call()
    assert numbers(margined({item: -3.0}))["fee_provision"] == pytest.approx(18.75)
    changes = {"general.option_fee_cap": 0.00125}
    assert numbers(margined({item: -3.0}, changes=changes))["fee_provision"] == pytest.approx(7.5)


def test_underlyings_add_up_and_cash_stands_with_the_first() -> None:
    found = margined({PERPETUAL: 1.0, ETH: -10.0, CASH: 9_000.0})
    assert [pool.label for pool in found.plan.pools] == ["BTC", "ETH"]
    assert found.sheet["scan_risk"].tolist() == pytest.approx([7_000.0, 3_200.0], rel=1e-12)
    assert found.sheet["cash"].tolist() == [9_000.0, 0.0]
    assert len(found.notes) == 1


def test_account_value_is_the_balance_and_the_open_profit() -> None:
    """Long 2 from 50,000, now 51,000: the venue's balance does not hold what is open."""
    found = margined({PERPETUAL: 2.0}, entry=50_000.0)
    assert numbers(found)["equity"] == 2_000.0
    assert SOURCES[int(found.source[0])] is EquitySource.REBUILT
    found = margined({PERPETUAL: 2.0, CASH: 500.0}, entry=50_000.0)
    assert numbers(found)["counted_im"] == 2_500.0
    assert SOURCES[int(found.source[0])] is EquitySource.BALANCES
    assert np.isfinite(found.sheet["im"]).all()
