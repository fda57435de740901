"""The scan family, one account and one underlying at a time, from the words of a rulebook.

A rulebook is a plain mapping: ``moves`` and ``vols`` (or rows of ``scenarios``), the form of each
part by name, and the rates of the charges; what it does not name is not charged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, fsum
from typing import Any

from .black import delta, price
from .types import Leg, first_worst

YEAR_DAYS = 365


@dataclass(frozen=True)
class Market:
    """Dollars of the coin's index by quote, dollars a unit of each settlement currency."""

    index_usd: float  # of the coin
    settle: Mapping[str, str]  # settlement currency of each leg, by name
    usd: Mapping[str, float]  # dollars a unit of it


def days_of(leg: Leg, rule: Mapping[str, Any]) -> float:
    """Days of life on the rulebook's clock."""
    seconds = ceil(leg.life_ms / 1000) if rule["clock"] == "whole_seconds" else leg.life_ms / 1000
    days = seconds / 86_400
    return float(ceil(days)) if rule["day_count"] == "whole_days_up" else days


def years_of(leg: Leg, rule: Mapping[str, Any]) -> float:
    """Years of life: the clock may cut to seconds, whole days do not enter the price."""
    seconds = ceil(leg.life_ms / 1000) if rule["clock"] == "whole_seconds" else leg.life_ms / 1000
    return seconds / (86_400 * YEAR_DAYS)


def scenarios(rule: Mapping[str, Any]) -> list[tuple[float, float, float, bool]]:
    """(move, vol shock, weight, in points) in the order of the rulebook."""
    points = rule["vol_shock"] == "points"
    sides = [(rule.get("vols", ()), points)]
    if rule["vol_shock"] == "both":
        sides = [(rule["vols"], False), (rule["vol_points"], True)]
    out = [(m, v, w, p) for vols, p in sides for m, w in rule.get("moves", ()) for v in vols]
    return out + [(m, v, w, points) for m, v, w in rule.get("scenarios", ())]


def shocked_vol(leg: Leg, shock: float, points: bool, rule: Mapping[str, Any]) -> float:
    """Volatility of one option in a scenario."""
    days = days_of(leg, rule)
    power = rule["power_short"] if days <= 30.0 else rule["power_long"]
    scaled = shock * (30.0 / max(days, rule["dte_floor_days"])) ** power
    if shock > 0.0 and not points:
        scaled = max(scaled, rule.get("min_shock_up", 0.0))
    vol = leg.vol + scaled if points else leg.vol * max(1.0 + scaled, 0.0)
    return max(vol, rule.get("min_vol_up", 0.0) if shock > 0.0 else 0.0)


def leg_pnl(
    leg: Leg, scenario: tuple[float, float, float, bool], rule: Mapping[str, Any], market: Market
) -> float:
    """P&L of one position in dollars, unweighted."""
    move, shock, _, points = scenario
    rate = market.usd[market.settle[leg.name]]
    size = leg.quantity * leg.multiplier
    reach = rule.get("delta_one_clamp", 1e9)
    held = min(max(move, -reach), reach)
    forward = leg.forward + leg.settled
    if leg.kind != "option":
        target = leg.mark
        if rule["delta_one"] == "index" or (rule["delta_one"] == "forward" and not forward):
            target = market.index_usd  # quoted in dollars whatever it settles in
        elif rule["delta_one"] == "forward":
            target = forward
        if not leg.inverse:
            return size * target * held * rate
        coins = size / target * (1.0 - 1.0 / (1.0 + held))
        shocked = 1.0 + held if rule["coin_worth"] == "shocked" else 1.0
        return coins * market.index_usd * shocked
    years = years_of(leg, rule)
    base = price(leg.right, forward, leg.strike, leg.vol, years)
    vol = shocked_vol(leg, shock, points, rule)
    after = price(leg.right, forward * (1.0 + move), leg.strike, vol, years)
    unit = forward if leg.inverse else 1.0
    if rule["base"] == "mark":
        base = leg.mark * unit
    if not leg.inverse:
        return size * (after - base) * rate
    if rule["coin_worth"] == "shocked":
        return size * (after - base) / forward * market.index_usd
    coins = after / (forward * (1.0 + move)) - base / forward
    return size * coins * market.index_usd


def coins_of(leg: Leg) -> float:
    """Coins of one position, signed."""
    return leg.units


def leg_delta(leg: Leg, rule: Mapping[str, Any]) -> float:
    """Coins of delta."""
    if leg.kind != "option":
        return coins_of(leg)
    forward = leg.forward + leg.settled
    return leg.units * delta(leg.right, forward, leg.strike, leg.vol, years_of(leg, rule))


def _term(leg: Leg, rule: Mapping[str, Any]) -> tuple[float, int]:
    """Days of an expiry, and the expiry itself: two of one day are still two."""
    return days_of(leg, rule), leg.life_ms


def _nets(keys: Sequence[Any], values: Sequence[float]) -> dict[Any, float]:
    return {k: fsum(v for key, v in zip(keys, values, strict=True) if key == k) for k in keys}


def _across(nets: Mapping[tuple[float, int], float]) -> float:
    """Sum over the gaps between expiries in order of time: days x what is hedged across."""
    at = sorted(nets)
    out = []
    for k in range(1, len(at)):
        before, after = fsum(nets[t] for t in at[:k]), fsum(nets[t] for t in at[k:])
        if before * after < 0.0:
            out.append((at[k][0] - at[k - 1][0]) * min(abs(before), abs(after)))
    return fsum(out)


