"""Compound v3 on the contract's own test cases: quotes to the unit, verdicts as they are."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from crossmargin.margin.families.lending import WAD
from crossmargin.margin.families.lending_comet import (
    CometAccount,
    CometAsset,
    quote_collateral,
)

BASE_DECIMALS, DECIMALS = 6, 18


def _units(text: object, decimals: int) -> int:
    value = Fraction(str(text)) * 10**decimals
    assert value.denominator == 1, text
    return value.numerator


def _asset(case: dict[str, Any]) -> CometAsset:
    """Factors that a case leaves out are those of the contract's own test helpers."""
    borrow = _units(case["borrowCF"], 18) if "borrowCF" in case else WAD - 1
    liquidate = _units(case["liquidateCF"], 18) if "liquidateCF" in case else WAD
    liquidation = _units(case["liquidationFactor"], 18) if "liquidationFactor" in case else WAD
    return CometAsset(DECIMALS, borrow, liquidate, liquidation)


def _account(case: dict[str, Any]) -> CometAccount:
    principal = _units(case["principal"], BASE_DECIMALS)
    base_price = _units(case.get("basePrice", 1), 8)
    held = {"COLL": _units(case.get("coll", 0), DECIMALS), "USDC": max(principal, 0)}
    price = {"COLL": _units(case.get("price", 0), 8), "USDC": base_price}
    owed = {"USDC": max(-principal, 0)}
    return CometAccount(held, owed, price, {"COLL": _asset(case)}, "USDC", BASE_DECIMALS)


def test_case(case: dict[str, Any]) -> None:
    if case["fn"] == "quoteCollateral":
        found = quote_collateral(
            _asset(case),
            _units(case["price"], 8),
            _units(case.get("basePrice", 1), 8),
            _units(case["base"], BASE_DECIMALS),
            BASE_DECIMALS,
            _units(case["storeFrontPriceFactor"], 18),
        )
        assert found == _units(case["expected"], DECIMALS)
    elif case["fn"] == "isBorrowCollateralized":
        assert _account(case).may_borrow() is case["expected"]
    else:
        assert case["fn"] == "isLiquidatable"
        assert _account(case).healthy() is not case["expected"]
