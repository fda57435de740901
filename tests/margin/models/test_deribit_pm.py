"""Deribit portfolio margin on small numbers: 2 coins, an index of 50,000, a range of 14 %."""

from __future__ import annotations

from math import exp
from typing import Any

import numpy as np
import pytest

from crossmargin.core.errors import ModelError
from crossmargin.instruments.book import Book, Line, Order, Reported
from crossmargin.instruments.contracts import Instrument, Instruments
from crossmargin.margin import Bound, Requirement, model_named, run
from crossmargin.margin.parameter_files import available, overlay
from crossmargin.margin.pools import cut
from tests.oracle.black import delta as black_delta
from tests.vectors.building import Dated, Facts, Quote, asset, delta_one, option, view_of

AS_OF_MS = 1_795_000_000_000
DAY_MS = 86_400_000
YEAR_MS = 365 * DAY_MS
MONTH_MS = AS_OF_MS + 30 * DAY_MS
NEWEST = available("deribit-pm")[-1]
COIN = {"underlying": "BTC", "settle": "BTC", "inverse": True}

PERPETUAL = delta_one("deribit", "P", **COIN)  # type: ignore[arg-type] # terms
ETH = delta_one("deribit", "E", underlying="ETH", settle="ETH", inverse=True)
CASH = asset("deribit", "BTC")
QUOTES = {"P": Quote(50_000.0), "E": Quote(2_000.0)}


def margined(
    held: dict[Instrument, float],
    *,
    cross: bool = False,
    changes: dict[str, Any] | None = None,
    dated: dict[int, Dated] | None = None,
    quotes: dict[str, Quote] | None = None,
    reported: Reported | None = None,
    orders: tuple[Order, ...] = (),
) -> Requirement:
    """One account; the newest parameters with some changes."""
    table = Instruments.of(held)
    place = table.index_of()
    lines = [Line("a", place[item.key], size) for item, size in held.items()]
    facts = Facts(
        AS_OF_MS,
        {
            ("BTC", "USD"): 50_000.0,
            ("ETH", "USD"): 2_000.0,
            ("BTC", "USDC"): 50_000.0,
        },
        {"BTC": 50_000.0, "ETH": 2_000.0, "USD": 1.0, "USDC": 1.0},
        dated or {},
        {**QUOTES, **(quotes or {})},
    )
    parameters = overlay(NEWEST, changes, "test") if changes else NEWEST
    name = "deribit-xpm" if cross else "deribit-spm"
    book = Book.of(table, lines, orders, reported)
    return run(book, view_of(table, facts), model_named(name), parameters)


def numbers(found: Requirement) -> dict[str, float]:
    assert len(found.sheet) == 1
    return {
        c.name: float(v[0]) for c, v in zip(found.sheet.columns, found.sheet.values, strict=True)
    }


def vector(found: Requirement) -> np.ndarray:
    pnl = found.via.vector(found.priced[0], cut(found.book, found.plan.pools[0], 0))
    assert pnl is not None
    return pnl[0]


def test_a_long_perpetual() -> None:
    """2 coins: 2 (1 - 1 / 0.86) = -0.325581395; roll 0.005 x 2; MM 0.8 of the sum."""
    found = margined({PERPETUAL: 100_000.0})
    sheet = numbers(found)
    assert sheet["worst_case"] == 0.325581395
    assert sheet["roll_shock"] == 0.01
    assert sheet["delta_shock"] == 0.0
    assert sheet["risk_matrix_margin"] == pytest.approx(0.335581395, rel=1e-15)
    assert sheet["im"] == 0.335581395
    assert sheet["mm"] == pytest.approx(0.268465116, rel=1e-15)
    assert found.scenario_label(0) == "-14 %, vol up"
    assert found.bound is Bound.VALUE


def test_a_short_perpetual_loses_at_the_other_end() -> None:
    """2 (1 - 1 / 1.14) = 0.245614035; the first of three equal vol entries is named."""
    found = margined({PERPETUAL: -100_000.0})
    assert numbers(found)["worst_case"] == 0.245614035
    assert found.scenario.tolist() == [24]
    assert found.scenario_label(0) == "+14 %, vol up"


