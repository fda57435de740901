from __future__ import annotations

from crossmargin.instruments.contracts import Kind
from crossmargin.margin import Fidelity
from crossmargin.margin.deribit_common import KINDS
from crossmargin.margin.models.deribit_pm_rules import CROSS, SEGREGATED


def test_both_modes_follow_the_same_rules_and_differ_in_unit() -> None:
    assert [rule.name for rule in CROSS.rules] == [rule.name for rule in SEGREGATED.rules]
    assert (SEGREGATED.currency, CROSS.currency) == ("settle", "USD")
    assert SEGREGATED.folder == CROSS.folder
    assert set(SEGREGATED.unknown) < set(CROSS.unknown)
    assert set(KINDS) == {Kind.ASSET, Kind.PERPETUAL, Kind.FUTURE, Kind.OPTION}


def test_what_is_recorded_is_exact_and_what_is_not_published_is_missing() -> None:
    """Futures reproduce payloads; options rest on third-party text; the correlation is unknown."""
    matrix = SEGREGATED.rule("risk_matrix")
    assert matrix.known(Kind.PERPETUAL) is Fidelity.EXACT
    assert matrix.known(Kind.OPTION) is Fidelity.INFERRED
    assert SEGREGATED.rule("correlation_contingency").fidelity is Fidelity.MISSING
    assert matrix.readings[0] == "reading.vol_shock"
    listed = [name for rule in SEGREGATED.rules for name in rule.readings]
    assert listed == list(SEGREGATED.readings)


def test_nothing_of_cross_mode_is_exact_for_nothing_of_it_was_recorded() -> None:
    for theirs, mine in zip(SEGREGATED.rules, CROSS.rules, strict=True):
        for kind in KINDS:
            exact = theirs.known(kind) is Fidelity.EXACT
            assert mine.known(kind) is (Fidelity.STATED if exact else theirs.known(kind))
    assert SEGREGATED.rule("mm_factor").fidelity is Fidelity.EXACT
    assert CROSS.rule("mm_factor").fidelity is Fidelity.STATED
    assert CROSS.rule("delta_shock").fidelity is Fidelity.INFERRED
