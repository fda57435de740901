"""Derive PMRM on small numbers: a spot of 50,000, the BTC manager of December 2025."""

from __future__ import annotations

from math import exp
from typing import Any

import pytest

from crossmargin.core.errors import ModelError
from crossmargin.instruments.book import Book, Line, Order
from crossmargin.instruments.contracts import Instrument, Instruments
from crossmargin.margin import Requirement, model_named, run
from crossmargin.margin.models.derive_pm1 import static_charges, static_discount
from crossmargin.margin.parameter_files import available, overlay
from crossmargin.margin.pools import cut
from tests.margin.models.test_derive_pm2 import (
    AS_OF_MS,
    CASH,
    PERPETUAL,
    VOL,
    call,
    numbers,
    vector,
)
from tests.oracle.black import price as black
from tests.vectors.building import Dated, Facts, Quote, asset, delta_one, view_of

NEWEST = available("derive-pm1")[-1]
COIN = asset("derive", "BTC")
ONLY = "market.BTC.scenarios"
FACTOR = 1.25


def margined(
    held: dict[Instrument, float],
    *,
    changes: dict[str, Any] | None = None,
    stable: float = 1.0,
    entry: float | None = None,
    reads: dict[str, dict[str, float]] | None = None,
    orders: tuple[tuple[Instrument, float, float], ...] = (),
) -> Requirement:
    table = Instruments.of({i.key: i for i in [*held, PERPETUAL, *(o[0] for o in orders)]}.values())
    place = table.index_of()
    lines = [
        Line("a", place[item.key], size, entry if item is PERPETUAL else None)
        for item, size in held.items()
    ]
    quotes = {
        i.native_id: Quote(
            black(i.right, 5e4, i.strike, VOL, (i.expiry_ms - AS_OF_MS) / 31_536_000_000)
            if i.right
            else 0.0,
            VOL,
        )
        for i in table.items
    }
    quotes["BTC-PERP"] = Quote(51_000.0)
    facts = Facts(
        AS_OF_MS,
        {("BTC", "USD"): 50_000.0},
        {"BTC": 50_000.0, "ETH": 2_000.0, "USDC": stable, "USD": 1.0},
        {key[3]: Dated(50_000.0, key[3] - AS_OF_MS) for key in table.expiries},
        quotes,
        reads or {},
    )
    made = [Order("a", place[i.key], 1 if x > 0 else -1, abs(x), p) for i, x, p in orders]
    chosen = overlay(NEWEST, changes, "test") if changes else NEWEST
    book = Book.of(table, lines, made, accounts=("a",))
    return run(book, view_of(table, facts), model_named("derive-pm1@v1"), chosen)


def test_a_perpetual_and_its_contingency_are_both_multiplied() -> None:
    """2 x 51,000 lose 18 %; 3 % of 2 x 50,000 beside it; 1.25 of both for the initial side."""
    found = margined({PERPETUAL: 2.0})
    sheet = numbers(found)
    assert sheet["span_loss"] == pytest.approx(18_360.0, rel=1e-12)
    assert sheet["mm"] == pytest.approx(18_360.0 + 3_000.0, rel=1e-12)
    assert sheet["im"] == pytest.approx(FACTOR * (18_360.0 + 3_000.0), rel=1e-12)
    assert found.scenario_label(0) == "-18 %, vol up"


def test_the_coin_counts_in_full_moves_with_the_spot_and_is_charged_at_it() -> None:
    """3 coins in a stable of 0.8: 187,500 count and lose 18 %; 3 % of 150,000 is required."""
    sheet = numbers(margined({COIN: 3.0}, stable=0.8, changes={"market.BTC.peg_loss_factor": 0.0}))
    assert sheet["counted_mm"] == pytest.approx(187_500.0, rel=1e-13)
    assert sheet["span_loss"] == pytest.approx(0.18 * 187_500.0, rel=1e-12)
    assert sheet["base_contingency"] == pytest.approx(4_500.0, rel=1e-13)


def test_a_coin_lies_with_its_own_manager() -> None:
    """BTC and ETH held with positions of both: each coin in the pool of its name."""
    eth = delta_one("derive", "ETH-PERP", underlying="ETH", settle="USDC")
    ether = asset("derive", "ETH")
    table = Instruments.of([PERPETUAL, eth, COIN, ether, CASH])
    facts = Facts(
        AS_OF_MS,
        {("BTC", "USD"): 50_000.0, ("ETH", "USD"): 2_000.0},
        {"BTC": 50_000.0, "ETH": 2_000.0, "USDC": 1.0, "USD": 1.0},
        quotes={"BTC-PERP": Quote(50_000.0), "ETH-PERP": Quote(2_000.0)},
    )
    lines = [Line("a", row, 1.0) for row in range(len(table))]
    lines += [Line("only ether", table.index_of()[ether.key], 2.0)]
    found = run(Book.of(table, lines), view_of(table, facts), model_named("derive-pm1"), NEWEST)
    assert [pool.label for pool in found.plan.pools] == ["BTC", "ETH"]
    value = {
        (found.book.account[a], found.plan.pools[p].label): (x, y)
        for a, p, x, y in zip(
            found.sheet.account.tolist(),
            found.sheet.pool.tolist(),
            found.sheet["collateral_value"].tolist(),
            found.sheet["cash"].tolist(),
            strict=True,
        )
    }
    assert value == {
        ("a", "BTC"): (50_000.0, 1.0),
        ("a", "ETH"): (2_000.0, 0.0),
        ("only ether", "BTC"): (0.0, 0.0),
        ("only ether", "ETH"): (4_000.0, 0.0),
    }


