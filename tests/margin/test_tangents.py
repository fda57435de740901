"""Pieces of every model: never above the requirement where that is claimed, equal where exact."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.conformance.world import answering, quantity, random_book, subject_of, world_of
from crossmargin.core.arrays import Floats
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.margin.model import PoolBook, Priced
from crossmargin.margin.pieces import HasPieces, Standing
from crossmargin.margin.pools import cut, restrict
from crossmargin.margin.register import ALL_MODELS, model_named
from crossmargin.margin.tangents import exact_im, pieces_of, spread

NAMES = [model.spec.name for model in answering(ALL_MODELS) if isinstance(model, HasPieces)]
# Some of those that give none: their tangent is right at the book, whatever the rule.
TANGENTS = ["greeks", "span", "es-historical", "sensitivities", "okx-sm"]
ACCOUNTS, VARIANTS = 8, 6
MONEY = (Kind.ASSET, Kind.DEBT)


def books_of(priced: Priced, held: PoolBook, rng: np.random.Generator) -> Floats:
    """The account's book, and others with the same balances."""
    items = priced.pool.instruments.items
    now = np.asarray(spread(priced, held).quantity)
    trades = np.array([item.kind not in MONEY for item in items])
    out = np.tile(now, (VARIANTS, 1))
    for v in range(1, VARIANTS):
        sizes = np.array([drawn(rng, item) for item in items])
        shares = rng.choice([0.0, 1.0, -1.0, 0.5], len(now))
        out[v] = np.where(trades, now * shares + sizes, now)
    return out


def drawn(rng: np.random.Generator, item: Instrument) -> float:
    """Nothing of most contracts."""
    if item.kind in MONEY or rng.random() > 0.3:
        return 0.0
    return quantity(rng, item) * float(rng.normal())


@pytest.mark.parametrize("name", NAMES)
def test_pieces_are_what_they_claim(name: str) -> None:
    subject = subject_of(model_named(name))
    model, world = subject.model, world_of(subject)
    book = random_book(subject, 3, ACCOUNTS)
    rng = np.random.default_rng(5)
    claimed = 0
    for pool in model.plan(world.instruments, subject.parameters).pools:
        view = restrict(world.view, world.instruments, pool)
        priced = model.price(pool, view, subject.parameters)
        for a in range(ACCOUNTS):
            held = cut(book.rows(a, a + 1), pool, a)
            pieces = pieces_of(model, priced, held, subject.parameters)
            books = books_of(priced, held, rng)
            exact = exact_im(model, priced, held, subject.parameters, books)
            found = pieces.at(books)
            slack = 1e-9 * (1.0 + np.abs(exact))
            if pieces.standing is Standing.EXACT:
                assert (np.abs(found - exact) <= slack).all(), pool.label
            elif pieces.standing is Standing.LOWER:
                assert (found <= exact + slack).all(), (pool.label, pieces.left_out)
            claimed += pieces.standing is not Standing.TANGENT
            slope = pieces.slope(books[1])
            below = found[1] + (books - books[1]) @ slope
            assert (below <= found + 1e-7 * (1.0 + np.abs(found).max())).all(), "no subgradient"
    assert claimed or name in ("derive-pm2", "hyperliquid-pm")


@pytest.mark.parametrize("name", TANGENTS)
def test_a_tangent_is_right_at_the_book_and_says_that_it_is_one(name: str) -> None:
    subject = subject_of(model_named(name))
    model, world = subject.model, world_of(subject)
    book = random_book(subject, 3, 4)
    pool = model.plan(world.instruments, subject.parameters).pools[0]
    priced = model.price(pool, restrict(world.view, world.instruments, pool), subject.parameters)
    held = cut(book.rows(3, 4), pool, 3)
    pieces = pieces_of(model, priced, held, subject.parameters)
    assert pieces.standing is Standing.TANGENT
    assert not pieces.exact
    now = np.asarray(spread(priced, held).quantity)
    exact = exact_im(model, priced, held, subject.parameters, now)
    assert pieces.at(now) == pytest.approx(exact[0], rel=1e-9, abs=1e-6)
    rng = np.random.default_rng(2)
    move = 1e-5 * np.abs(now) * rng.normal(size=len(now))
    near = exact_im(model, priced, held, subject.parameters, now + move)
    reach = float(np.abs(pieces.slope(now)) @ np.abs(move))
    assert float(pieces.at(now + move)) == pytest.approx(near[0], rel=1e-9, abs=0.05 * reach)


@pytest.mark.parametrize("name", TANGENTS)
def test_a_tangent_over_few_contracts_has_their_slopes_alone(name: str) -> None:
    subject = subject_of(model_named(name))
    model, world = subject.model, world_of(subject)
    pool = model.plan(world.instruments, subject.parameters).pools[0]
    priced = model.price(pool, restrict(world.view, world.instruments, pool), subject.parameters)
    held = cut(random_book(subject, 3, 4).rows(3, 4), pool, 3)
    now = np.asarray(spread(priced, held).quantity)
    every = pieces_of(model, priced, held, subject.parameters)
    few = np.argsort(-np.abs(every.slope(now)))[:2].astype(np.int32)
    found = pieces_of(model, priced, held, subject.parameters, few)
    slope = np.zeros(len(now))
    slope[few] = every.slope(now)[few]
    # To the rounding of a difference over a ten-thousandth of a size.
    assert found.slope(now) == pytest.approx(slope, rel=1e-6, abs=0.0)
    assert found.at(now) == pytest.approx(every.at(now), rel=1e-9)
