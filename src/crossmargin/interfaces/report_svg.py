"""Small pieces of inline SVG: numbers in one unit a chart, ticks, signed colours, escaped text."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = [
    "LINE_COLOURS",
    "LINE_DASHES",
    "Scale",
    "legend",
    "line",
    "percent",
    "picture",
    "rect",
    "scale_of",
    "signed_colours",
    "text",
    "text_width",
    "ticks",
]

# Blue above zero and orange below: told apart by every common kind of colour vision, and in grey
# by the sign that is printed in each cell.
_ABOVE, _BELOW, _ZERO = (33, 102, 172), (204, 85, 0), (250, 250, 250)
# Lines differ in dash as well as in colour (after Okabe and Ito, without the pale ones).
LINE_COLOURS = ("#0072b2", "#d55e00", "#007a5a", "#a0457c", "#4d4d4d", "#8a6d00")
LINE_DASHES = ("", "8 3", "2 3", "10 3 2 3", "5 2", "12 3 2 3 2 3")
# Width of a character over the size of the type: digits of a wide sans-serif face.
_CHARACTER = 0.62
_LEGEND_STEPS = 40


@dataclass(frozen=True, slots=True)
class Scale:
    """One unit and one number of decimals for every number of a chart."""

    divisor: float
    decimals: int
    unit: str

    def text(self, value: float, plus: bool = False) -> str:
        """The number in the chart's unit, thousands separated, with a true minus sign."""
        shown = f"{abs(value) / self.divisor:,.{self.decimals}f}"
        if not any(digit in "123456789" for digit in shown):
            return shown
        if value < 0.0:
            return f"−{shown}"
        return f"+{shown}" if plus else shown


def scale_of(values: Iterable[float], unit: str) -> Scale:
    """The scale in which the largest of the values has at most four digits before the point."""
    largest = max((abs(value) for value in values), default=0.0)
    if largest >= 1e7:
        return Scale(1e6, 1 if largest < 1e8 else 0, f"million {unit}")
    if largest >= 1e4:
        return Scale(1e3, 1 if largest < 1e5 else 0, f"thousand {unit}")
    decimals = 0 if largest >= 1e3 else min(max(3 - _digits(largest), 0), 6)
    return Scale(1.0, decimals, unit)


def _digits(value: float) -> int:
    """Digits before the point; 0 or less for numbers under one."""
    return math.floor(math.log10(value)) + 1 if value > 0.0 else 1


def percent(fraction: float, decimals: int = 0) -> str:
    """A signed move in per cent, with a true minus sign; zero has no sign."""
    shown = f"{abs(100.0 * fraction):.{decimals}f} %"
    if float(shown[:-2]) == 0.0:
        return shown
    return f"−{shown}" if fraction < 0.0 else f"+{shown}"


def ticks(low: float, high: float, count: int) -> list[float]:
    """Round numbers from at most ``low`` to at least ``high``, about ``count`` of them."""
    span = high - low if high > low else max(abs(high), 1.0)
    rough = span / max(count, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1.0, 2.0, 2.5, 5.0, 10.0) if m * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [k * step for k in range(first, max(last, first + 1) + 1)]


def signed_colours(value: float, largest: float) -> tuple[str, str]:
    """Background and text colour of a signed value; colour goes with the square root."""
    share = math.sqrt(min(abs(value) / largest, 1.0)) if largest > 0.0 else 0.0
    end = _ABOVE if value >= 0.0 else _BELOW
    mixed = [round(z + share * (e - z)) for z, e in zip(_ZERO, end, strict=True)]
    back = "#{:02x}{:02x}{:02x}".format(*mixed)
    # Whichever of white and black is further away: the contrast is never under 4.5.
    on_black, on_white = (_luminance(mixed) + 0.05) / 0.05, 1.05 / (_luminance(mixed) + 0.05)
    return back, "#ffffff" if on_white > on_black else "#000000"


