"""Value at risk beside ORE: its historical calculator, its whole historical run, its closed forms.

ORE gives quantiles of the profit; with their sign turned they are losses, as ours are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.core.clock import DAY_MS
from crossmargin.market.history import moves
from crossmargin.statistics.closed_forms import normal_portfolio
from crossmargin.statistics.delta_gamma import (
    cumulants,
    delta_gamma_cornish_fisher,
    delta_gamma_exact,
    delta_gamma_normal,
)
from peers.coin_accounts import histories, requirements
from peers.ore import AS_OF, report_of
from peers.ore_inputs import coin_files, sensitivity_files
from peers.report import Line, compared
from peers.samples import LEVELS, Case, cases

__all__ = ["lines"]

SAMPLES = "Value at risk and expected shortfall of samples"
RUN = "Historical value at risk of coins, from prices"
FORMS = "Parametric value at risk"
PEER = "open-source-risk-engine"
TOLERANCE = 1e-12
COINS = {"BTC": (95_000.0, 0.025), "ETH": (3_100.0, 0.035)}
OBSERVATIONS = 620
BOOKS = 12
FACTORS = 4
QUANTILES = ",".join(f"{1.0 - level:.3f}" for level in LEVELS)
_NEXT = (
    "where the tail holds a whole number of outcomes ORE, which counts from the other end, takes "
    "the next one, a smaller loss. At a level lower by a millionth, in the next line, all agree"
)


def lines() -> list[Line]:
    """Samples, whole runs over two horizons, and every closed form."""
    return [*_samples(), *_runs(), *_forms()]


def _line(
    comparison: str, what: str, ours: Sequence[float], theirs: Sequence[float],
    reason: str = "", tolerance: float = TOLERANCE,
) -> Line:  # fmt: skip
    """A line that differs where a reason is given."""
    expected = "differs" if reason else "agrees"
    return compared(
        comparison, PEER, what, ours, theirs,
        tolerance=tolerance, expected=expected, reason=reason,
    )  # fmt: skip


def _samples() -> list[Line]:
    import ORE

    every = cases(2)
    peers = [ORE.HistoricalSimulationVarCalculator(case.pnl.tolist()) for case in every]
    value = [-peer.var(1.0 - case.level) for peer, case in zip(peers, every, strict=True)]
    short = [
        -peer.expectedShortfall(1.0 - case.level) for peer, case in zip(peers, every, strict=True)
    ]
    plain = [k for k, case in enumerate(every) if not case.whole]
    whole = [k for k, case in enumerate(every) if case.whole]
    return [
        _line(SAMPLES, "historical value at risk (`inverted_cdf`)",
              [every[k].value() for k in plain], [value[k] for k in plain]),
        _line(SAMPLES, "historical value at risk, a whole number in the tail",
              [every[k].value() for k in whole], [value[k] for k in whole], _NEXT),
        _line(SAMPLES, "historical value at risk, a whole number in the tail and the next outcome",
              [every[k].value(next_one=True) for k in whole], [value[k] for k in whole]),
        _line(SAMPLES, "historical expected shortfall (`outcomes`), the same two conventions",
              [case.shortfall(next_one=case.whole) for case in every], short),
    ]  # fmt: skip


def _runs() -> list[Line]:
    """Books of coins through ORE's whole run, through our quantiles, and through our model."""
    rng = np.random.default_rng(3)
    last = date.fromisoformat(AS_OF)
    dates = [str(last - timedelta(days=OBSERVATIONS - 1 - k)) for k in range(OBSERVATIONS)]
    prices = {
        coin: price * np.exp(np.cumsum(rng.normal(0.0, deviation, OBSERVATIONS)))
        for coin, (price, deviation) in COINS.items()
    }
    books = [
        {coin: round(float(rng.normal(0.0, 1e6)) / price, 4) for coin, (price, _) in COINS.items()}
        for _ in range(BOOKS)
    ]
    out = []
    for days in (1, 10):
        every = [
            Case(_profits(days, dates, prices, book), level) for book in books for level in LEVELS
        ]
        # One book a run: ORE gives one sum here.
        reports = [_historical(days, dates, prices, book) for book in books]
        value = [loss for report in reports for loss in _of_book(report, "All", "Quantile")]
        short = [
            loss for report in reports for loss in _of_book(report, "All", "ExpectedShortfall")
        ]
        model = [requirements(dates, prices, books, days, level) for level in LEVELS]
        whole = [float(need) for need in np.array(model).T.ravel()]
        what = f"{BOOKS} books of BTC and ETH, {OBSERVATIONS} prices, {days}-day moves" + (
            " that overlap" if days > 1 else ""
        )
        out += [
            _line(RUN, f"{what}: value at risk", [case.value() for case in every], value,
                  tolerance=1e-9),
            _line(RUN, f"{what}: expected shortfall (`outcomes`)",
                  [case.shortfall() for case in every], short, tolerance=1e-9),
            _line(RUN, f"{what}: initial margin of the model `var-historical`", whole, value,
                  tolerance=1e-9),
        ]  # fmt: skip
    return out


