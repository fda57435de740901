"""OKX portfolio margin: rows, terms, bounds, readings and dated sets on small books by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crossmargin.core.clock import utc_ms
from crossmargin.instruments.book import Book, Line, Order
from crossmargin.instruments.symbology import parse
from crossmargin.margin import Bound, Parameters, Requirement, model_named, parameters_for, run
from crossmargin.margin.parameter_files import overlay
from tests.vectors.building import Facts, Instruments, Quote, asset, view_of

MODEL = model_named("okx-pm")
NOW_MS = utc_ms(2026, 1, 10)
SPOT = 100_000.0
USD = {"BTC": SPOT, "USD": 1.0, "USDT": 1.0, "USDC": 1.0}
SWAP, COIN, USDC = "BTC-USDT-SWAP", "BTC-USD-SWAP", "BTC-USDC-SWAP"


def market(usd: dict[str, float] | None = None) -> tuple[Instruments, object]:
    contracts = [parse("okx", SWAP), parse("okx", COIN), parse("okx", USDC, multiplier=0.01)]
    table = Instruments.of([*contracts, *(asset("okx", n) for n in ("BTC", "USDT", "USDC"))])
    dollars = {**USD, **(usd or {})}
    index = {("BTC", q): SPOT / dollars[q] for q in ("USD", "USDT", "USDC")}
    quotes = {item.native_id: Quote(mark=index["BTC", item.quote]) for item in contracts}
    return table, view_of(table, Facts(NOW_MS, index, dollars, {}, quotes))


def margined(
    held: dict[str, float],
    parameters: Parameters | None = None,
    usd: dict[str, float] | None = None,
    orders: list[tuple[str, float, float]] | None = None,
) -> Requirement:
    table, view = market(usd)
    place = {item.native_id: k for k, item in enumerate(table.items)}
    resting = [
        Order("a", place[name], 1 if size > 0 else -1, abs(size), limit)
        for name, size, limit in orders or []
    ]
    book = Book.of(table, [Line("a", place[n], q) for n, q in held.items()], resting)
    return run(book, view, MODEL, parameters or parameters_for(MODEL, NOW_MS))


def cell(found: Requirement, name: str, unit: str = "BTC") -> float:
    labels = [found.plan.pools[k].label for k in found.sheet.pool.tolist()]
    return float(found.sheet[name][labels.index(unit)])


def test_a_lone_perpetual() -> None:
    """10 BTC: 12 % of a million, half of 24 % the same, 0.2 % basis, 0.45 % the least."""
    found = margined({SWAP: -1000.0, "USDT": 5e5})
    assert cell(found, "mr1") == pytest.approx(120_000.0)
    assert cell(found, "mr6") == pytest.approx(120_000.0)
    assert cell(found, "mr4") == pytest.approx(2_000.0)
    assert cell(found, "mr7") == pytest.approx(4_500.0)
    assert cell(found, "deriv_mmr") == pytest.approx(122_000.0)
    assert cell(found, "im") == pytest.approx(158_600.0)
    assert cell(found, "equity", "account") == pytest.approx(5e5)
    assert found.bound is Bound.VALUE
    assert found.scenario_label(0) == "+12 %, vol up by points"


def test_quotes_of_one_coin_are_one_unit_and_the_hedge_is_charged() -> None:
    """A million of USDT against USD: no shock left, MR9 0.5 % of it; nets in MR4 as one expiry."""
    found = margined({SWAP: -1000.0, COIN: 10_000.0})
    assert cell(found, "mr1") == pytest.approx(0.0, abs=1e-6)
    assert cell(found, "mr4") == pytest.approx(0.0, abs=1e-6)
    assert cell(found, "mr9") == pytest.approx(5_000.0)
    assert cell(found, "mr7") == pytest.approx(9_000.0)
    assert cell(found, "deriv_mmr") == pytest.approx(9_000.0)  # the least charge binds
    assert found.bound is Bound.VALUE


def test_the_pairs_go_in_the_venues_order() -> None:
    """USDT long 30, USD short 10, USDC short 40: 10 with USD, 20 with USDC, no USDT left."""
    found = margined({SWAP: 3000.0, COIN: -10_000.0, USDC: -4000.0})
    first, second = 1e6 * 0.005, 1e6 * 0.005 + 1e6 * 0.01
    assert cell(found, "mr9") == pytest.approx(first + second)


def test_beyond_the_table_of_the_depeg_the_row_is_a_lower_bound() -> None:
    assert margined({SWAP: -6000.0, COIN: 60_000.0}).at_least.tolist() == [True, False]
    low = margined({SWAP: -100.0, COIN: 1_000.0}, usd={"USDT": 0.99})
    assert low.at_least.tolist() == [True, False]
    assert margined({SWAP: -100.0}, usd={"USDT": 0.99}).bound is Bound.VALUE


def test_spot_hedges_what_is_short_and_bears_basis() -> None:
    found = margined({SWAP: -1000.0, "BTC": 25.0, "USDT": 1.0})
    assert cell(found, "spot_in_use") == pytest.approx(10.0)
    assert cell(found, "mr1") == pytest.approx(0.0, abs=1e-6)
    assert cell(found, "mr4") == pytest.approx(4_000.0)  # both legs
    free = overlay(found.parameters, {"reading.basis_spot": "free"}, "reading")
    assert cell(margined({SWAP: -1000.0, "BTC": 25.0}, free), "mr4") == pytest.approx(2_000.0)
    long = margined({SWAP: 1000.0, "BTC": 25.0})
    assert cell(long, "spot_in_use") == 0.0
    part = margined({SWAP: -1000.0, "BTC": 4.0})
    assert cell(part, "mr1") == pytest.approx(0.12 * 6.0 * SPOT)


def test_an_inverse_perpetual_by_both_readings() -> None:
    """A million dollars long: in dollars of its value 12 %, in coins 1 / 0.88 - 1."""
    assert cell(margined({COIN: 10_000.0}), "mr1") == pytest.approx(120_000.0)
    today = overlay(parameters_for(MODEL, NOW_MS), {"reading.coin_pnl": "index"}, "reading")
    lost = 1e6 * (1.0 / 0.88 - 1.0)
    assert cell(margined({COIN: 10_000.0}, today), "mr1") == pytest.approx(lost)


def test_a_coin_outside_the_lists_and_options_are_lower_bounds() -> None:
    parameters = parameters_for(MODEL, NOW_MS)
    other = overlay(parameters, {"tier_of.BTC": "other", "spot_tier.BTC": "other"}, "test")
    found = margined({SWAP: -100.0}, other)
    assert found.at_least.tolist() == [True, False]
    assert cell(found, "mr1") == pytest.approx(25_000.0)
    assert cell(found, "mr4") == 0.0  # no rate of a lone perpetual is known
    second = overlay(parameters, {"tier_of.BTC": "second"}, "test")
    assert not margined({SWAP: -100.0}, second).at_least.any()  # 12 x 700 cannot bind
    hedged = margined({SWAP: -100.0, "BTC": 1.0}, second)
    assert hedged.at_least.tolist() == [True, True]  # it could; and of BTC no discount is known


def test_a_balance_below_zero_is_borrowed() -> None:
    found = margined({"USDT": -50_000.0, "BTC": 1.0})
    assert cell(found, "borrowed", "account") == pytest.approx(50_000.0)
    assert cell(found, "borrow_mmr", "account") == pytest.approx(1_000.0)
    assert cell(found, "borrow_imr", "account") == pytest.approx(5_000.0)
    assert cell(found, "liquidation_cost", "account") == pytest.approx(51.0)
    assert cell(found, "mm", "account") == pytest.approx(1_051.0)
    assert cell(found, "counted_im", "account") == pytest.approx(50_000.0)
    beyond = margined({"USDT": -100_000.0})
    assert beyond.at_least.tolist() == [False, True]


def test_discount_rates_of_a_payload_lower_what_counts() -> None:
    parameters = parameters_for(MODEL, NOW_MS)
    entry = replace(
        parameters.entries["borrow.USDT.tiers"], value=[[2.0, 0.98], [1e15, 0.9]], columns=()
    )
    told = replace(parameters, entries={**parameters.entries, "discount.BTC.tiers": entry})
    found = margined({"BTC": 3.0}, told)
    assert cell(found, "discount", "account") == pytest.approx((2 * 0.02 + 0.1) * SPOT)
    assert cell(found, "counted_mm", "account") == pytest.approx(3 * SPOT - 14_000.0)
    assert found.bound is Bound.VALUE
    assert margined({"BTC": 3.0}).bound is Bound.AT_LEAST


def test_an_order_margins_by_its_worst_fill() -> None:
    """Selling 10 BTC at the mark is a lone perpetual's IM; buying them back costs nothing."""
    need = cell(margined({"USDT": 1e6}, orders=[(SWAP, -1000.0, SPOT)]), "order_margin")
    assert need == pytest.approx(158_600.0)
    back = margined({SWAP: -1000.0, "USDT": 1e6}, orders=[(SWAP, 1000.0, SPOT)])
    assert cell(back, "order_margin") == pytest.approx(0.0, abs=1e-6)
    dear = margined({SWAP: -1000.0, "USDT": 1e6}, orders=[(SWAP, -1.0, SPOT - 500.0)])
    alone = margined({SWAP: -1001.0, "USDT": 1e6})
    extra = cell(alone, "im") - cell(margined({SWAP: -1000.0}), "im")
    assert cell(dear, "order_margin") == pytest.approx(extra + 5.0, rel=1e-6)


