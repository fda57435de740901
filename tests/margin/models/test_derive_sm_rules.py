from __future__ import annotations

from crossmargin.instruments.contracts import Kind
from crossmargin.margin import Fidelity, ScaleLaw
from crossmargin.margin.model import Extent, Standing
from crossmargin.margin.models.derive_sm_rules import SPEC


def test_the_rules_are_those_of_the_contract_and_reproduce_its_cases() -> None:
    exact = [rule.fidelity for rule in SPEC.rules if rule.name != "order_margin"]
    assert set(exact) == {Fidelity.EXACT}
    assert (SPEC.name, SPEC.version, SPEC.standard) == ("derive-sm", "v1", "derive-sm")
    assert (SPEC.extent, SPEC.standing) == (Extent.COMPLETE, Standing.ACTIVE)
    assert SPEC.scale is ScaleLaw.HOMOGENEOUS
    assert Kind.FUTURE not in SPEC.kinds
