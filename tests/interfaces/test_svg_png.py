"""The picture as pixels: read back by a plain decoder of our own."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import numpy.typing as npt
import pytest

from crossmargin.core.errors import StateError
from crossmargin.interfaces.report_svg import line, picture, rect, text
from crossmargin.interfaces.svg_png import SCALE, png_of


def decoded(content: bytes) -> npt.NDArray[np.uint8]:
    """Rows of RGB; every check sum is held against its chunk."""
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    at, head, data = 8, b"", b""
    while at < len(content):
        size = struct.unpack(">I", content[at : at + 4])[0]
        kind, body = content[at + 4 : at + 8], content[at + 8 : at + 8 + size]
        assert struct.unpack(">I", content[at + 8 + size : at + 12 + size])[0] == zlib.crc32(
            kind + body
        )
        head, data = (body, data) if kind == b"IHDR" else (head, data + body)
        at += 12 + size
    wide, high, depth, colours = struct.unpack(">IIBB", head[:10])
    assert (depth, colours) == (8, 2)
    rows = np.frombuffer(zlib.decompress(data), np.uint8).reshape(high, 1 + 3 * wide)
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape(high, wide, 3)


def test_a_rectangle_covers_its_pixels() -> None:
    pixels = decoded(png_of(picture(40, 20, "x", [rect(10, 5, 20, 10, "#ff0000")])))
    assert pixels.shape == (20 * SCALE, 40 * SCALE, 3)
    red = (pixels == [255, 0, 0]).all(axis=2)
    white = (pixels == 255).all(axis=2)
    assert red.sum() == 20 * 10 * SCALE**2 and (red | white).all()
    assert red[int(5 * SCALE), int(10 * SCALE)] and not red[0, 0]


def test_lines_circles_and_groups_are_where_they_are_said_to_be() -> None:
    parts = [
        '<g transform="translate(0 10)">',
        line(2, 5, 38, 5, stroke="#0000ff", width=2),
        "</g>",
        '<circle cx="20" cy="30" r="4" fill="#00aa00"><title>no pixel</title></circle>',
        '<polyline points="2,2 10,2 10,8" fill="none" stroke="#000" stroke-width="1"/>',
    ]
    pixels = decoded(png_of(picture(40, 40, "x", parts)))
    assert pixels[int(15 * SCALE), int(20 * SCALE)].tolist() == [0, 0, 255]
    assert pixels[int(30 * SCALE), int(20 * SCALE)].tolist() == [0, 170, 0]
    assert pixels[int(25 * SCALE), int(20 * SCALE)].tolist() == [255, 255, 255]
    green = float((255 - pixels[:, :, 0]).sum()) - float(
        (255 - pixels[: int(24 * SCALE), :, 0]).sum()
    )
    assert green / 255.0 == pytest.approx(np.pi * (4 * SCALE) ** 2, rel=0.01)
    assert pixels[int(2 * SCALE), int(10 * SCALE)].max() < 130


def test_a_dash_leaves_gaps() -> None:
    pixels = decoded(
        png_of(picture(100, 10, "x", [line(0, 5, 100, 5, stroke="#000", width=2, dash="10 10")]))
    )
    row = pixels[int(5 * SCALE), :, 0]
    dark = [row[int(k * SCALE)] < 60 for k in (5, 15, 25, 35, 45)]
    assert dark == [True, False, True, False, True]


def test_text_is_written_from_where_it_is_anchored() -> None:
    for anchor, inside in (("start", (50, 100)), ("end", (0, 50)), ("middle", (25, 75))):
        pixels = decoded(png_of(picture(100, 20, "x", [text(50, 14, "80 %", 12, anchor=anchor)])))
        columns = np.flatnonzero((pixels < 200).any(axis=(0, 2))) / SCALE
        assert inside[0] - 1 <= columns.min() and columns.max() <= inside[1] + 1
        assert columns.max() - columns.min() > 15.0


def test_the_same_picture_is_the_same_bytes_and_the_unknown_is_refused() -> None:
    svg = picture(50, 20, "x", [text(2, 12, "same", 12, rim="white")])
    assert png_of(svg) == png_of(svg)
    with pytest.raises(StateError, match="not known"):
        png_of(picture(10, 10, "x", ['<path d="M 0 0"/>']))
