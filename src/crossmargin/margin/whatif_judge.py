"""Would the venue take it: each state of an account against initial and maintenance margin.

    passes          counted >= requirement at both levels
    reduces risk    it does not, but the initial requirement does not rise, the shortfall of the
                    initial level shrinks and that of the maintenance level does not grow
    fails           otherwise: the check that fails, and by how much
    cash unknown    the account states no balance: the cash that must be there is given instead

Where the venue judges each settlement currency by itself, the pools that a trade touches are
judged; elsewhere the account's total in dollars.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import numpy as np

from crossmargin.core.arrays import Bools, Bytes, Floats
from crossmargin.margin.whatif_variants import Ground, States

__all__ = ["Judged", "Status", "Verdict", "judge", "verdict_of"]

ACCOUNT = -1  # the unit that is judged is the account's total


class Status(StrEnum):
    """What the venue would say."""

    PASSES = "passes"
    REDUCES = "passes_reducing_risk"
    FAILS = "fails"
    UNKNOWN = "cash_unknown"


STATUSES = (Status.PASSES, Status.REDUCES, Status.FAILS, Status.UNKNOWN)
_PASSES, _REDUCES, _FAILS, _UNKNOWN = range(4)
CHECKS = ("initial margin", "maintenance margin")


class Judged(NamedTuple):
    """[V] arrays. ``code`` indexes STATUSES, ``unit`` is the pool that decides (-1: the account).

    ``short_im``, ``short_mm``: what is missing at each level in the unit's currency, 0 where
    nothing is. ``need_usd``: the cash that is missing for both levels, over all that is judged.
    ``room_im_usd``: what counts less what is required, of the whole account. ``own``: where pools
    are judged by themselves (number of the pool, variants that touch it, what counts less IM in its
    currency).
    """

    code: Bytes
    unit: Bytes
    short_im: Floats
    short_mm: Floats
    need_usd: Floats
    room_im_usd: Floats
    room_mm_usd: Floats
    own: tuple[tuple[int, Bools, Floats], ...] = ()

    @property
    def passes(self) -> Bools:
        """[V] whether the venue would take it."""
        return np.asarray(self.code <= _REDUCES)

    def without_first(self) -> Judged:
        """All states but the first."""
        return Judged(
            self.code[1:],
            self.unit[1:],
            self.short_im[1:],
            self.short_mm[1:],
            self.need_usd[1:],
            self.room_im_usd[1:],
            self.room_mm_usd[1:],
            tuple((k, mine[1:], im[1:]) for k, mine, im in self.own),
        )


class Verdict(NamedTuple):
    """One judged state. ``check`` and ``short_by`` say what fails and by how much, in ``currency``.

    ``room_im_usd``, ``room_mm_usd``: what counts less what is required, of the whole account.
    ``left_im_usd``: the same of ``unit``: where pools are judged by themselves, of a trade that
    passes, the one with least left. ``cash_needed_usd``: the cash that must be there before the
    trade, where none is stated.
    """

    status: Status
    check: str
    unit: str
    currency: str
    short_by: float
    short_by_usd: float
    room_im_usd: float
    room_mm_usd: float
    left_im_usd: float
    cash_needed_usd: float | None = None


def judge(ground: Ground, states: States) -> Judged:
    """Every state against both levels; see the module for what is judged."""
    count = states.variants
    room = np.zeros((2, count))  # initial, maintenance: dollars of the whole account
    surplus: list[Floats | None] = []  # [2, V] of each pool that a trade touches, its currency
    for number, pool in enumerate(ground.pools):
        rate = pool.priced.usd_per_unit
        values = states.values[number]
        if states.touched[number] is None:
            surplus.append(None)
            room += np.array(pool.standing[1:])[:, None] * rate
            continue
        left = values[2:4] - values[0:2]
        if states.unbooked is not None:
            left = left + states.unbooked[number]
        surplus.append(left)
        room += left * rate
    own: tuple[tuple[int, Bools, Floats], ...] = ()
    if ground.base.model.currency == "settle":
        found = _by_pool(ground, states, surplus)
        own = tuple(
            (number, touched, left[0])
            for number, (touched, left) in enumerate(zip(states.touched, surplus, strict=True))
            if touched is not None and left is not None
        )
    else:
        found = _whole(ground, states, room)
    code, unit, short_im, short_mm, need_usd = found
    if not ground.has_balance:
        known = np.zeros(count, np.bool_)
        for source in states.source:
            known |= source != 0
        code = np.where(known, code, _UNKNOWN).astype(np.int8)
    return Judged(code, unit, short_im, short_mm, need_usd, room[0], room[1], own)


_Found = tuple[Bytes, Bytes, Floats, Floats, Floats]


def _coded(im: Floats, left: Floats, before: tuple[float, float, float]) -> Bytes:
    """[V] status codes of one unit; ``before``: its IM and both surpluses as it stands."""
    code = np.zeros(len(im), np.int8)
    if (left < 0.0).any():
        bad = (left < 0.0).any(axis=0)
        less = (im <= before[0]) & (left[0] > before[1]) & (left[1] >= before[2])
        code[bad] = np.where(less, _REDUCES, _FAILS)[bad]
    return code


def _whole(ground: Ground, states: States, room: Floats) -> _Found:
    """The account's total in dollars."""
    im = np.zeros(states.variants)
    for pool, values in zip(ground.pools, states.values, strict=True):
        im += values[0] * pool.priced.usd_per_unit
    code = _coded(im, room, ground.standing_usd)
    unit = np.full(states.variants, ACCOUNT, np.int8)
    short = np.maximum(-room, 0.0)
    return code, unit, short[0], short[1], np.maximum(short[0], short[1])


