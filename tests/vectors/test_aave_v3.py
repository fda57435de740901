"""Aave v3 on the tests of its own libraries: integers exact, one scaled balance to a unit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import pytest

from crossmargin.margin.families import lending_aave as rules
from crossmargin.margin.families.lending_aave import AaveAccount, AaveAsset, Arithmetic, EMode
from tests.vectors.whole import parametrise_whole

Case = dict[str, Any]
PATTERN = "aave_v3_*.json"
UNCHECKED_UNITS = 1  # the balance of the SDK rounds once more


def _cases(content: Case) -> Iterator[tuple[str, Case]]:
    for index, case in enumerate(content["cases"]):
        yield f"{case['fn']}-{index}", case


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    parametrise_whole(metafunc, PATTERN, _cases)


def _scaled(text: object, decimals: int) -> int:
    value = Fraction(str(text)) * 10**decimals
    assert value.denominator == 1, text
    return value.numerator


def _account(collateral: int, debt: int, threshold: int, arithmetic: Arithmetic) -> AaveAccount:
    """Values in base currency: a token of no decimals at a price of one unit."""
    asset = {"X": AaveAsset(0, threshold, threshold)}
    return AaveAccount(
        {"X": collateral}, {"X": debt}, {"X": 1}, asset, None, frozenset(), arithmetic
    )


def _health(content: Case, case: Case) -> None:
    collateral, debt, threshold = (int(case[k]) for k in ("collateral", "debt", "lt_bps"))
    for arithmetic in Arithmetic:
        found = _account(collateral, debt, threshold, arithmetic).health_wad()
        if debt == 0:
            assert found is None
            assert str(case["expected"]).startswith("-1")
            continue
        assert found is not None
        exact = Fraction(collateral * threshold, 10_000 * debt)
        places = len(str(case["expected"]).partition(".")[2])
        assert rules.half_up(exact.numerator * 10**places, exact.denominator) == _scaled(
            case["expected"], places
        )
        lost = Fraction(1, 10**18)
        if arithmetic is Arithmetic.CORE:  # weighs the collateral in whole units before it divides
            lost += Fraction(1, 2 * debt)
        assert abs(Fraction(found, 10**18) - Fraction(case["expected"])) < lost


def _available(content: Case, case: Case) -> None:
    ltv: Any = Fraction(str(case["ltv"]).split()[0])
    found = rules.available_borrows(int(case["collateral"]), int(case["debt"]), ltv)
    assert found == int(case["expected"])


def _balance(content: Case, case: Case) -> None:
    scaled, index = int(case["scaled"]), int(case["index"])
    growth = _growth(case["fn"], int(case["rate_ray"]), int(case["dt"]))
    found = [rules.ray_mul(scaled, rules.ray_mul(each, index)) for each in growth]
    assert min(abs(each - int(case["expected"])) for each in found) <= UNCHECKED_UNITS


def _growth(function: str, rate: int, seconds: int) -> list[int]:
    """What the index grows by: of a debt by compounding, else linearly."""
    if function.startswith(("compounded", "normalized_debt")):
        # the SDK counts by the second, the contracts do not
        return [f(rate, seconds) for f in (rules.compounded_by_second, rules.compounded_interest)]
    return [rules.linear_interest(rate, seconds)]


def _interest(content: Case, case: Case) -> None:
    growth = _growth(case["fn"], int(case["rate"]), int(case["dt"]))
    if "index" in case:
        growth = [rules.ray_mul(each, int(case["index"])) for each in growth]
    assert int(case["expected"]) in growth


def _product(content: Case, case: Case) -> None:
    decimals = 18 if case["fn"].startswith("wad") else 27
    known: dict[str, Callable[[int, int], int]] = {
        "wadMul": rules.wad_mul,
        "wadDiv": rules.wad_div,
        "rayMul": rules.ray_mul,
        "rayDiv": rules.ray_div,
    }
    found = known[case["fn"]](_scaled(case["a"], decimals), _scaled(case["b"], decimals))
    assert found == _scaled(case["expected"], decimals)


def _percent(content: Case, case: Case) -> None:
    known = {"percentMul": rules.percent_mul, "percentDiv": rules.percent_div}
    assert known[case["fn"]](int(case["a"]), int(case["bps"])) == int(case["expected"])


def _summary(content: Case, case: Case) -> None:
    """Of a case without reserves: those of the first case that has them, in a category."""
    expected = case["expected"]
    given = next(c["reserves"] for c in (case, *content["cases"]) if "reserves" in c)
    names = [f"R{k}" for k in range(len(given))]
    assets, held, owed, price = {}, {}, {}, {}
    for name, row in zip(names, given, strict=True):
        unit = 10 ** int(row["decimals"])
        assets[name] = AaveAsset(int(row["decimals"]), int(row["ltv"]), int(row["lt"]))
        held[name], owed[name] = int(row["supply"]) * unit, int(row["debt"]) * unit
        price[name] = _scaled(row["price_ref"], 8)
    mode = None
    if "emode" in case["fn"]:  # the file names what the category gives, not the category
        ltv = int(expected.get("currentLtv", given[0]["ltv"]))
        threshold = int(expected.get("currentLt", ltv))
        mode = EMode(ltv, threshold, 10_000, frozenset(names))
    for arithmetic in Arithmetic:
        account = AaveAccount(held, owed, price, assets, mode, frozenset(), arithmetic)
        total, _, _, debt = account.sums()
        ltv, threshold = account.averages()
        health = account.health_wad()
        assert health is not None
        found = {
            "totalCollateral": Fraction(total, 10**8),
            "totalBorrows": Fraction(debt, 10**8),
            "availableBorrows": Fraction(rules.available_borrows(total, debt, ltv), 10**8),
            "currentLtv": Fraction(ltv),
            "currentLt": Fraction(threshold),
            "healthFactor": Fraction(health, 10**18),
        }
        assert set(expected) <= set(found)
        for name, value in expected.items():
            assert found[name] == Fraction(str(value)), name


CHECKS = {
    "health_factor": _health,
    "available_borrows": _available,
    "linear_balance": _balance,
    "compounded_balance": _balance,
    "linear_interest": _interest,
    "compounded_interest": _interest,
    "normalized": _interest,
    "wad": _product,
    "ray": _product,
    "percent": _percent,
    "user_summary": _summary,
}


def test_whole(whole: tuple[Case, Case]) -> None:
    content, case = whole
    check = next(found for start, found in CHECKS.items() if case["fn"].startswith(start))
    check(content, case)
