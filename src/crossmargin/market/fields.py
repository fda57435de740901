"""What a row of a snapshot may say: its fields, their units and bounds, subjects and verdicts.

A subject is a pair ``BTC/USD``, a dated pair ``BTC/USD@<expiry_ms>``, a contract
``venue|native_id`` or a currency ``USDC``. A unit is part of the row, so that a percent can never
stand where a fraction is meant.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from crossmargin.core.arrays import Floats, Longs
from crossmargin.core.clock import format_ms
from crossmargin.core.errors import MarketDataError

__all__ = [
    "DOLLAR_PEGGED",
    "FIELDS",
    "IV_MAX",
    "IV_MIN",
    "OTHER_MONEY",
    "VERDICTS",
    "Field",
    "Row",
    "check_rows",
    "columns_of",
    "contract_subject",
    "dated_subject",
    "pair_subject",
    "split_contract",
    "split_dated",
    "worst_verdict",
]

# Marks of 2021 to 2026 lie between 9.7 % and 349 %; a percent taken for a fraction is above the
# upper bound, a fraction taken for a percent is below the lower one.
IV_MIN = 0.01
IV_MAX = 6.0
# Rows of one chain are stamped by several clocks; beyond this a time lies in the future.
AHEAD_MS_MAX = 60_000
_EARLIEST_MS = 1_230_768_000_000  # 2009: anything less is in seconds
_LATEST_MS = 7_258_118_400_000  # 2200: anything more is in microseconds
_PRICE_MAX = 1e12
_CURRENCY = re.compile(r"[A-Za-z0-9]{1,16}")

# The dollar, stablecoins of it and funds of its bills: a move of the coins leaves their dollar
# price where it is.
DOLLAR_PEGGED = frozenset(
    "USD USDC USDT USDD USDE USDG USDP USDS USDY USYC USD1 BUIDL BUSD CRVUSD DAI FDUSD GUSD PYUSD "
    "RLUSD TUSD XUSD".split()
)
# Money that is no dollar: neither moves with the coins, nor is it worth one.
OTHER_MONEY = frozenset("EUR EURC EURR GBP".split())

# From harmless to grave: where several apply to one row, the gravest stands.
VERDICTS: dict[str, str] = {
    "ok": "as the venue gave it",
    "implied": "computed from other prices of the same chain",
    "estimated": "read off the fitted surface, a twin contract or the index, not quoted",
    "assumed": "no source; a stated assumption",
    "stale": "older than the snapshot allows",
    "outside_touch": "the mark lies outside best bid and ask",
    "incoherent": "rows fetched at different instants disagree by more than 25 bp",
    "outside_bounds": "the mark lies outside the no-arbitrage bounds of its option",
    "crossed": "best bid above best ask",
    "missing": "the venue gave no value; the row holds none",
}
_GRAVITY = {name: place for place, name in enumerate(VERDICTS)}


class Row(NamedTuple):
    """One observation. Times in UTC milliseconds; ``confidence`` in [0, 1]."""

    field: str
    subject: str
    value: float
    unit: str
    source: str
    event_ms: int
    receive_ms: int
    confidence: float = 1.0
    verdict: str = "ok"


@dataclass(frozen=True, slots=True)
class Field:
    """A field's subject kind, unit and bounds. ``unit`` "quote" is the pair's quote currency."""

    meaning: str
    subject: str  # pair | dated | contract | currency
    unit: str  # "quote", "currency" (any currency code) or a literal
    low: float
    high: float
    open_low: bool = False  # the lower bound itself is refused
    code: str = "number_out_of_range"


FIELDS: dict[str, Field] = {
    "index": Field(
        "spot index", "pair", "quote", 0.0, _PRICE_MAX, open_low=True, code="price_not_positive"
    ),
    "forward": Field(
        "free part of the forward of an expiry",
        "dated",
        "quote",
        0.0,
        _PRICE_MAX,
        open_low=True,
        code="price_not_positive",
    ),
    "forward_settled": Field(
        "part of the settlement average already fixed", "dated", "quote", 0.0, _PRICE_MAX
    ),
    "rate": Field("continuously compounded discount rate", "dated", "per year", -5.0, 5.0),
    "mark": Field("the venue's mark", "contract", "currency", 0.0, _PRICE_MAX),
    "mark_iv": Field(
        "mark volatility", "contract", "fraction", IV_MIN, IV_MAX, code="vol_out_of_bounds"
    ),
    "bid": Field("best bid", "contract", "currency", 0.0, _PRICE_MAX, open_low=True),
    "ask": Field("best ask", "contract", "currency", 0.0, _PRICE_MAX, open_low=True),
    "bid_size": Field("size at the best bid", "contract", "amount", 0.0, 1e15),
    "ask_size": Field("size at the best ask", "contract", "amount", 0.0, 1e15),
    "open_interest": Field("open interest", "contract", "amount", 0.0, 1e15),
    "funding_8h": Field("funding of the last eight hours", "contract", "fraction", -1.0, 1.0),
    "usd": Field(
        "US dollars per unit of a currency",
        "currency",
        "USD",
        0.0,
        _PRICE_MAX,
        open_low=True,
        code="price_not_positive",
    ),
    "index_spread": Field("range of the index rows that were merged", "pair", "bp", 0.0, 1e6),
    "index_gap": Field(
        "line through the forwards at zero life, over the median index row",
        "pair",
        "bp",
        -1e6,
        1e6,
    ),
    "rows_ignored": Field(
        "rows of another time in the same files, not taken", "pair", "rows", 0.0, 1e12
    ),
    "forward_spread": Field("range of the forward rows merged", "dated", "bp", 0.0, 1e6),
    "past_price": Field(
        "price at an earlier time, which the subject names",
        "dated",
        "quote",
        0.0,
        _PRICE_MAX,
        open_low=True,
        code="price_not_positive",
    ),
    "past_vol": Field(
        "volatility at the money of thirty days at an earlier time, which the subject names",
        "dated",
        "fraction",
        IV_MIN,
        IV_MAX,
        code="vol_out_of_bounds",
    ),
}


def pair_subject(underlying: str, quote: str) -> str:
    """``BTC/USD``."""
    return f"{underlying}/{quote}"


def dated_subject(underlying: str, quote: str, expiry_ms: int) -> str:
    """``BTC/USD@1770969600000``."""
    return f"{underlying}/{quote}@{expiry_ms}"


def contract_subject(venue: str, native_id: str) -> str:
    """``deribit|BTC-13FEB26-60000-C``."""
    return f"{venue}|{native_id}"


def split_dated(subject: str) -> tuple[str, str, int]:
    """(underlying, quote, expiry_ms) of a dated subject."""
    pair, _, expiry = subject.partition("@")
    underlying, _, quote = pair.partition("/")
    return underlying, quote, int(expiry)


def split_contract(subject: str) -> tuple[str, str]:
    """(venue, native id) of a contract's subject."""
    venue, _, native_id = subject.partition("|")
    return venue, native_id


