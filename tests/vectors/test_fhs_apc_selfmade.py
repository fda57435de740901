"""Filtered and age-weighted historical simulation, and tools against procyclicality."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crossmargin.margin.families import anti_procyclical as tools
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


def _charged(name: str, raw: np.ndarray, stress: float, pnl: np.ndarray) -> np.ndarray:
    """What a case charges, by the words and the numbers of its name."""
    figure = re.search(r"_(\d+)pct", name)
    share = int(figure[1]) / 100.0 if figure else 0.0
    if name.startswith("stressed_weight"):
        return tools.stressed_weight(raw, stress, share, at_least="floor_at_raw" in name)
    if name.startswith("floor_full_history"):
        return tools.floored(raw, quantiles.value_at_risk(pnl, 0.99))
    if name.startswith("buffer"):
        return tools.exhaustible_buffer(raw, share)
    assert name.startswith("speed_limit"), name
    return tools.speed_limited(raw, share)


def test_anti_procyclical(content: tuple[np.ndarray, Case]) -> None:
    """The margin of each day from the losses of a window before it; then every tool and metric."""
    pnl, stated = content
    stated = stated["apc"]
    window = len(pnl) - stated["len"] + 1
    raw = quantiles.value_at_risk(np.lib.stride_tricks.sliding_window_view(pnl, window), 0.99)
    assert raw[:5].tolist() == stated["raw_margin_first5"]
    assert raw[-1] == stated["raw_margin_last"]
    found = tools.procyclicality(raw)
    assert found.peak_to_trough == pytest.approx(stated["peak_to_trough"], rel=1e-13)
    for days in (1, 5, 30):
        increase = tools.largest_increase(raw, days)
        assert increase == pytest.approx(stated[f"max_{days}d_increase"], rel=1e-12)
        assert increase == getattr(found, f"increase_{days}")
    assert found.deviation_of_log_change == pytest.approx(stated["std_of_log_change"], rel=1e-12)
    cases = [name for name, figures in stated.items() if isinstance(figures, dict)]
    assert cases
    for name in cases:
        if name == "backtest_raw":
            seen = tools.cover(raw[:-1], -pnl[window:])
            assert (seen.days, seen.breaches) == (stated[name]["n"], stated[name]["breaches"])
            continue
        _check_charged(_charged(name, raw, stated["stress_level"], pnl), raw, stated[name])


def _check_charged(charged: np.ndarray, raw: np.ndarray, figures: Case) -> None:
    made = {
        "last": float(charged[-1]),
        "peak_to_trough": tools.peak_to_trough(charged),
        "max_1d": tools.largest_increase(charged, 1),
        "max_5d": tools.largest_increase(charged, 5),
        "max_30d": tools.largest_increase(charged, 30),
        "mean": float(charged.mean()),
        "breaches_vs_raw": tools.cover(charged, raw).breaches,
    }
    for name, value in figures.items():
        if name != "convention":
            assert made[name] == pytest.approx(value, rel=1e-12, abs=1e-15), name
