"""An account at moved markets: both ways of valuing it, hooks, expiries and refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crossmargin.accounts.nodes import TILED, Account, Move, MoveGrid
from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.register import ALL_MODELS
from crossmargin.margin.run import parameters_for
from tests.accounts.random_books import (
    account_of,
    contracts,
    named,
    random_account,
    sample_market,
    two_coins,
)
from tests.conformance.takers import SAMPLE_TAKERS

FACTORS = (0.07, 0.5, 0.93, 1.0, 1.21, 4.0)


def on_venue(model: str) -> Account:
    """A mixed account under any model that takes the sample's venue or is mapped to it."""
    import crossmargin as xm
    from crossmargin.sample import book_path, market_path

    need = xm.margin(str(book_path("retail-short-vol")), str(market_path()), model).requirement
    return Account(need.book, need.view, need.via, need.parameters)


@pytest.mark.parametrize("model", SAMPLE_TAKERS)
def test_tiled_is_one_by_one(model: str) -> None:
    account = on_venue(model)
    wanted = account.tiled
    moves = [Move(every=f, vol=v) for f in FACTORS for v in (0.6, 1.0, 1.7)]
    many = account.many(moves)
    assert account.tiled == wanted, "the tiles were found to differ"
    alone = account
    alone.tiled = False
    single = alone.many(moves)
    scale = np.abs(single.equity_usd) + single.mm_usd
    for name in ("equity_usd", "im_usd", "mm_usd", "over_im_usd", "over_mm_usd", "need_mm_usd"):
        gap = np.abs(getattr(many, name) - getattr(single, name))
        assert (gap <= 1e-12 * scale).all(), name


@pytest.mark.parametrize("model", sorted({*TILED, "bybit-pm", "house-example"}))
def test_several_coins_in_one_call_are_those_coins_alone(model: str) -> None:
    """No copy sees another: pools, balances and moves of one coin are those of single runs."""
    account = two_coins(model, 7)
    moves = [Move(every=f, vol=v) for f, v in ((0.3, 0.7), (0.9, 1.0), (1.0, 1.0), (2.5, 1.6))]
    moves.append(Move(spot={"BTC": 0.8, "ETH": 1.3}, vols={"ETH": 1.4}))
    many = account.many(moves)
    assert account.tiled, "the tiles were found to differ"
    for k, move in enumerate(moves):
        alone = account.one(move)
        scale = abs(float(alone.equity_usd[0])) + float(alone.mm_usd[0])
        for name in ("equity_usd", "im_usd", "mm_usd", "over_mm_usd", "need_mm_usd"):
            gap = float(getattr(many, name)[k] - getattr(alone, name)[0])
            assert abs(gap) <= 1e-12 * scale, name


def test_a_grid_of_moves_is_the_list_of_them() -> None:
    spots, vols = np.array([0.5, 1.0, 1.5]), np.array([0.8, 1.0])
    made = MoveGrid(spots, vols)
    wanted = [Move(every=s, vol=v) for s in spots.tolist() for v in vols.tolist()]
    assert len(made) == 6 and list(made) == wanted and made[1:3] == wanted[1:3]
    account = random_account(17)
    for name in ("equity_usd", "over_mm_usd"):
        fast, slow = (getattr(account.many(each), name) for each in (made, wanted))
        assert np.array_equal(fast, slow)


def test_what_is_tiled_is_registered() -> None:
    assert set(TILED) <= set(ALL_MODELS.names)
    assert on_venue("house-example").tiled and on_venue("deribit-xpm").tiled
    assert on_venue("derive-pm2").tiled and on_venue("okx-pm").tiled
    assert not on_venue("hybrid").tiled


