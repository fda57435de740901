"""Checkers of frontiers, allocation, risk contributions, and of what the statistics cover."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from crossmargin.statistics import backtests, quantiles

__all__ = ["CHECKERS"]

Case = dict[str, Any]


def _backtest(case: Case) -> None:
    """Kupiec's ratio, the Basel zones and multipliers, whichever the case states."""
    given, expected, tolerance = case["inputs"], case["expected"], case["tolerance"]
    if "x" in given and "lr" in expected:
        found = backtests.kupiec(given["T"], given["x"], given["p"])
        assert found.value == pytest.approx(expected["lr"], abs=tolerance)
        assert found.p_value == pytest.approx(expected["p"], abs=tolerance)
    zones = expected.get("zone", [])
    lights = [backtests.traffic_light(given["T"], x, given["p"]) for x in range(len(zones))]
    assert [str(light.zone) for light in lights] == zones
    for x, stated in enumerate(expected.get("cumprob_pct", [])):
        chance = backtests.breaches_at_most(given["T"], x, given["p"])
        assert 100.0 * chance == pytest.approx(stated, abs=tolerance + 1e-9)
    for name, scale in (
        ("multiplier_1996", backtests.BaselScale.AMENDMENT_1996),
        ("multiplier_frtb", backtests.BaselScale.MAR_2019),
    ):
        for x, stated in enumerate(expected.get(name, [])):
            assert backtests.basel_multiplier(x, scale) == pytest.approx(stated, abs=1e-12)
    assert lights or "lr" in expected, "nothing in the case is checked"


def _quantile(case: Case) -> None:
    """A percentile with linear interpolation is minus the value at risk under that convention."""
    for outcomes, p, stated in case["expected"]["cases"]:
        found = quantiles.value_at_risk(
            np.array(outcomes, np.float64), 1.0 - p, quantiles.Convention.LINEAR, least=1
        )
        assert -float(found) == pytest.approx(stated, abs=case["tolerance"])


CHECKERS: dict[str, Callable[[Case], None]] = {
    "VaR backtest": _backtest,
    "VaR convention": _quantile,
}
