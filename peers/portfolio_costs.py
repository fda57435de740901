"""What is traded from present holdings when trading costs: beside all four peers."""

from __future__ import annotations

from typing import Any

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.decisions.mean_variance import frontier
from crossmargin.decisions.multi_period import Sides, plan, proportional_sides
from crossmargin.decisions.notional_costs import CostTerms, weight_sides
from crossmargin.decisions.weight_limits import Distance, weight_limits
from peers.portfolio_policies import objective, traded
from peers.portfolio_problems import AVERSION, EXACT, Answer, Problem, drawn, line
from peers.portfolios import riskfolio_of, sk_fit
from peers.report import Line

__all__ = ["around", "lines"]

COMPARISON = "Costs of trading from present holdings"
CASH = 0.1  # what is not held in assets, in the problems with cash
TURNOVER = 0.3
WEALTH_USD = 1e6
STEPS, DECAY = 4, 0.5
_EACH = (
    "the peer's turnover limits each asset's trade, ours the sum of all. Ours with that limit, in "
    "the next line, agrees"
)
_CHORDS = (
    "ours takes the 3/2-power law by chords that lie at most 1.5 % above it. What that costs, and "
    "chords cut anew around the answer, in the next lines"
)
_SHORT = "to 1e-4, the length of those chords"
_GAIN = "to 1 %: what the chords leave of the gain over not trading"


def lines() -> list[Line]:
    """Weights after the trade, absolute; gains relative."""
    problems = drawn()
    out = [
        line(COMPARISON, peer, what, problems, ours, theirs)
        for what, ours, every in _LINEAR
        for peer, theirs in every.items()
    ]
    what = f"least variance, turnover {TURNOVER:g}"
    out += [
        line(COMPARISON, "Riskfolio-Lib", what, problems, _least_near, _rf_near, tolerance=1e-6,
             expected="differs", reason=_EACH),
        line(COMPARISON, "Riskfolio-Lib", f"{what} of each asset", problems, _least_near_each,
             _rf_near),
    ]  # fmt: skip
    out += [
        line(COMPARISON, "cvxportfolio", what, problems, ours, theirs)
        for what, ours, theirs in _PLANS
    ]
    what = "cost of spread and 3/2-power impact, one period"
    out += [
        line(COMPARISON, "cvxportfolio", f"{what}: weights", problems, _impact, _cvx_impact,
             tolerance=1e-6, expected="differs", reason=_CHORDS),
        line(COMPARISON, "cvxportfolio", f"{what}: gain over not trading", problems, _gain(_impact),
             _gain(_cvx_impact), tolerance=1e-2, least=0.0, reason=_GAIN),
        line(COMPARISON, "cvxportfolio", f"{what}: weights, chords cut anew around ours", problems,
             _impact_again, _cvx_impact, tolerance=1e-4, reason=_SHORT),
    ]  # fmt: skip
    return out


# --- one period, costs in proportion -----------------------------------------------------------


def _held(p: Problem) -> Floats:
    """Holdings with cash beside them."""
    return (1.0 - CASH) * p.held


def _plan(*, held_cash: bool, **limits: Any) -> Answer:
    def made(p: Problem) -> Floats:
        start = _held(p) if held_cash else p.held
        sides = proportional_sides(p.cost, len(p.mean))
        return plan(p.mean, p.covariance, AVERSION, start, sides, **limits).weights[0]

    return made


def _invested(p: Problem) -> Floats:
    """The same by the critical line."""
    limits = weight_limits(len(p.mean), distances=[Distance(p.held, np.inf, p.cost)])
    return frontier(p.mean, p.covariance, limits).at_utility(AVERSION).weights


def _one_cost(p: Problem) -> Floats:
    same = np.full(len(p.mean), p.cost.mean())
    limits = weight_limits(len(p.mean), distances=[Distance(p.held, np.inf, same)])
    return frontier(p.mean, p.covariance, limits).at_utility(AVERSION).weights


def _near(p: Problem) -> Floats:
    none = np.zeros(len(p.mean))
    limits = weight_limits(len(p.mean), distances=[Distance(p.held, TURNOVER, none)])
    return frontier(p.mean, p.covariance, limits).at_utility(AVERSION).weights


