"""What may move: positions to twins that can be traded, assets that are there, a trade's ways."""

from __future__ import annotations

import pytest

from crossmargin.core.errors import InputError
from crossmargin.decisions.moves import moves_of, route_of, shifts_of, stays_of
from crossmargin.decisions.places import Place, place_of
from tests.decisions.venue_accounts import CALL, PERP, PUT, account, contract, pool

QUOTES = ("bid", "ask")


def places() -> tuple[Place, ...]:
    """Two accounts of one venue, a pool."""
    both = [contract(name) for name in (CALL, PERP, PUT)]
    first = place_of(account("one", "deribit-xpm", {CALL: -4.0}), both[1:])
    second = place_of(account("two", "house-example", {PERP: 20_000.0}), [both[0], both[2]], 0.0003)
    return first, second, place_of(pool())


def test_a_move_closes_here_and_opens_there() -> None:
    moves, _ = moves_of(places())
    found = {(m.source, m.target, m.item.native_id): m for m in moves}
    assert set(found) == {("one", "two", CALL), ("two", "one", PERP)}
    move = found["one", "two", CALL]
    assert (move.largest, move.sign, move.ratio) == (4.0, -1.0, 1.0)
    assert move.at("one", 1.5) == (contract(CALL), 1.5)
    assert move.at("two", 1.5) == (contract(CALL), -1.5)


def test_what_has_no_quote_stays_and_is_named() -> None:
    first = place_of(account("one", "deribit-xpm", {"BTC-31JUL26-90000-P": -1.0}))
    second = place_of(account("two", "deribit-xpm", {"BTC-31JUL26-90000-P": -1.0}))
    moves, said = moves_of((first, second))
    sides = [first.account.snapshot.get(side, "deribit|BTC-31JUL26-90000-P") for side in QUOTES]
    assert None in sides  # a far put that one side of the market leaves alone
    assert moves == ()
    assert all("quote_missing" in each and "BTC-31JUL26-90000-P" in each for each in said)


def test_assets_move_where_both_ends_value_them() -> None:
    shifts = shifts_of(places(), 10_000.0, {"ETH": 0.01})
    ways = {(s.source, s.target, s.item.underlying): s for s in shifts}
    assert ways["one", "two", "USDC"].loss == pytest.approx(1.0, rel=1e-3)
    pledged = ways["loan", "one", "ETH"]
    assert pledged.loss == pytest.approx(0.8, rel=1e-6)
    assert pledged.most_usd <= 50.0 * pledged.price_usd
    assert pledged.holding == 0.01
    assert ("loan", "one", "USDC") in ways  # borrowed


def test_a_route_has_every_account_that_can_trade_it() -> None:
    route = route_of(places(), contract(PUT), -2.0)
    assert [way.place for way in route.ways] == ["one", "two"]
    with pytest.raises(InputError) as told:
        route_of((place_of(pool()),), contract(PUT), 1.0)
    assert told.value.code == "order_invalid"


def test_what_stays_has_its_size_and_a_reason() -> None:
    own = places()
    moves, _ = moves_of(own)
    sizes = [1.5 if move.source == "one" else 0.0 for move in moves]
    left = {(s.place, s.item.native_id): s for s in stays_of(own, moves, sizes)}
    assert left["one", CALL].quantity == -2.5
    assert left["two", PERP].quantity == 20_000.0
    assert "worth its cost" in left["two", PERP].reason
    whole = [move.largest for move in moves]
    assert stays_of(own, moves, whole) == ()
    alone = stays_of(own[:1], (), ())
    assert [each.reason for each in alone] == ["no other account takes this contract"]
