"""Insurance rules run over paths, with costs, and every dollar accounted for.

    before a trade   V = E ratio + safe e^{r dt} - funding E dt
    after it         V' = V - cost |E' - E ratio|,   V' = safe' + E'

The target is met after the cost is paid, ``E' = m (V' - F)``, and the floor holds while every step
has ``ratio (1 - cost) >= e^{r dt} (1 - 1/m)``: no fall beyond 1/m, less what selling out costs.
Wealth starts at 1. Nothing of a path is used before it has happened.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import InputError
from crossmargin.decisions.insurance import obpi, obpi_delta
from crossmargin.statistics.bootstrap import stationary
from crossmargin.statistics.checks import number, numbers, series

__all__ = ["KINDS", "InsurancePaths", "Rule", "drawn_paths", "simulate", "windows"]

KINDS = ("cppi", "tipp", "peak", "vol", "obpi", "hold")
_EWMA = 0.94  # RiskMetrics' daily weight, 1996


@dataclass(frozen=True, slots=True)
class Rule:
    """What is done at each step; shares are of the wealth at the start.

    ``cppi``: a floor that earns the rate up to ``floor`` at the horizon. ``tipp``: that floor, and
    never below ``share`` of the highest wealth so far. ``peak``: ``share`` of the highest wealth of
    the last ``window`` steps, which may fall again. ``vol``: cppi with
    ``m = min(multiplier, 1 / (quantile s sqrt(dt)))``, s the EWMA volatility so far, which starts
    at ``vol``. ``obpi``: the synthetic put of volatility ``vol``. ``hold``: the coin.
    """

    kind: str
    floor: float = 0.8
    multiplier: float = 3.0
    cap: float = 1.0
    share: float = 0.8
    window: int = 30
    vol: float = 0.6
    quantile: float = 4.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(
                "option_unknown",
                "no insurance rule of that name",
                place="rule",
                value=self.kind,
                limit=", ".join(KINDS),
                remedy="Name one of them.",
            )
        number(self.floor, "floor", above=0.0)
        number(self.share, "share", above=0.0, below=1.0)
        for name in ("multiplier", "cap", "vol", "quantile"):
            number(getattr(self, name), name, above=0.0)
        if self.window < 1:
            raise InputError(
                "number_out_of_range", "window is refused", value=self.window, limit=">= 1"
            )


@dataclass(frozen=True, slots=True, eq=False)
class InsurancePaths:
    """[P, T+1] wealth, floor, exposure and safe part; [P] cost and traded amounts, in wealth of 1.

    ``value[t]`` is before the trade of step t; ``exposure[t] + safe[t] = value[t] - cost[t]``.
    """

    value: Floats
    floor: Floats
    exposure: Floats
    safe: Floats
    cost: Floats  # [P, T+1] of the trade of each step
    funding: Floats  # [P, T+1] paid over the step that ends there
    traded: Floats  # [P] sum of |trades|, the first included

    @property
    def breached(self) -> np.ndarray:
        """[P] whether the wealth was ever below its floor, by more than rounding."""
        return np.asarray((self.value < self.floor - 1e-12).any(axis=1))


def simulate(
    prices: npt.ArrayLike,
    rule: Rule,
    step_years: float,
    *,
    rate: float = 0.0,
    cost: float = 0.0,
    funding: float = 0.0,
) -> InsurancePaths:
    """The rule over ``prices [P, T+1]``; ``cost`` a share of what is traded, below ``1/m``.

    ``funding`` a year on the exposure (paid by a bought perpetual, below zero where received).
    Nothing is traded at the horizon; the last exposure is what the rule would hold.
    Raises InputError for prices that are not positive and for numbers out of bounds.
    """
    path = np.atleast_2d(series(prices, "prices", least=2))
    numbers(path, "prices", above=0.0)
    number(step_years, "step", above=0.0)
    most = 1.0 / max(rule.multiplier, rule.cap)
    number(cost, "cost", above=-1e-300, below=most)
    count, steps = path.shape[0], path.shape[1] - 1
    state = _State(path / path[:, :1], rule, step_years, rate)
    shape = (count, steps + 1)
    value, floor, exposure, safe = (np.empty(shape) for _ in range(4))
    paid, carried = np.zeros(shape), np.zeros(shape)
    traded = np.zeros(count)
    held, rest = np.zeros(count), np.ones(count)
    earned = float(np.exp(rate * step_years))
    for t in range(steps + 1):
        if t:
            ratio = path[:, t] / path[:, t - 1]
            carried[:, t] = funding * step_years * held
            held = held * ratio
            rest = rest * earned - carried[:, t]
        value[:, t] = held + rest
        scale, free, floor[:, t] = state.at(t, value[:, : t + 1])
        target = _target(held, value[:, t], scale, free, rule.cap, 0.0 if t == steps else cost)
        exposure[:, t] = target
        if t < steps:
            size = np.abs(target - held)
            paid[:, t] = cost * size
            traded += size
        rest = value[:, t] - paid[:, t] - target
        safe[:, t] = rest
        held = target
    return InsurancePaths(value, floor, exposure, safe, paid, carried, traded)


def _target(
    held: Floats, value: Floats, scale: Floats, free: Floats, cap: float, cost: float
) -> Floats:
    """The exposure E' = min(scale (free - paid), cap (V - paid)) after ``paid = cost |E' - E|``."""
    out = np.full(held.shape, np.inf)
    for slope, room in ((scale, free), (np.full(held.shape, cap), value)):
        wanted = slope * room
        buys = slope * (room + cost * held) / (1.0 + slope * cost)
        sells = slope * (room - cost * held) / (1.0 - slope * cost)
        out = np.minimum(out, np.where(wanted >= held, buys, sells))
    return np.asarray(np.maximum(out, 0.0))


class _State:
    """What a rule remembers along the paths."""

    def __init__(self, path: Floats, rule: Rule, step_years: float, rate: float) -> None:
        self.path, self.rule, self.step, self.rate = path, rule, step_years, rate
        count, points = path.shape
        self.left = step_years * np.arange(points - 1, -1, -1.0)  # years to the horizon
        self.tipp = np.zeros(count)
        self.variance = np.full(count, rule.vol * rule.vol * step_years)
        if rule.kind == "obpi":
            years = float(self.left[0])
            self.put = obpi(1.0, rule.floor, 1.0, rule.vol, years, rate)

    def at(self, t: int, value: Floats) -> tuple[Floats, Floats, Floats]:
        """(scale, free, floor) of step t: the target is ``scale (free - cost paid)``."""
        rule, now = self.rule, value[:, -1]
        level = np.full(len(now), rule.floor * np.exp(-self.rate * self.left[t]))
        full = np.full(len(now), rule.multiplier)
        if rule.kind == "hold":
            return np.full(len(now), rule.cap), now, np.full(len(now), -np.inf)
        if rule.kind == "obpi":
            share = obpi_delta(self.path[:, t], self.put.strike, rule.vol, self.left[t], self.rate)
            worth = np.maximum(now, 1e-300)
            scale = self.put.units * share * self.path[:, t] / worth
            return np.asarray(scale), now, level
        if rule.kind == "tipp":
            self.tipp = np.maximum(self.tipp * np.exp(self.rate * self.step), level)
            self.tipp = np.maximum(self.tipp, rule.share * now)
            level = self.tipp.copy()
        elif rule.kind == "peak":
            level = rule.share * value[:, max(0, t + 1 - rule.window) :].max(axis=1)
        elif rule.kind == "vol":
            if t:
                move = np.log(self.path[:, t] / self.path[:, t - 1])
                self.variance = _EWMA * self.variance + (1.0 - _EWMA) * move * move
            full = np.minimum(full, 1.0 / (rule.quantile * np.sqrt(self.variance)))
        return full, np.maximum(now - level, 0.0), level


def drawn_paths(
    log_returns: npt.ArrayLike, steps: int, paths: int, seed: int, mean_block: float = 10.0
) -> Floats:
    """Price paths ``[paths, steps + 1]`` from 1: blocks of real moves in a stationary bootstrap."""
    moves = series(log_returns, "log returns", least=2)
    count = max(steps, moves.size)
    index = stationary(count, min(mean_block, float(count)), paths, seed)[:, :steps] % moves.size
    logs = np.concatenate([np.zeros((paths, 1)), np.cumsum(moves[index], axis=1)], axis=1)
    return np.asarray(np.exp(logs))


def windows(prices: npt.ArrayLike, steps: int, every: int = 1) -> Floats:
    """Stretches of one history ``[W, steps + 1]``, each from 1; one begins every so many steps."""
    path = numbers(series(prices, "prices", least=steps + 1), "prices", above=0.0)
    found = np.lib.stride_tricks.sliding_window_view(path, steps + 1)[::every]
    return np.asarray(found / found[:, :1])
