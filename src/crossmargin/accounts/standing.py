"""A requirement judged against what counts: surplus, usage, cash to hold and status.

    surplus       counted - requirement, at both levels
    usage         IM / counted; infinite where something is required and nothing counts
    cash to hold  (1 + buffer) IM - (counted - cash): the cash with which IM and buffer are met
    status        the gravest rung of the ladder that fails

Where the pools of an account share one balance, the account is judged by its total in dollars and a
single pool by nothing; where they stand apart, the gravest pool decides. An account that states no
cash has no status.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossmargin.accounts.agreement import Agreement, Status
from crossmargin.core.arrays import Bools, Bytes, Floats, frozen
from crossmargin.core.errors import InputError
from crossmargin.margin.model import Requirement
from crossmargin.margin.pools import by_row
from crossmargin.margin.totals import account_totals, stands_apart, usd_per_row

__all__ = ["Standing", "judge"]


@dataclass(frozen=True, slots=True)
class Standing:
    """[R] by row of the sheet in the pool's currency, and [A] by account in dollars.

    ``status`` and ``account_status`` are codes of :class:`Status`. ``cash_to_hold_im`` takes cash
    at its face; where a rule puts cash itself at risk it is a first step, not the last.
    ``account_surplus_im_usd``: of pools that stand apart, that of the first to fail.
    """

    surplus_im: Floats
    surplus_mm: Floats
    usage: Floats
    cash_to_hold_im: Floats
    status: Bytes
    account_status: Bytes
    account_surplus_im_usd: Floats
    account_surplus_mm_usd: Floats
    account_usage: Floats

    def verdict(self, account: int) -> str:
        """One sentence about one account."""
        status = Status(int(self.account_status[account]))
        left = float(self.account_surplus_im_usd[account])
        maintained = float(self.account_surplus_mm_usd[account])
        if status is Status.UNKNOWN:
            return "no cash is stated: the account cannot be judged"
        if status is Status.LIQUIDATION:
            return f"liquidation: {_against(maintained)} maintenance margin"
        if status is Status.CALL:
            return f"call: {_against(left)} initial margin, no new risk is taken"
        if status is Status.WARNING:
            return f"warning: {left:,.2f} USD are left over initial margin"
        return f"ok: {left:,.2f} USD are left over initial margin"


def _against(surplus_usd: float) -> str:
    """A surplus in words; a rung above the requirement can fail while it is positive."""
    side = "over" if surplus_usd >= 0.0 else "short of"
    return f"{abs(surplus_usd):,.2f} USD {side}"


def judge(requirement: Requirement, agreement: Agreement) -> Standing:
    """The standing of every row and account of a requirement under an agreement.

    Raises InputError ``option_unknown`` for an agreement on another model.
    """
    if agreement.model != requirement.model.name:
        raise InputError(
            "option_unknown",
            "the agreement is on another model",
            value=agreement.model,
            limit=requirement.model.name,
            remedy="Judge a requirement by the agreement on its own model.",
        )
    sheet = requirement.sheet
    im, mm = sheet["im"], sheet["mm"]
    counted_im, counted_mm = sheet["counted_im"], sheet["counted_mm"]
    apart = stands_apart(requirement.model) or len(requirement.priced) == 1
    by_pool = agreement.ladder.status(im, counted_im, mm, counted_mm)
    given = _given(requirement)
    per_row = np.where(given[sheet.account] & apart, by_pool, Status.UNKNOWN).astype(np.int8)
    totals = account_totals(requirement)
    if apart:
        account_status = np.full(len(requirement.book), Status.UNKNOWN, np.int8)
        np.maximum.at(account_status, sheet.account, per_row)
        surplus_im = _least(requirement, "im")
        surplus_mm = _least(requirement, "mm")
        usage = np.zeros(len(requirement.book))
        np.maximum.at(usage, sheet.account, _usage(im, counted_im))
    else:
        levels = (totals.im_usd, totals.counted_im_usd, totals.mm_usd, totals.counted_mm_usd)
        of_totals = agreement.ladder.status(*levels)
        account_status = np.where(given, of_totals, Status.UNKNOWN).astype(np.int8)
        surplus_im = totals.counted_im_usd - totals.im_usd
        surplus_mm = totals.counted_mm_usd - totals.mm_usd
        usage = _usage(totals.im_usd, totals.counted_im_usd)
    return Standing(
        surplus_im=frozen(counted_im - im, np.float64),
        surplus_mm=frozen(counted_mm - mm, np.float64),
        usage=frozen(_usage(im, counted_im), np.float64),
        cash_to_hold_im=frozen(
            (1.0 + agreement.buffer) * im - (counted_im - sheet["cash"]), np.float64
        ),
        status=frozen(per_row, np.int8),
        account_status=frozen(account_status, np.int8),
        account_surplus_im_usd=frozen(surplus_im, np.float64),
        account_surplus_mm_usd=frozen(surplus_mm, np.float64),
        account_usage=frozen(usage, np.float64),
    )


def _given(requirement: Requirement) -> Bools:
    """[A] whether any pool of the account states what it holds."""
    known = (requirement.source > 0).astype(np.float64)
    return np.asarray(by_row(requirement.sheet.account, known, len(requirement.book)) > 0.0)


def _usage(requirement: Floats, counted: Floats) -> Floats:
    """Share of what counts that is required; infinite where nothing counts."""
    safe = np.where(counted > 0.0, counted, 1.0)
    bare = np.where(requirement > 0.0, np.inf, 0.0)
    return np.where(counted > 0.0, requirement / safe, bare)


def _least(requirement: Requirement, level: str) -> Floats:
    """[A] dollars over the requirement in the pool with the least; pools at rest do not count."""
    sheet = requirement.sheet
    need, counted = sheet[level], sheet[f"counted_{level}"]
    surplus = (counted - need) * usd_per_row(requirement)
    at_risk = (need > 0.0) | (counted < need)
    size = len(requirement.book)
    least = np.full(size, np.inf)
    np.minimum.at(least, sheet.account, np.where(at_risk, surplus, np.inf))
    total = by_row(sheet.account, surplus, size)
    return np.where(np.isfinite(least), least, total)
