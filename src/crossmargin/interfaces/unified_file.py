"""The file of a unified account (TOML or JSON): which books, markets, models and venues it joins.

Places in it are relative to its folder. Unknown keys are refused by name: a misspelt condition
would otherwise stand at its default without a word.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from crossmargin.accounts.unified import NET_MODEL
from crossmargin.accounts.venue_accounts import LendingTerms, Rules, Trust, VenueAccount
from crossmargin.core.arrays import frozen
from crossmargin.core.errors import InputError
from crossmargin.instruments.book import Book, Line
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.instruments.names_lending import DEBT_PREFIX
from crossmargin.interfaces.sources import (
    book_of,
    moment_of,
    one_account,
    only_account,
    parameters_of,
    refuse_wrong_entries,
    snapshot_of,
)
from crossmargin.margin.model import MarginModel
from crossmargin.margin.register import model_named
from crossmargin.venues.reading import file_bytes, real

__all__ = ["SCHEMA", "UnifiedFile", "read_unified"]

SCHEMA = "unified/1"
_BYTES_MAX = 4_000_000
_TOP = ("schema", "name", "as_of", "not_before", "net", "rules", "volatility", "account")
_ACCOUNT = (
    "name",
    "venue",
    "book",
    "market",
    "model",
    "params",
    "account",
    "money",
    "as_of",
    "block",
    "book_sha256",
    "orders_sha256",
    "market_sha256",
    "reported_equity_usd",
    "trust",
    "collateral",
    "debt",
    "choices",
)
_HASHES = ("book_sha256", "orders_sha256", "market_sha256")
_SAMPLE = "sample:"


@dataclass(frozen=True, slots=True)
class UnifiedFile:
    """What the file says, read and checked."""

    name: str
    accounts: tuple[VenueAccount, ...]
    net_model: str
    rules: Rules
    volatility: Mapping[str, float]
    now_ms: int | None
    not_before_ms: int | None


def read_unified(source: str | Path) -> UnifiedFile:
    """The file, with every book and market that it names; InputError with the place otherwise."""
    place = _place(source)
    content = _content(place)
    _known(content, _TOP, place.name)
    if content.get("schema") != SCHEMA:
        raise InputError(
            "version_unknown",
            "not the schema of a unified account",
            place=place.name,
            value=content.get("schema"),
            limit=SCHEMA,
            remedy=f'Write schema = "{SCHEMA}".',
        )
    net = _table(content, "net", place.name)
    _known(net, ("model",), f"{place.name} net")
    accounts = content.get("account")
    if not isinstance(accounts, list) or not accounts:
        raise _missing("account", place.name)
    vols = _table(content, "volatility", place.name)
    return UnifiedFile(
        name=str(content.get("name", place.stem)),
        accounts=tuple(
            _account(each, f"{place.name} account {number}", place.parent)
            for number, each in enumerate(accounts, 1)
        ),
        net_model=str(net.get("model", NET_MODEL)),
        rules=Rules(**_numbers(_table(content, "rules", place.name), Rules, f"{place.name} rules")),
        volatility={name: real(value, f"volatility {name}") for name, value in vols.items()},
        now_ms=moment_of(content.get("as_of"), f"{place.name} as_of"),
        not_before_ms=moment_of(content.get("not_before"), f"{place.name} not_before"),
    )


def _place(source: str | Path) -> Path:
    if isinstance(source, str) and source.startswith(_SAMPLE):
        from crossmargin.sample import unified_path  # only for a sample

        return unified_path(source.removeprefix(_SAMPLE))
    return Path(source)


def _content(place: Path) -> dict[str, Any]:
    try:
        text = file_bytes(place, _BYTES_MAX).decode("utf-8")
        found = json.loads(text) if place.suffix == ".json" else tomllib.loads(text)
    except (UnicodeDecodeError, ValueError) as cause:
        raise InputError(
            "file_unreadable",
            f"neither TOML nor JSON ({cause})",
            place=str(place),
            limit="a table",
            remedy="Correct the file.",
        ) from None
    if not isinstance(found, dict):
        raise _wrong(place.name, found, "a table")
    return found


def _known(table: Mapping[str, Any], names: Iterable[str], place: str) -> None:
    allowed = tuple(names)
    for name in table:
        if name not in allowed:
            raise InputError(
                "column_unknown",
                "a key is not part of the format",
                place=place,
                value=name,
                limit=", ".join(allowed),
                remedy="Correct or remove it.",
            )


def _table(content: Mapping[str, Any], name: str, place: str) -> dict[str, Any]:
    found = content.get(name, {})
    if not isinstance(found, dict):
        raise _wrong(f"{place} {name}", found, "a table")
    return found


def _wrong(place: str, value: object, limit: str) -> InputError:
    return InputError(
        "file_unreadable",
        "not what is expected here",
        place=place,
        value=value,
        limit=limit,
        remedy="Correct the file.",
    )


def _missing(name: str, place: str) -> InputError:
    return InputError(
        "column_missing",
        "a required key is absent",
        place=place,
        value=name,
        remedy="Give it.",
    )


def _numbers(table: Mapping[str, Any], kind: type, place: str) -> dict[str, Any]:
    """The fields of a record as the file gives them; bounds are the record's own."""
    _known(table, [each.name for each in fields(kind)], place)
    out: dict[str, Any] = {}
    for name, value in table.items():
        where = f"{place} {name}"
        if name in ("oracle", "chain"):
            out[name] = str(value)
        elif name == "lower_of":
            if not isinstance(value, bool):
                raise _wrong(where, value, "true or false")
            out[name] = value
        elif name == "asset_caps_usd":
            caps = _table(table, name, place)
            out[name] = {each: real(cap, f"{where}.{each}") for each, cap in caps.items()}
        else:
            out[name] = real(value, where)
    return out


