"""The command attribute: who causes a requirement, what it costs a day, why it moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

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
    Model,
    Params,
    Twins,
    Venue,
)

if TYPE_CHECKING:
    from crossmargin.interfaces.attribute import AttributeResult

__all__ = ["attribute", "register"]

By = Annotated[
    str | None,
    Parameter(
        name="--by",
        help="leg, underlying, expiry, kind or a tag; several with commas, outermost first.",
    ),
]
Method = Annotated[
    str,
    Parameter(
        name="--method",
        help="all, euler, ray (along the ray), shapley, stand-alone or incremental.",
    ),
]
Pool = Annotated[str | None, Parameter(name="--pool", help="One pool alone, in its own currency.")]
Rate = Annotated[
    float, Parameter(name="--rate", help="Funding rate of the bill: a fraction a year.")
]
Basis = Annotated[
    str | None,
    Parameter(name="--basis", help="Whose shares are billed: euler, ray or shapley."),
]
Tie = Annotated[
    str, Parameter(name="--tie", help="Weights where losses tie: lp, min_norm or average.")
]
Instrument = Annotated[
    list[str] | None,
    Parameter(
        name="--instrument", negative="", help="Also the marginal of this contract, not held."
    ),
]
ExactMax = Annotated[
    int, Parameter(name="--exact-max", help="Groups up to which Shapley is exact.")
]
Pairs = Annotated[int, Parameter(name="--pairs", help="Pairs of orders drawn where it is not.")]
Against = Annotated[
    str | None, Parameter(name="--against", help="The book before: also explain the change.")
]
MarketBefore = Annotated[str | None, Parameter(name="--market-before", help="The market before.")]
MarketRepaired = Annotated[
    str | None,
    Parameter(name="--market-repaired", help="The market before, as corrected since."),
]
Plot = Annotated[
    str | None, Parameter(name="--plot", help="Also draw the shares: FILE.html, .svg, .png.")
]


def attribute(
    book: Book,
    /,
    *,
    market: Market,
    model: Model = "deribit-xpm",
    by: By = None,
    method: Method = "all",
    level: Annotated[str, Parameter(name="--level", help="im or mm.")] = "im",
    pool: Pool = None,
    rate: Rate = 0.08,
    days: Annotated[int, Parameter(name="--days", help="Days of the bill.")] = 1,
    basis: Basis = None,
    tie: Tie = "lp",
    instrument: Instrument = None,
    exact_max: ExactMax = 14,
    pairs: Pairs = 200,
    seed: Annotated[int, Parameter(name="--seed", help="Of what is drawn.")] = 0,
    against: Against = None,
    market_before: MarketBefore = None,
    market_repaired: MarketRepaired = None,
    plot: Plot = None,
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
    """Who causes a requirement, what it costs a day, and why it changed."""
    from crossmargin.interfaces.attribute import attribute as verb
    from crossmargin.interfaces.commands import _changes, _one_form

    _one_form(json_, csv)
    options = {
        "as_of": as_of, "params": params, "changes": _changes(changes), "account": account,
        "venue": venue, "form": form, "allow_duplicates": allow_duplicates,
    }  # fmt: skip
    with working("taking the requirement apart", quiet=json_ or csv):
        result = verb(
            book, market, model, by=by, method=method, level=level, pool=pool, rate=rate,
            days=days, basis=basis, tie=tie, instruments=instrument or (), exact_max=exact_max,
            pairs=pairs, seed=seed, against=against, market_before=market_before,
            market_repaired=market_repaired, **options,
        )  # fmt: skip
    _shown(result, plot, json_, csv)
    return 0


def _shown(result: AttributeResult, plot: str | None, json_: bool, csv: bool) -> None:
    """The answer in the form that was asked for, and the picture."""
    from crossmargin.interfaces.commands import _receipt, _write
    from crossmargin.interfaces.intents_file import written_line

    written = None if plot is None else result.plot(plot)
    if json_:
        _write(result.to_json())
    elif csv:
        _write(result.to_csv())
    else:
        show(result.summary())
        _receipt(result.receipt.to_dict())
        if written is not None:
            print(f"\n{written_line(written)}")


def register(app: App) -> None:
    """Add this command to the command line."""
    app.command(attribute)