def test_a_spot_order_costs_its_quote_currency() -> None:
    """Buying a coin 2,000 above the mark with 100 of USDT: 1,900 borrowed; the coin is no loss."""
    table, view = market()
    pair = parse("okx", "BTC-USDT")
    wider = Instruments.of([*table.items, pair])
    facts = Facts(
        NOW_MS,
        {("BTC", q): SPOT for q in ("USD", "USDT", "USDC")},
        USD,
        {},
        {item.native_id: Quote(mark=SPOT) for item in wider.items if item.underlying == "BTC"},
    )
    place = {item.native_id: k for k, item in enumerate(wider.items)}
    order = Order("a", place["BTC-USDT"], 1, 1.0, SPOT + 2_000.0)
    book = Book.of(wider, [Line("a", place["USDT"], 100.0)], [order])
    found = run(book, view_of(wider, facts), MODEL, parameters_for(MODEL, NOW_MS))
    assert cell(found, "order_margin", "account") == pytest.approx(0.1 * 1_900.0)
    assert cell(found, "order_margin") == pytest.approx(2_000.0)  # the loss itself, in the unit
    assert view.usd.min() >= 0.0


def test_order_loss_is_borrowed_where_nothing_is_left() -> None:
    found = margined({"USDT": 100.0}, orders=[(SWAP, 100.0, SPOT + 2_000.0)])
    assert cell(found, "order_margin", "account") == pytest.approx(0.1 * (2_000.0 - 100.0))


