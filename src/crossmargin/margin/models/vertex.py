"""Vertex: cross margin of spot and perpetuals with an offset for the basis between them.

    health = USDC + sum amount price weight + sum perpetual quote + spreads
    spread   basis (spot price + perp price) (spread weight - existing)
             basis = min(|spot|, |perp|) of opposite signs; existing = (spot long + perp long) / 2;
             spread weight = 1 - (1 - perp long) / 5 with spot long, else 1 - (1 - spot long) / 5

Equity counts in full, and what weights take off it is the requirement: sum |value| |1 - weight|
less the spreads. Source: vertex-protocol/vertex-contracts at e1381815; the venue has closed.
"""

from __future__ import annotations

from typing import final

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.margin.families.exact_plan import one_pool
from crossmargin.margin.families.perp_quotes import oracle_usd, perp_accounts
from crossmargin.margin.families.weighted_sum import dense_quantity
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
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import per_row
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.margin.usdc_pools import CASH, stable_usd
from crossmargin.market.view import View

__all__ = ["Vertex", "spread_credit"]

_CODE = "vertex-protocol/vertex-contracts at e1381815"
_LEVELS = {"im": "initial", "mm": "maintenance"}

SPEC = ModelSpec(
    name="vertex",
    title="Vertex subaccount health",
    family="weighted sum",
    venue="vertex",
    version="v1",
    folder="vertex",
    kinds=(Kind.ASSET, Kind.PERPETUAL),
    currency="USD",
    scale=ScaleLaw.HOMOGENEOUS,
    balance_side="all balances and open profit; what weights take off is the requirement",
    rules=(
        Rule("weights", "share of value that weights take off", _CODE, Fidelity.STATED),
        Rule("spread", "credit for spot against its perpetual", _CODE, Fidelity.STATED),
        Rule("balance_side", "balances and open profit at the oracle", _CODE, Fidelity.STATED),
    ),
    standard="fixed-rate",
    maps_from=("vertex",),
    unknown=(
        "weights: set on chain; give them with --params FILE",
        "liquidity tokens, which a book does not hold",
        "open orders: checked by the sequencer off chain, and not margined here",
    ),
    extent=Extent.REFUSED,
    standing=Standing.HISTORICAL,
)


def spread_credit(
    spot: Floats,
    perp: Floats,
    prices: tuple[float, float],
    long_weights: tuple[float, float],
    divisor: float,
) -> Floats:
    """[A] credit of one coin: ``prices`` and ``long_weights`` of (spot, perpetual)."""
    basis = np.where(spot * perp < 0.0, np.minimum(np.abs(spot), np.abs(perp)), 0.0)
    of_spot, of_perp = long_weights
    existing = (of_spot + of_perp) / 2.0
    weight = np.where(spot > 0.0, 1.0 - (1.0 - of_perp) / divisor, 1.0 - (1.0 - of_spot) / divisor)
    return np.asarray(basis * (prices[0] + prices[1]) * (weight - existing))


@final
class Vertex:
    """One pool in dollars: a subaccount."""

    spec = SPEC

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """Every line in one pool; ModelError ``parameter_missing`` for an unknown product."""
        return one_pool(instruments, parameters, "USD", (CASH,), "perp", "spot")

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """What weights take off one unit long and short; pairs of spot and perpetual."""
        part = pool.instruments
        usd = oracle_usd(view, part)
        columns = {"usd": usd}
        for level, name in _LEVELS.items():
            for side in ("long", "short"):
                weight = [_weight(parameters, item, f"{side}_weight_{name}") for item in part.items]
                columns[f"{side}_{level}"] = usd * np.abs(1.0 - np.array(weight, np.float64))
        at = {(item.kind, item.underlying): k for k, item in enumerate(part.items)}
        pairs = [
            (k, at[Kind.PERPETUAL, name])
            for (kind, name), k in sorted(at.items())
            if kind == Kind.ASSET and (Kind.PERPETUAL, name) in at
        ]
        facts = {"pairs": pairs, "settle_usd": stable_usd(view, part)}
        return Priced(pool, view, 1.0, None, None, columns, np.zeros(len(part)), facts)

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block of accounts."""
        columns, column, size = priced.columns, held.column, held.quantity
        settle_usd: float = priced.facts["settle_usd"]
        accounts = perp_accounts(priced, held)
        asset = (priced.pool.instruments.kind == Kind.ASSET) & (priced.pool.cash == 0)
        tokens = per_row(held.row, np.where(asset[column], size * columns["usd"][column], 0.0))
        dense = dense_quantity(held, len(priced.pool.instruments))
        sheet = SheetBuilder(len(held.row) - 1)
        sheet.leaf("cash", accounts.cash * settle_usd, "balance_side")
        sheet.leaf("token_value", tokens, "balance_side")
        sheet.leaf("unrealised", accounts.unrealised * settle_usd, "balance_side")
        sheet.leaf("zero", 0.0, "spread")
        for level, name in _LEVELS.items():
            of_side = np.where(
                size > 0.0, columns[f"long_{level}"][column], columns[f"short_{level}"][column]
            )
            sheet.leaf(f"taken_{level}", per_row(held.row, np.abs(size) * of_side), "weights")
            credit = np.zeros(sheet.rows)
            for spot, perp in priced.facts["pairs"]:
                credit = credit + _credit(priced, parameters, dense, (spot, perp), name)
            sheet.leaf(f"spread_{level}", credit, "spread")
            sheet.difference(f"net_{level}", f"taken_{level}", f"spread_{level}")
            # What a spread gives beyond the requirement counts as equity does.
            sheet.difference(f"beyond_{level}", f"spread_{level}", f"taken_{level}")
            sheet.max(f"more_{level}", f"beyond_{level}", "zero")
        sheet.sum("equity", "cash", "token_value", "unrealised")
        for level in _LEVELS:
            sheet.sum(f"counted_{level}", "equity", f"more_{level}")
            sheet.max(level, f"net_{level}", "zero")
        none = np.full(sheet.rows, -1, np.int32)
        built = sheet.build(held.account, 0)
        return PoolAnswer(built, none, none, np.zeros(sheet.rows), accounts.source)

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """Orders rest off chain; the contracts margin none."""
        return None

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """No scenarios."""
        return None


def _weight(parameters: Parameters, item: Instrument, field: str) -> float:
    """A product's weight; USDC counts as it is."""
    if item.kind == Kind.ASSET and item.underlying == CASH:
        return 1.0
    table = "spot" if item.kind == Kind.ASSET else "perp"
    return parameters.number(f"{table}.{item.underlying}.{field}")


def _credit(
    priced: Priced, parameters: Parameters, dense: Floats, pair: tuple[int, int], level: str
) -> Floats:
    """[A] the spread's credit of one coin; rows of the pool of its spot and its perpetual."""
    items, usd = priced.pool.instruments.items, priced.columns["usd"]
    spot, perp = pair
    field = f"long_weight_{level}"
    weights = _weight(parameters, items[spot], field), _weight(parameters, items[perp], field)
    prices = float(usd[spot]), float(usd[perp])
    divisor = parameters.number("spread.divisor")
    return spread_credit(dense[:, spot], dense[:, perp], prices, weights, divisor)
