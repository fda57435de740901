"""Mango v4: the health of an account of tokens and perpetuals on Solana.

    counted = sum of the tokens' positive health, needed = sum of the negative; perpetuals act
    through the balance of their settle token, so that their profit offsets a borrow

The initial level values assets at the lower of oracle and stable price, liabilities at the higher,
and scales weights by all deposits and borrows. Open orders count at both levels. See
``mango_v4_health``. Source: blockworks-foundation/mango-v4 at 1303a4a1; the protocol has closed.
"""

from __future__ import annotations

from typing import final

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.families.exact_plan import one_pool
from crossmargin.margin.families.perp_quotes import oracle_usd, perp_accounts
from crossmargin.margin.families.resting import dense_orders
from crossmargin.margin.families.weighted_sum import (
    Weighted,
    dense_quantity,
    scaled_asset_weight,
    scaled_liability_weight,
)
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
from crossmargin.margin.models.mango_v4_health import PerpRisk, Perps, SpotMarkets, health
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import row_of_position
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.margin.usdc_pools import CASH, stable_usd
from crossmargin.market.view import View

__all__ = ["MangoV4"]

_CODE = "blockworks-foundation/mango-v4 at 1303a4a1, health/cache.rs and its tests"
_LEVELS = {"im": "init", "mm": "maint"}

SPEC = ModelSpec(
    name="mango-v4",
    title="Mango v4 account health",
    family="weighted sum",
    venue="mango",
    version="v4",
    folder="mango-v4",
    kinds=(Kind.ASSET, Kind.PERPETUAL),
    currency="USD",
    scale=ScaleLaw.HOMOGENEOUS,
    balance_side="weighted tokens, perpetual profit at its weights in the settle token",
    rules=(
        Rule("assets", "positive token health and reserved order funds", _CODE, Fidelity.EXACT),
        Rule("liabilities", "negative token health", _CODE, Fidelity.EXACT),
        Rule(
            "perps",
            "the worse of all bids and all asks, in the settle token",
            _CODE,
            Fidelity.EXACT,
        ),
        Rule("balance_side", "tokens and open profit at the oracle", _CODE, Fidelity.STATED),
    ),
    standard="fixed-rate",
    orders_in_mm=True,
    maps_from=("mango",),
    unknown=(
        "weights and total deposits: set on chain; give them with --params FILE",
        "stable prices: where the snapshot holds none the oracle stands for them, and the initial "
        "requirement is a lower bound",
    ),
    extent=Extent.REFUSED,
    standing=Standing.HISTORICAL,
)


