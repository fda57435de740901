"""``sa-ccr`` on books of coins: by hand, against the list of trades of the standard, orders."""

from __future__ import annotations

from math import exp
from typing import Any

import pytest

from crossmargin.conformance.world import AS_OF_MS, SPOT, world_of
from crossmargin.core.clock import YEAR_MS
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.families.exposure_at_default import (
    Trade,
    exposure,
    factors_of,
    option_delta,
    unmargined_factor,
)
from crossmargin.margin.model import Details
from crossmargin.margin.pools import cut
from tests.margin.models.whole_books import column, margined, population, stage, subject

USDC = 0.9995
BTC, ETH = "BTC_USDC-PERPETUAL", "ETH_USDC-PERPETUAL"
CALL, PUT = "BTC_USDC-30-64000-C", "BTC_USDC-30-64000-P"
MARK = SPOT["BTC"] * 1.0004
INDEX, OTHER = SPOT["BTC"] * USDC, SPOT["ETH"] * USDC
FACTOR = 0.32


def value(name: str) -> float:
    chosen = subject("sa-ccr")
    return float(world_of(chosen).view.mark[column(name, chosen)]) * USDC


def im(held: dict[str, float], **changes: Any) -> float:
    return float(margined("sa-ccr", held, **changes).sheet["im"][0])


def test_a_perpetual_by_hand() -> None:
    assert im({BTC: 2.0}) == pytest.approx(1.4 * FACTOR * 2.0 * INDEX)
    assert im({BTC: 2.0}, exposure__perpetual_years=0.25) == pytest.approx(
        1.4 * FACTOR * 2.0 * INDEX * 0.5
    )


def test_a_coin_nets_and_two_do_not() -> None:
    assert im({BTC: 2.0, ETH: -10.0}) == pytest.approx(1.4 * FACTOR * (2.0 * INDEX + 10.0 * OTHER))
    mixed = im({BTC: 2.0, "BTC_USDC-30": -2.0})
    short = unmargined_factor(30 * 86_400_000 / YEAR_MS)
    assert mixed == pytest.approx(1.4 * FACTOR * 2.0 * INDEX * (1.0 - short))
    gross = 1.4 * 0.5 * 4.0 * INDEX
    assert im({BTC: 2.0, "BTC_USDC-30": -2.0}, reading__group="2b") == pytest.approx(gross)


def test_what_is_owed_is_replacement_cost_and_what_is_owned_eases() -> None:
    sheet = margined("sa-ccr", {CALL: -3.0}).sheet
    owed, add_on = 3.0 * value(CALL), float(sheet["add_on"][0])
    assert float(sheet["replacement_cost"][0]) == pytest.approx(owed)
    assert float(sheet["mm"][0]) == pytest.approx(1.4 * (owed + add_on))
    sheet = margined("sa-ccr", {CALL: 3.0}).sheet
    eased = 0.05 + 0.95 * exp(-owed / (1.9 * add_on))
    assert float(sheet["replacement_cost"][0]) == 0.0
    assert float(sheet["multiplier"][0]) == pytest.approx(eased)
    assert float(sheet["im"][0]) == pytest.approx(1.4 * eased * add_on)


def test_the_balance_side_is_collateral_alone() -> None:
    sheet = margined("sa-ccr", {CALL: 3.0, "USDC": 1_000.0, "BTC": 2.0}).sheet
    collateral = 1_000.0 * USDC + 2.0 * SPOT["BTC"]
    assert float(sheet["counted_im"][0]) == pytest.approx(collateral)
    assert float(sheet["counted_mm"][0]) == pytest.approx(collateral)
    assert float(sheet["equity"][0]) == pytest.approx(collateral + 3.0 * value(CALL))
    assert float(sheet["im"][0]) == pytest.approx(im({CALL: 3.0}))  # no collateral is taken off


@pytest.mark.parametrize("seed", [1, 2])
def test_against_a_list_of_trades(seed: int) -> None:
    found = population("sa-ccr", seed)
    _, priced, _ = stage(found)
    view, part = priced.view, priced.pool.instruments
    factors = factors_of(found.parameters)
    for row in range(len(found.sheet)):
        held = cut(found.book.rows(row, row + 1), found.plan.pools[0], row)
        trades, worth = [], 0.0
        for k, size in zip(held.column.tolist(), held.quantity.tolist(), strict=True):
            item, mark = part.items[k], float(view.mark[k])
            if item.kind is Kind.ASSET:
                continue
            unit = SPOT[item.underlying] if item.inverse else USDC
            spot = SPOT[item.underlying] * (1.0 if item.inverse else USDC)
            turned = item.inverse and item.kind is not Kind.OPTION
            coins = item.multiplier / mark if turned else item.multiplier
            delta = 1.0 if size > 0.0 else -1.0
            years = 1.0
            if item.kind is not Kind.PERPETUAL:
                years = (item.expiry_ms - AS_OF_MS) / YEAR_MS
            if item.kind is Kind.OPTION:
                key = (item.underlying, item.quote, item.settle, item.expiry_ms)
                forward = float(view.forward[part.expiries.index(key)])
                vol = factors["crypto"].option_vol
                delta = option_delta(item.right, size > 0.0, forward, item.strike, vol, years)
                worth += size * item.multiplier * mark * unit
            notional = abs(size) * coins * spot
            trades.append(
                Trade(
                    "crypto", "crypto", item.underlying, notional, delta, unmargined_factor(years)
                )
            )
        expected = exposure(-worth, 0.0, trades, factors)
        ours = {name: float(found.sheet[name][row]) for name in ("add_on", "multiplier", "ead")}
        assert ours["add_on"] == pytest.approx(expected.add_on, rel=1e-9, abs=1e-6)
        assert ours["multiplier"] == pytest.approx(expected.multiplier, rel=1e-9)
        assert ours["ead"] == pytest.approx(expected.ead, rel=1e-9, abs=1e-6)


def test_orders() -> None:
    more = margined("sa-ccr", {BTC: 2.0}, [(BTC, 1, 1.0, MARK), (BTC, -1, 1.0, MARK)])
    assert float(more.sheet["im"][0]) == pytest.approx(1.4 * FACTOR * 3.0 * INDEX)
    assert float(more.sheet["mm"][0]) == pytest.approx(1.4 * FACTOR * 2.0 * INDEX)
    # A bought option takes its premium out of the collateral that counts.
    bought = margined("sa-ccr", {}, [(CALL, 1, 1.0, 2_000.0)])
    assert float(bought.sheet["im"][0]) > 2_000.0 * USDC


def test_details_add_up() -> None:
    found = margined("sa-ccr", {BTC: 2.0, ETH: -10.0, CALL: 1.0, "USDC": 5.0})
    model, priced, held = stage(found)
    assert isinstance(model, Details)
    (table,) = model.details(priced, held, found.parameters)
    assert [row[0] for row in table.rows] == ["BTC", "ETH"]
    total = sum(float(row[4] or 0.0) for row in table.rows)
    assert total == pytest.approx(float(found.sheet["add_on"][0]))
