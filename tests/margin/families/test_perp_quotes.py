"""Open profit at the oracle: where it counts, and where it is settled or reported already."""

from __future__ import annotations

import numpy as np

from crossmargin.conformance.world import STABLE, subject_of, world_of
from crossmargin.instruments.book import Book, Line, Reported
from crossmargin.instruments.contracts import Kind
from crossmargin.margin import model_named
from crossmargin.margin.families.perp_quotes import oracle_usd, perp_accounts
from crossmargin.margin.pools import cut


def test_profit_counts_once() -> None:
    subject = subject_of(model_named("vertex"))
    world = world_of(subject)
    items = world.instruments.items
    place = {(item.kind, item.underlying): k for k, item in enumerate(items)}
    perp, cash = place[Kind.PERPETUAL, "BTC"], place[Kind.ASSET, STABLE]
    lines = [
        Line("beside", cash, 100.0),
        Line("beside", perp, 2.0, 60_000.0),
        Line("entries", perp, 2.0, 60_000.0),
        Line("settled", cash, 100.0),
        Line("settled", perp, 2.0),
        Line("venue", perp, 2.0, 60_000.0),
    ]
    told = Reported(equity={("venue", STABLE): 7.0})
    book = Book.of(world.instruments, lines, reported=told)
    pool = subject.model.plan(world.instruments, subject.parameters).pools[0]
    priced = subject.model.price(pool, world.view, subject.parameters)
    found = perp_accounts(priced, cut(book, pool, 0))
    gain = 2.0 * (float(world.view.mark[perp]) - 60_000.0)
    by_name = dict(zip(book.account, zip(found.cash, found.unrealised, strict=True), strict=True))
    assert by_name == {
        "beside": (100.0, gain),
        "entries": (0.0, gain),
        "settled": (100.0, 0.0),
        "venue": (7.0, 0.0),
    }
    assert found.profit.sum() == 2 * gain
    part = pool.instruments
    usd = oracle_usd(world.view, part)
    for k, item in enumerate(part.items):
        perpetual = item.kind is Kind.PERPETUAL
        assert usd[k] == (world.view.mark[k] if perpetual else world.view.usd[part.underlying[k]])
    assert np.isfinite(usd).all()
