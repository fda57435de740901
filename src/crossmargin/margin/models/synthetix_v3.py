"""Synthetix v3 perpetuals: each market by itself, a share that grows with size against skew scale.

    ratio   IM: |size| / skewScale x multiplier + least        MM: that x scalar
    margin  |size| price ratio + minimum of a position
    reward  min(max(least, flag rewards + cost), most), beside both levels where anything is held
    counts  collateral less its discount, and sum size (oracle price - entry price)

A discount is clip(amount / skewScale of the spot market x scalar, lower, upper). The entry price is
the fill: oracle x (1 + (skew + size/2) / skewScale). Liquidatable where MM and reward exceed what
counts. Source: Synthetixio/synthetix-v3 at 23585f73.
"""

from __future__ import annotations

from dataclasses import replace
from typing import final

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.equity import equity_of
from crossmargin.margin.families.additive import Charge, additive_answer
from crossmargin.margin.families.exact_plan import one_pool
from crossmargin.margin.model import (
    Bound,
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
from crossmargin.margin.pools import per_row
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.market.view import View

__all__ = ["SynthetixV3", "collateral_discount", "fill_price", "liquidation_reward", "ratios"]

_CODE = "Synthetixio/synthetix-v3 at 23585f73, perps-market"
MONEY = "SNXUSD"

SPEC = ModelSpec(
    name="synthetix-v3",
    title="Synthetix v3 perpetuals",
    family="additive per position",
    venue="synthetix",
    version="v3",
    folder="synthetix-v3",
    kinds=(Kind.ASSET, Kind.PERPETUAL),
    currency=MONEY,
    scale=ScaleLaw.FIXED_PART,
    balance_side="collateral less its discount, and open profit at the oracle's price",
    rules=(
        Rule("position", "share of notional that grows with size", _CODE, Fidelity.STATED),
        Rule("position_minimum", "an amount a position", _CODE, Fidelity.STATED),
        Rule("liquidation_reward", "what a keeper is paid, capped", _CODE, Fidelity.STATED),
        Rule(
            "window_costs",
            "cost of the further windows that a large liquidation takes: left out",
            _CODE,
            Fidelity.MISSING,
        ),
        Rule("discount", "haircut that grows with the amount", _CODE, Fidelity.STATED),
        Rule("balance_side", "collateral and open profit", _CODE, Fidelity.EXACT),
    ),
    standard="fixed-rate",
    maps_from=("synthetix",),
    unknown=(
        "market parameters: set on chain; give them with --params FILE",
        "cost of further liquidation windows: a requirement is a lower bound",
    ),
    extent=Extent.REFUSED,
    standing=Standing.DORMANT,
)


def ratios(
    size: Floats, skew_scale: Floats, multiplier: Floats, least: Floats, scalar: Floats
) -> tuple[Floats, Floats]:
    """Initial and maintenance share of the notional of positions of ``size``."""
    initial = np.abs(size) / skew_scale * multiplier + least
    return initial, initial * scalar


def fill_price(oracle: Floats, size: Floats, skew_before: Floats, skew_scale: Floats) -> Floats:
    """Price of a fill: the oracle's, moved by half of its own effect on the skew."""
    return np.asarray(oracle * (1.0 + (skew_before + size / 2.0) / skew_scale))


def liquidation_reward(flag_rewards: Floats, cost: float, least: float, most: float) -> Floats:
    """What a keeper may be paid: ``min(max(least, flag rewards + cost), most)``."""
    return np.minimum(np.maximum(flag_rewards + cost, least), most)


def collateral_discount(
    amount: Floats, skew_scale: Floats, scalar: Floats, lower: Floats, upper: Floats
) -> Floats:
    """Haircut fraction of a collateral; 0 where the scale is 0 (snxUSD has none)."""
    scaled = skew_scale > 0.0
    share = np.abs(amount) / np.where(scaled, skew_scale, 1.0) * scalar
    return np.where(scaled, np.minimum(np.maximum(share, lower), upper), 0.0)


@final
class SynthetixV3:
    """One pool in snxUSD: an account."""

    spec = SPEC

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """Every line in one pool; ModelError ``parameter_missing`` for an unknown market."""
        cash = tuple(parameters.tables("collateral"))
        return one_pool(instruments, parameters, MONEY, cash, "market", "collateral")

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """Charges of a unit by market, and snxUSD of each collateral: a dollar to the protocol."""
        part = pool.instruments
        columns = {name: np.zeros(len(part)) for name in (*_CHARGES, *_DISCOUNT, "usd")}
        for k, item in enumerate(part.items):
            if item.kind == Kind.PERPETUAL:
                _market(columns, k, f"market.{item.underlying}", float(view.mark[k]), parameters)
                continue
            table = f"collateral.{item.underlying}"
            for name in _DISCOUNT:
                columns[name][k] = parameters.number(f"{table}.{name}")
            money = item.underlying == MONEY
            columns["usd"][k] = 1.0 if money else float(view.usd[part.underlying[k]])
        usd = float(view.usd[part.names.index(MONEY)]) if MONEY in part.names else 1.0
        return Priced(pool, view, usd, None, None, columns, np.zeros(len(part)))

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block of accounts."""
        columns = priced.columns
        to_pool = np.where(priced.pool.cash == 1, columns["usd"], 1.0)
        equity = equity_of(priced, held, to_pool, settled=False)
        discount = collateral_discount(
            held.quantity, *(columns[name][held.column] for name in _DISCOUNT)
        )
        owned = np.maximum(held.quantity, 0.0) * columns["usd"][held.column]
        none = np.zeros(len(priced.pool.instruments))
        flags = Charge(columns["flag"], columns["flag"], none, none).of(held)
        fixed = Charge(none, none, none, columns["minimum"]).of(held)
        open_any = per_row(held.row, columns["open"][held.column] * np.abs(held.quantity))
        numbers = (parameters.number(f"reward.{name}") for name in ("cost", "least", "most"))
        reward = np.where(open_any > 0.0, liquidation_reward(flags, *numbers), 0.0)
        sheet = SheetBuilder(len(held.row) - 1)
        sheet.leaf("cash", equity.cash, "balance_side")
        sheet.leaf("unrealised", equity.unrealised, "balance_side")
        sheet.sum("equity", "cash", "unrealised")
        sheet.leaf("discount", per_row(held.row, owned * discount), "discount")
        sheet.difference("available", "equity", "discount")
        linear, square = columns["linear"], columns["square"]
        sheet.leaf("position_im", Charge(linear, linear, square, none).of(held), "position")
        scaled = linear * columns["scalar"], square * columns["scalar"]
        sheet.leaf(
            "position_mm", Charge(scaled[0], scaled[0], scaled[1], none).of(held), "position"
        )
        sheet.leaf("position_minimum", fixed, "position_minimum")
        sheet.leaf("reward", reward, "liquidation_reward")
        sheet.leaf("window_costs", 0.0, "window_costs")
        more = ("position_minimum", "reward", "window_costs")
        parts = {level: (f"position_{level}", *more) for level in ("im", "mm")}
        found = additive_answer(sheet, held, equity, ("available", "available"), parts)
        return replace(found, bound=Bound.AT_LEAST, at_least=open_any > 0.0)

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """Orders are settled at once; none rests."""
        return None

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """No scenarios."""
        return None


_CHARGES = ("open", "linear", "square", "scalar", "minimum", "flag")
_DISCOUNT = ("skew_scale", "discount_scalar", "lower_discount", "upper_discount")


def _market(
    columns: dict[str, Floats], k: int, table: str, price: float, parameters: Parameters
) -> None:
    """Charges of one unit: ``price (least q + multiplier / skewScale q^2)``, minimum and reward."""
    multiplier = parameters.number(f"{table}.initial_margin_ratio")
    scale = parameters.number(f"{table}.skew_scale")
    columns["open"][k] = 1.0
    columns["linear"][k] = price * parameters.number(f"{table}.minimum_initial_margin_ratio")
    columns["square"][k] = price * multiplier / scale
    columns["scalar"][k] = parameters.number(f"{table}.maintenance_margin_scalar")
    columns["minimum"][k] = parameters.number(f"{table}.minimum_position_margin")
    columns["flag"][k] = price * parameters.number(f"{table}.flag_reward_ratio")
