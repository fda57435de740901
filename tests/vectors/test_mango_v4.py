"""Mango v4 health on the program's own accounts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from crossmargin.margin.families.weighted_sum import (
    Weighted,
    scaled_asset_weight,
    scaled_liability_weight,
)
from crossmargin.margin.models.mango_v4_health import PerpRisk, Perps, SpotMarkets, health
from tests.vectors.whole import parametrise_whole

Case = dict[str, Any]
PATTERN = "mango_v4_*.json"
KNOWN = {"token1", "token2", "token3", "oo_1_2", "oo_1_3", "perp1", "banks", "note", "name"}
BANK = {"deposits", "borrows", "dstart", "bstart", "potential"}


def _cases(content: Case) -> Iterator[tuple[str, Case]]:
    for index, case in enumerate(content.get("cases", ())):
        yield str(index), case


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    parametrise_whole(metafunc, PATTERN, _cases)


def _tokens(setup: Case, case: Case, balance: np.ndarray, level: str) -> Weighted:
    rows = setup["tokens"]
    price = np.array([row["price"] for row in rows])
    asset, liability = (
        np.array([row[f"{level}_{side}"] for row in rows]) for side in ("asset", "liab")
    )
    banks = case.get("banks", [{}] * len(rows))
    assert all(set(bank) <= BANK for bank in banks)

    def of(name: str) -> np.ndarray:
        return np.array([float(bank.get(name, 0.0)) for bank in banks])

    if level == "init":
        asset = scaled_asset_weight(asset, (of("deposits") + of("potential")) * price, of("dstart"))
        liability = scaled_liability_weight(liability, of("borrows") * price, of("bstart"))
    return Weighted(price, price, asset, liability)


def _health(setup: Case, case: Case, level: str) -> float:
    balance = np.array([[float(case.get(f"token{k}", 0)) for k in (1, 2, 3)]])
    tokens = _tokens(setup, case, balance, level)
    perp = setup["perp"]
    lots, quote, bids, asks = (float(x) for x in case.get("perp1", (0, 0, 0, 0)))
    size = perp["base_lot_size"]
    perps = Perps(*(np.array([[x]]) for x in (lots * size, quote, bids * size, asks * size)))
    price = np.array([perp["price"]])
    risk = PerpRisk(
        price,
        price,
        *(
            np.array([perp[f"{level}_{name}"]])
            for name in ("base_asset", "base_liab", "overall_asset")
        ),
    )
    reserved = np.array([case.get("oo_1_2", (0, 0)), case.get("oo_1_3", (0, 0))], np.float64)
    none = np.zeros((1, 2))
    markets = SpotMarkets(
        np.array([1, 2], np.int32),
        np.array([0, 0], np.int32),
        reserved[None, :, 1],
        reserved[None, :, 0],
        none,
        none,
    )
    settle = np.array([0], np.int32)
    return float(health(balance, tokens, perps, risk, settle, markets).value[0])


def test_whole(whole: tuple[Case, Case]) -> None:
    content, case = whole
    expected = {name for name in case if name.startswith("expected_")}
    assert expected
    assert set(case) <= KNOWN | expected, sorted(set(case) - KNOWN - expected)
    for name in sorted(expected):
        level = name.removeprefix("expected_").removesuffix("_health")
        found = _health(content["setup"], case, level)
        assert found == pytest.approx(case[name], rel=1e-9, abs=1e-9)
