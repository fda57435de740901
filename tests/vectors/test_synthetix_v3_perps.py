"""Synthetix v3 perpetuals on the protocol's own steps: profit, available margin, liquidation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from crossmargin.margin.models.synthetix_v3 import fill_price, ratios
from tests.vectors.whole import parametrise_whole

Case = dict[str, Any]
PATTERN = "synthetix_v3_perps_*.json"
COLLATERAL = 20_000.0  # said in the file's note: snxUSD, which has no discount
WANTED = {"prices", "pnl", "available_margin", "can_liquidate", "total_open_interest"}
DERIVED = {
    "derived_initial_margin",
    "derived_maintenance_margin",
    "derived_sum_flag_reward_5pct",
}


def _cases(content: Case) -> Iterator[tuple[str, Case]]:
    for index, step in enumerate(content.get("steps", ())):
        yield f"step-{index}", {"kind": "step", **step}
    if "account_margins" in content:
        yield "account_margins", {"kind": "account"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    parametrise_whole(metafunc, PATTERN, _cases)


def _figures(markets: Case, prices: dict[str, float], oracle: str) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for name, market in markets.items():
        size, scale = np.array(float(market["size"])), np.array(float(market["skewScale"]))
        entry = fill_price(np.array(float(market[oracle])), size, np.array(0.0), scale)
        shares = ratios(
            size,
            scale,
            np.array(float(market["imr"])),
            np.array(float(market["min_im"])),
            np.array(float(market["mms"])),
        )
        notional = abs(float(size)) * prices[name]
        found[name] = {
            "pnl": float(size) * (prices[name] - float(entry)),
            "im": notional * float(shares[0]),
            "mm": notional * float(shares[1]),
            "least": float(market["minpos"]),
            "notional": notional,
        }
    return found


def _sum(found: dict[str, dict[str, float]], name: str) -> float:
    return sum(figures[name] for figures in found.values())


def _step(content: Case, case: Case) -> None:
    assert set(case) <= WANTED | DERIVED | {"kind"}
    found = _figures(content["markets"], case["prices"], "entry_oracle")
    for name, profit in case["pnl"].items():
        assert found[name]["pnl"] == pytest.approx(profit, rel=1e-9, abs=1e-9)
    available = COLLATERAL + _sum(found, "pnl")
    assert available == pytest.approx(case["available_margin"], rel=1e-9, abs=1e-8)
    maintenance = _sum(found, "mm") + _sum(found, "least")
    reward = 0.05 * _sum(found, "notional")
    derived = (_sum(found, "im"), _sum(found, "mm"), reward)
    names = ("initial_margin", "maintenance_margin", "sum_flag_reward_5pct")
    for name, value in zip(names, derived, strict=True):
        if f"derived_{name}" in case:
            assert value == pytest.approx(case[f"derived_{name}"], rel=1e-9)
    if "total_open_interest" in case:
        assert _sum(found, "notional") == pytest.approx(case["total_open_interest"], rel=1e-9)
    if "can_liquidate" in case:
        assert (maintenance + reward > available) is case["can_liquidate"]


def test_whole(whole: tuple[Case, Case]) -> None:
    content, case = whole
    if case["kind"] == "step":
        _step(content, case)
        return
    account = content["account_margins"]
    markets, expected = account["markets"], account["expected"]
    prices = {name: market["price"] for name, market in markets.items()}
    found = _figures(markets, prices, "price")
    for name in markets:
        wanted = expected.get(f"pnl_{name.lower()}")
        assert wanted is None or found[name]["pnl"] == pytest.approx(wanted, rel=1e-9)
    assert _sum(found, "im") == pytest.approx(expected["initial_margin_excl_minpos_and_liq_reward"])
    assert _sum(found, "mm") == pytest.approx(expected["maintenance_excl"])
    assert _sum(found, "least") == expected["minimum_position_margin"]
