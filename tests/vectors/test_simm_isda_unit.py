"""Published totals of the sensitivity model's unit cases, and of its regulators' worst-of."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

import numpy as np
import pytest

from crossmargin.conformance.world import view_of
from crossmargin.instruments.factors import factor_of
from crossmargin.margin import run
from crossmargin.margin.families.sensitivity_regimes import worst_of
from crossmargin.margin.families.sensitivity_totals import Totals, table_of, totals
from crossmargin.margin.parameter_files import available, overlay
from crossmargin.margin.register import model_named
from crossmargin.venues.crif_book import regulated_book
from crossmargin.venues.sensitivity_files import with_file
from tests.vectors.recording import seen
from tests.vectors.simm_cases import (
    HORIZONS,
    by_id,
    correlated,
    files,
    lines_of,
    margined,
    numbers,
    population,
    records,
)

MODEL = "sensitivities-crif"
# Printed to whole units of currency.
PRINTED = 0.51
PARTS = ("delta", "vega", "curvature", "basecorr")


def _version(path: Path) -> str:
    return path.name.split("_")[3].removeprefix("v")


def _pairs(folder: Path) -> list[tuple[Path, Path]]:
    expected = files(folder, "simm_isda_unit_v*_expected.csv")
    pairs = [(path.with_name(path.name.replace("expected", "crif")), path) for path in expected]
    return [pair for pair in pairs if "regulation" not in pair[0].name and pair[0].is_file()]


@pytest.mark.parametrize("horizon", HORIZONS)
def test_totals_and_parts(vectors_dir: Path, horizon: int) -> None:
    """Every total within one unit; where delta, vega, … are given, every one of them too."""
    compared = 0
    for crif, expected in _pairs(vectors_dir):
        cases = records(expected)
        numbers_ = numbers(vectors_dir, _version(crif), horizon)
        found = margined(population(cases, by_id(crif)), numbers_)
        result = found["totals"]
        assert isinstance(result, Totals)
        for case in cases:
            row = found[case["case"]]
            ours = {"im": result.im_usd[row], "addon": result.add_on[row]}
            for k, part in enumerate(PARTS):
                classes = result.part[row, :, :, k]
                ours[part] = sum(correlated(each, numbers_) for each in classes)
            for name, value in ours.items():
                text = case[f"{name}_{horizon}d"]
                if text:
                    assert abs(value - float(text)) <= PRINTED, (crif.name, case["case"], name)
                    where = f"{case['case']} {horizon}d"
                    seen(MODEL, "suite", expected.name, where, value, float(text), 1e6)
                    compared += 1
    assert compared


@pytest.mark.parametrize("horizon", HORIZONS)
def test_worst_of_regulators(vectors_dir: Path, horizon: int) -> None:
    for expected in files(vectors_dir, "simm_isda_unit_v*_regulation_expected.csv"):
        known = by_id(expected.with_name(expected.name.replace("expected", "crif")))
        cases = records(expected)
        lines = [line for c in cases for line in lines_of(c["inputs"], known, c["case"])]
        book, regimes = regulated_book(lines)
        factors = [factor_of(item.native_id) for item in book.instruments.items]
        table = table_of(factors, numbers(vectors_dir, _version(expected), horizon))
        im = totals(table, book.row, book.column, book.quantity).im_usd
        worst = worst_of(regimes, im.tolist())
        for case in cases:
            found = worst[case["case"]]
            ours = {
                "TOTAL": found.total_usd,
                "SEGREGATED": found.segregated_usd,
                "UNSEGREGATED": found.unsegregated_usd,
            }[case["calc_type"]]
            theirs = float(case[f"im_{horizon}d"])
            assert abs(ours - theirs) <= PRINTED, case["case"]
            seen(MODEL, "suite", expected.name, f"{case['case']} {horizon}d", ours, theirs, 1e6)


def test_the_registered_model_says_the_same(vectors_dir: Path) -> None:
    """Every case as an account of one population, under numbers from the user's file."""
    crif, expected = _pairs(vectors_dir)[-1]
    cases, version = records(expected), _version(crif)
    (path,) = files(vectors_dir, "simm_parameters_*.csv")[:1]
    model = model_named(MODEL)
    book = population(cases, by_id(crif))
    view = view_of(book.instruments.items).view
    base = with_file(available(MODEL)[-1], f"{path}#{version}")
    for horizon in HORIZONS:
        parameters = overlay(base, {"general.horizon_days": str(horizon)}, "test")
        found = run(book, view, model, parameters)
        place = {name: row for row, name in enumerate(book.account)}
        for case in cases:
            text = case[f"im_{horizon}d"]
            if text:
                assert abs(found.sheet["im"][place[case["case"]]] - float(text)) <= PRINTED


def test_neighbours_do_not_change_a_bit(vectors_dir: Path) -> None:
    """A case alone has the bits that it has among all others."""
    crif, expected = _pairs(vectors_dir)[-1]
    cases, known = records(expected), by_id(crif)
    found = numbers(vectors_dir, _version(crif), 10)
    together = margined(population(cases, known), found)
    result = together["totals"]
    assert isinstance(result, Totals)
    for case in cases[:: max(1, len(cases) // 25)]:
        alone = margined(population([case], known), found)["totals"]
        assert isinstance(alone, Totals)
        assert np.array_equal(alone.part[0], result.part[together[case["case"]]])
        assert alone.im_usd[0] == result.im_usd[together[case["case"]]]


def test_every_case_of_every_version_runs_within_two_seconds(vectors_dir: Path) -> None:
    """Both horizons; reading the files is not counted, building tables and totals is."""
    work = [
        (population(records(expected), by_id(crif)), numbers(vectors_dir, _version(crif), horizon))
        for crif, expected in _pairs(vectors_dir)
        for horizon in HORIZONS
    ]
    margined(*work[0])  # compiles
    begin = perf_counter()
    cases = sum(len(margined(*each)) - 1 for each in work)
    taken_s = perf_counter() - begin
    print(f"{cases} cases in {taken_s:.3f} s")
    assert taken_s < 2.0
