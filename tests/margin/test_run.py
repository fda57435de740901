from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crossmargin.core.errors import Failure, InputError, ModelError
from crossmargin.instruments.book import Book, Line, Order
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin import Bound, model_named, parameters_for, run
from crossmargin.margin.parameter_files import overlay
from crossmargin.margin.run import margin_block
from crossmargin.market.view import View
from tests.vectors.building import Facts, Quote, asset, book_of, delta_one, view_of

AS_OF_MS = 1_780_000_000_000
CASH = asset("deribit", "BTC")
PERPETUAL = delta_one("deribit", "P", underlying="BTC", settle="BTC", inverse=True)
LINEAR = delta_one("deribit", "L", underlying="BTC", quote="USDC")
TABLE = Instruments.of([CASH, PERPETUAL, LINEAR])
FIXED = model_named("fixed-rate")


def view(table: Instruments = TABLE) -> View:
    return view_of(
        table,
        Facts(
            AS_OF_MS,
            {("BTC", "USD"): 50_000.0, ("BTC", "USDC"): 50_000.0},
            {"BTC": 50_000.0, "USD": 1.0, "USDC": 1.0},
            quotes={"P": Quote(50_000.0), "L": Quote(50_000.0)},
        ),
    )


def test_rows_are_accounts_by_pools_in_the_pools_currency() -> None:
    """10 % of 1,000 dollars at 50,000 is 0.002 BTC; 10 % of a coin is 5,000 USDC."""
    book = book_of(TABLE, {"a": [("P", 1_000.0)], "b": [("L", -1.0), ("BTC", 3.0)], "c": []})
    found = run(book, view(), FIXED)
    assert [pool.label for pool in found.plan.pools] == ["BTC", "USDC"]
    assert found.sheet.account.tolist() == [0, 1, 2, 0, 1, 2]
    assert found.sheet.pool.tolist() == [0, 0, 0, 1, 1, 1]
    wanted = [0.002, 0.0, 0.0, 0.0, 5_000.0, 0.0]
    assert found.sheet["im"].tolist() == pytest.approx(wanted, rel=1e-15)
    assert found.sheet["cash"].tolist() == [0.0, 3.0, 0.0, 0.0, 0.0, 0.0]
    assert (found.model, found.via, found.failures) == (FIXED.spec, FIXED, ())
    assert found.bound is Bound.VALUE
    assert found.parameters.label == "2020-01-01"


def test_parameters_are_those_in_force_unless_given() -> None:
    assert parameters_for(FIXED, AS_OF_MS).label == "2020-01-01"
    changed = parameters_for(FIXED, AS_OF_MS, {"im.future_share": 0.2}, "doubled")
    assert changed.label == "2020-01-01 + doubled"
    book = book_of(TABLE, {"a": [("L", 1.0)]})
    assert float(run(book, view(), FIXED, changed).sheet["im"].sum()) == 10_000.0


def test_a_block_of_accounts_knows_its_place() -> None:
    book = book_of(TABLE, {"a": [("L", 1.0)], "b": [("L", 2.0)], "c": [("L", 3.0)]})
    whole = run(book, view(), FIXED)
    answers = margin_block(FIXED, whole.plan, whole.priced, book, (1, 3), whole.parameters)
    assert [answer.sheet.account.tolist() for answer in answers] == [[1, 2], [1, 2]]
    assert [answer.sheet.pool.tolist() for answer in answers] == [[0, 0], [1, 1]]
    assert answers[1].sheet["im"].tolist() == [10_000.0, 15_000.0]


def test_an_empty_table_is_refused_and_no_account_is_not() -> None:
    nothing = Instruments.of([])
    with pytest.raises(InputError) as caught:
        run(Book.of(nothing, []), view(nothing), FIXED)
    assert caught.value.code == "book_empty"
    assert len(run(Book.of(TABLE, [], accounts=()), view(), FIXED).sheet) == 0


def test_strangers_are_named() -> None:
    debt = replace(CASH, native_id="owed", kind=Kind.DEBT)
    table = Instruments.of([debt])
    with pytest.raises(ModelError) as caught:
        run(Book.of(table, [Line("a", 0, -1.0)]), view(table), FIXED)
    assert caught.value.code == "kind_not_accepted"
    assert (caught.value.place, caught.value.value) == ("deribit owed", "'debt'")
    for name, limit in (("derive-pm2", "derive, deribit"), ("deribit-sm", "")):
        if not limit:
            assert (
                run(book_of(TABLE, {"a": [("L", 1.0)]}), view(), model_named(name)).failures == ()
            )
            continue
        with pytest.raises(ModelError) as caught:
            run(book_of(TABLE, {"a": [("L", 1.0)]}), view(), model_named(name))
        assert caught.value.code == "kind_not_accepted"
        assert caught.value.limit == limit


