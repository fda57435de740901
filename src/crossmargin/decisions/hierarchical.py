"""Hierarchical risk parity: weights by halves of a tree of correlations, without an inverse.

1. Distance of two assets ``sqrt((1 - rho) / 2)``, and from it a tree (single linkage by default).
2. The order of its leaves puts like beside like.
3. From the whole list down, each list is cut in the middle and its weight split between the halves
   in inverse proportion to their variances under inverse-variance weights.

Source: Lopez de Prado (2016), Building diversified portfolios that outperform out of sample. The
tree is built from the distances themselves; the paper's listing takes distances between the
columns of the distance matrix, which ``columns=True`` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import InputError
from crossmargin.statistics.checks import matrix
from crossmargin.statistics.covariance import correlation_of, psd_checked

__all__ = ["LINKAGES", "Hierarchical", "hierarchical_risk_parity", "split_weights"]

LINKAGES = ("single", "complete", "average", "ward")


class Hierarchical(NamedTuple):
    """``weights[n]`` of sum 1; ``order[n]``: the leaves of the tree from one end to the other."""

    weights: Floats
    order: tuple[int, ...]


def hierarchical_risk_parity(
    covariance: npt.ArrayLike,
    linkage: str = "single",
    *,
    correlation: npt.ArrayLike | None = None,
    columns: bool = False,
) -> Hierarchical:
    """See the module's head. Every variance must be above 0.

    ``correlation``: for the tree, where it is estimated otherwise than the covariance (from pairs
    of unequal histories, say). Errors: ``option_unknown``, ``number_out_of_range``,
    ``matrix_not_psd``.
    """
    if linkage not in LINKAGES:
        raise InputError(
            "option_unknown", "linkage is unknown", value=linkage, limit=", ".join(LINKAGES)
        )
    s = psd_checked(covariance)
    n = len(s)
    if n == 1:
        return Hierarchical(np.ones(1), (0,))
    from scipy.cluster import hierarchy  # only when a tree is grown
    from scipy.spatial.distance import pdist, squareform

    rho = correlation_of(s) if correlation is None else matrix(correlation, "correlation")
    if rho.shape != s.shape:
        raise InputError("shape_wrong", "correlation", value=rho.shape, limit=str(s.shape))
    gap = np.sqrt(np.clip(0.5 * (1.0 - rho), 0.0, 1.0))
    np.fill_diagonal(gap, 0.0)
    near = pdist(gap) if columns else squareform(gap, checks=False)
    order = hierarchy.leaves_list(hierarchy.linkage(near, linkage)).tolist()
    return Hierarchical(split_weights(s, order), tuple(order))


def split_weights(covariance: Floats, order: Sequence[int]) -> Floats:
    """Step 3 alone: weights ``[n]`` of a list of all assets, halved again and again.

    ``covariance [n, n]`` with variances above 0; ``order`` holds each of 0 to n - 1 once.
    """
    s = covariance
    weights = np.ones(len(order))
    lists = [list(order)]
    while lists:
        whole = lists.pop()
        if len(whole) == 1:
            continue
        left, right = whole[: len(whole) // 2], whole[len(whole) // 2 :]
        risk_left, risk_right = _variance(s, left), _variance(s, right)
        share = risk_right / (risk_left + risk_right)
        weights[left] *= share
        weights[right] *= 1.0 - share
        lists += [left, right]
    return weights


def _variance(s: Floats, items: list[int]) -> float:
    """Of the list under inverse-variance weights."""
    part = s[np.ix_(items, items)]
    w = 1.0 / np.diagonal(part)
    w = w / w.sum()
    return float(w @ part @ w)
