"""Kamino lend and marginfi v2: weighted deposits against weighted debts, dollars of 18 decimals.

    kamino    allowed = sum v LTV, unhealthy = sum v threshold;  debt = sum d borrow factor
    marginfi  health  = sum v w_asset - sum d w_liability        at init and at maintenance weights

Prices may differ by side and level: marginfi takes assets at the price less its confidence,
debts at the price more it, the init level at a time-weighted price. The rules are those of the
sources; how each step is rounded was not checked against recorded numbers (values are cut down,
debts up). Sources: Kamino-Finance/klend at edd5ff50, mrgnlabs/marginfi-v2 at 3031ba3b.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from crossmargin.margin.families.lending import WAD, Figures, LendingAccount, value_down, value_up

__all__ = [
    "EModeEntry",
    "WeightedAccount",
    "WeightedToken",
    "close_amount",
    "discounted_weight",
    "least_favourable",
]


@dataclass(frozen=True, slots=True)
class WeightedToken:
    """Decimals; weights of deposits and debts by level; price bias by side and level; all wad."""

    decimals: int
    asset_im: int
    asset_mm: int
    liability_im: int = WAD
    liability_mm: int = WAD
    low_im: int = WAD
    low_mm: int = WAD
    high_im: int = WAD
    high_mm: int = WAD


@dataclass(frozen=True)
class WeightedAccount(LendingAccount):
    """Deposits and debts of one account; ``cap`` (18 decimals) limits what may be borrowed."""

    tokens: Mapping[str, WeightedToken] = field(default_factory=dict)
    cap: int | None = None

    def _power(self, level: str) -> int:
        total = 0
        for token, amount in self.collateral.items():
            terms = self.tokens[token]
            price = self.price[token] * int(getattr(terms, f"low_{level}")) // WAD
            total += (
                value_down(amount, price, terms.decimals)
                * int(getattr(terms, f"asset_{level}"))
                // WAD
            )
        return total

    def _owed(self, level: str) -> int:
        total = 0
        for token, amount in self.debt.items():
            terms = self.tokens[token]
            price = -(-self.price[token] * int(getattr(terms, f"high_{level}")) // WAD)
            worth = value_up(amount, price, terms.decimals)
            total += -(-worth * int(getattr(terms, f"liability_{level}")) // WAD)
        return total

    def figures(self) -> Figures:
        """In dollars of 18 decimals."""
        held, owed = (
            sum(value_down(n, self.price[t], self.tokens[t].decimals) for t, n in side.items())
            for side in (self.collateral, self.debt)
        )
        powers, debts = ([f(level) for level in ("im", "mm")] for f in (self._power, self._owed))
        initial = powers[0] if self.cap is None else min(powers[0], self.cap)
        return Figures(WAD, held, owed, initial, powers[1], debts[0], debts[1])

    def healthy(self) -> bool:
        """Maintenance power covers the maintenance debt."""
        return self._power("mm") >= self._owed("mm")

    def may_borrow(self) -> bool:
        """Initial power, at most the cap, covers the initial debt."""
        figures = self.figures()
        return figures.power_im >= figures.owed_im

    def price_scale(self, token: str) -> int:
        """Prices have 18 decimals."""
        return WAD


def close_amount(
    debt: int, ltv: int, *, close_factor: int, insolvency_ltv: int, most_per_call: int
) -> int:
    """Kamino: the part of a debt that one call may repay, wad; all of it beyond insolvency."""
    share = WAD if ltv > insolvency_ltv else close_factor
    return min(debt * share // WAD, most_per_call)


def discounted_weight(weight: int, deposits: int, limit: int) -> int:
    """marginfi: an asset's init weight times ``limit / deposits`` above the limit (0: none)."""
    return weight * limit // deposits if 0 < limit < deposits else weight


@dataclass(frozen=True, slots=True)
class EModeEntry:
    """marginfi: what a borrowed bank grants to collateral with a tag."""

    asset_im: int
    asset_mm: int
    same_group: bool = False


def least_favourable(banks: Sequence[Mapping[str, EModeEntry]]) -> Mapping[str, EModeEntry]:
    """Entries that every borrowed bank has, each at its least weight and flag."""
    if not banks:
        return {}
    tags = [tag for tag in banks[0] if all(tag in bank for bank in banks[1:])]
    return {
        tag: EModeEntry(
            min(bank[tag].asset_im for bank in banks),
            min(bank[tag].asset_mm for bank in banks),
            all(bank[tag].same_group for bank in banks),
        )
        for tag in tags
    }
