"""The floor holds at every price, the size is the least, the collar costs put less call."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossmargin.decisions import hedge_finder as hf
from tests.decisions.protect_case import chains, field_of, prepared, worth_of

CENTS = st.integers(-2000, 2000).map(lambda cents: cents / 100.0)
WHOLE = ("put", "collar", "zero-cost collar")
FINE = np.unique(np.concatenate([np.linspace(0.0, 205_000.0, 8_001), np.arange(0, 205_000, 500.0)]))


@pytest.mark.parametrize("book", ["holder", "sample:market-maker"])
@pytest.mark.parametrize("floor", [0.7, 0.8, 0.9])
def test_the_floor_holds_at_every_price_of_a_finer_grid(book: str, floor: float) -> None:
    field = field_of(book, floor)
    seen = 0
    for chain in chains(book)[4:]:
        for found in hf.search(field, chain, WHOLE):
            value = field.book.at(FINE, found.years) + found.value(field.lines, FINE, found.years)
            assert (value >= field.floor(FINE) - 1e-6).all(), found
            seen += 1
    assert seen or book != "holder"


def test_spreads_hold_down_to_the_crash_and_say_where_they_stop() -> None:
    field = field_of()
    for chain in chains()[5:9]:
        for found in hf.search(field, chain, ("put spread", "ratio put spread")):
            inside = FINE[field.lines.price <= FINE * 2.0]
            value = field.book.at(inside, found.years)
            value = value + found.value(field.lines, inside, found.years)
            assert (value >= field.floor(inside) - 1e-6).all()
            path = hf.path_of(field, found, found.years)
            assert 0.0 < path.holds_from <= 0.5 * field.lines.price
            assert path.slack_usd < 0.0


def test_one_lot_less_breaks_the_floor() -> None:
    field = field_of()
    found = hf.search(field, chains()[7], ("put",))[0]
    grid = field.grid([])
    less = hf.Found(**{**_plain(found), "size": found.size - field.lot})
    value = field.book.at(grid, found.years) + less.value(field.lines, grid, found.years)
    assert (value < field.floor(grid)).any()


def _plain(found: hf.Found) -> dict[str, object]:
    return {name: getattr(found, name) for name in found.__slots__}


def test_no_put_of_the_chain_is_cheaper() -> None:
    """Every strike by hand: whole lots one after another until the floor holds."""
    field, chain = field_of(), chains()[7]
    found = hf.search(field, chain, ("put",))[0]
    grid = field.grid(chain.puts.strike.tolist())
    best = np.inf
    for k in chain.puts.bought():
        strike, cash = float(chain.puts.strike[k]), float(chain.puts.buy[k])
        for lots in range(1, 200):
            size = lots * field.lot
            pays = np.maximum(strike - grid, 0.0) - cash * grid
            if (10.0 * grid + size * pays >= field.floor(grid) - 1e-7).all():
                best = min(best, size * cash * field.lines.price)
                break
    assert found.cost_usd == pytest.approx(best)


def test_the_collar_costs_put_ask_less_call_bid() -> None:
    field = field_of()
    view, _ = prepared().seen()
    desk = prepared().core.desk
    from crossmargin.margin.whatif_trades import Leg

    for chain in chains()[4:9]:
        for found in hf.search(field, chain, ("collar", "zero-cost collar")):
            put, call = found.legs
            premium = float(view.ask[put.row]) - float(view.bid[call.row])
            fees = sum(desk.fill(Leg(leg.row, leg.ratio)).fee for leg in found.legs)
            price = field.lines.price
            assert found.cost_usd == pytest.approx(found.size * (premium + fees) * price)
            if found.family == "zero-cost collar":
                assert found.cost_usd <= 1e-9
                assert found.strike_of_no_cost is not None
                assert found.strike_of_no_cost >= field.lines.items[call.row].strike
            else:
                assert field.lines.items[call.row].strike >= 1.2 * price


@pytest.mark.parametrize("book", ["holder", "perp", "sample:market-maker"])
def test_no_more_calls_are_sold_than_the_account_covers(book: str) -> None:
    field = field_of(book)
    far = np.array([1e6, 2e6])
    seen = 0
    for chain in chains(book)[4:]:
        for found in hf.search(field, chain, ("collar", "zero-cost collar")):
            value = field.book.at(far, found.years)
            for leg in found.legs:
                value = (
                    value
                    + found.size * leg.ratio * (field.lines.values([leg.row], far, found.years)[0])
                )
            assert value[1] >= value[0] - 1e-3
            seen += 1
    assert seen or book == "sample:market-maker"


def test_a_higher_floor_costs_more() -> None:
    chain = chains()[7]
    costs = []
    for floor in (0.6, 0.7, 0.8, 0.85, 0.9):
        found = hf.search(field_of(floor=floor), chain, ("put",))
        costs.append(found[0].cost_usd if found else np.inf)
    assert costs == sorted(costs)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(CENTS, CENTS), min_size=1, max_size=12),
    st.sampled_from([0.1, 1.0]),
)
def test_the_least_size_is_that_of_a_search_by_hand(
    cells: list[tuple[float, float]], lot: float
) -> None:
    gap, unit = (np.array([cell[k] for cell in cells]) for k in (0, 1))
    found = hf.least_size(gap, unit, lot)
    sizes = lot * np.arange(0, 4000)
    able = (gap[:, None] + unit[:, None] * sizes >= -1e-9).all(axis=0)
    by_hand = float(sizes[able][0]) if able.any() else None
    if found is None:
        assert by_hand is None or by_hand > 0.0
        if by_hand is not None:  # only rounding may part them
            assert (gap + unit * by_hand).min() < 1e-6
    elif found < sizes[-1]:
        assert by_hand is not None
        assert found == pytest.approx(by_hand, abs=lot + 1e-9)
        assert (gap + unit * found).min() > -1e-6


def test_a_sold_perpetual_holds_the_floor_and_counts_paid_funding_in_it() -> None:
    field = field_of()
    view, _ = prepared().seen()
    from crossmargin.decisions.hedge_chain import perpetual_of

    row = perpetual_of(field.lines, view, set(prepared().core.column))
    assert row is not None
    terms = prepared().core.desk.schedule.of(field.lines.items[row])
    found = hf.perp_short(field, view, row, terms, 60 / 365, 10.0)
    assert found is not None
    value = field.book.at(FINE, 60 / 365) + found.value(field.lines, FINE, 60 / 365)
    assert (value >= field.floor(FINE) - 1e-6).all()
    coins = found.size / field.lines.price
    assert coins == pytest.approx(8.0, abs=0.02)  # a floor of 0.8 leaves two coins of ten


def test_a_floor_in_coin_is_checked_in_coin() -> None:
    worth = worth_of("sample:retail-short-vol")
    coins = 0.5 * worth.equity_usd / worth.lines.price
    field = hf.Field(worth, 0.0, coins, 0.5, 0.2, 0.0, 0.1)
    path = hf.path_of(field, None, 60 / 365)
    grid = field.grid([])
    value = worth.at(grid, 60 / 365)
    assert path.slack_usd == pytest.approx(float((value - coins * grid).min()))


def test_the_path_is_the_worst_of_its_times() -> None:
    field = field_of(response=0.7)
    found = hf.search(field, chains()[7], ("put",))[0]
    path = hf.path_of(field, found, found.years)
    grid = field.grid([field.lines.items[leg.row].strike for leg in found.legs])
    worst = min(
        float((field.book.at(grid, s * found.years, k)
               + found.value(field.lines, grid, s * found.years, k) - field.floor(grid)).min())
        for s in (0.0, 0.25, 0.5, 0.75)
        for k in (0.0, 0.7)
    )  # fmt: skip
    assert path.marked_slack_usd == pytest.approx(worst)
