"""GMX v2 perpetuals: every position isolated, with collateral of its own.

    remaining = collateral at its lowest price + profit - price impact - costs
    liquidatable if remaining < min collateral USD, or < size x min collateral factor
    MM = max(min collateral, size f) + size (impact + fee)      f: factor for liquidation
    IM = the same with the market's min collateral factor

Size is the position's dollars at entry. Positive price impact counts nothing; negative impact is
capped at a share of the size, which is charged in full (one reading) or not at all (the other): the
venue's figure lies between. Pending borrowing and funding fees are left out: *at least*. A market's
factors are its own on-chain configuration and are given by the user.

A position is one perpetual; its collateral are the assets whose native id is ``POSITION|TOKEN``.
Other assets stand in a wallet that backs nothing. Source: gmx-synthetics @ a5c0c883, PositionUtils.
"""

from __future__ import annotations

from dataclasses import replace
from typing import final

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.instruments.book import Reported
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.equity import equity_of
from crossmargin.margin.families.collateral import worth_of
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
from crossmargin.margin.pools import is_kind, make_pool, per_row
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.market.view import View

__all__ = ["GmxV2"]

_CODE = "gmx-synthetics @ a5c0c883, PositionUtils"
_FACTORS = (
    "min_collateral_factor",
    "min_collateral_factor_for_liquidation",
    "max_impact_factor_for_liquidations",
    "position_fee_factor",
)

SPEC = ModelSpec(
    name="gmx-v2",
    title="GMX v2 perpetuals, each position isolated",
    family="tiers",
    venue="gmx",
    version="v2",
    folder="gmx-v2",
    kinds=(Kind.ASSET, Kind.PERPETUAL),
    currency="USD",
    scale=ScaleLaw.FIXED_PART,
    balance_side="collateral of the position at its price, and unrealised profit",
    rules=(
        Rule(
            "min_collateral",
            "the larger of a fixed amount and a share of the size",
            _CODE,
            Fidelity.STATED,
        ),
        Rule(
            "price_impact",
            "negative impact of closing, at most a share of the size",
            f"{_CODE}; the impact itself depends on the pool's imbalance",
            Fidelity.INFERRED,
            ("reading.price_impact",),
        ),
        Rule("closing_fee", "fee to close the position", _CODE, Fidelity.STATED),
        Rule(
            "order_margin",
            "each market at its larger open size, and every open loss: an upper bound",
            "this project's: an order of the venue carries its own collateral",
            Fidelity.INFERRED,
        ),
        Rule("balance_side", "collateral and profit", _CODE, Fidelity.STATED),
    ),
    readings={"reading.price_impact": ("cap", "none")},
    standard="gmx-v2",
    unknown=(
        "factors of each market: to be given, they change by governance",
        "pending borrowing and funding fees: left out, so that the answer is at least that",
        "lowest and highest oracle price: one price is used",
    ),
    extent=Extent.REFUSED,
)


