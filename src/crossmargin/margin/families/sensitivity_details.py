"""Tables beside the sheet of a sensitivities model: what an account carries, coin by coin."""

from __future__ import annotations

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.margin.families.sensitivity_coins import TENORS, CoinSpace
from crossmargin.margin.model import Detail, PoolBook, Priced
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import by_row

__all__ = ["coin_table", "tenor_table"]


def _by_coin(priced: Priced, book: PoolBook, name: str) -> Floats:
    """[U] net sensitivity of the one account by coin, in the order of the space's coins."""
    coins: CoinSpace = priced.facts["coins"]
    place = {coin: k for k, coin in enumerate(coins.coins)}
    items = priced.pool.instruments.items
    code = np.array([place[items[k].underlying] for k in book.column.tolist()], np.int64)
    return by_row(code, book.quantity * priced.columns[name][book.column], len(coins.coins))


def coin_table(priced: Priced, book: PoolBook, parameters: Parameters) -> Detail:
    """Delta, vega, gamma loss and concentration of each coin that the account holds."""
    coins: CoinSpace = priced.facts["coins"]
    columns = ("delta_per_cent_usd", "vega_usd", "curvature_usd")
    delta, vega, curvature = (_by_coin(priced, book, name) for name in columns)
    rows: list[tuple[str | float, ...]] = []
    for k, coin in enumerate(coins.coins):
        if not (delta[k] or vega[k] or curvature[k]):
            continue
        name = priced.facts["classes"][k]
        limit = parameters.number(f"threshold.{name}")
        ratio = max(1.0, float(np.sqrt(abs(delta[k]) / limit)))
        weight = priced.facts["weights"][k] / 100.0
        rows.append(
            (coin, name, weight, float(delta[k]), float(vega[k]), float(curvature[k]), ratio)
        )
    return Detail(
        name="sensitivities_by_coin",
        title="Sensitivities by coin",
        columns=(
            ("coin", "coin", "name"),
            ("class", "class", "name"),
            ("weight_fraction", "weight", "fraction"),
            ("delta_per_cent_usd", "delta for 1 %", "amount"),
            ("vega_usd", "vega x vol", "amount"),
            ("curvature_usd", "curvature", "amount"),
            ("concentration_ratio", "concentration", "number"),
        ),
        rows=tuple(rows),
        notes=("curvature: loss of one standard move by net gamma; negative where it gains",),
    )


def tenor_table(priced: Priced, book: PoolBook) -> Detail:
    """Vega of each coin by expiry."""
    coins: CoinSpace = priced.facts["coins"]
    many = len(TENORS)
    place = {coin: k for k, coin in enumerate(coins.coins)}
    items = priced.pool.instruments.items
    code = np.array([place[items[k].underlying] for k in book.column.tolist()], np.int64)
    cell = code * many + priced.facts["tenor"][book.column]
    amount = book.quantity * priced.columns["vega_usd"][book.column]
    table = by_row(cell, amount, len(coins.coins) * many).reshape(-1, many)
    rows: list[tuple[str | float, ...]] = [
        (coin, *(float(value) for value in table[k]))
        for k, coin in enumerate(coins.coins)
        if table[k].any()
    ]
    titles = tuple((f"{name}_usd", f"{name[1:]} days", "amount") for name in TENORS)
    return Detail(
        name="vega_by_expiry",
        title="Vega x volatility by expiry",
        columns=(("coin", "coin", "name"), *titles),
        rows=tuple(rows),
    )
