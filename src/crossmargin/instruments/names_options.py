"""Name grammars of the smaller options venues; see `names` for what a grammar is.

Where a venue's own spelling was not read, its contracts are spelled here as Deribit's linear ones
would be, and settle in USDC.
"""

from __future__ import annotations

from collections.abc import Mapping

from crossmargin.instruments.contracts import Kind
from crossmargin.instruments.naming import (
    BASE,
    DMY,
    RIGHT,
    STRIKE,
    YMD,
    Terms,
    VenueNames,
    as_dmy,
    as_ymd,
    dated,
    derivative,
    grammar,
    matched,
    no_average,
    one_unit,
)

__all__ = ["OPTION_VENUES"]

_TAIL = rf"{DMY}(?:-{STRIKE}-{RIGHT})?"


def _plain(settle: str, perpetual: str) -> VenueNames:
    """``BTC-PERPETUAL``, ``BTC-27DEC24``, ``BTC-27DEC24-100000-C``; quoted in USD, one currency."""
    names = grammar(rf"{BASE}-{perpetual}", rf"{BASE}-{_TAIL}")

    def read(text: str) -> Terms | None:
        part = matched(names, text)
        return derivative(part, "USD", settle) if part else None

    def write(terms: Terms) -> str | None:
        if terms.kind is Kind.ASSET:
            return None
        return f"{terms.base}-{dated(terms, as_dmy) or perpetual}"

    forms = f"BTC-{perpetual}, BTC-27DEC24, BTC-27DEC24-100000-C, BTC"
    return VenueNames(read, write, one_unit, no_average, forms)


# --- BIT.com: help center examples; `-USDT` stands in linear names, the others settle in coin.
_BIT = grammar(
    rf"{BASE}(?:-(?P<quote>USDT))?-PERPETUAL",
    rf"{BASE}(?:-(?P<quote>USDT))?-{_TAIL}",
)


def _read_bit(text: str) -> Terms | None:
    part = matched(_BIT, text)
    if part is None:
        return None
    linear = "quote" in part
    return derivative(part, "USDT" if linear else "USD", "USDT" if linear else part["base"])


def _write_bit(terms: Terms) -> str | None:
    if terms.kind is Kind.ASSET:
        return None
    name = terms.base if terms.inverse else f"{terms.base}-{terms.quote}"
    return f"{name}-{dated(terms, as_dmy) or 'PERPETUAL'}"


# --- Gate: API reference, `BTC_USDT` and `BTC_USDT-20211130-65000-C`; all in USDT.
_GATE = grammar(
    rf"{BASE}_(?P<quote>USDT)",
    rf"{BASE}_(?P<quote>USDT)-{YMD}-{STRIKE}-{RIGHT}",
)


def _read_gate(text: str) -> Terms | None:
    part = matched(_GATE, text)
    return derivative(part, "USDT", "USDT") if part else None


def _write_gate(terms: Terms) -> str | None:
    if terms.kind not in (Kind.PERPETUAL, Kind.OPTION):
        return None
    tail = dated(terms, lambda day: "20" + as_ymd(day))
    return f"{terms.base}_USDT" + (f"-{tail}" if tail else "")


def _gate_unit(terms: Terms) -> float | None:  # noqa: ARG001 - one signature for all venues
    return None  # contract sizes differ by coin: the payload states them


OPTION_VENUES: Mapping[str, VenueNames] = {
    "bit": VenueNames(
        _read_bit,
        _write_bit,
        one_unit,
        no_average,
        "BTC-PERPETUAL, BTC-28AUG20-9500-C, BTC-USDT-PERPETUAL, ETH-USDT-17NOV23-1850-P, BTC",
    ),
    "gate": VenueNames(
        _read_gate, _write_gate, _gate_unit, no_average, "BTC_USDT, BTC_USDT-20261225-65000-C, BTC"
    ),
    "thalex": _plain("USDT", "PERPETUAL"),
    "aevo": _plain("USDC", "PERP"),
    "coincall": _plain("USDC", "PERPETUAL"),
    "dederi": _plain("USDC", "PERPETUAL"),
    "powertrade": _plain("USDC", "PERPETUAL"),
    "grvt": _plain("USDT", "PERPETUAL"),
    "syndr": _plain("USDC", "PERPETUAL"),
}
