"""Names to contracts and back, for every venue: the key is (venue, native id), never a bare name.

Deribit and Bybit write the same option the same way and settle it in different currencies, so a
name means nothing without its venue. Quantities are in the venue's own unit; the contract's
multiplier says what a unit is (see `contracts`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

from crossmargin.core.clock import DAY_MS, NEVER_MS, format_ms, utc_ms
from crossmargin.core.errors import InputError
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.instruments.names import CURRENCIES, VENUES
from crossmargin.instruments.naming import Terms, VenueNames, plain

__all__ = [
    "CCXT_VENUES",
    "asset",
    "format_ccxt",
    "format_id",
    "is_pair",
    "parse",
    "parse_ccxt",
    "require_alive",
    "venue_hour",
    "venues",
]

NAME_LENGTH_MAX = 64

# ccxt's exchange ids and the venue that each one is.
CCXT_VENUES = {
    "deribit": "deribit",
    "okx": "okx",
    "bybit": "bybit",
    "binance": "binance",
    "binanceusdm": "binance",
    "binancecoinm": "binance",
    "derive": "derive",
    "paradex": "paradex",
    "hyperliquid": "hyperliquid",
    "coinbaseinternational": "coinbase-intl",
}

_CURRENCY = re.compile(r"[A-Z0-9]{1,15}")
_UNIFIED = re.compile(
    r"(?P<base>[A-Z0-9]{1,15})/(?P<quote>[A-Z0-9]{1,15})(?::(?P<settle>[A-Z0-9]{1,15})"
    r"(?:-(?P<ymd>[0-9]{6})(?:-(?P<strike>[0-9]{1,12}(?:[.][0-9]{1,8})?)-(?P<right>[CP]))?)?)?"
)


def venues() -> tuple[str, ...]:
    """The venues whose names are known."""
    return tuple(VENUES)


def venue_hour(venue: str) -> int:
    """The hour (UTC) at which the venue's contracts expire."""
    return _names(venue).hour


def _unknown(why: str, place: str, value: object, limit: str, remedy: str) -> InputError:
    return InputError(
        "instrument_unknown", why, place=place, value=value, limit=limit, remedy=remedy
    )


def _text(value: object, place: str) -> str:
    """The value if it is a name at all: a short text in plain ASCII (payloads hold anything)."""
    if not isinstance(value, str) or not 0 < len(value) <= NAME_LENGTH_MAX or not value.isascii():
        limit = f"1 to {NAME_LENGTH_MAX} characters of plain ASCII"
        raise _unknown("not a name", place, value, limit, "Correct the name.")
    return value


def _names(venue: str) -> VenueNames:
    known = VENUES.get(_text(venue, "venue"))
    if known is None:
        raise _unknown(
            "the venue is not known",
            "venue",
            venue,
            ", ".join(VENUES),
            "Give the venue with the name: the same name means different contracts elsewhere.",
        )
    return known


def parse(
    venue: str,
    native_id: str,
    *,
    multiplier: float | None = None,
    expiry_ms: int | None = None,
) -> Instrument:
    """The contract that ``native_id`` names at ``venue``; a bare currency is a balance (ASSET).

    ``multiplier`` is needed where the venue's contract size is not in the table (OKX beyond BTC
    and ETH); elsewhere it must agree. ``expiry_ms`` is the exact expiry where a payload gives it;
    it must lie on the named day (UTC). Without it the venue's hour (08:00 UTC) is taken.
    Raises InputError ``instrument_unknown``.
    """
    names = _names(venue)
    if _text(native_id, venue) in CURRENCIES:
        return asset(venue, native_id)
    terms = names.read(native_id)
    if terms is None:
        raise _unknown(
            f"not a name that {venue} lists (upper case; combos are held as legs)",
            venue,
            native_id,
            names.forms,
            "Correct the name or its venue; a balance in a further currency is given as a balance.",
        )
    return _contract(venue, names, native_id, terms, multiplier, expiry_ms)