def _hedged(nets: Mapping[Any, float]) -> float:
    long = fsum(v for v in nets.values() if v > 0.0)
    return min(long, -fsum(v for v in nets.values() if v < 0.0))


def charges(legs: Sequence[Leg], rule: Mapping[str, Any], market: Market) -> dict[str, float]:
    """Each charge of the rulebook in dollars."""
    index = market.index_usd
    options = [leg for leg in legs if leg.kind == "option"]
    futures = [leg for leg in legs if leg.kind != "option"]
    deltas = [leg_delta(leg, rule) for leg in legs]
    net, gross = fsum(deltas), fsum(abs(d) for d in deltas)
    at = [(0.0, 0) if leg.kind == "perpetual" else _term(leg, rule) for leg in legs]
    delta_by_expiry = _nets(at, deltas)
    short = [max(-coins_of(leg), 0.0) for leg in options]
    if rule.get("short_option") == "strike":
        by_strike = _nets([leg.strike for leg in options], [coins_of(leg) for leg in options])
        short = [max(-v, 0.0) for v in by_strike.values()]
    elif rule.get("short_option") == "net":
        short = [max(-fsum(coins_of(leg) for leg in options), 0.0)]
    by_days = _nets([_term(leg, rule) for leg in options], [coins_of(leg) for leg in options])
    basis = fsum(abs(v) * days for (days, _), v in delta_by_expiry.items())
    if rule.get("basis") == "hedged":
        basis = _across(delta_by_expiry)
    future_size = fsum(abs(coins_of(leg)) for leg in futures)
    option_size = fsum(abs(coins_of(leg)) for leg in options)
    fees = []
    for leg in legs:
        notional = abs(coins_of(leg)) * index
        fee = notional * rule.get("fee_futures", 0.0)
        if leg.kind == "option":
            rate = index if leg.inverse else market.usd[market.settle[leg.name]]
            cap = abs(leg.units) * leg.mark * rate * rule.get("fee_option_cap", 1.0)
            fee = min(notional * rule.get("fee_option", 0.0), cap)
        fees.append(fee)
    over = max(
        (future_size + option_size) * index - rule.get("concentration_threshold_usd", 0.0), 0
    )
    return {
        "option_contingency": fsum(short) * rule.get("option_factor", 0.0) * index,
        "vega_spread": _across(by_days) * rule.get("vega_spread_factor", 0.0) * index,
        "basis": basis * rule.get("basis_rate_annual", 0.0) / YEAR_DAYS * index,
        "roll": _hedged(delta_by_expiry) * rule.get("roll_factor", 0.0) * index,
        "depeg": _hedged(_nets([market.settle[leg.name] for leg in legs], deltas))
        * rule.get("depeg_factor", 0.0)
        * index,
        "futures_contingency": future_size * rule.get("futures_factor", 0.0) * index,
        "liquidity": index
        * fsum(
            [
                future_size * rule.get("liquidity_futures", 0.0),
                option_size * rule.get("liquidity_option", 0.0),
            ]
        ),
        "concentration": over * rule.get("concentration_factor", 0.0),
        "fees": fsum(fees),
        "min_delta": index
        * fsum(
            [
                rule.get("unhedged_factor", 0.0) * abs(net),
                rule.get("hedged_factor", 0.0) * (gross - abs(net)) / 2.0,
            ]
        ),
        "floor": index
        * fsum(
            [
                future_size * rule.get("outright_floor", 0.0),
                fsum(max(-coins_of(leg), 0.0) for leg in options) * rule.get("option_floor", 0.0),
            ]
        ),
    }


def spot_pnl(coins: float, move: float, net: float, rule: Mapping[str, Any], index: float) -> float:
    """What a coin balance adds to one scenario."""
    reach = rule.get("delta_one_clamp", 1e9)
    move = min(max(move, -reach), reach)
    if rule["coins"] == "cash":
        return 0.0
    if rule["coins"] == "position":
        return coins * index * move
    used = 0.0
    if coins * net < 0.0:
        used = min(abs(coins), abs(net)) * (1.0 if coins > 0.0 else -1.0)
    pnl = used * index * move
    return max(pnl, 0.0) if rule["coins"] == "hedge_gains" else pnl


def margin(
    legs: Sequence[Leg],
    coins: float,
    rule: Mapping[str, Any],
    market: Market,
    added: Sequence[str],
    floors: Sequence[str],
) -> dict[str, Any]:
    """Loss, charges, requirement, IM and MM of one account in one underlying, in dollars."""
    net = fsum(leg_delta(leg, rule) for leg in legs)
    pnl = []
    for scenario in scenarios(rule):
        parts = [leg_pnl(leg, scenario, rule, market) for leg in legs]
        parts.append(spot_pnl(coins, scenario[0], net, rule, market.index_usd))
        pnl.append(scenario[2] * fsum(parts))
    found = charges(legs, rule, market)
    loss = max(-min(pnl), 0.0)
    risk = fsum([loss, *(found[name] for name in added)])
    requirement = max([risk, *(found[name] for name in floors)])
    return {
        "pnl": pnl,
        "worst": first_worst(pnl),
        "scan_risk": loss,
        **found,
        "risk": risk,
        "requirement": requirement,
        "im": rule["im_factor"] * requirement,
        "mm": rule["mm_factor"] * requirement,
        "gross": fsum(abs(coins_of(leg)) for leg in legs) * market.index_usd
        + abs(coins) * market.index_usd,
    }
