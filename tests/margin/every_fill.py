"""Books with resting orders of one coin, and what every subset of the fills would need.

The subsets are accounts of their own: positions after the fills, margined without any order, less
what the fills gain against the mark. Nothing of the rules for orders is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from crossmargin.conformance.world import World, contracts, quantity, subject_of, view_of
from crossmargin.core.arrays import Bools, Floats
from crossmargin.instruments.book import Book, Line, Order
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.margin import Parameters, Requirement, model_named, run
from crossmargin.margin.parameter_files import overlay

# What each rulebook needs beside its scenarios, at nothing.
BARE: dict[str, dict[str, Any]] = {
    "deribit-spm": {
        "pair.BTC.m_inc": 0.0,
        "currency.BTC.annualised_move_risk": 0.0,
        "currency.BTC.min_annualised_move": 0.0,
    },
    "derive-pm1": {
        **{f"market.BTC.{name}_share": 0.0 for name in ("perp", "base", "option")},
        "market.BTC.basis_add_factor": 0.0,
        "market.BTC.basis_mult_factor": 0.0,
        "market.BTC.static_discount": 1.0,
        "market.BTC.rate_add": 0.0,
        "market.BTC.rate_mult": 0.0,
        "market.BTC.im_factor": 1.0,
    },
    "derive-pm2": {
        **{
            f"market.BTC.{level}_{kind}": 0.0
            for level in ("mm", "im")
            for kind in ("perp", "option")
        },
        "market.BTC.basis_add_factor": 0.0,
        "market.BTC.basis_mult_factor": 0.0,
        "market.BTC.long_static_discount": 1.0,
        "market.BTC.short_static_discount": 1.0,
        "market.BTC.long_rate_add": 0.0,
        "market.BTC.short_rate_add": 0.0,
    },
    "paradex-pm": {
        "asset.BTC.unhedged_margin_factor": 0.0,
        "asset.BTC.hedged_margin_factor": 0.0,
        "general.perp_taker_fee": 0.0,
        "general.option_taker_fee": 0.0,
        "general.funding_provision_hours": 0.0,
    },
}
BARE["deribit-xpm"] = BARE["deribit-spm"]


@dataclass(frozen=True)
class Resting:
    """Accounts of one coin with some positions and ``count`` orders each."""

    model: str
    parameters: Parameters
    world: World
    lines: list[Line]
    orders: list[Order]
    accounts: tuple[str, ...]
    count: int

    def book(self, orders: bool = True) -> Book:
        made = self.orders if orders else []
        return Book.of(self.world.instruments, self.lines, made, accounts=self.accounts)

    def margined(self, orders: bool = True) -> Requirement:
        found = run(self.book(orders), self.world.view, model_named(self.model), self.parameters)
        assert len(found.plan.pools) == 1
        return found


def resting(
    model: str,
    changes: dict[str, Any] | None,
    accounts: int,
    count: int = 12,
    seed: int = 7,
    whole: bool = False,
) -> Resting:
    """Random accounts: up to eight positions, cash, and orders within 3 % of the mark.

    In one coin and one pool, or (``whole``) in everything that a cross account can hold.
    """
    subject = subject_of(model_named(model))
    coin = [item for item in contracts(subject) if whole or _is_of_one_pool(model, item)]
    world = view_of(coin)
    rng = np.random.default_rng(seed)
    items, marks = world.instruments.items, world.view.mark.tolist()
    derivatives = [k for k in world.derivatives() if marks[k] > 0.0]
    cash = world.rows(lambda item: item.kind == Kind.ASSET)
    names = tuple(f"a{a:03d}" for a in range(accounts))
    lines, orders = [], []
    for name in names:
        lines += [Line(name, k, round(float(rng.uniform(1.0, 9.0)), 3)) for k in cash]
        held = rng.choice(derivatives, int(rng.integers(0, 9)), replace=False).tolist()
        lines += [Line(name, k, quantity(rng, items[k])) for k in held]
        some = [*rng.choice(derivatives, 7).tolist(), *held]
        for k in rng.choice(some, count).tolist():
            side = 1 if rng.random() < 0.5 else -1
            size, limit = abs(quantity(rng, items[k])), marks[k] * float(rng.uniform(0.97, 1.03))
            orders.append(Order(name, k, side, size, limit))
    parameters = subject.parameters
    if changes:
        parameters = overlay(parameters, changes, "test")
    return Resting(model, parameters, world, lines, orders, names, count)


def _is_of_one_pool(model: str, item: Instrument) -> bool:
    if model.startswith("deribit"):
        return item.settle == "BTC"
    return item.underlying in ("BTC", "USDC")


def subsets(count: int) -> Bools:
    """[2^count, count] every set of fills, the empty one first."""
    return np.array(list(product((False, True), repeat=count)), np.bool_)


def order_gains(made: Resting) -> Floats:
    """[M] gain of each order against the mark in the pool's currency, in the book's own order."""
    orders = made.book().orders
    items, view = made.world.instruments.items, made.world.view
    out = []
    for k, order in enumerate(orders.items):
        item, mark = items[order.column], float(view.mark[order.column])
        unit = mark - order.limit_price
        if item.inverse and item.kind != Kind.OPTION:
            unit = 1.0 / order.limit_price - 1.0 / mark
        usd = float(view.usd[view.instruments.settle[order.column]])
        in_dollars = made.model == "deribit-xpm"
        size = float(orders.bid[k] - orders.ask[k])
        out.append(size * item.multiplier * unit * (usd if in_dollars else 1.0))
    return np.array(out)


def needs(made: Resting, account: int, chosen: Bools, empty: bool = False) -> Floats:
    """[V] requirement after each chosen set of one account's fills, less what the fills gain.

    In cross mode the premium leaves or enters the coin balance, which is itself at risk.
    """
    book = made.book()
    span = slice(int(book.orders.row[account]), int(book.orders.row[account + 1]))
    column = book.orders.column[span]
    size = (book.orders.bid - book.orders.ask)[span]
    base = np.zeros(len(book.instruments))
    own = slice(int(book.row[account]), int(book.row[account + 1]))
    if not empty:
        base[book.column[own]] = book.quantity[own]
    table = np.tile(base, (len(chosen), 1))
    np.add.at(table.T, column, (chosen * size).T)
    if made.model == "deribit-xpm":
        items = book.instruments.items
        purse = {item.underlying: k for k, item in enumerate(items) if item.kind == Kind.ASSET}
        for m, c in enumerate(column.tolist()):
            if items[c].kind == Kind.OPTION:
                paid = size[m] * book.orders.limit_price[span][m]
                table[:, purse[items[c].settle]] -= chosen[:, m] * paid
    kept = np.flatnonzero((table != 0.0).any(axis=0))
    rows = np.arange(len(chosen) + 1) * len(kept)
    population = Book.of_arrays(
        book.instruments,
        rows,
        np.tile(kept, len(chosen)).astype(np.int32),
        np.ascontiguousarray(table[:, kept]).reshape(-1),
    )
    found = run(population, made.world.view, model_named(made.model), made.parameters)
    return np.asarray(found.sheet["im"] - chosen @ order_gains(made)[span])
