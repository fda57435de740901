"""The Deribit and Paradex oracles reproduce the venues' payloads and examples."""

from __future__ import annotations

import re
from typing import Any

import pytest

from . import deribit_pm, deribit_sm, paradex_pm
from .types import Leg

VECTORS = "cex_*.json"


def keep(case: dict[str, Any]) -> bool:
    """Cases of the models that the oracle has."""
    return case["venue"] == "deribit" or case["model"] == "min_delta"


def _leg(name: str, held: dict[str, float]) -> Leg:
    dated = re.search(r"-\d{1,2}[A-Z]{3}\d{2}$", name) is not None
    return Leg(
        kind="future" if dated else "perpetual",
        quantity=held["size_coin"] * held["mark"],
        name=name,
        expiry=name if dated else None,
        # The month is not printed with a time; any life whose move risk is under the minimum.
        life_ms=10 * 86_400_000 if dated else 0,
        mark=held["mark"],
        inverse=True,
    )


def _check_pm(case: dict[str, Any]) -> None:
    coin = case["inputs"]["currency"].lower()
    params = {**case["params"]["pair"], **case["params"][coin], **case["params"]["general"]}
    held = case["inputs"]
    legs = [_leg(name, row) for name, row in held["positions"].items()]
    holds = [held.get(name, 0.0) for name in ("open_orders_margin", "mmp_margin", "spot_margin")]
    given = deribit_pm.Case(held["index_price"], True, 0.0, 1.0, *holds)
    found = deribit_pm.margin(legs, given, params)
    near = {"rel": 0.0, "abs": case["tolerance"]}
    expected = case["expected"]
    for leg, vector in zip(legs, found["leg_vectors"], strict=True):
        printed = expected["initial_risk_vectors"][leg.name]
        assert vector[:27:3] == pytest.approx(printed["standard_by_price"], **near)
        assert vector[27:] == pytest.approx(printed["extended"], **near)
    assert found["aggregated"][:27:3] == pytest.approx(
        expected["aggregated_standard_by_price"], **near
    )
    assert found["aggregated"][27:] == pytest.approx(expected["aggregated_extended"], **near)
    for name in ("worst_case", "roll_shock", "delta_shock", "risk_matrix_margin"):
        assert found[name] == pytest.approx(expected[name], **near)
    assert found["im"] == pytest.approx(expected["initial_margin"], **near)
    assert found["mm"] == pytest.approx(expected["maintenance_margin"], **near)
    named = deribit_pm.bucket(found["worst"], params, found["worst_case"])
    assert named == expected["worst_case_bucket"]


def _check_sm(case: dict[str, Any]) -> None:
    held = case["inputs"]
    leg = Leg("perpetual", held["size_coin"], underlying=held["ccy"], mark=held["price"])
    params = {
        "im_base": held["base_rate"],
        "mm_base": held["base_rate"],
        "increment_per_coin": held["increment_per_coin"],
    }
    found = deribit_sm.margin([leg], held["price"], params)
    for name, number in case["expected"].items():
        assert found[name.lower()] == pytest.approx(number, rel=case["tolerance"])


def _check_min_delta(case: dict[str, Any]) -> None:
    held = case["inputs"]
    found = paradex_pm.min_delta(
        [size * delta for size, delta in held["legs"]],
        held["spot"],
        held["unhedged"],
        held["hedged"],
    )
    expected = case["expected"]
    assert found["net"] == pytest.approx(expected["net_delta"])
    assert found["gross"] == pytest.approx(expected["gross_delta"])
    assert found["hedged"] == pytest.approx(expected["hedged_delta"])
    assert found["charge"] == pytest.approx(expected["min_delta_risk"], rel=case["tolerance"])


def test_case(case: dict[str, Any]) -> None:
    if case["venue"] == "paradex":
        _check_min_delta(case)
    elif case["model"].startswith("standard_margin"):
        _check_sm(case)
    else:
        _check_pm(case)


def test_short_options_under_standard_margin_by_hand() -> None:
    # Call 10 % out of the money, mark 0.02: max(0.15 - 0.10, 0.10) + 0.02 and 0.075 + 0.02.
    assert deribit_sm.option_rates(1, 110.0, 100.0, 0.02) == pytest.approx((0.12, 0.095))
    # A put worth more than its coin is held to its maintenance rate: 0.075 x 1.5 + 1.5.
    initial, maintenance = deribit_sm.option_rates(-1, 250.0, 100.0, 1.5)
    assert maintenance == pytest.approx(1.6125)
    assert initial == pytest.approx(1.65)
