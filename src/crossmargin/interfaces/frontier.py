"""The verb frontier: weights from a history of prices, and everything that judges them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.core.clock import format_ms
from crossmargin.core.errors import CrossMarginError, InputError
from crossmargin.decisions.estimators import ESTIMATORS, MEANS, Estimate, estimate
from crossmargin.decisions.intents import Intents
from crossmargin.decisions.leverage import sized
from crossmargin.decisions.mean_variance import Frontier
from crossmargin.decisions.portfolio_backtest import Walk, walk_forward
from crossmargin.decisions.portfolio_choice import (
    METHODS,
    Choice,
    Method,
    choose,
    rebalancing_trades,
    rule_of,
)
from crossmargin.decisions.resampling import resampled_frontier
from crossmargin.decisions.risk_parity import risk_contributions
from crossmargin.decisions.weight_limits import WeightLimits
from crossmargin.interfaces import figures as plain
from crossmargin.interfaces.frontier_inputs import (
    Holdings,
    Limits,
    Prices,
    holdings_of,
    limits_of,
    prices_of,
)
from crossmargin.interfaces.frontier_layouts import frontier_document
from crossmargin.interfaces.frontier_margin import MarginAsk, margin_of, within
from crossmargin.interfaces.frontier_views import with_views
from crossmargin.interfaces.intents_file import write_intents
from crossmargin.interfaces.plots import write_plot
from crossmargin.interfaces.receipt import manifest
from crossmargin.interfaces.results import Shown
from crossmargin.interfaces.sources import MarketLike
from crossmargin.interfaces.tables import Document
from crossmargin.statistics.covariance import ewma_covariance
from crossmargin.statistics.performance import maximum_drawdown
from crossmargin.statistics.quantiles import Tail, expected_shortfall

__all__ = ["Backtest", "FrontierResult", "Sizes", "frontier"]

HEADING = "Efficient frontier"
GROUP = "frontier"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How leverage is sized: yearly target volatility (None: leverage 1 is judged), cap, the move
    that collateral must survive in standard deviations over days, and the maintenance rate."""

    target_volatility: float | None = None
    cap: float = 10.0
    sigmas: float = 3.0
    days: float = 1.0
    maintenance: float = 0.05


@dataclass(frozen=True, slots=True)
class Backtest:
    """Periods seen, periods between dates, and the cost of trading in basis points one way."""

    window: int = 180
    every: int = 30
    cost_bp: float = 5.0


@dataclass(frozen=True, slots=True, repr=False)
class FrontierResult(Shown):
    """Weights, frontier and what judges them. ``exact`` is the frontier itself, per period."""

    figures: Mapping[str, Any]
    exact: Frontier
    intents: Intents

    @property
    def weights(self) -> dict[str, float]:
        """The chosen weights by asset, shares of the value."""
        return {each["asset"]: each["weight_fraction"] for each in self.figures["assets"]}

    def document(self) -> Document:
        """What is shown."""
        return frontier_document(self.figures)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return dict(self.figures)

    def plot(self, path: str | Path) -> Path:
        """The frontier as FILE.html, .svg or .png."""
        from crossmargin.interfaces.frontier_plot import frontier_svg  # only when asked for

        return write_plot(path, lambda _: frontier_svg(self.figures), self.document, HEADING)

    def write_intents(self, path: str | Path) -> Path:
        """The trades from what is held to the weights, as FILE.csv or FILE.json."""
        if self.figures["value_usd"] is None:
            raise InputError(
                "option_unknown",
                "trades lead from what is held",
                place="--intents",
                limit="--current with it",
                remedy="Give the holdings.",
            )
        return write_intents(path, {GROUP: self.intents})


