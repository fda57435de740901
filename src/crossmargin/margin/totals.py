"""Account totals in dollars: the sum over an account's pools."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.margin.model import Requirement
from crossmargin.margin.pools import by_row

__all__ = ["Totals", "account_totals", "usd_per_row"]


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
