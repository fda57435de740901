"""Sensitivities to a margin: sums, concentration, and two nested quadratic forms.

A *space* says where every sensitivity goes. An **entry** is one risk factor inside a bucket; a
**bucket** lies in one **group** (a product class, risk class and margin type). For each account

    x_k  = sum of factor x quantity over the positions that load on entry k
    CR_h = max(1, sqrt(|sum of x over the concentration set h| / T_h))
    WS_k = weight_k x_k CR_h(k)
    K_b  = sqrt(sum_k sum_l rho_kl f_kl WS_k WS_l),   f = min(CR) / max(CR) of the two entries
    S_b  = max(-K_b, min(sum_k WS_k, K_b))
    root = sqrt(sum_b K_b^2 + sum_b sum_c gamma_bc g_bc S_b S_c),  g = min(CR) / max(CR)
    delta and vega margin = root + K of the residual bucket

and for curvature, whose space holds squared correlations and no concentration,

    theta = min(0, sum WS / sum |WS|),  lambda = (q^2 - 1)(1 + theta) - theta,  q = 2.5758...
    margin = scale x (max(0, sum WS + lambda root) + the same of the residual bucket alone)

In a group that is ``one_sided`` x is cut at zero from below and the margin is scale x root: what
gains pays for no other entry. ``posted`` reads the amounts with the other sign: curvature is what
the holder of the amounts has to post, not what he collects (delta and vega are the same).
Where ``within`` is set, f applies and g is 1; otherwise f is 1 and g applies. Every sum runs in
the order of the entries, pair by pair: the bits do not depend on neighbours, blocks or threads.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from crossmargin.core.arrays import Bools, Floats, Ints, Longs
from crossmargin.core.jit import kernel

__all__ = [
    "LAMBDA_FULL",
    "Block",
    "Loads",
    "Space",
    "bucket_kernel",
    "group_kernel",
    "margins",
    "reach",
    "surcharges",
]

# The curvature multiplier of a book that gains in every factor: Phi^-1(99.5 %)^2 - 1.
LAMBDA_FULL = NormalDist().inv_cdf(0.995) ** 2 - 1.0


@dataclass(frozen=True, slots=True)
class Space:
    """E entries in B buckets in G groups, each sorted under the next; H concentration sets."""

    bucket: Ints  # [E] ascending
    concentration: Ints  # [E] -1: none, CR is 1
    code: Ints  # [E] row of the correlation matrix
    name: Ints  # [E] entries of one name take ``same``, others ``different``
    weight: Floats  # [E]
    bucket_group: Ints  # [B] ascending
    family: Ints  # [B] which pair of correlation matrices
    place: Ints  # [B] row of gamma
    residual: Bools  # [B]
    threshold_usd: Floats  # [H] infinite where concentration is not charged
    same: Floats  # [F, C, C]
    different: Floats  # [F, C, C]
    gamma_of: Ints  # [G] which gamma
    gamma: Floats  # [W, P, P]
    within: Bools  # [G]
    curvature: Bools  # [G]
    scale: Floats  # [G]
    one_sided: Bools  # [G]

    @property
    def groups(self) -> int:
        """How many groups there are."""
        return len(self.gamma_of)


@dataclass(frozen=True, slots=True)
class Loads:
    """Where one unit of each instrument goes: CSR of (entry, factor) over instruments."""

    start: Longs  # [I+1]
    entry: Ints
    factor: Floats


@kernel(
    "i8[:], i4[:], i4[:], i4[:], f8[:], f8[:], f8[:,:,:], f8[:,:,:],"
    "out f8[:], out f8[:], out f8[:], out f8[:]"
)
def bucket_kernel(
    start: Any,
    family: Any,
    code: Any,
    name: Any,
    ws: Any,
    cr: Any,
    same: Any,
    different: Any,
    k: Any,
    s: Any,
    total: Any,
    size: Any,
) -> None:
    """K, S, sum and sum of absolute values of each stretch of entries; unchecked."""
    for b in range(start.size - 1):
        form = 0.0
        net = 0.0
        gross = 0.0
        which = family[b]
        for i in range(start[b], start[b + 1]):
            form += ws[i] * ws[i]
            net += ws[i]
            gross += abs(ws[i])
            for j in range(start[b], i):
                f = min(cr[i], cr[j]) / max(cr[i], cr[j])
                if name[i] == name[j]:
                    rho = same[which, code[i], code[j]]
                else:
                    rho = different[which, code[i], code[j]]
                form += 2.0 * rho * f * ws[i] * ws[j]
        root = math.sqrt(max(form, 0.0))
        k[b] = root
        s[b] = max(-root, min(net, root))
        total[b] = net
        size[b] = gross


@kernel("i8[:], i4[:], i4[:], i1[:], f8[:], f8[:], f8[:], f8[:,:,:], out f8[:], out f8[:]")
def group_kernel(
    start: Any,
    which: Any,
    place: Any,
    residual: Any,
    k: Any,
    s: Any,
    cr: Any,
    gamma: Any,
    root: Any,
    rest: Any,
) -> None:
    """The root over buckets, and the residual bucket's own K, of each stretch of buckets."""
    for g in range(start.size - 1):
        form = 0.0
        alone = 0.0
        for b in range(start[g], start[g + 1]):
            if residual[b] != 0:
                alone += k[b]
                continue
            form += k[b] * k[b]
            for c in range(start[g], b):
                if residual[c] == 0:
                    ratio = min(cr[b], cr[c]) / max(cr[b], cr[c])
                    rho = gamma[which[g], place[b], place[c]]
                    form += 2.0 * rho * ratio * s[b] * s[c]
        root[g] = math.sqrt(max(form, 0.0))
        rest[g] = alone


