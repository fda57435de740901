"""Collateral, a call, a new trade, compression: each against an oracle that searches nothing."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest

import crossmargin as xm
from crossmargin.accounts.venue_accounts import Trust, VenueAccount
from crossmargin.decisions.allocate import Asked, allocate
from crossmargin.decisions.allocation import Wish
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instruments
from crossmargin.instruments.symbology import asset
from tests.decisions.venue_accounts import CALL, HIGH, PERP, PUT, account, contract, market

NEEDS_USD = 30_000.0
CURE = Wish({}, 0.2, 0.0)


def balances(name: str, held: dict[str, float], trust: Trust) -> VenueAccount:
    """An account of balances alone: a wallet that the venue's rule values."""
    own = account(name, "deribit-xpm", {}, 1.0, trust)
    items = [asset("deribit", each) for each in held]
    table = Instruments.of(items)
    place = table.index_of()
    lines = [Line(name, place["deribit", each], size) for each, size in held.items()]
    return replace(own, book=Book.of(table, lines, [], None, (name,)))


def poor() -> VenueAccount:
    """Short of its buffer: a long perpetual of 300,000 dollars on 9,000."""
    return account("poor", "deribit-xpm", {PERP: 300_000.0}, 9_000.0)


def price(currency: str) -> float:
    """Dollars of one unit."""
    snapshot = market()
    found = snapshot.get("usd", currency) or snapshot.get("index", f"{currency}/USD")
    return float(found or 1.0)


def vertices(rows: np.ndarray, most: np.ndarray, cost: np.ndarray, need: float) -> float:
    """The least ``cost @ x`` over ``rows @ x >= need``, 0 <= x <= most: every vertex is asked."""
    count = len(cost)
    top = np.inf
    for free in range(count):
        others = [k for k in range(count) if k != free]
        for at in product((0.0, 1.0), repeat=count - 1):
            x = np.zeros(count)
            x[others] = np.array(at) * most[others]
            x[free] = (need - float(rows @ x)) / rows[free]
            if -1e-9 <= x[free] <= most[free] + 1e-9:
                top = min(top, float(cost @ x))
    return top


COSTS = [
    {"USDC": 0.001, "ETH": 0.004, "BTC": 0.009},
    {"USDC": 0.010, "ETH": 0.004, "BTC": 0.007},
    {"USDC": 0.010, "ETH": 0.009, "BTC": 0.002},
]


@pytest.mark.parametrize("dear", COSTS)
@pytest.mark.parametrize("scarce", [False, True])
def test_the_cheapest_collateral_goes_first_and_caps_bind_in_order(
    dear: dict[str, float], scarce: bool
) -> None:
    """What is sent costs what the best vertex of the linear programme costs.

    A dollar of an asset counts at the account as `xm.margin` says with and without it. Of plenty
    one asset is sent; where the cheaper are scarce they run out before the dearest is touched.
    """
    held = {"USDC": 90_000.0, "ETH": 60.0, "BTC": 3.0}
    for name in sorted(dear, key=dear.__getitem__)[:2] if scarce else []:
        held[name] *= 0.03
    own = [balances("safe", held, Trust(transfer_fee_fraction=0.001)), poor()]
    wish = Wish({"poor": NEEDS_USD}, 0.0, 0.0, 365.0)
    found = allocate(own, wish, Asked(trades=False, holding=dear))
    assert found.held
    sent = {each.currency: each.amount * price(each.currency) for each in found.intents.transfers}
    names = list(held)
    room = {name: credit(name, 3_000.0) / 3_000.0 * 0.999 for name in names}
    order = sorted(names, key=lambda name: (dear[name] + 0.001) / room[name])
    lacks = NEEDS_USD - standing({})
    most = np.array([held[name] * price(name) for name in names])
    cost = np.array([dear[name] + 0.001 for name in names])
    least = vertices(np.array([room[name] for name in names]), most, cost, lacks)
    paid = sum((dear[name] + 0.001) * dollars for name, dollars in sent.items())
    assert paid == pytest.approx(least, rel=0.02)
    for first, second in combinations(order, 2):
        if second in sent:  # a dearer one is touched only when the cheaper one is gone
            assert sent[first] == pytest.approx(held[first] * price(first), rel=1e-6)
    assert sorted(sent) == sorted(order[: len(sent)]) and (len(sent) > 1) == scarce


def standing(more: dict[str, float]) -> float:
    """Room of the poor account with so many units more, by `xm.margin`."""
    held = {PERP: 300_000.0, "USDC": 9_000.0}
    for name, size in more.items():
        held[name] = held.get(name, 0.0) + size
    rows = [
        {"account": "a", "venue": "deribit", "instrument": name, "quantity": size}
        for name, size in held.items()
    ]
    found = xm.margin(rows, market(), "deribit-xpm")
    return float(found.figures["accounts"][0]["room_im_usd"])


def credit(name: str, dollars: float) -> float:
    """Room that dollars of an asset add."""
    return standing({name: dollars / price(name)}) - standing({})


