"""Joint scenarios of a whole account, priced once, and what accounts lose over them.

    scenarios   the still market, then every joint point at a third, two thirds and the whole of it,
                each with volatilities up, the same and down
    credits     the same with all coins in step; what nets is the credit table's

Coins of the matrix are one group and net over the joint points. Every other coin is a group of its
own: its worst scenario adds up. A wrapped token moves with its underlying. Beside the scenarios the
two sides of an offset may part (*breaks*): perpetuals against everything else of their coin, and
wrapped tokens against their underlying; the requirement is no less than the largest such loss.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from crossmargin.core.arrays import Bools, Floats, frozen
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.equity import with_equity_rows
from crossmargin.margin.families.cross_asset import (
    JointMoves,
    Pair,
    credit_saving,
    joint_moves,
)
from crossmargin.margin.families.cross_rules import (
    Coins,
    coins_of,
    correlation_of,
    joint_names,
    pairs_of,
    tenths_of,
)
from crossmargin.margin.families.whole_account import (
    DollarMarket,
    dollar_risk,
    scenario_set,
)
from crossmargin.margin.model import PoolBook, Priced
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import is_kind
from crossmargin.pricing.apart import tables_of
from crossmargin.pricing.netting import NONE, Worst, empty_worst, net, pick_kernel
from crossmargin.scenarios.risk_array import RiskArray
from crossmargin.scenarios.sets import ScenarioSet, power_scale

__all__ = ["CrossScan", "Netted", "cross_scan", "netted", "requirement_of"]

_SCALES = (1.0 / 3.0, 2.0 / 3.0, 1.0)
_DAYS_A_YEAR = 365.0
_VOL_FLOOR = 0.05  # of a volatility, below which no shock takes it


@dataclass(frozen=True, slots=True)
class CrossScan:
    """The stage of one table. ``tables``: [I, S8] P&L of each mover, zeros elsewhere.

    ``group[U]`` of each mover: 0 of the matrix, then one each. ``base[S]`` marks scenarios of the
    unstressed matrix. ``breaks[I, D8]`` P&L of a unit where the two sides of an offset part.
    """

    coins: Coins
    movers: tuple[str, ...]
    joint: JointMoves | None
    scenarios: ScenarioSet
    risk: RiskArray
    tables: tuple[Floats, ...]
    group: tuple[int, ...]
    base: Bools
    pairs: tuple[Pair, ...]
    base_pairs: tuple[Pair, ...]
    credits: bool
    cap_share: float
    breaks: Floats
    break_labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Netted:
    """[A] dollars: the worst scenario of all, the plain sum over coins, what is required.

    ``base`` is required under the unstressed matrix alone; ``parting`` is the largest loss where an
    offset breaks; ``alone[A, U]`` the requirement of each mover; ``total[A, S8]`` the P&L.
    """

    worst: Worst
    alone: Floats
    plain: Floats
    joint: Floats
    base: Floats
    parting: Floats
    total: Floats


def cross_scan(market: DollarMarket, parameters: Parameters) -> CrossScan:
    """Scenarios, risk array and breaks of a table under a set."""
    coins = coins_of(market.part, parameters)
    credits_ = parameters.get("reading.netting") == "credits"
    joint = None
    if not credits_:
        names = joint_names(parameters)
        joint = joint_moves(correlation_of(parameters), tenths_of(parameters), names)
    point, labels, base = _points(joint)
    movers, pairs = pairs_of(parameters, coins)
    scenarios = _scenarios(market, coins, point, labels, parameters)
    risk = dollar_risk(market, scenarios)
    place = {name: k for k, name in enumerate(movers)}
    of_coin = dict(zip(coins.names, (place[m] for m in coins.mover), strict=True))
    code = np.array([of_coin.get(i.underlying, -1) for i in market.part.items], np.int32)
    code = np.where(market.moving, code, -1).astype(np.int32)
    lone = 0
    group = []
    in_matrix = set(joint_names(parameters))
    for name in movers:
        lone += name not in in_matrix
        group.append(0 if name in in_matrix else lone)
    breaks, words = _breaks(market, coins, parameters)
    return CrossScan(
        coins=coins,
        movers=movers,
        joint=joint,
        scenarios=scenarios,
        risk=risk,
        tables=tables_of(risk.pnl, code, max(len(movers), 1)),
        group=tuple(group) or (0,),
        base=base,
        pairs=pairs,
        base_pairs=pairs_of(parameters, coins, stressed=False)[1],
        credits=credits_,
        cap_share=parameters.number("credit_cap.share"),
        breaks=breaks,
        break_labels=words,
    )


def _points(joint: JointMoves | None) -> tuple[Floats, list[str], Bools]:
    """[P, n] moves in ranges with their labels, and which are of the base; the still one first."""
    if joint is None:
        steps = [0.0, *(s * t for t in _SCALES for s in (1.0, -1.0))]
        in_step = np.array(steps)[:, None]
        return in_step, ["still", *(f"in step {t:+.3g}" for t in steps[1:])], np.ones(7, np.bool_)
    rows, labels, base = [np.zeros(joint.point.shape[1])], ["still"], [True]
    for code, point in zip(joint.of_stress.tolist(), joint.point, strict=True):
        for scale in _SCALES:
            rows.append(point * scale)
            labels.append(joint.stress[code].label)
            base.append(code == 0)
    return np.array(rows), labels, np.array(base, np.bool_)


def _scenarios(
    market: DollarMarket,
    coins: Coins,
    point: Floats,
    labels: list[str],
    parameters: Parameters,
) -> ScenarioSet:
    """Every point with three states of the volatilities; the move shown is the largest."""
    count = len(point)
    state = np.tile([1.0, 0.0, -1.0], count)
    move = np.zeros((len(coins.names), 3 * count))
    for k, place in enumerate(coins.joint):
        z = point[:, place if place >= 0 and point.shape[1] > place else 0]
        move[k] = np.repeat(coins.range[k] * z, 3)
    factor = {name: 1.0 + move[k] for k, name in enumerate(coins.names)}
    shock = {
        name: np.where(state > 0.0, coins.up[k], np.where(state < 0.0, coins.down[k], 0.0))
        for k, name in enumerate(coins.names)
    }
    scale = power_scale(
        np.asarray(market.years * _DAYS_A_YEAR),
        parameters.number("general.vol_power_short"),
        parameters.number("general.vol_power_long"),
        parameters.number("general.vol_days_floor"),
    )
    still = np.zeros(3 * count)
    own = np.array([shock.get(key[0], still) for key in market.part.expiries])
    vol = np.maximum(1.0 + scale[:, None] * own.reshape(-1, 3 * count), _VOL_FLOOR)
    words = [_label(labels[s // 3], coins, move[:, s], state[s]) for s in range(3 * count)]
    found = scenario_set(market, words, factor, vol)
    named = tuple("up" if s > 0.0 else "down" if s < 0.0 else "same" for s in state.tolist())
    largest = np.zeros(3 * count)
    for row in move:
        largest = np.where(np.abs(row) > np.abs(largest), row, largest)
    return replace(found, move=frozen(largest, np.float64), vol_label=named)


def _label(word: str, coins: Coins, move: Floats, state: float) -> str:
    parts = [f"{name} {100.0 * m:+.3g} %" for name, m in zip(coins.names, move, strict=True)]
    vol = "vol up" if state > 0.0 else "vol down" if state < 0.0 else "vol same"
    return ", ".join(parts) + f" ({word}), {vol}"


def _breaks(
    market: DollarMarket, coins: Coins, parameters: Parameters
) -> tuple[Floats, tuple[str, ...]]:
    """[I, D8] dollars of a unit where offsets part; columns are padded with zeros."""
    part = market.part
    dollars = market.delta * market.index_usd
    names = np.array([item.underlying for item in part.items])
    perpetual = is_kind(part, Kind.PERPETUAL)
    columns, labels = [], []
    for name, mover in zip(coins.names, coins.mover, strict=True):
        basis = parameters.number("break.basis")
        for sign in (1.0, -1.0):
            columns.append(np.where(perpetual & (names == name), sign * basis * dollars, 0.0))
            labels.append(f"{name} perpetuals {100.0 * sign * basis:+.3g} % against the rest")
        if mover != name:
            gap = parameters.number("break.wrapped")
            columns.append(np.where((names == name) & market.moving, -gap * dollars, 0.0))
            labels.append(f"{name} {-100.0 * gap:+.3g} % against {mover}")
    width = max(-(-len(columns) // 8) * 8, 8)
    out = np.zeros((len(part), width))
    for k, column in enumerate(columns):
        out[:, k] = column
    return frozen(out, np.float64), tuple(labels)


def _loss(pnl: Floats) -> Floats:
    return np.asarray(np.maximum(-pnl.min(axis=1), 0.0))


def netted(scan: CrossScan, held: PoolBook, priced: Priced | None = None) -> Netted:
    """What the accounts of a block lose; ``priced`` where reported equity is to be counted."""
    book = held if priced is None else with_equity_rows(priced, held)
    rows = book.row, book.column, book.quantity
    count = len(scan.scenarios)
    accounts = len(book.row) - 1
    vectors = [net(*rows, table, trusted=True) for table in scan.tables]
    total = vectors[0].copy()
    for vector in vectors[1:]:
        total = total + vector
    alone = np.stack([_loss(v[:, :count]) for v in vectors], axis=1)
    plain = np.zeros(accounts)
    for u in range(alone.shape[1]):
        plain = plain + alone[:, u]
    joint, base = requirement_of(scan, vectors, alone, plain)
    picked = empty_worst(accounts)
    pick_kernel.run(book.row, total.copy().ravel(), total.shape[1], count, NONE, NONE, *picked)
    parting = _loss(net(*rows, scan.breaks, trusted=True))
    return Netted(picked, alone, plain, joint, base, parting, total)


def requirement_of(
    scan: CrossScan, vectors: list[Floats], alone: Floats, plain: Floats
) -> tuple[Floats, Floats]:
    """[A] requirement over all scenarios (or after credits), and over those of the base alone."""
    count = len(scan.scenarios)
    if scan.credits:
        together = [_loss((vectors[p.first] + vectors[p.second])[:, :count]) for p in scan.pairs]
        return (
            plain - credit_saving(alone, together, scan.pairs, scan.cap_share),
            plain - credit_saving(alone, together, scan.base_pairs, scan.cap_share),
        )
    joint, base = np.zeros(len(plain)), np.zeros(len(plain))
    for code in range(max(scan.group) + 1):
        own = [v for v, g in zip(vectors, scan.group, strict=True) if g == code]
        if not own:
            continue
        vector = own[0]
        for more in own[1:]:
            vector = vector + more
        joint = joint + _loss(vector[:, :count])
        base = base + _loss(vector[:, :count][:, np.repeat(scan.base, 3)])
    return joint, base