def _least_near(p: Problem) -> Floats:
    none = np.zeros(len(p.mean))
    limits = weight_limits(len(p.mean), distances=[Distance(p.held, TURNOVER, none)])
    return frontier(p.mean, p.covariance, limits).minimum_variance().weights


def _least_near_each(p: Problem) -> Floats:
    low, high = np.maximum(p.held - TURNOVER, 0.0), np.minimum(p.held + TURNOVER, 1.0)
    limits = weight_limits(len(p.mean), low=low, high=high)
    return frontier(p.mean, p.covariance, limits).minimum_variance().weights


def _cvx(names: str, *, held_cash: bool, costs: bool = True) -> Answer:
    """``names`` of its limits, with spaces between."""

    def made(p: Problem) -> Floats:
        import cvxportfolio as cvx

        # half the sum of trades is what the peer calls turnover
        given = {"LeverageLimit": (1.0,), "TurnoverLimit": (0.5 * TURNOVER,)}
        limits = [getattr(cvx, name)(*given.get(name, ())) for name in names.split()]
        start = _held(p) if held_cash else p.held
        return traded(p, objective(p, AVERSION, cost=costs), limits, held=start)

    return made


def _sk(p: Problem) -> Floats:
    return sk_fit(
        p, kind="MAXIMIZE_UTILITY", risk_aversion=0.5 * AVERSION,
        transaction_costs=p.cost, previous_weights=p.held,
    )  # fmt: skip


def _pyp(*, turnover: bool) -> Answer:
    def made(p: Problem) -> Floats:
        import cvxpy as cp
        from pypfopt import EfficientFrontier, objective_functions

        ef: Any = EfficientFrontier(
            p.mean, p.covariance, solver="CLARABEL", solver_options=dict(EXACT)
        )
        if turnover:
            ef.add_constraint(lambda w: cp.norm(w - p.held, 1) <= TURNOVER)
        else:
            cost = float(p.cost.mean())
            ef.add_objective(objective_functions.transaction_cost, w_prev=p.held, k=cost)
        ef.max_quadratic_utility(risk_aversion=AVERSION)
        return np.asarray(ef.weights, np.float64)

    return made


def _rf_near(p: Problem) -> Floats:
    import pandas as pd

    port = riskfolio_of(p)
    port.allowTO, port.turnover = True, TURNOVER
    port.benchweights = pd.DataFrame(p.held, index=p.names)
    return np.asarray(port.optimization(obj="MinRisk", rm="MV"), np.float64).ravel()


# --- several periods ---------------------------------------------------------------------------


def _ahead(p: Problem) -> Floats:
    return np.array([p.mean * DECAY**k for k in range(STEPS)])


def _end(p: Problem) -> Floats:
    return np.full(len(p.mean), 1.0 / len(p.mean))


def _plans(*, end: bool, **limits: Any) -> Answer:
    def made(p: Problem) -> Floats:
        sides = proportional_sides(p.cost, len(p.mean))
        last = _end(p) if end else None
        found = plan(_ahead(p), p.covariance, AVERSION, _held(p), sides, last=last, **limits)
        return found.weights[0]

    return made


def _cvx_plans(names: str, *, end: bool) -> Answer:
    def made(p: Problem) -> Floats:
        import cvxportfolio as cvx

        given = {"LeverageLimit": (1.0,)}
        limits = [getattr(cvx, name)(*given.get(name, ())) for name in names.split()]
        goal = objective(p, AVERSION, cost=True, decay=DECAY)
        last = _end(p) if end else None
        return traded(p, goal, limits, held=_held(p), steps=STEPS, last=last)

    return made


# --- impact ------------------------------------------------------------------------------------


def _market(p: Problem) -> tuple[Floats, Floats]:
    """Volatility of a day, and dollars traded a day."""
    turned = np.random.default_rng(len(p.mean) + 1000).uniform(1e6, 1e8, len(p.mean))
    return np.sqrt(np.diagonal(p.covariance)), turned


def _cvx_impact(p: Problem) -> Floats:
    vol, volume = _market(p)
    goal = objective(p, AVERSION, sigma=vol, volume_hat=volume)
    return traded(p, goal, [], held=_held(p), wealth=WEALTH_USD)


