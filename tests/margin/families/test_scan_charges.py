"""Charges of the scan family, each by hand, and never less after a fill than its bound."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instrument
from crossmargin.margin.families.scan_charges import BUILDERS, evaluated, worst_filled
from crossmargin.margin.fills import fills_of
from crossmargin.margin.pools import cut
from tests.margin.families.house import (
    PERPETUAL,
    SPOT,
    STILL,
    TETHERED,
    call,
    column,
    future,
    margined,
    rules,
)
from tests.oracle.black import delta as black_delta

EXPENSIVE = {
    **STILL,
    "option_factor": 0.01,
    "vega_spread_factor": 0.001,
    "basis_rate_annual": 0.5,
    "roll_factor": 0.02,
    "depeg_factor": 0.03,
    "futures_factor": 0.004,
    "liquidity_futures": 0.005,
    "liquidity_option": 0.006,
    "concentration_factor": 0.1,
    "concentration_threshold_usd": 60_000.0,
    "fee_futures": 0.0007,
    "fee_option": 0.0008,
    "unhedged_factor": 0.2,
    "hedged_factor": 0.1,
    "outright_floor": 0.05,
    "option_floor": 0.04,
}


def charged(
    held: dict[Instrument, float], name: str, numbers: dict[str, object], **form: str
) -> float:
    return column(margined(held, rules({**STILL, **numbers}, **form)), name)


@pytest.mark.parametrize(
    ("form", "coins"),
    [("contract", 1.0 + 3.0), ("strike", 1.0 + 1.0), ("net", 0.0 + 2.0)],
)
def test_short_options_by_contract_strike_or_net(form: str, coins: float) -> None:
    held = {call(30.0, 40_000.0): -1.0, call(30.0): -3.0, call(60.0): 2.0}
    ours = charged(held, "option_contingency", {"option_factor": 0.01}, short_option=form)
    assert ours == pytest.approx(coins * 0.01 * SPOT, rel=1e-13)


def test_a_vega_spread_is_days_times_what_is_hedged_across() -> None:
    """+3 at 10 days against -2 at 40 and -4 at 60: 3 across 30 days, 3 less 2 hedged across 20."""
    held = {call(10.0): 3.0, call(40.0): -2.0, call(60.0): -4.0, PERPETUAL: 9.0}
    ours = charged(held, "vega_spread", {"vega_spread_factor": 0.001})
    assert ours == pytest.approx((30.0 * 3.0 + 20.0 * 1.0) * 0.001 * SPOT, rel=1e-12)
    assert charged({call(10.0): 3.0}, "vega_spread", {"vega_spread_factor": 0.001}) == 0.0


def test_basis_by_expiry_and_hedged() -> None:
    held = {future(73.0): 2.0, future(146.0): -5.0, PERPETUAL: 4.0}
    rate = {"basis_rate_annual": 0.5}
    by_expiry = charged(held, "basis", rate, basis="per_expiry")
    assert by_expiry == pytest.approx((2.0 * 0.2 + 5.0 * 0.4) * 0.5 * SPOT, rel=1e-12)
    hedged = charged(held, "basis", rate, basis="hedged")
    # across the first gap 4 against -3, across the second 6 against -5
    assert hedged == pytest.approx((3.0 * 0.2 + 5.0 * 0.2) * 0.5 * SPOT, rel=1e-12)


def test_roll_and_depeg_charge_what_is_hedged() -> None:
    held = {PERPETUAL: 4.0, future(73.0): -1.0, TETHERED: -2.0}
    assert charged(held, "roll", {"roll_factor": 0.02}) == pytest.approx(1.0 * 0.02 * SPOT)
    assert charged(held, "depeg", {"depeg_factor": 0.03}) == pytest.approx(2.0 * 0.03 * SPOT)


def test_gross_charges_and_the_threshold() -> None:
    held = {PERPETUAL: 4.0, future(73.0): -1.0, call(): -2.0}
    numbers = {"futures_factor": 0.004, "liquidity_futures": 0.005, "liquidity_option": 0.006}
    numbers |= {"concentration_factor": 0.1, "concentration_threshold_usd": 60_000.0}
    assert charged(held, "futures_contingency", numbers) == pytest.approx(5 * 0.004 * SPOT)
    assert charged(held, "liquidity", numbers) == pytest.approx((5 * 0.005 + 2 * 0.006) * SPOT)
    assert charged(held, "concentration", numbers) == pytest.approx(0.1 * (7 * SPOT - 60_000.0))
    assert charged({PERPETUAL: 1.0}, "concentration", numbers) == 0.0


def test_an_options_fee_is_capped_by_its_mark() -> None:
    item = call()
    numbers = {"fee_futures": 0.001, "fee_option": 0.01, "fee_option_cap": 0.125}
    chosen = rules({**STILL, **numbers})
    found = margined({item: -2.0, PERPETUAL: 3.0}, chosen, marks={item.native_id: 800.0})
    assert column(found, "fees") == pytest.approx(3 * 0.001 * SPOT + 2 * 100.0, rel=1e-13)


def test_least_charges_are_floors() -> None:
    item = call()
    delta = black_delta(1, SPOT, SPOT, 0.5, 30.0 / 365.0)
    numbers = {"unhedged_factor": 0.2, "hedged_factor": 0.1, "outright_floor": 0.05}
    numbers |= {"option_floor": 0.04, "futures_factor": 0.001}
    found = margined({item: -2.0, PERPETUAL: 3.0}, rules({**STILL, **numbers}))
    net, gross = 3.0 - 2.0 * delta, 3.0 + 2.0 * delta
    least = (0.2 * net + 0.1 * (gross - net) / 2.0) * SPOT
    assert column(found, "min_delta") == pytest.approx(least, rel=1e-12)
    assert column(found, "floor") == pytest.approx((3 * 0.05 + 2 * 0.04) * SPOT, rel=1e-13)
    assert column(found, "requirement") == max(column(found, "min_delta"), column(found, "floor"))
    assert column(found, "risk") == pytest.approx(150.0, rel=1e-13)


def test_what_a_house_leaves_out_is_not_charged() -> None:
    found = margined({PERPETUAL: 3.0, call(): -1.0}, rules(STILL))
    assert {name for name in BUILDERS if name != "unpublished"} <= {
        c.name for c in found.sheet.columns
    }
    assert column(found, "requirement") == 0.0
    assert not found.at_least.any()


def test_a_form_without_a_choice_is_refused() -> None:
    with pytest.raises(ModelError):
        margined({PERPETUAL: 1.0}, rules(STILL), model="bybit-pm")


@pytest.mark.parametrize("form", ["per_expiry", "hedged"])
@pytest.mark.parametrize("short", ["contract", "strike", "net"])
def test_no_subset_of_fills_costs_more_than_the_bound(form: str, short: str) -> None:
    chosen = rules(EXPENSIVE, basis=form, short_option=short)
    items = [
        PERPETUAL,
        TETHERED,
        future(73.0),
        call(10.0),
        call(60.0, 45_000.0),
        call(90.0, SPOT, -1),
    ]
    rng = np.random.default_rng(5)
    for _ in range(6):
        held = {item: float(rng.normal()) for item in items}
        orders = [
            (item, int(rng.choice([-1, 1])), float(rng.uniform(0.1, 2.0)), SPOT) for item in items
        ]
        found = margined(held, chosen, orders=orders)
        priced = found.priced[0]
        own = cut(found.book, priced.pool, 0)
        fills = fills_of(priced, own, np.ones(len(priced.pool.instruments)), mmp=True)
        assert fills is not None
        charges = (*priced.facts["charges"], *priced.facts["floors"])
        bounds = {c.name: float(worst_filled(c, own, fills)[0]) for c in charges}
        seen = dict.fromkeys(bounds, 0.0)
        for taken in product((0.0, 1.0), repeat=len(orders)):
            after = dict(held)
            for (item, side, size, _), yes in zip(orders, taken, strict=True):
                after[item] += side * size * yes
            again = margined(after, chosen)
            book = cut(again.book, again.priced[0].pool, 0)
            for charge in (*again.priced[0].facts["charges"], *again.priced[0].facts["floors"]):
                seen[charge.name] = max(seen[charge.name], float(evaluated(charge, book)[0]))
        for name, most in seen.items():
            assert most <= bounds[name] * (1.0 + 1e-12) + 1e-9, name
