"""Netting where a run of positions may do something to its own P&L before the account sums it.

A run is a group of instruments with one code (an expiry, a currency); the positions of a run are
next to each other in a row. Per run and scenario, with ``v`` the run's net P&L and ``V`` its net
unshocked value (0 unless ``value_i`` is given):

    M = v + V
    y = (gain if M >= 0 else loss) * M - V
    y = min(y, cap);  y = sign(y) * max(|y| - dead, 0);  y = y * weight;  y = -|y| where reflect

and the account's P&L is the sum of ``y`` over runs. Instruments with run code -1 are not folded:
their P&L times weight is added as it is.

Sources: Derive PMRM2 (static discounts on the shocked value of an expiry, dampening, skew
scenarios turned into losses), Deribit cross portfolio margin (offsets, caps and dampeners).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from crossmargin.core.arrays import Floats, Ints
from crossmargin.core.errors import InputError
from crossmargin.core.jit import helper, kernel
from crossmargin.pricing.checks import codes, positions, reals, scenario_weights, shaped, shocked
from crossmargin.pricing.netting import Worst
from crossmargin.pricing.rows import net_span, tile_width, two_worst

__all__ = [
    "FoldTables",
    "fold_net",
    "fold_net_kernel",
    "fold_tables",
    "fold_worst",
    "fold_worst_kernel",
]

LARGEST = 1e300  # stands for "no cap": infinities are not allowed inside a kernel


class FoldTables(NamedTuple):
    """What the kernels read of a fold, checked and padded once by :func:`fold_tables`."""

    run: Ints  # [I], -1 for linear instruments
    gain: Floats  # [G]
    loss: Floats  # [G]
    cap: Floats  # [G]
    dead: Floats  # [G, S8]
    value: Floats  # [I], zeros for none
    weight: Floats  # [S8]
    reflect: Floats  # [S8], 1 where a gain counts as a loss


@helper
def fold_row(
    begin: Any,
    end: Any,
    column: Any,
    quantity: Any,
    pnl: Any,
    run: Any,
    gain: Any,
    loss: Any,
    cap: Any,
    dead: Any,
    value: Any,
    weight: Any,
    reflect: Any,
    part: Any,
    total: Any,
) -> Any:
    """One account's folded P&L into ``total``; ``part`` holds a run. False if out of order."""
    width = total.size
    vectors = width // 8
    step = tile_width(vectors, 8)
    flat = pnl.reshape(-1)
    total[:] = 0.0
    before = -1
    j = begin
    while j < end:
        code = run[column[j]]
        stop = j
        held = 0.0
        while stop < end and run[column[stop]] == code:
            if column[stop] < before:
                return False  # a run might be torn
            before = column[stop]
            held += quantity[stop] * value[before]
            stop += 1
        for first in range(0, vectors, step):
            count = min(step, vectors - first)
            net_span(count, part, 8 * first, flat, width, 8 * first, column, quantity, j, stop)
        if code < 0:
            for s in range(width):
                total[s] += part[s] * weight[s]
        else:
            up, down, most, quiet = gain[code], loss[code], cap[code], dead[code]
            for s in range(width):
                m = part[s] + held
                y = min((up if m >= 0.0 else down) * m - held, most)
                rest = max(abs(y) - quiet[s], 0.0) * weight[s]
                y = rest if y >= 0.0 else -rest
                total[s] += -rest if reflect[s] > 0.0 else y
        j = stop
    return True


@kernel(
    "i8[:], i4[:], f8[:], f8[:,:], i4[:], f8[:], f8[:], f8[:], f8[:,:], f8[:], f8[:], f8[:], "
    "i8, f8[:], out f8[:], out i4[:], out f8[:], out i4[:]"
)
def fold_worst_kernel(
    row_ptr: Any,
    column: Any,
    quantity: Any,
    pnl: Any,
    run: Any,
    gain: Any,
    loss: Any,
    cap: Any,
    dead: Any,
    value: Any,
    weight: Any,
    reflect: Any,
    count: Any,
    floor_loss: Any,
    worst: Any,
    scenario: Any,
    runner_up: Any,
    runner_up_scenario: Any,
) -> Any:
    """The loop of :func:`fold_worst`, unchecked; the first row out of canonical order, or -1."""
    width = pnl.shape[1]
    part = np.empty(width)
    total = np.empty(width)
    for r in range(worst.size):
        begin, end = row_ptr[r], row_ptr[r + 1]
        if not fold_row(
            begin, end, column, quantity, pnl, run, gain, loss, cap, dead, value, weight, reflect,
            part, total,
        ):  # fmt: skip
            return r
        if end > begin:
            least, at, second, other = two_worst(total, 0, count, width)
        else:
            least, at, second, other = 0.0, -1, 0.0, -1
        if floor_loss.size > 0:  # one more candidate, ahead of all scenarios in the order
            extra = -floor_loss[r]
            if at < 0 or extra <= least + 1e-12 * abs(least):
                least, at, second, other = min(extra, least if at >= 0 else extra), count, least, at
            elif other < 0 or extra <= second + 1e-12 * abs(second):
                second, other = min(extra, second if other >= 0 else extra), count
        worst[r] = max(-least, 0.0)
        scenario[r] = at
        runner_up[r] = max(-second, 0.0)
        runner_up_scenario[r] = other
    return -1