def test_the_extended_table_holds_a_future_at_the_range_and_dampens_it() -> None:
    """At +500 % 100 coins gain what they gain at +14 %, less ((5 / 0.14) - 1) 200,000 dollars."""
    found = margined(
        {PERPETUAL: 5_000_000.0},
        changes={"currency.BTC.pnl_offset": 1.0, "currency.BTC.max_offsetable_pnl_usd": 1e12},
    )
    pnl = vector(found)
    gain = 100.0 * (1.0 - 1.0 / 1.14)
    assert pnl[24:27].tolist() == pytest.approx([gain] * 3, rel=1e-13)
    dead = [(move / 0.14 - 1.0) * 200_000.0 / (1.14 * 50_000.0) for move in (0.5, 1.0, 2.0, 5.0)]
    found_dead = [gain - float(pnl[s]) for s in (29, 30, 31, 34)]
    assert found_dead[0] == pytest.approx(dead[0], rel=1e-11)
    assert found_dead[1:] == pytest.approx([min(d, gain) for d in dead[1:]], rel=1e-11)
    loss = 100.0 * (1.0 / 0.86 - 1.0)
    quiet = (0.33 / 0.14 - 1.0) * 200_000.0 / (0.86 * 50_000.0)
    assert float(pnl[28]) == pytest.approx(-(loss - quiet), rel=1e-12)


def call(strike: float = 10_000.0, life_ms: int = DAY_MS) -> Instrument:
    return option("deribit", "C", 1, strike, AS_OF_MS + life_ms, **COIN)  # type: ignore[arg-type] # terms


def test_an_option_in_coin() -> None:
    """A call so deep in the money that it is F - K: short one, coin P&L K / F' - K / F.

    At +14 % 0.2 / 1.14 - 0.2. In the extended table the factor R / |m| and the coin's own
    (1 + m) / (1 + R) give the same number again; with a factor of two it is twice that.
    """
    dated = {AS_OF_MS + DAY_MS: Dated(50_000.0, DAY_MS)}
    quotes = {"C": Quote(0.8, 0.5)}
    once = 0.2 - 0.2 / 1.14
    found = margined({call(): -1.0}, dated=dated, quotes=quotes)
    assert numbers(found)["worst_case"] == round(once, 9)
    changes = {"pair.BTC.extended_table_factor": 2.0, "currency.BTC.extended_dampener_usd": 0.0}
    found = margined({call(): -1.0}, dated=dated, quotes=quotes, changes=changes)
    assert numbers(found)["worst_case"] == round(2.0 * once, 9)
    assert found.scenario_label(0) == "extended +50 %, vol up"
    # The dampener comes once for the whole currency: (0.5 / 0.14 - 1) 200,000 / 57,000 coins.
    changes = {"pair.BTC.extended_table_factor": 2.0}
    found = margined({call(): -10_000.0}, dated=dated, quotes=quotes, changes=changes)
    dead = (0.5 / 0.14 - 1.0) * 200_000.0 / 57_000.0
    assert numbers(found)["worst_case"] == pytest.approx(20_000.0 * once - dead, abs=1e-9)


def test_the_roll_shock_does_not_net_expiries() -> None:
    """A year of AMR: exp(0.075) - 1 of 2 coins, beside 0.005 of 2 coins of the perpetual."""
    future = delta_one("deribit", "F", expiry_ms=AS_OF_MS + YEAR_MS, **COIN)  # type: ignore[arg-type] # terms
    found = margined(
        {PERPETUAL: 100_000.0, future: -100_000.0},
        dated={AS_OF_MS + YEAR_MS: Dated(50_000.0, YEAR_MS)},
        quotes={"F": Quote(50_000.0)},
    )
    sheet = numbers(found)
    assert sheet["worst_case"] == 0.0
    assert sheet["roll_shock"] == pytest.approx(2.0 * (exp(0.075) - 1.0) + 0.01, rel=1e-13)


@pytest.mark.parametrize(
    ("coins", "shock"),
    [
        (400.0, 0.0),  # the threshold of 20 million dollars is 400 coins
        (1_000.0, 30.0),  # 1,000 x 0.00005 x (1,000 - 400)
        (-1_000.0, 30.0),
        (10_000.0, 1_000.0),  # the rate is capped at a tenth
    ],
)
def test_the_delta_shock_grows_with_size(coins: float, shock: float) -> None:
    sheet = numbers(margined({PERPETUAL: coins * 50_000.0}))
    assert sheet["delta_shock"] == pytest.approx(shock, rel=1e-12)
    assert sheet["risk_matrix_margin"] == pytest.approx(
        sheet["worst_case"] + sheet["roll_shock"] + shock, rel=1e-13
    )


