"""What may be closed in a step, what it costs, and which is chosen: by hand and on small books."""

from __future__ import annotations

import itertools
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from crossmargin.accounts.liquidation_account import Judge
from crossmargin.accounts.liquidation_order import (
    Bench,
    Candidate,
    Terms,
    choose,
    cost_by_name,
    touch_cost,
    trimmed,
)
from crossmargin.core.arrays import Floats
from crossmargin.core.errors import InputError, ModelError
from crossmargin.margin import model_named, parameters_for
from tests.accounts.broken_books import MARKS, NO_COST, START_MS, perpetuals, quoted

MODEL = model_named("fixed-rate")
PARAMETERS = parameters_for(MODEL, START_MS)


def bench(
    cash: float, held: dict[str, float], spread: float | None = None, **changes: float
) -> Bench:
    book, view = perpetuals(cash, held)
    view = view if spread is None else quoted(view, spread)
    terms = Terms.as_of(START_MS, {k.replace("__", "."): v for k, v in changes.items()})
    judge = Judge(book, view, MODEL, PARAMETERS)
    start = {j: float(book.quantity[j]) for j in judge.lines}
    return Bench(judge, terms, touch_cost(terms), (True,), start)


def test_the_shortfall_is_that_of_the_buffer() -> None:
    own = bench(100.0, {"BTC": 1.0})
    mm = float(own.judge.now.mm[0, 0])
    assert mm == pytest.approx(PARAMETERS.number("mm.future_share") * 50_000.0)
    assert own.short == round((1.1 * mm - 100.0) * 1e6)


def test_a_step_closes_whole_lots_and_at_most_its_share_of_the_start() -> None:
    own = bench(100.0, {"BTC": 1.0, "ETH": -0.0105})
    btc, eth = (
        next(
            j for j in own.judge.lines if own.judge.items[own.judge.book.column[j]].underlying == c
        )
        for c in ("BTC", "ETH")
    )
    assert (own.total_lots(btc), own.step_lots(btc)) == (1000, 250)
    assert (own.total_lots(eth), own.step_lots(eth)) == (10, 2)
    third = Candidate("x", ((btc, 250),))
    left = own.tried([(third, 250), (third, 1)])
    place = {own.judge.items[c].native_id: j for j, c in enumerate(own.judge.book.column.tolist())}
    assert [t.quantity[place["BTC-PERP"]] for t in left] == [0.75, 0.999]
    # With the last lot goes what is less than a lot.
    rest = own.tried([(Candidate("x", ((eth, 10),)), 10)])[0]
    assert rest.quantity[place["ETH-PERP"]] == 0.0
    assert rest.legs[0].size == 0.0105


def test_lines_of_a_group_move_by_a_lot_at_most() -> None:
    group = Candidate("x", ((0, 7), (1, 250), (2, 1)))
    assert group.count == 250
    counts = [dict(group.lots(k)) for k in range(251)]
    assert counts[0] == {0: 0, 1: 0, 2: 0}
    assert counts[250] == {0: 7, 1: 250, 2: 1}
    for a, b in itertools.pairwise(counts):
        assert all(0 <= b[j] - a[j] <= 1 for j in a)


def test_costs_fee_and_penalty_by_hand() -> None:
    own = bench(10_000.0, {"BTC": 1.0}, 0.002)
    (tried,) = own.tried([(Candidate("x", ((own.judge.lines[0], 100),)), 100)])
    # 0.1 BTC at 50,000: notional 5,000; bid 20 bp under the mark.
    assert tried.cost == (10_000_000,)
    assert tried.fee == (2_500_000,)
    assert tried.penalty == (25_000_000,)
    (leg,) = tried.legs
    assert (leg.size, leg.mark, leg.price) == (-0.1, 50_000.0, pytest.approx(49_900.0))
    equity = own.judge.levels(tried.quantity[None, :]).equity[0, 0]
    assert own.judge.now.equity[0, 0] - equity == pytest.approx(37.5)


def test_a_penalty_never_makes_a_debt() -> None:
    own = bench(30.0, {"BTC": 1.0}, 0.0)
    (tried,) = own.tried([(Candidate("x", ((own.judge.lines[0], 100),)), 100)])
    assert tried.penalty == (25_000_000,)
    own = bench(20.0, {"BTC": 1.0}, 0.0)
    (tried,) = own.tried([(Candidate("x", ((own.judge.lines[0], 100),)), 100)])
    assert tried.penalty == (17_500_000,)  # 20 less the fee of 2.50
    own = bench(1.0, {"BTC": 1.0}, 0.0)
    (tried,) = own.tried([(Candidate("x", ((own.judge.lines[0], 100),)), 100)])
    assert tried.penalty == (0,)