def worst_verdict(*verdicts: str) -> str:
    """The gravest of the given verdicts."""
    return max(verdicts, key=_GRAVITY.__getitem__)


_SUBJECTS = {
    "pair": re.compile(r"[A-Za-z0-9]{1,16}/([A-Za-z0-9]{1,16})"),
    "dated": re.compile(r"[A-Za-z0-9]{1,16}/([A-Za-z0-9]{1,16})@[0-9]{12,13}"),
    "contract": re.compile(r"[a-z0-9_]{1,24}\|[\x21-\x7b\x7d\x7e]{1,64}"),
    "currency": _CURRENCY,
}


def check_rows(rows: Sequence[Row], as_of_ms: int) -> None:
    """Every row keeps its field's subject form, unit and bounds, or the first that does not raises.

    Codes: column_unknown, unit_wrong, number_not_finite, price_not_positive, vol_out_of_bounds,
    number_out_of_range, option_unknown (a verdict that is none), market_duplicate.
    """
    _check_time(as_of_ms, "as_of_ms")
    seen: set[tuple[str, str]] = set()
    for row in rows:
        field = FIELDS.get(row.field)
        if field is None:
            raise _bad("column_unknown", row, "no such field", ", ".join(FIELDS), row.field)
        _check_form(row, field)
        if row.verdict != "missing":
            _check_value(row, field)
        elif row.value != 0.0:
            raise _bad("number_out_of_range", row, "a missing value is written as 0", "0")
        if (row.field, row.subject) in seen:
            raise _bad("market_duplicate", row, "two rows speak of one thing", "one row each")
        seen.add((row.field, row.subject))
    _check_times(rows, as_of_ms)


