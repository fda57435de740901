"""The commands before a trade (whatif, check, watch): each calls one verb, shows its answer."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from crossmargin.core.errors import InputError
from crossmargin.interfaces.screen import counting, show, working

if TYPE_CHECKING:
    from crossmargin.interfaces.watch import Distance

__all__ = ["check", "register", "watch", "whatif"]

Book = Annotated[str, Parameter(help="Book file: CSV, JSON, Parquet or Arrow.")]
Market = Annotated[
    str, Parameter(name="--market", help="Snapshot (or a file that can be imported).")
]
Model = Annotated[str, Parameter(name="--model", help="Margin model.")]
Account = Annotated[str | None, Parameter(name="--account", help="That account alone.")]
Venue = Annotated[
    str | None, Parameter(name="--venue", help="Venue of a book file that names none.")
]
Form = Annotated[
    str | None,
    Parameter(
        name="--format", help="Format of the book: csv, json, parquet, arrow, deribit, ccxt."
    ),
]
Twins = Annotated[
    bool,
    Parameter(
        name="--allow-duplicates", negative="", help="Rows identical in every column are lots."
    ),
]
Params = Annotated[
    str | None,
    Parameter(name="--params", help="Parameter file (a set, or changes), or a set's label."),
]
Changes = Annotated[
    list[str] | None,
    Parameter(name="--set", help="NAME=VALUE: change one parameter.", negative=""),
]
Add = Annotated[
    list[str] | None,
    Parameter(
        name="--add",
        negative="",
        allow_leading_hyphen=True,
        help="NAME:SIZE[@PRICE], a sale with a negative size; default price: the executable side.",
    ),
]
Atomic = Annotated[
    bool, Parameter(name="--atomic", negative="--legged", help="All legs at once, or one by one.")
]
Fit = Annotated[
    bool,
    Parameter(name="--size-to-fit", negative="", help="The largest whole lots in the legs' ratio."),
]
Rank = Annotated[
    str | None,
    Parameter(name="--rank", help="CSV of candidates: instrument, size, …; tried one by one."),
]
Lot = Annotated[
    float | None, Parameter(name="--lot", help="Smallest size of every leg, for --size-to-fit.")
]
Fee = Annotated[
    float | None,
    Parameter(name="--fee", help="Taker's share of underlying or notional; 0 for none."),
]
AsOf = Annotated[
    str | None,
    Parameter(name="--as-of", help="Instant from which lives count; default the snapshot's."),
]
Top = Annotated[int, Parameter(name="--top", help="Candidates to list on screen; 0: all.")]
Report = Annotated[
    str | None,
    Parameter(name="--report", help="Also write one self-contained page: FILE.html."),
]
AsJson = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON, numbers in full.")]
AsCsv = Annotated[bool, Parameter(name="--csv", negative="", help="Print CSV, numbers in full.")]


def whatif(
    book: Book,
    /,
    *,
    market: Market,
    model: Model = "deribit-xpm",
    add: Add = None,
    atomic: Atomic = True,
    size_to_fit: Fit = False,
    rank: Rank = None,
    lot: Lot = None,
    fee: Fee = None,
    as_of: AsOf = None,
    params: Params = None,
    changes: Changes = None,
    account: Account = None,
    top: Top = 20,
    venue: Venue = None,
    form: Form = None,
    allow_duplicates: Twins = False,
    report: Report = None,
    json_: AsJson = False,
    csv: AsCsv = False,
) -> int:
    """Would the venue take a trade, and what would it do to the account."""
    from crossmargin.interfaces.commands import _changes, _draw, _one_form, _receipt, _write
    from crossmargin.interfaces.whatif import whatif as verb

    _one_form(json_, csv)
    what = "asking what if" if rank is None else "ranking the candidates"
    with counting(what, quiet=json_ or csv) as progress:
        result = verb(
            book,
            market,
            model,
            add or [],
            atomic=atomic,
            size_to_fit=size_to_fit,
            rank=rank,
            lot=lot,
            fee=fee,
            as_of=as_of,
            params=params,
            changes=_changes(changes),
            account=account,
            venue=venue,
            form=form,
            allow_duplicates=allow_duplicates,
            progress=progress,
        )
    _draw(result, report, quiet=json_ or csv)
    if json_:
        _write(result.to_json())
    elif csv:
        _write(result.to_csv())
    else:
        show(result.document(top))
        _receipt(result.receipt.to_dict())
    return 0


def check(
    book: Book,
    /,
    *,
    market: Market,
    model: Model = "deribit-xpm",
    order: Annotated[
        list[str] | None,
        Parameter(
            name="--order",
            negative="",
            allow_leading_hyphen=True,
            help="NAME:SIZE@LIMIT, a sale with a negative size; default: the executable side.",
        ),
    ] = None,
    mmp: Annotated[
        str | None,
        Parameter(name="--mmp", help="The orders are under maker protection, in this group."),
    ] = None,
    fee: Fee = None,
    as_of: AsOf = None,
    params: Params = None,
    changes: Changes = None,
    account: Account = None,
    venue: Venue = None,
    form: Form = None,
    allow_duplicates: Twins = False,
    json_: AsJson = False,
    csv: AsCsv = False,
) -> int:
    """Would the venue take an order: 0 it would, 1 it would not, 2 the data give no verdict."""
    from crossmargin.interfaces.check import check as verb
    from crossmargin.interfaces.commands import _changes, _one_form, _receipt, _write

    _one_form(json_, csv)
    with working("checking", quiet=json_ or csv):
        result = verb(
            book,
            market,
            model,
            order or [],
            mmp=mmp,
            fee=fee,
            as_of=as_of,
            params=params,
            changes=_changes(changes),
            account=account,
            venue=venue,
            form=form,
            allow_duplicates=allow_duplicates,
        )
    if json_:
        _write(result.to_json())
    elif csv:
        _write(result.to_csv())
    else:
        show(result.document())
        _receipt(result.receipt.to_dict())
    return 0 if result.accepted else 1


def watch(
    book: Book,
    /,
    *,
    market: Annotated[
        list[str],
        Parameter(
            name="--market",
            negative="",
            consume_multiple=True,
            help="A folder in which snapshots arrive, or snapshots.",
        ),
    ],
    model: Model = "deribit-xpm",
    poll: Annotated[float, Parameter(name="--poll", help="Seconds between two looks.")] = 1.0,
    once: Annotated[
        bool, Parameter(name="--once", negative="", help="What is there now, and no more.")
    ] = False,
    count: Annotated[
        int | None, Parameter(name="--count", help="Stop after so many snapshots.")
    ] = None,
    timeout: Annotated[
        float | None, Parameter(name="--timeout", help="Stop after so many seconds without one.")
    ] = None,
    params: Params = None,
    changes: Changes = None,
    account: Account = None,
    venue: Venue = None,
    form: Form = None,
    allow_duplicates: Twins = False,
    json_: AsJson = False,
    csv: AsCsv = False,
) -> int:
    """Margin a book again with every snapshot that arrives: one line a change."""
    from crossmargin.interfaces.commands import _changes, _one_form
    from crossmargin.interfaces.watch import csv_head
    from crossmargin.interfaces.watch import watch as verb

    _one_form(json_, csv)
    if csv:
        sys.stdout.write(csv_head())
    states = verb(
        book,
        market,
        model,
        poll_s=poll,
        once=once,
        count=count,
        timeout_s=timeout,
        params=params,
        changes=_changes(changes),
        account=account,
        venue=venue,
        form=form,
        allow_duplicates=allow_duplicates,
    )
    failed = False
    for state in _waiting(states, quiet=json_ or csv):
        failed = state.error is not None
        line = state.json_line() if json_ else state.csv_line() if csv else state.line()
        sys.stdout.write(line + "\n")
        sys.stdout.flush()  # whoever reads the pipe sees a line when it is made
    if failed:
        raise InputError(
            "file_unreadable",
            "the last snapshot could not be used; its line says why",
            remedy="Give a snapshot that prices the book.",
        )
    return 0


def _waiting(states: Iterator[Distance], *, quiet: bool) -> Iterator[Distance]:
    """The states, each wait for one said on the error stream."""
    while True:
        with working("waiting for the next snapshot", quiet=quiet):
            state = next(states, None)
        if state is None:
            return
        yield state


def register(app: App) -> None:
    """Add these commands to the command line."""
    app.command(whatif)
    app.command(check)
    app.command(watch)
