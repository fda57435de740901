"""Rules that every member of the scan family has, and what they say by default."""

from __future__ import annotations

from crossmargin.instruments.contracts import Kind
from crossmargin.margin.model import Fidelity, Rule

__all__ = ["DERIVATIVES_AND_MONEY", "with_common_rules"]

DERIVATIVES_AND_MONEY = (Kind.ASSET, Kind.PERPETUAL, Kind.FUTURE, Kind.OPTION)
_ORDERS = (
    "worst fill of the open orders, their cost against the mark included; an upper bound with "
    "further charges"
)


def with_common_rules(
    *own: Rule,
    source: str,
    levels: str,
    levels_known: Fidelity = Fidelity.STATED,
    balance: str = "cash, profit of open futures and option value",
    balance_known: Fidelity = Fidelity.STATED,
) -> tuple[Rule, ...]:
    """The member's own rules, then levels, orders, haircuts and what counts as equity."""
    return (
        *own,
        Rule("levels", levels, source, levels_known),
        Rule("order_margin", _ORDERS, "this project's", Fidelity.INFERRED),
        Rule("haircut", "share of a positive balance that does not count", source, balance_known),
        Rule("balance_side", balance, source, balance_known),
    )