def test_coins_move_alone_and_volatilities_by_underlying() -> None:
    account = random_account(17)
    coins = account.coins()
    together = account.one(Move(every=1.1))
    assert together == account.one(Move(spot=dict.fromkeys(coins, 1.1))) or np.array_equal(
        together.equity_usd, account.one(Move(spot=dict.fromkeys(coins, 1.1))).equity_usd
    )
    still = account.one(Move(spot={"SOL": 3.0}))
    assert still.equity_usd[0] == account.one(Move()).equity_usd[0]
    by_coin = account.one(Move(vols=dict.fromkeys(coins, 1.3)))
    assert by_coin.equity_usd[0] == account.one(Move(vol=1.3)).equity_usd[0]


def test_what_expires_is_paid_out() -> None:
    """A put in the money and a future: after their expiry only the money is left."""
    options = [i for i in contracts()["option"] if i.underlying == "BTC" and not i.inverse]
    options = options or [i for i in contracts()["option"] if i.underlying == "BTC"]
    first = min(i.expiry_ms for i in options)
    put = max((i for i in options if i.expiry_ms == first and i.right < 0), key=lambda i: i.strike)
    account = account_of([(put, -2.0), (named(put.settle), 10.0)], "deribit-sm")
    life = first - account.view.as_of_ms
    before, after = account.one(Move(passed_ms=life)), account.one(Move(passed_ms=life + 1))
    assert after.equity_usd[0] == pytest.approx(before.equity_usd[0], abs=1e-6)
    assert before.mm_usd[0] > 0.0 and after.mm_usd[0] == 0.0
    forward = float(account.view.forward[0])
    intrinsic = max(put.strike - forward, 0.0)
    now = account.one(Move())
    mark = float(account.view.mark[account.view.instruments.index_of()[put.key]])
    usd = float(account.view.usd[account.view.instruments.names.index(put.settle)])
    start = float(now.equity_usd[0]) + 2.0 * mark * usd
    paid = intrinsic / (forward if put.inverse else 1.0) * usd
    model_gap = abs(mark * usd - paid) * 0.05 + 30.0  # the residual of the mark stays in it
    assert after.equity_usd[0] == pytest.approx(start - 2.0 * paid, abs=2.0 * model_gap)


def test_hooks_and_offsets_add_dollars() -> None:
    legs = [(named("BTC-PERPETUAL"), 20_000.0), (named("BTC"), 1.0)]
    plain = account_of(legs, "fixed-rate")
    hooked = account_of(legs, "fixed-rate", value_of=lambda book, view: -123.0)
    shifted = plain.with_offset(-123.0)
    moves = [Move(every=f) for f in FACTORS]
    assert hooked.tiled and shifted.tiled
    for other in (hooked.many(moves), shifted.many(moves)):
        for name in ("equity_usd", "counted_mm_usd", "over_mm_usd"):
            lower = getattr(plain.many(moves), name) - 123.0
            assert np.allclose(getattr(other, name), lower, rtol=1e-12)
        assert np.array_equal(other.mm_usd, plain.many(moves).mm_usd)
    assert hooked.tiled and plain.offset_usd == 0.0


def test_steps_are_counted() -> None:
    account = random_account(0)
    heard: list[int] = []
    account.many([Move(every=f) for f in np.geomspace(0.5, 2.0, 3000)], lambda: heard.append(1))
    assert len(heard) == account.blocks(3000) < 30
    account.tiled = False
    assert account.blocks(12) == 12


def test_what_cannot_be_valued_is_refused() -> None:
    account = random_account(0)
    table = account.book.instruments
    lines = [Line(name, 0, 1.0) for name in ("a", "b")]
    two = Book.of(table, lines)
    rules = account.model
    parameters = parameters_for(rules, account.view.as_of_ms)
    with pytest.raises(InputError, match="option_unknown"):
        Account(two, account.view, rules, parameters)
    lost = replace(account.view, ok=np.zeros(len(table), np.bool_))
    with pytest.raises(InputError, match="mark_missing"):
        Account(account.book, lost, rules, parameters)
    nothing = Instruments.of([named("BTC")])
    view = sample_market().view(nothing)
    held = Book.of(nothing, [Line("a", 0, 1.0)])
    assert Account(held, view, rules, parameters).coins() == ("BTC",)
    assert nothing.kind[0] == Kind.ASSET
