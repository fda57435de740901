from __future__ import annotations

from dataclasses import replace

import pytest

from crossmargin.conformance import checks_rules
from crossmargin.conformance.world import subject_of
from crossmargin.margin import model_named
from tests.conformance.test_checks import FIXED, spoiled


def test_a_total_that_is_not_its_parts_is_found() -> None:
    checks_rules.tree_adds_up(FIXED)
    with pytest.raises(AssertionError):
        checks_rules.tree_adds_up(spoiled("mm", lambda v: v + 1.0))


def test_cash_that_counts_twice_is_found() -> None:
    checks_rules.balances_count_once(FIXED)
    with pytest.raises(AssertionError):
        checks_rules.balances_count_once(spoiled("equity", lambda v: 2.0 * v))


def test_a_rule_without_a_source_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_named("derive-pm2")
    bare = tuple(replace(rule, source=" ") for rule in model.spec.rules)
    monkeypatch.setattr(type(model), "spec", replace(model.spec, rules=bare))
    with pytest.raises(AssertionError):
        checks_rules.rules_are_declared(subject_of(model))
