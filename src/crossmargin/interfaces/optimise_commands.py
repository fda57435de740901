"""The command optimise: trades that lower the margin of an account; nothing is sent."""

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
    Fee,
    Form,
    Market,
    Model,
    Params,
    Twins,
    Venue,
)

if TYPE_CHECKING:
    from crossmargin.interfaces.optimise import OptimiseResult

__all__ = ["optimise", "register"]

Objective = Annotated[
    str, Parameter(name="--objective", help="margin (worth its funding), call, or free-equity.")
]
Days = Annotated[float, Parameter(name="--days", help="Days over which margin is funded.")]
Funding = Annotated[
    float, Parameter(name="--funding", help="What a dollar of margin costs a year.")
]
Buffer = Annotated[float, Parameter(name="--buffer", help="Dollars to keep free (objective call).")]
Delta = Annotated[
    float, Parameter(name="--delta", help="Net delta moves by at most this share of the gross.")
]
Gamma = Annotated[
    float | None, Parameter(name="--gamma", help="The same of gamma; left out: free.")
]
Vega = Annotated[float, Parameter(name="--vega", help="The same of vega.")]
Worse = Annotated[
    float, Parameter(name="--worse", help="P&L nowhere worse by more than this share of IM.")
]
Better = Annotated[
    float | None, Parameter(name="--better", help="P&L nowhere better by more; left out: free.")
]
ByExpiry = Annotated[
    bool, Parameter(name="--by-expiry", negative="", help="Greeks of each expiry by itself.")
]
Largest = Annotated[
    float, Parameter(name="--largest", help="Largest trade, in the book's largest positions.")
]
LeastDays = Annotated[
    float | None,
    Parameter(
        name="--least-days",
        help="Life below which a contract is only closed; default --days, or 1 for a call.",
    ),
]
LeastUsd = Annotated[
    float,
    Parameter(name="--least-usd", help="Smallest trade, in dollars of the underlying."),
]
Legs = Annotated[int | None, Parameter(name="--legs", help="At most so many contracts.")]
AnySize = Annotated[
    bool, Parameter(name="--any-size", negative="", help="Do not round to whole lots.")
]
Maker = Annotated[
    bool, Parameter(name="--maker", negative="", help="Costs of orders that rest: no spread.")
]
Only = Annotated[
    list[str] | None,
    Parameter(name="--candidate", negative="", help="Trade only these contracts: NAME."),
]
IntentsFile = Annotated[
    str | None, Parameter(name="--intents", help="Also write the trades: FILE.csv or FILE.json.")
]
Plot = Annotated[
    str | None, Parameter(name="--plot", help="Also draw P&L and margin: FILE.html, .svg, .png.")
]


def optimise(
    book: Book,
    /,
    *,
    market: Market,
    model: Model = "deribit-xpm",
    objective: Objective = "margin",
    days: Days = 30.0,
    funding: Funding = 0.08,
    buffer: Buffer = 0.0,
    delta: Delta = 0.02,
    gamma: Gamma = None,
    vega: Vega = 0.05,
    worse: Worse = 0.02,
    better: Better = None,
    by_expiry: ByExpiry = False,
    largest: Largest = 1.0,
    least_days: LeastDays = None,
    least_usd: LeastUsd = 0.0,
    legs: Legs = None,
    any_size: AnySize = False,
    maker: Maker = False,
    candidate: Only = None,
    intents: IntentsFile = None,
    plot: Plot = None,
    fee: Fee = None,
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
    """Trades that lower an account's margin for their cost, inside tolerances; nothing is sent."""
    from crossmargin.decisions.margin_choice import Desired, Tolerances
    from crossmargin.interfaces.commands import _changes, _one_form, _receipt, _write
    from crossmargin.interfaces.optimise import horizon_of, life_of
    from crossmargin.interfaces.optimise import optimise as verb

    _one_form(json_, csv)
    asked = {
        "objective": objective, "days": days, "funding": funding, "buffer": buffer,
        "delta": delta, "gamma": gamma, "vega": vega, "worse": worse, "better": better,
        "by_expiry": by_expiry, "largest": largest, "least_days": least_days,
        "least_usd": least_usd, "legs": legs, "any_size": any_size, "maker": maker,
    }  # fmt: skip
    least = life_of(objective, days) if least_days is None else least_days
    options = {
        "fee": fee, "as_of": as_of, "params": params, "changes": _changes(changes),
        "account": account, "venue": venue, "form": form, "allow_duplicates": allow_duplicates,
    }  # fmt: skip
    with working("looking for trades", quiet=json_ or csv):
        result = verb(
            book, market, model, objective=objective, days=days, funding=funding,
            buffer_usd=buffer, legs=legs, whole=not any_size, maker=maker, candidates=candidate,
            asked=asked,
            tolerances=Tolerances(delta, gamma, vega, worse, better, by_expiry),
            desired=Desired(largest, least, horizon_of(objective, days), least_usd), **options,
        )  # fmt: skip
    written = _written(result, plot, intents)
    if json_ or csv:
        _write(result.to_json() if json_ else result.to_csv())
    else:
        show(result.document())
        _receipt(result.receipt.to_dict())
        print("".join(f"\n{line}" for line in written))
    return 0


def _written(result: OptimiseResult, plot: str | None, intents: str | None) -> list[str]:
    """Files first: what cannot be written is refused before an answer is printed."""
    from crossmargin.interfaces.intents_file import intents_line, written_line

    out = [] if plot is None else [written_line(result.plot(plot))]
    if intents is not None:
        out.append(intents_line(result.write_intents(intents), len(result.intents)))
    return out


def register(app: App) -> None:
    """Add this command to the command line."""
    app.command(optimise)