def _impact(p: Problem) -> Floats:
    vol, volume = (values.tolist() for values in _market(p))
    each = zip(p.cost.tolist(), vol, volume, strict=True)
    terms = [CostTerms(half_spread=c, impact=1.0, vol_day=s, volume_day_usd=v) for c, s, v in each]
    sides = [weight_sides(term, WEALTH_USD) for term in terms]
    return plan(p.mean, p.covariance, AVERSION, _held(p), sides).weights[0]


def _slope(p: Problem) -> Floats:
    """Of the impact: cost of a trade of weight z is this times z to the power of 3/2."""
    vol, volume = _market(p)
    return vol * np.sqrt(WEALTH_USD / volume)


def around(centre: float, width: float, cost: float, slope: float) -> tuple[Floats, Floats]:
    """(widths, slopes) of chords of ``cost z + slope z^1.5``: fine within ``width`` of a trade."""
    coarse = np.array([0.0, 1e-4, 1e-2, 1.0, 4.0])
    fine = centre + width * np.linspace(-1.0, 1.0, 9)
    nodes = np.unique(np.concatenate([coarse, fine[(fine > 1e-4) & (fine < 4.0)]]))
    nodes = nodes[np.append(True, np.diff(nodes) > 1e-9)]
    paid = cost * nodes + slope * nodes**1.5
    widths = np.diff(nodes)
    slopes = np.diff(paid) / widths
    widths[-1] = np.inf
    return widths, np.maximum.accumulate(slopes)


def _impact_again(p: Problem) -> Floats:
    start = _held(p)
    weights, width = start, 1.0
    for _ in range(8):
        sides = []
        moved = np.abs(weights - start).tolist()
        for z, cost, slope in zip(moved, p.cost.tolist(), _slope(p).tolist(), strict=True):
            widths, slopes = around(z, width, cost, slope)
            sides.append(Sides(widths, slopes, widths, slopes))
        weights = plan(p.mean, p.covariance, AVERSION, start, sides).weights[0]
        width /= 3.0
    return weights


def _gain(weights: Answer) -> Answer:
    """Mean less risk less the cost itself, above that of the holdings."""

    def made(p: Problem) -> Floats:
        w, start = weights(p), _held(p)
        moved = np.abs(w - start)
        paid = p.cost @ moved + _slope(p) @ moved**1.5
        worth = [p.mean @ x - 0.5 * AVERSION * x @ p.covariance @ x for x in (w, start)]
        return np.array([worth[0] - paid - worth[1]])

    return made


_LINEAR: tuple[tuple[str, Answer, dict[str, Answer]], ...] = (
    (
        "cost in proportion, cash beside, no limits",
        _plan(held_cash=True),
        {"cvxportfolio": _cvx("", held_cash=True)},
    ),
    (
        "cost in proportion, cash beside, long only, up to 1 in all",
        _plan(held_cash=True, low=0.0, gross=1.0),
        {"cvxportfolio": _cvx("LongOnly LeverageLimit", held_cash=True)},
    ),
    (
        "cost in proportion, long only, no cash, the plan",
        _plan(held_cash=False, low=0.0, budget=1.0),
        {"cvxportfolio": _cvx("LongOnly NoCash", held_cash=False), "skfolio": _sk},
    ),
    (
        "cost in proportion, long only, no cash, the critical line",
        _invested,
        {"cvxportfolio": _cvx("LongOnly NoCash", held_cash=False), "skfolio": _sk},
    ),
    ("one cost for all, long only, no cash", _one_cost, {"PyPortfolioOpt": _pyp(turnover=False)}),
    (
        f"turnover {TURNOVER:g} from holdings, long only, no cash",
        _near,
        {
            "PyPortfolioOpt": _pyp(turnover=True),
            "cvxportfolio": _cvx("LongOnly NoCash TurnoverLimit", held_cash=False, costs=False),
        },
    ),
)
_PERIODS = f"{STEPS} periods, forecasts halved each, cost in proportion"
_PLANS: tuple[tuple[str, Answer, Answer], ...] = (
    (f"{_PERIODS}, no limits: first trade", _plans(end=False), _cvx_plans("", end=False)),
    (
        f"{_PERIODS}, long only, up to 1 in all: first trade",
        _plans(end=False, low=0.0, gross=1.0),
        _cvx_plans("LongOnly LeverageLimit", end=False),
    ),
    (f"{_PERIODS}, end given: first trade", _plans(end=True), _cvx_plans("", end=True)),
)
