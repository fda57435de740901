"""What OKX's portfolio margin says of itself."""

from __future__ import annotations

from crossmargin.instruments.contracts import Kind
from crossmargin.margin.model import Extent, Fidelity
from crossmargin.margin.models.okx_pm_rules import SPEC


def test_what_is_missing_is_missing_of_options_alone() -> None:
    assert SPEC.extent is Extent.AT_LEAST
    for name in ("vega_term", "interest", "minimum_charge"):
        assert SPEC.rule(name).known(Kind.OPTION) is Fidelity.MISSING
        assert SPEC.rule(name).known(Kind.PERPETUAL) is Fidelity.EXACT
    assert SPEC.unknown
    assert SPEC.quotes == ("USD", "USDT", "USDC")


def test_a_reading_belongs_to_a_rule() -> None:
    behind = {name for rule in SPEC.rules for name in rule.readings}
    assert behind == set(SPEC.readings)
