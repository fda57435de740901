"""The name grammars of the venues: one pair of functions a venue, text to terms and terms to text.

A pair knows spelling and nothing else; what is common (dates that exist, limits, contract sizes,
expiry hours, round trip) is checked once in `symbology`. Sources are named beside each venue.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from crossmargin.core.clock import DAY_MS, utc_ms
from crossmargin.instruments.contracts import Kind

__all__ = ["CURRENCIES", "VENUES", "Terms", "VenueNames", "plain"]

Date = tuple[int, int, int]

# Bare names that stand for a balance; checked before any pair (FDUSD is not FD against USD).
# fmt: off
CURRENCIES = frozenset({
    "1INCH", "AAVE", "ADA", "APT", "ARB", "ATOM", "AVAX", "BBSOL", "BCH", "BNB", "BNSOL", "BTC",
    "BUIDL", "BUSD", "CBBTC", "CRVUSD", "DAI", "DOGE", "DOT", "DRV", "ENA", "ETC", "ETH", "EUR",
    "EURC", "FDUSD", "FIL", "GBP", "GUSD", "HYPE", "JITOSOL", "LBTC", "LINK", "LTC", "MATIC",
    "METH", "MNT", "MSOL", "NEAR", "OKB", "OP", "PAXG", "POL", "PYUSD", "RLUSD", "RSWETH", "SHIB",
    "SOL", "STETH", "SUI", "TON", "TRUMP", "TRX", "TUSD", "UNI", "USD", "USD1", "USDC", "USDD",
    "USDE", "USDG", "USDP", "USDS", "USDT", "USDY", "USYC", "WBETH", "WBTC", "WEETH", "WETH",
    "WSTETH", "XLM", "XRP", "XUSD", "ZEC",
})
# fmt: on

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_BASE = r"(?P<base>[A-Z0-9]{1,15})"
_DMY = r"(?P<dmy>[1-9][0-9]?(?:JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)[0-9]{2})"
_YMD = r"(?P<ymd>(?:20)?[0-9]{6})"
_STRIKE = r"(?P<strike>[0-9]{1,12}(?:[.][0-9]{1,8})?)"
_RIGHT = r"(?P<right>[CP])"
_HALF_HOUR_MS = 1_800_000
_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Terms:
    """What a name says of a contract; ``day`` is None where the contract has no expiry."""

    kind: Kind
    base: str
    quote: str
    settle: str
    day: Date | None = None
    strike: Decimal | None = None
    right: int = 0

    @property
    def inverse(self) -> bool:
        """True where a derivative settles in its own underlying."""
        return self.kind is not Kind.ASSET and self.settle == self.base


@dataclass(frozen=True, slots=True)
class VenueNames:
    """One venue: both directions of its spelling, contract sizes, expiry hour, settlement window.

    ``unit`` is None where the size of a contract must be given; ``ccxt_quote`` is the quote that
    ccxt writes where it differs from the currency of the index.
    """

    read: Callable[[str], Terms | None]
    write: Callable[[Terms], str | None]
    unit: Callable[[Terms], float | None]
    window_ms: Callable[[Kind, int], int]
    forms: str
    hour: int = 8
    ccxt_quote: Mapping[str, str] | None = None


def plain(strike: Decimal, point: str = ".") -> str:
    """A strike as digits, without exponent or trailing zeros, with the venue's decimal sign."""
    text = format(strike, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace(".", point)


def _grammar(*forms: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(form) for form in forms)


def _match(patterns: tuple[re.Pattern[str], ...], text: str) -> dict[str, str] | None:
    for pattern in patterns:
        found = pattern.fullmatch(text)
        if found:
            return {name: value for name, value in found.groupdict().items() if value}
    return None


def _day(part: Mapping[str, str]) -> Date | None:
    dmy, ymd = part.get("dmy"), part.get("ymd")
    if dmy:
        return 2000 + int(dmy[-2:]), 1 + _MONTHS.index(dmy[-5:-2]), int(dmy[:-5])
    if ymd:
        return 2000 + int(ymd[-6:-4]), int(ymd[-4:-2]), int(ymd[-2:])
    return None


def _terms(part: Mapping[str, str], quote: str, settle: str) -> Terms:
    """Terms of a derivative: an option has a strike, a future a date, a perpetual neither."""
    day = _day(part)
    strike = part.get("strike")
    kind = Kind.OPTION if strike else Kind.FUTURE if day else Kind.PERPETUAL
    return Terms(
        kind=kind,
        base=part["base"],
        quote=quote,
        settle=settle,
        day=day,
        strike=Decimal(strike) if strike else None,
        right={"C": 1, "P": -1}.get(part.get("right", ""), 0),
    )


def _dmy(day: Date) -> str:
    return f"{day[2]}{_MONTHS[day[1] - 1]}{day[0] % 100:02d}"


def _ymd(day: Date) -> str:
    return f"{day[0] % 100:02d}{day[1]:02d}{day[2]:02d}"


def _tail(terms: Terms, date: Callable[[Date], str], point: str = ".") -> str:
    """``DATE`` of a future or ``DATE-STRIKE-RIGHT`` of an option."""
    text = date(terms.day) if terms.day else ""
    if terms.strike is None:
        return text
    return f"{text}-{plain(terms.strike, point)}-{'C' if terms.right > 0 else 'P'}"


def _half_hour(kind: Kind, expiry_ms: int) -> int:  # noqa: ARG001 - one signature for all venues
    return _HALF_HOUR_MS


def _one(terms: Terms) -> float | None:  # noqa: ARG001 - one signature for all venues
    return 1.0


# --- Deribit: docs.deribit.com, naming of instruments. Day without leading zero, fraction `d`.
_DERIBIT_INVERSE = frozenset({"BTC", "ETH"})
_DERIBIT_STRIKE = r"(?P<strike>[0-9]{1,12}(?:d[0-9]{1,8})?)"
_DERIBIT = _grammar(
    rf"{_BASE}(?:_(?P<quote>USDC|USDT))?-PERPETUAL",
    rf"{_BASE}(?:_(?P<quote>USDC|USDT))?-{_DMY}(?:-{_DERIBIT_STRIKE}-{_RIGHT})?",
)
_DERIBIT_SPOT = _grammar(rf"{_BASE}_(?P<quote>[A-Z0-9]{{1,15}})")


def _read_deribit(text: str) -> Terms | None:
    spot = _match(_DERIBIT_SPOT, text)
    if spot:
        return Terms(Kind.ASSET, spot["base"], spot["quote"], spot["quote"])
    part = _match(_DERIBIT, text)
    if part is None:
        return None
    if "strike" in part:
        part["strike"] = part["strike"].replace("d", ".")
    if "quote" in part:
        return _terms(part, part["quote"], part["quote"])
    return _terms(part, "USD", part["base"]) if part["base"] in _DERIBIT_INVERSE else None


def _write_deribit(terms: Terms) -> str | None:
    if terms.kind is Kind.ASSET:
        return f"{terms.base}_{terms.quote}"
    name = terms.base if terms.inverse else f"{terms.base}_{terms.quote}"
    return f"{name}-{_tail(terms, _dmy, 'd') or 'PERPETUAL'}"


# --- OKX: /api/v5/public/instruments; a contract is ctVal x ctMult.
_OKX = _grammar(
    rf"{_BASE}-(?P<quote>USD|USDT|USDC)-SWAP",
    rf"{_BASE}-(?P<quote>USD|USDT|USDC)-(?P<ymd>[0-9]{{6}})",
    rf"{_BASE}-(?P<quote>USD)-(?P<ymd>[0-9]{{6}})-{_STRIKE}-{_RIGHT}",
)
_OKX_SPOT = _grammar(rf"{_BASE}-(?P<quote>[A-Z0-9]{{1,15}})")
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
    spot = _match(_OKX_SPOT, text)
    if spot:
        return Terms(Kind.ASSET, spot["base"], spot["quote"], spot["quote"])
    part = _match(_OKX, text)
    if part is None:
        return None
    quote = part["quote"]
    return _terms(part, quote, part["base"] if quote == "USD" else quote)


def _write_okx(terms: Terms) -> str | None:
    name = f"{terms.base}-{terms.quote}"
    return name if terms.kind is Kind.ASSET else f"{name}-{_tail(terms, _ymd) or 'SWAP'}"


def _okx_unit(terms: Terms) -> float | None:
    if terms.kind is Kind.ASSET:
        return 1.0
    return _OKX_UNIT.get((terms.base, terms.quote, terms.kind is Kind.OPTION))


def _okx_window(kind: Kind, expiry_ms: int) -> int:  # noqa: ARG001 - one signature for all venues
    return _HALF_HOUR_MS if expiry_ms >= _OKX_CHANGE_MS else _HOUR_MS


# --- Bybit: v5 instruments-info. Options look like Deribit's and settle in USDC (suffix: USDT).
_BYBIT = _grammar(
    rf"{_BASE}(?P<quote>USDT)(?:-{_DMY})?",
    rf"{_BASE}-{_DMY}(?:-{_STRIKE}-{_RIGHT}(?P<suffix>-USDT)?)?",
    rf"{_BASE}(?P<perp>PERP)",
    rf"{_BASE}(?P<inverse>USD)(?P<quarter>[HMUZ][0-9]{{2}})?",
)
_QUARTER = {"H": 3, "M": 6, "U": 9, "Z": 12}


def _last_friday(year: int, month: int) -> Date:
    following = utc_ms(year + month // 12, month % 12 + 1, 1) // DAY_MS
    last = following - 1
    back = (last + 3 - 4) % 7  # day 0 was a Thursday; Monday is 0, Friday 4
    return year, month, last - back - utc_ms(year, month, 1) // DAY_MS + 1


def _read_bybit(text: str) -> Terms | None:
    part = _match(_BYBIT, text)
    if part is None:
        return None
    base = part["base"]
    if "inverse" in part:
        quarter = part.get("quarter")
        day = _last_friday(2000 + int(quarter[1:]), _QUARTER[quarter[0]]) if quarter else None
        kind = Kind.FUTURE if day else Kind.PERPETUAL
        return Terms(kind, base, "USD", base, day)
    quote = "USDT" if "quote" in part or "suffix" in part else "USDC"
    return _terms(part, quote, quote)


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
        return f"{terms.base}-{_tail(terms, _dmy)}{suffix}"
    tail = _tail(terms, _dmy)
    if terms.settle == "USDC":
        return f"{terms.base}-{tail}" if tail else f"{terms.base}PERP"
    return f"{terms.base}{terms.settle}" + (f"-{tail}" if tail else "")


# --- Binance: options (eapi), USD-M (fapi), COIN-M (dapi: 100 USD a contract of BTC, else 10 USD).
_BINANCE = _grammar(
    rf"{_BASE}-(?P<ymd>[0-9]{{6}})-{_STRIKE}-{_RIGHT}",
    rf"{_BASE}(?P<quote>USDT|USDC)(?:_(?P<ymd>[0-9]{{6}}))?",
    rf"{_BASE}(?P<inverse>USD)_(?:PERP|(?P<ymd>[0-9]{{6}}))",
)
# Futures: average cut from an hour to half an hour on this day (Binance notice, 2024-11).
_BINANCE_CHANGE_MS = utc_ms(2024, 11, 11)


def _read_binance(text: str) -> Terms | None:
    part = _match(_BINANCE, text)
    if part is None:
        return None
    if "inverse" in part:
        return _terms(part, "USD", part["base"])
    quote = part.get("quote", "USDT")
    return _terms(part, quote, quote)


def _write_binance(terms: Terms) -> str | None:
    if terms.kind is Kind.ASSET:
        return None  # a spot pair is spelled like the perpetual
    tail = _tail(terms, _ymd)
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
    return _HALF_HOUR_MS if late else _HOUR_MS


# --- Derive: docs.derive.xyz, instrument names. Index in USD, cash in USDC; fraction `_`.
_DERIVE = _grammar(
    rf"{_BASE}-PERP",
    rf"{_BASE}-(?P<ymd>20[0-9]{{6}})-(?P<strike>[0-9]{{1,12}}(?:_[0-9]{{1,6}})?)-{_RIGHT}",
)
_DERIVE_SPOT = _grammar(rf"{_BASE}-(?P<quote>USDC)")


def _read_derive(text: str) -> Terms | None:
    spot = _match(_DERIVE_SPOT, text)
    if spot:
        return Terms(Kind.ASSET, spot["base"], "USDC", "USDC")
    part = _match(_DERIVE, text)
    if part is None:
        return None
    if "strike" in part:
        part["strike"] = part["strike"].replace("_", ".")
    return _terms(part, "USD", "USDC")


def _write_derive(terms: Terms) -> str | None:
    if terms.kind is Kind.ASSET:
        return f"{terms.base}-{terms.quote}"
    if terms.kind is Kind.FUTURE:
        return None  # Derive lists none
    return f"{terms.base}-{_tail(terms, lambda day: '20' + _ymd(day), '_') or 'PERP'}"


# --- Paradex: docs.paradex.trade, markets. Quoted in USD, settled in USDC; 30-minute average.
_PARADEX = _grammar(
    rf"{_BASE}-USD-PERP",
    rf"{_BASE}-USD-{_DMY}(?:-{_STRIKE}-{_RIGHT})?",
)
_PARADEX_SPOT = _grammar(rf"{_BASE}-USD")


def _read_paradex(text: str) -> Terms | None:
    spot = _match(_PARADEX_SPOT, text)
    if spot:
        return Terms(Kind.ASSET, spot["base"], "USD", "USDC")
    part = _match(_PARADEX, text)
    return _terms(part, "USD", "USDC") if part else None


def _write_paradex(terms: Terms) -> str | None:
    name = f"{terms.base}-USD"
    return name if terms.kind is Kind.ASSET else f"{name}-{_tail(terms, _dmy) or 'PERP'}"


VENUES: Mapping[str, VenueNames] = {
    "deribit": VenueNames(
        _read_deribit,
        _write_deribit,
        _one,
        _half_hour,
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
        _one,
        _half_hour,
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
        _one,
        _half_hour,
        "BTC-20241227-100000-C, ETH-20241227-2400_5-P, BTC-PERP, ETH-USDC, ETH",
        ccxt_quote={"USD": "USDC"},
    ),
    "paradex": VenueNames(
        _read_paradex,
        _write_paradex,
        _one,
        _half_hour,
        "BTC-USD-PERP, BTC-USD-8MAY26-90000-C, BTC-USD-26JUN26, ETH-USD, ETH",
    ),
}
