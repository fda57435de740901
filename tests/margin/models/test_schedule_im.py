"""``schedule-im`` on books of coins: by hand, against the schedule's own list of trades, orders."""

from __future__ import annotations

from typing import Any

import pytest

from crossmargin.conformance.world import SPOT, world_of
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.families.schedule_grid import (
    ScheduleTrade,
    schedule_margin,
    schedule_of,
)
from crossmargin.margin.model import Details
from crossmargin.margin.pools import cut
from tests.margin.models.whole_books import column, margined, population, stage, subject

USDC = 0.9995
BTC = "BTC_USDC-PERPETUAL"
CALL, PUT = "BTC_USDC-30-64000-C", "BTC_USDC-30-64000-P"
MARK = SPOT["BTC"] * 1.0004
INDEX = SPOT["BTC"] * USDC  # of contracts quoted in the stablecoin


def value(name: str) -> float:
    chosen = subject("schedule-im")
    return float(world_of(chosen).view.mark[column(name, chosen)]) * USDC


def im(held: dict[str, float], **changes: Any) -> float:
    return float(margined("schedule-im", held, **changes).sheet["im"][0])


def test_a_future_without_value_is_not_eased() -> None:
    assert im({BTC: 2.0}) == pytest.approx(0.15 * 2.0 * INDEX)
    assert im({BTC: -2.0}, reading__no_value="zero") == pytest.approx(0.4 * 0.15 * 2.0 * INDEX)


def test_no_offset_between_contracts() -> None:
    held = {BTC: 2.0, "BTC_USDC-30": -2.0, "BTC": 5.0}
    assert im(held) == pytest.approx(0.15 * 4.0 * INDEX)  # coins held are no derivative


def test_net_to_gross_of_the_side_that_collects() -> None:
    held = {CALL: -3.0, PUT: 2.0}
    owed, owned = 3.0 * value(CALL), 2.0 * value(PUT)
    assert owed > owned
    gross = 0.15 * 5.0 * INDEX
    posted = (0.4 + 0.6 * (owed - owned) / owed) * gross
    assert im(held) == pytest.approx(posted)
    assert im(held, form__side="call") == pytest.approx(0.4 * gross)  # nothing is owed, net


def test_profit_of_a_future_is_value_where_its_entry_is_known() -> None:
    entry = {BTC: MARK + 1_000.0}  # bought dearer: 1,000 a coin are owed
    held = {BTC: 2.0, PUT: 1.0}
    found = margined("schedule-im", held, entries=entry)
    owed, owned = 2.0 * 1_000.0 * USDC, value(PUT)
    ratio = max(owed - owned, 0.0) / owed
    gross = 0.15 * 3.0 * INDEX
    assert float(found.sheet["net_to_gross"][0]) == pytest.approx(ratio)
    assert float(found.sheet["im"][0]) == pytest.approx((0.4 + 0.6 * ratio) * gross)


def test_another_class_for_coins() -> None:
    assert im({BTC: 2.0}, crypto__class="fx") == pytest.approx(0.06 * 2.0 * INDEX)
    dated = {"BTC_USDC-206": 1.0}
    assert im(dated, crypto__class="rates") == pytest.approx(0.01 * INDEX)


@pytest.mark.parametrize("seed", [1, 2])
def test_against_a_list_of_trades(seed: int) -> None:
    found = population("schedule-im", seed)
    _, priced, _ = stage(found)
    view, items = priced.view, priced.pool.instruments.items
    schedule = schedule_of(found.parameters)
    for row in range(len(found.sheet)):
        held = cut(found.book.rows(row, row + 1), found.plan.pools[0], row)
        trades = []
        for k, size in zip(held.column.tolist(), held.quantity.tolist(), strict=True):
            item, mark = items[k], float(view.mark[k])
            if item.kind is Kind.ASSET:
                continue
            unit = 1.0 if item.inverse else USDC
            spot = SPOT[item.underlying] * unit
            turned = item.inverse and item.kind is not Kind.OPTION
            coins = item.multiplier / mark if turned else item.multiplier
            worth = 0.0
            if item.kind is Kind.OPTION:
                worth = (
                    size
                    * item.multiplier
                    * mark
                    * (SPOT[item.underlying] if item.inverse else USDC)
                )
            trades.append(ScheduleTrade("other", 0.1, size * coins * spot, worth))
        expected = schedule_margin(trades, schedule, "post")
        assert float(found.sheet["mm"][row]) == pytest.approx(expected.margin, rel=1e-9, abs=1e-9)


def test_orders_grow_the_gross_and_may_undo_the_easing() -> None:
    more = margined("schedule-im", {BTC: 2.0}, [(BTC, 1, 1.0, MARK), (BTC, -1, 1.0, MARK)])
    assert float(more.sheet["im"][0]) == pytest.approx(0.15 * 3.0 * INDEX)
    eased = {CALL: -3.0, PUT: 2.0}
    sold = margined("schedule-im", eased, [(CALL, -1, 1.0, value(CALL) / USDC)])
    ratio = (4.0 * value(CALL) - 2.0 * value(PUT)) / (4.0 * value(CALL))
    assert float(sold.sheet["im"][0]) == pytest.approx((0.4 + 0.6 * ratio) * 0.15 * 6.0 * INDEX)
    assert float(sold.sheet["mm"][0]) == pytest.approx(im(eased))


def test_details_add_up() -> None:
    found = margined("schedule-im", {CALL: -3.0, PUT: 2.0, "BTC": 1.0})
    model, priced, held = stage(found)
    assert isinstance(model, Details)
    (table,) = model.details(priced, held, found.parameters)
    assert len(table.rows) == 2
    total = sum(float(row[3] or 0.0) for row in table.rows)
    assert total == pytest.approx(float(found.sheet["gross_margin"][0]))
    assert [row[2] for row in table.rows] == [pytest.approx(0.15)] * 2
