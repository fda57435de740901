"""What an account is worth and needs under its agreement: its standing on the ladder, what is free
and what may be withdrawn, what leaving costs, how far liquidation is, what its collateral counts
for, and what venues together demand. Pure functions of accounts, markets and dated numbers; a
venue's own requirement is always the binding one, and nothing netted ever counts as free."""

from __future__ import annotations

from crossmargin.accounts.agreement import Agreement, Ladder, Status, agreement_for
from crossmargin.accounts.commitment import Commitment, commit, proof_of, verified
from crossmargin.accounts.frontier import Frontier
from crossmargin.accounts.linear import (
    Leg,
    Tier,
    inverse_price,
    linear_crossings,
    linear_price,
)
from crossmargin.accounts.local_liquidation import Danger, local_liquidations
from crossmargin.accounts.recognition import Credit, Facts, recognise
from crossmargin.accounts.standing import judge
from crossmargin.accounts.unified import Unified, unify
from crossmargin.accounts.venue_accounts import Trust, VenueAccount

__all__ = [
    "Agreement",
    "Commitment",
    "Credit",
    "Danger",
    "Facts",
    "Frontier",
    "Ladder",
    "Leg",
    "Status",
    "Tier",
    "Trust",
    "Unified",
    "VenueAccount",
    "agreement_for",
    "commit",
    "inverse_price",
    "judge",
    "linear_crossings",
    "linear_price",
    "local_liquidations",
    "proof_of",
    "recognise",
    "unify",
    "verified",
]