@pytest.mark.parametrize(("coins", "counts"), [(-1_000.0, True), (1_000.0, False)])
def test_long_options_may_reduce_the_delta_shock_and_never_add(coins: float, counts: bool) -> None:
    """800 long calls beside a short or a long future of 1,000 coins."""
    dated = {MONTH_MS: Dated(50_000.0, 30 * DAY_MS)}
    item = call(50_000.0, 30 * DAY_MS)
    found = margined(
        {PERPETUAL: coins * 50_000.0, item: 800.0}, dated=dated, quotes={"C": Quote(0.06, 0.5)}
    )
    own = black_delta(1, 50_000.0, 50_000.0, 0.5, 30.0 / 365.0) - 0.06
    left = abs(coins + 800.0 * own) if counts else 1_000.0
    wanted = left * min(5e-5 * max(left - 400.0, 0.0), 0.1)
    assert left > 400.0
    assert numbers(found)["delta_shock"] == pytest.approx(wanted, rel=1e-10)


def test_two_currencies_offset_only_as_far_as_they_may() -> None:
    """Long 2 BTC, short 25 ETH, in dollars at the shocked index.

    Down: -14 % of 100,000 and +18 % of 50,000, of which 0.6 counts: -8,600. Up: the gain of BTC
    counts for nothing (offset 0), ETH loses 9,000. Roll 0.005 of both.
    """
    book = {PERPETUAL: 100_000.0, ETH: -50_000.0}
    found = margined(book, cross=True)
    sheet = numbers(found)
    assert sheet["worst_case"] == pytest.approx(9_000.0, rel=1e-12)
    assert float(vector(found)[0]) == pytest.approx(-14_000.0 + 0.6 * 9_000.0, rel=1e-12)
    assert sheet["roll_shock"] == pytest.approx(0.005 * 150_000.0, rel=1e-12)
    assert found.bound is Bound.AT_LEAST  # the correlation charge is not published
    assert found.scenario_label(0) == "+1.00 R, vol up"
    capped = margined(book, cross=True, changes={"currency.ETH.max_offsetable_pnl_usd": 1_000.0})
    assert numbers(capped)["worst_case"] == pytest.approx(13_000.0, rel=1e-12)


def test_in_cross_mode_equity_is_a_position() -> None:
    """2 BTC of cash lose 14 % of 100,000 dollars; short 2 BTC of perpetuals hedge them."""
    alone = margined({CASH: 2.0}, cross=True)
    assert numbers(alone)["worst_case"] == pytest.approx(14_000.0, rel=1e-12)
    hedged = margined({CASH: 2.0, PERPETUAL: -100_000.0}, cross=True)
    sheet = numbers(hedged)
    assert sheet["worst_case"] == pytest.approx(0.0, abs=1e-9)
    assert sheet["im"] == pytest.approx(500.0, rel=1e-12)  # the roll of the perpetual
    deaf = {"currency.BTC.equity_side_impact": "none"}
    bare = margined({CASH: 2.0, PERPETUAL: -100_000.0}, cross=True, changes=deaf)
    assert numbers(bare)["worst_case"] == pytest.approx(14_000.0, rel=1e-12)
    assert numbers(margined({CASH: 2.0}))["im"] == 0.0  # segregated: coin is the unit


def test_reported_equity_replaces_the_balance_in_the_matrix() -> None:
    """Balance 2, equity 3 of which 0.2 is option value: the coin row stands for 3 in all."""
    dated = {MONTH_MS: Dated(50_000.0, 30 * DAY_MS)}
    item = call(50_000.0, 30 * DAY_MS)
    reported = Reported(equity={("a", "BTC"): 3.0})
    quotes = {"C": Quote(0.1, 0.5)}
    held = {CASH: 2.0, item: 2.0}
    found = margined(held, cross=True, reported=reported, dated=dated, quotes=quotes)
    plain = margined({CASH: 2.8, item: 2.0}, cross=True, dated=dated, quotes=quotes)
    assert vector(found).tolist() == pytest.approx(vector(plain).tolist(), rel=1e-13)
    assert numbers(found)["equity"] == pytest.approx(150_000.0, rel=1e-15)


