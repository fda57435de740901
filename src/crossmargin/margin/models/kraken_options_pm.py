"""Kraken options portfolio margining (demo): its five amounts are described, their sum is not.

    market risk       worst P&L of the delta-hedged portfolio over 23 scenarios
    options delta     sum of |delta x position x price| x maintenance factor x 2
    net delta         cost of hedging the net delta; futures only where they offset options
    futures           maintenance margin of multi-collateral futures
    netting           a reduction by the factor of netting across assets
    IM                MM of the options x options initial margin factor

How the amounts make MM is not published, so no book has a number, with the parameters too; those
are read by `crossmargin.venues.params_kraken`.
Source: support.kraken.com, options portfolio margining (demo); futures API reference.
"""

from __future__ import annotations

from crossmargin.instruments.contracts import Kind
from crossmargin.margin.families.without_formula import WithoutFormula
from crossmargin.margin.model import Extent, Fidelity, ModelSpec, Rule, ScaleLaw

__all__ = ["KRAKEN_OPTIONS_PM"]

_HELP = "support.kraken.com, options portfolio margining (demo, 2026-01)"
_API = "futures API reference, portfolio-margining/parameters"
_FIELDS = "futures API reference, portfolio-margining/simulate"

KRAKEN_OPTIONS_PM = WithoutFormula(
    ModelSpec(
        name="kraken-options-pm",
        title="Kraken options portfolio margining (its formula is not published)",
        family="without-formula",
        venue="kraken",
        version="2026",
        folder="kraken-options-pm",
        kinds=(Kind.ASSET, Kind.PERPETUAL, Kind.FUTURE, Kind.OPTION),
        currency="USD",
        scale=ScaleLaw.FIXED_PART,
        balance_side="margin equity: balances less haircut, and unrealised profit",
        rules=(
            Rule(
                "market_risk",
                "worst P&L of the delta-hedged portfolio over 23 scenarios: price moves, extreme "
                "moves, vol up and down, and a jump in time",
                f"{_HELP}; {_API}: priceShockLevels, extremePriceShockMultiplier, "
                "volShockMultiplicationFactor, volShockExponentFactor, optionExpiryTimeShockHours",
                Fidelity.STATED,
            ),
            Rule(
                "abs_options_delta",
                "sum of |delta x position x price| x maintenance margin factor x 2",
                _HELP,
                Fidelity.STATED,
            ),
            Rule(
                "net_position_delta",
                "cost of hedging the net delta; deltas of futures count only where they offset "
                "options",
                _HELP,
                Fidelity.STATED,
            ),
            Rule(
                "futures_maintenance_margin",
                "that of multi-collateral futures, by contract and tier",
                _HELP,
                Fidelity.STATED,
            ),
            Rule(
                "cross_asset_netting",
                "a reduction by crossAssetNettingFactor",
                f"{_HELP}; {_API}",
                Fidelity.STATED,
            ),
            Rule(
                "initial_margin",
                "maintenance margin of the options x optionsInitialMarginFactor; the first option "
                "orders up to a number count",
                f"{_HELP}; {_API}: totalOptionOrdersConsideredInInitialMarginCalc",
                Fidelity.STATED,
            ),
            Rule(
                "maintenance_margin",
                "a total of the five amounts; by which formula is not said",
                f"{_FIELDS}: maintenanceMargin beside portfolioMarginBreakdown",
                Fidelity.MISSING,
            ),
            Rule(
                "balance_side",
                "balances less haircut plus unrealised profit",
                "multi-collateral futures",
                Fidelity.STATED,
            ),
        ),
        standard="fixed-rate",
        unknown=(
            "how the five amounts make the maintenance margin: sum, maximum, and where the netting "
            "is taken off",
            "the 23 scenarios: which price, vol and time moves go together",
            "the form of the vol shock: perhaps factor (30 / days) ^ exponent",
            "cost of hedging the net delta, and the maintenance factor of the options delta",
            "values of all parameters: the endpoint's examples are not the venue's",
            "haircuts and tiers of the futures",
        ),
        extent=Extent.REFUSED,
        formula_unknown="how the five amounts make the maintenance margin is not published",
    )
)
