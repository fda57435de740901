"""What a verb is given, as the rooms take it: book, snapshot, parameters, one account."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from crossmargin.core.arrays import frozen
from crossmargin.core.clock import parse_ms
from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book, Orders, Reported, account_of
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.margin.model import MarginModel
from crossmargin.margin.parameter_files import (
    Parameters,
    available,
    load,
    overlay,
    read_parameters,
)
from crossmargin.market.snapshot import Snapshot
from crossmargin.market.view import View

__all__ = [
    "BookLike",
    "MarketLike",
    "ParametersLike",
    "at_least",
    "book_of",
    "highest_price",
    "moment_of",
    "named_once",
    "one_account",
    "only_account",
    "parameters_of",
    "price_limit",
    "refuse_wrong_entries",
    "snapshot_of",
]

BookLike = Book | str | Path | Sequence[Mapping[str, Any]]
MarketLike = Snapshot | str | Path
ParametersLike = Parameters | str | Path | Mapping[str, Any]

_SAMPLE = "sample:"
_TOML_BYTES_MAX = 4_000_000
# Models whose tables of tiers may be given as the venue's payload.
_BRACKETS = ("binance-usdm", "binance-pm")
_MARGIN_TABLES = ("hyperliquid", "hyperliquid-pm")
# Accounts that an error names one by one.
_NAMES_MAX = 5
_MARGINING = ("kraken-options-pm",)
_FLAT = ("sensitivities-crif",)


def book_of(
    source: BookLike,
    *,
    venue: str | None = None,
    form: str | None = None,
    allow_duplicates: bool = False,
) -> Book:
    """A book from a file, from rows with the columns of a book file, or as it is."""
    if isinstance(source, Book):
        return source
    if isinstance(source, str | Path):
        from crossmargin.venues.books import read_book  # the readers, only where a file is read

        return read_book(
            _place(source), venue=venue, allow_duplicates=allow_duplicates, format=form
        )
    if isinstance(source, Mapping | bytes) or not isinstance(source, Iterable):
        raise _no_source("book", source, "a Book, the path of a file, or a list of rows")
    return _book_of_rows(source, venue, allow_duplicates)


def _no_source(what: str, source: object, limit: str) -> InputError:
    return InputError(
        "option_unknown",
        f"this is no {what}",
        place=what,
        value=type(source).__name__,
        limit=limit,
        remedy=f"Give the {what}.",
    )


def _place(source: str | Path, *, market: bool = False) -> str | Path:
    """A path; ``sample:market-maker`` and ``sample:market`` name what ships with the package."""
    if not isinstance(source, str) or not source.startswith(_SAMPLE):
        return source
    from crossmargin.sample import BOOKS, book_path, market_path  # only for a sample

    name = source.removeprefix(_SAMPLE)
    if market != (name == "market"):
        raise InputError(
            "option_unknown",
            "no such sample market" if market else "the sample market is not a book",
            value=source,
            limit="sample:market" if market else ", ".join(_SAMPLE + book for book in BOOKS),
            remedy="Choose one of those, or give a file.",
        )
    return market_path() if market else book_path(name)


def _book_of_rows(
    rows: Iterable[Mapping[str, Any]], venue: str | None, allow_duplicates: bool
) -> Book:
    from crossmargin.venues.assemble import assemble
    from crossmargin.venues.table import check_columns, row_of

    kept = []
    for number, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise _no_source(f"row (row {number} of the book)", row, "a mapping by column")
        kept.append(dict(row))
        _refuse_texts(row, number)
    names = list(dict.fromkeys(name for row in kept for name in row))
    if kept:
        check_columns(names, "rows", venue=venue is not None)
    lines = [row_of(row, f"row {number}", venue, None) for number, row in enumerate(kept)]
    return assemble(lines, "rows", allow_duplicates=allow_duplicates)


_NUMBERS = ("quantity", "remaining", "amount", "entry_price", "limit_price", "equity", "multiplier")


def _refuse_texts(row: Mapping[str, Any], number: int) -> None:
    """In a row of Python values a quantity is a number: a text is a slip, not a cell of a file."""
    for name in _NUMBERS:
        if isinstance(row.get(name), str) and row[name] != "":
            raise InputError(
                "number_unreadable",
                "a text where a number is expected",
                place=f"row {number} {name}",
                value=row[name],
                limit="an int or float",
                remedy="Convert it first.",
            )


def refuse_wrong_entries(book: Book, view: View) -> None:
    """InputError for an entry price or an order's limit that its contract cannot have.

    ``price_not_positive``: a future or perpetual at zero or less, an option below zero.
    ``unit_wrong``: a coin-settled call above 1 coin, a put above twice strike / index (the index
    may have halved since the entry), which is a price in dollars.
    """
    table = book.instruments
    kind, column = table.kind[book.column], book.column
    price, known = book.entry_price, book.entry_known
    option = kind == Kind.OPTION
    delta_one = (kind == Kind.FUTURE) | (kind == Kind.PERPETUAL)
    low = known & ((delta_one & (price <= 0.0)) | (option & (price < 0.0)))
    if low.any():
        raise _wrong_entry(book, int(np.argmax(low)), "price_not_positive", "above 0")
    for k in np.flatnonzero(known & option & (price > 1.0)).tolist():
        item = table.items[int(column[k])]
        if not item.inverse:
            continue
        if price[k] <= highest_price(item, float(view.index[table.pair[column[k]]])):
            continue
        raise _wrong_entry(book, k, "unit_wrong", price_limit(item))
    coins = set(np.flatnonzero((table.kind == Kind.OPTION) & table.inverse).tolist())
    for order in book.orders.items:
        if order.limit_price <= 1.0 or order.column not in coins:
            continue
        item = table.items[order.column]
        if order.limit_price <= highest_price(item, float(view.index[table.pair[order.column]])):
            continue
        label = table.label(order.column)
        raise InputError(
            "unit_wrong",
            "the limit is not one that this contract can have",
            place=f"{order.place or order.account} {label} limit_price",
            value=order.limit_price,
            limit=price_limit(item),
            remedy="Give the limit in the contract's own unit.",
        )


def highest_price(item: Instrument, index: float) -> float:
    """The highest price of one contract that can be meant in its own unit.

    A coin-settled call is worth at most 1 coin, a put strike / index, twice that after a halving of
    the index; more is a price in dollars. Infinite for every other contract.
    """
    if item.kind != Kind.OPTION or not item.inverse:
        return math.inf
    return max(2.0 * item.strike / index, 1.0) if item.right < 0 and index > 0.0 else 1.0


def price_limit(item: Instrument) -> str:
    """What :func:`highest_price` asks for, in words."""
    return f"a price in {item.settle}: at most 1 for a call, about strike / index for a put"


def _wrong_entry(book: Book, row: int, code: str, limit: str) -> InputError:
    """The error of one position, at the line that it was read from where that is known."""
    column, price = int(book.column[row]), float(book.entry_price[row])
    account = book.account[int(np.searchsorted(book.row, row, side="right")) - 1]
    places = [x.place for x in book.lines if (x.account, x.column) == (account, column)]
    label = book.instruments.label(column)
    return InputError(
        code,
        "the entry price is not one that this contract can have",
        place=f"{places[0]} {label} entry_price" if places and places[0] else f"{account} {label}",
        value=price,
        limit=limit,
        remedy="Give the price in the contract's own unit, or leave it out.",
    )


def snapshot_of(source: MarketLike, at: str | int | None = None) -> Snapshot:
    """A snapshot from its own file, from any file that can be imported, or as it is."""
    if isinstance(source, Snapshot):
        return source
    if not isinstance(source, str | Path):
        raise _no_source("market", source, "a snapshot, or the path of a market file")
    from crossmargin.venues.market_import import read_market  # only where a file is read

    return read_market(_place(source, market=True), at_ms=moment_of(at, "--at"))


def moment_of(time: str | int | None, place: str) -> int | None:
    """UTC milliseconds of a text with its zone or of integer milliseconds."""
    return None if time is None else parse_ms(time, place)


def at_least(number: int, least: int, place: str) -> None:
    """Raises InputError ``number_out_of_range`` for a count below ``least``."""
    if number < least:
        raise InputError(
            "number_out_of_range",
            "the count is too small",
            place=place,
            value=number,
            limit=f">= {least}",
            remedy=f"Give {least} or more.",
        )


def named_once(names: Sequence[str]) -> list[str]:
    """The names without spaces around them; InputError where one stands twice."""
    found = [name.strip() for name in names]
    twice = sorted({name for name in found if found.count(name) > 1})
    if twice:
        raise InputError(
            "option_unknown",
            "a model is named twice",
            place="models",
            value=", ".join(twice),
            limit="each model once",
            remedy="Name it once.",
        )
    return found


def parameters_of(
    model: MarginModel,
    as_of_ms: int,
    source: ParametersLike | None = None,
    changes: Mapping[str, Any] | None = None,
    account: str | None = None,
) -> tuple[Parameters, dict[str, Any]]:
    """The set to use and what was changed by hand.

    ``account``: whose set, where a venue has several in force at once.

    ``source``: None (the set in force at ``as_of_ms``), the label of a set that ships
    (``2026-02-15``), a TOML file (a full set, or changes only), a mapping of changes, or a set.
    Changes are dotted names; each stays inside the bounds of its entry.
    """
    made: dict[str, Any] = {}
    if isinstance(source, Parameters):
        base = _same_model(model, source, source.label)
    elif isinstance(source, str | Path):
        base, made = _from_text(model, as_of_ms, source)
    else:
        base = load(model.spec.folder, as_of_ms, account)
        made = _flat(source or {})
    made = {**made, **_flat(changes or {})}
    return (overlay(base, made, "changed by hand") if made else base), made


def _from_text(
    model: MarginModel, as_of_ms: int, source: str | Path
) -> tuple[Parameters, dict[str, Any]]:
    shipped = {known.label: known for known in available(model.spec.folder)}
    if str(source) in shipped:
        return shipped[str(source)], {}
    place = Path(source)
    if model.spec.folder in _FLAT and str(source).partition("#")[0].endswith(".csv"):
        from crossmargin.venues.sensitivity_files import with_file  # only for such a file

        return with_file(load(model.spec.folder, as_of_ms), str(source)), {}
    if not place.is_file():
        raise InputError(
            "file_unreadable",
            "no such parameter file, and no set of that label ships with the model",
            place=str(source),
            limit=f"a TOML file, or one of {', '.join(shipped)}",
            remedy="Give a file, or a label that `crossmargin models NAME` lists.",
        )
    if place.suffix == ".json":
        return _from_tables(model, as_of_ms, place), {}
    import tomllib

    from crossmargin.venues.reading import file_bytes  # the strict door of every reader

    try:
        text = file_bytes(place, _TOML_BYTES_MAX).decode("utf-8")
        content = tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as cause:
        raise InputError(
            "file_unreadable",
            f"not TOML ({cause})",
            place=str(place),
            limit="a full set, or a table of changes",
            remedy="Correct the file.",
        ) from None
    if "model" in content:
        return _same_model(model, read_parameters(text, place.name), str(place)), {}
    return load(model.spec.folder, as_of_ms), _flat(content)


def _from_tables(model: MarginModel, as_of_ms: int, place: Path) -> Parameters:
    """The set in force with the tables of tiers of a venue's payload."""
    folder = model.spec.folder
    base = load(folder, as_of_ms)
    if folder in _BRACKETS:
        from crossmargin.venues.params_binance import with_leverage_tiers  # only for a payload

        return with_leverage_tiers(base, place, str(place))
    if folder in _MARGIN_TABLES:
        from crossmargin.venues.params_hyperliquid import with_margin_tables

        return with_margin_tables(base, place, str(place))
    if folder in _MARGINING:
        from crossmargin.venues.params_kraken import with_margining_parameters

        return with_margining_parameters(base, place, str(place))
    raise InputError(
        "option_unknown",
        "parameters of this model are TOML",
        place=str(place),
        value=model.spec.name,
        limit=", ".join((*_BRACKETS, *_MARGIN_TABLES, *_MARGINING)),
        remedy="Give a TOML file.",
    )


