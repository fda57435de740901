"""Names of what is held and owed at lending protocols: ``WETH`` is held, ``debt USDC`` is owed.

The protocols number reserves by token address; the symbol of the token is the name here.
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

__all__ = ["DEBT_PREFIX", "LENDING"]

DEBT_PREFIX = "debt "
_HELD = grammar(BASE)
_OWED = grammar(rf"{DEBT_PREFIX}{BASE}")


def _read(text: str) -> Terms | None:
    owed, held = matched(_OWED, text), matched(_HELD, text)
    part = owed or held
    if part is None:
        return None
    return Terms(Kind.DEBT if owed else Kind.ASSET, part["base"], "USD", part["base"])


def _write(terms: Terms) -> str | None:
    if terms.kind not in (Kind.ASSET, Kind.DEBT):
        return None
    return terms.base if terms.kind is Kind.ASSET else f"{DEBT_PREFIX}{terms.base}"


def _venue(forms: str) -> VenueNames:
    return VenueNames(_read, _write, one_unit, no_average, forms)


LENDING: Mapping[str, VenueNames] = {
    "aave": _venue("debt USDC, WETH, USDC"),
    "compound": _venue("debt USDC, WETH, USDC"),
    "maker": _venue("debt DAI, WETH"),
    "liquity": _venue("debt LUSD, debt BOLD, ETH"),
    "euler": _venue("debt USDC, WETH"),
    "morpho": _venue("debt USDC, WETH"),
    "gearbox": _venue("debt USDC, WETH, USDC"),
    "kamino": _venue("debt USDC, SOL, USDC"),
    "marginfi": _venue("debt USDC, SOL, USDC"),
}
