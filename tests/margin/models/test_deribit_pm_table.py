"""Scenario tables of a pool of two currencies: ranges 14 % and 18 %, in the venue's order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from crossmargin.instruments.contracts import Instrument, Instruments
from crossmargin.margin import model_named
from crossmargin.margin.models.deribit_pm_table import Table
from crossmargin.margin.parameter_files import available
from crossmargin.market.view import View
from tests.vectors.building import Dated, Facts, Quote, asset, delta_one, option, view_of

AS_OF_MS = 1_795_000_000_000
DAY_MS = 86_400_000
SOON_MS = AS_OF_MS + 30 * DAY_MS
NEWEST = available("deribit-pm")[-1]
BTC: dict[str, Any] = {"underlying": "BTC", "settle": "BTC", "inverse": True}
ETH: dict[str, Any] = {"underlying": "ETH", "settle": "ETH", "inverse": True}
SWAP, OTHER = delta_one("deribit", "P", **BTC), delta_one("deribit", "E", **ETH)
CALL = option("deribit", "C", 1, 60_000.0, SOON_MS, **BTC)
LINEAR = option("deribit", "L", 1, 60_000.0, SOON_MS, underlying="BTC", quote="USDC")
TAILS = [-0.66, -0.33, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0]


def table(*items: Instrument, cross: bool = True) -> Table:
    instruments = Instruments.of(items)
    facts = Facts(
        AS_OF_MS,
        {("BTC", "USD"): 50_000.0, ("ETH", "USD"): 2_000.0, ("BTC", "USDC"): 50_000.0},
        {"BTC": 50_000.0, "ETH": 2_000.0, "USD": 1.0, "USDC": 0.5},
        {SOON_MS: Dated(51_000.0, 30 * DAY_MS)},
        {"P": Quote(50_000.0), "E": Quote(2_000.0), "C": Quote(0.02, 0.6), "L": Quote(900.0, 0.6)},
    )
    view: View = view_of(instruments, facts)
    pool = model_named("deribit-xpm" if cross else "deribit-spm").plan(instruments, NEWEST).pools[0]
    return Table(pool, view, NEWEST)


def rows(made: Table) -> dict[str, int]:
    return {item.native_id: k for k, item in enumerate(made.pool.instruments.items)}


def test_moves_are_nine_prices_of_three_vols_and_eight_tails() -> None:
    made = table(SWAP, OTHER)
    pairs = {pair[0]: p for p, pair in enumerate(made.pool.instruments.pairs)}
    for coin, reach in (("BTC", 0.14), ("ETH", 0.18)):
        moves = made.move[pairs[coin]]
        assert moves[0:27:3].tolist() == pytest.approx([reach * k / 4 for k in range(-4, 5)])
        assert moves[1:27:3].tolist() == moves[2:27:3].tolist() == moves[0:27:3].tolist()
        assert moves[27:].tolist() == TAILS
        ends = [-reach, -reach, *[reach] * 6]
        assert made.clamped[pairs[coin]][27:].tolist() == pytest.approx(ends)
    scenarios = made.scenarios()
    assert scenarios.vol_label[:3] == ("up", "same", "down")
    assert set(scenarios.vol_label[27:]) == {"up"}
    assert scenarios.label[0] == "-1.00 R, vol up"  # two ranges: no one percentage
    assert scenarios.label[27] == "extended -66 %, vol up"
    assert table(SWAP).scenarios().label[0] == "-14 %, vol up"


def test_a_balance_in_dollars_moves_against_nothing() -> None:
    made = table(asset("deribit", "USDC"), SWAP)
    pairs = {pair[0]: p for p, pair in enumerate(made.pool.instruments.pairs)}
    assert made.reach[pairs["USDC"]] == 0.0
    assert (made.clamped[pairs["USDC"]] == 0.0).all()


def test_conversion_of_tails_and_to_dollars() -> None:
    """Segregated: factor R / |m|, and (1 + m) / (1 + R) where it settles in coin."""
    coin = table(CALL, cross=False)
    unit = coin.conversion(cross=False)[0]
    assert (unit[:27] == 1.0).all()
    for s, move in enumerate(TAILS):
        clamped = -0.14 if move < 0 else 0.14
        wanted = 0.14 / abs(move) * (1.0 + move) / (1.0 + clamped)
        assert unit[27 + s] == pytest.approx(wanted, rel=1e-13)
    both = table(SWAP, LINEAR)
    dollars, place = both.conversion(cross=True), rows(both)
    # Coin at the shocked index, a future at the end of the range; USDC at its dollars.
    assert dollars[place["P"], 0] == pytest.approx(0.86 * 50_000.0)
    assert dollars[place["P"], 34] == pytest.approx(1.14 * 50_000.0)
    assert dollars[place["L"], 0] == 0.5
    assert dollars[place["L"], 34] == pytest.approx(0.5 * 0.14 / 5.0)


def test_the_dead_zone_is_of_the_extended_table_alone() -> None:
    """(|m| / R - 1) x 200,000 dollars, in coin over the index at the end of the range."""
    made = table(SWAP, cross=False)
    coin, dollars = made.dead(cross=False)[0], made.dead(cross=True)[0]
    assert (coin[:27] == 0.0).all()
    assert dollars[34] == pytest.approx((5.0 / 0.14 - 1.0) * 200_000.0)
    assert coin[34] == pytest.approx(dollars[34] / (1.14 * 50_000.0))
    assert coin[27] == pytest.approx((0.66 / 0.14 - 1.0) * 200_000.0 / (0.86 * 50_000.0))


def test_roll_rates() -> None:
    """A perpetual has the minimum; 30 days of 7.5 % a year are 0.618 %; dollars where linear."""
    made = table(SWAP, CALL, cross=False)
    run = made.pool.facts["roll_run"]
    rates, place = made.roll_rates(), rows(made)
    assert rates[run[place["P"]]] == 0.005
    assert rates[run[place["C"]]] == pytest.approx(np.expm1(0.075 * 30.0 / 365.0), rel=1e-13)
    assert table(SWAP).roll_rates().tolist() == [0.005 * 50_000.0]
