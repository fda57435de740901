"""Scenario tables of a pool of two currencies: ranges 14 % and 18 %, in the venue's order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from crossmargin.instruments.contracts import Instrument, Instruments
from crossmargin.margin import model_named
from crossmargin.margin.models.deribit_pm_table import Table, equity_rows
from crossmargin.margin.parameter_files import available, overlay
from crossmargin.market.view import View
from crossmargin.pricing.option_pnl import add_rows
from tests.vectors.building import Dated, Facts, Quote, asset, delta_one, option, view_of

AS_OF_MS = 1_795_000_000_000
DAY_MS = 86_400_000
SOON_MS, NEAR_MS, LATE_MS = (AS_OF_MS + days * DAY_MS for days in (30, 2, 365))
NEWEST = available("deribit-pm")[-1]
BTC: dict[str, Any] = {"underlying": "BTC", "settle": "BTC", "inverse": True}
ETH: dict[str, Any] = {"underlying": "ETH", "settle": "ETH", "inverse": True}
SWAP, OTHER = delta_one("deribit", "P", **BTC), delta_one("deribit", "E", **ETH)
CALL = option("deribit", "C", 1, 60_000.0, SOON_MS, **BTC)
LINEAR = option("deribit", "L", 1, 60_000.0, SOON_MS, underlying="BTC", quote="USDC")
NEAR, LATE = (
    option("deribit", "N", 1, 50_000.0, NEAR_MS, **BTC),
    option("deribit", "Y", -1, 50_000.0, LATE_MS, **BTC),
)
TAILS = [-0.66, -0.33, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0]


def table(*items: Instrument, cross: bool = True, reading: str = "relative") -> Table:
    instruments = Instruments.of(items)
    parameters = overlay(NEWEST, {"reading.vol_shock": reading}, "test")
    facts = Facts(
        AS_OF_MS,
        {("BTC", "USD"): 50_000.0, ("ETH", "USD"): 2_000.0, ("BTC", "USDC"): 50_000.0},
        {"BTC": 50_000.0, "ETH": 2_000.0, "USD": 1.0, "USDC": 0.5},
        {ms: Dated(51_000.0, ms - AS_OF_MS) for ms in (SOON_MS, NEAR_MS, LATE_MS)},
        {
            "N": Quote(0.02, 0.3),
            "Y": Quote(0.2, 0.8),
            "P": Quote(50_000.0),
            "E": Quote(2_000.0),
            "C": Quote(0.02, 0.6),
            "L": Quote(900.0, 0.6),
        },
    )
    view: View = view_of(instruments, facts)
    pool = (
        model_named("deribit-xpm" if cross else "deribit-spm")
        .plan(instruments, parameters)
        .pools[0]
    )
    return Table(pool, view, parameters)


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


def rows_of(made: Table, *, cross: bool) -> np.ndarray:
    """[I,S] what multiplies each row."""
    unit, code = made.conversion(cross=cross)
    return unit[code][:, : made.move.shape[1]]


def test_conversion_of_tails_and_to_dollars() -> None:
    """Segregated: factor R / |m|, and (1 + m) / (1 + R) where it settles in coin."""
    coin = table(CALL, cross=False)
    unit = rows_of(coin, cross=False)[0]
    assert (unit[:27] == 1.0).all() and len(unit) == 35
    for s, move in enumerate(TAILS):
        clamped = -0.14 if move < 0 else 0.14
        wanted = 0.14 / abs(move) * (1.0 + move) / (1.0 + clamped)
        assert unit[27 + s] == pytest.approx(wanted, rel=1e-13)
    both = table(SWAP, LINEAR)
    dollars, place = rows_of(both, cross=True), rows(both)
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


def shocked_vol(made: Table, name: str) -> tuple[float, float, float]:
    """Vol of an option in the three entries of no move: up, same, down."""
    scenarios, part = made.scenarios(), made.pool.instruments
    k = rows(made)[name]
    e, vol = int(part.expiry[k]), float(made.view.vol[k])
    out = []
    for s in (12, 13, 14):
        root = max(scenarios.vol_floor[e, s], vol * scenarios.vol_factor[e, s])
        skew = 1.0 if scenarios.strike_factor is None else scenarios.strike_factor[k, s]
        out.append(float(root * skew / scenarios.root_years[e]))
    return out[0], out[1], out[2]


def test_vol_shocks_by_life_in_both_readings() -> None:
    """Ranges 40 % up, 25 % down, floor 50 %; (30 / 2)^0.3 = 2.2533, (30 / 365)^0.13 = 0.7227.

    Two days, vol 30 %: up 90.13 % of it is 57.04 % (relative), of 50 % it is 75.07 % (additive);
    down 56.33 % of 30 % is left 13.10 %, of 50 % it is 1.83 %. A year, vol 80 %: over the floor the
    readings agree, 28.91 % up and 18.07 % down.
    """
    near, late = (30.0 / 2.0) ** 0.3, (30.0 / 365.0) ** 0.13
    for reading, base in (("relative", 0.3), ("additive", 0.5)):
        made = table(NEAR, LATE, cross=False, reading=reading)
        up, same, down = shocked_vol(made, "N")
        assert up == pytest.approx(0.3 + base * 0.4 * near, rel=1e-12)
        assert same == pytest.approx(0.3, rel=1e-12)
        assert down == pytest.approx(0.3 - base * 0.25 * near, rel=1e-12)
        up, same, down = shocked_vol(made, "Y")
        assert up == pytest.approx(0.8 * (1.0 + 0.4 * late), rel=1e-12)
        assert down == pytest.approx(0.8 * (1.0 - 0.25 * late), rel=1e-12)
    assert shocked_vol(table(NEAR, cross=False), "N")[0] == pytest.approx(0.5704, abs=1e-4)
    made = table(NEAR, cross=False, reading="additive")
    assert shocked_vol(made, "N")[0] == pytest.approx(0.7507, abs=1e-4)


def test_the_additive_reading_never_turns_a_vol_negative() -> None:
    """A tenth of the floor: the fall of a quarter of 50 % would be more than the vol itself."""
    made = table(CALL, cross=False, reading="additive")
    low = replace(made.view, vol=np.full(len(made.pool.instruments), 0.05))
    made = Table(made.pool, low, made.parameters)
    up, same, down = shocked_vol(made, "C")
    assert (up, same, down) == pytest.approx((0.05 + 0.5 * 0.4, 0.05, 0.0), rel=1e-12)


def test_roll_rates_take_the_larger_branch() -> None:
    """A year: exp(7.5 %) - 1; two days: 0.041 % is under the minimum of 0.5 %."""
    made = table(SWAP, NEAR, LATE, cross=False)
    run, rates, place = made.pool.facts["roll_run"], made.roll_rates(), rows(made)
    assert rates[run[place["Y"]]] == pytest.approx(np.expm1(0.075), rel=1e-13)
    assert rates[run[place["N"]]] == rates[run[place["P"]]] == 0.005


def test_rows_of_equity_in_cross_mode() -> None:
    """A coin held moves by the clamped range of the index; an option's coin mark with it."""
    made = table(asset("deribit", "BTC"), asset("deribit", "USDC"), CALL, SWAP)
    place = rows(made)
    pnl = np.zeros((len(place), 40))
    added, coin = equity_rows(made.pool, made.view, made)
    add_rows(*added, pnl)
    assert list(coin) == ["BTC"]
    assert coin["BTC"][0] == pytest.approx(-0.14 * 50_000.0)
    assert coin["BTC"][34] == pytest.approx(0.14 * 50_000.0)  # +500 % is held at the range
    assert pnl[place["BTC"]].tolist() == coin["BTC"].tolist()
    assert pnl[place["C"]].tolist() == pytest.approx((0.02 * coin["BTC"]).tolist())
    assert not pnl[place["P"]].any()
    assert not pnl[place["USDC"]].any()
