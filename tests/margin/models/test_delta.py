"""Delta margin: a plain twin, the public example, conventions, floors, liquidity, and the flag."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.conformance.world import random_book, subject_of, world_of
from crossmargin.core.errors import CrossMarginError
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.margin import model_named, run
from crossmargin.margin.details import details_of, warnings_of
from tests.margin.greek_books import (
    COIN,
    ETH_PERP,
    INVERSE,
    MONEY,
    PERP,
    call_at,
    cell,
    future,
    option,
    parameters,
    plain_delta,
    required,
)

D1_OF_03 = -0.5244005127080407  # N(d1) = 0.3
ALONE = {"form.impact": "none"}


@pytest.mark.parametrize("seed", [111, 112])
def test_the_sheet_is_that_of_plain_loops(seed: int) -> None:
    """Forty random books of both coins, all kinds, both settlements."""
    subject = subject_of(model_named("delta"))
    world, book = world_of(subject), random_book(subject, seed)
    sheet = run(book, world.view, subject.model, subject.parameters).sheet
    for row, account in enumerate(sheet.account.tolist()):
        plain = plain_delta(world, book, account, subject.parameters)
        size = 1e-6 + 1e-10 * max(sheet["gross_delta_usd"][row], 1.0)
        for name, value in plain.items():
            assert float(sheet[name][row]) == pytest.approx(value, abs=size), (account, name)
        charge = sum(plain.values()) - plain["min_delta"]
        needed = max(charge, plain["min_delta"])
        assert float(sheet["requirement"][row]) == pytest.approx(needed, abs=size)


def test_the_public_example_of_the_floor() -> None:
    """Long 1 perpetual, short 5 calls of 0.3 delta, spot 70,000, 2 % net and 1 % hedged: 1,400."""
    found = required("delta", {PERP: 1.0, call_at(D1_OF_03, 0.6): -5.0})
    assert cell(found, "net_delta_usd") == pytest.approx(0.5 * 70_000.0, rel=1e-12)
    assert cell(found, "gross_delta_usd") == pytest.approx(2.5 * 70_000.0, rel=1e-12)
    assert cell(found, "hedged_delta_usd") == pytest.approx(70_000.0, rel=1e-12)
    assert cell(found, "min_delta") == pytest.approx(1_400.0, rel=1e-12)
    bare = {**ALONE, "asset.BTC.net_rate": 0.005, "charge.hedged": 0.0, "charge.across": 0.0}
    assert cell(required("delta", {PERP: 1.0, call_at(D1_OF_03, 0.6): -5.0}, bare), "im") == (
        pytest.approx(1_400.0, rel=1e-12)
    )


def test_a_perfectly_hedged_linear_book_needs_only_the_floor() -> None:
    for held in (
        {PERP: 2.0, future(30.0): -2.0},
        {COIN: 2.0, INVERSE: -140_000.0},
        {future(30.0): 2.0, future(20.0): -2.0},
    ):
        found = required("delta", held)
        assert cell(found, "net_charge") == pytest.approx(0.0, abs=1e-9)
        assert cell(found, "im") == pytest.approx(0.01 * 2.0 * 70_000.0)
        assert cell(found, "im") == cell(found, "min_delta")
        assert cell(found, "unsafe") == 0.0


@given(st.floats(-50.0, 50.0), st.integers(-20, 20), st.floats(-20.0, 20.0))
def test_a_linear_book_loses_what_full_revaluation_loses(
    perp: float, inverse: int, coin: float
) -> None:
    held = {PERP: perp, INVERSE: 70_000.0 * inverse, COIN: coin}
    found = required("delta", held, {**ALONE, "floor.hedged": 0.0, "charge.hedged": 0.0})
    assert cell(found, "im") == pytest.approx(cell(found, "full_loss"), rel=1e-9, abs=1e-6)
    assert cell(found, "unsafe") == 0.0


def test_buckets_tell_a_calendar_from_a_hedge() -> None:
    rates = {**ALONE, "charge.hedged": 0.001, "charge.across": 0.009}
    one = required("delta", {PERP: 1.0, INVERSE: -70_000.0}, rates)
    assert cell(one, "hedged_charge") == pytest.approx(70.0)
    assert cell(one, "ladder_charge") == pytest.approx(0.0, abs=1e-9)
    two = required("delta", {PERP: 1.0, future(30.0): -1.0}, rates)
    assert cell(two, "hedged_charge") == 0.0
    assert cell(two, "ladder_charge") == pytest.approx(630.0)
    near = required("delta", {future(8.0): 1.0, future(30.0): -1.0}, rates)
    assert cell(near, "ladder_charge") == pytest.approx(0.0, abs=1e-9)
    far = required("delta", {future(7.0): 1.0, future(8.0): -1.0}, rates)
    assert cell(far, "ladder_charge") == pytest.approx(630.0)


def test_coins_do_not_offset() -> None:
    both = cell(required("delta", {PERP: 1.0, ETH_PERP: -35.0}, ALONE), "im")
    alone = [
        cell(required("delta", {x: q}, ALONE), "im") for x, q in ((PERP, 1.0), (ETH_PERP, -35.0))
    ]
    assert both == pytest.approx(sum(alone), rel=1e-14)


def test_delta_var_is_z_sigma_root_time() -> None:
    changes = {**ALONE, "form.net_rate": "var", "var.z": 2.5, "general.horizon_days": 4.0}
    changes["asset.BTC.sigma_daily"] = 0.04
    found = required("delta", {PERP: -3.0}, changes)
    assert cell(found, "im") == pytest.approx(2.5 * 0.04 * 2.0 * 3.0 * 70_000.0)
    none = required("delta", {PERP: -3.0}, {**changes, "asset.BTC.sigma_daily": 0.0})
    assert cell(none, "im") == pytest.approx(0.02 * 3.0 * 70_000.0)  # the floor stays


def test_liquidity_grows_faster_than_size() -> None:
    numbers = {
        "asset.BTC.turnover_usd": 7e6,
        "asset.BTC.sigma_daily": 0.03,
        "liquidity.impact": 0.5,
    }
    one = cell(required("delta", {PERP: 1.0}, numbers), "liquidity_charge")
    assert one == pytest.approx(0.5 * 0.03 * 70_000.0 * sqrt(0.01))
    four = cell(required("delta", {PERP: 4.0}, numbers), "liquidity_charge")
    assert four == pytest.approx(8.0 * one)
    line = {"form.impact": "linear", "asset.BTC.depth_usd": 7e6, "liquidity.depth_bp": 10.0}
    found = cell(required("delta", {PERP: 100.0}, line), "liquidity_charge")
    assert found == pytest.approx(0.5 * 1e-3 * 7e6)  # the whole depth: half of its move
    assert cell(required("delta", {PERP: 100.0}, ALONE), "liquidity_charge") == 0.0
    hedged = required("delta", {PERP: 100.0, INVERSE: -7e6})
    assert cell(hedged, "liquidity_charge") == pytest.approx(0.0, abs=1e-6)


def test_three_conventions_of_an_inverse_option() -> None:
    """N(d1), less the mark in coin, less the model value in coin; linear ones differ."""
    inverse = option(70_000.0, quote="USD", settle="BTC", inverse=True)
    linear = option(70_000.0)
    value = 0.06853941
    black = 0.5342697
    for way, own, other in (
        ("black", black, black),
        ("net_transaction", black - value, black),
        ("premium_adjusted", black - value, black - value),
    ):
        changes = {"reading.option_delta": way}
        for item, expected in ((inverse, own), (linear, other)):
            found = cell(required("delta", {item: 1.0}, changes), "net_delta_usd") / 70_000.0
            assert found == pytest.approx(expected, abs=1e-6), (way, item.native_id)


def test_short_gamma_is_loud_and_long_gamma_is_not() -> None:
    """Delta-hedged straddles: the delta margin of both is the floor."""
    call, put = option(70_000.0), option(70_000.0, right=-1)
    net = 2.0 * 0.5342697 - 1.0
    short = required("delta", {call: -10.0, put: -10.0, PERP: 10.0 * net})
    assert cell(short, "net_delta_usd") < 1.0
    assert cell(short, "im") == cell(short, "min_delta")
    assert cell(short, "full_loss") > 3.0 * cell(short, "im")
    assert cell(short, "unsafe") == 1.0
    assert "delta margin is unsafe" in warnings_of(short, 0)[0]
    long = required(
        "delta", {call: 10.0, put: 10.0, PERP: -10.0 * net}, {"asset.BTC.vol_down": 0.0}
    )
    assert cell(long, "unsafe") == 0.0
    assert warnings_of(long, 0) == ()


def test_details_show_ladder_risk_conventions_and_errors() -> None:
    held = {
        PERP: 1.0,
        option(70_000.0): -2.0,
        future(8.0): 0.5,
        COIN: 0.25,
        MONEY: 5.0,
        ETH_PERP: 3.0,
    }
    found = required("delta", held)
    ladder, risk, ways, near, far = details_of(found, 0)
    assert [line[:2] for line in ladder.rows] == [
        ("BTC", "no expiry"), ("BTC", "7 to 30 d"), ("BTC", "all"), ("ETH", "no expiry"),
    ]  # fmt: skip
    assert ladder.rows[0][2] == pytest.approx(1.25)
    assert ladder.rows[1][3] == pytest.approx(2.0 * 0.5342697 + 0.5, abs=1e-6)
    total = sum(abs(line[5]) for line in ladder.rows if line[1] == "all" or line[0] == "ETH")
    assert total == pytest.approx(cell(found, "net_delta_usd"))
    assert [line[0] for line in risk.rows] == ["BTC", "ETH"]
    assert sum(line[4] for line in risk.rows) == pytest.approx(cell(found, "liquidity_charge"))
    assert ways.rows[0][1] == ways.rows[0][2]  # nothing is paid in coin
    assert ways.rows[0][3] == pytest.approx(ways.rows[0][1] + 2.0 * 0.06853941, abs=1e-5)
    assert len(near.rows) == 21
    assert len(far.rows) == 6
    for line in (*near.rows, *far.rows):
        assert line[3] == pytest.approx(line[1] - line[2])
    nothing = required("delta", {}, orders=[(PERP, 1, 1.0, 70_000.0)])
    assert details_of(nothing, 0) == ()
    assert warnings_of(nothing, 0) == ()


def test_orders_are_margined_at_their_worst_fill() -> None:
    bare = cell(required("delta", {PERP: 1.0}, ALONE), "im")
    more = required("delta", {PERP: 1.0}, ALONE, orders=[(PERP, 1, 2.0, 70_000.0)])
    assert cell(more, "im") == pytest.approx(3.0 * bare)
    assert cell(more, "mm") == pytest.approx(0.8 * bare)
    across = required("delta", {PERP: 1.0}, ALONE, orders=[(PERP, -1, 0.5, 70_000.0)])
    assert cell(across, "im") == pytest.approx(bare)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"asset.BTC.depth_usd": 0.0}, "parameter_out_of_bounds"),
        ({"asset.BTC.turnover_usd": 0.0}, "parameter_out_of_bounds"),
        ({"asset.BTC.net_rate": 0.0}, "parameter_out_of_bounds"),
        ({"asset.BTC.sigma_daily": -1.0}, "parameter_out_of_bounds"),
        ({"floor.net": float("nan")}, "parameter_out_of_bounds"),
        ({"form.impact": "cubic"}, "parameter_out_of_bounds"),
        ({"ladder.days": [[30.0], [7.0]]}, "parameter_out_of_bounds"),
        ({"reading.option_delta": "mine"}, "parameter_out_of_bounds"),
        ({"asset.SOL.net_rate": 0.2}, "parameter_missing"),
    ],
)
def test_bad_numbers_are_refused(changes: dict[str, object], code: str) -> None:
    with pytest.raises(CrossMarginError) as caught:
        required("delta", {PERP: 1.0}, changes)
    assert caught.value.code == code


def test_zero_vol_computes() -> None:
    found = required("delta", {option(60_000.0): -1.0, option(80_000.0): 1.0}, vol=0.0)
    assert cell(found, "net_delta_usd") == pytest.approx(70_000.0)
    assert np.isfinite(cell(found, "im"))


def test_a_derivative_without_numbers_is_refused_by_name() -> None:
    odd = Instrument("deribit", "sol", Kind.PERPETUAL, "SOL", "USD", "USD")
    with pytest.raises(CrossMarginError, match="SOL") as caught:
        model_named("delta").plan(Instruments.of([odd, PERP]), parameters("delta"))
    assert caught.value.code == "parameter_missing"
