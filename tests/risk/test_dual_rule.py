"""The dual tie rule on models of the register: an optimisation's multipliers are the shares.

A book is brought to a tie by the margin optimiser itself, under a model's own scan. There the
requirement has no derivative, and shares are a choice of weights on the tied scenarios. The default
choice is the dual of "hedge every position by at most itself so that the worst tied loss falls
most": that programme is solved by the optimiser, on the model's linear pieces, and its multipliers
are compared with what `attribute` finds from differences of the model, which knows no scenario.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linprog, nnls

from crossmargin.core.arrays import frozen
from crossmargin.decisions.margin_lp import Goal, MarginAnswer, MarginProblem, Ticket, optimal
from crossmargin.decisions.margin_rows import Block
from crossmargin.instruments.book import Book
from crossmargin.interfaces.sources import book_of
from crossmargin.margin.listings import is_mapped
from crossmargin.margin.mapping import map_for
from crossmargin.margin.model import Requirement
from crossmargin.margin.pieces import LargestOf, Pieces, Term, WorstOf
from crossmargin.margin.pools import cut
from crossmargin.margin.register import model_named
from crossmargin.margin.run import run
from crossmargin.margin.tangents import pieces_of, spread
from crossmargin.market.snapshot import Snapshot
from crossmargin.risk.account_game import AccountGame
from crossmargin.risk.attribution import attribute
from crossmargin.risk.groups import groups_of
from crossmargin.risk.piece_shares import shares_of_pieces
from tests.decisions.chain_books import crash_market, liquid
from tests.risk.sample_books import market

# On the crash paradex's scan ties with its charge on net delta: rows of two parts, not of one scan.
CASES = [("sample", "deribit-xpm"), ("sample", "okx-pm"), ("sample", "paradex-pm"),
         ("crash", "deribit-xpm"), ("crash", "okx-pm")]  # fmt: skip
SAMPLE = {
    "BTC-31JUL26-80000-C": -12.0, "BTC-31JUL26-60000-P": -9.0, "BTC-28AUG26-60000-P": 7.0,
    "BTC-28AUG26-85000-C": -6.0, "BTC-25SEP26-80000-C": 8.0, "BTC-25SEP26-55000-P": -5.0,
    "BTC-31JUL26-70000-C": 3.0, "BTC-PERPETUAL": 150_000.0,
}  # fmt: skip
SMALL = 1e-3  # of each position: what the hedge of the dual rule may trade


def rows_of(held: dict[str, float]) -> list[dict[str, object]]:
    return [{"account": "a", "venue": "deribit", "instrument": name, "quantity": size}
            for name, size in held.items()]  # fmt: skip


@cache
def required(name: str, snapshot: Snapshot, names: tuple[tuple[str, float], ...]) -> Requirement:
    book, model = book_of(rows_of(dict(names))), model_named(name)
    view = snapshot.view(book.instruments)
    if is_mapped(model.spec, book.instruments.items):
        mapped = map_for(book, view, model.spec)
        book, view = mapped.book, mapped.view
    return run(book, view, model)


class Pool:
    """The one pool of an account in which something is required, at quantities that may change."""

    def __init__(self, base: Requirement, number: int) -> None:
        self.base, self.number = base, number
        self.priced = base.priced[number]
        self.row = base.sheet.pool.tolist().index(number)

    def held(self, quantity: np.ndarray) -> Requirement:
        """The requirement of other quantities [I] of the pool."""
        old = self.base.book
        place = {int(c): k for k, c in enumerate(self.priced.pool.columns.tolist())}
        pairs = zip(old.column.tolist(), old.quantity.tolist(), strict=True)
        sizes = [quantity[place[c]] if c in place else q for c, q in pairs]
        book = Book.of_arrays(
            old.instruments, old.row, old.column, frozen(sizes, np.float64), old.account
        )
        return run(book, self.base.view, self.base.via, self.base.parameters)

    def block(self, requirement: Requirement) -> Block:
        held = cut(requirement.book, self.priced.pool, 0)
        pieces = pieces_of(requirement.via, self.priced, held, requirement.parameters)
        base = np.asarray(spread(self.priced, held).quantity)
        return Block("pool", pieces, base, np.eye(len(base)), 1.0)


def tickets(width: np.ndarray, slope: np.ndarray) -> tuple[Ticket, ...]:
    return tuple(
        Ticket(str(k), np.array([w]), np.array([c]), np.array([w]), np.array([c]))
        if w > 0.0
        else Ticket(str(k), np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0))
        for k, (w, c) in enumerate(zip(width.tolist(), slope.tolist(), strict=True))
    )


@dataclass(frozen=True)
class Tied:
    """A book that an optimisation left on a tie; ``answer`` and ``block`` of the last round."""

    requirement: Requirement
    block: Block
    cost: np.ndarray
    answer: MarginAnswer


def tied(pool: Pool, seed: int) -> Tied:
    """The optimiser's own answer; where pieces hold nearby alone, again at itself till it stays."""
    now = pool.base
    block = pool.block(now)
    size = np.abs(block.base)
    # Trading is dear enough that some positions stay, cheap enough that others move: an inside.
    rng = np.random.default_rng(seed)
    cost = block.pieces.at(block.base) / np.maximum(size, 1e-12)
    cost = 0.1 * cost * rng.uniform(0.2, 1.0, len(size))
    left = 0.5 * size
    for _ in range(12):
        answer = optimal(MarginProblem((block,), tickets(left, cost), Goal(1.0)))
        assert isinstance(answer, MarginAnswer)
        now = pool.held(block.base + answer.h)
        exact = float(now.sheet["im"][pool.row])
        if abs(answer.after_usd - exact) <= 1e-10 * exact:
            break
        block, left = pool.block(now), 0.5 * left
    return Tied(now, block, cost, answer)


