"""The command attribute: who causes a requirement, what it costs a day, why it moved."""

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
    Model,
    Params,
    Twins,
    Venue,
)

__all__ = ["attribute", "register"]


def attribute(
    book: Book,
    /,
    *,
    market: Market,
    model: Model = "deribit-xpm",
    by: Annotated[
        str | None,
        Parameter(
            name="--by",
            help="leg, underlying, expiry, kind or a tag; several with commas, outermost first.",
        ),
    ] = None,
    method: Annotated[
        str,
        Parameter(
            name="--method",
            help="all, euler, ray (along the ray), shapley, stand-alone or incremental.",
        ),
    ] = "all",
    level: Annotated[str, Parameter(name="--level", help="im or mm.")] = "im",
    pool: Annotated[
        str | None, Parameter(name="--pool", help="One pool alone, in its own currency.")
    ] = None,
    rate: Annotated[
        float, Parameter(name="--rate", help="Funding rate of the bill: a fraction a year.")
    ] = 0.08,
    days: Annotated[int, Parameter(name="--days", help="Days of the bill.")] = 1,
    basis: Annotated[
        str | None,
        Parameter(name="--basis", help="Whose shares are billed: euler, ray or shapley."),
    ] = None,
    tie: Annotated[
        str, Parameter(name="--tie", help="Weights where losses tie: lp, min_norm or average.")
    ] = "lp",
    instrument: Annotated[
        list[str] | None,
        Parameter(
            name="--instrument", negative="", help="Also the marginal of this contract, not held."
        ),
    ] = None,
    exact_max: Annotated[
        int, Parameter(name="--exact-max", help="Groups up to which Shapley is exact.")
    ] = 14,
    pairs: Annotated[
        int, Parameter(name="--pairs", help="Pairs of orders drawn where it is not.")
    ] = 200,
    seed: Annotated[int, Parameter(name="--seed", help="Of what is drawn.")] = 0,
    against: Annotated[
        str | None, Parameter(name="--against", help="The book before: also explain the change.")
    ] = None,
    market_before: Annotated[
        str | None, Parameter(name="--market-before", help="The market before.")
    ] = None,
    market_repaired: Annotated[
        str | None,
        Parameter(name="--market-repaired", help="The market before, as corrected since."),
    ] = None,
    plot: Annotated[
        str | None, Parameter(name="--plot", help="Also draw the shares: FILE.html, .svg, .png.")
    ] = None,
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
    from crossmargin.interfaces.commands import _changes, _one_form, _receipt, _write

    _one_form(json_, csv)
    with working("taking the requirement apart", quiet=json_ or csv):
        result = verb(
            book,
            market,
            model,
            by=by,
            method=method,
            level=level,
            pool=pool,
            rate=rate,
            days=days,
            basis=basis,
            tie=tie,
            instruments=instrument or (),
            exact_max=exact_max,
            pairs=pairs,
            seed=seed,
            against=against,
            market_before=market_before,
            market_repaired=market_repaired,
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
            print(f"\nthe shares are drawn in {written}")
    return 0


def register(app: App) -> None:
    """Add this command to the command line."""
    app.command(attribute)