def _contract(
    venue: str,
    names: VenueNames,
    native_id: str,
    terms: Terms,
    multiplier: float | None,
    expiry_ms: int | None,
) -> Instrument:
    """Checks what every venue has in common and makes the record."""
    place = f"{venue} {native_id!r}"
    if terms.strike is not None and terms.strike <= 0:
        raise _unknown("the strike is zero", place, plain(terms.strike), "> 0", "Correct the name.")
    expiry = _expiry(names, terms, place, expiry_ms)
    item = Instrument(
        venue=venue,
        native_id=native_id,
        kind=terms.kind,
        underlying=terms.base,
        quote=terms.quote,
        settle=terms.settle,
        inverse=terms.inverse,
        multiplier=_unit(names, terms, place, multiplier),
        right=terms.right,
        strike=float(terms.strike) if terms.strike is not None else 0.0,
        expiry_ms=expiry,
        average_ms=0 if expiry == NEVER_MS else names.window_ms(terms.kind, expiry),
    )
    # Surplus zeros, leading zeros and digits beyond a float would make two names of one contract.
    exact = terms.strike is None or Decimal(repr(item.strike)) == terms.strike
    if names.write(terms) != native_id or not exact:
        raise _unknown(
            "the name is not in its canonical spelling",
            place,
            native_id,
            names.forms,
            "Write the strike without surplus zeros and the day as the venue does.",
        )
    return item


def _expiry(names: VenueNames, terms: Terms, place: str, given_ms: int | None) -> int:
    if terms.day is None:
        if given_ms is not None and given_ms != NEVER_MS:
            raise _unknown(
                "the contract has no expiry", place, given_ms, "none", "Leave the expiry out."
            )
        return NEVER_MS
    try:
        midnight = utc_ms(*terms.day)
    except ValueError:
        raise _unknown(
            "the date does not exist",
            place,
            "-".join(str(part) for part in terms.day),
            "a day of the calendar",
            "Correct the date.",
        ) from None
    if given_ms is None:
        return midnight + names.hour * 3_600_000
    if not midnight <= given_ms < midnight + DAY_MS:
        raise _unknown(
            "the expiry given is not on the day that the name says",
            place,
            given_ms,
            f"{format_ms(midnight)} to the end of that day",
            "Correct the expiry or the name.",
        )
    return given_ms


def _unit(names: VenueNames, terms: Terms, place: str, given: float | None) -> float:
    known = names.unit(terms)
    if known is None and given is None:
        raise _unknown(
            "the size of this contract is not in the table",
            place,
            None,
            "a multiplier",
            "Give the multiplier (ctVal x ctMult of the venue's instrument list).",
        )
    if given is not None and not 0.0 < given < 1e12:
        raise _unknown("the multiplier is not a size", place, given, "> 0", "Correct it.")
    if known is not None and given is not None and abs(given - known) > 1e-12 * known:
        raise _unknown(
            "the multiplier contradicts the venue's contract size",
            place,
            given,
            str(known),
            "Leave the multiplier out, or give quantities in the venue's own unit.",
        )
    return known if known is not None else float(given or 0.0)


def asset(venue: str, currency: str) -> Instrument:
    """The line of a balance: kind ASSET, counted in units of the currency, quoted in USD.

    Raises InputError ``currency_unknown`` where the text is not a currency's name at all.
    """
    _names(venue)
    if not _CURRENCY.fullmatch(str(currency)):
        raise InputError(
            "currency_unknown",
            "not the name of a currency",
            place=venue,
            value=currency,
            limit="1 to 15 upper-case letters and digits",
            remedy="Correct the currency.",
        )
    return Instrument(venue, currency, Kind.ASSET, currency, "USD", currency)


def is_pair(item: Instrument) -> bool:
    """True for a spot pair (an order may name one); a balance is one currency."""
    return item.kind is Kind.ASSET and item.settle != item.underlying


def _terms_of(item: Instrument) -> Terms:
    day = None
    if item.expiry_ms != NEVER_MS:
        text = format_ms(item.expiry_ms)
        day = (int(text[:4]), int(text[5:7]), int(text[8:10]))
    # The shortest decimal text that reads back as the same float is the strike as it was written.
    strike = Decimal(repr(item.strike)) if item.kind is Kind.OPTION else None
    return Terms(item.kind, item.underlying, item.quote, item.settle, day, strike, item.right)


def format_id(venue: str, instrument: Instrument) -> str:
    """The native id at ``venue`` of a contract with these terms.

    Raises InputError ``instrument_unknown`` where the venue lists no contract with this underlying,
    quote, settlement currency and kind: a name that means another settlement is never returned.
    """
    names = _names(venue)
    if instrument.kind is Kind.ASSET and not is_pair(instrument):
        return instrument.underlying
    terms = _terms_of(instrument)
    listed = instrument.kind is not Kind.FACTOR
    text = names.write(terms) if listed else None
    if text is None or not _same(names.read(text), terms):
        raise _unknown(
            f"{venue} lists no such contract",
            f"{instrument.venue} {instrument.native_id}",
            f"{terms.kind.name} {terms.base}/{terms.quote}:{terms.settle}",
            names.forms,
            "Map the contract to one that the venue lists.",
        )
    return text


