"""What to do about a requirement: trades and transfers that lower it, move it, keep it inside its
bands or protect what stands behind it. Pure functions that return intents with their expected
effect and cost, checked by the exact models; nothing here sends an order."""

from __future__ import annotations

from crossmargin.decisions import no_trade, schedules
from crossmargin.decisions.intents import Intents, Trade, Transfer
from crossmargin.decisions.roll_history import Recorded, Rolls, roll_puts

__all__ = [
    "Intents",
    "Recorded",
    "Rolls",
    "Trade",
    "Transfer",
    "no_trade",
    "roll_puts",
    "schedules",
]