def frontier(
    prices: str | Path | None = None,
    *,
    history: MarketLike | None = None,
    assets: Sequence[str] | None = None,
    last: int | None = None,
    periods: float | None = None,
    method: str = "max-sharpe",
    target: float | None = None,
    risk_free: float = 0.0,
    level: float = 0.95,
    estimator: str = "ledoit-wolf",
    mean: str = "sample",
    decay: float = 0.97,
    views: Mapping[str, float] | None = None,
    limits: Limits | None = None,
    current: str | Path | Mapping[str, float] | None = None,
    points: int = 21,
    bands: int = 0,
    seed: int = 1,
    sizes: Sizes | None = None,
    backtest: Backtest | None = None,
    margin: MarginAsk | None = None,
) -> FrontierResult:
    """Weights of assets from their own prices, and the exact efficient frontier behind them.

    ``prices``: a file of prices, or ``history``: a snapshot with earlier prices. ``target`` (a
    yearly return or volatility, or a risk aversion) goes with the methods that take one;
    ``risk_free`` is yearly, and so are ``views`` by ``ASSET`` or ``A-B``. ``bands``: samples of a
    resampled frontier. ``margin``: a budget for the requirement of the positions; the back-test is
    without it. Figures are yearly: the period's mean times the periods, the deviation times their
    root. Errors: those of the estimator, of the method and of the limits.
    """
    held_prices = prices_of(prices, history, assets, last, periods)
    names, returns, year = held_prices.table.names, held_prices.returns, held_prices.periods
    held = holdings_of(current, held_prices)
    allowed = limits_of(limits or Limits(), names, held)
    plainly = Method("equal", None, risk_free / year, level, estimator, mean, decay)
    _check(plainly, points)
    way = _method(plainly, method, target, year)
    known = with_views(
        estimate(returns, estimator, mean=mean, decay=decay),
        views,
        names,
        None if held is None else held.weight,
        year,
        way.risk_free,
    )
    ready = None if margin is None else margin_of(margin, names, held, history)
    line, chosen, inside, told = within(returns, known, way, allowed, ready, held, year)
    intents = _intents(chosen, held_prices, held, limits or Limits())
    figures = {
        **_about(held_prices, known, way, method, target, risk_free),
        "views": dict(views or {}),
        "value_usd": None if held is None else held.value,
        "assets": _assets(chosen, held_prices, held, line),
        "portfolios": _portfolios(chosen, held_prices, held, line, inside),
        "points": _points(line, held_prices, way, points),
        "turning_points": line.count,
        "solver": _solver(chosen, line),
        "sizing": _sizing(chosen.weights, held_prices, sizes or Sizes()),
        "trades": intents.to_dict()["trades"],
        "cost_usd": intents.cost_usd,
        "margin": told,
        "bands": _bands(held_prices, way, inside, min(points, 11), bands, seed),
        "backtest": _backtest(held_prices, way, allowed, backtest),
        "build": dict(manifest()),
    }
    return FrontierResult(plain.checked(figures, "frontier"), line, intents)


def _check(method: Method, points: int) -> None:
    """InputError with the flag's name for what a user may mistype."""
    for place, value, known in (
        ("--estimator", method.estimator, ESTIMATORS),
        ("--mean", method.mean, MEANS),
    ):
        if value not in known:
            raise InputError(
                "option_unknown",
                "no such estimator",
                place=place,
                value=value,
                limit=", ".join(known),
                remedy="Choose one of them.",
            )
    if points < 2:
        raise InputError(
            "number_out_of_range",
            "a frontier has two points or more",
            place="--points",
            value=points,
            limit=">= 2",
            remedy="Give 2 or more.",
        )


def _method(base: Method, name: str, target: float | None, periods: float) -> Method:
    """Yearly targets per period: a return by the periods, a volatility by their root."""
    if name not in METHODS:
        raise InputError(
            "option_unknown",
            "method is unknown",
            place="--method",
            value=name,
            limit=", ".join(METHODS),
        )
    scaled = target
    if target is not None:
        if name == "target-volatility":
            scaled = target / float(np.sqrt(periods))
        elif name != "utility":
            scaled = target / periods
    return replace(base, name=name, target=scaled)


def _about(
    prices: Prices, known: Estimate, way: Method, method: str, target: float | None, free: float
) -> dict[str, Any]:
    table = prices.table
    return {
        "verb": "frontier",
        "source": prices.source,
        "prices_sha256": prices.sha256,
        "from": format_ms(int(table.times_ms[0])),
        "to": format_ms(int(table.times_ms[-1])),
        "observations": known.observations,
        "rows_left_out": prices.left_out,
        "step_days": prices.step_days,
        "periods_a_year": prices.periods,
        "method": method,
        "target": target,
        "risk_free_fraction": free,
        "level": way.level,
        "estimator": known.estimator,
        "shrinkage_fraction": known.shrinkage,
        "mean_estimator": way.mean,
        "mean_shrinkage_fraction": known.mean_shrinkage,
    }


