"""Documents on a terminal: rich tables that fit the width, heat colours, progress on stderr."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.status import Status
from rich.style import Style
from rich.table import Table as RichTable
from rich.text import Text

from crossmargin.interfaces.notebook import heat_colours
from crossmargin.interfaces.tables import Document, Drawn, Table, drawn

__all__ = ["counting", "show", "working"]

# Work that lasts longer than this says what it is doing.
_PATIENCE_S = 1.0
# A column of text is not folded narrower than this.
_TEXT_WIDTH_MIN = 8
# A longer word (a path, an address) may be folded inside.
_WORD_MAX = 20
# Blanks between two columns.
_GAP = 2


class _Screen(Console):
    """A console that leaves a closed pipe to the command line (rich would exit with 1)."""

    def on_broken_pipe(self) -> None:
        """Raises BrokenPipeError."""
        raise BrokenPipeError


def show(document: Document, *, width: int | None = None) -> None:
    """Print a document to stdout; colours only where it is a terminal."""
    console = _Screen(width=width, highlight=False)
    console.print(Text(document.title, style="bold"))
    for line in document.lines:
        console.print(Text(line, style="dim"))
    for table in document.tables:
        if table.for_machines:
            continue
        console.print()
        if table.title:
            console.print(Text(table.title, style="bold"))
        console.print(_table(table, console.width))
        for note in table.notes:
            console.print(Text(note))
    if document.notes:
        console.print()
    for note in document.notes:
        console.print(Text.assemble(("note  ", "yellow"), note))


def _table(table: Table, width: int) -> RenderableType:
    shape = drawn(table)
    kept, dropped = _that_fit(shape, width)
    widths = _shared(shape, kept, width)
    colours = heat_colours(table)
    grid = RichTable(box=SIMPLE_HEAD, pad_edge=False, padding=(0, _GAP - 1, 0, 0), show_edge=False)
    for k in kept:
        grid.add_column(
            Text(shape.heads[k]),
            justify="right" if shape.right[k] else "left",
            no_wrap=not shape.folds[k],
            overflow="fold",
            width=widths[k],
        )
    for texts, places in zip(shape.body, shape.source, strict=True):
        cells = []
        for k in kept:
            back, fore = colours.get(places[k], ("", ""))
            style = Style(bgcolor=back, color=fore) if back else Style()
            cells.append(Text(texts[k], style=style))
        grid.add_row(*cells)
    if not dropped:
        return grid
    names = ", ".join(shape.heads[k].replace("\n", " ") for k in dropped)
    return Group(grid, Text(f"not shown at this width: {names}", style="dim"))


def _width(shape: Drawn, k: int) -> int:
    """Width of a column that is not folded."""
    texts = [shape.heads[k], *(row[k] for row in shape.body)]
    return max(len(line) for text in texts for line in text.split("\n"))


def _least(shape: Drawn, k: int) -> int:
    """Width under which a column cannot be read: of a text, about its longest word or number."""
    if not shape.folds[k]:
        return _width(shape, k)
    words = [word for row in shape.body for word in row[k].split() or [""]]
    if shape.right[k]:
        # In a card a number stands beside words; numbers have no space in them but before "%".
        words += [row[k] for row in shape.body if not any(c.isalpha() for c in row[k])]
    heads = shape.heads[k].split("\n")
    longest = max(len(word) for word in [*words, *heads])
    return min(_width(shape, k), max(min(longest, _WORD_MAX), _TEXT_WIDTH_MIN))


def _that_fit(shape: Drawn, width: int) -> tuple[list[int], list[int]]:
    """Columns to draw: of those that are not essential the last goes first, then of the rest.

    A number is never cut: a column that has no room is named under the table instead.
    """
    kept = list(range(len(shape.heads)))
    dropped: list[int] = []
    while sum(_least(shape, k) for k in kept) + _GAP * (len(kept) - 1) > width:
        spare = [k for k in kept if not shape.essential[k]] or kept[1:]
        if not spare:
            break
        kept.remove(spare[-1])
        dropped.append(spare[-1])
    return kept, sorted(dropped)


def _shared(shape: Drawn, kept: list[int], width: int) -> dict[int, int]:
    """Width of each column: numbers and names in full, texts share what is left by their length."""
    share = {k: _least(shape, k) for k in kept}
    left = width - sum(share.values()) - _GAP * (len(kept) - 1)
    wanting = {k: _width(shape, k) - share[k] for k in kept if _width(shape, k) > share[k]}
    total = sum(wanting.values())
    for k, wish in wanting.items():
        if left > 0:
            share[k] += wish if total <= left else wish * left // total
    return share


@contextmanager
def working(what: str, *, quiet: bool = False) -> Iterator[None]:
    """Says on stderr what is being done once it lasts over a second; nothing where no one looks."""
    if quiet or not sys.stderr.isatty():
        yield
        return
    status = Status(what, console=Console(stderr=True))
    timer = threading.Timer(_PATIENCE_S, status.start)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        status.stop()


def _unheard(_done: int, _total: int) -> None:
    """Progress where no one looks."""


@contextmanager
def counting(what: str, *, quiet: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Like :func:`working`, for work in steps: gives what is told (steps done, steps in all)."""
    if quiet or not sys.stderr.isatty():
        yield _unheard
        return
    status = Status(what, console=Console(stderr=True))
    timer = threading.Timer(_PATIENCE_S, status.start)
    timer.daemon = True
    timer.start()
    try:
        yield lambda done, total: status.update(f"{what}: {done:,} of {total:,}")
    finally:
        timer.cancel()
        timer.join()
        status.stop()
