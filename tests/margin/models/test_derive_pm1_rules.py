from __future__ import annotations

from crossmargin.margin import Fidelity, ScaleLaw
from crossmargin.margin.model import Extent, Standing
from crossmargin.margin.models.derive_pm1_rules import SPEC


def test_the_rules_are_those_of_the_contract_and_reproduce_its_cases() -> None:
    exact = [rule.fidelity for rule in SPEC.rules if rule.name != "order_margin"]
    assert set(exact) == {Fidelity.EXACT}
    assert (SPEC.name, SPEC.version) == ("derive-pm1", "v1")
    assert (SPEC.extent, SPEC.standing) == (Extent.COMPLETE, Standing.ACTIVE)
    assert SPEC.scale is ScaleLaw.HOMOGENEOUS
    assert SPEC.maps_from == ("derive", "deribit")
    assert SPEC.standard == "derive-sm"
