"""Numbers, ticks, colours and escaping of the charts."""

from __future__ import annotations

from itertools import pairwise

import pytest

from crossmargin.interfaces.report_svg import (
    Scale,
    legend,
    percent,
    picture,
    rect,
    scale_of,
    signed_colours,
    text,
    ticks,
)


@pytest.mark.parametrize(
    ("largest", "shown"),
    [
        (4_431_856.0, "4,432 thousand USD"),
        (74_318_560.0, "74.3 million USD"),
        (743_185_600.0, "743 million USD"),
        (20_711.2, "20.7 thousand USD"),
        (5_162.9, "5,163 USD"),
        (516.29, "516 USD"),
        (12.34, "12.3 USD"),
        (0.0943, "0.0943 USD"),
        (0.0, "0.00 USD"),
    ],
)
def test_one_unit_a_chart(largest: float, shown: str) -> None:
    scale = scale_of([0.0, -largest], "USD")
    assert f"{scale.text(largest)} {scale.unit}" == shown
    assert len(scale.text(-largest)) <= 7


def test_signs_are_true_ones_and_nothing_is_minus_zero() -> None:
    scale = Scale(1000.0, 0, "thousand USD")
    assert scale.text(-1_500_400.0) == "−1,500"
    assert scale.text(1_500_400.0, plus=True) == "+1,500"
    assert scale.text(-400.0) == "0"
    assert scale.text(0.0, plus=True) == "0"
    assert percent(-0.4) == "−40 %"
    assert percent(0.025, 1) == "+2.5 %"
    assert percent(-0.0) == "0 %"


@pytest.mark.parametrize("span", [(-3.2, 7.9), (0.0, 1e-6), (5.0, 5.0), (-4e6, 4.1e6)])
def test_ticks_enclose_the_values_by_round_steps(span: tuple[float, float]) -> None:
    low, high = span
    marks = ticks(low, high, 6)
    assert marks[0] <= low + 1e-12
    assert marks[-1] >= high - 1e-12
    assert 2 <= len(marks) <= 12
    steps = {round((b - a) / (marks[1] - marks[0]), 9) for a, b in pairwise(marks)}
    assert steps == {1.0}


def _contrast(back: str, fore: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[k : k + 2], 16) / 255.0 for k in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    a, b = sorted((luminance(back), luminance(fore)), reverse=True)
    return (a + 0.05) / (b + 0.05)


def test_every_number_can_be_read_on_its_colour() -> None:
    for k in range(-50, 51):
        back, fore = signed_colours(k / 50.0, 1.0)
        assert _contrast(back, fore) >= 4.5
    assert signed_colours(0.0, 0.0)[0] == "#fafafa"


def test_the_two_sides_differ_for_every_common_kind_of_colour_vision() -> None:
    """Blue against orange: what is left of the difference without the red-green channel."""
    for share in (0.1, 0.5, 1.0):
        above, below = (signed_colours(sign * share, 1.0)[0] for sign in (1.0, -1.0))
        blue_above, blue_below = int(above[5:], 16), int(below[5:], 16)
        assert blue_above - blue_below >= 40 * share


def test_text_and_labels_are_escaped() -> None:
    assert text(1, 2, "<b>&", 12) == (
        '<text x="1" y="2" font-size="12" text-anchor="start" fill="#222">&lt;b&gt;&amp;</text>'
    )
    assert "&quot;&lt;" in picture(10, 10, '"<', [])
    assert "<title>&lt;i&gt;</title>" in rect(0, 0, 1, 1, "#fff", tip="<i>")
    assert 'paint-order="stroke"' in text(1, 2, "x", rim="#fff")


def test_the_legend_names_both_ends_and_the_quarter() -> None:
    parts = "".join(legend(0, 0, 400, 1600.0, scale_of([1600.0], "USD"), ("loss", "gain")))
    for words in ("− loss", "+ gain", "−1,600", "−400", ">0<", "+400", "+1,600"):
        assert words in parts
