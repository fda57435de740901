"""Margin by Greeks: against a plain twin, exact where it must be, loud where it cannot be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.conformance.world import random_book, subject_of, world_of
from crossmargin.core.errors import CrossMarginError
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.margin import model_named, run
from crossmargin.margin.details import details_of, warnings_of
from crossmargin.pricing.taylor import TERMS
from tests.margin.greek_books import (
    COIN,
    ETH_PERP,
    INVERSE,
    MONEY,
    PERP,
    cell,
    future,
    option,
    parameters,
    plain_greeks,
    required,
)

ATM = option(70_000.0)
CALM = {"buffer.cost": 0.0, "general.horizon_days": 0.0}


@pytest.mark.parametrize("seed", [101, 102])
def test_the_sheet_is_that_of_plain_loops(seed: int) -> None:
    """Forty random books of both coins, all kinds, both settlements."""
    subject = subject_of(model_named("greeks"))
    world, book = world_of(subject), random_book(subject, seed)
    sheet = run(book, world.view, subject.model, subject.parameters).sheet
    losers = 0
    for row, account in enumerate(sheet.account.tolist()):
        plain = plain_greeks(world, book, account, subject.parameters)
        losers += plain["taylor_loss"] > 0.0
        size = 1e-6 + 1e-9 * max(abs(value) for value in plain.values())
        for name, value in plain.items():
            assert float(sheet[name][row]) == pytest.approx(value, abs=size), (account, name)
    assert losers >= 20


def test_attribution_adds_up_and_names_the_worst() -> None:
    subject = subject_of(model_named("greeks"))
    world, book = world_of(subject), random_book(subject, 7)
    found = run(book, world.view, subject.model, subject.parameters)
    parts = sum(found.sheet[f"{name}_loss"] for name in TERMS)
    assert parts == pytest.approx(found.sheet["taylor_loss"], rel=1e-12, abs=1e-9)
    assert found.loss == pytest.approx(found.sheet["taylor_loss"], rel=1e-9, abs=1e-6)
    held = found.sheet["taylor_loss"] > 1.0
    assert (found.scenario[held] >= 0).all()


@given(
    st.floats(-50.0, 50.0),
    st.floats(-50.0, 50.0),
    st.integers(-20, 20),
    st.floats(-20.0, 20.0),
)
def test_a_linear_book_is_exact_and_never_unsafe(
    perp: float, dated: float, inverse: int, coin: float
) -> None:
    held = {PERP: perp, future(30.0): dated, INVERSE: 70_000.0 * inverse, COIN: coin, MONEY: 1.0}
    found = required("greeks", held)
    net = abs(perp + dated + inverse + coin)
    width = parameters("greeks").number("asset.BTC.half_width")
    assert cell(found, "im") == pytest.approx(width * net * 70_000.0, rel=1e-9, abs=1e-6)
    assert cell(found, "taylor_error") == pytest.approx(0.0, abs=1e-6 + 1e-12 * net * 70_000.0)
    assert cell(found, "unsafe") == 0.0
    assert cell(found, "gamma_buffer") == 0.0


def test_a_perfect_hedge_needs_nothing() -> None:
    """Long coin, short inverse of its dollars: the account is flat in dollars at any index."""
    assert cell(required("greeks", {COIN: 1.0, INVERSE: -70_000.0}), "im") < 1e-9
    assert cell(required("greeks", {PERP: 3.0, future(90.0): -3.0}), "im") < 1e-9


def test_a_short_call_by_hand() -> None:
    """Worst cell: the upper end of the grid, vol up, now. The figures are of the expansion."""
    found = required("greeks", {ATM: -1.0}, CALM)
    delta, gamma, vega = 0.534270, 0.023107 / 700.0, 11.395095 * 700.0
    vanna, volga = 0.056975, -0.140487 * 700.0
    ds, dv = 0.14 * 70_000.0, 0.29 * 0.6
    expected = {
        "delta": delta * ds,
        "gamma": 0.5 * gamma * ds * ds,
        "vega": vega * dv,
        "theta": 0.0,
        "vanna": vanna * ds * dv,
        "volga": 0.5 * volga * dv * dv,
    }
    for name, value in expected.items():
        assert cell(found, f"{name}_loss") == pytest.approx(value, rel=1e-4, abs=1e-9), name
    assert found.scenario_label(0) == "BTC +14 %, vol +29 %"


def test_theta_is_counted_where_it_is_lost_and_not_before_it_is_earned() -> None:
    still = {"buffer.cost": 0.0, "grid.moves": [[0.0]], "grid.vols": [[0.0]]}
    long = required("greeks", {ATM: 1.0, PERP: -1.0}, still)
    assert cell(long, "theta_loss") == pytest.approx(41.592098 * 700.0 * 2.0 / 365.0, rel=1e-4)
    short = required("greeks", {ATM: -1.0}, still)
    assert cell(short, "im") == 0.0
    after = required("greeks", {option(70_000.0, 1.0): 1.0, PERP: -1.0}, still)
    value = 70_000.0 * 0.0125  # of an option with a day left at most
    assert 0.0 < cell(after, "theta_loss") < value  # only the life that it has can pass


def test_the_far_tail_is_flagged() -> None:
    """A short call at a doubling: the expansion says 1.8 times what can be lost."""
    wide = {**CALM, "asset.BTC.half_width": 0.9}
    far = required("greeks", {ATM: -1.0}, wide)
    assert cell(far, "unsafe") == 1.0
    assert cell(far, "netted_loss") > 1.5 * cell(far, "full_loss")
    assert "unsafe" in warnings_of(far, 0)[0]
    near = required("greeks", {ATM: -1.0}, {**CALM, "asset.BTC.half_width": 0.02})
    assert cell(near, "unsafe") == 0.0
    assert warnings_of(near, 0) == ()


def test_too_low_is_charged_under_the_other_reading_and_shown_under_both() -> None:
    """A call spread far out of the money: the expansion does not see the strikes come near."""
    held = {option(84_000.0, 4.0): -10.0}
    flagged = required("greeks", held, CALM)
    missing = cell(flagged, "taylor_error")
    assert missing > 1_000.0
    assert cell(flagged, "expansion_error") == 0.0
    assert cell(flagged, "unsafe") == 1.0
    charged = required("greeks", held, {**CALM, "reading.error": "charged"})
    assert cell(charged, "expansion_error") == missing
    assert cell(charged, "im") == pytest.approx(cell(charged, "full_loss"))
    assert cell(flagged, "full_loss") == cell(charged, "full_loss")


def test_a_long_book_loses_at_most_its_value() -> None:
    """Option by option: the expansion alone would ask for more."""
    for strike in (70_000.0, 80_000.0, 100_000.0):
        for days in (1.0, 5.0, 30.0, 200.0):
            found = required("greeks", {option(strike, days): 2.0})
            assert cell(found, "im") <= cell(found, "option_value") * (1.0 + 1e-12) + 1e-20
    found = required("greeks", {option(70_000.0, 5.0): 1.0})
    assert cell(found, "risk") > cell(found, "most_to_lose") > 0.0
    both = required("greeks", {option(70_000.0, 5.0): 1.0, COIN: 1.0})
    assert cell(both, "most_to_lose") == pytest.approx(
        cell(found, "most_to_lose") + 0.14 * 70_000.0
    )
    for other in ({PERP: -0.001}, {COIN: -0.001}, {option(200_000.0): -0.001}):
        open_end = required("greeks", {option(70_000.0, 5.0): 1.0, **other})
        assert cell(open_end, "requirement") == cell(open_end, "risk")


def test_coins_offset_by_the_stated_share_alone() -> None:
    held = {PERP: 1.0, ETH_PERP: -35.0}
    alone = [cell(required("greeks", {item: q}), "im") for item, q in held.items()]
    for share, expected in (
        (0.0, sum(alone)),
        (1.0, abs(alone[0] - alone[1])),
        (0.5, 0.5 * (sum(alone) + abs(alone[0] - alone[1]))),
    ):
        found = required("greeks", held, {"netting.common_share": share})
        assert cell(found, "im") == pytest.approx(expected, rel=1e-12)


def test_orders_are_margined_at_their_worst_fill() -> None:
    bare = cell(required("greeks", {PERP: 1.0}), "im")
    more = required("greeks", {PERP: 1.0}, orders=[(PERP, 1, 2.0, 70_000.0)])
    assert cell(more, "im") == pytest.approx(3.0 * bare)
    assert cell(more, "mm") == pytest.approx(0.8 * bare)
    reduce = required("greeks", {PERP: 1.0}, orders=[(PERP, -1, 0.5, 70_000.0)])
    assert cell(reduce, "im") == pytest.approx(bare)


def test_details_show_greeks_and_errors() -> None:
    found = required("greeks", {ATM: -1.0, PERP: 0.5, option(75_000.0, 5.0): 2.0, MONEY: 10.0})
    net, near, far, _ = details_of(found, 0)
    assert [line[1] for line in net.rows] == ["no expiry", "0 to 7 d", "7 to 30 d", "all"]
    for k in range(2, 8):
        assert sum(line[k] for line in net.rows[:-1]) == pytest.approx(net.rows[-1][k], rel=1e-12)
    assert len(near.rows) == 42
    assert -min(line[1] for line in near.rows) == pytest.approx(cell(found, "taylor_loss"))
    assert -min(line[2] for line in near.rows) == pytest.approx(cell(found, "full_loss"))
    for line in near.rows:
        assert line[3] == pytest.approx(line[1] - line[2])
    assert any(line[5] == "unsafe" for line in far.rows)
    assert len(far.rows) == 6


def test_an_account_without_a_line_has_no_details() -> None:
    found = required("greeks", {}, orders=[(PERP, 1, 1.0, 70_000.0)])
    assert details_of(found, 0) == ()
    assert warnings_of(found, 0) == ()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"asset.BTC.half_width": 0.0}, "parameter_out_of_bounds"),
        ({"asset.BTC.half_width": 1.0}, "parameter_out_of_bounds"),
        ({"asset.BTC.sigma_daily": -0.1}, "parameter_out_of_bounds"),
        ({"buffer.rehedge_hours": 0.0}, "parameter_out_of_bounds"),
        ({"netting.common_share": 1.1}, "parameter_out_of_bounds"),
        ({"grid.moves": [[2.0]]}, "parameter_out_of_bounds"),
        ({"grid.moves": []}, "parameter_out_of_bounds"),
        ({"ladder.days": [[30.0], [7.0]]}, "parameter_out_of_bounds"),
        ({"reading.error": "hidden"}, "parameter_out_of_bounds"),
        ({"asset.SOL.half_width": 0.2}, "parameter_missing"),
    ],
)
def test_bad_numbers_are_refused(changes: dict[str, object], code: str) -> None:
    with pytest.raises(CrossMarginError) as caught:
        details_of(required("greeks", {ATM: -1.0}, changes), 0)
    assert caught.value.code == code


def test_zero_vol_and_zero_sigma_compute() -> None:
    found = required("greeks", {ATM: -1.0}, {"asset.BTC.sigma_daily": 0.0}, vol=0.0)
    assert cell(found, "gamma_buffer") == 0.0
    assert np.isfinite(cell(found, "im"))
    assert cell(found, "im") > 0.0


def test_a_derivative_without_numbers_is_refused_by_name() -> None:
    odd = Instrument("deribit", "sol", Kind.PERPETUAL, "SOL", "USD", "USD")
    table = Instruments.of([odd, PERP])
    with pytest.raises(CrossMarginError, match="SOL") as caught:
        model_named("greeks").plan(table, parameters("greeks"))
    assert caught.value.code == "parameter_missing"
