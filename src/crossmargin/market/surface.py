"""A volatility surface: raw SVI per expiry, its fit error, and a check for static arbitrage.

    w(k) = a + b (rho (k - m) + sqrt((k - m)^2 + sigma^2)),   k = ln(K/F),  w = vol^2 years

Fitted by Levenberg-Marquardt from fixed starts on total variance, each point weighted by its vega,
so that an error counts as it moves prices. The parameters are held where w > 0 everywhere and the
wings keep Lee's bound ``b (1 + |rho|) <= 2``. Butterfly: ``g(k) >= 0`` on a grid; where the first
fit breaks it, the breach is added to the residuals and the fit repeated. Calendar: w must not
fall from one expiry to the next at one k. What remains is reported, never hidden.

Source: Gatheral and Jacquier (2014), Arbitrage-free SVI volatility surfaces, sections 2 and 3.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.core.clock import YEAR_MS
from crossmargin.market.fields import dated_subject, split_contract
from crossmargin.market.snapshot import Snapshot

__all__ = ["Point", "Slice", "Surface", "fit_points", "fit_snapshot"]

POINTS_MIN = 5  # as many as SVI has parameters
VEGA_FLOOR = 0.05  # of the at-the-money vega: far wings still count
GRID = 101
WIDER = 0.25  # the butterfly grid reaches this much beyond the quoted strikes
PENALTY = 10.0
MARGIN = 1e-4  # g is kept this far above zero where a breach has to be mended
BUTTERFLY_SLACK = 1e-9
ITERATIONS = 200


class Point(NamedTuple):
    """One quoted volatility: ``log_moneyness`` = ln(K/F), ``vol`` a fraction."""

    expiry_ms: int
    log_moneyness: float
    vol: float


@dataclass(frozen=True, slots=True)
class Slice:
    """The smile of one expiry.

    ``kind`` is "svi", or "line" where there are fewer than five strikes (linear in total variance
    between them, flat vol outside). ``error_vol``: root mean square of fitted minus given vol,
    weighted by vega; ``butterfly``: least g(k) on the grid (negative: arbitrage).
    """

    expiry_ms: int
    years: float
    kind: str
    parameters: tuple[float, float, float, float, float]  # a, b, rho, m, sigma
    knots: tuple[tuple[float, float], ...]  # (k, w) where kind is "line"
    points: int
    k_low: float
    k_high: float
    error_vol: float
    error_vol_max: float
    butterfly: float

    def variance(self, k: Floats) -> Floats:
        """Total variance at log-moneyness ``k``."""
        if self.kind == "svi":
            return _svi(self.parameters, k)
        at, w = np.asarray(self.knots, np.float64).T
        return np.asarray(np.interp(k, at, w), np.float64)


@dataclass(frozen=True, slots=True)
class Surface:
    """Slices in order of expiry. ``calendar``: least w difference between neighbours on a grid."""

    as_of_ms: int
    slices: tuple[Slice, ...]
    calendar: float

    def __bool__(self) -> bool:
        return bool(self.slices)

    @property
    def free_of_arbitrage(self) -> bool:
        """No butterfly and no calendar breach on the grids."""
        worst = min((s.butterfly for s in self.slices), default=0.0)
        return worst >= -BUTTERFLY_SLACK and self.calendar >= -BUTTERFLY_SLACK

    def vol(self, expiry_ms: int, log_moneyness: float) -> float | None:
        """Volatility at an expiry; None where nothing was fitted or no life is left.

        Between two slices total variance is linear in time at one k; outside them the nearest
        slice's vol is read at the same number of standard deviations.
        """
        years = (expiry_ms - self.as_of_ms) / YEAR_MS
        if not self.slices or years <= 0.0:
            return None
        after = next((s for s in self.slices if s.expiry_ms >= expiry_ms), None)
        before = next((s for s in reversed(self.slices) if s.expiry_ms <= expiry_ms), None)
        if after is not None and before is not None:
            w0, w1 = _at(before, log_moneyness), _at(after, log_moneyness)
            if before.expiry_ms == after.expiry_ms:
                w = w0
            else:
                share = (years - before.years) / (after.years - before.years)
                w = w0 + share * (w1 - w0)
            return math.sqrt(w / years)
        near = after if after is not None else self.slices[-1]
        k = log_moneyness * math.sqrt(near.years / years)
        return math.sqrt(_at(near, k) / near.years)


def _at(smile: Slice, k: float) -> float:
    return float(smile.variance(np.array([k]))[0])


def fit_snapshot(snapshot: Snapshot, pair: str) -> Surface:
    """The surface of a pair ``BTC/USD`` from the volatilities that its options were given."""
    from crossmargin.instruments.symbology import parse  # a snapshot names contracts, not terms

    underlying, _, quote = pair.partition("/")
    forwards = snapshot.values("forward")
    points = []
    for subject, number in snapshot.places("mark_iv").items():
        if snapshot.verdict[number] in ("missing", "estimated"):
            continue
        terms = parse(*split_contract(subject))
        forward = forwards.get(dated_subject(underlying, quote, terms.expiry_ms))
        if (terms.underlying, terms.quote) == (underlying, quote) and forward is not None:
            k = math.log(terms.strike / forward)
            points.append(Point(terms.expiry_ms, k, float(snapshot.value[number])))
    return fit_points(points, snapshot.as_of_ms)


def fit_points(points: Iterable[Point], as_of_ms: int) -> Surface:
    """Fit every expiry that lies ahead; the order of the points does not matter."""
    smiles: dict[int, dict[float, list[float]]] = {}
    for point in points:
        if point.expiry_ms > as_of_ms:
            smile = smiles.setdefault(point.expiry_ms, {})
            smile.setdefault(point.log_moneyness, []).append(point.vol)
    slices = []
    for expiry_ms, smile in sorted(smiles.items()):
        k = np.array(sorted(smile))
        vol = np.array([sum(sorted(smile[x])) / len(smile[x]) for x in k.tolist()])
        slices.append(_fit_slice(expiry_ms, (expiry_ms - as_of_ms) / YEAR_MS, k, vol))
    return Surface(as_of_ms, tuple(slices), _calendar(slices))


# -- one expiry ----------------------------------------------------------------------------------


def _svi(parameters: Sequence[float], k: Floats) -> Floats:
    a, b, rho, m, sigma = parameters
    x = k - m
    return np.asarray(a + b * (rho * x + np.sqrt(x * x + sigma * sigma)), np.float64)


def _density(parameters: Sequence[float], k: Floats) -> Floats:
    """Durrleman's g(k): the sign of the implied density."""
    _, b, rho, m, sigma = parameters
    x = k - m
    root = np.sqrt(x * x + sigma * sigma)
    w = np.maximum(_svi(parameters, k), 1e-300)
    slope = b * (rho + x / root)
    bend = b * sigma * sigma / root**3
    g = (1.0 - k * slope / (2.0 * w)) ** 2 - slope**2 / 4.0 * (1.0 / w + 0.25) + bend / 2.0
    return np.asarray(g, np.float64)