def _luminance(colour: Sequence[int]) -> float:
    linear = [
        c / 255.0 / 12.92 if c / 255.0 <= 0.04045 else ((c / 255.0 + 0.055) / 1.055) ** 2.4
        for c in colour
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def text_width(shown: str, size: float) -> float:
    """Width of a text, rather too large than too small."""
    return len(shown) * size * _CHARACTER


def _n(value: float) -> str:
    """A coordinate: a tenth of a pixel is enough."""
    return f"{value:.1f}".rstrip("0").rstrip(".")


def text(
    x: float,
    y: float,
    shown: str,
    size: float = 12.0,
    *,
    anchor: str = "start",
    fill: str = "#222",
    weight: str = "",
    rim: str = "",
) -> str:
    """Text whose baseline stands at ``y``, escaped; ``rim`` is a colour drawn around it."""
    bold = f' font-weight="{weight}"' if weight else ""
    if rim:
        bold += f' stroke="{rim}" stroke-width="4" stroke-linejoin="round" paint-order="stroke"'
    return (
        f'<text x="{_n(x)}" y="{_n(y)}" font-size="{_n(size)}" text-anchor="{anchor}" '
        f'fill="{fill}"{bold}>{html.escape(shown)}</text>'
    )


def line(
    x1: float,
    y1: float,
    x2: float,
    y2: float,
    *,
    stroke: str = "#ddd",
    width: float = 1.0,
    dash: str = "",
) -> str:
    """A straight line."""
    broken = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<line x1="{_n(x1)}" y1="{_n(y1)}" x2="{_n(x2)}" y2="{_n(y2)}" stroke="{stroke}" '
        f'stroke-width="{_n(width)}"{broken}/>'
    )


def rect(
    x: float,
    y: float,
    width: float,
    height: float,
    fill: str,
    *,
    stroke: str = "",
    stroke_width: float = 1.0,
    dash: str = "",
    tip: str = "",
) -> str:
    """A rectangle; ``tip`` is shown when the pointer rests on it."""
    edge = f' stroke="{stroke}" stroke-width="{_n(stroke_width)}"' if stroke else ""
    broken = f' stroke-dasharray="{dash}"' if dash else ""
    head = (
        f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(max(width, 0.0))}" '
        f'height="{_n(max(height, 0.0))}" fill="{fill}"{edge}{broken}'
    )
    return f"{head}><title>{html.escape(tip)}</title></rect>" if tip else f"{head}/>"


def picture(width: float, height: float, label: str, parts: Iterable[str]) -> str:
    """One SVG with its text for those who cannot see it."""
    return (
        f'<svg viewBox="0 0 {_n(width)} {_n(height)}" width="{_n(width)}" height="{_n(height)}" '
        f'role="img" aria-label="{html.escape(label, quote=True)}">{"".join(parts)}</svg>'
    )


def legend(
    x: float, y: float, width: float, largest: float, scale: Scale, words: tuple[str, str]
) -> list[str]:
    """The signed scale as a bar with numbers, 44 high; ``words`` say what its two ends mean."""
    out = []
    size = width / _LEGEND_STEPS
    for k in range(_LEGEND_STEPS):
        share = (2 * k + 1) / _LEGEND_STEPS - 1.0
        value = math.copysign(share * share * largest, share)
        out.append(rect(x + k * size, y + 14, size + 0.5, 12, signed_colours(value, largest)[0]))
    out.append(rect(x, y + 14, width, 12, "none", stroke="#777"))
    for share in (-1.0, -0.5, 0.0, 0.5, 1.0):
        value = math.copysign(share * share * largest, share)
        at = x + (share + 1.0) / 2.0 * width
        out.append(line(at, y + 26, at, y + 30, stroke="#555"))
        anchor = "start" if share == -1.0 else "end" if share == 1.0 else "middle"
        out.append(text(at, y + 42, scale.text(value, plus=True), 11, anchor=anchor))
    out.append(text(x, y + 10, f"− {words[0]}", 11))
    out.append(text(x + width, y + 10, f"+ {words[1]}", 11, anchor="end"))
    return out
