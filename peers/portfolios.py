"""Mean and variance beside PyPortfolioOpt, skfolio, Riskfolio-Lib and cvxportfolio."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.decisions.mean_variance import frontier, minimum_variance
from crossmargin.decisions.weight_limits import weight_limits
from peers.portfolio_policies import objective, traded
from peers.portfolio_problems import AVERSION, EXACT, SOLVED, Answer, Problem, drawn, line
from peers.report import Line

__all__ = ["lines", "riskfolio_of", "sk_fit"]

COMPARISON = "Mean and variance"
MOST = 0.4  # the upper bound of the bounded problems
FREE = 0.0001  # the risk-free return of a day
TIGHT = {"eps_abs": 1e-12, "eps_rel": 1e-12, "max_iter": 400_000}  # OSQP's own default: 1e-3
_EARLY = (
    "its solver's default accuracy stops early on numbers as small as a daily variance. "
    "Asked for more, in the lines above, all agree"
)
_SMALL = "what the early stop costs: the variance is above the least one by so much"


def lines() -> list[Line]:
    """Weights problem by problem, differences absolute; variances relative."""
    problems = drawn()
    out = [
        line(COMPARISON, peer, what, problems, ours, theirs, reason=_reason(what))
        for what, ours, every in _WEIGHTS
        for peer, theirs in every.items()
    ]
    for peer, theirs in _INSTALLED.items():
        what = "minimum variance, long only, its solver as installed"
        exact = peer == "PyPortfolioOpt"
        out.append(
            line(COMPARISON, peer, f"{what}: weights", problems, _least, theirs, tolerance=1e-7,
                 expected="agrees" if exact else "differs", reason="" if exact else _EARLY)
        )  # fmt: skip
        out.append(
            line(COMPARISON, peer, f"{what}: variance", problems, _variance(_least),
                 _variance(theirs), tolerance=1e-5, least=0.0, reason="" if exact else _SMALL)
        )  # fmt: skip
    for what, peer, points in _FRONTIERS:
        out.append(
            line(COMPARISON, peer, what, problems, _at_their_returns(points),
                 lambda p, points=points: points(p)[1], tolerance=1e-6, least=0.0,
                 reason=_reason(what))
        )  # fmt: skip
    return out


def _reason(what: str) -> str:
    """A critical line is no iterative solver."""
    return "" if "critical line" in what else SOLVED


# --- ours --------------------------------------------------------------------------------------


def _least(p: Problem) -> Floats:
    return minimum_variance(p.covariance).weights


def _bounded(p: Problem) -> Floats:
    return minimum_variance(p.covariance, weight_limits(len(p.mean), high=MOST)).weights


def _wanted(p: Problem) -> float:
    path = frontier(p.mean, p.covariance)
    return float(0.5 * (path.mean[0] + path.mean[-1]))


def _target(p: Problem) -> Floats:
    return frontier(p.mean, p.covariance).at_return(_wanted(p)).weights


def _sharpe(p: Problem) -> Floats:
    return frontier(p.mean, p.covariance).maximum_sharpe(FREE).weights


def _utility(p: Problem) -> Floats:
    return frontier(p.mean, p.covariance).at_utility(AVERSION).weights


def _variance(weights: Answer) -> Answer:
    def made(p: Problem) -> Floats:
        w = weights(p)
        return np.array([w @ p.covariance @ w])

    return made


Points = Callable[[Problem], tuple[Floats, Floats]]  # returns and variances of a frontier


def _at_their_returns(points: Points) -> Answer:
    return lambda p: frontier(p.mean, p.covariance).at_returns(points(p)[0])[0]


# --- PyPortfolioOpt ----------------------------------------------------------------------------


def _pyp(kind: str, most: float = 1.0, *, exact: bool = True) -> Answer:
    def made(p: Problem) -> Floats:
        from pypfopt import EfficientFrontier

        asked = {"solver": "OSQP", "solver_options": TIGHT} if exact else {}
        ef: Any = EfficientFrontier(p.mean, p.covariance, weight_bounds=(0.0, most), **asked)
        if kind == "least":
            ef.min_volatility()
        elif kind == "target":
            ef.efficient_return(_wanted(p))
        elif kind == "utility":
            ef.max_quadratic_utility(risk_aversion=AVERSION)
        else:
            ef.max_sharpe(risk_free_rate=FREE)
        return np.asarray(ef.weights, np.float64)

    return made


def _pyp_line(kind: str) -> Answer:
    """Its own critical line algorithm."""

    def made(p: Problem) -> Floats:
        from pypfopt import CLA

        cla: Any = CLA(p.mean - (FREE if kind == "sharpe" else 0.0), p.covariance)
        cla.min_volatility() if kind == "least" else cla.max_sharpe()
        return np.asarray(cla.weights, np.float64).ravel()

    return made


def _pyp_points(p: Problem) -> tuple[Floats, Floats]:
    from pypfopt import CLA

    cla: Any = CLA(p.mean, p.covariance)
    mean, deviation, _ = cla.efficient_frontier(points=200)
    return np.array(mean), np.array(deviation) ** 2


# --- skfolio -----------------------------------------------------------------------------------


def sk_fit(p: Problem, *, exact: bool = True, **options: Any) -> Floats:
    """Weights of skfolio's MeanRisk; ``kind`` names its objective, ``measure`` its risk."""
    from skfolio import RiskMeasure
    from skfolio.optimization import MeanRisk, ObjectiveFunction

    kind = ObjectiveFunction[options.pop("kind", "MINIMIZE_RISK")]
    measure = RiskMeasure[options.pop("measure", "VARIANCE")]
    if exact:
        options["solver_params"] = EXACT
        if kind is ObjectiveFunction.MINIMIZE_RISK and measure is RiskMeasure.VARIANCE:
            options["scale_objective"] = 1e4
    model = MeanRisk(objective_function=kind, risk_measure=measure, **options)
    return np.asarray(model.fit(p.frame()).weights_, np.float64)


