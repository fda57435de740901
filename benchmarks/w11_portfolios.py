"""W11: decisions: 2,000 points of an efficient frontier, from moments to weights.

The problem is OR-Library's port4, read in place; without the file it is a drawn one of the same 98
assets, and the case says so. Ours, and the critical line of PyPortfolioOpt, give all points in one
go. Where a peer solves a programme a point, the turns have a share of its points, and one run of
all of them stands beside.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.machine import Limits
from benchmarks.peers import Result, attempt
from benchmarks.report import Measure, Report, WrongValue
from benchmarks.timing import OURS, Candidate, Settings, interleaved, one_processor
from crossmargin.decisions.mean_variance import Frontier, frontier

__all__ = ["Problem", "check", "drawn", "problem_of", "run"]

Floats = npt.NDArray[np.float64]
POINTS, FEW, QUICK = 2000, 100, 10
ASSETS = 98
FILE = Path("orlib") / "port4.txt"
PRINTED = Path("orlib") / "portef4.txt"
LINE = "PyPortfolioOpt, its critical line"
EACH, SK = "PyPortfolioOpt, a programme a point", "skfolio, a programme a point"
ROUNDING = 5e-6  # of the printed frontier, relative in variance


class Problem(NamedTuple):
    """``mean [n]``, ``covariance [n, n]``; ``printed``: returns and variances, where there are."""

    name: str
    mean: Floats
    covariance: Floats
    printed: Floats | None


def problem_of(vectors: Path) -> Problem:
    """The recorded problem, or a drawn one where the folder has none."""
    if not (vectors / FILE).is_file():
        return drawn()
    numbers = np.array((vectors / FILE).read_text("utf-8").split(), np.float64)
    n = int(numbers[0])
    mean, deviation = numbers[1 : 1 + 2 * n].reshape(n, 2).T
    rows = numbers[1 + 2 * n :].reshape(-1, 3)
    i, j = rows[:, 0].astype(int) - 1, rows[:, 1].astype(int) - 1
    covariance = np.zeros((n, n))
    covariance[i, j] = covariance[j, i] = rows[:, 2] * deviation[i] * deviation[j]
    there = (vectors / PRINTED).is_file()
    text = (vectors / PRINTED).read_text("utf-8") if there else ""
    printed = np.array(text.split(), np.float64).reshape(-1, 2).T if there else None
    return Problem("OR-Library port4", mean, covariance, printed)


def drawn() -> Problem:
    """Weekly returns of as many shares as port4 has: three factors and noise, from a seed."""
    rng = np.random.default_rng(4)
    load = rng.normal(size=(ASSETS, 3))
    returns = 0.01 * rng.normal(size=(290, 3)) @ load.T + 0.03 * rng.normal(size=(290, ASSETS))
    mean = rng.normal(0.003, 0.002, ASSETS)
    return Problem("a drawn problem (no port4 here)", mean, np.cov(returns, rowvar=False), None)


def check(problem: Problem, path: Frontier) -> None:
    """The conditions of an optimum at 50 points, by the numbers alone; then what is printed.

    At an optimum ``S w - price m`` is one number for all that is held and no less elsewhere.
    """
    mean, s = problem.mean, problem.covariance
    for target in np.linspace(path.mean[-1], path.mean[0], 50):
        found = path.at_return(float(target))
        w = found.weights
        slope = s @ w - found.price * mean
        held = w > 1e-12
        level = float(slope[held].mean())
        gaps = (
            abs(float(w.sum()) - 1.0),
            -float(w.min()),
            abs(float(mean @ w) / float(target) - 1.0),
            abs(float(w @ s @ w) / found.variance - 1.0),
            (float(np.abs(slope[held] - level).max())) / float(s.max()),
            (level - float(slope.min())) / float(s.max()),
        )
        if not max(gaps) <= 1e-9:
            raise WrongValue(f"W11: {problem.name} at {target:g}: off by {max(gaps):g}")
    if problem.printed is not None:
        target, stated = problem.printed
        variance, _ = path.at_returns(np.clip(target, path.mean[-1], path.mean[0]))
        worst = float(np.abs(variance / stated - 1.0).max())
        if not worst <= ROUNDING:
            raise WrongValue(f"W11: {problem.name}: {worst:g} from the printed variances")


def run(report: Report, settings: Settings, limits: Limits) -> None:
    """Points a second in turns; then every point once; then whether ours is the faster."""
    del limits
    problem = problem_of(settings.vectors)
    path = frontier(problem.mean, problem.covariance)
    check(problem, path)
    points, few = settings.size(POINTS, 200), settings.size(FEW, QUICK)
    case = f"{problem.name}, {len(problem.mean)} assets, {points} points"
    with one_processor():
        every = [
            Candidate(OURS, lambda: _ours(problem, points), float(points), 0.0),
            *_peers(problem, path, points, few),
        ]
        _ours(problem, points)
        timings = interleaved(every, replace(settings, seconds=3.0 * settings.seconds))
        shown = f"{case}; {few} where each is a programme"
        rates = report.compare("W11", shown, "points/s", timings, every, scale=1.0)
        for name in (LINE, EACH, SK):
            times = rates[OURS] / rates[name] if name in rates else None
            report.goal("W11", f"{case}: against {name}", 1.0, times, "×")
        if not settings.quick:
            _whole(report, problem, case, path, points, timings[OURS].cpu_s)


def _whole(
    report: Report, problem: Problem, case: str, path: Frontier, points: int, ours_s: float
) -> None:
    """One run of all points of each peer that solves a programme a point."""
    for name, make in ((EACH, _pyp_each), (SK, _sk)):
        busy, now = time.process_time(), time.perf_counter()
        peer = attempt(
            name,
            lambda make=make: make(problem, path, points),
            points,
            lambda values: _above(path, values),
        )
        if peer.failure:
            report.measures.append(
                Measure("W11", f"{case}, all of them once", name, "s", note=peer.failure)
            )
            continue
        wall, cpu = time.perf_counter() - now, time.process_time() - busy
        report.measures.append(
            Measure(
                "W11", f"{case}, all of them once", name, "s", wall, wall, cpu, 1,
                times_slower=cpu / ours_s, error=peer.error,
            )
        )  # fmt: skip


def _peers(problem: Problem, path: Frontier, points: int, few: int) -> list[Candidate]:
    def error_of(values: Floats) -> float:
        return _above(path, values)

    return [
        # it gives some points fewer than it is asked for; its rate is that of what was asked
        attempt(LINE, lambda: _pyp_line(problem, path, points), float(points), error_of),
        attempt(EACH, lambda: _pyp_each(problem, path, few), float(few), error_of),
        attempt(SK, lambda: _sk(problem, path, few), float(few), error_of),
    ]


def _above(path: Frontier, values: Floats) -> float:
    """Of ``[2, K]`` returns and variances: the largest relative distance from the frontier."""
    mean, variance = values
    least, _ = path.at_returns(np.clip(mean, path.mean[-1], path.mean[0]))
    return float(np.abs(variance / least - 1.0).max())


def _ours(problem: Problem, points: int) -> Floats:
    mean, variance, _ = frontier(problem.mean, problem.covariance).sample(points)
    return np.stack([mean, variance])


def _of_weights(problem: Problem, weights: Floats) -> Floats:
    variance = np.einsum("ki,ki->k", weights @ problem.covariance, weights)
    return np.stack([weights @ problem.mean, variance])


def _pyp_line(problem: Problem, path: Frontier, points: int) -> Result:
    del path
    from pypfopt import CLA

    def made() -> Floats:
        line: Any = CLA(problem.mean, problem.covariance)
        mean, deviation, _ = line.efficient_frontier(points=points)
        return np.stack([np.array(mean), np.array(deviation) ** 2])

    return made


def _targets(path: Frontier, points: int) -> Sequence[float]:
    """Within the frontier, from the least variance on."""
    inside = np.linspace(float(path.mean[-1]), float(path.mean[0]), points + 2)[1:-1]
    return inside.tolist()


def _pyp_each(problem: Problem, path: Frontier, points: int) -> Result:
    """One model, asked again and again: it is compiled once. Its own solver ends without an answer
    on this problem, so it is given Clarabel."""
    from pypfopt import EfficientFrontier

    targets = _targets(path, points)

    def made() -> Floats:
        model: Any = EfficientFrontier(problem.mean, problem.covariance, solver="CLARABEL")
        found = []
        for target in targets:
            model.efficient_return(target)
            found.append(model.weights)
        return _of_weights(problem, np.array(found))

    return made


def _sk(problem: Problem, path: Frontier, points: int) -> Result:
    """Its own call for a frontier, on given moments."""
    del path
    from skfolio.optimization import MeanRisk
    from skfolio.prior import BasePrior, ReturnDistribution

    class Given(BasePrior):
        """The moments as they are."""

        def __init__(self) -> None:
            pass

        def fit(self, X: Floats, y: None = None, **_: object) -> Given:  # noqa: ARG002 - the peer's
            self.return_distribution_ = ReturnDistribution(
                mu=problem.mean, covariance=problem.covariance, returns=np.asarray(X)
            )
            return self

    returns = np.random.default_rng(0).normal(0.0, 0.01, (200, len(problem.mean)))

    def made() -> Floats:
        model: Any = MeanRisk(efficient_frontier_size=points, prior_estimator=Given())
        return _of_weights(problem, np.asarray(model.fit(returns).weights_, np.float64))

    return made