def _same_model(model: MarginModel, given: Parameters, place: str) -> Parameters:
    own = available(model.spec.folder)[-1].model
    if given.model != own:
        raise InputError(
            "option_unknown",
            "the parameters are those of another model",
            place=place,
            value=given.model,
            limit=own,
            remedy="Give the parameters of the model that is asked for.",
        )
    return given


def _flat(changes: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested tables as dotted names."""
    out: dict[str, Any] = {}
    for name, value in changes.items():
        if isinstance(value, Mapping):
            out.update(_flat(value, f"{prefix}{name}."))
        else:
            out[prefix + name] = value
    return out


def only_account(book: Book, what: str) -> Book:
    """The book itself if it has one account; InputError ``option_unknown`` that names several."""
    if len(book) == 1:
        return book
    shown = ", ".join(book.account[:_NAMES_MAX]) + (", …" if len(book) > _NAMES_MAX else "")
    raise InputError(
        "option_unknown",
        f"{what} is of one account",
        place="--account",
        value=f"{len(book)} accounts in the book",
        limit=f"one of {shown}" if len(book) else "1 account",
        remedy="Choose one with --account.",
    )


def one_account(book: Book, name: str) -> Book:
    """The book of one account alone, over the instruments that it holds or has orders in.

    What another account holds can then neither fail nor lengthen the result of this one.
    """
    number = account_of(book, name)
    part = book.rows(number, number + 1)
    used = np.unique(np.concatenate([part.column, part.orders.column]))
    table = Instruments.of(book.instruments.items[k] for k in used.tolist())
    # Both tables are in canonical order, so that codes keep their order.
    place = np.full(len(book.instruments), -1, np.int32)
    place[used] = np.arange(len(used), dtype=np.int32)
    orders = [replace(o, column=int(place[o.column])) for o in part.orders.items]
    lines = [line for line in book.lines if line.account == name]
    said = book.reported
    return replace(
        part,
        instruments=table,
        account=(name,),
        column=frozen(place[part.column], np.int32),
        orders=Orders.of(orders, (name,)),
        reported=Reported(
            {key: value for key, value in said.equity.items() if key[0] == name},
            {key: value for key, value in said.holds.items() if key[0] == name},
            {key: value for key, value in said.fields.items() if key[0] == name},
        ),
        lines=tuple(replace(line, column=int(place[line.column])) for line in lines),
        lots_merged=len(lines) - len(part.column) if lines else 0,
    )
