"""One flat share of the notional of each perpetual; nothing else is margined."""

from __future__ import annotations

from typing import final

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.equity import equity_of, mark_value
from crossmargin.margin.fills import fills_of, order_margin
from crossmargin.margin.model import (
    Fidelity,
    ModelSpec,
    OrderNeed,
    Plan,
    Pool,
    PoolAnswer,
    PoolBook,
    Priced,
    Rule,
    ScaleLaw,
)
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import is_kind, make_pool
from crossmargin.margin.separable import separable_need
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.market.view import View
from crossmargin.pricing.sums import row_sums

OWN = "this example"


@final
class ExampleFlat:
    """One pool a settlement currency."""

    spec = ModelSpec(
        name="example-flat",
        title="Flat share of notional (example of a model outside)",
        family="per-position",
        venue="",
        version="1",
        folder="crossmargin_example:parameters/flat",
        kinds=(Kind.ASSET, Kind.PERPETUAL),
        currency="settle",
        scale=ScaleLaw.HOMOGENEOUS,
        balance_side="cash and profit",
        rules=(
            Rule("charge", "share of notional", OWN, Fidelity.INFERRED, ("reading.base",)),
            Rule("order_margin", "each contract at its worst fill", OWN, Fidelity.EXACT),
            Rule("balance_side", "cash and profit", OWN, Fidelity.EXACT),
        ),
        readings={"reading.base": ("mark", "index")},
        standard="fixed-rate",
        unknown=("whether notional is at mark or at index (two readings)",),
    )

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        names = sorted({item.settle for item in instruments.items})
        pools = []
        for name in names:
            rows = np.flatnonzero(instruments.settle == instruments.names.index(name))
            pools.append(make_pool(instruments, rows.astype(np.int32), name, name, (name,)))
        return Plan(tuple(pools), parameters)

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        part = pool.instruments
        at_mark = parameters.get("reading.base") == "mark"
        price = view.mark if at_mark else view.index[part.pair]
        size = np.where(part.inverse, part.multiplier / price, part.multiplier)
        value = size * np.where(part.inverse, 1.0, price)
        notional = np.where(is_kind(part, Kind.PERPETUAL), value, 0.0)
        usd = float(view.usd[part.names.index(pool.currency)])
        columns = {"notional": notional}
        return Priced(pool, view, usd, None, None, columns, mark_value(part, view))

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        columns = priced.columns["notional"][:, None]
        total = row_sums(held.row, held.column, held.quantity, columns, trusted=True)
        gross = total.long[:, 0] - total.short[:, 0]
        equity = equity_of(priced, held, np.ones(len(priced.pool.instruments)))
        sheet = SheetBuilder(len(held.row) - 1)
        sheet.leaf("charge_im", gross * parameters.number("im.share"), "charge")
        sheet.leaf("cash", equity.cash, "balance_side")
        sheet.leaf("unrealised", equity.unrealised, "balance_side")
        sheet.sum("equity", "cash", "unrealised")
        need = self.order_need(priced, held, parameters)
        base = sheet["charge_im"]
        sheet.leaf("order_margin", order_margin(need, base), "order_margin")
        sheet.sum("counted_im", "cash", "unrealised")
        sheet.sum("im", "charge_im", "order_margin")
        sheet.sum("counted_mm", "cash", "unrealised")
        sheet.leaf("mm", gross * parameters.number("mm.share"), "charge")
        accounts = len(held.row) - 1
        none = np.full(accounts, -1, np.int32)
        made = sheet.build(held.account, 0)
        return PoolAnswer(made, none, none, np.zeros(accounts), equity.source)

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        units = np.ones(len(priced.pool.instruments))
        fills = fills_of(priced, held, units, mmp=True, value_counts=False)
        return None if fills is None else separable_need(self, priced, held, fills, parameters)

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        return None
