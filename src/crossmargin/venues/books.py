"""Books in and out of files: one reader for every format, one writer for the published form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book
from crossmargin.venues.assemble import Row, assemble
from crossmargin.venues.book_arrow import arrow_rows
from crossmargin.venues.book_csv import csv_rows
from crossmargin.venues.ccxt_book import ccxt_rows, from_ccxt
from crossmargin.venues.crif import read_crif
from crossmargin.venues.crif_book import crif_book
from crossmargin.venues.deribit_book import deribit_rows, from_deribit
from crossmargin.venues.payload import items_of
from crossmargin.venues.reading import JSON_BYTES_MAX, file_bytes, json_value, unreadable
from crossmargin.venues.statement import decode_statement, encode_statement, read_statement

__all__ = [
    "FORMATS",
    "from_ccxt",
    "from_deribit",
    "read_book",
    "read_statement",
    "write_book",
]

_SUFFIXES = {
    ".csv": "csv",
    ".json": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".ipc": "arrow",
    ".feather": "arrow",
}
# What a file with several replies of Deribit side by side holds, and nothing else.
_SECTIONS = frozenset({"positions", "orders", "summaries"})
FORMATS = ("csv", "json", "parquet", "arrow", "deribit", "ccxt", "crif")


def read_book(
    path: str | Path,
    *,
    venue: str | None = None,
    account: str | None = None,
    allow_duplicates: bool = False,
    format: str | None = None,  # noqa: A002 - the word that every user of a file knows
) -> Book:
    """The book in a file; the suffix names the format unless ``format`` does.

    ``venue`` and ``account`` stand where the file names none (default account: main). Formats:
    csv, json (the form ``margin-statement/1``, or replies of Deribit), parquet, arrow; deribit
    ({"positions", "orders", "summaries"}: replies) and ccxt ({"positions", "orders", "balance"}:
    structures, with ``venue`` as ccxt's id); crif (a sensitivity file: one account a portfolio).
    Raises InputError with one code, the place, what was found, the limit and the remedy.
    """
    place = Path(path)
    form = format if format is not None else _SUFFIXES.get(place.suffix.lower())
    if form not in FORMATS:
        raise InputError(
            "option_unknown",
            "the format of the book is not known",
            place=str(place),
            value=format if format is not None else place.suffix,
            limit=", ".join(FORMATS),
            remedy="Name the format.",
        )
    if form in ("json", "deribit", "ccxt"):
        return _read_json(place, form, venue, account, allow_duplicates)
    if form == "crif":
        return crif_book(read_crif(place, account or "main"))
    rows: Iterable[Row]
    if form == "csv":
        rows = csv_rows(place, venue, account)
    else:
        rows = arrow_rows(place, form, venue, account)
    return assemble(rows, str(place), allow_duplicates=allow_duplicates)


def _read_json(
    path: Path, form: str, venue: str | None, account: str | None, allow_duplicates: bool
) -> Book:
    place = str(path)
    value = json_value(file_bytes(path, JSON_BYTES_MAX), place)
    if form == "json" and isinstance(value, Mapping) and value and value.keys() <= _SECTIONS:
        form = "deribit"
    if form in ("json", "deribit") and _is_reply(value, form):
        reply = value if isinstance(value, Mapping) and "summaries" not in value else None
        rows = _reply_rows(reply or {"result": value}, account or "main")
    elif form == "json":
        return decode_statement(value, place, allow_duplicates=allow_duplicates).book
    else:
        rows = _section_rows(value, place, form, venue, account or "main")
    return assemble(rows, place, allow_duplicates=True)


def _is_reply(value: object, form: str) -> bool:
    """A JSON-RPC reply of Deribit; where the format is named, also its bare result."""
    if isinstance(value, Mapping):
        if form == "json":
            return "jsonrpc" in value
        # {"id": .., "summaries": [...]} is a result; {"summaries": ...} alone is a section.
        bare = "summaries" in value and not value.keys() <= _SECTIONS
        return "jsonrpc" in value or "result" in value or bare
    return form == "deribit" and isinstance(value, list)


def _reply_rows(value: Mapping[str, object], account: str) -> list[Row]:
    """Rows of one Deribit reply; what is in it says which of the three it is."""
    result = value.get("result")
    if isinstance(result, Mapping):
        return deribit_rows(None, None, value, account)
    first = result[0] if isinstance(result, list) and result else {}
    if isinstance(first, Mapping) and "currency" in first and "instrument_name" not in first:
        return deribit_rows(None, None, value, account)
    if isinstance(first, Mapping) and "order_id" in first:
        return deribit_rows(None, value, None, account)
    return deribit_rows(value, None, None, account)


def _section_rows(
    value: object, place: str, form: str, venue: str | None, account: str
) -> list[Row]:
    """Rows of a file that holds several replies or structures side by side."""
    last = "summaries" if form == "deribit" else "balance"
    known = {"positions", "orders", last}
    if not isinstance(value, Mapping) or not value or value.keys() - known:
        found = sorted(value) if isinstance(value, Mapping) else type(value).__name__
        names = ", ".join(sorted(known))
        raise unreadable(f"an object with {names} was expected", place, found)
    if any(isinstance(part, str) for part in value.values()):
        # A text would name a further file; what a file holds never opens another one.
        raise unreadable("a reply is an object or a list", place)
    if form == "deribit":
        return deribit_rows(value.get("positions"), value.get("orders"), value.get(last), account)
    balance = value.get("balance")
    return ccxt_rows(
        venue or "",
        items_of(value.get("positions") or [], f"{place} positions"),
        items_of(value.get("orders") or [], f"{place} orders"),
        balance if isinstance(balance, Mapping) else None,
        account,
    )


def write_book(
    book: Book,
    path: str | Path,
    *,
    result: Mapping[str, object] | None = None,
    receipt: Mapping[str, object] | None = None,
) -> None:
    """Writes the book as ``margin-statement/1``; reading it back gives the same hashes.

    Raises InputError ``instrument_unknown`` for a contract without a name at its venue,
    ``file_unreadable`` where the file cannot be written.
    """
    data = encode_statement(book, result, receipt)
    try:
        Path(path).write_bytes(data)
    except OSError as cause:
        raise unreadable(
            f"the file cannot be written ({cause.strerror})", str(path), remedy="Choose a folder."
        ) from None
