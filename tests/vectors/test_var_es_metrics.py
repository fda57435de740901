"""Value at risk and expected shortfall against R's PerformanceAnalytics on the same returns."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crossmargin.statistics import closed_forms, moments, quantiles
from tests.vectors.loading import files_of

METRIC = re.compile(r"(VaR|ES)\(R, p=([\d.]+), method='(historical|gaussian|modified)'\)")
SHAPE = {"skewness(R, method='moment')": "skewness", "kurtosis(R, method='excess')": ""}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    files = files_of(metafunc.module.__name__)
    assert files is not None
    folder = Path(metafunc.config.getoption("--vectors")).resolve()
    found = [row for path in sorted(folder.glob(files.pattern)) for row in _cases(path)]
    if not found:
        why = pytest.mark.skip(reason=f"no case in {files.pattern} of the --vectors folder")
        found = [pytest.param(None, id="absent", marks=why)]
    metafunc.parametrize("recorded", found)


def _cases(path: Path) -> Iterator[Any]:
    oracle = json.loads(path.read_text(encoding="utf-8"))["values"]
    fixtures = path.with_name(path.name.replace("oracle", "fixtures"))
    series = json.loads(fixtures.read_text(encoding="utf-8"))
    for name, stated in oracle.items():
        returns = np.array(series[name]["returns"], np.float64)
        for metric, value in stated.items():
            if METRIC.match(metric) or metric in SHAPE:
                label = re.sub(r"[^\w.]+", "-", metric).strip("-")
                yield pytest.param((returns, metric, value), id=f"{name}-{label}")


def test_metric(recorded: tuple[np.ndarray, str, Any]) -> None:
    returns, metric, stated = recorded
    if metric in SHAPE:
        of = moments.population_moments(returns)
        found = of.skewness if SHAPE[metric] else of.excess_kurtosis
        assert float(found) == pytest.approx(stated, rel=1e-9, abs=1e-12)
        return
    match = METRIC.match(metric)
    assert match is not None
    figure, level, method = match[1], float(match[2]), match[3]
    found = -_loss(returns, figure, level, method)
    if stated is None or stated == "NA":
        pytest.skip("R gives no figure")
    # R's modified value at risk is set to -1 below -1; no recorded case is there.
    assert found == pytest.approx(stated, rel=1e-10, abs=1e-14)


def _loss(returns: np.ndarray, figure: str, level: float, method: str) -> float:
    if method == "historical":  # R's default quantile, type 7, however few returns there are
        pick = {"VaR": quantiles.value_at_risk, "ES": quantiles.expected_shortfall}[figure]
        return float(pick(returns, level, quantiles.Convention.LINEAR, least=1))
    of = moments.population_moments(returns)
    if method == "gaussian":
        figures = closed_forms.normal(level, -of.mean, of.deviation)
        value = {"VaR": figures.value_at_risk, "ES": figures.expected_shortfall}
        return float(value[figure])
    if figure == "ES":
        return float(moments.modified_expected_shortfall(level, of, anywhere=True).floored)
    return float(moments.cornish_fisher_value_at_risk(level, of, anywhere=True))