def _historical(
    days: int, dates: Sequence[str], prices: Mapping[str, Floats], book: Mapping[str, float]
) -> dict[str, list[Any]]:
    parameters = {
        "historicalScenarioFile": "scenarios.csv",
        "simulationConfigFile": "simulation.xml",
        # The period is that of the moves' ends: ORE asks for prices from one horizon before it.
        "historicalPeriod": f"{dates[days]},{dates[-1]}",
        "mporDays": str(days),
        "mporCalendar": "NullCalendar",
        "mporOverlappingPeriods": "true",
        "quantiles": QUANTILES,
        "includeExpectedShortfall": "Y",
    }
    files = coin_files(dates, prices, [book])
    return report_of(
        "historicalSimulationVar", "var", parameters, files, {"portfolioFile": "portfolio.xml"}
    )


def _profits(
    days: int, dates: Sequence[str], prices: Mapping[str, Floats], book: Mapping[str, float]
) -> Floats:
    """Profit of every past move, applied to today's prices."""
    history = histories(dates, prices)
    names = tuple(book)
    found = moves(history, names, days * DAY_MS, overlap_ms=DAY_MS if days > 1 else 0)
    pnl = np.zeros(len(found))
    for k, coin in enumerate(names):
        pnl += book[coin] * float(prices[coin][-1]) * np.expm1(found.log_return[k])
    return pnl


def _of_book(report: Mapping[str, list[Any]], book: str, figure: str) -> list[float]:
    """Losses of one book at every level, over all risk classes and types."""
    names = zip(report["Portfolio"], report["RiskClass"], report["RiskType"], strict=True)
    at = list(names).index((book, "All", "All"))
    return [-report[f"{figure}_{1.0 - level:.6f}"][at] for level in LEVELS]


def _forms() -> list[Line]:
    """Greeks of drawn books, and every method of ORE's parametric run."""
    rng = np.random.default_rng(4)
    load = rng.normal(0.0, 2.0, (FACTORS, FACTORS + 2))
    covariance = np.round(load @ load.T, 6)
    delta = np.round(rng.normal(0.0, 1000.0, (BOOKS, FACTORS)), 3)
    half = rng.normal(0.0, 20.0, (BOOKS, FACTORS, FACTORS))
    gamma = np.round(0.5 * (half + half.transpose(0, 2, 1)), 3)
    greeks = delta, gamma, covariance
    of = cumulants(*greeks)
    straight = [
        float(normal_portfolio(level, own, covariance).value_at_risk)
        for own in delta for level in LEVELS
    ]  # fmt: skip
    exact = [
        float(delta_gamma_exact(level, own, curve, covariance).value_at_risk)
        for own, curve in zip(delta, gamma, strict=True) for level in LEVELS
    ]  # fmt: skip
    normal = _by_level(lambda level: delta_gamma_normal(level, of))
    fourth = _by_level(lambda level: delta_gamma_cornish_fisher(level, of, anywhere=True))
    what = f"{BOOKS} books of {FACTORS} factors"
    return [
        _form(f"{what}: delta-normal", straight, "Delta", greeks),
        _form(f"{what}: delta-gamma-normal", normal, "DeltaGammaNormal", greeks),
        _form(f"{what}: Cornish-Fisher of four cumulants", fourth, "Cornish-Fisher", greeks),
        _form(f"{what}: exact distribution, beside a saddlepoint", exact, "Saddlepoint", greeks,
              0.02, "to 2 %: a saddlepoint is an approximation; ours inverts the distribution"),
        _form(f"{what}: exact distribution, beside 200,000 draws", exact, "MonteCarlo", greeks,
              0.02, "to 2 %: the error of that many draws"),
    ]  # fmt: skip


def _by_level(figure: Any) -> list[float]:
    """Figures book by book and level by level, of a function of the level that gives all books."""
    return [float(value) for value in np.stack([figure(level) for level in LEVELS], 1).ravel()]


def _form(
    what: str, ours: Sequence[float], method: str, greeks: tuple[Floats, Floats, Floats],
    tolerance: float = 1e-7, reason: str = "",
) -> Line:  # fmt: skip
    parameters = {
        "sensitivityInputFile": "sensitivity.csv",
        "covarianceInputFile": "covariance.csv",
        "quantiles": QUANTILES,
        "breakdown": "Y",
        "method": method,
        "mcSamples": "200000",
        "mcSeed": "42",
    }
    report = report_of(
        "parametricVar", "var", parameters, sensitivity_files(*greeks),
        {"portfolioFile": "portfolio.xml"},
    )  # fmt: skip
    theirs = [loss for k in range(len(greeks[0])) for loss in _of_book(report, f"P{k}", "Quantile")]
    return compared(FORMS, PEER, what, ours, theirs, tolerance=tolerance, reason=reason)
