"""Bybit portfolio margin (unified account).

    maximum loss   33 scenarios: 11 price moves x vol up, same, down
                   up vol (1 + 0.24 (30/D)^0.3), down vol (1 - 0.20 (30/D)^0.3), D whole days up
                   option on its forward, from the venue's mark; future on its mark; whole seconds
    contingency    net short options + vega spread + USDT-USDC spread + delta spread + futures
    MM = maximum loss + contingency              IM = 1.2 MM
    rates          IM, MM / (equity - haircut loss - order loss)

A risk unit is a coin: contracts in USDT, USDC and the coin itself, and spot where it hedges
(``form.coins = hedge_gains``). Source: bybit-exchange/docs, help center; numbers recovered from the
API example.
"""

from __future__ import annotations

from crossmargin.instruments.contracts import Kind
from crossmargin.margin.families.scan import Member
from crossmargin.margin.model import Extent, Fidelity, ModelSpec, Rule, ScaleLaw

__all__ = ["BYBIT_PM"]

_DOCS = "bybit-exchange/docs v5 asset/portfolio-margin (2026-07-24)"
_HELP = "help center, Introduction to Portfolio Margin"
_REWRITE = f"{_HELP}; formula in a third-party rewrite"

BYBIT_PM = Member(
    spec=ModelSpec(
        name="bybit-pm",
        title="Bybit portfolio margin (unified account)",
        family="scan",
        venue="bybit",
        version="uta-2025",
        folder="bybit-pm",
        kinds=(Kind.ASSET, Kind.PERPETUAL, Kind.FUTURE, Kind.OPTION),
        currency="USD",
        scale=ScaleLaw.HOMOGENEOUS,
        one_balance=True,
        balance_side="wallet, unrealised profit and option value, less haircut and order loss",
        rules=(
            Rule(
                "scan",
                "largest loss over 33 scenarios, from the mark; spot only where it gains",
                f"{_DOCS}: 33 numbers of an option to 1e-8",
                {
                    Kind.OPTION: Fidelity.EXACT,
                    Kind.PERPETUAL: Fidelity.EXACT,
                    Kind.FUTURE: Fidelity.INFERRED,
                    Kind.ASSET: Fidelity.INFERRED,
                },
            ),
            Rule(
                "option_contingency",
                "net short options x factor x index",
                f"{_REWRITE}; the factor is not published",
                Fidelity.MISSING,
            ),
            Rule(
                "vega_spread",
                "days between expiries x options hedged across them x 0.03 % x index",
                _REWRITE,
                Fidelity.INFERRED,
            ),
            Rule(
                "depeg",
                "delta hedged between USDT and USDC x factor x index",
                f"{_REWRITE}; the factor is not published",
                Fidelity.MISSING,
            ),
            Rule(
                "basis",
                "delta of each expiry x 25 % a year of its life, or delta hedged across expiries",
                f"{_DOCS}: within 0.12 % of one number; {_REWRITE}",
                Fidelity.INFERRED,
                ("reading.basis",),
            ),
            Rule(
                "futures_contingency",
                "0.03 % of the index notional of futures and perpetuals (BTC)",
                f"{_DOCS}: one number to its last digit",
                {Kind.PERPETUAL: Fidelity.EXACT, Kind.FUTURE: Fidelity.STATED},
            ),
            Rule("levels", "MM is the sum, IM is 1.2 MM (BTC)", _DOCS, Fidelity.EXACT),
            Rule(
                "order_margin",
                "worst fill of the open orders, their cost against the mark included; an upper "
                "bound with the contingencies",
                "this project's; the venue's own form is not published",
                Fidelity.INFERRED,
            ),
            Rule("haircut", "haircut of collateral", "glossary", Fidelity.STATED),
            Rule(
                "balance_side",
                "equity less haircut loss and order loss",
                "glossary, Unified Trading Account",
                Fidelity.STATED,
            ),
        ),
        readings={"reading.basis": ("per_expiry", "hedged")},
        standard="fixed-rate",
        unknown=(
            "factors of net short options, USDT-USDC spread, futures of ETH: left out",
            "vol shocks, delta spread and IM factor of ETH: those of BTC are taken",
            "haircuts of coins, and the margin of borrowed ones: left out",
            "size of spot in use beyond the delta that it hedges: capped at that delta",
            "inverse contracts: their coins are worth the shocked index",
            "options hedged across expiries: what lies before a gap against what lies after it",
            "sets before 2025-01-10: moves of the time, the other numbers of 2026",
        ),
        extent=Extent.AT_LEAST,
    ),
    charges=("option_contingency", "vega_spread", "depeg", "basis", "futures_contingency"),
)
