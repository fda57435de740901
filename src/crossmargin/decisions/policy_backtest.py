"""What a rebalancing policy would have done on recorded prices, without looking ahead.

At each observation t the policy sees prices up to t alone and decides trades in units; they fill at
observation t + delay at its price and cost. Beside it run the same start never rebalanced (hold)
and the target kept at every observation for free (ideal). Cash earns nothing.

    harvest          growth a year of the policy before costs less that of hold; net: after costs
    by formula       (sum w_i sigma_i^2 - w'Sigma w)/2, the growth that the ideal gains on the mean
                     of its assets' growth: it says nothing of assets that grow apart
    tracking error   standard deviation of the return less the ideal's, a year
    turnover         sum of |trade| / value a year: two-way; one-way is half

A target may lose to hold: wherever one asset runs away for good. The share of windows that lose and
the worst of them are part of the answer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Floats, Longs, finite, frozen
from crossmargin.core.clock import DAY_MS, YEAR_MS
from crossmargin.core.errors import InputError, MarketDataError
from crossmargin.decisions.checked import number, refused, vector
from crossmargin.decisions.drift import Policy, breached, rebalance_to, wanted
from crossmargin.decisions.multi_period import plan, proportional_sides
from crossmargin.decisions.notional_costs import COMPONENTS, CostTerms
from crossmargin.market.history import History

__all__ = ["Region", "Summary", "Track", "backtest", "common_prices", "region_bounds", "summary"]


@dataclass(frozen=True, slots=True)
class Region:
    """How a policy ``region`` finds its no-trade region from prices that are past.

    The covariance is that of the last ``lookback`` moves; the returns are those that make the
    target the best portfolio without costs (gamma Sigma w*), over ``horizon`` observations: the
    time in which a trade has to earn its cost. Until there are enough moves nothing is traded.
    """

    aversion: float = 2.0
    lookback: int = 90
    horizon: int = 30

    def __post_init__(self) -> None:
        number("aversion", self.aversion, 0.0, above=True)
        if self.lookback < 10 or self.horizon < 1:
            raise refused("lookback and horizon", (self.lookback, self.horizon), ">= 10, >= 1")


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """[T] values in dollars: ``net``, ``gross`` (costs given back), ``hold``, ``ideal``.

    ``trade_usd[T, N]`` as filled, ``decided[T, N]`` units as decided, ``weights[T, N]`` after all
    fills, ``cost[name][T]`` with carry.
    """

    times_ms: Longs
    net: Floats
    gross: Floats
    hold: Floats
    ideal: Floats
    trade_usd: Floats
    decided: Floats
    weights: Floats
    cost: Mapping[str, Floats]


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures of a track; rates are fractions a year, money in dollars."""

    years: float
    trades: int
    turnover_two_way: float
    net_return: float
    gross_return: float
    hold_return: float
    ideal_return: float
    tracking_error: float
    volatility: float
    drawdown: float
    harvest: float
    harvest_net: float
    harvest_formula: float
    cost_usd: float
    cost_annual: float
    losing_share: float
    worst_window: float
    window_days: float

    @property
    def turnover_one_way(self) -> float:
        """Half of the two-way turnover."""
        return 0.5 * self.turnover_two_way


def common_prices(
    histories: Mapping[str, History], names: Sequence[str], since_ms: int | None = None
) -> tuple[Longs, Floats, int]:
    """(times[T], prices[T, N], times left out): those at which every asset has a price.

    Raises MarketDataError ``history_missing`` or ``observations_too_few``.
    """
    missing = [name for name in names if name not in histories]
    if missing or not names:
        raise MarketDataError(
            "history_missing",
            "the market holds no history of an asset",
            place=", ".join(missing) or "no asset",
            limit=", ".join(histories) or "none",
            remedy="Import the market with --history FILE, or give --history.",
        )
    series = [histories[name] for name in names]
    times = series[0].times_ms
    every = times
    for each in series[1:]:
        times = np.intersect1d(times, each.times_ms)
        every = np.union1d(every, each.times_ms)
    if since_ms is not None:
        times, every = times[times >= since_ms], every[every >= since_ms]
    if len(times) < 3:
        raise MarketDataError(
            "observations_too_few",
            "a back-test needs three common prices",
            place=", ".join(names),
            value=len(times),
            limit=">= 3",
            remedy="Give a longer history.",
        )
    prices = np.stack(
        [each.price[np.searchsorted(each.times_ms, times)] for each in series], axis=1
    )
    return frozen(times, np.int64), frozen(prices, np.float64), len(every) - len(times)


