"""Strategies side by side on the same paths: the account bare, with each hedge, and under rules.

Paths are blocks of real daily moves in a stationary bootstrap, from a seed, or stretches of the
history itself. A hedge that ends before the horizon is bought again at its expiry at the same
moneyness, volatility and spread, scaled with the price; one that lasts longer is valued there.
A rule runs the whole equity between the coin and cash. All at the horizon, in dollars.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.decisions.hedge_finder import Field, Found
from crossmargin.decisions.insurance import gap_of_moves, gap_probability, perp_liquidation
from crossmargin.decisions.insurance_paths import Rule, simulate
from crossmargin.decisions.protection import Candidate, Protection
from crossmargin.margin.whatif import Prepared
from crossmargin.margin.whatif_costs import is_whole, lot_of
from crossmargin.margin.whatif_trades import Leg

__all__ = ["Score", "Terms", "hedged", "rule_scores", "score", "scores"]

DAY_YEARS = 1.0 / 365.0


@dataclass(frozen=True, slots=True)
class Terms:
    """``cost``: share of what a rule trades; ``funding`` a year on it; ``rate`` of what is safe."""

    cost: float = 0.0006
    funding: float = 0.0
    rate: float = 0.0


@dataclass(frozen=True, slots=True)
class Score:
    """One strategy. ``shortfall_usd``: mean gap to the floor where it is broken (0: never is).

    ``upside_kept``: mean gain over the bare account's, on the paths whose price rises.
    ``cost_usd``: premium, fees, rolls and funding, expected. ``turnover``: what is traded (coin
    under the contract) over the equity. ``margin_use``: initial margin over equity at the start,
    None where the model was not asked. ``gap``: (by history, by formula) chance that a step to the
    horizon breaks a rule's floor.
    """

    name: str
    breach: float
    shortfall_usd: float
    mean_usd: float
    least_usd: float
    upside_kept: float | None
    cost_usd: float
    turnover: float
    margin_use: float | None = None
    gap: tuple[float, float] | None = None
    liquidation_price: float | None = None
    floor_price: float | None = None


def hedged(field: Field, found: Found, paths: Floats, horizon_years: float) -> Floats:
    """[P] profit of a hedge along price ratios ``paths [P, T+1]``, bought again where it ends."""
    lines = field.lines
    steps = paths.shape[1] - 1
    each = max(1, round(found.years / horizon_years * steps))
    total = np.zeros(paths.shape[0])
    start = 0
    while start < steps:
        end = min(start + each, steps)
        ratio = paths[:, end] / paths[:, start]
        # a whole life is valued at the expiry itself, not at the step nearest to it
        years = found.years if end - start == each else (end - start) / steps * horizon_years
        years = min(years, horizon_years) if found.years >= horizon_years else years
        profit = found.value(lines, ratio * lines.price, years, field.response)
        total += paths[:, start] * profit
        start = end
    return total


def score(name: str, end: Floats, bare: Floats, rises: np.ndarray, floor: Floats,
          equity: float, cost: float, turnover: float) -> Score:  # fmt: skip
    """What the values at the horizon say."""
    gap = floor - end
    broken = gap > 1e-6 * equity
    gain = float((bare[rises] - equity).mean()) if rises.any() else 0.0
    kept = float((end[rises] - equity).mean()) / gain if gain > 0.0 else None
    return Score(
        name, float(broken.mean()), float(gap[broken].mean()) if broken.any() else 0.0,
        float(end.mean()), float(end.min()), kept, cost, turnover,
    )  # fmt: skip


def scores(
    found: Protection, candidates: Sequence[Candidate], paths: Floats
) -> tuple[list[Score], Floats]:
    """The bare account and each candidate; with the bare account's values ``[P]``."""
    field = found.field
    equity, price = field.book.equity_usd, field.lines.price
    horizon = found.ask.days * DAY_YEARS
    ends = paths[:, -1] * price
    bare = field.book.at(ends, horizon, field.response)
    rises, floor = ends > price, field.floor(ends)
    out = [score("no hedge", bare, bare, rises, floor, equity, 0.0, 0.0)]
    for each in candidates:
        value = bare + hedged(field, each.found, paths, horizon)
        coins = sum(abs(size) * _coins(field, leg.row) for size, leg in
                    zip(each.sizes, each.found.legs, strict=True))  # fmt: skip
        turnover = coins * price / equity * (1 + each.plan.rolls)
        name = f"{each.found.family} {' '.join(each.names)}"
        made = score(name, value, bare, rises, floor, equity, each.plan.horizon_cost_usd, turnover)
        use = None if each.margins is None else each.margins.im_usd / equity
        out.append(_with(made, margin_use=use))
    return out, bare


