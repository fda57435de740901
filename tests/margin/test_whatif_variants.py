"""A what-if is the full recompute of the changed book, to the bit, for every model and account."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from crossmargin.conformance.world import Subject
from crossmargin.instruments.book import Book
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin import run
from crossmargin.margin.totals import account_totals
from crossmargin.margin.whatif import Prepared
from crossmargin.margin.whatif_trades import Leg
from crossmargin.margin.whatif_variants import COLUMNS
from tests.margin.accounts_before_trades import (
    CASH,
    SUBJECTS,
    account,
    market,
    prepared_for,
    trades,
)

EVERY = pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
OF_CASH = pytest.mark.parametrize("cash", CASH)


def recomputed(prepared: Prepared, book: Book) -> dict[str, float]:
    """The account's totals from a book alone: its own lines and nothing else in the table."""
    assets = np.flatnonzero(book.instruments.kind == Kind.ASSET)  # a reported equity needs its line
    used = np.unique(np.concatenate([book.column, book.orders.column, assets]))
    table = Instruments.of(book.instruments.items[k] for k in used.tolist())
    place = table.index_of()
    moved = {k: place[book.instruments.items[k].key] for k in used.tolist()}
    alone = Book.of(
        table,
        [replace(line, column=moved[line.column]) for line in book.lines],
        [replace(order, column=moved[order.column]) for order in book.orders.items],
        book.reported,
        ("a",),
    )
    base = prepared.base
    totals = account_totals(run(alone, market().view(table), base.via, base.parameters))
    return {
        "im": float(totals.im_usd[0]),
        "mm": float(totals.mm_usd[0]),
        "counted_im": float(totals.counted_im_usd[0]),
        "counted_mm": float(totals.counted_mm_usd[0]),
        "cash": float(totals.cash_usd[0]),
        "equity": float(totals.equity_usd[0]),
    }


@EVERY
@OF_CASH
@pytest.mark.parametrize("orders", [False, True], ids=["flat", "orders"])
def test_a_what_if_has_the_bits_of_the_changed_book(
    subject: Subject, cash: str, orders: bool
) -> None:
    for seed in range(4):
        book = account(subject, seed, cash, orders)
        prepared = prepared_for(subject, book)
        legs = trades(prepared, subject, seed)
        found = prepared.whatif(legs)
        changed = prepared.changed_book(legs)
        full = run(changed, prepared.base.view, subject.model, subject.parameters)
        for number in range(len(full.priced)):
            for k, name in enumerate(COLUMNS):
                ours = found.states.values[number][k, 0]
                assert ours.tobytes() == full.sheet[name][number].tobytes(), (seed, name, number)
        # The table that is around it changes no bit of the account's totals.
        alone = recomputed(prepared, changed)
        assert found.after.im_usd == alone["im"]
        assert found.after.mm_usd == alone["mm"]
        assert found.after.counted_im_usd == alone["counted_im"]
        assert found.after.equity_usd == alone["equity"]


def beyond_the_mark(prepared: Prepared, leg: Leg) -> float:
    """Dollars that the model counts a leg above its mark."""
    pool = prepared.ground.pools[prepared.ground.pool_of[leg.column]]
    part = pool.priced.pool.instruments
    local = pool.local[leg.column]
    if part.kind[local] != Kind.OPTION:
        return 0.0
    mark = part.multiplier[local] * pool.priced.view.mark[local]
    above = float(pool.priced.option_value[local] - mark)
    return leg.size * above * prepared.ground.usd_of(leg.column)


@EVERY
@OF_CASH
def test_equity_changes_by_the_gain_against_the_mark_less_the_fee(
    subject: Subject, cash: str
) -> None:
    """Whatever the model counts and the book knows; what no balance takes is told apart.

    A model may count an option at its own value instead of the mark; the gain is then against it.
    """
    for seed in range(8):
        prepared = prepared_for(subject, account(subject, seed, cash))
        for leg in trades(prepared, subject, seed, 4):
            found = prepared.whatif([leg])
            if cash == "nothing":
                assert found.verdict.status == "cash_unknown"
                continue
            gain = found.day_one_usd - found.fees_usd
            gain += 0.0 if cash == "reported" else beyond_the_mark(prepared, leg)
            unbooked = found.states.unbooked or ()
            rates = [pool.priced.usd_per_unit for pool in prepared.ground.pools]
            booked = gain - sum(
                float(each[0]) * rate for each, rate in zip(unbooked, rates, strict=False)
            )
            change = found.after.equity_usd - found.before.equity_usd
            scale = abs(found.before.equity_usd) + abs(found.after.im_usd)
            assert change == pytest.approx(booked, abs=1e-9 * scale), (seed, leg)


