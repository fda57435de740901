"""The shift grid of a margin by Greeks: prices x vols x time, expanded and revalued alike.

    price   S (1 + a h)         a the shares of ``grid.moves``, h the half-width of the coin
    vol     vol (1 + b v k)     b the shares of ``grid.vols``, v ``vol_up`` or ``vol_down`` of the
                                coin for thirty days, k = (30 / max(days, floor)) ** p
    time    now, and ``general.horizon_days`` later: what decays is not counted before it is lost

All coins move together, each by its own half-width. The same scenarios are priced twice: by the
expansion (what is margined) and by full revaluation (what it is judged by).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from crossmargin.core.arrays import Floats, frozen
from crossmargin.core.clock import DAY_MS
from crossmargin.margin.families.dollar_greeks import DollarGreeks
from crossmargin.margin.families.whole_account import DollarMarket, scenario_set
from crossmargin.margin.parameter_files import Parameters
from crossmargin.pricing.revalue import padded, padded_width
from crossmargin.pricing.taylor import TERMS, expanded
from crossmargin.pricing.vectors import aligned
from crossmargin.scenarios.sets import ScenarioSet, power_scale

__all__ = ["Grid", "expanded_pnl", "grid_of", "joined", "probes_of", "shift_terms", "shifts_of"]

DAYS_A_YEAR = 365.0


@dataclass(frozen=True, slots=True)
class Grid:
    """Scenarios with what moves: fractions by coin [U, S], vol factors [E, S], years [S]."""

    scenarios: ScenarioSet
    move: Floats
    vol_factor: Floats
    passed_years: Floats

    def __len__(self) -> int:
        return len(self.scenarios)


def grid_of(market: DollarMarket, coins: tuple[str, ...], parameters: Parameters) -> Grid:
    """The grid of a pool: moves inside vols inside the two times."""
    widths = [parameters.number(f"asset.{coin}.half_width") for coin in coins]
    now = shifts_of(market, coins, parameters, widths, 0.0)
    later = parameters.number("general.horizon_days")
    return joined(now, shifts_of(market, coins, parameters, widths, later))


def shifts_of(
    market: DollarMarket,
    coins: tuple[str, ...],
    parameters: Parameters,
    widths: Sequence[float],
    passed_days: float,
) -> Grid:
    """Moves inside vols at one time; ``widths`` are the half-widths of the coins."""
    moves = [float(row[0]) for row in parameters.get("grid.moves")]
    vols = [float(row[0]) for row in parameters.get("grid.vols")]
    share, vol_share = np.tile(np.array(moves), len(vols)), np.repeat(np.array(vols), len(moves))
    move = np.array(widths)[:, None] * share[None, :]
    shock = {coin: _vol_shock(parameters, coin, vol_share) for coin in coins}
    return _cells(market, coins, parameters, move, shock, passed_days)


def probes_of(market: DollarMarket, coins: tuple[str, ...], parameters: Parameters) -> Grid:
    """Far moves at which the expansion is only judged: rows of ``check.probes`` (move, vol)."""
    rows: list[Any] = parameters.get("check.probes")
    share, vol = np.array([float(r[0]) for r in rows]), np.array([float(r[1]) for r in rows])
    move = np.tile(share, (len(coins), 1))
    return _cells(market, coins, parameters, move, dict.fromkeys(coins, vol), 0.0)


def _vol_shock(parameters: Parameters, coin: str, share: Floats) -> Floats:
    up = parameters.number(f"asset.{coin}.vol_up")
    down = parameters.number(f"asset.{coin}.vol_down")
    return np.where(share > 0.0, share * up, share * down)


def _cells(
    market: DollarMarket,
    coins: tuple[str, ...],
    parameters: Parameters,
    move: Floats,
    shock: dict[str, Floats],
    passed_days: float,
) -> Grid:
    """The scenarios of given moves [U, S] and thirty-day vol shocks [S] by coin."""
    count = move.shape[1]
    scale = power_scale(
        market.view.life_ms / DAY_MS,
        parameters.number("general.vega_power_short"),
        parameters.number("general.vega_power_long"),
        parameters.number("general.dte_floor_days"),
    )
    nothing = np.zeros(count)
    raw = np.array([shock.get(key[0], nothing) for key in market.part.expiries])
    factor = np.maximum(1.0 + scale[:, None] * raw.reshape(-1, count), 0.0)
    passed = passed_days / DAYS_A_YEAR
    first = shock[coins[0]] if coins else nothing
    labels = [_label(coins, move[:, s], float(first[s]), passed_days) for s in range(count)]
    made = scenario_set(
        market,
        labels,
        {coin: 1.0 + move[u] for u, coin in enumerate(coins)},
        factor,
        passed_years=passed,
    )
    if passed > 0.0:
        made = replace(made, vol_label=tuple(f"{word}, later" for word in made.vol_label))
    return Grid(made, move, factor, np.full(count, passed))


def _label(coins: tuple[str, ...], move: Floats, vol: float, passed_days: float) -> str:
    prices = ", ".join(
        f"{coin} {100.0 * m:+.4g} %" for coin, m in zip(coins, move.tolist(), strict=True)
    )
    label = f"{prices or 'no coin'}, vol {100.0 * vol:+.4g} %"
    return f"{label}, {passed_days:g} d later" if passed_days > 0.0 else label


def joined(first: Grid, second: Grid) -> Grid:
    """Two grids of one market, one after the other."""
    a, b = first.scenarios, second.scenarios

    def both(name: str) -> Floats:
        return frozen(np.concatenate([getattr(a, name), getattr(b, name)], axis=-1), np.float64)

    whole = replace(
        a,
        label=a.label + b.label,
        vol_label=a.vol_label + b.vol_label,
        move=both("move"),
        spot=both("spot"),
        forward=both("forward"),
        vol_factor=both("vol_factor"),
        vol_shift=both("vol_shift"),
        vol_floor=both("vol_floor"),
        weight=both("weight"),
        reflect=frozen(np.concatenate([a.reflect, b.reflect]), np.bool_),
    )
    return Grid(
        whole,
        np.concatenate([first.move, second.move], axis=1),
        np.concatenate([first.vol_factor, second.vol_factor], axis=1),
        np.concatenate([first.passed_years, second.passed_years]),
    )


def shift_terms(market: DollarMarket, greeks: DollarGreeks, grid: Grid) -> Floats:
    """[6, I, S] dollars of each term of one unit of each row, in the order of ``TERMS``."""
    part, count = market.part, len(grid)
    rows = len(part)
    moved = np.zeros((rows, count))
    known = greeks.group >= 0
    moved[known] = grid.move[greeks.group[known]]
    vol_change, passed = np.zeros((rows, count)), np.zeros((rows, count))
    dated = np.flatnonzero(part.expiry >= 0)
    if len(dated):
        expiry = part.expiry[dated]
        vol = market.view.vol[dated]
        vol_change[dated] = vol[:, None] * (grid.vol_factor[expiry] - 1.0)
        life = market.years[expiry]
        passed[dated] = np.minimum(grid.passed_years[None, :], life[:, None])
    return expanded(greeks.expansion, greeks.index_usd[:, None] * moved, vol_change, passed)


def expanded_pnl(terms: Floats) -> tuple[Floats, Floats]:
    """P&L of the expansion [I, S8], padded, and its terms [S, I, 8] for the attribution."""
    _, rows, count = terms.shape
    total = terms[0].copy()
    for each in terms[1:]:
        total += each
    pnl = aligned((rows, padded_width(count)))
    pnl[...] = padded(total)
    by_scenario = np.zeros((count, rows, 8))
    for k in range(len(TERMS)):
        by_scenario[:, :, k] = terms[k].T
    return frozen(pnl, np.float64), frozen(by_scenario, np.float64)
