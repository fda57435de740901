"""Replies in the shape that the venues' documentation prints, built from plain facts."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# The newer name of a Deribit parameter -> the older one.
OLDER = {
    "min_annualised_move": "min_expiry_delta_shock",
    "annualised_move_risk": "annualised_%_move_risk",
    "delta_total_liq_shock_threshold": "delta_total_liquid_shock_threshold",
}
HOLDS = ("open_orders_margin", "mmp_margin", "spot_margin")
MATRIX = (
    "delta_shock",
    "roll_shock",
    "worst_case",
    "worst_case_bucket",
    "correlation_contingency",
)


def vector(folder: Path, name: str) -> dict[str, Any]:
    """A case of the centralised venues by id."""
    cases = json.loads((folder / "cex_vectors.json").read_text("utf-8"))["vectors"]
    found: dict[str, Any] = next(case for case in cases if case["id"] == name)
    return found


def three(numbers: Sequence[float]) -> list[float]:
    """Each price's number for the three volatilities: futures feel none."""
    return [number for number in numbers for _ in range(3)]


def deribit_simulation(case: Mapping[str, Any], time_ms: int = 1718619740501) -> dict[str, Any]:
    """The reply of private/pme/simulate of a published futures case, newer names."""
    seen, held, given = case["expected"], case["inputs"], case["params"]
    coin = held["currency"].lower()
    currencies = {
        name: dict(table, correlation_set=False)
        for name, table in given.items()
        if name not in ("pair", "general")
    }
    return {
        "jsonrpc": "2.0",
        "id": 2255,
        "result": {
            "model_params": {
                "currency_pair": {f"{coin}_usd": dict(given["pair"])},
                "currency": currencies,
                "general": dict(given["general"], timestamp=time_ms),
            },
            "aggregated_risk_vectors": {
                f"{coin}_{coin}": {
                    "standard": three(seen["aggregated_standard_by_price"]),
                    "extended": list(seen["aggregated_extended"]),
                }
            }
            if "aggregated_extended" in seen
            else {},
            "initial_risk_vectors": {
                name: {
                    "standard": three(printed["standard_by_price"]),
                    "extended": list(printed["extended"]),
                }
                for name, printed in seen.get("initial_risk_vectors", {}).items()
            },
            "margins": {
                coin: {
                    "initial_margin": seen["initial_margin"],
                    "maintenance_margin": seen["maintenance_margin"],
                    "initial_margin_details": {
                        "risk_matrix_margin": seen["risk_matrix_margin"],
                        "risk_matrix_margin_details": {
                            name: seen[name] for name in MATRIX if name in seen
                        },
                        **{name: held.get(name, 0) for name in HOLDS},
                    },
                }
            },
            "portfolio": {
                "currency": {},
                "position": {n: row["size_coin"] for n, row in held["positions"].items()},
            },
            "index_price": {f"{coin}_usd": held["index_price"]},
            "ticker": {
                name: {"mark_price": row["mark"], "index_price": held["index_price"]}
                for name, row in held["positions"].items()
            },
        },
    }


def older(reply: Mapping[str, Any]) -> dict[str, Any]:
    """The same reply with the parameters in the older names and places."""
    out = copy.deepcopy(dict(reply))
    given = out["result"].pop("model_params")

    def renamed(table: Mapping[str, Any]) -> dict[str, Any]:
        return {OLDER.get(name, name): value for name, value in table.items()}

    out["result"]["model_params"] = {
        "general": {
            **given["general"],
            "currency_pairs": {
                name.upper(): renamed(table) for name, table in given["currency_pair"].items()
            },
            "currencies": [
                {"currency": name.upper(), **renamed(table)}
                for name, table in given["currency"].items()
            ],
        }
    }
    return out


# Derive's dump: block -> its names, in the words of the dump.
DUMP = {
    "basisContingencyParams": {
        "scenarioSpotUp": "basis_up",
        "scenarioSpotDown": "basis_down",
        "basisContAddFactor": "basis_add",
        "basisContMultFactor": "basis_mult",
    },
    "otherContingencyParams": {
        "pegLossThreshold": "peg_threshold",
        "pegLossFactor": "peg_factor",
        "confThreshold": "confidence_threshold",
        "confMargin": "confidence_margin",
        "MMPerpPercent": "mm_perp",
        "IMPerpPercent": "im_perp",
        "MMOptionPercent": "mm_option",
        "IMOptionPercent": "im_option",
    },
    "marginParams": {
        "imFactor": "im_factor",
        "mmFactor": "mm_factor",
        "shortRateMultScale": "short_rate_mult",
        "longRateMultScale": "long_rate_mult",
        "shortRateAddScale": "short_rate_add",
        "longRateAddScale": "long_rate_add",
        "shortBaseStaticDiscount": "short_base",
        "longBaseStaticDiscount": "long_base",
    },
    "volShockParams": {
        "volRangeUp": "vol_up",
        "volRangeDown": "vol_down",
        "shortTermPower": "short_power",
        "longTermPower": "long_power",
        "minVolUpShock": "min_vol_up",
    },
    "skewShockParams": {
        "linearBaseCap": "linear_base_cap",
        "absBaseCap": "abs_base_cap",
        "linearCBase": "linear_c_base",
        "absCBase": "abs_c_base",
        "minKStar": "min_k_star",
        "widthScale": "width_scale",
        "volParamStatic": "vol_param_static",
        "volParamScale": "vol_param_scale",
    },
}


def derive_dump(coin: str, plain: Mapping[str, float], scenarios: Any, held: Any) -> dict[str, Any]:
    """One manager of the dump from the oracle's names; numbers as decimal texts."""
    params: dict[str, Any] = {
        block: {theirs: repr(float(plain[ours])) for theirs, ours in names.items()}
        for block, names in DUMP.items()
    }
    seconds = float(plain["dte_floor_days"]) * 86400
    params["volShockParams"]["dteFloor"] = f"{seconds / 1e18:.20f}"
    params["scenarios"] = [
        {"spotShock": repr(s.spot), "scenarioType": s.vol, "dampeningFactor": repr(s.dampening)}
        for s in scenarios
    ]
    collaterals = {
        c.name: {
            "isEnabled": True,
            "isRiskCancelling": bool(c.cancels),
            "mmHaircut": repr(c.mm_haircut),
            "imHaircut": repr(c.im_haircut),
        }
        for c in held
    }
    return {f"PM2_{coin}": {"market": coin, "collaterals": collaterals, "params": params}}
