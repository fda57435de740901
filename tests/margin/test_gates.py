"""Orders at a venue's gates: margin with the order resting, lots, counts, what is unknown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crossmargin.instruments.book import Book, Line, Order, Reported
from crossmargin.instruments.contracts import Instruments
from crossmargin.instruments.symbology import parse
from crossmargin.margin import model_named, run
from crossmargin.margin.gates import Decision, Resting, gate
from crossmargin.margin.whatif import Prepared
from crossmargin.margin.whatif_judge import Status
from tests.margin.sample_before_trades import CALL, PUT, SWAP, bare, leg, ready, snapshot


def rest(prepared: Prepared, name: str, size: float, price: float | None = None) -> Resting:
    return Resting(leg(prepared, name, size, price))


@pytest.mark.parametrize("model", ["deribit-spm", "deribit-xpm", "deribit-sm", "fixed-rate"])
def test_the_margin_with_an_order_is_that_of_the_book_that_holds_it(model: str) -> None:
    prepared = ready(model)
    found = gate(prepared, [rest(prepared, CALL, -2.0, 0.0045), rest(prepared, PUT, 1.0, 0.01)])
    book, place = prepared.base.book, prepared.column
    orders = [
        Order(book.account[0], place[CALL], -1, 2.0, 0.0045),
        Order(book.account[0], place[PUT], 1, 1.0, 0.01),
    ]
    whole = Book.of(book.instruments, book.lines, orders, book.reported)
    view = snapshot().view(whole.instruments)
    wanted = run(whole, view, model_named(model))
    assert found.after.sheet["im"].tolist() == wanted.sheet["im"].tolist()
    short = [check for check in found.checks if check.holds is False]
    assert (found.decision is Decision.ACCEPTED) == (not short)
    assert found.reason == (short[0] if short else None)


def test_an_order_over_the_margin_is_rejected_by_the_level_that_it_breaks() -> None:
    prepared = ready("deribit-spm")
    found = gate(prepared, [rest(prepared, CALL, -100.0, 0.0045)])
    assert found.decision is Decision.REJECTED
    assert found.reason is not None
    assert found.reason.name == "initial margin of BTC"
    assert found.reason.value == found.after.sheet["im"].max()
    assert found.cash_needed_usd > 0.0


def poor(model: str) -> Prepared:
    """Short calls beyond what a thousandth of a coin carries."""
    return ready(model, bare((CALL, -1.0), ("BTC", 0.001)))


def test_an_account_below_its_margin_may_rest_what_reduces_risk() -> None:
    prepared = poor("deribit-spm")
    back = gate(prepared, [rest(prepared, CALL, 1.0, 1e-4)])
    assert back.decision is Decision.REDUCING
    assert back.after.sheet["im"].tolist() == back.before.sheet["im"].tolist()
    more = gate(prepared, [rest(prepared, CALL, -0.1, 0.0045)])
    assert more.decision is Decision.REJECTED


def test_paradex_takes_what_does_not_raise_the_margin() -> None:
    prepared = poor("paradex-pm")
    found = gate(prepared, [rest(prepared, CALL, 1.0, 1e-4)])
    assert found.decision is Decision.NOT_RAISING
    assert gate(prepared, [rest(prepared, CALL, -0.1, 0.0045)]).decision is Decision.REJECTED


def test_a_size_that_is_no_whole_lot_is_rejected() -> None:
    prepared = ready("deribit-spm")
    found = gate(prepared, [rest(prepared, CALL, -0.15, 0.0045)])
    assert found.decision is Decision.REJECTED
    assert found.reason is not None
    assert (found.reason.name, found.reason.value, found.reason.limit) == (
        f"size of {CALL}",
        0.15,
        0.1,
    )
    whole = gate(prepared, [rest(prepared, CALL, -0.3, 0.0045)])  # 0.3 / 0.1 is not 3 in floats
    assert whole.reason is None


def test_counts_over_a_known_limit_are_rejected() -> None:
    prepared = ready("derive-pm2")
    schedule = prepared.desk.schedule
    name = "derive.limit.expiries"
    entry = schedule.parameters.entries[name]
    few = replace(
        schedule.parameters,
        entries={**schedule.parameters.entries, name: replace(entry, value=1)},
    )
    assert gate(prepared, [rest(prepared, CALL, -0.1, 0.0045)]).decision is Decision.ACCEPTED
    prepared.desk.schedule = replace(schedule, parameters=few)
    found = gate(prepared, [rest(prepared, CALL, -0.1, 0.0045)])
    assert found.decision is Decision.REJECTED
    assert found.reason is not None and found.reason.name == "option expiries"
    # A margin that is not met does not excuse a count that is over.
    assert found.reason.limit == 1.0


def test_a_limit_that_is_not_known_decides_nothing_and_is_named() -> None:
    prepared = ready("deribit-spm")
    found = gate(prepared, [rest(prepared, SWAP, 10.0)])
    unknown = {check.name for check in found.checks if check.holds is None}
    assert {"open orders", "assets in the account", "option expiries"} <= unknown


def test_maker_protection_holds_and_shows_twice_the_group() -> None:
    prepared = ready("deribit-spm")
    quotes = [
        Resting(leg(prepared, CALL, -3.0, 0.006), True, "g"),
        Resting(leg(prepared, CALL, 2.0, 0.003), True, "g"),
    ]
    found = gate(prepared, quotes)
    shown = [c for c in found.checks if c.name == "exposure of maker-protection group g"]
    assert [check.value for check in shown] == [6.0, 6.0]  # twice the larger side, once an order
    held = found.after.sheet["mmp_margin"] - found.before.sheet["mmp_margin"]
    assert held.max() == pytest.approx(0.03 * 3.0, rel=1e-12)


def test_reported_holds_give_way_to_the_rule() -> None:
    book = bare((CALL, -1.0), ("BTC", 1.0))
    held = replace(book, reported=Reported(holds={("a", "BTC"): {"open_orders_margin": 0.9}}))
    prepared = ready("deribit-spm", held)
    found = gate(prepared, [rest(prepared, CALL, -1.0, 0.0045)])
    free = gate(ready("deribit-spm", book), [rest(prepared, CALL, -1.0, 0.0045)])
    assert found.after.sheet["im"].tolist() == free.after.sheet["im"].tolist()
    assert found.before.sheet["im"].tolist() == free.before.sheet["im"].tolist()


def test_without_a_balance_the_cash_that_is_needed_is_given() -> None:
    prepared = ready("deribit-spm", bare((CALL, -1.0)))
    found = gate(prepared, [rest(prepared, CALL, -1.0, 0.0045)])
    assert found.decision is Decision.UNKNOWN
    assert found.cash_needed_usd > 0.0


def test_equity_from_entry_prices_is_judged_as_a_what_if_judges_it() -> None:
    """It is little, but it is known: the gate and the what-if say the same."""
    column = Instruments.of([parse("deribit", CALL)])
    prepared = ready("deribit-spm", Book.of(column, [Line("a", 0, -1.0, 0.5)]))
    assert not prepared.ground.has_balance
    for size in (-0.1, -100.0):
        order = rest(prepared, CALL, size, 0.0045)
        said = prepared.whatif([order.leg]).verdict.status
        found = gate(prepared, [order])
        assert found.checks[0].holds is (said is Status.PASSES)
        assert (found.decision is Decision.ACCEPTED) == (said is Status.PASSES)