def backtest(
    times_ms: Longs,
    prices: Floats,
    target: Floats,
    policy: Policy,
    costs: Sequence[CostTerms],
    *,
    wealth_usd: float = 1e6,
    delay: int = 1,
    region: Region | None = None,
) -> Track:
    """The policy on ``prices[T, N]``, which starts at its target without cost.

    ``delay``: observations between decision and fill; while an order is on its way nothing new is
    decided. Raises InputError for shapes and numbers.
    """
    seen = finite(np.asarray(prices, np.float64), "prices")
    aim = vector("target", target, seen.shape[1])
    if len(seen) != len(times_ms) or (np.diff(times_ms) <= 0).any() or (seen <= 0.0).any():
        raise InputError(
            "shape_wrong",
            "a back-test takes prices above 0 at ascending times",
            place="prices",
            value=seen.shape,
            limit="[T, N] at T times",
            remedy="Give a price of each asset at each time.",
        )
    if delay < 0 or len(costs) != len(aim):
        raise refused("delay and costs", (delay, len(costs)), f">= 0, {len(aim)} cost terms")
    run = _Run(times_ms, seen, aim, number("wealth_usd", wealth_usd, 0.0, above=True), costs)
    terms = Region() if region is None else region
    due: tuple[int, Floats] | None = None
    for t in range(len(seen)):
        run.arrive(t)
        if due is not None and due[0] == t:
            run.fill(t, due[1])
            due = None
        if due is None and t < len(seen) - 1:
            units = _decision(run, t, policy, terms)
            if units is not None:
                run.decided[t] = units
                if delay == 0:
                    run.fill(t, units)
                else:
                    due = t + delay, units
        run.leave(t)
    return run.track()


def _decision(run: _Run, t: int, policy: Policy, region: Region) -> Floats | None:
    """Units to trade from what is known at t; None for nothing."""
    held_usd, value = run.units * run.prices[t], run.value(t)
    weights = held_usd / value
    if policy.trigger == "calendar" and (t == 0 or t % policy.every):
        return None
    whole = abs(float(run.target.sum()) - 1.0) < 1e-9
    if policy.trigger == "region":
        goal = _region_goal(run.prices[: t + 1], weights, run.target, run.costs, region, whole)
        if goal is not None and policy.to == "target":
            goal = run.target
    else:
        bands = policy.bands(run.target)
        out = breached(weights, bands)
        goal = wanted(weights, run.target, bands, policy.to, whole=whole) if out.any() else None
    if goal is None:
        return None
    rest = goal == weights
    found = rebalance_to(held_usd, value, goal, run.costs, fixed=rest)
    units = found.trade_usd / run.prices[t]
    return units if units.any() else None


def _region_goal(
    past: Floats,
    weights: Floats,
    target: Floats,
    costs: Sequence[CostTerms],
    region: Region,
    whole: bool,
) -> Floats | None:
    """Weights at the edge of the no-trade region of what is past; None inside it."""
    if len(past) <= region.lookback:
        return None
    sigma = _past_covariance(past, region)
    gradient = region.aversion * sigma @ (target - weights)
    one_way = np.array([max(terms.one_way, 0.0) for terms in costs])
    spread = float(gradient.max() - gradient.min()) if whole else 0.0
    inside = spread <= float(2.0 * one_way.min()) if whole else (abs(gradient) <= one_way).all()
    if inside:
        return None
    found = plan(
        region.aversion * sigma @ target,
        sigma,
        region.aversion,
        weights,
        proportional_sides(one_way, len(target)),
        budget=float(weights.sum()) if whole else None,
    )
    return found.weights[0] if found.trade.any() else None


def _past_covariance(past: Floats, region: Region) -> Floats:
    """Of the last moves, over the horizon."""
    moves = np.diff(np.log(past[-region.lookback - 1 :]), axis=0)
    centred = moves - moves.mean(axis=0)
    return np.asarray(centred.T @ centred / (len(moves) - 1) * region.horizon)


def region_bounds(
    past: Floats,
    weights: Floats,
    target: Floats,
    costs: Sequence[CostTerms],
    region: Region,
) -> tuple[Floats, Floats]:
    """(low, high) of each weight that the no-trade region leaves, the others where they are.

    Raises MarketDataError ``observations_too_few``.
    """
    if len(past) <= region.lookback:
        raise MarketDataError(
            "observations_too_few",
            "the no-trade region needs more past prices than its lookback",
            place="history",
            value=len(past),
            limit=f"> {region.lookback}",
            remedy="Give a longer history, or a shorter --lookback.",
        )
    sigma = region.aversion * _past_covariance(past, region)
    one_way = np.array([max(terms.one_way, 0.0) for terms in costs])
    own = np.diag(sigma)
    # |sum_j s_ij (t_j - w_j)| <= c_i, solved for w_i
    beside = sigma @ (target - weights) - own * (target - weights)
    low, high = target + (beside - one_way) / own, target + (beside + one_way) / own
    return low, high


