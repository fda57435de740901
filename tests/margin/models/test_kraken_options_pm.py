"""Kraken options portfolio margining: what is declared, and that no book has a number."""

from __future__ import annotations

import pytest

import crossmargin as xm
from crossmargin.conformance.suite import REFUSAL_CHECKS
from crossmargin.core.errors import ModelError
from crossmargin.margin import model_named
from crossmargin.margin.model import Extent, Fidelity
from tests.margin.families.worked import EXPIRY_MS, payload, worked
from tests.vectors.building import option

NAME = "kraken-options-pm"
SPEC = model_named(NAME).spec


def test_the_five_amounts_are_declared_and_their_total_is_missing() -> None:
    levels = {rule.name: rule.fidelity for rule in SPEC.rules}
    assert list(levels)[:5] == [
        "market_risk",
        "abs_options_delta",
        "net_position_delta",
        "futures_maintenance_margin",
        "cross_asset_netting",
    ]
    missing = [name for name, level in levels.items() if level is Fidelity.MISSING]
    assert missing == ["maintenance_margin"]
    assert SPEC.extent is Extent.REFUSED
    assert SPEC.formula_unknown


@pytest.mark.parametrize("given", [False, True], ids=["bare", "with a payload"])
def test_a_book_is_refused_by_name(given: bool) -> None:
    held = [(option("kraken", "O", -1, 60_000.0, EXPIRY_MS, underlying="BTC", settle="USD"), -1.0)]
    with pytest.raises(ModelError) as caught:
        worked(NAME, held, price={"BTC": 64_000.0}, parameters=payload(NAME) if given else None)
    assert caught.value.code == "rules_unknown"
    assert "five amounts" in caught.value.message


def test_the_card_shows_what_is_known_and_what_is_not() -> None:
    figures = xm.models(NAME).figures
    assert figures["extent"] == "refused"
    assert len(figures["rules"]) == len(SPEC.rules)
    assert figures["unknown"][0].startswith("how the five amounts make")


def test_its_conformance_is_that_of_a_refusal() -> None:
    found = xm.conform(NAME)
    card = found.to_dict()["models"][0]
    assert found.status == 0
    assert len(card["promises"]) == len(REFUSAL_CHECKS)


def test_a_comparison_has_one_line_with_the_reason() -> None:
    rows = {row.model: row for row in xm.compare("sample:retail-short-vol", "sample:market").rows}
    assert rows[NAME].error == f"rules_unknown: {SPEC.formula_unknown}"
