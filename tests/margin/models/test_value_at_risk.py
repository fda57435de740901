"""The eight members: closed forms, real days out of sample, the calibration, what they say."""

from __future__ import annotations

import importlib.util
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow.compute as compute
import pytest
from pyarrow import parquet
from scipy import integrate, stats

from crossmargin.conformance.world import random_book, subject_of
from crossmargin.core.arrays import frozen
from crossmargin.core.clock import DAY_MS
from crossmargin.instruments.book import Book, Line
from crossmargin.margin import model_named, run
from crossmargin.margin.models import value_at_risk
from crossmargin.margin.parameter_files import Parameters
from crossmargin.market.history import History, histories_of
from crossmargin.statistics.backtests import independence, kupiec, kupiec_region, transitions
from tests.conftest import REPOSITORY
from tests.margin.families.var_books import numbers, place, with_history, world
from tests.real_history import real_history

SEEN = world()
KINDS = ("historical", "filtered", "montecarlo", "parametric")


def figures(name: str, lines: list[Line], given: Parameters) -> dict[str, float]:
    found = run(Book.of(SEEN.instruments, lines), SEEN.view, model_named(name), given)
    sheet = found.sheet
    return {c.name: float(v[0]) for c, v in zip(sheet.columns, sheet.values, strict=True)}


@pytest.mark.parametrize("kind", KINDS)
def test_both_members_of_a_kind_show_the_same_figures_and_margin_their_own(kind: str) -> None:
    var, es = model_named(f"var-{kind}"), model_named(f"es-{kind}")
    assert getattr(value_at_risk, f"VAR_{kind.upper()}") is var
    assert getattr(value_at_risk, f"ES_{kind.upper()}") is es
    book = random_book(subject_of(var), 4, 12)
    one, two = (run(book, SEEN.view, m).sheet for m in (var, es))
    for name in ("value_at_risk", "expected_shortfall", "equity"):
        assert one[name].tobytes() == two[name].tobytes()
    factor = one["exit_factor"]
    assert one["requirement"].tolist() == (one["value_at_risk"] * factor).tolist()
    assert two["requirement"].tolist() == (two["expected_shortfall"] * factor).tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_the_conventions_are_printed_with_the_result(kind: str) -> None:
    notes = " ".join(run(random_book(subject_of(model_named(f"es-{kind}")), 1, 2), SEEN.view,
                         model_named(f"es-{kind}")).notes)  # fmt: skip
    for part in ("99 % value at risk", "97.5 % expected shortfall", "days to exit"):
        assert part in notes


@pytest.mark.parametrize("freedom", [3.41, 5.0, 1000.0])
@pytest.mark.parametrize("size", [3.0, -3.0])
def test_draws_are_within_four_errors_of_the_closed_form(freedom: float, size: float) -> None:
    """One coin held or owed in a future: the loss is 1 - exp(X) or exp(X) - 1 with X student t."""
    given = numbers(
        "var-montecarlo", draws__count=100_000, coin__BTC__price_freedom=freedom,
        coin__BTC__price_daily=0.03, form__funding="left_out",
    )  # fmt: skip
    found = figures(
        "var-montecarlo", [Line("a", place(SEEN, "BTC_BTC-PERPETUAL"), size * 1e5)], given
    )
    value = 1e5 * abs(size) / 1.0004
    unit = 0.03 * math.sqrt((freedom - 2.0) / freedom)
    law = stats.t(freedom)

    def loss(u: float) -> float:
        """The loss at the upper share u of losses."""
        return -math.copysign(1.0, size) * math.expm1(
            -math.copysign(1.0, size) * unit * float(law.isf(u))
        )

    errors = {}
    for name, figure in (("var", "value_at_risk"), ("es", "expected_shortfall")):
        model = model_named(f"{name}-montecarlo")
        sheet = run(
            Book.of(SEEN.instruments, [Line("a", place(SEEN, "BTC_BTC-PERPETUAL"), size * 1e5)]),
            SEEN.view, model, given,
        ).sheet  # fmt: skip
        errors[figure] = float(sheet["standard_error"][0])
    assert abs(found["value_at_risk"] - value * loss(0.01)) <= 4.0 * errors["value_at_risk"]
    true = integrate.quad(loss, 1e-9, 0.025, limit=500, points=[1e-6, 1e-4])[0] / 0.025
    assert abs(found["expected_shortfall"] - value * true) <= 4.0 * errors["expected_shortfall"]


