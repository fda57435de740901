"""Standard margin of options: a short one pays a share of the index by moneyness, and its mark.

    OTM = max(0, (K - I) / I) call, max(0, (I - K) / I) put; I the index, in coin 1

    floored   IM = max(s - OTM, l) I + mark                MM = m I + mark             call
              IM = max(max(s - OTM, l) I + mark, MM)       MM = max(m I, m mark) + mark  put
              (a member may add a liquidation fee, a share of I, to MM)
    sloped    IM = max(s - OTM, l) I + mark                MM = max(s' - OTM, l') I + mark
    classic   max(a I, b I - OTM I) + mark                 call, at each level its own a and b
              max(a I (1 + mark / I), b I - OTM I) + mark  put

A long option needs nothing: its premium is paid and its value backs nothing.
Source: the help pages of the venues that are named in the members.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from crossmargin.core.arrays import Bools, Bytes, Floats
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.equity import equity_of, mark_value
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
from crossmargin.margin.pieces import Pieces
from crossmargin.margin.pools import is_kind, make_pool
from crossmargin.margin.separable import separable_need
from crossmargin.margin.separable_pieces import separable_pieces
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.market.view import View
from crossmargin.pricing.sums import row_sums

__all__ = [
    "Charges",
    "StandardOptions",
    "by_settlement",
    "classic",
    "floored",
    "of_underlying",
    "sloped",
    "unscenarioed",
]

Charges = tuple[Floats, Floats]  # [I] initial and maintenance, of one short option
Share = float | Floats


def _moneyness(part: Instruments, view: View) -> tuple[Floats, Floats, Floats]:
    """[I] OTM share; the index in the settlement currency; the mark of an option, else 0."""
    index = view.index[part.pair]
    safe = np.where(index > 0.0, index, 1.0)
    out = np.where(part.right > 0, (part.strike - index) / safe, (index - part.strike) / safe)
    unit = np.where(part.inverse, 1.0, index)  # coin, or the quote currency of the index
    mark = np.where(is_kind(part, Kind.OPTION), view.mark, 0.0)
    return np.maximum(out, 0.0), unit, mark


def _of_options(part: Instruments, im: Floats, mm: Floats) -> Charges:
    scale = np.where(is_kind(part, Kind.OPTION), part.multiplier, 0.0)
    return im * scale, mm * scale


def floored(
    part: Instruments, view: View, share: Share, least: Share, mm_share: Share, fee: Share = 0.0
) -> Charges:
    """The floored form; shares of the index, one for all or [I]; ``fee`` is added to MM."""
    otm, unit, mark = _moneyness(part, view)
    im = np.maximum(share - otm, least) * unit + mark
    put = part.right < 0
    mm = np.where(put, np.maximum(mm_share * unit, mm_share * mark), mm_share * unit) + mark
    mm = mm + fee * unit
    im = np.where(put, np.maximum(im, mm), im)
    return _of_options(part, im, mm)


def sloped(
    part: Instruments, view: View, im: tuple[Share, Share], mm: tuple[Share, Share]
) -> Charges:
    """The sloped form; (share, least share) of each level."""
    otm, unit, mark = _moneyness(part, view)
    each = [np.maximum(share - otm, least) * unit + mark for share, least in (im, mm)]
    return _of_options(part, each[0], each[1])


def classic(
    part: Instruments, view: View, im: tuple[Share, Share], mm: tuple[Share, Share]
) -> Charges:
    """The classic form; (a, b) of each level."""
    otm, unit, mark = _moneyness(part, view)
    safe = np.where(unit > 0.0, unit, 1.0)
    grown = np.where(part.right < 0, 1.0 + mark / safe, 1.0)
    each = [np.maximum(a * unit * grown, (b - otm) * unit) + mark for a, b in (im, mm)]
    return _of_options(part, each[0], each[1])


def of_underlying(part: Instruments, parameters: Parameters, table: str, name: str) -> Floats:
    """[I] ``table.UNDERLYING.name`` of each option, 0 of other rows."""
    return np.array(
        [
            parameters.number(f"{table}.{item.underlying}.{name}")
            if item.kind == Kind.OPTION
            else 0.0
            for item in part.items
        ]
    )


def by_settlement(instruments: Instruments, parameters: Parameters) -> Plan:
    """A pool a settlement currency; its cash is that currency."""
    settles = sorted({item.settle for item in instruments.items})
    pools = tuple(
        make_pool(
            instruments,
            np.flatnonzero(instruments.settle == instruments.names.index(name)).astype(np.int32),
            name,
            name,
            (name,),
        )
        for name in settles
    )
    return Plan(pools, parameters)


def unscenarioed(
    sheet: SheetBuilder, held: PoolBook, source: Bytes, at_least: Bools | None = None
) -> PoolAnswer:
    """The answer of a model without scenarios."""
    nothing = np.full(sheet.rows, -1, np.int32)
    return PoolAnswer(
        sheet.build(held.account, 0),
        nothing,
        nothing,
        np.zeros(sheet.rows),
        source,
        at_least=at_least,
    )


class StandardOptions(ABC):
    """A member is its ``spec`` and its ``charges``: what one short option needs at each level.

    ``charges(part, view, parameters)`` gives [I] in the settlement currency. The rules of a member
    are named ``option_charge``, ``order_margin`` and ``balance_side``; one that knows puts and
    calls by different rules says so in its own ``charge``.
    """

    spec: ModelSpec

    @abstractmethod
    def charges(self, part: Instruments, view: View, parameters: Parameters) -> Charges:
        """[I] what one short option needs at each level."""

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """A pool a settlement currency."""
        return by_settlement(instruments, parameters)

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """Charges of one short option."""
        part = pool.instruments
        im, mm = self.charges(part, view, parameters)
        usd = float(view.usd[part.names.index(pool.currency)])
        columns = {"short_im": im, "short_mm": mm}
        return Priced(pool, view, usd, None, None, columns, mark_value(part, view))

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block of accounts."""
        sheet = SheetBuilder(len(held.row) - 1)
        self.charge(sheet, priced, held)
        source, counted = self.balance(sheet, priced, held)
        need = self.order_need(priced, held, parameters)
        sheet.leaf("order_margin", order_margin(need, sheet["option_im"]), "order_margin")
        sheet.sum("counted_im", *counted)
        sheet.sum("im", "option_im", "order_margin")
        sheet.sum("counted_mm", *counted)
        sheet.scale("mm", "option_mm", 1.0)
        return unscenarioed(sheet, held, source)

    def charge(self, sheet: SheetBuilder, priced: Priced, held: PoolBook) -> None:
        """Adds ``option_im`` and ``option_mm``."""
        columns = priced.columns
        stack = np.stack([columns["short_im"], columns["short_mm"]], axis=1)
        total = row_sums(held.row, held.column, held.quantity, stack, trusted=True)
        sheet.leaf("option_im", -total.short[:, 0], "option_charge")
        sheet.leaf("option_mm", -total.short[:, 1], "option_charge")

    def balance(
        self, sheet: SheetBuilder, priced: Priced, held: PoolBook
    ) -> tuple[Bytes, tuple[str, ...]]:
        """Adds the columns of the balance; codes of its source, and what of it is counted."""
        equity = equity_of(priced, held, np.ones(len(priced.pool.instruments)))
        sheet.leaf("cash", equity.cash, "balance_side")
        sheet.leaf("unrealised", equity.unrealised, "balance_side")
        sheet.leaf("option_value", equity.option_value, "balance_side")
        sheet.sum("equity", "cash", "unrealised", "option_value")
        return equity.source, ("cash", "unrealised")

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
