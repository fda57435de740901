from __future__ import annotations

import numpy as np
import pytest

from crossmargin.conformance.checks import margined
from crossmargin.conformance.world import one_account, subject_of
from crossmargin.instruments.contracts import Kind
from crossmargin.margin import Fidelity, Rule, model_named


def test_a_rule_may_be_known_differently_by_kind() -> None:
    rule = Rule("r", "text", "page", {Kind.OPTION: Fidelity.INFERRED})
    assert rule.known(Kind.OPTION) is Fidelity.INFERRED
    assert rule.known(Kind.PERPETUAL) is Fidelity.STATED  # said, though nothing checks it
    assert Rule("r", "text", "page", Fidelity.EXACT).known(Kind.OPTION) is Fidelity.EXACT


def test_a_rule_is_found_by_name() -> None:
    spec = model_named("derive-pm2").spec
    assert spec.rule("mm_factor").fidelity is Fidelity.EXACT
    with pytest.raises(KeyError):
        spec.rule("elsewhere")


def test_the_binding_scenario_has_a_label() -> None:
    subject = subject_of(model_named("derive-pm2"))
    book, world = one_account(subject, {"BTC_USDC-PERPETUAL": 1.0})
    found = margined(subject, book, world)
    row = int(np.flatnonzero(found.scenario >= 0)[0])
    assert found.scenario_label(row).startswith("-18 %, vol up")


def test_the_basis_contingency_is_named_and_no_scenario_is_a_dash() -> None:
    """A calendar spread whose legs offset: the basis between its expiries is the worst."""
    subject = subject_of(model_named("derive-pm2"))
    book, world = one_account(
        subject, {"BTC_USDC-206-64000-C": 1.0, "BTC_USDC-206-64000-P": -1.0,
                  "BTC_USDC-89-64000-C": -1.0, "BTC_USDC-89-64000-P": 1.0}
    )  # fmt: skip
    found = margined(subject, book, world)
    labels = {found.scenario_label(row) for row in range(len(found.sheet))}
    assert "basis contingency" in labels
    fixed = subject_of(model_named("fixed-rate"))
    book, world = one_account(fixed, {"BTC_BTC-PERPETUAL": 1000.0})
    assert margined(fixed, book, world).scenario_label(0) == "—"
