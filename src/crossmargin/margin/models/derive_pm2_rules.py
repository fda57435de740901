"""What Derive PMRM_2 declares."""

from __future__ import annotations

from crossmargin.instruments.contracts import Kind
from crossmargin.margin.model import Fidelity, ModelSpec, Rule, ScaleLaw

__all__ = ["SPEC"]

_CODE = "derivexyz/v2-core at 7736900d (2026-01-21), PMRM_2; 139 recorded cases"
_EXACT = Fidelity.EXACT

SPEC = ModelSpec(
    name="derive-pm2",
    title="Derive portfolio margin 2 (PMRM_2)",
    family="scan",
    venue="derive",
    version="v2",
    folder="derive-pm2",
    kinds=(Kind.ASSET, Kind.PERPETUAL, Kind.OPTION),
    currency="USDC",
    scale=ScaleLaw.HOMOGENEOUS,
    balance_side=(
        "cash, unsettled perpetual profit, option model value and collateral at full value "
        "(haircuts are in the requirement)"
    ),
    rules=(
        Rule("scenarios", "worst of the scenario list and the basis contingency", _CODE, _EXACT),
        Rule("im_factor", "imFactor, raised while the stablecoin is under its peg", _CODE, _EXACT),
        Rule("mm_factor", "mmFactor", _CODE, _EXACT),
        Rule("perp_contingency", "|size| x spot x perp share", _CODE, _EXACT),
        Rule("option_contingency", "naked shorts x spot x option share", _CODE, _EXACT),
        Rule("collateral_contingency", "collateral value x haircut", _CODE, _EXACT),
        Rule("confidence_contingency", "low oracle confidence costs margin", _CODE, _EXACT),
        Rule(
            "order_margin",
            "worst subset of the open orders: every charge at the fills that are worst for it, an "
            "upper bound",
            "the venue margins the worst subset; the bound is this project's",
            Fidelity.INFERRED,
        ),
        Rule("balance_side", "mark-to-market plus cash", _CODE, _EXACT),
    ),
    standard="derive-sm",
    maps_from=("derive", "deribit"),
    unknown=("feed confidences are taken as 1 where the snapshot does not hold them",),
)
