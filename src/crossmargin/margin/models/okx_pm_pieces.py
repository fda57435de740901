"""Linear pieces of an OKX risk unit: scenarios and basis, or the minimum charge if that is more."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.margin.families.spot_overlay import spot_used
from crossmargin.margin.model import PoolBook, Priced
from crossmargin.margin.models.okx_pm_charges import held_of
from crossmargin.margin.models.okx_pm_units import QUOTES, UnitColumns
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.piece_shapes import larger, nets, scaled, scenarios
from crossmargin.margin.pieces import LargestOf, Part, Pieces, Separable, Term, WorstOf

__all__ = ["unit_pieces"]

JUMPS = "the jumps of the minimum charge between its tiers (MR7): the convex line below them"
DEPEG = "hedges between quote currencies (MR9)"
USED = "a coin balance counts as it is used now"


def unit_pieces(priced: Priced, held: PoolBook, parameters: Parameters) -> Pieces:
    """The pieces of one risk unit near the one account of a block."""
    facts, plan = priced.facts, priced.pool.facts
    columns: UnitColumns = facts["columns"]
    scan, basis_used, near = _scan(priced, held)
    bucket = np.where(plan["run"] >= 0, plan["bucket"][plan["run"]], -1).astype(np.int32)
    rates = np.where(np.arange(len(columns.basis)) > 0, columns.basis, 0.0)
    basis = nets("mr4", columns.cash_delta, bucket, rates)
    raw = Separable("mr7", columns.charge_long, columns.charge_short)
    some = columns.charge_long.any() or columns.charge_short.any()
    least = _stepped(raw, facts["steps"]) if some else ()
    both = larger("deriv_mmr", ("risk", (scan, *basis, *basis_used)), ("mr7", least))
    left = []
    if some and facts["steps"] is not None and len(facts["steps"][1]) > 1:
        left.append(JUMPS)
    quote = plan["quote"][plan["run"][plan["run"] >= 0]]
    if facts["depeg"] is not None and len(np.unique(quote[quote < len(QUOTES)])) > 1:
        left.append(DEPEG)
    factor = parameters.number("general.im_factor")
    return Pieces(scaled(factor, both), tuple(left), (USED,) if near else (), near)


def _scan(priced: Priced, held: PoolBook) -> tuple[WorstOf, tuple[Term, ...], bool]:
    """Scenarios with the spot in use frozen, its basis charge, and whether there is any spot."""
    risk, found = priced.risk, priced.scenarios
    assert found is not None and risk is not None  # set by price()
    columns: UnitColumns = priced.facts["columns"]
    scan = scenarios("scan_risk", risk.pnl, found.weight, found.label)
    if not columns.coins.any():
        return scan, (), False
    sums = held_of(priced, held)
    used = float(spot_used(sums.delta, sums.coins)[0]) if len(sums.delta) else 0.0
    scan = WorstOf(scan.name, scan.rows, scan.offset - used * priced.facts["leg"], scan.scenario)
    coin_paid = priced.pool.instruments.inverse.any()
    near = bool(coin_paid) or bool((sums.coins != 0.0).any())
    fixed = np.array([used * columns.spot_usd * columns.basis[0]])
    spot = WorstOf("mr4 spot in use", np.zeros((1, len(columns.coins))), fixed, floor=-np.inf)
    return scan, (spot,), near


def _stepped(raw: Separable, steps: tuple[Floats, Floats] | None) -> tuple[Term, ...]:
    """``raw x multiple of its tier`` from below: the lower convex hull of the ends of the tiers."""
    if steps is None:
        return (raw,)
    edges, multiple = steps[0].tolist(), steps[1].tolist()
    last = multiple[-1]
    hull = [(0.0, 0.0)]
    for edge, many in zip(edges[:-1], multiple[:-1], strict=True):
        point = (edge, many * edge)
        while len(hull) > 1 and _slope(hull[-2], hull[-1]) >= _slope(hull[-1], point):
            hull.pop()
        if edge > 0.0:
            hull.append(point)
    while len(hull) > 1 and _slope(hull[-2], hull[-1]) >= last:
        hull.pop()  # beyond the last edge the charge rises with the last multiple alone
    rates = [*(_slope(a, b) for a, b in pairwise(hull)), last]
    parts = tuple(
        Part(f"tier {k}", scaled(rate, (raw,)), y - rate * x)
        for k, (rate, (x, y)) in enumerate(zip(rates, hull, strict=True))
    )
    return (LargestOf("mr7", parts),)


def _slope(a: tuple[float, float], b: tuple[float, float]) -> float:
    return (b[1] - a[1]) / (b[0] - a[0])
