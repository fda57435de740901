"""The command exit: what it costs to leave an account."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from crossmargin.interfaces.screen import show, working

__all__ = ["exit_", "register"]


Market = Annotated[
    str, Parameter(name="--market", help="Snapshot (or a file that can be imported).")
]
Books = Annotated[
    str | None, Parameter(name="--books", help="Order books: levels by contract, JSON.")
]
AsOf = Annotated[
    str | None,
    Parameter(name="--as-of", help="Instant from which lives count; default the snapshot's."),
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


def exit_(
    book: Annotated[str, Parameter(help="Book file: CSV, JSON, Parquet or Arrow.")],
    /,
    *,
    market: Market,
    model: Annotated[str, Parameter(name="--model", help="Margin model.")] = "deribit-xpm",
    days: Annotated[float, Parameter(name="--days", help="Days over which to close.")] = 5.0,
    books: Books = None,
    as_of: AsOf = None,
    account: Annotated[str | None, Parameter(name="--account", help="That account alone.")] = None,
    fee: Annotated[
        float | None,
        Parameter(name="--fee", help="Taker's share in place of the venue's; 0 for none."),
    ] = None,
    changes: Annotated[
        list[str] | None,
        Parameter(name="--set", help="NAME=VALUE: change one number of the exit.", negative=""),
    ] = None,
    top: Annotated[int, Parameter(name="--top", help="Lines to list on screen; 0: all.")] = 20,
    venue: Annotated[
        str | None, Parameter(name="--venue", help="Venue of a book file that names none.")
    ] = None,
    form: Form = None,
    allow_duplicates: Twins = False,
    plot: Annotated[
        str | None,
        Parameter(name="--plot", help="Also draw cost by size and days: FILE.html, .svg, .png."),
    ] = None,
    json_: Annotated[
        bool, Parameter(name="--json", negative="", help="Print JSON, numbers in full.")
    ] = False,
    csv: Annotated[
        bool, Parameter(name="--csv", negative="", help="Print CSV, numbers in full.")
    ] = False,
) -> int:
    """What it costs to leave: at mark, touch and depth, over days, and what is left of equity."""
    from crossmargin.interfaces.commands import _changes, _one_form, _receipt, _write
    from crossmargin.interfaces.exit import exit_value as verb
    from crossmargin.interfaces.sources import at_least

    _one_form(json_, csv)
    at_least(top, 0, "--top")
    with working("pricing the way out", quiet=json_ or csv):
        result = verb(
            book,
            market,
            model,
            days=days,
            books=books,
            as_of=as_of,
            account=account,
            fee=fee,
            changes=_changes(changes),
            venue=venue,
            form=form,
            allow_duplicates=allow_duplicates,
        )
        result.figures  # noqa: B018 # what is slow is done under the sign that it works
    if plot is not None:
        result.plot(plot)
    if json_:
        _write(result.to_json())
    elif csv:
        _write(result.to_csv())
    else:
        show(result.document(top))
        _receipt(result.receipt.to_dict())
    return 0


def register(app: App) -> None:
    """Add this command to the command line."""
    app.command(exit_, name="exit")
