"""Scenario tables of the Derive family: spot moves, vol shocks by life, static discounts, basis.

    vol up     vol (1 + range_up (30 d / max(T, floor))^p)     p by life: short or long power
    vol down   vol [1 - range_down (30 d / max(T, floor))^p]+
    forward    free part x spot factor + settled part
    basis      sum over expiries of min(P&L up, P&L down, 0) (add + mult T)

Source: derivexyz/v2-core at 7736900d, re-stated.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from crossmargin.core.arrays import Floats, Ints, frozen
from crossmargin.core.clock import DAY_MS, YEAR_MS
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.model import PoolBook, Priced
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import by_row, is_kind
from crossmargin.market.view import View
from crossmargin.pricing.revalue import padded
from crossmargin.pricing.sums import sums
from crossmargin.scenarios.risk_array import Added, price
from crossmargin.scenarios.sets import ScenarioSet, power_scale, shocked_forwards

__all__ = [
    "Row",
    "basis_loss",
    "basis_moves",
    "basis_rate",
    "label_of",
    "scenario_set",
    "spot_moves",
    "spot_row",
    "vol_factors",
]

Row = tuple[float, str, float]  # spot factor, vol kind, dampening
SKEWS = ("linear", "abs")  # a skew multiplies each strike's vol and moves no forward


def scenario_set(
    part: Instruments,
    view: View,
    rows: Sequence[Row],
    vol_up_down: tuple[Floats, Floats],
    *,
    discount: Floats,
    least_vol_up: float = 0.0,
    strike_factor: Floats | None = None,
) -> ScenarioSet:
    """The scenarios of a manager in its own order.

    ``vol_up_down[E]`` multiples of vol; ``discount[E]`` on options; ``least_vol_up`` floors the
    shocked vol (per year) where it goes up; ``strike_factor[I, C]`` belongs to the C skews.
    """
    spot = np.array([row[0] for row in rows])
    kinds = [row[1] for row in rows]
    shape = (len(part.expiries), len(rows))
    root = np.sqrt(view.life_ms / YEAR_MS)
    up, down = vol_up_down
    factor, floor = np.ones(shape), np.zeros(shape)
    move = np.broadcast_to(spot, shape).copy()
    for s, kind in enumerate(kinds):
        if kind == "up":
            factor[:, s], floor[:, s] = up, least_vol_up
        elif kind == "down":
            factor[:, s] = down
        elif kind in SKEWS:
            move[:, s] = 1.0  # the forward of a skew scenario stays where it is
    return ScenarioSet(
        label=tuple(label_of(row) for row in rows),
        move=frozen(spot - 1.0, np.float64),
        vol_label=tuple({"none": "same"}.get(kind, kind) for kind in kinds),
        spot=frozen(np.broadcast_to(spot, (len(part.pairs), len(rows))), np.float64),
        forward=shocked_forwards(view.forward, view.forward_settled, move),
        vol_factor=frozen(factor * root[:, None], np.float64),
        vol_shift=frozen(np.zeros(shape), np.float64),
        vol_floor=frozen(floor * root[:, None], np.float64),
        discount=frozen(discount, np.float64),
        root_years=frozen(root, np.float64),
        weight=frozen([row[2] for row in rows], np.float64),
        reflect=frozen([kind in SKEWS for kind in kinds], np.bool_),
        strike_factor=strike_factor,
        skewed=None if strike_factor is None else _skews_of(kinds),
    )


def _skews_of(kinds: Sequence[str]) -> Ints:
    """[C] the scenarios whose vol depends on the strike."""
    return np.flatnonzero([kind in SKEWS for kind in kinds]).astype(np.int32)


def label_of(row: Row) -> str:
    """What a person reads of a scenario."""
    move, kind, damp = row[0] - 1.0, row[1], row[2]
    name = {"none": "same"}.get(kind, kind)
    if kind in SKEWS:
        text = f"skew {kind}"
        text += f", spot {100.0 * move:+.4g} %" if move != 0.0 else ""
    else:
        text = f"{100.0 * move:+.4g} %, vol {name}"
    return text if damp == 1.0 else f"{text}, x{damp:.4g}"


def vol_factors(view: View, parameters: Parameters, table: str) -> tuple[Floats, Floats]:
    """[E] multiples of vol, up and down."""
    scale = power_scale(
        view.life_ms / DAY_MS,
        parameters.number(f"{table}.short_term_power"),
        parameters.number(f"{table}.long_term_power"),
        parameters.number(f"{table}.dte_floor_days"),
    )
    up = 1.0 + parameters.number(f"{table}.vol_range_up") * scale
    down = np.maximum(1.0 - parameters.number(f"{table}.vol_range_down") * scale, 0.0)
    return up, down


def spot_row(part: Instruments, scenarios: ScenarioSet, label: str) -> Floats:
    """[S] spot factor of the pool's own pair."""
    for p, pair in enumerate(part.pairs):
        if pair[0] == label:
            return np.asarray(scenarios.spot[p])
    return np.ones(len(scenarios))


def spot_moves(part: Instruments, scenarios: ScenarioSet, label: str, dollars: Floats) -> Added:
    """P&L of coins that move with the spot: ``dollars[I]`` of each unit, 0 where it does not."""
    rows = np.flatnonzero(dollars).astype(np.int32)
    moves = padded(spot_row(part, scenarios, label)[None, :] - 1.0)
    return rows, dollars[rows], np.zeros(len(rows), np.int32), moves


def basis_moves(
    part: Instruments, view: View, parameters: Parameters, table: str, discount: Floats
) -> tuple[Floats, Floats]:
    """[I] P&L of options in the two basis moves, vols unshocked."""
    up = parameters.number(f"{table}.basis_spot_up")
    down = parameters.number(f"{table}.basis_spot_down")
    rows = ((up, "none", 1.0), (down, "none", 1.0))
    same = np.ones(len(part.expiries))
    moves = scenario_set(part, view, rows, (same, same), discount=discount)
    pnl = price(part, view, moves, view.mark).pnl
    option = is_kind(part, Kind.OPTION)
    return np.where(option, pnl[:, 0], 0.0), np.where(option, pnl[:, 1], 0.0)


def basis_rate(view: View, parameters: Parameters, table: str) -> Floats:
    """[E] ``add + mult tau``."""
    years = view.life_ms / YEAR_MS
    add = parameters.number(f"{table}.basis_add_factor")
    rate: Floats = add + parameters.number(f"{table}.basis_mult_factor") * years
    return rate


def basis_loss(priced: Priced, held: PoolBook) -> Floats:
    """[A] the basis contingency as a loss >= 0; facts basis_table, basis_rate and run."""
    table, run = priced.facts["basis_table"], priced.facts["run"]
    found = sums(held.row, held.column, held.quantity, run, table, trusted=True)
    worse = np.minimum(np.minimum(found.net[:, 0], found.net[:, 1]), 0.0)
    loss = -worse * priced.facts["basis_rate"][found.run]
    return by_row(found.row, loss, len(held.row) - 1)
