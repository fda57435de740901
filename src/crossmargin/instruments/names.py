"""The name grammars of the venues: one pair of functions a venue, text to terms and terms to text.

A pair knows spelling and nothing else; what is common (dates that exist, limits, contract sizes,
expiry hours, round trip) is checked once in `symbology`. Sources are named beside each venue.
"""

from __future__ import annotations

from collections.abc import Mapping

from crossmargin.core.clock import DAY_MS, utc_ms
from crossmargin.instruments.contracts import Kind
from crossmargin.instruments.names_lending import LENDING
from crossmargin.instruments.names_onchain import ONCHAIN
from crossmargin.instruments.names_options import OPTION_VENUES
from crossmargin.instruments.names_perps import PERP_VENUES
from crossmargin.instruments.naming import (
    BASE,
    DMY,
    HALF_HOUR_MS,
    HOUR_MS,
    RIGHT,
    STRIKE,
    Date,
    Terms,
    VenueNames,
    as_dmy,
    as_ymd,
    dated,
    derivative,
    grammar,
    half_hour,
    matched,
    one_unit,
)

__all__ = ["CURRENCIES", "VENUES"]

# Bare names that stand for a balance; checked before any pair (FDUSD is not FD against USD).
# fmt: off
CURRENCIES = frozenset({
    "1INCH", "AAVE", "ADA", "AEUSD", "APT", "ARB", "ATOM", "AVAX", "BBSOL", "BCH", "BNB", "BNSOL",
    "BTC", "BUIDL", "BUSD", "CBBTC", "CRVUSD", "DAI", "DOGE", "DOT", "DRV", "ENA", "ETC", "ETH",
    "EUR", "EURC", "FDUSD", "FIL", "GBP", "GUSD", "HYPE", "JITOSOL", "LBTC", "LINK", "LTC", "MATIC",
    "METH", "MNT", "MSOL", "NEAR", "OKB", "OP", "PAXG", "POL", "PYUSD", "RLUSD", "RSWETH", "SHIB",
    "SNXUSD",
    "SOL", "STETH", "SUI", "TON", "TRUMP", "TRX", "TUSD", "UNI", "USD", "USD1", "USDC", "USDD",
    "USDE", "USDG", "USDH", "USDP", "USDS", "USDT", "USDY", "USYC", "WBETH", "WBTC", "WEETH",
    "WETH", "WSTETH", "XLM", "XRP", "XUSD", "ZEC",
})
# fmt: on

# --- Deribit: docs.deribit.com, naming of instruments. Day without leading zero, fraction `d`.
_DERIBIT_INVERSE = frozenset({"BTC", "ETH"})
_DERIBIT_STRIKE = r"(?P<strike>[0-9]{1,12}(?:d[0-9]{1,8})?)"
_DERIBIT = grammar(
    rf"{BASE}(?:_(?P<quote>USDC|USDT))?-PERPETUAL",
    rf"{BASE}(?:_(?P<quote>USDC|USDT))?-{DMY}(?:-{_DERIBIT_STRIKE}-{RIGHT})?",
)
_DERIBIT_SPOT = grammar(rf"{BASE}_(?P<quote>[A-Z0-9]{{1,15}})")


def _read_deribit(text: str) -> Terms | None:
    spot = matched(_DERIBIT_SPOT, text)
    if spot:
        return Terms(Kind.ASSET, spot["base"], spot["quote"], spot["quote"])
    part = matched(_DERIBIT, text)
    if part is None:
        return None
    if "strike" in part:
        part["strike"] = part["strike"].replace("d", ".")
    if "quote" in part:
        return derivative(part, part["quote"], part["quote"])
    return derivative(part, "USD", part["base"]) if part["base"] in _DERIBIT_INVERSE else None


def _write_deribit(terms: Terms) -> str | None:
    if terms.kind is Kind.ASSET:
        return f"{terms.base}_{terms.quote}"
    name = terms.base if terms.inverse else f"{terms.base}_{terms.quote}"
    return f"{name}-{dated(terms, as_dmy, 'd') or 'PERPETUAL'}"


# --- OKX: /api/v5/public/instruments; a contract is ctVal x ctMult.
_OKX = grammar(
    rf"{BASE}-(?P<quote>USD|USDT|USDC)-SWAP",
    rf"{BASE}-(?P<quote>USD|USDT|USDC)-(?P<ymd>[0-9]{{6}})",
    rf"{BASE}-(?P<quote>USD)-(?P<ymd>[0-9]{{6}})-{STRIKE}-{RIGHT}",
)
_OKX_SPOT = grammar(rf"{BASE}-(?P<quote>[A-Z0-9]{{1,15}})")
_OKX_UNIT = {
    ("BTC", "USD", True): 0.01,  # (underlying, quote, is an option)
    ("ETH", "USD", True): 0.1,
    ("BTC", "USD", False): 100.0,
    ("ETH", "USD", False): 10.0,
    ("BTC", "USDT", False): 0.01,
    ("ETH", "USDT", False): 0.1,
}
# The average before delivery was cut from an hour to half an hour then (OKX notice, 2026-03).
_OKX_CHANGE_MS = utc_ms(2026, 3, 18)


