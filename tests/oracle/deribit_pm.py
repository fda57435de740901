"""Deribit portfolio margin of one settlement currency (centralised-venues 1.1), every reading.

One function serves segregated (``mode="segregated"``, P&L in the settlement currency) and cross
margin of a single currency (``mode="cross"``, P&L in dollars at the shocked index, with the equity
of the coin as a delta position).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, fsum
from typing import Any

from .black import delta, price
from .types import DAY_MS, TIE, YEAR_MS, Leg, columns_sum

WINDOW_MS = 30 * 60 * 1000
TAIL_MOVES = (-0.66, -0.33, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0)
VOLS = ("up", "same", "down")


@dataclass(frozen=True)
class Readings:
    """What the specification leaves open, and how it is read here."""

    vol_shock: str = "relative"  # or "additive"
    additive_floor_down: bool = True  # additive: the floored vol also sizes the down shock
    tail_multiplier: bool = True  # options in the extended table: factor R / |move|
    tail_rescale: bool = True  # coin-settled: (1 + move) / (1 + sign R)
    dampener: bool = True
    offset_before_dampener: bool = True
    roll_exponential: bool = True  # else only the minimum annualised move
    delta_shock: bool = True
    decay: bool = True  # the settlement window of the last half hour
    decay_days: bool = False  # dte below one day is used as it is (no floor of one day)


@dataclass(frozen=True)
class Case:
    """What the account holds besides its legs, and what the venue adds."""

    index: float  # quote currency per coin
    coin_settled: bool = True
    equity_coin: float = 0.0  # cross margin only
    stable_usd: float = 1.0  # cross margin only: dollars per unit of a linear leg's quote
    open_orders: float = 0.0
    mmp: float = 0.0
    spot: float = 0.0


def moves(params: Mapping[str, float]) -> list[tuple[float, str, bool]]:
    """(move, vol, extended) of the 35 scenarios in the venue's order."""
    side = int(params.get("buckets_count", 4))
    width = params["price_range"]
    table = [(width * k / side, vol, False) for k in range(-side, side + 1) for vol in VOLS]
    return table + [(move, "up", True) for move in TAIL_MOVES]


def _shocked_vol(leg: Leg, which: str, params: Mapping[str, float], how: Readings) -> float:
    if which == "same":
        return leg.vol
    days = leg.life_ms / DAY_MS
    if not how.decay_days:
        days = max(days, 1.0)
    power = params["short_term_vega_power" if days < 30.0 else "long_term_vega_power"]
    scale = (30.0 / days) ** power
    floor = params["min_volatility_for_shock_up"]
    up = which == "up"
    shock = params["volatility_range_up" if up else "volatility_range_down"] * scale
    if how.vol_shock == "relative":
        return max(leg.vol * (1.0 + shock), floor) if up else max(leg.vol * (1.0 - shock), 0.0)
    sized = max(leg.vol, floor) if up or how.additive_floor_down else leg.vol
    return leg.vol + sized * shock if up else max(leg.vol - sized * shock, 0.0)


def _weight(leg: Leg, how: Readings) -> float:
    """1, or the part of the last half hour that is left to a dated contract."""
    if not how.decay or leg.kind == "perpetual":
        return 1.0
    return min(leg.life_ms / WINDOW_MS, 1.0)


def clamped(move: float, params: Mapping[str, float]) -> float:
    """A move of delta-one: never beyond the price range."""
    width = params["price_range"]
    return min(max(move, -width), width)


def _option_pnl(
    leg: Leg, move: float, which: str, extended: bool, params: Mapping[str, float], how: Readings
) -> float:
    """P&L of one option position in its settlement currency."""
    years = leg.life_ms / YEAR_MS
    forward = leg.forward + leg.settled
    there = forward * (1.0 + move)
    vol = _shocked_vol(leg, which, params, how)
    before = price(leg.right, forward, leg.strike, leg.vol, years)
    after = price(leg.right, there, leg.strike, vol, years)
    change = after / there - before / forward if leg.inverse else after - before
    if extended:
        width = params["price_range"]
        if how.tail_multiplier:
            change *= params["extended_table_factor"] * width / abs(move)
        if leg.inverse and how.tail_rescale:
            change *= (1.0 + move) / (1.0 + clamped(move, params))
    return leg.units * change


