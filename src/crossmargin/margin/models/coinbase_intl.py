"""Coinbase International perpetuals in automatic margin mode.

    IM = max(base share, RP sqrt(CoH)) x position size      MM = 2/3 IM
    close-out margin = max(IM / 3, MM - 12 % of size)

The base share is the default initial margin of a contract. RP and the close-out horizon are not
published: that share is left out and the answer is *at least*, unless ``size_share`` is given.
Position size is quantity times execution price. Collateral counts at its weight; one whose weight
is not in the set is refused.
Source: Coinbase International Exchange, leverage and margin policy; help pages.
"""

from __future__ import annotations

from typing import final

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.equity import equity_of
from crossmargin.margin.families.collateral import (
    haircut_of,
    one_pool,
    require_weights,
    usd_of,
    weights_of,
    worth_of,
)
from crossmargin.margin.families.standard_options import unscenarioed
from crossmargin.margin.families.tiers import open_size_need, require_tables
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
)
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import is_kind, per_row
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.market.view import View

__all__ = ["CoinbaseIntl"]

CASH = "USDC"
_POLICY = "Coinbase International Exchange, leverage and margin policy"
_HELP = "help.coinbase.com, international exchange"

SPEC = ModelSpec(
    name="coinbase-intl",
    title="Coinbase International perpetuals (automatic margin mode)",
    family="tiers",
    venue="coinbase-intl",
    version="2024-05",
    folder="coinbase-intl",
    kinds=(Kind.ASSET, Kind.PERPETUAL),
    currency=CASH,
    scale=ScaleLaw.HOMOGENEOUS,
    balance_side="USDC, collateral at its weight and unrealised profit",
    rules=(
        Rule("base_margin", "base share of position size", f"{_POLICY}; {_HELP}", Fidelity.STATED),
        Rule(
            "size_margin",
            "RP sqrt(close-out horizon) above the base share: not published, left out unless given",
            _POLICY,
            Fidelity.MISSING,
        ),
        Rule("mm_fraction", "MM = 2/3 IM", _POLICY, Fidelity.STATED),
        Rule("close_out", "max(IM / 3, MM - 12 % of size)", _POLICY, Fidelity.STATED),
        Rule(
            "order_margin",
            "each perpetual at its larger open size, and every open loss: an upper bound",
            "this project's",
            Fidelity.INFERRED,
        ),
        Rule("balance_side", "USDC and unrealised profit", _HELP, Fidelity.STATED),
        Rule(
            "collateral_weight", "what collateral counts less than its price", _HELP, Fidelity.EXACT
        ),
    ),
    standard="coinbase-intl",
    unknown=(
        "RP, the close-out horizon and average volumes: the answer is at least the base share",
        "credit of margin offset: portfolios that opted in are refused",
        "collateral weights and limits: to be given, USDC but counts in full",
    ),
    extent=Extent.AT_LEAST,
)


