"""A house's liquidation: money to the unit, the buffer to the lot, and who pays in the end."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import crossmargin as xm
from crossmargin.accounts.liquidation_account import Judge, with_cash_rows
from crossmargin.accounts.liquidation_engine import (
    HouseLiquidation,
    HouseOutcome,
    HouseStep,
    both_prices,
    no_bidder,
)
from crossmargin.accounts.liquidation_order import ORDERS, Terms, touch_cost
from crossmargin.accounts.waterfall import Winner, dollars, down, up
from crossmargin.conformance.world import subject_of, world_of
from crossmargin.core.arrays import frozen
from crossmargin.core.errors import InputError, MarketDataError, SolverError
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Kind
from crossmargin.margin import model_named
from crossmargin.margin.totals import stands_apart
from crossmargin.market.view import View
from crossmargin.sample import market_path
from tests.accounts.broken_books import (
    MARKS,
    NO_COST,
    START_MS,
    house,
    liquidated,
    market_of,
    perpetuals,
    sizes,
)

# Lots that are large enough for a position to be a few of them.
LOTS = {"BTC-PERP": 0.01, "ETH-PERP": 0.1, "SOL-PERP": 1.0}
SIZES = st.tuples(
    st.integers(-80, 80).map(lambda n: n * 0.01),
    st.integers(-80, 80).map(lambda n: n * 0.1),
    st.integers(-80, 80).map(lambda n: n * 1.0),
).map(lambda each: dict(zip(MARKS, each, strict=True)))
# From far below zero to just above the maintenance margin.
COVERED = st.floats(-0.5, 1.2)
TERMS = st.fixed_dictionaries(
    {
        "liquidation.buffer": st.sampled_from([0.0, 0.1, 0.5]),
        "liquidation.max_share": st.sampled_from([0.1, 0.25, 1.0]),
        "cost.penalty_share": st.sampled_from([0.0, 0.005, 0.02]),
        "cost.unquoted_future": st.sampled_from([0.0, 0.01, 0.04]),
    }
)


def broken(held: dict[str, float], covered: float, apart: bool = False) -> tuple[Book, View]:
    """Cash that is a share of the maintenance margin of fixed rates."""
    settle = {"ETH": "USDT"} if apart else None
    start, view = perpetuals(0.0, held, settle=settle)
    own = house()
    mm = Judge(start, view, own.model, own.parameters).now.mm[0].sum()
    return perpetuals(float(mm) * covered, held, settle=settle)[0], view


def steps_of(found: HouseOutcome) -> list[HouseStep]:
    steps = [step for step in found.steps if isinstance(step, HouseStep)]
    assert len(steps) == len(found.steps)
    return steps


def money_is_conserved(found: HouseOutcome) -> None:
    """Account, fund, counterparties, fees and bad debt are one sum, after every step."""
    purses = found.before
    for step in steps_of(found):
        gone = step.cost + step.fee + step.penalty
        got = sum(cover.units for cover in step.covers)
        assert step.purses.total == found.before.total
        assert step.purses.account == purses.account + step.moved - gone + got
        assert step.purses.fees == purses.fees + step.fee
        assert min(step.cost, step.fee, step.penalty) >= 0
        purses = step.purses
    assert found.after.total == found.before.total
    assert found.after.unpaid <= 0


def books_follow_the_money(found: HouseOutcome, view: View, own: HouseLiquidation) -> None:
    """The equity of the book after each step is what the account's purse holds."""
    for step in steps_of(found):
        equity = Judge(step.left, view, own.model, own.parameters).now.equity[0]
        units = dollars(step.purses.account, found.decimals)
        assert float(equity.sum()) == pytest.approx(units, rel=1e-9, abs=1e-5)


@given(SIZES, COVERED, TERMS, st.booleans(), st.integers(0, 10**9))
def test_money_is_conserved_to_the_smallest_unit(
    held: dict[str, float], covered: float, terms: dict[str, float], apart: bool, fund: int
) -> None:
    book, view = broken(held, covered, apart)
    winners = (Winner("a", 10**8, 2.0), Winner("b", 10**7, 20.0)) if fund % 2 else None
    own = house(terms=terms, lots=LOTS, fund=fund, winners=winners)
    found = own.run(book, lambda _: view, START_MS)
    money_is_conserved(found)
    books_follow_the_money(found, view, own)


