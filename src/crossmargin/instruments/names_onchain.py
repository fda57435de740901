"""Name grammars of the protocols on chain: perpetuals in dollars, and Opyn's oTokens.

Where a protocol numbers its markets, the name is the one that its own interface shows.
"""

from __future__ import annotations

from collections.abc import Mapping

from crossmargin.instruments.contracts import Kind
from crossmargin.instruments.naming import (
    BASE,
    DMY,
    RIGHT,
    STRIKE,
    Date,
    Terms,
    VenueNames,
    as_dmy,
    dated,
    derivative,
    grammar,
    matched,
    no_average,
    one_unit,
)

__all__ = ["ONCHAIN"]


# --- dYdX v4: the ticker of a perpetual; index and quote in USD, all settles in USDC.
_DYDX = grammar(rf"{BASE}-USD")


def _read_dydx(text: str) -> Terms | None:
    part = matched(_DYDX, text)
    return derivative(part, "USD", "USDC") if part else None


def _write_dydx(terms: Terms) -> str | None:
    return f"{terms.base}-USD" if terms.kind is Kind.PERPETUAL else None


# --- Drift v2, Mango v4, Vertex: `BTC-PERP`, quoted in USD and settled in USDC.
_PERP = grammar(rf"{BASE}-PERP")


def _read_perp(text: str) -> Terms | None:
    part = matched(_PERP, text)
    return derivative(part, "USD", "USDC") if part else None


def _write_perp(terms: Terms) -> str | None:
    return f"{terms.base}-PERP" if terms.kind is Kind.PERPETUAL else None


# --- Synthetix v3 perpetuals: numbered on chain, `BTC-PERP` here; snxUSD is the one settlement.
def _read_synthetix(text: str) -> Terms | None:
    part = matched(_PERP, text)
    return derivative(part, "USD", "SNXUSD") if part else None


# --- Opyn Gamma: the symbol of an oToken; strike asset USDC, settled in its collateral.
_OPYN_BASE = r"(?P<base>[A-Z0-9]{1,15}?)"
_OPYN_DAY = r"(?P<dmy>[0-9]{2}(?:JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)[0-9]{2})"
_OPYN = grammar(
    rf"o{_OPYN_BASE}USDC/(?P<settle>[A-Z0-9]{{1,15}})-{_OPYN_DAY}-{STRIKE}{RIGHT}",
)


def _read_opyn(text: str) -> Terms | None:
    part = matched(_OPYN, text)
    return derivative(part, "USDC", part["settle"]) if part else None


def _two_digits(day: Date) -> str:
    return as_dmy(day).zfill(7)


def _write_opyn(terms: Terms) -> str | None:
    if terms.kind is not Kind.OPTION:
        return None
    day, strike, right = dated(terms, _two_digits).split("-")
    return f"o{terms.base}{terms.quote}/{terms.settle}-{day}-{strike}{right}"


# --- Zeta: numbered on chain; spelled here as `SOL-12AUG22-40-C`, settled in USDC.
_ZETA = grammar(rf"{BASE}-{DMY}(?:-{STRIKE}-{RIGHT})?")


def _read_zeta(text: str) -> Terms | None:
    part = matched(_ZETA, text)
    return derivative(part, "USD", "USDC") if part else None


def _write_zeta(terms: Terms) -> str | None:
    tail = dated(terms, as_dmy)
    return f"{terms.base}-{tail}" if tail else None


ONCHAIN: Mapping[str, VenueNames] = {
    "dydx": VenueNames(_read_dydx, _write_dydx, one_unit, no_average, "BTC-USD, ETH-USD, USDC"),
    "drift": VenueNames(_read_perp, _write_perp, one_unit, no_average, "SOL-PERP, SOL, USDC"),
    "mango": VenueNames(_read_perp, _write_perp, one_unit, no_average, "SOL-PERP, SOL, USDC"),
    "vertex": VenueNames(_read_perp, _write_perp, one_unit, no_average, "BTC-PERP, BTC, USDC"),
    "synthetix": VenueNames(_read_synthetix, _write_perp, one_unit, no_average, "ETH-PERP, SNXUSD"),
    "opyn": VenueNames(
        _read_opyn,
        _write_opyn,
        one_unit,
        no_average,
        "oWETHUSDC/WETH-05NOV21-4000C, oWETHUSDC/USDC-05NOV21-4000P, USDC",
    ),
    "zeta": VenueNames(
        _read_zeta, _write_zeta, one_unit, no_average, "SOL-12AUG22-40-C, SOL-12AUG22, USDC"
    ),
}
