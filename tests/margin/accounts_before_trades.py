"""Accounts, markets and trades for the what-if tests, for every model and every kind of cash."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np

from crossmargin.conformance.world import (
    SPOT,
    Subject,
    World,
    quantity,
    subject_of,
    trading,
    view_of,
    world_of,
)
from crossmargin.instruments.book import Book, Line, Order, Reported
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin import ALL_MODELS, MarginModel
from crossmargin.margin.whatif import Prepared, prepare
from crossmargin.margin.whatif_trades import Leg
from crossmargin.market.snapshot import Snapshot
from crossmargin.market.view import View

# What an account says of its cash.
CASH = ("balances", "balances and entries", "entries", "nothing", "reported")
SUBJECTS = tuple(subject_of(model) for model in trading(ALL_MODELS))


class Market:
    """Stands for a snapshot: the world seen through any table; bids and asks where wanted."""

    def __init__(self, spread: float = 0.02) -> None:
        self.spread = spread
        self.asked = 0

    def view(self, instruments: Instruments, as_of_ms: int | None = None) -> View:
        """The market of the table; ``as_of_ms`` is the world's own."""
        assert as_of_ms is None
        self.asked += 1
        view = view_of(instruments.items).view
        quoted = view.mark > 0.0
        return replace(
            view,
            bid=view.mark * (1.0 - self.spread),
            ask=view.mark * (1.0 + self.spread),
            has_bid=quoted,
            has_ask=quoted,
        )


def market(spread: float = 0.02) -> Snapshot:
    """A market of the world, as the functions take it."""
    return cast("Snapshot", Market(spread))


def account(subject: Subject, seed: int, cash: str, orders: bool = False) -> Book:
    """A random account of some positions, with what it says of its cash, and orders."""
    world = world_of(subject)
    rng = np.random.default_rng(seed)
    items = world.instruments.items
    listed = world.derivatives()  # of those few, one is left free to be bought
    chosen = rng.choice(listed, min(9, len(listed) - 1), replace=False).tolist()
    lines = []
    for k in sorted(chosen):
        entry = round(float(world.view.mark[k]) * float(rng.uniform(0.7, 1.3)), 4) or 0.0005
        known = cash in ("balances and entries", "entries")
        lines.append(Line("a", k, quantity(rng, items[k]), entry if known else None))
    money = [k for k, item in enumerate(items) if item.kind == Kind.ASSET]
    reported = Reported()
    if cash.startswith("balances"):
        lines += [Line("a", k, _money(rng, items[k].underlying)) for k in money]
    if cash == "reported":
        held = sorted({items[k].settle for k in chosen})
        reported = Reported({("a", name): _money(rng, name) for name in held})
    resting = _orders(world, rng, chosen) if orders else []
    return Book.of(world.instruments, lines, resting, reported, ("a",))


def _money(rng: np.random.Generator, name: str) -> float:
    dollars = SPOT.get(name, 1.0)
    return round(float(rng.uniform(50_000.0, 400_000.0)) / dollars, 3)


def _orders(world: World, rng: np.random.Generator, held: list[int]) -> list[Order]:
    out = []
    for k in rng.choice(held, min(3, len(held)), replace=False).tolist():
        side = 1 if rng.random() < 0.5 else -1
        limit = max(float(world.view.mark[k]) * (1.0 - 0.05 * side), 1e-6)
        out.append(Order("a", k, side, abs(quantity(rng, world.instruments.items[k])), limit))
    return out


def trades(prepared: Prepared, subject: Subject, seed: int, count: int = 3) -> list[Leg]:
    """Random legs: more of a position, less, all of it, and contracts that are not held."""
    rng = np.random.default_rng(seed + 1000)
    table, mark = prepared.table, prepared.base.view.mark
    held = [k for k in world_of(subject).derivatives() if prepared.ground.position(k) != 0.0]
    free = [k for k in world_of(subject).derivatives() if k not in held]
    legs = []
    for number in range(count):
        kind = (seed + number) % 4
        k = int(rng.choice(free if kind == 0 else held))
        own = prepared.ground.position(k)
        size = {1: -own, 2: -round(0.4 * own, 3) or -own}.get(kind, quantity(rng, table.items[k]))
        price = round(float(mark[k]) * float(rng.uniform(0.9, 1.1)), 4) or 0.0004
        legs.append(Leg(k, size, price))
    return legs


def prepared_for(
    subject: Subject, book: Book, model: MarginModel | None = None, **options: Any
) -> Prepared:
    """The account ready for what-ifs over its whole table."""
    options.setdefault("fee", 0.0004)
    return prepare(
        book, market(options.pop("spread", 0.02)), model or subject.model, subject.parameters,
        **options,
    )  # fmt: skip