def _sk(**options: Any) -> Answer:
    return lambda p: sk_fit(p, **options)


def _sk_points(p: Problem) -> tuple[Floats, Floats]:
    w = sk_fit(p, efficient_frontier_size=20)
    return w @ p.mean, np.einsum("ki,ij,kj->k", w, p.covariance, w)


# --- Riskfolio-Lib -----------------------------------------------------------------------------


def riskfolio_of(p: Problem, **options: Any) -> Any:
    """Its portfolio with the sample's moments and an exact solver."""
    import riskfolio

    port: Any = riskfolio.Portfolio(returns=p.frame(), **options)
    port.assets_stats(method_mu="hist", method_cov="hist")
    port.solvers = ["CLARABEL"]
    port.sol_params = {"CLARABEL": EXACT}
    return port


def _rf(kind: str, most: float = 1.0, *, target: bool = False, exact: bool = True) -> Answer:
    def made(p: Problem) -> Floats:
        port = riskfolio_of(p, uppersht=0.0, upperlng=most)
        if not exact:
            port.sol_params = {}
        if target:
            port.lowerret = _wanted(p)
        w = port.optimization(obj=kind, rm="MV", rf=FREE, l=0.5 * AVERSION)
        return np.asarray(w, np.float64).ravel()

    return made


def _rf_points(p: Problem) -> tuple[Floats, Floats]:
    w = np.asarray(riskfolio_of(p).efficient_frontier(rm="MV", points=20), np.float64).T
    return w @ p.mean, np.einsum("ki,ij,kj->k", w, p.covariance, w)


# --- cvxportfolio ------------------------------------------------------------------------------


def _cvx(aversion: float, most: float = 1.0, *, mean: bool = True) -> Answer:
    def made(p: Problem) -> Floats:
        import cvxportfolio as cvx

        asked = p if mean else p._replace(mean=np.zeros(len(p.mean)))
        limits = [cvx.LongOnly(), cvx.NoCash(), cvx.MaxWeights(most)]
        return traded(asked, objective(asked, aversion), limits)

    return made


_RATIO: dict[str, Any] = {"kind": "MAXIMIZE_RATIO", "risk_free_rate": FREE}
_GAIN: dict[str, Any] = {"kind": "MAXIMIZE_UTILITY", "risk_aversion": 0.5 * AVERSION}
_WEIGHTS: tuple[tuple[str, Answer, dict[str, Answer]], ...] = (
    (
        "minimum variance, long only",
        _least,
        {
            "PyPortfolioOpt": _pyp("least"),
            "skfolio": _sk(),
            "Riskfolio-Lib": _rf("MinRisk"),
            "cvxportfolio": _cvx(2e4, mean=False),
        },
    ),
    (
        "minimum variance, long only, its critical line",
        _least,
        {"PyPortfolioOpt": _pyp_line("least")},
    ),
    (
        f"minimum variance, at most {MOST:g} each",
        _bounded,
        {
            "PyPortfolioOpt": _pyp("least", MOST),
            "skfolio": _sk(max_weights=MOST),
            "Riskfolio-Lib": _rf("MinRisk", MOST),
            "cvxportfolio": _cvx(2e4, MOST, mean=False),
        },
    ),
    (
        "least variance at a target return",
        _target,
        {
            "PyPortfolioOpt": _pyp("target"),
            "skfolio": lambda p: sk_fit(p, min_return=_wanted(p)),
            "Riskfolio-Lib": _rf("MinRisk", target=True),
        },
    ),
    (
        "maximum Sharpe ratio over a risk-free return",
        _sharpe,
        {
            "PyPortfolioOpt": _pyp("sharpe"),
            "skfolio": _sk(**_RATIO),
            "Riskfolio-Lib": _rf("Sharpe"),
        },
    ),
    ("maximum Sharpe ratio, its critical line", _sharpe, {"PyPortfolioOpt": _pyp_line("sharpe")}),
    (
        f"mean less {AVERSION / 2:g} variances",
        _utility,
        {
            "PyPortfolioOpt": _pyp("utility"),
            "skfolio": _sk(**_GAIN),
            "Riskfolio-Lib": _rf("Utility"),
            "cvxportfolio": _cvx(AVERSION),
        },
    ),
)  # fmt: skip
_INSTALLED: dict[str, Answer] = {
    "PyPortfolioOpt": _pyp("least", exact=False),
    "skfolio": _sk(exact=False),
    "Riskfolio-Lib": _rf("MinRisk", exact=False),
}
_FRONTIERS: tuple[tuple[str, str, Points], ...] = (
    ("frontier, 200 points of its critical line: variance at its returns", "PyPortfolioOpt",
     _pyp_points),
    ("frontier, 20 points: variance at its returns", "skfolio", _sk_points),
    ("frontier, 20 points: variance at its returns", "Riskfolio-Lib", _rf_points),
)  # fmt: skip
