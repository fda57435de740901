"""What an account is worth and needs under its agreement: its standing on the ladder, what is free
and what may be withdrawn, what leaving costs, how far liquidation is, what its collateral counts
for. Pure functions of a requirement, a market and dated numbers."""

from __future__ import annotations

from crossmargin.accounts.agreement import Agreement, Ladder, Status, agreement_for
from crossmargin.accounts.standing import judge

__all__ = ["Agreement", "Ladder", "Status", "agreement_for", "judge"]
