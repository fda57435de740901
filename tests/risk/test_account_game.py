from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book, Reported
from crossmargin.margin.register import model_named
from crossmargin.margin.run import run
from crossmargin.risk import account_game
from crossmargin.risk.account_game import AccountGame
from crossmargin.risk.attribution import order_shares
from tests.risk.sample_books import book, market, required

MODELS = ("deribit-xpm", "deribit-spm", "deribit-sm", "okx-pm", "paradex-pm")


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("level", ["im", "mm"])
def test_the_account_itself_is_its_requirement(model: str, level: str) -> None:
    requirement = required(model)
    game = AccountGame(requirement, level)
    every = np.ones((1, len(requirement.book.orders.column)), np.bool_)
    found = game.values(game.quantity[None], orders=every, holds=True)
    assert float(found[0]) == pytest.approx(game.whole, rel=1e-12)


def test_a_variant_is_what_the_model_says_of_that_book() -> None:
    """Half of the book, and the book with some of its orders, margined from scratch."""
    requirement = required("deribit-spm")
    held = requirement.book
    game = AccountGame(requirement)
    flags = np.arange(len(held.orders.column)) % 3 == 0
    found = game.values(
        np.stack([game.quantity, game.quantity]), orders=np.stack([flags, np.zeros_like(flags)])
    )
    kept = [order for order, keep in zip(held.orders.items, flags.tolist(), strict=True) if keep]
    for orders, value in ((kept, found[0]), ([], found[1])):
        alone = Book.of(held.instruments, held.lines, orders)
        fresh = run(alone, requirement.view, requirement.via)
        assert AccountGame(fresh).whole == pytest.approx(float(value), rel=1e-12)
    half = game.values(0.5 * game.quantity[None])
    lines = [replace(line, quantity=0.5 * line.quantity) for line in held.lines]
    fresh = run(Book.of(held.instruments, lines), requirement.view, requirement.via)
    assert AccountGame(fresh).whole == pytest.approx(float(half[0]), rel=1e-12)


def test_small_pieces_of_a_population_have_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    game = AccountGame(required("deribit-spm"))
    variants = game.quantity * np.linspace(0.1, 1.0, 7)[:, None]
    whole = game.values(variants)
    monkeypatch.setattr(account_game, "_ROWS_AT_ONCE", 2 * len(game.quantity))
    assert game.values(variants).tobytes() == whole.tobytes()


def test_reported_equity_stands_as_a_balance_where_it_is_at_risk() -> None:
    held = book("retail-short-vol")
    name = held.account[0]
    reported = Reported(equity={(name, "BTC"): 0.5})
    said = Book.of(held.instruments, held.lines, held.orders.items, reported, held.account)
    requirement = run(said, market().view(said.instruments), model_named("deribit-xpm"))
    game = AccountGame(requirement)
    found = game.values(game.quantity[None])
    assert float(found[0]) == pytest.approx(game.whole, rel=1e-9)
    line = int(np.flatnonzero(game.is_asset)[0])
    assert game.quantity[line] != held.quantity[0]


def test_what_the_venue_holds_is_beside_the_positions() -> None:
    held = book("retail-short-vol")
    name = held.account[0]
    reported = Reported(holds={(name, "BTC"): {"spot_margin": 0.25}})
    said = Book.of(held.instruments, held.lines, held.orders.items, reported, held.account)
    requirement = run(said, market().view(said.instruments), model_named("deribit-spm"))
    game = AccountGame(requirement)
    bare = float(game.values(game.quantity[None])[0])
    with_holds = float(game.values(game.quantity[None], holds=True)[0])
    assert with_holds == pytest.approx(game.whole, rel=1e-12)
    rate = requirement.priced[0].usd_per_unit
    assert with_holds - bare == pytest.approx(0.25 * rate, rel=1e-9)
    found = order_shares(game, ())
    assert found.holds == pytest.approx(0.25 * rate, rel=1e-9)
    assert found.orders == 0.0


def test_one_pool_is_in_its_own_currency() -> None:
    requirement = required("deribit-spm")
    pools = {p.label: AccountGame(requirement, pool=p.label) for p in requirement.plan.pools}
    assert pools["BTC"].unit == "BTC"
    rate = {p.label: q.usd_per_unit for p, q in
            zip(requirement.plan.pools, requirement.priced, strict=True)}  # fmt: skip
    total = sum(game.whole * rate[label] for label, game in pools.items())
    assert total == pytest.approx(AccountGame(requirement).whole, rel=1e-12)


def test_slopes_are_those_of_single_moves() -> None:
    game = AccountGame(required("deribit-spm"))
    scale = np.where(game.is_asset, 0.0, np.abs(game.quantity))
    right, left = game.slopes(game.quantity, scale)
    central = game.gradients(game.quantity[None], scale)[0]
    assert 0.5 * (right + left) == pytest.approx(central, rel=1e-6, abs=1e-4)
    k = int(np.argmax(scale * np.abs(right)))
    moved = np.stack([game.quantity, game.quantity])
    moved[1, k] += 1e-3 * scale[k]
    value = game.values(moved, smoothed=True)
    assert (value[1] - value[0]) / (1e-3 * scale[k]) == pytest.approx(right[k], rel=1e-4)
    assert (right[game.is_asset] == 0.0).all()


def test_a_contract_that_is_not_held_is_a_column() -> None:
    requirement = required("deribit-spm")
    held = set(requirement.book.column.tolist())
    game = AccountGame(requirement, extra=sorted(held)[:2])
    assert len(game.column) == len(held)
    assert game.place()[int(game.column[3])] == 3


@pytest.mark.parametrize(("level", "pool"), [("both", None), ("im", "DOGE")])
def test_bad_choices(level: str, pool: str | None) -> None:
    with pytest.raises(InputError, match="option_unknown"):
        AccountGame(required("deribit-spm"), level, pool)