def _raw(free: Floats) -> tuple[float, float, float, float, float]:
    """Unbounded coordinates -> raw parameters with w > 0 and Lee's bound on the wings."""
    log_least, steep, turn, m, log_sigma = free.tolist()
    rho = math.tanh(turn)
    b = 2.0 / (1.0 + math.exp(-min(max(steep, -40.0), 40.0))) / (1.0 + abs(rho))
    sigma = math.exp(min(max(log_sigma, -12.0), 3.0))
    a = math.exp(min(max(log_least, -40.0), 5.0)) - b * sigma * math.sqrt(1.0 - rho * rho)
    return a, b, rho, m, sigma


def _starts(k: Floats, w: Floats) -> list[Floats]:
    least, place = float(w.min()), float(k[int(np.argmin(w))])
    span = max(float(k[-1] - k[0]), 0.05)
    rise = min(max(float(w.max() - least) / span, 1e-4), 1.0)
    steep = math.log(rise / (2.0 - rise))
    log_least = math.log(max(0.8 * least, 1e-10))
    return [
        np.array([log_least, steep, turn, place, math.log(width * span)])
        for turn, width in ((-0.5, 0.3), (0.3, 0.1), (0.0, 1.0), (-0.3, 3.0), (-0.8, 1.0))
    ]


