"""Portfolios of least risk beside PyPortfolioOpt, skfolio and Riskfolio-Lib, on drawn problems."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.decisions.hierarchical import hierarchical_risk_parity
from crossmargin.decisions.mean_variance import frontier, minimum_variance
from crossmargin.decisions.risk_parity import risk_budgets
from crossmargin.decisions.weight_limits import weight_limits
from peers.report import Line, compared

__all__ = ["lines"]

COMPARISON = "Portfolios of least risk"
SIZES = (4, 10, 30)
MOST = 0.4  # the upper bound of the bounded problems
TIGHT = {"eps_abs": 1e-12, "eps_rel": 1e-12, "max_iter": 400_000}  # OSQP's own default: 1e-3
TOLERANCE = 1e-6
_SOLVED = "the peer's solver asked for 1e-12 or closer"
_UNSCALED = (
    "the peer's solver stops early on an objective as small as a daily variance: the peer's risk "
    "contributions differ by up to 3e-4 of their mean, ours by 1e-14. With its objective scaled, "
    "in the next line, all agree"
)


def lines() -> list[Line]:
    """Weights, problem by problem; the difference is of weights, absolute (least = 1)."""
    drawn = [_drawn(n) for n in SIZES]
    return [
        _line("PyPortfolioOpt", "minimum variance, long only", drawn, _least, _pyp(1.0, "v")),
        _line("PyPortfolioOpt", f"minimum variance, at most {MOST:g} each", drawn,
              _bounded, _pyp(MOST, "v")),
        _line("PyPortfolioOpt", "least variance at a target return", drawn,
              _target, _pyp(1.0, "r")),
        _line("PyPortfolioOpt", "maximum Sharpe ratio", drawn, _sharpe, _pyp(1.0, "s")),
        _line("PyPortfolioOpt", "hierarchical risk parity, single linkage", drawn,
              _tree, _pyp_tree, reason=""),
        _line("skfolio", "equal risk contribution", drawn, _equal, _sk_equal(1.0), _UNSCALED),
        _line("skfolio", "equal risk contribution, objective scaled by 10,000", drawn,
              _equal, _sk_equal(1e4)),
        _line("Riskfolio-Lib", "equal risk contribution", drawn, _equal, _rf_equal),
    ]  # fmt: skip


Problem = tuple[Floats, Floats, Floats]  # returns [T, n], their mean, their covariance


def _drawn(n: int) -> Problem:
    rng = np.random.default_rng(n)
    load = rng.normal(size=(n, 3))
    returns = 0.01 * (rng.normal(size=(400, 3)) @ load.T + rng.normal(size=(400, n)))
    returns += rng.uniform(0.0005, 0.002, n)
    return returns, returns.mean(0), np.cov(returns, rowvar=False)


def _line(
    peer: str,
    what: str,
    drawn: list[Problem],
    ours: Callable[[Problem], Floats],
    theirs: Callable[[Problem], Floats],
    reason: str = _SOLVED,
) -> Line:
    mine, other = (np.concatenate([f(p) for p in drawn]) for f in (ours, theirs))
    expected = "differs" if reason is _UNSCALED else "agrees"
    return compared(
        COMPARISON, peer, what, mine, other,
        tolerance=TOLERANCE, least=1.0, expected=expected, reason=reason,
    )  # fmt: skip


def _least(p: Problem) -> Floats:
    return minimum_variance(p[2]).weights


def _bounded(p: Problem) -> Floats:
    return minimum_variance(p[2], weight_limits(len(p[1]), high=MOST)).weights


def _wanted(p: Problem) -> float:
    path = frontier(p[1], p[2])
    return float(0.5 * (path.mean[0] + path.mean[-1]))


def _target(p: Problem) -> Floats:
    return frontier(p[1], p[2]).at_return(_wanted(p)).weights


def _sharpe(p: Problem) -> Floats:
    return frontier(p[1], p[2]).maximum_sharpe().weights


def _tree(p: Problem) -> Floats:
    return hierarchical_risk_parity(p[2]).weights


def _equal(p: Problem) -> Floats:
    return risk_budgets(p[2]).weights


def _pyp(most: float, kind: str) -> Callable[[Problem], Floats]:
    def made(p: Problem) -> Floats:
        from pypfopt import EfficientFrontier

        ef: Any = EfficientFrontier(
            p[1], p[2], weight_bounds=(0.0, most), solver="OSQP", solver_options=TIGHT
        )
        if kind == "v":
            ef.min_volatility()
        elif kind == "r":
            ef.efficient_return(_wanted(p))
        else:
            ef.max_sharpe(risk_free_rate=0.0)
        return np.asarray(ef.weights, np.float64)

    return made


def _pyp_tree(p: Problem) -> Floats:
    import pandas as pd
    from pypfopt import HRPOpt

    held = HRPOpt(pd.DataFrame(p[0])).optimize("single")
    return np.array([held[k] for k in range(len(p[1]))])


def _sk_equal(scale: float) -> Callable[[Problem], Floats]:
    def made(p: Problem) -> Floats:
        from skfolio.optimization import RiskBudgeting

        exact = {"tol_gap_abs": 1e-14, "tol_gap_rel": 1e-14, "tol_feas": 1e-14}
        model = RiskBudgeting(solver_params=exact, scale_objective=scale)
        return np.asarray(model.fit(p[0]).weights_, np.float64)

    return made


def _rf_equal(p: Problem) -> Floats:
    import pandas as pd
    import riskfolio

    port: Any = riskfolio.Portfolio(returns=pd.DataFrame(p[0]))
    port.assets_stats(method_mu="hist", method_cov="hist")
    port.solvers = ["CLARABEL"]
    port.sol_params = {"CLARABEL": {"tol_gap_abs": 1e-14, "tol_gap_rel": 1e-14}}
    return np.asarray(port.rp_optimization(model="Classic", rm="MV", rf=0), np.float64).ravel()
