"""Scenario tables of the scan family: price moves x vol rule x weight, and P&L in dollars.

    scenarios  ``moves`` (move, weight) x ``vols`` (shock), then the rows of ``scenarios`` (move,
               vol shock, weight), in the order of the file
    relative   vol (1 + shock k)          points   vol + shock k         both   each, one by one
    k          (30 / max(days, floor)) ** p, p by life; a power of 0 leaves the shock as it is
    delta one  index, mark or forward x move, clamped at +-``delta_one_clamp`` where that is given
    option     Black-76 on the shocked forward, r = 0; base the model value or the venue's mark

What settles in coin is worth the shocked index, a dollar change of value, or with
``form.coin_worth = unshocked`` its change in coins at the index of now. ``min_vol_up`` is the least
shocked vol, ``min_shock_up`` the least relative shock of an upward scenario.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Floats, frozen
from crossmargin.core.clock import DAY_MS, YEAR_MS
from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.model import Pool
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.parameter_rows import Column
from crossmargin.margin.pools import is_kind
from crossmargin.market.view import View
from crossmargin.pricing.greeks import greeks
from crossmargin.pricing.revalue import padded
from crossmargin.scenarios.risk_array import RiskArray, price
from crossmargin.scenarios.sets import ScenarioSet, power_scale, shocked_forwards

__all__ = [
    "MOVES",
    "OTHER",
    "Market",
    "delta_one_target",
    "form",
    "market_of",
    "optional",
    "residual",
    "risk_of",
    "scenarios_of",
    "table_of",
]

OTHER = "OTHER"  # the table of every underlying that has none of its own
_SECOND_MS = 1000
# A mark that is this close to the model value, as a share of forward or strike, is that value.
_ROUNDING = 1e-14
_MOST = 1e6
# What prices need where a payload states no bounds: a price that stays above zero.
_MOVE = Column("move", -1.0 + 2.0**-53, 20.0)
_WEIGHT = Column("weight", 0.0, _MOST)
_SHOCK = Column("vol_shock", -_MOST, _MOST)
MOVES = (_MOVE, _WEIGHT)
_VOLS = (_SHOCK,)
_ROWS = (_MOVE, _SHOCK, _WEIGHT)


def form(parameters: Parameters, name: str) -> str:
    """How the rulebook reads: a switch ``form.<name>``, or ``reading.<name>`` where it has rivals.

    Raises ModelError ``parameter_missing`` where the set has neither.
    """
    rival = f"reading.{name}"
    return str(parameters.get(rival if rival in parameters else f"form.{name}"))


def table_of(parameters: Parameters, underlying: str) -> str:
    """Prefix of the numbers of an underlying; ModelError ``parameter_missing`` for a stranger."""
    known = parameters.tables("asset")
    if underlying not in known and OTHER not in known:
        raise ModelError(
            "parameter_missing",
            "no parameters for this underlying",
            place=f"{parameters.model} {parameters.label}",
            value=underlying,
            limit=", ".join(known) or "none",
            remedy="Give its numbers, or a table asset.OTHER, with --params FILE.",
        )
    return f"asset.{underlying if underlying in known else OTHER}"


def optional(parameters: Parameters, name: str, default: float) -> float:
    """A number that a rulebook may leave out."""
    return parameters.number(name) if name in parameters else default


@dataclass(frozen=True, slots=True)
class Market:
    """What charges and scenarios read of a pool's market, in the model's own units of time."""

    part: Instruments
    view: View
    days: Floats  # [E] as the model counts them
    years: Floats  # [E]
    settle_usd: Floats  # [I] dollars per unit of the settlement currency
    index_usd: Floats  # [I] dollars per coin
    delta: Floats  # [I] coins per unit of a derivative, Black-76 of an option; 0 for assets
    coins: Floats  # [I] coins per unit of a derivative: contracts of an option, size of a future
    notional: Floats  # [I] dollars of those coins at the index

    def life_days(self) -> Floats:
        """[I] days to expiry; 0 for rows without one."""
        if not len(self.days):
            return np.zeros(len(self.part))
        return np.where(self.part.expiry >= 0, self.days[self.part.expiry], 0.0)


def market_of(pool: Pool, view: View, parameters: Parameters) -> Market:
    """The market of a pool: clock, dollars and deltas."""
    part = pool.instruments
    life_ms = view.life_ms
    if form(parameters, "clock") == "whole_seconds":  # now is cut to the second, expiries are whole
        life_ms = -(-life_ms // _SECOND_MS) * _SECOND_MS
    days = life_ms / DAY_MS
    if form(parameters, "day_count") == "whole_days_up":
        days = np.ceil(days)
    quote_usd = view.usd[part.quote]
    derivative = is_kind(part, Kind.PERPETUAL, Kind.FUTURE, Kind.OPTION)
    coin_usd = view.usd[part.underlying]
    index_usd = np.where(derivative, view.index[part.pair] * quote_usd, coin_usd)
    years = np.asarray(life_ms / YEAR_MS)
    coins = np.where(derivative, _coins(part, view), 0.0)
    delta = coins.copy()
    rows = np.flatnonzero(is_kind(part, Kind.OPTION))
    delta[rows] = 0.0
    rows = rows[view.ok[rows]]
    if len(rows):
        expiry = part.expiry[rows]
        whole = (view.forward + view.forward_settled)[expiry]
        right = part.right[rows].astype(np.float64)
        unit = greeks(whole, part.strike[rows], years[expiry], view.vol[rows], right).delta
        delta[rows] = unit * part.multiplier[rows]
    notional = coins * index_usd
    settle_usd = view.usd[part.settle]
    return Market(part, view, days, years, settle_usd, index_usd, delta, coins, notional)


def _coins(part: Instruments, view: View) -> Floats:
    turned = part.inverse & (part.kind != Kind.OPTION) & (view.mark > 0.0)
    return np.where(turned, part.multiplier / np.where(turned, view.mark, 1.0), part.multiplier)


def _listed(parameters: Parameters, table: str) -> list[tuple[float, float, float, bool]]:
    """(move, vol shock, weight, in points) in the order of the file."""
    out: list[tuple[float, float, float, bool]] = []
    rule = form(parameters, "vol_shock")
    # Points and shares are separate scenarios where the worse of both counts.
    kinds = {
        "relative": (("vols", False),),
        "points": (("vols", True),),
        "both": (("vols", False), ("vol_points", True)),
    }[rule]
    moves = parameters.rows(f"{table}.moves", MOVES) if f"{table}.moves" in parameters else []
    for name, points in kinds:
        vols = parameters.rows(f"{table}.{name}", _VOLS) if moves else []
        out += [
            (float(move), float(vol), float(weight), points)
            for move, weight in moves
            for (vol,) in vols
        ]
    if f"{table}.scenarios" in parameters:
        rows = parameters.rows(f"{table}.scenarios", _ROWS)
        out += [(float(m), float(v), float(w), rule == "points") for m, v, w in rows]
    if not out:
        raise ModelError(
            "parameter_missing",
            "the rulebook lists no scenario for this underlying",
            place=f"{parameters.model} {parameters.label}",
            value=f"{table}.moves",
            limit="moves and vols, or scenarios",
            remedy="Give the venue's grid in a parameter file (--params FILE).",
        )
    return out


def scenarios_of(market: Market, parameters: Parameters, table: str) -> ScenarioSet:
    """The scenario set of a pool; ``root_years`` carries the model's clock."""
    rows = _listed(parameters, table)
    part, view = market.part, market.view
    move = np.array([row[0] for row in rows])
    vol = np.array([row[1] for row in rows])
    weight = [row[2] for row in rows]
    points = np.array([row[3] for row in rows], np.bool_)
    scale = power_scale(
        market.days,
        parameters.number("general.vega_power_short"),
        parameters.number("general.vega_power_long"),
        parameters.number("general.dte_floor_days"),
    )
    shock = scale[:, None] * vol[None, :]
    least_shock = optional(parameters, f"{table}.min_shock_up", 0.0)
    shock = np.where((vol > 0.0) & ~points, np.maximum(shock, least_shock), shock)
    root = np.sqrt(market.years)
    factor = np.where(points, 1.0, np.maximum(1.0 + shock, 0.0))
    shift = np.where(points, shock, 0.0)
    least = optional(parameters, f"{table}.min_vol_up", 0.0)
    floor = np.where(vol > 0.0, least, 0.0) * np.ones(shock.shape)
    reach = optional(parameters, f"{table}.delta_one_clamp", np.inf)
    held = 1.0 + np.clip(move, -reach, reach)
    expiries = len(part.expiries)
    return ScenarioSet(
        label=tuple(_label(row) for row in rows),
        move=frozen(move, np.float64),
        vol_label=tuple("up" if v > 0.0 else "down" if v < 0.0 else "same" for v in vol.tolist()),
        spot=frozen(np.broadcast_to(held, (len(part.pairs), len(rows))), np.float64),
        forward=shocked_forwards(
            view.forward + view.forward_settled,
            np.zeros(expiries),
            np.broadcast_to(1.0 + move, (expiries, len(rows))),
        ),
        vol_factor=frozen(factor * root[:, None], np.float64),
        vol_shift=frozen(shift * root[:, None], np.float64),
        vol_floor=frozen(floor * root[:, None], np.float64),
        discount=frozen(np.ones(expiries), np.float64),
        root_years=frozen(root, np.float64),
        weight=frozen(weight, np.float64),
        reflect=frozen(np.zeros(len(rows)), np.bool_),
    )


