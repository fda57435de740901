"""Opinions of the caller joined to the estimate: Black-Litterman for the verb frontier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import InputError
from crossmargin.decisions.black_litterman import black_litterman
from crossmargin.decisions.estimators import Estimate

__all__ = ["view_rows", "with_views"]


def with_views(
    known: Estimate,
    views: Mapping[str, float] | None,
    names: Sequence[str],
    weights: Floats | None,
    periods: float,
    risk_free: float,
) -> Estimate:
    """The estimate with the posterior of yearly ``views`` in place of its means and covariance.

    ``ASSET``: its yearly return above the risk-free one; ``A-B``: by how much A earns more than B.
    The equilibrium is that of ``weights``, or of equal ones; ``risk_free`` per period is added.
    """
    if not views:
        return known
    n = len(names)
    held = np.full(n, 1.0 / n) if weights is None else weights / weights.sum()
    rows, stated = view_rows(views, names)
    found = black_litterman(held, known.covariance, rows, stated / periods)
    mean = found.mean + risk_free
    return replace(known, mean=mean, covariance=found.covariance, mean_shrinkage=0.0)


def view_rows(views: Mapping[str, float], names: Sequence[str]) -> tuple[Floats, Floats]:
    """Rows of the views ``[v, n]`` and their returns ``[v]``; a hyphen may be part of a name."""
    rows = np.zeros((len(views), len(names)))
    place = {name: i for i, name in enumerate(names)}
    for k, text in enumerate(views):
        if text in place:
            rows[k, place[text]] = 1.0
            continue
        words = text.split("-")
        cuts = [("-".join(words[:i]), "-".join(words[i:])) for i in range(1, len(words))]
        pairs = [(a, b) for a, b in cuts if a in place and b in place and a != b]
        if len(pairs) != 1:
            raise InputError(
                "option_unknown",
                "a view is of one asset, or of one against another",
                place="--view",
                value=text,
                limit=f"ASSET or A-B of {', '.join(names)}",
                remedy="Name assets that have prices.",
            )
        rows[k, place[pairs[0][0]]], rows[k, place[pairs[0][1]]] = 1.0, -1.0
    return rows, np.array(list(views.values()), np.float64)
