"""Black-Litterman beside PyPortfolioOpt, skfolio and Riskfolio-Lib: posterior and weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.decisions.black_litterman import Posterior, black_litterman
from crossmargin.decisions.mean_variance import frontier
from peers.portfolio_problems import AVERSION, DAYS, Answer, Problem, drawn, line
from peers.portfolios import riskfolio_of, sk_fit
from peers.report import Line

__all__ = ["lines"]

COMPARISON = "Views (Black-Litterman)"
MARKET = 3.0  # risk aversion of the market
TAU = 0.05
QS = (0.001, 0.0004, 0.002)  # first asset; second over third; fourth
_PRIOR = (
    "the peer's weights are best under the covariance before the views, ours under that of the "
    "returns to come, which is larger by the doubt about their mean. With the former, in the next "
    "line, all agree"
)
_TAU = f"the peer takes one over the number of returns for tau, here 1/{DAYS}; so does ours here"


def lines() -> list[Line]:
    """Means and covariances relative, weights absolute."""
    drawn_ones = drawn()

    def one(what: str, peer: str, ours: Answer, theirs: Answer, **rule: Any) -> Line:
        return line(COMPARISON, peer, what, drawn_ones, ours, theirs, **rule)

    exact: dict[str, Any] = {"tolerance": 1e-10, "least": 0.0, "reason": ""}
    said = {**exact, "reason": _TAU}
    free = "weights without limits, of sum 1"
    return [
        one("mean after the views", "PyPortfolioOpt", _mean(TAU), _pyp("mean"), **exact),
        one("covariance after the views", "PyPortfolioOpt", _cov(TAU), _pyp("covariance"), **exact),
        one(free, "PyPortfolioOpt", _free, _pyp("weights"), expected="differs", reason=_PRIOR,
            tolerance=1e-6),
        one(f"{free}, ours under the covariance before them", "PyPortfolioOpt", _free_before,
            _pyp("weights"), tolerance=1e-10, reason=""),
        one("mean after the views", "skfolio", _mean(TAU), _sk("mu"), **exact),
        one("covariance after the views", "skfolio", _cov(TAU), _sk("covariance"), **exact),
        one("weights, long only, by utility", "skfolio", _utility(TAU), _sk_utility),
        one("mean after the views", "Riskfolio-Lib", _mean(1 / DAYS), _rf("mu_bl"), **said),
        one("covariance after the views", "Riskfolio-Lib", _cov(1 / DAYS), _rf("cov_bl"), **said),
        one("weights, long only, by utility", "Riskfolio-Lib", _utility(1 / DAYS), _rf("weights")),
    ]  # fmt: skip


def _market(p: Problem) -> Floats:
    return p.held


def _views(p: Problem) -> Floats:
    views = np.zeros((3, len(p.mean)))
    views[0, 0] = views[1, 1] = views[2, 3] = 1.0
    views[1, 2] = -1.0
    return views


def _after(p: Problem, tau: float) -> Posterior:
    return black_litterman(_market(p), p.covariance, _views(p), QS, aversion=MARKET, tau=tau)


def _mean(tau: float) -> Answer:
    return lambda p: _after(p, tau).mean


def _cov(tau: float) -> Answer:
    return lambda p: _after(p, tau).covariance


def _free(p: Problem) -> Floats:
    weights = _after(p, TAU).weights
    return weights / weights.sum()


def _free_before(p: Problem) -> Floats:
    weights = np.linalg.solve(MARKET * p.covariance, _after(p, TAU).mean)
    return np.asarray(weights / weights.sum())


def _utility(tau: float) -> Answer:
    def made(p: Problem) -> Floats:
        after = _after(p, tau)
        return frontier(after.mean, after.covariance).at_utility(AVERSION).weights

    return made


def _pyp(what: str) -> Answer:
    def made(p: Problem) -> Floats:
        import pandas as pd
        from pypfopt import BlackLittermanModel

        before = _after(p, TAU).equilibrium
        model: Any = BlackLittermanModel(
            pd.DataFrame(p.covariance, p.names, p.names),
            pi=before, P=_views(p), Q=np.array(QS), tau=TAU, risk_aversion=MARKET,
        )  # fmt: skip
        if what == "mean":
            return np.asarray(model.bl_returns(), np.float64)
        if what == "covariance":
            return np.asarray(model.bl_cov(), np.float64)
        held = model.bl_weights()
        return np.array([held[name] for name in p.names])

    return made


def _sk_prior(p: Problem) -> Any:
    from skfolio.moments import EquilibriumMu
    from skfolio.prior import BlackLitterman, EmpiricalPrior

    a, b, c, d = p.names[:4]
    said = [f"{a} == {QS[0]!r}", f"{b} - {c} == {QS[1]!r}", f"{d} == {QS[2]!r}"]
    market = EquilibriumMu(risk_aversion=MARKET, weights=_market(p))
    return BlackLitterman(said, tau=TAU, prior_estimator=EmpiricalPrior(mu_estimator=market))


def _sk(what: str) -> Answer:
    def made(p: Problem) -> Floats:
        found = _sk_prior(p).fit(p.frame()).return_distribution_
        return np.asarray(getattr(found, what), np.float64)

    return made


def _sk_utility(p: Problem) -> Floats:
    return sk_fit(
        p, kind="MAXIMIZE_UTILITY", risk_aversion=0.5 * AVERSION, prior_estimator=_sk_prior(p)
    )


def _rf(what: str) -> Answer:
    def made(p: Problem) -> Floats:
        import pandas as pd

        port = riskfolio_of(p)
        market = pd.DataFrame(_market(p), index=p.names)
        returns = np.array(QS)[:, None]
        port.blacklitterman_stats(P=_views(p), Q=returns, delta=MARKET, rf=0, w=market, eq=True)
        if what != "weights":
            return np.asarray(getattr(port, what), np.float64)
        found = port.optimization(model="BL", rm="MV", obj="Utility", l=0.5 * AVERSION, hist=False)
        return np.asarray(found, np.float64).ravel()

    return made
