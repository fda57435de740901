"""Least expected shortfall and least worst loss beside the peers: values, then weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.decisions.shortfall import minimum_shortfall, minimum_worst_loss
from peers.portfolio_problems import EXACT, SOLVED, Answer, Problem, drawn, line
from peers.portfolios import riskfolio_of, sk_fit
from peers.report import Line

__all__ = ["lines", "shortfall_of"]

COMPARISON = "Expected shortfall and worst loss"
LEVELS = (0.95, 0.9437)  # 20 of 400 scenarios, and a part of one


def lines() -> list[Line]:
    """Of each peer's weights the exact shortfall beside the least one, relative; then weights."""
    problems = drawn()
    out = []
    for what, ours, every in _CASES:
        for peer, theirs in every.items():
            out.append(
                line(COMPARISON, peer, f"{what}: of its weights", problems, _risks(ours),
                     _risks(theirs), tolerance=1e-8, least=0.0, reason=SOLVED)
            )  # fmt: skip
            out.append(line(COMPARISON, peer, f"{what}: weights", problems, ours, theirs))
    return out


def shortfall_of(returns: Floats, weights: Floats, level: float) -> float:
    """Mean loss of the worst ``1 - level`` of the scenarios, the last of them in part."""
    losses = np.sort(-(returns @ weights))[::-1]
    tail = round(len(losses) * (1.0 - level), 9)
    share = np.clip(tail - np.arange(len(losses)), 0.0, 1.0)
    return float(share @ losses / tail)


def _risks(weights: Answer) -> Answer:
    """At both levels, and the worst loss, of stacked weights."""

    def made(p: Problem) -> Floats:
        rows = weights(p).reshape(-1, len(p.mean))
        if len(rows) == 1:
            return -(p.returns @ rows[0]).min(keepdims=True)
        pairs = zip(rows, LEVELS, strict=True)
        return np.array([shortfall_of(p.returns, row, level) for row, level in pairs])

    return made


def _wanted(p: Problem, level: float) -> float:
    return 0.5 * (minimum_shortfall(p.returns, level).mean + float(p.mean.max()))


def _ours(*, target: bool) -> Answer:
    def made(p: Problem) -> Floats:
        return np.concatenate(
            [
                minimum_shortfall(
                    p.returns, level, target=_wanted(p, level) if target else None
                ).weights
                for level in LEVELS
            ]
        )

    return made


def _pyp(*, target: bool) -> Answer:
    def made(p: Problem) -> Floats:
        from pypfopt import EfficientCVaR

        out = []
        for level in LEVELS:
            ef: Any = EfficientCVaR(
                p.mean, p.frame(), beta=level, solver="CLARABEL", solver_options=EXACT
            )
            if target:
                ef.efficient_return(_wanted(p, level))
            else:
                ef.min_cvar()
            out.append(np.asarray(ef.weights, np.float64))
        return np.concatenate(out)

    return made


def _sk(*, target: bool) -> Answer:
    def made(p: Problem) -> Floats:
        out = []
        for level in LEVELS:
            more = {"min_return": _wanted(p, level)} if target else {}
            out.append(sk_fit(p, measure="CVAR", cvar_beta=level, **more))
        return np.concatenate(out)

    return made


def _rf(*, target: bool) -> Answer:
    def made(p: Problem) -> Floats:
        out = []
        for level in LEVELS:
            port = riskfolio_of(p, alpha=1.0 - level)
            if target:
                port.lowerret = _wanted(p, level)
            found = port.optimization(obj="MinRisk", rm="CVaR")
            out.append(np.asarray(found, np.float64).ravel())
        return np.concatenate(out)

    return made


def _rf_worst(p: Problem) -> Floats:
    found = riskfolio_of(p).optimization(obj="MinRisk", rm="WR")
    return np.asarray(found, np.float64).ravel()


def _shortfalls(*, target: bool) -> dict[str, Answer]:
    return {
        "PyPortfolioOpt": _pyp(target=target),
        "skfolio": _sk(target=target),
        "Riskfolio-Lib": _rf(target=target),
    }


_NAME = " and ".join(f"{100 * level:g} %" for level in LEVELS)
_CASES: tuple[tuple[str, Answer, dict[str, Answer]], ...] = (
    (f"least expected shortfall at {_NAME}", _ours(target=False), _shortfalls(target=False)),
    ("the same at a target return", _ours(target=True), _shortfalls(target=True)),
    (
        "least worst loss",
        lambda p: minimum_worst_loss(p.returns).weights,
        {
            "skfolio": lambda p: sk_fit(p, measure="WORST_REALIZATION"),
            "Riskfolio-Lib": _rf_worst,
        },
    ),
)
