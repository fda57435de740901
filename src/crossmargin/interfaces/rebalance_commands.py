"""The command rebalance: Greeks or weights back inside their bands, policies on past prices."""

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


def rebalance(
    book: OptionalBook = None,
    /,
    *,
    market: OptionalMarket = None,
    model: Model = "deribit-xpm",
    delta_band: Annotated[
        str | None,
        Parameter(name="--delta-band", help="Half-width in dollars, or whalley-wilmott."),
    ] = None,
    gamma_band: Annotated[
        float | None,
        Parameter(name="--gamma-band", help="Half-width, dollars of delta a 1 % move."),
    ] = None,
    vega_band: Annotated[
        float | None, Parameter(name="--vega-band", help="Half-width, dollars a volatility point.")
    ] = None,
    targets: Annotated[
        str | None,
        Parameter(name="--targets", help="CSV: asset, target; and value_usd, instrument, cost_bp."),
    ] = None,
    policy: Annotated[
        str, Parameter(name="--policy", help="calendar, absolute, relative or region.")
    ] = "absolute",
    outer: Annotated[
        float,
        Parameter(name="--outer", help="Half-width: weight, or share of the target if relative."),
    ] = 0.05,
    inner: Annotated[
        float | None,
        Parameter(name="--inner", help="Inner half-width; of Greeks a share of the band."),
    ] = None,
    to: Annotated[
        str | None, Parameter(name="--to", help="Trade to the target, the edge or the inner band.")
    ] = None,
    every: Annotated[
        int, Parameter(name="--every", help="Observations between two trades of the calendar.")
    ] = 30,
    aversion: Annotated[
        float | None,
        Parameter(name="--aversion", help="Of a delta band 1/dollars; of a region relative, 2."),
    ] = None,
    horizon: Annotated[
        int, Parameter(name="--horizon", help="Observations in which a trade has to pay.")
    ] = 30,
    lookback: Annotated[
        int, Parameter(name="--lookback", help="Past moves that a region is made from.")
    ] = 90,
    candidates: Annotated[
        list[str] | None,
        Parameter(name="--with", negative="", help="NAME: a contract that may be traded; again."),
    ] = None,
    underlying: Annotated[
        str | None, Parameter(name="--underlying", help="Greeks of that coin alone.")
    ] = None,
    coins: Annotated[
        bool,
        Parameter(name="--count-coins", negative="", help="Coin balances are part of delta."),
    ] = False,
    margin_rate: Annotated[
        float, Parameter(name="--margin-rate", help="What a dollar of margin costs a year.")
    ] = 0.05,
    hold_days: Annotated[
        float, Parameter(name="--hold-days", help="Days that a hedge is held.")
    ] = 7.0,
    cost_bp: Annotated[
        float | None,
        Parameter(name="--cost-bp", help="One-way cost of weights, basis points; else 10."),
    ] = None,
    gas: Annotated[float, Parameter(name="--gas", help="Dollars of each trade.")] = 0.0,
    wealth: Annotated[
        float | None, Parameter(name="--wealth", help="Dollars in all, cash included.")
    ] = None,
    backtest: Annotated[
        bool, Parameter(name="--backtest", negative="", help="The policies on past prices.")
    ] = False,
    history: Annotated[
        str | None, Parameter(name="--history", help="Past prices in place of the market's.")
    ] = None,
    window: Annotated[
        int, Parameter(name="--window", help="Observations of a window against never trading.")
    ] = 90,
    intents: Annotated[
        str | None, Parameter(name="--intents", help="Also write the trades: FILE.csv or .json.")
    ] = None,
    plot: Annotated[
        str | None, Parameter(name="--plot", help="Also draw it: FILE.html, .svg or .png.")
    ] = None,
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
    from crossmargin.interfaces.commands import _changes, _one_form, _receipt, _write
    from crossmargin.interfaces.rebalance import rebalance as verb

    _one_form(json_, csv)
    options = {"fee": fee, "as_of": as_of, "params": params, "account": account, "venue": venue}
    options |= {"changes": _changes(changes), "form": form, "allow_duplicates": allow_duplicates}
    with working("rebalancing", quiet=json_ or csv):
        result = verb(
            book,
            market,
            model,
            delta_band=_number_or_rule(delta_band),
            gamma_band=gamma_band,
            vega_band=vega_band,
            targets=targets,
            policy=policy,
            outer=outer,
            inner=inner,
            to=to,
            every=every,
            aversion=aversion,
            horizon=horizon,
            lookback=lookback,
            candidates=candidates,
            underlying=underlying,
            coins=coins,
            margin_rate=margin_rate,
            hold_days=hold_days,
            cost_bp=cost_bp,
            gas_usd=gas,
            wealth_usd=wealth,
            backtest=backtest,
            history=history,
            window=window,
            **options,
        )
    written = [] if intents is None else [f"trades written to {result.write_intents(intents)}"]
    written += [] if plot is None else [f"drawn in {result.plot(plot)}"]
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
