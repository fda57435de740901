"""Parameters of a Derive vector case under the model's own names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.oracle import derive_case
from tests.oracle.derive_pm2 import Collateral, Scenario

SKEW = (
    "linear_base_cap",
    "linear_c_base",
    "abs_base_cap",
    "abs_c_base",
    "min_k_star",
    "width_scale",
    "vol_param_static",
    "vol_param_scale",
)
# The model's name of a parameter, where it is not the oracle's.
RENAMED = {
    "vol_up": "vol_range_up",
    "vol_down": "vol_range_down",
    "min_vol_up": "min_vol_up_shock",
    "short_power": "short_term_power",
    "long_power": "long_term_power",
    "long_base": "long_static_discount",
    "short_base": "short_static_discount",
    "basis_up": "basis_spot_up",
    "basis_down": "basis_spot_down",
    "basis_add": "basis_add_factor",
    "basis_mult": "basis_mult_factor",
    "peg_threshold": "peg_loss_threshold",
    "peg_factor": "peg_loss_factor",
    "confidence_threshold": "conf_threshold",
    "confidence_margin": "conf_margin",
}


def market_values(
    plain: Mapping[str, float],
    scenarios: Sequence[Scenario],
    collaterals: Sequence[Collateral] = (),
) -> dict[str, Any]:
    """One market's parameters, from the oracle's names."""
    market: dict[str, Any] = {
        RENAMED.get(name, name): value for name, value in plain.items() if name not in SKEW
    }
    market["skew"] = {name: plain[name] for name in SKEW}
    market["scenarios"] = [[s.spot, s.vol, s.dampening] for s in scenarios]
    market["collateral"] = {
        c.name: {
            "risk_cancelling": c.cancels,
            "mm_haircut": c.mm_haircut,
            "im_haircut": c.im_haircut,
        }
        for c in collaterals
    }
    return market


def case_values(case: Mapping[str, Any], coin: str) -> dict[str, Any]:
    """All parameters of a case; its market is named ``coin``."""
    plain = derive_case.parameters(case)
    held = derive_case.account(case).collaterals
    return {"market": {coin: market_values(plain, derive_case.scenarios(case), held)}}
