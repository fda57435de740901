"""What the Derive standard manager declares."""

from __future__ import annotations

from crossmargin.instruments.contracts import Kind
from crossmargin.margin.model import Fidelity, ModelSpec, Rule, ScaleLaw

__all__ = ["SPEC"]

_CODE = "derivexyz/v2-core at 7736900d (2026-01-21), StandardManager; 70 recorded cases"
_EXACT = Fidelity.EXACT

SPEC = ModelSpec(
    name="derive-sm",
    title="Derive standard margin (SRM)",
    family="per-position",
    venue="derive",
    version="v1",
    folder="derive-sm",
    kinds=(Kind.ASSET, Kind.PERPETUAL, Kind.OPTION),
    currency="USDC",
    scale=ScaleLaw.HOMOGENEOUS,
    balance_side=(
        "cash, unsettled perpetual profit and the margin value of coins; a long option backs "
        "nothing but a short of its expiry"
    ),
    rules=(
        Rule(
            "option_charge",
            "per expiry the lesser of the shorts one by one and the maximum loss at settlement",
            _CODE,
            _EXACT,
        ),
        Rule("perp_charge", "|size| x perpetual price x share", _CODE, _EXACT),
        Rule(
            "depeg",
            "spot x (|perpetuals| + short options), a share while the stablecoin is under its peg",
            _CODE,
            _EXACT,
        ),
        Rule("oracle_penalty", "low oracle confidence costs initial margin", _CODE, _EXACT),
        Rule(
            "base_margin",
            "coins x spot x margin factor, scaled for the initial side; not divided by the "
            "stablecoin's price",
            _CODE,
            _EXACT,
        ),
        Rule(
            "order_margin",
            "worst subset of the open orders; with more than eight in an expiry an upper bound",
            "the venue margins the worst subset; the bound is this project's",
            Fidelity.INFERRED,
        ),
        Rule("balance_side", "cash plus mark-to-market of perpetuals", _CODE, _EXACT),
    ),
    standard="derive-sm",
    maps_from=("derive", "deribit"),
    unknown=(
        "feed confidences are taken as 1 where the snapshot does not hold them",
        "what an account may hold at all (borrowing, caps) is no margin and is not checked",
    ),
)
