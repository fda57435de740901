"""The strict door of every reader: bytes, text lines, JSON values and numbers, or a named error.

What is not plainly right is refused with its place: NaN and infinities, digits of other scripts,
surplus spaces, duplicate JSON keys, NUL, UTF-16, lines without end. Nothing is guessed.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from crossmargin.core.errors import InputError

__all__ = [
    "JSON_BYTES_MAX",
    "LINE_BYTES_MAX",
    "NAME_LENGTH_MAX",
    "file_bytes",
    "json_value",
    "label",
    "number",
    "real",
    "text_lines",
    "unreadable",
]

LINE_BYTES_MAX = 1_000_000
JSON_BYTES_MAX = 256_000_000
NAME_LENGTH_MAX = 128  # accounts, tags, groups

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,39})(?:[.][0-9]{1,40})?(?:[eE][+-]?[0-9]{1,3})?")
_NOT_FINITE = frozenset({"nan", "inf", "infinity"})
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def unreadable(why: str, place: str, value: object = None, remedy: str = "") -> InputError:
    """The error of a file that is missing, damaged or not in the stated format."""
    return InputError(
        "file_unreadable",
        why,
        place=place,
        value=value,
        limit="a complete file in its stated format",
        remedy=remedy or "Write the file again.",
    )


def _unopened(cause: OSError, place: str) -> InputError:
    why = f"the file cannot be read ({cause.strerror})"
    return unreadable(why, place, remedy="Check the path and that it may be read.")


def number(text: str, place: str) -> float:
    """A plain decimal number (``-12.5``, ``1e-05``): ASCII, no spaces, no separators, finite.

    Raises InputError ``number_not_finite`` or ``number_unreadable``.
    """
    if _NUMBER.fullmatch(text):
        value = float(text)
        if math.isfinite(value):
            return value
        code = "number_not_finite"
    else:
        bare = text.strip().lstrip("+-").lower()
        code = "number_not_finite" if bare in _NOT_FINITE else "number_unreadable"
    raise InputError(
        code,
        "not a plain finite decimal number",
        place=place,
        value=text,
        limit="digits with an optional sign, point and exponent, as in -12.5",
        remedy="Write the number without spaces, separators or units.",
    )


def real(value: object, place: str) -> float:
    """A finite number of a decoded payload; texts are read strictly, truth values are refused."""
    if isinstance(value, str):
        return number(value, place)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InputError(
            "number_unreadable",
            "not a number",
            place=place,
            value=value,
            limit="a finite number",
            remedy="Correct the field.",
        )
    if not math.isfinite(value):
        raise InputError(
            "number_not_finite",
            "a number must be finite",
            place=place,
            value=value,
            limit="a finite number",
            remedy="Correct or remove the line.",
        )
    return float(value)


def label(text: object, place: str) -> str:
    """The name of an account, tag or group: 1 to 128 printable characters, no outer spaces."""
    good = (
        isinstance(text, str)
        and 0 < len(text) <= NAME_LENGTH_MAX
        and text.isprintable()
        and text == text.strip()
    )
    if not good:
        raise InputError(
            "option_unknown",
            "not a usable name",
            place=place,
            value=text,
            limit=f"1 to {NAME_LENGTH_MAX} printable characters without spaces around them",
            remedy="Correct the name.",
        )
    return str(text)


def file_bytes(path: Path, bytes_max: int) -> bytes:
    """The whole content of a file of limited size. Raises InputError ``file_unreadable``."""
    try:
        with path.open("rb") as stream:
            data = stream.read(bytes_max + 1)
    except OSError as cause:
        raise _unopened(cause, str(path)) from None
    if len(data) > bytes_max:
        raise unreadable(
            "the file is too large for its format",
            str(path),
            f"more than {bytes_max} bytes",
            "Split the file, or use Parquet.",
        )
    return data


def text_lines(path: Path) -> Iterator[str]:
    """Lines of a UTF-8 text file, streamed; a line beyond 1 MB fails before it is read whole.

    Raises InputError ``line_too_long`` or ``file_unreadable`` with file and line.
    """
    try:
        with path.open("rb") as stream:
            count = 0
            while raw := stream.readline(LINE_BYTES_MAX + 1):
                count += 1
                place = f"{path}:{count}"
                if len(raw) > LINE_BYTES_MAX:
                    raise InputError(
                        "line_too_long",
                        "one line exceeds the limit",
                        place=place,
                        value=f"more than {LINE_BYTES_MAX} bytes",
                        limit=f"{LINE_BYTES_MAX} bytes a line",
                        remedy="Check that the file is a table with one line a row.",
                    )
                yield _decode(raw, place, first=count == 1)
    except OSError as cause:
        raise _unopened(cause, str(path)) from None


def _decode(raw: bytes, place: str, *, first: bool) -> str:
    if first and raw.startswith(_UTF16):
        raise unreadable("the file is UTF-16", place, remedy="Save it as UTF-8.")
    if first and raw.startswith(_BOM):
        raw = raw[len(_BOM) :]
    if b"\x00" in raw:
        raise unreadable("the file holds NUL bytes", place, remedy="Save it as plain UTF-8 text.")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise unreadable("the file is not UTF-8", place, remedy="Save it as UTF-8.") from None


def json_value(data: bytes, place: str) -> object:
    """Decoded JSON without its traps: duplicate keys, NaN, infinities and deep nesting fail.

    Raises InputError ``file_unreadable`` or ``number_not_finite``.
    """

    def pairs(items: Sequence[tuple[str, object]]) -> dict[str, object]:
        found: dict[str, object] = {}
        for key, value in items:
            if key in found:
                raise unreadable("a key is written twice in one object", place, key)
            found[key] = value
        return found

    def small(text: str) -> int:
        # An integer beyond 40 digits is no quantity; int() itself is quadratic in the digits.
        return int(text) if len(text) <= 40 else int(number(text, place))

    try:
        text = _decode(data, place, first=True)
        return json.loads(
            text,
            object_pairs_hook=pairs,
            parse_float=lambda part: number(part, place),
            parse_int=small,
            parse_constant=lambda part: number(part, place),
        )
    except RecursionError:
        raise unreadable("the JSON is nested too deeply", place) from None
    except json.JSONDecodeError as cause:
        where = f"{place}:{cause.lineno}:{cause.colno}"
        raise unreadable(f"not JSON ({cause.msg})", where) from None
