"""The rules in words."""

from __future__ import annotations

from crossmargin.margin.families.var_rules import BALANCE, CLASSICAL, rules_of
from crossmargin.margin.model import Fidelity


def test_every_kind_has_its_rules_and_sources() -> None:
    for kind, (text, source) in CLASSICAL.items():
        rules = rules_of(text, source, errors=kind != "parametric")
        names = [rule.name for rule in rules]
        assert len(set(names)) == len(names)
        assert ("standard_error" in names) is (kind != "parametric")
        assert all(rule.source and rule.text for rule in rules)
        assert {rule.fidelity for rule in rules} == {Fidelity.STATED}
        assert text in rules[0].text
    assert BALANCE
