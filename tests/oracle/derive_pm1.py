"""Derive PMRM, first version (onchain-protocols 1.1 and 1.2): one account under one manager."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, fsum, log

from .black import derive_price
from .derive_pm2 import Market, naked_shorts
from .types import YEAR_MS, Leg


@dataclass(frozen=True)
class Account:
    """Options as legs; the perpetual as one size with its unsettled profit and funding."""

    cash: float = 0.0
    options: tuple[Leg, ...] = ()
    perp_size: float = 0.0
    perp_value: float = 0.0
    base: float = 0.0


Scenario = tuple[float, str]  # spot factor; "up", "none" or "down"


def _expiries(account: Account) -> dict[object, list[Leg]]:
    books: dict[object, list[Leg]] = {}
    for leg in account.options:
        books.setdefault(leg.expiry, []).append(leg)
    return books


def _vol_factor(life_ms: float, vol: str, params: Mapping[str, float]) -> float:
    days = life_ms / 86_400_000
    power = params["short_power"] if days <= 30.0 else params["long_power"]
    scale = exp(log(30.0 / max(days, params["dte_floor_days"])) * power)
    if vol == "up":
        return 1.0 + params["vol_up"] * scale
    return max(1.0 - params["vol_down"] * scale, 0.0) if vol == "down" else 1.0


def _value(legs: list[Leg], spot: float, vol: str, params: Mapping[str, float]) -> float:
    """An expiry at the shocked forward and vol, with a discount of one."""
    return fsum(
        leg.quantity
        * derive_price(
            leg.right,
            leg.forward * spot + leg.settled,
            leg.strike,
            leg.vol * _vol_factor(leg.life_ms, vol, params),
            leg.life_ms / YEAR_MS,
            1.0,
        )
        for leg in legs
    )


def _doubt(confidence: float, params: Mapping[str, float]) -> float:
    if confidence < params["confidence_threshold"]:
        return (1.0 - confidence) * params["confidence_margin"]
    return 0.0


def _confidence(account: Account, market: Market, params: Mapping[str, float]) -> float:
    least = market.spot_confidence
    if account.perp_size != 0.0:
        least = min(least, market.perp_confidence)
    terms = [(abs(account.perp_size) + account.base) * market.spot * _doubt(least, params)]
    for label, legs in _expiries(account).items():
        here = min(
            least,
            market.forward_confidence.get(label, 1.0),
            market.rate_confidence.get(label, 1.0),
            *(leg.confidence for leg in legs),
        )
        size = fsum(abs(leg.quantity) for leg in legs)
        terms.append(size * market.spot * _doubt(here, params))
    return fsum(terms)


def _pnl(
    account: Account, market: Market, scenario: Scenario, params: Mapping[str, float]
) -> float:
    spot, vol = scenario
    terms = [
        account.perp_size * (spot - 1.0) * market.perp_price,
        account.base * market.spot / market.stable * (spot - 1.0),
    ]
    for legs in _expiries(account).values():
        value = _value(legs, spot, vol, params)
        if value > 0.0:
            years, rate = legs[0].life_ms / YEAR_MS, max(legs[0].rate, 0.0)
            grown = exp(-years * (rate * params["rate_mult"] + params["rate_add"]))
            value *= params["static_discount"] * grown
        terms.append(value - _value(legs, 1.0, "none", params))
    return fsum(terms)


def _basis(account: Account, params: Mapping[str, float]) -> float:
    terms = []
    for legs in _expiries(account).values():
        still = _value(legs, 1.0, "none", params)
        moved = [_value(legs, params[f"basis_{way}"], "none", params) for way in ("up", "down")]
        rate = params["basis_add"] + params["basis_mult"] * legs[0].life_ms / YEAR_MS
        terms.append(min(*(value - still for value in moved), 0.0) * rate)
    return fsum(terms)


def margin(
    account: Account, market: Market, scenarios: Sequence[Scenario], params: Mapping[str, float]
) -> dict[str, object]:
    """Every figure of the account; ``im`` and ``mm`` are balances (solvent where >= 0)."""
    books = _expiries(account)
    pnl = [_pnl(account, market, s, params) for s in scenarios]
    basis = _basis(account, params)
    least = min([basis, *pnl])
    naked = fsum(naked_shorts(legs) for legs in books.values())
    static = market.spot * fsum(
        [
            abs(account.perp_size) * params["perp_share"],
            account.base * params["base_share"],
            naked * params["option_share"],
        ]
    )
    mtm = fsum(
        [
            account.perp_value if account.perp_size != 0.0 else 0.0,
            account.base * market.spot / market.stable,
            *(_value(legs, 1.0, "none", params) for legs in books.values()),
        ]
    )
    peg = max(params["peg_threshold"] - market.stable, 0.0) * params["peg_factor"]
    confidence = _confidence(account, market, params)
    mm_required = static - least
    im_required = (static - least) * (params["im_factor"] + peg) + confidence
    return {
        "scenario_pnl": pnl,
        "basis": basis,
        "static": static,
        "confidence": confidence,
        "mtm": mtm + account.cash,
        "im_required": im_required,
        "mm_required": mm_required,
        "im": fsum([-im_required, mtm, account.cash]),
        "mm": fsum([-mm_required, mtm, account.cash]),
        "gross": fsum(
            [abs(account.perp_size) * market.perp_price, abs(account.base) * market.spot]
            + [abs(leg.quantity) * (leg.forward + leg.settled) for leg in account.options]
        ),
    }
