"""The charts' own SVG as a PNG picture: no browser, no font file, no library beside NumPy.

It knows what the charts draw (groups that are moved, rectangles, lines, polylines, circles, text)
and refuses any other element, so that nothing is silently missing. Coverage of a pixel is the
distance to the edge, cut to 0 to 1; colours are mixed in sRGB on white.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import StateError
from crossmargin.interfaces.stroke_font import BASE, UNIT, strokes, width_of

__all__ = ["SCALE", "png_of"]

SCALE = 2.0  # pixels to a unit of the SVG
_PEN = 0.085  # of a letter, by size of type; bold is half as wide again
_COLOURS = {"white": "#ffffff", "black": "#000000"}
Points = list[tuple[float, float]]


def png_of(svg: str) -> bytes:
    """The picture. StateError ``file_unreadable`` for an element that it does not know."""
    root = ElementTree.fromstring(svg)  # our own text, never a file
    _, _, width, height = (float(each) for each in root.attrib["viewBox"].split())
    sheet = _Sheet(width, height)
    for each in root:
        sheet.draw(each, (0.0, 0.0))
    return _png(sheet.pixels)


class _Sheet:
    """Pixels on white; everything is drawn in the order of the text."""

    def __init__(self, width: float, height: float) -> None:
        self.pixels = np.full((round(height * SCALE), round(width * SCALE), 3), 255.0)

    def draw(self, each: ElementTree.Element, at: tuple[float, float]) -> None:
        """One element, moved by ``at`` units."""
        name = each.tag.rpartition("}")[2]
        has = each.attrib
        if name == "g":
            moved = _moved(has.get("transform", ""), at)
            for child in each:
                self.draw(child, moved)
        elif name == "rect":
            self._rect(has, at)
        elif name == "line":
            ends = [(_n(has, f"x{k}"), _n(has, f"y{k}")) for k in (1, 2)]
            self._pen(ends, has, at)
        elif name == "polyline":
            pairs = (pair.split(",") for pair in has["points"].split())
            self._pen([(float(x), float(y)) for x, y in pairs], has, at)
        elif name == "circle":
            self._circle(has, at)
        elif name == "text":
            self._text(each.text or "", has, at)
        elif name != "title":
            raise StateError(
                "file_unreadable",
                "the picture has an element that is not known",
                place="--plot",
                value=name,
                remedy="Write it as FILE.svg.",
            )

    def _pen(self, points: Points, has: Mapping[str, str], at: tuple[float, float]) -> None:
        colour = _colour(has.get("stroke", "none"))
        if colour is None:
            return
        placed = [((x + at[0]) * SCALE, (y + at[1]) * SCALE) for x, y in points]
        dash = [float(each) * SCALE for each in has.get("stroke-dasharray", "").split()]
        for piece in _dashed(placed, dash) if dash else [placed]:
            self._stroke(piece, float(has.get("stroke-width", "1")) * SCALE, colour)

    def _stroke(self, points: Points, width: float, colour: Floats) -> None:
        """A line with round ends; pixels under several of its pieces are covered once."""
        reach = width / 2.0 + 1.0
        xs, ys = [x for x, _ in points], [y for _, y in points]
        box = self._box(min(xs) - reach, min(ys) - reach, max(xs) + reach, max(ys) + reach)
        if box is None:
            return
        x0, y0, x1, y1 = box
        cover = np.zeros((y1 - y0, x1 - x0))
        pairs = list(pairwise(points)) or [(points[0], points[0])]
        for (ax, ay), (bx, by) in pairs:
            own = self._box(
                min(ax, bx) - reach, min(ay, by) - reach, max(ax, bx) + reach, max(ay, by) + reach
            )
            if own is None:
                continue
            gx, gy = _grid(own)
            dx, dy = bx - ax, by - ay
            long = dx * dx + dy * dy
            along = np.clip(((gx - ax) * dx + (gy - ay) * dy) / long, 0.0, 1.0) if long else 0.0
            far = np.hypot(gx - ax - along * dx, gy - ay - along * dy)
            part = cover[own[1] - y0 : own[3] - y0, own[0] - x0 : own[2] - x0]
            np.maximum(part, np.clip(width / 2.0 + 0.5 - far, 0.0, min(width, 1.0)), out=part)
        self._mix(box, cover, colour)

    def _rect(self, has: Mapping[str, str], at: tuple[float, float]) -> None:
        x, y = _n(has, "x") + at[0], _n(has, "y") + at[1]
        wide, high = _n(has, "width"), _n(has, "height")
        fill = _colour(has.get("fill", "#000000"))
        ends = (x * SCALE, y * SCALE, (x + wide) * SCALE, (y + high) * SCALE)
        box = self._box(ends[0] - 1, ends[1] - 1, ends[2] + 1, ends[3] + 1)
        if fill is not None and box is not None:
            gx, gy = _grid(box)
            across = np.clip(np.minimum(gx + 0.5, ends[2]) - np.maximum(gx - 0.5, ends[0]), 0, 1)
            down = np.clip(np.minimum(gy + 0.5, ends[3]) - np.maximum(gy - 0.5, ends[1]), 0, 1)
            self._mix(box, across * down, fill)
        corners = [(x, y), (x + wide, y), (x + wide, y + high), (x, y + high), (x, y)]
        self._pen([(a - at[0], b - at[1]) for a, b in corners], has, at)

    def _circle(self, has: Mapping[str, str], at: tuple[float, float]) -> None:
        x, y = (_n(has, "cx") + at[0]) * SCALE, (_n(has, "cy") + at[1]) * SCALE
        radius = _n(has, "r") * SCALE
        colour = _colour(has.get("fill", "#000000"))
        box = self._box(x - radius - 1, y - radius - 1, x + radius + 1, y + radius + 1)
        if colour is not None and box is not None:
            gx, gy = _grid(box)
            self._mix(box, np.clip(radius + 0.5 - np.hypot(gx - x, gy - y), 0.0, 1.0), colour)

    def _text(self, shown: str, has: Mapping[str, str], at: tuple[float, float]) -> None:
        size = float(has.get("font-size", "12"))
        unit = size * UNIT * SCALE
        share = {"middle": 0.5, "end": 1.0}.get(has.get("text-anchor", "start"), 0.0)
        x = (_n(has, "x") + at[0]) * SCALE - share * width_of(shown) * unit
        y = (_n(has, "y") + at[1]) * SCALE
        pen = size * _PEN * SCALE * (1.5 if has.get("font-weight") in ("bold", "600") else 1.0)
        lines: list[Points] = []
        for character in shown:
            lines += [
                [(x + a * unit, y - (b - BASE) * unit) for a, b in each]
                for each in strokes(character)
            ]
            x += width_of(character) * unit
        rim = _colour(has.get("stroke", "none"))
        if rim is not None:
            for each in lines:
                self._stroke(each, pen + float(has.get("stroke-width", "1")) * SCALE, rim)
        colour = _colour(has.get("fill", "#000000"))
        for each in lines if colour is not None else ():
            self._stroke(each, pen, colour if colour is not None else np.zeros(3))

    def _box(self, x0: float, y0: float, x1: float, y1: float) -> tuple[int, int, int, int] | None:
        """Whole pixels inside the sheet; None where there are none."""
        high, wide = self.pixels.shape[:2]
        left, top = max(int(np.floor(x0)), 0), max(int(np.floor(y0)), 0)
        right, foot = min(int(np.ceil(x1)), wide), min(int(np.ceil(y1)), high)
        return (left, top, right, foot) if left < right and top < foot else None

    def _mix(self, box: tuple[int, int, int, int], cover: Floats, colour: Floats) -> None:
        part = self.pixels[box[1] : box[3], box[0] : box[2]]
        part += cover[:, :, None] * (colour - part)


def _grid(box: tuple[int, int, int, int]) -> tuple[Floats, Floats]:
    """Middles of the pixels of a box."""
    x = np.arange(box[0], box[2], dtype=np.float64) + 0.5
    y = np.arange(box[1], box[3], dtype=np.float64) + 0.5
    return x[None, :], y[:, None]


def _n(has: Mapping[str, str], name: str) -> float:
    return float(has.get(name, "0"))


def _moved(transform: str, at: tuple[float, float]) -> tuple[float, float]:
    if not transform:
        return at
    x, y = transform.removeprefix("translate(").removesuffix(")").split()
    return at[0] + float(x), at[1] + float(y)


def _colour(name: str) -> Floats | None:
    """Red, green and blue of ``#rgb`` or ``#rrggbb``; None for none."""
    if name == "none":
        return None
    digits = _COLOURS.get(name, name).removeprefix("#")
    if len(digits) == 3:
        digits = "".join(2 * each for each in digits)
    return np.array([int(digits[k : k + 2], 16) for k in (0, 2, 4)], np.float64)


