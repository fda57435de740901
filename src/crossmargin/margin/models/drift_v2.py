"""Drift v2: one account of tokens and perpetuals on Solana, in the program's own integers.

    collateral   USDC + sum weighted tokens + sum weighted open profit (a loss in full)
    requirement  sum worst side of a perpetual x ratio(size) + borrows x weight(size) + orders
    ok           collateral >= requirement, at the initial and at the maintenance level

The initial level is strict: assets at the lower of price and five-minute average, liabilities at
the higher. Open orders count at both levels, by the worse of their two sides. See
``families.exact_drift`` for the rules. Source: drift-labs/protocol-v2 at 0ae3e3b1.
"""

from __future__ import annotations

from typing import final

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.families.exact_accounts import exact_leaves, quote_equity
from crossmargin.margin.families.exact_drift import Level
from crossmargin.margin.families.exact_drift_accounts import (
    DOLLAR_DECIMALS,
    DriftPerp,
    DriftToken,
    averages_missing,
    drift_account,
    drift_balances,
    drift_lines,
    drift_perp,
    drift_token,
)
from crossmargin.margin.families.exact_drift_bounds import drift_bounds
from crossmargin.margin.families.exact_plan import one_pool
from crossmargin.margin.families.exact_units import ticks
from crossmargin.margin.families.screening import Bounds
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
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.margin.usdc_pools import CASH, stable_usd
from crossmargin.market.view import View

__all__ = ["DriftV2"]

_PROGRAM = "drift-labs/protocol-v2 at 0ae3e3b1, margin.rs and its tests"

SPEC = ModelSpec(
    name="drift-v2",
    title="Drift v2 cross margin",
    family="integer weighted sum",
    venue="drift",
    version="v2",
    folder="drift-v2",
    kinds=(Kind.ASSET, Kind.PERPETUAL),
    currency="USD",
    scale=ScaleLaw.FIXED_PART,
    balance_side="weighted tokens and open profit; initial profit of a position at most 100 USD",
    rules=(
        Rule("collateral", "tokens and profit by weight and size", _PROGRAM, Fidelity.EXACT),
        Rule(
            "requirement", "ratio of the worst side, weight of a borrow", _PROGRAM, Fidelity.EXACT
        ),
        Rule("order_charge", "a cent an open order", _PROGRAM, Fidelity.EXACT),
        Rule("surplus", "collateral less requirement, exact", _PROGRAM, Fidelity.EXACT),
        Rule("balance_side", "tokens and open profit at the oracle", _PROGRAM, Fidelity.EXACT),
    ),
    standard="fixed-rate",
    quantum=10.0**-DOLLAR_DECIMALS,
    orders_in_mm=True,
    maps_from=("drift",),
    unknown=(
        "market parameters: no snapshot of them is public here; give them with --params FILE",
        "five-minute averages of prices: where the snapshot holds none, the price stands for "
        "them, and the initial margin is a lower bound",
        "isolated positions, pools, prediction markets by name",
    ),
    extent=Extent.REFUSED,
)


@final
class DriftV2:
    """One pool in dollars: an account."""

    spec = SPEC

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """Every line in one pool; ModelError ``parameter_missing`` for an unknown market."""
        return one_pool(instruments, parameters, "USD", (CASH,), "perp", "spot")

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """Tokens and perpetuals in integers at the oracle's prices."""
        part = pool.instruments
        tokens: dict[int, DriftToken] = {}
        perps: dict[int, DriftPerp] = {}
        for k, item in enumerate(part.items):
            if item.kind == Kind.PERPETUAL:
                mark = float(view.mark[k])
                perps[k] = DriftPerp(
                    drift_perp(item.underlying, parameters), ticks(mark, -DOLLAR_DECIMALS)
                )
            else:
                usd = float(view.usd[part.underlying[k]])
                tokens[k] = drift_token(item.underlying, usd, view, parameters)
        quote = drift_token(CASH, stable_usd(view, part), view, parameters)
        facts = {"tokens": tokens, "perps": perps, "quote": quote}
        return Priced(pool, view, 1.0, None, None, {}, np.zeros(len(part)), facts)

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block of accounts, every row in integers."""
        quote: DriftToken = priced.facts["quote"]
        equity = quote_equity(priced, held, quote.decimals, lambda k: bool(priced.pool.cash[k]))
        accounts = len(held.row) - 1
        chosen = held.book.choices
        nothing = np.zeros(accounts)
        custom = chosen.get("max_margin_ratio", nothing).tolist()
        high = chosen.get("high_leverage_mode", nothing).tolist()
        rows: list[list[int]] = []
        at_least = np.zeros(accounts, np.bool_)
        for a in range(accounts):
            lines = drift_lines(priced, held, a, equity.open_profit[a])
            row = drift_balances(lines, equity.cash[a], quote)
            for level in (Level.INITIAL, Level.MAINTENANCE):
                own = int(custom[a]) if level is Level.INITIAL else 0
                row += drift_account(lines, equity.cash[a], quote, level, own, bool(high[a]))
            at_least[a] = averages_missing(lines, equity.cash[a], quote)
            rows.append(row)
        built = _sheet(rows).build(held.account, 0)
        none = np.full(accounts, -1, np.int32)
        return PoolAnswer(built, none, none, nothing, equity.source, at_least=at_least)

    def bounds(
        self, priced: Priced, held: PoolBook, parameters: Parameters, level: str
    ) -> Bounds | None:
        """The same in floats, with their slack: see ``exact_drift_bounds``."""
        return drift_bounds(priced, held, Level.INITIAL if level == "im" else Level.MAINTENANCE)

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """The venue's own rule is part of the sheet: the worse of all bids and all asks."""
        return None

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """No scenarios."""
        return None


def _sheet(rows: list[list[int]]) -> SheetBuilder:
    """Columns of a row: balances, order charge, then collateral and requirement by level."""
    sheet = SheetBuilder(len(rows))
    add = exact_leaves(sheet, rows, DOLLAR_DECIMALS)
    for place, name in enumerate(("cash", "token_value", "unrealised")):
        add(name, "balance_side", (place,))
    sheet.sum("equity", "cash", "token_value", "unrealised")
    add("open_orders_margin", "order_charge", (3,))
    add("surplus_im", "surplus", (4,), (5,))
    add("surplus_mm", "surplus", (6,), (7,))
    for level, place in (("im", 4), ("mm", 6)):
        add(f"collateral_{level}", "collateral", (place,))
        add(f"requirement_{level}", "requirement", (place + 1,))
    for level in ("im", "mm"):
        sheet.scale(f"counted_{level}", f"collateral_{level}", 1.0)
        sheet.scale(level, f"requirement_{level}", 1.0)
    return sheet
