"""The command rebalance: Greeks or weights back inside their bands, policies on past prices."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import App, Parameter

from crossmargin.interfaces.screen import show, working
from crossmargin.interfaces.whatif_commands import (
    Account,
    AsCsv,
    AsJson,
    AsOf,
    Changes,
    Fee,
    Form,
    Model,
    Params,
    Twins,
    Venue,
)

__all__ = ["rebalance", "register"]

OptionalBook = Annotated[str | None, Parameter(help="Book file: CSV, JSON, Parquet or Arrow.")]
OptionalMarket = Annotated[
    str | None,
    Parameter(name="--market", help="Snapshot (or a file that can be imported)."),
]


DeltaBand = Annotated[
    str | None,
    Parameter(name="--delta-band", help="Half-width in dollars, or whalley-wilmott."),
]
GammaBand = Annotated[
    float | None,
    Parameter(name="--gamma-band", help="Half-width, dollars of delta a 1 % move."),
]
VegaBand = Annotated[
    float | None, Parameter(name="--vega-band", help="Half-width, dollars a volatility point.")
]
Targets = Annotated[
    str | None,
    Parameter(name="--targets", help="CSV: asset, target; and value_usd, instrument, cost_bp."),
]
Policy = Annotated[str, Parameter(name="--policy", help="calendar, absolute, relative or region.")]
Outer = Annotated[
    float,
    Parameter(name="--outer", help="Half-width: weight, or share of the target if relative."),
]
Inner = Annotated[
    float | None,
    Parameter(name="--inner", help="Inner half-width; of Greeks a share of the band."),
]
To = Annotated[
    str | None, Parameter(name="--to", help="Trade to the target, the edge or the inner band.")
]
Every = Annotated[
    int, Parameter(name="--every", help="Observations between two trades of the calendar.")
]
Aversion = Annotated[
    float | None,
    Parameter(name="--aversion", help="Of a delta band 1/dollars; of a region relative, 2."),
]
Horizon = Annotated[
    int, Parameter(name="--horizon", help="Observations in which a trade has to pay.")
]
Lookback = Annotated[
    int, Parameter(name="--lookback", help="Past moves that a region is made from.")
]
Candidates = Annotated[
    list[str] | None,
    Parameter(name="--with", negative="", help="NAME: a contract that may be traded; again."),
]
Underlying = Annotated[
    str | None, Parameter(name="--underlying", help="Greeks of that coin alone.")
]
Coins = Annotated[
    bool,
    Parameter(name="--count-coins", negative="", help="Coin balances are part of delta."),
]
MarginRate = Annotated[
    float, Parameter(name="--margin-rate", help="What a dollar of margin costs a year.")
]
HoldDays = Annotated[float, Parameter(name="--hold-days", help="Days that a hedge is held.")]
CostBp = Annotated[
    float | None,
    Parameter(name="--cost-bp", help="One-way cost of weights, basis points; else 10."),
]
Gas = Annotated[float, Parameter(name="--gas", help="Dollars of each trade.")]
Wealth = Annotated[float | None, Parameter(name="--wealth", help="Dollars in all, cash included.")]
Backtest = Annotated[
    bool, Parameter(name="--backtest", negative="", help="The policies on past prices.")
]
History = Annotated[
    str | None, Parameter(name="--history", help="Past prices in place of the market's.")
]
Window = Annotated[
    int, Parameter(name="--window", help="Observations of a window against never trading.")
]
Intents = Annotated[
    str | None, Parameter(name="--intents", help="Also write the trades: FILE.csv or .json.")
]
Plot = Annotated[
    str | None, Parameter(name="--plot", help="Also draw it: FILE.html, .svg or .png.")
]


def rebalance(
    book: OptionalBook = None,
    /,
    *,
    market: OptionalMarket = None,
    model: Model = "deribit-xpm",
    delta_band: DeltaBand = None,
    gamma_band: GammaBand = None,
    vega_band: VegaBand = None,
    targets: Targets = None,
    policy: Policy = "absolute",
    outer: Outer = 0.05,
    inner: Inner = None,
    to: To = None,
    every: Every = 30,
    aversion: Aversion = None,
    horizon: Horizon = 30,
    lookback: Lookback = 90,
    candidates: Candidates = None,
    underlying: Underlying = None,
    coins: Coins = False,
    margin_rate: MarginRate = 0.05,
    hold_days: HoldDays = 7.0,
    cost_bp: CostBp = None,
    gas: Gas = 0.0,
    wealth: Wealth = None,
    backtest: Backtest = False,
    history: History = None,
    window: Window = 90,
    intents: Intents = None,
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
    """Trades that bring Greeks or weights back inside their bands; policies on past prices."""
    return _shown(dict(locals()))


# The command's names where they are not the verb's.
_NAMES = {"gas": "gas_usd", "wealth": "wealth_usd"}
_FACES = ("book", "market", "intents", "plot", "json_", "csv")


def _shown(asked: dict[str, Any]) -> int:
    """Ask the verb what the command was asked, and show it."""
    from crossmargin.interfaces.commands import _changes, _one_form, _receipt, _write
    from crossmargin.interfaces.intents_file import intents_line, written_line
    from crossmargin.interfaces.rebalance import rebalance as verb

    json_, csv = asked["json_"], asked["csv"]
    _one_form(json_, csv)
    options = {_NAMES.get(k, k): value for k, value in asked.items() if k not in _FACES}
    options["changes"] = _changes(asked["changes"])
    options["delta_band"] = _number_or_rule(asked["delta_band"])
    with working("rebalancing", quiet=json_ or csv):
        result = verb(asked["book"], asked["market"], **options)
    written = []
    if asked["intents"] is not None:
        place = result.write_intents(asked["intents"])
        written.append(intents_line(place, len(result.intents)))
    if asked["plot"] is not None:
        written.append(written_line(result.plot(asked["plot"])))
    if json_:
        _write(result.to_json())
    elif csv:
        _write(result.to_csv())
    else:
        show(result.document())
        _receipt(result.receipt.to_dict())
        for line in written:
            print(f"\n{line}")
    return 0


def _number_or_rule(text: str | None) -> float | str | None:
    """Dollars where the text is a number, else the name of a rule."""
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        return text


def register(app: App) -> None:
    """Add this command to the command line."""
    app.command(rebalance)