def _assets(
    chosen: Choice, prices: Prices, held: Holdings | None, line: Frontier
) -> list[dict[str, Any]]:
    known, year = chosen.estimate, prices.periods
    deviation = np.sqrt(np.diagonal(known.covariance) * year)
    least = line.minimum_variance().weights
    try:
        share = risk_contributions(chosen.weights, known.covariance).share
    except CrossMarginError:
        share = np.zeros(len(least))
    return [
        {
            "asset": name,
            "price_usd": float(prices.table.price[-1, i]),
            "return_fraction": float(known.mean[i] * year),
            "volatility_fraction": float(deviation[i]),
            "weight_fraction": float(chosen.weights[i]),
            "risk_share_fraction": float(share[i]),
            "least_variance_fraction": float(least[i]),
            "held_fraction": None if held is None else float(held.weight[i]),
        }
        for i, name in enumerate(prices.table.names)
    ]


def _portfolios(
    chosen: Choice, prices: Prices, held: Holdings | None, line: Frontier, allowed: WeightLimits
) -> list[dict[str, Any]]:
    """The chosen one beside the ends of the frontier and the plain alternatives."""
    returns, known = prices.returns, chosen.estimate
    rows: list[tuple[str, Floats | None, str]] = [
        (f"chosen: {chosen.method.name}", chosen.weights, "")
    ]
    rows.append(("least variance", line.minimum_variance().weights, ""))
    for name in ("max-sharpe", "risk-parity", "min-es"):
        if name == chosen.method.name:
            continue
        try:
            way = replace(chosen.method, name=name, target=None)
            rows.append((name, choose(returns, way, allowed, line=(known, line)).weights, ""))
        except CrossMarginError as problem:
            rows.append((name, None, problem.message))
    rows.append(("equal weights", np.full(len(known.mean), 1.0 / len(known.mean)), ""))
    if held is not None:
        rows.append(("held now", held.weight, ""))
    return [_portfolio(name, w, why, prices, chosen) for name, w, why in rows]


def _portfolio(
    name: str, w: Floats | None, why: str, prices: Prices, chosen: Choice
) -> dict[str, Any]:
    keys = ("return", "volatility", "drawdown", "shortfall")
    if w is None:
        blank = dict.fromkeys(f"{key}_fraction" for key in keys)
        return {"portfolio": name, **blank, "sharpe": None, "effective": None, "why": why}
    known, year, way = chosen.estimate, prices.periods, chosen.method
    earned = float(known.mean @ w) * year
    volatility = float(np.sqrt(max(float(w @ known.covariance @ w), 0.0) * year))
    path = prices.returns @ w
    size = float(np.abs(w).sum())
    return {
        "portfolio": name,
        "return_fraction": earned,
        "volatility_fraction": volatility,
        "sharpe": (earned - way.risk_free * year) / volatility if volatility > 0.0 else None,
        "shortfall_fraction": float(
            expected_shortfall(path, way.level, tail=Tail.FRACTIONAL, least=1)
        ),
        "drawdown_fraction": maximum_drawdown(path),
        "effective": size * size / float(w @ w) if size > 0.0 else None,
        "why": why,
    }


def _points(line: Frontier, prices: Prices, way: Method, count: int) -> list[dict[str, Any]]:
    means, variances, weights = line.sample(count)
    year = prices.periods
    free = way.risk_free * year
    out = []
    for mean, variance, w in zip(means[::-1], variances[::-1], weights[::-1], strict=True):
        volatility = float(np.sqrt(max(variance, 0.0) * year))
        out.append(
            {
                "return_fraction": float(mean * year),
                "volatility_fraction": volatility,
                "sharpe": (float(mean * year) - free) / volatility if volatility > 0.0 else None,
                "weights": dict(zip(prices.table.names, w.tolist(), strict=True)),
            }
        )
    return out


def _solver(chosen: Choice, line: Frontier) -> dict[str, Any]:
    return {
        "status": "optimal",
        "weights_by": chosen.solver,
        "frontier_by": line.solver,
        "primal": max(chosen.primal, line.primal),
        "dual": max(chosen.dual, line.dual),
    }


