"""Legs as a person or a program writes them, and candidates from a file.

    "BTC-27MAR26-100000-C:-3@0.0125"     three sold at 0.0125
    "BTC-PERPETUAL:1000"                  bought at the ask
    ("BTC-PERPETUAL", 1000.0, 91_000.0)   name, signed size, price
    {"instrument": …, "side": "sell", "size": 3, "price": 0.0125, "reduce_only": True}
    Trade("BTC-PERPETUAL", 1000.0)        a trade of a decision's intents

A name of another venue than the book's only one is written ``venue|NAME``.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from crossmargin.core.clock import format_ms
from crossmargin.core.errors import InputError
from crossmargin.decisions.intents import Trade
from crossmargin.instruments.contracts import Instrument

__all__ = ["Candidate", "LegLike", "Wanted", "candidates_of", "find_instrument", "wanted"]

_SIDES = {"buy": 1.0, "sell": -1.0}
_FLAGS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False, "": False}
_COLUMNS = ("candidate", "instrument", "side", "size", "price", "reduce_only")
_FORM = "NAME:SIZE[@PRICE], a sale with a negative size"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A leg before its name is looked up; ``price`` None is the executable side."""

    name: str
    size: float
    price: float | None = None
    reduce_only: bool = False

    def text(self) -> str:
        """The form of the command line."""
        price = "" if self.price is None else f"@{self.price:.15g}"
        return f"{self.name}:{self.size:.15g}{price}"


@dataclass(frozen=True, slots=True)
class Candidate:
    """Legs that are tried together, and what they are called."""

    name: str
    legs: tuple[Wanted, ...]


LegLike = str | Wanted | Trade | Mapping[str, Any] | tuple[Any, ...]


def wanted(leg: LegLike, place: str = "--add") -> Wanted:
    """One leg from any of its forms; InputError ``order_invalid`` or of a bad number."""
    if isinstance(leg, Wanted):
        return leg
    if isinstance(leg, str):
        return _of_text(leg, place)
    if isinstance(leg, Trade):
        name = f"{leg.venue}|{leg.instrument}" if leg.venue else leg.instrument
        return Wanted(name, leg.size, leg.price, leg.reduce_only)
    if isinstance(leg, Mapping):
        return _of_cells(leg, place)
    if not isinstance(leg, tuple | list):
        raise _bad_leg("not a leg", place, leg, _FORM)
    if not 2 <= len(leg) <= 3 or not isinstance(leg[0], str):
        raise _bad_leg("not a leg", place, leg, "(name, size) or (name, size, price)")
    return Wanted(leg[0], _number(leg[1], place), _price(leg[2:], place))


def _price(cells: Sequence[Any], place: str) -> float | None:
    return _number(cells[0], place) if cells and cells[0] is not None else None


def _of_text(text: str, place: str) -> Wanted:
    name, colon, rest = text.rpartition(":")
    size, at, price = rest.partition("@")
    if not (name and colon and size) or (at and not price):
        raise _bad_leg("the leg cannot be read", place, text, _FORM)
    return Wanted(name.strip(), _number(size, place), _number(price, place) if at else None)


def _of_cells(cells: Mapping[str, Any], place: str) -> Wanted:
    unknown = [str(name) for name in cells if name not in _COLUMNS]
    if unknown:
        raise InputError(
            "column_unknown",
            "a field is not part of a leg",
            place=place,
            value=unknown[0],
            limit=", ".join(_COLUMNS),
            remedy="Remove it.",
        )
    name, size = cells.get("instrument"), cells.get("size")
    if not isinstance(name, str) or not name or size in (None, ""):
        raise InputError(
            "column_missing",
            "a leg names an instrument and a size",
            place=place,
            remedy="Give both.",
        )
    amount = _number(size, place)
    side = cells.get("side")
    if side not in (None, ""):
        if side not in _SIDES:
            raise _bad_leg("not a side", f"{place} side", side, ", ".join(_SIDES))
        if not amount > 0.0:
            raise _bad_leg("with a side the size is positive", f"{place} size", size, "> 0")
        amount *= _SIDES[str(side)]
    given = cells.get("price")
    price = None if given in (None, "") else _number(given, place)
    flag = str(cells.get("reduce_only") or "").lower()
    if flag not in _FLAGS:
        raise _bad_leg("not a flag", f"{place} reduce_only", flag, "true or false")
    return Wanted(name, amount, price, _FLAGS[flag])


def _number(value: Any, place: str) -> float:
    if type(value) is float and isfinite(value):
        return value
    from crossmargin.venues.reading import number, real  # the strict doors of every reader

    if isinstance(value, str):
        # A sign is written with every sale and may be written with a purchase.
        return number(value.strip().removeprefix("+"), place)
    return real(value, place)


def _bad_leg(why: str, place: str, value: object, limit: str) -> InputError:
    return InputError(
        "order_invalid", why, place=place, value=value, limit=limit, remedy="Correct the leg."
    )


def candidates_of(source: Any) -> tuple[Candidate, ...]:
    """Candidates from a CSV file, or from a sequence of legs or of sequences of legs.

    A file that ends in .json holds the intents of a decision (``--intents FILE.json``): one
    candidate a group of trades.

    The file has a row a leg with the columns instrument, size and, where wanted, candidate, side,
    price, reduce_only; rows of one ``candidate`` are tried together.
    """
    if isinstance(source, str | Path):
        path = Path(source)
        return _of_intents(path) if path.suffix.lower() == ".json" else _of_file(path)
    out = []
    for number, each in enumerate(source, start=1):
        place = f"candidate {number}"
        many = isinstance(each, list) or (
            isinstance(each, tuple) and not (each and isinstance(each[0], str) and len(each) > 1)
        )
        legs = tuple(wanted(leg, place) for leg in each) if many else (wanted(each, place),)
        out.append(Candidate(" ".join(leg.text() for leg in legs), legs))
    return tuple(out)


