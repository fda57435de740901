"""Preparing an account, ranking candidates, mapped books, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crossmargin.conformance.world import Subject
from crossmargin.core.errors import InputError, ModelError
from crossmargin.instruments.book import Book, Order
from crossmargin.instruments.symbology import parse
from crossmargin.margin import model_named
from crossmargin.margin import whatif as room
from crossmargin.margin.comparison import margin_or_map
from crossmargin.margin.totals import account_totals
from crossmargin.margin.whatif import prepare
from crossmargin.margin.whatif_judge import STATUSES, Status
from crossmargin.margin.whatif_trades import Leg
from tests.margin.accounts_before_trades import SUBJECTS, account, prepared_for, trades
from tests.margin.sample_before_trades import (
    CALL,
    OTHER,
    PUT,
    SWAP,
    bare,
    leg,
    ready,
    retail,
    snapshot,
)

EVERY = pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
MODELS = ("deribit-spm", "deribit-xpm", "deribit-sm", "derive-pm2", "paradex-pm", "fixed-rate")


@pytest.mark.parametrize("model", MODELS)
def test_as_it_stands_it_is_the_margin_of_the_book(model: str) -> None:
    """Candidates in the table change nothing; another venue's model maps the book."""
    prepared = ready(model)
    view = snapshot().view(retail().instruments)
    requirement, losses = margin_or_map(retail(), view, model_named(model))
    totals = account_totals(requirement)
    assert prepared.before.im_usd == float(totals.im_usd[0])
    assert prepared.before.counted_mm_usd == float(totals.counted_mm_usd[0])
    assert bool(prepared.losses) is bool(losses)


@EVERY
def test_the_ranking_is_that_of_single_what_ifs(subject: Subject) -> None:
    prepared = prepared_for(subject, account(subject, 6, "balances", orders=True))
    candidates = [trades(prepared, subject, seed, 1 + seed % 2) for seed in range(30)]
    base = trades(prepared, subject, 99, 1)
    for common in ((), base):
        ranked = prepared.rank(candidates, common)
        alone = [prepared.whatif([*common, *legs]) for legs in candidates]
        room = [each.verdict.room_im_usd for each in alone]
        first = [STATUSES.index(each.verdict.status) > 1 for each in alone]
        assert ranked.order.tolist() == sorted(range(30), key=lambda k: (first[k], -room[k]))
        for k, number in enumerate(ranked.order.tolist()):
            single = alone[number]
            assert ranked.im_usd[k] == single.after.im_usd
            assert ranked.mm_usd[k] == single.after.mm_usd
            assert ranked.room_im_usd[k] == single.verdict.room_im_usd
            assert STATUSES[ranked.code[k]] is single.verdict.status
            assert ranked.premium_usd[k] == pytest.approx(single.premium_usd, rel=1e-12)
            assert ranked.fees_usd[k] == pytest.approx(single.fees_usd, rel=1e-12)


def test_what_passes_ranks_before_what_leaves_more_and_fails() -> None:
    """Idle coins do not help the other coin: a trade there fails whatever they leave."""
    prepared = ready("deribit-spm", bare((CALL, -1.0), ("BTC", 1.0)))
    mark = float(prepared.base.view.mark[prepared.column[OTHER]])
    fails, passes = [leg(prepared, OTHER, 100.0, mark)], [leg(prepared, CALL, -1.0, 0.0045)]
    ranked = prepared.rank([fails, passes])
    assert ranked.order.tolist() == [1, 0]
    assert ranked.passes.tolist() == [True, False]
    assert ranked.room_im_usd[0] < ranked.room_im_usd[1]


def test_a_trade_that_passes_says_what_its_own_coin_has_left() -> None:
    """Of two coins each judged alone, the room is not that of both."""
    prepared = ready("deribit-spm", bare((CALL, -1.0), ("BTC", 9.0), ("ETH", 1.0)))
    mark = float(prepared.base.view.mark[prepared.column[OTHER]])
    found = prepared.whatif([leg(prepared, OTHER, 100.0, mark)])
    pools = prepared.ground.pools
    number = next(k for k, pool in enumerate(pools) if pool.priced.pool.currency == "ETH")
    im, _, counted, _, _, _ = found.states.values[number][:, 0].tolist()
    own = (counted - im) * pools[number].priced.usd_per_unit
    assert found.verdict.status is Status.PASSES
    assert found.verdict.currency == "ETH"
    assert found.verdict.left_im_usd == pytest.approx(own, rel=1e-12)
    assert own < 0.1 * found.verdict.room_im_usd


def test_a_ranking_in_several_calls_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = ready()
    legs = [[leg(prepared, CALL, -1.0 - k % 3, 0.01)] for k in range(5)]
    whole = prepared.rank(legs)
    monkeypatch.setattr(room, "_VARIANTS_MAX", 2)
    heard: list[tuple[int, int]] = []
    parts = prepared.rank(legs, (), lambda *step: heard.append(step))
    assert heard == [(2, 5), (4, 5), (5, 5)]
    for name in ("order", "im_usd", "mm_usd", "room_im_usd", "fees_usd", "code"):
        assert getattr(parts, name).tobytes() == getattr(whole, name).tobytes(), name


