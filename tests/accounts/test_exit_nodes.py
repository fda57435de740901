"""The exit hook: now it is the exit, elsewhere each part is worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

import crossmargin as xm
from crossmargin.accounts.exit import exit_of
from crossmargin.accounts.exit_nodes import ExitAtNodes, quotes_kept
from crossmargin.accounts.nodes import Account, Move
from crossmargin.instruments.contracts import Kind
from tests.accounts.markets import CALL, DEEP, PERP, WING, market


def account(legs: dict[str, float], *without: str) -> tuple[Account, ExitAtNodes]:
    """The account of some contracts with a coin balance, and its hook."""
    rows = [
        {"venue": "deribit", "instrument": name, "quantity": size} for name, size in legs.items()
    ]
    rows.append({"type": "balance", "venue": "deribit", "instrument": "BTC", "quantity": 5.0})
    made = xm.margin(rows, market(without=without), "fixed-rate")
    need = made.requirement
    hook = ExitAtNodes(need.view, made.snapshot)
    return Account(need.book, need.view, need.via, need.parameters, value_of=hook), hook


def test_where_nothing_moves_it_is_the_cost_at_depth() -> None:
    held, hook = account({CALL: -3.0, WING: 2.0, PERP: 50_000.0})
    found = exit_of(held.book, held.view, hook.desk.snapshot)
    wanted = [leg.depth_usd for leg in found.legs]
    assert hook.costs(*held.market(Move())) == wanted
    assert hook(*held.market(Move())) == -sum(wanted) < 0.0


def test_quotes_keep_their_distance_and_futures_their_share() -> None:
    held, _ = account({CALL: -3.0, WING: 2.0, PERP: 50_000.0})
    moved = held.market(Move(every=1.2, vol=1.3))[1]
    seen, view = quotes_kept(held.view, moved), held.view
    for k, item in enumerate(view.instruments.items):
        if item.kind == Kind.OPTION:
            assert seen.ask[k] - seen.mark[k] == pytest.approx(view.ask[k] - view.mark[k])
        elif item.kind == Kind.PERPETUAL:
            assert seen.ask[k] / seen.mark[k] == pytest.approx(view.ask[k] / view.mark[k])
    assert quotes_kept(view, view) is view


def test_a_bid_that_would_be_nothing_is_gone_and_the_line_is_bounded() -> None:
    """Far from its strike a call held long brings its intrinsic value, which is nothing."""
    held, hook = account({WING: 2.0})
    book, moved = held.market(Move(every=0.3))
    seen = quotes_kept(held.view, moved)
    row = next(k for k, i in enumerate(seen.instruments.items) if i.native_id == WING)
    assert held.view.has_bid[row] and not seen.has_bid[row] and seen.bid[row] == 0.0
    worth = 2.0 * float(seen.mark[row] * seen.usd[seen.instruments.settle[row]])
    (cost,) = hook.costs(book, moved)
    assert -1e-9 <= cost <= worth * 1.01 + 1.0


def test_what_has_no_quote_is_bounded_at_the_node() -> None:
    """A short without an ask costs its value at ten points more of volatility there, and a fee."""
    held, hook = account({DEEP: -1.0}, f"ask {DEEP}")
    costs = []
    for factor in (0.7, 1.0, 1.4):
        book, moved = held.market(Move(every=factor))
        assert not quotes_kept(held.view, moved).has_ask[:].all()
        costs.append(hook.costs(book, moved)[0])
    assert all(np.isfinite(costs)) and min(costs) > 0.0 and len(set(costs)) == 3


def test_the_margin_is_still_priced_in_one_call_and_the_hook_at_each_node() -> None:
    held, hook = account({CALL: -3.0, PERP: 50_000.0})
    moves = [Move(every=f) for f in (0.5, 0.8, 1.0, 1.3, 2.0)]
    many = held.many(moves)
    assert held.tiled
    plain = Account(held.book, held.view, held.model, held.parameters).many(moves)
    for k, move in enumerate(moves):
        cost = -hook(*held.market(move))
        gap = float(plain.over_mm_usd[k] - many.over_mm_usd[k])
        assert gap == pytest.approx(cost, rel=1e-9)
        assert many.mm_usd[k] == plain.mm_usd[k]


def test_what_has_expired_costs_nothing() -> None:
    held, hook = account({CALL: -3.0})
    life = held.book.instruments.items[0].expiry_ms
    life = max(i.expiry_ms for i in held.book.instruments.items) - held.view.as_of_ms
    assert hook.costs(*held.market(Move(passed_ms=life + 1))) == []
