"""Past and filtered moves against plain twins; what a history lacks is refused by name."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from crossmargin.conformance.world import AS_OF_MS
from crossmargin.core.clock import DAY_MS
from crossmargin.core.errors import CrossMarginError, MarketDataError, ModelError
from crossmargin.margin.families.var_moves import (
    JointMoves,
    filtered_moves,
    historical_moves,
    known_coins,
)
from crossmargin.market.history import History
from tests.margin.families.var_books import forced, history, numbers, with_history, world

RNG = np.random.default_rng(5)
PRICE = {c: 100.0 * np.exp(np.cumsum(0.03 * RNG.standard_normal(401))) for c in ("BTC", "ETH")}
VOL = {c: 0.5 * np.exp(np.cumsum(0.02 * RNG.standard_normal(401))) for c in ("BTC", "ETH")}


def past(**changes: object) -> dict[str, History]:
    return {c: history(c, PRICE[c], VOL[c]) for c in PRICE}


def found(name: str = "var-historical", **changes: object) -> JointMoves:
    seen = with_history(world(), past())
    source = filtered_moves if "filtered" in name else historical_moves
    return source(numbers(name, **changes), seen.view)


def test_days_times_the_root_of_the_horizon() -> None:
    moves = found(horizon__days=4.0, history__lookback=300)
    assert moves.names == known_coins(numbers("var-historical")) == ("BTC", "ETH")
    assert len(moves) == 300
    for k, coin in enumerate(moves.names):
        own = np.diff(np.log(PRICE[coin]))[-300:] * 2.0
        assert moves.log_price[k] == pytest.approx(own, rel=1e-12)
        assert moves.log_vol[k] == pytest.approx(np.diff(np.log(VOL[coin]))[-300:] * 2.0, rel=1e-12)
    assert moves.label(299) == "2026-12-01"
    assert moves.warnings == ()


def test_windows_overlap_by_a_day() -> None:
    moves = found(horizon__days=5.0, form__windows="overlapping", history__lookback=5000)
    assert moves.overlap == 5
    assert len(moves) == 396
    logs = np.log(PRICE["ETH"])
    assert moves.log_price[1] == pytest.approx(logs[5:] - logs[:-5], rel=1e-12)


@pytest.mark.parametrize("days", [1.0, 2.5])
def test_windows_overlap_only_over_whole_days(days: float) -> None:
    with pytest.raises(ModelError, match="parameter_out_of_bounds"):
        found(horizon__days=days, form__windows="overlapping")


@pytest.mark.parametrize("scaling", ["full", "mid"])
def test_filtered_days_against_a_loop(scaling: str) -> None:
    moves = found("var-filtered", form__scaling=scaling, filter__decay=0.94)
    returns = np.diff(np.log(PRICE["BTC"]))
    variance = float(np.mean(returns[:60] ** 2))
    sigma = []
    for r in returns[60:]:
        sigma.append(math.sqrt(variance))
        variance = 0.94 * variance + 0.06 * r * r
    last = math.sqrt(variance)
    expected = [
        r * last / s if scaling == "full" else r * (last + s) / (2.0 * s)
        for r, s in zip(returns[60:], sigma, strict=True)
    ]
    assert moves.log_price[0] == pytest.approx(expected, rel=1e-11)
    assert moves.label(len(moves) - 1) == "2026-12-01"


def test_garch_moves_differ_and_repeat() -> None:
    one = found("var-filtered", form__filter="garch")
    two = found("var-filtered", form__filter="garch")
    assert one.log_price.tobytes() == two.log_price.tobytes()
    assert not np.allclose(one.log_price, found("var-filtered").log_price)


def test_the_published_filtered_series(vectors_dir: Path) -> None:
    """The whole path, history to scenarios, on a published P&L series taken as log returns."""
    files = sorted(vectors_dir.glob("fhs_apc*.json"))
    if not files:
        pytest.skip("no fhs_apc file in the --vectors folder")
    stated = json.loads(files[0].read_text(encoding="utf-8"))
    lines = (vectors_dir / "ore_histsimvar_pnl.csv").read_text(encoding="utf-8").splitlines()
    column = lines[0].split(",").index("All")
    pnl = np.array([float(line.split(",")[column]) for line in lines[1:]])
    scale = 1e-7
    price = np.exp(np.concatenate([[0.0], np.cumsum(pnl * scale)]))
    seen = with_history(world(), {"BTC": history("BTC", price)})
    for decay in (0.94, 0.97):
        case = stated[f"ewma_fhs_lambda_{decay:g}"]
        for scaling, level in (("full", case["0.99"]), ("mid", case["mid_vol_scaling_99"])):
            given = numbers("var-filtered", filter__decay=decay, form__scaling=scaling)
            moves = filtered_moves(given, seen.view)
            worst = np.sort(moves.log_price[0]) / scale
            assert len(moves) == case["n_scen"]
            assert -worst[level["k"] - 1] == pytest.approx(level["VaR"], rel=1e-8)
            assert -worst[: level["k"]].mean() == pytest.approx(level["ES"], rel=1e-8)


def test_a_market_without_history_is_refused() -> None:
    seen = with_history(world(), {})
    with pytest.raises(MarketDataError, match="history_missing") as caught:
        historical_moves(numbers("var-historical"), seen.view)
    assert "--history" in caught.value.remedy
    with pytest.raises(MarketDataError, match="history_missing"):
        filtered_moves(numbers("var-filtered"), seen.view)


def test_gaps_are_left_out_and_counted_or_refused() -> None:
    whole = past()
    btc = whole["BTC"]
    keep = np.ones(401, np.bool_)
    keep[[100, 200]] = False
    short = History("BTC", btc.times_ms[keep], btc.price[keep], btc.vol_times_ms, btc.vol)
    seen = with_history(world(), {**whole, "BTC": short})
    moves = historical_moves(numbers("var-historical"), seen.view)
    assert moves.left_out == 4
    assert len(moves) == 396
    assert "4 steps" in moves.warnings[0]
    strict = numbers("var-historical", history__gaps_max=0.005)
    with pytest.raises(MarketDataError, match="history_gap"):
        historical_moves(strict, seen.view)


def test_a_history_that_ends_long_before_the_market_is_said() -> None:
    old = {
        c: history(c, PRICE[c], VOL[c], end_ms=AS_OF_MS - 10 * DAY_MS) for c in PRICE
    }  # fmt: skip
    moves = historical_moves(numbers("var-historical"), with_history(world(), old).view)
    assert "10 days before" in moves.warnings[0]


def test_a_coin_without_its_own_history_does_not_move_and_is_known_not_to() -> None:
    seen = with_history(world(), {"ETH": past()["ETH"]})
    moves = historical_moves(numbers("var-historical"), seen.view)
    assert moves.known == moves.has_vol == (False, True)
    assert not moves.log_price[0].any()


def test_prices_without_volatilities() -> None:
    seen = with_history(world(), {"BTC": history("BTC", PRICE["BTC"]), "ETH": past()["ETH"]})
    moves = historical_moves(numbers("var-historical"), seen.view)
    assert moves.known == (True, True)
    assert moves.has_vol == (False, True)


def test_other_coins_of_the_market_change_nothing() -> None:
    more = {**past(), "SOL": history("SOL", PRICE["BTC"][-20:], VOL["BTC"][-20:])}
    one = historical_moves(numbers("var-historical"), with_history(world(), past()).view)
    two = historical_moves(numbers("var-historical"), with_history(world(), more).view)
    assert one.log_price.tobytes() == two.log_price.tobytes()


def test_a_price_that_starts_still_cannot_be_filtered() -> None:
    still = PRICE["BTC"].copy()
    still[:80] = still[80]
    seen = with_history(world(), {"BTC": history("BTC", still)})
    with pytest.raises(CrossMarginError, match="number_out_of_range"):
        filtered_moves(numbers("var-filtered"), seen.view)


def test_a_price_that_never_moves_is_a_price_that_never_moves() -> None:
    still = {"BTC": history("BTC", np.full(401, 7.0), np.full(401, 0.5))}
    seen = with_history(world(), still)
    for source, name in ((historical_moves, "var-historical"), (filtered_moves, "var-filtered")):
        moves = source(forced(numbers(name)), seen.view)
        assert not moves.log_price.any()
        assert not moves.log_vol.any()
