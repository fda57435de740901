"""The verb frontier: figures that agree with the decisions, faces, trades."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import crossmargin as xm
from crossmargin.core.errors import CrossMarginError, InputError
from crossmargin.decisions.estimators import estimate
from crossmargin.decisions.mean_variance import frontier as exact
from crossmargin.interfaces.frontier import Backtest, FrontierResult, Sizes
from crossmargin.interfaces.frontier_inputs import Limits

NAMES = ("AAA", "BBB", "CCC")


@pytest.fixture(scope="module")
def prices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three assets over 400 days, drawn from a seed."""
    rng = np.random.default_rng(31)
    moves = rng.normal(size=(400, 3)) * [0.01, 0.02, 0.03] + [0.0003, 0.0008, 0.0012]
    values = 100.0 * np.exp(np.cumsum(moves, axis=0))
    path = tmp_path_factory.mktemp("frontier") / "prices.csv"
    days = np.arange(400) * 86_400_000 + 1_704_067_200_000
    lines = [f"{t},{a!r},{b!r},{c!r}" for t, (a, b, c) in zip(days, values.tolist(), strict=True)]
    path.write_text("\n".join(["time," + ",".join(NAMES), *lines]))
    return path


@pytest.fixture(scope="module")
def result(prices: Path) -> FrontierResult:
    return xm.frontier(
        prices,
        current={"AAA": 10.0, "USD": 500.0},
        limits=Limits(cost_bp=10.0),
        risk_free=0.02,
        bands=20,
        backtest=Backtest(120, 40),
        sizes=Sizes(0.25),
    )


def test_figures_are_the_decisions_own(result: FrontierResult, prices: Path) -> None:
    table = np.array([row.split(",")[1:] for row in prices.read_text().splitlines()[1:]], float)
    known = estimate(table[1:] / table[:-1] - 1.0, "ledoit-wolf")
    plain = xm.frontier(prices, risk_free=0.02)
    line = exact(known.mean, known.covariance)
    best = line.maximum_sharpe(0.02 / 365.0)
    assert list(plain.weights.values()) == pytest.approx(best.weights.tolist(), abs=1e-12)
    chosen = plain.figures["portfolios"][0]
    assert chosen["return_fraction"] == pytest.approx(best.mean * 365.0)
    assert chosen["volatility_fraction"] == pytest.approx(best.volatility * 365.0**0.5)
    assert chosen["sharpe"] == pytest.approx(best.sharpe(0.02 / 365.0) * 365.0**0.5)
    assert plain.figures["turning_points"] == line.count
    assert all(each["sharpe"] <= chosen["sharpe"] + 1e-12 for each in plain.figures["portfolios"])
    assert result.figures["periods_a_year"] == 365.0


def test_trades_lead_from_what_is_held(result: FrontierResult) -> None:
    value = result.figures["value_usd"]
    for each in result.figures["assets"]:
        held = 10.0 if each["asset"] == "AAA" else 0.0
        own = [t for t in result.intents.trades if t.instrument == each["asset"]]
        size = held + sum(t.size for t in own)
        assert size * each["price_usd"] == pytest.approx(each["weight_fraction"] * value, abs=1e-6)
    assert result.figures["cost_usd"] == pytest.approx(result.intents.cost_usd)


def test_every_part_is_shown(result: FrontierResult, tmp_path: Path) -> None:
    names = [table.name for table in result.document().tables]
    parts = ["assets", "portfolios", "frontier", "sizing", "trades", "bands", "backtest"]
    assert names == parts
    assert json.loads(result.to_json())["backtest"]["rows"][0]["rule"] == "equal weights"
    assert "backtest" in result.to_csv()
    svg = result.plot(tmp_path / "line.svg").read_text("utf-8")
    assert "Efficient frontier of 3 assets" in svg and "AAA" in svg and "resampled" in svg
    assert result.plot(tmp_path / "page.html").read_text("utf-8").startswith("<!DOCTYPE")
    rows = result.write_intents(tmp_path / "trades.csv").read_text().splitlines()
    assert len(rows) == 1 + len(result.intents.trades) and rows[0].startswith("candidate,")


def test_sizes_aim_at_the_target(result: FrontierResult) -> None:
    sizing = result.figures["sizing"]
    assert sizing["leverage"] * sizing["live_volatility_fraction"] == pytest.approx(0.25)
    assert sizing["leverage_most"] == pytest.approx(1.0 / sizing["collateral_ratio_fraction"])


def test_targets_are_yearly(prices: Path) -> None:
    found = xm.frontier(prices, method="target-return", target=0.3)
    assert found.figures["portfolios"][0]["return_fraction"] >= 0.3 - 1e-12
    risk = xm.frontier(prices, method="target-volatility", target=0.25)
    assert risk.figures["portfolios"][0]["volatility_fraction"] == pytest.approx(0.25)


def test_bounds_and_turnover_hold(prices: Path) -> None:
    bounds = Limits(bounds={"AAA": (0.3, 0.5)}, turnover=0.4)
    found = xm.frontier(prices, current={"AAA": 5.0, "BBB": 5.0}, limits=bounds)
    assert 0.3 <= found.weights["AAA"] <= 0.5
    moved = [abs(e["weight_fraction"] - e["held_fraction"]) for e in found.figures["assets"]]
    assert sum(moved) <= 0.4 + 1e-9


def test_of_a_snapshot() -> None:
    found = xm.frontier(history="sample:market", last=200)
    assert set(found.weights) == {"BTC", "ETH"} and found.figures["observations"] == 199
    again = xm.frontier(history="sample:market", last=200)
    assert again.to_json() == found.to_json()


BAD = {
    "two places": {"history": "sample:market"},
    "no asset": {"assets": ["ZZZ"]},
    "method": {"method": "best"},
    "target": {"method": "target-return", "target": 9.0},
    "above all": {"risk_free": 5.0},
    "turnover of nothing": {"limits": Limits(turnover=0.1)},
    "bound of nobody": {"limits": Limits(bounds={"ZZZ": (0.0, 1.0)})},
    "cannot add up": {"limits": Limits(high=0.2)},
    "held elsewhere": {"current": {"ZZZ": 1.0}},
    "nothing held": {"current": {"USD": 0.0}},
    "too short": {"last": 2},
    "periods": {"periods": 0.0},
    "no walk": {"backtest": Backtest(390, 20)},
}


@pytest.mark.parametrize("given", BAD.values(), ids=BAD)
def test_what_is_refused(given: dict[str, object], prices: Path) -> None:
    with pytest.raises(CrossMarginError):
        xm.frontier(prices, **given)  # type: ignore[arg-type]


def test_trades_need_holdings(prices: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--current"):
        xm.frontier(prices).write_intents(tmp_path / "trades.csv")
