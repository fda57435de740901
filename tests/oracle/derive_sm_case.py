"""A case of the SRM vector files as the oracle's input (format: the file's own ``_about``)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .derive_pm1_case import confidence_of, wad
from .derive_sm import Account, Market, Perp
from .types import Leg

COINS = ("ETH", "BTC")
PARAMETERS = {
    "im_perp": "imPerp",
    "mm_perp": "mmPerp",
    "most": "maxSpot",
    "least": "minSpot",
    "mm_call": "mmCall",
    "mm_put": "mmPut",
    "mm_put_value": "mmPutMtm",
    "unpaired_im": "uIM",
    "unpaired_mm": "uMM",
    "offset": "off",
    "perp_threshold": "perpT",
    "option_threshold": "optT",
    "base_threshold": "baseT",
    "oracle": "OCF",
    "margin_factor": "mf",
    "im_scale": "ims",
}
# What a section states in the words of the file instead of its table.
STATED = {"mf": r"marginFactor ([0-9.]*[0-9])", "ims": r"IMScale ([0-9.]*[0-9])"}
SETTLING_S = 3600  # below, the file gives the settling price apart


def parameters(case: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """The parameters that the file states for the section of the case, the same for both coins."""
    shared = case["shared"]
    given = dict(shared["params"])
    for name, pattern in STATED.items():
        found = re.search(pattern, shared["_about"].get(case["section"], ""))
        given[name] = float(found.group(1)) if found else given[name]
    plain = {name: float(given[theirs]) for name, theirs in PARAMETERS.items()}
    plain["depeg_threshold"] = float(shared["depeg"]["threshold"])
    plain["depeg_factor"] = float(shared["depeg"]["factor"])
    return dict.fromkeys(COINS, plain)


def _detailed(case: Mapping[str, Any]) -> tuple[Account, dict[str, Market], float]:
    given = case["Scenario"]
    legs, trust = [], {coin: dict[object, float]() for coin in COINS}
    for k, coin in enumerate(given["OptionUnderlying"]):
        seconds = int(given["OptionExpiries"][k])
        settling = int(given["FeedExpiries"][k]) < SETTLING_S
        forward = wad(given[f"SettlementPrice{coin}"] if settling else given["Forwards"][k])
        trust[coin][seconds] = wad(given["ForwardConfidences"][k])
        legs.append(
            Leg(
                kind="option",
                quantity=wad(given["OptionAmounts"][k]),
                underlying=coin,
                right=1 if given["OptionIsCall"][k] else -1,
                strike=wad(int(given["OptionStrikes"][k]) // 10**10 * 10**10),
                expiry=seconds,
                life_ms=seconds * 1000,
                vol=wad(given["OptionVols"][k]),
                forward=forward,
                confidence=wad(given["OptionVolConfidences"][k]),
            )
        )
    perps, markets = {}, {}
    for k, coin in enumerate(COINS):
        size, price = wad(given[f"Perps_{coin}"]), wad(given["PerpPrice"][k])
        names = (f"LastEntry{coin}", f"{coin}GlobalFundingIndex", f"Account{coin}FundingIndex")
        entry, funding, paid = (wad(given[name] or 0) for name in names)
        value = (price - entry - (funding - paid)) * size
        perps[coin] = Perp(size, value)
        spot_sure, perp_sure = given["SpotPerpConfidences"][k]
        markets[coin] = Market(
            wad(given[f"{coin}SpotPrice"]), price, wad(spot_sure), wad(perp_sure), trust[coin]
        )
    base = {coin: wad(given[f"w{coin}"]) for coin in COINS}
    return (
        Account(wad(given["Cash"]), tuple(legs), perps, base),
        markets,
        wad(given["USDCValue"]),
    )


def _brief(case: Mapping[str, Any]) -> tuple[Account, dict[str, Market], float]:
    """A portfolio in short form: the file's environment with the case's own overrides."""
    env = case["shared"]["portfolio_env"]
    own = case["shared"]["portfolio_env_overrides"].get(case["name"], {})
    sure = float(env["all_confidences"])

    def of(name: str, rest: float) -> float:
        return confidence_of(own.get(name, rest))

    legs, markets = [], {}
    for coin in (name.lower() for name in COINS):
        feeds = {
            when.partition(":")[2]: given
            for when, given in own.get("forward", {}).items()
            if when.startswith(f"{coin}:")
        }
        forward = {
            when: float(feeds[when][0]) if when in feeds else float(price)
            for when, price in env[coin]["forward"].items()
        }
        for option in case["options"]:
            if option["underlying"] == coin:
                when = option["expiry"]
                legs.append(
                    Leg(
                        kind="option",
                        quantity=option["amount"] / 1e8,
                        underlying=coin.upper(),
                        right=1 if option["type"] == "call" else -1,
                        strike=float(option["strike"]),
                        expiry=when,
                        life_ms=int(env["expiry_seconds"][when]) * 1000,
                        vol=float(env["vol"]),
                        forward=forward[when],
                        confidence=confidence_of(
                            own.get("vol_conf", {}).get(f"{coin}:{when}", sure)
                        ),
                    )
                )
        markets[coin.upper()] = Market(
            of(f"{coin}_spot", env[coin]["spot"]),
            of(f"{coin}_perp", env[coin]["perp"]),
            of(f"{coin}_spot_conf", sure),
            of(f"{coin}_perp_conf", sure),
            {when: confidence_of(given[1]) for when, given in feeds.items()},
        )
    perps: dict[str, Perp] = {}
    for held in case["perps"]:
        coin, size = held["underlying"].upper(), held["amount"] / 1e8
        perps[coin] = Perp(size, size * (markets[coin].perp_price - held["entryPrice"] / 1e8))
    base = {held["underlying"].upper(): held["amount"] / 1e8 for held in case["bases"]}
    account = Account(case["cash"] / 1e8, tuple(legs), perps, base)
    return account, markets, float(own.get("stable", env["stable"]))


def read(case: Mapping[str, Any]) -> tuple[Account, dict[str, Market], float]:
    """Account, feeds by coin and dollars per USDC of a case of either section."""
    return _detailed(case) if case["section"] == "detailed" else _brief(case)