def test_an_account_that_cannot_be_priced_is_a_failure_with_its_reason() -> None:
    book = book_of(TABLE, {"a": [("L", 1.0)], "b": [("P", 5.0), ("L", 2.0)], "c": [("P", 0.0)]})
    row = [item.native_id for item in TABLE.items].index("P")
    ok = np.ones(3, np.bool_)
    ok[row] = False
    blind = replace(view(), ok=ok, failures=(Failure("deribit P", "index_missing", "no index"),))
    found = run(book, blind, FIXED)
    assert found.failures == (Failure("b", "index_missing", "deribit P: no index"),)
    assert found.book.account == ("a", "c")
    assert found.sheet["im"].tolist() == [0.0, 0.0, 5_000.0, 0.0]
    silent = replace(blind, failures=())
    assert run(book, silent, FIXED).failures == (
        Failure("b", "mark_missing", "deribit P: no price"),
    )


def test_an_open_order_that_cannot_be_priced_fails_its_account_alone() -> None:
    rows = {item.native_id: row for row, item in enumerate(TABLE.items)}
    orders = [Order("b", rows["P"], 1, 5.0, 49_000.0), Order("c", rows["L"], -1, 2.0, 51_000.0)]
    lines = [Line(name, rows["L"], 1.0) for name in ("a", "b", "c")]
    ok = np.ones(3, np.bool_)
    ok[rows["P"]] = False
    blind = replace(view(), ok=ok, failures=(Failure("deribit P", "mark_missing", "no price"),))
    found = run(Book.of(TABLE, lines, orders), blind, FIXED)
    assert found.failures == (Failure("b", "mark_missing", "deribit P: no price"),)
    assert found.book.account == ("a", "c")
    assert found.book.orders.ask.tolist() == [2.0]


@pytest.mark.parametrize("wrong", [{"block": 0}, {"block": -3}, {"threads": 0}, {"threads": -1}])
def test_blocks_and_threads_are_at_least_one(wrong: dict[str, int]) -> None:
    book = book_of(TABLE, {"a": [("L", 1.0)], "b": [("L", 2.0)]})
    with pytest.raises(InputError) as caught:
        run(book, view(), FIXED, **wrong)  # type: ignore[arg-type] # one name for two options
    assert (caught.value.code, caught.value.limit) == ("number_out_of_range", "1 or more")
    assert run(book, view(), FIXED, block=1, threads=2).sheet["im"].tolist() == [0, 5e3, 0, 1e4]


def test_orders_stay_with_their_accounts_when_others_fail() -> None:
    rows = {item.native_id: row for row, item in enumerate(TABLE.items)}
    orders = [
        Order(name, rows["P"], side, size, 49_000.0, mmp=True, group="g")
        for name, side, size in (("a", 1, 100.0), ("b", 1, 200.0), ("c", -1, 300.0))
    ]
    lines = [Line("a", rows["P"], 1.0), Line("b", rows["L"], 1.0), Line("c", rows["P"], 1.0)]
    book = Book.of(TABLE, lines, orders)
    ok = np.ones(3, np.bool_)
    ok[rows["L"]] = False
    found = run(book, replace(view(), ok=ok), FIXED)
    assert found.book.account == ("a", "c")
    assert found.book.orders.row.tolist() == [0, 1, 2]
    assert found.book.orders.bid.tolist() == [100.0, 0.0]
    assert found.book.orders.ask.tolist() == [0.0, 300.0]
    assert [order.account for order in found.book.orders.items] == ["a", "c"]


def test_one_open_end_makes_the_answer_at_least() -> None:
    sm = model_named("deribit-sm")
    table = Instruments.of([PERPETUAL])
    plain = Book.of(table, [Line("a", 0, 100.0)])
    known = parameters_for(sm, view(table).as_of_ms)
    assert run(plain, view(table), sm, known).bound is Bound.VALUE
    # Only the first leverage tier is known: a future under that reading is a lower bound.
    tier = overlay(known, {"reading.future_rule": "tier"}, "test")
    assert run(plain, view(table), sm, tier).bound is Bound.AT_LEAST


@pytest.mark.parametrize("threads", [1, 2])
def test_progress_counts_accounts(threads: int) -> None:
    book = book_of(TABLE, {name: [("L", 1.0)] for name in "abcde"})
    heard: list[tuple[int, int]] = []
    run(book, view(), FIXED, block=2, threads=threads, progress=lambda *step: heard.append(step))
    assert sorted(done for done, _ in heard)[-1] == 5
    assert {total for _, total in heard} == {5}
    if threads == 1:
        assert heard == [(2, 5), (4, 5), (5, 5)]
