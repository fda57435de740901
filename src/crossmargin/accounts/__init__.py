"""What an account is worth under its agreement: standing, collateral, liquidation, and netting
across venues. Pure functions of accounts, markets and dated numbers; a venue's own requirement is
always the binding one, and nothing netted ever counts as free."""

from __future__ import annotations

from crossmargin.accounts.commitment import Commitment, commit, proof_of, verified
from crossmargin.accounts.local_liquidation import Danger, local_liquidations
from crossmargin.accounts.recognition import Credit, Facts, recognise
from crossmargin.accounts.unified import Unified, unify
from crossmargin.accounts.venue_accounts import Rules, Standing, Trust, VenueAccount

__all__ = [
    "Commitment",
    "Credit",
    "Danger",
    "Facts",
    "Rules",
    "Standing",
    "Trust",
    "Unified",
    "VenueAccount",
    "commit",
    "local_liquidations",
    "proof_of",
    "recognise",
    "unify",
    "verified",
]
