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
    """Weights inside their bounds that add up to the budget; the worst loss may be a gain."""
    inputs, expected = case["inputs"], case["expected"]
    pnl = np.array(inputs["pnl_by_instrument_scenario"], np.float64)
    count, budget = len(pnl), float(inputs.get("budget", 1.0))
    term = WorstOf("worst", -pnl.T, np.zeros(pnl.shape[1]), floor=-np.inf)
    block = Block("weights", Pieces((term,)), np.zeros(count), np.eye(count), 1.0)
    low, high = (_each(inputs.get(name), count) for name in ("lb", "ub"))
    low, high = np.nan_to_num(low, nan=0.0), np.fmin(np.nan_to_num(high, nan=np.inf), budget)
    free = np.zeros(1)
    tickets = tuple(
        Ticket(f"w{k}", *(np.array([high[k]]), free) if high[k] > 0.0 else (free[:0], free[:0]),
               *(np.array([-low[k]]), free) if low[k] < 0.0 else (free[:0], free[:0]))
        for k in range(count)
    )  # fmt: skip
    bounds = tuple(
        Limit(f"least {k}", "share", np.eye(count)[k], low[k], high[k])
        for k in range(count) if low[k] > 0.0
    )  # fmt: skip
    whole = Limit("budget", "share", np.ones(count), budget, budget)
    found = optimal(MarginProblem((block,), tickets, Goal(1.0), (whole, *bounds)))
    assert isinstance(found, MarginAnswer)
    limit = case["tolerance"]
    value = limit["value"] if isinstance(limit, dict) else limit
    assert -found.after_usd == pytest.approx(expected["min_return"], abs=value)
    if "weights" in expected:
        assert found.h == pytest.approx(np.array(expected["weights"]), abs=limit["weights"])


def _each(bound: Any, count: int) -> np.ndarray:
    """[count] bounds of a case: one for all, one each, or not given."""
    return np.broadcast_to(np.array(np.nan if bound is None else bound, np.float64), (count,))


CHECKERS: dict[str, Callable[[dict[str, Any]], None]] = {"max-loss LP": worst_loss}
