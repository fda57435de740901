"""dYdX v4 rules on the chain's own test cases: every integer equal, every kind of case known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from crossmargin.core.errors import ModelError
from crossmargin.margin.families import exact_dydx as rules
from crossmargin.margin.parameter_files import available

Case = dict[str, Any]


def _tier(case: Case) -> rules.Tier:
    return rules.Tier(
        case.get("initialMarginPpm", 0),
        case.get("maintenanceFractionPpm", 0),
        case.get("openInterestLowerCap", 0),
        case.get("openInterestUpperCap", 0),
    )


def _custom(case: Case) -> int:
    names = ("customImfPpm", "custom_imf_ppm", "customIMF")
    return next((case[name] for name in names if name in case), 0)


def _initial_margin(case: Case) -> None:
    found = rules.initial_margin(
        case["bigQuoteQuantums"], _tier(case), case.get("openInterestNotional", 0), _custom(case)
    )
    assert found == case["expectedInitialMarginQuoteQuantums"]


def _adjusted_imf(case: Case) -> None:
    found = rules.adjusted_imf_ppm(_tier(case), case["openInterestNotional"])
    assert found == case["expectedPpm"]


def _maintenance_ppm(case: Case) -> None:
    assert rules.maintenance_margin_ppm(_tier(case)) == case["expectedMaintenanceMarginPpm"]


def _funding_clamp(case: Case) -> None:
    found = rules.max_abs_funding_clamp_ppm(case["clampFactorPpm"], _tier(case))
    assert found == case["expectedUpperBoundPpm"]


def _margin_requirements(case: Case) -> None:
    where = case["price"], case["exponent"], case["baseCurrencyAtomicResolution"]
    notional = rules.quote_quantums(case["bigBaseQuantums"], *where)
    interest = rules.quote_quantums(case.get("openInterest", 0), *where)
    found = rules.margin_requirements(notional, _tier(case), interest, _custom(case))
    assert found == (case["bigExpectedInitialMargin"], case["bigExpectedMaintenanceMargin"])


def _settlement(case: Case) -> None:
    found = rules.settlement_ppm(case["fundingIndex"], case["index"], case["quantums"])
    assert found == case["expectedNetSettlementPpm"]


def _net_notional(case: Case) -> None:
    found = rules.quote_quantums(
        case["quantums"], case["price"], case["exponent"], case["atomicResolution"]
    )
    assert found == case["expected"]


def _account_risk(case: Case) -> None:
    tier = rules.Tier(case["imPpm"], case["mmFractionPpm"])
    nc, imr, mmr = case["usdc"], 0, 0
    for base, price in case["perps"]:
        notional = rules.quote_quantums(
            base, price, case["priceExponent"], case["atomicResolution"]
        )
        needs = rules.margin_requirements(notional, tier, 0)
        nc, imr, mmr = nc + notional, imr + needs[0], mmr + needs[1]
    assert (nc, imr, mmr) == (case["NC"], case["IMR"], case["MMR"])


def _risk(case: Case, which: str = "") -> rules.Risk:
    return rules.Risk(*(case.get(f"{which}{name}", 0) for name in ("NC", "IMR", "MMR")))


def _verdict(name: str) -> Callable[[Case], None]:
    def check(case: Case) -> None:
        assert getattr(_risk(case), name) is case["expected"]

    return check


def _compare(case: Case) -> None:
    assert rules.compare_risk(_risk(case, "first"), _risk(case, "second")) == case["expected"]


def _transition(case: Case) -> None:
    found = rules.transition(_risk(case, "old"), _risk(case, "new"))
    assert found.value == case["expectedResult"]


CHECKS: dict[str, Callable[[Case], None]] = {
    "initial_margin_quote_quantums": _initial_margin,
    "adjusted_imf_ppm": _adjusted_imf,
    "maintenance_margin_ppm": _maintenance_ppm,
    "max_abs_funding_clamp_ppm": _funding_clamp,
    "margin_requirements": _margin_requirements,
    "settlement_ppm": _settlement,
    "net_notional": _net_notional,
    "account_risk": _account_risk,
    "is_initial_collateralized": _verdict("initial_ok"),
    "is_maintenance_collateralized": _verdict("maintenance_ok"),
    "is_liquidatable": _verdict("liquidatable"),
    "risk_cmp": _compare,
    "valid_transition": _transition,
}


def test_case(case: Case) -> None:
    if "fn" not in case:
        _genesis_tier(case)
        return
    CHECKS[case["fn"]](case)


def _genesis_tier(case: Case) -> None:
    """A row of the tiers at genesis is a tier of the set that ships."""
    shipped = available("dydx-v4")[0]
    table = f"tier.{case['name'].lower().replace('-', '_')}"
    names = ("initial_margin_ppm", "maintenance_fraction_ppm")
    caps = ("open_interest_lower_cap", "open_interest_upper_cap")
    found = tuple(shipped.get(f"{table}.{name}") for name in (*names, *caps))
    assert found == (case["im"], case["mf"], case["lo"], case["hi"])


def test_a_share_above_one_is_refused() -> None:
    for shares in ((1_000_001, 0), (0, 1_000_001), (-1, 0)):
        with pytest.raises(ModelError) as caught:
            rules.Tier(*shares)
        assert caught.value.code == "parameter_out_of_bounds"
