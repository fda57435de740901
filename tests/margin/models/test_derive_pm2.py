"""Derive PMRM_2 on small numbers: a spot of 50,000, the BTC manager of December 2025."""

from __future__ import annotations

from math import exp
from typing import Any

import pytest

from crossmargin.core.errors import ModelError
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instrument, Instruments
from crossmargin.margin import Parameters, Requirement, model_named, run
from crossmargin.margin.parameter_files import available, from_values, overlay
from crossmargin.margin.pools import cut
from tests.oracle.black import price as black
from tests.vectors.building import Dated, Facts, Quote, asset, delta_one, option, view_of

AS_OF_MS = 1_795_400_000_000
DAY_MS = 86_400_000
NEWEST = available("derive-pm2")[-1]
PERPETUAL = delta_one("derive", "BTC-PERP", underlying="BTC", settle="USDC")
CASH = asset("derive", "USDC")
VOL = 0.6


def call(days: float = 30.0, strike: float = 50_000.0, right: int = 1) -> Instrument:
    expiry_ms = AS_OF_MS + int(days * DAY_MS)
    name = f"{days:g}-{strike:g}-{right}"
    return option("derive", name, right, strike, expiry_ms, underlying="BTC", settle="USDC")


def margined(
    held: dict[Instrument, float],
    *,
    changes: dict[str, Any] | None = None,
    parameters: Parameters = NEWEST,
    stable: float = 1.0,
    entry: float | None = None,
    reads: dict[str, dict[str, float]] | None = None,
    usd: dict[str, float] | None = None,
) -> Requirement:
    table = Instruments.of([*held, PERPETUAL])
    place = table.index_of()
    lines = [
        Line("a", place[item.key], size, entry if item is PERPETUAL else None)
        for item, size in held.items()
    ]
    quotes = {item.native_id: Quote(0.0, VOL) for item in table.items}
    quotes["BTC-PERP"] = Quote(51_000.0)
    facts = Facts(
        AS_OF_MS,
        {("BTC", "USD"): 50_000.0},
        {"BTC": 50_000.0, "USDC": stable, "USD": 1.0, **(usd or {})},
        {key[3]: Dated(50_000.0, key[3] - AS_OF_MS) for key in table.expiries},
        quotes,
        reads or {},
    )
    chosen = overlay(parameters, changes, "test") if changes else parameters
    return run(Book.of(table, lines), view_of(table, facts), model_named("derive-pm2"), chosen)


def numbers(found: Requirement) -> dict[str, float]:
    assert len(found.sheet) == 1
    return {
        c.name: float(v[0]) for c, v in zip(found.sheet.columns, found.sheet.values, strict=True)
    }


def vector(found: Requirement) -> list[float]:
    pnl = found.via.vector(found.priced[0], cut(found.book, found.plan.pools[0], 0))
    assert pnl is not None
    return pnl[0].tolist()  # type: ignore[no-any-return] # a list of floats


ONLY = "market.BTC.scenarios"


def test_a_perpetual() -> None:
    """2 x 51,000 (its own mark) lose 18 %; 3 % and 1 % of 2 x 50,000 (the spot) on top."""
    found = margined({PERPETUAL: 2.0})
    sheet = numbers(found)
    assert sheet["span_loss"] == pytest.approx(18_360.0, rel=1e-12)
    assert sheet["mm"] == pytest.approx(0.8 * 18_360.0 + 3_000.0, rel=1e-12)
    assert sheet["im"] == pytest.approx(18_360.0 + 3_000.0 + 1_000.0, rel=1e-12)
    assert found.scenario_label(0) == "-18 %, vol up"


def test_counted_is_cash_and_profit_and_model_value() -> None:
    """100 of cash, 2 x (51,000 - 50,000) of profit, 3 calls at their model value."""
    found = margined({PERPETUAL: 2.0, CASH: 100.0, call(): 3.0}, entry=50_000.0)
    value = 3.0 * black(1, 50_000.0, 50_000.0, VOL, 30.0 / 365.0)
    sheet = numbers(found)
    assert sheet["unrealised"] == 2_000.0
    assert sheet["option_value"] == pytest.approx(value, rel=1e-12)
    for level in ("counted_im", "counted_mm", "equity"):
        assert sheet[level] == pytest.approx(2_100.0 + value, rel=1e-12)


