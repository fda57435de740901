"""A book under an exchange's own file: both forms give one answer, and bad names are refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import crossmargin as xm
from tests.margin.families.span_twin import Twin
from tests.venues.span_fixture import fixture, xml_of
from tests.venues.span_positional import positional

BOOK = {
    "EX:AA:FUT:202601": 8.0,
    "EX:AA:FUT:202602": -3.0,
    "EX:AA:OOF:202603:C:5000": -4.0,
    "EX:BB:FUT:202602": -6.0,
    "EX:BB:OOF:202601:P:2000": -2.0,
}


def both(tmp_path: Path) -> tuple[xm.SpanFile, xm.SpanFile]:
    spn, pa2 = tmp_path / "own.spn", tmp_path / "own.pa2"
    spn.write_bytes(xml_of(fixture()))
    pa2.write_text("\n".join(positional()) + "\n")
    return xm.span_file(spn), xm.span_file(pa2)


def test_both_forms_and_the_twin_agree(tmp_path: Path) -> None:
    one, other = (xm.span_requirement(file, BOOK) for file in both(tmp_path))
    whole = fixture()
    twin = Twin(whole, [BOOK.get(c.name, 0.0) for c in whole.contracts])
    for found in (one, other):
        assert found.currency == "USD"
        assert found.maintenance == pytest.approx(twin.total, rel=1e-12)
        assert found.initial == pytest.approx(twin.initial, rel=1e-12)
        assert found.initial > found.maintenance > 0.0
        assert [c.code for c in found.commodities] == ["AA", "BB"]
        for each in found.commodities:
            assert each.scan == pytest.approx(twin.parts[each.code]["scan"], rel=1e-12)
            assert 1 <= each.active <= 16
        assert {s.kind for s in found.spreads} == {"intra", "inter", "scanning"}
    assert one.spreads == other.spreads


def test_the_order_of_positions_changes_nothing(tmp_path: Path) -> None:
    file = both(tmp_path)[0]
    backwards = dict(reversed(BOOK.items()))
    assert xm.span_requirement(file, backwards) == xm.span_requirement(file, BOOK)
    nothing = xm.span_requirement(file, {})
    assert (nothing.maintenance, nothing.commodities, nothing.spreads) == (0.0, (), ())


def test_another_currency(tmp_path: Path) -> None:
    file = both(tmp_path)[0]
    dollars, euros = (xm.span_requirement(file, BOOK, c).maintenance for c in ("USD", "EUR"))
    assert euros == pytest.approx(dollars / 1.25, rel=1e-12)
    with pytest.raises(xm.InputError, match="currency_unknown"):
        xm.span_requirement(file, BOOK, "JPY")


def test_what_cannot_be_margined_is_refused(tmp_path: Path) -> None:
    file = both(tmp_path)[0]
    with pytest.raises(xm.InputError, match="instrument_unknown"):
        xm.span_requirement(file, {"EX:AA:FUT:209901": 1.0})
    with pytest.raises(xm.InputError, match="number_not_finite"):
        xm.span_requirement(file, {"EX:AA:FUT:202601": float("nan")})
    alone = replace(file, contracts=(replace(file.contracts[0], commodity=""), *file.contracts[1:]))
    with pytest.raises(xm.InputError, match="no combined commodity"):
        xm.span_requirement(alone, {file.contracts[0].name: 1.0})
    with pytest.raises(xm.InputError, match="file_unreadable"):
        xm.span_file(tmp_path / "nothing.spn")
    empty = tmp_path / "empty.pa2"
    empty.write_text("")
    with pytest.raises(xm.InputError, match="file_unreadable"):
        xm.span_file(empty)
