"""Estimators with named conventions: quantiles and expected shortfall, variances, covariances.

Each function says which of the rival definitions it computes, so that a figure can be compared with
a venue's own. Modules: `quantiles`, `closed_forms`, `moments`, `delta_gamma`, `filters`,
`covariance`, `regime`, `bootstrap`, `backtests`, `performance` and `scores`; they are imported
when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = [
    "backtests",
    "bootstrap",
    "closed_forms",
    "covariance",
    "delta_gamma",
    "filters",
    "moments",
    "performance",
    "quantiles",
    "regime",
    "scores",
]

_MODULES = {
    "backtests": "crossmargin.statistics.backtests",
    "bootstrap": "crossmargin.statistics.bootstrap",
    "closed_forms": "crossmargin.statistics.closed_forms",
    "covariance": "crossmargin.statistics.covariance",
    "delta_gamma": "crossmargin.statistics.delta_gamma",
    "filters": "crossmargin.statistics.filters",
    "moments": "crossmargin.statistics.moments",
    "performance": "crossmargin.statistics.performance",
    "quantiles": "crossmargin.statistics.quantiles",
    "regime": "crossmargin.statistics.regime",
    "scores": "crossmargin.statistics.scores",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(_MODULES[name])
