"""SPAN files in the expanded positional format: our own comes back whole; bad ones are refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from crossmargin.core.errors import InputError
from crossmargin.margin.families.span_terms import DeltaSpread, SpanFile, Tier
from crossmargin.venues.span_pa2 import read_span_pa2
from tests.venues.span_fixture import fixture, with_leg_rates
from tests.venues.span_positional import positional, record
from tests.venues.test_span_xml import same

LINES = positional()


def read(tmp_path: Path, lines: list[str], account: str = "speculator") -> SpanFile:
    path = tmp_path / "file.pa2"
    path.write_text("\n".join(lines) + "\n")
    return read_span_pa2(path, account)


def expected() -> SpanFile:
    """The fixture as the positional form says it: flat rates stand on every leg."""
    file = fixture()
    return replace(
        file,
        contracts=tuple(
            replace(c, style="futures") if c.commodity == "BB" else c for c in file.contracts
        ),
        commodities=tuple(
            replace(c, spreads=tuple(with_leg_rates(s) for s in c.spreads))
            for c in file.commodities
        ),
        inter_spreads=tuple(
            with_leg_rates(s) if isinstance(s, DeltaSpread) and s.method == "F" else s
            for s in file.inter_spreads
        ),
    )


@pytest.mark.parametrize("wide", [False, True])
def test_the_fixture_comes_back(tmp_path: Path, wide: bool) -> None:
    found = read(tmp_path, positional(wide=wide))
    same(found, expected())
    assert found.notes == ()


def place_of(kind: str, nth: int = 0) -> int:
    return [k for k, line in enumerate(LINES) if line.startswith(kind)][nth]


def changed(kind: str, at: int, text: str, nth: int = 0) -> list[str]:
    """The lines with a text at a column of the nth record of a kind."""
    k = place_of(kind, nth)
    line = LINES[k][: at - 1] + text + LINES[k][at - 1 + len(text) :]
    return [*LINES[:k], line, *LINES[k + 1 :]]


def test_other_accounts_have_another_ratio(tmp_path: Path) -> None:
    found = [
        read(tmp_path, LINES, a).commodities[0].initial_ratio for a in ("member", "speculator")
    ]
    assert found == [1.0, 1.1]
    with pytest.raises(InputError, match="option_unknown"):
        read(tmp_path, LINES, "bank")


def test_tiers_of_every_kind(tmp_path: Path) -> None:
    """Each month a tier; tiers between commodities; a minimum by tiers."""
    found = read(tmp_path, changed("S", 9, "02")).commodities[0]
    assert [t.first for t in found.scan_tiers] == ["202601", "202602", "202603"]
    assert found.inter_tiers == found.scan_tiers
    found = read(tmp_path, changed("S", 9, "23", 1)).commodities[1]
    assert (found.scan_tiers, len(found.inter_tiers)) == ((), 2)
    more = record((1, "S"), (3, "BB"), (9, "30"), (13, "01202601202601"), (106, "0000044"))
    at = place_of("S", 1) + 1
    found = read(tmp_path, [*LINES[:at], more, *LINES[at:]]).commodities[1]
    assert found.som_tiers == (Tier(1, "202601", "202601", 44.0),)


def test_scales_and_decimals(tmp_path: Path) -> None:
    """The delta scale of a contract, decimals of an array, and the risk exponent."""
    k = place_of("B")
    scaled = [*LINES[:k], LINES[k][:85] + "005000" + LINES[k][91:], *LINES[k + 1 :]]
    found = read(tmp_path, scaled)
    assert (found.contracts[0].scale, found.contracts[0].delta) == (0.5, 0.5)
    plain = read(tmp_path, LINES)
    tenth = read(tmp_path, changed("2", 36, "1+"))
    assert np.allclose(tenth.losses[0] * 10.0, plain.losses[0], atol=1e-9)
    assert np.array_equal(tenth.losses[1], plain.losses[1])
    hundred = read(tmp_path, changed("2", 13, "2"))
    assert np.array_equal(hundred.losses[:9], plain.losses[:9] * 100.0)
    assert hundred.commodities[0].som_rate == 2_500.0


def test_records_that_carry_nothing_are_named(tmp_path: Path) -> None:
    found = read(tmp_path, [*LINES, record((1, "5"), (3, "GRP")), record((1, "V"))])
    assert found.notes == ("1 x record 5: not read", "1 x record V: not read")


def without(kind: str, nth: int = 0) -> list[str]:
    k = place_of(kind, nth)
    return [*LINES[:k], *LINES[k + 1 :]]


BAD: list[tuple[str, Callable[[], list[str]], str]] = [
    ("empty", list, "file_unreadable"),
    ("no header", lambda: LINES[1:], "file_unreadable"),
    ("header alone", lambda: LINES[:1], "file_unreadable"),
    ("other format", lambda: changed("0", 36, "UP"), "version_unknown"),
    ("unknown record", lambda: [*LINES, "Q"], "file_unreadable"),
    ("first half alone", lambda: without("82"), "file_unreadable"),
    ("second half alone", lambda: without("81"), "file_unreadable"),
    ("cut after a first half", lambda: LINES[: place_of("81", 3) + 1], "file_unreadable"),
    ("cut in a line", lambda: [*LINES[: place_of("82")], LINES[place_of("82")][:80]],
     "number_unreadable"),
    ("halves of two contracts", lambda: changed("82", 30, "202609"), "file_unreadable"),
    ("15 values", lambda: changed("82", 91, "      "), "number_unreadable"),
    ("NaN", lambda: changed("81", 55, "00NaN"), "number_unreadable"),
    ("no sign", lambda: changed("81", 60, " "), "number_unreadable"),
    ("no delta", lambda: changed("82", 97, "     "), "number_unreadable"),
    ("product type", lambda: changed("81", 26, "ZZZ"), "file_unreadable"),
    ("right", lambda: [x.replace("OOFC", "OOFX") for x in LINES], "file_unreadable"),
    ("commodity unknown", lambda: changed("4", 3, "ZZ"), "option_unknown"),
    ("spread of nobody", lambda: changed("E", 3, "ZZ"), "option_unknown"),
    ("leg of nobody", lambda: changed("6", 21, "ZZ"), "option_unknown"),
    ("tier method", lambda: changed("S", 9, "77"), "file_unreadable"),
    ("price risk method", lambda: changed("S", 83, "9"), "file_unreadable"),
    ("intra method", lambda: changed("3", 9, "05"), "option_unknown"),
    ("delivery method", lambda: changed("4", 9, "06"), "option_unknown"),
    ("inter method", lambda: changed("6", 89, "30"), "option_unknown"),
    ("side", lambda: changed("C", 28, "Q"), "option_unknown"),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "code"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_refused(tmp_path: Path, lines: Callable[[], list[str]], code: str) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, lines())
    assert caught.value.code == code, caught.value
    assert caught.value.place
