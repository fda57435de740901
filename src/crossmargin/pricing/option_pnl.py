"""P&L of options in scenarios in one pass: values, base, coin and unit while a row is in cache.

For option ``i`` of expiry ``e`` in scenario ``s``, with V the value of ``pricing.revalue``

    pnl[i, s] = m_i (V[i, s] / D[e, s] - V0[i] / D0[e]) u[c_i, s]

V0 is the value of the unmoved market (spread ``vol root``), priced by the same loop in a column of
its own, so that a scenario that moves nothing gives exactly zero. D is the shocked forward where
the option is paid in coin, else 1; u is what a unit of P&L is worth, by class of row, if given.
The operations and their order are those of ``revalue`` followed by NumPy: the same bits.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from crossmargin.core.arrays import Bools, Floats, Ints
from crossmargin.core.jit import kernel
from crossmargin.pricing.checks import codes, reals, rights, shaped, tables
from crossmargin.pricing.normal import exp_negative, tail_absolute
from crossmargin.pricing.revalue import LOG_FLOOR, STEEP, TINY, padded_width

__all__ = [
    "Moves",
    "Options",
    "add_rows",
    "add_rows_kernel",
    "option_pnl",
    "option_pnl_kernel",
]


class Moves(NamedTuple):
    """Scenario tables ``[E, S]``, and ``[E]`` the unmoved forward, its root of years, discount."""

    forward: Floats
    vol_factor: Floats
    vol_shift: Floats
    vol_floor: Floats
    now: Floats
    root_years: Floats
    discount: Floats


class Options(NamedTuple):
    """``[I]`` options: code of expiry, strike, +-1, volatility, multiplier, paid in coin."""

    expiry: Ints
    strike: Floats
    right: Floats
    vol: Floats
    multiplier: Floats
    in_coin: Bools


@kernel(
    "f8[:,:,:], f8[:], f8[:,:], i4[:], b1[:], f8[:,:], i4[:], i8, f8[:,:], i4[:], i4[:], f8[:], "
    "out f8[:,:], out f8[:]"
)
def option_pnl_kernel(
    tables: Any, discount: Any, columns: Any, expiry: Any, in_coin: Any, strike_factor: Any,
    skewed: Any, count: Any, unit: Any, unit_of: Any, place: Any, size: Any, out: Any, value: Any,
) -> None:  # fmt: skip
    """The loop of :func:`option_pnl`, unchecked; column ``count`` of the tables is the base.

    ``tables``: forward, vol factor, shift, floor; ``columns``: strike, right, vol, multiplier.
    With sizes the P&L is added to the rows of ``out``, times the size.
    Tables are read and written by both indices: a row taken as an array of its own, or handed to a
    helper, is counted as a reference, and that costs a third of the time of a narrow table.
    """
    forward, vol_factor, vol_shift, vol_floor = tables[0], tables[1], tables[2], tables[3]
    (expiries, width), cells = forward.shape, out.shape[1]  # width has a column for the base
    log_forward, paid = np.empty((expiries, width)), np.empty((expiries, width))
    for e in range(expiries):
        for s in range(width):
            log_forward[e, s] = math.log(max(forward[e, s], LOG_FLOOR))
            paid[e, s] = discount[e] * forward[e, s]
    spread, row = np.empty(width), np.empty(width)
    for i in range(expiry.size):
        e, strike, right = expiry[i], columns[0, i], columns[1, i]
        sigma = columns[2, i]
        for s in range(width):
            spread[s] = max(vol_floor[e, s], sigma * vol_factor[e, s] + vol_shift[e, s])
        for c in range(skewed.size):
            spread[skewed[c]] *= strike_factor[i, c]
        if strike <= 0.0:  # the forward itself, or nothing: the limit without spread
            spread[:] = 0.0
        log_strike, k = math.log(max(strike, LOG_FLOOR)), discount[e] * strike
        f_up, f_down = (0.0, -1.0) if right < 0.0 else (1.0, 0.0)
        k_up, k_down = (0.0, k) if right < 0.0 else (-k, 0.0)
        flat = 0
        for s in range(width):  # as in revalue_kernel
            w = spread[s]
            flat += 1 if w <= 0.0 else 0
            r = (log_forward[e, s] - log_strike) / max(w, TINY)
            r = min(max(r, -STEEP), STEEP)
            d1, d2 = r + 0.5 * w, r - 0.5 * w
            p1, q1 = tail_absolute(abs(d1))
            p2, q2 = tail_absolute(abs(d2))
            p1 = -p1 if d1 >= 0.0 else p1
            p2 = -p2 if d2 >= 0.0 else p2
            f = paid[e, s]
            density = f * exp_negative(-0.5 * d1 * d1)
            steps = f * (f_up if d1 >= 0.0 else f_down) + (k_up if d2 >= 0.0 else k_down)
            row[s] = density * ((p1 * q2 - p2 * q1) / (q1 * q2)) + steps
        if flat > 0:
            for s in range(width):
                if spread[s] <= 0.0:
                    row[s] = max(right * (paid[e, s] - k), 0.0)
        if in_coin[i]:
            for s in range(width):
                row[s] /= forward[e, s]
        m, base, netted = columns[3, i], row[count], size.size > 0
        held = size[i] if netted else 0.0
        value[i if netted else place[i]] = m * base
        at, of = place[i], unit_of[i]
        if held != 0.0:
            for s in range(cells):
                out[at, s] += held * (m * (row[s] - base) * unit[of, s])
        elif not netted:
            for s in range(cells):
                out[at, s] = m * (row[s] - base)
            for s in range(count, cells):
                out[at, s] = out[at, 0]
            if unit.shape[1] > 1:
                for s in range(cells):
                    out[at, s] *= unit[of, s]


def option_pnl(
    moves: Moves,
    options: Options,
    place: Ints,
    out: Floats,
    value: Floats,
    *,
    strike_factor: Floats | None = None,
    skewed: Ints | None = None,
    unit: tuple[Floats, Ints] | None = None,
    size: Floats | None = None,
) -> None:
    """Fill rows ``place[I]`` of ``out[N, S8]`` with P&L, and of ``value[N]`` with the base.

    ``strike_factor[I, C]`` multiplies spreads of scenarios ``skewed[C]`` (each once), else of all;
    ``unit``: ``[C, S8]`` and the class ``[I]``.
    ``size[I]``: the P&L times the size is added to the rows instead, of columns ``S .. S8`` too
    (what stands there means nothing), and ``value[I]`` is in the order of the options.
    Errors: ``shape_wrong``, ``number_not_finite``, ``number_out_of_range``.
    """
    forward = tables(moves.forward, "forward", low=0.0)
    shape = expiries, count = forward.shape
    rows = options.strike.shape[0]
    now = reals(moves.now, "forward", shape=(expiries,), low=0.0)
    root = reals(moves.root_years, "vol_factor", shape=(expiries,))
    factor = reals(moves.vol_factor, "vol_factor", shape=shape)
    shift = reals(moves.vol_shift, "vol_shift", shape=shape)
    floor = reals(moves.vol_floor, "vol_floor", shape=shape, low=0.0)
    shaped(out, (len(out), padded_width(count)), "out")
    nothing = np.zeros(expiries)
    skew, skews = np.zeros((0, 1)), np.zeros(0, np.int32)
    if strike_factor is not None:
        skews = np.arange(count, dtype=np.int32)
        if skewed is not None:
            skews = codes(skewed, "skewed", shape=skewed.shape, low=0, below=count)
        skew = reals(strike_factor, "strike_factor", shape=(rows, len(skews)), low=0.0)
    if unit is None:  # a row of one cell stands for none, where nothing is summed
        ones = np.ones((1, 1 if size is None else out.shape[1]))
        unit = ones, np.zeros(rows, np.int32)
    option_pnl_kernel.run(
        _with_base((forward, factor, shift, floor), (now, root, nothing, nothing)),
        reals(moves.discount, "discount", shape=(expiries,), low=0.0),
        np.stack(
            [
                reals(options.strike, "strike", shape=(rows,), low=0.0),
                rights(options.right, rows),
                reals(options.vol, "vol", shape=(rows,), low=0.0),
                reals(options.multiplier, "multiplier", shape=(rows,)),
            ]
        ),
        codes(options.expiry, "expiry", shape=(rows,), low=0, below=expiries),
        np.ascontiguousarray(options.in_coin, np.bool_),
        skew,
        skews,
        count,
        *unit,
        codes(place, "place", shape=(rows,), low=0, below=len(out)),
        np.zeros(0) if size is None else reals(size, "size", shape=(rows,)),
        out,
        value,
    )


def _with_base(tables: tuple[Floats, ...], base: tuple[Floats, ...]) -> Floats:
    """``[T, R, S]`` and one column more, filled up to whole vectors."""
    rows, count = tables[0].shape
    wide = np.empty((len(tables), rows, padded_width(count + 1)))
    for k, table in enumerate(tables):
        wide[k, :, :count] = table
        wide[k, :, count] = base[k]
        wide[k, :, count + 1 :] = table[:, :1]
    return wide


@kernel("i4[:], f8[:], i4[:], f8[:,:], out f8[:,:]")
def add_rows_kernel(place: Any, amount: Any, code: Any, table: Any, out: Any) -> None:
    """The loop of :func:`add_rows`, unchecked."""
    width = out.shape[1]
    more = np.empty(width)
    for j in range(place.size):
        target, source, size = out[place[j]], table[code[j]], amount[j]
        for s in range(width):  # a product of its own: never fused with the sum
            more[s] = size * source[s]
        for s in range(width):
            target[s] += more[s]


def add_rows(place: Ints, amount: Floats, code: Ints, table: Floats, out: Floats) -> None:
    """``out[place[j]] += amount[j] table[code[j]]``; ``table[C, S8]``, codes in range."""
    add_rows_kernel.run(
        np.ascontiguousarray(place, np.int32),
        np.ascontiguousarray(amount, np.float64),
        np.ascontiguousarray(code, np.int32),
        np.ascontiguousarray(table, np.float64),
        out,
    )
