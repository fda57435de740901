"""The command rank: candidate trades by the margin that each saves for its cost."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from crossmargin.interfaces.screen import counting, show
from crossmargin.interfaces.whatif_commands import (
    Account,
    AsCsv,
    AsJson,
    AsOf,
    Book,
    Changes,
    Fee,
    Form,
    Market,
    Model,
    Params,
    Top,
    Twins,
    Venue,
)

__all__ = ["rank", "register"]


ALL = 1_000_000_000  # candidates: as many as there are
Candidates = Annotated[
    str | None,
    Parameter(name="--candidates", help="CSV: instrument, size, …; default: every contract."),
]
Share = Annotated[
    float, Parameter(name="--share", help="Size of each, of the book's largest position.")
]
Fit = Annotated[
    int, Parameter(name="--fit", help="Of so many of the first, the largest size that fits.")
]
LeastDays = Annotated[
    float,
    Parameter(
        name="--least-days", help="Life in days below which a contract is only closed; 0: none."
    ),
]
Days = Annotated[
    float, Parameter(name="--days", help="Days over which a perpetual pays its funding.")
]
Maker = Annotated[
    bool, Parameter(name="--maker", negative="", help="Costs of orders that rest: no spread.")
]
IntentsFile = Annotated[
    str | None,
    Parameter(name="--intents", help="Also write the first --top: FILE.csv or FILE.json."),
]
Plot = Annotated[
    str | None, Parameter(name="--plot", help="Also draw the first: FILE.html, .svg, .png.")
]


def rank(
    book: Book,
    /,
    *,
    market: Market,
    model: Model = "deribit-xpm",
    candidates: Candidates = None,
    share: Share = 0.1,
    fit: Fit = 5,
    least_days: LeastDays = 7.0,
    days: Days = 30.0,
    maker: Maker = False,
    top: Top = 20,
    intents: IntentsFile = None,
    plot: Plot = None,
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
    """Trades by the margin that each saves for a dollar of cost; nothing is sent."""
    from crossmargin.interfaces.commands import _changes, _one_form, _receipt, _write
    from crossmargin.interfaces.intents_file import intents_line, written_line
    from crossmargin.interfaces.rank import rank as verb
    from crossmargin.interfaces.sources import at_least

    _one_form(json_, csv)
    at_least(top, 0, "--top")
    with counting("ranking the candidates", quiet=json_ or csv) as progress:
        result = verb(
            book,
            market,
            model,
            candidates,
            share=share,
            fit=fit,
            least_days=least_days,
            first=top or ALL,
            days=days,
            maker=maker,
            progress=progress,
            fee=fee,
            as_of=as_of,
            params=params,
            changes=_changes(changes),
            account=account,
            venue=venue,
            form=form,
            allow_duplicates=allow_duplicates,
        )
    written = [] if plot is None else [written_line(result.plot(plot))]
    if intents is not None:
        count = sum(len(own) for own in result.intents(top).values())
        written.append(intents_line(result.write_intents(intents, top), count))
    if json_:
        _write(result.to_json())
    elif csv:
        _write(result.to_csv())
    else:
        show(result.document(top))
        _receipt(result.receipt.to_dict())
        for told in written:
            print(f"\n{told}")
    return 0


def register(app: App) -> None:
    """Add this command to the command line."""
    app.command(rank)