def _sizing(weights: Floats, prices: Prices, sizes: Sizes) -> dict[str, Any] | None:
    """Leverage of the whole portfolio from its live volatility (EWMA, 0.94 a day); log moves."""
    returns = np.log1p(np.maximum(prices.returns, -0.999999))
    if len(returns) < 60:
        return None
    decay = 0.94**prices.step_days
    live = float(np.sqrt(max(float(weights @ ewma_covariance(returns, decay) @ weights), 0.0)))
    year = float(np.sqrt(prices.periods))
    target = sizes.target_volatility
    found = sized(
        live,
        live if target is None else target / year,
        cap=sizes.cap,
        sigmas=sizes.sigmas,
        horizon=sizes.days / prices.step_days,
        maintenance=sizes.maintenance,
    )
    return {
        "live_volatility_fraction": live * year,
        "target_volatility_fraction": target,
        "leverage": found.leverage,
        "set_by": found.by if target is not None or found.by != "target" else "no target",
        "sigmas": sizes.sigmas,
        "days": sizes.days,
        "maintenance_fraction": sizes.maintenance,
        "move_fraction": found.move,
        "collateral_ratio_fraction": found.collateral_ratio,
        "leverage_most": found.leverage_most,
    }


def _intents(chosen: Choice, prices: Prices, held: Holdings | None, asked: Limits) -> Intents:
    if held is None:
        return Intents()
    table = prices.table
    return rebalancing_trades(
        table.names,
        held.quantity,
        table.price[-1],
        chosen.weights,
        held.value,
        cost=asked.cost_bp / 1e4,
    )


def _bands(
    prices: Prices, way: Method, allowed: WeightLimits, points: int, samples: int, seed: int
) -> dict[str, Any] | None:
    if samples == 0:
        return None
    year = prices.periods
    found = resampled_frontier(
        prices.returns,
        allowed,
        estimator=way.estimator,
        mean=way.mean,
        decay=way.decay,
        points=points,
        samples=samples,
        seed=seed,
    )
    root = float(np.sqrt(year))
    rows = [
        {
            "return_fraction": float(found.mean[k] * year),
            "volatility_fraction": float(found.volatility[k] * root),
            "resampled_return_fraction": float(found.average_mean[k] * year),
            "resampled_volatility_fraction": float(found.average_volatility[k] * root),
            "return_low_fraction": float(found.mean_low[k] * year),
            "return_high_fraction": float(found.mean_high[k] * year),
            "volatility_low_fraction": float(found.volatility_low[k] * root),
            "volatility_high_fraction": float(found.volatility_high[k] * root),
            "weights": _named(prices, found.average[k]),
            "weights_low": _named(prices, found.low[k]),
            "weights_high": _named(prices, found.high[k]),
        }
        for k in range(points)
    ]
    return {"samples": samples, "seed": seed, "confidence": found.confidence, "points": rows}


def _named(prices: Prices, weights: Floats) -> dict[str, float]:
    return dict(zip(prices.table.names, weights.tolist(), strict=True))


def _backtest(
    prices: Prices, way: Method, allowed: WeightLimits, asked: Backtest | None
) -> dict[str, Any] | None:
    """The chosen method, and the least variance under every estimator, against equal weights."""
    if asked is None:
        return None
    ways = {f"chosen: {way.name}": way}
    for name in ESTIMATORS:
        ways[f"min-variance {name}"] = replace(
            way, name="min-variance", target=None, estimator=name
        )
    for name in ("max-sharpe", "risk-parity", "max-diversification"):
        if name != way.name:
            ways[name] = replace(way, name=name, target=None)
    rules = {name: rule_of(each, allowed) for name, each in ways.items()}
    walks = walk_forward(
        prices.returns,
        rules,
        window=asked.window,
        every=asked.every,
        cost=asked.cost_bp / 1e4,
        periods=prices.periods,
    )
    return {
        "window": asked.window,
        "every": asked.every,
        "cost_bp": asked.cost_bp,
        "first": format_ms(int(prices.table.times_ms[asked.window + 1])),
        "rows": [_walked(walk) for walk in walks],
    }


def _walked(walk: Walk) -> dict[str, Any]:
    of = walk.result
    return {
        "rule": walk.name,
        "return_fraction": of.annual_return,
        "volatility_fraction": of.annual_volatility,
        "sharpe": of.sharpe,
        "drawdown_fraction": of.drawdown_max,
        "turnover_year_fraction": walk.turnover_year,
        "cost_fraction": walk.cost,
        "behind_fraction": walk.behind,
        "worst_behind_fraction": walk.worst_behind,
        "refused": walk.refused,
    }
