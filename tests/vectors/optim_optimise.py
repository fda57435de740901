"""Checkers of the margin optimiser: the smallest worst loss of fully invested weights as one LP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from crossmargin.decisions.margin_lp import (
    Goal,
    Limit,
    MarginAnswer,
    MarginProblem,
    Ticket,
    optimal,
)
from crossmargin.decisions.margin_rows import Block
from crossmargin.margin.pieces import Pieces, WorstOf


def worst_loss(case: dict[str, Any]) -> None:
    """Weights of 0 or more that add up to the budget; the worst loss may be a gain."""
    inputs, expected = case["inputs"], case["expected"]
    pnl = np.array(inputs["pnl_by_instrument_scenario"], np.float64)
    count, budget = len(pnl), float(inputs.get("budget", 1.0))
    term = WorstOf("worst", -pnl.T, np.zeros(pnl.shape[1]), floor=-np.inf)
    block = Block("weights", Pieces((term,)), np.zeros(count), np.eye(count), 1.0)
    width, free, none = np.array([budget]), np.zeros(1), np.zeros(0)
    tickets = tuple(Ticket(f"w{k}", width, free, none, none) for k in range(count))
    whole = Limit("budget", "share", np.ones(count), budget, budget)
    found = optimal(MarginProblem((block,), tickets, Goal(1.0), (whole,)))
    assert isinstance(found, MarginAnswer)
    limit = case["tolerance"]
    value = limit["value"] if isinstance(limit, dict) else limit
    assert -found.after_usd == pytest.approx(expected["min_return"], abs=value)
    if "weights" in expected:
        assert found.h == pytest.approx(np.array(expected["weights"]), abs=limit["weights"])


CHECKERS: dict[str, Callable[[dict[str, Any]], None]] = {"max-loss LP": worst_loss}