def rule_scores(
    found: Protection,
    rules: Sequence[tuple[str, Rule]],
    paths: Floats,
    bare: Floats,
    terms: Terms,
    daily: Floats,
    prepared: Prepared,
    perp: int | None,
) -> list[Score]:
    """Rules on the same paths, daily steps; ``daily`` are the history's log returns for the gap.

    The margin is the exact model's of the perpetual that takes the account to the first exposure.
    """
    field = found.field
    equity, price = field.book.equity_usd, field.lines.price
    ends = paths[:, -1] * price
    rises, floor = ends > price, field.floor(ends)
    steps = paths.shape[1] - 1
    vol = float(np.std(daily)) / np.sqrt(DAY_YEARS)
    out = []
    for name, rule in rules:
        run = simulate(paths, rule, DAY_YEARS, rate=terms.rate, cost=terms.cost,
                       funding=terms.funding)  # fmt: skip
        cost = float((run.cost + run.funding).sum(axis=1).mean()) * equity
        value = equity * run.value[:, -1]
        made = score(name, value, bare, rises, floor, equity, cost, float(run.traded.mean()))
        exposure = float(run.exposure[0, 0]) * equity
        use, mm = _first_margin(field, prepared, perp, exposure)
        gap = None
        liquidated = at_floor = None
        if rule.kind in ("cppi", "tipp", "peak", "vol"):
            gap = (
                gap_of_moves(daily, rule.multiplier, steps).any,
                gap_probability(rule.multiplier, DAY_YEARS, steps, vol).any,
            )
        if exposure > 0.0 and mm is not None:
            level = float(run.floor[0, 0]) * equity
            share = min(mm / exposure, 0.5)
            check = perp_liquidation(equity, max(level, 0.0), exposure, price, share)
            liquidated = check.liquidation_price
            at_floor = check.floor_price if np.isfinite(level) else None
        out.append(_with(made, margin_use=use, gap=gap, liquidation_price=liquidated,
                         floor_price=at_floor))  # fmt: skip
    return out


def _first_margin(
    field: Field, prepared: Prepared, perp: int | None, exposure: float
) -> tuple[float | None, float | None]:
    """(initial margin over equity, maintenance margin) after the trade to the first exposure."""
    if perp is None:
        return None, None
    lines, equity = field.lines, field.book.equity_usd
    near = np.array([0.999, 1.001]) * lines.price
    low, high = field.book.at(near, 0.0)
    delta = float(high - low) / 0.002  # dollars for a move of the whole price
    item = lines.items[perp]
    wanted = (exposure - delta) / _coins(field, perp) / lines.price
    lot = lot_of(item, prepared.desk.schedule.parameters)
    size = round(wanted / lot) * lot
    if size == 0.0 or not is_whole(size, lot):
        return prepared.before.im_usd / equity, prepared.before.mm_usd
    ranked = prepared.rank([[Leg(prepared.column[item.native_id], size)]])
    return float(ranked.im_usd[0]) / equity, float(ranked.mm_usd[0])


def _coins(field: Field, row: int) -> float:
    """Coins under one unit of a contract, at today's price."""
    item = field.lines.items[row]
    if item.inverse and item.right == 0:
        return item.multiplier * float(field.lines.quote[row]) / field.lines.price
    return item.multiplier


def _with(made: Score, **more: object) -> Score:
    return replace(made, **more)  # type: ignore[arg-type] # names of the record
