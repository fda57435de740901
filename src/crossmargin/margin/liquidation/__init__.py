"""What a venue takes from an account that it liquidates, step by step.

A mechanics is a small final class: state in, steps out, and the book that is left. It asks a margin
model for the account's levels and knows nothing else of its rules.
"""

from crossmargin.margin.liquidation.derive_auction import Auction, Bid, DutchAuction, Terms
from crossmargin.margin.liquidation.rounds import Rounds, Rules
from crossmargin.margin.liquidation.steps import Levels, Market, Mechanics, Outcome, Step

__all__ = [
    "Auction",
    "Bid",
    "DutchAuction",
    "Levels",
    "Market",
    "Mechanics",
    "Outcome",
    "Rounds",
    "Rules",
    "Step",
    "Terms",
]
