"""Cells of a table (CSV, Parquet, Arrow) to rows of a book: the canonical columns and their rules.

====================  ================================================================
column                meaning
====================  ================================================================
type                  position (default), order or balance
account, venue        taken from the caller where the column is absent or empty
instrument            the venue's own name (a balance: the currency, or use ``currency``)
quantity              signed, in the venue's own unit (an order: ``remaining``; a
                      balance: ``amount``)
entry_price           in the instrument's price unit (coin for coin-settled options)
expiry, multiplier    where the name does not say it
time                  ISO 8601 with zone, or integer milliseconds
tag.NAME              free tags: tag.desk, tag.strategy, tag.client
side                  buy or sell; with ``limit_price``, ``reduce_only``, ``mmp``, ``group``
currency, equity      of a balance; hold.NAME is a fixed amount in the initial margin
====================  ================================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from crossmargin.core.clock import parse_ms
from crossmargin.core.errors import InputError
from crossmargin.venues.assemble import Row, RowKind
from crossmargin.venues.reading import label, number, real

__all__ = ["COLUMNS", "SIDES", "check_columns", "row_of"]

Cell = str | int | float | bool | None

SIDES = {"buy": 1, "sell": -1}
_COMMON = frozenset({"type", "account", "venue", "instrument", "time"})
_OF_KIND = {
    RowKind.POSITION: frozenset({"quantity", "entry_price", "expiry", "multiplier"}),
    RowKind.ORDER: frozenset(
        {"quantity", "remaining", "side", "limit_price", "reduce_only", "mmp", "group"}
        | {"expiry", "multiplier"}
    ),
    RowKind.BALANCE: frozenset({"quantity", "amount", "currency", "equity"}),
}
COLUMNS = _COMMON.union(*_OF_KIND.values())
_KINDS = {kind.value: kind for kind in RowKind}
_FLAGS = {"true": True, "false": False}


def _fault(code: str, why: str, place: str, value: object, limit: str, remedy: str) -> InputError:
    return InputError(code, why, place=place, value=value, limit=limit, remedy=remedy)


def check_columns(names: Sequence[str], place: str, *, venue: bool) -> None:
    """The header holds known columns, once each, and those that every row needs.

    ``venue`` says that the caller names the venue. Raises InputError ``column_unknown`` or
    ``column_missing``.
    """
    seen: set[str] = set()
    for name in names:
        free = name.startswith(("tag.", "hold."))
        if name in seen or not (name in COLUMNS or (free and len(name.partition(".")[2]) > 0)):
            raise _fault(
                "column_unknown",
                "a column is given twice" if name in seen else "a column is not part of the format",
                place,
                name,
                ", ".join([*sorted(COLUMNS), "tag.NAME", "hold.NAME"]),
                "Rename or remove the column.",
            )
        if free:
            label(name.partition(".")[2], place)
        seen.add(name)
    wanted = [] if venue or "venue" in seen else ["venue"]
    wanted += [] if seen & {"instrument", "currency"} else ["instrument"]
    wanted += [] if seen & {"quantity", "remaining", "amount", "equity"} else ["quantity"]
    if wanted:
        raise _fault(
            "column_missing",
            "required columns are absent",
            place,
            ", ".join(wanted),
            "venue, instrument and quantity",
            "Add the columns, or give the venue by option.",
        )


def row_of(cells: Mapping[str, Cell], place: str, venue: str | None, account: str | None) -> Row:
    """The row of one line of cells; empty cells are absent.

    Raises InputError with ``place`` and column.
    """
    held = {name: cell for name, cell in cells.items() if cell is not None and cell != ""}
    kind = _kind(held, place)
    _check_kind(held, kind, place)
    tags = tuple(
        (name[4:], label(str(held[name]), f"{place} {name}"))
        for name in sorted(held)
        if name.startswith("tag.")
    )
    is_order, is_balance = kind is RowKind.ORDER, kind is RowKind.BALANCE
    size = "remaining" if is_order else "amount" if is_balance else "quantity"
    name = _either(held, "currency", "instrument", place) if is_balance else "instrument"
    size = _either(held, size, "quantity", place)
    quantity = _number(held, size, place)
    if quantity is None and not (is_balance and "equity" in held):
        raise _missing(size, place)
    return Row(
        kind=kind,
        account=label(held.get("account", account or "main"), f"{place} account"),
        venue=_text(held, "venue", place, venue),
        name=_text(held, name, place, None),
        quantity=quantity,
        place=place,
        entry_price=_number(held, "entry_price", place),
        multiplier=_number(held, "multiplier", place),
        expiry_ms=_time(held, "expiry", place),
        tags=tags,
        time_ms=_time(held, "time", place),
        side=_side(held, place) if is_order else 0,
        limit_price=_needed(held, "limit_price", place) if is_order else 0.0,
        reduce_only=_flag(held, "reduce_only", place),
        mmp=_flag(held, "mmp", place),
        group=label(held["group"], f"{place} group") if "group" in held else "",
        equity=_number(held, "equity", place),
        holds=tuple(
            (key[5:], _needed(held, key, place)) for key in sorted(held) if key.startswith("hold.")
        ),
    )


def _kind(held: Mapping[str, Cell], place: str) -> RowKind:
    text = held.get("type", "position")
    kind = _KINDS.get(str(text))
    if kind is not None:
        return kind
    raise _fault(
        "option_unknown",
        "not a type of row",
        f"{place} type",
        text,
        ", ".join(_KINDS),
        "Correct the type.",
    )


def _check_kind(held: Mapping[str, Cell], kind: RowKind, place: str) -> None:
    """A cell that the row's type does not know is refused: it would be read for nothing."""
    for name in held:
        known = name in _COMMON or name in _OF_KIND[kind] or name.startswith("tag.")
        if not known and not (kind is RowKind.BALANCE and name.startswith("hold.")):
            raise _fault(
                "column_unknown",
                f"a {kind.value} has no such column",
                f"{place} {name}",
                held[name],
                ", ".join(sorted(_COMMON | _OF_KIND[kind])),
                "Leave the cell empty, or correct the type of the row.",
            )