class _Run:
    """Units and cash of the policy, and what it is compared with."""

    def __init__(
        self,
        times_ms: Longs,
        prices: Floats,
        target: Floats,
        wealth: float,
        costs: Sequence[CostTerms],
    ) -> None:
        count, assets = prices.shape
        self.times_ms, self.prices, self.target, self.costs = times_ms, prices, target, costs
        self.units = wealth * target / prices[0]
        self.cash = wealth * (1.0 - float(target.sum()))
        self.paid = 0.0
        self.hold_units, self.hold_cash = self.units.copy(), self.cash
        self.trades = [terms.trade() for terms in costs]
        self.carried = [bool(t.funding_8h or t.borrow_annual) for t in costs]
        self.net, self.gross = np.zeros(count), np.zeros(count)
        self.ideal = np.full(count, wealth)
        self.trade_usd, self.decided = np.zeros((count, assets)), np.zeros((count, assets))
        self.weights = np.zeros((count, assets))
        self.cost = {name: np.zeros(count) for name in COMPONENTS}

    def value(self, t: int) -> float:
        return self.cash + float((self.units * self.prices[t]).sum())

    def arrive(self, t: int) -> None:
        """Carry of what was held since the last observation, and the ideal's growth."""
        if t == 0:
            return
        simple = self.prices[t] / self.prices[t - 1] - 1.0
        self.ideal[t] = self.ideal[t - 1] * (1.0 + float((self.target * simple).sum()))
        if not any(self.carried):
            return
        days = float(self.times_ms[t] - self.times_ms[t - 1]) / DAY_MS
        for k, terms in enumerate(self.costs):
            if self.carried[k]:
                usd = float(self.units[k] * self.prices[t - 1, k])
                for name, amount in terms.carry(days).split(usd):
                    self._pay(t, name, float(amount))

    def fill(self, t: int, units: Floats) -> None:
        usd = units * self.prices[t]
        for k in np.flatnonzero(usd).tolist():
            for name, amount in self.trades[k].split(usd[k]):
                self._pay(t, name, float(amount))
        self.units = self.units + units
        self.cash -= float(usd.sum())
        self.trade_usd[t] = usd

    def _pay(self, t: int, name: str, amount: float) -> None:
        self.cost[name][t] += amount
        self.cash -= amount
        self.paid += amount

    def leave(self, t: int) -> None:
        value = self.value(t)
        if value <= 0.0:
            raise MarketDataError(
                "number_out_of_range",
                "the portfolio is worth nothing: its leverage does not survive the history",
                place=f"observation {t}",
                value=value,
                limit="> 0",
                remedy="Lower the weights.",
            )
        self.net[t], self.gross[t] = value, value + self.paid
        self.weights[t] = self.units * self.prices[t] / value

    def track(self) -> Track:
        hold = self.hold_cash + (self.hold_units * self.prices).sum(axis=1)
        return Track(
            times_ms=frozen(self.times_ms, np.int64),
            net=frozen(self.net, np.float64),
            gross=frozen(self.gross, np.float64),
            hold=frozen(hold, np.float64),
            ideal=frozen(self.ideal, np.float64),
            trade_usd=frozen(self.trade_usd, np.float64),
            decided=frozen(self.decided, np.float64),
            weights=frozen(self.weights, np.float64),
            cost={n: frozen(v, np.float64) for n, v in self.cost.items() if v.any()},
        )


def summary(track: Track, prices: Floats, target: Floats, window: int) -> Summary:
    """The figures of a track; windows of ``window`` observations are compared with hold.

    Returns are geometric, a year of 365 days. Raises InputError ``number_out_of_range`` for a
    window outside the track.
    """
    count = len(track.net)
    if not 1 <= window < count:
        raise refused("window", window, f"1 to {count - 1} observations")
    years = float(track.times_ms[-1] - track.times_ms[0]) / YEAR_MS
    each = (count - 1) / years
    growth = {
        name: math.log(values[-1] / values[0]) / years
        for name, values in (
            ("net", track.net),
            ("gross", track.gross),
            ("hold", track.hold),
            ("ideal", track.ideal),
        )
    }
    steps = np.diff(np.log(track.net))
    apart = np.diff(track.net) / track.net[:-1] - np.diff(track.ideal) / track.ideal[:-1]
    moves = np.diff(np.log(prices), axis=0)
    centred = moves - moves.mean(axis=0)
    sigma = centred.T @ centred / max(len(moves) - 1, 1) * each
    formula = 0.5 * (float((target * np.diag(sigma)).sum()) - float(target @ sigma @ target))
    against = np.log(track.net / track.hold)
    ahead = against[window:] - against[:-window]
    traded = np.abs(track.trade_usd).sum(axis=1) / track.net
    paid = sum(float(values.sum()) for values in track.cost.values())
    peak = np.maximum.accumulate(track.net)
    return Summary(
        years=years,
        trades=int((track.trade_usd != 0.0).any(axis=1).sum()),
        turnover_two_way=float(traded.sum()) / years,
        net_return=math.expm1(growth["net"]),
        gross_return=math.expm1(growth["gross"]),
        hold_return=math.expm1(growth["hold"]),
        ideal_return=math.expm1(growth["ideal"]),
        tracking_error=float(apart.std(ddof=1)) * math.sqrt(each),
        volatility=float(steps.std(ddof=1)) * math.sqrt(each),
        drawdown=float((1.0 - track.net / peak).max()),
        harvest=growth["gross"] - growth["hold"],
        harvest_net=growth["net"] - growth["hold"],
        harvest_formula=formula,
        cost_usd=paid,
        cost_annual=paid / float(track.net.mean()) / years,
        losing_share=float((ahead < 0.0).mean()),
        worst_window=math.expm1(float(ahead.min())),
        window_days=window * 365.0 / each,
    )
