"""Value at risk and expected shortfall of the whole account: past, filtered, drawn, parametric.

Eight members of one family. Each margins either figure and shows both; what differs is where the
joint moves of price and volatility come from, or that none are made.
"""

from __future__ import annotations

from crossmargin.margin.families.var_draws import drawn_moves
from crossmargin.margin.families.var_member import ScenarioMember
from crossmargin.margin.families.var_moves import filtered_moves, historical_moves
from crossmargin.margin.families.var_parametric import ParametricMember
from crossmargin.margin.families.var_rules import BALANCE, CLASSICAL, rules_of
from crossmargin.margin.families.whole_account import ALL_OF, KINDS
from crossmargin.margin.model import ModelSpec, ScaleLaw
from crossmargin.margin.parameter_files import Parameters

__all__ = [
    "ES_FILTERED",
    "ES_HISTORICAL",
    "ES_MONTECARLO",
    "ES_PARAMETRIC",
    "VAR_FILTERED",
    "VAR_HISTORICAL",
    "VAR_MONTECARLO",
    "VAR_PARAMETRIC",
]


def _spec(kind: str, title: str, *, shortfall: bool) -> ModelSpec:
    figure = "Expected shortfall" if shortfall else "Value at risk"
    return ModelSpec(
        name=f"{'es' if shortfall else 'var'}-{kind}",
        title=f"{figure}, {title}",
        family="value-at-risk",
        venue="",
        version="1",
        folder=f"var-{kind}",
        kinds=KINDS,
        currency="USD",
        scale=ScaleLaw.SUPERLINEAR,
        one_balance=True,
        balance_side=BALANCE,
        rules=rules_of(*CLASSICAL[kind], errors=kind != "parametric"),
        standard="fixed-rate",
        maps_from=ALL_OF,
    )


def _past(parameters: Parameters) -> str:
    last = int(parameters.number("history.lookback"))
    windows = parameters.get("form.windows")
    return f"The moves are the last {last} days of the market's history or fewer, {windows}."


def _filtered(parameters: Parameters) -> str:
    last = int(parameters.number("history.lookback"))
    how = parameters.get("form.filter")
    rate = f" {parameters.number('filter.decay'):g}" if how == "ewma" else ""
    return (
        f"The moves are the last {last} days of the market's history or fewer, each series at its "
        f"own {how}{rate} volatility of today, {parameters.get('form.scaling')} scaling."
    )


def _drawn(parameters: Parameters) -> str:
    count, seed = (int(parameters.number(f"draws.{name}")) for name in ("count", "seed"))
    freedom = parameters.number("draws.copula_freedom")
    return (
        f"The moves are {count} draws of seed {seed} from a Student-t copula of {freedom:g} "
        "degrees of freedom with Student-t margins."
    )


VAR_HISTORICAL, ES_HISTORICAL = (
    ScenarioMember(
        spec=_spec("historical", "past moves", shortfall=shortfall),
        source=historical_moves,
        about=_past,
        shortfall=shortfall,
    )
    for shortfall in (False, True)
)

VAR_FILTERED, ES_FILTERED = (
    ScenarioMember(
        spec=_spec("filtered", "filtered moves", shortfall=shortfall),
        source=filtered_moves,
        about=_filtered,
        shortfall=shortfall,
    )
    for shortfall in (False, True)
)

VAR_MONTECARLO, ES_MONTECARLO = (
    ScenarioMember(
        spec=_spec("montecarlo", "drawn moves", shortfall=shortfall),
        source=drawn_moves,
        about=_drawn,
        shortfall=shortfall,
    )
    for shortfall in (False, True)
)

VAR_PARAMETRIC, ES_PARAMETRIC = (
    ParametricMember(
        spec=_spec("parametric", "normal moves and Greeks", shortfall=shortfall),
        shortfall=shortfall,
    )
    for shortfall in (False, True)
)
