"""Several kinds of collateral in one pool, each counted at a weight.

    counted = sum over assets of  w x p   where x > 0,  x p  where x <= 0

x is the balance of an asset, p its price in the pool's currency, w its weight: a debt counts in
full. The weight of every asset that is held must be in the parameters.
"""

from __future__ import annotations

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.equity import with_equity_rows
from crossmargin.margin.model import Plan, PoolBook, Priced
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import is_kind, make_pool
from crossmargin.market.view import View
from crossmargin.pricing.sums import row_sums

__all__ = ["haircut_of", "one_pool", "require_weights", "usd_of", "weights_of", "worth_of"]


def one_pool(instruments: Instruments, parameters: Parameters, currency: str) -> Plan:
    """Everything in one pool; every asset is cash of it."""
    assets = tuple(i.underlying for i in instruments.items if i.kind == Kind.ASSET)
    rows = np.arange(len(instruments), dtype=np.int32)
    return Plan((make_pool(instruments, rows, "account", currency, assets),), parameters)


def require_weights(
    parameters: Parameters, table: str, name: str, currencies: tuple[str, ...]
) -> None:
    """ModelError ``parameter_missing`` naming the first currency without ``table.NAME.name``."""
    for currency in currencies:
        wanted = f"{table}.{currency}.{name}"
        if wanted not in parameters:
            raise ModelError(
                "parameter_missing",
                "the weight of this collateral is not in the set",
                place=f"{parameters.model} {parameters.label}",
                value=wanted,
                limit=", ".join(parameters.tables(table)) or "none",
                remedy="Give the venue's weight of it with --params FILE.",
            )


def weights_of(part: Instruments, parameters: Parameters, table: str, name: str) -> Floats:
    """[I] weight of each ASSET row, 1 of other rows."""
    return np.array(
        [
            parameters.number(f"{table}.{item.underlying}.{name}")
            if item.kind == Kind.ASSET
            else 1.0
            for item in part.items
        ]
    )


def usd_of(part: Instruments, view: View, currency: str) -> float:
    """Dollars per unit of a currency: 1 of the dollar, else the view's; its read where unlisted."""
    if currency == "USD":
        return 1.0
    if currency in part.names:
        price_usd = float(view.usd[part.names.index(currency)])
        if price_usd > 0.0:
            return price_usd
    return view.read("usd", currency, 1.0)


def worth_of(part: Instruments, view: View, usd_per_unit: float) -> Floats:
    """[I] pool currency per unit of each row's settlement currency (an asset's: of itself)."""
    own = is_kind(part, Kind.ASSET, Kind.DEBT)
    code = np.where(own, part.underlying, part.settle)
    return np.asarray(view.usd[code] / usd_per_unit)


def haircut_of(priced: Priced, held: PoolBook, worth: Floats, weight: Floats) -> Floats:
    """[A] what positive balances lose to their weights, in the pool's currency; >= 0.

    Where the venue reports the equity of a currency, it is that which is weighted.
    """
    asset = is_kind(priced.pool.instruments, Kind.ASSET)
    lost = np.where(asset, worth * (1.0 - weight), 0.0)
    book = with_equity_rows(priced, held)
    return np.asarray(row_sums(book.row, book.column, book.quantity, lost[:, None]).long[:, 0])
