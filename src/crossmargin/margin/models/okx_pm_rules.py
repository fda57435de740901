"""What OKX's portfolio margin declares of itself: its rules, their sources, what is not known."""

from __future__ import annotations

from crossmargin.instruments.contracts import Kind
from crossmargin.margin.model import Extent, Fidelity, ModelSpec, Rule, ScaleLaw

__all__ = ["SPEC"]

_HELP = "okx.com help, portfolio margin article (as of 2025-07-09)"
_NOTICE = "okx.com help, notice of 2025-01-02"
_PAYLOAD = "position-builder reply in the API reference, 2025-01-15"
_EXAMPLE = "okx.com help, example of the notice of 2024-05-31"
_EXACT, _STATED = Fidelity.EXACT, Fidelity.STATED
_INFERRED, _MISSING = Fidelity.INFERRED, Fidelity.MISSING


def _by_kind(perpetual: Fidelity, future: Fidelity, option: Fidelity) -> dict[Kind, Fidelity]:
    return {Kind.PERPETUAL: perpetual, Kind.FUTURE: future, Kind.OPTION: option}


SPEC = ModelSpec(
    name="okx-pm",
    title="OKX portfolio margin",
    family="scan",
    venue="okx",
    version="2025",
    folder="okx-pm",
    kinds=(Kind.ASSET, Kind.PERPETUAL, Kind.FUTURE, Kind.OPTION),
    currency="USD",
    scale=ScaleLaw.SUPERLINEAR,
    one_balance=True,
    quotes=("USD", "USDT", "USDC"),
    balance_side=(
        "adjusted equity: balance, open profit and option value of every currency in dollars, a "
        "positive one at its discount rate"
    ),
    rules=(
        Rule(
            "spot_shock",
            "MR1: largest loss over 7 moves of the index, volatility up, same, down by points or "
            "by a share, whichever loses more",
            f"{_NOTICE}; {_PAYLOAD}; volatility moves at 30 and 60 days: third party",
            _by_kind(_EXACT, _INFERRED, _INFERRED),
            ("reading.coin_pnl",),
        ),
        Rule("theta_decay", "MR2: loss of option value over 24 hours", _HELP, _STATED),
        Rule(
            "vega_term",
            "MR3: volatility of one expiry against another",
            _HELP,
            _by_kind(_EXACT, _EXACT, _MISSING),
        ),
        Rule(
            "basis",
            "MR4: net cash delta of each expiry, and the spot in use, at its annualised move",
            f"{_NOTICE}; {_PAYLOAD}; {_EXAMPLE}; 2023-07-07 and 2024-05-10 before 2025",
            _by_kind(_EXACT, _INFERRED, _INFERRED),
            ("reading.basis_dated", "reading.basis_spot"),
        ),
        Rule(
            "interest",
            "MR5: shifts of the interest curve",
            _HELP,
            _by_kind(_EXACT, _EXACT, _MISSING),
        ),
        Rule(
            "extreme_move",
            "MR6: half of the largest loss at the extreme moves, volatility unchanged",
            f"{_NOTICE}; {_PAYLOAD}",
            _by_kind(_EXACT, _INFERRED, _INFERRED),
            ("reading.coin_pnl",),
        ),
        Rule(
            "minimum_charge",
            "MR7: cost of leaving every position, times the multiple of its tier in dollars",
            f"{_PAYLOAD} (rates); {_NOTICE} (tiers before 2025-01-15); a reader of 2025 (after)",
            _by_kind(_EXACT, _INFERRED, _MISSING),
            ("reading.option_charge",),
        ),
        Rule(
            "stablecoin_depeg",
            "MR9: what contracts of one quote currency hedge of another's, slice by slice",
            "okx.com help, notice of 2024-11-25, through readers: the first corner of its table",
            _INFERRED,
        ),
        Rule(
            "spot_in_use",
            "coins held that hedge the net delta of the unit's derivatives",
            f"{_HELP}; {_EXAMPLE}",
            _STATED,
        ),
        Rule("im_factor", "IMR is 1.3 times the derivatives' MMR", f"{_HELP}; {_PAYLOAD}", _EXACT),
        Rule(
            "borrow",
            "MR8: a currency whose equity is below zero is borrowed: MMR and IMR of its tier",
            _PAYLOAD,
            _EXACT,
        ),
        Rule(
            "liquidation_cost",
            "0.1 % of what is borrowed and its MMR stands beside the MMR in the margin ratio",
            _PAYLOAD,
            _EXACT,
        ),
        Rule(
            "order_margin",
            "worst fill of the unit's open orders, order loss included: every charge at the fills "
            "that are worst for it, an upper bound",
            "this project's; the venue's own form is not published",
            _INFERRED,
        ),
        Rule(
            "discount_rate",
            "tiers by currency; known only from the venue's own table",
            f"{_HELP}; public/discount-rate-interest-free-quota",
            _MISSING,
        ),
        Rule("balance_side", "adjusted equity", f"{_HELP}; {_PAYLOAD}", _EXACT),
    ),
    readings={
        "reading.coin_pnl": ("dollar_value", "index"),
        "reading.basis_dated": ("at_least_perpetual", "life_alone"),
        "reading.basis_spot": ("charged", "free"),
        "reading.option_charge": ("left_out", "code_2023"),
    },
    standard="fixed-rate",
    maps_from=("okx", "deribit"),
    unknown=(
        "MR3 and MR5 of options: left out, a unit with options needs at least what is shown",
        "MR7 of options: left out, or by a third party's code of 2023 (a switch)",
        "MR4 and MR7 of coins outside both lists: the rate of a lone perpetual and the share of a "
        "notional are left out",
        "tiers of MR7 outside BTC and ETH: at least, where the highest multiple could bind",
        "MR9 beyond 5 million dollars, or with a stablecoin index below 0.995: at least",
        "whether the spot in use counts in MR9: it does not here",
        "whether the coin's open profit and option value count as spot: only its balance does here",
        "borrowing rates of currencies but USDT, and beyond its first tier: at least",
        "discount rates: a positive equity counts in full; of a coin the account is at least",
        "what an account borrows that says nothing of its balances",
    ),
    extent=Extent.AT_LEAST,
)
