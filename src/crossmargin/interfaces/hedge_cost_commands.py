"""The command hedge-cost: what delta hedging an option book costs."""

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
    Fee,
    Form,
    Market,
    Twins,
    Venue,
)

__all__ = ["hedge_cost", "register"]


Underlying = Annotated[
    str | None, Parameter(name="--underlying", help="Coin whose options are hedged.")
]
Every = Annotated[float, Parameter(name="--every", help="Hours between two hedges.")]
Days = Annotated[
    float | None,
    Parameter(name="--days", help="Horizon; default to the last expiry, at most 30."),
]
CostBp = Annotated[
    float | None,
    Parameter(name="--cost-bp", help="One-way cost in basis points; default the market's."),
]
Gas = Annotated[float, Parameter(name="--gas", help="Dollars of each trade.")]
Vol = Annotated[
    float | None,
    Parameter(name="--vol", help="Realised volatility, a fraction; default the book's own."),
]
Aversion = Annotated[
    float, Parameter(name="--aversion", help="Absolute risk aversion of the band, 1/dollars.")
]
Paths = Annotated[int, Parameter(name="--paths", help="Simulated paths, an even number.")]
Seed = Annotated[int, Parameter(name="--seed", help="Of the simulation.")]
Books = Annotated[
    str | None, Parameter(name="--books", help="Order books: levels by contract, JSON.")
]
Within = Annotated[
    float, Parameter(name="--within", help="Depth is counted so many basis points from the mark.")
]
Plot = Annotated[
    str | None,
    Parameter(name="--plot", help="Also draw cost and error by pace: FILE.html, .svg, .png."),
]


def hedge_cost(
    book: Book,
    /,
    *,
    market: Market,
    underlying: Underlying = None,
    every: Every = 24.0,
    days: Days = None,
    cost_bp: CostBp = None,
    fee: Fee = None,
    gas: Gas = 0.0,
    vol: Vol = None,
    aversion: Aversion = 1e-6,
    paths: Paths = 4000,
    seed: Seed = 0,
    books: Books = None,
    within: Within = 10.0,
    plot: Plot = None,
    as_of: AsOf = None,
    account: Account = None,
    venue: Venue = None,
    form: Form = None,
    allow_duplicates: Twins = False,
    json_: AsJson = False,
    csv: AsCsv = False,
) -> int:
    """What delta hedging options costs: formula, simulation, replay, break-even, bands."""
    from crossmargin.interfaces.commands import _one_form, _receipt, _write
    from crossmargin.interfaces.hedge_cost import hedge_cost as verb
    from crossmargin.interfaces.intents_file import written_line

    _one_form(json_, csv)
    with working("hedging along every path", quiet=json_ or csv):
        result = verb(
            book,
            market,
            underlying=underlying,
            every_hours=every,
            days=days,
            cost_bp=cost_bp,
            fee=fee,
            gas_usd=gas,
            vol=vol,
            aversion=aversion,
            paths=paths,
            seed=seed,
            books=books,
            within_bp=within,
            as_of=as_of,
            account=account,
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
            print(f"\n{written_line(written)}")
    return 0


def register(app: App) -> None:
    """Add this command to the command line."""
    app.command(hedge_cost, name="hedge-cost")
