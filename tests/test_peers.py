"""The peers' own side, without the peers: inputs, verdicts, pages; and that the result is fresh."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import sys
import warnings
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest

from crossmargin.instruments.factors import RISK_TYPES
from crossmargin.margin.families.sensitivity_parameters import HORIZONS, set_of
from peers import __main__ as command
from peers import (
    coin_accounts,
    ore,
    ore_inputs,
    portfolio_costs,
    portfolio_problems,
    portfolio_tails,
    samples,
    simm_ore,
    strategies_estimator,
    var_ore,
)
from peers.fresh import CARRIERS, ENGINES, fingerprint, modules, sources
from peers.page import page
from peers.report import Line, Report, compared, not_run, unexplained
from peers.simm_books import crypto_lines, drawn_lines, regulated
from peers.simm_numbers import VERSION, drawn_rows, ore_calibration, regrouped
from peers.strategy_books import Book, Position, drawn, groupings, option, recorded
from tests.test_packaging import pins
from tests.tidy.source import REPOSITORY

COMMITTED = Report.read(command.RESULT)
LIBRARIES = (
    "ORE", "QuantLib", "margin_estimator", "pypfopt", "skfolio", "riskfolio", "cvxportfolio",
    "cvxpy", "pandas",
)  # fmt: skip


def test_the_committed_result_is_that_of_these_sources() -> None:
    now = sources()
    stale = [
        name
        for name in now.keys() | COMMITTED.sources
        if now.get(name) != COMMITTED.sources.get(name)
    ]
    assert not stale, (
        f"changed since `make peers` ran: {sorted(stale)}; run it and commit its result"
    )
    assert fingerprint(now) == COMMITTED.fingerprint


def test_the_committed_result_is_whole_and_explained() -> None:
    assert unexplained(COMMITTED.lines) == []
    assert [line.what for line in COMMITTED.lines if line.verdict == "not run"] == []
    assert all(line.reason for line in COMMITTED.lines if line.verdict == "differs")
    assert {line.peer for line in COMMITTED.lines} == set(command.PACKAGES)
    locked = pins("peers")
    assert {name.lower(): own for name, own in COMMITTED.versions.items()} == {
        name.lower(): locked[name.lower()] for name in command.PACKAGES
    }


def test_the_committed_page_is_that_of_the_result() -> None:
    assert command.PAGE.read_text("utf-8") == page(COMMITTED)


def test_the_result_names_no_time_and_no_machine() -> None:
    text = json.dumps({**COMMITTED.as_dict(), "sources": {}})
    assert not re.search(r"\d{4}-\d\d-\d\d|\d\d:\d\d|/tmp|/home|/root", text)


@pytest.mark.parametrize("names", ["var-quantlib", "portfolio-parity,portfolio-views"])
def test_the_peers_themselves(names: str) -> None:
    absent = [name for name in LIBRARIES if importlib.util.find_spec(name) is None]
    if absent:
        pytest.skip(f"`make peers` runs it: {', '.join(absent)} are in its environment alone")
    assert command.main(["--only", names]) == 0


def test_what_the_folder_imports_is_watched_or_known_to_carry() -> None:
    known = {*modules(ENGINES), *modules(CARRIERS)}
    for path in sorted((REPOSITORY / "peers").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.ImportFrom) or node.module is None:
                continue
            if node.module.startswith("crossmargin"):
                file = REPOSITORY / "src" / Path(*node.module.split("."))
                assert file.with_suffix(".py") in known, f"{path.name}: {node.module}"


def test_no_peer_is_imported_before_it_is_asked() -> None:
    for path in sorted((REPOSITORY / "peers").glob("*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [alias.name for alias in node.names] + [getattr(node, "module", "") or ""]
                assert not set(LIBRARIES) & {name.split(".")[0] for name in names}, path.name


def test_a_change_of_an_engine_or_of_the_lock_shows(tmp_path: Path) -> None:
    for pattern in ENGINES:
        path = tmp_path / "src" / "crossmargin" / pattern.replace("*", "one")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("a = 1\n")
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "peers.txt").write_text("one==1\n")
    before = sources(tmp_path)
    assert len(before) == len(ENGINES) + 1
    (tmp_path / "requirements" / "peers.txt").write_text("one==2\n")
    after = sources(tmp_path)
    assert fingerprint(before) != fingerprint(after)
    assert [name for name in before if before[name] != after[name]] == ["requirements/peers.txt"]
    with pytest.raises(ValueError, match="nothing matches"):
        modules(("nowhere/*.py",), tmp_path)


def line(ours: object, theirs: object, **more: object) -> Line:
    return compared("C", "P", "what", ours, theirs, **{"tolerance": 1e-9, **more})


def test_a_line_agrees_differs_or_was_not_run() -> None:
    assert line([1.0, 2.0], [1.0, 2.0 + 1e-10]).verdict == "agrees"
    differs = line([1.0, 2.0], [1.0, 2.5])
    assert (differs.verdict, differs.agree, differs.cases, differs.worst) == ("differs", 1, 2, 0.2)
    assert not_run("C", "P", "what", "no file").verdict == "not run"
    assert line([0.0], [0.0]).worst == 0.0
    assert line([1e-12], [0.0], least=1.0).verdict == "agrees"


def test_a_verdict_other_than_the_one_explained_is_a_finding() -> None:
    expected = line([1.0], [2.0], expected="differs", reason="known")
    found = [line([1.0], [2.0]), line([1.0], [1.0], expected="differs", reason="known")]
    assert unexplained([expected, not_run("C", "P", "w", "r"), *found]) == found


@pytest.mark.parametrize(
    ("ours", "theirs"), [([1.0], [1.0, 2.0]), ([], []), ([np.nan], [1.0]), ([1.0], [np.inf])]
)
def test_figures_that_cannot_be_compared_are_refused(ours: object, theirs: object) -> None:
    with pytest.raises(ValueError, match="C, what"):
        line(ours, theirs)


def test_a_report_is_read_back_and_shown(tmp_path: Path) -> None:
    report = Report({"QuantLib": "1"}, {"a.py": "0"}, "f", [line([1.0], [2.0], reason="why")])
    report.lines.append(not_run("C", "P", "other", "no file"))
    report.save(tmp_path / "r.json")
    assert Report.read(tmp_path / "r.json") == report
    table = report.table()
    assert "| what | P | 0 of 1 | 50 % | **differs**: why |" in table
    assert "| other | P |  |  | **not run**: no file |" in table
    assert page(report).startswith("# Beside the installable peers")


def test_the_command_writes_a_result_and_a_page(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(command, "version", lambda name: "1")
    monkeypatch.setattr(command, "REPOSITORY", tmp_path)
    monkeypatch.setattr(command, "RESULT", tmp_path / "result.json")
    monkeypatch.setattr(command, "PAGE", tmp_path / "peers.md")
    monkeypatch.setattr(command, "_run", lambda name, vectors: [line([1.0], [1.0])])
    assert command.main(["--only", "simm"]) == 0
    assert not (tmp_path / "result.json").exists()
    assert command.main([]) == 0
    held = json.loads((tmp_path / "result.json").read_text())
    assert len(held["lines"]) == len(command.COMPARISONS)
    assert held["lines"][0]["verdict"] == "agrees"
    monkeypatch.setattr(command, "_run", lambda name, vectors: [line([1.0], [2.0])])
    assert command.main([]) == 1
    assert "not explained" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        command.main(["--only", "other"])


def test_without_the_peers_the_command_says_what_to_run(monkeypatch, capsys) -> None:
    def absent(name: str) -> str:
        raise command.PackageNotFoundError(name)

    monkeypatch.setattr(command, "version", absent)
    assert command.main([]) == 2
    assert "run `make peers`" in capsys.readouterr().err


# --- the sensitivities -------------------------------------------------------------------------


def test_drawn_numbers_are_a_whole_set_at_both_horizons() -> None:
    rows = drawn_rows(1)
    assert rows == drawn_rows(1) != drawn_rows(2)
    for days in HORIZONS:
        numbers = set_of(rows, VERSION, days, "drawn")
        assert numbers.group("InterestRate", "RiskWeights", "KRW") == "1"
    moved = set_of(regrouped(rows, "KRW", "3"), VERSION, 10, "drawn")
    assert moved.group("InterestRate", "RiskWeights", "KRW") == "3"
    assert moved.group("FX", "RiskWeights", "KRW") == "2"


def test_the_calibration_file_holds_every_row_once() -> None:
    rows = drawn_rows(1)
    root = ElementTree.fromstring(ore_calibration(rows))
    (whole,) = root
    leaves = [leaf for leaf in whole.iter() if not len(leaf) and leaf.tag != "Name"]
    assert len(leaves) == len(rows)
    for risk_class in {row[1] for row in rows if row[1] != "RiskClass"}:
        own = [leaf.text for leaf in whole.find(risk_class).iter() if not len(leaf)]
        assert sorted(own) == sorted(row[8] for row in rows if row[1] == risk_class)


def test_drawn_books_hold_every_risk_type_and_one_bucket_a_name() -> None:
    numbers = set_of(drawn_rows(1), VERSION, 10, "drawn")
    lines = drawn_lines(3, 120, numbers)
    assert lines == drawn_lines(3, 120, numbers)
    kinds = {line.factor.risk_type for line in lines}
    assert kinds >= set(RISK_TYPES)
    buckets: dict[tuple[str, str], set[str]] = {}
    for own in lines:
        key = own.factor.risk_class, own.factor.qualifier
        if own.factor.bucket and own.factor.risk_class not in ("InterestRate", ""):
            buckets.setdefault(key, set()).add(own.factor.bucket)
    assert max(map(len, buckets.values())) == 1
    assert {own.factor.qualifier for own in crypto_lines(1, 30)} == {"BTC", "ETH"}
    assert max(len(own.collect) for own in regulated(1, lines, 3)) == 3


def test_ore_gets_a_header_commas_and_quoted_regulators() -> None:
    numbers = set_of(drawn_rows(1), VERSION, 10, "drawn")
    lines = regulated(1, drawn_lines(3, 10, numbers), 3)
    first, *rows = simm_ore.ore_crif(lines).splitlines()
    assert first.startswith("TradeID,PortfolioID,ProductClass,RiskType") and len(rows) == len(lines)
    assert any('"' in row for row in rows)


def test_the_counterparty_has_every_sensitivity_the_other_way() -> None:
    numbers = set_of(drawn_rows(1), VERSION, 10, "drawn")
    lines = drawn_lines(3, 12, numbers)
    accounts, mine = simm_ore.ours(lines, numbers)
    other = simm_ore.ours(lines, numbers, -1.0)[1]
    assert accounts == sorted({own.account for own in lines})
    assert np.allclose(mine.part[..., 0], other.part[..., 0], rtol=1e-12)
    assert (mine.fixed == other.fixed).all() and mine.fixed.max() > 0.0
    assert not np.allclose(mine.part[..., 2], other.part[..., 2])


# --- running ORE -------------------------------------------------------------------------------


class Table:
    """A report of ORE in memory."""

    def columns(self) -> int:
        return 2

    def columnType(self, k: int) -> int:
        return (2, 1)[k]

    def header(self, k: int) -> str:
        return ("Portfolio", "InitialMargin")[k]

    def dataAsString(self, k: int) -> tuple[str, ...]:
        return ("A", "B")

    def dataAsReal(self, k: int) -> tuple[float, ...]:
        return (1.0, 2.0)

    dataAsSize = dataAsReal  # noqa: N815 - ORE's name
    dataAsDate = dataAsReal  # noqa: N815 - ORE's name


def fake_ore(seen: dict[str, str], alert: str = "") -> SimpleNamespace:
    """What is asked of ORE is kept in ``seen``; an alert goes to its log and no report is made."""

    class Parameters:
        def fromFile(self, path: str) -> None:
            seen.update({own.name: own.read_text() for own in Path(path).parent.iterdir()})
            seen["folder"] = str(Path(path).parent)

    class App:
        def __init__(self, parameters: Parameters, console: bool) -> None:
            pass

        def run(self) -> None:
            if alert:
                (Path(seen["folder"]) / "log.txt").write_text(f"ALERT [now] (file) : {alert}\n")

        def getReport(self, name: str) -> Table:
            if alert:
                raise RuntimeError("report not found")
            return Table()

    return SimpleNamespace(Parameters=Parameters, OREApp=App)


def test_ore_is_given_files_and_its_report_is_read(monkeypatch) -> None:
    seen: dict[str, str] = {}
    monkeypatch.setitem(sys.modules, "ORE", fake_ore(seen))
    found = ore.report_of("simm", "simm", {"version": "2.8"}, {"crif.csv": "text"})
    assert found == {"Portfolio": ["A", "B"], "InitialMargin": [1.0, 2.0]}
    control = ElementTree.fromstring(seen["ore.xml"])
    values = {own.get("name"): own.text for own in control.iter("Parameter")}
    assert values["version"] == "2.8" and values["inputPath"] == seen["folder"]
    assert seen["crif.csv"] == "text" and not Path(seen["folder"]).exists()
    for name in ("curves.xml", "conventions.xml", "engines.xml", "todaysmarket.xml"):
        ElementTree.fromstring(seen[name])


def test_what_ore_complains_of_is_said(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "ORE", fake_ore({}, alert="no such version"))
    with pytest.raises(ore.OreFailed, match="no such version"):
        ore.report_of("simm", "simm", {}, {})


def test_the_files_of_both_value_at_risk_runs() -> None:
    prices = {"BTC": np.array([1.0, 2.0, 3.0]), "ETH": np.array([4.0, 5.0, 6.0])}
    dates = ["2025-12-28", "2025-12-29", "2025-12-30"]
    files = ore_inputs.coin_files(dates, prices, [{"BTC": 2.0, "ETH": -1.0}])
    for name, text in files.items():
        if name.endswith(".xml"):
            ElementTree.fromstring(text)
    rows = [row.split(",") for row in files["scenarios.csv"].splitlines()]
    assert {len(row) for row in rows} == {len(rows[0])} and rows[-1][-2:] == ["3.0", "6.0"]
    assert len(ElementTree.fromstring(files["portfolio.xml"])) == 2
    delta, gamma = np.array([[1.0, -2.0]]), np.array([[[3.0, 0.5], [0.5, 4.0]]])
    files = ore_inputs.sensitivity_files(delta, gamma, np.array([[9.0, 1.0], [1.0, 16.0]]))
    greeks = [row.split(",")[-2:] for row in files["sensitivity.csv"].splitlines()[1:]]
    assert greeks == [["1.0", "3.0"], ["-2.0", "4.0"], ["0.0", "0.5"]]
    assert files["covariance.csv"].startswith("#")  # the first line is taken for a header
    assert len(files["covariance.csv"].splitlines()) == 4


# --- quantiles ---------------------------------------------------------------------------------


def test_figures_of_samples_as_the_slow_way() -> None:
    every = samples.cases(5)
    assert any(case.whole for case in every) and not all(case.whole for case in every)
    for case in every[::7]:
        ordered = np.sort(case.pnl)
        mass = round(len(ordered) * (1.0 - case.level), 9)
        rank = int(np.ceil(mass))
        assert case.value() == -ordered[rank - 1]
        if case.whole:
            assert case.value(next_one=True) == -ordered[rank]
        worse = ordered[ordered < ordered[rank - 1]]
        assert case.beyond() == pytest.approx(-worse.mean(), rel=1e-12)
        tail = ordered[ordered <= ordered[rank - 1]]
        assert case.shortfall() == pytest.approx(-tail.mean(), rel=1e-12)


def test_accounts_of_coins_need_the_quantile_of_their_past() -> None:
    rng = np.random.default_rng(6)
    count = 420
    dates = [str(date.fromordinal(date(2025, 12, 30).toordinal() - k)) for k in range(count)][::-1]
    prices = {
        "BTC": 9e4 * np.exp(np.cumsum(rng.normal(0.0, 0.03, count))),
        "ETH": 3e3 * np.exp(np.cumsum(rng.normal(0.0, 0.04, count))),
    }
    books = [{"BTC": 2.0, "ETH": -10.0}, {"BTC": -1.0, "ETH": 80.0}]
    for days in (1, 7):
        found = coin_accounts.requirements(dates, prices, books, days, 0.975)
        for book, need in zip(books, found, strict=True):
            pnl = sum(
                size * prices[coin][-1] * (prices[coin][days:] / prices[coin][:-days] - 1.0)
                for coin, size in book.items()
            )
            rank = int(np.ceil(len(pnl) * 0.025))
            assert need == pytest.approx(-np.sort(pnl)[rank - 1], rel=1e-12)
            again = var_ore._profits(days, dates, prices, book)
            assert again == pytest.approx(pnl, rel=1e-9, abs=1e-6)


# --- portfolios --------------------------------------------------------------------------------


def test_drawn_problems_have_the_moments_of_their_returns() -> None:
    for size, problem in zip((4, 10), portfolio_problems.drawn((4, 10)), strict=True):
        assert problem.returns.shape == (portfolio_problems.DAYS, size) == (400, len(problem.names))
        assert problem.mean == pytest.approx(problem.returns.sum(axis=0) / 400)
        assert np.sqrt(np.diagonal(problem.covariance)) == pytest.approx(
            problem.returns.std(axis=0, ddof=1)
        )
        assert problem.held.sum() == pytest.approx(1.0) and problem.cost.min() > 0.0


def test_a_warning_of_a_peer_is_no_line_of_the_run(recwarn) -> None:
    def loud(problem: portfolio_problems.Problem) -> np.ndarray:
        warnings.warn("may be inaccurate", UserWarning, stacklevel=1)
        return problem.mean

    few = portfolio_problems.drawn((4, 10))
    assert len(portfolio_problems.answers(few, loud)) == 14 and not list(recwarn)


@pytest.mark.parametrize("level", [0.95, 0.9437, 0.999])
def test_the_shortfall_of_weights_is_the_least_mean_beyond_any_threshold(level: float) -> None:
    problem = portfolio_problems.drawn((4,))[0]
    found = portfolio_tails.shortfall_of(problem.returns, problem.held, level)
    losses = -(problem.returns @ problem.held)
    twin = [v + np.maximum(losses - v, 0.0).mean() / (1.0 - level) for v in losses]
    assert found == pytest.approx(min(twin), rel=1e-12)


def test_chords_are_convex_and_lie_on_the_law_at_their_ends() -> None:
    widths, slopes = portfolio_costs.around(0.05, 0.01, 0.002, 0.003)
    assert (widths > 0.0).all() and np.isinf(widths[-1]) and (np.diff(slopes) >= 0.0).all()
    ends = np.cumsum(widths[:-1])
    paid = np.cumsum(widths[:-1] * slopes[:-1])
    assert paid == pytest.approx(0.002 * ends + 0.003 * ends**1.5, rel=1e-12)
    assert 0.05 in ends.round(12) and np.diff(ends[(ends > 0.041) & (ends < 0.059)]).max() < 0.003


def test_our_plan_and_our_critical_line_trade_alike() -> None:
    """Two solvers of our own for one problem: what is compared with the peers is one answer."""
    for problem in portfolio_problems.drawn((4, 10)):
        by_plan = portfolio_costs._plan(held_cash=False, low=0.0, budget=1.0)(problem)
        assert by_plan == pytest.approx(portfolio_costs._invested(problem), abs=1e-9)


# --- strategies --------------------------------------------------------------------------------


def test_needs_of_books_that_the_manual_prints() -> None:
    put = Book(95.0, (Position("P", -1, 2.0, 80.0),))
    assert put.need() == pytest.approx(1000.0)
    assert put.need(cash=True) == pytest.approx(7800.0)
    assert put.times(3).need() == pytest.approx(3000.0)
    index = Book(433.35, (Position("C", -1, 8.7, 430.0),), "broad-based")
    assert index.need() == pytest.approx(7370.25)
    shares = Book(85.0, (Position("S", 100, 92.38),), odd_usd=50.0)
    assert shares.need() == pytest.approx(4619.0 + 25.0)
    assert Book(85.0, (), odd_usd=50.0).need(cash=True) == 50.0


def test_spreads_with_more_bought_than_sold_are_told() -> None:
    sold, bought = Position("P", -1, 5.0, 50.0, 30), Position("P", 1, 3.0, 48.0, 30)
    assert not Book(49.0, (sold, bought)).unequal()
    loose = Book(
        54.0,
        (
            Position("P", 1, 3.94, 56.0, 30), Position("C", 1, 6.64, 48.0, 30),
            Position("P", 1, 2.78, 54.0, 30), Position("C", -1, 4.46, 51.0, 30),
            Position("P", -1, 5.31, 58.0, 30),
        ),
    )  # fmt: skip
    assert loose.unequal()


def test_groupings_are_all_partitions() -> None:
    items = [Position("C", 1, 1.0, float(k)) for k in range(5)]
    assert [sum(1 for _ in groupings(items[:k])) for k in range(6)] == [1, 1, 2, 5, 15, 52]
    for groups in groupings(items):
        assert sorted(held for group in groups for held in group) == items


def test_drawn_options_are_fair_and_books_hold_no_twins() -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        made = option(rng, 100.0, -1, cents=4)
        worth = 100.0 - made.strike if made.right == "C" else made.strike - 100.0
        assert made.price > worth - 0.05 and round(made.price * 100.0) % 4 == 0
    books = drawn(1, 40, lambda g, s: [option(g, s, 1, "C"), option(g, s, -1, "C")])
    assert all(len({held.strike for held in book.positions}) == 2 for book in books)


def test_recorded_calls_are_read(tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_text(
        "case,underlying_price,etf_type,leverage,legs(type:K:q:price:days_to_expiry)\n"
        "a,85,,1,C:K90:q-1:p7:d0;STK:195@92.38\nb,460,broad-based,1.5,P:K390:q-1:p4:d30\n"
    )
    first, second = recorded(path)
    assert first.positions == (Position("C", -1, 7.0, 90.0, 0), Position("S", 100, 92.38))
    assert first.odd_usd == pytest.approx(95.0 * 92.38)
    assert (second.index, second.leverage) == ("broad-based", 1.5)


def test_without_vectors_a_line_says_so() -> None:
    (calls,) = strategies_estimator._own_calls(None)
    (built_in,) = simm_ore._built_in(None, 10)
    assert {calls.verdict, built_in.verdict} == {"not run"}
    assert "vectors" in calls.reason and "vectors" in built_in.reason