def _of_intents(path: Path) -> tuple[Candidate, ...]:
    from crossmargin.venues.reading import text_lines  # streams, and refuses what is no text

    try:
        read = json.loads("".join(text_lines(path)))
    except json.JSONDecodeError as cause:
        raise InputError(
            "file_unreadable", f"not JSON ({cause})", place=str(path), remedy="Correct the file."
        ) from None
    groups = read.get("groups", [read]) if isinstance(read, Mapping) else None
    if not isinstance(groups, list) or not all(isinstance(each, Mapping) for each in groups):
        raise _bad_leg("not the intents of a decision", str(path), type(read).__name__, "groups")
    found = []
    for number, group in enumerate(groups, start=1):
        name = str(group.get("candidate") or path.stem)
        legs = _of_trades(group.get("trades"), f"{path} group {number}")
        found += [Candidate(name, legs)] if legs else []
    if not found:
        raise _bad_leg("the file holds no trades", str(path), 0, "one trade or more")
    return tuple(found)


def _of_trades(trades: Any, place: str) -> tuple[Wanted, ...]:
    """Trades as a decision writes them: what they cost and why is not of the leg."""
    if not isinstance(trades, list) or not all(isinstance(each, Mapping) for each in trades):
        raise _bad_leg("a group holds no trades", place, type(trades).__name__, "trades: [...]")
    legs = []
    for number, each in enumerate(trades, start=1):
        cells = {key: each[key] for key in _COLUMNS if key in each and key != "candidate"}
        if each.get("venue") and each.get("instrument"):
            cells["instrument"] = f"{each['venue']}|{each['instrument']}"
        legs.append(_of_cells(cells, f"{place} trade {number}"))
    return tuple(legs)


def _of_file(path: Path) -> tuple[Candidate, ...]:
    from crossmargin.venues.reading import text_lines  # streams, and refuses what is no text

    rows = csv.reader(text_lines(path), strict=True)
    try:
        head = [name.strip() for name in next(rows, [])]
        _check_head(head, str(path))
        legs: dict[str, list[Wanted]] = {}
        for number, cells in enumerate(rows, start=2):
            if not cells:
                continue
            place = f"{path}:{number}"
            if len(cells) != len(head):
                raise _bad_leg(
                    "the row has another number of cells", place, len(cells), str(len(head))
                )
            row = {name: cell.strip() for name, cell in zip(head, cells, strict=True)}
            leg = _of_cells(row, place)
            name = row.get("candidate") or (leg.text() if "candidate" not in head else "")
            if not name:
                raise _bad_leg("a row without the name of its candidate", place, "", "a name")
            # Without names two equal rows are one candidate each.
            key = name if "candidate" in head else f"{name} {number}"
            legs.setdefault(key, []).append(leg)
    except csv.Error as cause:
        raise InputError(
            "file_unreadable", f"not CSV ({cause})", place=str(path), remedy="Correct the file."
        ) from None
    named = "candidate" in head
    if not legs:
        raise InputError(
            "order_invalid",
            "the file holds no candidate",
            place=str(path),
            limit="a row a leg",
            remedy="Give at least one.",
        )
    return tuple(
        Candidate(key if named else each[0].text(), tuple(each)) for key, each in legs.items()
    )


def _check_head(head: list[str], place: str) -> None:
    missing = [name for name in ("instrument", "size") if name not in head]
    if missing:
        raise InputError(
            "column_missing",
            "a file of candidates has no such column",
            place=place,
            value=missing[0],
            limit=", ".join(_COLUMNS),
            remedy="Give a header with at least instrument and size.",
        )
    unknown = [name for name in head if name not in _COLUMNS]
    if unknown or len(set(head)) != len(head):
        raise InputError(
            "column_unknown",
            "a column is not part of a file of candidates, or stands there twice",
            place=place,
            value=(unknown or head)[0],
            limit=", ".join(_COLUMNS),
            remedy="Remove it.",
        )


def find_instrument(
    name: str, known: Iterable[Instrument], quoted: Mapping[str, int], as_of_ms: int, place: str
) -> Instrument:
    """The contract of a name: one of the book, else one that the snapshot quotes.

    ``quoted`` has the snapshot's subjects (``venue|NAME``). Raises InputError
    ``instrument_unknown`` or ``instrument_expired``.
    """
    venue, bar, bare = name.rpartition("|")
    held = [item for item in known if item.native_id == bare and (not bar or item.venue == venue)]
    if len({item.venue for item in held}) == 1:
        return held[0]
    venues = [venue] if bar else sorted({item.venue for item in known})
    venues = venues or sorted({subject.partition("|")[0] for subject in quoted})
    from crossmargin.instruments.symbology import parse  # names of contracts that are not held

    if len(venues) != 1:
        raise InputError(
            "instrument_unknown",
            "the venue of the contract is not clear",
            place=place,
            value=name,
            limit=", ".join(venues),
            remedy="Write venue|NAME.",
        )
    item = parse(venues[0], bare)
    if item.expiry_ms <= as_of_ms:
        raise InputError(
            "instrument_expired",
            "the contract expired before the snapshot's time",
            place=f"{place} {name}",
            value=format_ms(item.expiry_ms),
            limit=f"contracts that expire after {format_ms(as_of_ms)}",
            remedy="Trade one that is alive.",
        )
    if f"{item.venue}|{item.native_id}" not in quoted:
        raise InputError(
            "instrument_unknown",
            "the snapshot holds no such contract",
            place=place,
            value=name,
            limit="contracts of the book and of the snapshot",
            remedy="Correct the name, or give a market that quotes it.",
        )
    return item
