"""The blend by hand, the equity of a bucket, and orders behind walls."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crossmargin.conformance.world import world_of
from crossmargin.instruments.book import Book, Line, Order, Reported
from crossmargin.margin import Requirement, run
from crossmargin.margin.families.hybrid_blend import Blend
from tests.margin.netting_books import BTC, CALL, ETH, subject, with_choices


def test_blend_and_floor() -> None:
    one = Blend(np.array([100.0]), np.array([40.0]), np.array([10.0]), 0.25)
    assert one.required.tolist() == [55.0]
    assert replace(one, floor=np.array([70.0])).required.tolist() == [70.0]


def asked(
    lines: list[tuple[str, float, float | None]],
    chosen: dict[str, float],
    orders: list[tuple[str, int, float, float]] = (),
    reported: Reported | None = None,
) -> Requirement:
    found = subject("hybrid")
    world = world_of(found)
    place = {item.native_id: k for k, item in enumerate(world.instruments.items)}
    held = [Line("a", place[n], q, p) for n, q, p in lines]
    resting = [Order("a", place[n], side, size, limit) for n, side, size, limit in orders]
    made = with_choices(Book.of(world.instruments, held, resting, reported), chosen)
    return run(made, world.view, found.model, found.parameters)


def equities(found: Requirement) -> list[float]:
    return [float(x) for x in found.sheet["equity"]]


def test_profit_since_entry_lies_with_its_bucket() -> None:
    lines = [("USDC", 1000.0, None), (BTC, 1.0, 60_000.0), (ETH, 10.0, 2_000.0)]
    found = asked(lines, {f"bucket:{ETH}": 4.0, "posted:own": 300.0})
    core, _, _, own = equities(found)
    assert core == pytest.approx(999.5 - 300.0)  # bitcoin's profit is settled in the balance
    assert own == pytest.approx(300.0 + 10.0 * (1_900.0 * 1.0004 - 2_000.0) * 0.9995)


def test_an_option_paid_for_by_its_bucket() -> None:
    found = asked([("USDC", 1e5, None), (CALL, 1.0, 2_000.0)], {f"bucket:{CALL}": 2.0})
    row = 1
    mark = float(found.view.mark[found.book.column[found.book.column > 1][0]])
    assert equities(found)[row] == pytest.approx((mark - 2_000.0) * 0.9995)
    value = float(found.sheet["option_value"][row])
    counted = float(found.sheet["counted_im"][row])
    assert counted == pytest.approx(-2_000.0 * 0.9995 + 0.5 * value)  # by the model's weight


def test_what_a_venue_reports_is_the_cores() -> None:
    said = Reported(equity={("a", "USDC"): 5_000.0})
    lines = [("USDC", 1000.0, None), (ETH, 10.0, 2_000.0), (CALL, 1.0, None)]
    chosen = {f"bucket:{ETH}": 4.0, f"bucket:{CALL}": 4.0, "posted:own": 100.0}
    found = asked(lines, chosen, reported=said)
    assert equities(found)[0] == pytest.approx(5_000.0 * 0.9995 - 100.0)
    assert equities(found)[3] == pytest.approx(100.0)


def test_an_order_lies_where_its_contract_does() -> None:
    lines, orders = [("USDC", 1e6, None), (BTC, 1.0, None)], [(ETH, 1, 10.0, 1_900.0)]
    plain = asked(lines, {}, orders).sheet["order_margin"]
    moved = asked(lines, {f"bucket:{ETH}": 2.0}, orders).sheet["order_margin"]
    assert plain[0] > 0.0
    assert plain[1:].tolist() == [0.0] * 3
    assert moved[0] == 0.0
    assert moved[1] > plain[0]  # the bucket of lesser coins charges more
