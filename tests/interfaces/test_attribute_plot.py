"""The drawn shares and the waterfall: well-formed, inside the frame, every group named."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from crossmargin.interfaces.attribute import attribute, explain_change
from crossmargin.interfaces.attribute_plot import attribute_svg, waterfall_svg

PAIR = ("sample:market-maker", "sample:market")


def boxes(root: ElementTree.Element) -> list[tuple[float, float]]:
    return [
        (float(each.attrib["x"]), float(each.attrib["x"]) + float(each.attrib["width"]))
        for each in root.iter()
        if each.tag.endswith("rect")
    ]


@pytest.mark.parametrize("width", [1040.0, 350.0])
@pytest.mark.parametrize("by", ["strategy", "leg"])
def test_bars(width: float, by: str) -> None:
    figures = attribute(*PAIR, "deribit-spm", by=by, pairs=2, against=PAIR[0]).figures
    root = ElementTree.fromstring(attribute_svg(figures, width))  # our own text
    assert "shares by group" in root.attrib["aria-label"]
    texts = [each.text or "" for each in root.iter() if each.tag.endswith("text")]
    assert "Euler, with number" in texts
    assert "before" in texts
    if by == "strategy":
        assert {"flow", "surface", "hedge"} <= set(texts)
    else:
        assert any(text.endswith(" more") for text in texts)
    assert all(0.0 <= low <= high <= width for low, high in boxes(root))


def test_a_waterfall_ends_where_it_should() -> None:
    figures = explain_change(PAIR, PAIR, "deribit-spm").figures
    root = ElementTree.fromstring(waterfall_svg(figures))
    first, *_, last = boxes(root)
    assert first == pytest.approx(last)
