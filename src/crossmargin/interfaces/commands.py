"""The commands and their flags. Each calls one verb and shows what it gave back."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

from cyclopts import App, Parameter

from crossmargin.core.errors import InputError
from crossmargin.core.version import __version__
from crossmargin.interfaces.account_commands import register as register_accounts
from crossmargin.interfaces.allocate_commands import register as register_allocate
from crossmargin.interfaces.attribute_commands import register as register_attribute
from crossmargin.interfaces.calibrate_commands import register as register_calibrate
from crossmargin.interfaces.conform_commands import register as register_conform
from crossmargin.interfaces.exit_commands import register as register_exit
from crossmargin.interfaces.frontier_commands import register as register_frontier
from crossmargin.interfaces.hedge_cost_commands import register as register_hedge_cost
from crossmargin.interfaces.liquidate_commands import register as register_liquidate
from crossmargin.interfaces.liquidation_commands import register as register_liquidation
from crossmargin.interfaces.netting_commands import register as register_netting
from crossmargin.interfaces.optimise_commands import register as register_optimise
from crossmargin.interfaces.parameters_commands import register as register_parameters
from crossmargin.interfaces.probe_commands import register as register_probe
from crossmargin.interfaces.protect_commands import register as register_protect
from crossmargin.interfaces.rank_commands import register as register_rank
from crossmargin.interfaces.rebalance_commands import register as register_rebalance
from crossmargin.interfaces.screen import counting, show, working
from crossmargin.interfaces.tables import Document
from crossmargin.interfaces.unified_commands import register as register_unified
from crossmargin.interfaces.verify_commands import register as register_verify
from crossmargin.interfaces.whatif_commands import register

__all__ = [
    "app",
    "compare",
    "demo",
    "margin",
    "market_check",
    "market_import",
    "market_show",
    "models",
]

app = App(
    name="crossmargin",
    help="Margin for crypto-derivative books under the venues' own rules, with the reason for every"
    " number.",
    version=__version__,
)
market_app = App(name="market", help="Import market data, show a snapshot, check it.")
app.command(market_app)
register(app)
register_liquidation(app)
register_liquidate(app)
register_conform(app)
register_verify(app)
register_probe(app)
register_parameters(app)
register_calibrate(app)
register_exit(app)
register_accounts(app)
register_unified(app)
register_netting(app)
register_frontier(app)
register_allocate(app)
register_hedge_cost(app)
register_rebalance(app)
register_protect(app)
register_optimise(app)
register_attribute(app)
register_rank(app)

Book = Annotated[str, Parameter(help="Book file: CSV, JSON, Parquet or Arrow.")]
Market = Annotated[
    str, Parameter(name="--market", help="Snapshot (or a file that can be imported).")
]
AsOf = Annotated[
    str | None,
    Parameter(
        name="--as-of",
        help="Instant from which lives count and parameters are chosen; default the snapshot's.",
    ),
]
Account = Annotated[str | None, Parameter(name="--account", help="That account alone.")]
Venue = Annotated[
    str | None, Parameter(name="--venue", help="Venue of a book file that names none.")
]
Form = Annotated[
    str | None,
    Parameter(
        name="--format", help="Format of the book: csv, json, parquet, arrow, deribit, ccxt, crif."
    ),
]
Twins = Annotated[
    bool,
    Parameter(
        name="--allow-duplicates", negative="", help="Rows identical in every column are lots."
    ),
]
AsJson = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON, numbers in full.")]
AsCsv = Annotated[bool, Parameter(name="--csv", negative="", help="Print CSV, numbers in full.")]
Top = Annotated[
    int,
    Parameter(name="--top", help="Positions and accounts to list one by one on screen; 0: all."),
]
Report = Annotated[
    str | None,
    Parameter(name="--report", help="Also write one self-contained page: FILE.html."),
]
Plot = Annotated[
    str | None,
    Parameter(
        name="--plot", help="Also draw equity and requirement by spot: FILE.html, .svg, .png."
    ),
]


@app.command
def margin(
    book: Book,
    /,
    *,
    market: Market,
    model: Annotated[str, Parameter(name="--model", help="Margin model.")] = "deribit-xpm",
    as_of: AsOf = None,
    params: Annotated[
        str | None,
        Parameter(name="--params", help="Parameter file (a set, or changes), or a set's label."),
    ] = None,
    changes: Annotated[
        list[str] | None,
        Parameter(name="--set", help="NAME=VALUE: change one parameter.", negative=""),
    ] = None,
    explain: Annotated[
        bool,
        Parameter(
            name="--explain", negative="", help="Tree, scenario grid, contributions, sources."
        ),
    ] = False,
    readings: Annotated[
        bool, Parameter(name="--readings", negative="", help="The interval over rival readings.")
    ] = False,
    account: Account = None,
    top: Top = 20,
    threads: Annotated[int, Parameter(name="--threads", help="Threads for many accounts.")] = 1,
    venue: Venue = None,
    form: Form = None,
    allow_duplicates: Twins = False,
    report: Report = None,
    plot: Plot = None,
    json_: AsJson = False,
    csv: AsCsv = False,
) -> int:
    """Initial and maintenance margin of a book under one model."""
    from crossmargin.interfaces.sources import at_least
    from crossmargin.interfaces.verbs import margin as verb

    _one_form(json_, csv)
    at_least(top, 0, "--top")
    with counting("margining the book", quiet=json_ or csv) as progress:
        result = verb(
            book,
            market,
            model,
            as_of,
            params,
            readings,
            threads,
            account=account,
            changes=_changes(changes),
            venue=venue,
            form=form,
            allow_duplicates=allow_duplicates,
            progress=progress,
        )
        if explain:
            result = result.explain(account)
    _draw(result, report, account, quiet=json_ or csv)
    _plot(result, plot, account, quiet=json_ or csv)
    if json_:
        _write(result.statement())
    elif csv:
        _write(result.to_csv())
    else:
        show(result.document(top))
        _receipt(result.receipt.to_dict())
    return 0


@app.command
def compare(
    book: Book,
    /,
    *,
    market: Market,
    models: Annotated[
        str | None,
        Parameter(name="--models", help="Models, comma between; default all that apply."),
    ] = None,
    as_of: AsOf = None,
    account: Account = None,
    venue: Venue = None,
    form: Form = None,
    allow_duplicates: Twins = False,
    report: Report = None,
    json_: AsJson = False,
    csv: AsCsv = False,
) -> int:
    """One account under several models, side by side in figures that may be compared."""
    from crossmargin.interfaces.verbs import compare as verb

    _one_form(json_, csv)
    with working("margining the book under every model", quiet=json_ or csv):
        result = verb(
            book,
            market,
            models,
            as_of,
            account=account,
            venue=venue,
            form=form,
            allow_duplicates=allow_duplicates,
        )
    _draw(result, report, quiet=json_ or csv)
    _print(result, json_, csv)
    if not (json_ or csv):
        _receipt(result.receipt.to_dict())
    return 0


@app.command
def demo() -> int:
    """The three sample books under every model, and one of them explained."""
    from crossmargin.interfaces.verbs import compare as compare_verb
    from crossmargin.interfaces.verbs import margin as margin_verb
    from crossmargin.sample import BOOKS

    for name in BOOKS:
        with working(f"margining {name}"):
            result = compare_verb(f"sample:{name}", "sample:market")
        show(_titled(result.document(), f"sample book {name}", ("cash", "why")))
        print()
    with working("explaining one"):
        one = margin_verb(
            f"sample:{BOOKS[0]}", "sample:market", "deribit-spm", readings=True
        ).explain()
    show(one.document(top=12))
    _receipt(one.receipt.to_dict())
    print("\nThe sample data are generated, not recorded; nothing here is a venue's account.")
    return 0


@app.command
def models(
    name: Annotated[str | None, Parameter(help="Model to show in full.")] = None,
    /,
    *,
    json_: AsJson = False,
    csv: AsCsv = False,
) -> int:
    """The models; with a name its rules, sources, readings, gaps and every number."""
    from crossmargin.interfaces.listing import models as verb

    _one_form(json_, csv)
    _print(verb(name), json_, csv)
    return 0


@market_app.command(name="import")
def market_import(
    *files: Annotated[str, Parameter(help="Chains, and prices that accompany them.")],
    at: Annotated[
        str | None, Parameter(name="--at", help="Take the chain nearest to this time.")
    ] = None,
    currency: Annotated[
        str | None, Parameter(name="--currency", help="Underlying of files that name none.")
    ] = None,
    usd: Annotated[
        list[str] | None,
        Parameter(name="--usd", negative="", help="CURRENCY=DOLLARS of a stablecoin."),
    ] = None,
    index: Annotated[
        list[str] | None,
        Parameter(name="--index", negative="", help="PAIR=INDEX where no file gives it."),
    ] = None,
    history: Annotated[
        str | None,
        Parameter(name="--history", help="Earlier prices and vols: time, underlying, price, vol."),
    ] = None,
    output: Annotated[str, Parameter(name=["--output", "-o"], help="Snapshot to write.")],
) -> int:
    """Merge market files into one coherent snapshot."""
    from crossmargin.core.clock import parse_ms
    from crossmargin.interfaces.verbs import quality

    if not output.lower().endswith(".parquet"):
        raise InputError(
            "option_unknown",
            "a snapshot is a Parquet file",
            place="--output",
            value=output,
            limit="a name that ends in .parquet",
            remedy="Write it as NAME.parquet; `market show --csv` prints a table.",
        )
    from crossmargin.venues.market_file import write_snapshot
    from crossmargin.venues.market_import import import_market

    with working("reading the market"):
        snapshot = import_market(
            list(files),
            None if at is None else parse_ms(at, "--at"),
            currency,
            usd=_numbers(usd, "--usd"),
            index=_numbers(index, "--index"),
            history=history,
        )
        write_snapshot(snapshot, output)
    show(quality(snapshot).document())
    print(f"\nwritten to {output}")
    return 0


@market_app.command(name="show")
def market_show(
    snapshot: Annotated[str, Parameter(help="Snapshot, or a file that can be imported.")],
    /,
    *,
    json_: AsJson = False,
    csv: AsCsv = False,
) -> int:
    """Index, forwards, spreads in basis points, and what was not simply quoted."""
    from crossmargin.interfaces.verbs import quality

    _one_form(json_, csv)
    with working("reading the market", quiet=json_ or csv):
        result = quality(snapshot)
    _print(result, json_, csv)
    return 0


@market_app.command(name="check")
def market_check(
    snapshot: Annotated[str, Parameter(help="Snapshot, or a file that can be imported.")],
    /,
    *,
    json_: AsJson = False,
    csv: AsCsv = False,
) -> int:
    """Verdicts item by item; exit status 1 if one is stale, incoherent, crossed, impossible."""
    from crossmargin.interfaces.tables import csv_text
    from crossmargin.interfaces.verbs import quality

    _one_form(json_, csv)
    with working("reading the market", quiet=json_ or csv):
        result = quality(snapshot)
    if json_:
        _write(result.to_json())
    elif csv:
        _write(csv_text(result.document(check=True)))
    else:
        show(result.document(check=True))
    return 1 if result.bad else 0


def _plot(result: Any, plot: str | None, account: str | None, *, quiet: bool) -> None:
    """Equity and requirement of the account against spot, where that is asked for."""
    if plot is not None:
        with working("searching the liquidation points", quiet=quiet):
            result.plot(plot, account)


def _draw(result: Any, path: str | None, account: str | None = None, *, quiet: bool) -> None:
    """The page of a result, where one is asked for; progress counts the cells of its surfaces."""
    if path is None:
        return
    from crossmargin.interfaces.report import write_report  # charts: only when asked for

    with counting("margining at other spots and volatilities", quiet=quiet) as progress:
        written = write_report(result, path, account, progress)
    if not quiet:
        print(f"report written to {written}", file=sys.stderr)


def _titled(document: Document, title: str, kept: tuple[str, ...]) -> Document:
    """The document under another title, with the named tables alone and without its notes."""
    tables = tuple(table for table in document.tables if table.name in kept)
    return Document(title, document.lines, tables)


def _print(result: Any, as_json: bool, as_csv: bool) -> None:
    if as_json:
        _write(result.to_json())
    elif as_csv:
        _write(result.to_csv())
    else:
        show(result.document())


def _write(text: str | bytes) -> None:
    """Exactly these bytes: no colour, no line folding."""
    data = text.encode() if isinstance(text, str) else text
    sys.stdout.flush()
    rest = memoryview(data)
    while rest:  # without a buffer a write may take a part and say so, and no error
        rest = rest[sys.stdout.buffer.write(rest) :]


def _receipt(receipt: dict[str, Any]) -> None:
    build = receipt["build"]
    print(
        f"\nreceipt  book {receipt['book_sha256'][:12]}  orders {receipt['orders_sha256'][:12]}  "
        f"market {receipt['snapshot_sha256'][:12]}\n"
        f"         build {build['crossmargin']} {build['sources_sha256'][:12]}  "
        f"(in full with --json)\n         {receipt['command']}"
    )


def _one_form(as_json: bool, as_csv: bool) -> None:
    if as_json and as_csv:
        raise InputError(
            "option_unknown",
            "--json and --csv exclude each other",
            remedy="Ask for one of them.",
        )


def _pairs(texts: list[str] | None, flag: str) -> dict[str, str]:
    found = {}
    for text in texts or []:
        name, sign, value = text.partition("=")
        if not (name and sign and value):
            raise InputError(
                "option_unknown",
                "not NAME=VALUE",
                place=flag,
                value=text,
                remedy="Write a name, an equals sign and a value.",
            )
        found[name] = value
    return found


def _changes(texts: list[str] | None) -> dict[str, Any]:
    """Values as JSON where they are (numbers, lists), else as text."""
    out: dict[str, Any] = {}
    for name, text in _pairs(texts, "--set").items():
        try:
            out[name] = json.loads(text)
        except ValueError:
            out[name] = text
    return out


def _numbers(texts: list[str] | None, flag: str) -> dict[str, float]:
    from crossmargin.venues.reading import number  # the strict door of every reader

    return {name: number(text, f"{flag} {name}") for name, text in _pairs(texts, flag).items()}
