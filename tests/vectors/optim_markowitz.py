"""Checkers of frontiers, allocation, risk contributions, and of what the statistics cover."""

from __future__ import annotations

import csv
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from crossmargin.core.errors import ModelError
from crossmargin.decisions.black_litterman import black_litterman
from crossmargin.decisions.hierarchical import hierarchical_risk_parity
from crossmargin.decisions.mean_variance import Frontier, frontier
from crossmargin.decisions.risk_parity import (
    maximum_diversification,
    risk_budgets,
    risk_contributions,
)
from crossmargin.decisions.shortfall import minimum_worst_loss
from crossmargin.decisions.weight_limits import WeightLimits, weight_limits
from crossmargin.statistics import backtests, closed_forms, covariance, performance, quantiles

__all__ = ["CHECKERS"]

Case = dict[str, Any]
CHI2_95 = 3.841458820694124  # of one degree of freedom


def _limits(given: Case, count: int) -> WeightLimits:
    return weight_limits(
        count, low=given.get("lb"), high=given.get("ub"), budget=float(given.get("budget", 1))
    )


def _of(case: Case, name: str) -> float:
    """A tolerance of one figure, or the one of all: the weights', else the least given."""
    stated = case["tolerance"]
    if not isinstance(stated, dict):
        return float(stated or 0.0)
    return float(stated.get(name, stated.get("weights", min(stated.values()))))


def _matrix(given: Case) -> np.ndarray:
    """The covariance, or that of the deviations and correlations that are given."""
    if "cov" in given:
        return np.array(given["cov"], np.float64)
    vol = np.array(given["vol"], np.float64)
    return np.array(given["corr"], np.float64) * vol[:, None] * vol


def _frontier(case: Case, *, indefinite: bool = False) -> Frontier:
    given = case["inputs"]
    s = _matrix(given)
    mean = np.array(given.get("mu", np.zeros(len(s))), np.float64)
    return frontier(mean, s, _limits(given, len(s)), indefinite=indefinite)


def _turning_points(case: Case) -> None:
    found, expected = _frontier(case), case["expected"]
    stated = np.array(expected["lambdas"]), np.array(expected["weights"])
    (price, ours), (prices, weights) = _distinct(found.price, found.weights), _distinct(*stated)
    assert ours.shape == weights.shape
    assert np.abs(ours - weights).max() <= _of(case, "weights")
    assert np.abs(price - prices).max() <= _of(case, "lambdas")
    if "max_sharpe_rf0" in expected:
        best = found.maximum_sharpe(0.0)
        named = expected["max_sharpe_rf0"]
        assert best.sharpe(0.0) == pytest.approx(named["sharpe"], abs=_of(case, "sharpe"))
        assert best.weights == pytest.approx(named["weights"], abs=1e-6)
        assert found.minimum_variance().weights == pytest.approx(
            expected["min_var_weights"], abs=_of(case, "weights")
        )
        assert found.mean == pytest.approx(expected["returns"], abs=_of(case, "weights"))
        assert np.sqrt(found.variance) == pytest.approx(expected["risks"], abs=_of(case, "weights"))


