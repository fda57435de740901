"""Value at risk and expected shortfall of P&L vectors under a stated convention, with their errors.

The value at risk is the loss at the lower quantile under a named convention. The expected shortfall
that margins is, by default, the coherent one, the mean of exactly the share 1 - level of worst
outcomes: it alone is monotone where outcomes tie. Both are floored at zero: a book that gains in
its tail needs nothing.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from crossmargin.core.arrays import Floats, Longs
from crossmargin.core.errors import ModelError
from crossmargin.margin.families.var_moves import JointMoves
from crossmargin.margin.parameter_files import Parameters
from crossmargin.statistics.bootstrap import circular_blocks, interval_of
from crossmargin.statistics.quantiles import (
    Convention,
    Tail,
    age_weights,
    effective_observations,
    expected_shortfall,
    expected_shortfall_error,
    observations_needed,
    value_at_risk,
)

THIN = 5.0  # outcomes beyond the value at risk
SAMPLES, SEED = 200, 20260319  # of the block bootstrap

__all__ = ["Estimate", "Measure", "rank_error"]


class Estimate(NamedTuple):
    """[A] dollars: both figures, as losses that are not negative, and their standard errors."""

    value_at_risk: Floats
    expected_shortfall: Floats
    value_at_risk_error: Floats
    expected_shortfall_error: Floats


class Measure(NamedTuple):
    """What is taken of a vector. ``weights[S]`` sum to 1; None weighs all outcomes alike."""

    var_level: float
    es_level: float
    convention: Convention
    tail: Tail
    weights: Floats | None
    effective: float  # how many outcomes of equal weight tell as much
    block: int = 1  # neighbours that share days, for the errors

    @classmethod
    def of(cls, parameters: Parameters, moves: JointMoves) -> Measure:
        """The measure that a set names; refused where the moves are too few for its levels.

        Errors: ``observations_too_few`` with the number needed.
        """
        count = len(moves)
        var_level, es_level = parameters.number("level.var"), parameters.number("level.es")
        decay = 1.0
        if "history.age_decay" in parameters:
            decay = parameters.number("history.age_decay")
        weights = age_weights(count, decay) if decay < 1.0 and count else None
        if weights is not None and moves.overlap > 1:
            raise ModelError(
                "parameter_out_of_bounds",
                "windows that overlap are weighed alike: their error is known only then",
                place="history.age_decay",
                value=decay,
                limit="1 with form.windows overlapping",
                remedy="Set one of the two back.",
            )
        effective = float(count) if weights is None else effective_observations(weights)
        need = max(observations_needed(var_level), observations_needed(es_level, tail=2))
        if effective < need:
            raise ModelError(
                "observations_too_few",
                "the moves do not reach the tail that is asked for",
                place=f"level.var {var_level:g}, level.es {es_level:g}",
                value=f"{effective:.6g} of {count} observations"
                if weights is not None
                else f"{count} observations",
                limit=f"{need} or more",
                remedy=f"Give {need - math.floor(effective)} more, or lower the level.",
            )
        return cls(
            var_level,
            es_level,
            Convention(parameters.get("form.convention")),
            Tail(parameters.get("form.tail")),
            weights,
            effective,
            moves.overlap,
        )

    def estimate(self, pnl: Floats) -> Estimate:
        """Both figures of ``pnl [A, S]``, with errors of independent outcomes or of blocks."""
        var, es = self.raw(pnl)
        if self.block > 1:
            errors = self._resampled(pnl)
            return Estimate(np.maximum(var, 0.0), np.maximum(es, 0.0), *errors)
        size = math.sqrt(pnl.shape[1] / self.effective)
        return Estimate(
            np.maximum(var, 0.0),
            np.maximum(es, 0.0),
            rank_error(pnl, self.var_level) * size,
            expected_shortfall_error(pnl, self.es_level) * size,
        )

    def _resampled(self, pnl: Floats) -> tuple[Floats, Floats]:
        """Block-bootstrap standard errors: a block is twice the windows that share a day."""
        count = pnl.shape[1]
        index = circular_blocks(count, min(2 * self.block, count), SAMPLES, SEED)
        out = np.empty((2, len(pnl)))
        for a, row in enumerate(pnl):
            drawn = row[index]
            out[0, a] = interval_of(0.0, self.var(drawn)).error
            out[1, a] = interval_of(0.0, self.es(drawn)).error
        return out[0], out[1]

    def raw(self, pnl: Floats) -> tuple[Floats, Floats]:
        """Both figures, negative where even the tail gains."""
        return self.var(pnl), self.es(pnl)

    def var(self, pnl: Floats) -> Floats:
        """[A] the value at risk."""
        return value_at_risk(pnl, self.var_level, self._convention, weights=self.weights, least=1)

    def es(self, pnl: Floats) -> Floats:
        """[A] the expected shortfall."""
        return expected_shortfall(
            pnl, self.es_level, self._convention, tail=self.tail, weights=self.weights, least=1
        )

    def scenario(self, pnl: Floats) -> Longs:
        """[A] the outcome at which the value at risk lies, weights left aside."""
        rank = max(math.ceil(pnl.shape[1] * (1.0 - self.var_level) - 1e-9), 1) - 1
        return np.argpartition(pnl, rank, axis=1)[:, rank].astype(np.int64)

    def thin_tail(self) -> tuple[str, ...]:
        """Where the value at risk rests on fewer outcomes than tell anything."""
        inside = self.effective * (1.0 - self.var_level)
        if inside >= THIN:
            return ()
        return (f"Beyond the value at risk lie {inside:.1f} outcomes: it is hardly an estimate.",)

    @property
    def _convention(self) -> Convention:
        return self.convention if self.weights is None else Convention.INVERTED_CDF

    def order(self, pnl: Floats) -> tuple[Longs, Floats]:
        """[S] outcomes of one vector from the worst, and the weight of each in the tail mean.

        The weights are those of the coherent shortfall and sum to 1: the share of each outcome in
        the worst ``1 - level``. With them components add up to the shortfall.
        """
        ranked = np.argsort(pnl, kind="stable").astype(np.int64)
        share = 1.0 - self.es_level
        count = len(pnl)
        own = np.full(count, 1.0 / count) if self.weights is None else self.weights[ranked]
        reach = np.add.accumulate(own)
        within = np.clip(share - (reach - own), 0.0, own)
        return ranked, np.asarray(within / np.add.accumulate(within)[-1])


def rank_error(pnl: Floats, level: float) -> Floats:
    """[A] standard error of the value at risk of independent outcomes ``pnl [A, S]``.

    The rank of the quantile is binomial: with n p its mean and d its deviation, d times the mean
    distance of outcomes between the ranks n p - d and n p + d, which are cut to the sample. The
    density of the loss need not be known (Siddiqui 1960; Bloch and Gastwirth 1968).
    """
    count = pnl.shape[-1]
    mean = count * (1.0 - level)
    deviation = math.sqrt(mean * level)
    low = max(math.floor(mean - deviation), 1)
    high = min(max(math.ceil(mean + deviation), low + 1), count)
    if high <= low:
        return np.zeros(pnl.shape[:-1])
    parted = np.partition(pnl, [low - 1, high - 1], axis=-1)
    gap = parted[..., high - 1] - parted[..., low - 1]
    return np.asarray(gap / (high - low) * deviation)
