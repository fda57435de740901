"""Liquity v1 and v2 troves in integers: one collateral against the protocol's own dollar, 1e18.

    CR = floor(coll price / debt)          the gas reserve is part of the debt (v1: 200 LUSD)
    v1 normal    liquidated below MCR; borrowing needs ICR >= MCR and TCR >= CCR
    v1 recovery  while TCR < CCR: liquidated below TCR too, as the pool allows; borrowing needs CCR
    v2           no recovery mode; below CCR a branch only lends against what does not lower it

A liquidation offsets debt against the Stability Pool and redistributes the rest. Sources:
liquity/dev at 39f1f7f8, liquity/bold at 405f9122 (TroveManager of both).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from crossmargin.margin.families.lending import WAD, Figures, LendingAccount, barred

__all__ = [
    "Branch",
    "LiquityAccount",
    "Mode",
    "TroveLiquidation",
    "collateral_ratio",
    "liquidate_v1",
    "liquidate_v2",
]

_UNIT = 10**36
_PLACE = "liquity liquidation"
_NOT = "the trove cannot be liquidated"
FULL = WAD  # 100 %: at or below it recovery mode redistributes everything
GAS_SHARE = 200  # one part in so many of the collateral pays the caller


class Mode(StrEnum):
    """State of a v1 system."""

    NORMAL = "normal"
    RECOVERY = "recovery"


def collateral_ratio(collateral: int, price: int, debt: int) -> int | None:
    """Collateral ratio with 18 decimals, rounded down; None without debt."""
    return None if debt == 0 else collateral * price // debt


@dataclass(frozen=True, slots=True)
class Branch:
    """The rules of a collateral and, where known, the whole branch (wad; 0: not known)."""

    token: str
    minimum: int  # MCR
    critical: int  # CCR
    least_debt: int = 0  # net of the reserve in v1
    reserve: int = 0
    batch: int = 0  # added to MCR for a trove in a batch (v2)
    recovery: bool = False  # whether the protocol has a recovery mode (v1)
    system_collateral: int = 0
    system_debt: int = 0

    def total_ratio(self, price: int) -> int | None:
        """TCR; None where the system is not known or owes nothing."""
        return collateral_ratio(self.system_collateral, price, self.system_debt)

    def mode(self, price: int) -> Mode:
        """Recovery while TCR is under CCR, of a protocol that has it."""
        ratio = self.total_ratio(price)
        low = self.recovery and ratio is not None and ratio < self.critical
        return Mode.RECOVERY if low else Mode.NORMAL


@dataclass(frozen=True)
class LiquityAccount(LendingAccount):
    """One trove; ``in_batch`` where a manager sets its rate (v2)."""

    branch: Branch = field(default_factory=lambda: Branch("", WAD, WAD))
    coin: str = "LUSD"
    in_batch: bool = False

    def parts(self) -> tuple[int, int, int]:
        """(collateral, price, debt), all wad."""
        token = self.branch.token
        held = self.collateral.get(token, 0)
        return held, self.price.get(token, 0), self.debt.get(self.coin, 0)

    def ratio(self) -> int | None:
        """ICR; None without debt."""
        held, price, debt = self.parts()
        return collateral_ratio(held, price, debt)

    def least_ratio(self) -> int:
        """Below it the trove can be liquidated.

        In recovery mode TCR itself: whether the pool covers the debt is another question.
        """
        branch, price = self.branch, self.parts()[1]
        if branch.mode(price) is Mode.RECOVERY:
            return max(branch.minimum, branch.total_ratio(price) or 0)
        return branch.minimum

    def opening_ratio(self) -> int:
        """What a borrowing must leave."""
        branch, price = self.branch, self.parts()[1]
        if branch.mode(price) is Mode.RECOVERY:
            return max(branch.critical, self.least_ratio())
        return branch.minimum + (branch.batch if self.in_batch else 0)

    def figures(self) -> Figures:
        """Dollars of 36 decimals, times both ratios so that each power is whole."""
        held, price, debt = self.parts()
        least, opening = self.least_ratio(), self.opening_ratio()
        unit = _UNIT * least * opening
        value, owed = held * price * least * opening, debt * WAD * least * opening
        powers = held * price * WAD * least, held * price * WAD * opening
        return Figures(unit, value, owed, *powers, owed, owed)

    def healthy(self) -> bool:
        """ICR not under the ratio of liquidation."""
        ratio = self.ratio()
        return ratio is None or ratio >= self.least_ratio()

    def may_borrow(self) -> bool:
        """ICR of an opening, at least the least debt, and TCR not under CCR in normal mode.

        The totals of the system are those of the branch as given, with this trove as it was.
        """
        branch, (_, price, debt) = self.branch, self.parts()
        ratio, total = self.ratio(), self.branch.total_ratio(price)
        if ratio is None:
            return True
        if debt < branch.least_debt + branch.reserve or ratio < self.opening_ratio():
            return False
        return total is None or total >= branch.critical or branch.mode(price) is Mode.RECOVERY

    def may_withdraw(self) -> bool:
        """As a borrowing; recovery mode lets no collateral go."""
        return self.branch.mode(self.parts()[1]) is Mode.NORMAL and self.may_borrow()

    def price_scale(self, token: str) -> int:
        """Prices are wad."""
        return WAD


@dataclass(frozen=True, slots=True)
class TroveLiquidation:
    """Where collateral and debt of a trove go; each pair adds up to what the trove had.

    ``gas`` pays the caller, ``surplus`` waits for the owner.
    """

    offset_debt: int
    pool_collateral: int
    redistributed_debt: int
    redistributed_collateral: int
    gas: int
    surplus: int


def _split(collateral: int, debt: int, pool: int) -> tuple[int, int, int, int]:
    """(debt offset, collateral for it, debt and collateral redistributed)."""
    offset = min(debt, pool)
    share = collateral * offset // debt
    return offset, share, debt - offset, collateral - share


def liquidate_v1(
    collateral: int, debt: int, price: int, pool: int, branch: Branch
) -> TroveLiquidation:
    """Liquidate one trove of v1 in the mode that the system is in.

    ``pool`` is the Stability Pool in LUSD. Raises InputError ``number_out_of_range`` where the
    trove cannot be liquidated now.
    """
    ratio = collateral_ratio(collateral, price, debt)
    recovery = branch.mode(price) is Mode.RECOVERY
    total = branch.total_ratio(price) or 0
    if ratio is None:
        raise barred(_NOT, _PLACE, ratio, "a trove with debt")
    gas = collateral // GAS_SHARE
    rest = collateral - gas
    if recovery and ratio <= FULL:
        return TroveLiquidation(0, 0, debt, rest, gas, 0)
    if ratio < branch.minimum:
        return TroveLiquidation(*_split(rest, debt, pool), gas, 0)
    if not (recovery and ratio < total and debt <= pool):
        raise barred(
            _NOT, _PLACE, ratio, f"under {branch.minimum}, or under TCR with a pool that covers it"
        )
    capped = debt * branch.minimum // price
    gas = capped // GAS_SHARE
    return TroveLiquidation(debt, capped - gas, 0, 0, gas, collateral - capped)


def liquidate_v2(
    collateral: int,
    debt: int,
    price: int,
    pool: int,
    branch: Branch,
    *,
    pool_penalty: int,
    redistribution_penalty: int,
    gas_cap: int,
) -> TroveLiquidation:
    """Liquidate one trove of v2: penalties in wad cap what is taken, the rest waits for the owner.

    Raises InputError ``number_out_of_range`` where ICR is not under MCR.
    """
    ratio = collateral_ratio(collateral, price, debt)
    if ratio is None or ratio >= branch.minimum:
        raise barred(_NOT, _PLACE, ratio, f"under {branch.minimum}")
    gas = min(collateral // GAS_SHARE, gas_cap)
    rest = collateral - gas
    offset, share, left, other = _split(rest, debt, pool)
    taken = min(share, offset * (WAD + pool_penalty) // price)
    surplus = share - taken
    moved = 0
    if left > 0 and other > 0:
        moved = min(other + surplus, left * (WAD + redistribution_penalty) // price)
        surplus = other + surplus - moved
    return TroveLiquidation(offset, taken, left, moved, gas, surplus)
