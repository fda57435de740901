"""What one account is worth, what of it is free, and what may leave.

    at mark         the model's equity
    executable      at mark + sum of q m (bid - mark) of longs and q m (ask - mark) of shorts
    net of exit     at mark - cost to close, of which no leg is ever a gain
    free            what counts - IM, at least 0
    withdrawable    min(cash and tokens, what counts - withdrawal multiple x IM - gains not realised
                    - value of options - cost to close), at least 0

An inverse future is closed at ``q m (1/mark - 1/price)`` coin. A leg without a quote is listed: it
stays at its mark in the executable value, and costs the agreement's share of its mark value (an
option) or notional (a future) to close. A withdrawal is judged more strictly than a new position:
profit that was not taken, and the premium of an option that was not sold, are no money.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import NamedTuple

import numpy as np

from crossmargin.accounts.agreement import Agreement
from crossmargin.core.errors import InputError
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.deribit_common import coin_size
from crossmargin.margin.model import Requirement
from crossmargin.margin.pools import lies_in
from crossmargin.margin.totals import stands_apart, usd_per_row

__all__ = ["ExitCost", "Leg", "Worth", "worth_of"]

# Dollars to close the whole account, or of each leg by its label.
ExitCost = float | Callable[[str], float]
_COLUMNS = ("cash", "unrealised", "option_value", "im", "counted_im", "mm", "counted_mm")
# What a sheet has where its model knows of such a thing; tokens that are held beside the cash.
_TOKENS = ("token_value", "collateral_value")
_HAIRCUTS = ("collateral_haircut", "discount")
# The steps are added in another order than the pools: less than this share is rounding.
_NOISE = 1e-12
_CASH_ENDS = "there is no more cash"
_NOT_BELOW = "nothing can leave"
_STAYS = "a shortfall stays in its pool"


@dataclass(frozen=True, slots=True)
class Leg:
    """One position, in dollars. ``touch_usd`` is what closing at the touch gains or loses against
    the mark; None where the side that is needed has no quote. ``close_usd`` is at least 0."""

    label: str
    quantity: float
    mark: float
    price: float | None
    touch_usd: float | None
    close_usd: float
    pool: int


@dataclass(frozen=True, slots=True)
class Worth:
    """One account in dollars; ``withheld`` are the steps from what counts to withdrawable."""

    equity_mark_usd: float
    equity_executable_usd: float
    exit_cost_usd: float
    equity_exit_usd: float
    im_usd: float
    mm_usd: float
    counted_im_usd: float
    counted_mm_usd: float
    free_usd: float
    withdrawable_usd: float
    withheld: tuple[tuple[str, float], ...]
    legs: tuple[Leg, ...]
    cost_source: str  # touch, or given
    # IM over what counts after the cost to close, of pools that stand apart the highest; None where
    # something is required and nothing counts then.
    exit_usage: float | None
    mm_usage: float | None  # the same of MM, at the mark
    exit_mm_usage: float | None  # and after the cost to close

    @property
    def unquoted(self) -> tuple[Leg, ...]:
        """Legs that nobody takes at any price now."""
        return tuple(leg for leg in self.legs if leg.touch_usd is None)


def worth_of(
    requirement: Requirement,
    agreement: Agreement,
    account: int = 0,
    exit_cost: ExitCost | None = None,
) -> Worth:
    """The figures of one account. ``exit_cost`` replaces the cost at the touch.

    Raises InputError ``number_out_of_range`` for a cost that is negative or not finite.
    """
    by_leg = exit_cost if callable(exit_cost) else None
    whole = None if exit_cost is None or callable(exit_cost) else _cost(exit_cost, "exit cost")
    legs = _legs(requirement, agreement, account, by_leg)
    sheet, rate = requirement.sheet, usd_per_row(requirement)
    rows = np.flatnonzero(sheet.account == account).tolist()

    def total(name: str, chosen: list[int]) -> float:
        if name not in sheet:  # a model without options has no value of them
            return 0.0
        return sum(float(sheet[name][row] * rate[row]) for row in chosen)

    units = [[row] for row in rows] if stands_apart(requirement.model) else [rows]
    parts, touch = [], []
    sides: dict[str, list[tuple[float, float]]] = {"im": [], "mm": []}
    for unit in units:
        money = {name: total(name, unit) for name in _COLUMNS}
        for name, side in sides.items():
            side.append((money[name], money[f"counted_{name}"]))
        money["tokens"] = sum(total(name, unit) for name in _TOKENS)
        money["haircut"] = sum(abs(total(name, unit)) for name in _HAIRCUTS)
        pools = {int(sheet.pool[row]) for row in unit}
        touch.append(sum(leg.close_usd for leg in legs if leg.pool in pools))
        parts.append(_unit(money, agreement, touch[-1] if whole is None else 0.0))
    steps = [(name, sum(part.steps[name] for part in parts)) for name in parts[0].steps]
    out = sum(part.withdrawable for part in parts)
    if whole is not None:
        steps[-1] = (steps[-1][0], -whole)
        out = max(out - whole, 0.0)
    rest = out - sum(amount for _, amount in steps)
    if abs(rest) > _NOISE * max(abs(steps[0][1]), 1.0):
        below = _NOT_BELOW if len(units) == 1 else _STAYS
        steps.append((_CASH_ENDS if rest < 0.0 else below, rest))
    equity = total("equity", rows)
    moved = sum(leg.touch_usd for leg in legs if leg.touch_usd is not None)
    cost = sum(leg.close_usd for leg in legs) if whole is None else whole
    return Worth(
        equity_mark_usd=equity,
        equity_executable_usd=equity + moved,
        exit_cost_usd=cost,
        equity_exit_usd=equity - cost,
        im_usd=total("im", rows),
        mm_usd=total("mm", rows),
        counted_im_usd=total("counted_im", rows),
        counted_mm_usd=total("counted_mm", rows),
        free_usd=sum(part.free for part in parts),
        withdrawable_usd=out,
        withheld=tuple(steps),
        legs=legs,
        cost_source="touch" if exit_cost is None else "given",
        exit_usage=_usage(sides["im"], touch, cost),
        mm_usage=_usage(sides["mm"], touch, 0.0),
        exit_mm_usage=_usage(sides["mm"], touch, cost),
    )


def _usage(
    sides: Sequence[tuple[float, float]], touch: Sequence[float], cost_usd: float
) -> float | None:
    """The highest of (need, counted) after a cost that falls on each balance by its legs' share."""
    whole = sum(touch)
    highest = 0.0
    for (need, counted), own in zip(sides, touch, strict=True):
        left = counted - (own / whole if whole > 0.0 else 1.0) * cost_usd
        if need > 0.0 and left <= 0.0:
            return None
        highest = max(highest, need / left if left > 0.0 else 0.0)
    return highest


