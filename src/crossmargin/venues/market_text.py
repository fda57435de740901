"""Text files in, rows of named cells out: limits on length first, then strict plain numbers."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from crossmargin.core.errors import InputError
from crossmargin.venues.reading import LINE_BYTES_MAX, real

__all__ = ["Table", "number", "read_bytes", "read_csv"]

FILE_BYTES_MAX = 512_000_000
_CHUNK = 1 << 20
# How the known exporters write that there is no value.
_ABSENT = frozenset({"", "-", "nan", "NaN", "None", "null"})


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text cells. A column name that occurs twice is kept as ``name`` and ``name#2``."""

    path: str
    columns: tuple[str, ...]
    rows: Sequence[Mapping[str, str]]


def _unreadable(path: str, why: str, value: object = None, limit: str = "") -> InputError:
    return InputError(
        "file_unreadable",
        why,
        place=path,
        value=value,
        limit=limit,
        remedy="Give the complete file as the venue or exporter wrote it.",
    )


def read_bytes(path: str | Path) -> bytes:
    """The content of a file, unpacked if it is gzip; truncated and oversized ones are refused."""
    name = Path(path).name
    pieces: list[bytes] = []
    held = 0
    try:
        with Path(path).open("rb") as raw:
            stream = _unpacked(raw)
            while piece := stream.read(_CHUNK):
                held += len(piece)
                if held > FILE_BYTES_MAX:
                    raise _unreadable(
                        name, "the file is too large", held, f"{FILE_BYTES_MAX} bytes"
                    )
                pieces.append(piece)
    except OSError as cause:
        why = cause.strerror or type(cause).__name__
        raise _unreadable(name, f"cannot read the file ({why})") from None
    except (EOFError, zlib.error) as cause:
        raise _unreadable(name, f"cannot read the file ({type(cause).__name__})") from None
    return b"".join(pieces)


def _unpacked(raw: io.BufferedReader) -> io.BufferedReader | gzip.GzipFile:
    return gzip.GzipFile(fileobj=raw) if raw.peek(2)[:2] == b"\x1f\x8b" else raw


def _lines(content: bytes, path: str) -> Iterator[str]:
    start = number = 0
    while start < len(content):
        number += 1
        stop = content.find(b"\n", start, start + LINE_BYTES_MAX + 1)
        if stop < 0:
            stop = len(content)
        if stop - start > LINE_BYTES_MAX:
            raise InputError(
                "line_too_long",
                "one line is longer than any export writes",
                place=f"{path} line {number}",
                limit=f"{LINE_BYTES_MAX} bytes",
                remedy="Check that the file is the CSV export itself.",
            )
        try:
            yield content[start:stop].decode("utf-8")
        except UnicodeDecodeError:
            raise _unreadable(f"{path} line {number}", "the text is not UTF-8") from None
        start = stop + 1


def read_csv(path: str | Path) -> Table:
    """A CSV file, optionally gzip: header and rows. Columns without a name are left out."""
    name = Path(path).name
    content = read_bytes(path).removeprefix(b"\xef\xbb\xbf")
    if b"\x00" in content[:4096]:
        raise _unreadable(name, "the file is not text")
    reader = csv.reader(_lines(content, name))
    try:
        header = [cell.strip() for cell in next(reader, [])]
        columns = _distinct(header)
        rows = []
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(columns):
                raise _unreadable(
                    f"{name} line {reader.line_num}",
                    "a line has another number of cells than the header",
                    len(cells),
                    f"{len(columns)} cells",
                )
            rows.append({c: cell for c, cell in zip(columns, cells, strict=True) if c})
    except csv.Error as cause:
        raise _unreadable(f"{name} line {reader.line_num}", f"not a CSV file ({cause})") from None
    return Table(name, tuple(c for c in columns if c), rows)


def _distinct(header: Sequence[str]) -> list[str]:
    seen: dict[str, int] = {}
    out = []
    for cell in header:
        seen[cell] = seen.get(cell, 0) + 1
        out.append(cell if not cell or seen[cell] == 1 else f"{cell}#{seen[cell]}")
    return out


def number(cell: object, place: str) -> float | None:
    """A plain decimal number; None for an empty cell, ``-``, ``nan`` as text, or null.

    Raises InputError: number_unreadable, number_not_finite.
    """
    if cell is None:
        return None
    if isinstance(cell, str):
        cell = cell.strip()
        if cell in _ABSENT:
            return None
    return real(cell, place)