@final
class GmxV2:
    """One pool a position, and one for the wallet."""

    spec = SPEC

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """A pool per perpetual with its collateral; assets of no position are the wallet."""
        items = instruments.items
        perps = [k for k, item in enumerate(items) if item.kind == Kind.PERPETUAL]
        names = [f"market.{items[k].underlying}.{f}" for k in perps for f in _FACTORS]
        names = [*names, "general.min_collateral_usd"]
        require_tables(parameters, names, "Give the market's configuration with --params FILE.")
        owner = {k: k for k in perps}
        for k, item in enumerate(items):
            if item.kind == Kind.ASSET:
                stem = item.native_id.rpartition("|")[0]
                mine = [p for p in perps if items[p].native_id == stem]
                owner[k] = mine[0] if mine else -1
        wallet = [k for k, place in owner.items() if place < 0]
        groups = [(items[p].native_id, [k for k, q in owner.items() if q == p]) for p in perps]
        groups += [("wallet", wallet)] if wallet else []
        held = tuple(dict.fromkeys(item.underlying for item in items))
        # A reported equity is not split over positions: it is the wallet's, else the first's.
        takes = len(groups) - 1 if wallet else 0
        pools = tuple(
            make_pool(
                instruments,
                np.array(sorted(rows), np.int32),
                label,
                "USD",
                held,
                {"reported": number == takes},
            )
            for number, (label, rows) in enumerate(groups)
        )
        return Plan(pools, parameters, ("a position is margined alone; the wallet backs nothing",))

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """Dollars per unit, and the factors of the position's market."""
        part = pool.instruments
        worth = worth_of(part, view, 1.0)
        perp = is_kind(part, Kind.PERPETUAL)
        per_unit = np.where(part.inverse, 1.0, view.mark * worth)
        columns = {"worth": worth, "usd": np.where(perp, part.multiplier * per_unit, 0.0)}
        factor = {
            name: np.array(
                [
                    parameters.number(f"market.{i.underlying}.{name}")
                    if i.kind == Kind.PERPETUAL
                    else 0.0
                    for i in part.items
                ]
            )
            for name in _FACTORS
        }
        if parameters.get("reading.price_impact") == "none":
            factor["max_impact_factor_for_liquidations"] = np.zeros(len(part))
        return Priced(pool, view, 1.0, None, None, {**columns, **factor}, np.zeros(len(part)))

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block of accounts."""
        columns = priced.columns
        size = _size(priced, held)
        least = np.where(size > 0.0, parameters.number("general.min_collateral_usd"), 0.0)
        im = np.maximum(least, size * columns["min_collateral_factor"][held.column])
        factor = columns["min_collateral_factor_for_liquidation"][held.column]
        mm = np.maximum(least, size * factor)
        impact = size * columns["max_impact_factor_for_liquidations"][held.column]
        fee = size * columns["position_fee_factor"][held.column]
        mine = held if priced.pool.facts["reported"] else _unreported(held)
        equity = equity_of(priced, mine, columns["worth"], settled=False)
        sheet = SheetBuilder(len(held.row) - 1)
        sheet.leaf("min_collateral_open", per_row(held.row, np.maximum(im, mm)), "min_collateral")
        sheet.leaf("min_collateral", per_row(held.row, mm), "min_collateral")
        sheet.leaf("price_impact", per_row(held.row, impact), "price_impact")
        sheet.leaf("closing_fee", per_row(held.row, fee), "closing_fee")
        sheet.leaf("cash", equity.cash, "balance_side")
        sheet.leaf("unrealised", equity.unrealised, "balance_side")
        sheet.sum("equity", "cash", "unrealised")
        sheet.sum("position_im", "min_collateral_open", "price_impact", "closing_fee")
        need = self.order_need(priced, held, parameters)
        sheet.leaf("order_margin", order_margin(need, sheet["position_im"]), "order_margin")
        sheet.scale("counted_im", "equity", 1.0)
        sheet.sum("im", "position_im", "order_margin")
        sheet.scale("counted_mm", "equity", 1.0)
        sheet.sum("mm", "min_collateral", "price_impact", "closing_fee")
        return unscenarioed(sheet, held, equity.source, per_row(held.row, size) > 0.0)

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """The position at its larger open size, and every open loss: an upper bound."""
        columns = priced.columns
        fills = fills_of(priced, held, columns["worth"], mmp=True)
        if fills is None:
            return None
        least_usd = parameters.number("general.min_collateral_usd")
        share = np.maximum(
            columns["min_collateral_factor"], columns["min_collateral_factor_for_liquidation"]
        )
        more = columns["max_impact_factor_for_liquidations"] + columns["position_fee_factor"]

        def charge(size: Floats, column: np.ndarray) -> Floats:
            least = np.where(size > 0.0, least_usd, 0.0)
            return np.asarray(np.maximum(least, size * share[column]) + size * more[column])

        base = per_row(held.row, charge(_size(priced, held), held.column))
        return open_size_need(
            base, held, fills, lambda _, c, q: charge(np.abs(q) * columns["usd"][c], c)
        )

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """No scenarios."""
        return None


def _unreported(held: PoolBook) -> PoolBook:
    return replace(held, book=replace(held.book, reported=Reported()))


def _size(priced: Priced, held: PoolBook) -> Floats:
    """[N] dollars of each position at its entry price; at the mark where that is not known."""
    part, view = priced.pool.instruments, priced.view
    now = priced.columns["usd"][held.column]
    mark = view.mark[held.column]
    linear = held.entry_known & ~part.inverse[held.column] & (mark > 0.0)
    moved = np.where(linear, held.entry_price / np.where(mark > 0.0, mark, 1.0), 1.0)
    return np.asarray(np.abs(held.quantity) * now * moved)
