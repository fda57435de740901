"""A plan holds by the exact rules, creates and loses nothing, and is made of what is there."""

from __future__ import annotations

import pytest

from crossmargin.accounts.venue_accounts import VenueAccount
from crossmargin.core.errors import InputError
from crossmargin.decisions.allocate import Asked, allocate
from crossmargin.decisions.allocation import Wish
from tests.decisions.venue_accounts import CALL, PERP, PUT, account, contract, pool, split


def net(accounts: list[VenueAccount]) -> dict[str, float]:
    """Signed positions over all accounts."""
    out: dict[str, float] = {}
    for each in accounts:
        for column, size in zip(
            each.book.column.tolist(), each.book.quantity.tolist(), strict=True
        ):
            item = each.book.instruments.items[column]
            out[item.native_id] = out.get(item.native_id, 0.0) + size
    return out


def test_positions_move_and_none_is_made_or_lost() -> None:
    own = split(0)
    found = allocate(own, Wish({}, 0.1, 0.4, 365.0), Asked(transfers=False, fee=0.0003))
    assert found.held and found.freed_usd > 0.0 and found.intents.trades
    total: dict[str, float] = {}
    for trade in found.intents.trades:
        total[trade.instrument] = total.get(trade.instrument, 0.0) + trade.size
    assert all(abs(size) < 1e-9 for size in total.values())
    for trade in found.intents.trades:
        at = next(each for each in own if each.name == trade.account)
        assert trade.instrument in net(own), at.name
    assert found.worth_usd <= found.bound_usd + 1.0
    days = found.payback_days(0.4)
    assert days == pytest.approx(found.cost_usd / (0.4 * found.freed_usd / 365.0))


def test_a_call_is_cured_with_the_least_that_must_move() -> None:
    own = [
        account("rich", "deribit-xpm"),
        account("poor", "deribit-xpm", {PERP: 300_000.0}, 9_000.0),
    ]
    found = allocate(own, Wish({}, 0.2, 0.0), Asked(trades=False))
    rich, poor = found.places
    assert poor.before.over_im_usd < poor.buffer_usd
    assert found.held and poor.held and rich.held
    (sent,) = found.intents.transfers
    assert (sent.source, sent.target, sent.currency) == ("rich", "poor", "USDC")
    assert poor.after.over_im_usd == pytest.approx(poor.buffer_usd, abs=1.0)
    assert found.cost_usd == 5.0


def test_a_new_trade_goes_where_it_needs_least() -> None:
    own = [account("flat", "deribit-xpm"), account("short", "deribit-xpm", {CALL: -5.0})]
    asked = Asked(trades=False, transfers=False, add=(contract(CALL), 2.0, None))
    found = allocate(own, Wish({}, 0.0, 0.5, 365.0), asked)
    assert [(t.account, t.size) for t in found.intents.trades] == [("short", 2.0)]
    assert found.places[1].after.over_im_usd != found.places[1].before.over_im_usd


def test_borrowing_room_and_collateral_are_ways_too() -> None:
    own = [pool(ether=80.0), account("poor", "deribit-xpm", {PERP: 300_000.0}, 9_000.0)]
    found = allocate(own, Wish({}, 0.2, 0.0), Asked(trades=False))
    assert found.held
    assert {each.source for each in found.intents.transfers} == {"loan"}


def test_where_no_plan_exists_nothing_is_proposed() -> None:
    own = [account("a", "deribit-xpm", {PUT: -1.0}, 20_000.0), account("b", "deribit-xpm")]
    found = allocate(own, Wish({"a": 5e6}))
    assert not found.feasible and not found.held
    assert len(found.intents) == 0
    assert any("buffer of a" in each.name for each in found.relaxations)
    assert found.freed_usd == 0.0


def test_at_the_mark_the_spread_is_left_out() -> None:
    own = split(2)
    wish = Wish({}, 0.0, 0.2, 365.0)
    paid = allocate(own, wish, Asked(transfers=False, fee=0.0))
    free = allocate(own, wish, Asked(transfers=False, fee=0.0, at_mark=True))
    assert free.cost_usd == pytest.approx(0.0, abs=1e-6)
    assert free.worth_usd >= paid.worth_usd - 1.0


def test_names_stand_once() -> None:
    with pytest.raises(InputError):
        allocate([], Wish({}))
    with pytest.raises(InputError):
        allocate([account("a", "deribit-xpm"), account("a", "deribit-xpm")], Wish({}))


def test_a_trade_beside_a_large_transfer_keeps_its_proof() -> None:
    own = [pool(ether=400.0, debt=1_000.0), account("one", "deribit-xpm", {PERP: -300_000.0})]
    asked = Asked(add=(contract(PUT), 1.0, None), fee=0.0)
    found = allocate(own, Wish({}, 0.1, 0.08, 30.0), asked)
    assert found.intents.transfers and found.proven
