"""The drawn curve: well-formed, one line a basis, words for those who cannot see it."""

from __future__ import annotations

from xml.etree import ElementTree

from crossmargin.interfaces.netting import BASES, CORRELATIONS, netting
from crossmargin.interfaces.netting_plot import curve_svg
from tests.interfaces.test_netting import ROWS


def test_the_picture() -> None:
    figures = netting(ROWS, "sample:market").figures
    root = ElementTree.fromstring(curve_svg(figures))  # our own text
    assert "BTC against ETH" in root.attrib["aria-label"]
    texts = [each.text for each in root.iter() if each.tag.endswith("text")]
    assert {f"basis {100.0 * b:g} %" for b in BASES} <= set(texts)
    drawn = [e for e in root.iter() if e.tag.endswith("line") and e.attrib["stroke-width"] == "2"]
    assert len(drawn) == len(BASES) * len(CORRELATIONS)  # the pieces and one legend each
    for each in drawn:
        assert 0.0 <= float(each.attrib["x1"]) <= 760.0
        assert 0.0 <= float(each.attrib["y1"]) <= 440.0
