"""Legs one after another: every order by brute force, the best order, and the bound."""

from __future__ import annotations

from itertools import permutations

import pytest

from crossmargin.core.errors import InputError, ModelError
from crossmargin.margin.whatif_legged import bounded, subsets
from tests.conformance.world import Subject
from tests.margin.accounts_before_trades import CASH, SUBJECTS, account, prepared_for, trades

EVERY = pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)


@EVERY
def test_the_worst_and_the_best_order_against_all_orders(subject: Subject) -> None:
    prepared = prepared_for(subject, account(subject, 4, "balances", orders=True))
    legs = trades(prepared, subject, 5, 4)
    found = prepared.whatif(legs, atomic=False)
    legged = found.legged
    assert legged is not None and legged.exact

    def least(order: tuple[int, ...]) -> tuple[float, float]:
        states = [prepared.whatif([legs[k] for k in order[:n]]) for n in range(1, len(order) + 1)]
        return (
            min(each.after.counted_im_usd - each.after.im_usd for each in states),
            max(each.after.im_usd for each in states),
        )

    orders = {order: least(order) for order in permutations(range(len(legs)))}
    assert legged.room_im_usd == pytest.approx(min(room for room, _ in orders.values()), rel=1e-12)
    assert legged.im_usd == pytest.approx(max(im for _, im in orders.values()), rel=1e-12)
    best = max(room for room, _ in orders.values())
    assert legged.order_room_im_usd == pytest.approx(best, rel=1e-12)
    assert orders[legged.order][0] == pytest.approx(best, rel=1e-12)


@EVERY
@pytest.mark.parametrize("cash", CASH)
def test_atomic_is_at_most_legged_and_the_bound_is_above_both(subject: Subject, cash: str) -> None:
    for seed in range(4):
        prepared = prepared_for(subject, account(subject, seed, cash, orders=seed % 2 == 1))
        legs = trades(prepared, subject, seed, 5)
        once = prepared.whatif(legs)
        slow = prepared.whatif(legs, atomic=False)
        assert slow.legged is not None
        assert once.after.im_usd <= slow.legged.im_usd
        assert once.after.mm_usd <= slow.legged.mm_usd
        assert once.verdict.room_im_usd >= slow.legged.room_im_usd
        assert once.after == slow.after
        assert [leg.marginal_im_usd for leg in once.legs] == pytest.approx(
            [leg.marginal_im_usd for leg in slow.legs], rel=1e-12, abs=1e-9
        )
        try:
            limit, _ = bounded(prepared.ground, [prepared.fill(leg) for leg in legs])
        except ModelError as error:  # a protocol that margins no orders, or by a rule of its own
            assert error.code == "rules_unknown"
            assert "order_margin" not in prepared.base.sheet
            continue
        assert not limit.exact
        scale = 1e-9 * slow.legged.im_usd
        assert limit.im_usd >= slow.legged.im_usd - scale
        assert limit.mm_usd >= slow.legged.mm_usd - scale
        assert limit.room_im_usd <= slow.legged.room_im_usd + scale
        assert limit.room_mm_usd <= slow.legged.room_mm_usd + scale


def test_many_legs_are_bounded_and_say_so() -> None:
    subject = SUBJECTS[0]
    prepared = prepared_for(subject, account(subject, 1, "balances"))
    legs = trades(prepared, subject, 2, 12)
    found = prepared.whatif(legs, atomic=False)
    assert found.legged is not None
    assert not found.legged.exact and found.legged.order == ()
    assert found.legged.im_usd >= found.after.im_usd
    with pytest.raises(InputError) as told:
        prepared.size_to_fit(legs, atomic=False, lot=0.001)
    assert told.value.code == "order_invalid"


def test_subsets_are_numbered_by_their_bits() -> None:
    subject = SUBJECTS[0]
    prepared = prepared_for(subject, account(subject, 1, "balances"))
    fills = [prepared.fill(leg) for leg in trades(prepared, subject, 2, 3)]
    found = subsets(fills)
    assert len(found) == 7
    assert found[0] == [fills[0]] and found[4] == [fills[0], fills[2]] and found[6] == fills
