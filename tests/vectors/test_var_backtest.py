"""Back-tests and scores against R (rugarch, GAS, esback, forecast) on the same series."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crossmargin.statistics import backtests as bt
from crossmargin.statistics import scores
from tests.vectors.loading import files_of

Case = dict[str, Any]
LEVELS = {"var99": 0.01, "var975": 0.025}
COMPARED = 0.01  # the forecasts that the comparison is between are of 99 %


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "recorded" not in metafunc.fixturenames:
        return
    files = files_of(metafunc.module.__name__)
    assert files is not None
    wanted = "dm" if metafunc.function.__name__ == "test_comparison" else "series"
    folder = Path(metafunc.config.getoption("--vectors")).resolve()
    found = [row for path in sorted(folder.glob(files.pattern)) for row in _cases(path, wanted)]
    if not found:
        why = pytest.mark.skip(reason=f"no case in {files.pattern} of the --vectors folder")
        found = [pytest.param(None, id="absent", marks=why)]
    metafunc.parametrize("recorded", found)


def _cases(path: Path, wanted: str) -> Iterator[Any]:
    oracle = json.loads(path.read_text(encoding="utf-8"))
    fixtures = path.with_name(path.name.replace("oracle", "fixtures"))
    series = json.loads(fixtures.read_text(encoding="utf-8"))
    arrays = {
        name: {key: np.array(values, np.float64) for key, values in rows.items()}
        for name, rows in series.items()
    }
    if wanted == "dm":
        pairs = [rows for rows in arrays.values() if "var_garch" in rows]
        for name, stated in oracle.get("dm", {}).items():
            yield pytest.param((pairs[0], {"name": name, **stated}), id=name)
        return
    for name, stated in oracle.items():
        if name in arrays:
            yield pytest.param((arrays[name], stated), id=name)


def _agrees(found: float, stated: Any, rel: float = 1e-10) -> None:
    value = np.ravel(stated)[0]
    assert found == pytest.approx(float(value), rel=rel, abs=1e-12)


@pytest.mark.parametrize("which", LEVELS)
def test_coverage(recorded: tuple[Case, Case], which: str) -> None:
    series, stated, p = recorded[0], recorded[1][which], LEVELS[which]
    hits = bt.breaches(series["pnl"], series[which])
    assert hits.sum() == stated["exceptions"]
    uc = bt.kupiec(len(hits), int(hits.sum()), p)
    cc = bt.conditional_coverage(bt.transitions(hits), p, first=bool(hits[0]))
    for found, name in ((uc, "uc"), (cc, "cc")):
        if stated[f"rugarch_{name}_stat"] is None:  # rugarch has no answer without a breach
            assert not hits.any() and np.isfinite(found.value)
            continue
        _agrees(found.value, stated[f"rugarch_{name}_stat"])
        _agrees(found.p_value, stated[f"rugarch_{name}_p"])


@pytest.mark.parametrize("which", LEVELS)
def test_dynamic_quantile(recorded: tuple[Case, Case], which: str) -> None:
    series, stated, p = recorded[0], recorded[1][which], LEVELS[which]
    found = bt.dynamic_quantile(series["pnl"], series[which], p)
    _agrees(found.value, stated["gas_dq_stat"])
    _agrees(found.p_value, stated["gas_dq_p"])
    loss = scores.quantile_loss(series["pnl"], series[which], p)
    _agrees(loss.mean(), stated["gas_quantile_loss"])


def test_joint_score(recorded: tuple[Case, Case]) -> None:
    series, stated = recorded
    loss = scores.fz0_loss(series["pnl"], series["var975"], series["es975"], LEVELS["var975"])
    _agrees(loss.mean(), stated["fz0_loss_mean"])
    assert loss[:5] == pytest.approx(stated["fz0_loss_first5"], rel=1e-12)


def test_conditional_calibration(recorded: tuple[Case, Case]) -> None:
    series, stated = recorded[0], recorded[1]["esback_cc"]
    found = scores.conditional_calibration(
        series["pnl"], series["var975"], series["es975"], LEVELS["var975"], series["scale"]
    )
    for name, value in found._asdict().items():
        side, kind = name.rsplit("_", 1)
        # A p-value near 0 is stated to few digits: R takes 1 - F.
        _agrees(value, stated[f"pvalue_{side.replace('_', '')}_{kind}"], rel=1e-9)


def test_comparison(recorded: tuple[Case, Case]) -> None:
    series, stated = recorded
    horizon, long_run, alternative = stated["name"].split("_")
    losses = [
        scores.quantile_loss(series["pnl"], series[name], COMPARED)
        for name in ("var_garch", "var_static")
    ]
    found = scores.diebold_mariano(
        *losses,
        horizon=int(horizon),
        long_run=scores.LongRun(long_run),
        alternative=scores.Alternative(alternative.replace(".", "_")),
    )
    _agrees(found.value, stated["statistic"])
    _agrees(found.p_value, stated["p"])
