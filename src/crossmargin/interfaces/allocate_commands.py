"""The command allocate: where positions and collateral should lie."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from crossmargin.core.errors import InputError
from crossmargin.interfaces.screen import show, working
from crossmargin.interfaces.whatif_commands import (
    Account,
    AsCsv,
    AsJson,
    AsOf,
    Fee,
    Form,
    Twins,
    Venue,
)

if TYPE_CHECKING:
    from crossmargin.interfaces.allocate import AllocateResult

__all__ = ["allocate", "register"]

Source = Annotated[
    str, Parameter(help="File of a unified account (TOML), or a book with --market.")
]
MarketOrNone = Annotated[
    str | None, Parameter(name="--market", help="Snapshot of a book that is given alone.")
]
Models = Annotated[
    str | None,
    Parameter(name="--models", help="Models it may be spread over; it lies at the first."),
]
Cash = Annotated[
    list[str] | None,
    Parameter(name="--cash", negative="", help="MODEL=DOLLARS that lie there already."),
]
Buffer = Annotated[
    float, Parameter(name="--buffer", help="Room to keep, share of each venue's demand.")
]
BufferUsd = Annotated[
    list[str] | None,
    Parameter(name="--buffer-usd", negative="", help="ACCOUNT=DOLLARS of room to keep there."),
]
Rate = Annotated[float, Parameter(name="--rate", help="What a dollar of demand costs a year.")]
Days = Annotated[float, Parameter(name="--days", help="Days over which the positions are kept.")]
AddOne = Annotated[
    str | None,
    Parameter(
        name="--add",
        allow_leading_hyphen=True,
        help="A new trade to spread over the accounts: NAME:SIZE[@PRICE].",
    ),
]
Trades = Annotated[
    bool, Parameter(name="--trades", negative="--no-trades", help="Positions may move.")
]
Transfers = Annotated[
    bool, Parameter(name="--transfers", negative="--no-transfers", help="Assets may move.")
]
Lots = Annotated[bool, Parameter(name="--lots", negative="--no-lots", help="Whole lots only.")]
AtMark = Annotated[
    bool,
    Parameter(name="--at-mark", negative="", help="No spread: as if it were placed anew."),
]
Compress = Annotated[
    float, Parameter(name="--compress", help="Dollars a dollar of gross less is worth.")
]
Holding = Annotated[
    list[str] | None,
    Parameter(name="--holding", negative="", help="ASSET=RATE: what tying it up costs a year."),
]
Plot = Annotated[
    str | None,
    Parameter(name="--plot", help="Also draw demand before and after: FILE.html, .svg, .png."),
]
IntentsFile = Annotated[
    str | None,
    Parameter(name="--intents", help="Also write trades and transfers: FILE.csv or FILE.json."),
]


def _named(given: list[str] | None, flag: str) -> dict[str, float]:
    """NAME=NUMBER pairs; InputError ``option_unknown`` for another form."""
    from crossmargin.venues.reading import number  # the strict door of every reader

    out: dict[str, float] = {}
    for text in given or []:
        name, sign, value = text.partition("=")
        if not (name and sign and value) or name in out:
            raise InputError(
                "option_unknown",
                "not a name and a number, or a name twice",
                place=flag,
                value=text,
                limit="NAME=NUMBER, each name once",
                remedy="Correct it.",
            )
        out[name] = number(value, f"{flag} {name}")
    return out


def _refuse_endings(plot: str | None, intents: str | None) -> None:
    """InputError ``option_unknown`` for a file that could not be written, before anything runs."""
    # What else may fail as a file is written fails before the answer is printed.
    from crossmargin.interfaces import intents_file, plots

    for flag, path, endings in (
        ("--plot", plot, plots.ENDINGS),
        ("--intents", intents, intents_file.ENDINGS),
    ):
        if path is not None and Path(path).suffix.lower() not in endings:
            raise InputError(
                "option_unknown",
                "no file of this ending is written",
                place=flag,
                value=Path(path).name,
                limit=", ".join(f"FILE{each}" for each in endings),
                remedy="Choose one of these endings.",
            )


def allocate(
    source: Source,
    /,
    *,
    market: MarketOrNone = None,
    models: Models = None,
    cash: Cash = None,
    buffer: Buffer = 0.1,
    buffer_usd: BufferUsd = None,
    rate: Rate = 0.08,
    days: Days = 30.0,
    add: AddOne = None,
    trades: Trades = True,
    transfers: Transfers = True,
    lots: Lots = True,
    at_mark: AtMark = False,
    compress: Compress = 0.0,
    holding: Holding = None,
    fee: Fee = None,
    plot: Plot = None,
    intents: IntentsFile = None,
    as_of: AsOf = None,
    account: Account = None,
    venue: Venue = None,
    form: Form = None,
    allow_duplicates: Twins = False,
    json_: AsJson = False,
    csv: AsCsv = False,
) -> int:
    """Where positions and collateral should lie, a new trade routed, a call cured."""
    from crossmargin.interfaces.allocate import allocate as verb
    from crossmargin.interfaces.commands import _one_form, _write

    _one_form(json_, csv)
    _refuse_endings(plot, intents)
    with working("allocating", quiet=json_ or csv):
        result = verb(
            source,
            market,
            [name.strip() for name in models.split(",")] if models else (),
            cash=_named(cash, "--cash"),
            buffer=buffer,
            buffers_usd=_named(buffer_usd, "--buffer-usd"),
            rate=rate,
            days=days,
            add=add,
            trades=trades,
            transfers=transfers,
            lots=lots,
            at_mark=at_mark,
            compress=compress,
            holding=_named(holding, "--holding"),
            fee=fee,
            as_of=as_of,
            account=account,
            venue=venue,
            form=form,
            allow_duplicates=allow_duplicates,
        )
    written = _written(result, plot, intents)
    if json_:
        _write(result.to_json())
    elif csv:
        _write(result.to_csv())
    else:
        show(result.document())
        if written:
            print("\n" + "\n".join(written))
    return 0


def _written(result: AllocateResult, plot: str | None, intents: str | None) -> list[str]:
    """Write the picture and the intents; a line for each."""
    from crossmargin.interfaces import intents_file  # only when one is written

    lines = [] if plot is None else [intents_file.written_line(result.plot(plot))]
    if intents is not None:
        path = result.write_intents(intents)
        lines.append(intents_file.intents_line(path, len(result.intents)))
    return lines


def register(app: App) -> None:
    """Add this command to the command line."""
    app.command(allocate)
