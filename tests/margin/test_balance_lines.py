from __future__ import annotations

from dataclasses import replace

import pytest

from crossmargin.conformance.world import subject_of, trading, world_of
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instruments
from crossmargin.margin import ALL_MODELS, model_named, run
from crossmargin.margin.balance_lines import with_balance_lines
from crossmargin.margin.comparison import cash_needed
from tests.vectors.building import Facts, Quote, asset, delta_one, view_of

PERPETUAL = delta_one("deribit", "BTC-PERPETUAL", underlying="BTC", settle="BTC", inverse=True)
PAST = world_of(subject_of(model_named("fixed-rate"))).view.history  # which some models need
FACTS = Facts(
    as_of_ms=1_780_000_000_000,
    index={("BTC", "USD"): 50_000.0},
    usd={"BTC": 50_000.0, "USD": 1.0},
    dated={},
    quotes={"BTC-PERPETUAL": Quote(50_000.0)},
)


def short_of(*items: object) -> tuple[Book, object]:
    table = Instruments.of([PERPETUAL, *items])
    row = table.index_of()[PERPETUAL.key]
    view = replace(view_of(table, FACTS), history=PAST)
    return Book.of(table, [Line("a", row, -50_000.0)]), view


def test_the_least_cash_does_not_hang_on_an_empty_line() -> None:
    """A coin of cash hedges the short perpetual, whether or not the table had a line for it."""
    model = model_named("deribit-xpm")
    found = []
    for items in ((), (asset("deribit", "BTC"),)):
        book, view = short_of(*items)
        found.append(cash_needed(run(book, view, model), "im"))
    assert found[0] == pytest.approx(found[1], rel=1e-9)
    # x coins of cash: 50,000 x counts, the matrix loses R 50,000 (1 - x), the roll is fixed.
    spm = run(*short_of(), model).sheet["roll_shock"][0]
    reach = 0.14 if run(*short_of(), model).parameters.label >= "2026-09" else 0.16
    assert found[0] == pytest.approx((reach * 50_000.0 + spm) / (1.0 + reach), rel=1e-6)


@pytest.mark.parametrize("model", trading(ALL_MODELS), ids=lambda each: each.spec.name)
def test_a_line_that_holds_nothing_changes_no_requirement(model: object) -> None:
    if model.spec.venue not in ("", "deribit"):  # type: ignore[attr-defined] # parametrised
        pytest.skip("another venue's contracts")
    book, view = short_of()
    wider = with_balance_lines(book, view)
    assert [item.native_id for item in wider[0].instruments.items] == ["BTC", "BTC-PERPETUAL"]
    plain, wide = run(book, view, model), run(*wider, model)
    assert wide.sheet["im"].sum() == plain.sheet["im"].sum()
    assert wide.sheet["mm"].sum() == plain.sheet["mm"].sum()