@given(SIZES, COVERED, TERMS, st.booleans())
def test_it_ends_at_the_buffer_or_names_who_pays(
    held: dict[str, float], covered: float, terms: dict[str, float], apart: bool
) -> None:
    book, view = broken(held, covered, apart)
    own = house(terms=terms, lots=LOTS)
    found = own.run(book, lambda _: view, START_MS)
    start = Judge(book, view, own.model, own.parameters).now
    was_broken = [down(c, 6) < up(m, 6) for c, m in zip(start.counted[0], start.mm[0], strict=True)]
    assert (found.ended == "not liquidatable") == (not any(was_broken))
    now = Judge(found.left, view, own.model, own.parameters).now
    for g, was in enumerate(was_broken):
        kept = (1.0 + own.terms.buffer) * now.mm[0, g] if was else now.mm[0, g]
        assert now.counted[0, g] >= kept - 2e-6 - 1e-12 * abs(kept)
    if "bad debt" in found.ended:
        assert found.after.unpaid < 0
        assert f"{found.bad_debt_usd:,.2f}" in found.ended
    else:
        assert found.after.unpaid == 0


@given(SIZES, COVERED, TERMS, st.sampled_from(ORDERS))
def test_the_shortfall_falls_at_every_step(
    held: dict[str, float], covered: float, terms: dict[str, float], order: str
) -> None:
    book, view = broken(held, covered)
    found = liquidated(book, view, terms=terms, lots=LOTS, order=order)
    short = [step.figures["shortfall"] for step in found.steps]
    short += [found.steps[-1].figures["shortfall_after"]] if found.steps else []
    assert all(b < a for a, b in itertools.pairwise(short))
    assert not short or short[-1] == 0.0
    # No position is turned round or grown.
    before, after = sizes(book), sizes(found.left)
    for name in LOTS:
        was, left = before.get(name, 0.0), after.get(name, 0.0)
        assert abs(left) <= abs(was)
        assert left * was >= 0.0


@given(SIZES, st.floats(0.3, 1.0), TERMS, st.sampled_from(ORDERS))
def test_one_lot_less_would_not_have_been_enough(
    held: dict[str, float], covered: float, terms: dict[str, float], order: str
) -> None:
    book, view = broken(held, covered)
    own = house(terms=terms, lots=LOTS, order=order)
    found = own.run(book, lambda _: view, START_MS)
    if found.ended != "buffer restored":
        return
    last = steps_of(found)[-1]
    # Each line of the last step gives a lot back, and what it cost: then something is short.
    quantity = last.left.quantity.copy()
    items = last.left.instruments.items
    back = 0.0
    due = sum(leg.penalty for leg in last.legs)  # of which no more is taken than there is
    taken = last.penalty / due if due else 0.0
    for j, column in enumerate(last.left.column.tolist()):
        for leg in last.legs:
            if items[column].native_id == leg.name:
                lot = min(LOTS[leg.name], abs(leg.size))
                quantity[j] -= np.sign(leg.size) * lot
                paid = leg.cost + leg.fee + leg.penalty * taken
                back += paid * lot / abs(leg.size) * 1e-6
        if items[column].kind == Kind.ASSET:
            cash = j
    quantity[cash] += back
    now = Judge(last.left, view, own.model, own.parameters).levels(quantity[None, :])
    assert now.counted[0, 0] < (1.0 + own.terms.buffer) * now.mm[0, 0] + 1e-3


@given(SIZES, COVERED, st.permutations(range(4)))
def test_the_order_of_the_lines_changes_no_bit(
    held: dict[str, float], covered: float, order: list[int]
) -> None:
    book, view = broken(held, covered)
    cash = sizes(book)["USDC"]
    other, _ = perpetuals(cash, held, order=order)
    one, two = (liquidated(each, view, lots=LOTS) for each in (book, other))
    assert (one.order, one.why, one.ended, one.after) == (two.order, two.why, two.ended, two.after)
    assert [s.what for s in one.steps] == [s.what for s in two.steps]
    assert one.left.quantity.tobytes() == two.left.quantity.tobytes()


@given(SIZES, st.floats(0.2, 1.0))
def test_the_order_that_is_used_is_the_best_of_those_tried(
    held: dict[str, float], covered: float
) -> None:
    book, view = broken(held, covered)
    found = liquidated(book, view, lots=LOTS)
    alone = [liquidated(book, view, lots=LOTS, order=order) for order in ORDERS]
    best = max((each.after.unpaid, each.after.account) for each in alone)
    assert (found.after.unpaid, found.after.account) == best
    if found.steps:
        assert [a.order for a in found.attempts] == list(ORDERS)
        assert found.why


# -- by hand -------------------------------------------------------------------------------------


