"""An optimum in pieces made good by the exact model: re-priced, corrected, rounded to lots.

    round   pieces -> programme -> trades -> exact what-if (open orders, fees, every charge)
    excess  (exact after - exact before) - (pieces after - pieces before)

Where the excess is more than a tolerance the pieces missed something. A requirement that gives only
tangents or frozen factors is taken again at the answer; of one that gives a lower bound the charges
left out are added as their tangent at the answer, and open orders as tangents of the exact model.
Shares of the same trades are priced too: where a promise is not kept, part of the way may be. The
best answer of the exact model is kept: doing nothing is one of them, so that none is worse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from crossmargin.core.arrays import Bools, Bytes, Floats, Ints
from crossmargin.decisions.margin_choice import Workbench, blocks_of
from crossmargin.decisions.margin_lp import (
    Contradiction,
    Goal,
    MarginAnswer,
    MarginProblem,
    optimal,
)
from crossmargin.decisions.margin_rows import Block
from crossmargin.decisions.margin_search import (
    SHARES,
    has_orders,
    im_after,
    in_lots,
    kept_orders,
    narrowed,
    with_orders,
    without_orders,
)
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.pieces import Pieces, Standing, WorstOf
from crossmargin.margin.tangents import tangent
from crossmargin.margin.whatif import State
from crossmargin.margin.whatif_judge import Verdict
from crossmargin.margin.whatif_trades import Leg

__all__ = ["Priced", "Round", "legs_of", "made_good"]

ROUNDS = 6
CLOSE = 1e-4  # of the requirement before: what is taken for the same
LEFT = "what the pieces leave out, at the last answer"
ADDED = 6  # trades beside those of the continuous answer that whole lots may use


@dataclass(frozen=True, slots=True)
class Round:
    """One round: what the pieces promised, what the exact model says; dollars."""

    saved_by_pieces_usd: float
    saved_exactly_usd: float
    cost_usd: float
    trades: int
    whole: bool = False  # in whole lots

    @property
    def excess_usd(self) -> float:
        """How much of the promise was not kept."""
        return self.saved_by_pieces_usd - self.saved_exactly_usd


@dataclass(frozen=True, slots=True)
class Priced:
    """The kept answer. ``after`` None: nothing is traded. ``objective``: price x exact + cost."""

    answer: MarginAnswer
    sizes: Floats  # [J]
    after: State | None
    verdict: Verdict | None
    cost_usd: float
    saved_usd: float
    rounds: tuple[Round, ...]
    problem: MarginProblem  # as it was solved last: its pieces with what was added
    lots: str  # whole, or why not
    drafted: Floats  # [J] the answer before whole lots


def made_good(bench: Workbench, problem: MarginProblem, *, whole: bool) -> Priced | Contradiction:
    """The best answer of the exact model over a few rounds of corrected pieces."""
    before = bench.prepared.before
    slack = CLOSE * max(before.im_usd, 1.0)
    nothing = np.zeros(len(bench.tickets))
    goal = _shifted(problem.goal, before.im_usd, problem.blocks, problem.beside, nothing)
    now = replace(problem, goal=goal)
    rounds: list[Round] = []
    best: tuple[float, Priced] | None = None
    for _ in range(ROUNDS):
        found = optimal(now)
        if isinstance(found, Contradiction):
            if best is None:
                return found
            break
        priced = _priced(bench, found, rounds, now, "any size")
        best = _better(best, _worth(problem.goal, before, priced), priced)
        if rounds[-1].excess_usd <= slack:
            break
        shorter = _shorter(bench, problem, priced)
        blocks = _corrected(bench, now.blocks, shorter)
        if blocks is now.blocks:
            break
        im_usd = float(im_after(bench, shorter[None, :])[0])
        goal = _shifted(problem.goal, im_usd, blocks, problem.beside, shorter)
        if (shorter != found.h).any():
            near = narrowed(replace(now, blocks=blocks, goal=goal), shorter)
            part = _part(bench, found, shorter, rounds, near)
            best = _better(best, _worth(problem.goal, before, part), part)
        now = replace(now, blocks=blocks, goal=goal)
    assert best is not None  # the first round gave one, or returned
    chosen = _rounded(bench, problem.goal, best[1], rounds) if whole else best[1]
    kept = replace(chosen, rounds=tuple(rounds))
    if problem.goal.budget_usd is not None:
        # Where the pieces led nowhere the call stands as it did: no trade makes it worse.
        idle = _worth_of(problem.goal, before, before.im_usd, 0.0)
        return _nothing(kept) if idle <= _worth(problem.goal, before, kept) else kept
    counted = _counted_usd(kept.problem, kept.sizes)
    return _nothing(kept) if kept.saved_usd * problem.goal.price < counted else kept


def _better(
    best: tuple[float, Priced] | None, worth: float, priced: Priced
) -> tuple[float, Priced]:
    if best is None or worth < best[0] - 1e-12 * max(abs(worth), 1.0):
        return worth, priced
    return best


def _shorter(bench: Workbench, problem: MarginProblem, priced: Priced) -> Floats:
    """[J] the share of an answer that is worth most by the exact model; all of it, or less."""
    before = bench.prepared.before
    found, least = priced.sizes, _worth(problem.goal, before, priced)
    shares = np.array(SHARES)[:, None] * priced.sizes
    for sizes, im_usd in zip(shares, im_after(bench, shares).tolist(), strict=True):
        worth = _worth_of(problem.goal, before, im_usd, _counted_usd(problem, sizes))
        if worth < least:
            found, least = sizes, worth
    return found


def _counted_usd(problem: MarginProblem, sizes: Floats) -> float:
    """Dollars of cost as the objective counts them: straight pieces, times what ends early."""
    tickets, traded = problem.tickets, np.flatnonzero(sizes).tolist()
    return sum(tickets[j].cost_usd(float(sizes[j])) + tickets[j].fixed_usd for j in traded)


def _part(
    bench: Workbench,
    answer: MarginAnswer,
    sizes: Floats,
    rounds: list[Round],
    problem: MarginProblem,
) -> Priced:
    """A share of an answer under the exact model, as a round of its own."""
    legs = legs_of(bench, sizes)
    state, verdict = bench.prepared.after(legs)
    cost = bench.costs_usd(sizes)
    saved = _saved(bench, state)
    rounds.append(Round(saved, saved, cost, len(legs), answer.whole))
    return Priced(answer, sizes, state, verdict, cost, saved, (), problem, "any size", sizes)


def _shifted(
    goal: Goal, im_usd: float, blocks: Sequence[Block], beside: Floats, sizes: Floats
) -> Goal:
    """The budget less what the exact requirement after ``sizes[J]`` has beside the pieces."""
    if goal.budget_usd is None:
        return goal
    known = float(beside @ sizes) + sum(
        block.usd_per_unit * float(block.pieces.at(block.base + block.step @ sizes))
        for block in blocks
    )
    return replace(goal, budget_usd=goal.budget_usd - (im_usd - known))


def _worth(goal: Goal, before: State, priced: Priced) -> float:
    """Objective of the exact model; far above any other where a budget is not kept."""
    counted = _counted_usd(priced.problem, priced.sizes)
    return _worth_of(goal, before, before.im_usd - priced.saved_usd, counted)


def _worth_of(goal: Goal, before: State, after_usd: float, cost_usd: float) -> float:
    worth = goal.price * after_usd + cost_usd
    if goal.budget_usd is not None:
        over = after_usd + cost_usd - goal.budget_usd
        worth += 1e3 * max(over - CLOSE * max(before.im_usd, 1.0), 0.0)
    return worth


def _nothing(priced: Priced) -> Priced:
    """No trade: the exact model does not pay for the cost of any."""
    return replace(
        priced,
        sizes=np.zeros(len(priced.sizes)),
        after=None,
        verdict=None,
        cost_usd=0.0,
        saved_usd=0.0,
        lots="nothing is traded",
    )


def _priced(
    bench: Workbench,
    answer: MarginAnswer,
    rounds: list[Round],
    problem: MarginProblem,
    lots: str,
) -> Priced:
    """The answer under the exact model, and what the round has shown."""
    legs = legs_of(bench, answer.h)
    found = bench.prepared.after(legs) if legs else None
    saved = _saved(bench, found[0]) if found is not None else 0.0
    promised = answer.before_usd - answer.after_usd
    cost = bench.costs_usd(answer.h)
    rounds.append(Round(promised, saved, cost, len(legs), answer.whole))
    state, verdict = found if found is not None else (None, None)
    return Priced(answer, answer.h, state, verdict, cost, saved, (), problem, lots, answer.h)


def _saved(bench: Workbench, state: State) -> float:
    """Dollars that the exact model sets free, the cost aside: less IM, less that does not count."""
    prepared = bench.prepared
    return prepared.before.im_usd - state.im_usd - prepared.uncounted_usd(state)


def legs_of(bench: Workbench, sizes: Floats) -> list[Leg]:
    """The trades as legs, in the order of the table, at the executable side."""
    return [Leg(int(bench.column[j]), float(sizes[j])) for j in np.flatnonzero(sizes).tolist()]


def _rounded(bench: Workbench, goal: Goal, best: Priced, rounds: list[Round]) -> Priced:
    """The kept answer in whole lots, among its own trades and the next best few."""
    among, problem = best.sizes != 0.0, best.problem
    if not among.any():
        return replace(best, lots="nothing is traded")
    spare = np.flatnonzero(~among)
    score = np.array([_cheapness(problem, int(j)) for j in spare])
    among[spare[np.argsort(score, kind="stable")[:ADDED]]] = True
    whole = optimal(problem, whole=True, among=among)
    if isinstance(whole, Contradiction):
        return replace(best, lots="no whole lots keep every tolerance: sizes are not rounded")
    # A mixed-integer answer has no multipliers: those of the continuous one beside it stay.
    whole = replace(whole, bindings=best.answer.bindings, duals=best.answer.duals)
    made = _priced(bench, whole, rounds, problem, "whole lots")
    made = replace(made, drafted=best.sizes)
    before = bench.prepared.before
    cut = in_lots(problem, best.sizes)
    if cut is None or not cut.any() or rounds[-1].excess_usd <= CLOSE * max(before.im_usd, 1.0):
        return made
    # The pieces were wrong about the lots: less of what the exact model has already seen.
    least = _part(bench, whole, cut, rounds, problem)
    made_worth, cut_worth = (_worth(goal, before, each) for each in (made, least))
    kept = replace(least, lots="whole lots", drafted=best.sizes)
    return kept if cut_worth < made_worth else made


def _cheapness(problem: MarginProblem, j: int) -> float:
    ticket = problem.tickets[j]
    slopes = [float(s[0]) for s in (ticket.buy_slope, ticket.sell_slope) if len(s)]
    return min(slopes, default=np.inf) * max(ticket.high, -ticket.low)


# ---------------------------------------------------------------- what the pieces missed


def _corrected(bench: Workbench, blocks: tuple[Block, ...], sizes: Floats) -> tuple[Block, ...]:
    """The pieces with what they left out, as it is at the answer; the same where it is nothing."""
    orders = has_orders(bench)
    if not orders and all(block.pieces.standing is Standing.EXACT for block in blocks):
        return blocks
    if not orders:
        return _charged(bench, blocks, sizes)
    bare = [without_orders(block) for block in blocks]
    made = _charged(bench, tuple(block for block, _ in bare), sizes)
    wide = [kept_orders(new, former) for new, (_, former) in zip(made, bare, strict=True)]
    return with_orders(bench, wide, sizes)


def _charged(bench: Workbench, blocks: tuple[Block, ...], sizes: Floats) -> tuple[Block, ...]:
    """The pieces with the charges that they left out, orders aside."""
    prepared = bench.prepared
    fresh = blocks_of(prepared, bench.column, sizes, [block.step for block in blocks])
    out = []
    for pool, block, new in zip(prepared.ground.pools, blocks, fresh, strict=True):
        if block.pieces.standing is Standing.EXACT:
            out.append(block)
            continue
        at = block.base + block.step @ sizes
        if _is_tangent(block.pieces):
            rows = _joined(block.pieces, new.pieces)
            out.append(replace(block, pieces=rows))
            continue
        base = new.pieces if block.pieces.standing is Standing.TANGENT else block.pieces
        moved = _moved(block, pool.priced.view.ok, pool.priced.pool.instruments.kind)
        if not len(moved):
            out.append(block)
            continue
        model, parameters = prepared.ground.model, prepared.ground.parameters
        whole = tangent(model, pool.priced, pool.held, parameters, at, moved)
        bare = _without(base)
        row = whole.rows[0] - np.where(whole.rows[0] != 0.0, bare.slope(at), 0.0)
        value = float(whole.rows[0] @ at + whole.offset[0]) - float(bare.at(at))
        rest = WorstOf(LEFT, row[None, :], np.array([value - float(row @ at)]), floor=-np.inf)
        out.append(replace(block, pieces=replace(bare, terms=(*bare.terms, rest), near=True)))
    return tuple(out)


def _without(pieces: Pieces) -> Pieces:
    """The pieces without an earlier correction."""
    return replace(pieces, terms=tuple(term for term in pieces.terms if term.name != LEFT))


def _is_tangent(pieces: Pieces) -> bool:
    return len(pieces.terms) == 1 and pieces.terms[0].name == "tangent"


def _joined(old: Pieces, new: Pieces) -> Pieces:
    """Tangents at several books as one term: the largest of them (Kelley)."""
    a, b = old.terms[0], new.terms[0]
    assert isinstance(a, WorstOf)
    assert isinstance(b, WorstOf)
    term = WorstOf(
        a.name, np.vstack([a.rows, b.rows]), np.append(a.offset, b.offset), floor=-np.inf
    )
    return replace(old, terms=(term,))


def _moved(block: Block, ok: Bools, kind: Bytes) -> Ints:
    """Contracts of a pool that some trade moves."""
    some = block.step.any(axis=1) & (kind != Kind.ASSET) & ok
    return np.flatnonzero(some).astype(np.int32)
