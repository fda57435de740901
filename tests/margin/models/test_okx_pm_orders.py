"""OKX's open orders: no subset of fills needs more, and the named fills are part of it."""

from __future__ import annotations

from itertools import product

import numpy as np

from crossmargin.conformance.checks import margined
from crossmargin.conformance.world import quantity, subject_of, world_of
from crossmargin.instruments.book import Book, Line, Order
from crossmargin.margin import model_named
from crossmargin.margin.fills import fills_of
from crossmargin.margin.models.okx_pm_charges import held_of
from crossmargin.margin.models.okx_pm_orders import order_need
from crossmargin.margin.pools import cut

SUBJECT = subject_of(model_named("okx-pm"))
FACTOR = SUBJECT.parameters.number("general.im_factor")


def test_every_subset_of_random_orders_with_spot_in_use() -> None:
    world, rng = world_of(SUBJECT), np.random.default_rng(3)
    items, mark = world.instruments.items, world.view.mark
    btc = [k for k in world.derivatives() if items[k].underlying == "BTC"]
    coin = next(k for k in world.rows(lambda item: item.native_id == "BTC"))
    for _ in range(25):
        held = rng.choice(btc, 4, replace=False).tolist()
        lines = [Line("a", k, quantity(rng, items[k])) for k in held]
        lines.append(Line("a", coin, float(rng.uniform(0.0, 60.0))))
        orders = []
        for k in rng.choice([k for k in btc if mark[k] > 1e-4], 4, replace=False).tolist():
            limit = float(mark[k]) * float(rng.uniform(0.95, 1.05))
            side = 1 if rng.random() < 0.5 else -1
            orders.append(Order("a", k, side, abs(quantity(rng, items[k])), limit))
        book = Book.of(world.instruments, lines, orders)
        found = margined(SUBJECT, book)
        priced = found.priced[0]
        block = cut(book, priced.pool, 0)
        fills = fills_of(priced, block, priced.facts["to_pool"], mmp=True)
        assert fills is not None
        need = order_need(priced, block, held_of(priced, block), fills, FACTOR)
        assert float(found.sheet["im"][0]) >= float(need.need[0]) * (1.0 - 1e-12)
        for chosen in product((0.0, 1.0), repeat=len(fills)):
            filled = [
                Line("a", int(priced.pool.columns[c]), float(s) * yes)
                for c, s, yes in zip(fills.column, fills.size, chosen, strict=True)
            ]
            after = margined(SUBJECT, Book.of(world.instruments, lines + filled))
            needs = float(after.sheet["im"][0]) - float(np.dot(chosen, fills.gain))
            assert needs <= float(need.need[0]) * (1.0 + 1e-9)
