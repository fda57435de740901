"""What an account is worth and needs under its agreement: its standing on the ladder, what is free
and what may be withdrawn, what leaving costs, how far liquidation is, what its collateral counts
for. Pure functions of a requirement, a market and dated numbers."""

from __future__ import annotations

from crossmargin.accounts.agreement import Agreement, Ladder, Status, agreement_for
from crossmargin.accounts.frontier import Frontier
from crossmargin.accounts.linear import (
    Leg,
    Tier,
    inverse_price,
    linear_crossings,
    linear_price,
)
from crossmargin.accounts.standing import judge

__all__ = [
    "Agreement",
    "Frontier",
    "Ladder",
    "Leg",
    "Status",
    "Tier",
    "agreement_for",
    "inverse_price",
    "judge",
    "linear_crossings",
    "linear_price",
]
