"""What Deribit's models share: deltas, the settlement window, coin units and order holds."""

from __future__ import annotations

import numpy as np

from crossmargin.core.arrays import Bools, Floats
from crossmargin.core.clock import DAY_MS, YEAR_MS
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.model import PoolBook
from crossmargin.margin.pools import is_kind
from crossmargin.market.view import View
from crossmargin.pricing.greeks import greeks

__all__ = [
    "HOLD_FRACTION",
    "KINDS",
    "SETTLEMENT_MS",
    "coin_size",
    "days_to_expiry",
    "hold",
    "margin_delta",
    "mmp_hold",
    "settlement_decay",
]

# What the venue lists, with its balances.
KINDS = (Kind.ASSET, Kind.PERPETUAL, Kind.FUTURE, Kind.OPTION)
# Deltas and the matrix of an expiring book decay over the last half hour before expiry.
SETTLEMENT_MS = 30 * 60 * 1000
# A maker-protection group reserves this share of its maximum quote quantity.
HOLD_FRACTION = 0.03


def days_to_expiry(view: View) -> Floats:
    """[E] days of life, fractional."""
    return view.life_ms / DAY_MS


def settlement_decay(instruments: Instruments, view: View) -> Floats:
    """[I] ``min(1, life / 30 min)`` for dated rows, 1 for the others: hedges do not decay."""
    share = np.minimum(view.life_ms / SETTLEMENT_MS, 1.0)
    decay = np.ones(len(instruments))
    dated = instruments.expiry >= 0
    decay[dated] = share[instruments.expiry[dated]]
    return decay


def coin_size(instruments: Instruments, view: View) -> Floats:
    """[I] coins of underlying per unit: an inverse future counts in dollars of its mark."""
    future = is_kind(instruments, Kind.PERPETUAL, Kind.FUTURE)
    turned = future & instruments.inverse & (view.mark > 0.0)
    mark = np.where(turned, view.mark, 1.0)
    return np.where(turned, instruments.multiplier / mark, instruments.multiplier)


def margin_delta(instruments: Instruments, view: View) -> Floats:
    """[I] coins of net transaction delta per unit, with the settlement decay.

    Option: ``right * N(right * d1)`` less the mark in coin where it settles in coin (the premium
    itself is coin). Future, perpetual: its size in coin at mark. Asset: 0.
    """
    delta = np.zeros(len(instruments))
    future = is_kind(instruments, Kind.PERPETUAL, Kind.FUTURE)
    delta[future] = coin_size(instruments, view)[future]
    rows = np.flatnonzero(is_kind(instruments, Kind.OPTION) & view.ok)
    if len(rows):
        expiry = instruments.expiry[rows]
        forward = (view.forward + view.forward_settled)[expiry]
        years = (view.life_ms / YEAR_MS)[expiry]
        right = instruments.right[rows].astype(np.float64)
        black = greeks(forward, instruments.strike[rows], years, view.vol[rows], right).delta
        premium = np.where(instruments.inverse[rows], view.mark[rows], 0.0)
        delta[rows] = instruments.multiplier[rows] * (black - premium)
    return delta * settlement_decay(instruments, view)


def hold(held: PoolBook, name: str, worth: dict[str, float]) -> tuple[Floats, Bools]:
    """[A] a hold that the venue reports (``open_orders_margin``, …), and whether it does.

    In the pool's currency; ``worth`` converts its currencies. A reported zero is a report.
    """
    out = np.zeros(len(held.row) - 1)
    given = np.zeros(len(out), np.bool_)
    reported = held.book.reported.holds
    if reported:
        place = {account: k for k, account in enumerate(held.book.account)}
        for (account, currency), amounts in reported.items():
            if account in place and currency in worth and name in amounts:
                out[place[account]] += amounts[name] * worth[currency]
                given[place[account]] = True
    return out, given


def mmp_hold(
    held: PoolBook, place: dict[int, int], size: Floats, reported: Floats, given: Bools
) -> Floats:
    """[A] maker-protection hold in the pool's currency: what the venue reports, else the rule.

    Rule: 3 % of the largest quote quantity of each group: the larger of its bids and its asks,
    summed in coin (``size[I]``, pool's currency per unit). ``place`` maps the book's columns to the
    pool's. Source: the venue's description of maker protection; the quantity is the group's own
    limit where the venue reports the hold itself.
    """
    orders = held.book.orders
    out = reported.copy()
    if not orders.mmp.any():
        return out
    groups: dict[tuple[int, str], list[float]] = {}
    for account in np.flatnonzero(np.diff(orders.row)).tolist():
        for k in range(int(orders.row[account]), int(orders.row[account + 1])):
            column = place.get(int(orders.column[k]), -1)
            if orders.mmp[k] and column >= 0 and not given[account]:
                sides = groups.setdefault((account, orders.group[k]), [0.0, 0.0])
                sides[0] += float(orders.bid[k] * size[column])
                sides[1] += float(orders.ask[k] * size[column])
    for (account, _group), sides in groups.items():
        out[account] += HOLD_FRACTION * max(sides)
    return out
