"""Gearbox v3 on the contract's own test cases: payments, ramps and one token, all exact."""

from __future__ import annotations

from typing import Any

from crossmargin.margin.families.lending_gearbox import (
    GearboxAccount,
    GearboxToken,
    liquidation_payments,
    one_token,
    ramped_threshold,
)


def _payments(case: dict[str, Any]) -> None:
    found = liquidation_payments(
        case["totalValue"],
        case["debt"],
        case["accruedInterest"],
        fee_interest=case["feeInterest"],
        fee_liquidation=case["feeLiquidation"],
        discount=case["liquidationDiscount"],
        token_fee=case["token_fee_bps"],
    )
    figures = found.to_pool, found.remaining, found.profit, found.loss
    names = ("amountToPool", "remainingFunds", "profit", "loss")
    assert figures == tuple(case[name] for name in names)
    assert found.to_pool + found.remaining + found.premium == case["totalValue"]


def _ramp(case: dict[str, Any]) -> None:
    found = ramped_threshold(case["ltInitial"], case["ltFinal"], case["elapsed"], case["duration"])
    assert found == case["expected"]


def _token(case: dict[str, Any]) -> None:
    assert one_token(case["value"], case["lt"], case["quota"]) == case["weighted"]
    tokens = {"T": GearboxToken(0, case["lt"], case["quota"]), "U": GearboxToken(0, 10_000)}
    prices = {"T": case["price"], "U": 1}
    account = GearboxAccount({"T": case["balance"]}, {}, prices, tokens, "U")
    assert account.figures().collateral == case["value"]
    assert account.figures().power_mm == case["weighted"]


def test_case(case: dict[str, Any]) -> None:
    check = _payments if "totalValue" in case else _ramp if "ltInitial" in case else _token
    check(case)