def test_a_haircut_is_taken_from_the_initial_side_alone() -> None:
    """10 % of 2 BTC; a debt keeps its full size."""
    changes = {"currency.BTC.haircut": 0.1}
    sheet = numbers(margined({CASH: 2.0}, cross=True, changes=changes))
    assert (sheet["counted_im"], sheet["counted_mm"]) == (90_000.0, 100_000.0)
    owed = numbers(margined({CASH: -2.0}, cross=True, changes=changes))
    assert owed["counted_im"] == owed["counted_mm"] == -100_000.0
    coin = numbers(margined({CASH: 2.0}, changes=changes))
    assert (coin["counted_im"], coin["counted_mm"]) == (1.8, 2.0)


def test_the_settlement_window_runs_the_matrix_and_the_deltas_down() -> None:
    """At 15 minutes half of a dated future is left: half the loss, half the roll."""
    life = 15 * 60_000
    future = delta_one("deribit", "F", expiry_ms=AS_OF_MS + life, **COIN)  # type: ignore[arg-type] # terms
    sheet = numbers(
        margined(
            {future: 100_000.0},
            dated={AS_OF_MS + life: Dated(50_000.0, life)},
            quotes={"F": Quote(50_000.0)},
        )
    )
    assert sheet["worst_case"] == round(0.5 * 0.32558139534883723, 9)
    assert sheet["roll_shock"] == pytest.approx(0.005, rel=1e-14)


def test_holds_are_in_the_initial_requirement_alone() -> None:
    """Reported 0.1 and 0.2; a maker group quotes 5 coins a side, of which 3 % is 0.15."""
    holds = {("a", "BTC"): {"open_orders_margin": 0.1, "spot_margin": 0.2}}
    orders = (Order("a", 0, 1, 250_000.0, 49_000.0, mmp=True, group="g"),)
    sheet = numbers(margined({PERPETUAL: 100_000.0}, reported=Reported(holds=holds), orders=orders))
    assert sheet["mmp_margin"] == pytest.approx(0.15, rel=1e-14)
    assert sheet["im"] == pytest.approx(0.335581395 + 0.45, abs=1e-9)
    assert sheet["mm"] == pytest.approx(0.268465116, rel=1e-15)


def test_the_two_readings_of_the_vol_shock() -> None:
    """Thirty days, vol 0.3 under the floor of 0.5: max(0.3 x 1.4, 0.5), or 0.3 + 0.5 x 0.4."""
    item = call(50_000.0, 30 * DAY_MS)
    dated = {MONTH_MS: Dated(50_000.0, 30 * DAY_MS)}
    for reading, up, down in (
        ("relative", 0.5, 0.3 * 0.75),
        ("additive", 0.3 + 0.5 * 0.4, 0.3 - 0.5 * 0.25),
    ):
        found = margined(
            {item: 1.0},
            dated=dated,
            quotes={"C": Quote(0.03, 0.3)},
            changes={"reading.vol_shock": reading},
        )
        scenarios = found.priced[0].scenarios
        assert scenarios is not None
        skew = scenarios.strike_factor
        for s, vol in ((12, up), (13, 0.3), (14, down)):
            w = max(scenarios.vol_floor[0, s], 0.3 * scenarios.vol_factor[0, s])
            w *= 1.0 if skew is None else skew[0, s]
            assert w / scenarios.root_years[0] == pytest.approx(vol, rel=1e-13), reading


def test_linear_contracts_are_margined_in_their_quote_currency() -> None:
    """2 coins at 50,000: 14 % of 100,000 dollars, roll 500; the index stands for the coin."""
    linear = delta_one("deribit", "L", underlying="BTC", quote="USDC")
    sheet = numbers(margined({linear: 2.0}, quotes={"L": Quote(50_000.0)}))
    assert sheet["worst_case"] == pytest.approx(14_000.0, rel=1e-12)
    assert sheet["im"] == pytest.approx(14_500.0, rel=1e-12)


def test_an_underlying_without_parameters_is_refused() -> None:
    with pytest.raises(ModelError) as caught:
        margined({delta_one("deribit", "S", underlying="SOL", settle="SOL", inverse=True): 1.0})
    assert caught.value.code == "parameter_missing"
    assert (caught.value.value, caught.value.limit) == ("'SOL'", "BTC, ETH")