class _Unit(NamedTuple):
    """Dollars of one balance: a pool that stands apart, or the account."""

    free: float
    withdrawable: float
    steps: Mapping[str, float]


def _unit(money: Mapping[str, float], agreement: Agreement, close_usd: float) -> _Unit:
    """What is free and what may leave of one balance."""
    counted, im, cash = money["counted_im"], money["im"], money["cash"]
    owned = cash + money["tokens"]
    gains = max(money["unrealised"], 0.0) + max(money["option_value"], 0.0)
    losses = max(-money["unrealised"], 0.0) + max(-money["option_value"], 0.0)
    # Only what counts is withheld: a rule may leave out the value of options already. The haircut
    # is the cash's own: it makes no room for a gain.
    withheld = min(gains, max(counted + money["haircut"] - cash + losses, 0.0))
    steps = {
        "counts against IM": counted,
        "initial margin": -im,
        "margin kept after a withdrawal": -(agreement.withdrawal_multiple - 1.0) * im,
        "gains not realised, value of options": -withheld,
        "cost to close": -close_usd,
    }
    return _Unit(max(counted - im, 0.0), max(min(sum(steps.values()), owned), 0.0), steps)


def _legs(
    requirement: Requirement,
    agreement: Agreement,
    account: int,
    exit_cost: Callable[[str], float] | None,
) -> tuple[Leg, ...]:
    """The derivatives of the account, each closed at the side that it needs."""
    book, view = requirement.book.rows(account, account + 1), requirement.view
    table = book.instruments
    size = np.abs(coin_size(table, view))
    pool_of = np.full(len(table), -1, np.int32)
    for number, pool in enumerate(requirement.plan.pools):
        pool_of[book.column[lies_in(book, pool)]] = number
    out = []
    for k, quantity in zip(book.column.tolist(), book.quantity.tolist(), strict=True):
        item = table.items[k]
        if item.kind not in (Kind.PERPETUAL, Kind.FUTURE, Kind.OPTION) or quantity == 0.0:
            continue
        there, price = (
            (view.has_bid[k], view.bid[k]) if quantity > 0.0 else (view.has_ask[k], view.ask[k])
        )
        mark, label = float(view.mark[k]), table.label(k)
        usd = float(view.usd[table.settle[k]])
        option = item.kind == Kind.OPTION
        touch: float | None = None
        if there and (price > 0.0 or (option and quantity > 0.0)):
            turned = item.inverse and not option
            gain = 1.0 / mark - 1.0 / float(price) if turned else float(price) - mark
            touch = quantity * item.multiplier * gain * usd
        if exit_cost is not None:
            close = _cost(exit_cost(label), f"exit cost of {label}")
        elif touch is not None:
            close = max(-touch, 0.0)
        elif option:
            close = agreement.unquoted_option * abs(quantity) * item.multiplier * mark * usd
        else:
            index_usd = float(view.index[table.pair[k]] * view.usd[table.quote[k]])
            close = agreement.unquoted_future * abs(quantity) * float(size[k]) * index_usd
        shown = float(price) if touch is not None else None
        out.append(Leg(label, quantity, mark, shown, touch, close, int(pool_of[k])))
    return tuple(out)


def _cost(value: float, place: str) -> float:
    """A cost that is finite and at least 0."""
    if not (isfinite(value) and value >= 0.0):
        raise InputError(
            "number_out_of_range",
            "a cost to close is at least 0",
            place=place,
            value=value,
            limit=">= 0 USD",
            remedy="Give dollars that closing takes.",
        )
    return float(value)
