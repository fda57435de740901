"""P&L over the own grid and the margin scenarios, before and after, as one SVG."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossmargin.decisions.margin_outlook import after_of
from crossmargin.interfaces.account_plots import under
from crossmargin.interfaces.charts import Curve, curves_svg
from crossmargin.margin.pools import cut
from crossmargin.margin.whatif_trades import Leg

if TYPE_CHECKING:
    from crossmargin.interfaces.optimise import OptimiseResult

__all__ = ["optimise_svg"]


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
    pictures.append(_margin_svg(result, width))
    label = "P&L and margin, before and after"
    return under([each for each in pictures if each], width, label)


def _margin_svg(result: OptimiseResult, width: float) -> str:
    """Weighted loss in every scenario of the model, before and after; "" where it has none."""
    core = result.prepared.core
    legs = [
        (int(result.bench.column[j]), float(size))
        for j, size in enumerate(result.priced.sizes.tolist())
        if size != 0.0
    ]
    made = [Leg(column, size) for column, size in legs]
    books = (core.base.book, core.changed_book(made) if made else core.base.book)
    for pool in core.ground.pools:
        losses = []
        for book in books:
            vector = core.ground.model.vector(pool.priced, cut(book, pool.priced.pool, 0))
            if vector is None:
                break
            losses.append([-float(each) * pool.priced.usd_per_unit for each in vector[0]])
        if len(losses) == 2:
            x = [float(k + 1) for k in range(len(losses[0]))]
            step = max(len(x) // 8, 1)
            marks = [(at, f"{at:.0f}") for at in x[::step]]
            curves = tuple(
                Curve(name, x, each) for name, each in zip(("before", "after"), losses, strict=True)
            )
            title = (
                f"Loss in each scenario of {core.base.model.name}, pool {pool.priced.pool.label}"
            )
            return curves_svg(
                title, curves, width, unit="USD", x_title="scenario, venue's order", x_ticks=marks
            )
    return ""