def _distinct(price: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Turning points that are portfolios of their own: of those alike in a row the last price."""
    same = np.abs(np.diff(weights, axis=0)).max(axis=1) <= 1e-8
    kept = np.append(~same, True)
    return price[kept], weights[kept]


def _weights(case: Case) -> None:
    """Minimum variance, or a target of return, or of utility, whichever the case gives."""
    given, found = case["inputs"], _frontier(case)
    aversion = given.get("gamma", given.get("risk_aversion"))
    if "risk_tolerance" in given:  # mean - variance / tolerance
        aversion = 2.0 / given["risk_tolerance"]
    if "target_return" in given:
        point = found.at_return(given["target_return"])
    elif aversion is not None or "lambda" in given:
        point = found.at_utility(1.0 / given["lambda"] if aversion is None else aversion)
    else:
        point = found.minimum_variance()
    assert point.weights == pytest.approx(case["expected"]["weights"], abs=_of(case, "weights"))


def _markowitz(case: Case) -> None:
    """A case of another problem of the kind: by what it states."""
    if "lambdas" in case["expected"]:
        _turning_points(case)
    elif "rf" in case["inputs"] or "sharpe" in str(case["topic"]).lower():
        _sharpe(case)
    else:
        _weights(case)


def _sharpe(case: Case) -> None:
    """Where a printed covariance is indefinite it is refused, and then taken along the path."""
    given = case["inputs"]
    indefinite = _indefinite(_matrix(given), lambda: _frontier(case))
    best = _frontier(case, indefinite=indefinite).maximum_sharpe(given.get("rf", 0.0))
    assert best.weights == pytest.approx(case["expected"]["weights"], abs=_of(case, "weights"))


def _indefinite(matrix: Any, solve: Callable[[], object]) -> bool:
    """Whether a printed covariance has a negative eigenvalue: then solving refuses by name."""
    if np.linalg.eigvalsh(np.array(matrix))[0] >= -1e-9:
        return False
    with pytest.raises(ModelError, match="negative eigenvalue") as refused:
        solve()
    assert refused.value.code == "matrix_not_psd"
    return True


def _orlib(case: Case) -> None:
    """Every printed point of every frontier whose two files are there."""
    seen = 0
    for problem, printed in zip(case["inputs"]["files"], case["inputs"]["frontier"], strict=True):
        data, points = case["folder"] / problem, case["folder"] / printed
        if not (data.is_file() and points.is_file()):
            continue
        mean, s = orlib(data.read_text())
        found = frontier(mean, s)
        target, stated = np.array(points.read_text().split(), np.float64).reshape(-1, 2).T
        inside = np.clip(target, found.mean[-1], found.mean[0])
        assert np.abs(inside - target).max() <= 1e-7, "printed returns lie on the frontier"
        variance, weights = found.at_returns(inside)
        assert np.abs(variance / stated - 1.0).max() <= case["tolerance"]["rel_variance"]
        assert np.abs(weights.sum(axis=1) - 1.0).max() <= 1e-12 and weights.min() >= 0.0
        assert np.abs(weights @ mean - inside).max() <= 1e-12
        seen += 1
    if not seen:
        pytest.skip("no pair of the files that the case names is in the --vectors folder")


def orlib(text: str) -> tuple[np.ndarray, np.ndarray]:
    """Means and covariance of a file of the OR-Library."""
    numbers = np.array(text.split(), np.float64)
    n = int(numbers[0])
    mean, deviation = numbers[1 : 1 + 2 * n].reshape(n, 2).T
    rows = numbers[1 + 2 * n :].reshape(-1, 3)
    i, j = rows[:, 0].astype(int) - 1, rows[:, 1].astype(int) - 1
    s = np.zeros((n, n))
    s[i, j] = s[j, i] = rows[:, 2] * deviation[i] * deviation[j]
    return mean, s


def _budgets(case: Case) -> None:
    given = case["inputs"]
    s = _matrix(given)
    found = risk_budgets(s, given.get("budgets"), _limits(given, len(s)))
    assert found.weights == pytest.approx(case["expected"]["weights"], abs=_of(case, "weights"))


def _contributions(case: Case) -> None:
    given, expected, limit = case["inputs"], case["expected"], _of(case, "weights")
    s = _matrix(given)
    parts = risk_contributions(given["w"], s)
    equal = risk_budgets(s)
    ours = {"sigma": parts.volatility, "mrc": parts.marginal, "rc": parts.total,
            "share": parts.share, "erc_weights": equal.weights}  # fmt: skip
    stated = [name for name in ours if name in expected]
    assert stated, f"nothing of {sorted(expected)} is known"
    for name in stated:
        assert ours[name] == pytest.approx(expected[name], abs=limit), name
    if "erc_sigma" in expected:
        assert equal.volatility == pytest.approx(expected["erc_sigma"], abs=1e-9)


def _diversified(case: Case) -> None:
    s = _matrix(case["inputs"])
    indefinite = _indefinite(s, lambda: maximum_diversification(s))
    found = maximum_diversification(s, indefinite=indefinite)
    assert found.weights == pytest.approx(case["expected"]["weights"], abs=_of(case, "weights"))


def _worst_loss(case: Case) -> None:
    expected = case["expected"]
    returns = np.array(case["inputs"]["pnl_by_instrument_scenario"], np.float64).T
    found = minimum_worst_loss(returns, _limits(case["inputs"], returns.shape[1]))
    limit = case["tolerance"]
    value = limit["value"] if isinstance(limit, dict) else limit
    assert -found.risk == pytest.approx(expected["min_return"], abs=value)
    if "weights" in expected:
        assert found.weights == pytest.approx(expected["weights"], abs=_of(case, "weights"))


def _normal_shortfall(case: Case) -> None:
    """Of normal returns the least shortfall at a return is the least variance at it."""
    given, expected = case["inputs"], case["expected"]
    s = _matrix(given)
    best = frontier(given["mu"], s, _limits(given, len(s))).at_return(given["min_return"])
    assert best.weights == pytest.approx(expected["weights"], abs=_of(case, "weights"))
    for level, (value_at_risk, shortfall) in expected["var_cvar"].items():
        found = closed_forms.normal(float(level), -best.mean, best.volatility)
        assert float(found.value_at_risk) == pytest.approx(value_at_risk, abs=_of(case, "values"))
        assert float(found.expected_shortfall) == pytest.approx(shortfall, abs=_of(case, "values"))


def _black_litterman(case: Case) -> None:
    given, expected = case["inputs"], case["expected"]
    s = _matrix(given)
    for mark in ("1", "2"):
        if f"P{mark}" not in given:
            continue
        found = black_litterman(
            given["weq"],
            s,
            given[f"P{mark}"],
            given[f"Q{mark}"],
            aversion=given["delta"],
            tau=given["tau"],
        )
        assert found.equilibrium == pytest.approx(expected["pi"], abs=_of(case, "returns"))
        for what, values in (("mu", found.mean), ("w", found.weights)):
            name = f"{what}_view{'12'[: int(mark)]}"
            stated = expected.get(name, (case.get("check") or {}).get(name))
            if stated is not None:
                limit = _of(case, "returns" if what == "mu" else "weights")
                assert values == pytest.approx(stated, abs=limit), name


def _hierarchical(case: Case) -> None:
    """Prices with gaps: a return fills a gap with the last price, covariances are by pairs."""
    path = case["folder"] / case["inputs"]["prices_file"]
    if not path.is_file():
        pytest.skip(f"{path.name} is not in the --vectors folder")
    with path.open(newline="") as lines:
        names, *rows = list(csv.reader(lines))
    prices = np.array([[float(cell or "nan") for cell in row[1:]] for row in rows])
    for before, row in pairwise(prices):
        row[np.isnan(row)] = before[np.isnan(row)]
    with np.errstate(invalid="ignore"):
        returns = prices[1:] / prices[:-1] - 1.0
    s, correlation = _by_pairs(returns)
    linkage = case["inputs"].get("linkage", "single")
    found = hierarchical_risk_parity(s, linkage, correlation=correlation)
    expected = case["expected"]["weights"]
    ours = dict(zip(names[1:], found.weights.tolist(), strict=True))
    assert ours == pytest.approx(expected, abs=_of(case, "weights"))
    mean = np.array([column[~np.isnan(column)].mean() for column in returns.T])
    year = float(mean @ found.weights) * 252.0
    volatility = float(np.sqrt(found.weights @ s @ found.weights * 252.0))
    stated = case["expected"]["performance_rf2"]
    figures = [year, volatility, (year - 0.02) / volatility]
    assert figures == pytest.approx(stated, abs=_of(case, "weights"))


def _by_pairs(returns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Covariances and correlations, each of the days that its two series share."""
    s, correlation = np.zeros((2, returns.shape[1], returns.shape[1]))
    for i, x in enumerate(returns.T):
        for j, y in enumerate(returns.T):
            both = ~(np.isnan(x) | np.isnan(y))
            pair = covariance.sample_covariance(np.array([x[both], y[both]]).T)
            s[i, j] = pair[0, 1]
            correlation[i, j] = covariance.correlation_of(pair)[0, 1]
    return s, correlation


def _performance(case: Case) -> None:
    """A missing return is a period in which nothing was earned; deviations leave it out."""
    for name, stated in case["expected"].items():
        given = case["inputs"][name]
        known = np.array([value for value in given if value is not None], np.float64)
        filled = np.array([value or 0.0 for value in given], np.float64)
        of, grown = performance.performance(known, 252.0), performance.performance(filled, 252.0)
        calmar = grown.annual_return / -of.drawdown_max if of.drawdown_max else None
        ours = {
            "max_drawdown": of.drawdown_max,
            "cum_final": of.total,
            "annual_return": grown.annual_return,
            "annual_vol": of.annual_volatility,
            "sharpe": of.sharpe,
            "sortino": of.sortino,
            "calmar": calmar,
            "omega_rf_flat1": performance.omega_ratio(known, 0.01),
            "downside_risk": of.downside,
            "tail_ratio": performance.tail_ratio(filled),
        }
        for what, value in stated.items():
            assert ours[what] == pytest.approx(value, abs=case["tolerance"]), (name, what)


def _backtest(case: Case) -> None:
    """Likelihood ratios, the Basel zones and multipliers, whichever the case states.

    A case of another form is skipped by name: nothing of it is checked, and it says so.
    """
    given, expected, tolerance = case["inputs"], case["expected"], case["tolerance"]
    limit = tolerance if isinstance(tolerance, float) else 1e-5
    seen = _ratios(given, expected, limit) + _regions(case)
    zones = expected.get("zone", [])
    lights = [backtests.traffic_light(given["T"], x, given["p"]) for x in range(len(zones))]
    assert [str(light.zone) for light in lights] == zones
    for x, stated in enumerate(expected.get("cumprob_pct", [])):
        chance = backtests.breaches_at_most(given["T"], x, given["p"])
        assert 100.0 * chance == pytest.approx(stated, abs=limit + 1e-9)
    for name, scale in (
        ("multiplier_1996", backtests.BaselScale.AMENDMENT_1996),
        ("multiplier_frtb", backtests.BaselScale.MAR_2019),
    ):
        for x, stated in enumerate(expected.get(name, [])):
            assert backtests.basel_multiplier(x, scale) == pytest.approx(stated, abs=1e-12)
    if not (lights or seen):
        pytest.skip(f"{case['id']}: no checker for {sorted(given)} and {sorted(expected)}")


_COUNTS = {
    "t": ("t", "n", "days", "obs", "observations"),
    "x": ("x", "m", "failures", "exceptions", "violations", "breaches"),
    "p": ("p", "p_fail", "rate"),
    "level": ("level", "alpha", "confidence", "varlevel", "var_level"),
}


def _counts(given: Case) -> dict[str, float]:
    """Days, breaches and their chance under the names in use; from the transitions where needed."""
    lower = {name.lower(): value for name, value in given.items()}
    found = {name: lower[name] for name in ("n00", "n01", "n10", "n11") if name in lower}
    for name, others in _COUNTS.items():
        value = next((lower[other] for other in others if other in lower), None)
        if isinstance(value, int | float):
            found[name] = value
    if "p" not in found and "level" in found:
        found["p"] = round(min(found["level"], 1.0 - found["level"]), 12)
    if len(found.keys() & {"n00", "n01", "n10", "n11"}) == 4 and "x" not in found:
        found["x"] = found["n01"] + found["n11"]
    return found


def _ratios(given: Case, expected: Case, limit: float) -> int:
    """How many ratios and p-values were checked, under the names that papers give them."""
    counts = _counts(given)
    found: dict[str, float] = {}
    if {"x", "t", "p"} <= counts.keys():
        days, breaches, chance = int(counts["t"]), int(counts["x"]), counts["p"]
        of = backtests.kupiec(days, breaches, chance)
        found |= dict.fromkeys(("lr", "lruc", "lrpof", "lratiopof", "pof"), of.value)
        found |= dict.fromkeys(("p", "pvalue", "puc", "pvaluepof"), of.p_value)
        fewer = backtests.breaches_at_most(days, breaches - 1, chance) if breaches else 0.0
        tail = ("typei", "ponesided", "onesided", "onetailed", "ponetailed", "pge", "patleast",
                "probatleast", "binomialtail")  # fmt: skip
        found |= dict.fromkeys(tail, 1.0 - fewer)
    if {"n00", "n01", "n10", "n11"} <= counts.keys():
        chain = backtests.Transitions(*(int(counts[n]) for n in ("n00", "n01", "n10", "n11")))
        apart = backtests.independence(chain).value
        found |= dict.fromkeys(("lrind", "lrcci", "lratiocci", "cci"), apart)
        if "lr" in found:
            found |= dict.fromkeys(("lrcc", "lratiocc", "cc"), found["lr"] + apart)
    seen = 0
    for name, stated in expected.items():
        key = name.lower().replace("_", "").replace("-", "")
        if key in found and isinstance(stated, float | int):
            assert found[key] == pytest.approx(stated, abs=limit), name
            seen += 1
    return seen


def _regions(case: Case) -> int:
    """Counts that Kupiec's test does not reject at 5 %: strictly between the bounds of each row."""
    rows = case["expected"].get("rows") or case["inputs"].get("rows") or []
    seen = 0
    for row in rows if isinstance(rows, list) else []:
        counts = _counts({**case["inputs"], **row}) if isinstance(row, dict) else {}
        low, high = (
            next((row[n] for n in names if isinstance(row, dict) and n in row), None)
            for names in (("lower", "low", "above", "lo"), ("upper", "high", "below", "hi"))
        )
        if high is None or not {"t", "p"} <= counts.keys():
            continue
        days, chance = int(counts["t"]), counts["p"]
        start = 0 if low is None else max(int(low) + 1, 0)
        inside = [backtests.kupiec(days, x, chance).value for x in range(start, int(high))]
        # tables leave 0 in where the likelihood ratio alone would reject it
        assert max(inside[1:] if start == 0 else inside) <= CHI2_95
        assert backtests.kupiec(days, int(high), chance).value > CHI2_95
        if low is not None and low >= 1:
            assert backtests.kupiec(days, int(low), chance).value > CHI2_95
        seen += 1
    return seen


def _quantile(case: Case) -> None:
    """A percentile with linear interpolation is minus the value at risk under that convention."""
    for outcomes, p, stated in case["expected"]["cases"]:
        found = quantiles.value_at_risk(
            np.array(outcomes, np.float64), 1.0 - p, quantiles.Convention.LINEAR, least=1
        )
        assert -float(found) == pytest.approx(stated, abs=case["tolerance"])


CHECKERS: dict[str, Callable[[Case], None]] = {
    "markowitz/critical-line": _turning_points,
    "markowitz/min-variance": _weights,
    "markowitz/target-return": _weights,
    "markowitz/utility": _weights,
    "markowitz/max-utility": _weights,
    "markowitz/max-sharpe": _sharpe,
    "markowitz": _markowitz,
    "markowitz/frontier": _orlib,
    "risk-parity": _budgets,
    "risk-contribution": _contributions,
    "max-diversification": _diversified,
    "max-loss LP": _worst_loss,
    "CVaR": _normal_shortfall,
    "black-litterman": _black_litterman,
    "HRP": _hierarchical,
    "drawdown": _performance,
    "performance": _performance,
    "VaR backtest": _backtest,
    "VaR convention": _quantile,
}