@kernel(
    "i8[:], i4[:], f8[:], f8[:,:], i4[:], f8[:], f8[:], f8[:], f8[:,:], f8[:], f8[:], f8[:], "
    "out f8[:,:]"
)
def fold_net_kernel(
    row_ptr: Any,
    column: Any,
    quantity: Any,
    pnl: Any,
    run: Any,
    gain: Any,
    loss: Any,
    cap: Any,
    dead: Any,
    value: Any,
    weight: Any,
    reflect: Any,
    out: Any,
) -> Any:
    """The loop of :func:`fold_net`, unchecked; the first row out of canonical order, or -1."""
    part = np.empty(pnl.shape[1])
    for r in range(out.shape[0]):
        if not fold_row(
            row_ptr[r], row_ptr[r + 1], column, quantity, pnl, run, gain, loss, cap, dead, value,
            weight, reflect, part, out[r],
        ):  # fmt: skip
            return r
    return -1


def fold_tables(
    width: int,
    run_of_instrument: npt.ArrayLike,
    gain_g: npt.ArrayLike,
    loss_g: npt.ArrayLike,
    cap_g: npt.ArrayLike | None = None,
    dead_gs: npt.ArrayLike | None = None,
    value_i: npt.ArrayLike | None = None,
    weight_s: npt.ArrayLike | None = None,
    reflect_s: npt.ArrayLike | None = None,
) -> FoldTables:
    """Check and pad the tables of a fold for risk arrays of ``width`` (S8) columns.

    ``value_i`` given means that the fold acts on value (P&L plus the run's unshocked value).
    ``cap_g`` may hold infinity for "no cap". Run codes are 0 .. G-1, or -1 for linear, and the
    instruments of one code must be next to each other.
    """
    gain = reals(gain_g, "gain")
    groups = gain.size
    given = np.asarray(run_of_instrument)
    run = codes(given, "run", shape=(given.size,), low=-1, below=groups)
    _contiguous(run)
    loss = reals(loss_g, "loss", shape=(groups,))
    if cap_g is None:
        cap = np.full(groups, LARGEST)
    else:
        cap = reals(np.minimum(np.asarray(cap_g, float), LARGEST), "cap", shape=(groups,))
    dead = np.zeros((groups, width))
    if dead_gs is not None:
        narrow = reals(dead_gs, "dead", low=0.0)
        shaped(narrow, (groups, narrow.shape[-1]), "dead")
        dead[:, : narrow.shape[1]] = narrow
    value = np.zeros(run.size)
    if value_i is not None:
        value = reals(value_i, "value", shape=(run.size,))
    weights = np.ones(0) if weight_s is None else np.asarray(weight_s, dtype=np.float64)
    weight = scenario_weights(weights, weights.size, width)
    reflect = np.zeros(width)
    if reflect_s is not None:
        flags = np.asarray(reflect_s, np.bool_)
        reflect[: flags.size] = flags
    return FoldTables(run, gain, loss, cap, dead, value, weight, reflect)


def fold_worst(
    row_ptr: npt.ArrayLike,
    column: npt.ArrayLike,
    quantity: npt.ArrayLike,
    pnl: npt.ArrayLike,
    n_scenarios: int,
    fold: FoldTables,
    floor_loss_r: npt.ArrayLike | None = None,
    *,
    trusted: bool = False,
) -> Worst:
    """The worst loss of each row after the fold.

    Rows hold their columns in rising order (as `pricing.positions` makes them); a row that does
    not is refused, because its runs might be torn. ``floor_loss_r`` is one more candidate per
    row, a loss that competes as scenario number ``n_scenarios`` and wins ties (Derive: the basis
    contingency is where the search starts). Errors as in `netting.worst`.
    """
    table = shocked(pnl, n_scenarios, trusted=trusted)
    book = positions(row_ptr, column, quantity, table.shape[0], trusted=trusted)
    shaped(fold.run, (table.shape[0],), "run")
    shaped(fold.weight, (table.shape[1],), "weight")
    rows = book.row_ptr.size - 1
    extra = np.zeros(0)
    if floor_loss_r is not None:
        extra = reals(floor_loss_r, "floor_loss", shape=(rows,))
    result = Worst(
        np.empty(rows), np.empty(rows, np.int32), np.empty(rows), np.empty(rows, np.int32)
    )
    _in_order(fold_worst_kernel.run(*book, table, *fold, n_scenarios, extra, *result))
    return result


def fold_net(
    row_ptr: npt.ArrayLike,
    column: npt.ArrayLike,
    quantity: npt.ArrayLike,
    pnl: npt.ArrayLike,
    fold: FoldTables,
    *,
    trusted: bool = False,
) -> Floats:
    """The whole folded P&L vector of each row, ``[R, S8]``."""
    table = shocked(pnl, 1, trusted=trusted)
    book = positions(row_ptr, column, quantity, table.shape[0], trusted=trusted)
    shaped(fold.run, (table.shape[0],), "run")
    shaped(fold.weight, (table.shape[1],), "weight")
    out = np.empty((book.row_ptr.size - 1, table.shape[1]))
    _in_order(fold_net_kernel.run(*book, table, *fold, out))
    return out


def _contiguous(run: Ints) -> None:
    """The instruments of one run stand together, or a named error."""
    heads = run[np.flatnonzero(np.diff(run, prepend=-2))]
    heads = heads[heads >= 0]
    if np.unique(heads).size != heads.size:
        raise InputError(
            "number_out_of_range",
            "the instruments of one run must stand next to each other",
            value=heads[:8].tolist(),
            limit="each run code in one stretch",
            remedy="Reorder the instruments by run.",
        )


def _in_order(row: int) -> None:
    if row >= 0:
        raise InputError(
            "number_out_of_range",
            "the positions of a row must be in rising order of column",
            place=f"row {row}",
            remedy="Build the rows with order_positions.",
        )
