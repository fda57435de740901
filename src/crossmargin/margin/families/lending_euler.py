"""Euler v2 vaults in integers: one borrowed asset, values in the unit of account of 18 decimals.

    borrow       sum floor(bid value LTV_b / 1e4) > ask value of the debt          strictly more
    liquidation  sum floor(bid value LTV_l / 1e4) > ask value: healthy
    discount     df = floor(weighted 1e18 / debt), at least 1 - max discount; yield = repay / df

The liquidation LTV ramps down in a straight line, the borrowing LTV jumps. What is repaid and
seized is valued at mid. Source: euler-xyz/euler-vault-kit at 5b98b420.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from crossmargin.margin.families.lending import (
    WAD,
    Figures,
    LendingAccount,
    barred,
    value_down,
)

__all__ = [
    "BPS",
    "EulerAccount",
    "EulerCollateral",
    "EulerLiquidation",
    "liquidate",
    "ramped_ltv",
]

_PLACE = "euler-v2 liquidation"
BPS = 10_000


def ramped_ltv(initial: int, target: int, remaining_s: int, duration_s: int) -> int:
    """Liquidation LTV so long before a ramp down ends, bps, rounded down."""
    if remaining_s <= 0 or target >= initial:
        return target
    return target + (initial - target) * min(remaining_s, duration_s) // duration_s


@dataclass(frozen=True, slots=True)
class EulerCollateral:
    """A collateral vault's asset: decimals and both LTVs in bps."""

    decimals: int
    borrow_ltv: int
    liquidation_ltv: int


@dataclass(frozen=True)
class EulerAccount(LendingAccount):
    """An account with one controller; ``bid`` and ``ask`` shares of the mid price, wad."""

    vaults: Mapping[str, EulerCollateral] = field(default_factory=dict)
    debt_decimals: Mapping[str, int] = field(default_factory=dict)
    bid: Mapping[str, int] = field(default_factory=dict)
    ask: Mapping[str, int] = field(default_factory=dict)

    def value(self, token: str) -> int:
        """Mid value of what is held of a collateral."""
        return value_down(
            self.collateral.get(token, 0), self.price[token], self.vaults[token].decimals
        )

    def debt_value(self) -> int:
        """Mid value of what is owed."""
        return sum(
            value_down(n, self.price[t], self.debt_decimals[t]) for t, n in self.debt.items() if n
        )

    def liability(self) -> int:
        """Value of what is owed at the ask."""
        total = 0
        for token, amount in self.debt.items():
            if amount:
                price = self.price[token] * self.ask.get(token, WAD) // WAD
                total += value_down(amount, price, self.debt_decimals[token])
        return total

    def weighted(self, liquidation: bool) -> int:
        """Collateral at the bid, each at its LTV."""
        total = 0
        for token, amount in self.collateral.items():
            vault = self.vaults[token]
            price = self.price[token] * self.bid.get(token, WAD) // WAD
            ltv = vault.liquidation_ltv if liquidation else vault.borrow_ltv
            total += value_down(amount, price, vault.decimals) * ltv // BPS
        return total

    def figures(self) -> Figures:
        """In the unit of account."""
        owed = self.liability()
        value = sum(self.value(t) for t in self.collateral)
        powers = self.weighted(False), self.weighted(True)
        return Figures(WAD, value, self.debt_value(), *powers, owed, owed)

    def healthy(self) -> bool:
        """No debt, or strictly more weighted collateral than liability."""
        return not self.owes() or self.weighted(True) > self.liability()

    def may_borrow(self) -> bool:
        """The same at the borrowing LTVs."""
        return not self.owes() or self.weighted(False) > self.liability()

    def price_scale(self, token: str) -> int:
        """Prices have 18 decimals."""
        return WAD


@dataclass(frozen=True, slots=True)
class EulerLiquidation:
    """``repay`` units of debt for ``seized`` of collateral; ``socialised`` debt is written off."""

    discount_factor: int
    repay: int
    seized: int
    socialised: int
    after: EulerAccount


def liquidate(
    account: EulerAccount,
    collateral: str,
    debt: str,
    *,
    max_discount: int,
    repay: int | None = None,
) -> EulerLiquidation:
    """Seize one collateral, as much as the rule allows or for a smaller ``repay``.

    Raises InputError ``number_out_of_range`` where the account is healthy or ``repay`` is more than
    the rule allows.
    """
    if account.healthy():
        raise barred(
            "the account is healthy", _PLACE, account.weighted(True), "no more than is owed"
        )
    factor = account.weighted(True) * WAD // account.liability()
    factor = max(factor, WAD - max_discount)
    owed, balance = account.debt[debt], account.collateral[collateral]
    held, due = account.value(collateral), account.debt_value()
    most, seized = 0, balance
    if held > 0:
        repay_value, yield_value = due, due * WAD // factor
        if held < yield_value:
            repay_value, yield_value = held * factor // WAD, held
        most = repay_value * owed // due
        seized = yield_value * balance // held
    if repay is not None and repay > most:
        raise barred("more than may be repaid", _PLACE, repay, f"up to {most}")
    if repay is not None and most > 0:
        seized, most = repay * seized // most, repay
    left = {**account.collateral, collateral: balance - seized}
    rest = owed - most
    lost = rest if rest > 0 and not any(left.values()) else 0
    after = replace(account, collateral=left, debt={**account.debt, debt: rest - lost})
    return EulerLiquidation(factor, most, seized, lost, after)