def _account(table: object, place: str, folder: Path) -> VenueAccount:
    if not isinstance(table, dict):
        raise _wrong(place, table, "a table")
    _known(table, _ACCOUNT, place)
    for name in ("name", "market"):
        if not isinstance(table.get(name), str):
            raise _missing(name, place)
    place = f"{place} ({table['name']})"
    lending = "collateral" in table or "debt" in table
    if lending == ("book" in table) or not (lending or "model" in table):
        raise InputError(
            "option_unknown",
            "an account has a book and a model, or the collateral and debt of a lending pool",
            place=place,
            limit="book and model, or collateral and debt with a protocol's model or their terms",
            remedy="Give one of the two.",
        )
    snapshot = snapshot_of(_beside(table["market"], folder))
    as_of = moment_of(table.get("as_of"), f"{place} as_of")
    common: dict[str, Any] = {
        "name": table["name"],
        "snapshot": snapshot,
        "as_of_ms": snapshot.as_of_ms if as_of is None else as_of,
        "trust": Trust(**_numbers(_table(table, "trust", place), Trust, f"{place} trust")),
        "money": str(table.get("money", "USDC")),
        "block": _block(table.get("block"), place),
        "claimed": {name: str(table[name]) for name in _HASHES if name in table},
        "reported_equity_usd": _optional(table.get("reported_equity_usd"), place),
    }
    if lending and "model" not in table:
        return _loan(table, place, common)
    model = model_named(str(table["model"]))
    if lending:
        book = _position(table, place, model, str(common["name"]))
    else:
        book = book_of(_beside(table["book"], folder), venue=table.get("venue"))
        wanted = table.get("account")
        book = only_account(book, place) if wanted is None else one_account(book, str(wanted))
    refuse_wrong_entries(book, snapshot.view(book.instruments))
    given = table.get("params")
    source = str(_beside(given, folder)) if isinstance(given, str) and "." in given else given
    parameters, _ = parameters_of(model, snapshot.as_of_ms, source, None, book.account[0])
    venue = model.spec.venue or next((item.venue for item in book.instruments.items), "")
    return VenueAccount(venue=venue, book=book, model=model, parameters=parameters, **common)


def _optional(value: object, place: str) -> float | None:
    return None if value is None else real(value, f"{place} reported_equity_usd")


def _block(value: object, place: str) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return value
    raise _wrong(f"{place} block", value, "a block height")


