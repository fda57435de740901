"""The tiles against whole-account revaluation, kept or made anew, with orders and alone."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from crossmargin.conformance.world import random_lines, random_orders
from crossmargin.core.arrays import frozen
from crossmargin.core.errors import ModelError
from crossmargin.instruments.book import Line
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.families import var_table
from crossmargin.margin.families.var_table import (
    Lines,
    ScenarioTable,
    chunks,
    funding,
    linear_rows,
    option_units,
    option_values,
    passed_years,
    scenario_table,
    values_now,
    vol_scale,
)
from crossmargin.margin.families.whole_account import (
    DollarMarket,
    dollar_market,
    dollar_risk,
    fills_in_dollars,
    priced_account,
    scenario_set,
)
from tests.margin.families.var_books import (
    block,
    numbers,
    place,
    pool_of,
    random_moves,
    table_of,
    world,
)

GIVEN = numbers("var-historical", horizon__days=2.0)
SEEN = world()
MOVES = random_moves(700)


def market() -> DollarMarket:
    return dollar_market(pool_of(SEEN, GIVEN), SEEN.view)


def risk_of(table: ScenarioTable, at: DollarMarket) -> np.ndarray:
    """[I, S] dollars by the revaluation that other models use, funding added."""
    moves = table.moves
    factor = {c: np.exp(moves.log_price[k]) for k, c in enumerate(moves.names)}
    days = at.years * 365.0
    power = np.where(
        days <= 30.0, GIVEN.number("moves.vol_power_short"), GIVEN.number("moves.vol_power_long")
    )
    scale = (30.0 / np.maximum(days, GIVEN.number("moves.vol_days_floor"))) ** power
    coin = [moves.names.index(key[0]) for key in at.part.expiries]
    limit = GIVEN.number("moves.vol_limit_log")
    vols = np.exp(np.clip(moves.log_vol[coin] * scale[:, None], -limit, limit))
    labels = tuple(str(s) for s in range(len(moves)))
    scenarios = scenario_set(at, labels, factor, vols, passed_years=2.0 / 365.0)
    pnl = dollar_risk(at, scenarios).scenario_pnl().copy()
    for k, item in enumerate(at.part.items):
        if item.kind is Kind.PERPETUAL:
            size = item.multiplier * float(at.view.mark[k]) * float(at.settle_usd[k])
            if item.inverse:
                size = item.multiplier / float(at.view.mark[k]) * float(at.index_usd[k])
            pnl[k] -= size * 0.0001 * 3.0 * 2.0
    return pnl


def test_every_position_is_worth_what_the_whole_account_revaluation_says() -> None:
    table = table_of(SEEN, MOVES, GIVEN)
    pnl = risk_of(table, market())
    lines = random_lines(SEEN, 4, 12)
    held = block(SEEN, GIVEN, lines)
    found, none = table.vectors(Lines.of_book(held))
    assert none is None
    for a in range(len(held.row) - 1):
        span = slice(int(held.row[a]), int(held.row[a + 1]))
        expected = held.quantity[span] @ pnl[held.column[span]]
        gross = np.abs(held.quantity[span]) @ np.abs(pnl[held.column[span]])
        assert (np.abs(found[a] - expected) <= 1e-9 * (gross + 1.0)).all()


def test_forwards_partly_fixed_move_by_their_free_part() -> None:
    fixed = 0.4 * SEEN.view.forward
    view = replace(
        SEEN.view, forward=frozen(SEEN.view.forward - fixed, np.float64),
        forward_settled=frozen(fixed, np.float64),
    )  # fmt: skip
    seen = replace(SEEN, view=view)
    table = table_of(seen, MOVES, GIVEN)
    at = dollar_market(pool_of(seen, GIVEN), view)
    pnl = risk_of(table, at)
    rows = np.array([k for k, i in enumerate(at.part.items) if i.kind is Kind.OPTION])
    lines = [Line(f"a{k}", int(k), 1.0) for k in rows]
    found, _ = table.vectors(Lines.of_book(block(seen, GIVEN, lines)))
    assert np.abs(found - pnl[rows]).max() <= 1e-7


def test_kept_or_made_anew_the_bits_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = table_of(SEEN, MOVES, GIVEN)
    monkeypatch.setattr(var_table, "KEPT_BYTES", 0)
    anew = table_of(SEEN, MOVES, GIVEN)
    assert kept.kept is not None
    assert anew.kept is None
    lines = Lines.of_book(block(SEEN, GIVEN, random_lines(SEEN, 6, 15)))
    assert kept.vectors(lines)[0].tobytes() == anew.vectors(lines)[0].tobytes()
    one, _ = lines.part(3, 4)
    assert anew.vectors(one)[0][0].tobytes() == kept.vectors(lines)[0][3].tobytes()
    assert anew.rows_in(lines, None) > 0
    assert kept.rows_in(lines, None) == 0


def test_a_streamed_book_holds_its_vector_and_a_tile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(var_table, "KEPT_BYTES", 0)
    moves = random_moves(60_000)
    table = table_of(SEEN, moves, GIVEN)
    options = len(table.options)
    lines = Lines.of_book(block(SEEN, GIVEN, [Line("a", int(k), 1.0) for k in table.options]))
    table.vectors(lines)
    tracemalloc.start()
    table.vectors(lines)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert options * 60_000 * 8 > 90e6
    assert peak < 60_000 * 8 + 12 * options * var_table.TILE * 8


def test_positions_add_up_to_their_account() -> None:
    table = table_of(SEEN, MOVES, GIVEN)
    lines = Lines.of_book(block(SEEN, GIVEN, random_lines(SEEN, 8, 12)))
    one, _ = lines.part(11, 12)
    chosen = np.array([650, 3, 255, 256, 3], np.int64)
    gains = table.of_positions(one, chosen)
    whole, _ = table.vectors(one)
    gross = np.abs(gains).sum(axis=0) + 1.0
    assert (np.abs(gains.sum(axis=0) - whole[0, chosen]) <= 1e-9 * gross).all()


def test_fills_take_the_least_that_they_can(monkeypatch: pytest.MonkeyPatch) -> None:
    lines, orders = random_lines(SEEN, 9, 10), random_orders(SEEN, 9, 10)
    held = block(SEEN, GIVEN, lines, orders)
    at = market()
    priced = priced_account(at, pool_of(SEEN, GIVEN), None, None, {}, {})
    fills = fills_in_dollars(priced, held)
    assert fills is not None
    table = table_of(SEEN, MOVES, GIVEN)
    base, least = table.vectors(Lines.of_book(held), Lines.of_fills(fills, at), fills.gain)
    assert least is not None
    pnl = risk_of(table, at)

    def moved(m: int) -> np.ndarray:
        """The fill, and its premium in coin where that makes it worse."""
        item = at.part.items[int(fills.column[m])]
        own = fills.size[m] * pnl[fills.column[m]]
        if item.kind is Kind.OPTION and item.settle == item.underlying:
            own = own + np.minimum(fills.cash[m] * pnl[place(SEEN, item.settle)], 0.0)
        return np.asarray(own)

    assert any(i.kind is Kind.OPTION and i.inverse for i in
               (at.part.items[c] for c in fills.column.tolist()))  # fmt: skip
    for a in range(len(held.row) - 1):
        expected = base[a].copy()
        for m in range(int(fills.row[a]), int(fills.row[a + 1])):
            expected += np.minimum(moved(m) + fills.gain[m], 0.0)
        assert np.abs(expected - least[a]).max() <= 1e-9 * (np.abs(base[a]).max() + 1e6)
    where = np.argmin(least, axis=1)
    kept = table.losing(Lines.of_fills(fills, at), fills.gain, where)
    for m in range(len(fills)):
        a = int(np.searchsorted(fills.row, m, side="right")) - 1
        move = float(moved(m)[where[a]]) + float(fills.gain[m])
        assert bool(kept[m]) is bool(move < 0.0)
    monkeypatch.setattr(var_table, "KEPT_BYTES", 0)
    anew = table_of(SEEN, MOVES, GIVEN)
    again = anew.vectors(Lines.of_book(held), Lines.of_fills(fills, at), fills.gain)[1]
    assert again is not None
    assert again.tobytes() == least.tobytes()
    assert (anew.losing(Lines.of_fills(fills, at), fills.gain, where) == kept).all()


def test_what_the_horizon_takes_is_in_the_profit_of_no_move() -> None:
    still = random_moves(8)
    zero = frozen(np.zeros((2, 8)), np.float64)
    table = table_of(SEEN, replace(still, log_price=zero, log_vol=zero), GIVEN)
    options = [k for k, i in enumerate(SEEN.instruments.items) if i.kind is Kind.OPTION]
    held = block(SEEN, GIVEN, [Line(f"a{k}", k, 1.0) for k in options])
    theta, _ = table.vectors(Lines.of_book(held))
    assert (theta <= 1e-9).all()
    assert theta.min() < -1.0
    short = place(SEEN, "BTC_USDC-0.75-64000-C")  # it expires inside the horizon: worth its payoff
    expiry = int(SEEN.instruments.expiry[short])
    pays = max(float(SEEN.view.forward[expiry]) - 64_000.0, 0.0)
    own = float(theta[options.index(short), 0]) / 0.9995
    assert own + float(values_now(market(), np.array([short], np.int32))[0]) == pytest.approx(pays)


def test_a_long_pays_funding_where_it_is_counted() -> None:
    at = market()
    _, unit = linear_rows(at, {"BTC": 0, "ETH": 1}, 0)
    paid = funding(at, unit, GIVEN)
    perpetual = place(SEEN, "BTC_USDC-PERPETUAL")
    assert paid[perpetual] == pytest.approx(-64_000.0 * 1.0004 * 0.9995 * 0.0001 * 6.0)
    inverse = place(SEEN, "BTC_BTC-PERPETUAL")
    assert paid[inverse] == pytest.approx(-1.0 / 1.0004 * 0.0006)
    left = funding(at, unit, numbers("var-historical", form__funding="left_out"))
    assert not left.any()


def test_units_and_scales() -> None:
    at = market()
    rows = np.array([place(SEEN, "BTC_BTC-30-64000-C"), place(SEEN, "BTC_USDC-30-64000-C")])
    rows = rows.astype(np.int32)
    ahead = float(at.forward[at.part.expiry[rows[0]]])
    assert option_units(at, rows) == pytest.approx([64_000.0 / ahead, 0.9995])
    assert passed_years(GIVEN) == 2.0 / 365.0
    scale = vol_scale(GIVEN, np.array([30.0, 7.5, 0.1]) / 365.0)
    assert scale == pytest.approx([1.0, 4.0**0.58, 30.0**0.58])
    out = np.empty((2, 8))
    wide = np.ones((1, 8))
    option_values(at, rows, at.forward[:, None] * wide, np.sqrt(at.years)[:, None] * wide, out)
    assert (out[:, 0] == values_now(at, rows)).all()


def test_moves_are_cut_at_the_stated_limits() -> None:
    wild = random_moves(16)
    wild = replace(wild, log_price=frozen(wild.log_price * 1e6, np.float64))
    table = table_of(SEEN, wild, GIVEN)
    assert np.abs(table.log_price).max() == GIVEN.number("moves.price_limit_log")


def test_too_many_accounts_are_refused_with_the_number_that_fits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(var_table, "KEPT_BYTES", 0)
    monkeypatch.setattr(var_table, "CELLS", 1400)
    monkeypatch.setattr(var_table, "WORK_MAX", 3e5)
    table = table_of(SEEN, MOVES, GIVEN)
    lines = Lines.of_book(block(SEEN, GIVEN, random_lines(SEEN, 6, 20)))
    with pytest.raises(ModelError, match="size_too_large") as caught:
        chunks(table, lines, None)
    assert "accounts at a time" in caught.value.limit
    few, _ = lines.part(0, 2)
    assert chunks(table, few, None) == [(0, 2)]


def test_a_table_of_other_coins_stands_still() -> None:
    moves = replace(MOVES, names=("BTC", "SOL"))
    table = scenario_table(market(), moves, GIVEN)
    eth = [k for k, i in enumerate(SEEN.instruments.items) if i.underlying == "ETH"]
    future = next(k for k in eth if SEEN.instruments.items[k].kind is Kind.FUTURE)
    assert table.row[future] == -1