def _label(row: tuple[float, float, float, bool]) -> str:
    move, vol, weight, points = row
    shock = "same" if vol == 0.0 else f"{100.0 * vol:+.4g} {'points' if points else '%'}"
    tail = "" if weight == 1.0 else f", x{weight:.4g}"
    return f"{100.0 * move:+.4g} %, vol {shock}{tail}"


def risk_of(market: Market, scenarios: ScenarioSet, parameters: Parameters) -> RiskArray:
    """P&L in dollars of one unit of each derivative in each scenario; assets are 0 here.

    Linear: settlement currency x its dollars. Inverse future: coins x the shocked index. Inverse
    option: ``V'/F' I' - V/F I``. Coins at the index of now where ``form.coin_worth`` says so.
    Base ``mark``: the residual of model value less mark is added.
    """
    part, view = market.part, market.view
    raw = price(part, view, scenarios, delta_one_target(market, form(parameters, "delta_one")))
    move = padded(1.0 + scenarios.move[None, :])
    held = padded(scenarios.spot)[part.pair] if len(part.pairs) else move
    option = is_kind(part, Kind.OPTION)
    coin = part.inverse
    unit = market.settle_usd[:, None] * np.ones(move.shape[1])
    shocked = form(parameters, "coin_worth") == "shocked"
    turned = np.where(option[:, None], move, held) if shocked else np.ones(held.shape)
    pnl = raw.pnl * np.where(coin[:, None], market.index_usd[:, None] * turned, unit)
    worth = raw.value * market.index_usd * shocked
    pnl = pnl + np.where((coin & option)[:, None], worth[:, None] * (move - 1.0), 0.0)
    if form(parameters, "base") == "mark":
        rate = np.where(coin, market.index_usd, market.settle_usd)
        pnl = pnl + (residual(market, raw.value, option) * rate)[:, None]
    return RiskArray.of(pnl, raw.value, raw.count)


def residual(market: Market, value: Floats, option: np.ndarray) -> Floats:
    """[I] model value less the venue's mark, in settlement currency; 0 within rounding."""
    part, view = market.part, market.view
    gap = np.where(option & view.ok, value - part.multiplier * view.mark, 0.0)
    large = part.strike.copy()
    if len(part.expiries):
        whole = view.forward + view.forward_settled
        large = np.maximum(large, np.where(part.expiry >= 0, whole[part.expiry], 0.0))
        large = np.where(
            part.inverse, large / np.where(whole > 0.0, whole, 1.0)[part.expiry], large
        )
    return np.where(np.abs(gap) <= _ROUNDING * large * part.multiplier, 0.0, gap)


def delta_one_target(market: Market, name: str) -> Floats:
    """[I] what a move of a delta-one contract acts on, in its quote currency."""
    part, view = market.part, market.view
    index = view.index[part.pair]
    if name == "mark":
        return view.mark
    if name == "index" or not len(part.expiries):
        return index
    whole = view.forward + view.forward_settled
    return np.where(part.expiry >= 0, whole[part.expiry], index)
