"""The drawing of an account before and after a hedge."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from crossmargin.interfaces.protect_plot import curves, protect_svg
from tests.interfaces.test_protect import result


def test_the_curves_are_the_account_its_hedge_and_the_floor() -> None:
    found = result().found
    chosen = found.candidates[0]
    prices, drawn = curves(found, chosen)
    names = [name for name, _ in drawn]
    assert names == [
        "without a hedge, at expiry",
        "without a hedge, marked today",
        "hedged, at its expiry",
        "hedged, marked today",
        "floor",
    ]
    values = dict(drawn)
    np.testing.assert_allclose(values["without a hedge, at expiry"], 10.0 * prices)
    assert (values["hedged, at its expiry"] >= values["floor"] - 1e-6).all()
    assert len(curves(found, None)[1]) == 3


def test_the_svg_is_well_formed_and_says_what_it_is() -> None:
    for chosen in (result().found.candidates[0], None):
        svg = protect_svg(result().found, chosen)
        root = ElementTree.fromstring(svg)  # our own text
        assert "Equity over the price of BTC" in root.attrib["aria-label"]
        assert "marked today" in svg if chosen else "no hedge" in svg


def test_a_hedge_of_many_contracts_is_counted_in_the_title() -> None:
    chosen = result().found.candidates[0]
    many = replace(chosen, names=tuple(f"BTC-31JUL26-{k}000-C" for k in range(80, 89)))
    label = ElementTree.fromstring(protect_svg(result().found, many)).attrib["aria-label"]
    assert "9 contracts" in label
    assert "31JUL26" not in label


def test_every_kind_of_file(tmp_path: Path) -> None:
    for kind in ("svg", "html", "png"):
        place = result().plot(tmp_path / f"a.{kind}", 2)
        assert place.stat().st_size > 5000
    made = (tmp_path / "a.html").read_text("utf-8")
    assert made.count("<svg") == 2
    assert "The floor at every price" in made
    assert "<script" not in made
