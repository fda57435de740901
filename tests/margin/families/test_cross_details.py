"""Tables of joint scenarios: of one account that holds a coin, and of no other."""

from __future__ import annotations

from crossmargin.conformance.world import random_book, world_of
from crossmargin.margin import run
from crossmargin.margin.families.cross_details import cross_tables
from crossmargin.margin.families.cross_scan import netted
from crossmargin.margin.pools import cut
from tests.margin.netting_books import BTC, margined, stage, subject


def test_a_population_has_none_and_credits_have_no_matrices() -> None:
    found = subject("correlated")
    book = random_book(found, 5, 3)
    result = run(book, world_of(found).view, found.model, found.parameters)
    scan = result.priced[0].facts["scan"]
    held = cut(book, result.plan.pools[0], 0)
    assert cross_tables(scan, netted(scan, held)) == ()
    priced, own = stage(margined("correlated", {BTC: 1.0}, {"reading.netting": "credits"}))
    (coins,) = cross_tables(priced.facts["scan"], netted(priced.facts["scan"], own))
    assert coins.rows[0][:2] == ("BTC", "joint")