def leg_pnl(
    leg: Leg, move: float, which: str, extended: bool, params: Mapping[str, float], how: Readings
) -> float:
    """P&L of one position in one scenario, in its settlement currency."""
    if leg.kind == "option":
        change = _option_pnl(leg, move, which, extended, params, how)
    else:
        step = clamped(move, params)
        change = leg.units * (1.0 - 1.0 / (1.0 + step) if leg.inverse else step * leg.mark)
    return change * _weight(leg, how)


def leg_delta(leg: Leg, how: Readings) -> float:
    """Margin delta in coin: net of the premium for a coin-settled option, decayed at the end."""
    if leg.kind == "option":
        forward = leg.forward + leg.settled
        each = delta(leg.right, forward, leg.strike, leg.vol, leg.life_ms / YEAR_MS)
        size = leg.units * (each - leg.mark if leg.inverse else each)
    else:
        size = leg.units
    return size * _weight(leg, how)


def roll_shock(
    legs: list[Leg], deltas: list[float], params: Mapping[str, float], how: Readings
) -> tuple[float, dict[object, float]]:
    """Coin; expiries do not net, a perpetual is an expiry of its own with the minimum only."""
    by_expiry: dict[object, list[int]] = {}
    for place, leg in enumerate(legs):
        label = "perpetual" if leg.kind == "perpetual" else leg.expiry
        by_expiry.setdefault(label, []).append(place)
    charges = {}
    for label, places in by_expiry.items():
        rate = params["min_annualised_move"]
        if label != "perpetual" and how.roll_exponential:
            years = legs[places[0]].life_ms / YEAR_MS
            rate = max(exp(params["annualised_move_risk"] * years) - 1.0, rate)
        charges[label] = rate * abs(fsum(deltas[k] for k in places))
    return fsum(charges.values()), charges


def delta_shock(
    legs: list[Leg], deltas: list[float], index: float, params: Mapping[str, float]
) -> dict[str, float]:
    """Coin; long options may take from the delta of the rest, never add to it."""
    is_long = [leg.kind == "option" and leg.quantity > 0.0 for leg in legs]
    long = fsum(d for d, yes in zip(deltas, is_long, strict=True) if yes)
    rest = fsum(d for d, yes in zip(deltas, is_long, strict=True) if not yes)
    both = long + rest
    left = min(max(both, rest), 0.0) if rest < 0.0 else max(min(both, rest), 0.0)
    size = abs(left)
    excess = max(size - params["delta_total_liq_shock_threshold"] / index, 0.0)
    rate = min(params["m_inc"] * excess, params["max_delta_shock"])
    return {"long": long, "rest": rest, "left": left, "shock": size * rate}


def _equity_delta(case: Case, side: str) -> float:
    """Coin equity that counts as a delta position in cross margin."""
    if side == "both":
        return case.equity_coin
    if side in ("long", "positive"):
        return max(case.equity_coin, 0.0)
    if side in ("short", "negative"):
        return min(case.equity_coin, 0.0)
    return 0.0


def _aggregate(
    raw: float,
    move: float,
    extended: bool,
    unit: tuple[float, float],
    params: Mapping[str, float],
    how: Readings,
) -> float:
    """P&L offset and dampener of one scenario; ``unit``: a dollar of cap and of dampener here."""
    cap = params["max_offsetable_pnl"] * unit[0]
    dead = 0.0
    if extended and how.dampener:
        steps = max(abs(move) / params["price_range"], 1.0) - 1.0
        dead = steps * params["extended_dampener"] * unit[1]

    def offset(x: float) -> float:
        return min(x * params["pnl_offset"], cap) if x > 0.0 else x

    def dampen(x: float) -> float:
        return max(abs(x) - dead, 0.0) * (1.0 if x >= 0.0 else -1.0)

    return dampen(offset(raw)) if how.offset_before_dampener else offset(dampen(raw))


