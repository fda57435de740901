"""Gate unified account, portfolio mode: the part of its stress test that is published.

MR1  33 scenarios; the API sample prints 11 of them: +-20 % in steps of 4 %, vol -30 %
MR2 basis, MR3 vol spread, MR4 short options: not published
spot in use = as much as offsets the net delta of the derivatives (``form.coins = hedge``)
"""

from __future__ import annotations

from crossmargin.instruments.contracts import Kind
from crossmargin.margin.families.scan import Member
from crossmargin.margin.families.scan_rules import DERIVATIVES_AND_MONEY, with_common_rules
from crossmargin.margin.model import Extent, Fidelity, ModelSpec, Rule, ScaleLaw

__all__ = ["GATE_PM"]

_DOCS = "Gate API reference, unified account (portfolio calculator)"

GATE_PM = Member(
    spec=ModelSpec(
        name="gate-pm",
        title="Gate unified account, portfolio mode",
        family="scan",
        venue="gate",
        version="v4",
        folder="gate-pm",
        kinds=DERIVATIVES_AND_MONEY,
        currency="USD",
        scale=ScaleLaw.HOMOGENEOUS,
        one_balance=True,
        balance_side="cash at its discount tier, profit of open futures and option value",
        rules=with_common_rules(
            Rule(
                "scan",
                "largest loss over the 11 of 33 scenarios that are printed; spot in use at most "
                "the delta that it hedges",
                f"{_DOCS}: sample grid, example of spot in use",
                {Kind.OPTION: Fidelity.INFERRED, Kind.PERPETUAL: Fidelity.STATED},
                ("reading.vol_shock",),
            ),
            Rule("unpublished", "basis, vol spread and short options", _DOCS, Fidelity.MISSING),
            source=_DOCS,
            levels="the factor between MM and IM is not published",
            levels_known=Fidelity.MISSING,
            balance_known=Fidelity.MISSING,
        ),
        readings={"reading.vol_shock": ("relative", "points")},
        standard="fixed-rate",
        unknown=(
            "22 of the 33 scenarios, and whether their vol shock is a share or points",
            "MR2 to MR4, the IM factor, discount tiers, coins other than BTC: left out",
            "the venue margins orders by the sign of their delta; here by the worst fill",
        ),
        extent=Extent.AT_LEAST,
    ),
    charges=("unpublished",),
    grid=False,
)