def test_static_discounts_act_on_the_value_of_an_expiry() -> None:
    """Nothing moves, yet a long call is worth 1.02 e^(-0.1 T) of what it was, a short one 0.98 …"""
    still = {ONLY: [[1.0, "none", 1.0]]}
    years = 30.0 / 365.0
    value = black(1, 50_000.0, 50_000.0, VOL, years)
    long, short = 1.02 * exp(-0.1 * years), min(0.98 * exp(0.1 * years), 1.0)
    assert vector(margined({call(): 1.0}, changes=still)) == pytest.approx([(long - 1.0) * value])
    assert vector(margined({call(): -1.0}, changes=still)) == pytest.approx([(1.0 - short) * value])


def test_an_expiry_is_netted_before_its_discount() -> None:
    """A call sold against one bought: only what is left has a discount, its expiry's own."""
    still = {ONLY: [[1.0, "none", 1.0]]}
    flat = margined({call(): 1.0, call(60.0): -1.0}, changes=still)
    alone = [
        vector(margined({call(d): q}, changes=still))[0] for d, q in ((30.0, 1.0), (60.0, -1.0))
    ]
    assert vector(flat) == pytest.approx([sum(alone)])
    even = margined({call(): 1.0, call(strike=49_000.0): -1.0}, changes=still)
    years = 30.0 / 365.0
    net = black(1, 50_000.0, 50_000.0, VOL, years) - black(1, 50_000.0, 49_000.0, VOL, years)
    assert net < 0.0
    short = min(0.98 * exp(0.1 * years), 1.0)
    assert vector(even) == pytest.approx([(short - 1.0) * net])


def test_dampening_multiplies_the_whole_scenario() -> None:
    found = margined({PERPETUAL: 1.0}, changes={ONLY: [[0.5, "none", 0.4]]})
    assert vector(found) == pytest.approx([0.4 * -25_500.0])


def test_a_skew_scenario_is_a_loss_whichever_way_it_goes() -> None:
    """Long and short lose the same; the forward of the options is not moved."""
    skew = {ONLY: [[1.0, "linear", 1.0], [1.0, "abs", 1.0]]}
    plain = {
        **skew,
        "market.BTC.long_static_discount": 1.0,
        "market.BTC.short_static_discount": 1.0,
        "market.BTC.long_rate_add": 0.0,
        "market.BTC.short_rate_add": 0.0,
    }
    wing = call(strike=70_000.0)
    long, short = (vector(margined({wing: q}, changes=plain)) for q in (1.0, -1.0))
    assert long == pytest.approx(short)
    assert max(long) < 0.0


def test_the_basis_is_the_first_candidate_and_bound_apart() -> None:
    """Synthetic futures of two expiries offset: only the basis between them is charged.

    Long 1 forward of 30 days, short 1 of 90: the worse of +-4.5 % of 50,000 in each expiry, times
    0.5 + 2 T.
    """
    held = {
        call(30.0): 1.0,
        call(30.0, right=-1): -1.0,
        call(90.0): -1.0,
        call(90.0, right=-1): 1.0,
    }
    found = margined(held)
    wanted = sum(2_250.0 * (0.5 + 2.0 * days / 365.0) for days in (30.0, 90.0))
    assert numbers(found)["span_loss"] == pytest.approx(wanted, rel=1e-10)
    assert found.scenario_label(0) == "basis contingency"
    assert int(found.scenario[0]) == len(found.priced[0].scenarios or ())


def test_a_broken_peg_raises_the_initial_factor() -> None:
    """USDC at 0.94 under a threshold of 0.99: 1 + 4 x 0.05 of the loss; maintenance unchanged."""
    at_par, broken = (numbers(margined({PERPETUAL: 1.0}, stable=s)) for s in (0.99, 0.94))
    assert at_par["im_span"] == at_par["span_loss"]
    assert broken["im_span"] == pytest.approx(1.2 * broken["span_loss"], rel=1e-12)
    assert broken["mm_span"] == at_par["mm_span"]


def plain_values() -> dict[str, Any]:
    """The shipped values as nested plain ones."""
    values: dict[str, Any] = {}
    for name, entry in NEWEST.entries.items():
        table = values
        *path, last = name.split(".")
        for step in path:
            table = table.setdefault(step, {})
        table[last] = entry.value
    return values


def with_collateral(cancels: float) -> Parameters:
    """The shipped values, and ETH as the only collateral of the BTC manager."""
    values = plain_values()
    values["market"]["BTC"]["collateral"] = {
        "ETH": {"risk_cancelling": cancels, "mm_haircut": 0.056, "im_haircut": 0.014}
    }
    return from_values("derive-pm2", "v2", values, "test")


