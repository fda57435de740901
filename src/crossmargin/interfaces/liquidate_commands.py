"""The command liquidate: an account taken apart, step by step, by its venue or by a house."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from crossmargin.core.errors import InputError
from crossmargin.interfaces.screen import show, working

__all__ = ["liquidate", "register"]

_STEPS_SHOWN = 60  # a venue's rounds may be thousands

Book = Annotated[str, Parameter(help="Book file: CSV, JSON, Parquet or Arrow.")]
Markets = Annotated[
    list[str],
    Parameter(name="--market", help="Snapshot; several are a path in time.", negative=""),
]
Model = Annotated[str, Parameter(name="--model", help="Margin model.")]
Mechanics = Annotated[
    str, Parameter(name="--mechanics", help="auto (the venue's where published), house, venue.")
]
Order = Annotated[
    str, Parameter(name="--order", help="Of a house: best, risk_per_cost, largest, pro_rata.")
]
Spot = Annotated[
    float | None,
    Parameter(name="--spot", help="Move every coin first: -0.3 is a fall of 30 %."),
]
Buffer = Annotated[
    float | None, Parameter(name="--buffer", help="Share of MM to restore over it (house).")
]
Fund = Annotated[float, Parameter(name="--fund", help="Dollars in the insurance fund (house).")]
Winners = Annotated[
    list[str] | None,
    Parameter(
        name="--winner",
        help="NAME=PROFIT:LEVERAGE: who is deleveraged as the last resort.",
        negative="",
    ),
]
Bids = Annotated[
    list[str] | None,
    Parameter(name="--bid", help="SECONDS=SHARE: who takes part of an auction, when.", negative=""),
]
TermChanges = Annotated[
    list[str] | None,
    Parameter(name="--terms", help="NAME=VALUE: change a term of the house.", negative=""),
]
Lots = Annotated[
    list[str] | None,
    Parameter(name="--lot", help="CONTRACT=SIZE: its smallest size.", negative=""),
]
NotBefore = Annotated[
    str | None,
    Parameter(name="--not-before", help="End of the last gap: older inputs decide nothing."),
]
AsOf = Annotated[
    str | None,
    Parameter(name="--as-of", help="Instant from which lives count; default the snapshot's."),
]
Params = Annotated[
    str | None,
    Parameter(name="--params", help="Parameter file (a set, or changes), or a set's label."),
]
Changes = Annotated[
    list[str] | None,
    Parameter(name="--set", help="NAME=VALUE: change one parameter.", negative=""),
]
AccountName = Annotated[str | None, Parameter(name="--account", help="That account alone.")]
Venue = Annotated[
    str | None, Parameter(name="--venue", help="Venue of a book file that names none.")
]
Form = Annotated[str | None, Parameter(name="--format", help="Format of the book.")]
Twins = Annotated[
    bool,
    Parameter(
        name="--allow-duplicates", negative="", help="Rows identical in every column are lots."
    ),
]
AsJson = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON, numbers in full.")]
AsCsv = Annotated[bool, Parameter(name="--csv", negative="", help="Print CSV, numbers in full.")]


def liquidate(
    book: Book,
    /,
    *,
    market: Markets,
    model: Model = "deribit-xpm",
    mechanics: Mechanics = "auto",
    order: Order = "best",
    spot: Spot = None,
    buffer: Buffer = None,
    fund: Fund = 0.0,
    winner: Winners = None,
    bid: Bids = None,
    terms: TermChanges = None,
    lot: Lots = None,
    not_before: NotBefore = None,
    as_of: AsOf = None,
    params: Params = None,
    changes: Changes = None,
    account: AccountName = None,
    venue: Venue = None,
    form: Form = None,
    allow_duplicates: Twins = False,
    json_: AsJson = False,
    csv: AsCsv = False,
) -> int:
    """What is taken from an account below maintenance margin: step by step, and who pays."""
    from crossmargin.interfaces.commands import _changes, _numbers, _one_form, _print, _receipt
    from crossmargin.interfaces.liquidate import liquidate as verb
    from crossmargin.interfaces.liquidate_layouts import liquidate_document

    _one_form(json_, csv)
    with working("taking the account apart", quiet=json_ or csv):
        result = verb(
            book,
            market if len(market) > 1 else market[0],
            model,
            as_of,
            params,
            mechanics=mechanics,
            order=order,
            spot=spot,
            buffer=buffer,
            terms=_numbers(terms, "--terms") or None,
            lots=_numbers(lot, "--lot") or None,
            fund_usd=fund,
            winners=None if winner is None else dict(_winner(each) for each in winner),
            bids=tuple(_bid(each) for each in bid or ()),
            not_before=not_before,
            account=account,
            changes=_changes(changes),
            venue=venue,
            form=form,
            allow_duplicates=allow_duplicates,
        )
    if json_ or csv:
        _print(result, json_, csv)
    else:
        show(liquidate_document(result.figures, _STEPS_SHOWN))
        _receipt(result.to_dict()["receipt"])
    return 0


def _winner(shown: str) -> tuple[str, tuple[float, float]]:
    """NAME=PROFIT:LEVERAGE."""
    name, _, numbers = shown.partition("=")
    profit, _, leverage = numbers.partition(":")
    if not name or not leverage:
        raise _wrong("--winner", shown, "NAME=PROFIT:LEVERAGE")
    return name, (_number(profit, "--winner"), _number(leverage, "--winner"))


def _bid(shown: str) -> tuple[float, float]:
    """SECONDS=SHARE."""
    seconds, _, share = shown.partition("=")
    if not share:
        raise _wrong("--bid", shown, "SECONDS=SHARE")
    return _number(seconds, "--bid"), _number(share, "--bid")


def _number(shown: str, flag: str) -> float:
    from crossmargin.venues.reading import number  # the strict door of every reader

    return number(shown, flag)


def _wrong(flag: str, value: str, limit: str) -> InputError:
    return InputError(
        "option_unknown",
        "this is not how it is written",
        place=flag,
        value=value,
        limit=limit,
        remedy="Write it so.",
    )


def register(app: App) -> None:
    """Add this command to the command line."""
    app.command(liquidate)
