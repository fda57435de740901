"""Bounds of Drift accounts hold for every account, and screening keeps every answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crossmargin.conformance.world import random_book, random_orders, subject_of, world_of
from crossmargin.core.arrays import frozen
from crossmargin.instruments.book import Book
from crossmargin.instruments.contracts import Kind
from crossmargin.margin import run
from crossmargin.margin.families.exact_drift import Level
from crossmargin.margin.families.exact_drift_bounds import drift_bounds
from crossmargin.margin.families.screening import screen
from crossmargin.margin.models.drift_v2 import DriftV2
from crossmargin.margin.parameter_files import overlay
from crossmargin.margin.pools import cut
from crossmargin.market.view import View

MODEL = DriftV2()
SUBJECT = subject_of(MODEL)
# Factors of size at which premiums and discounts bind for positions of this world.
SET = overlay(
    SUBJECT.parameters,
    {
        name: 20_000
        for name in SUBJECT.parameters.entries
        if name.endswith("imf_factor") and SUBJECT.parameters.get(name)
    },
    "size binds",
)


def population(accounts: int, seed: int) -> tuple[Book, View]:
    """Random tokens and perpetuals with entry prices; cash near the maintenance requirement."""
    world = world_of(SUBJECT)
    rng = np.random.default_rng(seed)
    items = world.instruments.items
    width = len(items)
    scale = np.array([0.0 if i.underlying == "USDC" else 3e5 for i in items])
    price = np.array([64_000.0 if i.underlying == "BTC" else 1_900.0 for i in items])
    table = (rng.normal(size=(accounts, width)) * scale / price).round(6)
    table[rng.random(table.shape) < 0.3] = 0.0
    derivative = np.array([i.kind is Kind.PERPETUAL for i in items])
    entry = np.where(derivative, world.view.mark * rng.uniform(0.7, 1.3, table.shape), 0.0)
    cash = next(k for k, i in enumerate(items) if i.underlying == "USDC")

    def book(balance: np.ndarray) -> Book:
        whole = table.copy()
        whole[:, cash] = balance
        row = np.arange(accounts + 1, dtype=np.int64) * width
        columns = np.tile(np.arange(width, dtype=np.int32), accounts)
        made = Book.of_arrays(world.instruments, row, columns, whole.reshape(-1))
        known = np.tile(derivative, accounts)
        return replace(
            made,
            entry_price=frozen(entry.round(4).reshape(-1), np.float64),
            entry_known=frozen(known, np.bool_),
        )

    twap = {"USDC": 1.002, "BTC": 63_000.0, "ETH": 1_950.0}
    view = replace(world.view, reads={**world.view.reads, "usd_twap_5min": twap})
    surplus = run(book(np.zeros(accounts)), view, MODEL, SET).sheet["surplus_mm"]
    off = rng.normal(0.0, 2e4, accounts)
    off[::5] = rng.integers(-4, 5, len(off[::5])) * 1e-6
    return book((off - surplus / 0.9995).round(6)), view


@pytest.mark.parametrize("level", ["im", "mm"])
def test_the_slack_covers_every_account(level: str) -> None:
    book, view = population(1_500, seed=3)
    pool = MODEL.plan(book.instruments, SET).pools[0]
    priced = MODEL.price(pool, view, SET)
    held = cut(book, pool, 0)
    found = MODEL.bounds(priced, held, SET, level)
    assert found is not None
    sheet = MODEL.margin(priced, held, SET).sheet
    off = np.abs(found.counted - found.needed - sheet[f"surplus_{level}"])
    assert (off <= found.slack).all()
    assert np.median(found.slack / (1.0 + sheet[level])) < 2e-3


@pytest.mark.parametrize("level", ["im", "mm"])
def test_screened_answers_are_those_of_the_integers(level: str) -> None:
    book, view = population(1_500, seed=4)
    (found,) = screen(book, view, MODEL, SET, level)
    truth = run(book, view, MODEL, SET).sheet[f"surplus_{level}"] >= 0.0
    assert (found.passes == truth).all()
    assert 0 < truth.sum() < len(truth)
    if level == "mm":
        assert found.exact[::5].all()
        assert found.exact.mean() < 0.6


def test_orders_and_choices_are_left_to_the_integers() -> None:
    world = world_of(SUBJECT)
    book = random_book(SUBJECT, 5, 12)
    pool = MODEL.plan(book.instruments, SET).pools[0]
    priced = MODEL.price(pool, world.view, SET)
    chosen = replace(book, choices={"max_margin_ratio": np.zeros(12)})
    ordered = Book.of(
        world.instruments, book.lines, random_orders(world, 5, 12), accounts=book.account
    )
    for each in (chosen, ordered):
        assert drift_bounds(priced, cut(each, pool, 0), Level.INITIAL) is None
    (found,) = screen(ordered, world.view, MODEL, SET)
    assert found.exact.all()
