"""One table type for every face: raw values with units inside, text only where it is drawn.

Screen, notebook and CSV are drawn from the same :class:`Table`, so that they cannot differ. A
column knows its unit; the header says it, and the number of decimals is one for a whole column.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "ABSENT",
    "Column",
    "Document",
    "Drawn",
    "Table",
    "amount_text",
    "csv_text",
    "drawn",
    "plain_text",
]

ABSENT = "—"
_UNITS = {"usd": "USD", "bp": "bp"}
_TEXTS = ("text", "name", "machine")
# Units of amounts that are counted, not money: every decimal that they have and no more.
_COUNTED = ("orders", "assets", "expiries", "size")
_FIXED_DECIMALS = {"count": 0, "bp": 1, "number": 2, "price": 6}


@dataclass(frozen=True, slots=True)
class Column:
    """``key`` is the name for machines, unit last; ``title`` is what a person reads.

    ``style``: text (may fold), name (never folds), usd, amount (of the currency that the header or
    the row names), quantity (every decimal that it has), price (decimals by its own size), fraction
    (drawn in per cent), bp, number, count, heat (an amount on a colour scale), or machine (in CSV
    only). Columns that are not ``essential`` are left out on narrow screens and stay in JSON and
    CSV.
    """

    key: str
    title: str
    style: str = "text"
    unit: str = ""
    essential: bool = True

    @property
    def header(self) -> str:
        """Title, and the unit under it."""
        unit = self.unit or _UNITS.get(self.style, "")
        return f"{self.title}\n{unit}" if unit else self.title


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of raw values; None is an absent value.

    ``kind``: table; card (drawn with measures down and rows across; the first ``heads`` columns
    head them); tree (the first column is the depth). ``currency`` is the key of the column that
    names each row's currency, where amounts of several stand in one column. ``marks`` put a sign
    before the cell at (row, column).
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    notes: tuple[str, ...] = ()
    kind: str = "table"
    heads: int = 0
    currency: str = ""
    marks: Mapping[tuple[int, int], str] = field(default_factory=dict)

    @property
    def for_machines(self) -> bool:
        """Whether it stands in CSV alone: no column of it is drawn."""
        return all(column.style == "machine" for column in self.columns)


@dataclass(frozen=True, slots=True)
class Document:
    """What one command shows."""

    title: str
    lines: tuple[str, ...]
    tables: tuple[Table, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Drawn:
    """A table as texts: headers (with unit), alignment (True: right) and body.

    ``source[r][c]`` is the (row, column) of the table behind a cell, for colours.
    """

    heads: list[str]
    right: list[bool]
    body: list[list[str]]
    source: list[list[tuple[int, int]]]
    essential: list[bool]
    folds: list[bool]


def _decimals(values: Sequence[float], style: str, currency: str) -> int:
    """Decimals of a column (of one currency): enough for its largest number, the same for all."""
    largest = max((abs(value) for value in values), default=0.0)
    if style == "fraction":
        return 1 if largest >= 0.0995 or largest == 0.0 else 2
    if style in _FIXED_DECIMALS:
        return _FIXED_DECIMALS[style]
    if style == "quantity" or currency in _COUNTED:
        return max((_written_decimals(value) for value in values), default=0)
    if style == "usd" or currency.startswith("USD"):
        return 0 if largest >= 10_000.0 else 2
    if largest == 0.0:
        return 2
    # Six significant digits of the largest number, at most six decimals.
    return min(max(5 - math.floor(math.log10(largest)), 0), 6)


def _written_decimals(value: float) -> int:
    """Decimals of the shortest text that reads back as the number, at most six."""
    text = f"{value:.6f}".rstrip("0")
    return len(text.partition(".")[2])


def _cell(value: Any, style: str, decimals: int) -> str:
    """One cell: thousands separators, absent is a dash."""
    if value is None or value == "":
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if style in _TEXTS or isinstance(value, str):
        return str(value)
    number = float(value) * (100.0 if style == "fraction" else 1.0)
    if style == "price":
        decimals = 2 if abs(number) >= 1000.0 else 4 if abs(number) >= 1.0 else 6
    text = f"{number:,.{decimals}f}"
    # A loss of less than half a digit is no loss to read: "-0.00" would be taken for one.
    if float(text.replace(",", "")) == 0.0:
        text = text.removeprefix("-")
    return f"{text} %" if style == "fraction" else text


def amount_text(value: float, currency: str) -> str:
    """One amount outside a table."""
    return _cell(value, "amount", _decimals([value], "amount", currency))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _texts(table: Table) -> list[list[str]]:
    """Every cell as text, marks in front; decimals by column and currency."""
    keys = [column.key for column in table.columns]
    which = keys.index(table.currency) if table.currency else -1
    currencies = [str(row[which]) if which >= 0 else "" for row in table.rows]
    out = [[""] * len(table.columns) for _ in table.rows]
    for c, column in enumerate(table.columns):
        for currency in dict.fromkeys(currencies):
            rows = [r for r, each in enumerate(currencies) if each == currency]
            numbers = [float(table.rows[r][c]) for r in rows if _is_number(table.rows[r][c])]
            decimals = _decimals(numbers, column.style, currency or column.unit)
            if column.style == "usd" or (table.kind == "card" and column.style == "amount"):
                decimals = _shared_decimals(table, rows, column.style, currency)
            for r in rows:
                out[r][c] = _cell(table.rows[r][c], column.style, decimals)
    for (r, c), mark in table.marks.items():
        if table.rows[r][c] is not None:
            out[r][c] = f"{mark} {out[r][c]}"
    return out


def _shared_decimals(table: Table, rows: Sequence[int], style: str, currency: str) -> int:
    """One number of decimals for all amounts of a currency, so that a person can compare them."""
    chosen = [c for c, column in enumerate(table.columns) if column.style == style]
    cells = [table.rows[r][c] for r in rows for c in chosen]
    return _decimals([float(cell) for cell in cells if _is_number(cell)], style, currency)


def drawn(table: Table) -> Drawn:
    """The table as texts in the shape in which it is drawn."""
    texts = _texts(table)
    columns = table.columns
    places = [[(r, c) for c in range(len(columns))] for r in range(len(texts))]
    if table.kind == "card":
        return _turned(table, texts)
    first = 1 if table.kind == "tree" else 0
    if first:
        guides = _guides([int(row[0]) for row in table.rows])
        texts = [
            [row[0], guide + row[1], *row[2:]] for guide, row in zip(guides, texts, strict=True)
        ]
    kept = [k for k in range(first, len(columns)) if columns[k].style != "machine"]
    return Drawn(
        heads=[columns[k].header for k in kept],
        right=[columns[k].style not in _TEXTS for k in kept],
        body=[[row[k] for k in kept] for row in texts],
        source=[[row[k] for k in kept] for row in places],
        essential=[columns[k].essential for k in kept],
        folds=[columns[k].style == "text" for k in kept],
    )


def _guides(depths: Sequence[int]) -> list[str]:
    """What stands before each name of a tree: the lines that join it to its parent."""
    out = []
    for number, depth in enumerate(depths):
        text = ""
        for level in range(1, depth + 1):
            # Whether the ancestor of this level (or the node itself) has a later sibling.
            later = False
            for next_depth in depths[number + 1 :]:
                if next_depth < level:
                    break
                if next_depth == level:
                    later = True
                    break
            if level < depth:
                text += "│  " if later else "   "
            else:
                text += "├─ " if later else "└─ "
        out.append(text)
    return out


def _turned(table: Table, texts: list[list[str]]) -> Drawn:
    """Measures down, rows across; measures that no row has are left out."""
    heads = table.heads
    body, places = [], []
    for c in range(heads, len(table.columns)):
        empty = all(row[c] in (None, "") for row in table.rows)
        if empty or table.columns[c].style == "machine":
            continue
        body.append([table.columns[c].title, *(row[c] for row in texts)])
        places.append([(0, c), *((r, c) for r in range(len(texts)))])
    shown = [k for k in range(heads) if table.columns[k].style != "machine"]
    names = ["\n".join(dict.fromkeys(row[k] for k in shown)) for row in texts]
    count = len(texts) + 1
    # A card holds words (scenarios) beside numbers; only cells with words can fold.
    folds = [False] + [True] * len(texts)
    return Drawn(["", *names], [False, *folds[1:]], body, places, [True] * count, folds)


def plain_text(document: Document) -> str:
    """The document as plain text of fixed width, for ``repr``."""
    parts = [document.title, *document.lines]
    for table in document.tables:
        if not table.for_machines:
            parts += ["", *_plain_table(table)]
    if document.notes:
        parts += ["", *(f"note: {note}" for note in document.notes)]
    return "\n".join(parts)


def _plain_table(table: Table) -> list[str]:
    shape = drawn(table)
    heads = [head.replace("\n", " ") for head in shape.heads]
    widths = [
        max([len(head), *(len(row[k]) for row in shape.body)]) for k, head in enumerate(heads)
    ]

    def line(cells: Sequence[str]) -> str:
        texts = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(cells, widths, shape.right, strict=True)
        ]
        return "  ".join(texts).rstrip()

    out = [table.title] if table.title else []
    out += [line(heads), *(line(row) for row in shape.body)]
    return out + [f"  {note}" for note in table.notes]


def csv_text(document: Document) -> str:
    """Every table in one CSV: the first column names the table, each table fills its own columns.

    Numbers are written in full. A text that a spreadsheet would take for a formula gets a quote in
    front; numbers stay numbers.
    """
    keys = list(dict.fromkeys(c.key for table in document.tables for c in table.columns))
    if document.notes:
        keys = [*keys, *(["note"] if "note" not in keys else [])]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["table", *keys])
    for table in document.tables:
        place = {column.key: k for k, column in enumerate(table.columns)}
        for row in table.rows:
            cells = [_csv_cell(row[place[key]]) if key in place else "" for key in keys]
            writer.writerow([table.name, *cells])
    for note in document.notes:
        cells = [_csv_cell(note) if key == "note" else "" for key in keys]
        writer.writerow(["notes", *cells])
    return out.getvalue()


def _csv_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    text = str(value)
    if text == ABSENT:
        return ""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
