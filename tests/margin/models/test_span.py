"""``span`` by hand: single contracts, calendar and coin spreads, options, orders, and the twin."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from crossmargin.conformance.world import (
    AS_OF_MS,
    SPOT,
    STRANGE,
    Subject,
    World,
    contracts,
    random_lines,
    random_orders,
    view_of,
)
from crossmargin.core.errors import ModelError
from crossmargin.instruments.book import Book, Line, Order
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.margin import Requirement, run
from crossmargin.margin.families.span_engine import SpanTerms
from crossmargin.margin.families.span_terms import Contract, SpanFile
from crossmargin.margin.families.whole_account import fills_in_dollars
from crossmargin.margin.models.span import Span
from crossmargin.margin.parameter_files import Parameters, overlay
from crossmargin.margin.pools import cut
from crossmargin.margin.run import parameters_for
from tests.margin.families.span_twin import Twin

MODEL = Span()
SET = parameters_for(MODEL, AS_OF_MS)
SUBJECT = Subject(MODEL, SET)
WORLD = view_of(contracts(SUBJECT))
COINS = ("BTC", "ETH")


def at(name: str) -> int:
    return next(k for k, i in enumerate(WORLD.instruments.items) if i.native_id == name)


def margined(
    sizes: dict[str, float], orders: list[Order] | None = None, parameters: Parameters = SET
) -> Requirement:
    lines = [Line("a", at(name), size) for name, size in sizes.items()]
    book = Book.of(WORLD.instruments, lines, orders or [], accounts=("a",))
    return run(book, WORLD.view, MODEL, parameters)


def cell(found: Requirement, name: str) -> float:
    return float(found.sheet[name][0])


PERP, FAR = "BTC_USDC-PERPETUAL", "BTC_USDC-206"
USDC = 0.9995
PSR = {coin: SET.number(f"coin.{coin}.price_scan") for coin in COINS}


def test_an_outright_needs_its_range() -> None:
    found = margined({PERP: 2.0})
    mark = float(WORLD.view.mark[at(PERP)]) * USDC
    assert cell(found, "mm") == pytest.approx(2.0 * PSR["BTC"] * mark, rel=1e-12)
    assert cell(found, "im") == pytest.approx(1.1 * cell(found, "mm"), rel=1e-12)
    assert found.scenario_label(0) == "price a range down, vol up"
    assert margined({PERP: -2.0}).scenario_label(0) == "price a range up, vol up"


def test_a_coin_that_is_held_is_a_position_and_equity() -> None:
    found = margined({"BTC": 1.0})
    assert cell(found, "mm") == pytest.approx(PSR["BTC"] * SPOT["BTC"], rel=1e-12)
    assert cell(found, "counted_mm") == SPOT["BTC"]
    hedged = margined({"BTC": 1.0, PERP: -1.0})
    assert cell(hedged, "scan_btc") < 0.01 * cell(found, "scan_btc")


def test_a_calendar_spread_is_charged_by_its_tiers() -> None:
    found = margined({PERP: 3.0, FAR: -2.0})
    rate = next(r for a, b, r in SET.get("coin.BTC.calendar") if (a, b) == (1.0, 4.0))
    assert cell(found, "intra_btc") == pytest.approx(2.0 * rate * SPOT["BTC"], rel=1e-12)
    within = margined({PERP: 3.0, "BTC_BTC-PERPETUAL": -60_000.0})
    assert cell(within, "intra_btc") == 0.0  # one period: its deltas are one number


def test_a_dollar_of_btc_against_a_dollar_of_eth() -> None:
    eth = "ETH_USDC-PERPETUAL"
    found = margined({PERP: 1.0, eth: -SPOT["BTC"] / SPOT["ETH"]})
    scan = cell(found, "scan_btc") + cell(found, "scan_eth")
    credit = cell(found, "inter_credit_btc") + cell(found, "inter_credit_eth")
    assert credit == pytest.approx(SET.number("inter.credit") * scan, rel=1e-3)
    assert cell(found, "risk") == pytest.approx(scan - credit, rel=1e-12)
    same_side = margined({PERP: 1.0, eth: SPOT["BTC"] / SPOT["ETH"]})
    assert cell(same_side, "inter_credit_btc") == 0.0


def test_options_pay_for_themselves_and_shorts_owe_their_value() -> None:
    call = "BTC_USDC-30-64000-C"
    mark = float(WORLD.view.mark[at(call)]) * USDC
    long, short = margined({call: 1.0}), margined({call: -1.0})
    assert cell(long, "net_option_value") == pytest.approx(mark, rel=1e-12)
    assert cell(long, "mm") == 0.0
    assert cell(long, "counted_mm") == 0.0
    assert cell(short, "mm") == pytest.approx(cell(short, "risk_btc") + mark, rel=1e-12)
    assert cell(short, "option_value") == pytest.approx(-mark, rel=1e-12)


def test_far_shorts_have_a_minimum() -> None:
    """Calls at half as much again, six days: little moves them, the minimum stands."""
    call = "BTC_USDC-0.75-96000-C"
    found = margined({call: -10.0})
    least = 10.0 * SET.number("coin.BTC.short_minimum") * SPOT["BTC"]
    assert cell(found, "short_minimum_btc") == pytest.approx(least, rel=1e-12)
    assert cell(found, "risk_btc") == max(cell(found, "after_credit_btc"), least)


def test_an_option_that_expires_within_the_horizon_is_charged_in_a_spread() -> None:
    call = "BTC_USDC-0.75-64000-C"
    found = margined({call: 10.0, PERP: -3.0})
    delta = {x[1]: x[2] for x in MODEL.details(*_stage(found), SET)[2].rows}
    assert cell(found, "delivery_btc") == pytest.approx(
        SET.number("coin.BTC.delivery_spread") * SPOT["BTC"] * 3.0, rel=1e-12
    )
    assert sum(delta.values()) == pytest.approx(3.0, rel=1e-12)
    assert cell(margined({call: 10.0}), "delivery_btc") == 0.0


def test_plain_deltas_are_a_named_choice() -> None:
    sizes = {"BTC_USDC-30-64000-C": 5.0, FAR: -2.0}
    plain = overlay(SET, {"delta.kind": "plain"}, "test")
    one, other = margined(sizes), margined(sizes, parameters=plain)
    assert cell(one, "scan_btc") == cell(other, "scan_btc")
    assert one.priced[0].columns["delta"].tolist() != other.priced[0].columns["delta"].tolist()


def _stage(found: Requirement) -> tuple[object, object]:
    return found.priced[0], cut(found.book.rows(0, 1), found.plan.pools[0], 0)


def test_details_name_scenarios_and_spreads() -> None:
    found = margined({PERP: 3.0, FAR: -2.0, "ETH_USDC-PERPETUAL": 20.0})
    coins, risks, spreads = MODEL.details(*_stage(found), SET)  # type: ignore[arg-type] # a stage
    assert [row[0] for row in coins.rows] == list(COINS)
    assert coins.rows[0][1] == "price a range down, vol up"
    assert coins.rows[0][2] == cell(found, "scan_btc")
    assert [row[0] for row in spreads.rows] == ["intra"]
    assert spreads.rows[0][1:3] == ("BTC tier 1 1A / BTC tier 4 1B", 2.0)
    assert risks.rows[0][3] > 0.0
    for table in (coins, risks, spreads):
        assert {len(row) for row in table.rows} == {len(table.columns)}


def test_coins_without_numbers_are_refused() -> None:
    odd = Instrument("deribit", "SOL-PERP", Kind.PERPETUAL, "SOL", "USD", "USDC")
    view = view_of([*contracts(SUBJECT)])
    with pytest.raises(ModelError, match="parameter_missing") as caught:
        MODEL.plan(type(view.instruments).of([odd]), SET)
    assert "SOL-PERP" in caught.value.place
    coin = Instrument("deribit", STRANGE, Kind.ASSET, STRANGE, "USD", STRANGE)
    world = view_of([*contracts(SUBJECT), coin])
    book = Book.of(world.instruments, [Line("a", world.instruments.index_of()[coin.key], 1.0)])
    with pytest.raises(ModelError, match=STRANGE):
        run(book, world.view, MODEL, SET)


# ---------------------------------------------------------------- the twin, over random books


def as_file(terms: SpanTerms) -> SpanFile:
    """The terms of a market as a parameter file, for the twin."""
    tables, count = terms.tables, len(terms.paired)
    contracts_ = tuple(
        Contract(
            f"{k}",
            terms.commodities[c].code if c >= 0 else "",
            terms.periods[c][int(tables.period[k])] if c >= 0 else "",
            float(tables.delta[k]),
            int(tables.right[k]),
            1.0,
            float(tables.value[k]),
            1.0,
            float(tables.som_unit[k]),
        )
        for k, c in enumerate(tables.commodity.tolist())
    )
    return SpanFile(contracts_, -tables.pnl[:, :count], terms.commodities, terms.inter_spreads)


@pytest.mark.parametrize("seed", [1, 2])
def test_equals_the_twin(seed: int) -> None:
    lines = random_lines(WORLD, seed, 12)
    book = Book.of(WORLD.instruments, lines, accounts=tuple(f"a{k:03d}" for k in range(12)))
    found = run(book, WORLD.view, MODEL, SET)
    file = as_file(found.priced[0].facts["terms"])
    for row, a in enumerate(found.sheet.account.tolist()):
        held = cut(book.rows(a, a + 1), found.plan.pools[0], 0)
        sizes = np.zeros(len(file.contracts))
        sizes[held.column] = held.quantity
        twin = Twin(file, sizes.tolist())
        for coin in COINS:
            part = twin.parts[coin]
            names = {"scan": "scan", "intra": "intra", "delivery": "delivery",
                     "inter_credit": "inter", "short_minimum": "som", "risk": "risk"}  # fmt: skip
            for name, key in names.items():
                ours = float(found.sheet[f"{name}_{coin.lower()}"][row])
                assert ours == pytest.approx(part[key], rel=1e-9, abs=1e-6), (name, coin)
        assert float(found.sheet["mm"][row]) == pytest.approx(twin.total, rel=1e-9, abs=1e-6)


# ---------------------------------------------------------------- orders


def subsets_need_no_more(world: World, lines: list[Line], orders: list[Order], name: str) -> float:
    """Every subset of fills needs at most the order need; the tightest ratio."""
    own = [line for line in lines if line.account == name]
    mine = [order for order in orders if order.account == name]
    book = Book.of(world.instruments, own, mine, accounts=(name,))
    found = run(book, world.view, MODEL, SET)
    held = cut(book.rows(0, 1), found.plan.pools[0], 0)
    need = MODEL.order_need(found.priced[0], held, SET)
    assert need is not None
    fills = fills_in_dollars(found.priced[0], held, value_counts=False)
    assert fills is not None
    most = 0.0
    for chosen in product((0.0, 1.0), repeat=len(fills)):
        filled = [
            Line(name, int(found.plan.pools[0].columns[c]), float(size) * yes)
            for c, size, yes in zip(fills.column, fills.size, chosen, strict=True)
        ]
        after = run(Book.of(world.instruments, own + filled), world.view, MODEL, SET)
        needs = float(after.sheet["im"][0]) - sum(
            yes * float(gain) for yes, gain in zip(chosen, fills.gain, strict=True)
        )
        assert needs <= float(need.need[0]) * (1.0 + 1e-9) + 1e-6, chosen
        most = max(most, needs)
    return most / max(float(need.need[0]), 1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_no_set_of_fills_needs_more(seed: int) -> None:
    """Options, futures and perpetuals ordered; premiums are part of what a fill costs."""
    lines, orders = random_lines(WORLD, seed, 8, 6), random_orders(WORLD, seed, 8)
    for name in sorted({order.account for order in orders}):
        assert 0.1 < subsets_need_no_more(WORLD, lines, orders, name) <= 1.0 + 1e-9


def test_the_bound_is_met_where_nothing_but_the_scan_moves() -> None:
    order = Order("a", at(PERP), 1, 2.0, float(WORLD.view.mark[at(PERP)]))
    lines = [Line("a", at(PERP), 1.0)]
    assert subsets_need_no_more(WORLD, lines, [order], "a") == pytest.approx(1.0, rel=1e-12)
