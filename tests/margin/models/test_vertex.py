"""Vertex: the spread between spot and perpetual by hand, and against the health's own formula."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.conformance.checks import margined
from crossmargin.conformance.world import SPOT, one_account, random_book, subject_of, world_of
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.models.vertex import Vertex, spread_credit
from tests.margin.families.books import at_index

SUBJECT = subject_of(Vertex())
WORLD = at_index(world_of(SUBJECT))
W = {"im": (0.9, 1.1, 0.95, 1.05), "mm": (0.95, 1.05, 0.97, 1.03)}  # spot and perp, long and short


def row(held: dict[str, float]) -> dict[str, float]:
    found = margined(SUBJECT, one_account(SUBJECT, held)[0], WORLD).sheet
    return {c.name: float(v[0]) for c, v in zip(found.columns, found.values, strict=True)}


def test_a_perpetual_and_a_token_alone() -> None:
    assert row({"USDC": 1.0, "BTC_USDC-PERPETUAL": 2.0})["im"] == pytest.approx(2 * 64_000 * 0.05)
    assert row({"USDC": 1.0, "BTC_USDC-PERPETUAL": -2.0})["mm"] == pytest.approx(2 * 64_000 * 0.03)
    long = row({"BTC": 1.0})
    assert (long["counted_im"], long["im"]) == pytest.approx((64_000.0, 6_400.0))
    short = row({"USDC": 100_000.0, "BTC": -1.0})
    assert short["counted_im"] == pytest.approx(99_950.0 - 64_000.0)
    assert short["im"] == pytest.approx(6_400.0)


def test_spot_against_its_perpetual() -> None:
    """Existing (0.9 + 0.95) / 2 = 0.925; spread 1 - 0.05 / 5 = 0.99; 128,000 x 0.065."""
    found = row({"BTC": 1.0, "BTC_USDC-PERPETUAL": -1.0})
    assert found["spread_im"] == pytest.approx(128_000.0 * 0.065)
    assert found["im"] == pytest.approx(6_400.0 + 3_200.0 - 8_320.0)
    turned = row({"BTC": -1.0, "BTC_USDC-PERPETUAL": 1.0})
    assert turned["spread_im"] == pytest.approx(128_000.0 * (1.0 - 0.1 / 5.0 - 0.925))
    same = row({"BTC": 1.0, "BTC_USDC-PERPETUAL": 1.0})
    assert same["spread_im"] == 0.0


def test_health_is_the_contracts_sum() -> None:
    """Counted less required is quote + amount x price x weight + spreads, account by account."""
    book = random_book(SUBJECT, 12)
    found = margined(SUBJECT, book, WORLD)
    items, usdc = WORLD.instruments.items, 0.9995
    for a in range(len(book)):
        held: dict[tuple[Kind, str], float] = {}
        for j in range(int(book.row[a]), int(book.row[a + 1])):
            item = items[int(book.column[j])]
            held[item.kind, item.underlying] = float(book.quantity[j])
        for level in ("im", "mm"):
            weights = W[level]
            health = held.get((Kind.ASSET, "USDC"), 0.0) * usdc
            for coin, price in SPOT.items():
                spot, perp = (
                    held.get((Kind.ASSET, coin), 0.0),
                    held.get((Kind.PERPETUAL, coin), 0.0),
                )
                health += spot * price * weights[0 if spot > 0 else 1]
                health += perp * price * (weights[2 if perp > 0 else 3] - 1.0)  # profit is settled
                basis = min(abs(spot), abs(perp)) if spot * perp < 0 else 0.0
                other = weights[2] if spot > 0 else weights[0]
                rise = 1.0 - (1.0 - other) / 5.0 - (weights[0] + weights[2]) / 2.0
                health += basis * 2.0 * price * rise
            surplus = float(found.sheet[f"counted_{level}"][a] - found.sheet[level][a])
            assert surplus == pytest.approx(health, rel=1e-9, abs=1e-6)


def test_a_credit_needs_opposite_signs() -> None:
    found = spread_credit(
        np.array([1.0, 1.0, -2.0, 0.0]),
        np.array([1.0, -3.0, 1.0, 1.0]),
        (10.0, 10.0),
        (0.9, 0.9),
        5.0,
    )
    assert found.tolist() == pytest.approx([0.0, 20.0 * 0.08, 20.0 * 0.08, 0.0])
