"""The published JSON form ``margin-statement/1``: book, orders, balances, result, receipt.

The schema ships with the package (``schema/margin-statement-1.json``, JSON Schema 2020-12) and the
structures below say the same, so that a file that one accepts the other accepts too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

import msgspec

from crossmargin.core.clock import format_ms, parse_ms
from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book, Line, Order
from crossmargin.instruments.contracts import Instrument, Kind
from crossmargin.instruments.symbology import is_pair, parse
from crossmargin.venues.assemble import Row, RowKind, assemble
from crossmargin.venues.reading import JSON_BYTES_MAX, file_bytes, json_value, label
from crossmargin.venues.table import SIDES

__all__ = [
    "SCHEMA",
    "Account",
    "Balance",
    "OpenOrder",
    "Position",
    "Statement",
    "StatementFile",
    "decode_statement",
    "encode_statement",
    "read_statement",
    "schema_text",
]

SCHEMA = "margin-statement/1"
Tags = dict[str, str]
Time = str | int


class Position(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A holding of a contract, signed, in the venue's own unit; one lot of it."""

    account: str
    venue: str
    instrument: str
    quantity: float
    entry_price: float | None = None
    multiplier: float | None = None
    expiry: Time | None = None
    tags: Tags = {}
    time: Time | None = None