@EVERY
def test_many_variants_in_one_call_have_the_bits_of_each_alone(subject: Subject) -> None:
    prepared = prepared_for(subject, account(subject, 5, "balances and entries", orders=True))
    legs = [trades(prepared, subject, seed, 1 + seed % 3) for seed in range(24)]
    fills = [[prepared.fill(leg) for leg in each] for each in legs]
    together = prepared.ground.evaluate(fills)
    for v, own in enumerate(fills):
        alone = prepared.ground.evaluate([own])
        for whole, single in zip(together.values, alone.values, strict=True):
            assert np.ascontiguousarray(whole[:, v]).tobytes() == single[:, 0].tobytes()
        assert together.at_least[v] == alone.at_least[0]


@EVERY
def test_order_and_splitting_of_legs_change_no_bit(subject: Subject) -> None:
    prepared = prepared_for(subject, account(subject, 2, "balances"), fee=0.0)
    first, second, third = trades(prepared, subject, 8)
    whole = prepared.whatif([first, second, third]).after
    assert prepared.whatif([third, first, second]).after == whole
    half = [Leg(first.column, part, first.price) for part in (0.5 * first.size, 0.5 * first.size)]
    split = prepared.whatif([*half, second, third]).after
    assert split.im_usd == pytest.approx(whole.im_usd, rel=1e-12)


def test_a_trade_and_its_reverse_leave_the_account(subject: Subject = SUBJECTS[0]) -> None:
    prepared = prepared_for(subject, account(subject, 3, "balances"), fee=0.0)
    for leg in trades(prepared, subject, 3, 4):
        back = Leg(leg.column, -leg.size, leg.price)
        found = prepared.whatif([leg, back])
        assert found.after.im_usd == pytest.approx(found.before.im_usd, rel=1e-12)
        assert math.isclose(found.after.equity_usd, found.before.equity_usd, rel_tol=1e-12)


def test_assets_follow_the_first_pool_that_the_account_trades_in() -> None:
    """An account of ETH alone that buys BTC under a model of pools that share one cash."""
    subject = next(each for each in SUBJECTS if each.name == "derive-pm2")
    book = account(subject, 1, "balances")
    items = book.instruments.items
    eth = [line for line in book.lines if items[line.column].underlying != "BTC"]
    prepared = prepared_for(subject, Book.of(book.instruments, eth, (), None, ("a",)))
    btc = next(k for k, i in enumerate(items) if i.underlying == "BTC" and i.strike > 0.0)
    leg = Leg(btc, -1.0, 900.0)
    found = prepared.whatif([leg])
    changed = prepared.changed_book([leg])
    full = run(changed, prepared.base.view, subject.model, subject.parameters)
    for number in range(2):
        ours = found.states.values[number][COLUMNS.index("cash"), 0]
        assert ours == full.sheet["cash"][number]
    assert full.sheet["cash"][0] != 0.0


def test_a_trade_lies_behind_the_walls_that_the_account_chose() -> None:
    """A contract that the account moved to the second bucket is traded there."""
    subject = next(each for each in SUBJECTS if each.name == "hybrid")
    book = account(subject, 3, "balances and entries")
    traded = next(k for k in book.column.tolist() if book.instruments.kind[k] != Kind.ASSET)
    name = book.instruments.items[traded].native_id
    moved = replace(book, choices={f"bucket:{name}": np.array([2.0])})
    own = [Leg(traded, 1.0, float(market().view(book.instruments).mark[traded]))]
    for each, bucket in ((book, 0), (moved, 1)):
        prepared = prepared_for(subject, each)
        assert prepared.ground.pool_of[traded] == bucket
        found = prepared.whatif(own)
        changed = prepared.changed_book(own)
        full = run(changed, prepared.base.view, subject.model, subject.parameters)
        for number in range(len(full.priced)):
            for k, column in enumerate(COLUMNS):
                ours = found.states.values[number][k, 0]
                assert ours.tobytes() == full.sheet[column][number].tobytes(), (bucket, number)