def part(
    legs: list[Leg],
    case: Case,
    params: Mapping[str, float],
    how: Readings,
    mode: str = "segregated",
    equity_side: str = "both",
) -> dict[str, Any]:
    """One currency: scenario P&L before and after offset and dampener, roll and delta shock.

    In the settlement currency (segregated) or in dollars (cross).
    """
    cross = mode == "cross"
    table = moves(params)
    vectors = [[leg_pnl(leg, m, vol, ext, params, how) for m, vol, ext in table] for leg in legs]
    equity = _equity_delta(case, equity_side) if cross else 0.0
    raw, final = [], []
    for k, (move, _vol, extended) in enumerate(table):
        step = clamped(move, params)
        total = fsum(row[k] for row in vectors)
        unit = (1.0, 1.0)  # a dollar of the cap and of the dampener, in the margin's currency
        if case.coin_settled and not cross:
            unit = (1.0 / case.index, 1.0 / (case.index * (1.0 + step)))
        if cross:
            shocked = case.index * (1.0 + step)
            in_usd = [
                row[k] * (shocked if leg.inverse else case.stable_usd)
                for leg, row in zip(legs, vectors, strict=True)
            ]
            total = fsum([*in_usd, equity * case.index * step])
        raw.append(total)
        final.append(_aggregate(total, move, extended, unit, params, how))
    deltas = [leg_delta(leg, how) for leg in legs]
    to_margin = case.index if cross or not case.coin_settled else 1.0
    roll, by_expiry = roll_shock(legs, deltas, params, how)
    shock = delta_shock(legs, deltas, case.index, params)
    return {
        "moves": table,
        "leg_vectors": vectors,
        "pre_aggregated": raw,
        "aggregated": final,
        "deltas": deltas,
        "delta_total": fsum(deltas),
        "roll_by_expiry": by_expiry,
        "roll_shock": roll * to_margin,
        "delta_star": shock,
        "delta_shock": shock["shock"] * to_margin if how.delta_shock else 0.0,
        "gross": to_margin * (fsum(abs(leg.units) for leg in legs) + abs(equity)),
    }


def combine(
    parts: Sequence[Mapping[str, Any]],
    holds: Sequence[float],
    mm_factor: float,
    places: int | None = 9,
) -> dict[str, Any]:
    """Margin of currencies that move together; their unpublished correlation charge is left out.

    A currency's gain meets another's loss only after its offset. Nine places are the venue's own
    rounding: of the worst case before the sum, and of IM.
    """
    rows = [list(each["aggregated"]) for each in parts]
    final = columns_sum(rows, len(rows[0]))
    least = min(final)
    worst = next(k for k, v in enumerate(final) if v <= least + TIE * abs(least))
    worst_case = max(-least, 0.0)
    rounded = worst_case if places is None else round(worst_case, places)
    delta_charge = fsum(each["delta_shock"] for each in parts)
    roll = fsum(each["roll_shock"] for each in parts)
    matrix = fsum([rounded, delta_charge, roll])
    im = fsum([matrix, *holds])
    return {
        "aggregated": final,
        "worst": worst,
        "worst_case": worst_case,
        "roll_shock": roll,
        "delta_shock": delta_charge,
        "risk_matrix_margin": matrix,
        "im": im if places is None else round(im, places),
        "mm": mm_factor * matrix,
        "gross": fsum(each["gross"] for each in parts),
    }


def margin(
    legs: list[Leg],
    case: Case,
    params: Mapping[str, float],
    how: Readings | None = None,
    mode: str = "segregated",
    places: int | None = 9,
    equity_side: str = "both",
) -> dict[str, Any]:
    """IM and MM of one currency, with every step.

    ``params`` is flat: the pair's, the currency's and the general parameters together.
    """
    one = part(legs, case, params, how or Readings(), mode, equity_side)
    holds = (case.open_orders, case.mmp, case.spot)
    return {**one, **combine([one], holds, params["mm_factor"], places)}


def bucket(worst: int, params: Mapping[str, float], loss: float) -> dict[str, object] | None:
    """The venue's name of a worst scenario: 1-based bucket, side, table, index of the first vol."""
    if loss <= 0.0:
        return None
    side = int(params.get("buckets_count", 4))
    vols = len(VOLS)
    standard = vols * (2 * side + 1)
    if worst >= standard:
        place = worst - standard
        left = TAIL_MOVES[place] < 0.0
        source, number, index = "extended", place + 1, place + 1
    else:
        place = worst // vols
        left = place < side
        source, number, index = "standard", place + 1, place * vols + 1
    return {
        "source": source,
        "bucket": number,
        "side": "left" if left else "right",
        "index": index,
    }
