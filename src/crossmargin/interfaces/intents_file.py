"""Intents as a file that a what-if reads back: CSV of the trades, JSON of trades and transfers.

The CSV has the columns of a file of candidates (`whatif --rank FILE`), one candidate a group of
trades. JSON has the transfers too, and what each is expected to cost and why it is there.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

import msgspec

from crossmargin.core.errors import InputError
from crossmargin.decisions.intents import Intents, intent_columns

__all__ = ["ENDINGS", "SCHEMA", "intents_line", "write_intents", "written_line"]

ENDINGS = (".csv", ".json")
SCHEMA = "intents/1"


def write_intents(path: str | Path, groups: Mapping[str, Intents]) -> Path:
    """The intents by group (an account, a candidate) as FILE.csv or FILE.json.

    Raises InputError ``option_unknown`` for another ending and ``file_unreadable`` where the file
    cannot be written. A CSV holds trades alone: transfers without a trade are refused there.
    """
    place = Path(path)
    ending = place.suffix.lower()
    if ending not in ENDINGS:
        raise InputError(
            "option_unknown",
            "intents are written as CSV or JSON",
            place="--intents",
            value=place.name,
            limit=", ".join(f"FILE{each}" for each in ENDINGS),
            remedy="Choose one of these endings.",
        )
    if ending == ".json":
        content = {
            "schema": SCHEMA,
            "groups": [{"candidate": name, **own.to_dict()} for name, own in groups.items()],
        }
        data = msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"
    else:
        data = _csv(groups).encode()
    try:
        place.write_bytes(data)
    except OSError as cause:
        raise InputError(
            "file_unreadable",
            f"the intents cannot be written ({cause.strerror})",
            place=str(place),
            remedy="Give a file in a folder that exists.",
        ) from None
    return place


def intents_line(path: str | Path, count: int) -> str:
    """What a command says of the file that it wrote; an empty one is no file of candidates.

    An empty file is written all the same: one of an earlier run must not stand for this answer.
    """
    if count == 0:
        return written_line(path, "no intents: it is empty, and whatif --rank refuses it")
    return written_line(path, f"{count} {'intent' if count == 1 else 'intents'}")


def written_line(path: str | Path, holds: str = "") -> str:
    """What every command says of a file that it wrote, and what the file holds."""
    return f"written: {path} ({holds})" if holds else f"written: {path}"


def _csv(groups: Mapping[str, Intents]) -> str:
    rows = [row for name, own in groups.items() for row in own.rows(name)]
    if not rows and any(own.transfers for own in groups.values()):
        raise InputError(
            "option_unknown",
            "there are transfers and no trade: a file of candidates holds trades alone",
            place="--intents",
            limit="FILE.json",
            remedy="Write JSON.",
        )
    text = io.StringIO()
    writer = csv.DictWriter(text, intent_columns(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
