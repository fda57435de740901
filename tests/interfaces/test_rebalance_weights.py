"""Targets from files, regions from history, policies beside each other."""

from __future__ import annotations

from pathlib import Path

import pytest

import crossmargin as xm
from crossmargin.core.errors import CrossMarginError
from crossmargin.interfaces.rebalance_plot import rebalance_svg

BOOK, MARKET = "sample:market-maker", "sample:market"


def test_values_of_a_file_need_no_book(tmp_path: Path) -> None:
    path = tmp_path / "targets.csv"
    path.write_text("asset,target,value_usd,cost_bp\nBTC,0.6,70000,5\nETH,0.4,30000,20\n", "utf-8")
    found = xm.rebalance(targets=path)
    trades = [row["trade_usd"] for row in found.figures["assets"]]
    assert trades == pytest.approx([-10_000.0, 10_000.0], abs=25.0)
    assert found.figures["cost_usd"] == pytest.approx(25.0, rel=0.01)
    edge = xm.rebalance(targets=path, to="edge")
    assert [row["after_fraction"] for row in edge.figures["assets"]] == pytest.approx([0.65, 0.35])


def test_a_region_comes_from_the_history_of_the_market(tmp_path: Path) -> None:
    wide, narrow = (
        xm.rebalance(None, MARKET, targets=_values(tmp_path), policy="region", cost_bp=cost)
        for cost in (50.0, 1.0)
    )
    for k in range(2):
        one, other = (each.figures["assets"][k] for each in (wide, narrow))
        assert one["high_fraction"] - one["low_fraction"] > 10.0 * (
            other["high_fraction"] - other["low_fraction"]
        )


def _values(folder: Path) -> Path:
    path = folder / "values.csv"
    path.write_text("asset,target,value_usd\nBTC,0.5,52000\nETH,0.3,30000\n", "utf-8")
    return path


def test_policies_on_past_prices_beside_each_other() -> None:
    found = xm.rebalance(None, MARKET, targets={"BTC": 0.6, "ETH": 0.4}, backtest=True)
    names = [row["policy"] for row in found.figures["policies"]]
    assert len(names) == 4
    assert names[0].startswith("absolute 5 %")
    for row in found.figures["policies"]:
        assert row["harvest_net"] <= row["harvest"]
        assert sum(row["components_usd"].values()) == pytest.approx(row["cost_usd"])
        assert row["turnover_one_way"] == 0.5 * row["turnover_two_way"]
    assert "against never rebalancing" in rebalance_svg(found, 600.0)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("asset\nBTC\n", "column_missing"),
        ("asset,target,colour\nBTC,0.5,red\n", "column_unknown"),
        ("asset,target\nBTC,0.5\nBTC,0.4\n", "duplicate_row"),
        ("asset,target\nBTC,half\n", "number_unreadable"),
        ("asset,target\nBTC,\n", "column_missing"),
        ("asset,target\nBTC,0.5\n", "column_missing"),
    ],
)
def test_bad_files_of_targets_are_refused(tmp_path: Path, text: str, code: str) -> None:
    path = tmp_path / "targets.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(CrossMarginError) as refused:
        xm.rebalance(targets=path)
    assert refused.value.code == code
