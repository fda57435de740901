"""Margin optimisation on a recorded chain: never beaten by chance, kept by the exact model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from crossmargin.core.arrays import Floats
from crossmargin.decisions.margin_choice import Tolerances, Workbench, limits_of, profile_of
from crossmargin.decisions.margin_exact import Priced, legs_of, made_good
from crossmargin.decisions.margin_lp import Goal, MarginAnswer, MarginProblem, optimal
from crossmargin.decisions.margin_outlook import after_of, greek_moves, grid_moves
from tests.decisions.chain_books import bench_of

TOLERANCES = Tolerances(delta=0.02, gamma=0.1, vega=0.05, worse=0.02)
PRICE = 0.08 * 30.0 / 365.0
STEPS = 10_000


def problem_of(bench: Workbench, goal: Goal | None = None) -> MarginProblem:
    before = bench.prepared.before.im_usd
    limits, profile = limits_of(bench, TOLERANCES), profile_of(bench, TOLERANCES, before)
    goal = goal or Goal(PRICE)
    return MarginProblem(
        bench.blocks, bench.tickets, goal, limits, profile, uncounted=bench.uncounted
    )


def halfspaces(problem: MarginProblem) -> tuple[Floats, Floats]:
    """Every row that keeps the risk, and the sizes, as ``a @ h <= b``."""
    profile = problem.profile
    assert profile is not None
    rows = [*(each.row for each in problem.limits), *(-each.row for each in problem.limits)]
    bounds = [*(e.most for e in problem.limits), *(-e.least for e in problem.limits)]
    eye = np.eye(len(problem.tickets))
    a = np.vstack([*rows, -profile.rows, eye, -eye])
    return a, np.concatenate([bounds, -profile.down, problem.high, -problem.low])


def cost_of(problem: MarginProblem, h: Floats) -> Floats:
    """[V] dollars of the straight pieces at sizes ``[V, J]``."""
    total = np.zeros(len(h))
    for j, ticket in enumerate(problem.tickets):
        for sign, width, slope in (
            (1.0, ticket.buy_width, ticket.buy_slope),
            (-1.0, ticket.sell_width, ticket.sell_slope),
        ):
            left = np.maximum(sign * h[:, j], 0.0)
            for w, s in zip(width.tolist(), slope.tolist(), strict=True):
                total += s * np.minimum(left, w)
                left = np.maximum(left - w, 0.0)
    return total


def hit_and_run(problem: MarginProblem, seed: int) -> Floats:
    """[STEPS, J] feasible trades, from doing nothing on."""
    rng = np.random.default_rng(seed)
    a, b = halfspaces(problem)
    size = problem.high - problem.low
    at, out = np.zeros(len(size)), np.empty((STEPS, len(size)))
    room = b - a @ at
    for k in range(STEPS):
        way = rng.normal(size=len(size)) * size * (rng.random(len(size)) < rng.choice([0.1, 1.0]))
        along = a @ way
        up = along > 1e-12
        down = along < -1e-12
        high = float((room[up] / along[up]).min(initial=1e9))
        low = float((room[down] / along[down]).max(initial=-1e9))
        t = rng.uniform(min(low, 0.0), max(high, 0.0))
        at, room = at + t * way, np.maximum(room - t * along, 0.0)
        out[k] = at
    return out


@pytest.fixture(scope="module")
def seeds(request: pytest.FixtureRequest) -> range:
    """Six books, or fifty where the long tests are asked for."""
    return range(50 if request.config.getoption("--books") >= 2000 else 6)


def test_no_random_trade_is_better_than_the_programme(
    market_dir: Path, seeds: range, capsys: pytest.CaptureFixture[str]
) -> None:
    shares = []
    for seed in seeds:
        _, bench = bench_of(market_dir, seed)
        problem = problem_of(bench)
        found = optimal(problem)
        assert isinstance(found, MarginAnswer)
        (block,) = problem.blocks
        unit = block.usd_per_unit
        trades = hit_and_run(problem, seed)
        pieces = unit * block.pieces.at(block.base + trades @ block.step.T)
        pieces = pieces + trades @ problem.beside
        values = PRICE * pieces + cost_of(problem, trades)
        nothing = PRICE * unit * float(block.pieces.at(block.base))
        assert found.objective <= nothing + 1e-9
        assert found.objective <= float(values.min()) + 1e-7 * nothing
        assert found.evidence.proven
        a, b = halfspaces(problem)
        assert (a @ found.h <= b + 1e-6 * (1.0 + np.abs(b))).all(), "a tolerance is broken"
        rng = np.random.default_rng(seed)
        box = rng.uniform(problem.low, problem.high, (2000, len(problem.tickets)))
        shares.append(float((box @ a.T <= b).all(axis=1).mean()))
    with capsys.disabled():
        text = ", ".join(f"{share:.2%}" for share in shares)
        print(f"\nfeasible share of random trades inside the sizes, book by book: {text}")


@pytest.mark.parametrize("model", ["deribit-spm", "deribit-xpm", "deribit-sm", "okx-pm"])
def test_the_exact_model_keeps_what_the_pieces_promise(market_dir: Path, model: str) -> None:
    for seed in range(2):
        made, bench = bench_of(market_dir, seed, model=model)
        problem = problem_of(bench)
        found = made_good(bench, problem, whole=False)
        assert isinstance(found, Priced)
        assert found.saved_usd * PRICE >= found.cost_usd - 1e-9, "worse than doing nothing"
        if found.after is None:
            continue
        assert abs(found.rounds[-1].excess_usd) <= 2e-3 * bench.prepared.before.im_usd
        again = made.core.whatif(legs_of(bench, found.sizes))
        assert again.after.im_usd == pytest.approx(found.after.im_usd, rel=1e-12)
        before, after = bench.prepared.before, again.after
        locked = (after.equity_usd - after.counted_im_usd) - (
            before.equity_usd - before.counted_im_usd
        )
        assert before.im_usd - after.im_usd - locked == pytest.approx(found.saved_usd, abs=1e-6)


def test_a_call_is_cured_by_the_exact_model(market_dir: Path) -> None:
    _, bench = bench_of(market_dir, 4)
    budget = 0.85 * bench.prepared.before.im_usd
    found = made_good(bench, problem_of(bench, Goal(0.0, budget)), whole=True)
    assert isinstance(found, Priced)
    assert found.after is not None
    over = found.after.im_usd + found.cost_usd - budget
    assert over <= 1e-3 * budget
    lots = np.array([ticket.lot for ticket in bench.tickets])
    steps = found.sizes / lots
    assert np.abs(steps - np.round(steps)).max() < 1e-6


def test_whole_lots_keep_the_tolerances(market_dir: Path) -> None:
    _, bench = bench_of(market_dir, 1)
    problem = problem_of(bench)
    found = made_good(bench, problem, whole=True)
    assert isinstance(found, Priced)
    a, b = halfspaces(problem)
    assert (a @ found.sizes <= b + 1e-6 * (1.0 + np.abs(b))).all()
    assert found.lots in ("whole lots", "nothing is traded")
    held = after_of(bench, found.sizes) - bench.quantity
    assert np.abs(held[bench.column] - found.sizes).max() < 1e-12
    for each in grid_moves(bench, found.sizes):
        assert each.least_usd >= -0.02 * bench.prepared.before.im_usd * (1.0 + 1e-6)
    assert {each.name for each in greek_moves(bench, found.sizes)} == {"delta", "gamma", "vega"}