def test_equal_candidates_stay_in_the_order_in_which_they_came() -> None:
    prepared = ready()
    legs = [[leg(prepared, CALL, -1.0, 0.01)] for _ in range(3)]
    assert prepared.rank(legs).order.tolist() == [0, 1, 2]


def test_marginal_margins_of_legs() -> None:
    prepared = ready()
    legs = [leg(prepared, CALL, -1.0), leg(prepared, PUT, -1.0), leg(prepared, SWAP, 5_000.0)]
    found = prepared.whatif(legs)
    for k, each in enumerate(found.legs):
        rest = prepared.whatif(legs[:k] + legs[k + 1 :]).after
        alone = prepared.whatif([legs[k]]).after
        assert each.marginal_im_usd == found.after.im_usd - rest.im_usd
        assert each.marginal_mm_usd == found.after.mm_usd - rest.mm_usd
        assert each.alone_im_usd == alone.im_usd - found.before.im_usd
    (single,) = prepared.whatif(legs[:1]).legs
    assert single.marginal_im_usd == single.alone_im_usd


def test_premium_fees_and_day_one_in_dollars() -> None:
    prepared = ready()
    usd = float(prepared.base.view.usd[prepared.base.view.instruments.names.index("BTC")])
    found = prepared.whatif([leg(prepared, CALL, -2.0, 0.01), leg(prepared, PUT, 1.0, 0.005)])
    assert found.premium_usd == pytest.approx((2.0 * 0.01 - 0.005) * usd)
    assert found.fees_usd == pytest.approx(0.0009 * usd)
    change = found.after.equity_usd - found.before.equity_usd
    assert change == pytest.approx(found.day_one_usd - found.fees_usd, rel=1e-9)
    assert found.after.cash_usd - found.before.cash_usd == pytest.approx(
        found.premium_usd - found.fees_usd, rel=1e-9
    )


def test_a_mapped_leg_trades_the_mapped_contract() -> None:
    prepared = ready("derive-pm2", fee=0.0)
    view = prepared.base.view
    found = prepared.whatif([leg(prepared, CALL, -1.0, 0.01), leg(prepared, SWAP, 6_800.0)])
    option, swap = (each.fill for each in found.legs)
    e = int(view.instruments.expiry[option.column])
    forward = float(view.forward[e] + view.forward_settled[e])
    assert option.price == pytest.approx(0.01 * forward)  # in dollars, at the forward
    assert swap.size == pytest.approx(6_800.0 / float(view.mark[swap.column]))  # in coins
    assert swap.price == pytest.approx(float(view.ask[swap.column]))


def test_orders_that_have_nothing_left_to_reduce_are_cancelled() -> None:
    book = retail()
    held = next(k for k, q in zip(book.column.tolist(), book.quantity.tolist(), strict=True)
                if book.instruments.strike[k] > 0.0 and q < 0.0)  # fmt: skip
    order = Order(book.account[0], held, 1, 0.1, 0.01, reduce_only=True)
    with_order = Book.of(book.instruments, book.lines, [order], book.reported, book.account)
    prepared = ready(book=with_order)
    name = book.instruments.items[held].native_id
    size = -prepared.ground.position(prepared.column[name])
    legs = [Leg(prepared.column[name], size, 0.01)]
    changed = prepared.changed_book(legs)
    assert len(changed.orders.column) == 0
    assert len(prepared.changed_book([replace(legs[0], size=0.5 * size)]).orders.column) == 1


def test_what_cannot_be_prepared_or_asked() -> None:
    with pytest.raises(InputError) as told:
        ready(book=Book.of(retail().instruments, (), (), None, ("a", "b")))
    assert told.value.code == "option_unknown"
    prepared = ready()
    for ask in (
        lambda: prepared.whatif([]),
        lambda: prepared.rank([]),
        lambda: prepared.size_to_fit([]),
    ):
        with pytest.raises(InputError) as told:
            ask()
        assert told.value.code == "order_invalid"
    with pytest.raises(ModelError):
        prepare(retail(), snapshot(), model_named("paradex-pm"), None, [parse("okx", "BTC-USDT")])


def test_many_candidates_cost_one_call_a_pool() -> None:
    prepared = ready("deribit-spm")
    model = prepared.ground.model
    calls = []

    class Counted:
        spec = model.spec

        def margin(self, *arguments: object) -> object:
            calls.append(1)
            return model.margin(*arguments)  # type: ignore[arg-type]  # handed on

    prepared.whatif([leg(prepared, CALL, -1.0), leg(prepared, OTHER, 10.0)])  # asks the model once
    prepared.ground.model = Counted()  # type: ignore[assignment]  # only margin is asked
    rng = np.random.default_rng(1)
    tried = [[leg(prepared, CALL, float(s), 0.01)] for s in rng.uniform(-5.0, 5.0, 2_000).round(1)]
    prepared.rank([each for each in tried if each[0].size != 0.0])
    assert len(calls) == 1
    prepared.rank([[*each, leg(prepared, OTHER, 10.0)] for each in tried if each[0].size != 0.0])
    assert len(calls) == 3