@dataclass(frozen=True, slots=True)
class _Entries:
    """What a block of accounts holds: one row an account and entry, in that order."""

    account: Longs
    entry: Ints
    x: Floats
    cr: Floats


def _starts(codes: Longs) -> Longs:
    """Where each stretch of equal neighbours begins, and the end."""
    edges = np.flatnonzero(codes[1:] != codes[:-1]) + 1
    return np.concatenate([[0], edges, [len(codes)]]) if len(codes) else np.zeros(1, np.int64)


def _sums(
    space: Space, loads: Loads, row: Longs, column: Ints, quantity: Floats, part: str = "net"
) -> tuple[Longs, Floats]:
    """Sums by account and entry (one key), added in the order of the positions.

    ``part``: net, gross (absolute values), up (what is positive) or down (what is negative).
    """
    owner = np.repeat(np.arange(len(row) - 1), np.diff(row))
    count = (loads.start[1:] - loads.start[:-1])[column]
    first = np.repeat(loads.start[:-1][column], count)
    step = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    at = first + step
    amount = loads.factor[at] * np.repeat(quantity, count)
    key = np.repeat(owner, count) * len(space.bucket) + loads.entry[at]
    held, inverse = np.unique(key, return_inverse=True)
    if part == "gross":
        amount = np.abs(amount)
    elif part != "net":
        amount = np.maximum(amount if part == "up" else -amount, 0.0)
    return held, np.bincount(inverse, weights=amount, minlength=len(held)).astype(np.float64)


def _held(space: Space, loads: Loads, row: Longs, column: Ints, quantity: Floats) -> _Entries:
    """Sensitivities of a block by account and entry, and their concentration."""
    key, x = _sums(space, loads, row, column, quantity)
    account, entry = np.divmod(key, max(len(space.bucket), 1))
    floor = space.one_sided[space.bucket_group[space.bucket[entry]]]
    x = np.where(floor, np.maximum(x, 0.0), x)
    return _Entries(account, entry.astype(np.int32), x, _ratios(space, account, entry, x))


def _ratios(space: Space, account: Longs, entry: Longs, x: Floats) -> Floats:
    """The concentration ratio of each entry: that of its set, 1 where it has none."""
    ratio = np.ones(len(x))
    code = space.concentration[entry].astype(np.int64)
    charged = np.flatnonzero(code >= 0)
    if not len(charged):
        return ratio
    sets = len(space.threshold_usd)
    key, inverse = np.unique(account[charged] * sets + code[charged], return_inverse=True)
    exposure = np.abs(np.bincount(inverse, weights=x[charged], minlength=len(key)))
    each = np.maximum(1.0, np.sqrt(exposure / space.threshold_usd[key % sets]))
    ratio[charged] = each[inverse]
    return ratio


def margins(space: Space, loads: Loads, row: Longs, column: Ints, quantity: Floats) -> Floats:
    """[A, G] margin of each group of a block of accounts (CSR of positions); unchecked.

    ``row[A+1]``, ``column[N]`` into the instruments of ``loads``, ``quantity[N]`` finite.
    """
    return _formed(space, _held(space, loads, row, column, quantity), len(row) - 1)


