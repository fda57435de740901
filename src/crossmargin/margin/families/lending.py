"""Accounts of lending protocols in the protocol's own integers, and what is asked of any of them.

    counted_im = sum c ltv      counted_mm = sum c threshold      im = mm = debt
    health     = counted_mm / mm                                  None without debt: never infinite

A protocol is a subclass of :class:`LendingAccount` that values, judges and rounds as its contracts
do. The questions here (liquidation price, joint fall, top-up, repayment, withdrawal, borrowing)
ask that judgement and search whole units, so that each answer is a boundary of the protocol
itself: at the answer it holds, one unit further it does not.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from crossmargin.core.errors import InputError

__all__ = [
    "WAD",
    "Figures",
    "LendingAccount",
    "barred",
    "borrowable",
    "bought",
    "last_held",
    "liquidation_factor",
    "liquidation_price",
    "repayment",
    "rising_price",
    "top_up",
    "value_down",
    "value_up",
    "withdrawable",
]

WAD = 10**18
_HUGE = 1 << 160  # beyond any supply: what is not reached by then is not reached

Holds = Callable[[int], bool]


@dataclass(frozen=True, slots=True)
class Figures:
    """What an account has and owes, all in integers of which ``unit`` make one of the currency.

    ``power`` is what counts towards borrowing (``im``) and against liquidation (``mm``); ``owed``
    is what it stands against at that level; ``collateral`` and ``debt`` are plain values.
    """

    unit: int
    collateral: int
    debt: int
    power_im: int
    power_mm: int
    owed_im: int
    owed_mm: int


@dataclass(frozen=True)
class LendingAccount(ABC):
    """One position: smallest units of each token held and owed, integer price of each token."""

    collateral: Mapping[str, int]
    debt: Mapping[str, int]
    price: Mapping[str, int]

    @abstractmethod
    def figures(self) -> Figures:
        """Values and powers in the protocol's rounding."""

    @abstractmethod
    def healthy(self) -> bool:
        """Whether the protocol would refuse to liquidate it."""

    @abstractmethod
    def may_borrow(self) -> bool:
        """Whether the protocol takes this state as the outcome of a borrowing."""

    @abstractmethod
    def price_scale(self, token: str) -> int:
        """Integer price of a token that costs one of the pool's currency."""

    def may_withdraw(self) -> bool:
        """Whether the protocol takes this state as the outcome of a withdrawal."""
        return self.may_borrow()

    def lets_go(self, token: str) -> bool:
        """Whether a token may leave at all while there is debt, whatever the amount."""
        return True

    def owes(self) -> bool:
        """Whether anything is owed."""
        return any(amount > 0 for amount in self.debt.values())

    def health_wad(self) -> int | None:
        """Power over debt at liquidation, 18 decimals, rounded down; None without debt."""
        figures = self.figures()
        return None if figures.owed_mm == 0 else figures.power_mm * WAD // figures.owed_mm

    def piece(self) -> int:
        """A number that is constant where the judgement is monotone; one piece unless said."""
        return 0

    def surely(self, healthy: bool) -> bool:
        """Whether it is healthy (unhealthy) whatever a rounding does; monotone along any path."""
        return False


Account = TypeVar("Account", bound=LendingAccount)


def barred(why: str, place: str, value: object, limit: str) -> InputError:
    """The error of a step that the protocol would not take."""
    return InputError(
        "number_out_of_range",
        why,
        place=place,
        value=value,
        limit=limit,
        remedy="Choose another account, or another amount.",
    )


def value_down(amount: int, price: int, decimals: int) -> int:
    """``amount x price / 10**decimals`` rounded down."""
    unit: int = 10**decimals
    return amount * price // unit