def _either(held: Mapping[str, Cell], name: str, other: str, place: str) -> str:
    """Which of two columns of the same meaning is filled; both at once is refused."""
    if name != other and name in held and other in held:
        raise _fault(
            "column_unknown",
            f"{name} and {other} mean the same here and are both given",
            place,
            f"{held[name]} and {held[other]}",
            f"{name} or {other}",
            "Leave one of the two empty.",
        )
    return other if other in held else name


def _missing(name: str, place: str) -> InputError:
    return _fault("column_missing", "a value is absent", f"{place} {name}", None, name, "Give it.")


def _text(held: Mapping[str, Cell], name: str, place: str, default: str | None) -> str:
    value = held.get(name, default)
    if value is None:
        raise _missing(name, place)
    # The symbology judges names of venues and contracts; here they only have to be texts.
    return value if isinstance(value, str) else label(value, f"{place} {name}")


def _number(held: Mapping[str, Cell], name: str, place: str) -> float | None:
    cell = held.get(name)
    if cell is None:
        return None
    where = f"{place} {name}"
    return number(cell, where) if isinstance(cell, str) else real(cell, where)


def _needed(held: Mapping[str, Cell], name: str, place: str) -> float:
    value = _number(held, name, place)
    if value is None:
        raise _missing(name, place)
    return value


def _side(held: Mapping[str, Cell], place: str) -> int:
    text = held.get("side")
    if text is None:
        raise _missing("side", place)
    side = SIDES.get(str(text))
    if side is None:
        limit = ", ".join(SIDES)
        where = f"{place} side"
        raise _fault("order_invalid", "not a side", where, text, limit, "Correct the side.")
    return side


def _flag(held: Mapping[str, Cell], name: str, place: str) -> bool:
    cell = held.get(name, False)
    value = cell if isinstance(cell, bool) else _FLAGS.get(str(cell).lower())
    if value is None:
        where = f"{place} {name}"
        raise _fault("option_unknown", "not a flag", where, cell, "true or false", "Correct it.")
    return value


def _time(held: Mapping[str, Cell], name: str, place: str) -> int | None:
    cell = held.get(name)
    if cell is None:
        return None
    where = f"{place} {name}"
    if isinstance(cell, (bool, float)):
        raise _fault(
            "time_unreadable",
            "not a time",
            where,
            cell,
            "ISO 8601 with a zone, or integer milliseconds",
            "Write the time with its zone.",
        )
    return parse_ms(cell, where)
