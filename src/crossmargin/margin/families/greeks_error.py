"""How far an expansion is from full revaluation, account by account: the gap and the flag.

gap_s    |expansion_s - full_s|, counted where either of the two loses
unsafe   gap_s > share x worst full loss of the account, and > ``check.least_usd``, in any s
full     c x worst together + (1 - c) x apart, as the expansion is netted
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from crossmargin.core.arrays import Bools, Floats
from crossmargin.margin.parameter_files import Parameters

__all__ = ["Judged", "gaps", "judged", "limit_of"]


class Judged(NamedTuple):
    """[A] each: the loss of full revaluation, the largest gap, whether it is too large."""

    full_loss: Floats
    gap: Floats
    unsafe: Bools


def gaps(expansion: Floats, full: Floats) -> Floats:
    """[A, S] the gap of each scenario in which a loss is at stake; 0 in the others."""
    losing = np.minimum(expansion, full) < 0.0
    return np.where(losing, np.abs(expansion - full), 0.0)


def limit_of(together: Floats, parameters: Parameters) -> Floats:
    """[A] the gap up to which the expansion is taken to hold, from the worst full loss."""
    share = parameters.number("check.unsafe_share")
    return np.maximum(share * together, parameters.number("check.least_usd"))


def judged(expansion: Floats, full: Floats, apart: Floats, parameters: Parameters) -> Judged:
    """Judge a block: P&L [A, S] of both, and the full losses [A] of the coins apart."""
    together = np.maximum(-full.min(axis=1), 0.0)
    gap = gaps(expansion, full).max(axis=1)
    common = parameters.number("netting.common_share")
    whole = together + (1.0 - common) * np.maximum(apart - together, 0.0)
    return Judged(whole, gap, gap > limit_of(together, parameters))
