"""Rules that every member has."""

from __future__ import annotations

from crossmargin.margin.families.scan_rules import with_common_rules
from crossmargin.margin.model import Fidelity, Rule


def test_own_rules_come_first_and_the_common_ones_once() -> None:
    own = Rule("scan", "a loss", "a page", Fidelity.STATED)
    made = with_common_rules(own, source="a page", levels="IM is MM", levels_known=Fidelity.MISSING)
    names = [rule.name for rule in made]
    assert names == ["scan", "levels", "order_margin", "haircut", "balance_side"]
    assert made[0] is own
    assert made[1].fidelity is Fidelity.MISSING
    assert made[2].fidelity is Fidelity.INFERRED
    assert all(rule.source for rule in made)
