"""Who is refused and why, the sheet, what is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crossmargin.conformance.world import AS_OF_MS, contracts, view_of
from crossmargin.core.clock import DAY_MS
from crossmargin.core.errors import ModelError
from crossmargin.instruments.book import Book, Line, Order
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.margin import model_named, run
from crossmargin.margin.families.var_account import (
    Facts,
    exit_warning,
    figures_notes,
    probe,
    refuse_first,
    refuse_unknown_derivatives,
    refused_coins,
    var_answer,
)
from crossmargin.margin.families.var_measures import Estimate
from crossmargin.margin.families.whole_account import dollar_market, priced_account
from crossmargin.margin.pools import cut
from tests.margin.families.var_books import (
    block,
    history,
    numbers,
    place,
    pool_of,
    subject,
    with_history,
    world,
)

GIVEN = numbers("var-historical")
SEEN = world()
MARKET = dollar_market(pool_of(SEEN, GIVEN), SEEN.view)
PRICED = priced_account(MARKET, pool_of(SEEN, GIVEN), None, None, {}, {"market": MARKET})


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        (Facts(("ETH",), ("ETH",), ("ETH",)), "parameter_missing"),
        (Facts(("BTC", "ETH"), ("ETH",), ("ETH",)), "history_missing"),
    ],
)
def test_a_coin_without_numbers_or_moves_fails_its_holders_alone(facts: Facts, code: str) -> None:
    future = place(SEEN, "BTC_USDC-30")
    lines = [
        Line("holds", future, 1.0), Line("coin", place(SEEN, "BTC"), 1.0),
        Line("other", place(SEEN, "ETH"), 1.0), Line("none", future, 0.0),
        Line("none", place(SEEN, "USDC"), 5.0),
    ]  # fmt: skip
    held = block(SEEN, GIVEN, lines, [Order("bids", future, 1, 1.0, 60_000.0)])
    found = refused_coins(PRICED, held, facts)
    assert [held.book.account[r.row] for r in found] == ["holds", "coin", "bids"]
    assert {r.error.code for r in found} == {code}
    assert all("BTC" in str(r.error) and r.error.remedy and r.error.limit for r in found)
    with pytest.raises(ModelError, match=code):
        refuse_first(found)
    refuse_first(())


def test_options_of_a_coin_without_volatilities_are_refused_and_its_futures_are_not() -> None:
    facts = Facts(("BTC", "ETH"), ("BTC", "ETH"), ("ETH",))
    lines = [
        Line("a", place(SEEN, "BTC_USDC-30"), 1.0),
        Line("b", place(SEEN, "BTC_USDC-30-64000-C"), 1.0),
    ]
    (only,) = refused_coins(PRICED, block(SEEN, GIVEN, lines), facts)
    assert only.row == 1
    assert "volatilities" in str(only.error)


def test_a_population_loses_only_those_without_history() -> None:
    rng = np.random.default_rng(1)
    price = np.exp(np.cumsum(0.03 * rng.standard_normal(500)))
    seen = with_history(SEEN, {"ETH": history("ETH", price, 0.5 * price / price)})
    lines = [Line("a", place(SEEN, "BTC"), 1.0), Line("b", place(SEEN, "ETH"), 1.0)]
    model = model_named("var-historical")
    found = run(Book.of(seen.instruments, lines), seen.view, model, GIVEN)
    assert [f.subject for f in found.failures] == ["a"]
    assert found.failures[0].code == "history_missing"
    whole = with_history(SEEN, {"ETH": seen.view.history["ETH"], "BTC": history("BTC", price)})
    again = run(Book.of(whole.instruments, lines), whole.view, model, GIVEN)
    assert float(again.sheet["im"][1]) == float(found.sheet["im"][0])


def test_a_derivative_on_an_unknown_coin_is_refused_in_the_plan() -> None:
    odd = Instrument(
        "deribit", "SOL-F", Kind.FUTURE, "SOL", "USDC", "USDC", expiry_ms=AS_OF_MS + 30 * DAY_MS
    )
    seen = view_of([*contracts(subject("var-historical")), odd])
    with pytest.raises(ModelError, match="parameter_missing") as caught:
        refuse_unknown_derivatives(seen.instruments, GIVEN)
    assert "SOL" in str(caught.value)
    refuse_unknown_derivatives(SEEN.instruments, GIVEN)
    lines = [
        Line("a", seen.instruments.index_of()[odd.key], 1.0),
        Line("b", place(seen, "BTC"), 1.0),
    ]
    found = run(Book.of(seen.instruments, lines), seen.view, model_named("var-historical"), GIVEN)
    assert [f.subject for f in found.failures] == ["a"]


def test_the_probe_shows_which_rows_move() -> None:
    risk = probe(MARKET)
    moving = (risk.pnl != 0.0).any(axis=1)
    assert (moving == MARKET.moving).all()


@pytest.mark.parametrize("shortfall", [True, False])
def test_the_sheet_margins_one_figure_and_shows_both(shortfall: bool) -> None:
    held = block(SEEN, GIVEN, [Line("a", place(SEEN, "BTC"), 1.0)])
    figures = Estimate(*(np.array([x]) for x in (100.0, 150.0, 3.0, 4.0)))
    given = numbers("var-historical", level__im_factor=1.2, level__mm_factor=0.5)
    priced = replace(PRICED, facts={**PRICED.facts, "settle_usd": MARKET.settle_usd})
    answer = var_answer(
        priced, held, given, figures, np.array([2.0]), None, shortfall=shortfall, errors=True
    )
    own = 150.0 if shortfall else 100.0
    assert answer.sheet["requirement"][0] == 2.0 * own
    assert answer.sheet["im"][0] == pytest.approx(2.4 * own)
    assert answer.sheet["mm"][0] == own
    assert answer.sheet["standard_error"][0] == (4.0 if shortfall else 3.0)
    assert answer.sheet["equity"][0] == 64_000.0


def test_what_is_said() -> None:
    words = " ".join(figures_notes(GIVEN, shortfall=True))
    for part in ("expected shortfall is the requirement", "99 %", "97.5 %", "one day", "10 %"):
        assert part in words
    assert "value at risk is the requirement" in figures_notes(GIVEN, shortfall=False)[0]
    large = block(SEEN, GIVEN, [Line("a", place(SEEN, "BTC"), 1e6)])
    assert "days to exit" in exit_warning(PRICED, large, GIVEN)[0]
    assert (
        exit_warning(PRICED, block(SEEN, GIVEN, [Line("a", place(SEEN, "BTC"), 1.0)]), GIVEN) == ()
    )
    assert cut(large.book, PRICED.pool, 0).row.tolist() == [0, 1]
