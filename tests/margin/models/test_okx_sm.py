"""OKX standard margin of options: shorts by the published formula, orders, what is refused."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from crossmargin.core.errors import ModelError
from crossmargin.instruments.book import Book, Line, Order
from crossmargin.margin import Bound, Parameters, Requirement, model_named, parameters_for, run
from crossmargin.margin.parameter_files import overlay
from tests.vectors.building import (
    Dated,
    Facts,
    Instruments,
    Quote,
    asset,
    delta_one,
    option,
    view_of,
)

MODEL = model_named("okx-sm")
NOW_MS = 1_780_000_000_000
EXPIRY_MS = NOW_MS + 20 * 86_400_000
FORWARD, INDEX = 100_000.0, 99_000.0
MARKS = {"call": 0.03, "put": 0.02, "deep": 1.5, "usd call": 3_000.0, "usd deep": 200_000.0}
TERMS = {"underlying": "BTC", "settle": "BTC", "inverse": True}
DOLLARS = {"underlying": "BTC", "quote": "USDC"}


def table() -> Instruments:
    return Instruments.of(
        [
            option("okx", "call", 1, 110_000.0, EXPIRY_MS, **TERMS),
            option("okx", "put", -1, 80_000.0, EXPIRY_MS, **TERMS),
            option("okx", "deep", -1, 250_000.0, EXPIRY_MS, **TERMS),
            option("okx", "usd call", 1, 110_000.0, EXPIRY_MS, **DOLLARS),
            option("okx", "usd deep", -1, 300_000.0, EXPIRY_MS, **DOLLARS),
            asset("okx", "BTC"),
            asset("okx", "USDC"),
        ]
    )


def margined(
    held: dict[str, float],
    orders: list[tuple[str, float, float]] | None = None,
    parameters: Parameters | None = None,
) -> Requirement:
    rows = table()
    facts = Facts(
        NOW_MS,
        {("BTC", "USD"): INDEX, ("BTC", "USDC"): INDEX},
        {"BTC": INDEX, "USD": 1.0, "USDC": 1.0},
        {EXPIRY_MS: Dated(FORWARD, EXPIRY_MS - NOW_MS)},
        {name: Quote(mark, 0.5) for name, mark in MARKS.items()},
    )
    place = {item.native_id: k for k, item in enumerate(rows.items)}
    made = [
        Order("a", place[name], 1 if size > 0 else -1, abs(size), limit)
        for name, size, limit in orders or []
    ]
    book = Book.of(rows, [Line("a", place[n], q) for n, q in held.items()], made)
    return run(book, view_of(rows, facts), MODEL, parameters or parameters_for(MODEL, NOW_MS))


def levels(found: Requirement, pool: str) -> tuple[float, float]:
    labels = [found.plan.pools[k].label for k in found.sheet.pool.tolist()]
    row = labels.index(pool)
    return float(found.sheet["im"][row]), float(found.sheet["mm"][row])


@pytest.mark.parametrize(
    ("name", "pool", "im", "mm"),
    [
        ("call", "BTC", 0.10 + 0.03, 0.03 + 0.03),  # 10 % out: 0.15 - 0.1 is below the least
        ("put", "BTC", 0.10 + 0.02, 0.03 + 0.02),
        ("deep", "BTC", 0.15 + 1.5, 0.03 * 1.5 + 1.5),  # the share of the mark binds
        ("usd call", "USDC", 0.10 * INDEX + 3_000.0, 0.03 * INDEX + 3_000.0),
        ("usd deep", "USDC", 0.15 * INDEX + 200_000.0, 0.03 * 200_000.0 + 200_000.0),
    ],
)
def test_a_short_of_one(name: str, pool: str, im: float, mm: float) -> None:
    found = margined({name: -1.0})
    assert levels(found, pool) == pytest.approx((im, mm), rel=1e-12)
    assert found.bound is Bound.AT_LEAST
    assert levels(margined({name: 1.0}), pool) == (0.0, 0.0)
    assert margined({name: 1.0}).bound is Bound.VALUE


def test_the_example_of_a_reader_in_the_second_tier() -> None:
    """[max(0.1, 0.15 - 100/5900) x 1.02 + 0.0575] x 0.1 of a call 100 dollars out of the money."""
    told = overlay(parameters_for(MODEL, NOW_MS), {"option.margin_factor": 1.02}, "tier 2")
    rows = Instruments.of([option("okx", "c", 1, 6_000.0, EXPIRY_MS, **TERMS)])
    facts = Facts(
        NOW_MS,
        {("BTC", "USD"): 5_900.0},
        {"BTC": 5_900.0, "USD": 1.0},
        {EXPIRY_MS: Dated(5_900.0, EXPIRY_MS - NOW_MS)},
        {"c": Quote(0.0575, 0.5)},
    )
    found = run(Book.of(rows, [Line("a", 0, -0.1)]), view_of(rows, facts), MODEL, told)
    assert float(found.sheet["im"][0]) == pytest.approx(0.01932, abs=5e-6)


def test_orders_by_what_they_open_and_close() -> None:
    short = 0.13
    cases = {
        ("call", -1.0, 0.02): short - 0.02,  # sold to open
        ("call", -1.0, 0.09): 0.10,  # its least
        ("call", 1.0, 0.04): 0.04,  # bought to open: its premium
    }
    for order, hold in cases.items():
        assert levels(margined({}, [order]), "BTC")[0] == pytest.approx(hold), order
    closing = margined({"call": -1.0}, [("call", 1.0, 0.15)])
    assert levels(closing, "BTC")[0] == pytest.approx(short + 0.02)
    assert levels(margined({"call": -1.0}, [("call", 1.0, 0.05)]), "BTC")[0] == short
    assert levels(margined({"call": 1.0}, [("call", -1.0, 0.05)]), "BTC")[0] == 0.0
    beyond = margined({"call": 1.0}, [("call", -3.0, 0.02)])
    assert levels(beyond, "BTC")[0] == pytest.approx(2.0 * (short - 0.02))


def test_no_subset_of_fills_needs_more_than_the_holds() -> None:
    rng = np.random.default_rng(2)
    for _ in range(60):
        held = float(rng.integers(-3, 4))
        orders = [
            ("call", float(rng.choice([-2, -1, 1, 2])), float(rng.uniform(0.005, 0.3)))
            for _ in range(4)
        ]
        im = levels(margined({"call": held, "BTC": 1.0}, orders), "BTC")[0]
        for chosen in product((0, 1), repeat=4):
            size = sum(x * yes for (_, x, _), yes in zip(orders, chosen, strict=True))
            paid = sum(x * p * yes for (_, x, p), yes in zip(orders, chosen, strict=True))
            after = levels(margined({"call": held + size, "BTC": 1.0}), "BTC")[0]
            assert after + paid <= im + 1e-12


def test_what_has_no_numbers_is_refused() -> None:
    perpetual = Instruments.of([delta_one("okx", "p", **TERMS)])
    facts = Facts(NOW_MS, {("BTC", "USD"): INDEX}, {"BTC": INDEX, "USD": 1.0})
    with pytest.raises(ModelError) as told:
        run(Book.of(perpetual, [Line("a", 0, 1.0)]), view_of(perpetual, facts), MODEL)
    assert told.value.code == "kind_not_accepted"
    other = {**TERMS, "underlying": "SOL", "settle": "SOL"}
    rows = Instruments.of([option("okx", "s", 1, 100.0, EXPIRY_MS, **other)])
    with pytest.raises(ModelError) as told:
        MODEL.plan(rows, parameters_for(MODEL, NOW_MS))
    assert (told.value.code, told.value.limit) == ("parameter_missing", "BTC, ETH")
