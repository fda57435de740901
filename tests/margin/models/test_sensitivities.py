"""The sensitivities model on books: the sheet's sums, orders, what it says beside the sheet."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from crossmargin.conformance.world import (
    one_account,
    quantity,
    random_book,
    subject_of,
    world_of,
)
from crossmargin.instruments.book import Book, Line, Order
from crossmargin.instruments.contracts import Kind
from crossmargin.margin import run
from crossmargin.margin.details import details_of
from crossmargin.margin.model import Requirement
from crossmargin.margin.parameter_files import overlay
from crossmargin.margin.register import model_named

SUBJECT = subject_of(model_named("sensitivities"))
BTC_USD = 64_000.0 * 0.9995  # an index in USDC, in dollars


def margined(held: dict[str, float], **changes: object) -> Requirement:
    book, world = one_account(SUBJECT, held)
    parameters = overlay(SUBJECT.parameters, changes, "test") if changes else SUBJECT.parameters
    return run(book, world.view, SUBJECT.model, parameters)


def name_of(kind: Kind, coin: str = "BTC", inverse: bool = False, right: int = 0) -> str:
    items = world_of(SUBJECT).instruments.items
    return next(
        i.native_id
        for i in items
        if (i.kind, i.underlying, i.inverse, i.right) == (kind, coin, inverse, right)
    )


def test_one_future_by_hand() -> None:
    perp = name_of(Kind.PERPETUAL)
    found = margined({perp: 2.0}).sheet
    assert found["delta"][0] == pytest.approx(2.0 * BTC_USD * 0.232, rel=1e-12)
    assert found["im"][0] == found["delta"][0]
    assert found["mm"][0] == pytest.approx(0.75 * found["delta"][0], rel=1e-15)
    eth = name_of(Kind.PERPETUAL, "ETH")
    hedged = margined({perp: 2.0, eth: -2.0 * 64_000.0 / 1_900.0 * 0.232 / 0.36}).sheet
    one = found["delta"][0]
    assert hedged["delta"][0] == pytest.approx(one * (2.0 - 2.0 * 0.81) ** 0.5, rel=1e-9)


def test_long_coins_hedge_short_contracts() -> None:
    found = margined({"BTC": 3.0, name_of(Kind.PERPETUAL): -3.0 / 0.9995}).sheet
    assert found["delta"][0] == pytest.approx(0.0, abs=1e-6)
    assert found["equity"][0] == pytest.approx(3.0 * 64_000.0)


def test_short_gamma_costs_and_long_gamma_does_not() -> None:
    call = name_of(Kind.OPTION, right=1)
    short, long = margined({call: -5.0}).sheet, margined({call: 5.0}).sheet
    assert short["curvature"][0] > 0.0
    assert long["curvature"][0] == 0.0
    assert short["vega"][0] == long["vega"][0] > 0.0


def test_choices_change_the_answer() -> None:
    held = {name_of(Kind.PERPETUAL): 2.0, name_of(Kind.OPTION, right=-1): -4.0}
    im = [
        float(margined(held, **{"calibration.set": name}).sheet["im"][0])
        for name in ("one_day", "ten_day", "extension")
    ]
    assert im[0] < im[1] < im[2]


def test_population_is_its_accounts() -> None:
    book, world = random_book(SUBJECT, 21, 30), world_of(SUBJECT)
    whole = run(book, world.view, SUBJECT.model, SUBJECT.parameters, block=7).sheet
    for a in range(0, 30, 7):
        alone = run(book.rows(a, a + 1), world.view, SUBJECT.model, SUBJECT.parameters).sheet
        assert [v.tobytes() for v in alone.values] == [v[a : a + 1].tobytes() for v in whole.values]


def test_two_sided_quotes_cost_less_than_their_sum() -> None:
    world = world_of(SUBJECT)
    rows = {item.native_id: k for k, item in enumerate(world.instruments.items)}
    perp = rows[name_of(Kind.PERPETUAL)]
    mark = float(world.view.mark[perp])
    quotes = [Order("a", perp, side, 1.0, mark) for side in (1, -1)]
    needs = []
    for orders in (quotes, quotes[:1]):
        book = Book.of(world.instruments, [Line("a", rows["USDC"], 1e5)], orders)
        needs.append(float(run(book, world.view, SUBJECT.model, SUBJECT.parameters).sheet["im"][0]))
    assert needs[0] == pytest.approx(needs[1], rel=1e-12)
    assert needs[1] == pytest.approx(BTC_USD * 0.232, rel=1e-9)


def test_tables_beside_the_sheet() -> None:
    call = name_of(Kind.OPTION, right=1)
    requirement = margined({call: -5.0, "USDC": 10.0})
    coins, tenors = details_of(requirement, 0)
    (row,) = coins.rows
    assert row[:2] == ("BTC", "BTC")
    assert row[2] == pytest.approx(0.232)
    assert row[5] > 0.0
    vega = np.array(tenors.rows[0][1:], np.float64)
    assert vega.sum() == pytest.approx(row[4])
    assert (vega != 0.0).sum() == 1
    assert [key for key, _, _ in tenors.columns[1:]] == ["d7_usd", "d30_usd", "d90_usd", "d180_usd"]


def test_no_set_of_fills_needs_more_than_the_bound() -> None:
    """Futures and options that settle in money, concentration charged: all sets of four orders."""
    world = world_of(SUBJECT)
    limits = {"threshold.BTC": 2e3, "threshold.ETH": 2e3, "vega_threshold.BTC": 1e4}
    parameters = overlay(SUBJECT.parameters, limits, "test")
    items = world.instruments.items
    rows = [k for k in world.derivatives() if not items[k].inverse]
    rng = np.random.default_rng(17)
    tight = 0
    for _ in range(25):
        held = [Line("a", k, quantity(rng, items[k])) for k in rng.choice(rows, 4, replace=False)]
        orders = [
            Order("a", k, 1 if size > 0 else -1, abs(size), max(float(world.view.mark[k]), 1e-6))
            for k in rng.choice(rows, 4).tolist()
            for size in (quantity(rng, items[k]),)
        ]
        book = Book.of(world.instruments, held, orders)
        im = float(run(book, world.view, SUBJECT.model, parameters).sheet["im"][0])
        worst = 0.0
        for chosen in product((False, True), repeat=4):
            fills = [
                Line("a", order.column, order.side * order.remaining)
                for order, yes in zip(orders, chosen, strict=True)
                if yes
            ]
            after = Book.of(world.instruments, held + fills)
            sheet = run(after, world.view, SUBJECT.model, parameters).sheet
            worst = max(worst, float(sheet["im"][0]))
        assert worst <= im * (1.0 + 1e-9)
        tight += worst > 0.6 * im
    assert tight  # a bound that is never near is no bound to rely on