@pytest.mark.parametrize("money", [8_000.0, 9_000.0, 12_000.0])
def test_a_cure_restores_the_buffer_and_not_a_dollar_more(money: float) -> None:
    own = [
        account("near", "deribit-xpm", trust=Trust(transfer_fee_usd=2.0)),
        account("far", "deribit-xpm", trust=Trust(transfer_fee_usd=40.0)),
        account("poor", "deribit-xpm", {PERP: 300_000.0}, money),
    ]
    found = allocate(own, CURE, Asked(trades=False))
    (sent,) = found.intents.transfers
    assert (sent.source, sent.target) == ("near", "poor") and found.cost_usd == 2.0
    cured = next(each for each in found.places if each.name == "poor")
    assert cured.before.over_im_usd < cured.buffer_usd
    assert cured.after.over_im_usd == pytest.approx(cured.buffer_usd, abs=0.06)
    # A dollar less does not do: the exact rule says so.
    short = standing_usdc(money + sent.amount - 2.0 - 1.0)
    assert short < 0.2 * (money + sent.amount - 3.0 - short)


def standing_usdc(money: float) -> float:
    """Room of the perpetual on so many dollars."""
    return standing({"USDC": money - 9_000.0})


@pytest.mark.parametrize("size", [-2.0, 3.0])
@pytest.mark.parametrize("name", [CALL, PUT])
def test_a_new_trade_goes_where_the_exact_rules_ask_least(name: str, size: float) -> None:
    own = [
        account("flat", "deribit-xpm"),
        account("short", "deribit-xpm", {CALL: -5.0, PUT: 1.0}),
        account("other", "house-example", {HIGH: 2.0}),
    ]
    wish = Wish({}, 0.0, 0.5, 365.0)
    asked = Asked(trades=False, transfers=False, add=(contract(name), size, None), fee=0.0)
    found = allocate(own, wish, asked)
    placed = {each.account: each.size for each in found.intents.trades}
    assert sum(placed.values()) == pytest.approx(size)
    side = "ask" if size > 0.0 else "bid"
    coin = market().get(side, f"deribit|{name}") or 0.0
    after = {}
    for each in own:
        for part in np.round(np.arange(0.0, abs(size) + 0.05, 0.1), 1).tolist():
            after[each.name, part] = room_with(each, name, np.sign(size) * part, coin)
    base = sum(after[each.name, 0.0] for each in own)
    top, grid = -np.inf, np.round(np.arange(0.0, abs(size) + 0.05, 0.1), 1).tolist()
    for a, b in product(grid, repeat=2):
        left = round(abs(size) - a - b, 1)
        if left >= 0.0:
            parts = zip(own, (a, b, left), strict=True)
            top = max(top, sum(after[each.name, part] for each, part in parts) - base)
    parts = [(each, round(abs(placed.get(each.name, 0.0)), 1)) for each in own]
    got = sum(after[each.name, part] for each, part in parts) - base
    assert got >= top - 0.05
    shown = sum(p.after.over_im_usd - p.before.over_im_usd for p in found.places)
    assert shown == pytest.approx(got, abs=0.05)


def room_with(each: VenueAccount, name: str, size: float, coin: float) -> float:
    """Room by `xm.margin` of an account with one option more, paid in coins."""
    items = each.book.instruments.items
    held = zip(each.book.column.tolist(), each.book.quantity.tolist(), strict=True)
    lines = {items[column].native_id: quantity for column, quantity in held}
    lines[name] = lines.get(name, 0.0) + size
    lines["BTC"] = -size * coin
    rows = [
        {"account": "a", "venue": "deribit", "instrument": key, "quantity": quantity}
        for key, quantity in lines.items()
        if abs(quantity) > 1e-12
    ]
    model = each.model.spec.name if each.model is not None else ""
    found = xm.margin(rows, market(), model)
    return float(found.figures["accounts"][0]["room_im_usd"])


def test_offsetting_lines_are_closed_and_the_net_stays() -> None:
    own = [
        account("one", "deribit-xpm", {CALL: -5.0, PUT: 2.0}),
        account("two", "deribit-xpm", {CALL: 3.0, PUT: 1.0}),
    ]
    wish = Wish({}, 0.0, 0.0, gross_weight=0.5)
    found = allocate(own, wish, Asked(transfers=False, fee=0.0003))
    gross, net = {}, {}
    for each in own:
        items = each.book.instruments.items
        for column, size in zip(
            each.book.column.tolist(), each.book.quantity.tolist(), strict=True
        ):
            gross[each.name, items[column].native_id] = size
    for trade in found.intents.trades:
        key = trade.account, trade.instrument
        gross[key] = gross.get(key, 0.0) + trade.size
    for (_, name), size in gross.items():
        net[name] = net.get(name, 0.0) + size
    assert net[CALL] == pytest.approx(-2.0) and net[PUT] == pytest.approx(3.0)
    lines = sum(abs(size) for (_, name), size in gross.items() if name == CALL)
    assert lines == pytest.approx(2.0)  # 8 contracts gross become the 2 of the net
    assert found.freed_usd >= -0.05
    assert found.cost_usd > 0.0
    assert found.cost_usd == pytest.approx(sum(t.cost_usd for t in found.intents.trades))
