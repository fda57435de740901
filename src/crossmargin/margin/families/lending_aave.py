"""Aave v3 in integers: base currency of 8 decimals, shares in basis points, wad and ray half up.

    value      floor(balance price / unit)           debt: rounded up by origin, down by v3-core
    avg LT     floor(sum v LT / sum v)               avg LTV likewise
    HF origin  floor(wadDiv(sum v LT, debt) / 1e4)   1e18 is the threshold; below it: liquidation
    HF core    wadDiv(percentMul(sum v, avg LT), debt)
    borrow     avg LTV != 0, HF >= 1, sum v >= debt 1e4 / avg LTV (up; half up in v3-core)

In an e-mode the assets of its category take the category's LTV, threshold and bonus. Sources:
aave-dao/aave-v3-origin at fd1fbd91, aave/aave-v3-core at 782f5191 (GenericLogic, ValidationLogic,
LiquidationLogic, MathUtils).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from crossmargin.margin.families.lending import (
    WAD,
    Figures,
    LendingAccount,
    barred,
    value_down,
    value_up,
)

__all__ = [
    "BASE_DECIMALS",
    "BPS",
    "RAY",
    "AaveAccount",
    "AaveAsset",
    "AaveLiquidation",
    "Arithmetic",
    "EMode",
    "available_borrows",
    "compounded_by_second",
    "compounded_interest",
    "half_up",
    "isolation_room",
    "linear_interest",
    "liquidate",
    "most_liquidatable",
    "percent_div",
    "percent_mul",
    "ray_div",
    "ray_mul",
    "wad_div",
    "wad_mul",
]

BASE_DECIMALS = 8
BPS = 10_000
RAY = 10**27
YEAR_S = 31_536_000
_PLACE = "aave-v3 liquidation"
_BASE: int = 10**BASE_DECIMALS
HF_FULL = 95 * WAD // 100  # at or below it the whole debt may be repaid
CLOSE_BPS = 5_000
SMALL_POSITION = 2_000 * _BASE  # origin: a pair with less on a side may be repaid in full
LEFTOVER = 1_000 * _BASE


class Arithmetic(StrEnum):
    """Which code rounds."""

    ORIGIN = "origin"
    CORE = "core"


def half_up(number: int, divisor: int) -> int:
    """``number / divisor`` of natural numbers, halves up."""
    return (number + divisor // 2) // divisor


def wad_mul(a: int, b: int) -> int:
    """Product of 18 decimals, half up."""
    return half_up(a * b, WAD)


def wad_div(a: int, b: int) -> int:
    """Quotient of 18 decimals, half up."""
    return half_up(a * WAD, b)


def ray_mul(a: int, b: int) -> int:
    """Product of 27 decimals, half up."""
    return half_up(a * b, RAY)


def ray_div(a: int, b: int) -> int:
    """Quotient of 27 decimals, half up."""
    return half_up(a * RAY, b)


def percent_mul(value: int, bps: int) -> int:
    """A share of a value, half up."""
    return half_up(value * bps, BPS)


def percent_div(value: int, bps: int) -> int:
    """What a value is a share of, half up."""
    return half_up(value * BPS, bps)


def linear_interest(rate: int, seconds: int) -> int:
    """Growth of a supply over a time, ray: ``ray + rate dt / year``."""
    return RAY + rate * seconds // YEAR_S


def compounded_interest(rate: int, seconds: int) -> int:
    """Growth of a debt over a time, ray: three terms of the exponential."""
    x = rate * seconds // YEAR_S
    return RAY + x + ray_mul(x, x // 2 + ray_mul(x, x // 6))


def compounded_by_second(rate: int, seconds: int) -> int:
    """The same as older code and Aave's own SDK have it: a rate per second, cut to whole rays.

    ``ray + n r + n (n - 1) r^2 / 2 + n (n - 1) (n - 2) r^3 / 6``.
    """
    if seconds == 0:
        return RAY
    each = rate // YEAR_S
    square = ray_mul(each, each)
    cube = ray_mul(square, each)
    pairs = seconds * (seconds - 1)
    return RAY + each * seconds + pairs * square // 2 + pairs * max(seconds - 2, 0) * cube // 6


def available_borrows(collateral: int, debt: int, ltv_bps: int) -> int:
    """What the view says can be borrowed on top, base currency: ``floor(coll ltv) - debt``."""
    return max(collateral * ltv_bps // BPS - debt, 0)


@dataclass(frozen=True, slots=True)
class AaveAsset:
    """A reserve: decimals of its token, shares in bps (the bonus as 1e4 and more)."""

    decimals: int
    ltv: int
    threshold: int
    bonus: int = BPS
    protocol_fee: int = 0
    debt_ceiling: int = 0  # 2 decimals of the base currency; 0: not isolated
    isolation_debt: int = 0  # what other accounts owe against it under its ceiling
    in_isolation: bool = False  # whether it can be borrowed against an isolated collateral


@dataclass(frozen=True, slots=True)
class EMode:
    """A category of efficiency mode; ``isolated``: assets outside it lend nothing (LTV 0)."""

    ltv: int
    threshold: int
    bonus: int
    collateral: frozenset[str]
    ltv_zero: frozenset[str] = frozenset()
    isolated: bool = False


@dataclass(frozen=True)
class AaveAccount(LendingAccount):
    """An account; ``off`` are supplied tokens that its owner does not use as collateral."""

    assets: Mapping[str, AaveAsset] = field(default_factory=dict)
    emode: EMode | None = None
    off: frozenset[str] = frozenset()
    arithmetic: Arithmetic = Arithmetic.ORIGIN

    def used(self) -> tuple[str, ...]:
        """Tokens that count: those switched on.

        v3-core knows isolated assets, which count only where nothing else does; which of several
        was switched on a book does not say: the first.
        """
        on = [t for t, n in self.collateral.items() if n > 0 and t not in self.off]
        if self.arithmetic is Arithmetic.ORIGIN:
            return tuple(on)
        on = [t for t in on if self.assets[t].threshold > 0]
        plain = [t for t in on if self.assets[t].debt_ceiling == 0]
        return tuple(plain or on[:1])

    def isolated(self) -> str | None:
        """The isolated collateral that alone backs the account (v3-core); None without one."""
        if self.arithmetic is Arithmetic.ORIGIN:
            return None
        return next((t for t in self.used() if self.assets[t].debt_ceiling > 0), None)

    def isolation_keeps(self) -> bool:
        """Whether what is owed may be owed in isolation: of assets so marked, under the ceiling.

        Interest counts here as principal: a room that is never too large.
        """
        backing = self.isolated()
        if backing is None:
            return True
        owed = {t: n for t, n in self.debt.items() if n > 0}
        terms, room = self.assets[backing], self.assets[backing].debt_ceiling
        for token, amount in owed.items():
            decimals = self.assets[token].decimals
            room = isolation_room(0, room, amount, decimals)
        return room >= terms.isolation_debt and all(self.assets[t].in_isolation for t in owed)

    def shares(self, token: str) -> tuple[int, int]:
        """(LTV, threshold) of a token in bps, its category's where it is in that."""
        asset, mode = self.assets[token], self.emode
        if mode is None:
            return asset.ltv, asset.threshold
        inside = token in mode.collateral
        if self.arithmetic is Arithmetic.CORE:
            ltv = mode.ltv if inside and asset.ltv > 0 else asset.ltv
        elif inside:
            ltv = 0 if token in mode.ltv_zero else mode.ltv
        else:
            ltv = 0 if mode.isolated else asset.ltv
        return ltv, mode.threshold if inside else asset.threshold

    def bonus(self, token: str) -> int:
        """Liquidation bonus of a token, 1e4 and more."""
        inside = self.emode is not None and token in self.emode.collateral
        return self.emode.bonus if inside and self.emode else self.assets[token].bonus

    def value(self, token: str) -> int:
        """Base currency of what is supplied of a token."""
        return value_down(
            self.collateral.get(token, 0), self.price[token], self.assets[token].decimals
        )

    def debt_value(self, token: str) -> int:
        """Base currency of what is owed of a token."""
        worth = value_up if self.arithmetic is Arithmetic.ORIGIN else value_down
        return worth(self.debt.get(token, 0), self.price[token], self.assets[token].decimals)

    def sums(self) -> tuple[int, int, int, int]:
        """(collateral that counts, sum v ltv, sum v LT, debt) in base currency and bps of it."""
        total = by_ltv = by_threshold = 0
        for token in self.used():
            value, (ltv, threshold) = self.value(token), self.shares(token)
            total += value
            by_ltv += value * ltv
            by_threshold += value * threshold
        return total, by_ltv, by_threshold, sum(self.debt_value(t) for t in self.debt)

    def averages(self) -> tuple[int, int]:
        """(LTV, threshold) of the whole collateral in bps, rounded down."""
        total, by_ltv, by_threshold, _ = self.sums()
        return (by_ltv // total, by_threshold // total) if total else (0, 0)

    def figures(self) -> Figures:
        """In base currency of 8 decimals times basis points."""
        total, by_ltv, by_threshold, debt = self.sums()
        average = by_ltv // total if total else 0
        power_im, power_mm = total * average, by_threshold
        if self.arithmetic is Arithmetic.CORE:
            power_im = percent_mul(total, average) * BPS
            power_mm = percent_mul(total, by_threshold // total if total else 0) * BPS
        supplied = sum(self.value(t) for t in self.collateral)
        owed = debt * BPS
        return Figures(_BASE * BPS, supplied * BPS, owed, power_im, power_mm, owed, owed)

    def health_wad(self) -> int | None:
        """The health factor, 18 decimals; None without debt."""
        total, _, by_threshold, debt = self.sums()
        if debt == 0:
            return None
        if self.arithmetic is Arithmetic.ORIGIN:
            return wad_div(by_threshold, debt) // BPS
        return wad_div(percent_mul(total, by_threshold // total if total else 0), debt)

    def healthy(self) -> bool:
        """Health factor of 1 or more, or no debt."""
        health = self.health_wad()
        return health is None or health >= WAD

    def may_borrow(self) -> bool:
        """Average LTV not 0, healthy, debt covered at that LTV and within the isolation mode."""
        total, by_ltv, _, debt = self.sums()
        average = by_ltv // total if total else 0
        if average == 0 or not self.healthy() or not self.isolation_keeps():
            return False
        if self.arithmetic is Arithmetic.CORE:
            return percent_div(debt, average) <= total
        return -(-debt * BPS // average) <= total

    def may_withdraw(self) -> bool:
        """A withdrawal asks for health alone."""
        return self.healthy()

    def lets_go(self, token: str) -> bool:
        """Collateral whose LTV is 0 goes first."""
        idle = {t for t in self.used() if self.shares(t)[0] == 0}
        return not idle or token in idle or token not in self.used()

    def price_scale(self, token: str) -> int:
        """Prices have 8 decimals."""
        return _BASE

    def piece(self) -> int:
        """v3-core rounds the average threshold: between two of its steps all is monotone."""
        return self.averages()[1] if self.arithmetic is Arithmetic.CORE else 0

    def surely(self, healthy: bool) -> bool:
        """Of v3-core: health with the average a whole basis point lower (as it is, at most)."""
        if self.arithmetic is Arithmetic.ORIGIN:
            return False
        total, _, by_threshold, debt = self.sums()
        if healthy:
            return by_threshold - total >= debt * BPS
        return by_threshold + 2 * BPS < (debt - debt // (2 * WAD)) * BPS


def isolation_room(total_debt: int, ceiling: int, amount: int, decimals: int) -> int:
    """Room under a debt ceiling after borrowing ``amount``, 2 decimals of the base currency.

    Negative where v3-core refuses the borrowing; the amount is cut to cents first.
    """
    cents: int = 10 ** max(decimals - 2, 0)
    return ceiling - total_debt - amount // cents


def most_liquidatable(account: AaveAccount, collateral: str, debt: str) -> int:
    """Most units of a debt that one call may repay: the close factor.

    v3-core: half of the reserve's debt, all at a health factor of 0.95 or less. Origin: all of it;
    where both sides of the pair are worth 2,000 or more and health is above 0.95, at most half of
    the total debt.
    """
    owed = account.debt[debt]
    health = account.health_wad()
    assert health is not None
    if account.arithmetic is Arithmetic.CORE:
        return percent_mul(owed, CLOSE_BPS if health > HF_FULL else BPS)
    unit: int = 10 ** account.assets[debt].decimals
    worth = owed * account.price[debt] // unit
    large = account.value(collateral) >= SMALL_POSITION and worth >= SMALL_POSITION
    half = percent_mul(account.sums()[3], CLOSE_BPS)
    if large and health > HF_FULL and worth > half:
        return half * unit // account.price[debt]
    return owed


@dataclass(frozen=True, slots=True)
class AaveLiquidation:
    """One call: ``repaid`` units of debt for ``seized`` of collateral, less the protocol's fee.

    ``deficit``: debts by token that are written off because no collateral is left (origin);
    ``after`` is the account afterwards.
    """

    repaid: int
    seized: int
    to_liquidator: int
    protocol_fee: int
    deficit: Mapping[str, int]
    after: AaveAccount


def liquidate(
    account: AaveAccount, collateral: str, debt: str, to_cover: int | None = None
) -> AaveLiquidation:
    """A liquidation of one pair, as much as asked and allowed.

    Raises InputError ``number_out_of_range`` where the account is healthy or the call would leave
    dust (origin: less than 1,000 of either side, unless one side is cleared).
    """
    if account.healthy():
        raise barred(
            "the account is healthy", _PLACE, account.health_wad(), "a health factor under 1"
        )
    most = most_liquidatable(account, collateral, debt)
    actual = most if to_cover is None else min(to_cover, most)
    balance, owed = account.collateral[collateral], account.debt[debt]
    taken, actual, fee = _seizable(account, collateral, debt, actual)
    origin = account.arithmetic is Arithmetic.ORIGIN
    if origin and actual < owed and taken < balance:
        _no_dust(account, collateral, debt, owed - actual, balance - taken)
    left = {**account.collateral, collateral: balance - taken}
    owes = {**account.debt, debt: owed - actual}
    after = replace(account, collateral=left, debt=owes)
    deficit: dict[str, int] = {}
    if origin and sum(after.value(t) for t in after.used()) == 0:
        deficit = {t: n for t, n in owes.items() if n > 0}
        after = replace(after, debt=dict.fromkeys(owes, 0))
    return AaveLiquidation(actual, taken, taken - fee, fee, deficit, after)


def _seizable(account: AaveAccount, collateral: str, debt: str, cover: int) -> tuple[int, int, int]:
    """(seized with the fee in it, debt repaid, fee) for a debt to cover."""
    prices = account.price[collateral], account.price[debt]
    units = (10 ** account.assets[t].decimals for t in (collateral, debt))
    asset_unit, debt_unit = units
    bonus, fee_bps = account.bonus(collateral), account.assets[collateral].protocol_fee
    balance = account.collateral[collateral]
    base = prices[1] * cover * asset_unit // (prices[0] * debt_unit)
    core = account.arithmetic is Arithmetic.CORE
    taken = percent_mul(base, bonus) if core else base * bonus // BPS
    if taken > balance:
        taken = balance
        back = prices[0] * taken * debt_unit // (prices[1] * asset_unit)
        cover = min(percent_div(back, bonus) if core else -(-back * BPS // bonus), cover)
    part = taken - (percent_div(taken, bonus) if core else taken * BPS // bonus)
    fee = percent_mul(part, fee_bps) if core else -(-part * fee_bps // BPS)
    return taken, cover, fee


def _no_dust(account: AaveAccount, collateral: str, debt: str, owed: int, held: int) -> None:
    left = value_up(owed, account.price[debt], account.assets[debt].decimals)
    kept = value_down(held, account.price[collateral], account.assets[collateral].decimals)
    if min(left, kept) < LEFTOVER:
        raise barred(
            "the call would leave dust", _PLACE, min(left, kept) / _BASE, "1,000 or nothing"
        )
