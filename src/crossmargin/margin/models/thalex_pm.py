"""Thalex portfolio margin: runs on the grid that the venue's own payload shows.

    coverage   loss x coverage factor, about 50 scenarios: index moves x vol moves in points
    roll       charge on delta hedged between maturities     options  charge a net short strike
    IMR = largest covered loss + roll + options              MMR = 0.70 IMR

BTC and ETH as collateral are positions. The grid and the rates are not published: without them the
model refuses; ``numbers_of`` reads them from ``private/required_margin_breakdown``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from crossmargin.core.errors import InputError
from crossmargin.margin.families.scan import Member
from crossmargin.margin.families.scan_rules import DERIVATIVES_AND_MONEY, with_common_rules
from crossmargin.margin.model import Extent, Fidelity, ModelSpec, Rule, ScaleLaw

__all__ = ["THALEX_PM", "numbers_of"]

_SITE = "thalex.com/trading-information/portfolio-margin and support articles"
_API = "private/required_margin_breakdown"
# The charge of a scenario over the cash position that it is charged on.
_RATES = {
    "roll_factor": ("roll_contingency_margin", "roll_cash_position"),
    "option_factor": ("options_contingency_margin", "options_short_cash_position"),
}

THALEX_PM = Member(
    spec=ModelSpec(
        name="thalex-pm",
        title="Thalex portfolio margin (needs the venue's grid)",
        family="scan",
        venue="thalex",
        version="2026",
        folder="thalex-pm",
        kinds=DERIVATIVES_AND_MONEY,
        currency="USD",
        scale=ScaleLaw.HOMOGENEOUS,
        one_balance=True,
        balance_side="assets without haircut, unsettled profit and option value",
        rules=with_common_rules(
            Rule(
                "scan",
                "largest loss x coverage factor; BTC and ETH collateral are positions",
                _SITE,
                Fidelity.STATED,
            ),
            Rule("roll", "rate x delta hedged between maturities", _SITE, Fidelity.INFERRED),
            Rule("option_contingency", "rate x net short of a strike", _SITE, Fidelity.INFERRED),
            source=_SITE,
            levels="MMR = 0.70 IMR",
        ),
        standard="fixed-rate",
        unknown=(
            f"the grid of moves and the two rates: they are read from {_API}",
            "what the roll and option positions count: delta hedged across expiries, net short",
        ),
        extent=Extent.REFUSED,
    ),
    charges=("roll", "option_contingency"),
)


def numbers_of(payload: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Scenarios and rates by underlying, as the tables ``asset.<coin>`` of a parameter set.

    ``payload``: the result of ``private/required_margin_breakdown``. A rate that no scenario of
    the account shows is left out and stays unknown. Raises InputError ``column_missing`` for a
    payload without scenarios or with one that lacks a field.
    """
    found: dict[str, dict[str, Any]] = {}
    for entry in payload.get("portfolio", {}).get("underlyings", ()):
        rows: Sequence[Mapping[str, Any]] = entry.get("scenarios", ())
        coin = str(entry.get("underlying", "")).removesuffix("USD")
        try:
            numbers: dict[str, Any] = {"scenarios": [_scenario(row) for row in rows]}
        except KeyError as cause:
            raise _lacks(str(cause.args[0])) from None
        for name, (charge, position) in _RATES.items():
            seen = [r for r in rows if float(r.get(position, 0.0)) != 0.0 and charge in r]
            if seen:
                numbers[name] = abs(float(seen[0][charge]) / float(seen[0][position]))
        if coin and rows:
            found[coin] = numbers
    if not found:
        raise _lacks("portfolio.underlyings[].scenarios")
    return found


def _scenario(row: Mapping[str, Any]) -> list[float]:
    percent = float(row["underlying_change_pct"]), float(row["vol_change_pct_point"])
    return [percent[0] / 100.0, percent[1] / 100.0, float(row["coverage_factor"])]


def _lacks(field: str) -> InputError:
    return InputError(
        "column_missing",
        f"the margin breakdown lacks {field}",
        place=f"thalex {_API}",
        remedy="Give the whole result of that call.",
    )