def test_sets_follow_their_dates() -> None:
    """Moves, extremes, basis and units of four dates, one short BTC perpetual and an ETH table."""
    wanted = {
        utc_ms(2024, 7, 1): (15_000.0, 15_000.0, 600.0, "BTC-USDT"),
        utc_ms(2024, 12, 31): (15_000.0, 15_000.0, 200.0, "BTC"),
        utc_ms(2025, 1, 10): (12_000.0, 12_000.0, 200.0, "BTC"),
        utc_ms(2025, 12, 5): (12_000.0, 12_000.0, 200.0, "BTC"),
    }
    for when, (mr1, mr6, mr4, label) in wanted.items():
        found = margined({SWAP: -100.0}, parameters_for(MODEL, when))
        assert cell(found, "mr1", label) == pytest.approx(mr1)
        assert cell(found, "mr6", label) == pytest.approx(mr6)
        assert cell(found, "mr4", label) == pytest.approx(mr4)


def test_before_the_merge_quotes_stand_apart() -> None:
    old = parameters_for(MODEL, utc_ms(2024, 7, 1))
    found = margined({SWAP: -100.0, COIN: 1_000.0, "BTC": 1.0}, old)
    labels = [found.plan.pools[k].label for k in found.sheet.pool.tolist()]
    assert labels == ["BTC-USD", "BTC-USDC", "BTC-USDT", "account"]
    assert cell(found, "mr1", "BTC-USDT") == pytest.approx(15_000.0)
    assert cell(found, "mr1", "BTC-USD") == pytest.approx(15_000.0)
    assert cell(found, "mr9", "BTC-USD") == 0.0
    mode = overlay(old, {"rules.spot": "USDT"}, "the account's mode")
    hedged = margined({SWAP: -100.0, "BTC": 1.0}, mode)
    assert cell(hedged, "mr1", "BTC-USDT") == pytest.approx(0.0, abs=1e-6)


def test_the_same_book_twice_and_a_dollar_of_cash_changes_no_unit() -> None:
    first, second = (margined({SWAP: -100.0, "USDT": cash}) for cash in (1.0, 1e6))
    assert np.array_equal(first.sheet["deriv_mmr"], second.sheet["deriv_mmr"])
