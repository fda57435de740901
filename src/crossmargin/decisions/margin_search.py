"""Where linear pieces are wrong: less of the same trades, and what open orders add, both exact.

    shorter   worth(s h), s in SHARES, by the exact model in one call         the best of them
    orders    max(pieces(x), f(h_k) + g_k @ (x - h_k) for each answer h_k)    pool by pool

``f`` is the exact requirement with open orders, ``g`` its slopes by central differences. Where an
order may fill the requirement is above its pieces, and convex for the worst fill: its tangents at
the answers then bound it from below (Kelley's cuts). A requirement that is not convex may promise
what is not kept: part of the way it often is. Doing nothing is inside every limit, so that a share
of a feasible answer is feasible, but for whole lots.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.decisions.margin_choice import Workbench
from crossmargin.decisions.margin_lp import MarginProblem, Ticket
from crossmargin.decisions.margin_rows import Block
from crossmargin.margin.pieces import LargestOf, Part, WorstOf
from crossmargin.margin.whatif_trades import Leg

__all__ = [
    "ORDERS",
    "SHARES",
    "has_orders",
    "im_after",
    "in_lots",
    "kept_orders",
    "narrowed",
    "with_orders",
    "without_orders",
]

SHARES = (0.6, 0.3, 0.1, 0.03)
ORDERS = "with open orders"
STEP = 1e-3  # of the largest size of a trade: above the rounding of a requirement


def im_after(bench: Workbench, sizes: Floats) -> Floats:
    """[V] exact initial margin with open orders after trades ``sizes[V, J]``, in dollars.

    With what the trades take out of what counts beside their cost (``Prepared.uncounted_usd``).
    One call of the model; a row without trades is the account as it stands.
    """
    out = np.full(len(sizes), bench.prepared.before.im_usd)
    some = np.flatnonzero((sizes != 0.0).any(axis=1))
    if not len(some):
        return out
    legs = [
        [Leg(int(bench.column[j]), float(row[j])) for j in np.flatnonzero(row).tolist()]
        for row in sizes[some]
    ]
    found = bench.prepared.rank(legs)
    out[some[found.order]] = found.im_usd + found.uncounted_usd
    return out


def has_orders(bench: Workbench) -> bool:
    """Whether the account has an open order, which no pieces know of."""
    return len(bench.prepared.base.book.orders.column) > 0


def with_orders(bench: Workbench, blocks: Sequence[Block], sizes: Floats) -> tuple[Block, ...]:
    """The pieces of each pool and one more tangent at ``sizes[J]`` of the exact model with orders.

    ``blocks`` may have those of earlier answers.
    """
    span = np.array([max(ticket.high, -ticket.low) for ticket in bench.tickets])
    step = STEP * np.maximum(span, 1e-12)
    count = len(sizes)
    books = np.tile(sizes, (2 * count + 1, 1))
    each = np.arange(count)
    books[2 * each, each] += step
    books[2 * each + 1, each] -= step
    exact = _by_pool(bench, books)
    slopes = (exact[:, 0:-1:2] - exact[:, 1:-1:2]) / (2.0 * step)
    out = []
    for number, block in enumerate(blocks):
        row = _row(bench, block, number, slopes[number])
        at = block.base + block.step @ sizes
        level = float(exact[number, -1]) - float(row @ at)
        out.append(_joined(block, row, level))
    return tuple(out)


def _by_pool(bench: Workbench, sizes: Floats) -> Floats:
    """[P, V] initial margin of each pool in its own currency after trades ``sizes[V, J]``."""
    ground = bench.prepared.ground
    out = np.repeat(np.array([[float(pool.values[0][0])] for pool in ground.pools]), len(sizes), 1)
    some = np.flatnonzero((sizes != 0.0).any(axis=1))
    fills = [
        [
            bench.prepared.fill(Leg(int(bench.column[j]), float(row[j])))
            for j in np.flatnonzero(row).tolist()
        ]
        for row in sizes[some]
    ]
    if fills:
        found = ground.evaluate(fills)
        out[:, some] = [values[0] for values in found.values]
    return out


def _row(bench: Workbench, block: Block, number: int, slope: Floats) -> Floats:
    """[I] rates of a pool's contracts that make ``slope[J]`` of the trades that lie in it."""
    ground, desk = bench.prepared.ground, bench.prepared.desk
    row = np.zeros(len(block.base))
    for j, column in enumerate(bench.column.tolist()):
        place = desk.row_of(column)
        if int(ground.pool_of[place]) == number:
            row[ground.pools[number].local[place]] = slope[j] / desk.factor_of(column)
    return row