def test_the_normal_linear_case_is_z_sigma_value() -> None:
    """Draws with as many degrees of freedom as there may be, and the closed form itself."""
    lines = [Line("a", place(SEEN, "BTC"), 2.0)]
    exact = figures("var-parametric", lines, numbers("var-parametric", coin__BTC__price_daily=0.02))
    assert exact["value_at_risk"] == pytest.approx(2.3263478740408408 * 0.02 * 128_000.0, rel=1e-12)
    assert exact["expected_shortfall"] == pytest.approx(
        2.3378027922014 * 0.02 * 128_000.0, rel=1e-12
    )
    near = numbers(
        "var-montecarlo", draws__count=200_000, draws__copula_freedom=1000.0,
        coin__BTC__price_freedom=1000.0, coin__BTC__price_daily=0.02,
    )  # fmt: skip
    drawn = figures("var-montecarlo", lines, near)
    lognormal = 128_000.0 * -math.expm1(-0.02 * 2.3263478740408408)
    assert drawn["value_at_risk"] == pytest.approx(lognormal, rel=0.015)


@pytest.mark.parametrize("kind", KINDS)
def test_the_horizon_grows_a_linear_book_with_its_root(kind: str) -> None:
    lines = [Line("a", place(SEEN, "ETH"), 20.0)]
    one = figures(f"var-{kind}", lines, numbers(f"var-{kind}"))["value_at_risk"]
    four = figures(f"var-{kind}", lines, numbers(f"var-{kind}", horizon__days=4.0))["value_at_risk"]
    assert four == pytest.approx(2.0 * one, rel=1e-12 if kind == "parametric" else 0.1)


@pytest.mark.parametrize("kind", KINDS)
def test_funding_is_paid_by_the_long_over_the_horizon(kind: str) -> None:
    perpetual = place(SEEN, "BTC_USDC-PERPETUAL")
    paid = 64_000.0 * 1.0004 * 0.9995 * 0.0001 * 3.0
    for size in (1.0, -1.0):
        lines = [Line("a", perpetual, size)]
        counted = figures(f"es-{kind}", lines, numbers(f"es-{kind}"))["expected_shortfall"]
        free = numbers(f"es-{kind}", form__funding="left_out")
        left = figures(f"es-{kind}", lines, free)["expected_shortfall"]
        assert counted - left == pytest.approx(size * paid, rel=1e-6)


# ---------------------------------------------------------------- real days, out of sample


def _recorded(market_dir: Path) -> dict[str, History]:
    """Perpetuals and volatility indices of 2024 to 2026."""
    rows = real_history(market_dir, 2_000_000_000_000)
    prices = {row.subject: row.value for row in rows if row.field == "past_price"}
    vols = {row.subject: row.value for row in rows if row.field == "past_vol"}
    return dict(histories_of(prices, vols, 2_000_000_000_000))