@pytest.mark.parametrize(
    ("item", "size", "code"),
    [(asset("derive", "USDT"), 1.0, "parameter_missing"), (COIN, -1.0, "parameter_out_of_bounds")],
)
def test_other_collateral_and_debts_in_coin_are_refused(
    item: Instrument, size: float, code: str
) -> None:
    with pytest.raises(ModelError) as caught:
        margined({item: size, PERPETUAL: 1.0})
    assert caught.value.code == code
    assert item.native_id in caught.value.place


def test_only_a_positive_value_of_an_expiry_is_discounted() -> None:
    """0.95 e^(-0.12 T) of a long call, all of a short one; values are not discounted."""
    still = {ONLY: [[1.0, "none"]]}
    years = 30.0 / 365.0
    value = black(1, 50_000.0, 50_000.0, VOL, years)
    gain = 0.95 * exp(-0.12 * years)
    assert vector(margined({call(): 1.0}, changes=still)) == pytest.approx([(gain - 1.0) * value])
    assert vector(margined({call(): -1.0}, changes=still)) == pytest.approx([0.0], abs=1e-9)
    assert numbers(margined({call(): 1.0}))["equity"] == pytest.approx(value, rel=1e-12)


def test_vol_goes_up_without_a_floor_and_down_to_zero() -> None:
    up = {ONLY: [[1.0, "up"], [1.0, "down"]], "market.BTC.static_discount": 1.0}
    up |= {"market.BTC.rate_add": 0.0, "market.BTC.vol_range_down": 2.0}
    years = 30.0 / 365.0
    still = black(1, 50_000.0, 50_000.0, VOL, years)
    higher = black(1, 50_000.0, 50_000.0, 1.5 * VOL, years)
    found = vector(margined({call(): 1.0}, changes=up))
    assert found == pytest.approx([higher - still, -still], rel=1e-10)


def test_low_confidence_takes_perpetual_and_coin_together() -> None:
    """(1 - 0.25) x 1 x 50,000 on |1| + 3 coins; the initial side alone, not multiplied."""
    held = {PERPETUAL: -1.0, COIN: 3.0}
    calm = numbers(margined(held))
    doubtful = numbers(margined(held, reads={"perp_confidence": {"BTC": 0.25}}))
    assert doubtful["im"] - calm["im"] == pytest.approx(0.75 * 4.0 * 50_000.0, rel=1e-12)
    assert doubtful["mm"] == calm["mm"]


def test_a_broken_peg_raises_the_factor_of_everything_but_confidence() -> None:
    """0.94 under 0.99: 1.25 + 4 x 0.05 on scenarios and contingencies."""
    sheet = numbers(margined({PERPETUAL: 1.0}, stable=0.94))
    assert sheet["im"] == pytest.approx(1.45 * sheet["mm"], rel=1e-12)


def test_an_order_is_its_scenario_and_its_contingency() -> None:
    """Buy 1 at 500 over the mark: 1.25 (18 % of 51,000 + 3 % of 50,000) and the 500, once."""
    found = margined({}, orders=((PERPETUAL, 1.0, 51_500.0),))
    wanted = FACTOR * (0.18 * 51_000.0 + 1_500.0) + 500.0
    assert numbers(found)["order_margin"] == pytest.approx(wanted, rel=1e-10)
    assert numbers(found)["mm"] == 0.0
    reducing = margined({PERPETUAL: 2.0}, orders=((PERPETUAL, -1.0, 51_000.0),))
    assert numbers(reducing)["order_margin"] == pytest.approx(0.0, abs=1e-8)


def test_charges_and_discount_are_columns_of_their_own() -> None:
    found = margined({PERPETUAL: -2.0, COIN: 1.0, call(): -3.0})
    priced = found.priced[0]
    charge = static_charges(priced, cut(found.book, priced.pool, 0), NEWEST)
    wanted = {"perp": 3_000.0, "base": 1_500.0, "option": 3.0 * 750.0}
    assert {name: float(value[0]) for name, value in charge.items()} == pytest.approx(wanted)
    discount = static_discount(priced.view, NEWEST, "market.BTC")
    assert discount.tolist() == pytest.approx([0.95 * exp(-0.12 * 30.0 / 365.0)])
