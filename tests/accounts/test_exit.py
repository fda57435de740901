"""The account: columns by hand, bounds, doubling above depth (I02), usage, and real chains."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import crossmargin as xm
from crossmargin.accounts.exit import BASES, CLOSE, RUN_OFF, WAIT, Exit, exit_of
from crossmargin.accounts.exit_market import Desk
from crossmargin.accounts.exit_terms import ExitTerms
from crossmargin.core.errors import InputError, MarketDataError, ModelError
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instruments
from crossmargin.instruments.symbology import parse
from crossmargin.margin.register import model_named
from crossmargin.margin.run import run
from crossmargin.margin.whatif_costs import Schedule
from crossmargin.market.depth import Depth
from crossmargin.market.fields import Row
from crossmargin.market.snapshot import Snapshot
from tests.accounts.markets import CALL, DEEP, FUTURE, INDEX, NOW, PERP, PUT, WING, book, market

PLAIN = market()
SIZED = market(sizes=3.0)
HELD = {CALL: -2.0, PUT: 3.0, DEEP: 1.0, FUTURE: 60_000.0, PERP: -30_000.0}


def left(positions: dict[str, float], snapshot: Snapshot = PLAIN, **options: object) -> Exit:
    held = book(positions)
    return exit_of(held, snapshot.view(held.instruments), snapshot, **options)  # type: ignore[arg-type] # options by name


def standing(positions: dict[str, float], snapshot: Snapshot, model: str) -> Exit:
    held = book(positions)
    view = snapshot.view(held.instruments)
    return exit_of(held, view, snapshot, run(held, view, model_named(model)))


def test_the_touch_by_hand() -> None:
    legs = {leg.item.native_id: leg for leg in left(HELD).legs}
    put = legs[PUT]
    assert put.touch == pytest.approx(put.mark - 0.0005)
    assert put.worth_usd == pytest.approx(3.0 * put.mark * INDEX)
    assert put.touch_usd == pytest.approx(3.0 * (0.0005 + 0.0003) * INDEX)
    call = legs[CALL]
    assert call.worth_usd == pytest.approx(-2.0 * call.mark * INDEX)
    assert call.touch_usd == pytest.approx(2.0 * (0.0005 + 0.0003) * INDEX)
    perp = legs[PERP]
    assert perp.worth_usd == 0.0
    spread = 30_000.0 * (1.0 / INDEX - 1.0 / (INDEX + 10.0)) * INDEX
    fee = 30_000.0 * 5e-4 / (INDEX + 10.0) * INDEX
    assert perp.touch_usd == pytest.approx(spread + fee, rel=1e-9)


def test_components_are_the_cost_at_depth() -> None:
    for snapshot in (PLAIN, SIZED):
        for leg in left(HELD, snapshot).legs:
            assert sum(value for _, value in leg.parts) == pytest.approx(leg.depth_usd, rel=1e-14)
            assert leg.touch_usd <= leg.days_usd * (1 + 1e-12)
            assert leg.days_usd <= leg.depth_usd * (1 + 1e-12)


def test_levels_are_walked_like_a_plain_loop() -> None:
    levels = [(0.0575, 1.0), (0.056, 2.0), (0.05, 10.0)]
    depth = Depth.of(levels, [(0.059, 1.0)], "x", 50.0)
    leg = left({CALL: 5.0}, books={("deribit", CALL): depth}).legs[0]
    cost, open_size = 0.0, 5.0
    for price, size in levels:
        took = min(size, open_size)
        cost += took * (leg.mark - price + min(0.0003, 0.125 * price)) * INDEX
        open_size -= took
    assert leg.source == "levels"
    assert leg.depth_usd == pytest.approx(cost)  # all of it is inside what is shown: no impact
    assert leg.days_to_close == pytest.approx(5.0 / min(0.2 * 50.0, 0.05 * 1000.0))


@settings(max_examples=25)
@given(
    name=st.sampled_from([CALL, PUT, DEEP, FUTURE, PERP]),
    size=st.floats(0.1, 200.0),
    side=st.sampled_from([1.0, -1.0]),
    more=st.floats(1.0, 4.0),
)
def test_costs_rise_with_size(name: str, size: float, side: float, more: float) -> None:
    scale = side * (1.0 if "-C" in name or "-P" in name else INDEX)
    small, large = (left({name: scale * z}, SIZED).legs[0] for z in (size, size * more))
    for basis in ("touch", "depth", "days"):
        assert 0.0 <= small.cost_usd(basis) <= large.cost_usd(basis) * (1 + 1e-12)
    assert small.days_to_close is not None
    assert large.days_to_close == pytest.approx(small.days_to_close * more)


@pytest.mark.parametrize("name", [CALL, PUT, FUTURE, PERP])
def test_i02_doubling_a_position_above_depth_more_than_doubles_its_cost(name: str) -> None:
    scale = 1.0 if "-" in name.removeprefix("BTC-31JUL26") and name != PERP else INDEX
    one, two = (left({name: z * scale}, SIZED).legs[0] for z in (30.0, 60.0))
    assert one.shown is not None
    assert abs(one.quantity) > one.shown
    assert two.depth_usd > 2.0 * one.depth_usd * 1.02
    assert two.days_to_close == pytest.approx(2.0 * (one.days_to_close or 0.0))


def test_legs_without_a_quote_are_listed_and_bounded() -> None:
    holes = market(without=[f"bid {PUT}", f"ask {WING}", f"ask {PERP}"])
    found = left({PUT: 2.0, WING: -2.0, PERP: -6000.0, CALL: 1.0}, holes)
    listed = {leg.item.native_id: leg for leg in found.unquoted}
    assert set(listed) == {PUT, WING, PERP}
    assert listed[PUT].bound == "intrinsic"
    assert listed[WING].bound.startswith("vol ")
    assert listed[PERP].bound == "mark +2.0%"
    for leg in listed.values():
        assert leg.source == "none"
        assert leg.touch_usd == leg.depth_usd > 0.0
        assert leg.way == WAIT  # nor is there a perpetual to hedge with
    whole = left({PUT: 2.0}, market(without=[f"bid {PUT}"])).legs[0]
    assert whole.way == RUN_OFF
    assert whole.run_off is not None
    assert whole.cheaper_usd == whole.run_off.total_usd


def test_the_cheaper_way_is_the_cheaper_one() -> None:
    for leg in left({CALL: 0.1, PUT: 500.0, WING: -900.0}).legs:
        assert leg.run_off is not None
        assert leg.cheaper_usd == min(leg.depth_usd, leg.run_off.total_usd)
        assert leg.way == (RUN_OFF if leg.run_off.total_usd < leg.depth_usd else CLOSE)
    wide = Depth.of([(0.001, 50.0)], [(0.3, 50.0)], "x")
    leg = left({CALL: 5.0}, books={("deribit", CALL): wide}).legs[0]
    assert leg.way == RUN_OFF
    assert all(leg.run_off is None for leg in left({FUTURE: 10.0, PERP: 10.0}).legs)


def test_closing_slower_costs_less_and_risks_more() -> None:
    fast, slow = (left({CALL: 50.0}, SIZED, days=n).legs[0] for n in (1.0, 10.0))
    assert fast.days_usd == pytest.approx(fast.depth_usd)
    assert slow.days_usd < fast.days_usd
    assert slow.waiting_risk_usd == pytest.approx(fast.waiting_risk_usd * np.sqrt(10.0))
    assert fast.left == pytest.approx(50.0 - 0.2 * 60.0)
    assert slow.left == 0.0


def test_the_risk_of_waiting_is_that_of_what_is_still_open() -> None:
    """A position that falls evenly to nothing: the variance of each day is that of its size."""
    leg = left({CALL: 50.0}, SIZED, days=4.0).legs[0]
    view = SIZED.view(book({CALL: 50.0}).instruments)
    desk = Desk(view, SIZED, Schedule.at(NOW), ExitTerms.at(NOW), None)
    moved = desk.sensitivity(leg.row).move_usd
    steps = (np.arange(4_000) + 0.5) / 4_000
    variance = float(((50.0 * moved * (1.0 - steps)) ** 2).sum()) * 4.0 / 4_000
    assert leg.waiting_risk_usd == pytest.approx(variance**0.5, rel=1e-6)


def test_equity_and_usage_net_of_what_it_costs() -> None:
    found = standing(HELD, PLAIN, "deribit-spm")
    assert [each.basis for each in found.standings] == list(BASES)
    mark = found.standings[0]
    assert mark.cost_usd == 0.0
    assert mark.im_usage is not None
    held = book(HELD)
    requirement = run(held, PLAIN.view(held.instruments), model_named("deribit-spm"))
    im, counted = (float(requirement.sheet[name][0]) for name in ("im", "counted_im"))
    assert mark.im_usage == pytest.approx(im / counted)
    for each in found.standings[1:]:
        cost = sum(leg.cost_usd(each.basis) for leg in found.legs)
        assert each.cost_usd == pytest.approx(cost)
        assert each.equity_usd == pytest.approx(mark.equity_usd - cost)
        assert each.over_mm_usd == pytest.approx(mark.over_mm_usd - cost)
        assert each.im_usage == pytest.approx(im / (counted - cost / INDEX))
        assert each.im_usage > mark.im_usage


def test_nothing_held_costs_nothing() -> None:
    found = standing({}, PLAIN, "deribit-spm")
    assert found.legs == ()
    assert found.days_to_close == 0.0
    assert {each.cost_usd for each in found.standings} == {0.0}
    assert len({each.equity_usd for each in found.standings}) == 1


def test_without_open_interest_the_days_are_unknown() -> None:
    found = left({CALL: 1.0}, market(interest=None))
    assert found.days_to_close is None
    assert found.legs[0].left is None
    assert found.legs[0].depth_usd == pytest.approx(found.legs[0].touch_usd)


def test_the_order_of_the_lines_changes_no_bit() -> None:
    turned = left(dict(reversed(HELD.items())))
    assert [leg.depth_usd for leg in turned.legs] == [leg.depth_usd for leg in left(HELD).legs]
    alone = [left({name: size}).legs[0].depth_usd for name, size in HELD.items()]
    assert sorted(alone) == sorted(leg.depth_usd for leg in left(HELD).legs)


@pytest.mark.parametrize("count", [0.0, -1.0, 366.0, float("nan")])
def test_days_out_of_bounds(count: float) -> None:
    with pytest.raises(InputError) as told:
        left(HELD, days=count)
    assert told.value.code == "number_out_of_range"


def test_what_cannot_be_left_is_refused() -> None:
    table = book(HELD).instruments
    two = Book.of_arrays(table, np.array([0, 1, 2]), np.array([1, 1]), np.array([1.0, 2.0]))
    with pytest.raises(InputError) as told:
        exit_of(two, PLAIN.view(table), PLAIN)
    assert told.value.code == "option_unknown"
    with pytest.raises(MarketDataError) as unpriced:
        left({"BTC-25JUN27-60000-C": 10.0})
    assert unpriced.value.code == "forward_missing"


def test_a_venue_without_fees_needs_one() -> None:
    other = Instruments.of([parse("bybit", "BTCUSDT")])
    rows = [
        Row("usd", "USDT", 1.0, "USD", "made", NOW, NOW),
        Row("index", "BTC/USDT", INDEX, "USDT", "made", NOW, NOW),
        Row("mark", "bybit|BTCUSDT", INDEX, "USDT", "made", NOW, NOW),
    ]
    snapshot = PLAIN.with_rows(rows)
    with pytest.raises(ModelError) as unknown:
        exit_of(Book.of(other, [Line("a", 0, 1.0)]), snapshot.view(other), snapshot)
    assert unknown.value.code == "parameter_missing"
    schedule = Schedule.at(NOW, 0.001)
    held = Book.of(other, [Line("a", 0, 1.0)])
    leg = exit_of(held, snapshot.view(other), snapshot, schedule=schedule).legs[0]
    assert dict(leg.parts)["fee"] == pytest.approx(0.001 * leg.touch * leg.item.multiplier)


def test_a_crash_takes_quotes_away_and_leaving_costs_more(market_dir: Path) -> None:
    """The chain of 2026-02-05 21:29 lacks a third of its bids; the calm one of a week before."""
    folder = market_dir / "deribit"
    places = [
        folder / f"deribit_options_snapshot_{when}.csv.gz"
        for when in ("20260128T212943Z", "20260205T212937Z")
    ]
    if not all(place.exists() for place in places):
        pytest.skip("no recorded chains")
    calm, crash = (xm.read_market(str(place)) for place in places)
    alive = calm.values("mark").keys() & crash.values("mark").keys()
    interest = crash.values("open_interest")
    names = sorted(n for n in alive if "|BTC-" in n and interest.get(n, 0.0) > 50.0)
    chosen = names[:: len(names) // 40]
    rows = [
        {"account": "a", "venue": "deribit", "instrument": name.split("|")[1], "quantity": size}
        for name, size in zip(chosen, [5.0, -5.0] * len(chosen), strict=False)
    ]
    rows.append({"account": "a", "venue": "deribit", "instrument": "BTC", "quantity": 100.0})
    made = [xm.exit_value(rows, each) for each in (calm, crash)]
    before, after = (each.found for each in made)
    # docs/exit.md quotes these.
    assert [len(found.legs) for found in (before, after)] == [45, 45]
    assert [len(found.unquoted) for found in (before, after)] == [1, 7]
    touch = [found.standings[1].cost_usd for found in (before, after)]
    assert [round(cost) for cost in touch] == [23_714, 219_865]
    equity = [found.standings[0].equity_usd for found in (before, after)]
    assert [round(100 * c / e, 1) for c, e in zip(touch, equity, strict=True)] == [0.2, 2.8]
    usage = [[round(100 * (s.mm_usage or 0), 1) for s in f.standings] for f in (before, after)]
    assert [each[0] for each in usage] == [10.1, 9.8]
    assert [each[2] for each in usage] == [10.1, 10.1]
    quotes = {side: crash.values(side) for side in ("bid", "ask")}
    for leg in after.legs:
        subject = f"deribit|{leg.item.native_id}"
        side = "bid" if leg.quantity > 0.0 else "ask"
        assert bool(leg.bound) == (subject not in quotes[side])