def test_collateral_counts_in_full_and_its_haircut_is_required() -> None:
    """10 ETH at 2,000 in a stable of 0.8 are 25,000; 5.6 % and 1.4 % more are required."""
    held = {asset("derive", "ETH"): 10.0}
    more: dict[str, Any] = {"usd": {"ETH": 2_000.0}, "stable": 0.8}
    sheet = numbers(margined(held, parameters=with_collateral(0.0), **more))
    assert sheet["collateral_value"] == pytest.approx(25_000.0)
    assert sheet["counted_mm"] == pytest.approx(25_000.0)
    assert sheet["span_loss"] == 0.0
    assert sheet["mm"] == pytest.approx(1_400.0)
    assert sheet["im"] == pytest.approx(1_400.0 + 350.0)
    moving = numbers(margined(held, parameters=with_collateral(1.0), **more))
    assert moving["span_loss"] == pytest.approx(0.18 * 25_000.0, rel=1e-12)


def test_collateral_that_the_manager_does_not_take_is_refused() -> None:
    with pytest.raises(ModelError) as caught:
        margined({asset("derive", "DOGE"): 1.0}, usd={"DOGE": 0.1})
    assert caught.value.code == "parameter_missing"
    assert "DOGE" in str(caught.value)


ETH_PERPETUAL = delta_one("derive", "ETH-PERP", underlying="ETH", settle="USDC")
TWO_MANAGERS = Facts(
    AS_OF_MS,
    {("BTC", "USD"): 50_000.0, ("ETH", "USD"): 2_000.0},
    {"BTC": 50_000.0, "ETH": 2_000.0, "USDC": 1.0, "USD": 1.0, "OP": 0.5},
    quotes={"BTC-PERP": Quote(50_000.0), "ETH-PERP": Quote(2_000.0)},
)


def test_refused_collateral_is_the_failure_of_an_account_at_home_there() -> None:
    """OP is taken by the BTC manager and not by that of ETH; the others keep their bits."""
    values = plain_values()
    del values["market"]["ETH"]["collateral"]["OP"]
    parameters = from_values("derive-pm2", "v2", values, "test")
    collateral = asset("derive", "OP")
    table = Instruments.of([PERPETUAL, ETH_PERPETUAL, CASH, collateral])
    place = table.index_of()
    btc, eth, cash, token = (
        place[item.key] for item in (PERPETUAL, ETH_PERPETUAL, CASH, collateral)
    )
    lines = [
        Line("first at BTC", btc, 1.0),
        Line("first at BTC", eth, 1.0),
        Line("first at BTC", token, 100.0),
        Line("at ETH", eth, 1.0),
        Line("at ETH", token, 100.0),
        Line("without", eth, 3.0),
        Line("without", cash, 1e4),
        Line("without a position", token, 100.0),
        Line("nothing of it", eth, -1.0),
        Line("nothing of it", token, 0.0),
    ]
    view, model = view_of(table, TWO_MANAGERS), model_named("derive-pm2")
    book = Book.of(table, lines)
    found = run(book, view, model, parameters)
    assert [(each.subject, each.code) for each in found.failures] == [
        ("at ETH", "parameter_missing")
    ]
    assert found.failures[0].reason == "derive OP: the manager does not take this collateral"
    others = Book.of(table, [line for line in lines if line.account != "at ETH"])
    plain = run(others, view, model, parameters)
    assert found.book.account == plain.book.account
    assert [v.tobytes() for v in found.sheet.values] == [v.tobytes() for v in plain.sheet.values]
    with pytest.raises(ModelError) as caught:
        run(
            Book.of(table, [line for line in lines if line.account == "at ETH"]),
            view,
            model,
            parameters,
        )
    assert (caught.value.value, caught.value.limit) == ("100.0", "collateral of the ETH manager")


def test_underlyings_are_managers_of_their_own() -> None:
    table = Instruments.of([PERPETUAL, ETH_PERPETUAL, CASH])
    facts = TWO_MANAGERS
    lines = [Line("a", row, 1.0) for row in range(3)]
    found = run(Book.of(table, lines), view_of(table, facts), model_named("derive-pm2"), NEWEST)
    assert [pool.label for pool in found.plan.pools] == ["BTC", "ETH"]
    assert found.sheet["span_loss"].tolist() == pytest.approx([9_000.0, 360.0], rel=1e-12)
    assert found.sheet["cash"].tolist() == [1.0, 0.0]
