"""Formulas of the strategy-based rules: what one coin (share) of each strategy needs.

Letters: S underlying, K strike, P premium at mark, L price of the linear leg (stock, coin held,
perpetual, future); s and f the shares of a short option (20 % and 10 %), u the share of a linear
position, h the share of a protected one (10 %). OTM = max(0, K - S) call, max(0, S - K) put.

    long option                  P;  0.75 P beyond nine months
    short option                 c = max(s S - OTM, f S) call, max(s S - OTM, f K) put
    short straddle, strangle     c of the side whose c + P is larger
    spread of any shape          max(0, worst payment at expiry) + premiums paid - received
    linear position              u L
    covered call                 max(0, u L - P);  at the strike: u min(L, K) + max(0, L - K) - P
    covered put                  max(0, u L - P);  at the strike: u max(L, K) + max(0, K - L) - P
    protective put, call         min(h K + OTM, u L) + P
    collar                       min(h K_p + OTM_p, u K_c) + max(0, L - K_c) + P_p - P_c
    conversion                   h K + max(0, L - K) + P_p - P_c
    reverse conversion           h K + max(0, K - L) + P_c - P_p
    long box beyond nine months  min(debit, half the present value of the strikes' difference)
    long against short           o L

These are needs of *net liquidating* equity, which counts options at mark: what a margin manual
states for a short option, P + c, less the proceeds P that may be applied. ``proceeds_held`` gives
the manual's own figure; both differ by what was received and no more. No need is negative.

Sources: Cboe margin manual and exchange rule 10.3, FINRA rule 4210(f)(2), Regulation T 12 CFR 220;
the strategy column of a leaflet of 2007 (net of proceeds) and a peer's test cases (proceeds held).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Bools, Floats, Ints, Longs, finite, frozen
from crossmargin.core.clock import NEVER_MS
from crossmargin.core.errors import InputError

__all__ = [
    "FAR_DAYS",
    "Leg",
    "Legs",
    "Rates",
    "box_cost",
    "collar_cost",
    "combination_cost",
    "covered_cost",
    "linear_cost",
    "long_cost",
    "naked_cost",
    "offset_cost",
    "protected_cost",
    "reverse_cost",
    "short_charge",
]

FAR_DAYS = 274.0  # nine months of 365/12 days, rounded up to a whole day
_LARGEST = 1e15


@dataclass(frozen=True, slots=True)
class Rates:
    """The numbers of one level. Shares are fractions; defaults are those of listed equity options.

    ``hedged``: protected positions, collars and conversions have their own rule (maintenance only).
    ``at_strike``: a covered position is valued at its option's strike (maintenance only).
    ``proceeds_held``: premiums received for naked and covered options are not applied.
    ``cash``: a cash account, where a short option is secured in full; ``index``: calls on an index
    are secured by their strike there, others by the underlying.
    """

    short_share: float = 0.20
    short_floor: float = 0.10
    far_share: float = 0.75
    far_days: float = FAR_DAYS
    linear_long: float = 0.50
    linear_short: float = 0.50
    hedge_share: float = 0.10
    offset_share: float = 0.10
    box_share: float = 0.50
    leverage: float = 1.0
    hedged: bool = False
    at_strike: bool = False
    proceeds_held: bool = False
    cash: bool = False
    index: bool = False


@dataclass(frozen=True, slots=True)
class Leg:
    """One position: ``right`` +1 call, -1 put, 0 linear; ``size`` in coins, signed; dollars."""

    right: int
    size: float
    price: float
    strike: float = 0.0
    spot: float = 0.0
    days: float = 0.0
    expiry: int = NEVER_MS
    discount: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Legs:
    """[n] positions of one account in one underlying, in a fixed order; see :class:`Leg`."""

    right: Ints
    size: Floats
    price: Floats
    strike: Floats
    spot: Floats
    days: Floats
    expiry: Longs
    discount: Floats

    def __len__(self) -> int:
        return len(self.size)

    @property
    def long(self) -> Bools:
        """[n] True where the position is bought."""
        return np.asarray(self.size > 0.0)

    @staticmethod
    def of(rows: Iterable[Leg]) -> Legs:
        """The table of some positions, checked.

        Raises InputError ``number_not_finite`` or ``number_out_of_range`` naming the field, and
        ``option_unknown`` for a right that is neither call, put nor linear.
        """
        given = tuple(rows)
        legs = Legs(
            right=frozen([leg.right for leg in given], np.int32),
            size=frozen([leg.size for leg in given], np.float64),
            price=frozen([leg.price for leg in given], np.float64),
            strike=frozen([leg.strike for leg in given], np.float64),
            spot=frozen([leg.spot for leg in given], np.float64),
            days=frozen([leg.days for leg in given], np.float64),
            expiry=frozen([leg.expiry for leg in given], np.int64),
            discount=frozen([leg.discount for leg in given], np.float64),
        )
        legs.check()
        return legs

    def check(self) -> None:
        """Raise the first of the errors that :meth:`of` names."""
        for name in ("size", "price", "strike", "spot", "days", "discount"):
            finite(getattr(self, name), name, lambda k: f"position {k}")
        option = self.right != 0
        _within(np.abs(self.size), "size", 0.0)
        _within(self.price, "price", 0.0)
        _within(np.where(option, self.strike, 1.0), "strike of an option", np.nextafter(0.0, 1.0))
        _within(np.where(option, self.spot, 1.0), "underlying price", np.nextafter(0.0, 1.0))
        wrong = np.flatnonzero(~np.isin(self.right, (-1, 0, 1)))
        if len(wrong):
            raise InputError(
                "option_unknown",
                "a position is a call, a put or linear",
                place=f"position {int(wrong[0])}",
                value=int(self.right[wrong[0]]),
                limit="1, -1 or 0",
                remedy="Correct the class of the position.",
            )


def _within(values: Floats, what: str, least: float) -> None:
    bad = np.flatnonzero(~((values >= least) & (values <= _LARGEST)))
    if len(bad):
        raise InputError(
            "number_out_of_range",
            f"{what} is not one that an account could hold",
            place=f"position {int(bad[0])}",
            value=float(values[bad[0]]),
            limit=f"{'above 0' if least else '0'} to {_LARGEST:g}",
            remedy="Correct or remove the position.",
        )


def _otm(legs: Legs, k: Ints) -> Floats:
    return np.maximum(legs.right[k] * (legs.strike[k] - legs.spot[k]), 0.0)


def long_cost(legs: Legs, k: Ints, rates: Rates) -> Floats:
    """[m] a long option alone: its premium, less what is lent on one with a long life."""
    far = (legs.days[k] > rates.far_days) & (not rates.cash)
    return np.asarray(legs.price[k] * np.where(far, rates.far_share, 1.0))


def short_charge(legs: Legs, k: Ints, rates: Rates) -> Floats:
    """[m] a short option alone beyond its premium: ``c`` of the module, or full cash security."""
    spot, strike, call = legs.spot[k], legs.strike[k], legs.right[k] > 0
    if rates.cash:
        secured = np.where(call & (not rates.index), spot, strike)
        return np.maximum(secured - legs.price[k], 0.0)
    share, floor = rates.short_share * rates.leverage, rates.short_floor * rates.leverage
    return np.maximum(share * spot - _otm(legs, k), floor * np.where(call, spot, strike))


def naked_cost(legs: Legs, k: Ints, rates: Rates) -> Floats:
    """[m] a short option alone."""
    held = rates.proceeds_held and not rates.cash
    return short_charge(legs, k, rates) + (legs.price[k] if held else 0.0)


def combination_cost(legs: Legs, call: Ints, put: Ints, rates: Rates) -> Floats:
    """[m] a short call and a short put of any strikes and expiries: the larger need, both proceeds.

    The larger is the one whose charge and premium are larger together, as the manual has it.
    """
    a, b = short_charge(legs, call, rates), short_charge(legs, put, rates)
    if rates.cash:
        return a + b
    first, second = legs.price[call], legs.price[put]
    larger = np.where(a + first >= b + second, a, b)
    return np.asarray(larger + (first + second if rates.proceeds_held else 0.0))


def linear_cost(legs: Legs, k: Ints, rates: Rates) -> Floats:
    """[m] a linear position alone."""
    share = np.where(legs.size[k] > 0.0, rates.linear_long, rates.linear_short)
    return np.asarray(legs.price[k] * (1.0 if rates.cash else share))


def covered_cost(legs: Legs, linear: Ints, option: Ints, rates: Rates) -> Floats:
    """[m] a short call on a long linear position, or a short put on a short one."""
    price, strike, right = legs.price[linear], legs.strike[option], legs.right[option]
    share = np.where(right > 0, rates.linear_long, rates.linear_short)
    base = price * (1.0 if rates.cash else share)
    if rates.at_strike and not rates.cash:
        valued = np.where(right > 0, np.minimum(price, strike), np.maximum(price, strike))
        base = share * valued + np.maximum(right * (price - strike), 0.0)
    applied = 0.0 if rates.proceeds_held or rates.cash else legs.price[option]
    return np.maximum(base - applied, 0.0)


def protected_cost(legs: Legs, linear: Ints, option: Ints, rates: Rates) -> Floats:
    """[m] a long put on a long linear position, or a long call on a short one; inf where no rule.

    Without ``hedged`` the two are margined apart.
    """
    if not rates.hedged:
        return np.full(len(linear), np.inf)
    most = linear_cost(legs, linear, rates)
    least = rates.hedge_share * legs.strike[option] + _otm(legs, option)
    return np.minimum(least, most) + legs.price[option]


def collar_cost(legs: Legs, linear: Ints, put: Ints, call: Ints, rates: Rates) -> Floats:
    """[m] a long linear position, a long put and a short call of one expiry, K_put <= K_call.

    At one strike it is a conversion; inf where the level has no rule of its own.
    """
    if not rates.hedged:
        return np.full(len(linear), np.inf)
    low, high = legs.strike[put], legs.strike[call]
    own = rates.hedge_share * low
    least = np.minimum(own + _otm(legs, put), rates.linear_long * high)
    base = np.where(low == high, own, least) + np.maximum(legs.price[linear] - high, 0.0)
    received = 0.0 if rates.proceeds_held else legs.price[call]
    return np.maximum(base + legs.price[put] - received, 0.0)


def reverse_cost(legs: Legs, linear: Ints, put: Ints, call: Ints, rates: Rates) -> Floats:
    """[m] a reverse conversion: short linear, short put and long call of one strike and expiry."""
    if not rates.hedged:
        return np.full(len(linear), np.inf)
    strike = legs.strike[put]
    base = rates.hedge_share * strike + np.maximum(strike - legs.price[linear], 0.0)
    received = 0.0 if rates.proceeds_held else legs.price[put]
    return np.maximum(base + legs.price[call] - received, 0.0)


def offset_cost(legs: Legs, bought: Ints, sold: Ints, rates: Rates) -> Floats:
    """[m] a long and a short linear position in one coin; inf in a cash account."""
    largest = np.maximum(legs.price[bought], legs.price[sold])
    return np.full(len(bought), np.inf) if rates.cash else rates.offset_share * largest


def box_cost(legs: Legs, box: Ints, rates: Rates) -> Floats:
    """[m] a long box (``box[:, :4]``: long call, short call, short put, long put).

    Beyond nine months half the present value of the strikes' difference; never above the debit.
    """
    price = legs.price[box]
    debit = np.maximum(price[:, 0] - price[:, 1] - price[:, 2] + price[:, 3], 0.0)
    first = box[:, 0]
    width = (legs.strike[box[:, 1]] - legs.strike[first]) * legs.discount[first]
    far = (legs.days[first] > rates.far_days) & (not rates.cash)
    return np.where(far, np.minimum(debit, rates.box_share * width), debit)
