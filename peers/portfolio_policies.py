"""Weights after one trade by cvxportfolio's policies, all forecasts given, no market data."""

from __future__ import annotations

from typing import Any

import numpy as np

from crossmargin.core.arrays import Floats
from peers.portfolio_problems import EXACT, Problem

__all__ = ["objective", "traded"]

_CASH = "cash"


def objective(
    p: Problem, aversion: float, *, cost: bool = False, decay: float = 1.0, **impact: Any
) -> Any:
    """``mean - aversion / 2 variance - cost of the trade``; ``impact`` as the peer names it."""
    import cvxportfolio as cvx
    import pandas as pd

    sigma = pd.DataFrame(p.covariance, p.names, p.names)
    made = cvx.ReturnsForecast(pd.Series(p.mean, p.names), decay=decay)
    made = made - 0.5 * aversion * cvx.FullCovariance(sigma)
    if cost or impact:
        series = {name: pd.Series(values, p.names) for name, values in impact.items()}
        more = {"b": 1.0, **series} if impact else {}
        made = made - cvx.TransactionCost(a=pd.Series(p.cost, p.names), **more)
    return made


def traded(
    p: Problem,
    goal: Any,
    limits: list[Any],
    *,
    held: Floats | None = None,
    wealth: float = 1.0,
    steps: int = 1,
    last: Floats | None = None,
) -> Floats:
    """Weights [n] after the first trade of a plan of so many steps; from cash where not held."""
    import cvxportfolio as cvx
    import pandas as pd

    start = np.zeros(len(p.mean)) if held is None else held
    names = [*p.names, _CASH]
    dollars = pd.Series(np.append(start, 1.0 - start.sum()) * wealth, names)
    options: dict[str, Any] = {"include_cash_return": False, "fallback_solver": None}
    options |= {"solver": "CLARABEL", **EXACT}
    if steps > 1:
        end = None if last is None else pd.Series(np.append(last, 1.0 - last.sum()), names)
        policy: Any = cvx.MultiPeriodOptimization(
            goal, limits, planning_horizon=steps, terminal_constraint=end, **options
        )
    else:
        policy = cvx.SinglePeriodOptimization(goal, limits, **options)
    bought, _, _ = policy.execute(dollars, None, pd.Timestamp("2026-01-01"))
    return np.asarray((dollars + bought).to_numpy()[:-1] / wealth, np.float64)