def _dashed(points: Points, dash: list[float]) -> Iterable[Points]:
    """The pieces of a line that a pattern of drawn and left lengths leaves."""
    pattern, k, left = dash * (2 if len(dash) % 2 else 1), 0, dash[0]
    piece: Points = [points[0]]
    for (ax, ay), (bx, by) in pairwise(points):
        long, gone = float(np.hypot(bx - ax, by - ay)), 0.0
        while long - gone > left:
            gone += left
            here = (ax + (bx - ax) * gone / long, ay + (by - ay) * gone / long)
            if k % 2 == 0:
                yield [*piece, here]
            piece, k = [here], k + 1
            left = pattern[k % len(pattern)]
        left -= long - gone
        if k % 2 == 0:
            piece.append((bx, by))
    if k % 2 == 0 and len(piece) > 1:
        yield piece


def _png(pixels: Floats) -> bytes:
    """Eight bits a colour, no alpha; one stored text, compressed."""
    high, wide = pixels.shape[:2]
    rows = np.zeros((high, 1 + 3 * wide), np.uint8)
    rows[:, 1:] = np.round(pixels).clip(0, 255).astype(np.uint8).reshape(high, 3 * wide)
    head = struct.pack(">IIBBBBB", wide, high, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in (
            (b"IHDR", head),
            (b"IDAT", zlib.compress(rows.tobytes(), 6)),
            (b"IEND", b""),
        )
    )
