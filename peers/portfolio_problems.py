"""What the portfolio comparisons share: drawn problems, and how a line is made of their answers."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from crossmargin.core.arrays import Floats
from peers.report import Line, compared

__all__ = ["AVERSION", "EXACT", "SOLVED", "Problem", "answers", "drawn", "line"]

SIZES = (4, 10, 30)
DAYS = 400
AVERSION = 8.0  # of a utility: mean - aversion / 2 x variance
# Asked of the peers' interior point; with its own 1e-8 it stops early on daily variances.
EXACT: dict[str, float] = {"tol_gap_abs": 1e-14, "tol_gap_rel": 1e-14, "tol_feas": 1e-14}
SOLVED = "the peer's solver asked for 1e-12 or closer"


class Problem(NamedTuple):
    """``returns [T, n]`` of a day, their ``mean [n]`` and ``covariance [n, n]``; ``held [n]``
    weights of sum 1 and the ``cost [n]`` of a unit of weight traded."""

    returns: Floats
    mean: Floats
    covariance: Floats
    held: Floats
    cost: Floats

    @property
    def names(self) -> list[str]:
        """A name for each asset, in order."""
        return [f"A{k:02d}" for k in range(len(self.mean))]

    def frame(self) -> Any:
        """The returns as the peers take them."""
        import pandas as pd

        return pd.DataFrame(self.returns, columns=self.names)


def drawn(sizes: Sequence[int] = SIZES) -> list[Problem]:
    """Daily returns of three common factors and noise, with a drift that is worth choosing by."""
    out = []
    for n in sizes:
        rng = np.random.default_rng(n)
        load = rng.normal(size=(n, 3))
        returns = 0.01 * (rng.normal(size=(DAYS, 3)) @ load.T + rng.normal(size=(DAYS, n)))
        returns += rng.uniform(0.0005, 0.002, n)
        held = rng.uniform(0.0, 1.0, n)
        out.append(
            Problem(
                returns,
                returns.mean(axis=0),
                np.cov(returns, rowvar=False),
                held / held.sum(),
                rng.uniform(0.0002, 0.003, n),
            )
        )
    return out


Answer = Callable[[Problem], Floats]


def answers(problems: Sequence[Problem], of: Answer) -> Floats:
    """All figures of all problems, one behind the other."""
    # Asked for more than a double holds, they warn that they came to less; one sets filters itself.
    with warnings.catch_warnings(record=True):
        return np.concatenate([np.ravel(of(problem)) for problem in problems])


def line(
    comparison: str,
    peer: str,
    what: str,
    problems: Sequence[Problem],
    ours: Answer,
    theirs: Answer,
    *,
    tolerance: float = 1e-5,
    least: float = 1.0,
    expected: str = "agrees",
    reason: str = SOLVED,
) -> Line:
    """One line; differences of weights are absolute (``least`` 1), of figures relative (0)."""
    return compared(
        comparison,
        peer,
        what,
        answers(problems, ours),
        answers(problems, theirs),
        tolerance=tolerance,
        least=least,
        expected=expected,
        reason=reason,
    )