def value_up(amount: int, price: int, decimals: int) -> int:
    """``amount x price / 10**decimals`` rounded up."""
    unit: int = 10**decimals
    return -(-amount * price // unit)


def bought(account: Account, token: str, amount: int, *, owed: bool = False) -> Account:
    """The account with so many units more of a token held (or owed); less where negative."""
    side = "debt" if owed else "collateral"
    held: Mapping[str, int] = getattr(account, side)
    return replace(account, **{side: {**held, token: held.get(token, 0) + amount}})


def last_held(
    holds: Holds, start: int, end: int, piece: Callable[[int], int] | None = None
) -> int | None:
    """Last x before the first for which ``holds`` fails, on the way from ``start`` to ``end``.

    ``holds(start)`` must be True; None where it holds all the way. ``holds`` changes at most once
    inside a piece, and the pieces are stretches of equal ``piece(x)``.
    """
    good = start
    step = 1 if end >= start else -1
    while True:
        edge = end if piece is None else _edge(piece, good, end)
        if not holds(edge):
            return _between(holds, good, edge)
        if edge == end:
            return None
        good = edge + step
        if not holds(good):
            return edge


def _between(holds: Holds, good: int, bad: int) -> int:
    while abs(bad - good) > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if holds(middle) else (good, middle)
    return good


def _edge(piece: Callable[[int], int], start: int, end: int) -> int:
    label = piece(start)
    if piece(end) == label:
        return end
    return _between(lambda x: piece(x) == label, start, end)


def _walk(
    at: Callable[[int], LendingAccount],
    test: Callable[[LendingAccount], bool],
    start: int,
    end: int,
    *,
    good: bool = True,
    pieces: bool = True,
) -> int | None:
    """`last_held` of ``test(at(x))`` being ``good``, from where it is no longer sure to be so."""
    if at(start).surely(good):
        sure = last_held(lambda x: at(x).surely(good), start, end)
        if sure is None:
            return None
        start = sure
    return last_held(
        lambda x: test(at(x)) is good, start, end, (lambda x: at(x).piece()) if pieces else None
    )


def _healthy(account: LendingAccount) -> bool:
    return account.healthy()


def liquidation_price(account: LendingAccount, token: str) -> int | None:
    """Lowest integer price of a collateral, falling from the present one, that is still healthy.

    One unit lower the account can be liquidated. None where it is not healthy now, or remains so
    with the token at zero.
    """
    now = account.price[token]
    if not account.owes() or not account.healthy():
        return None

    def at(price: int) -> LendingAccount:
        return replace(account, price={**account.price, token: price})

    return _walk(at, _healthy, now, 0)


def rising_price(account: LendingAccount, token: str) -> int | None:
    """Highest integer price of a debt, rising from the present one, that is still healthy.

    None where it is not healthy now, or no price makes it liquidatable.
    """
    now = account.price[token]
    if not account.debt.get(token, 0) or not account.healthy():
        return None

    def at(price: int) -> LendingAccount:
        return replace(account, price={**account.price, token: price})

    return _walk(at, _healthy, now, now * _HUGE)


def liquidation_factor(account: LendingAccount, tokens: Sequence[str] = ()) -> int | None:
    """Lowest common factor on the prices of collateral, 18 decimals, that is still healthy.

    Each price is cut to ``price x factor / 1e18``. ``tokens``: what falls together; every
    collateral that is not owed too, where none is named. None where the account is not healthy
    now or stays so at factor zero. Where averages are rounded on the way (Aave's older arithmetic)
    health may flicker within a basis point: above the answer's own flicker all is healthy.
    """
    falling = tokens or [t for t in account.collateral if not account.debt.get(t, 0)]
    if not account.owes() or not account.healthy():
        return None

    def at(factor: int) -> LendingAccount:
        moved = {t: account.price[t] * factor // WAD for t in falling}
        return replace(account, price={**account.price, **moved})

    return _walk(at, _healthy, WAD, 0, pieces=False)


def top_up(account: LendingAccount, token: str) -> int | None:
    """Least units of a collateral that make the account healthy; 0 if it is, None if none does."""

    def at(amount: int) -> LendingAccount:
        return bought(account, token, amount)

    return _least(at, _HUGE)


def repayment(account: LendingAccount, token: str) -> int | None:
    """Least units of a debt to repay that make the account healthy; None if all do not."""

    def at(amount: int) -> LendingAccount:
        return bought(account, token, -amount, owed=True)

    return _least(at, account.debt.get(token, 0))


def _least(at: Callable[[int], LendingAccount], limit: int) -> int | None:
    if at(0).healthy():
        return 0
    last = _walk(at, _healthy, 0, limit, good=False)
    return None if last is None else last + 1


def withdrawable(account: LendingAccount, token: str) -> int:
    """Most units of a collateral that the protocol lets go; one more it refuses."""
    held = account.collateral.get(token, 0)

    def at(amount: int) -> LendingAccount:
        return bought(account, token, -amount)

    def test(changed: LendingAccount) -> bool:
        return not changed.owes() or changed.may_withdraw()

    if not test(account) or (account.owes() and not account.lets_go(token)):
        return 0
    found = _walk(at, test, 0, held)
    return held if found is None else found


def borrowable(account: LendingAccount, token: str) -> int:
    """Most units of a token that can be borrowed on top; one more the protocol refuses."""

    def at(amount: int) -> LendingAccount:
        return bought(account, token, amount, owed=True)

    if not at(1).may_borrow():
        return 0
    found = last_held(lambda x: at(x).may_borrow(), 1, _HUGE)
    return 0 if found is None else found
