"""Zeta options on Solana, as of 2022: a share of spot by moneyness, position by position.

    short  max(spot (dyn - otm / spot), spot x least); of a put at most cap x strike
    long   min(mark x mark share, spot x spot share)

otm is how far out of the money the option is. Initial and maintenance shares differ; nothing nets.
Source: zetamarkets/sdk at 62af8757 (2022-08-12); the venue has dropped its options since.
"""

from __future__ import annotations

from typing import final

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.equity import equity_of, mark_value
from crossmargin.margin.families.additive import Charge, additive_answer
from crossmargin.margin.families.exact_plan import one_pool
from crossmargin.margin.fills import fills_of, order_margin
from crossmargin.margin.model import (
    Extent,
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
    Standing,
)
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pieces import Pieces
from crossmargin.margin.pools import is_kind
from crossmargin.margin.separable import separable_need
from crossmargin.margin.separable_pieces import separable_pieces
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.margin.usdc_pools import CASH, stable_usd
from crossmargin.market.view import View

__all__ = ["Zeta"]

_SDK = "zetamarkets/sdk at 62af8757, 2022-08-12"

SPEC = ModelSpec(
    name="zeta",
    title="Zeta options (2022)",
    family="additive per position",
    venue="zeta",
    version="2022",
    folder="zeta",
    kinds=(Kind.ASSET, Kind.OPTION),
    currency=CASH,
    scale=ScaleLaw.HOMOGENEOUS,
    balance_side="USDC after premium and the options' value: their profit since entry",
    rules=(
        Rule("short_charge", "share of spot less what is out of the money", _SDK, Fidelity.STATED),
        Rule("long_charge", "the lesser of a share of mark and of spot", _SDK, Fidelity.STATED),
        Rule(
            "order_margin",
            "each instrument at its worst fill",
            "this project's; the client's form for open orders is not rebuilt",
            Fidelity.INFERRED,
        ),
        Rule("balance_side", "balance and open profit", _SDK, Fidelity.STATED),
    ),
    standard="fixed-rate",
    maps_from=("zeta",),
    unknown=("the shares: set on chain and not public here; give them with --params FILE",),
    extent=Extent.REFUSED,
    standing=Standing.HISTORICAL,
)


@final
class Zeta:
    """One pool in USDC."""

    spec = SPEC

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """Every line in one pool; ModelError ``parameter_missing`` for an unknown underlying."""
        return one_pool(instruments, parameters, CASH, (CASH,), "asset")

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """Charges of one long and of one short option."""
        part = pool.instruments
        names = ("short_im", "short_mm", "long_im", "long_mm")
        columns = {name: np.zeros(len(part)) for name in names}
        index = view.index[part.pair]
        for k in np.flatnonzero(is_kind(part, Kind.OPTION)).tolist():
            item = part.items[k]
            for level in ("im", "mm"):
                table = f"asset.{item.underlying}.{level}"
                spot, mark = float(index[k]), float(view.mark[k])
                otm = max(item.right * (item.strike - spot), 0.0)
                dynamic = spot * parameters.number(f"{table}_short_dynamic") - otm
                short = max(dynamic, spot * parameters.number(f"{table}_short_least"))
                if item.right < 0:
                    short = min(short, item.strike * parameters.number(f"{table}_put_cap"))
                by_mark = mark * parameters.number(f"{table}_long_mark")
                by_spot = spot * parameters.number(f"{table}_long_spot")
                columns[f"short_{level}"][k] = short * item.multiplier
                columns[f"long_{level}"][k] = min(by_mark, by_spot) * item.multiplier
        return Priced(
            pool, view, stable_usd(view, part), None, None, columns, mark_value(part, view)
        )

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block of accounts."""
        columns, none = priced.columns, np.zeros(len(priced.pool.instruments))
        equity = equity_of(priced, held, np.ones(len(none)), settled=False)
        sheet = SheetBuilder(len(held.row) - 1)
        for level in ("im", "mm"):
            shorts = Charge(none, columns[f"short_{level}"], none, none).of(held)
            longs = Charge(columns[f"long_{level}"], none, none, none).of(held)
            sheet.leaf(f"short_{level}", shorts, "short_charge")
            sheet.leaf(f"long_{level}", longs, "long_charge")
        sheet.leaf("cash", equity.cash, "balance_side")
        sheet.leaf("unrealised", equity.unrealised, "balance_side")
        sheet.leaf("option_value", equity.option_value, "balance_side")
        sheet.sum("equity", "cash", "unrealised", "option_value")
        need = self.order_need(priced, held, parameters)
        base = sheet["short_im"] + sheet["long_im"]
        sheet.leaf("order_margin", order_margin(need, base), "order_margin")
        parts = {"im": ("short_im", "long_im", "order_margin"), "mm": ("short_mm", "long_mm")}
        return additive_answer(sheet, held, equity, ("equity", "equity"), parts)

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """Initial requirement after the worst fills, instrument by instrument."""
        fills = fills_of(priced, held, np.ones(len(priced.pool.instruments)), mmp=True)
        return None if fills is None else separable_need(self, priced, held, fills, parameters)

    def pieces(self, priced: Priced, held: PoolBook, parameters: Parameters) -> Pieces:
        """Each position's own charge; see ``separable_pieces``."""
        return separable_pieces(self, priced, held, parameters)

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """No scenarios."""
        return None
