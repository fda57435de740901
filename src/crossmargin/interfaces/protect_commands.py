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


def _flag(name: str, words: str) -> Parameter:
    return Parameter(name=name, help=words)


def _many(name: str, words: str) -> Parameter:
    return Parameter(name=name, help=words, consume_multiple=True, negative="")


Book = Annotated[str, Parameter(help="Book file, or COIN:AMOUNT for coins that are held.")]
Model = Annotated[str, _flag("--model", "Margin model.")]
Floor = Annotated[float, _flag("--floor", "Floor as a share of today's equity.")]
FloorPrice = Annotated[
    float | None, _flag("--floor-price", "Floor: the account's own worth at that price.")
]
Unit = Annotated[str, _flag("--unit", "What the floor is counted in: usd or coin.")]
Days = Annotated[float, _flag("--days", "Horizon in days.")]
Coin = Annotated[str | None, _flag("--coin", "Whose price moves; default the largest held.")]
Strategies = Annotated[
    list[str] | None,
    _many(
        "--strategies",
        "Of put, put-spread, collar, zero-cost-collar, ratio-put-spread, call, perp-short, "
        "cheapest-mix; default all.",
    ),
]
Expiries = Annotated[int, _flag("--expiries", "Expiries tried, those nearest to the horizon.")]
Crash = Annotated[float, _flag("--crash", "Share of the price down to which spreads hold.")]
Cap = Annotated[float, _flag("--cap", "Rise that a collar leaves at least, a share.")]
Response = Annotated[
    float | None,
    _flag("--response", "Exponent of volatility to the price; default from history."),
]
Cppi = Annotated[
    list[float] | None, _many("--cppi", "Multipliers: compare with rules over drawn paths.")
]
Budget = Annotated[
    float | None, _flag("--tail-budget", "Share of the equity a year for a tail hedge.")
]
TailMargin = Annotated[
    float | None, _flag("--tail-margin", "Initial margin after the tail hedge at most, in USD.")
]
MarginRate = Annotated[
    float, _flag("--margin-rate", "What a dollar of margin costs a year, out of --tail-budget.")
]
Paths = Annotated[int, _flag("--paths", "Paths of the comparison.")]
Seed = Annotated[int, _flag("--seed", "Seed of the paths.")]
Replay = Annotated[
    bool,
    Parameter(name="--replay", negative="", help="Compare over the history's own stretches."),
]
Take = Annotated[int, _flag("--take", "Number of the hedge for --plot and --intents.")]
Plot = Annotated[
    str | None, _flag("--plot", "Also draw before and after: FILE.svg, .html or .png.")
]
File = Annotated[str | None, _flag("--intents", "Also write the trades: FILE.csv or .json.")]
Top = Annotated[int, _flag("--top", "Hedges to list on screen; 0: all.")]
Fee = Annotated[float | None, _flag("--fee", "Taker's share in place of the venue's; 0 for none.")]


def protect(
    book: Book,
    /,
    *,
    market: Market,
    model: Model = "deribit-xpm",
    floor: Floor = 0.8,
    floor_price: FloorPrice = None,
    unit: Unit = "usd",
    days: Days = 60.0,
    coin: Coin = None,
    strategies: Strategies = None,
    expiries: Expiries = 4,
    crash: Crash = 0.5,
    cap: Cap = 0.2,
    response: Response = None,
    cppi: Cppi = None,
    tail_budget: Budget = None,
    tail_margin: TailMargin = None,
    margin_rate: MarginRate = 0.0,
    paths: Paths = 2000,
    seed: Seed = 1,
    replay: Replay = False,
    take: Take = 1,
    plot: Plot = None,
    intents: File = None,
    top: Top = 10,
    as_of: AsOf = None,
    account: Account = None,
    params: Params = None,
    changes: Changes = None,
    fee: Fee = None,
    venue: Venue = None,
    form: Form = None,
    allow_duplicates: Twins = False,
    json_: AsJson = False,
    csv: AsCsv = False,
) -> int:
    """Hedges that keep an account above a floor at every price, ranked by cost."""
    from crossmargin.interfaces.commands import _changes, _one_form, _receipt, _write
    from crossmargin.interfaces.intents_file import intents_line, written_line
    from crossmargin.interfaces.protect import protect as verb
    from crossmargin.interfaces.sources import at_least

    _one_form(json_, csv)
    at_least(top, 0, "--top")
    with working("looking for hedges", quiet=json_ or csv):
        result = verb(
            book, market, model, floor=floor, floor_price=floor_price, unit=unit, days=days,
            coin=coin, strategies=strategies, expiries=expiries, crash=crash, cap=cap,
            response=response, cppi=cppi or (), tail_budget=tail_budget,
            tail_margin=tail_margin, margin_rate=margin_rate, paths=paths, seed=seed, replay=replay,
            as_of=as_of, params=params, changes=_changes(changes),
            account=account, fee=fee, venue=venue, form=form, allow_duplicates=allow_duplicates,
        )  # fmt: skip
        result.figures  # noqa: B018 # what is slow is done under the sign that it works
    made = [] if plot is None else [written_line(result.plot(plot, take))]
    if intents is not None:
        place = result.write_intents(intents, take)
        made.append(intents_line(place, len(result.intents(take))))
    if json_ or csv:
        _write(result.to_json() if json_ else result.to_csv())
        return 0
    show(result.document(top))
    _receipt(result.receipt.to_dict())
    for words in made:
        print(f"\n{words}")
    return 0


def register(app: App) -> None:
    """Add this command to the command line."""
    app.command(protect)
