"""Aevo portfolio margin: 15 scenarios of the first phase of ETH; its floor is not published.

scenarios  +-100 %, +-50 %, 0 of the largest move x vol up, same, down; all vols by equal points
"""

from __future__ import annotations

from crossmargin.instruments.contracts import Kind
from crossmargin.margin.families.scan import Member
from crossmargin.margin.families.scan_rules import DERIVATIVES_AND_MONEY, with_common_rules
from crossmargin.margin.model import Extent, Fidelity, ModelSpec, Rule, ScaleLaw

__all__ = ["AEVO_PM"]

_DOCS = "docs.aevo.xyz, portfolio margin"

AEVO_PM = Member(
    spec=ModelSpec(
        name="aevo-pm",
        title="Aevo portfolio margin",
        family="scan",
        venue="aevo",
        version="first phase",
        folder="aevo-pm",
        kinds=DERIVATIVES_AND_MONEY,
        currency="USD",
        scale=ScaleLaw.HOMOGENEOUS,
        one_balance=True,
        balance_side="collateral at its ratio, profit of open futures and option value",
        rules=with_common_rules(
            Rule(
                "scan",
                "largest loss over 15 scenarios, vol shifted in parallel",
                _DOCS,
                {Kind.OPTION: Fidelity.STATED, Kind.PERPETUAL: Fidelity.STATED},
            ),
            Rule("unpublished", "a floor whose rates are not published", _DOCS, Fidelity.MISSING),
            source=_DOCS,
            levels="one level is published: IM and MM are the requirement itself",
            levels_known=Fidelity.MISSING,
        ),
        standard="fixed-rate",
        unknown=(
            "rates of the floor component: left out",
            "what IM is above MM: left out",
            "ranges of coins other than ETH, and any range after the first phase",
        ),
        extent=Extent.AT_LEAST,
    ),
    floors=("unpublished",),
)
