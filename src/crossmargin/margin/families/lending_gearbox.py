"""Gearbox v3 credit accounts in integers: values in USD of 8 decimals, shares in basis points.

    TWV = sum min(floor(value LT / 1e4), quota in USD) + underlying LT      ok if TWV >= debt
    to pool = debt + interest + fees + value feeLiquidation;  funds = value discount
    what funds leave goes to the borrower, what they lack is the pool's loss

A quota caps what one token can count for: a limit on concentration. A threshold moves in a straight
line while it is ramped. Source: Gearbox-protocol/core-v3 at 510fc654.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from crossmargin.margin.families.lending import Figures, LendingAccount, value_down

__all__ = [
    "BPS",
    "USD",
    "GearboxAccount",
    "GearboxPayments",
    "GearboxToken",
    "liquidation_payments",
    "one_token",
    "ramped_threshold",
    "total_debt",
]

BPS = 10_000
USD = 10**8


def one_token(value: int, threshold: int, quota: int | None) -> int:
    """What a value counts for: its share of the threshold, at most its quota (None: no quota)."""
    weighted = value * threshold // BPS
    return weighted if quota is None else min(weighted, quota)


def ramped_threshold(initial: int, final: int, elapsed_s: int, duration_s: int) -> int:
    """A liquidation threshold so long after a ramp's start (before it where negative), floored."""
    if elapsed_s < 0:
        return initial
    if elapsed_s >= duration_s:
        return final
    return (initial * (duration_s - elapsed_s) + final * elapsed_s) // duration_s


def total_debt(debt: int, interest: int, fee_interest: int, quota_fees: int = 0) -> int:
    """Principal, interest and the share of the interest that is the protocol's fee."""
    return debt + interest + interest * fee_interest // BPS + quota_fees


@dataclass(frozen=True, slots=True)
class GearboxToken:
    """A token: decimals, threshold in bps, quota in units of the underlying; None without one."""

    decimals: int
    threshold: int
    quota: int | None = None


@dataclass(frozen=True)
class GearboxAccount(LendingAccount):
    """A credit account; ``quotas`` are its own, in units of the underlying, by token."""

    tokens: Mapping[str, GearboxToken] = field(default_factory=dict)
    underlying: str = ""
    quotas: Mapping[str, int] = field(default_factory=dict)

    def _usd(self, token: str, amount: int) -> int:
        if amount == 0:
            return 0  # what is not held needs no price
        return value_down(amount, self.price[token], self.tokens[token].decimals)

    def counted(self, token: str) -> int:
        """What a token counts for in USD."""
        terms, quota = self.tokens[token], None
        if token != self.underlying:
            units = self.quotas.get(token, terms.quota)
            quota = None if units is None else self._usd(self.underlying, units)
        return one_token(self._usd(token, self.collateral.get(token, 0)), terms.threshold, quota)

    def figures(self) -> Figures:
        """In USD of 8 decimals; one threshold for both levels."""
        value = sum(self._usd(t, n) for t, n in self.collateral.items())
        power = sum(self.counted(t) for t in self.collateral)
        owed = sum(self._usd(t, n) for t, n in self.debt.items())
        return Figures(USD, value, owed, power, power, owed, owed)

    def healthy(self) -> bool:
        """The weighted value covers the total debt."""
        figures = self.figures()
        return figures.power_mm >= figures.owed_mm

    def may_borrow(self) -> bool:
        """The same test."""
        return self.healthy()

    def price_scale(self, token: str) -> int:
        """Prices have 8 decimals."""
        return USD


@dataclass(frozen=True, slots=True)
class GearboxPayments:
    """Where the funds of a liquidated account go, in units of the underlying.

    ``to_pool`` is sent, ``remaining`` goes to the borrower, ``profit`` and ``loss`` are the
    pool's, ``premium`` is what is left of the account's value for the liquidator.
    """

    to_pool: int
    remaining: int
    profit: int
    loss: int
    premium: int


def liquidation_payments(
    total_value: int,
    debt: int,
    interest: int,
    *,
    fee_interest: int,
    fee_liquidation: int,
    discount: int,
    token_fee: int = 0,
) -> GearboxPayments:
    """Payments of a liquidation; shares in bps, ``token_fee`` is what a transfer loses."""
    with_interest = debt + interest
    to_pool = total_debt(debt, interest, fee_interest) + total_value * fee_liquidation // BPS
    funds = total_value * discount // BPS
    sent = to_pool * BPS // (BPS - token_fee)
    remaining = 0
    if funds > sent:
        remaining = funds - sent
    else:
        sent = funds
        to_pool = funds * (BPS - token_fee) // BPS
    gap = to_pool - with_interest
    return GearboxPayments(
        sent, remaining, max(gap, 0), max(-gap, 0), total_value - sent - remaining
    )