class OpenOrder(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A resting order: what remains of it, its side and its limit price."""

    account: str
    venue: str
    instrument: str
    side: str
    remaining: float
    limit_price: float
    reduce_only: bool = False
    mmp: bool = False
    group: str = ""
    multiplier: float | None = None
    expiry: Time | None = None
    tags: Tags = {}
    time: Time | None = None


class Balance(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """An amount of one currency, and what the venue reports of it."""

    account: str
    venue: str
    currency: str
    amount: float | None = None
    equity: float | None = None
    holds: dict[str, float] = {}
    reported: dict[str, float] = {}
    tags: Tags = {}
    time: Time | None = None


class Account(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """An account by name (it may hold nothing) and what it chose where a rule lets it choose."""

    account: str
    choices: dict[str, float] = {}


class StatementFile(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """The file: every section but the schema's name may be absent."""

    schema: str
    accounts: list[Account] = []
    book: list[Position] = []
    orders: list[OpenOrder] = []
    balances: list[Balance] = []
    result: dict[str, object] | None = None
    receipt: dict[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """A book, and the result and receipt that were written with it, if any."""

    book: Book
    result: Mapping[str, object] = field(default_factory=dict)
    receipt: Mapping[str, object] = field(default_factory=dict)


def schema_text() -> str:
    """The published JSON Schema of the form."""
    place = files("crossmargin.venues") / "schema" / "margin-statement-1.json"
    return place.read_text(encoding="utf-8")


def read_statement(path: str | Path, *, allow_duplicates: bool = False) -> Statement:
    """The statement in a file. Raises InputError with file and place inside it."""
    place = Path(path)
    data = file_bytes(place, JSON_BYTES_MAX)
    return decode_statement(
        json_value(data, str(place)), str(place), allow_duplicates=allow_duplicates
    )


def decode_statement(value: object, place: str, *, allow_duplicates: bool = False) -> Statement:
    """The statement of a decoded JSON value, strictly: unknown fields and wrong types fail."""
    if not isinstance(value, dict) or "schema" not in value:
        raise InputError(
            "version_unknown",
            "not a margin statement: the field 'schema' is absent",
            place=place,
            limit=SCHEMA,
            remedy="Write the schema's name, or say which other format the file has.",
        )
    if value["schema"] != SCHEMA:
        raise InputError(
            "version_unknown",
            "the version of the statement is not known",
            place=f"{place} $.schema",
            value=value["schema"],
            limit=SCHEMA,
            remedy="Convert the file.",
        )
    try:
        file = msgspec.convert(value, StatementFile)
    except msgspec.ValidationError as cause:
        raise _translated(str(cause), place) from None
    accounts = {each.account for each in file.accounts}
    accounts |= {each.account for each in file.book} | {each.account for each in file.orders}
    accounts |= {each.account for each in file.balances}
    names: dict[str, dict[str, float]] = {}
    for k, each in enumerate(file.accounts):
        label(each.account, f"{place} $.accounts[{k}]")
        for name, chosen in each.choices.items():
            names.setdefault(name, {})[each.account] = chosen
    rows = [*_positions(file, place), *_orders(file, place), *_balances(file, place)]
    book = assemble(
        rows,
        place,
        allow_duplicates=allow_duplicates,
        accounts=tuple(sorted(accounts)),
        choices=names,
    )
    return Statement(book=book, result=file.result or {}, receipt=file.receipt or {})


def _translated(text: str, place: str) -> InputError:
    """The decoder's complaint as one of our errors: what was wrong decides the code."""
    what, _, where = text.partition(" - at ")
    code = "file_unreadable"
    if "unknown field" in what:
        code = "column_unknown"
    elif "missing required field" in what:
        code = "column_missing"
    elif "Expected `float" in what:
        code = "number_unreadable"
    elif "Expected `bool" in what:
        code = "option_unknown"
    return InputError(
        code,
        "a field is not as the schema says",
        place=f"{place} {where.strip('`')}".rstrip(),
        value=what,
        limit=SCHEMA,
        remedy="Correct the field.",
    )


def _when(value: Time | None, place: str) -> int | None:
    return None if value is None else parse_ms(value, place)


def _tags(tags: Tags, place: str) -> tuple[tuple[str, str], ...]:
    return tuple((label(name, place), label(tags[name], place)) for name in sorted(tags))


def _positions(file: StatementFile, place: str) -> Iterator[Row]:
    for k, each in enumerate(file.book):
        where = f"{place} $.book[{k}]"
        yield Row(
            kind=RowKind.POSITION,
            account=label(each.account, where),
            venue=each.venue,
            name=each.instrument,
            quantity=each.quantity,
            place=where,
            entry_price=each.entry_price,
            multiplier=each.multiplier,
            expiry_ms=_when(each.expiry, where),
            tags=_tags(each.tags, where),
            time_ms=_when(each.time, where),
        )


def _orders(file: StatementFile, place: str) -> Iterator[Row]:
    for k, each in enumerate(file.orders):
        where = f"{place} $.orders[{k}]"
        if each.side not in SIDES:
            raise InputError(
                "order_invalid",
                "not a side",
                place=where,
                value=each.side,
                limit=", ".join(SIDES),
                remedy="Correct the side.",
            )
        yield Row(
            kind=RowKind.ORDER,
            account=label(each.account, where),
            venue=each.venue,
            name=each.instrument,
            quantity=each.remaining,
            place=where,
            multiplier=each.multiplier,
            expiry_ms=_when(each.expiry, where),
            tags=_tags(each.tags, where),
            time_ms=_when(each.time, where),
            side=SIDES[each.side],
            limit_price=each.limit_price,
            reduce_only=each.reduce_only,
            mmp=each.mmp,
            group=label(each.group, where) if each.group else "",
        )


def _balances(file: StatementFile, place: str) -> Iterator[Row]:
    for k, each in enumerate(file.balances):
        where = f"{place} $.balances[{k}]"
        if each.amount is None and each.equity is None:
            raise InputError(
                "column_missing",
                "a balance has neither amount nor equity",
                place=where,
                limit="amount, equity or both",
                remedy="Give the amount.",
            )
        yield Row(
            kind=RowKind.BALANCE,
            account=label(each.account, where),
            venue=each.venue,
            name=each.currency,
            quantity=each.amount,
            place=where,
            equity=each.equity,
            holds=tuple(sorted(each.holds.items())),
            reported=tuple(sorted(each.reported.items())),
            tags=_tags(each.tags, where),
            time_ms=_when(each.time, where),
        )


def encode_statement(
    book: Book,
    result: Mapping[str, object] | None = None,
    receipt: Mapping[str, object] | None = None,
) -> bytes:
    """The statement of a book as JSON text: lots as held, canonical order, floats to the bit.

    Raises InputError ``instrument_unknown`` for a line whose contract has no name at its venue.
    """
    items = book.instruments.items
    lines = book.lines or _merged_lines(book)
    cash = [line for line in lines if items[line.column].kind is Kind.ASSET]
    held = [line for line in lines if items[line.column].kind is not Kind.ASSET]
    file = StatementFile(
        schema=SCHEMA,
        accounts=[
            Account(account=name, choices={k: float(v[a]) for k, v in book.choices.items()})
            for a, name in enumerate(book.account)
        ],
        book=[_write_position(line, items[line.column]) for line in held],
        orders=[_write_order(order, items[order.column]) for order in book.orders.items],
        balances=_write_balances(book, cash),
        result=dict(result) if result is not None else None,
        receipt=dict(receipt) if receipt is not None else None,
    )
    return msgspec.json.format(msgspec.json.encode(file), indent=2) + b"\n"


def _merged_lines(book: Book) -> tuple[Line, ...]:
    """Lines of a population that was built from arrays, which keeps none."""
    prices = [
        float(price) if known else None
        for price, known in zip(book.entry_price, book.entry_known, strict=True)
    ]
    return tuple(
        Line(account, int(book.column[k]), float(book.quantity[k]), prices[k])
        for a, account in enumerate(book.account)
        for k in range(int(book.row[a]), int(book.row[a + 1]))
    )


def _terms(item: Instrument) -> dict[str, object]:
    """Multiplier and expiry, where the name alone does not say them."""
    bare: Instrument | None
    try:
        bare = parse(item.venue, item.native_id)
    except InputError:
        bare = None  # a contract whose size is not in the venue's table
    if bare == item:
        return {}
    extra: dict[str, object] = {}
    if bare is None or bare.multiplier != item.multiplier:
        extra["multiplier"] = item.multiplier
    full = parse(item.venue, item.native_id, multiplier=item.multiplier)
    if full.expiry_ms != item.expiry_ms:
        extra["expiry"] = format_ms(item.expiry_ms)
        full = parse(
            item.venue, item.native_id, multiplier=item.multiplier, expiry_ms=item.expiry_ms
        )
    if full != item:
        raise InputError(
            "instrument_unknown",
            "the contract's terms are not those that its name says",
            place=f"{item.venue} {item.native_id}",
            remedy="Build the contract with symbology.parse.",
        )
    return extra


def _marks(tags: tuple[tuple[str, str], ...], time_ms: int | None) -> dict[str, object]:
    extra: dict[str, object] = {"tags": dict(tags)} if tags else {}
    return extra if time_ms is None else {**extra, "time": format_ms(time_ms)}


def _write_position(line: Line, item: Instrument) -> Position:
    fields = {
        "account": line.account,
        "venue": item.venue,
        "instrument": item.native_id,
        "quantity": float(line.quantity),
        "entry_price": line.entry_price,
        **_terms(item),
        **_marks(line.tags, line.time_ms),
    }
    return msgspec.convert(fields, Position)


def _write_order(order: Order, item: Instrument) -> OpenOrder:
    fields = {
        "account": order.account,
        "venue": item.venue,
        "instrument": item.native_id,
        "side": "buy" if order.side > 0 else "sell",
        "remaining": order.remaining,
        "limit_price": order.limit_price,
        "reduce_only": order.reduce_only,
        "mmp": order.mmp,
        "group": order.group,
        **_terms(item),
        **_marks(order.tags, order.time_ms),
    }
    return msgspec.convert(fields, OpenOrder)


def _write_balances(book: Book, cash: list[Line]) -> list[Balance]:
    """Amounts as held; what the venue reports goes to the first line of its currency."""
    items = book.instruments.items
    said = {*book.reported.equity, *book.reported.holds, *book.reported.fields}
    out: list[Balance] = []
    for line in cash:
        item = items[line.column]
        if is_pair(item) or line.entry_price is not None:
            raise InputError(
                "instrument_unknown",
                "only an amount of one currency can be written as a balance",
                place=f"{item.venue} {item.native_id}",
                remedy="Hold the currency itself, without an entry price.",
            )
        key = line.account, item.native_id
        report = _report(book, key) if key in said else {}
        said.discard(key)
        fields = {
            "account": line.account,
            "venue": item.venue,
            "currency": item.native_id,
            "amount": float(line.quantity),
            **report,
            **_marks(line.tags, line.time_ms),
        }
        out.append(msgspec.convert(fields, Balance))
    venues = {item.native_id: item.venue for item in items if item.kind is Kind.ASSET}
    for account, currency in sorted(said):
        venue = venues.get(currency, items[0].venue if items else "")
        report = _report(book, (account, currency))
        fields = {"account": account, "venue": venue, "currency": currency, **report}
        out.append(msgspec.convert(fields, Balance))
    return out


def _report(book: Book, key: tuple[str, str]) -> dict[str, object]:
    reported = book.reported
    extra: dict[str, object] = {}
    if key in reported.equity:
        extra["equity"] = reported.equity[key]
    if reported.holds.get(key):
        extra["holds"] = dict(reported.holds[key])
    if reported.fields.get(key):
        extra["reported"] = dict(reported.fields[key])
    return extra
