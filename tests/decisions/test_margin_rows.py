"""A requirement as rows of a programme: against its pieces, and rows as they bind against all."""

from __future__ import annotations

import numpy as np
import pytest

from crossmargin.decisions.margin_rows import Block, Columns, Requirement
from crossmargin.decisions.programme import Programme
from crossmargin.margin.pieces import LargestOf, Part, Pieces, Separable, WorstOf

INSTRUMENTS, TRADES, ROWS = 7, 5, 30


def worst(rng: np.random.Generator, name: str, rows: int, floor: float) -> WorstOf:
    return WorstOf(name, rng.normal(size=(rows, INSTRUMENTS)), rng.normal(size=rows), floor=floor)


def block(seed: int) -> Block:
    rng = np.random.default_rng([seed, 7])
    charge = Separable("charge", rng.uniform(0, 1, INSTRUMENTS), rng.uniform(0, 1, INSTRUMENTS))
    inner = LargestOf("inner", (Part("a", (worst(rng, "u", 3, 0.0),)), Part("b", (charge,), 0.3)))
    parts = [Part(f"s{s}", (worst(rng, "v", 2, -np.inf), inner), 0.1 * s) for s in range(9)]
    terms = (
        worst(rng, "scan", ROWS, 0.0),
        charge,
        LargestOf("largest", tuple(parts), weight=1.3),
        worst(rng, "line", 1, -np.inf),
    )
    step = np.zeros((INSTRUMENTS, TRADES))
    step[rng.permutation(INSTRUMENTS)[:TRADES], np.arange(TRADES)] = 1.0
    step[0] += rng.uniform(-0.2, 0.2, TRADES)  # cash beside the contract
    return Block(f"pool {seed}", Pieces(terms), rng.normal(size=INSTRUMENTS), step, 1.0 + seed)


def exact(blocks: tuple[Block, ...], h: np.ndarray) -> float:
    return sum(b.usd_per_unit * float(b.pieces.at(b.base + b.step @ h)) for b in blocks)


def requirement(blocks: tuple[Block, ...]) -> Requirement:
    most = np.full(TRADES, 2.0)
    return Requirement(blocks, TRADES, (-most, most))


def optimum(blocks: tuple[Block, ...], every: bool) -> tuple[float, int, np.ndarray]:
    """Least requirement over trades of a size up to 2; with all rows, or as they are violated."""
    rows = requirement(blocks)
    rows.money = 10.0
    total, columns = rows.total(), Columns(np.arange(TRADES), np.ones(TRADES))
    cost = np.concatenate([total.trade, np.zeros(len(rows.low))])
    for column, value in total.columns.items():
        cost[column] = value
    low = np.concatenate([np.full(TRADES, -2.0), rows.low])
    high = np.concatenate([np.full(TRADES, 2.0), np.full(len(rows.low), np.inf)])
    programme = Programme(cost, low, high)
    rows.start(programme, columns, np.zeros(TRADES))
    if every:
        rows.complete(programme, columns)
    for _ in range(100):
        found = programme.solve()
        assert found is not None
        h = columns.sizes(found.x, TRADES)
        if rows.sharpen(programme, columns, h, found.x) == 0:
            value = rows.money * (found.objective + total.constant)
            assert value == pytest.approx(rows.at(h), rel=1e-7)
            return value, programme.rows, h
    raise AssertionError("rows without end")


@pytest.mark.parametrize("seed", range(4))
def test_the_rows_are_the_pieces(seed: int) -> None:
    rng = np.random.default_rng(seed)
    blocks = (block(seed), block(seed + 10))
    rows = requirement(blocks)
    for h in rng.uniform(-2.0, 2.0, (20, TRADES)):
        assert rows.at(h) == pytest.approx(exact(blocks, h), rel=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_rows_added_as_they_bind_give_the_optimum_over_all_rows(seed: int) -> None:
    blocks = (block(seed), block(seed + 10))
    few, some, h = optimum(blocks, every=False)
    all_of, every, _ = optimum(blocks, every=True)
    assert few == pytest.approx(all_of, rel=1e-7)
    assert few == pytest.approx(exact(blocks, h), rel=1e-7)
    assert some < every
    rng = np.random.default_rng(seed)
    best = min(exact(blocks, each) for each in rng.uniform(-2.0, 2.0, (2000, TRADES)))
    assert few <= best + 1e-9


def test_pools_without_a_worst_have_no_rows() -> None:
    nothing = Block("none", Pieces(()), np.ones(2), np.ones((2, TRADES)), 1.0)
    rows = requirement((nothing,))
    assert rows.at(np.ones(TRADES)) == 0.0
    assert rows.runner_up(np.ones(TRADES)) == ("", 0.0)