def _formed(space: Space, held: _Entries, accounts: int) -> Floats:
    """[A, G] margins of entries that are summed up."""
    out = np.zeros(accounts * space.groups)
    if not len(held.x):
        return out.reshape(accounts, space.groups)
    bucket = space.bucket[held.entry]
    group = space.bucket_group[bucket]
    ws = space.weight[held.entry] * held.x * held.cr
    start = _starts(held.account * len(space.bucket_group) + bucket)
    first = start[:-1]
    k, s, total, size = np.empty((4, len(first)))
    bucket_kernel.run(
        start,
        space.family[bucket[first]],
        np.ascontiguousarray(space.code[held.entry]),
        np.ascontiguousarray(space.name[held.entry]),
        ws,
        np.where(space.within[group], held.cr, 1.0),
        space.same,
        space.different,
        k,
        s,
        total,
        size,
    )
    across = np.where(space.within[group], 1.0, held.cr)
    run_bucket, run_group = bucket[first], group[first]
    owner = held.account[first] * space.groups + run_group
    runs = _starts(owner)
    root, rest = np.empty((2, len(runs) - 1))
    residual = space.residual[run_bucket]
    group_kernel.run(
        runs,
        space.gamma_of[run_group[runs[:-1]]],
        space.place[run_bucket],
        residual.astype(np.int8),
        k,
        s,
        np.maximum.reduceat(across, first),
        space.gamma,
        root,
        rest,
    )
    margin = root + rest
    curved = space.curvature[run_group[runs[:-1]]]
    if curved.any():
        which = np.repeat(np.arange(len(runs) - 1), np.diff(runs))
        margin = np.where(curved, _curved(which, residual, total, size, root, rest), margin)
    margin *= space.scale[run_group[runs[:-1]]]
    out[owner[runs[:-1]]] = margin
    return out.reshape(accounts, space.groups)


def _curved(
    which: Longs, residual: Bools, total: Floats, size: Floats, root: Floats, rest: Floats
) -> Floats:
    """Curvature margin of each group: the buckets together, and the residual bucket alone."""
    result = np.zeros(len(root))
    for part, form in ((~residual, root), (residual, rest)):
        net = np.bincount(which, weights=np.where(part, total, 0.0), minlength=len(root))
        gross = np.bincount(which, weights=np.where(part, size, 0.0), minlength=len(root))
        theta = np.minimum(0.0, net / np.where(gross > 0.0, gross, 1.0))
        factor = LAMBDA_FULL * (1.0 + theta) - theta
        result += np.maximum(0.0, net + factor * form)
    return result


Block = tuple[Longs, Ints, Floats]


def surcharges(space: Space, loads: Loads, book: Block, orders: Block | None = None) -> Floats:
    """[A, G] concentration beside the forms: sum of |weight x| (CR - 1); unchecked.

    ``book`` and ``orders`` are CSR (row, column, quantity). With orders every entry counts |x| of
    the book and the absolute amounts of all orders: no less than after any of their fills.
    """
    accounts = len(book[0]) - 1
    key, x = _sums(space, loads, *book)
    if orders is not None:
        more, size = _sums(space, loads, *orders, "gross")
        both, inverse = np.unique(np.concatenate([key, more]), return_inverse=True)
        whole = np.concatenate([np.abs(x), size])
        key = both
        x = np.bincount(inverse, weights=whole, minlength=len(both)).astype(np.float64)
    account, entry = np.divmod(key, max(len(space.bucket), 1))
    charge = np.abs(space.weight[entry] * x) * (_ratios(space, account, entry, x) - 1.0)
    group = space.bucket_group[space.bucket[entry]]
    flat = np.bincount(account * space.groups + group, charge, accounts * space.groups)
    return flat.astype(np.float64).reshape(accounts, space.groups)


def reach(space: Space, loads: Loads, book: Block, orders: Block) -> Floats:
    """[A, G] no less than the margin of the book with any set of the orders filled; unchecked.

    Every entry lies between ``x - what the orders can take`` and ``x + what they can add``; the
    form is taken of the larger absolute value of both ends (of what is above zero, in a group that
    is one-sided). That is an upper bound where no correlation is negative, and what is left after
    some fills reaches no further.
    """
    accounts = len(book[0]) - 1
    parts = [_sums(space, loads, *book)]
    parts += [_sums(space, loads, *orders, part) for part in ("up", "down")]
    key = np.unique(np.concatenate([keys for keys, _ in parts]))
    x, up, down = (np.zeros(len(key)) for _ in parts)
    for whole, (keys, values) in zip((x, up, down), parts, strict=True):
        whole[np.searchsorted(key, keys)] = values
    account, entry = np.divmod(key, max(len(space.bucket), 1))
    sided = space.one_sided[space.bucket_group[space.bucket[entry]]]
    far = np.maximum(np.abs(x + up), np.abs(x - down))
    far = np.where(sided, np.maximum(x + up, 0.0), far)
    held = _Entries(account, entry.astype(np.int32), far, np.ones(len(far)))
    return _formed(space, held, accounts)