def chain_of(
    where: str, request: pytest.FixtureRequest
) -> tuple[Snapshot, tuple[tuple[str, float], ...]]:
    """The sample chain, or the recorded one of a crash, and a book on it."""
    if where == "sample":
        return market(), tuple(SAMPLE.items())
    folder: Path = request.getfixturevalue("market_dir")
    if not (folder / "deribit").is_dir():
        pytest.skip("no recorded chains in the --market folder")
    rng = np.random.default_rng(21)
    names = rng.choice(liquid(folder), 9, replace=False).tolist()
    sizes = np.round(rng.uniform(1.0, 9.0, 9) * rng.choice([-1.0, 1.0], 9), 1).tolist()
    return crash_market(folder), (*zip(names, sizes, strict=True), ("BTC-PERPETUAL", 120_000.0))


def opened(pieces: Pieces, quantity: np.ndarray) -> Pieces:
    """The pieces with every largest of sums as the terms of its binding part: the same nearby."""
    terms: list[Term] = []
    for term in pieces.terms:
        if isinstance(term, LargestOf):
            values = term.values(quantity)
            part = term.parts[int(np.argmax(values))]
            assert values.max() - np.sort(values)[-2] > 1e-3 * values.max(), "two parts tie"
            inner = opened(Pieces(part.terms), quantity).terms
            terms += [replace(each, weight=each.weight * term.weight) for each in inner]
            offset = np.array([part.offset * term.weight])
            terms.append(WorstOf("offset", np.zeros((1, len(quantity))), offset, floor=-np.inf))
        else:
            terms.append(term)
    made = Pieces(tuple(terms))
    assert made.at(quantity) == pytest.approx(pieces.at(quantity), rel=1e-12)
    return made


def shares(block: Block, answer: MarginAnswer, quantity: np.ndarray) -> np.ndarray:
    """[I] what the programme's multipliers make of each position."""
    given = {(each.term, each.scenario or str(each.row)): each.share for each in answer.bindings}
    made = shares_of_pieces(block.pieces, quantity, multipliers=given, tie=1e-7)
    return made.shares


