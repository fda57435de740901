"""Orders over joint scenarios: never under any set of fills, and better than the plain sum."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from crossmargin.conformance.world import random_lines, random_orders, world_of
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Kind
from crossmargin.margin import run
from crossmargin.margin.families.cross_orders import cross_need
from crossmargin.margin.families.cross_scan import netted
from crossmargin.margin.families.whole_account import fills_in_dollars
from crossmargin.margin.pools import cut
from tests.margin.netting_books import subject


@pytest.mark.parametrize("reading", ["scenarios", "credits"])
def test_every_set_of_fills(reading: str) -> None:
    found = subject("correlated", {"reading.netting": reading})
    world = world_of(found)
    items = world.instruments.items
    lines = random_lines(world, 64, 12, 6)
    linear = [k for k in world.derivatives() if items[k].kind != Kind.OPTION]
    orders = [
        replace(
            order,
            column=linear[n % len(linear)],
            limit_price=world.view.mark[linear[n % len(linear)]],
        )
        for n, order in enumerate(random_orders(world, 64, 12))
    ]
    names = tuple(f"a{a:03d}" for a in range(12))
    book = Book.of(world.instruments, lines, orders, accounts=names)
    result = run(book, world.view, found.model, found.parameters)
    priced = result.priced[0]
    tight = asked = 0
    for a, name in enumerate(names):
        held = cut(book.rows(a, a + 1), result.plan.pools[0], 0)
        fills = fills_in_dollars(priced, held)
        if fills is None:
            continue
        scan = priced.facts["scan"]
        need = cross_need(priced, scan, held, fills, netted(scan, held)).need[0]
        most = 0.0
        for chosen in product((0.0, 1.0), repeat=len(fills)):
            more = [
                Line(name, int(c), float(s) * y)
                for c, s, y in zip(fills.column, fills.size, chosen, strict=True)
            ]
            own = [line for line in lines if line.account == name]
            after = run(
                Book.of(world.instruments, own + more), world.view, found.model, found.parameters
            )
            most = max(most, float(after.sheet["requirement"][0]))
        assert need >= most * (1.0 - 1e-9) - 1e-6
        asked += 1
        tight += bool(np.isclose(need, most, rtol=1e-6))
    assert asked >= 4
    assert reading == "credits" or tight == asked  # exact for one group