def _spot(market_dir: Path) -> dict[str, History]:
    """Spot prices of 2017 to 2023 at the end of each day, without volatilities."""
    name = "binance_spot_1h_2017_2023.parquet"
    table = parquet.read_table(market_dir / "prices" / name, columns=["ts", "symbol", "close"])
    none = frozen(np.zeros(0), np.int64), frozen(np.zeros(0), np.float64)
    out = {}
    for coin in ("BTC", "ETH"):
        own = table.filter(compute.equal(table["symbol"], f"{coin}USDT"))
        rows = zip(own["ts"].to_pylist(), own["close"].to_pylist(), strict=True)
        last = {int(ts.timestamp() * 1000) + DAY_MS // 24: x for ts, x in rows if ts.hour == 23}
        times = sorted(last)
        price = frozen([last[t] for t in times], np.float64)
        out[coin] = History(coin, frozen(times, np.int64), price, *none)
    return out


def _until(history: History, when: int) -> History:
    n = int(np.searchsorted(history.times_ms, when, side="right"))
    v = int(np.searchsorted(history.vol_times_ms, when, side="right"))
    return History(
        history.underlying, history.times_ms[:n], history.price[:n],
        history.vol_times_ms[:v], history.vol[:v],
    )  # fmt: skip


def _hits(past: dict[str, History], kind: str, level: float) -> np.ndarray:
    """Breaches of a long book of both coins, each day margined from the days before it alone."""
    times = np.intersect1d(past["BTC"].times_ms, past["ETH"].times_ms)
    coins, values = ("BTC", "ETH"), (64_000.0, 38_000.0)
    price = [past[c].price[np.searchsorted(past[c].times_ms, times)] for c in coins]
    lines = [Line("a", place(SEEN, "BTC"), 1.0), Line("a", place(SEEN, "ETH"), 20.0)]
    book, model = Book.of(SEEN.instruments, lines), model_named(f"var-{kind}")
    given = numbers(f"var-{kind}", level__var=level, history__gaps_max=0.05)
    hits = []
    for t in range(360, len(times) - 1):
        when = int(times[t])
        known = {c: _until(past[c], when) for c in coins}
        view = replace(with_history(SEEN, known).view, as_of_ms=when)
        pnl = sum(v * (p[t + 1] / p[t] - 1.0) for v, p in zip(values, price, strict=True))
        hits.append(pnl < -float(run(book, view, model, given).sheet["value_at_risk"][0]))
    return np.array(hits)


@pytest.mark.parametrize("level", [0.99, 0.95])
@pytest.mark.parametrize("kind", ["historical", "filtered"])
def test_real_days_out_of_sample(kind: str, level: float, market_dir: Path) -> None:
    """439 days of 2025 and 2026: neither coverage nor independence is rejected at 5 %.

    Seen: past moves 8 and 21 breaches, filtered ones 6 and 25; 4.4 and 22 are due.
    """
    if not (market_dir / "prices" / "btc_dvol.csv").is_file():
        pytest.skip("no recorded prices in the --market folder")
    hits = _hits(_recorded(market_dir), kind, level)
    assert len(hits) >= 400
    low, high = kupiec_region(len(hits), 1.0 - level)
    assert low <= int(hits.sum()) <= high
    assert kupiec(len(hits), int(hits.sum()), 1.0 - level).p_value > 0.05
    assert independence(transitions(hits)).p_value > 0.05


@pytest.mark.parametrize(("kind", "level"), [("historical", 0.99), ("filtered", 0.99)])
def test_five_years_of_spot_prices_out_of_sample(kind: str, level: float, market_dir: Path) -> None:
    """1,964 days to the end of 2023, through two crashes: 12 and 21 breaches where 20 are due.

    Past moves are too cautious rather than too bold there: at 95 % they are breached on 73 days,
    which Kupiec's test rejects where 98 are due; filtered moves pass at every level.
    """
    if not (market_dir / "prices" / "binance_spot_1h_2017_2023.parquet").is_file():
        pytest.skip("no recorded prices in the --market folder")
    hits = _hits(_spot(market_dir), kind, level)
    assert len(hits) >= 1900
    assert kupiec(len(hits), int(hits.sum()), 1.0 - level).p_value > 0.05
    assert independence(transitions(hits)).p_value > 0.05


# ---------------------------------------------------------------- the calibration


def _script() -> ModuleType:
    path = REPOSITORY / "scripts" / "calibrate_var.py"
    spec = importlib.util.spec_from_file_location("calibrate_var", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_numbers_of_the_files_are_those_of_the_script(market_dir: Path) -> None:
    if not (market_dir / "prices" / "btc_dvol.csv").is_file():
        pytest.skip("no recorded prices in the --market folder")
    found: dict[str, float] = _script().calibrate(market_dir)
    drawn, normal = numbers("var-montecarlo"), numbers("var-parametric")
    seen = 0
    for name, value in found.items():
        for place_, given in _stated(name, drawn, normal):
            seen += 1
            assert given.number(place_) == pytest.approx(value, rel=2e-3), (name, place_)
    assert seen >= 40
    assert "799 days" in drawn.entries["coin.BTC.price_daily"].source
    assert found["days"] == 799.0


def _stated(name: str, drawn: Parameters, normal: Parameters) -> list[tuple[str, Parameters]]:
    """Where a number of the script stands in the parameter files."""
    head, _, rest = name.partition(".")
    others = [numbers("var-historical"), numbers("var-filtered")]
    if head in ("daily", "freedom"):
        coin, kind = rest.split("_")
        own = [drawn, normal] if head == "daily" else [drawn]
        return [(f"coin.{coin}.{kind}_{head}", given) for given in own]
    if name == "copula.freedom":
        return [("draws.copula_freedom", drawn)]
    if head in ("copula", "pearson"):
        return [(f"correlation.{rest}", drawn if head == "copula" else normal)]
    if head == "volume":
        coin, kind = rest.split(".")
        every = [drawn, normal, *others]
        return [(f"coin.{coin}.{kind}_volume_coins", given) for given in every]
    if head == "power":
        return [(f"moves.vol_power_{rest}", given) for given in (drawn, normal, *others)]
    return []


_ONE_BOOK = """
import resource
import numpy as np
from benchmarks.w6_history import _options
from crossmargin.conformance.world import view_of
from crossmargin.instruments.book import Book, Line
from crossmargin.margin import model_named, parameters_for, run
from crossmargin.margin.parameter_files import overlay

world = view_of(_options(np.random.default_rng(8), 1000))
book = Book.of(world.instruments, [Line("a", k, (-1.0) ** k) for k in range(1000)])
model = model_named("var-montecarlo")
given = overlay(parameters_for(model, world.view.as_of_ms), {"draws.count": 100_000}, "test")
assert run(book, world.view, model, given).sheet["im"][0] > 0.0
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_a_book_of_a_thousand_positions_in_a_hundred_thousand_draws_stays_small() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _ONE_BOOK],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": f"{REPOSITORY / 'src'}{os.pathsep}{REPOSITORY}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes
    assert int(done.stdout) * unit <= 1.5e9, done.stdout
