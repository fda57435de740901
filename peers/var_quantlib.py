"""Quantiles beside QuantLib's risk statistics: value at risk, expected shortfall, moments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.statistics.closed_forms import normal
from crossmargin.statistics.moments import population_moments
from peers.report import Line, compared
from peers.samples import LEVELS, cases

__all__ = ["lines"]

COMPARISON = "Value at risk and expected shortfall of samples"
PEER = "QuantLib"
TOLERANCE = 1e-12
_NEXT = (
    "the tail holds a whole number of outcomes, but `1 - level` is a little more than that in "
    "binary, and QuantLib goes on to the next outcome, a smaller loss; ours takes whole numbers as "
    "whole. At a level lower by a millionth, in the next line, all agree"
)
_STRICT = (
    "QuantLib averages the outcomes strictly worse than the value at risk; ours takes in the one "
    "that is it (`outcomes`). Without it, in the next line, all agree"
)


def lines() -> list[Line]:
    """Both figures under our conventions and under QuantLib's, the normal ones, and moments."""
    import QuantLib

    every = cases(1)
    plain = [case for case in every if not case.whole]
    whole = [case for case in every if case.whole]
    value = [_statistics(QuantLib, case.pnl).valueAtRisk(case.level) for case in plain]
    value_whole = [_statistics(QuantLib, case.pnl).valueAtRisk(case.level) for case in whole]
    short = [_statistics(QuantLib, case.pnl).expectedShortfall(case.level) for case in every]
    return [
        _line("historical value at risk (`inverted_cdf`)", [c.value() for c in plain], value),
        _line("historical value at risk, a whole number in the tail",
              [c.value() for c in whole], value_whole, _NEXT),
        _line("historical value at risk, a whole number in the tail and the next outcome",
              [c.value(next_one=True) for c in whole], value_whole),
        _line("historical expected shortfall (`outcomes`)",
              [c.shortfall(next_one=c.whole) for c in every], short, _STRICT),
        _line("historical expected shortfall, mean of what is strictly worse",
              [c.beyond(next_one=c.whole) for c in every], short),
        *_normal(QuantLib, [case.pnl for case in every if case.level == LEVELS[0]]),
    ]  # fmt: skip


def _line(what: str, ours: Sequence[float], theirs: Sequence[float], reason: str = "") -> Line:
    """A line that differs where a reason is given."""
    expected = "differs" if reason else "agrees"
    return compared(
        COMPARISON, PEER, what, ours, theirs, tolerance=TOLERANCE, expected=expected, reason=reason
    )


def _statistics(library: Any, sample: Floats) -> Any:
    out = library.RiskStatistics()
    for profit in sample.tolist():
        out.add(profit)
    return out


def _normal(library: Any, samples: list[Floats]) -> list[Line]:
    """Normal figures of the sample's moments, and the moments themselves."""
    inverse, density = library.InverseCumulativeNormal(), library.NormalDistribution()
    ours, theirs, spread, spread_peer = [], [], [], []
    for sample in samples:
        peer = _statistics(library, sample)
        moments, count = population_moments(sample), len(sample)
        spread.append(float(moments.deviation) * np.sqrt(count / (count - 1.0)))
        spread_peer.append(peer.standardDeviation())
        for level in LEVELS:
            made = normal(level, -float(moments.mean), spread[-1])
            mean, deviation, z = peer.mean(), peer.standardDeviation(), inverse(level)
            ours += [float(made.value_at_risk), float(made.expected_shortfall)]
            theirs += [-mean + deviation * z, -mean + deviation * density(z) / (1.0 - level)]
    what = "normal value at risk and expected shortfall, from QuantLib's moments and inverse"
    reason = (
        "to 1e-7: QuantLib's inverse of the normal is an approximation; its own Gaussian figures "
        "are not in the Python wheel"
    )
    return [
        _line("standard deviation, ours times the root of n / (n - 1)", spread, spread_peer),
        compared(COMPARISON, PEER, what, ours, theirs, tolerance=1e-7, reason=reason),
    ]
