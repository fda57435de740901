"""The command liquidation: where an account is liquidated along a path, and how far that is."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from crossmargin.interfaces.screen import counting, show

__all__ = ["liquidation", "register"]


Book = Annotated[str, Parameter(help="Book file: CSV, JSON, Parquet or Arrow.")]
Market = Annotated[
    str, Parameter(name="--market", help="Snapshot (or a file that can be imported).")
]
Model = Annotated[str, Parameter(name="--model", help="Margin model.")]
Along = Annotated[
    str | None,
    Parameter(
        name="--path",
        help="spot, vol, time, response or joint; default response, without options spot.",
    ),
]
Coin = Annotated[
    str | None, Parameter(name="--coin", help="That coin alone (spot), or the lead (joint).")
]
Beta = Annotated[
    list[str] | None,
    Parameter(
        name="--beta",
        negative="",
        help="COIN=NUMBER instead of the fitted response of volatility, or of a coin's price.",
    ),
]
Nodes = Annotated[
    int | None, Parameter(name="--nodes", help="Points of the search from 0.05 to 20 x now.")
]
Penalty = Annotated[
    float | None, Parameter(name="--penalty", help="Liquidation penalty, share of notional.")
]
OracleLag = Annotated[
    float | None, Parameter(name="--oracle-lag", help="Seconds until a price is seen.")
]
MarkLag = Annotated[
    float | None, Parameter(name="--mark-lag", help="Seconds until marks follow a jump.")
]
On = Annotated[
    str, Parameter(name="--on", help="What it is worth at each point: mark, quotes or exit.")
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
Plot = Annotated[
    str | None,
    Parameter(name="--plot", help="Also draw equity and requirement: FILE.html, .svg, .png."),
]
AsJson = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON, numbers in full.")]
AsCsv = Annotated[bool, Parameter(name="--csv", negative="", help="Print CSV, numbers in full.")]


def liquidation(
    book: Book,
    /,
    *,
    market: Market,
    model: Model = "deribit-xpm",
    path: Along = None,
    coin: Coin = None,
    beta: Beta = None,
    nodes: Nodes = None,
    penalty: Penalty = None,
    oracle_lag: OracleLag = None,
    mark_lag: MarkLag = None,
    on: On = "mark",
    as_of: AsOf = None,
    params: Params = None,
    changes: Changes = None,
    account: AccountName = None,
    venue: Venue = None,
    form: Form = None,
    allow_duplicates: Twins = False,
    plot: Plot = None,
    json_: AsJson = False,
    csv: AsCsv = False,
) -> int:
    """Liquidation prices of an account on both sides, and how far they are."""
    from crossmargin.interfaces.commands import _changes, _numbers, _one_form, _receipt, _write
    from crossmargin.interfaces.liquidation import liquidation as verb

    _one_form(json_, csv)
    with counting("searching the path", quiet=json_ or csv) as progress:
        result = verb(
            book,
            market,
            model,
            path,
            coin=coin,
            betas=_numbers(beta, "--beta") or None,
            nodes=nodes,
            penalty=penalty,
            oracle_lag_s=oracle_lag,
            mark_lag_s=mark_lag,
            on=on,
            as_of=as_of,
            params=params,
            changes=_changes(changes),
            account=account,
            venue=venue,
            form=form,
            allow_duplicates=allow_duplicates,
            progress=progress,
        )
    if plot is not None:
        result.plot(plot)
    if json_:
        _write(result.to_json())
    elif csv:
        _write(result.to_csv())
    else:
        show(result.document())
        _receipt(result.receipt.to_dict())
    return 0


def register(app: App) -> None:
    """Add this command to the command line."""
    app.command(liquidation)
