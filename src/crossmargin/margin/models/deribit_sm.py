"""Deribit standard margin: position by position, no netting.

    inverse option, coin a contract, OTM = max(0, (K - I)/I) call, max(0, (I - K)/I) put
      short call  IM = max(0.15 - OTM, 0.10) + mark              MM = 0.075 + mark
      short put   IM = max(max(0.15 - OTM, 0.10) + mark, MM)     MM = max(0.075, 0.075 mark) + mark
      long        premium only
    future, perpetual of n coins
      increment   IM = n (base + step n)                          MM = n (base' + step n)
      tier        IM = n / L,  MM = 2/3 IM               (the first tier is all that is known)

A linear contract takes the same shares of the index, in its quote currency. Option value does not
count in the margin balance (equity less options value), so a short's mark is part of its
requirement.
Source: support.deribit.com; the two future rules contradict each other and are a switch.
"""

from __future__ import annotations

from typing import final

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.deribit_common import KINDS, coin_size
from crossmargin.margin.equity import equity_of, mark_value
from crossmargin.margin.families.standard_options import by_settlement, floored, unscenarioed
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
from crossmargin.margin.pools import is_kind, of_underlying, per_row
from crossmargin.margin.separable import separable_need
from crossmargin.margin.separable_pieces import separable_pieces
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.market.view import View
from crossmargin.pricing.sums import row_sums

__all__ = ["DeribitSM"]

_HELP = "support.deribit.com, margin articles"

SPEC = ModelSpec(
    name="deribit-sm",
    title="Deribit standard margin (S:SM)",
    family="per-position",
    venue="deribit",
    version="2024",
    folder="deribit-sm",
    kinds=KINDS,
    currency="settle",
    scale=ScaleLaw.SUPERLINEAR,
    balance_side="equity less option value: an option's value backs nothing",
    rules=(
        Rule(
            "option_charge",
            "share of the index by moneyness, plus the mark of a short",
            f"{_HELP}; third-party rewrites agree",
            Fidelity.STATED,
        ),
        Rule(
            "future_charge",
            "base share plus an increment a coin, or the leverage tier",
            f"{_HELP} (worked examples of linear perpetuals); tier rule: a reader of 2026-09-23",
            {Kind.PERPETUAL: Fidelity.INFERRED, Kind.FUTURE: Fidelity.INFERRED},
            ("reading.future_rule",),
        ),
        Rule(
            "order_margin",
            "each instrument at its worst fill",
            "this project's; the venue's own form is not rebuilt",
            Fidelity.INFERRED,
        ),
        Rule(
            "balance_side",
            "margin balance = equity - options value",
            "identities of a recorded account summary",
            Fidelity.EXACT,
        ),
    ),
    readings={"reading.future_rule": ("increment", "tier")},
    standard="deribit-sm",
    unknown=(
        "leverage tiers above the first: with the tier reading a large future is a lower bound",
        "order margin: each instrument at its worst fill; the venue's own form is not published",
    ),
)


@final
class DeribitSM:
    """One pool a settlement currency."""

    spec = SPEC

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """A pool per settlement currency."""
        return by_settlement(instruments, parameters)

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """Charges of one short option, sizes and shares of the futures."""
        part = pool.instruments
        share, least, mm_share = (
            parameters.number(f"option.{name}")
            for name in ("im_itm_share", "im_least_share", "mm_share")
        )
        im, mm = floored(part, view, share, least, mm_share)
        future = is_kind(part, Kind.PERPETUAL, Kind.FUTURE)
        coins = np.where(future, coin_size(part, view), 0.0)
        # A coin position is margined in coin, a linear one at the index in its quote currency.
        price = np.where(part.inverse, 1.0, view.index[part.pair])
        columns = {"short_im": im, "short_mm": mm, "coins": coins, "price": price}
        for name in ("im_base", "mm_base", "increment", "leverage"):
            columns[name] = _future(part, parameters, name)
        usd = float(view.usd[part.names.index(pool.currency)])
        return Priced(pool, view, usd, None, None, columns, mark_value(part, view))

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block of accounts."""
        columns, accounts = priced.columns, len(held.row) - 1
        stack = np.stack([columns["short_im"], columns["short_mm"]], axis=1)
        total = row_sums(held.row, held.column, held.quantity, stack, trusted=True)
        future_im, future_mm = _future_charges(priced, held, parameters)
        equity = equity_of(priced, held, np.ones(len(priced.pool.instruments)))
        sheet = SheetBuilder(accounts)
        sheet.leaf("option_im", -total.short[:, 0], "option_charge")
        sheet.leaf("future_im", future_im, "future_charge")
        sheet.leaf("option_mm", -total.short[:, 1], "option_charge")
        sheet.leaf("future_mm", future_mm, "future_charge")
        sheet.leaf("cash", equity.cash, "balance_side")
        sheet.leaf("unrealised", equity.unrealised, "balance_side")
        sheet.leaf("option_value", equity.option_value, "balance_side")
        sheet.sum("equity", "cash", "unrealised", "option_value")
        base = sheet["option_im"] + sheet["future_im"]
        need = self.order_need(priced, held, parameters)
        sheet.leaf("order_margin", order_margin(need, base), "order_margin")
        sheet.sum("counted_im", "cash", "unrealised")
        sheet.sum("im", "option_im", "future_im", "order_margin")
        sheet.sum("counted_mm", "cash", "unrealised")
        sheet.sum("mm", "option_mm", "future_mm")
        tier = parameters.get("reading.future_rule") == "tier"
        coins = np.abs(held.quantity) * columns["coins"][held.column]
        beyond = per_row(held.row, coins) > 0.0 if tier else np.zeros(accounts, np.bool_)
        return unscenarioed(sheet, held, equity.source, beyond)

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


def _future(part: Instruments, parameters: Parameters, name: str) -> Floats:
    """[I] a share of each future, by underlying; 0 for other rows."""
    out = np.zeros(len(part))
    rows = np.flatnonzero(is_kind(part, Kind.PERPETUAL, Kind.FUTURE))
    out[rows] = of_underlying(part, rows, lambda u: parameters.number(f"future.{u}.{name}"))
    return out


def _future_charges(
    priced: Priced, held: PoolBook, parameters: Parameters
) -> tuple[Floats, Floats]:
    """[A] initial and maintenance charge of the futures, position by position."""
    column = held.column
    columns = priced.columns
    coins = np.abs(held.quantity) * columns["coins"][column]
    value = coins * columns["price"][column]
    if parameters.get("reading.future_rule") == "tier":
        leverage = np.maximum(columns["leverage"][column], 1.0)
        im = np.where(columns["leverage"][column] > 0.0, value / leverage, 0.0)
        mm = im * parameters.number("future_tier.mm_fraction")
    else:
        step = columns["increment"][column] * coins
        im = value * (columns["im_base"][column] + step)
        mm = value * (columns["mm_base"][column] + step)
    return per_row(held.row, im), per_row(held.row, mm)
