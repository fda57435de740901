"""Regulators: who sees which line, and which requirement is held."""

from __future__ import annotations

from crossmargin.margin.families.sensitivity_regimes import regimes_of, worst_of


def test_lines_of_regulators() -> None:
    lines = [("a", ("ESA",)), ("a", ()), ("b", ()), ("a", ("JFSA", "ESA")), ("b", ())]
    found = regimes_of(lines)
    assert [(each.account, each.regulator, each.lines) for each in found] == [
        ("a", "ESA", (0, 3)),
        ("a", "JFSA", (3,)),
        ("b", "", (2, 4)),
    ]


def test_worst_of_both_parts() -> None:
    regimes = regimes_of([("a", ("ESA", "USPR", "SEC-unseg")), ("b", ())])
    found = worst_of(regimes, [3.0, 7.0, 5.0, 2.0])  # ESA, SEC-unseg, USPR, none
    assert (found["a"].segregated_usd, found["a"].unsegregated_usd) == (5.0, 7.0)
    assert (found["a"].total_usd, found["a"].regulator) == (7.0, "SEC-unseg")
    assert (found["b"].total_usd, found["b"].regulator) == (2.0, "")


def test_first_of_equals() -> None:
    regimes = regimes_of([("a", ("ESA", "USPR"))])
    assert worst_of(regimes, [3.0, 3.0])["a"].regulator == "ESA"