@final
class CoinbaseIntl:
    """One pool in USDC."""

    spec = SPEC

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """One pool; every contract must have its share and every asset its weight."""
        held = tuple(i.underlying for i in instruments.items if i.kind == Kind.ASSET)
        require_weights(parameters, "collateral", "weight", held)
        perps = [i.underlying for i in instruments.items if i.kind == Kind.PERPETUAL]
        remedy = "Give the contract's default initial margin with --params FILE."
        require_tables(parameters, [f"contract.{name}.base_share" for name in perps], remedy)
        return one_pool(instruments, parameters, CASH)

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """Base share of every contract; worth and weight of the collateral."""
        part, usd = pool.instruments, usd_of(pool.instruments, view, CASH)
        perp = Kind.PERPETUAL
        share = [
            parameters.number(f"contract.{i.underlying}.base_share") if i.kind == perp else 0.0
            for i in part.items
        ]
        known = [f"contract.{i.underlying}.size_share" in parameters for i in part.items]
        more = [
            max(parameters.number(f"contract.{i.underlying}.size_share") - base, 0.0)
            if yes
            else 0.0
            for i, base, yes in zip(part.items, share, known, strict=True)
        ]
        columns = {
            "share": np.array(share),
            "more": np.array(more),
            "unknown": np.where(np.array(known, np.bool_), 0.0, np.array(share)),
            "worth": worth_of(part, view, usd),
            "weight": weights_of(part, parameters, "collateral", "weight"),
        }
        return Priced(pool, view, usd, None, None, columns, np.zeros(len(part)))

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block of accounts."""
        _refuse_offset(held)
        columns = priced.columns
        equity = equity_of(priced, held, columns["worth"], settled=False)
        lost = haircut_of(priced, held, columns["worth"], columns["weight"])
        size = _size(priced, held)
        base = per_row(held.row, size * columns["share"][held.column])
        sheet = SheetBuilder(len(held.row) - 1)
        more = per_row(held.row, size * columns["more"][held.column])
        sheet.leaf("base_margin", base, "base_margin")
        sheet.leaf("size_margin", more, "size_margin")
        sheet.sum("position_im", "base_margin", "size_margin")
        sheet.leaf("position_size", per_row(held.row, size), "close_out")
        third = sheet["position_im"] / 3.0
        fraction = parameters.number("general.mm_fraction")
        relief = parameters.number("general.close_out_relief") * sheet["position_size"]
        out = np.maximum(third, fraction * sheet["position_im"] - relief)
        sheet.leaf("close_out_margin", out, "close_out")
        sheet.scale("position_mm", "position_im", fraction, "mm_fraction")
        sheet.leaf("cash", equity.cash, "balance_side")
        sheet.leaf("unrealised", equity.unrealised, "balance_side")
        sheet.sum("equity", "cash", "unrealised")
        sheet.leaf("collateral_haircut", -lost, "collateral_weight")
        need = self.order_need(priced, held, parameters)
        sheet.leaf("order_margin", order_margin(need, sheet["position_im"]), "order_margin")
        sheet.sum("counted_im", "equity", "collateral_haircut")
        sheet.sum("im", "position_im", "order_margin")
        sheet.sum("counted_mm", "equity", "collateral_haircut")
        sheet.scale("mm", "position_mm", 1.0)
        left_out = per_row(held.row, size * columns["unknown"][held.column]) > 0.0
        return unscenarioed(sheet, held, equity.source, left_out)

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """Each contract at its larger open size, and every open loss: an upper bound."""
        fills = fills_of(priced, held, np.ones(len(priced.pool.instruments)), mmp=True)
        if fills is None:
            return None
        unit, share = _unit(priced), priced.columns["share"] + priced.columns["more"]

        base = per_row(held.row, _size(priced, held) * share[held.column])
        return open_size_need(
            base, held, fills, lambda _, c, q: np.asarray(np.abs(q) * unit[c] * share[c])
        )

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """No scenarios."""
        return None


def _unit(priced: Priced) -> Floats:
    """[I] size of one unit at the mark, in USDC."""
    part = priced.pool.instruments
    return np.where(is_kind(part, Kind.PERPETUAL), part.multiplier * priced.view.mark, 0.0)


def _size(priced: Priced, held: PoolBook) -> Floats:
    """[N] quantity x execution price; the mark where the entry is not known."""
    part = priced.pool.instruments
    perp = is_kind(part, Kind.PERPETUAL)[held.column]
    price = np.where(held.entry_known, held.entry_price, priced.view.mark[held.column])
    size = np.abs(held.quantity) * part.multiplier[held.column] * price
    return np.where(perp, size, 0.0)


def _refuse_offset(held: PoolBook) -> None:
    """Raises ModelError ``rules_unknown`` for a portfolio that opted in to margin offset."""
    chosen = held.book.choices.get("margin_offset")
    for k in np.flatnonzero(chosen).tolist() if chosen is not None else ():
        raise ModelError(
            "rules_unknown",
            "the credit of margin offset is not published in full",
            place=f"account {held.book.account[k]} margin_offset",
            value=float(chosen[k]),  # type: ignore[index] # not None here
            limit="0",
            remedy="Leave the choice out for the requirement without the credit.",
        )