def _read_okx(text: str) -> Terms | None:
    spot = matched(_OKX_SPOT, text)
    if spot:
        return Terms(Kind.ASSET, spot["base"], spot["quote"], spot["quote"])
    part = matched(_OKX, text)
    if part is None:
        return None
    quote = part["quote"]
    return derivative(part, quote, part["base"] if quote == "USD" else quote)


def _write_okx(terms: Terms) -> str | None:
    name = f"{terms.base}-{terms.quote}"
    return name if terms.kind is Kind.ASSET else f"{name}-{dated(terms, as_ymd) or 'SWAP'}"


def _okx_unit(terms: Terms) -> float | None:
    if terms.kind is Kind.ASSET:
        return 1.0
    return _OKX_UNIT.get((terms.base, terms.quote, terms.kind is Kind.OPTION))


def _okx_window(kind: Kind, expiry_ms: int) -> int:  # noqa: ARG001 - one signature for all venues
    return HALF_HOUR_MS if expiry_ms >= _OKX_CHANGE_MS else HOUR_MS


# --- Bybit: v5 instruments-info. Options look like Deribit's and settle in USDC (suffix: USDT).
_BYBIT = grammar(
    rf"{BASE}(?P<quote>USDT)(?:-{DMY})?",
    rf"{BASE}-{DMY}(?:-{STRIKE}-{RIGHT}(?P<suffix>-USDT)?)?",
    rf"{BASE}(?P<perp>PERP)",
    rf"{BASE}(?P<inverse>USD)(?P<quarter>[HMUZ][0-9]{{2}})?",
)
_QUARTER = {"H": 3, "M": 6, "U": 9, "Z": 12}