@final
class MangoV4:
    """One pool in dollars: an account."""

    spec = SPEC

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """Every line in one pool; ModelError ``parameter_missing`` for an unknown token."""
        return one_pool(instruments, parameters, "USD", (CASH,), "perp", "token")

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """Tokens (settle token last) and perpetuals with prices and weights by level."""
        part = pool.instruments
        usd, settle_usd = oracle_usd(view, part), stable_usd(view, part)
        rows = [k for k in range(len(part)) if part.kind[k] == Kind.ASSET and not pool.cash[k]]
        names = [part.items[k].underlying for k in rows]
        perps = np.flatnonzero(part.kind == Kind.PERPETUAL)
        token_usd = np.array([*usd[rows], settle_usd])
        token_names, perp_names = [*names, CASH], [part.items[k].underlying for k in perps]
        facts: dict[str, object] = {"rows": rows, "perps": perps, "usd": token_usd}
        stable = _stable(view, token_names, token_usd)
        perp_stable = _stable(view, perp_names, usd[perps])
        facts["unknown"] = stable[1] or perp_stable[1]
        for level in _LEVELS:
            tokens = _tokens(token_names, token_usd, stable[0], parameters, level)
            risk = _perps(perp_names, usd[perps], perp_stable[0], parameters, level)
            facts[level] = tokens, risk
        nothing = np.zeros(len(part))
        return Priced(pool, view, 1.0, None, None, {"usd": usd}, nothing, facts)

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block of accounts."""
        facts, width = priced.facts, len(priced.pool.instruments)
        accounts = perp_accounts(priced, held)
        dense = dense_quantity(held, width)
        resting = dense_orders(priced, held)
        bids, asks, quote_bids = resting.bids, resting.asks, resting.quote
        rows, perps = facts["rows"], facts["perps"]
        balance = np.concatenate([dense[:, rows], accounts.cash[:, None]], axis=1)
        profit = np.zeros_like(dense)
        profit[row_of_position(held.row), held.column] = accounts.profit
        base = dense[:, perps]
        quote = profit[:, perps] - base * priced.columns["usd"][perps]
        positions = Perps(base, quote, bids[:, perps], asks[:, perps])
        settle = np.full(len(perps), len(rows), np.int32)
        markets = SpotMarkets(
            np.arange(len(rows), dtype=np.int32),
            np.full(len(rows), len(rows), np.int32),
            asks[:, rows],
            quote_bids[:, rows],
            resting.bid_inverse[:, rows],
            resting.lowest_ask[:, rows],
        )
        free = balance.copy()
        free[:, : len(rows)] -= asks[:, rows]
        for k in rows:  # one by one: no account's sum depends on the table's width
            free[:, -1] -= quote_bids[:, k]
        sheet = SheetBuilder(len(held.row) - 1)
        dollars = balance * facts["usd"]
        sheet.leaf("cash", dollars[:, -1], "balance_side")
        tokens_usd = np.zeros(len(dollars))
        for k in range(len(rows)):
            tokens_usd = tokens_usd + dollars[:, k]
        sheet.leaf("token_value", tokens_usd, "balance_side")
        sheet.leaf("unrealised", accounts.unrealised * facts["usd"][-1], "balance_side")
        sheet.sum("equity", "cash", "token_value", "unrealised")
        for level in _LEVELS:
            found = health(free, *_first(facts[level], positions), settle, markets)
            brought = np.zeros(sheet.rows)
            for column in found.perps.T:
                brought = brought + column
            sheet.leaf(f"perps_{level}", brought * facts["usd"][-1], "perps")
            sheet.leaf(f"assets_{level}", found.sides.counted, "assets")
            sheet.leaf(f"liabilities_{level}", found.sides.needed, "liabilities")
        for level in _LEVELS:
            sheet.scale(f"counted_{level}", f"assets_{level}", 1.0)
            sheet.scale(level, f"liabilities_{level}", 1.0)
        none = np.full(sheet.rows, -1, np.int32)
        at_least = bool(facts["unknown"]) & (np.diff(held.row) > 0)
        built = sheet.build(held.account, 0)
        nothing = np.zeros(sheet.rows)
        return PoolAnswer(built, none, none, nothing, accounts.source, at_least=at_least)

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """The venue's own rule is part of the sheet."""
        return None

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """No scenarios."""
        return None


def _first(levels: tuple[Weighted, PerpRisk], positions: Perps) -> tuple[Weighted, Perps, PerpRisk]:
    return levels[0], positions, levels[1]


def _stable(view: View, names: list[str], usd: Floats) -> tuple[Floats, bool]:
    """Stable prices, the oracle where none is known, and whether one is unknown."""
    found = [view.read("stable_price", name, 0.0) for name in names]
    known = np.array(found, np.float64)
    return np.where(known > 0.0, known, usd), bool((known <= 0.0).any())


def _numbers(parameters: Parameters, table: str, names: list[str], field: str) -> Floats:
    return np.array([parameters.number(f"{table}.{name}.{field}") for name in names], np.float64)


def _tokens(
    names: list[str], usd: Floats, stable: Floats, parameters: Parameters, level: str
) -> Weighted:
    asset, liability = (
        _numbers(parameters, "token", names, f"{_LEVELS[level]}_{side}_weight")
        for side in ("asset", "liab")
    )
    if level == "mm":
        return Weighted(usd, usd, asset, liability)

    def of(field: str) -> Floats:
        return _numbers(parameters, "token", names, field)

    asset = scaled_asset_weight(asset, of("deposits") * usd, of("deposit_weight_scale_start"))
    start = of("borrow_weight_scale_start")
    liability = scaled_liability_weight(liability, of("borrows") * usd, start)
    return Weighted(np.minimum(usd, stable), np.maximum(usd, stable), asset, liability)


def _perps(
    names: list[str], usd: Floats, stable: Floats, parameters: Parameters, level: str
) -> PerpRisk:
    low, high = (usd, usd) if level == "mm" else (np.minimum(usd, stable), np.maximum(usd, stable))
    fields = ("base_asset_weight", "base_liab_weight", "overall_asset_weight")
    weights = (_numbers(parameters, "perp", names, f"{_LEVELS[level]}_{f}") for f in fields)
    return PerpRisk(low, high, *weights)
