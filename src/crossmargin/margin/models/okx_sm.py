"""OKX standard margin of options: single- and multi-currency margin, position by position.

    paid in coin, a contract of one coin; OTM of the forward F
      short       IM = f max(a, b - OTM / F) + mark
      short call  MM = f c + mark          short put  MM = f max(c, c mark) + mark
    paid in dollars: the shares times the index, and ``max(c index, c mark)`` for a put
    long          premium only
    orders        a sale opens: max(IM - price, least); closes: nothing
                  a purchase opens: its premium; closes: max(price - IM, 0)

f is the factor of the position tier, which grows with what is sold; only that of the first tier is
known, so a short needs at least what is shown. Perpetuals and futures are margined by position
tiers that are not known at all: they are refused.
Source: okx.com help, option margin.
"""

from __future__ import annotations

from typing import final

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.equity import equity_of, mark_value
from crossmargin.margin.fills import fills_of, order_margin
from crossmargin.margin.model import (
    Extent,
    Fidelity,
    Fills,
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
from crossmargin.margin.pools import by_row, is_kind, make_pool, row_of_position
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.market.view import View
from crossmargin.pricing.sums import row_sums

__all__ = ["OkxSM"]

_HELP = "okx.com help, option margin article (as updated 2026-05-01)"

SPEC = ModelSpec(
    name="okx-sm",
    title="OKX standard margin of options",
    family="per-position",
    venue="okx",
    version="2022",
    folder="okx-sm",
    kinds=(Kind.ASSET, Kind.OPTION),
    currency="settle",
    scale=ScaleLaw.HOMOGENEOUS,
    balance_side="balance and open profit of the settlement currency: option value backs nothing",
    rules=(
        Rule(
            "option_charge",
            "share of a coin by moneyness against the forward, plus the mark of a short",
            _HELP,
            Fidelity.STATED,
        ),
        Rule(
            "margin_factor",
            "factor of the position tier: the first, above it more",
            f"{_HELP}; the tiers stand in the venue's own table",
            {Kind.OPTION: Fidelity.MISSING},
        ),
        Rule("order_margin", "by whether an order opens or closes", _HELP, Fidelity.STATED),
        Rule(
            "balance_side",
            "free margin = balance + open profit - in use",
            "okx.com help, multi-currency against portfolio margin (2024-08-28)",
            Fidelity.STATED,
        ),
    ),
    standard="okx-sm",
    maps_from=("okx", "deribit"),
    unknown=(
        "factors of the position tiers above the first: a short needs at least what is shown",
        "position tiers of perpetuals and futures: they are refused",
        "fees, which the venue adds to the margin of orders",
    ),
    extent=Extent.AT_LEAST,
)


@final
class OkxSM:
    """One pool a settlement currency."""

    spec = SPEC

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """A pool per settlement currency.

        Raises ModelError ``parameter_missing`` for an underlying whose share is not known.
        """
        for item in instruments.items:
            if item.kind == Kind.OPTION and f"maintenance.{item.underlying}" not in parameters:
                raise ModelError(
                    "parameter_missing",
                    "no parameters for this underlying",
                    place=f"{parameters.model} {parameters.label}",
                    value=item.underlying,
                    limit=", ".join(parameters.tables("maintenance")),
                    remedy="Give the venue's share of that underlying with --params FILE.",
                )
        settle = np.asarray(instruments.settle)
        names = sorted({item.settle for item in instruments.items})
        rows = {n: np.flatnonzero(settle == instruments.names.index(n)) for n in names}
        pools = (make_pool(instruments, rows[n].astype(np.int32), n, n, (n,)) for n in names)
        return Plan(tuple(pools), parameters)

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """Shares and marks of one short option."""
        part = pool.instruments
        usd = float(view.usd[part.names.index(pool.currency)])
        columns = _short(part, view, parameters)
        return Priced(pool, view, usd, None, None, columns, mark_value(part, view))

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block of accounts."""
        columns, accounts = priced.columns, len(held.row) - 1
        stack = np.stack([columns[name] for name in ("im", "mm", "mark")], axis=1)
        short = -row_sums(held.row, held.column, held.quantity, stack, trusted=True).short
        sold = np.zeros(accounts, np.bool_)
        shorts = np.flatnonzero((held.quantity < 0.0) & (columns["im"][held.column] > 0.0))
        sold[np.searchsorted(held.row, shorts, side="right") - 1] = True
        equity = equity_of(priced, held, np.ones(len(priced.pool.instruments)))
        factor = parameters.number("option.margin_factor")
        sheet = SheetBuilder(accounts)
        sheet.leaf("im_share", short[:, 0], "option_charge")
        sheet.leaf("mm_share", short[:, 1], "option_charge")
        sheet.leaf("mark", short[:, 2], "option_charge")
        sheet.scale("im_charge", "im_share", factor, "margin_factor")
        sheet.scale("mm_charge", "mm_share", factor, "margin_factor")
        sheet.leaf("cash", equity.cash, "balance_side")
        sheet.leaf("unrealised", equity.unrealised, "balance_side")
        sheet.leaf("option_value", equity.option_value, "balance_side")
        sheet.sum("equity", "cash", "unrealised", "option_value")
        base = sheet["im_charge"] + sheet["mark"]
        need = self.order_need(priced, held, parameters)
        sheet.leaf("order_margin", order_margin(need, base), "order_margin")
        sheet.sum("counted_im", "cash", "unrealised")
        sheet.sum("im", "im_charge", "mark", "order_margin")
        sheet.sum("counted_mm", "cash", "unrealised")
        sheet.sum("mm", "mm_charge", "mark")
        nothing = np.full(accounts, -1, np.int32)
        built = sheet.build(held.account, 0)
        return PoolAnswer(built, nothing, nothing, np.zeros(accounts), equity.source, at_least=sold)

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """Initial requirement with the venue's margin of each order: no fills need more."""
        units = np.ones(len(priced.pool.instruments))
        fills = fills_of(priced, held, units, mmp=True, value_counts=False)
        if fills is None:
            return None
        columns, factor = priced.columns, parameters.number("option.margin_factor")
        unit = columns["im"] * factor + columns["mark"]
        base = -row_sums(held.row, held.column, held.quantity, unit[:, None]).short[:, 0]
        least = parameters.number("option.order_least_share") * columns["unit"]
        hold = _order_holds(held, fills, unit, least)
        accounts = len(held.row) - 1
        need = base + by_row(row_of_position(fills.row), hold, accounts)
        nothing = np.full(accounts, -1, np.int32)
        return OrderNeed(need, fills, hold > 0.0, nothing)

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """No scenarios: position by position."""
        return None


def _short(part: Instruments, view: View, parameters: Parameters) -> dict[str, Floats]:
    """[I] shares of one short option before the factor, its mark, and a coin of it."""
    option = is_kind(part, Kind.OPTION)
    forward = np.ones(len(part))
    if len(part.expiries):
        whole = (view.forward + view.forward_settled)[np.maximum(part.expiry, 0)]
        forward = np.where(option & (whole > 0.0), whole, 1.0)
    out = np.maximum(part.right * (part.strike - forward), 0.0) / forward
    unit = np.where(part.inverse, 1.0, view.index[part.pair])
    least = parameters.number("option.im_least_share")
    share = np.maximum(parameters.number("option.im_share") - out, least)
    known = [
        parameters.number(f"maintenance.{i.underlying}") if i.right else 0.0 for i in part.items
    ]
    kept = np.array(known, np.float64)
    mm = np.where(part.right < 0, np.maximum(kept * unit, kept * view.mark), kept * unit)
    size = np.where(option, part.multiplier, 0.0)
    return {
        "im": share * unit * size,
        "mm": mm * size,
        "mark": view.mark * size,
        "unit": unit * size,
    }


def _order_holds(held: PoolBook, fills: Fills, unit: Floats, least: Floats) -> Floats:
    """[M] the venue's margin of each order; what closes a position is taken in turn.

    ``unit[I]`` initial margin of one short, ``least[I]`` the least of one that is sold to open.
    """
    out = np.zeros(len(fills))
    price = np.abs(fills.cash) / np.abs(fills.size)
    room: dict[tuple[int, int], float] = {}
    for m, a in enumerate(row_of_position(fills.row).tolist()):
        column, size = int(fills.column[m]), float(fills.size[m])
        key = a, column
        if key not in room:
            span = slice(int(held.row[a]), int(held.row[a + 1]))
            at = np.flatnonzero(held.column[span] == column)
            room[key] = float(held.quantity[span][at[0]]) if len(at) else 0.0
        position = room[key]
        closes = min(abs(size), abs(position)) if position * size < 0.0 else 0.0
        room[key] = position + np.sign(size) * closes
        opens = abs(size) - closes
        if size > 0.0:
            out[m] = closes * max(price[m] - unit[column], 0.0) + opens * price[m]
        else:
            out[m] = opens * max(unit[column] - price[m], least[column])
    return out
