"""What to do about a requirement: trades and transfers that lower it, move it, keep it inside its
bands or protect what stands behind it. Pure functions that return intents with their expected
effect and cost, checked by the exact models; nothing here sends an order."""

from __future__ import annotations

from crossmargin.decisions.intents import Intents, Trade, Transfer
from crossmargin.decisions.no_trade import Continuous, continuous, fixed_gain_half_width, single
from crossmargin.decisions.roll_history import Recorded, Rolls, roll_puts
from crossmargin.decisions.schedules import Pace, Schedule, almgren_chriss, garleanu_pedersen

__all__ = [
    "Continuous",
    "Intents",
    "Pace",
    "Recorded",
    "Rolls",
    "Schedule",
    "Trade",
    "Transfer",
    "almgren_chriss",
    "continuous",
    "fixed_gain_half_width",
    "garleanu_pedersen",
    "roll_puts",
    "single",
]
