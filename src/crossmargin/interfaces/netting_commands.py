"""The command netting: offsets of an account, the break that eats each, the hedge-quality curve."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from crossmargin.interfaces.screen import show, working
from crossmargin.interfaces.whatif_commands import (
    Account,
    AsCsv,
    AsJson,
    AsOf,
    Book,
    Changes,
    Form,
    Market,
    Params,
    Twins,
    Venue,
)

__all__ = ["netting", "register"]


def netting(
    book: Book,
    /,
    *,
    market: Market,
    account: Account = None,
    plot: Annotated[
        str | None, Parameter(name="--plot", help="Also draw the curve: FILE.html, .svg, .png.")
    ] = None,
    as_of: AsOf = None,
    params: Params = None,
    changes: Changes = None,
    venue: Venue = None,
    form: Form = None,
    allow_duplicates: Twins = False,
    json_: AsJson = False,
    csv: AsCsv = False,
) -> int:
    """What each offset of an account saves, and which break eats it."""
    from crossmargin.interfaces.commands import _changes, _one_form, _receipt, _write
    from crossmargin.interfaces.intents_file import written_line
    from crossmargin.interfaces.netting import netting as verb

    _one_form(json_, csv)
    with working("taking the offsets apart", quiet=json_ or csv):
        result = verb(
            book,
            market,
            account=account,
            as_of=as_of,
            params=params,
            changes=_changes(changes),
            venue=venue,
            form=form,
            allow_duplicates=allow_duplicates,
        )
    written = None if plot is None else result.plot(plot)
    if json_:
        _write(result.to_json())
    elif csv:
        _write(result.to_csv())
    else:
        show(result.document())
        _receipt(result.receipt.to_dict())
        if written is not None:
            print(f"\n{written_line(written)}")
    return 0


def register(app: App) -> None:
    """Add this command to the command line."""
    app.command(netting)
