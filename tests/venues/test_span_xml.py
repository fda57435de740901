"""SPAN files in XML: our own keeps the schema and comes back whole; bad ones are refused."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from pathlib import Path
from xml.etree.ElementTree import fromstring

import numpy as np
import pytest

from crossmargin.core.errors import InputError
from crossmargin.margin.families.span_terms import SpanFile
from crossmargin.venues.span_xml import DEPTH_MAX, read_span_xml
from tests.venues.span_fixture import as_read_from_xml, fixture, xml_of
from tests.venues.span_schema import Schema

XML = xml_of(fixture())


def read(tmp_path: Path, data: bytes) -> SpanFile:
    path = tmp_path / "file.spn"
    path.write_bytes(data)
    return read_span_xml(path)


def same(found: SpanFile, expected: SpanFile) -> None:
    assert np.array_equal(found.losses, expected.losses)
    for name in ("price", "vol", "weight"):
        assert np.allclose(getattr(found.points, name), getattr(expected.points, name), atol=1e-15)
    assert (found.points.paired == expected.points.paired).all()
    for each in fields(SpanFile):
        if each.name not in ("losses", "points", "source", "notes"):
            assert getattr(found, each.name) == getattr(expected, each.name), each.name


def test_the_fixture_keeps_the_schema(vectors_dir: Path) -> None:
    found = sorted(vectors_dir.glob("span_fileformat4_*.xsd"))
    if not found:
        pytest.skip("no schema span_fileformat4_*.xsd in the --vectors folder")
    schema = Schema(found[0])
    assert schema.faults(fromstring(XML)) == []
    # The judge itself: an element out of place, one too few, and a word that is no number.
    for old, new in (
        (b"<ec>OWN</ec>", b""),
        (b"<isSetl>1</isSetl>", b"<isSetl>1</isSetl><isSetl>1</isSetl>"),
        (b"<weight>0.35</weight>", b"<weight>some</weight>"),
        (b"<pe>202601</pe>", b"<pe>January</pe>"),
    ):
        assert schema.faults(fromstring(XML.replace(old, new, 1))) != [], old


def test_the_fixture_comes_back(tmp_path: Path) -> None:
    found = read(tmp_path, XML)
    # Contracts stand in the order of the file: futures before options.
    order = {c.name: k for k, c in enumerate(fixture().contracts)}
    rows = [order[c.name] for c in found.contracts]
    whole = fixture()
    expected = replace(
        as_read_from_xml(whole),
        contracts=tuple(whole.contracts[k] for k in rows),
        losses=whole.losses[rows],
    )
    same(found, expected)
    assert found.notes == ()


def test_other_rates_and_what_is_not_read(tmp_path: Path) -> None:
    """Arrays of another account type are passed over; families of other kinds are named."""
    other = re.sub(rb"<ra>\s*<r>1</r>", b"<ra><r>2</r><a>1</a><d>0</d></ra><ra><r>1</r>", XML)
    other = other.replace(b"</exchange>", b"<cmbPf><pfId>9</pfId></cmbPf></exchange>")
    found = read(tmp_path, other)
    assert np.array_equal(np.sort(found.losses, axis=0), np.sort(fixture().losses, axis=0))
    assert found.notes == ("1 x cmbPf: not read",)
    alone = read(tmp_path, re.sub(rb"<pfLink>.*?</pfLink>", b"", XML, count=1, flags=re.S))
    assert alone.notes == ("3 contracts of no combined commodity",)


def test_the_risk_exponent_scales_money(tmp_path: Path) -> None:
    found = read(tmp_path, XML.replace(b"<riskExponent>0<", b"<riskExponent>2<"))
    plain = read(tmp_path, XML)
    assert np.array_equal(found.losses, 100.0 * plain.losses)
    assert found.commodities[0].spreads[0].rate == 4_000.0
    assert found.commodities[0].delivery[0].outright_rate == 1_300.0
    assert found.commodities[0].som_tiers[0].rate == 2_500.0


def test_a_bounded_price_risk_gets_its_range(tmp_path: Path) -> None:
    found = read(tmp_path, XML.replace(b"<wfprMeth>1<", b"<wfprMeth>2<"))
    assert [(c.wfpr_method, c.scan_range) for c in found.commodities] == [
        ("capped", 600.0), ("capped", 300.0),
    ]  # fmt: skip


FIRST_ARRAY = re.search(rb"<ra>.*?</ra>", XML, re.S)
assert FIRST_ARRAY is not None
ARRAY = FIRST_ARRAY.group(0)


def changed(old: bytes, new: bytes) -> bytes:
    assert old in XML
    return XML.replace(old, new, 1)


BAD: list[tuple[str, bytes, str, str]] = [
    ("empty", b"", "file_unreadable", "empty"),
    ("cut in the middle", XML[: len(XML) // 2], "file_unreadable", "not whole"),
    ("cut at the end", XML[:-3], "file_unreadable", "not whole"),
    ("no array", changed(ARRAY, b""), "column_missing", "no risk array"),
    ("15 values", changed(ARRAY, re.sub(rb"<a>.*?</a>", b"", ARRAY, count=1)), "shape_wrong", "15"),
    ("17 values", changed(ARRAY, ARRAY.replace(b"<a>", b"<a>1</a><a>", 1)), "shape_wrong", "17"),
    ("NaN", changed(ARRAY, re.sub(rb"<a>.*?</a>", b"<a>NaN</a>", ARRAY, count=1)),
     "number_not_finite", "ra"),
    ("infinite", changed(ARRAY, re.sub(rb"<a>.*?</a>", b"<a>1e999</a>", ARRAY, count=1)),
     "number_not_finite", "ra"),
    ("word", changed(ARRAY, re.sub(rb"<a>.*?</a>", b"<a>1,5</a>", ARRAY, count=1)),
     "number_unreadable", "ra"),
    ("unknown point", changed(b"<pairedPoint>2<", b"<pairedPoint>17<"),
     "number_out_of_range", "17"),
    ("points out of order", changed(b"<point>3<", b"<point>4<"), "shape_wrong", "order"),
    ("document type", b'<!DOCTYPE spanFile [<!ENTITY a "aaaa">]>' + XML[XML.index(b"<span"):],
     "file_unreadable", "document type"),
    ("entity", changed(b"<ec>OWN<", b"<ec>&own;<"), "file_unreadable", "not whole"),
    ("UTF-16", XML.decode().encode("utf-16"), "file_unreadable", "UTF-16"),
    ("encoding", changed(b"utf-8", b"utf-7"), "file_unreadable", "encoding"),
    ("root", b"<a/>", "file_unreadable", "not a SPAN"),
    ("deep", b"<spanFile>" + b"<x>" * DEPTH_MAX + b"</x>" * DEPTH_MAX + b"</spanFile>",
     "file_unreadable", "deeply"),
    ("version", changed(b">4.00<", b">5.00<"), "version_unknown", "4.00"),
    ("nothing", b"<spanFile><fileFormat>4.00</fileFormat></spanFile>",
     "file_unreadable", "no contr"),
    ("unknown commodity", changed(b"<tLeg>\n            <cc>AA<", b"<tLeg>\n            <cc>ZZ<"),
     "option_unknown", "ZZ"),
    ("relative leg", changed(b"<tLeg>", b"<rpLeg/><tLeg>"), "option_unknown", "rpLeg"),
    ("minimum's method", changed(b"<somMeth>MAX<", b"<somMeth>MEAN<"), "option_unknown", "MEAN"),
    ("charge method", changed(b"<chargeMeth>F<", b"<chargeMeth>Q<"), "option_unknown", "Q"),
    ("percent", changed(b"<val>0.55<", b"<val>55<"), "number_out_of_range", "55"),
    ("right", changed(b"<o>C<", b"<o>X<"), "option_unknown", "call nor put"),
    ("no underlying",
     re.sub(rb"(<series>.*?<cId>)1(<)", rb"\g<1>99\g<2>", XML, count=1, flags=re.S),
     "instrument_unknown", "99"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "code", "word"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_refused(tmp_path: Path, data: bytes, code: str, word: str) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, data)
    assert caught.value.code == code, caught.value
    assert word in str(caught.value)
    assert caught.value.place


def test_every_cut_is_refused(tmp_path: Path) -> None:
    for end in range(1, len(XML) - 12, 997):
        with pytest.raises(InputError):
            read(tmp_path, XML[:end])


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="file_unreadable"):
        read_span_xml(tmp_path / "nothing.spn")
