"""Maker vaults in integers: wad (18 decimals), ray (27), rad (45).

    spot  = price / par / mat     each division floored in rays
    safe  ink spot >= art rate;  a change that only lessens risk is taken in any state
    bark  if ink spot < art rate: dart = min(art, room / rate / chop), tab = dart rate chop

The price of a clip auction starts at ``price / par buf`` and falls by one of three curves. Source:
makerdao/dss at fa4f6630 (Vat, Spotter, Dog, Clipper, abaci).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from crossmargin.margin.families.lending import WAD, Figures, LendingAccount, barred

__all__ = [
    "RAD",
    "RAY",
    "Bark",
    "ClipTake",
    "Ilk",
    "MakerAccount",
    "after_bark",
    "bark",
    "exponential",
    "frob_allowed",
    "linear",
    "rpow",
    "spot_of",
    "stairstep",
    "take",
    "top_of",
]

_PLACE = "maker liquidation"
RAY = 10**27
RAD = 10**45


def spot_of(price: int, par: int, mat: int) -> int:
    """Dai that a unit of collateral backs, ray, of a price in wad."""
    return price * 10**9 * RAY // par * RAY // mat


@dataclass(frozen=True, slots=True)
class Ilk:
    """A collateral type: its token, liquidation ratio ``mat`` and ``par`` in ray, dust in rad."""

    token: str
    decimals: int
    mat: int
    par: int = RAY
    dust: int = 0


@dataclass(frozen=True)
class MakerAccount(LendingAccount):
    """One urn; the debt is what is owed in DAI (wad), the stability fee in it."""

    ilk: Ilk | None = None
    dai: str = "DAI"

    def _parts(self) -> tuple[Ilk, int, int]:
        """(ilk, ink in wad, tab in rad)."""
        ilk = self.ilk
        assert ilk is not None
        lift: int = 10 ** (18 - ilk.decimals)
        return ilk, self.collateral.get(ilk.token, 0) * lift, self.debt.get(self.dai, 0) * RAY

    def spot(self) -> int:
        """Of the ilk at the present price; what is not held needs none."""
        ilk = self._parts()[0]
        return spot_of(self.price.get(ilk.token, 0), ilk.par, ilk.mat)

    def figures(self) -> Figures:
        """In rad; the power is ``ink spot``."""
        ilk, ink, tab = self._parts()
        worth = ink * (self.price.get(ilk.token, 0) * 10**9)
        power = ink * self.spot()
        return Figures(RAD, worth, tab, power, power, tab, tab)

    def healthy(self) -> bool:
        """``ink spot >= tab``."""
        _, ink, tab = self._parts()
        return ink * self.spot() >= tab

    def may_borrow(self) -> bool:
        """Safe, and no debt or at least dust."""
        ilk, _, tab = self._parts()
        return self.healthy() and (tab == 0 or tab >= ilk.dust)

    def price_scale(self, token: str) -> int:
        """Prices are wad."""
        return WAD


def frob_allowed(before: MakerAccount, after: MakerAccount) -> bool:
    """Whether the Vat takes a change of ink and art (ceilings apart).

    Less or equal debt with no less collateral is always taken, but for dust; else it must be safe.
    """
    ilk = after.ilk
    assert ilk is not None
    owed, held = (a.debt.get(a.dai, 0) for a in (before, after))
    ink = [a.collateral.get(ilk.token, 0) for a in (before, after)]
    calmer = held <= owed and ink[1] >= ink[0]
    return (calmer or after.healthy()) and (held == 0 or held * RAY >= ilk.dust)


@dataclass(frozen=True, slots=True)
class Bark:
    """A liquidation: ``dink`` and ``dart`` leave the urn, ``due`` is owed, ``tab`` auctioned."""

    dink: int
    dart: int
    due: int
    tab: int
    ink_after: int
    art_after: int


def bark(ink: int, art: int, rate: int, spot: int, *, chop: int, room: int, dust: int = 0) -> Bark:
    """Start an auction of an unsafe urn; ``room`` is what Hole and hole leave, rad.

    Where what would remain is less than dust, all is taken. Raises InputError
    ``number_out_of_range`` where the urn is safe, nothing can be taken, or a part would be dust.
    """
    if not (spot > 0 and ink * spot < art * rate):
        raise barred("the urn is safe", _PLACE, ink * spot, f"under {art * rate}")
    dart = min(art, room * WAD // rate // chop)
    if art > dart:
        if (art - dart) * rate < dust:
            dart = art
        elif dart * rate < dust:
            raise barred("the part would be dust", _PLACE, dart * rate, f"{dust} or more")
    dink = ink * dart // art
    if dink == 0:
        raise barred("no collateral would be auctioned", _PLACE, dink, "1 or more")
    due = dart * rate
    return Bark(dink, dart, due, due * chop // WAD, ink - dink, art - dart)


def top_of(price: int, par: int, buf: int) -> int:
    """Start price of an auction, ray: feed price in wad over par, times buf."""
    return price * 10**9 * RAY // par * buf // RAY


def linear(top: int, elapsed_s: int, tau_s: int) -> int:
    """Price that falls in a straight line to zero after ``tau_s``."""
    if elapsed_s >= tau_s:
        return 0
    return top * ((tau_s - elapsed_s) * RAY // tau_s) // RAY


def stairstep(top: int, elapsed_s: int, cut: int, step_s: int) -> int:
    """Price that is cut to ``cut`` (ray) of itself every ``step_s``."""
    return top * rpow(cut, elapsed_s // step_s) // RAY


def exponential(top: int, elapsed_s: int, cut: int) -> int:
    """Price that is cut to ``cut`` (ray) of itself every second."""
    return top * rpow(cut, elapsed_s) // RAY


def rpow(base: int, exponent: int) -> int:
    """Power of a ray by squaring, each product rounded half up."""
    result = base if exponent % 2 else RAY
    exponent //= 2
    while exponent:
        base = (base * base + RAY // 2) // RAY
        if exponent % 2:
            result = (result * base + RAY // 2) // RAY
        exponent //= 2
    return result


@dataclass(frozen=True, slots=True)
class ClipTake:
    """A purchase: ``slice`` of the lot for ``owe`` (rad); ``returned`` goes to the urn's owner.

    ``unpaid`` is the tab that is left when the lot is gone: bad debt.
    """

    slice: int
    owe: int
    tab: int
    lot: int
    returned: int
    unpaid: int


def take(tab: int, lot: int, price: int, amount: int, chost: int = 0) -> ClipTake:
    """Buy up to ``amount`` (wad) at a price (ray), never for more than the tab.

    A part that leaves less than ``chost`` of the tab is cut back so that chost remains. Raises
    InputError ``number_out_of_range`` where that cannot be.
    """
    part = min(lot, amount)
    owe = part * price
    if owe > tab:
        owe, part = tab, tab // price
    elif owe < tab and part < lot and tab - owe < chost:
        if tab <= chost:
            raise barred("no part may be bought of so small a tab", _PLACE, tab, f"over {chost}")
        owe = tab - chost
        part = owe // price
    left, rest = tab - owe, lot - part
    if rest == 0:
        return ClipTake(part, owe, 0, 0, 0, left)
    if left == 0:
        return ClipTake(part, owe, 0, 0, rest, 0)
    return ClipTake(part, owe, left, rest, 0, 0)


def after_bark(account: MakerAccount, found: Bark, rate: int) -> MakerAccount:
    """The urn once a liquidation has begun, its debt rounded up to whole wad."""
    ilk = account.ilk
    assert ilk is not None
    lift: int = 10 ** (18 - ilk.decimals)
    owed = -(-found.art_after * rate // RAY)
    held = {**account.collateral, ilk.token: found.ink_after // lift}
    return replace(account, collateral=held, debt={**account.debt, account.dai: owed})
