"""What the trades of a margin optimisation cost: the one cost object, held over some days.

    cost(z) = that of leaving, taken at the quotes (or a maker's fee alone) + funding paid

Exit and liquidation read :meth:`Desk.quote` itself. ``optimise`` and ``rank`` read this, in the
objective, the split and the exact rounds alike. Dollars, positive is lost. Funding received is no
gain, nor is a rebate or a quote that beats the mark: a hedge of margin must not chase carry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from crossmargin.accounts.exit_market import Desk
from crossmargin.instruments.contracts import Kind
from crossmargin.market.cost_parts import Part, Steps, funding_paid, proportional
from crossmargin.market.costs import TradeCost
from crossmargin.market.fees import FeeTerms, fee_of_trade
from crossmargin.market.fields import contract_subject

__all__ = [
    "BEATS",
    "FLOOR",
    "funding_of",
    "funding_usd",
    "held_cost",
    "split_of",
    "trade_usd",
    "usd_of",
]

BEATS = "better than the mark, not counted"  # what a split has to take back
# Components that a quote better than the mark does not pay for.
FLOOR = ("fee", "base fee", "funding")


def usd_of(cost: TradeCost, size: float) -> float:
    """Dollars of the one cost object for a trade, its fee and funding at least.

    A quote that beats the mark is no income.
    """
    parts = [(name, float(value)) for name, value in cost.split(size)]
    least = sum(value for name, value in parts if name in FLOOR)
    return max(sum(value for _, value in parts), least)


def split_of(cost: TradeCost, size: float) -> list[tuple[str, float]]:
    """(component, dollars) of :func:`usd_of`; what a quote beats the mark by is taken back."""
    parts = [(name, float(value)) for name, value in cost.split(size)]
    beats = usd_of(cost, size) - sum(value for _, value in parts)
    return [*parts, (BEATS, beats)] if beats > 0.0 else parts


def funding_of(desk: Desk, k: int) -> float | None:
    """Recorded funding of eight hours of row ``k``, a fraction; None where none is recorded."""
    subject = contract_subject(*desk.view.instruments.items[k].key)
    return desk.snapshot.get("funding_8h", subject)


def held_cost(desk: Desk, k: int, sign: float, days: float, *, maker: bool = False) -> TradeCost:
    """The one cost object of trading row ``k`` and holding it so many days.

    That of leaving (:meth:`Desk.quote`) and, of a perpetual whose funding is recorded, what the
    trade pays at that rate (:func:`crossmargin.market.cost_parts.funding_paid`) on dollars at mark.
    ``maker``: an order that rests at the touch of its own side and is filled there. It pays the
    maker's share on that price (the mark where that side has no quote), no spread and no walk;
    impact stays, a rebate is no income. ModelError ``parameter_missing``: no such share is known.
    """
    cost, paid = desk.quote(k, sign).cost, _funding(desk, k, days)
    parts = cost.parts if not maker else _resting(desk, k, sign, cost.parts)
    return TradeCost(parts if paid is None else (*parts, paid), cost.currency)


def _resting(desk: Desk, k: int, sign: float, taken: Sequence[Part]) -> tuple[Part, ...]:
    """The fee of a maker in place of spread, walk and fee of a taker."""
    view = desk.view
    table, item = view.instruments, view.instruments.items[k]
    there, touch = (view.has_bid, view.bid) if sign > 0.0 else (view.has_ask, view.ask)
    terms = replace(desk.schedule, maker=True).of(item)
    fee = fee_of_trade(
        FeeTerms(max(terms.share, 0.0), terms.cap, 0.0),
        option=item.kind == Kind.OPTION,
        inverse=item.inverse,
        amount=item.multiplier,
        price=float(touch[k] if there[k] else view.mark[k]),
        index=float(view.index[table.pair[k]]),
    )
    rest = [part for part in taken if part.name not in ("spread", "walk", "fee")]
    return (proportional("fee", float(view.usd[table.settle[k]]) * fee), *rest)


def funding_usd(desk: Desk, k: int, size: float, days: float) -> float:
    """The component ``funding`` of :func:`held_cost` by itself; dollars, 0 where there is none."""
    paid = _funding(desk, k, days)
    return 0.0 if paid is None else float(paid.at(np.array([size]))[0])


def _funding(desk: Desk, k: int, days: float) -> Steps | None:
    """None of what is no perpetual, and where no funding is recorded."""
    if desk.view.instruments.items[k].kind != Kind.PERPETUAL or days == 0.0:
        return None
    rate = funding_of(desk, k)
    return None if rate is None else funding_paid(desk.notional_usd(k), rate, 24.0 * days)


def trade_usd(desk: Desk, k: int, size: float, days: float = 0.0, *, maker: bool = False) -> float:
    """:func:`usd_of` of :func:`held_cost` of row ``k`` on the side that is traded."""
    sign = float(np.sign(size))
    return usd_of(held_cost(desk, k, sign, days, maker=maker), size) if size else 0.0