def _same(found: Terms | None, wanted: Terms) -> bool:
    return found is not None and found == wanted


def parse_ccxt(
    exchange: str,
    symbol: str,
    *,
    multiplier: float | None = None,
    expiry_ms: int | None = None,
) -> Instrument:
    """The contract of a ccxt unified symbol at an exchange (ccxt's id, e.g. ``binanceusdm``).

    The symbol carries only a date; the expiry is at the venue's hour unless ``expiry_ms`` is given.
    Raises InputError ``instrument_unknown``.
    """
    venue = CCXT_VENUES.get(_text(exchange, "exchange"), "")
    if not venue:
        limit = ", ".join(CCXT_VENUES)
        raise _unknown("the exchange is not known", "", exchange, limit, "Give ccxt's id of it.")
    found = _UNIFIED.fullmatch(_text(symbol, exchange))
    if found is None:
        raise _unknown(
            "not a unified symbol",
            exchange,
            symbol,
            "BTC/USD:BTC-241227-100000-C, BTC/USDT:USDT, BTC/USDC",
            "Give the unified symbol of ccxt.",
        )
    names = VENUES[venue]
    terms = _unified(found.groupdict(), venue, names)
    text = names.write(terms)
    if text is None or not _same(names.read(text), terms):
        raise _unknown(
            f"{venue} lists no such contract", exchange, symbol, names.forms, "Correct the symbol."
        )
    return parse(venue, text, multiplier=multiplier, expiry_ms=expiry_ms)


def _unified(part: dict[str, str | None], venue: str, names: VenueNames) -> Terms:
    """Terms of a unified symbol: base/quote[:settle[-date[-strike-right]]]."""
    base, quote = part["base"] or "", part["quote"] or ""
    settle, strike, ymd = part["settle"], part["strike"], part["ymd"]
    if settle is None:
        # Paradex quotes its spot pairs in USD and pays in USDC; the symbol shows the quote alone.
        return Terms(Kind.ASSET, base, quote, "USDC" if venue == "paradex" else quote)
    shown = names.ccxt_quote or {}
    quote = next((ours for ours, theirs in shown.items() if theirs == quote), quote)
    day = (2000 + int(ymd[:2]), int(ymd[2:4]), int(ymd[4:])) if ymd else None
    return Terms(
        kind=Kind.OPTION if strike else Kind.FUTURE if day else Kind.PERPETUAL,
        base=base,
        quote=quote,
        settle=settle,
        day=day,
        strike=Decimal(strike) if strike else None,
        right={"C": 1, "P": -1}.get(part["right"] or "", 0),
    )


def format_ccxt(instrument: Instrument) -> str:
    """The ccxt unified symbol of a contract; a balance has none (InputError)."""
    names = _names(instrument.venue)
    terms = _terms_of(instrument)
    format_id(instrument.venue, instrument)
    if instrument.kind is Kind.ASSET:
        if not is_pair(instrument):
            raise _unknown(
                "a balance has no symbol", instrument.venue, instrument.native_id, "a contract", ""
            )
        return f"{terms.base}/{terms.quote}"
    quote = (names.ccxt_quote or {}).get(terms.quote, terms.quote)
    text = f"{terms.base}/{quote}:{terms.settle}"
    if terms.day:
        text += f"-{terms.day[0] % 100:02d}{terms.day[1]:02d}{terms.day[2]:02d}"
    if terms.strike is not None:
        text += f"-{plain(terms.strike)}-{'C' if terms.right > 0 else 'P'}"
    return text


def require_alive(instruments: Iterable[Instrument], as_of_ms: int) -> None:
    """Raises InputError ``instrument_expired`` for the first contract that expired before T.

    A contract that expires exactly at ``as_of_ms`` settles now and is still held.
    """
    for item in instruments:
        if item.expiry_ms < as_of_ms:
            raise InputError(
                "instrument_expired",
                "the contract expired before the snapshot",
                place=f"{item.venue} {item.native_id}",
                value=format_ms(item.expiry_ms),
                limit=f"{format_ms(as_of_ms)} or later",
                remedy="Remove the line, or take a snapshot from before its expiry.",
            )
