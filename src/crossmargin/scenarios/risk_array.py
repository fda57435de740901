"""Price once, net many: instruments times scenarios into one risk array.

P&L is shocked minus base *of the same model*, so that the zero shock is exactly zero; the residual
between the venue's mark and the model value is reported apart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Bools, Floats, Ints, finite, frozen
from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.market.view import View
from crossmargin.pricing.option_pnl import Moves, Options, add_rows, option_pnl
from crossmargin.pricing.revalue import padded, padded_width
from crossmargin.pricing.vectors import aligned
from crossmargin.scenarios.sets import ScenarioSet

__all__ = ["Added", "Net", "RiskArray", "Unit", "price", "price_netted"]

# Factors by class of row [C, S8], and the class of each row [I].
Unit = tuple[Floats, Ints]
# P&L beside that of the moves: rows, amounts, codes [J], and what the codes stand for [C, S8].
Added = tuple[Ints, Floats, Ints, Floats]
# Signed size of each row [I], its group or -1 [I], and the number of groups.
Net = tuple[Floats, Ints, int]
# Above this the array is refused with its size instead of exhausting the machine.
BYTES_MAX = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class RiskArray:
    """P&L of one long unit of each instrument in each scenario, in ``currency`` of its row.

    ``pnl[I, S8]`` is padded to a multiple of eight with copies of scenario 0. ``value[I]`` is the
    model value of one unit at the unshocked market (options only; 0 elsewhere).
    """

    pnl: Floats
    value: Floats
    count: int

    @staticmethod
    def of(pnl: Floats, value: Floats, count: int) -> RiskArray:
        """The record over a copy whose rows start at whole vectors: small books net faster."""
        store = aligned(pnl.shape)
        store[...] = pnl
        return RiskArray(frozen(store, np.float64), frozen(value, np.float64), count)

    def scenario_pnl(self) -> Floats:
        """[I, S] without the padding."""
        return self.pnl[:, : self.count]


def price(
    instruments: Instruments,
    view: View,
    scenarios: ScenarioSet,
    delta_one_price: Floats,
    option_scale: Floats | None = None,
    unit: Unit | None = None,
    added: Added | Callable[[Floats], Added] | None = None,
) -> RiskArray:
    """The risk array of a table of instruments, in the currency in which each settles.

    Formulas, per unit of quantity with multiplier m (gains positive):

    - linear future, perpetual: ``m * price * (factor - 1)``
    - inverse future, perpetual (quantity in quote currency): ``m / price * (1 - 1 / factor)`` coin
    - linear option: ``m * (V' - V)``; inverse option: ``m * (V' / F' - V / F)`` coin,
      V the Black-76 value of the expiry's forward F with discount
    - asset: 0 (its price risk belongs to the models that count assets as positions)

    ``delta_one_price[I]`` is what a move acts on (mark, index or forward: the rule's choice).
    ``option_scale[S]`` multiplies option rows (a rule's damping of far scenarios), ``unit`` every
    row: ``[C, S8]`` factors by class, and the class of each row ``[I]``. ``added`` is P&L beside
    it: rows, amounts, codes and ``[C, S8]``, an amount times the table's row of its code each; or
    a function that makes them of ``value``.
    Raises ModelError ``size_too_large`` above 2 GB.
    """
    count = len(scenarios)
    width = padded_width(count)
    rows = len(instruments)
    if rows * width * 8 > BYTES_MAX:
        raise ModelError(
            "size_too_large",
            "the risk array exceeds the memory limit",
            value=f"{rows} instruments x {width} scenarios",
            limit=f"{BYTES_MAX} bytes",
            remedy="Margin fewer instruments at a time.",
        )
    pnl = aligned((rows, width))
    value = np.zeros(rows)
    kind = instruments.kind
    dated = (kind == Kind.PERPETUAL) | (kind == Kind.FUTURE)
    option = (kind == Kind.OPTION) & view.ok
    pnl[~option] = 0.0
    _delta_one(pnl, instruments, scenarios, delta_one_price, np.asarray(dated & view.ok))
    if unit is not None:
        pnl[~option] *= unit[0][unit[1][~option]]
    options = np.flatnonzero(option).astype(np.int32)
    if len(options):
        _options(pnl, value, instruments, view, scenarios, options, unit)
        if option_scale is not None:
            pnl[options] *= padded(option_scale[None, :])
    if added is not None:
        add_rows(*(added(value) if callable(added) else added), pnl)
    finite(pnl, "scenario P&L", lambda k: instruments.label(k // width), ModelError)
    return RiskArray(frozen(pnl, np.float64), frozen(value, np.float64), count)


def price_netted(
    instruments: Instruments,
    view: View,
    scenarios: ScenarioSet,
    delta_one_price: Floats,
    net: Net,
    unit: Unit | None = None,
    added: Added | None = None,
) -> RiskArray:
    """:func:`price` of positions that each belong to one group, summed by group as it is priced.

    For tables that hold an account's rows once for every market it is seen in. ``net``: signed
    size of each row [I], its group (-1: it carries none), and the number of groups. ``pnl[G, S8]``;
    ``value[I]`` is of one unit of each instrument. Columns beyond the scenarios mean nothing.
    """
    size, group, groups = net
    width = padded_width(len(scenarios))
    pnl, value = np.zeros((groups, width)), np.zeros(len(instruments))
    kind, counts = instruments.kind, (size != 0.0) & (group >= 0)
    dated = ((kind == Kind.PERPETUAL) | (kind == Kind.FUTURE)) & view.ok & counts
    rows = np.flatnonzero(dated).astype(np.int32)
    if len(rows):
        table = _delta_one_rows(rows, instruments, scenarios, delta_one_price)
        table *= 1.0 if unit is None else unit[0][unit[1][rows]]
        add_rows(group[rows], size[rows], np.arange(len(rows), dtype=np.int32), table, pnl)
    options = np.flatnonzero((kind == Kind.OPTION) & view.ok & (group >= 0)).astype(np.int32)
    if len(options):
        worth = np.zeros(len(options))
        _options(
            pnl, worth, instruments, view, scenarios, options, unit, (size[options], group[options])
        )
        value[options] = worth
    if added is not None:
        of, amount, code, moves = added
        kept = counts[of]
        add_rows(group[of[kept]], size[of[kept]] * amount[kept], code[kept], moves, pnl)
    finite(pnl[:, : len(scenarios)], "scenario P&L", str, ModelError)
    return RiskArray(frozen(pnl, np.float64), frozen(value, np.float64), len(scenarios))


def _delta_one_rows(
    rows: Ints, instruments: Instruments, scenarios: ScenarioSet, price_of: Floats
) -> Floats:
    """[rows, S8] P&L of one unit of delta-one contracts."""
    factor = padded(scenarios.spot)[instruments.pair[rows]]
    turned, size = instruments.inverse[rows, None], instruments.multiplier[rows, None]
    at = price_of[rows, None]
    safe = np.where(turned, at, 1.0)
    return np.where(turned, size / safe * (1.0 - 1.0 / factor), size * at * (factor - 1.0))


def _delta_one(
    pnl: Floats,
    instruments: Instruments,
    scenarios: ScenarioSet,
    price_of: Floats,
    chosen: Bools,
) -> None:
    factor = padded(scenarios.spot)
    linear = np.flatnonzero(chosen & ~instruments.inverse)
    unit = instruments.multiplier[linear] * price_of[linear]
    pnl[linear] = unit[:, None] * (factor[instruments.pair[linear]] - 1.0)
    inverse = np.flatnonzero(chosen & instruments.inverse)
    unit = instruments.multiplier[inverse] / price_of[inverse]
    pnl[inverse] = unit[:, None] * (1.0 - 1.0 / factor[instruments.pair[inverse]])


def _options(
    pnl: Floats,
    value: Floats,
    instruments: Instruments,
    view: View,
    scenarios: ScenarioSet,
    options: Ints,
    unit: Unit | None,
    held: tuple[Floats, Ints] | None = None,
) -> None:
    """Fill the rows of options; the same loop prices the base: equal inputs, equal bits.

    ``held``: sizes, and the row of ``pnl`` that each is added to.
    """
    factor, skewed = scenarios.strike_factor, scenarios.skewed
    option_pnl(
        Moves(
            scenarios.forward,
            scenarios.vol_factor,
            scenarios.vol_shift,
            scenarios.vol_floor,
            view.forward + view.forward_settled,
            scenarios.root_years,
            scenarios.discount,
        ),
        Options(
            instruments.expiry[options],
            instruments.strike[options],
            instruments.right[options].astype(np.float64),
            view.vol[options],
            instruments.multiplier[options],
            instruments.inverse[options],
        ),
        options if held is None else held[1],
        pnl,
        value,
        strike_factor=None if factor is None else factor[options],
        skewed=skewed,
        unit=None if unit is None else (unit[0], np.ascontiguousarray(unit[1][options])),
        size=None if held is None else held[0],
    )
