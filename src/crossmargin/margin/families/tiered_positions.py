"""A model whose every position is charged by its own tiers: what its members share.

A member is its ``spec``, its ``plan`` and the tiers of one contract. The balance is cash plus the
profit of what is open: these venues settle a profit when a position is closed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from crossmargin.core.arrays import Floats, Ints
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.margin.equity import equity_of, mark_value
from crossmargin.margin.families.standard_options import unscenarioed
from crossmargin.margin.families.tiers import (
    Tier,
    TierTable,
    chosen_leverage,
    open_size_need,
    unit_notional,
)
from crossmargin.margin.fills import fills_of, order_margin
from crossmargin.margin.model import (
    ModelSpec,
    OrderNeed,
    Plan,
    Pool,
    PoolAnswer,
    PoolBook,
    Priced,
)
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import per_row
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.market.view import View

__all__ = ["TieredPositions"]


class TieredPositions(ABC):
    """The rules of a member are named ``tier_im``, ``tier_mm``, ``order_margin``, ``balance_side``.

    Rows above the cap of the last tier are lower bounds.
    """

    spec: ModelSpec

    @abstractmethod
    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """The member's pools."""

    @abstractmethod
    def tiers(self, item: Instrument, parameters: Parameters) -> list[Tier]:
        """The tiers of one future or perpetual, in rising order."""

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """Notional of one unit, and the tiers of every contract."""
        part = pool.instruments
        futures = (Kind.PERPETUAL, Kind.FUTURE)
        table = TierTable.of(
            [self.tiers(i, parameters) if i.kind in futures else [] for i in part.items]
        )
        usd = float(view.usd[part.names.index(pool.currency)])
        columns = {"notional": unit_notional(part, view)}
        value = mark_value(part, view)
        return Priced(pool, view, usd, None, None, columns, value, {"tiers": table})

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block of accounts."""
        table: TierTable = priced.facts["tiers"]
        notional = np.abs(held.quantity) * priced.columns["notional"][held.column]
        im = per_row(held.row, table.initial(held.column, notional, chosen_leverage(held)))
        mm = per_row(held.row, table.maintenance(held.column, notional))
        beyond = table.beyond(held.column, notional).astype(np.float64)
        equity = equity_of(priced, held, np.ones(len(priced.pool.instruments)), settled=False)
        sheet = SheetBuilder(len(held.row) - 1)
        sheet.leaf("position_im", im, "tier_im")
        sheet.leaf("position_mm", mm, "tier_mm")
        sheet.leaf("cash", equity.cash, "balance_side")
        sheet.leaf("unrealised", equity.unrealised, "balance_side")
        sheet.sum("equity", "cash", "unrealised")
        need = self.order_need(priced, held, parameters)
        sheet.leaf("order_margin", order_margin(need, sheet["position_im"]), "order_margin")
        sheet.scale("counted_im", "equity", 1.0)
        sheet.sum("im", "position_im", "order_margin")
        sheet.scale("counted_mm", "equity", 1.0)
        sheet.scale("mm", "position_mm", 1.0)
        return unscenarioed(sheet, held, equity.source, per_row(held.row, beyond) > 0.0)

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """Each instrument at its larger open size, and every open loss: an upper bound."""
        fills = fills_of(priced, held, np.ones(len(priced.pool.instruments)), mmp=True)
        if fills is None:
            return None
        table: TierTable = priced.facts["tiers"]
        unit = priced.columns["notional"]
        own = np.abs(held.quantity) * unit[held.column]
        base = per_row(held.row, table.initial(held.column, own, chosen_leverage(held)))

        def charge(owner: Ints, column: Ints, quantity: Floats) -> Floats:
            notional = np.abs(quantity) * unit[column]
            return table.initial(column, notional, chosen_leverage(held, owner))

        return open_size_need(base, held, fills, charge)

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """No scenarios: position by position."""
        return None
