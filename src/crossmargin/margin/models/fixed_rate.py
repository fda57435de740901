"""A plain percentage per position: the baseline against which netting is measured.

    perpetual, future    share x notional
    short option         (share x index + mark) x size
    long option          nothing: its premium is paid, its value backs nothing

No netting of any kind; the rates are this project's own and stand for no venue.
"""

from __future__ import annotations

from typing import final

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.deribit_common import coin_size
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
from crossmargin.margin.pieces import Pieces
from crossmargin.margin.pools import is_kind, make_pool
from crossmargin.margin.separable import separable_need
from crossmargin.margin.separable_pieces import separable_pieces
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.market.view import View
from crossmargin.pricing.sums import row_sums

__all__ = ["FixedRate"]

_OWN = "this project's own baseline"

SPEC = ModelSpec(
    name="fixed-rate",
    title="Fixed percentage per position (baseline)",
    family="per-position",
    venue="",
    version="1",
    folder="fixed-rate",
    kinds=(Kind.ASSET, Kind.PERPETUAL, Kind.FUTURE, Kind.OPTION),
    currency="settle",
    scale=ScaleLaw.HOMOGENEOUS,
    balance_side="cash and futures profit; option value backs nothing",
    rules=(
        Rule("future_charge", "share of notional at mark", _OWN, Fidelity.EXACT),
        Rule("option_charge", "share of the index plus the mark of a short", _OWN, Fidelity.EXACT),
        Rule("order_margin", "each instrument at its worst fill", _OWN, Fidelity.EXACT),
        Rule("balance_side", "equity less option value", _OWN, Fidelity.EXACT),
    ),
    standard="fixed-rate",
    maps_from=("deribit", "derive", "paradex", "okx", "bybit", "binance"),
)


@final
class FixedRate:
    """One pool a settlement currency."""

    spec = SPEC

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """A pool per settlement currency."""
        settles = sorted({item.settle for item in instruments.items})
        codes = [instruments.names.index(name) for name in settles]
        pools = tuple(
            make_pool(
                instruments,
                np.flatnonzero(instruments.settle == code).astype(np.int32),
                name,
                name,
                (name,),
            )
            for name, code in zip(settles, codes, strict=True)
        )
        return Plan(pools, parameters)

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """Charges of one unit, initial and maintenance."""
        part = pool.instruments
        columns = {}
        for level in ("im", "mm"):
            future = parameters.number(f"{level}.future_share")
            option = parameters.number(f"{level}.short_option_share")
            columns[f"future_{level}"] = _notional(part, view) * future
            columns[f"option_{level}"] = _short(part, view, option)
        usd = float(view.usd[part.names.index(pool.currency)])
        return Priced(pool, view, usd, None, None, columns, mark_value(part, view))

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block of accounts."""
        names = ("future_im", "option_im", "future_mm", "option_mm")
        stack = np.stack([priced.columns[name] for name in names], axis=1)
        total = row_sums(held.row, held.column, held.quantity, stack, trusted=True)
        equity = equity_of(priced, held, np.ones(len(priced.pool.instruments)))
        accounts = len(held.row) - 1
        sheet = SheetBuilder(accounts)
        for k, name in enumerate(names):
            rule = "future_charge" if name.startswith("future") else "option_charge"
            both = rule == "future_charge"
            gross = total.long[:, k] - total.short[:, k] if both else -total.short[:, k]
            sheet.leaf(name, gross, rule)
        sheet.leaf("cash", equity.cash, "balance_side")
        sheet.leaf("unrealised", equity.unrealised, "balance_side")
        sheet.leaf("option_value", equity.option_value, "balance_side")
        sheet.sum("equity", "cash", "unrealised", "option_value")
        base = sheet["option_im"] + sheet["future_im"]
        need = self.order_need(priced, held, parameters)
        sheet.leaf("order_margin", order_margin(need, base), "order_margin")
        sheet.sum("counted_im", "cash", "unrealised")
        sheet.sum("im", "future_im", "option_im", "order_margin")
        sheet.sum("counted_mm", "cash", "unrealised")
        sheet.sum("mm", "future_mm", "option_mm")
        nothing = np.full(accounts, -1, np.int32)
        return PoolAnswer(
            sheet.build(held.account, 0), nothing, nothing, np.zeros(accounts), equity.source
        )

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """Initial requirement after the worst fills, instrument by instrument."""
        units = np.ones(len(priced.pool.instruments))
        fills = fills_of(priced, held, units, mmp=True, value_counts=False)
        return None if fills is None else separable_need(self, priced, held, fills, parameters)

    def pieces(self, priced: Priced, held: PoolBook, parameters: Parameters) -> Pieces:
        """Each position's own charge; see ``separable_pieces``."""
        return separable_pieces(self, priced, held, parameters)

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """No scenarios: position by position."""
        return None


def _notional(part: Instruments, view: View) -> Floats:
    """[I] notional of one future in its settlement currency."""
    future = is_kind(part, Kind.PERPETUAL, Kind.FUTURE)
    price = np.where(part.inverse, 1.0, view.mark)
    return np.where(future, coin_size(part, view) * price, 0.0)


def _short(part: Instruments, view: View, share: float) -> Floats:
    """[I] charge of one short option in its settlement currency."""
    option = is_kind(part, Kind.OPTION)
    unit = np.where(part.inverse, 1.0, view.index[part.pair])
    return np.where(option, (share * unit + view.mark) * part.multiplier, 0.0)