def test_the_cheaper_line_goes_first_and_the_larger_one_where_that_is_asked() -> None:
    own = bench(1_200.0, {"BTC": 0.4, "ETH": 16.0}, 0.001)
    dear = replace(own.judge.view, ask=own.judge.view.ask, bid=_with(own, "BTC-PERP", 0.97))
    judge = Judge(own.judge.book, dear, MODEL, PARAMETERS)
    start = {j: float(judge.book.quantity[j]) for j in judge.lines}
    own = Bench(judge, own.terms, touch_cost(own.terms), (True,), start)
    best = choose(own, "risk_per_cost")
    assert best is not None
    assert best[0].candidate.what == "ETH-PERP"
    assert "of shortfall for" in best[1]
    assert "next every line of USDC" in best[1]
    largest = choose(own, "largest")
    assert largest is not None
    assert largest[0].gain >= best[0].gain
    whole = choose(own, "pro_rata")
    assert whole is not None
    assert whole[0].candidate.what == "every line of USDC"


def _with(own: Bench, name: str, factor: float) -> Floats:
    items = own.judge.items
    return np.array(
        [
            mark * (factor if item.native_id == name else 0.999)
            for mark, item in zip(own.judge.view.mark, items, strict=True)
        ]
    )


def test_a_step_takes_the_fewest_lots() -> None:
    own = bench(2_450.0, {"BTC": 1.0}, 0.0005)
    best = choose(own, "risk_per_cost")
    assert best is not None
    tried = best[0]
    assert tried.short == 0
    assert 0 < tried.k < own.step_lots(own.judge.lines[0])
    less = own.tried([(tried.candidate, tried.k - 1)])[0]
    assert less.short > 0
    again = own.tried([(tried.candidate, own.step_lots(own.judge.lines[0]))])[0]
    assert trimmed(own, again).k == tried.k


def test_free_steps_come_before_all_others() -> None:
    free = {k.replace(".", "__"): v for k, v in NO_COST.items()}
    own = bench(100.0, {"BTC": 1.0}, **free)
    best = choose(own, "risk_per_cost")
    assert best is not None
    assert best[0].score == float("inf")
    assert "free" in best[1]


def test_costs_of_other_objects() -> None:
    class Flat:
        def at(self, size: object) -> Floats:
            return np.asarray(np.abs(np.asarray(size, np.float64)) * 7.0)

    _, view = perpetuals(1.0, {"BTC": 1.0})
    cost = cost_by_name({"BTC-PERP": Flat()}, lambda *_: 1.0)
    column = {item.native_id: k for k, item in enumerate(view.instruments.items)}
    assert cost(view, column["BTC-PERP"], -2.0) == 14.0
    assert cost(view, column["ETH-PERP"], -2.0) == 1.0


def test_unquoted_lines_lose_their_share() -> None:
    terms = Terms.as_of(START_MS)
    _, view = perpetuals(1.0, {"BTC": 1.0})
    column = {item.native_id: k for k, item in enumerate(view.instruments.items)}["BTC-PERP"]
    lost = terms.unquoted_future * MARKS["BTC"]
    assert touch_cost(terms)(view, column, -1.0) == pytest.approx(lost)
    bought = touch_cost(terms)(quoted(view, 0.001), column, 2.0)
    assert bought == pytest.approx(2.0 * 0.001 * MARKS["BTC"])


def test_lots_are_given_the_venues_or_the_terms_own() -> None:
    _, view = perpetuals(1.0, {"BTC": 1.0})
    item = next(i for i in view.instruments.items if i.native_id == "BTC-PERP")
    assert Terms.as_of(START_MS).lot(item, START_MS) == Decimal("0.001")
    given = Terms.as_of(START_MS, None, {"BTC-PERP": 0.25})
    assert given.lot(item, START_MS) == Decimal("0.25")
    own = replace(item, venue="derive", underlying="ETH")
    assert Terms.as_of(START_MS).lot(own, START_MS) == Decimal("0.001")


def test_what_is_refused() -> None:
    with pytest.raises(InputError, match="number_out_of_range"):
        Terms.as_of(START_MS, None, {"BTC-PERP": 0.0})
    with pytest.raises(ModelError, match="parameter_out_of_bounds"):
        Terms.as_of(START_MS, {"liquidation.buffer": -0.1})
    own = bench(100.0, {"BTC": 1.0})
    wrong = Bench(own.judge, own.terms, lambda *_: -1.0, (True,), {own.judge.lines[0]: 1.0})
    with pytest.raises(InputError, match="a cost of trading is not negative"):
        choose(wrong, "risk_per_cost")
