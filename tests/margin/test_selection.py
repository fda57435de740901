from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np
import pytest

from crossmargin.core.errors import ModelError
from crossmargin.instruments.book import Book, Line, Order
from crossmargin.instruments.contracts import Instruments
from crossmargin.margin import model_named, run
from crossmargin.margin.model import MarginModel, PoolBook, Priced, Refusal
from crossmargin.margin.selection import accounts_where, without_refused
from tests.vectors.building import Facts, Quote, delta_one, view_of

BTC = delta_one("deribit", "BTC-PERPETUAL", underlying="BTC", settle="BTC", inverse=True)
XYZ = delta_one("deribit", "XYZ-PERPETUAL", underlying="XYZ", settle="XYZ", inverse=True)
TABLE = Instruments.of([BTC, XYZ])
ROW = {item.native_id: row for row, item in enumerate(TABLE.items)}
FACTS = Facts(
    as_of_ms=1_780_000_000_000,
    index={("BTC", "USD"): 50_000.0, ("XYZ", "USD"): 2.0},
    usd={"BTC": 50_000.0, "XYZ": 2.0, "USD": 1.0},
    dated={},
    quotes={"BTC-PERPETUAL": Quote(50_000.0), "XYZ-PERPETUAL": Quote(2.0)},
)
VIEW = view_of(TABLE, FACTS)


def test_an_underlying_without_parameters_fails_its_holders_alone() -> None:
    lines = [
        Line("a", ROW["BTC-PERPETUAL"], 100.0),
        Line("b", ROW["XYZ-PERPETUAL"], 100.0),
        Line("c", ROW["BTC-PERPETUAL"], 100.0),
    ]
    bids = [Order("c", ROW["XYZ-PERPETUAL"], 1, 5.0, 2.0)]
    found = run(Book.of(TABLE, lines, bids), VIEW, model_named("deribit-spm"))
    assert found.book.account == ("a",)
    assert [(f.subject, f.code) for f in found.failures] == [
        ("b", "parameter_missing"),
        ("c", "parameter_missing"),
    ]
    alone = Book.of(Instruments.of([BTC]), [Line("a", 0, 100.0)])
    lone = run(alone, view_of(alone.instruments, FACTS), model_named("deribit-spm"))
    assert found.sheet["im"][0] == lone.sheet["im"][0]


def test_a_book_of_one_account_raises_the_models_own_error() -> None:
    book = Book.of(TABLE, [Line("b", ROW["XYZ-PERPETUAL"], 100.0)])
    with pytest.raises(ModelError) as caught:
        run(book, VIEW, model_named("deribit-spm"))
    assert caught.value.code == "parameter_missing"


def test_accounts_keep_their_order_their_orders_and_their_bits() -> None:
    lines = [Line(name, ROW["BTC-PERPETUAL"], float(k)) for k, name in enumerate("abcd", 1)]
    orders = [Order("d", ROW["BTC-PERPETUAL"], -1, 7.0, 51_000.0)]
    book = Book.of(TABLE, lines, orders)
    kept = accounts_where(book, np.array([True, False, False, True]))
    assert (kept.account, kept.quantity.tolist()) == (("a", "d"), [1.0, 4.0])
    assert (kept.orders.row.tolist(), kept.orders.ask.tolist()) == ([0, 0, 1], [7.0])
    assert accounts_where(book, np.ones(4, np.bool_)) is book


def test_only_a_model_that_refuses_is_asked_and_the_first_pool_gives_the_reason() -> None:
    lines = [Line(name, ROW["BTC-PERPETUAL"], 1.0) for name in "abc"]
    book, model = Book.of(TABLE, lines), model_named("deribit-spm")
    found = run(book, VIEW, model)
    assert without_refused(model, found.plan, found.priced, book) == (book, ())

    class Choosy:
        """Refuses the last account in the first pool, and the last two in the others."""

        def refusals(self, priced: Priced, held: PoolBook) -> tuple[Refusal, ...]:
            first = priced.pool.label != "second"
            error = ModelError("rules_unknown", f"not in {priced.pool.label}", place="here")
            return tuple(Refusal(row, error) for row in ([2] if first else [1, 2]))

    choosy = cast("MarginModel", Choosy())
    pool = found.plan.pools[0]
    second = replace(pool, label="second")
    plan = replace(found.plan, pools=(pool, second))
    priced = (found.priced[0], replace(found.priced[0], pool=second))
    kept, failures = without_refused(choosy, plan, priced, book)
    assert kept.account == ("a",)
    assert [(each.subject, each.reason) for each in failures] == [
        ("b", "here: not in second"),
        ("c", f"here: not in {pool.label}"),
    ]
