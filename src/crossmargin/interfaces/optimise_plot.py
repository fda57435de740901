"""P&L over the own grid and the worst scenarios of the margin, before and after, as one SVG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from crossmargin.decisions.margin_outlook import after_of
from crossmargin.interfaces.account_plots import under
from crossmargin.interfaces.charts import Curve, bars_svg, curves_svg
from crossmargin.margin.pools import cut
from crossmargin.margin.whatif_trades import Leg

if TYPE_CHECKING:
    from crossmargin.interfaces.optimise import OptimiseResult

__all__ = ["optimise_svg", "worst_scenarios"]

SCENARIOS = 12  # that a picture of a pool has


def optimise_svg(result: OptimiseResult, width: float) -> str:
    """One picture a coin that the trades touch, one under the other; volatility as it is."""
    bench, grid = result.bench, result.bench.grid
    now = grid.of(bench.quantity)
    then = grid.of(after_of(bench, result.priced.sizes))
    same = [k for k, label in enumerate(grid.labels) if label.endswith("vol same")]
    x = [100.0 * float(grid.move[k]) for k in same]
    marks = [(float(at), f"{at:+.0f} %") for at in range(-30, 31, 10)]
    pictures = []
    for c, coin in enumerate(grid.coins):
        if not (now[c].any() or then[c].any()):
            continue
        curves = (
            Curve("before", x, [float(now[c][k]) for k in same]),
            Curve("after", x, [float(then[c][k]) for k in same]),
        )
        title = f"P&L of {coin} by its move, volatility as it is"
        pictures.append(
            curves_svg(title, curves, width, unit="USD", x_title="move of the index", x_ticks=marks)
        )
    pictures += _margin_svgs(result, width)
    label = "P&L and margin, before and after"
    return under([each for each in pictures if each], width, label)


def _margin_svgs(result: OptimiseResult, width: float) -> list[str]:
    """Loss in the worst scenarios of every pool that has some, before and after, worst first."""
    core = result.prepared.core
    legs = [
        (int(result.bench.column[j]), float(size))
        for j, size in enumerate(result.priced.sizes.tolist())
        if size != 0.0
    ]
    made = [Leg(column, size) for column, size in legs]
    books = (core.base.book, core.changed_book(made) if made else core.base.book)
    out = []
    for pool in core.ground.pools:
        losses = []
        for book in books:
            vector = core.ground.model.vector(pool.priced, cut(book, pool.priced.pool, 0))
            if vector is None:
                break
            losses.append([-float(each) * pool.priced.usd_per_unit for each in vector[0]])
        if len(losses) < 2:
            continue
        known = pool.priced.scenarios
        labels = () if known is None else known.label
        rows = worst_scenarios(losses[0], losses[1], labels)
        if not rows:
            continue
        title = (
            f"Loss as {core.base.model.name} weighs it, pool {pool.priced.pool.label}: "
            f"the {len(rows)} worst of {len(losses[0])} scenarios (a gain is below zero)"
        )
        out.append(bars_svg(title, rows, ("before", "after"), width, unit="USD"))
    return out


def worst_scenarios(
    before: Sequence[float], after: Sequence[float], labels: Sequence[str]
) -> list[tuple[str, tuple[float, float]]]:
    """Label, loss before and after of the scenarios that lose most in either; the worst first.

    What loses nothing in both is left out. Without a label of its own a scenario goes by its place
    in the venue's order, from 1.
    """
    losing = [k for k in range(len(before)) if max(before[k], after[k]) > 0.0]
    worst = sorted(losing, key=lambda k: (-max(before[k], after[k]), k))[:SCENARIOS]
    named = len(labels) == len(before)
    return [(labels[k] if named else f"scenario {k + 1}", (before[k], after[k])) for k in worst]
