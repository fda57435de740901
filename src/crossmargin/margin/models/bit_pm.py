"""BIT.com portfolio margin: 33 scenarios and a floor.

    scenarios  11 price moves x vol up, same, down; vol + shock (30/days)^0.3 in points
    floor      0.5 % of the notional of futures, 0.01 coin a short option
    PM         the greater of both, or their sum: the text says "and"

Two products, told apart by date: coin-margined (2020), whose P&L is in coins, and USDT-margined
(2022).
"""

from __future__ import annotations

from crossmargin.instruments.contracts import Kind
from crossmargin.margin.families.scan import Member
from crossmargin.margin.families.scan_rules import DERIVATIVES_AND_MONEY, with_common_rules
from crossmargin.margin.model import Extent, Fidelity, ModelSpec, Rule, ScaleLaw

__all__ = ["BIT_PM"]

_HELP = "helpcenter.bitexch.io 9777758, and its notices of 2020-07 and 2022-10"

BIT_PM = Member(
    spec=ModelSpec(
        name="bit-pm",
        title="BIT.com portfolio margin",
        family="scan",
        venue="bit",
        version="2022",
        folder="bit-pm",
        kinds=DERIVATIVES_AND_MONEY,
        currency="USD",
        scale=ScaleLaw.HOMOGENEOUS,
        one_balance=True,
        balance_side="cash, profit of open futures and option value",
        rules=with_common_rules(
            Rule(
                "scan",
                "largest loss over 33 scenarios, vol shocked in points",
                f"{_HELP}: two rounded examples, to 1 and 7 %",
                {Kind.OPTION: Fidelity.INFERRED, Kind.PERPETUAL: Fidelity.STATED},
            ),
            Rule(
                "floor",
                "0.5 % of the notional of futures, 0.01 coin a short option",
                _HELP,
                Fidelity.INFERRED,
                ("reading.floor",),
            ),
            source=_HELP,
            levels="one level is published: IM and MM are the requirement itself",
            levels_known=Fidelity.MISSING,
        ),
        readings={"reading.floor": ("greater", "added")},
        standard="fixed-rate",
        unknown=(
            "how the floor joins the loss: the greater of both, or their sum",
            "what IM is above MM: left out",
            "the power of the term structure: 0.3, which the examples bear out",
            "steps between the largest moves: equal; haircuts; coins other than BTC",
        ),
        extent=Extent.AT_LEAST,
    ),
    floors=("floor",),
)
