"""A house rulebook: every number and every form in one file, without code.

The example shows each table that a file may have. A file of one's own names ``model = "house"`` and
is given with ``--params FILE``; a charge that it leaves out is not charged. It takes any venue.
"""

from __future__ import annotations

from crossmargin.margin.families.scan import Member
from crossmargin.margin.families.scan_rules import DERIVATIVES_AND_MONEY, with_common_rules
from crossmargin.margin.model import Fidelity, ModelSpec, Rule, ScaleLaw

__all__ = ["HOUSE"]

_OWN = "the house's own file; the example is this project's"
_CHARGES = (
    ("option_contingency", "share of the index for each short option: contract, strike or net"),
    ("vega_spread", "share of the index for each day between expiries of hedged options"),
    ("basis", "share of the index a year on the delta of an expiry, or hedged across expiries"),
    ("roll", "share of the index on delta hedged between maturities"),
    ("depeg", "share of the index on delta hedged between settlement currencies"),
    ("futures_contingency", "share of the index notional of futures and perpetuals"),
    ("liquidity", "shares of the index notional: the cost to leave"),
    ("concentration", "share of the gross notional beyond a threshold"),
    ("fees", "taker fees to leave; an option's is at most a share of its mark"),
)
_FLOORS = (
    ("min_delta", "shares of the index on the net delta and on the hedged one"),
    ("floor", "share of the notional of futures, coins for each short option"),
)

HOUSE = Member(
    spec=ModelSpec(
        name="house-example",
        title="House rulebook (example: give your own with --params FILE)",
        family="scan",
        venue="",
        version="1",
        folder="house",
        kinds=DERIVATIVES_AND_MONEY,
        currency="USD",
        scale=ScaleLaw.SUPERLINEAR,
        one_balance=True,
        balance_side="cash, profit of open futures and option value, less haircuts",
        rules=with_common_rules(
            Rule("scan", "largest weighted loss over the file's scenarios", _OWN, Fidelity.EXACT),
            *(Rule(name, text, _OWN, Fidelity.EXACT) for name, text in (*_CHARGES, *_FLOORS)),
            source=_OWN,
            levels="IM and MM are factors of the requirement",
            levels_known=Fidelity.EXACT,
            balance_known=Fidelity.EXACT,
        ),
        standard="fixed-rate",
        maps_from=("deribit", "derive", "paradex", "okx", "bybit", "binance"),
    ),
    charges=tuple(name for name, _ in _CHARGES),
    floors=tuple(name for name, _ in _FLOORS),
    whole=True,
)
