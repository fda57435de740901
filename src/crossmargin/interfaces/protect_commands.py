"""The command protect: hedges above a floor, by cost."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from crossmargin.interfaces.screen import show, working
from crossmargin.interfaces.whatif_commands import (
    Account,
    AsCsv,
    AsJson,
    AsOf,
    Changes,
    Form,
    Market,
    Params,
    Twins,
    Venue,
)

__all__ = ["protect", "register"]

Number = float | None


def protect(
    book: Annotated[str, Parameter(help="Book file, or COIN:AMOUNT for coins that are held.")],
    /,
    *,
    market: Market,
    model: Annotated[str, Parameter(name="--model", help="Margin model.")] = "deribit-xpm",
    floor: Annotated[
        float, Parameter(name="--floor", help="Floor as a share of today's equity.")
    ] = 0.8,
    floor_price: Annotated[
        Number,
        Parameter(name="--floor-price", help="Floor: the account's own worth at that price."),
    ] = None,
    unit: Annotated[
        str, Parameter(name="--unit", help="What the floor is counted in: usd or coin.")
    ] = "usd",
    days: Annotated[float, Parameter(name="--days", help="Horizon in days.")] = 60.0,
    coin: Annotated[
        str | None, Parameter(name="--coin", help="Whose price moves; default the largest held.")
    ] = None,
    strategies: Annotated[
        list[str] | None,
        Parameter(
            name="--strategies",
            consume_multiple=True,
            negative="",
            help="Of put, put-spread, collar, zero-cost-collar, ratio-put-spread, call, "
            "perp-short, cheapest-mix; default all.",
        ),
    ] = None,
    expiries: Annotated[
        int, Parameter(name="--expiries", help="Expiries tried, those nearest to the horizon.")
    ] = 4,
    crash: Annotated[
        float, Parameter(name="--crash", help="Share of the price down to which spreads hold.")
    ] = 0.5,
    cap: Annotated[
        float, Parameter(name="--cap", help="Rise that a collar leaves at least, a share.")
    ] = 0.2,
    response: Annotated[
        Number,
        Parameter(name="--response", help="Exponent of volatility to the price; default history."),
    ] = None,
    cppi: Annotated[
        list[float] | None,
        Parameter(
            name="--cppi",
            consume_multiple=True,
            negative="",
            help="Multipliers: compare with rules over drawn paths.",
        ),
    ] = None,
    tail_budget: Annotated[
        Number, Parameter(name="--tail-budget", help="Share of the equity a year for a tail hedge.")
    ] = None,
    paths: Annotated[int, Parameter(name="--paths", help="Paths of the comparison.")] = 2000,
    seed: Annotated[int, Parameter(name="--seed", help="Seed of the paths.")] = 1,
    replay: Annotated[
        bool, Parameter(name="--replay", negative="", help="Compare over the history's stretches.")
    ] = False,
    take: Annotated[
        int, Parameter(name="--take", help="Number of the hedge for --plot and --intents.")
    ] = 1,
    plot: Annotated[
        str | None,
        Parameter(name="--plot", help="Also draw before and after: FILE.svg, .html or .png."),
    ] = None,
    intents: Annotated[
        str | None,
        Parameter(name="--intents", help="Also write the trades: FILE.csv or .json."),
    ] = None,
    top: Annotated[int, Parameter(name="--top", help="Hedges to list on screen; 0: all.")] = 10,
    as_of: AsOf = None,
    account: Account = None,
    params: Params = None,
    changes: Changes = None,
    fee: Annotated[
        Number, Parameter(name="--fee", help="Taker's share in place of the venue's; 0 for none.")
    ] = None,
    venue: Venue = None,
    form: Form = None,
    allow_duplicates: Twins = False,
    json_: AsJson = False,
    csv: AsCsv = False,
) -> int:
    """Hedges that keep an account above a floor at every price, ranked by cost."""
    from crossmargin.interfaces.commands import _changes, _one_form, _receipt, _write
    from crossmargin.interfaces.protect import protect as verb
    from crossmargin.interfaces.sources import at_least

    _one_form(json_, csv)
    at_least(top, 0, "--top")
    with working("looking for hedges", quiet=json_ or csv):
        result = verb(
            book, market, model, floor=floor, floor_price=floor_price, unit=unit, days=days,
            coin=coin, strategies=strategies, expiries=expiries, crash=crash, cap=cap,
            response=response, cppi=cppi or (), tail_budget=tail_budget, paths=paths, seed=seed,
            replay=replay, as_of=as_of, params=params, changes=_changes(changes),
            account=account, fee=fee, venue=venue, form=form, allow_duplicates=allow_duplicates,
        )  # fmt: skip
        result.figures  # noqa: B018 # what is slow is done under the sign that it works
    drawn = None if plot is None else result.plot(plot, take)
    written = None if intents is None else result.write_intents(intents, take)
    if json_:
        _write(result.to_json())
    elif csv:
        _write(result.to_csv())
    else:
        show(result.document(top))
        _receipt(result.receipt.to_dict())
        if drawn is not None:
            print(f"\nbefore and after are drawn in {drawn}")
        if written is not None:
            print(f"\nthe trades of hedge {take} are in {written}")
    return 0


def register(app: App) -> None:
    """Add this command to the command line."""
    app.command(protect)
