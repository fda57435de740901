"""What the pieces miss: open orders as tangents of the exact model, and less of the same trades."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.decisions.margin_choice import (
    Desired,
    Tolerances,
    Workbench,
    limits_of,
    profile_of,
    workbench,
)
from crossmargin.decisions.margin_exact import Priced, made_good
from crossmargin.decisions.margin_lp import Goal, Limit, MarginProblem, Profile, Ticket
from crossmargin.decisions.margin_rows import Block
from crossmargin.decisions.margin_search import (
    has_orders,
    im_after,
    in_lots,
    narrowed,
    with_orders,
    without_orders,
)
from crossmargin.interfaces.whatif import prepare
from crossmargin.margin.pieces import Pieces, Standing, WorstOf

PRICE = 0.08 * 30.0 / 365.0


@pytest.fixture(scope="module")
def bench() -> Workbench:
    """A book with open orders under a model whose pieces are the whole of it without them."""
    made = prepare("sample:market-maker", "sample:market", "derive-pm1", None)
    return workbench(made.core, made.snapshot, Desired(kept=24, least_days=30.0))


def total(blocks: tuple[Block, ...], sizes: np.ndarray) -> float:
    return sum(
        block.usd_per_unit * float(block.pieces.at(block.base + block.step @ sizes))
        for block in blocks
    )


def test_with_orders_the_pieces_are_right_at_the_answer_and_never_above(bench: Workbench) -> None:
    assert has_orders(bench)
    assert all(block.pieces.standing is Standing.EXACT for block in bench.blocks)
    nothing = np.zeros(len(bench.tickets))
    before = bench.prepared.before.im_usd
    assert im_after(bench, nothing[None, :])[0] == before
    assert total(bench.blocks, nothing) < 0.9 * before, "the orders are a good part of it"
    low = np.array([each.low for each in bench.tickets])
    high = np.array([each.high for each in bench.tickets])
    rng = np.random.default_rng(3)
    at = 0.2 * rng.uniform(low, high)
    blocks = with_orders(bench, with_orders(bench, bench.blocks, nothing), at)
    tried = rng.uniform(low, high, (20, len(low))) * rng.uniform(0.01, 0.5, (20, 1))
    exact = im_after(bench, np.vstack([nothing, at, tried]))
    assert total(blocks, nothing) == pytest.approx(exact[0], rel=1e-6)
    assert total(blocks, at) == pytest.approx(exact[1], rel=1e-6)
    for sizes, value in zip(tried, exact[2:].tolist(), strict=True):
        assert total(blocks, sizes) <= value * (1.0 + 2e-3)
    for block, own in zip(blocks, bench.blocks, strict=True):
        assert without_orders(block)[0].pieces.terms == own.pieces.terms
        assert without_orders(own) == (own, None)


def test_a_book_with_orders_is_helped(bench: Workbench) -> None:
    before, tolerances = bench.prepared.before.im_usd, Tolerances()
    limits, profile = limits_of(bench, tolerances), profile_of(bench, tolerances, before)
    problem = MarginProblem(bench.blocks, bench.tickets, Goal(PRICE), limits, profile)
    found = made_good(bench, problem, whole=True)
    assert isinstance(found, Priced)
    assert found.saved_usd * PRICE > 1.1 * found.cost_usd > 0.0
    assert abs(found.rounds[-1].excess_usd) <= 2e-3 * before


def toy() -> MarginProblem:
    width, slope, none = np.array([0.7, 1.3]), np.array([20.0, 60.0]), np.zeros(0)
    tickets = (
        Ticket("a", width, slope, width, slope, lot=0.5, least=1.0),
        Ticket("b", width, slope, none, none, lot=0.5),
    )
    term = WorstOf("scan", np.array([[-100.0, -100.0]]), np.array([500.0]))
    block = Block("BTC", Pieces((term,)), np.zeros(2), np.eye(2), 1.0)
    limit = Limit("delta", "BTC", np.array([1.0, 1.0]), -1.0, 3.0)
    profile = Profile(np.array([[1.0, -1.0]]), np.array([-1.0]), np.array([np.inf]), ("x",))
    return MarginProblem((block,), tickets, Goal(1.0), (limit,), profile)


def test_narrower_and_in_lots() -> None:
    problem = toy()
    near = narrowed(problem, np.array([-0.9, 0.2]))
    assert near.low.tolist() == [-1.0, 0.0]
    assert near.high.tolist() == [0.0, 0.5]
    assert near.tickets[0].cost_usd(-1.0) == pytest.approx(0.7 * 20.0 + 0.3 * 60.0)
    cut = in_lots(problem, np.array([1.3, 0.74]))
    assert cut is not None
    assert cut.tolist() == [1.0, 0.5]
    small = in_lots(problem, np.array([0.9, 0.74]))
    assert small is not None
    assert small.tolist() == [0.0, 0.5], "below the least ticket"
    assert in_lots(problem, np.array([-1.6, 0.4])) is None, "the limit breaks"
    assert in_lots(problem, np.array([0.0, 1.6])) is None, "the profile breaks"
