"""Checkers of attribution: ties, closed forms, delta charges, scenario grids, worked books."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from crossmargin.margin.parameter_files import available
from crossmargin.risk.euler import TieRule, euler_worst_of, min_delta, volatility_shares
from crossmargin.risk.games import shapley
from crossmargin.statistics.closed_forms import normal_portfolio
from tests.risk.scan_book import QUANTITY, SPOT, VOL, loss_per_unit

__all__ = ["CHECKERS"]

Case = dict[str, Any]


def _near(case: Case, found: Any, name: str, default: float = 1e-9) -> None:
    """A figure against the case's, within its tolerance, absolute and relative."""
    tolerance = case["tolerance"] if case.get("tolerance") is not None else default
    wanted = np.asarray(case["expected"][name], np.float64)
    assert np.asarray(found) == pytest.approx(wanted, rel=tolerance, abs=tolerance), name


def _covariance(given: Mapping[str, Any]) -> np.ndarray:
    if "cov" in given:
        return np.array(given["cov"], np.float64)
    vol = np.array(given["vol"])
    return np.array(given["corr"]) * vol[:, None] * vol[None, :]


def _deviation(case: Case) -> None:
    """Deviation, derivatives and shares; equal contributions by their own definition."""
    given, expected = case["inputs"], case["expected"]
    covariance = _covariance(given)
    sigma, marginal, shares = volatility_shares(covariance, np.array(given["w"]))
    for name, found in (
        ("sigma", sigma),
        ("mrc", marginal),
        ("rc", shares),
        ("share", shares / sigma),
    ):
        if name in expected:
            _near(case, found, name)
    if "erc_weights" in expected:
        weights = np.array(expected["erc_weights"])
        deviation, _, equal = volatility_shares(covariance, weights)
        tolerance = float(case["tolerance"])
        assert equal == pytest.approx(np.full(len(weights), deviation / len(weights)),
                                      abs=2.0 * tolerance)  # fmt: skip
        if "erc_sigma" in expected:
            assert deviation == pytest.approx(expected["erc_sigma"], abs=tolerance)


def _normal(case: Case) -> None:
    given = case["inputs"]
    found = normal_portfolio(given["alpha"], given["w"], _covariance(given))
    tail = found.component * found.expected_shortfall / found.value_at_risk
    ours = {"var": found.value_at_risk, "es": found.expected_shortfall,
            "var_i": found.component, "es_i": tail}  # fmt: skip
    stated = [name for name in ours if name in case["expected"]]
    assert stated, f"nothing of {sorted(case['expected'])} is known"
    for name in stated:
        _near(case, ours[name], name)


def _table(given: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray] | None:
    """(losses a unit [S, n], quantities) of a case in any of the forms; None where it has none."""
    x = next((given[k] for k in ("x", "positions", "quantity", "quantities", "q") if k in given),
             None)  # fmt: skip
    if x is None:
        return None
    x = np.asarray([_size(each) for each in x], np.float64)
    for name, sign in (
        ("loss_per_unit", 1.0),
        ("losses", 1.0),
        ("pnl_per_unit", -1.0),
        ("P", -1.0),
        ("pnl", -1.0),
        ("pnl_by_instrument_scenario", -1.0),
    ):
        if name in given:
            table = sign * np.asarray(given[name], np.float64)
            # A square table says by its name which way it lies.
            turned = name.startswith("pnl_by_instrument") or table.shape[1] != len(x)
            return (table.T if turned and table.shape[0] == len(x) else table), x
    return None


def _size(entry: Any) -> float:
    if isinstance(entry, Mapping):
        return float(next(entry[k] for k in ("q", "qty", "quantity", "size", "x") if k in entry))
    return float(entry)


def _shares(losses: np.ndarray, x: np.ndarray) -> dict[str, Any]:
    found = euler_worst_of(losses, x)

    def margin(flags: np.ndarray) -> np.ndarray:
        return np.maximum((losses[None] * (flags * x)[:, None]).sum(axis=2), 0.0).max(axis=1)

    one = np.eye(len(x))
    average = euler_worst_of(losses, x, rule=TieRule.AVERAGE)
    return {
        "margin": found.value,
        "euler": found.shares,
        "euler_average": average.shares,
        "aumann_shapley": average.shares,  # homogeneous: the mean slope on the ray
        "shapley": shapley(margin, len(x)).values,
        "incremental": found.value - margin(1.0 - one),
        "standalone": margin(one),
        "stand_alone": margin(one),
        "euler_vertices": losses[list(found.tied)] * x,
    }


def _worst_of(case: Case) -> None:
    """Every share of the worst of linear losses that the case states."""
    pair = _table(case["inputs"]) or _rebuilt(case["inputs"])
    found = _shares(*pair)
    stated = {name: value for name, value in _stated(case["expected"]) if name in found}
    assert stated, f"nothing of {sorted(case['expected'])} is known"
    # A figure that was printed in whole dollars is compared to a dollar.
    printed = 1.0 if found["margin"] > 1_000.0 else 1e-9
    for name in stated:
        _near({**case, "expected": stated}, found[name], name, printed)


def _attribution(case: Case) -> None:
    """Shares of a normal loss, of a delta charge or of the worst of scenarios, as is given."""
    given = case["inputs"]
    if "alpha" in given:
        _normal(case)
    elif "deltas" in given:
        _delta(case)
    elif "w" in given and ("vol" in given or "cov" in given):
        _deviation(case)
    else:
        _worst_of(case)


def _stated(expected: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Names and figures of a case, tables inside tables too; figures by leg as a list."""
    for name, value in expected.items():
        plain = name.lower().replace("-", "_").replace(" ", "_")
        if isinstance(value, Mapping):
            yield from _stated(value)
            yield plain, list(value.values())
        else:
            yield plain, value


def _rebuilt(given: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """One perpetual and three options, where the case gives no table of losses."""
    spot = next((float(given[k]) for k in ("S", "S0", "spot") if k in given), SPOT)
    vol = next((float(given[k]) for k in ("iv", "vol", "sigma")
                if isinstance(given.get(k), int | float)), VOL)  # fmt: skip
    return loss_per_unit(spot, vol), QUANTITY


def _delta(case: Case) -> None:
    given = case["inputs"]
    found = min_delta(given["deltas"], given["spot"], given["unhedged"], given["hedged"])
    for name in {"net", "gross", "hedged", "charge"} & set(case["expected"]):
        _near(case, getattr(found, name), name)
    assert found.shares.sum() == pytest.approx(found.charge, rel=1e-12)


def _grid(case: Case) -> None:
    """The published scenarios are a table of some set of parameters that ships."""
    wanted = [[float(value) for value in row] for row in case["expected"]["grid"]]
    tables = [
        [[float(value) for value in row] for row in entry.value]
        for each in available("paradex-pm")
        for entry in each.entries.values()
        if isinstance(entry.value, list | tuple) and entry.value
        if isinstance(entry.value[0], list | tuple) and len(entry.value[0]) == 3
    ]
    assert wanted in tables


CHECKERS: dict[str, Callable[[Case], None]] = {
    "rc_roncalli_3": _deviation,
    "risk-contribution/euler": _deviation,
    "es_var_euler_normal": _normal,
    "maxloss_euler_tie": _worst_of,
    "margin_case_btc_scan": _worst_of,
    "attribution": _attribution,
    "margin LP + attribution": _attribution,
    "margin LP": _attribution,
    "paradex_min_delta": _delta,
    "delta margin": _delta,
    "paradex_scan_btc": _grid,
    "scenario grid": _grid,
}