def test_one_perpetual_by_hand() -> None:
    """MM 5 % of 50,000; equity 2,000. Nothing costs: 1 - q with 2,000 >= 1.1 x 2,500 (1 - q)."""
    own = house(terms=NO_COST | {"liquidation.max_share": 1.0}, lots={"BTC-PERP": 0.01})
    book, view = perpetuals(2_000.0, {"BTC": 1.0})
    assert own.parameters.number("mm.future_share") == 0.05
    found = own.run(book, lambda _: view, START_MS)
    (step,) = steps_of(found)
    assert sizes(found.left)["BTC-PERP"] == 0.72  # 2,000 / 2,750 = 0.7272...
    assert (step.what, step.lots) == ("BTC-PERP", 28)
    assert found.ended == "buffer restored"
    assert found.after.account == 2_000_000_000


def test_a_deficit_goes_down_the_waterfall() -> None:
    """The mark fell through the account: 500 below zero, 1 % of 50,000 to close, fee 25."""
    book, view = perpetuals(-500.0, {"BTC": 1.0})
    winners = (Winner("low", 10**8, 1.0), Winner("high", 3 * 10**8, 10.0))
    found = liquidated(book, view, fund=600 * 10**6, winners=winners)
    (step,) = steps_of(found)
    assert step.why == "equity is gone"
    assert (step.cost, step.fee, step.penalty) == (500 * 10**6, 25 * 10**6, 0)
    assert [(c.source, c.name, c.units) for c in step.covers] == [
        ("fund", "", 600 * 10**6),
        ("deleveraged", "high", 300 * 10**6),
        ("deleveraged", "low", 100 * 10**6),
        ("unpaid", "", 25 * 10**6),
    ]
    assert found.ended == "closed out, bad debt of 25.00 USD"
    assert found.bad_debt_usd == 25.0
    assert (found.after.account, found.after.fund) == (0, 0)
    assert sizes(found.left) == {"USDC": pytest.approx(0.0, abs=1e-9), "BTC-PERP": 0.0}
    money_is_conserved(found)


def test_who_covered_is_said() -> None:
    book, view = perpetuals(-100.0, {"BTC": 0.01})
    by_fund = liquidated(book, view, fund=10**9)
    assert by_fund.ended == "closed out, the deficit covered by the insurance fund"
    by_winners = liquidated(book, view, winners=(Winner("w", 10**9),))
    assert by_winners.ended.endswith("by deleveraging")


def test_an_account_in_order_is_left_alone() -> None:
    book, view = perpetuals(10_000.0, {"BTC": 1.0})
    found = liquidated(book, view)
    assert (found.ended, found.steps, found.left) == ("not liquidatable", (), book)
    # Between MM and the buffer nothing is done either: the buffer is where it stops, not starts.
    book, view = perpetuals(2_600.0, {"BTC": 1.0})
    assert liquidated(book, view).ended == "not liquidatable"


def test_a_pool_that_stands_apart_pays_for_no_other() -> None:
    book, view = perpetuals(1_000.0, {"BTC": 0.1, "ETH": 100.0}, settle={"ETH": "USDT"})
    found = liquidated(book, view)
    assert {leg.name for step in steps_of(found) for leg in step.legs} == {"ETH-PERP"}
    assert sizes(found.left)["BTC-PERP"] == 0.1
    assert sizes(found.left)["USDC"] == 1_000.0


def test_prices_that_move_are_paid_by_the_counterparties() -> None:
    """A fall of 1,000 between two steps: the model's balance holds profit, so it is settled."""
    book, view = perpetuals(2_450.0, {"BTC": 1.0})
    fallen = market_of(book.instruments, MARKS | {"BTC": 49_000.0}, at_ms=START_MS + 5_000)

    def market(at_ms: int) -> View:
        return view if at_ms == START_MS else fallen

    found = house(terms={"liquidation.max_share": 0.1}, lots=LOTS).run(book, market, START_MS)
    money_is_conserved(found)
    first, second = steps_of(found)[:2]
    left = sizes(first.left)["BTC-PERP"]
    assert left == 0.9
    assert (first.moved, second.moved) == (0, -900 * 10**6)
    assert sizes(found.left)["BTC-PERP"] < 0.6


def test_coins_are_sold_where_they_are_risk() -> None:
    rows = [
        {"type": "balance", "account": "a", "venue": "deribit", "instrument": name,
         "quantity": size}
        for name, size in (("BTC", 2.0), ("USDC", -133_000.0))
    ]  # fmt: skip
    found = xm.liquidate(rows, "sample:market", "var-parametric", mechanics="house")
    assert found.steps
    assert {step["what"] for step in found.steps} == {"BTC"}
    assert sizes(found.left)["BTC"] < 2.0


