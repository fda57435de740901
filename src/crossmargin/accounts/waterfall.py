"""Who pays: money of a liquidation in whole smallest units, moved from one party to another.

    requirement, cost   up     ceil(x 10^d - guard)         guard: 1e-6 of a unit, so that the noise
    equity              down   floor(x 10^d + guard)        of a float sum is no unit
    deficit             the fund, then the winners (if asked), then nobody: bad debt

Amounts are integers and every movement has a giver and a taker, so the sum over the parties is the
same before and after whatever happens. Auto-deleveraging takes from who gains most for the least
money: rank = profit x leverage, the ranking that derivatives venues publish.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Literal

import numpy as np

from crossmargin.core.arrays import finite
from crossmargin.core.errors import InputError

__all__ = ["Cover", "Party", "Purses", "Winner", "cover", "down", "dollars", "up"]

Party = Literal["account", "fund", "counterparties", "fees", "unpaid"]

_GUARD = Decimal("1e-6")
# Wide enough for any float as a decimal, and for what is added to it.
_WIDE = Context(prec=1200)


def up(amount_usd: float, decimals: int) -> int:
    """A requirement or a cost in smallest units: rounded up.

    Raises InputError ``number_not_finite``.
    """
    return int(
        _WIDE.subtract(_scaled(amount_usd, decimals), _GUARD).to_integral_value(ROUND_CEILING)
    )


def down(amount_usd: float, decimals: int) -> int:
    """Equity in smallest units: rounded down. Raises InputError ``number_not_finite``."""
    return int(_WIDE.add(_scaled(amount_usd, decimals), _GUARD).to_integral_value(ROUND_FLOOR))


def dollars(units: int, decimals: int) -> float:
    """Dollars of smallest units, the nearest float."""
    return float(Decimal(units).scaleb(-decimals, _WIDE))


def _scaled(amount: float, decimals: int) -> Decimal:
    finite(np.asarray([amount], np.float64), "an amount of money")
    return Decimal(float(amount)).scaleb(decimals, _WIDE)


@dataclass(frozen=True, slots=True)
class Purses:
    """What each party has, in smallest units.

    ``counterparties`` and ``fees`` begin at 0 and show what they gained; ``unpaid`` is never above
    0: losses that nobody covered.
    """

    account: int
    fund: int = 0
    counterparties: int = 0
    fees: int = 0
    unpaid: int = 0

    def paid(self, giver: Party, taker: Party, units: int) -> Purses:
        """The purses after a payment; a negative one goes the other way."""
        if giver == taker:
            return self
        after = {giver: getattr(self, giver) - units, taker: getattr(self, taker) + units}
        return replace(self, **after)

    @property
    def total(self) -> int:
        """The sum over the parties: the same after every payment."""
        return self.account + self.fund + self.counterparties + self.fees + self.unpaid


@dataclass(frozen=True, slots=True)
class Winner:
    """A counterparty with profit that may be taken: smallest units, and its leverage."""

    name: str
    profit: int
    leverage: float = 1.0

    def __post_init__(self) -> None:
        if self.profit < 0 or not 0.0 <= self.leverage < float("inf"):
            raise InputError(
                "number_out_of_range",
                "a winner has profit and a leverage",
                place=self.name,
                value=(self.profit, self.leverage),
                limit=">= 0, finite",
                remedy="Leave out who has no profit.",
            )


@dataclass(frozen=True, slots=True)
class Cover:
    """Who covered how much of a deficit: ``fund``, ``deleveraged`` (with a name) or ``unpaid``."""

    source: str
    units: int
    name: str = ""


def cover(
    purses: Purses, deficit: int, winners: Sequence[Winner] | None = None
) -> tuple[Purses, tuple[Cover, ...]]:
    """The purses after a deficit was covered, and by whom, in order.

    The fund pays what it has. ``winners`` given: what is left is taken from their profits, the
    highest rank first and equal ranks by name, each to the end of its profit. The rest is unpaid:
    bad debt, by its name. None: nobody is deleveraged. Raises InputError ``number_out_of_range``
    for a negative deficit or fund, ``option_unknown`` for winners of one name.
    """
    if deficit < 0 or purses.fund < 0:
        raise InputError(
            "number_out_of_range",
            "a deficit and a fund are not negative",
            value=(deficit, purses.fund),
            limit=">= 0",
            remedy="Give what is missing as a positive number.",
        )
    found: list[Cover] = []
    left = deficit
    taken = min(purses.fund, left)
    if taken:
        purses, left = purses.paid("fund", "account", taken), left - taken
        found.append(Cover("fund", taken))
    for winner in _ranked(winners or ()):
        taken = min(winner.profit, left)
        if taken:
            purses, left = purses.paid("counterparties", "account", taken), left - taken
            found.append(Cover("deleveraged", taken, winner.name))
    if left:
        purses = purses.paid("unpaid", "account", left)
        found.append(Cover("unpaid", left))
    return purses, tuple(found)


def _ranked(winners: Sequence[Winner]) -> list[Winner]:
    names = [winner.name for winner in winners]
    if len(set(names)) != len(names):
        raise InputError(
            "option_unknown",
            "two winners have one name",
            value=", ".join(sorted(names)),
            limit="distinct names",
            remedy="Add up what one of them gained.",
        )
    return sorted(winners, key=lambda w: (-w.profit * w.leverage, w.name))
