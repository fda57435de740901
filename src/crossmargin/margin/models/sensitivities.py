"""Margin by sensitivities: delta, vega and curvature by coin, aggregated by correlation.

    requirement = delta + vega + curvature + concentration

The form is that of sensitivity models for uncleared derivatives; weights, correlations and
thresholds are this project's own calibration. Nothing of it is the ISDA SIMM, which is a licensed
standard and has no class for coins. A choice takes weight and price correlations from a proposal
of Federal Reserve staff for such a class ("crypto extension"). See ``sensitivity_coins``.
"""

from __future__ import annotations

from typing import final

import numpy as np

from crossmargin.core.arrays import Floats, Ints, frozen
from crossmargin.instruments.contracts import Instruments
from crossmargin.margin.equity import with_equity_rows
from crossmargin.margin.families.sensitivity_coins import (
    GROUPS,
    CoinSpace,
    class_of,
    coin_space,
    concentration,
    exposures,
    horizon_days,
    weight_of,
)
from crossmargin.margin.families.sensitivity_details import coin_table, tenor_table
from crossmargin.margin.families.sensitivity_forms import Block, margins, reach
from crossmargin.margin.families.whole_account import (
    ALL_OF,
    KINDS,
    dollar_market,
    equity_columns,
    fills_in_dollars,
    level_columns,
    plan_account,
    priced_account,
)
from crossmargin.margin.fills import order_margin
from crossmargin.margin.model import (
    Detail,
    Fidelity,
    Fills,
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
from crossmargin.margin.pools import by_row, row_of_position
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.market.view import View

__all__ = ["Sensitivities"]

_OWN = "this project's own calibration"

SPEC = ModelSpec(
    name="sensitivities",
    title="Sensitivities: delta, vega and curvature by coin",
    family="sensitivity",
    venue="",
    version="1",
    folder="sensitivities",
    kinds=KINDS,
    currency="USD",
    scale=ScaleLaw.SUPERLINEAR,
    balance_side="cash, coins and option value at mark, in dollars",
    rules=(
        Rule(
            "delta",
            "root over coins of the weighted delta for 1 %, by the correlation of their classes",
            f"{_OWN}; the form is that of sensitivity models",
            Fidelity.STATED,
        ),
        Rule(
            "vega",
            "root over coins and expiries of weighted volatility x dV/dvolatility",
            f"{_OWN}; the form is that of sensitivity models",
            Fidelity.STATED,
        ),
        Rule(
            "curvature",
            "loss of net short gamma over the 99.5 % move of the horizon or of the remaining life",
            f"{_OWN}; multiplier of sensitivity models; gamma of long coins pays for no other coin",
            Fidelity.STATED,
        ),
        Rule(
            "concentration",
            "weighted sensitivity beyond a threshold, by the root of its multiple, added",
            f"{_OWN}; sensitivity models put the same ratio inside the root",
            Fidelity.STATED,
        ),
        Rule("levels", "IM and MM as shares of the requirement", _OWN, Fidelity.STATED),
        Rule(
            "order_margin",
            "every order as a book of its own beside the book, or the farthest that all of them "
            "can reach if that is less, and concentration of all of them: an upper bound",
            _OWN,
            Fidelity.STATED,
        ),
        Rule("balance_side", "equity in dollars", _OWN, Fidelity.STATED),
    ),
    standard="fixed-rate",
    maps_from=ALL_OF,
    unknown=(
        "far moves: an expansion of second order, with no floor at what a long option can lose",
        "money is cash at its dollar price: pegged weights are charged on contracts on it alone",
        "no history of pegged coins: their numbers are a judgement",
    ),
)


@final
class Sensitivities:
    """One pool of dollars for the whole account."""

    spec = SPEC

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """The whole account; coins that no entry names are of the class ``other``."""
        days = horizon_days(parameters)
        chosen = parameters.get("calibration.set")
        note = f"sensitivities over {days:g} day{'s' if days > 1 else ''}, numbers: {chosen}"
        return plan_account(instruments, parameters, (note,))

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """What one unit of each instrument carries, and how coins are aggregated."""
        market = dollar_market(pool, view)
        found = exposures(market, parameters)
        columns = {
            "delta_per_cent_usd": found.delta_per_cent,
            "vega_usd": found.vega,
            "curvature_usd": found.curvature,
        }
        coins = coin_space(market, found, parameters)
        classes = tuple(class_of(coin, parameters) for coin in coins.coins)
        weights = tuple(weight_of(name, parameters) for name in classes)
        facts = {
            "coins": coins,
            "classes": classes,
            "weights": weights,
            "tenor": found.tenor,
            "market": market,
        }
        return priced_account(market, pool, None, None, columns, facts)

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block of accounts."""
        accounts = len(held.row) - 1
        coins: CoinSpace = priced.facts["coins"]
        book = _block(with_equity_rows(priced, held))
        found = margins(coins.space, coins.loads, *book)
        crowded = concentration(coins, book)
        sheet = SheetBuilder(accounts)
        for k, name in enumerate(GROUPS):
            sheet.leaf(name, found[:, k], name)
        sheet.leaf("delta_concentration", crowded[0], "concentration")
        sheet.leaf("vega_concentration", crowded[1], "concentration")
        sheet.sum("concentration", "delta_concentration", "vega_concentration")
        sheet.sum("requirement", *GROUPS, "concentration")
        need = self.order_need(priced, held, parameters)
        base = parameters.number("level.im_factor") * sheet["requirement"]
        equity = equity_columns(sheet, priced, held)
        level_columns(sheet, "requirement", parameters, order_margin(need, base))
        none = frozen(np.full(accounts, -1), np.int32)
        zero = frozen(np.zeros(accounts), np.float64)
        return PoolAnswer(sheet.build(held.account, 0), none, none, zero, equity.source)

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """Upper bound: the smaller of two, each beside the concentration C of book and all orders.

        f R(book) + sum over orders of max(0, f R(order) - gain)    R is at most that of its parts
        f R(farthest that book and fills can reach) + sum of losses
        """
        fills = fills_in_dollars(priced, held)
        if fills is None:
            return None
        coins: CoinSpace = priced.facts["coins"]
        factor = parameters.number("level.im_factor")
        book = _block(with_equity_rows(priced, held))
        column, quantity = _legs(fills, priced)
        resting = 2 * fills.row, column, quantity
        crowded = concentration(coins, book, resting)
        each = 2 * np.arange(len(fills) + 1, dtype=np.int64), column, quantity
        single = np.arange(len(fills) + 1, dtype=np.int64), fills.column, fills.size
        # A premium moves a balance only where balances are known: the order is taken both ways.
        alone = np.maximum(
            _total(margins(coins.space, coins.loads, *each)),
            _total(margins(coins.space, coins.loads, *single)),
        )
        extra = np.maximum(factor * alone - fills.gain, 0.0)
        accounts, owner = len(held.row) - 1, row_of_position(fills.row)
        parts = factor * _total(margins(coins.space, coins.loads, *book))
        parts = parts + by_row(owner, extra, accounts)
        far = factor * _total(reach(coins.space, coins.loads, book, resting))
        far = far + by_row(owner, np.maximum(-fills.gain, 0.0), accounts)
        need = np.minimum(parts, far) + factor * (crowded[0] + crowded[1])
        return OrderNeed(need, fills, np.asarray(extra > 0.0), np.full(accounts, -1, np.int32))

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """None: the model has no scenarios."""
        return None

    def details(self, priced: Priced, held: PoolBook, parameters: Parameters) -> tuple[Detail, ...]:
        """Net sensitivities by coin, and vega by coin and expiry."""
        book = with_equity_rows(priced, held)
        return coin_table(priced, book, parameters), tenor_table(priced, book)


def _block(book: PoolBook) -> Block:
    return book.row, book.column, book.quantity


def _legs(fills: Fills, priced: Priced) -> tuple[Ints, Floats]:
    """[2 M] two legs an order: the contract, and the premium out of the balance that pays it."""
    part = priced.pool.instruments
    line = {item.underlying: k for k, item in enumerate(part.items) if priced.pool.cash[k]}
    purse = np.array([line.get(item.settle, -1) for item in part.items], np.int32)[fills.column]
    column = np.stack([fills.column, np.where(purse >= 0, purse, fills.column)], axis=1)
    quantity = np.stack([fills.size, np.where(purse >= 0, fills.cash, 0.0)], axis=1)
    return column.astype(np.int32).ravel(), quantity.ravel()


def _total(found: Floats) -> Floats:
    return np.asarray(found[:, 0] + found[:, 1] + found[:, 2])
