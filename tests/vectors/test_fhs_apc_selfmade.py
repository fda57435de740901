"""Filtered and age-weighted historical simulation on a recorded profit-and-loss series."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crossmargin.statistics import quantiles
from crossmargin.statistics.filters import Scaling, ewma_variance, filtered_scenarios
from tests.vectors.loading import files_of

Case = dict[str, Any]
START = 60  # "v0=mean square of first 60" in the file's own convention
PLAIN = re.compile(r"0\.\d+")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "content" not in metafunc.fixturenames:
        return
    files = files_of(metafunc.module.__name__)
    assert files is not None
    folder = Path(metafunc.config.getoption("--vectors")).resolve()
    found = [pytest.param(_read(path), id=path.stem) for path in folder.glob(files.pattern)]
    if not found:
        why = pytest.mark.skip(reason=f"no case in {files.pattern} of the --vectors folder")
        found = [pytest.param(None, id="absent", marks=why)]
    metafunc.parametrize("content", found)


def _read(path: Path) -> tuple[np.ndarray, Case]:
    """The series that the file names ("x.csv column All ...") and what it states."""
    content = json.loads(path.read_text(encoding="utf-8"))
    named = re.match(r"(\S+) column (\w+)", content["data"])
    assert named is not None
    with path.with_name(named[1]).open(encoding="utf-8", newline="") as lines:
        return np.array([float(row[named[2]]) for row in csv.DictReader(lines)]), content


def _check(pnl: np.ndarray, level: str, stated: Case) -> None:
    found = quantiles.value_at_risk(pnl, float(level))
    assert float(found) == pytest.approx(stated["VaR"], rel=1e-13)
    shortfall = quantiles.expected_shortfall(pnl, float(level))
    assert float(shortfall) == pytest.approx(stated["ES"], rel=1e-13)
    assert float(quantiles.mean_of_worst(pnl, stated["k"])) == pytest.approx(
        stated["ES"], rel=1e-13
    )


def test_plain(content: tuple[np.ndarray, Case]) -> None:
    pnl, stated = content
    for level, figures in stated["plain_hs"].items():
        _check(pnl, level, figures)
    for name, value in stated.items():
        worst = re.fullmatch(r"mean_of_(\d+)_worst_of_last_(\d+)", name)
        if worst:
            found = quantiles.mean_of_worst(pnl[-int(worst[2]) :], int(worst[1]))
            assert float(found) == pytest.approx(value, rel=1e-13)


def test_filtered(content: tuple[np.ndarray, Case]) -> None:
    pnl, stated = content
    decays = [name for name in stated if name.startswith("ewma_fhs_lambda_")]
    assert decays
    for name in decays:
        rows = stated[name]
        assert f"first {START};" in rows["convention"]
        variance = ewma_variance(pnl, float(name.rpartition("_")[2]), start=START)
        assert variance[-1] ** 0.5 == pytest.approx(rows["sigma_next"], rel=1e-13)
        full = filtered_scenarios(pnl, variance)
        assert len(full) == rows["n_scen"]
        for level in filter(PLAIN.fullmatch, rows):
            _check(full, level, rows[level])
        _check(filtered_scenarios(pnl, variance, Scaling.MID), "0.99", rows["mid_vol_scaling_99"])


def test_weighted_by_age(content: tuple[np.ndarray, Case]) -> None:
    pnl, stated = content
    decays = [name for name in stated if name.startswith("brw_age_weighted_lambda_")]
    assert decays
    for name in decays:
        weights = quantiles.age_weights(len(pnl), float(name.rpartition("_")[2]))
        found = float(quantiles.value_at_risk(pnl, 0.99, weights=weights))
        assert found == stated[name]["VaR99"]
        reach = weights[pnl <= -found].sum()
        assert reach == pytest.approx(stated[name]["cum_weight_at"], rel=1e-12)
