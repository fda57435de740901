"""Risk shared out, and by a tree: beside skfolio, Riskfolio-Lib and PyPortfolioOpt."""

from __future__ import annotations

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.decisions.hierarchical import LINKAGES, hierarchical_risk_parity, split_weights
from crossmargin.decisions.risk_parity import maximum_diversification, risk_budgets
from peers.portfolio_problems import EXACT, Answer, Problem, drawn, line
from peers.portfolios import riskfolio_of
from peers.report import Line

__all__ = ["lines"]

COMPARISON = "Risk parity"
_UNSCALED = (
    "the peer's solver stops early on an objective as small as a daily variance. With its "
    "objective scaled, in the next line, all agree"
)
_TURNED = (
    "a tree leaves open which branch of a fork comes first. Ours takes the order in which it was "
    "built, as the paper does; the peer turns the forks so that neighbours are near. "
)
_THEIRS = "In the next line, with the peer's order of leaves, all agree"
_ASKED = "Asked not to, in the line above, all agree"


def lines() -> list[Line]:
    """Weights; the difference is absolute (least = 1)."""
    drawn_ones = drawn()

    def one(what: str, peer: str, ours: Answer, theirs: Answer, why: str = "") -> Line:
        if why:
            return line(
                COMPARISON, peer, what, drawn_ones, ours, theirs, expected="differs", reason=why,
                tolerance=1e-7,
            )  # fmt: skip
        rule = {"reason": "", "tolerance": 1e-12} if ours in (_trees, _turned) else {}
        return line(COMPARISON, peer, what, drawn_ones, ours, theirs, **rule)

    equal, budgets = "equal risk contribution", "budgets of risk of 1, 2, 3, ..."
    scaled = ", objective scaled by 10,000"
    tree = f"hierarchical risk parity, linkages {', '.join(LINKAGES)}"
    return [
        one(equal, "skfolio", _equal, _sk_budgets(1.0, rising=False), _UNSCALED),
        one(f"{equal}{scaled}", "skfolio", _equal, _sk_budgets(1e4, rising=False)),
        one(equal, "Riskfolio-Lib", _equal, _rf_budgets(rising=False)),
        one(f"{budgets}{scaled}", "skfolio", _rising, _sk_budgets(1e4, rising=True)),
        one(budgets, "Riskfolio-Lib", _rising, _rf_budgets(rising=True)),
        one("maximum diversification", "skfolio", _diverse, _sk_diverse),
        one(tree, "PyPortfolioOpt", _trees, _pyp_trees),
        one(f"{tree}, leaves as they come", "Riskfolio-Lib", _trees, _rf_trees(turned=False)),
        one(tree, "Riskfolio-Lib", _trees, _rf_trees(turned=True), _TURNED + _ASKED),
        one(tree, "skfolio", _trees, _sk_trees, _TURNED + _THEIRS),
        one(f"{tree}, ours in the peer's order", "skfolio", _turned, _sk_trees),
    ]  # fmt: skip


def _ladder(p: Problem) -> Floats:
    steps = np.arange(1.0, len(p.mean) + 1.0)
    return steps / steps.sum()


def _equal(p: Problem) -> Floats:
    return risk_budgets(p.covariance).weights


def _rising(p: Problem) -> Floats:
    return risk_budgets(p.covariance, _ladder(p)).weights


def _diverse(p: Problem) -> Floats:
    return maximum_diversification(p.covariance).weights


def _trees(p: Problem) -> Floats:
    return np.concatenate([hierarchical_risk_parity(p.covariance, own).weights for own in LINKAGES])


def _turned(p: Problem) -> Floats:
    """Our halving of the leaves in the order that SciPy turns them to, which the peer takes."""
    from scipy.cluster import hierarchy
    from scipy.spatial.distance import squareform

    gap = np.sqrt(0.5 * (1.0 - np.corrcoef(p.returns, rowvar=False)))
    np.fill_diagonal(gap, 0.0)
    near = squareform(gap, checks=False)
    out = []
    for own in LINKAGES:
        tree = hierarchy.linkage(near, own, optimal_ordering=True)
        out.append(split_weights(p.covariance, hierarchy.leaves_list(tree).tolist()))
    return np.concatenate(out)


def _sk_budgets(scale: float, *, rising: bool) -> Answer:
    def made(p: Problem) -> Floats:
        from skfolio.optimization import RiskBudgeting

        model = RiskBudgeting(
            risk_budget=_ladder(p) if rising else None, solver_params=EXACT, scale_objective=scale
        )
        return np.asarray(model.fit(p.frame()).weights_, np.float64)

    return made


def _rf_budgets(*, rising: bool) -> Answer:
    def made(p: Problem) -> Floats:
        share = _ladder(p)[:, None] if rising else None
        found = riskfolio_of(p).rp_optimization(model="Classic", rm="MV", rf=0, b=share)
        return np.asarray(found, np.float64).ravel()

    return made


def _sk_diverse(p: Problem) -> Floats:
    from skfolio.optimization import MaximumDiversification

    model = MaximumDiversification(solver_params=EXACT)
    return np.asarray(model.fit(p.frame()).weights_, np.float64)


def _pyp_trees(p: Problem) -> Floats:
    from pypfopt import HRPOpt

    every = [HRPOpt(p.frame()).optimize(own) for own in LINKAGES]
    return np.array([held[name] for held in every for name in p.names])


def _rf_trees(*, turned: bool) -> Answer:
    def made(p: Problem) -> Floats:
        import riskfolio

        out = []
        for own in LINKAGES:
            found = riskfolio.HCPortfolio(returns=p.frame()).optimization(
                model="HRP", codependence="pearson", rm="MV", linkage=own, leaf_order=turned
            )
            out.append(np.asarray(found.loc[p.names], np.float64).ravel())
        return np.concatenate(out)

    return made


def _sk_trees(p: Problem) -> Floats:
    from skfolio.cluster import HierarchicalClustering, LinkageMethod
    from skfolio.optimization import HierarchicalRiskParity

    out = []
    for own in LINKAGES:
        grown = HierarchicalClustering(linkage_method=LinkageMethod(own))
        model = HierarchicalRiskParity(hierarchical_clustering_estimator=grown)
        out.append(np.asarray(model.fit(p.frame()).weights_, np.float64))
    return np.concatenate(out)