def _last_friday(year: int, month: int) -> Date:
    following = utc_ms(year + month // 12, month % 12 + 1, 1) // DAY_MS
    last = following - 1
    back = (last + 3 - 4) % 7  # day 0 was a Thursday; Monday is 0, Friday 4
    return year, month, last - back - utc_ms(year, month, 1) // DAY_MS + 1


def _read_bybit(text: str) -> Terms | None:
    part = matched(_BYBIT, text)
    if part is None:
        return None
    base = part["base"]
    if "inverse" in part:
        quarter = part.get("quarter")
        day = _last_friday(2000 + int(quarter[1:]), _QUARTER[quarter[0]]) if quarter else None
        kind = Kind.FUTURE if day else Kind.PERPETUAL
        return Terms(kind, base, "USD", base, day)
    quote = "USDT" if "quote" in part or "suffix" in part else "USDC"
    return derivative(part, quote, quote)


def _write_bybit(terms: Terms) -> str | None:
    if terms.kind is Kind.ASSET:
        return None  # a spot pair is spelled like the perpetual
    if terms.inverse:
        letter = {month: code for code, month in _QUARTER.items()}
        if terms.day is None:
            return f"{terms.base}USD"
        year, month, _ = terms.day
        return f"{terms.base}USD{letter.get(month, '?')}{year % 100:02d}"
    if terms.kind is Kind.OPTION:
        suffix = "-USDT" if terms.settle == "USDT" else ""
        return f"{terms.base}-{dated(terms, as_dmy)}{suffix}"
    tail = dated(terms, as_dmy)
    if terms.settle == "USDC":
        return f"{terms.base}-{tail}" if tail else f"{terms.base}PERP"
    return f"{terms.base}{terms.settle}" + (f"-{tail}" if tail else "")


# --- Binance: options (eapi), USD-M (fapi), COIN-M (dapi: 100 USD a contract of BTC, else 10 USD).
_BINANCE = grammar(
    rf"{BASE}-(?P<ymd>[0-9]{{6}})-{STRIKE}-{RIGHT}",
    rf"{BASE}(?P<quote>USDT|USDC)(?:_(?P<ymd>[0-9]{{6}}))?",
    rf"{BASE}(?P<inverse>USD)_(?:PERP|(?P<ymd>[0-9]{{6}}))",
)
# Futures: average cut from an hour to half an hour on this day (Binance notice, 2024-11).
_BINANCE_CHANGE_MS = utc_ms(2024, 11, 11)


def _read_binance(text: str) -> Terms | None:
    part = matched(_BINANCE, text)
    if part is None:
        return None
    if "inverse" in part:
        return derivative(part, "USD", part["base"])
    quote = part.get("quote", "USDT")
    return derivative(part, quote, quote)


def _write_binance(terms: Terms) -> str | None:
    if terms.kind is Kind.ASSET:
        return None  # a spot pair is spelled like the perpetual
    tail = dated(terms, as_ymd)
    if terms.kind is Kind.OPTION:
        return f"{terms.base}-{tail}"
    if terms.inverse:
        return f"{terms.base}USD_{tail or 'PERP'}"
    return f"{terms.base}{terms.quote}" + (f"_{tail}" if tail else "")


def _binance_unit(terms: Terms) -> float | None:
    if not terms.inverse:
        return 1.0
    return 100.0 if terms.base == "BTC" else 10.0


def _binance_window(kind: Kind, expiry_ms: int) -> int:
    late = kind is Kind.OPTION or expiry_ms >= _BINANCE_CHANGE_MS
    return HALF_HOUR_MS if late else HOUR_MS


# --- Derive: docs.derive.xyz, instrument names. Index in USD, cash in USDC; fraction `_`.
_DERIVE = grammar(
    rf"{BASE}-PERP",
    rf"{BASE}-(?P<ymd>20[0-9]{{6}})-(?P<strike>[0-9]{{1,12}}(?:_[0-9]{{1,6}})?)-{RIGHT}",
)
_DERIVE_SPOT = grammar(rf"{BASE}-(?P<quote>USDC)")


def _read_derive(text: str) -> Terms | None:
    spot = matched(_DERIVE_SPOT, text)
    if spot:
        return Terms(Kind.ASSET, spot["base"], "USDC", "USDC")
    part = matched(_DERIVE, text)
    if part is None:
        return None
    if "strike" in part:
        part["strike"] = part["strike"].replace("_", ".")
    return derivative(part, "USD", "USDC")


def _write_derive(terms: Terms) -> str | None:
    if terms.kind is Kind.ASSET:
        return f"{terms.base}-{terms.quote}"
    if terms.kind is Kind.FUTURE:
        return None  # Derive lists none
    return f"{terms.base}-{dated(terms, lambda day: '20' + as_ymd(day), '_') or 'PERP'}"


# --- Paradex: docs.paradex.trade, markets. Quoted in USD, settled in USDC; 30-minute average.
_PARADEX = grammar(
    rf"{BASE}-USD-PERP",
    rf"{BASE}-USD-{DMY}(?:-{STRIKE}-{RIGHT})?",
)
_PARADEX_SPOT = grammar(rf"{BASE}-USD")


def _read_paradex(text: str) -> Terms | None:
    spot = matched(_PARADEX_SPOT, text)
    if spot:
        return Terms(Kind.ASSET, spot["base"], "USD", "USDC")
    part = matched(_PARADEX, text)
    return derivative(part, "USD", "USDC") if part else None


def _write_paradex(terms: Terms) -> str | None:
    name = f"{terms.base}-USD"
    return name if terms.kind is Kind.ASSET else f"{name}-{dated(terms, as_dmy) or 'PERP'}"


VENUES: Mapping[str, VenueNames] = {
    "deribit": VenueNames(
        _read_deribit,
        _write_deribit,
        one_unit,
        half_hour,
        "BTC-PERPETUAL, BTC-27DEC24, BTC-27DEC24-100000-C, SOL_USDC-27MAR26-150-C, BTC_USDC, BTC",
    ),
    "okx": VenueNames(
        _read_okx,
        _write_okx,
        _okx_unit,
        _okx_window,
        "BTC-USD-241227-100000-C, BTC-USDT-SWAP, BTC-USD-SWAP, BTC-USD-241227, BTC-USDT, BTC",
    ),
    "bybit": VenueNames(
        _read_bybit,
        _write_bybit,
        one_unit,
        half_hour,
        "BTC-27DEC24-100000-C, BTC-27DEC24-100000-C-USDT, BTCUSDT, BTCPERP, BTCUSD, BTCUSDH25, BTC",
    ),
    "binance": VenueNames(
        _read_binance,
        _write_binance,
        _binance_unit,
        _binance_window,
        "BTC-241227-100000-C, BTCUSDT, BTCUSDT_250328, BTCUSD_PERP, BTCUSD_250328, BTC",
    ),
    "derive": VenueNames(
        _read_derive,
        _write_derive,
        one_unit,
        half_hour,
        "BTC-20241227-100000-C, ETH-20241227-2400_5-P, BTC-PERP, ETH-USDC, ETH",
        ccxt_quote={"USD": "USDC"},
    ),
    "paradex": VenueNames(
        _read_paradex,
        _write_paradex,
        one_unit,
        half_hour,
        "BTC-USD-PERP, BTC-USD-8MAY26-90000-C, BTC-USD-26JUN26, ETH-USD, ETH",
    ),
    **OPTION_VENUES,
    **PERP_VENUES,
    **ONCHAIN,
    **LENDING,
}
