"""The command frontier: weights of assets, the exact frontier, and what judges them."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import App, Parameter

from crossmargin.core.errors import InputError
from crossmargin.interfaces.screen import show, working
from crossmargin.interfaces.whatif_commands import AsCsv, AsJson

__all__ = ["frontier", "register"]

_METHODS = "max-sharpe, min-variance, max-return, target-return, target-volatility, utility, "
_METHODS += "risk-parity, max-diversification, hierarchical, min-es, min-worst-loss, equal."


def _flag(name: str, words: str) -> Parameter:
    return Parameter(name=name, help=words, negative="")


PricesFile = Annotated[
    str | None, Parameter(help="Prices over time: CSV or Parquet, one column an asset, or long.")
]
History = Annotated[str | None, _flag("--history", "Snapshot whose earlier prices are taken.")]
Assets = Annotated[str | None, _flag("--assets", "Assets, comma between; default all.")]
Last = Annotated[int | None, _flag("--last", "The last rows alone.")]
Periods = Annotated[float | None, _flag("--periods", "Periods a year; default from the step.")]
MethodName = Annotated[str, _flag("--method", _METHODS)]
Target = Annotated[
    float | None, _flag("--target", "Yearly return or volatility, or the risk aversion.")
]
RiskFree = Annotated[float, _flag("--risk-free", "Yearly return without risk (0.04: 4 %).")]
Level = Annotated[float, _flag("--level", "Level of the expected shortfall.")]
Estimator = Annotated[
    str, _flag("--estimator", "Covariance: sample, ewma, ledoit-wolf, oas, tyler.")
]
Mean = Annotated[str, _flag("--mean", "Means: sample, zero, bayes-stein.")]
Decay = Annotated[float, _flag("--decay", "Decay a period of ewma.")]
View = Annotated[
    list[str] | None, _flag("--view", "ASSET=R or A-B=R: yearly return above risk-free, a view.")
]
Low = Annotated[float, _flag("--low", "Least weight of every asset.")]
High = Annotated[float, _flag("--high", "Largest weight of every asset.")]
Bound = Annotated[list[str] | None, _flag("--bound", "ASSET=LOW:HIGH, over --low and --high.")]
Current = Annotated[
    str | None, _flag("--current", "Holdings: CSV with asset, quantity; USD: money.")
]
Turnover = Annotated[
    float | None, _flag("--turnover", "Most value traded, both ways, of the value held.")
]
MarginBudget = Annotated[
    float | None, _flag("--margin-budget", "Initial margin of the positions at most, in USD.")
]
Model = Annotated[str, _flag("--model", "Margin model of that budget.")]
Market = Annotated[
    str | None, _flag("--market", "Snapshot with the contracts; default that of --history.")
]
Wealth = Annotated[float | None, _flag("--wealth", "Value in USD; default that of --current.")]
Contract = Annotated[
    list[str] | None,
    _flag("--contract", "ASSET=NAME: what is traded; default the venue's perpetual."),
]
Venue = Annotated[str | None, _flag("--venue", "Venue of the contracts, where there are several.")]
CostBp = Annotated[float, _flag("--cost-bp", "Cost of trading one way in basis points.")]
Hold = Annotated[float, _flag("--hold", "Periods over which that cost is earned back.")]
Points = Annotated[int, _flag("--points", "Points of the frontier.")]
Bands = Annotated[int, _flag("--bands", "Resampled histories behind bands; 0: none.")]
Seed = Annotated[int, _flag("--seed", "Seed of the resampling.")]
Walk = Annotated[bool, _flag("--backtest", "Also walk forward out of sample.")]
Window = Annotated[int, _flag("--window", "Periods that a rule sees.")]
Every = Annotated[int, _flag("--every", "Periods between its trades.")]
Aim = Annotated[
    float | None, _flag("--target-volatility", "Yearly volatility that leverage aims at.")
]
Cap = Annotated[float, _flag("--leverage-cap", "Largest leverage.")]
Sigmas = Annotated[float, _flag("--sigmas", "Move that collateral survives, in deviations.")]
Days = Annotated[float, _flag("--days", "Days in which it happens.")]
Maintenance = Annotated[float, _flag("--maintenance", "Maintenance margin of notional.")]
File = Annotated[
    str | None, _flag("--intents", "Write the trades from --current: FILE.csv or .json.")
]
Plot = Annotated[str | None, _flag("--plot", "Also draw the frontier: FILE.html, .svg, .png.")]


def frontier(
    prices: PricesFile = None,
    /,
    *,
    history: History = None,
    assets: Assets = None,
    last: Last = None,
    periods: Periods = None,
    method: MethodName = "max-sharpe",
    target: Target = None,
    risk_free: RiskFree = 0.0,
    level: Level = 0.95,
    estimator: Estimator = "ledoit-wolf",
    mean: Mean = "sample",
    decay: Decay = 0.97,
    view: View = None,
    low: Low = 0.0,
    high: High = 1.0,
    bound: Bound = None,
    current: Current = None,
    turnover: Turnover = None,
    margin_budget: MarginBudget = None,
    model: Model = "deribit-xpm",
    market: Market = None,
    wealth: Wealth = None,
    contract: Contract = None,
    venue: Venue = None,
    cost_bp: CostBp = 0.0,
    hold: Hold = 30.0,
    points: Points = 11,
    bands: Bands = 0,
    seed: Seed = 1,
    backtest: Walk = False,
    window: Window = 180,
    every: Every = 30,
    target_volatility: Aim = None,
    leverage_cap: Cap = 10.0,
    sigmas: Sigmas = 3.0,
    days: Days = 1.0,
    maintenance: Maintenance = 0.05,
    intents: File = None,
    plot: Plot = None,
    json_: AsJson = False,
    csv: AsCsv = False,
) -> int:
    """Weights of assets from their prices: the exact efficient frontier and what judges it."""
    from crossmargin.interfaces.commands import _one_form
    from crossmargin.interfaces.frontier import Backtest, Sizes
    from crossmargin.interfaces.frontier import frontier as verb
    from crossmargin.interfaces.frontier_inputs import Limits

    _one_form(json_, csv)
    limits = Limits(low, high, _bounds(bound), turnover, cost_bp, hold)
    sizes = Sizes(target_volatility, leverage_cap, sigmas, days, maintenance)
    walk = Backtest(window, every, cost_bp or 5.0) if backtest else None
    margin = _margin(margin_budget, model, market, wealth, contract, venue)
    names = None if assets is None else [name.strip() for name in assets.split(",")]
    with working("walking the frontier", quiet=json_ or csv):
        result = verb(
            prices, history=history, assets=names, last=last, periods=periods, method=method,
            target=target, risk_free=risk_free, level=level, estimator=estimator, mean=mean,
            decay=decay, views=_views(view), limits=limits, current=current, points=points,
            bands=bands, seed=seed, sizes=sizes, backtest=walk, margin=margin,
        )  # fmt: skip
    return _shown(result, intents, plot, json_, csv)


def _shown(result: Any, intents: str | None, plot: str | None, json_: bool, csv: bool) -> int:
    """Files first, so that a wrong name is told before anything is printed."""
    from crossmargin.interfaces.commands import _write
    from crossmargin.interfaces.intents_file import intents_line, written_line

    written = [] if plot is None else [written_line(result.plot(plot))]
    if intents is not None:
        written.append(intents_line(result.write_intents(intents), len(result.intents)))
    if json_ or csv:
        _write(result.to_json() if json_ else result.to_csv())
        return 0
    show(result.document())
    for told in written:
        print(f"\n{told}")
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


def _margin(
    budget: float | None,
    model: str,
    market: str | None,
    wealth: float | None,
    contracts: list[str] | None,
    venue: str | None,
) -> Any:
    """The margin budget that is asked; the flags beside it are of no use without."""
    from crossmargin.interfaces.frontier_margin import MarginAsk

    if budget is None:
        given = {"--market": market, "--wealth": wealth, "--contract": contracts, "--venue": venue}
        for flag, value in given.items():
            if value is not None:
                raise InputError(
                    "option_unknown", f"{flag} is of a margin budget", place=flag,
                    limit="--margin-budget with it", remedy="Give the budget, or leave this out.",
                )  # fmt: skip
        return None
    named: dict[str, str] = {}
    for each in contracts or []:
        asset, sign, name = each.partition("=")
        if not (asset and sign and name) or asset in named:
            raise InputError(
                "option_unknown", "not ASSET=NAME, or said twice", place="--contract", value=each,
                remedy="Write an asset, an equals sign and the contract's name.",
            )  # fmt: skip
        named[asset] = name
    return MarginAsk(budget, model, market, wealth, named, venue)


def _views(texts: list[str] | None) -> dict[str, float]:
    """``ASSET=RETURN`` or ``A-B=RETURN``."""
    from crossmargin.venues.reading import number

    found: dict[str, float] = {}
    for each in texts or []:
        name, sign, value = each.rpartition("=")
        if not (sign and name) or name in found:
            raise InputError(
                "option_unknown",
                "not ASSET=RETURN, or said twice",
                place="--view",
                value=each,
                remedy="Write a name, or two with a hyphen between, an equals sign and a return.",
            )
        found[name] = number(value, f"--view {name}")
    return found


def register(app: App) -> None:
    """Add this command to the command line."""
    app.command(frontier)
