"""Name grammars of venues that list perpetuals alone; see `names` for what a grammar is.

Hyperliquid's interface names a perpetual by its bare coin, which is also the name of a balance; it
is written with ``-PERP`` here.
"""

from __future__ import annotations

from collections.abc import Mapping

from crossmargin.instruments.contracts import Kind
from crossmargin.instruments.naming import (
    BASE,
    Terms,
    VenueNames,
    grammar,
    matched,
    no_average,
    one_unit,
)

__all__ = ["PERP_VENUES"]


def _perpetuals(
    base: str, tail: str, quote: str, forms: str, ccxt_quote: Mapping[str, str] | None = None
) -> VenueNames:
    """``BTC`` and a tail; quoted in one currency, settled in USDC."""
    names = grammar(base + tail)

    def read(text: str) -> Terms | None:
        part = matched(names, text)
        return Terms(Kind.PERPETUAL, part["base"], quote, "USDC") if part else None

    def write(terms: Terms) -> str | None:
        return f"{terms.base}{tail}" if terms.kind is Kind.PERPETUAL else None

    return VenueNames(read, write, one_unit, no_average, forms, ccxt_quote=ccxt_quote)


PERP_VENUES: Mapping[str, VenueNames] = {
    # Thousands of a coin carry a small k: kPEPE.
    "hyperliquid": _perpetuals(
        r"(?P<base>k?[A-Z0-9]{1,15})",
        "-PERP",
        "USD",
        "BTC-PERP, HYPE-PERP, HYPE, USDC",
        {"USD": "USDC"},
    ),
    "coinbase-intl": _perpetuals(BASE, "-PERP", "USDC", "BTC-PERP, ETH-PERP, BTC, USDC"),
    # Markets as the interface names them; each may have several pools of collateral.
    "gmx": _perpetuals(BASE, "/USD", "USD", "BTC/USD, ETH/USD, ETH, USDC"),
}
