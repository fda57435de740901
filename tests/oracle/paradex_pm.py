"""Paradex portfolio margin of one underlying (centralised-venues 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum

from .black import delta, price
from .types import DAY_MS, TIE, YEAR_MS, Leg

MIN_VOL_READINGS = ("shock", "vol", "none")


@dataclass(frozen=True)
class Fees:
    """Taker fees: of a perpetual's notional; of the spot, at most a share of the option's price."""

    perpetual: float = 0.0
    option: float = 0.0
    option_cap: float = 0.0

    def of(self, leg: Leg, spot: float) -> float:
        """Fee to close one position."""
        if leg.kind == "option":
            return abs(leg.units) * min(self.option * spot, self.option_cap * leg.mark)
        return abs(leg.units) * leg.mark * self.perpetual


@dataclass(frozen=True)
class Scenario:
    """Moves as fractions; only a loss is weighted, which is the same as weighting the P&L."""

    spot: float
    vol: float
    weight: float = 1.0


def bitcoin_scenarios() -> list[Scenario]:
    """The 24 scenarios of BTC and ETH in the venue's order."""
    out = [Scenario(0.16, 0.40)]
    for percent in (12, 8, 4, 0, -4, -8, -12):
        out += [Scenario(percent / 100, 0.40), Scenario(percent / 100, -0.22)]
    out.append(Scenario(-0.16, 0.40))
    tails = [
        (-0.66, 0.18),
        (-0.33, 0.36),
        (0.5, 0.24),
        (1.0, 0.12),
        (2.0, 0.06),
        (3.0, 0.04),
        (4.0, 0.03),
        (5.0, 0.024),
    ]
    return out + [Scenario(move, 0.40, weight) for move, weight in tails]


def shocked_vol(leg: Leg, shock: float, params: Mapping[str, float], reading: str) -> float:
    """``reading`` of the minimum: of the scaled ``shock``, of the shocked ``vol``, or ``none``."""
    days = max(leg.life_ms / DAY_MS, params["dte_floor_days"])
    power = params["vega_power_short_dte" if days < 30.0 else "vega_power_long_dte"]
    scaled = shock * (30.0 / days) ** power
    least = params["min_vol_shock_up"]
    if shock > 0.0 and reading == "shock":
        scaled = max(scaled, least)
    vol = max(leg.vol * (1.0 + scaled), 0.0)
    return max(vol, least) if shock > 0.0 and reading == "vol" else vol


def leg_pnl(
    leg: Leg, spot: float, scenario: Scenario, params: Mapping[str, float], reading: str
) -> float:
    """P&L of one position: the spot moves, and the forward with it."""
    if leg.kind != "option":
        return leg.units * spot * scenario.spot
    years = leg.life_ms / YEAR_MS
    forward = leg.forward + leg.settled
    vol = shocked_vol(leg, scenario.vol, params, reading)
    after = price(leg.right, forward * (1.0 + scenario.spot), leg.strike, vol, years)
    return leg.units * (after - price(leg.right, forward, leg.strike, leg.vol, years))


def min_delta(
    deltas: Sequence[float], spot: float, unhedged: float, hedged: float
) -> dict[str, float]:
    """(unhedged |net| + hedged (gross - |net|) / 2) spot."""
    net = fsum(deltas)
    gross = fsum(abs(d) for d in deltas)
    pairs = 0.5 * (gross - abs(net))
    return {
        "net": net,
        "gross": gross,
        "hedged": pairs,
        "charge": (unhedged * abs(net) + hedged * pairs) * spot,
    }


def leg_delta(leg: Leg) -> float:
    """Delta of a position in coin (forward delta of an option)."""
    if leg.kind != "option":
        return leg.units
    forward = leg.forward + leg.settled
    return leg.units * delta(leg.right, forward, leg.strike, leg.vol, leg.life_ms / YEAR_MS)


def margin(
    legs: list[Leg],
    spot: float,
    scenarios: Sequence[Scenario],
    params: Mapping[str, float],
    reading: str = "shock",
    funding: Mapping[str, float] | None = None,
    fees: Fees | None = None,
) -> dict[str, object]:
    """IM and MM in the settlement currency.

    ``funding`` is what a long pays per unit of notional over the provision's hours, of each
    perpetual by name.
    """
    pnl = []
    for scenario in scenarios:
        total = fsum(leg_pnl(leg, spot, scenario, params, reading) for leg in legs)
        pnl.append(scenario.weight * total)
    least = min(pnl, default=0.0)
    worst = next((k for k, v in enumerate(pnl) if v <= least + TIE * abs(least)), 0)
    scan = max(-least, 0.0)
    floor = min_delta(
        [leg_delta(leg) for leg in legs],
        spot,
        params["unhedged_margin_factor"],
        params["hedged_margin_factor"],
    )
    net = max(scan, floor["charge"])
    rates = funding or {}
    expected = fsum(
        leg.units * leg.mark * rates.get(leg.name, 0.0) for leg in legs if leg.kind == "perpetual"
    )
    provision = max(expected, 0.0)
    exit_fees = fsum((fees or Fees()).of(leg, spot) for leg in legs)
    return {
        "weighted_pnl": pnl,
        "worst": worst,
        "scan": scan,
        "min_delta": floor,
        "net": net,
        "funding_provision": provision,
        "fee_provision": exit_fees,
        "im": fsum([net, provision, exit_fees]),
        "mm": fsum([params["mmf_factor"] * net, provision, exit_fees]),
        "gross": fsum(abs(leg.units) for leg in legs) * spot,
    }
