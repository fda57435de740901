"""The benchmarks run at tiny sizes: values checked, targets judged, JSON and tables written."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import w1_revaluation, w2_netting, w5_incremental, w11_portfolios
from benchmarks.__main__ import WORKLOADS, main
from benchmarks.machine import measure_limits
from benchmarks.options import shocked_chain
from benchmarks.peers import attempt
from benchmarks.populations import NOT_TIMED, VENUE_OF_MODEL, chain, population, positions
from benchmarks.report import Goal, Report, WrongValue
from benchmarks.timing import Candidate, Settings, Timing, interleaved
from crossmargin.decisions.mean_variance import frontier
from crossmargin.margin import ALL_MODELS, model_named
from crossmargin.margin import run as margin_run

TINY = Settings(quick=True, seconds=0.05, rounds=2)


@pytest.fixture(scope="module")
def limits():
    return measure_limits(quick=True)


def test_candidates_take_turns() -> None:
    seen: list[str] = []
    both = [Candidate(name, lambda name=name: seen.append(name), 2.0) for name in "AB"]
    found = interleaved(both, Settings(seconds=60.0, rounds=3))
    assert seen == ["A", "B", "A", "B", "A", "B"]
    assert found["A"].rounds == 3


def test_rates_are_units_over_medians() -> None:
    timing = Timing(Candidate("A", lambda: None, 10.0), wall_s=2.0, cpu_s=4.0, rounds=1, spread=0.0)
    assert (timing.rate, timing.cpu_rate) == (5.0, 2.5)
    assert timing.processors == "had 2.0 processors"


def test_a_goal_is_met_missed_or_not_measured() -> None:
    def goal(found: float | None, at_least: bool) -> Goal:
        return Goal("W", "t", "s", 2.0, found, at_least)

    assert [goal(x, True).met for x in (3.0, 1.0, None)] == [True, False, None]
    assert [goal(x, False).met for x in (3.0, 1.0)] == [False, True]
    assert goal(1.0, False).ratio == 2.0


def test_a_peer_that_is_absent_or_fails_is_a_line_with_its_reason() -> None:
    def absent():
        raise ImportError(name="nowhere")

    def broken():
        raise RuntimeError("does not compile\nat all")

    assert "nowhere" in attempt("a", absent, 1.0, lambda _: 0.0).failure
    assert attempt("b", broken, 1.0, lambda _: 0.0).failure == "RuntimeError: does not compile"
    report = Report()
    report.against("W", "case", {"crossmargin": 4.0, "c": 2.0}, {"a": (3.0, 1.0), "c": (3.0, 1.0)})
    assert [goal.met for goal in report.goals] == [None, False]
    assert "2 times the 1" in report.goals[1].reason


def test_wrong_values_are_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    table = shocked_chain(np.random.default_rng(0), 20, 8)
    wrong = type(table).reference
    monkeypatch.setattr(type(table), "reference", lambda self, *rows: wrong(self, *rows) * 1.001)
    with pytest.raises(WrongValue, match="differ from the textbook"):
        w1_revaluation.checked(table)


def test_a_frontier_that_is_none_is_not_timed() -> None:
    problem = w11_portfolios.drawn()
    path = frontier(problem.mean, problem.covariance)
    w11_portfolios.check(problem, path)
    equal = path.weights * (1.0 - 1e-6) + 1e-6 / len(problem.mean)
    with pytest.raises(WrongValue, match="off by"):
        w11_portfolios.check(problem, replace(path, weights=equal))
    target, variance = path.mean[1:-1], path.variance[1:-1]
    w11_portfolios.check(problem._replace(printed=np.stack([target, variance])), path)
    with pytest.raises(WrongValue, match="printed"):
        wrong = np.stack([target, variance * 1.00001])
        w11_portfolios.check(problem._replace(printed=wrong), path)


def test_a_recorded_problem_is_read_and_its_absence_said(tmp_path) -> None:
    assert "no port4" in w11_portfolios.problem_of(tmp_path).name
    (tmp_path / "orlib").mkdir()
    (tmp_path / "orlib" / "port4.txt").write_text(" 2\n .01 .2\n .02 .3\n1 1 1\n1 2 .5\n2 2 1\n")
    found = w11_portfolios.problem_of(tmp_path)
    assert found.mean.tolist() == [0.01, 0.02] and found.printed is None
    assert found.covariance == pytest.approx(np.array([[0.04, 0.03], [0.03, 0.09]]))
    (tmp_path / "orlib" / "portef4.txt").write_text(".02 .09\n.01 .04\n")
    printed = w11_portfolios.problem_of(tmp_path).printed
    assert printed is not None and printed.tolist() == [[0.02, 0.01], [0.09, 0.04]]


def test_limits_of_the_machine_are_in_order(limits) -> None:
    assert limits.fma_per_s > limits.divide_per_s > 1e7
    assert min(limits.l1_bytes_per_s, limits.l3_bytes_per_s) > 1e8


@pytest.mark.parametrize("workload", [w1_revaluation, w2_netting, w5_incremental, w11_portfolios])
def test_a_workload_measures_itself(workload, limits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Settings, "size", lambda self, full, quick: max(quick // 20, 20))
    report = Report()
    workload.run(report, TINY, limits)
    ours = [m for m in report.measures if m.candidate.startswith("crossmargin")]
    assert ours and all(m.rate is not None and m.rate > 0.0 for m in ours)
    assert all(goal.found is not None for goal in report.goals if "against" not in goal.text)


def test_rows_hold_distinct_rising_columns() -> None:
    row, column = positions(np.random.default_rng(1), 50, 60, 90)
    assert (np.diff(row) == 60).all()
    assert (np.diff(column.reshape(50, 60), axis=1) > 0).all()
    assert column.min() >= 0 and column.max() < 90


def test_every_model_has_a_population() -> None:
    names = [model.spec.name for model in ALL_MODELS]
    assert {*VENUE_OF_MODEL, *NOT_TIMED} == set(names)
    assert len(VENUE_OF_MODEL) + len(NOT_TIMED) == len(names)
    for venue in set(VENUE_OF_MODEL.values()):
        assert 650 <= len(chain(venue)) <= 750


@pytest.mark.parametrize("name", VENUE_OF_MODEL)
def test_a_population_has_a_requirement_for_every_account(name: str) -> None:
    book, view, _ = population(name, 12, 30)
    made = margin_run(book, view, model_named(name))
    assert made.failures == ()
    assert np.unique(made.sheet.account).size == 12
    assert np.isfinite(made.sheet["im"]).all() and made.sheet["im"].max() > 0.0


def test_the_command_writes_json_and_markdown(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr("benchmarks.__main__.measure", lambda report, settings, rows: None)
    assert main(["--only", "W3", "--quick", "--results", str(tmp_path)]) == 0
    written = {path.suffix: path for path in tmp_path.iterdir()}
    content = json.loads(written[".json"].read_text())
    assert content["settings"] == {"quick": True, "rows": ["W3"]}
    assert written[".md"].read_text().startswith("| row | case |")
    with pytest.raises(SystemExit):
        main(["--only", "W99"])
    assert ", ".join(WORKLOADS) in capsys.readouterr().err
