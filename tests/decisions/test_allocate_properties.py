"""What holds of every allocation of small drawn books, each answer held against `xm.margin`."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import crossmargin as xm
from crossmargin.accounts.venue_accounts import Trust, VenueAccount
from crossmargin.decisions.allocate import Allocation, Asked, allocate
from crossmargin.decisions.allocation import Wish
from tests.decisions.venue_accounts import CALL, HIGH, PERP, PUT, account, market, pool

FEW = settings(max_examples=5)
RULES = ("deribit-xpm", "house-example", "deribit-xpm")
NAMES = ("one", "two", "three")
NEAR_USD = 0.06

lots = st.integers(-20, 20).map(lambda n: n / 10.0)
books = st.fixed_dictionaries(
    {CALL: lots, HIGH: lots, PUT: lots, PERP: st.integers(-5, 5).map(lambda n: n * 10_000.0)}
)
desks = st.lists(books, min_size=2, max_size=3)


def accounts(desk: list[dict[str, float]], money: float = 200_000.0) -> list[VenueAccount]:
    """An account each; what is zero is not held."""
    return [
        account(name, rule, {n: q for n, q in own.items() if q}, money)
        for name, rule, own in zip(NAMES, RULES, desk, strict=False)
    ]


def positions(each: VenueAccount) -> dict[str, float]:
    """Quantity by name, balances too."""
    items = each.book.instruments.items
    held = zip(each.book.column.tolist(), each.book.quantity.tolist(), strict=True)
    out: dict[str, float] = {}
    for column, size in held:
        out[items[column].native_id] = out.get(items[column].native_id, 0.0) + size
    return out


def after(own: list[VenueAccount], found: Allocation) -> dict[str, dict[str, float]]:
    """Positions of every account once the trades are done; balances left out."""
    out = {}
    for each in own:
        held = {n: q for n, q in positions(each).items() if n in (CALL, HIGH, PUT, PERP)}
        for trade in found.intents.trades:
            if trade.account == each.name:
                held[trade.instrument] = held.get(trade.instrument, 0.0) + trade.size
        out[each.name] = held
    return out


@FEW
@given(desks, st.sampled_from([0.0, 0.1, 0.5]), st.booleans())
def test_less_is_demanded_every_buffer_holds_and_nothing_is_made(
    desk: list[dict[str, float]], buffer: float, at_mark: bool
) -> None:
    own = accounts(desk)
    fee = 0.0 if at_mark else 0.0003
    found = allocate(own, Wish({}, buffer, 0.4, 365.0), Asked(fee=fee, at_mark=at_mark))
    assert found.feasible  # everything fits where it is
    assert found.worth_usd >= -NEAR_USD
    assert found.freed_usd >= -NEAR_USD
    for each in found.places:
        assert each.after.over_im_usd >= buffer * each.after.demand_im_usd - NEAR_USD
    total: dict[str, float] = {}
    for held in after(own, found).values():
        for name, size in held.items():
            total[name] = total.get(name, 0.0) + size
    for name in (CALL, HIGH, PUT, PERP):
        start = sum(positions(each).get(name, 0.0) for each in own)
        assert total.get(name, 0.0) == pytest.approx(start, abs=1e-9)
    # Equity in all falls by what the plan costs and by nothing else.
    equity = [sum(getattr(p, k).equity_usd for p in found.places) for k in ("before", "after")]
    assert equity[0] - equity[1] == pytest.approx(found.cost_usd, abs=NEAR_USD)


@FEW
@given(desks)
def test_no_position_grows_or_turns_and_what_may_not_move_stays(
    desk: list[dict[str, float]],
) -> None:
    own = [*accounts(desk), pool()]
    wish = Wish({}, 0.1, 0.4, 365.0)
    found = allocate(own, wish, Asked(fee=0.0, at_mark=True, transfers=False))
    assert not found.intents.transfers
    assert all(trade.account != "loan" for trade in found.intents.trades)  # it lists none
    sold: dict[tuple[str, str], float] = {}
    for trade in found.intents.trades:
        if trade.reason.startswith("moves"):
            key = trade.account, trade.instrument
            sold[key] = sold.get(key, 0.0) + trade.size
    held = {each.name: positions(each) for each in own}
    for (name, what), size in sold.items():
        assert size * held[name][what] < 0.0
        assert abs(size) <= abs(held[name][what]) + 1e-9
    still = allocate(own, wish, Asked(trades=False))
    assert not still.intents.trades


@FEW
@given(desks)
def test_the_answer_is_the_margin_of_the_books_that_would_be_there(
    desk: list[dict[str, float]],
) -> None:
    own = accounts(desk)
    found = allocate(own, Wish({}, 0.0, 0.4, 365.0), Asked(fee=0.0, at_mark=True, transfers=False))
    snapshot = market()
    books = after(own, found)
    for each, shown in zip(own, found.places, strict=True):
        coins = 0.0  # what options cost in coins; a perpetual at its mark moves no cash
        for trade in found.intents.trades:
            if trade.account == each.name and trade.instrument != PERP:
                mark = snapshot.get("mark", f"deribit|{trade.instrument}") or 0.0
                coins -= trade.size * mark
        lines = {**books[each.name], "BTC": coins, "USDC": 200_000.0}
        rows = [
            {"account": "a", "venue": "deribit", "instrument": name, "quantity": size}
            for name, size in lines.items()
            if abs(size) > 1e-12
        ]
        model = each.model.spec.name if each.model is not None else ""
        room = xm.margin(rows, snapshot, model).figures["accounts"][0]["room_im_usd"]
        assert shown.after.over_im_usd == pytest.approx(room, abs=0.05)


@FEW
@given(desks, st.floats(1.0, 80.0), st.sampled_from([0.0, 0.001]))
def test_a_dearer_transfer_and_a_place_less_are_never_better(
    desk: list[dict[str, float]], fee_usd: float, share: float
) -> None:
    own = [
        *accounts(desk[:1], 300_000.0),
        account("poor", "deribit-xpm", {PERP: 300_000.0}, 9_000.0),
    ]
    wish = Wish({}, 0.2, 0.0)
    cheap = allocate(own, wish, Asked(trades=False))
    trust = Trust(transfer_fee_usd=5.0 + fee_usd, transfer_fee_fraction=share)
    dear = allocate([replace(each, trust=trust) for each in own], wish, Asked(trades=False))
    assert cheap.feasible and dear.feasible
    assert cheap.cost_usd <= dear.cost_usd + NEAR_USD
    other = account("other", "deribit-xpm", {}, 50_000.0, Trust(transfer_fee_usd=1.0))
    more = allocate([*own, other], wish, Asked(trades=False))
    assert more.held and more.cost_usd <= cheap.cost_usd + NEAR_USD


@FEW
@given(desks.filter(lambda desk: len(desk) == 2))
def test_one_more_place_never_frees_less(desk: list[dict[str, float]]) -> None:
    own = accounts(desk)
    wish = Wish({}, 0.0, 0.4, 365.0)
    asked = Asked(fee=0.0, at_mark=True, transfers=False)
    two = allocate(own, wish, asked)
    three = allocate([*own, account("three", "deribit-xpm")], wish, asked)
    if three.proven:
        assert two.worth_usd <= three.bound_usd + NEAR_USD
    assert three.worth_usd >= two.worth_usd - max(0.5, 0.01 * abs(two.worth_usd))
