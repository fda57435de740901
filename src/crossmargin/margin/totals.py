"""Account totals in dollars: the sum over an account's pools, and the room that is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.margin.model import ModelSpec, Requirement
from crossmargin.margin.pools import by_row

__all__ = ["Totals", "account_totals", "room_usd", "stands_apart", "usd_per_row"]


@dataclass(frozen=True, slots=True)
class Totals:
    """[A] dollars: requirements, what is counted against them, equity and cash."""

    im_usd: Floats
    mm_usd: Floats
    counted_im_usd: Floats
    counted_mm_usd: Floats
    equity_usd: Floats
    cash_usd: Floats


def usd_per_row(requirement: Requirement) -> Floats:
    """[R] dollars per unit of each row's currency."""
    rates = np.array([priced.usd_per_unit for priced in requirement.priced], np.float64)
    return rates[requirement.sheet.pool]


def account_totals(requirement: Requirement) -> Totals:
    """Sums over the pools of each account. Pools of different currencies meet only here."""
    sheet = requirement.sheet
    rate = usd_per_row(requirement)

    def total(name: str) -> Floats:
        return by_row(sheet.account, sheet[name] * rate, len(requirement.book))

    return Totals(
        im_usd=total("im"),
        mm_usd=total("mm"),
        counted_im_usd=total("counted_im"),
        counted_mm_usd=total("counted_mm"),
        equity_usd=total("equity"),
        cash_usd=total("cash"),
    )


def stands_apart(spec: ModelSpec) -> bool:
    """Whether no pool of an account pays for another: a settlement currency each, or walls."""
    return spec.walls or (spec.currency == "settle" and not spec.one_balance)


def room_usd(
    pools: Sequence[tuple[float, float, float]], apart: bool
) -> tuple[float, float | None]:
    """Dollars that count beyond what is required, and their share of what counts.

    ``pools``: (required, counted, dollars a unit) at one level. The sum over the pools; where they
    stand ``apart`` that pool alone of which least dollars are left, among those that require
    something or are short: it is the first to be liquidated. Under 0 where the requirement is not
    covered; the share is None where nothing counts.
    """
    dollars = [(need * usd, counted * usd) for need, counted, usd in pools]
    at_risk = [own for own in dollars if own[0] > 0.0 or own[1] < own[0]]
    if apart and at_risk:
        need_usd, counted_usd = min(at_risk, key=lambda own: own[1] - own[0])
    else:
        need_usd, counted_usd = (sum(own[k] for own in dollars) for k in (0, 1))
    left = counted_usd - need_usd
    return left, left / counted_usd if counted_usd > 0.0 else None