def spread_of_answers(table: np.ndarray) -> float:
    """How far apart mixtures of rows ``[K, n]`` with the least sum of absolute shares lie."""
    count, size = table.shape
    cost = np.concatenate([np.zeros(count), np.ones(2 * size)])
    equal = np.block([[table.T, -np.eye(size), np.eye(size)], [np.ones((1, count)),
                      np.zeros((1, 2 * size))]])  # fmt: skip
    right = np.concatenate([np.zeros(size), [1.0]])
    least = linprog(cost, A_eq=equal, b_eq=right).fun
    way = np.concatenate([table @ np.random.default_rng(3).normal(size=size), np.zeros(2 * size)])
    ends = [linprog(sign * way, cost[None], [least * (1.0 + 1e-10)], equal, right).fun
            for sign in (1.0, -1.0)]  # fmt: skip
    return -(ends[0] + ends[1])


@pytest.mark.parametrize("seed", [8, 9, 10])
@pytest.mark.parametrize(("where", "name"), CASES)
def test_multipliers_of_the_optimiser_are_the_shares(
    where: str, name: str, seed: int, request: pytest.FixtureRequest
) -> None:
    base = required(name, *chain_of(where, request))
    pool = Pool(base, int(base.sheet.pool[int(np.argmax(base.sheet["im"]))]))
    made = tied(pool, seed)
    at = made.block.base + made.answer.h
    block = pool.block(made.requirement)
    block = replace(block, base=at, pieces=opened(block.pieces, at))
    game = AccountGame(made.requirement, pool=pool.priced.pool.label)
    groups = groups_of(made.requirement.book, ["leg"], game.column, game.quantity)
    found = attribute(game, groups, shares=False)
    own, value = found.derivatives, found.positions
    assert own.rule == "lp"
    assert len(own.weights) > 1
    place = {int(c): k for k, c in enumerate(pool.priced.pool.columns.tolist())}
    into = np.array([place[row] for row in game.column.tolist()])
    near = 1e-7 * value
    assert block.pieces.at(at) == pytest.approx(value, rel=1e-9)
    # The pieces that differences find meet at the book, every one.
    table = own.pieces * game.quantity
    assert table.sum(axis=1) == pytest.approx(np.full(len(table), value), abs=near)

    # 1. The dual rule: hedge every position by at most itself, solved by the optimiser.
    hedge = MarginProblem((block,), tickets(SMALL * np.abs(at), np.zeros(len(at))), Goal(1.0))
    dual = optimal(hedge)
    assert isinstance(dual, MarginAnswer)
    absolute = (dual.before_usd - dual.after_usd) / SMALL
    by_model = own.slope * game.quantity
    assert np.abs(by_model).sum() == pytest.approx(absolute, abs=near)
    by_optimiser = shares(block, dual, at)[into]
    assert np.abs(by_optimiser).sum() == pytest.approx(absolute, abs=near)
    assert by_optimiser.sum() == pytest.approx(value, abs=near)
    assert spread_of_answers(table / value) < 1e-7  # one answer, so that shares can be compared
    assert by_model == pytest.approx(by_optimiser, abs=near)

    # 2. The multipliers of the programme that made the tie are a mixture of what differences find.
    last = replace(made.block, base=at, pieces=opened(made.block.pieces, at))
    again = MarginProblem((last,), tickets(SMALL * np.abs(at), made.cost), Goal(1.0))
    kept = made.answer if last.pieces.terms == made.block.pieces.terms else optimal(again)
    assert isinstance(kept, MarginAnswer)
    chosen = shares(last, kept, at)[into]
    weights, left = nnls(np.vstack([table.T, value * np.ones(len(table))]) / value,
                         np.append(chosen, value) / value)  # fmt: skip
    assert left <= 1e-7
    assert weights.sum() == pytest.approx(1.0, abs=1e-7)
    # Off the edges of what it may trade a marginal is just the cost of trading.
    h, size = made.answer.h[into], np.abs(made.block.base[into])
    inside = (np.abs(h) > 1e-6 * size) & (np.abs(h) < 0.5 * size * (1.0 - 1e-6))
    if kept is made.answer:
        assert inside.any()
        wanted = -np.sign(h) * made.cost[into] * at[into]
        assert chosen[inside] == pytest.approx(wanted[inside], abs=near)
