"""Letters: each on its grid, none the same as another, none missing from what charts write."""

from __future__ import annotations

import string

import pytest

from crossmargin.interfaces.stroke_font import ADVANCE, strokes, width_of

WRITTEN = string.ascii_letters + string.digits + "−–—+-.,:;%()[]'\"/=<>≥≤|!?&×·…²σ→"


@pytest.mark.parametrize("letter", WRITTEN)
def test_each_letter_is_drawn_on_its_grid(letter: str) -> None:
    lines = strokes(letter)
    assert lines and lines != strokes("\ufffd")
    assert all(0.0 <= x <= 5.0 and 0.0 <= y <= 9.0 for each in lines for x, y in each)


def test_letters_differ_and_blanks_are_wide() -> None:
    drawn = {letter: strokes(letter) for letter in string.ascii_letters + string.digits}
    assert len(set(drawn.values())) == len(drawn)
    assert strokes(" ") == () and width_of(" ") > ADVANCE
    assert width_of("ab") == width_of("a") + width_of("b")
    assert strokes("\u4e2d") == strokes("\ufffd")  # what has no glyph is a box
