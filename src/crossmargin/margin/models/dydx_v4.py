"""dYdX v4: perpetuals in USDC, each market by itself, in the chain's own integers.

    NC    USDC + sum (notional + quote balance)        quote balance = -(size x entry price)
    IMR   sum ceil(|notional| max(imf(OI), custom) / 1e6)
    MMR   sum ceil(ceil(|notional| i / 1e6) fraction / 1e6)

A position of the book is cut to whole base quantums and a price rounded to the market's ticks; all
that follows is exact. Open orders need nothing. Source: dydxprotocol/v4-chain at 84d4664b.
"""

from __future__ import annotations

from typing import final

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.families.exact_accounts import exact_leaves, quote_equity
from crossmargin.margin.families.exact_dydx import (
    MILLION,
    QUOTE_DECIMALS,
    adjusted_imf_ppm,
    margin_requirements,
)
from crossmargin.margin.families.exact_dydx_accounts import (
    DydxMarket,
    chosen_imf,
    dydx_bounds,
    dydx_market,
)
from crossmargin.margin.families.exact_plan import one_pool
from crossmargin.margin.families.exact_units import (
    entry_quote,
    held_units,
)
from crossmargin.margin.families.screening import Bounds
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
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.margin.usdc_pools import CASH, stable_usd
from crossmargin.market.view import View

__all__ = ["DydxV4"]

_CHAIN = "dydxprotocol/v4-chain at 84d4664b"

SPEC = ModelSpec(
    name="dydx-v4",
    title="dYdX v4 margin of a subaccount",
    family="integer per position",
    venue="dydx",
    version="v4",
    folder="dydx-v4",
    kinds=(Kind.ASSET, Kind.PERPETUAL),
    currency=CASH,
    scale=ScaleLaw.FIXED_PART,
    balance_side="net collateral: USDC and each position's value less what it cost",
    rules=(
        Rule("initial", "share of the notional, rising with open interest", _CHAIN, Fidelity.EXACT),
        Rule("maintenance", "fraction of the unscaled initial margin", _CHAIN, Fidelity.EXACT),
        Rule("net_collateral", "USDC and open profit, in quantums", _CHAIN, Fidelity.EXACT),
        Rule("surplus", "net collateral less requirement, exact", _CHAIN, Fidelity.EXACT),
    ),
    standard="fixed-rate",
    quantum=10.0**-QUOTE_DECIMALS,
    maps_from=("dydx",),
    unknown=(
        "open interest: where the snapshot holds none, a capped market's initial margin is a "
        "lower bound",
        "markets added or moved to another tier since genesis: give them with --params FILE",
    ),
)


@final
class DydxV4:
    """One pool: a subaccount."""

    spec = SPEC

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """Every line in one pool; ModelError ``parameter_missing`` for a market without a tier."""
        return one_pool(instruments, parameters, CASH, (CASH,), "market")

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """Markets in integers, and their floats for the bounds of a population."""
        part = pool.instruments
        markets: dict[int, DydxMarket] = {}
        columns = {name: np.zeros(len(part)) for name in ("value", "quantum", "im", "mm")}
        for k, item in enumerate(part.items):
            if item.kind != Kind.PERPETUAL:
                continue
            subject, mark = f"{item.venue}|{item.native_id}", float(view.mark[k])
            market = dydx_market(subject, item.underlying, view, mark, parameters)
            markets[k] = market
            columns["value"][k] = market.price * 10.0**market.exponent
            columns["quantum"][k] = columns["value"][k] * 10.0**market.resolution
            imf = adjusted_imf_ppm(market.tier, market.open_interest)
            columns["im"][k] = imf / MILLION
            fraction = market.tier.initial_margin_ppm * market.tier.maintenance_fraction_ppm
            columns["mm"][k] = fraction / MILLION**2
        nothing = np.zeros(len(part))
        usd = stable_usd(view, part)
        return Priced(pool, view, usd, None, None, columns, nothing, {"markets": markets})

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block of accounts, every row in integers."""
        markets: dict[int, DydxMarket] = priced.facts["markets"]
        equity = quote_equity(priced, held, QUOTE_DECIMALS, lambda k: bool(priced.pool.cash[k]))
        accounts = len(held.row) - 1
        custom = chosen_imf(held, accounts)
        rows: list[list[int]] = []
        at_least = np.zeros(accounts, np.bool_)
        for a in range(accounts):
            profit = imr = mmr = 0
            for j in range(int(held.row[a]), int(held.row[a + 1])):
                market = markets.get(int(held.column[j]))
                if market is None:
                    continue
                base = held_units(held, j, -market.resolution)
                notional = market.notional(base)
                needs = margin_requirements(notional, market.tier, market.open_interest, custom[a])
                imr, mmr = imr + needs[0], mmr + needs[1]
                at_least[a] |= market.unknown and base != 0
                if equity.open_profit[a] and held.entry_known[j]:
                    shift = market.resolution + QUOTE_DECIMALS
                    profit += notional + entry_quote(base, float(held.entry_price[j]), shift)
            rows.append([equity.cash[a], profit, imr, mmr])
        sheet = _sheet(rows)
        none = np.full(accounts, -1, np.int32)
        built = sheet.build(held.account, 0)
        return PoolAnswer(built, none, none, np.zeros(accounts), equity.source, at_least=at_least)

    def bounds(
        self, priced: Priced, held: PoolBook, parameters: Parameters, level: str
    ) -> Bounds | None:
        """The same in floats, with their slack: see ``exact_dydx_accounts``."""
        return dydx_bounds(priced, held, level)

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """Open orders need nothing."""
        return None

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """No scenarios: position by position."""
        return None


def _sheet(rows: list[list[int]]) -> SheetBuilder:
    """Columns of [cash, profit, imr, mmr] in quantums."""
    sheet = SheetBuilder(len(rows))
    add = exact_leaves(sheet, rows, QUOTE_DECIMALS)
    add("cash", "net_collateral", (0,))
    add("unrealised", "net_collateral", (1,))
    add("equity", "net_collateral", (0, 1))
    add("surplus_im", "surplus", (0, 1), (2,))
    add("surplus_mm", "surplus", (0, 1), (3,))
    add("initial", "initial", (2,))
    add("maintenance", "maintenance", (3,))
    sheet.scale("counted_im", "equity", 1.0)
    sheet.scale("im", "initial", 1.0)
    sheet.scale("counted_mm", "equity", 1.0)
    sheet.scale("mm", "maintenance", 1.0)
    return sheet
