"""The drawing of an account before and after a hedge."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import numpy as np
import pytest

from crossmargin.core.errors import InputError
from crossmargin.interfaces.protect_plot import curves, protect_page, protect_svg, write_png
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


def test_the_page_holds_picture_and_tables() -> None:
    svg = protect_svg(result().found, result().found.candidates[0])
    made = protect_page(svg, result().document())
    assert made.count("<svg") == 2
    assert "The floor at every price" in made
    assert "<script" not in made


def test_a_png_needs_matplotlib(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)  # type: ignore[arg-type] # absent
    with pytest.raises(InputError) as refused:
        write_png(result().found, None, tmp_path / "a.png")
    assert refused.value.code == "extra_missing"
    calls: list[str] = []

    class Axes:
        def __getattr__(self, name: str) -> object:
            return lambda *_a, **_k: calls.append(name)

    class Figure:
        def __init__(self, **_: object) -> None:
            self.axes = Axes()

        def subplots(self) -> Axes:
            return self.axes

        def savefig(self, place: Path) -> None:
            place.write_bytes(b"png")

    stand_in = ModuleType("matplotlib.figure")
    stand_in.Figure = Figure  # type: ignore[attr-defined] # a stand-in
    monkeypatch.setitem(sys.modules, "matplotlib.figure", stand_in)
    result().plot(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == b"png"
    assert calls.count("plot") == 5


def test_every_kind_of_file(tmp_path: Path) -> None:
    for kind in ("svg", "html"):
        place = result().plot(tmp_path / f"a.{kind}", 2)
        assert place.read_text(encoding="utf-8").strip()
