"""The command frontier: weights of assets, the exact frontier, and what judges them."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from crossmargin.core.errors import InputError
from crossmargin.interfaces.screen import show, working
from crossmargin.interfaces.whatif_commands import AsCsv, AsJson

__all__ = ["frontier", "register"]

_METHODS = "max-sharpe, min-variance, max-return, target-return, target-volatility, utility, "
_METHODS += "risk-parity, max-diversification, hierarchical, min-es, min-worst-loss, equal."
_ESTIMATORS = "Covariance: sample, ewma, ledoit-wolf, oas, tyler."


def frontier(  # one argument a flag
    prices: Annotated[
        str | None,
        Parameter(help="Prices over time: CSV or Parquet, one column an asset, or long."),
    ] = None,
    /,
    *,
    history: Annotated[
        str | None, Parameter(name="--history", help="Snapshot whose earlier prices are taken.")
    ] = None,
    assets: Annotated[
        str | None, Parameter(name="--assets", help="Assets, comma between; default all.")
    ] = None,
    last: Annotated[int | None, Parameter(name="--last", help="The last rows alone.")] = None,
    periods: Annotated[
        float | None, Parameter(name="--periods", help="Periods a year; default from the step.")
    ] = None,
    method: Annotated[str, Parameter(name="--method", help=_METHODS)] = "max-sharpe",
    target: Annotated[
        float | None,
        Parameter(name="--target", help="Yearly return or volatility, or the risk aversion."),
    ] = None,
    risk_free: Annotated[
        float, Parameter(name="--risk-free", help="Yearly return without risk (0.04: 4 %).")
    ] = 0.0,
    level: Annotated[
        float, Parameter(name="--level", help="Level of the expected shortfall.")
    ] = 0.95,
    estimator: Annotated[str, Parameter(name="--estimator", help=_ESTIMATORS)] = "ledoit-wolf",
    mean: Annotated[
        str, Parameter(name="--mean", help="Means: sample, zero, bayes-stein.")
    ] = "sample",
    decay: Annotated[float, Parameter(name="--decay", help="Decay a period of ewma.")] = 0.97,
    low: Annotated[float, Parameter(name="--low", help="Least weight of every asset.")] = 0.0,
    high: Annotated[float, Parameter(name="--high", help="Largest weight of every asset.")] = 1.0,
    bound: Annotated[
        list[str] | None,
        Parameter(name="--bound", negative="", help="ASSET=LOW:HIGH, over --low and --high."),
    ] = None,
    current: Annotated[
        str | None,
        Parameter(name="--current", help="Holdings: CSV with asset, quantity; USD: money."),
    ] = None,
    turnover: Annotated[
        float | None,
        Parameter(name="--turnover", help="Most value traded, both ways, of the value held."),
    ] = None,
    cost_bp: Annotated[
        float, Parameter(name="--cost-bp", help="Cost of trading one way in basis points.")
    ] = 0.0,
    hold: Annotated[
        float, Parameter(name="--hold", help="Periods over which that cost is earned back.")
    ] = 30.0,
    points: Annotated[int, Parameter(name="--points", help="Points of the frontier.")] = 11,
    bands: Annotated[
        int, Parameter(name="--bands", help="Resampled histories behind bands; 0: none.")
    ] = 0,
    seed: Annotated[int, Parameter(name="--seed", help="Seed of the resampling.")] = 1,
    backtest: Annotated[
        bool, Parameter(name="--backtest", negative="", help="Also walk forward out of sample.")
    ] = False,
    window: Annotated[int, Parameter(name="--window", help="Periods that a rule sees.")] = 180,
    every: Annotated[int, Parameter(name="--every", help="Periods between its trades.")] = 30,
    target_volatility: Annotated[
        float | None,
        Parameter(name="--target-volatility", help="Yearly volatility that leverage aims at."),
    ] = None,
    cap: Annotated[float, Parameter(name="--leverage-cap", help="Largest leverage.")] = 10.0,
    sigmas: Annotated[
        float, Parameter(name="--sigmas", help="Move that collateral survives, in deviations.")
    ] = 3.0,
    days: Annotated[float, Parameter(name="--days", help="Days in which it happens.")] = 1.0,
    maintenance: Annotated[
        float, Parameter(name="--maintenance", help="Maintenance margin of notional.")
    ] = 0.05,
    intents: Annotated[
        str | None,
        Parameter(name="--intents", help="Write the trades from --current: FILE.csv or .json."),
    ] = None,
    plot: Annotated[
        str | None, Parameter(name="--plot", help="Also draw the frontier: FILE.html, .svg, .png.")
    ] = None,
    json_: AsJson = False,
    csv: AsCsv = False,
) -> int:
    """Weights of assets from their prices: the exact efficient frontier and what judges it."""
    from crossmargin.interfaces.commands import _one_form, _write
    from crossmargin.interfaces.frontier import Backtest, Sizes
    from crossmargin.interfaces.frontier import frontier as verb
    from crossmargin.interfaces.frontier_inputs import Limits

    _one_form(json_, csv)
    names = None if assets is None else [name.strip() for name in assets.split(",")]
    with working("walking the frontier", quiet=json_ or csv):
        result = verb(
            prices,
            history=history,
            assets=names,
            last=last,
            periods=periods,
            method=method,
            target=target,
            risk_free=risk_free,
            level=level,
            estimator=estimator,
            mean=mean,
            decay=decay,
            limits=Limits(low, high, _bounds(bound), turnover, cost_bp, hold),
            current=current,
            points=points,
            bands=bands,
            seed=seed,
            sizes=Sizes(target_volatility, cap, sigmas, days, maintenance),
            backtest=Backtest(window, every, cost_bp or 5.0) if backtest else None,
        )
    written = [None if plot is None else result.plot(plot)]
    written.append(None if intents is None else result.write_intents(intents))
    if json_ or csv:
        _write(result.to_json() if json_ else result.to_csv())
        return 0
    show(result.document())
    for path in written:
        if path is not None:
            print(f"\nwritten to {path}")
    return 0


def _bounds(texts: list[str] | None) -> dict[str, tuple[float, float]]:
    """``ASSET=LOW:HIGH``; the last equals sign counts."""
    from crossmargin.venues.reading import number

    found: dict[str, tuple[float, float]] = {}
    for each in texts or []:
        name, sign, values = each.rpartition("=")
        low, colon, high = values.partition(":")
        if not (sign and colon and name):
            raise InputError(
                "option_unknown",
                "not ASSET=LOW:HIGH",
                place="--bound",
                value=each,
                remedy="Write a name, an equals sign and two weights with a colon between.",
            )
        found[name] = number(low, f"--bound {name}"), number(high, f"--bound {name}")
    return found


def register(app: App) -> None:
    """Add this command to the command line."""
    app.command(frontier)
