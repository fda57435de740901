"""Mango v4 through the model: accounts by hand, orders at both levels, stable prices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crossmargin.conformance.world import STABLE, Subject, subject_of, world_of
from crossmargin.instruments.book import Book, Line, Order
from crossmargin.instruments.contracts import Kind
from crossmargin.margin import Bound, Requirement, run
from crossmargin.margin.models.mango_v4 import MangoV4
from crossmargin.margin.parameter_files import overlay
from tests.margin.families.books import at_index

MODEL = MangoV4()
FULL = subject_of(MODEL)
STARTS = ("deposit_weight_scale_start", "borrow_weight_scale_start")
SET = overlay(FULL.parameters, {f"token.BTC.{name}": 0.0 for name in STARTS}, "unscaled")
SUBJECT = Subject(MODEL, SET)


def margined(
    held: dict[tuple[Kind, str], float],
    orders: tuple[tuple[Kind, str, float, float], ...] = (),
    stable: dict[str, float] | None = None,
) -> Requirement:
    world = at_index(world_of(SUBJECT))
    place = {(i.kind, i.underlying): k for k, i in enumerate(world.instruments.items)}
    lines = [Line("a", place[key], q) for key, q in held.items()]
    resting = [
        Order("a", place[kind, name], 1 if q > 0 else -1, abs(q), p) for kind, name, q, p in orders
    ]
    book = Book.of(world.instruments, lines, resting)
    view = replace(world.view, reads={**world.view.reads, "stable_price": stable or {}})
    return run(book, view, MODEL, SET)


def row(found: Requirement) -> dict[str, float]:
    return {
        c.name: float(v[0]) for c, v in zip(found.sheet.columns, found.sheet.values, strict=True)
    }


USDC, BTC, PERP = (Kind.ASSET, STABLE), (Kind.ASSET, "BTC"), (Kind.PERPETUAL, "BTC")


def test_tokens_and_borrows() -> None:
    found = row(margined({USDC: -20_000.0, BTC: 1.0}))
    assert found["counted_im"] == pytest.approx(64_000.0 * 0.8)
    assert found["im"] == pytest.approx(20_000.0 * 0.9995 * 1.1)
    assert found["counted_mm"] == pytest.approx(64_000.0 * 0.9)
    assert found["mm"] == pytest.approx(20_000.0 * 0.9995 * 1.05)
    assert found["equity"] == pytest.approx(64_000.0 - 19_990.0)


def test_a_perpetual_acts_through_its_settle_token() -> None:
    """One short coin takes 10 % of 64,000 off the balance of USDC before it is weighted."""
    found = row(margined({USDC: 10_000.0, PERP: -1.0}))
    assert found["perps_im"] == pytest.approx(-6_400.0 * 0.9995)
    assert found["counted_im"] == pytest.approx(3_600.0 * 0.9995 * 0.9)
    short = row(margined({USDC: 5_000.0, PERP: -1.0}))
    assert short["im"] == pytest.approx(1_400.0 * 0.9995 * 1.1)
    assert short["counted_im"] == 0.0


def test_orders_count_at_both_levels() -> None:
    bare = row(margined({USDC: 5_000.0, PERP: -1.0}))
    asked = row(margined({USDC: 5_000.0, PERP: -1.0}, ((*PERP, -1.0, 64_000.0),)))
    assert asked["im"] - bare["im"] == pytest.approx(6_400.0 * 0.9995 * 1.1)
    assert asked["mm"] > bare["mm"]
    bid = row(margined({USDC: 5_000.0, PERP: -1.0}, ((*PERP, 1.0, 64_000.0),)))
    assert bid["im"] == pytest.approx(bare["im"])  # it would close the position


def test_a_spot_order_reserves_and_counts_the_worse_token() -> None:
    """64,000 USDC for one coin: as USDC 0.9 of it, as a coin 0.8."""
    found = row(margined({USDC: 64_000.0}, ((*BTC, 1.0, 64_000.0),)))
    coins = 64_000.0 * 0.9995 / 64_000.0
    assert found["counted_im"] == pytest.approx(coins * 64_000.0 * 0.8)
    assert found["im"] == 0.0
    sold = row(margined({BTC: 1.0}, ((*BTC, -1.0, 64_000.0),)))
    assert sold["counted_im"] == pytest.approx(64_000.0 * 0.8)


def test_the_initial_level_takes_the_worse_of_oracle_and_stable_price() -> None:
    prices = {"USDC": 0.9995, "BTC": 60_000.0, "ETH": 1_900.0}
    found = margined({BTC: 1.0, USDC: 1.0}, stable=prices)
    assert row(found)["counted_im"] == pytest.approx(60_000.0 * 0.8 + 0.9995 * 0.9)
    assert row(found)["counted_mm"] == pytest.approx(64_000.0 * 0.9 + 0.9995 * 0.95)
    assert found.bound is Bound.VALUE
    assert margined({BTC: 1.0}).bound is Bound.AT_LEAST
    short = row(margined({USDC: 10_000.0, PERP: -1.0}, stable={**prices, "BTC": 70_000.0}))
    assert short["perps_im"] == pytest.approx((64_000.0 - 70_000.0 * 1.1) * 0.9995)


def test_weights_scale_with_the_deposits_of_all() -> None:
    """1,000 coins are worth 64 million, the start is 50: 0.8 x 50 / 64; borrows 57.6 over 40."""
    world = world_of(FULL)
    place = {(i.kind, i.underlying): k for k, i in enumerate(world.instruments.items)}
    book = Book.of(world.instruments, [Line("a", place[BTC], 1.0), Line("b", place[BTC], -1.0)])
    sheet = run(book, world.view, MODEL, FULL.parameters).sheet
    assert sheet["counted_im"][0] == pytest.approx(64_000.0 * 0.8 * 50.0 / 64.0)
    assert sheet["im"][1] == pytest.approx(64_000.0 * 1.2 * 57.6 / 40.0)
    assert np.allclose(sheet["counted_mm"][0], 64_000.0 * 0.9)