def _by_pool(ground: Ground, states: States, surplus: list[Floats | None]) -> _Found:
    """Every pool that the trade touches by itself; the unit is the one that lacks most dollars."""
    found: _Found | None = None
    for number, pool in enumerate(ground.pools):
        touched, own = states.touched[number], surplus[number]
        if touched is None or own is None:
            continue
        code = _coded(states.values[number][0], own, pool.standing)
        lack = np.maximum(-own, 0.0)
        lack_usd = np.maximum(lack[0], lack[1]) * pool.priced.usd_per_unit
        unit = np.full(states.variants, number, np.int8)
        if not touched.all():
            unit[~touched] = ACCOUNT
            lack[:, ~touched] = 0.0
            code[~touched], lack_usd[~touched] = 0, 0.0
        mine = code, unit, lack[0], lack[1], lack_usd
        found = mine if found is None else _worse(found, mine)
    assert found is not None  # every trade touches a pool
    return found


def _worse(first: _Found, second: _Found) -> _Found:
    """Of two pools the one that decides; what is missing adds up."""
    code = second[0] > first[0]
    code |= (second[0] == first[0]) & ((second[4] > first[4]) | (first[1] == ACCOUNT))
    return (
        np.where(code, second[0], first[0]),
        np.where(code, second[1], first[1]),
        np.where(code, second[2], first[2]),
        np.where(code, second[3], first[3]),
        first[4] + second[4],
    )


def verdict_of(ground: Ground, judged: Judged, v: int) -> Verdict:
    """One state of :func:`judge` in words and numbers."""
    status = STATUSES[int(judged.code[v])]
    unit = int(judged.unit[v])
    room_im, room_mm = float(judged.room_im_usd[v]), float(judged.room_mm_usd[v])
    left = room_im
    own = [
        (float(im[v]) * ground.pools[number].priced.usd_per_unit, number)
        for number, touched, im in judged.own
        if touched[v] and (status is Status.PASSES or number == unit)
    ]
    if own:
        left, unit = min(own)
    pool = None if unit == ACCOUNT else ground.pools[unit].priced
    label = "account" if pool is None else pool.pool.label
    currency = "USD" if pool is None else pool.pool.currency
    rate = 1.0 if pool is None else pool.usd_per_unit
    if status is Status.UNKNOWN:
        needed = float(judged.need_usd[v])
        return Verdict(status, "", label, currency, 0.0, 0.0, room_im, room_mm, left, needed)
    check, short = "", 0.0
    if status is not Status.PASSES:
        level = 0 if judged.short_im[v] > 0.0 else 1
        check = CHECKS[level]
        short = float((judged.short_im, judged.short_mm)[level][v])
    return Verdict(status, check, label, currency, short, short * rate, room_im, room_mm, left)
