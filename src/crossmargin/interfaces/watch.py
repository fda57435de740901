"""Re-margin a book as snapshots arrive in a folder; each is one state with its distances.

The folder is looked at every ``poll_s`` seconds. A file is read once it has the same size and time
in two looks (it may still be written), and again when it changes; what is there at the start is
read at once. Within one look the oldest file comes first.
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from crossmargin.core.clock import format_ms
from crossmargin.core.errors import CrossMarginError, InputError
from crossmargin.instruments.book import Book
from crossmargin.interfaces.sources import (
    BookLike,
    ParametersLike,
    book_of,
    one_account,
    only_account,
)
from crossmargin.interfaces.verbs import margin
from crossmargin.market.snapshot import Snapshot

__all__ = ["Distance", "csv_head", "watch"]

_SUFFIXES = (".parquet", ".csv", ".csv.gz", ".json", ".json.gz")
_Stamp = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Distance:
    """One snapshot's answer. ``room_mm_usd`` is what counts less the maintenance margin.

    Where each settlement currency stands by itself it is that of the pool with least left.
    ``room_mm_fraction`` is its share of what counts. Figures that rest on cash are None where no
    balance is known; all are None where ``error`` says why there is no number.
    """

    source: str
    as_of: str
    im_usd: float | None = None
    mm_usd: float | None = None
    equity_usd: float | None = None
    im_usage: float | None = None
    mm_usage: float | None = None
    room_im_usd: float | None = None
    room_mm_usd: float | None = None
    room_mm_fraction: float | None = None
    im_change_usd: float | None = None
    worst_scenario: str | None = None
    bound: str = "value"
    error: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def json_line(self) -> str:
        """One line of JSON."""
        import msgspec

        return msgspec.json.encode(self.to_dict()).decode()

    def csv_line(self) -> str:
        """One line of CSV in the order of :func:`csv_head`."""
        return _csv(["" if value is None else value for value in self.to_dict().values()])

    def line(self) -> str:
        """One line for people."""
        if self.error is not None:
            return f"{self.as_of or self.source}  no number: {self.error}"
        sign = "≥" if self.bound == "at_least" else ""
        change = "" if self.im_change_usd is None else f" ({self.im_change_usd:+,.0f})"
        parts = [f"{self.as_of}", f"IM {sign}{self.im_usd:,.0f}{change}"]
        parts.append(f"MM {sign}{self.mm_usd:,.0f} USD")
        if self.room_mm_usd is None:
            parts.append("no balance is known")
        else:
            used = [
                f"{name} {value:.1%}"
                for name, value in (("IM", self.im_usage), ("MM", self.mm_usage))
                if value is not None
            ]
            parts.append("used " + ", ".join(used) if used else "nothing counts")
            share = "" if self.room_mm_fraction is None else f" = {self.room_mm_fraction:.1%}"
            parts.append(f"to liquidation {self.room_mm_usd:+,.0f} USD{share}")
        parts.append(self.worst_scenario or "no scenario loses")
        return "  ".join(parts)


def csv_head() -> str:
    """The header of the CSV form."""
    return _csv([each.name for each in fields(Distance)]) + "\n"


def _csv(cells: Sequence[Any]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(cells)
    return out.getvalue()


def watch(
    book: BookLike,
    market: str | Path | Snapshot | Sequence[str | Path | Snapshot],
    model: str = "deribit-xpm",
    *,
    poll_s: float = 1.0,
    once: bool = False,
    count: int | None = None,
    timeout_s: float | None = None,
    params: ParametersLike | None = None,
    changes: Mapping[str, Any] | None = None,
    account: str | None = None,
    venue: str | None = None,
    form: str | None = None,
    allow_duplicates: bool = False,
) -> Iterator[Distance]:
    """The distance of an account to its limits, again with every snapshot.

    ``market``: a folder (it is watched), snapshots or their files (each once), or several of them.
    Ends after ``count`` snapshots, after ``timeout_s`` without a new one, with ``once`` after what
    is there, and where no folder is among the sources. A snapshot that cannot be used gives a state
    with its error, and the watch goes on. Raises InputError for a bad book or option at once.
    """
    _check(poll_s, count, timeout_s)
    held = book_of(book, venue=venue, form=form, allow_duplicates=allow_duplicates)
    held = one_account(
        held, only_account(held, "a watch").account[0] if account is None else account
    )
    sources = [market] if isinstance(market, str | Path | Snapshot) else list(market)
    folders = [
        Path(each) for each in sources if isinstance(each, str | Path) and Path(each).is_dir()
    ]
    single = [each for each in sources if isinstance(each, Snapshot) or not Path(each).is_dir()]
    arrivals = _arrivals(single, folders, poll_s, once, timeout_s)
    return _distances(arrivals, held, model, count, {"params": params, "changes": changes})


def _check(poll_s: float, count: int | None, timeout_s: float | None) -> None:
    for name, value, least in (
        ("--poll", poll_s, 0.0),
        ("--count", count, 1),
        ("--timeout", timeout_s, 0.0),
    ):
        if value is not None and not least <= value <= 1e9:
            raise InputError(
                "number_out_of_range",
                "the option is outside its bounds",
                place=name,
                value=value,
                limit=f"at least {least:g}",
                remedy="Correct it.",
            )


def _distances(
    arrivals: Iterator[str | Path | Snapshot],
    held: Book,
    model: str,
    count: int | None,
    options: Mapping[str, Any],
) -> Iterator[Distance]:
    before: float | None = None
    for number, source in enumerate(arrivals, start=1):
        state = _distance(held, source, model, before, options)
        before = state.im_usd if state.error is None else before
        yield state
        if count is not None and number >= count:
            return


def _distance(
    held: Book,
    source: str | Path | Snapshot,
    model: str,
    before: float | None,
    options: Mapping[str, Any],
) -> Distance:
    name = format_ms(source.as_of_ms) if isinstance(source, Snapshot) else str(source)
    try:
        result = margin(held, source, model, **options)
    except CrossMarginError as error:
        return Distance(name, "", error=error.text())
    found = result.accounts[0]
    return Distance(
        source=name,
        as_of=str(result.figures["as_of"]),
        im_usd=found["im_usd"],
        mm_usd=found["mm_usd"],
        equity_usd=found["equity_usd"],
        im_usage=found["im_usage"],
        mm_usage=found["mm_usage"],
        room_im_usd=found["room_im_usd"],
        room_mm_usd=found["room_mm_usd"],
        room_mm_fraction=found["room_mm_fraction"],
        im_change_usd=None if before is None else found["im_usd"] - before,
        worst_scenario=found["worst_scenario"],
        bound=found["bound"],
    )


def _arrivals(
    single: Sequence[str | Path | Snapshot],
    folders: Sequence[Path],
    poll_s: float,
    once: bool,
    timeout_s: float | None,
) -> Iterator[str | Path | Snapshot]:
    """Snapshots that were named, then what is in the folders and what comes."""
    yield from single
    if not folders:
        return
    done: dict[Path, _Stamp] = {}
    seen = _look(folders)
    ready = list(seen)  # what is there at the start is taken as whole
    quiet_since = time.monotonic()
    while True:
        for path in ready:
            done[path] = seen[path]
            quiet_since = time.monotonic()
            yield path
        if once or (timeout_s is not None and time.monotonic() - quiet_since >= timeout_s):
            return
        time.sleep(poll_s)
        now = _look(folders)
        ready = [path for path, stamp in now.items() if seen.get(path) == stamp != done.get(path)]
        seen = now


def _look(folders: Sequence[Path]) -> dict[Path, _Stamp]:
    """Snapshot files of the folders with time and size, oldest first; hidden ones are not ready."""
    found: dict[Path, _Stamp] = {}
    for folder in folders:
        for path in folder.iterdir():
            if path.name.startswith(".") or not path.name.endswith(_SUFFIXES):
                continue
            try:
                state = path.stat()
            except FileNotFoundError:  # it was moved away between the two looks
                continue
            found[path] = (state.st_mtime_ns, state.st_size)
    return dict(sorted(found.items(), key=lambda item: (item[1][0], item[0].name)))