def _joined(block: Block, row: Floats, level: float) -> Block:
    """The larger of a pool's pieces and the tangents, those of earlier answers among them."""
    rows, levels, inner = row[None, :], np.array([level]), block.pieces.terms
    first = inner[0] if inner else None
    if isinstance(first, LargestOf) and first.name == ORDERS:
        inner, earlier = first.parts[0].terms, first.parts[1].terms[0]
        assert isinstance(earlier, WorstOf)
        rows, levels = np.vstack([earlier.rows, rows]), np.append(earlier.offset, levels)
    tangents = WorstOf("tangents", rows, levels, floor=-np.inf)
    parts = (Part("positions", inner), Part("orders", (tangents,)))
    term = LargestOf(ORDERS, parts, floor=-np.inf)
    return replace(block, pieces=replace(block.pieces, terms=(term,)))


def without_orders(block: Block) -> tuple[Block, Block | None]:
    """The pool's pieces by themselves; and as it was, where it had tangents of the orders."""
    first = block.pieces.terms[0] if block.pieces.terms else None
    if not (isinstance(first, LargestOf) and first.name == ORDERS):
        return block, None
    return replace(block, pieces=replace(block.pieces, terms=first.parts[0].terms)), block


def kept_orders(bare: Block, former: Block | None) -> Block:
    """New pieces beside the tangents that the pool had."""
    if former is None:
        return bare
    (term,) = former.pieces.terms
    assert isinstance(term, LargestOf)
    joined = replace(term, parts=(Part("positions", bare.pieces.terms), *term.parts[1:]))
    return replace(bare, pieces=replace(bare.pieces, terms=(joined,)))


def narrowed(problem: MarginProblem, sizes: Floats) -> MarginProblem:
    """The problem with no trade larger than ``sizes[J]``, rounded up to whole lots, on its side."""
    tickets = []
    for ticket, size in zip(problem.tickets, sizes.tolist(), strict=True):
        most = abs(size)
        if ticket.lot > 0.0:
            most = float(np.ceil(most / ticket.lot - 1e-9)) * ticket.lot
        buy = _cut(ticket.buy_width, ticket.buy_slope, most if size > 0.0 else 0.0)
        sell = _cut(ticket.sell_width, ticket.sell_slope, most if size < 0.0 else 0.0)
        tickets.append(Ticket(ticket.name, *buy, *sell, ticket.lot, ticket.least, ticket.fixed_usd))
    return replace(problem, tickets=tuple(tickets))


def in_lots(problem: MarginProblem, sizes: Floats) -> Floats | None:
    """[J] sizes cut to whole lots, what is below a least ticket left; None where a limit breaks."""
    out = np.zeros(len(sizes))
    for j, ticket in enumerate(problem.tickets):
        lot, size = ticket.lot, abs(float(sizes[j]))
        cut = np.floor(size / lot + 1e-9) * lot if lot > 0.0 else size
        out[j] = np.sign(sizes[j]) * cut if cut >= ticket.least * (1.0 - 1e-9) else 0.0
    if problem.legs is not None and np.count_nonzero(out) > problem.legs:
        return None
    for limit in problem.limits:
        slack = 1e-9 * (1.0 + max(abs(b) for b in (limit.least, limit.most) if np.isfinite(b)))
        if not limit.least - slack <= float(limit.row @ out) <= limit.most + slack:
            return None
    profile = problem.profile
    if profile is not None:
        moved = profile.rows @ out
        if (moved < profile.down - 1e-6).any() or (moved > profile.up + 1e-6).any():
            return None
    return out


def _cut(width: Floats, slope: Floats, most: float) -> tuple[Floats, Floats]:
    """Straight pieces up to a size."""
    edge = np.cumsum(width) - width
    kept = edge < most * (1.0 - 1e-12)
    return np.minimum(width[kept], most - edge[kept]), slope[kept]
