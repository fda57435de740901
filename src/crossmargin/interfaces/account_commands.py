"""The commands account and collateral: what an account holds against what is required of it."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from crossmargin.interfaces.screen import working

__all__ = ["account", "collateral", "register"]

Book = Annotated[str, Parameter(help="Book file: CSV, JSON, Parquet or Arrow.")]
Market = Annotated[
    str, Parameter(name="--market", help="Snapshot (or a file that can be imported).")
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
Plot = Annotated[
    str | None,
    Parameter(
        name="--plot", help="Also draw it: FILE.html, FILE.svg or FILE.png (see the documentation)."
    ),
]
AsJson = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON, numbers in full.")]
AsCsv = Annotated[bool, Parameter(name="--csv", negative="", help="Print CSV, numbers in full.")]


def account(
    book: Book,
    /,
    *,
    market: Market,
    model: Annotated[str, Parameter(name="--model", help="Margin model.")] = "deribit-xpm",
    ladder: Annotated[
        str | None,
        Parameter(name="--ladder", help="Ladder of another venue, or house; default the model's."),
    ] = None,
    buffer: Annotated[
        float | None,
        Parameter(name="--buffer", help="Fraction of the initial margin to keep over it."),
    ] = None,
    exit_cost: Annotated[
        str | None,
        Parameter(
            name="--exit-cost",
            help="Cost to close: depth (default), touch, cheaper, or dollars.",
        ),
    ] = None,
    books: Annotated[
        str | None, Parameter(name="--books", help="Order books as JSON: levels by contract.")
    ] = None,
    as_of: AsOf = None,
    params: Params = None,
    changes: Changes = None,
    account: Account = None,
    linked: Annotated[
        str | None,
        Parameter(
            name="--linked", help="Accounts of one owner, commas between, or all: judged as one."
        ),
    ] = None,
    venue: Venue = None,
    form: Form = None,
    allow_duplicates: Twins = False,
    plot: Plot = None,
    json_: AsJson = False,
    csv: AsCsv = False,
) -> int:
    """One account against its agreement: standing, free, withdrawable, cash, isolated or cross."""
    from crossmargin.interfaces.account import account as verb
    from crossmargin.interfaces.commands import _changes, _one_form, _print, _receipt

    _one_form(json_, csv)
    with working("judging the account", quiet=json_ or csv):
        result = verb(
            book,
            market,
            model,
            as_of,
            params,
            account=account,
            linked=() if linked is None else tuple(each.strip() for each in linked.split(",")),
            changes=_changes(changes),
            ladder=ladder,
            buffer=buffer,
            exit_cost=_dollars_or_word(exit_cost),
            books=books,
            venue=venue,
            form=form,
            allow_duplicates=allow_duplicates,
        )
        if plot is not None:
            result.plot(plot)
    _print(result, json_, csv)
    if not (json_ or csv):
        _receipt(result.to_dict()["receipt"])
    return 0


def _dollars_or_word(text: str | None) -> float | str | None:
    """A number is dollars; the verb refuses a word that it does not know."""
    try:
        return None if text is None else float(text)
    except ValueError:
        return text


def collateral(
    book: Book,
    /,
    *,
    market: Market,
    schedule: Annotated[
        str | None,
        Parameter(name="--schedule", help="Schedule of collateral as TOML; default the example."),
    ] = None,
    model: Annotated[
        str | None,
        Parameter(name="--model", help="Also back the maintenance margin under this model."),
    ] = None,
    params: Params = None,
    changes: Changes = None,
    threshold: Annotated[
        float, Parameter(name="--threshold", help="Health to restore or keep; default 1.")
    ] = 1.0,
    price: Annotated[
        list[str] | None,
        Parameter(
            name="--price",
            help="NAME.venue|cross|redemption|slow=USD, or NAME.sources=COUNT: known of an asset.",
            negative="",
        ),
    ] = None,
    as_of: AsOf = None,
    account: Account = None,
    venue: Venue = None,
    form: Form = None,
    allow_duplicates: Twins = False,
    plot: Plot = None,
    json_: AsJson = False,
    csv: AsCsv = False,
) -> int:
    """What the collateral counts for, step by step; ratio, health, top-up, largest withdrawal."""
    from crossmargin.interfaces.collateral import collateral as verb
    from crossmargin.interfaces.commands import _changes, _numbers, _one_form, _print

    _one_form(json_, csv)
    prices: dict[str, dict[str, float]] = {}
    for name, value in _numbers(price, "--price").items():
        asset, _, which = name.rpartition(".")
        prices.setdefault(asset, {})[which] = value
    with working("valuing the collateral", quiet=json_ or csv):
        result = verb(
            book,
            market,
            schedule,
            as_of=as_of,
            model=model,
            params=params,
            changes=_changes(changes),
            threshold=threshold,
            prices=prices,
            account=account,
            venue=venue,
            form=form,
            allow_duplicates=allow_duplicates,
        )
        if plot is not None:
            result.plot(plot)
    _print(result, json_, csv)
    return 0


def register(app: App) -> None:
    """Add these commands to the command line."""
    app.command(account)
    app.command(collateral)