def _beside(source: object, folder: Path) -> str | Path:
    """A place of the file: relative to its folder; what ships with the package by its name."""
    text = str(source)
    return text if text.startswith(_SAMPLE) else folder / text


def _rows(
    table: Mapping[str, Any], name: str, keys: tuple[str, ...], place: str
) -> list[tuple[dict[str, Any], str]]:
    """The rows of collateral or debt with their places; each has every key and no other."""
    rows = table.get(name, [])
    if not isinstance(rows, list):
        raise _wrong(f"{place} {name}", rows, "tables")
    out = []
    for number, row in enumerate(rows, 1):
        where = f"{place} {name} {number}"
        if not isinstance(row, dict):
            raise _wrong(where, row, "a table")
        _known(row, keys, where)
        for key in keys:
            if key not in row:
                raise _missing(key, where)
        out.append((row, where))
    return out


def _position(table: Mapping[str, Any], place: str, model: MarginModel, owner: str) -> Book:
    """A position of a lending protocol: what is supplied and what is owed; its set has the terms.

    Raises InputError ``option_unknown`` for a model that is no lending protocol's.
    """
    if model.spec.family != "lending" or not model.spec.venue:
        raise InputError(
            "option_unknown",
            "collateral and debt stand under the model of a lending protocol",
            place=f"{place} model",
            value=model.spec.name,
            limit="aave-v3, compound-v3, maker, …",
            remedy="Name the protocol's model, or give a book.",
        )
    venue = model.spec.venue
    lines: list[tuple[Instrument, float]] = []
    for name, kind, prefix in (
        ("collateral", Kind.ASSET, ""),
        ("debt", Kind.DEBT, DEBT_PREFIX),
    ):
        for row, where in _rows(table, name, ("asset", "quantity"), place):
            asset = str(row["asset"])
            item = Instrument(venue, f"{prefix}{asset}", kind, asset, "USD", asset)
            lines.append((item, _bounded(row["quantity"], f"{where} quantity", 1e24)))
    held = Instruments.of(item for item, _ in lines)
    at = held.index_of()
    book = Book.of(held, [Line(owner, at[item.key], q) for item, q in lines])
    chosen = _table(table, "choices", place)
    made = {
        name: frozen([real(value, f"{place} choices {name}")], np.float64)
        for name, value in chosen.items()
    }
    return replace(book, choices=made) if made else book


def _loan(table: Mapping[str, Any], place: str, common: dict[str, Any]) -> VenueAccount:
    """A lending position given by its numbers: collateral with its terms, and debts."""
    venue = str(table.get("venue", "lending"))
    lines: list[tuple[Instrument, float]] = []
    ltv: dict[str, float] = {}
    threshold: dict[str, float] = {}
    for sign, name, keys in (
        (1.0, "collateral", ("asset", "quantity", "ltv", "threshold")),
        (-1.0, "debt", ("asset", "quantity")),
    ):
        for row, where in _rows(table, name, keys, place):
            asset = str(row["asset"])
            quantity = _bounded(row["quantity"], f"{where} quantity", 1e24)
            lines.append(
                (Instrument(venue, asset, Kind.ASSET, asset, "USD", asset), sign * quantity)
            )
            if sign > 0.0:
                threshold[asset] = _bounded(row["threshold"], f"{where} threshold", 1.0)
                ltv[asset] = _bounded(row["ltv"], f"{where} ltv", threshold[asset])
    held = Instruments.of(item for item, _ in lines)
    at = held.index_of()
    owner = str(common["name"])
    book = Book.of(held, [Line(owner, at[item.key], q) for item, q in lines])
    return VenueAccount(venue=venue, book=book, terms=LendingTerms(ltv, threshold), **common)


def _bounded(value: object, place: str, high: float) -> float:
    found = real(value, place)
    if not 0.0 <= found <= high:
        raise InputError(
            "number_out_of_range",
            "a number of a lending position lies outside its bounds",
            place=place,
            value=found,
            limit=f"0 to {high:g}",
            remedy="Correct the number.",
        )
    return found