@pytest.mark.parametrize("model", ["deribit-sm", "deribit-xpm", "house-example", "delta", "span"])
@pytest.mark.parametrize("coins", [-0.02, 0.01, 0.03])
def test_any_model_can_be_liquidated(model: str, coins: float) -> None:
    rows = [
        {"type": "balance", "account": "a", "venue": "deribit", "instrument": "BTC",
         "quantity": coins},
        *(
            {"type": "position", "account": "a", "venue": "deribit", "instrument": name,
             "quantity": size}
            for name, size in (
                ("BTC-31JUL26-80000-C", -0.4),
                ("BTC-31JUL26-60000-P", -0.4),
                ("BTC-28AUG26-50000-P", 0.3),
                ("BTC-PERPETUAL", -9_000.0),
            )
        ),
    ]  # fmt: skip
    rules = xm.model_named(model)
    book = with_cash_rows(xm.margin(rows, "sample:market", model).book, stands_apart(rules.spec))
    view = xm.read_market(str(market_path())).view(book.instruments)
    parameters = xm.parameters_for(rules, view.as_of_ms)
    own = HouseLiquidation(rules, parameters, Terms.as_of(view.as_of_ms), fund=10**8)
    found = own.run(book, lambda _: view, view.as_of_ms)
    now = Judge(book, view, rules, parameters).now
    assert bool(found.steps) == bool(now.counted[0, 0] < now.mm[0, 0])
    assert found.steps or coins > 0.01
    money_is_conserved(found)
    books_follow_the_money(found, view, own)


@pytest.mark.parametrize("posted", [0.0, 500.0])
def test_what_lies_behind_walls_is_refused_and_the_core_is_taken_apart(posted: float) -> None:
    """A bucket pays from what is posted to it: a step that took the core's money would be wrong."""
    subject = subject_of(model_named("hybrid"))
    world = world_of(subject)
    place = {item.native_id: k for k, item in enumerate(world.instruments.items)}
    lines = [
        Line("a", place["USDC"], 9_000.0),
        Line("a", place["BTC_USDC-PERPETUAL"], 3.0),
        Line("a", place["ETH_USDC-PERPETUAL"], -10.0),
    ]
    book = Book.of(world.instruments, lines)
    terms = Terms.as_of(world.view.as_of_ms)
    own = HouseLiquidation(subject.model, subject.parameters, terms, fund=10**8)
    found = own.run(book, lambda _: world.view, world.view.as_of_ms)
    assert found.ended == "buffer restored"
    money_is_conserved(found)
    chosen = {"bucket:ETH_USDC-PERPETUAL": 3.0} if not posted else {"posted:isolated": posted}
    choices = {name: frozen([value], np.float64) for name, value in chosen.items()}
    with pytest.raises(InputError, match="behind walls"):
        own.run(replace(book, choices=choices), lambda _: world.view, world.view.as_of_ms)


# -- scenarios and refusals ----------------------------------------------------------------------


def test_without_a_bidder_the_value_is_lost_on_top() -> None:
    book, view = perpetuals(2_000.0, {"BTC": 1.0})
    terms = Terms.as_of(START_MS)
    plain = touch_cost(terms)
    column = [i.native_id for i in view.instruments.items].index("BTC-PERP")
    assert no_bidder(plain, 0.36)(view, column, -0.5) - plain(view, column, -0.5) == pytest.approx(
        0.36 * 25_000.0
    )
    found = liquidated(book, view, cost=no_bidder(plain, 0.36))
    assert found.bad_debt_usd > 10_000.0
    with pytest.raises(InputError, match="number_out_of_range"):
        no_bidder(plain, 1.01)


def test_a_delayed_oracle_gives_both() -> None:
    book, late = perpetuals(3_000.0, {"BTC": 1.0})
    now = market_of(book.instruments, MARKS | {"BTC": 80_000.0}, at_ms=START_MS)

    def market(at_ms: int) -> View:
        return now if at_ms >= START_MS else late

    old, live = both_prices(house(lots=LOTS), book, market, START_MS, 3_600_000)
    assert old.ended == "not liquidatable"
    assert live.ended == "buffer restored"
    with pytest.raises(InputError, match="number_out_of_range"):
        both_prices(house(), book, market, START_MS, -1)


def test_what_is_refused() -> None:
    book, view = perpetuals(2_000.0, {"BTC": 1.0})
    with pytest.raises(InputError, match="option_unknown"):
        liquidated(book, view, order="random")
    with pytest.raises(MarketDataError, match="market_doubtful"):
        liquidated(book, view, not_before_ms=START_MS + 1)
    assert liquidated(book, view, not_before_ms=START_MS).steps


def test_one_that_does_not_end_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crossmargin.accounts.liquidation_engine.STEPS_MAX", 1)
    book, view = perpetuals(100.0, {"BTC": 1.0, "ETH": 3.0})
    with pytest.raises(SolverError, match="does not end"):
        liquidated(book, view)