def _check_form(row: Row, field: Field) -> None:
    match = _SUBJECTS[field.subject].fullmatch(row.subject)
    if match is None:
        raise _bad(
            "column_unknown",
            row,
            f"the subject of {row.field} must be a {field.subject}",
            {"pair": "BTC/USD", "dated": "BTC/USD@<ms>", "contract": "venue|native_id"}.get(
                field.subject, "USDC"
            ),
            row.subject,
        )
    if field.unit == "quote":
        right = row.unit == match.group(1)
    elif field.unit == "currency":
        right = _CURRENCY.fullmatch(row.unit) is not None
    else:
        right = row.unit == field.unit
    if not right:
        expected = match.group(1) if field.unit == "quote" else field.unit
        raise _bad("unit_wrong", row, "wrong unit", expected, row.unit)
    if row.verdict not in _GRAVITY:
        raise _bad("option_unknown", row, "no such verdict", ", ".join(VERDICTS), row.verdict)


def _check_value(row: Row, field: Field) -> None:
    value = row.value
    if not math.isfinite(value):
        raise _bad("number_not_finite", row, "a value must be finite", "finite numbers")
    below = value <= field.low if field.open_low else value < field.low
    if below or value > field.high:
        code = field.code
        if code == "price_not_positive" and value > field.high:
            code = "number_out_of_range"
        bound = "(" if field.open_low else "["
        raise _bad(
            code,
            row,
            f"{field.meaning} is out of bounds",
            f"{bound}{field.low:g}, {field.high:g}] {row.unit}",
        )
    if not 0.0 <= row.confidence <= 1.0:
        raise _bad(
            "number_out_of_range", row, "confidence is out of bounds", "[0, 1]", row.confidence
        )


def _check_time(time_ms: int, place: str) -> None:
    if not _EARLIEST_MS <= time_ms <= _LATEST_MS:
        raise MarketDataError(
            "unit_wrong",
            "a time is not in milliseconds (seconds or microseconds?)",
            place=place,
            value=time_ms,
            limit="milliseconds since 1970, 2009 to 2200",
            remedy="Give times in UTC milliseconds.",
        )


def _check_times(rows: Sequence[Row], as_of_ms: int) -> None:
    for row in rows:
        place = f"{row.field} {row.subject}"
        if not (_EARLIEST_MS <= row.event_ms <= _LATEST_MS):
            _check_time(row.event_ms, place)
        if not (_EARLIEST_MS <= row.receive_ms <= _LATEST_MS):
            _check_time(row.receive_ms, place)
        if row.event_ms > as_of_ms + AHEAD_MS_MAX:
            raise MarketDataError(
                "number_out_of_range",
                "an observation is later than the snapshot that holds it",
                place=place,
                value=format_ms(row.event_ms),
                limit=f"at most {AHEAD_MS_MAX // 1000} s after {format_ms(as_of_ms)}",
                remedy="Give the snapshot the time of its last row.",
            )


def _bad(
    code: str, row: Row, message: str, limit: str, value: object | None = None
) -> MarketDataError:
    remedies = {
        "unit_wrong": "Convert the value once, where it is read.",
        "market_duplicate": "Keep one row for each field and subject.",
        "vol_out_of_bounds": "A volatility is a fraction per year: 57.8 % is 0.578.",
    }
    return MarketDataError(
        code,
        message,
        place=f"{row.field} {row.subject}",
        value=row.value if value is None else value,
        limit=limit,
        remedy=remedies.get(code, "Correct or remove the row."),
    )


def columns_of(rows: Sequence[Row]) -> tuple[Floats, Longs, Longs, Floats]:
    """Values, event times, receive times and confidences of rows as arrays."""
    count = len(rows)
    return (
        np.fromiter((r.value for r in rows), np.float64, count),
        np.fromiter((r.event_ms for r in rows), np.int64, count),
        np.fromiter((r.receive_ms for r in rows), np.int64, count),
        np.fromiter((r.confidence for r in rows), np.float64, count),
    )
