"""Opyn Gamma on the contract's own test cases: bit for bit, every revert with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from crossmargin.core.errors import ModelError
from crossmargin.margin.families import exact_opyn as rules
from crossmargin.margin.families.exact_units import units
from tests.vectors.whole import parametrise_whole

Case = dict[str, Any]
PATTERN = "opyn_gamma_*.json"
LEFT_S = 86_400


def _cases(content: Case) -> Iterator[tuple[str, Case]]:
    for section, rows in content.items():
        if section.startswith("_"):
            continue
        held = rows.get("cases", []) if isinstance(rows, dict) else rows
        for index, case in enumerate(held):
            yield f"{section}-{index}", {**case, "section": section}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    parametrise_whole(metafunc, PATTERN, _cases)


def _token(terms: Case) -> rules.OToken:
    return rules.OToken(
        terms["type"] == "put",
        terms["underlying"],
        terms["strike_asset"],
        terms["collateral"],
        int(terms["strike_raw"]),
    )


def _vault(case: Case) -> rules.Vault:
    sides = [
        ((_token(case[side]),), (int(case[f"{side}_amount_raw"]),)) if case.get(side) else ((), ())
        for side in ("short", "long")
    ]
    collateral = case.get("collateral_asset")
    amount = case.get("collateral_amount_raw")
    held = ((collateral,), (int(amount),)) if collateral is not None else ((), ())
    return rules.Vault(*sides[0], *sides[1], *held)


def _prices(case: Case) -> rules.Prices:
    expired = bool(case.get("expired"))
    given = case.get("expiry_prices_usd" if expired else "live_prices_usd") or {}
    return rules.Prices({name: units(float(p), 8) for name, p in given.items()}, expired)


SHORT = rules.OToken(True, "weth", "usdc", "usdc", 20_000_000_000)
LONG = replace(SHORT, strike=10_000_000_000)
PLAIN = rules.Vault((SHORT,), (10**8,), (LONG,), (10**8,), ("usdc",), (10**8,))


def _structural(case: Case) -> rules.Vault:
    """The faulty vault that a case of words alone speaks of."""
    name, reason = case["name"].lower(), case["revert"]
    faults = {
        "Too many short otokens in the vault": replace(
            PLAIN, shorts=(SHORT, SHORT), short_amounts=(1, 1)
        ),
        "Too many long otokens in the vault": replace(
            PLAIN, longs=(LONG, LONG), long_amounts=(1, 1)
        ),
        "Too many collateral assets in the vault": replace(
            PLAIN, collaterals=("usdc", "usdc"), collateral_amounts=(1, 1)
        ),
        "Short asset and amount mismatch": replace(PLAIN, short_amounts=()),
        "Long asset and amount mismatch": replace(PLAIN, long_amounts=()),
        "Collateral asset and amount mismatch": replace(PLAIN, collateral_amounts=()),
        "naked margin vault cannot have long otoken": replace(PLAIN, naked=True),
    }
    if reason in faults:
        return faults[reason]
    if reason == "collateral asset not marginable for short asset":
        other = replace(PLAIN, collaterals=("weth",))
        return replace(other, shorts=(), short_amounts=()) if "only contain long" in name else other
    assert reason == "long asset not marginable for short asset", reason
    changes: dict[str, dict[str, Any]] = {
        "underlying": {"underlying": "wbtc"},
        "collateral": {"collateral": "weth"},
        "expiry": {"expiry_ms": 1},
        "type": {"put": False},
        "strike": {"strike_asset": "dai"},
    }
    changed = next(changes[word] for word in changes if word in name)
    return replace(PLAIN, longs=(replace(LONG, **changed),))


def _excess(content: Case, case: Case) -> None:
    if case.get("structural") or case.get("revert"):
        vault = _structural(case) if case.get("structural") else _vault(case)
        with pytest.raises(ModelError) as caught:
            rules.excess_collateral(vault, _prices(case), content["decimals"])
        assert case["revert"] in caught.value.message
        assert caught.value.remedy
        return
    found = rules.excess_collateral(_vault(case), _prices(case), content["decimals"])
    assert found == (int(case["expected_net_raw"]), case["expected_is_excess"])


def _naked(content: Case, case: Case) -> None:
    table = content["naked_margin"]
    times = tuple(table["times_to_expiry_in_test_seconds"])
    bounds = tuple(units(bound, 27) for bound in table["upper_bound_values"])
    bound = rules.upper_bound(times, bounds, times[case["row"]])
    found = rules.naked_required(
        case["type"] == "put",
        units(case["amount"], 27),
        units(case["strike"], 27),
        units(case["spot"], 27),
        units(table["spot_shock"], 27),
        bound,
    )
    if "expected" in case:
        assert found == units(case["expected"], 27)
    if "excess" in case:
        assert units(case["collateral"], 27) - found == units(case["excess"], 27)
    assert {"expected", "excess"} & set(case)


def _liquidation(content: Case, case: Case) -> None:
    """Cases without an expected price are checked against the formula in plain fractions."""
    section = content["liquidation"]
    put = case["type"] == "put"
    figures = [units(case[name], 27) for name in ("collateral", "debt", "strike", "spot")]
    found = rules.debt_price(put, *figures, units(section["oracle_deviation"], 27), case["elapsed"])
    if "expected_price" in case:
        assert found == units(case["expected_price"], 27)
    strike, spot = Fraction(str(case["strike"])), Fraction(str(case["spot"]))
    cash = max(strike - spot if put else spot - strike, Fraction(0))
    start = max(cash - Fraction(str(section["oracle_deviation"])) * spot, Fraction(0))
    start = start if put else start / spot
    end = Fraction(str(case["collateral"])) / Fraction(str(case["debt"]))
    share = min(Fraction(case["elapsed"], section["auction_seconds"]), Fraction(1))
    exact = min(start + (end - start) * share, end)
    assert abs(Fraction(found, rules.ONE) - exact) < Fraction(4, rules.ONE)


def test_whole(whole: tuple[Case, Case]) -> None:
    content, case = whole
    kinds = {"cases": _excess, "naked_margin": _naked, "liquidation": _liquidation}
    kinds[case["section"]](content, case)
