"""Closed-form figures, expansions, quadratic profit and coverage tests, each to rounding."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crossmargin.statistics import backtests as bt
from crossmargin.statistics import closed_forms as cf
from crossmargin.statistics import delta_gamma as dg
from crossmargin.statistics import moments as mo
from tests.vectors.loading import files_of

Row = dict[str, str]
REGION = "5% non-rejection region"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "row" not in metafunc.fixturenames:
        return
    files = files_of(metafunc.module.__name__)
    assert files is not None
    folder = Path(metafunc.config.getoption("--vectors")).resolve()
    found = []
    for path in sorted(folder.glob(files.pattern)):
        with path.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
        found += [
            pytest.param(row, id=f"{row['family']}-{index}") for index, row in enumerate(rows)
        ]
    if not found:
        why = pytest.mark.skip(reason=f"no case in {files.pattern} of the --vectors folder")
        found = [pytest.param(None, id="absent", marks=why)]
    metafunc.parametrize("row", found)


def _inputs(row: Row) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in f"{row['inputs']};{row['case'].split('@')[0]}".split(";"):
        name, equals, value = part.partition("=")
        if equals and re.fullmatch(r"[-+.\deE]+", value):
            found[name.strip()] = float(value)
        elif equals and re.fullmatch(r"[-+.\deE,()\[\]* ]+", value):
            found[name.strip()] = value
    spread = re.search(r"N\(0,([\d.]+)\)", row["inputs"])
    if spread:
        found["s"] = found.get("s", float(spread[1]))
    if "@" in row["case"]:
        found["level"] = float(row["case"].rpartition("@")[2])
    return found


def _tuple(text: str) -> list[float]:
    return [float(x) for x in re.findall(r"[-+]?[\d.]+(?:e[-+]?\d+)?", text)]


def _matrix(text: str) -> np.ndarray:
    scale, _, body = text.rpartition("*")
    numbers = _tuple(body)
    size = round(len(numbers) ** 0.5)
    return float(scale or 1.0) * np.array(numbers).reshape(size, size)


LOSSES = {
    "gaussian_loss": lambda i: cf.normal(i["level"], i["mu"], i["sigma"]),
    "student_t_loss": lambda i: cf.student_t(i["level"], i["nu"], 0.0, i["scale"]),
    "student_t_loss_unit_variance": lambda i: cf.student_t_of_deviation(
        i["level"], i["nu"], 0.0, i["sd"]
    ),
    "lognormal_long_loss": lambda i: cf.lognormal_long(i["level"], i["mu"], i["sigma"]),
    "lognormal_short_loss": lambda i: cf.lognormal_short(i["level"], i["mu"], i["sigma"]),
    "laplace_loss": lambda i: cf.laplace(i["level"], i["mu"], i["b"]),
    "logistic_loss": lambda i: cf.logistic(i["level"], i["mu"], i["s"]),
    "exponential_loss": lambda i: cf.exponential(i["level"], i["lambda"]),
    "gpd_loss": lambda i: cf.generalised_pareto(i["level"], i["xi"], i["beta"]),
    "evt_pot_loss": lambda i: cf.peaks_over_threshold(
        i["level"], i["u"], i["exceed_frac"], i["xi"], i["beta"]
    ),
}


def _loss(row: Row) -> float:
    figures = LOSSES[row["family"]](_inputs(row))
    return float({"VaR": figures.value_at_risk, "ES": figures.expected_shortfall}[row["quantity"]])


def _expansion(row: Row) -> float:
    i = _inputs(row)
    moments = mo.Moments(*(np.array(i[name]) for name in ("mean", "sd", "skew", "exkurt")))
    if row["quantity"].startswith("VaR"):
        return float(mo.cornish_fisher_value_at_risk(i["level"], moments))
    found = mo.modified_expected_shortfall(i["level"], moments)
    assert found.floored == max(found.raw, found.value_at_risk)
    return float(found.raw)


def _portfolio(row: Row) -> float:
    i = _inputs(row)
    w, sd, rho = np.array(_tuple(i["w"])), np.array(_tuple(i["sd"])), i["rho"]
    covariance = np.array([[1.0, rho], [rho, 1.0]]) * sd[:, None] * sd
    found = cf.normal_portfolio(i["conf"], w, covariance)
    assert found.component.sum() == pytest.approx(found.value_at_risk, rel=1e-12)
    whole = row["quantity"] == "VaR"
    return found.value_at_risk if whole else float(found.component[0])


CUMULANT = {"mean": "mean", "variance": "variance"}
CUMULANT |= {f"{name} cumulant": name for name in ("third", "fourth")}


def _quadratic(row: Row) -> float:
    i = _inputs(row)
    if row["family"] == "delta_gamma_2f":
        of = dg.cumulants(_tuple(i["d"]), _matrix(i["G"]), _matrix(i["Cov"]))
        return float(getattr(of, CUMULANT[row["quantity"]]))
    d, g, s = i["d"], i["g"], i["s"]
    of = dg.cumulants([d], [[g]], [[s * s]])
    what = row["quantity"]
    if what in CUMULANT:
        return float(getattr(of, CUMULANT[what]))
    if what == "exact VaR":
        found = float(dg.one_factor_value_at_risk(i["level"], d, g, s))
        inverted = dg.delta_gamma_exact(i["level"], [d], [[g]], [[s * s]]).value_at_risk
        assert inverted == pytest.approx(found, rel=1e-9, abs=1e-12)
        return found
    if what.startswith("delta-gamma-normal"):
        return float(dg.delta_gamma_normal(i["level"], of))
    # The published figure is the bare formula, also where the expansion does not rise.
    return float(dg.delta_gamma_cornish_fisher(i["level"], of, anywhere=True))


def _coverage(row: Row) -> float:
    i, what = _inputs(row), row["quantity"]
    named = dict(part.split("=") for part in row["case"].split(",") if "=" in part)
    if row["inputs"] == REGION:
        least, most = bt.kupiec_region(int(named["n"]), float(named["p"]))
        return float({"min x": least, "max x": most}[what])
    if row["family"] == "binomial_exact":
        return bt.breaches_at_most(int(i["n"]), int(i["x"]), i["p"])
    if row["family"] == "kupiec_tuff":
        return bt.time_until_first(int(i["v"]), i["p"]).value
    found = bt.kupiec(int(i["n"]), int(i["x"]), i["p"])
    return found.value if what == "LR" else found.p_value


def _christoffersen(row: Row) -> float:
    seen = bt.Transitions(*(int(n) for n in _tuple(row["case"])))
    p, what = _inputs(row)["p"], row["quantity"]
    both = bt.conditional_coverage(seen, p, coverage=bt.Coverage.TRANSITIONS)
    if what == "LR_ind":
        return bt.independence(seen).value
    if what.startswith("LR_uc"):
        return bt.kupiec(sum(seen), seen.n01 + seen.n11, p).value
    return both.value if what == "LR_cc" else both.p_value


def _basel(row: Row) -> float:
    count = int(_inputs(row)["x"])
    light = bt.traffic_light(250, count)
    assert light.zone == ("green" if count <= 4 else "yellow" if count <= 9 else "red")
    old = row["family"].endswith("1996")
    return bt.basel_multiplier(count, bt.BaselScale("1996" if old else "2019"))


FAMILIES = {
    **dict.fromkeys(LOSSES, _loss),
    "cornish_fisher": _expansion,
    "parametric_portfolio": _portfolio,
    "delta_gamma_1f": _quadratic,
    "delta_gamma_2f": _quadratic,
    "kupiec_pof": _coverage,
    "kupiec_tuff": _coverage,
    "binomial_exact": _coverage,
    "christoffersen": _christoffersen,
    "basel_traffic_light": _basel,
    "basel_traffic_light_1996": _basel,
}


def test_figure(row: Row) -> None:
    # Nearly all agree to 1e-14; the file's own root search ends at 1e-11 for the quadratic profit.
    found, stated = FAMILIES[row["family"]](row), float(row["value"])
    assert found == pytest.approx(stated, rel=1e-11, abs=1e-16)