def _fit_slice(expiry_ms: int, years: float, k: Floats, vol: Floats) -> Slice:
    w = vol * vol * years
    stdev = np.sqrt(w)
    d1 = -k / stdev + 0.5 * stdev
    weight = np.maximum(np.exp(-0.5 * d1 * d1), VEGA_FLOOR)
    to_vol = weight / (2.0 * vol * years)  # dvol = dw / (2 vol years)
    if k.size < POINTS_MIN:
        knots = tuple(zip(k.tolist(), w.tolist(), strict=True))
        return _slice(expiry_ms, years, "line", (0.0,) * 5, knots, k, vol, weight, 0.0)
    reach = WIDER * (k[-1] - k[0])
    grid = np.linspace(k[0] - reach, k[-1] + reach, GRID)
    scale = float(np.sqrt(np.sum(weight**2)))

    def residuals(free: Floats, penalty: float) -> Floats:
        raw = _raw(free)
        miss = (_svi(raw, k) - w) * to_vol / scale
        if penalty == 0.0:
            return np.asarray(miss, np.float64)
        breach = np.minimum(_density(raw, grid) - MARGIN, 0.0) * penalty
        return np.concatenate([miss, breach])

    tries = [_levenberg(lambda x: residuals(x, 0.0), start) for start in _starts(k, w)]
    best = min(tries, key=lambda found: found[1])[0]
    if float(_density(_raw(best), grid).min()) < -BUTTERFLY_SLACK:
        best = _levenberg(lambda x: residuals(x, PENALTY), best)[0]
    raw = _raw(best)
    least = float(_density(raw, grid).min())
    return _slice(expiry_ms, years, "svi", raw, (), k, vol, weight, least)


def _slice(
    expiry_ms: int,
    years: float,
    kind: str,
    raw: Sequence[float],
    knots: tuple[tuple[float, float], ...],
    k: Floats,
    vol: Floats,
    weight: Floats,
    butterfly: float,
) -> Slice:
    """The record of a fit, with its error in vol."""
    a, b, rho, m, sigma = raw
    miss = np.zeros(k.size)
    if kind == "svi":
        miss = np.sqrt(np.maximum(_svi(raw, k), 0.0) / years) - vol
    return Slice(
        expiry_ms=expiry_ms,
        years=years,
        kind=kind,
        parameters=(a, b, rho, m, sigma),
        knots=knots,
        points=int(k.size),
        k_low=float(k[0]),
        k_high=float(k[-1]),
        error_vol=float(np.sqrt(np.sum((weight * miss) ** 2) / np.sum(weight**2))),
        error_vol_max=float(np.abs(weight * miss).max()),
        butterfly=butterfly,
    )


def _levenberg(residuals: Callable[[Floats], Floats], start: Floats) -> tuple[Floats, float]:
    """Least squares by Levenberg-Marquardt with a forward-difference Jacobian; deterministic."""
    x, damping = start, 1e-2
    r = residuals(x)
    cost = float(r @ r)
    for _ in range(ITERATIONS):
        step = 1e-7 * np.maximum(np.abs(x), 1.0)
        moves = (residuals(x + step[j] * np.eye(x.size)[j]) for j in range(x.size))
        jacobian = np.stack([(m - r) / step[j] for j, m in enumerate(moves)], axis=1)
        normal, slope = jacobian.T @ jacobian, jacobian.T @ r
        before = cost
        for _ in range(12):
            shifted = normal + damping * np.diag(np.maximum(np.diag(normal), 1e-14))
            move = np.clip(np.linalg.solve(shifted, -slope), -2.0, 2.0)
            tried = residuals(x + move)
            value = float(tried @ tried)
            if value < cost:
                x, r, cost = x + move, tried, value
                damping = max(damping * 0.3, 1e-12)
                break
            damping *= 4.0
        if before - cost <= 1e-10 * before + 1e-20:
            break
    return x, cost


def _calendar(slices: Sequence[Slice]) -> float:
    """Least difference of total variance between neighbouring expiries on their common strikes."""
    least = math.inf
    for near, far in pairwise(slices):
        low, high = max(near.k_low, far.k_low), min(near.k_high, far.k_high)
        if low <= high:
            grid = np.linspace(low, high, GRID)
            least = min(least, float((far.variance(grid) - near.variance(grid)).min()))
    return 0.0 if least == math.inf else least
