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

from crossmargin.core.arrays import Bools, Floats, Ints
from crossmargin.core.errors import InputError
from crossmargin.core.jit import kernel
from crossmargin.core.threads import blocks
from crossmargin.pricing.checks import codes, positions, reals, scenario_weights, shaped, shocked
from crossmargin.pricing.netting import NONE, Worst, batch_rows, empty_worst, pick_kernel
from crossmargin.pricing.rows import tile_width
from crossmargin.pricing.vectors import MOST, aligned, net_tile

__all__ = ["FoldTables", "fold_kernel", "fold_net", "fold_tables", "fold_worst"]

LARGEST = 1e300  # stands for "no cap": infinities are not allowed inside a kernel


class FoldTables(NamedTuple):
    """What the kernels read of a fold, checked and padded once by :func:`fold_tables`."""

    run: Ints  # [I], -1 for linear instruments
    gain: Floats  # [G]
    loss: Floats  # [G]
    cap: Floats  # [G]
    dead: Floats  # [G, S8], or [0, 0] for none
    value: Floats  # [I], zeros for none
    weight: Floats  # [S8]
    reflect: Bools  # [S8]
    quiet: Floats  # [G * S8], ``dead`` flat, zeros for none: as the kernels take it
    turned: Floats  # [S8], ``reflect`` as 0.0 and 1.0


@kernel(
    "i8[:], i4[:], f8[:], f8[:], i4[:], f8[:], f8[:], f8[:], f8[:], f8[:], f8[:], f8[:], "
    "out f8[:], out f8[:]"
)
def fold_kernel(
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
    part: Any,
    total: Any,
) -> Any:
    """Folded P&L vectors of rows into ``total``, unchecked; arrays are flat.

    ``part`` has room for one vector. Returns the first row out of canonical order, or -1.
    """
    width = part.size
    vectors = width // 8
    step = tile_width(vectors, MOST)
    for r in range(row_ptr.size - 1):
        at = r * width
        for s in range(width):
            total[at + s] = 0.0
        before = -1
        j, end = row_ptr[r], row_ptr[r + 1]
        while j < end:
            code = run[column[j]]
            stop = j
            held = 0.0
            while stop < end and run[column[stop]] == code:
                if column[stop] < before:
                    return r  # a run might be torn
                before = column[stop]
                held += quantity[stop] * value[before]
                stop += 1
            for first in range(0, vectors, step):
                count = min(step, vectors - first)
                net_tile(count, part, 8 * first, pnl, width, 8 * first, column, quantity, j, stop)
            if code < 0:
                for s in range(width):
                    total[at + s] += part[s] * weight[s]
            else:
                up, down, most, quiet = gain[code], loss[code], cap[code], code * width
                for s in range(width):
                    m = part[s] + held
                    y = min((up if m >= 0.0 else down) * m - held, most)
                    rest = max(abs(y) - dead[quiet + s], 0.0) * weight[s]
                    y = rest if y >= 0.0 else -rest
                    total[at + s] += -rest if reflect[s] > 0.0 else y
            j = stop
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
    dead = np.zeros((0, 0))
    if dead_gs is not None:
        narrow = reals(dead_gs, "dead", low=0.0)
        shaped(narrow, (groups, narrow.shape[-1]), "dead")
        dead = np.zeros((groups, width))
        dead[:, : narrow.shape[1]] = narrow
    value = np.zeros(run.size)
    if value_i is not None:
        value = reals(value_i, "value", shape=(run.size,))
    weights = np.ones(0) if weight_s is None else np.asarray(weight_s, dtype=np.float64)
    weight = scenario_weights(weights, weights.size, width)
    reflect = np.zeros(width, np.bool_)
    if reflect_s is not None:
        flags = np.asarray(reflect_s, np.bool_)
        reflect[: flags.size] = flags
    quiet = dead.ravel() if dead.size else np.zeros(groups * width)
    turned = reflect.astype(np.float64)
    return FoldTables(run, gain, loss, cap, dead, value, weight, reflect, quiet, turned)


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
    width, flat = table.shape[1], table.ravel()
    tables = _flat(fold)
    result = empty_worst(rows)
    batch = batch_rows(rows, width)
    part, total = aligned(width), aligned(batch * width)
    for low, high in blocks(rows, batch):
        starts = book.row_ptr[low : high + 1]
        torn = fold_kernel.run(starts, book.column, book.quantity, flat, *tables, part, total)
        _in_order(torn, low)
        found = (array[low:high] for array in result)
        pick_kernel.run(starts, total, width, n_scenarios, NONE, extra[low:high], *found)
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
    tables = _flat(fold)
    part = aligned(table.shape[1])
    _in_order(fold_kernel.run(*book, table.ravel(), *tables, part, out.ravel()), 0)
    return out


def _flat(fold: FoldTables) -> tuple[npt.NDArray[np.generic], ...]:
    """The tables as the kernel takes them."""
    return (*fold[:4], fold.quiet, *fold[5:7], fold.turned)


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


def _in_order(row: int, first: int) -> None:
    if row >= 0:
        raise InputError(
            "number_out_of_range",
            "the positions of a row must be in rising order of column",
            place=f"row {first + row}",
            remedy="Build the rows with order_positions.",
        )
