"""The loss in the worst scenario by group and by Greek.

    delta    -q v' dF          gamma    -q v'' dF^2 / 2          vega    -q dv/dvol dvol
    rest     the group's share of the loss less these: higher orders, cross terms, offsets

``v`` is the value of one unit in the pool's currency at the market as it stands, ``dF`` and
``dvol`` the scenario's move of its forward (or spot) and volatility, all times the scenario's
weight. In a pool of coin an inverse contract is worth coins: an option V / F, a future
c (1 / F0 - 1 / F). A group's share is its quantities times the derivative of the loss, so that the
shares add up to the loss wherever it is linear in the positions; what is left is a line.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.core.clock import YEAR_MS
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.model import NOTHING_USD, Priced
from crossmargin.pricing.greeks import greeks
from crossmargin.risk.account_game import AccountGame
from crossmargin.risk.groups import Groups

__all__ = ["GREEKS", "GreekShares", "greek_shares", "unit_moves"]

GREEKS = ("delta", "gamma", "vega", "rest")


@dataclass(frozen=True, slots=True)
class GreekShares:
    """One pool: ``parts[G, 4]`` (``GREEKS``) and ``fixed`` add up to ``loss``, pool's currency."""

    pool: str
    currency: str
    scenario: str
    loss: float
    parts: Floats
    fixed: float


def greek_shares(game: AccountGame, groups: Groups, scale: Floats) -> tuple[GreekShares, ...]:
    """Of every pool of the game whose worst scenario loses something."""
    base = game.requirement
    out = []
    for row, number in enumerate(base.sheet.pool.tolist()):
        priced, scenario = base.priced[number], int(base.scenario[row])
        known = priced.scenarios is not None and 0 <= scenario < len(priced.scenarios)
        if number not in game.pools or not known or base.worst_loss(row) <= 0.0:
            continue
        loss, slope = game.scenario_slopes(number, scenario, scale)
        if loss * priced.usd_per_unit < NOTHING_USD:
            continue
        local = {int(c): k for k, c in enumerate(priced.pool.columns.tolist())}
        moves = np.zeros((len(game.column), 3))
        own = unit_moves(priced, scenario)
        for k, column in enumerate(game.column.tolist()):
            if column in local and slope[k] != 0.0:
                moves[k] = -own[local[column]]
        whole = (groups.parts * slope).sum(axis=1)
        taylor = np.stack([(groups.parts * moves[:, g]).sum(axis=1) for g in range(3)], axis=1)
        parts = np.concatenate([taylor, (whole - taylor.sum(axis=1))[:, None]], axis=1)
        out.append(
            GreekShares(
                priced.pool.label,
                priced.pool.currency,
                base.scenario_label(row),
                loss,
                parts,
                loss - float(whole.sum()),
            )
        )
    return tuple(out)


def unit_moves(priced: Priced, scenario: int) -> Floats:
    """[I, 3] P&L of one long unit of every row by delta, gamma and vega, pool's currency."""
    table, view, sets = priced.pool.instruments, priced.view, priced.scenarios
    out = np.zeros((len(table), 3))
    if sets is None:
        return out
    weight = float(sets.weight[scenario])
    dollars = view.usd[table.quote] / priced.usd_per_unit
    coin = table.inverse & (table.settle == _code(table.names, priced.pool.currency))
    spot = sets.spot[table.pair, scenario] - 1.0
    option = table.kind == Kind.OPTION
    asset = table.kind == Kind.ASSET
    # Delta-one: by its own price; in coin c (1/F0 - 1/F), whose slope is c/F^2 and bend -2c/F^3.
    first = np.where(coin, spot, spot * view.mark)
    value = np.where(table.inverse, _coins(view.mark, coin, dollars), dollars) * table.multiplier
    line = ~option & ~asset
    linear = np.where(table.inverse, spot, first)
    out[line, 0] = (value * linear)[line]
    out[line & coin, 1] = -(value * spot * spot)[line & coin]
    worth = view.usd[table.settle] / priced.usd_per_unit
    own_money = table.settle == _code(table.names, priced.pool.currency)
    out[asset, 0] = (worth * spot * ~own_money)[asset]
    rows = np.flatnonzero(option & view.ok)
    if len(rows):
        out[rows] = _options(priced, scenario, rows, coin[rows], dollars[rows])
    return np.asarray(out * weight)


def _code(names: tuple[str, ...], name: str) -> int:
    return names.index(name) if name in names else -1


def _coins(mark: Floats, coin: Floats, dollars: Floats) -> Floats:
    """Pool money of one quote unit of an inverse future: coins at its mark in a pool of coin."""
    safe = np.where(mark > 0.0, mark, 1.0)
    return np.asarray(np.where(coin, 1.0 / safe, dollars))


def _options(
    priced: Priced, scenario: int, rows: np.ndarray, coin: Floats, dollars: Floats
) -> Floats:
    """[N, 3] of options: Black's derivatives at the view times the scenario's moves."""
    table, view, sets = priced.pool.instruments, priced.view, priced.scenarios
    assert sets is not None  # the caller asked
    expiry = table.expiry[rows]
    forward = (view.forward + view.forward_settled)[expiry]
    vol = view.vol[rows]
    unit = greeks(
        forward,
        table.strike[rows],
        (view.life_ms / YEAR_MS)[expiry],
        vol,
        table.right[rows].astype(np.float64),
    )
    step = sets.forward[expiry, scenario] - forward
    deviation = vol * sets.vol_factor[expiry, scenario] + sets.vol_shift[expiry, scenario]
    deviation = np.maximum(deviation, sets.vol_floor[expiry, scenario])
    if sets.strike_factor is not None:
        deviation = deviation * sets.factor_by_strike(rows, scenario)
    root = sets.root_years[expiry]
    shift = np.where(root > 0.0, deviation / np.where(root > 0.0, root, 1.0) - vol, 0.0)
    f = np.where(forward > 0.0, forward, 1.0)
    # In coins V / F: (V / F)' = (V' - V / F) / F and (V / F)'' = (V'' - 2 (V' - V / F) / F) / F.
    slope = unit.delta - unit.value / f
    first = np.where(coin, slope / f, unit.delta * dollars)
    second = np.where(coin, (unit.gamma - 2.0 * slope / f) / f, unit.gamma * dollars)
    by_vol = np.where(coin, unit.vega / f, unit.vega * dollars)
    size = table.multiplier[rows]
    parts = (first * step, 0.5 * second * step * step, by_vol * shift)
    return np.stack([size * part for part in parts], axis=1)
