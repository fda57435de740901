"""A case of the Derive vector files as the oracle's input (format: the file's own ``_about``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .derive_pm2 import Account, Collateral, Market, Scenario
from .types import Leg

WINDOW_S = 1800  # the settlement average is taken over the last half hour

PARAMETERS = {
    "vol_up": ("VolShock", "VOLRANGEUP"),
    "vol_down": ("VolShock", "VOLRANGEDOWN"),
    "min_vol_up": ("VolShock", "MIN_VOL_EVAL_SHOCKED"),
    "short_power": ("VolShock", "SHORTTERMPOWER"),
    "long_power": ("VolShock", "LONGTERMPOWER"),
    "dte_floor_days": ("VolShock", "DTE_FLOOR"),
    "mm_factor": ("Margin", "MM_LOSS_FACTOR"),
    "im_factor": ("Margin", "IM_LOSS_FACTOR"),
    "short_rate_mult": ("Margin", "SHORT_RATE_MULTSCALE"),
    "long_rate_mult": ("Margin", "LONG_RATE_MULTSCALE"),
    "short_rate_add": ("Margin", "SHORT_RATE_ADDSCALE"),
    "long_rate_add": ("Margin", "LONG_RATE_ADDSCALE"),
    "long_base": ("Margin", "BASE_STATIC_DISCOUNT"),
    "short_base": ("Margin", "BASE_STATIC_DISCOUNT_NEG"),
    "basis_up": ("BasisContingency", "SCENARIO_SPOT_UP"),
    "basis_down": ("BasisContingency", "SCENARIO_SPOT_DOWN"),
    "basis_add": ("BasisContingency", "BASIS_CONT_ADD_FACTOR"),
    "basis_mult": ("BasisContingency", "BASIS_CONT_MULT_FACTOR"),
    "peg_threshold": ("OtherContingency", "PEG_LOSS_THRESHOLD"),
    "peg_factor": ("OtherContingency", "PEG_LOSS_FACTOR"),
    "confidence_threshold": ("OtherContingency", "CONF_THRESHOLD"),
    "confidence_margin": ("OtherContingency", "CONF_MARGIN"),
    "mm_perp": ("OtherContingency", "MM_PERP_PERCENT"),
    "im_perp": ("OtherContingency", "IM_PERP_PERCENT"),
    "mm_option": ("OtherContingency", "MM_OPTION_PERCENT"),
    "im_option": ("OtherContingency", "IM_OPTION_PERCENT"),
    "linear_base_cap": ("SkewShock", "LINEAR_SCALE_CAP"),
    "linear_c_base": ("SkewShock", "LINEAR_CBASE"),
    "abs_base_cap": ("SkewShock", "ABS_SCALE_CAP"),
    "abs_c_base": ("SkewShock", "ABS_CBASE"),
    "min_k_star": ("SkewShock", "MIN_K_STAR"),
    "width_scale": ("SkewShock", "MIN_WIDTH_SCALE"),
    "vol_param_static": ("SkewShock", "VOL_PARAM_STATIC"),
    "vol_param_scale": ("SkewShock", "VOL_PARAM_SCALE"),
}


def parameters(case: Mapping[str, Any]) -> dict[str, float]:
    """The case's parameters under the oracle's names."""
    return {
        name: float(case["Parameters"][group][key]) for name, (group, key) in PARAMETERS.items()
    }


def scenarios(case: Mapping[str, Any]) -> list[Scenario]:
    """The case's scenarios in its order."""
    return [
        Scenario(float(s["SpotShock"]), s["VolShockDirection"].lower(), float(s["DampeningFactor"]))
        for s in case["Parameters"]["Scenarios"]
    ]


def split_forward(forward: float, seconds: float) -> tuple[float, float]:
    """(free, fixed) part of a forward: it is fixed step by step in the last half hour."""
    if seconds >= WINDOW_S:
        return forward, 0.0
    return forward * seconds / WINDOW_S, forward * (WINDOW_S - seconds) / WINDOW_S


def account(case: Mapping[str, Any]) -> Account:
    """Positions of the case."""
    held = case["Scenario"]
    feeds = {feed["FeedExpiry"]: feed for feed in held["OptionFeeds"]}
    options = []
    for option in held["Options"]:
        feed = feeds[option["Expiry"]]
        free, fixed = split_forward(float(feed["Forward"]), float(option["Expiry"]))
        options.append(
            Leg(
                kind="option",
                quantity=float(option["Amount"]),
                right=1 if option["IsCall"] else -1,
                strike=float(option["Strike"]),
                expiry=option["Expiry"],
                life_ms=int(option["Expiry"]) * 1000,
                vol=float(option["MarkVol"]),
                forward=free,
                settled=fixed,
                rate=float(feed["Rate"]),
                confidence=float(feed["OptionVolConfidences"]),
            )
        )
    return Account(
        cash=float(held["Cash"]),
        options=tuple(options),
        perp_size=float(held["NumPerps"]),
        perp_value=float(held["UnrealisedPerpPNL"]) + float(held["UnrealisedFunding"]),
        collaterals=tuple(
            Collateral(
                name=c["Name"],
                amount=float(c["Amount"]),
                price=float(c["Price"]),
                cancels=bool(c["IsRiskCancelling"]),
                mm_haircut=float(c["MMHaircut"]),
                im_haircut=float(c["IMHaircut"]),
                confidence=float(c["Confidence"]),
            )
            for c in held["Collaterals"]
        ),
    )


def market(case: Mapping[str, Any]) -> Market:
    """Feeds of the case."""
    seen = case["Scenario"]
    return Market(
        spot=float(seen["SpotPrice"]),
        perp_price=float(seen["PerpPrice"]),
        stable=float(seen["StablePrice"]),
        spot_confidence=float(seen["SpotConfidence"]),
        perp_confidence=float(seen["PerpConfidence"]),
        forward_confidence={
            f["FeedExpiry"]: float(f["ForwardConfidence"]) for f in seen["OptionFeeds"]
        },
        rate_confidence={f["FeedExpiry"]: float(f["RateConfidence"]) for f in seen["OptionFeeds"]},
    )


def expected_pnl(case: Mapping[str, Any]) -> list[float | None]:
    """Expected scenario P&Ls in the order of the case's scenarios.

    The file lists them by class (regular, tail, skew), each in the order of the scenarios. None
    stands where the file disowns its own number: a skew scenario with a move of the spot.
    """
    result = case["Result"]
    skews = [row[-1] for row in result["skew_losses"]]
    others = [row[-1] for row in (*result["reg_losses"], *result["tail_losses"])]
    out: list[float | None] = []
    for scenario in case["Parameters"]["Scenarios"]:
        if scenario["VolShockDirection"] in ("LINEAR", "ABS"):
            number = float(skews.pop(0))
            out.append(number if float(scenario["SpotShock"]) == 1.0 else None)
        else:
            out.append(float(others.pop(0)))
    if skews or others:
        raise ValueError("the case lists more scenario results than scenarios")
    return out
