"""The account before and after a hedge over the coin's price: at expiry and marked today."""

from __future__ import annotations

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.decisions.protection import Candidate, Protection
from crossmargin.interfaces.charts import Curve, curves_svg
from crossmargin.interfaces.report_svg import ticks

__all__ = ["curves", "protect_svg"]

_RANGE = (0.3, 1.7)
FEW = 3  # contracts that a title has room for


def curves(found: Protection, chosen: Candidate | None) -> tuple[Floats, list[tuple[str, Floats]]]:
    """Prices, and what is drawn over them: before, after at expiry, after marked today, floor."""
    field = found.field
    low, high = (share * field.lines.price for share in _RANGE)
    prices = field.grid([])
    prices = prices[(prices >= low) & (prices <= high)]
    years = found.ask.days / 365.0 if chosen is None else chosen.found.years
    out = [
        ("without a hedge, at expiry", field.book.at(prices, years, field.response)),
        ("without a hedge, marked today", field.book.at(prices, 0.0, field.response)),
    ]
    if chosen is not None:
        for name, at in (("hedged, at its expiry", years), ("hedged, marked today", 0.0)):
            value = field.book.at(prices, at, field.response)
            hedge = chosen.found.value(field.lines, prices, at, field.response)
            out.append((name, value + hedge))
    out.append(("floor", field.floor(prices)))
    return prices, out


def protect_svg(found: Protection, chosen: Candidate | None, width: float = 1040.0) -> str:
    """The picture; it says its title, axes and lines in words too."""
    prices, drawn = curves(found, chosen)
    name = "no hedge" if chosen is None else _named(chosen)
    coin = found.ask.underlying
    marks = ticks(float(prices[0]), float(prices[-1]), 7 if width > 600.0 else 3)
    inside = [mark for mark in marks if prices[0] <= mark <= prices[-1]]
    today = found.field.lines.price
    shown = [
        Curve(label, prices.tolist(), values.tolist(), _dot(prices, values, today))
        for label, values in drawn
    ]
    return curves_svg(
        f"Equity over the price of {coin}, {name}; dots: today's price",
        shown,
        width,
        unit="USD",
        x_title=f"price of {coin}, USD",
        x_ticks=[(mark, f"{mark:,.0f}") for mark in inside],
    )


def _named(chosen: Candidate) -> str:
    """The hedge in a line: its contracts while they are few, else how many."""
    names = chosen.names
    told = " ".join(names) if len(names) <= FEW else f"{len(names)} contracts"
    return f"{chosen.found.family}: {told}"


def _dot(prices: Floats, values: Floats, today: float) -> tuple[tuple[float, float], ...]:
    return ((today, float(np.interp(today, prices, values))),)
