"""Compound v3 (Comet) in integers: one base asset borrowed, values in its price's 8 decimals.

    liquidity = base P / scale + sum floor(floor(coll p / scale) CF / 1e18)
    borrow ok: liquidity >= 0 at borrow CF        liquidatable: liquidity < 0 at liquidate CF

The base term is signed and cut off toward zero. Absorption credits every collateral at its
liquidation factor; a balance that stays negative is set to zero and the reserves pay. Bought
collateral costs ``price (1 - storeFrontFactor (1 - liquidationFactor))``. Source:
compound-finance/comet at d5a30b0a.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from crossmargin.margin.families.exact_units import quotient_to_zero
from crossmargin.margin.families.lending import WAD, Figures, LendingAccount, barred, value_down

__all__ = [
    "PRICE_SCALE",
    "Absorption",
    "CometAccount",
    "CometAsset",
    "absorb",
    "quote_collateral",
]

PRICE_SCALE = 10**8


@dataclass(frozen=True, slots=True)
class CometAsset:
    """A collateral: decimals, and its three factors with 18 decimals."""

    decimals: int
    borrow_factor: int
    liquidate_factor: int
    liquidation_factor: int


@dataclass(frozen=True)
class CometAccount(LendingAccount):
    """An account; what is supplied of the base asset is in ``collateral`` under its name."""

    assets: Mapping[str, CometAsset] = field(default_factory=dict)
    base: str = ""
    base_decimals: int = 6

    def balance(self) -> int:
        """Units of the base asset: supplied, or borrowed where negative."""
        return self.collateral.get(self.base, 0) - self.debt.get(self.base, 0)

    def owes(self) -> bool:
        """Whether the balance of the base asset is negative."""
        return self.balance() < 0

    def base_value(self) -> int:
        """Signed value of the base balance, cut off toward zero."""
        unit: int = 10**self.base_decimals
        return quotient_to_zero(self.balance() * self.price.get(self.base, 0), unit)

    def weighted(self, factor: str) -> int:
        """Sum of the collateral at one of its factors."""
        total = 0
        for token, amount in self.collateral.items():
            if token == self.base:
                continue
            asset = self.assets[token]
            worth = value_down(amount, self.price[token], asset.decimals)
            total += worth * int(getattr(asset, factor)) // WAD
        return total

    def liquidity(self, factor: str) -> int:
        """What the contract sums, at ``borrow_factor`` or ``liquidate_factor``."""
        return self.base_value() + self.weighted(factor)

    def figures(self) -> Figures:
        """In price units of 8 decimals."""
        base = self.base_value()
        supplied, owed = max(base, 0), max(-base, 0)
        plain = sum(
            value_down(n, self.price[t], self.assets[t].decimals)
            for t, n in self.collateral.items()
            if t != self.base
        )
        return Figures(
            PRICE_SCALE,
            supplied + plain,
            owed,
            supplied + self.weighted("borrow_factor"),
            supplied + self.weighted("liquidate_factor"),
            owed,
            owed,
        )

    def healthy(self) -> bool:
        """Not liquidatable: no debt, or liquidity at the liquidate factor of 0 or more."""
        return not self.owes() or self.liquidity("liquidate_factor") >= 0

    def may_borrow(self) -> bool:
        """Collateralised: no debt, or liquidity at the borrow factor of 0 or more."""
        return not self.owes() or self.liquidity("borrow_factor") >= 0

    def price_scale(self, token: str) -> int:
        """Prices have 8 decimals."""
        return PRICE_SCALE


@dataclass(frozen=True, slots=True)
class Absorption:
    """``seized`` collateral by token, the base balance after, and what the reserves pay for it.

    ``credited`` is the value at liquidation factors in base units; ``paid`` is what the balance
    rose by: debt that the protocol takes on against the collateral; ``beyond`` of that is more
    than was credited: the bad debt.
    """

    seized: Mapping[str, int]
    credited: int
    balance: int
    paid: int
    beyond: int


def absorb(account: CometAccount) -> Absorption:
    """Take all collateral of a liquidatable account.

    Raises InputError ``number_out_of_range`` where it is not liquidatable.
    """
    if account.healthy():
        raise barred(
            "the account is not liquidatable",
            "compound-v3 absorb",
            account.liquidity("liquidate_factor"),
            "liquidity under 0",
        )
    seized = {t: n for t, n in account.collateral.items() if t != account.base and n > 0}
    value = 0
    for token, amount in seized.items():
        asset = account.assets[token]
        worth = value_down(amount, account.price[token], asset.decimals)
        value += worth * asset.liquidation_factor // WAD
    unit: int = 10**account.base_decimals
    credited = value * unit // account.price[account.base]
    old = account.balance()
    balance = max(old + credited, 0)
    return Absorption(seized, credited, balance, balance - old, balance - old - credited)


def quote_collateral(
    asset: CometAsset,
    price: int,
    base_price: int,
    base_amount: int,
    base_decimals: int,
    store_front_factor: int,
) -> int:
    """Units of an absorbed collateral that an amount of the base asset buys."""
    discount = store_front_factor * (WAD - asset.liquidation_factor) // WAD
    reduced = price * (WAD - discount) // WAD
    unit: int = 10**asset.decimals
    base_unit: int = 10**base_decimals
    return base_price * base_amount * unit // reduced // base_unit
