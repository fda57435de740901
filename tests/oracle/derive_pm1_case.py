"""A case of the PMRM vector files as the oracle's input (format: the file's own ``_about``)."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf, nextafter
from typing import Any

from .derive_pm1 import Account, Scenario
from .derive_pm2 import Market
from .types import Leg

WAD = 10**18
PARAMETERS = {
    "basis_up": "spotUp",
    "basis_down": "spotDown",
    "basis_add": "bAdd",
    "basis_mult": "bMult",
    "peg_threshold": "pegT",
    "peg_factor": "pegF",
    "confidence_threshold": "confThreshold",
    "confidence_margin": "confMargin",
    "perp_share": "perpPercent",
    "base_share": "basePercent",
    "option_share": "optionPercent",
    "im_factor": "imFactor",
    "static_discount": "bsd",
    "rate_mult": "rms",
    "rate_add": "ras",
    "vol_up": "vru",
    "vol_down": "vrd",
    "short_power": "stp",
    "long_power": "ltp",
}


def named(given: Mapping[str, Any]) -> dict[str, float]:
    """A file's parameters under the oracle's names."""
    out = {name: float(given[theirs]) for name, theirs in PARAMETERS.items()}
    return {**out, "dte_floor_days": float(given["dteFloor"]) / 86_400.0}


def parameters(case: Mapping[str, Any]) -> dict[str, float]:
    """The parameters that the file states for the section of the case."""
    return named(case["shared"][f"{case['section']}_params"])


def scenarios(case: Mapping[str, Any]) -> list[Scenario]:
    """The file's scenarios in its order."""
    return [(float(spot), vol.lower()) for spot, vol in case["shared"]["scenarios"]]


def wad(number: Any) -> float:
    """A fixed-point number of 18 decimals."""
    return int(number) / WAD


def portfolio(given: Mapping[str, Any], elapsed_s: int = 0) -> tuple[Account, Market]:
    """A detailed portfolio with its feeds; expiries are counted ``elapsed_s`` seconds later."""
    legs = []
    forward_confidence, rate_confidence = {}, {}
    for k, seconds in enumerate(given["OptionExpiries"]):
        forward_confidence[seconds] = wad(given["ForwardConfidences"][k])
        rate_confidence[seconds] = wad(given["RateConfidences"][k])
        legs.append(
            Leg(
                kind="option",
                quantity=wad(given["OptionAmounts"][k]),
                right=1 if given["OptionIsCall"][k] else -1,
                strike=wad(given["OptionStrikes"][k]),
                expiry=seconds,
                life_ms=(int(seconds) - elapsed_s) * 1000,
                vol=wad(given["OptionVols"][k]),
                forward=wad(given["ForwardsVariable"][k]),
                settled=wad(given["ForwardsFixed"][k]),
                rate=wad(given["Rates"][k]),
                confidence=wad(given["OptionVolConfidences"][k]),
            )
        )
    account = Account(
        cash=wad(given["Cash"]),
        options=tuple(legs),
        perp_size=wad(given["Perps"]),
        perp_value=wad(given["UnrealisedPerpPNL"]) + wad(given["UnrealisedFunding"]),
        base=wad(given["Base"]),
    )
    market = Market(
        spot=wad(given["SpotPrice"]),
        perp_price=wad(given["PerpPrice"]),
        stable=wad(given["StablePrice"]),
        spot_confidence=wad(given["SpotConfidence"]),
        perp_confidence=wad(given["PerpConfidence"]),
        forward_confidence=forward_confidence,
        rate_confidence=rate_confidence,
    )
    return account, market


def confidence_of(given: Any) -> float:
    """A confidence; ``0.4 minus 1e-18`` is the number next below."""
    words = str(given).split()
    if len(words) == 3 and words[1] == "minus":
        return nextafter(float(words[0]), -inf)
    return float(given)


def _leg(option: Mapping[str, Any], env: Mapping[str, Any], overrides: Mapping[str, Any]) -> Leg:
    when, strike = option["expiry"], float(option["strike"])
    forward = overrides.get("forward", {}).get(when, env["forward"][when])
    return Leg(
        kind="option",
        quantity=option["amount"] / 1e8,
        right=1 if option["type"] == "call" else -1,
        strike=strike,
        expiry=when,
        life_ms=int(env["expiry_seconds"][when]) * 1000,
        vol=float(overrides.get("vol", {}).get(f"{when}:{option['strike']}", env.get("vol", 0.5))),
        forward=float(forward[0] if isinstance(forward, list) else forward),
        rate=float(env["rate"]),
        confidence=confidence_of(overrides.get("vol_conf", {}).get(when, 1.0)),
    )


def _brief(case: Mapping[str, Any]) -> tuple[Account, Market]:
    """A portfolio in short form: the file's environment with the case's own overrides."""
    shared = case["shared"]
    env = shared["portfolio_env"]
    overrides = shared["portfolio_env_overrides"].get(case["name"], {})
    seen = {**env, **{k: v for k, v in overrides.items() if not isinstance(v, dict)}}
    perps = [(p["amount"] / 1e8, p["entryPrice"] / 1e8) for p in case["perps"]]
    account = Account(
        cash=case["cash"] / 1e8,
        options=tuple(_leg(option, env, overrides) for option in case["options"]),
        perp_size=sum(size for size, _ in perps),
        perp_value=sum(size * (float(seen["perp"]) - entry) for size, entry in perps),
        base=sum(b["amount"] for b in case["bases"]) / 1e8,
    )
    market = Market(
        spot=float(seen["spot"]),
        perp_price=float(seen["perp"]),
        stable=float(seen["stable"]),
        spot_confidence=confidence_of(seen["spot_conf"]),
        perp_confidence=confidence_of(seen["perp_conf"]),
        forward_confidence={
            when: confidence_of(given[1])
            for when, given in overrides.get("forward", {}).items()
            if isinstance(given, list)
        },
    )
    return account, market


def read(case: Mapping[str, Any]) -> tuple[Account, Market]:
    """Account and feeds of a case of either section."""
    return portfolio(case["Scenario"]) if case["section"] == "detailed" else _brief(case)


def is_truncated(number: float, whole: int, slack: float = 1e-9) -> bool:
    """Whether a number cut toward zero is ``whole``, its own rounding allowed for."""
    return int(number - slack) == whole or int(number + slack) == whole


def results(case: Mapping[str, Any]) -> Mapping[str, Any]:
    """Expected balances of a portfolio in short form."""
    found: Mapping[str, Any] = case["results"] if "results" in case else case["result"]
    return found
