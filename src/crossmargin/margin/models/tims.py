"""``tims``: ten valuation points; class, product and portfolio groups (FINRA 4210(g), OCC CPM).

The rule is of US options on indices and stocks. A coin is a class group: its options, futures,
perpetuals and the coin itself offset each other in full. Ranges, offsets and least charges of coins
are this project's own calibration (``scripts/calibrate_tims.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import numpy as np

from crossmargin.core.arrays import Floats, Ints, frozen
from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.equity import with_equity_rows
from crossmargin.margin.families.valuation_orders import worst_fills
from crossmargin.margin.families.valuation_points import (
    GRIDS,
    POINTS,
    GroupRisk,
    Groups,
    class_vectors,
    group_risk,
    groups_of,
    least_charge,
    valuation_points,
    worst_of,
)
from crossmargin.margin.families.whole_account import (
    ALL_OF,
    KINDS,
    DollarMarket,
    coin_names,
    dollar_market,
    dollar_risk,
    equity_columns,
    fills_in_dollars,
    level_columns,
    plan_account,
    priced_account,
    scenario_set,
)
from crossmargin.margin.fills import growth, order_margin
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
from crossmargin.margin.pools import by_row, is_kind, row_of_position
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.market.view import View
from crossmargin.scenarios.sets import ScenarioSet

__all__ = ["Tims"]

_RULE = "FINRA rule 4210(g) and SEC rule 15c3-1a; OCC's guide to customer portfolio margin (2021)"
_OWN = "this project's own calibration"
_ALONE = "alone"  # a product group and a portfolio group of its own
_OTHER = "OTHER"

SPEC = ModelSpec(
    name="tims",
    title="TIMS portfolio margin: ten valuation points (FINRA 4210(g), OCC CPM)",
    family="tims",
    venue="",
    version="2021",
    folder="tims",
    kinds=KINDS,
    currency="USD",
    scale=ScaleLaw.HOMOGENEOUS,
    balance_side="cash, coins at their price, profit of open futures and option value",
    rules=(
        Rule(
            "valuation_points",
            "largest loss over ten moves of the price, volatility held; losses of a class in full, "
            "its gains times the offset of its product group, then of its portfolio group",
            _RULE + "; reproduces Cboe's sample of 2007 within 2 %, prices being implied",
            Fidelity.STATED,
            ("reading.grid",),
        ),
        Rule(
            "minimum",
            "a portfolio group costs at least its least charge a contract; the rule's 37.50 "
            "dollars an option, for coins a share of the index (" + _OWN + ")",
            _RULE,
            Fidelity.STATED,
        ),
        Rule("levels", "initial and maintenance are the requirement", _RULE, Fidelity.STATED),
        Rule(
            "order_margin",
            "the worst fill of the open orders at each point, its cost against the mark included",
            "this project's",
            Fidelity.INFERRED,
        ),
        Rule("balance_side", "the equity of the account at marks", _RULE, Fidelity.STATED),
    ),
    one_balance=True,
    readings={"reading.grid": GRIDS},
    standard="fixed-rate",
    maps_from=ALL_OF,
    unknown=("OCC's theoretical prices and volatilities: the marks of the market stand for them",),
)


@final
class Tims:
    """One dollar pool; see the module."""

    spec = SPEC

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """The pool; raises ModelError ``parameter_missing`` for a coin without numbers."""
        for coin in coin_names(instruments):
            _table(parameters, coin)
        notes = ("ranges, offsets and least charges of coins are this project's own calibration",)
        return plan_account(instruments, parameters, notes)

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """The ten points of every coin as one scenario set, and the groups."""
        market = dollar_market(pool, view)
        classes = _classes(market, parameters)
        scenarios = _scenarios(market, parameters)
        facts = {
            "classes": classes,
            "groups": _groups(market, parameters, classes),
            "premium": _premium(market, scenarios),
        }
        risk = dollar_risk(market, scenarios)
        return priced_account(market, pool, scenarios, risk, {}, facts)

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block of accounts."""
        accounts = len(held.row) - 1
        found = _risk(priced, held)
        groups: Groups = priced.facts["groups"]
        least = least_charge(held.row, held.column, held.quantity, groups)
        loss = np.zeros(least.shape)
        loss[found.account, found.group] = found.loss
        has = np.bincount(found.account, minlength=accounts) > 0
        scene = worst_of(found.vectors(accounts), POINTS, has)
        # Portfolio groups have worst points of their own: together they lose more than any one.
        apart = np.maximum(_across(loss) - scene.loss, 0.0)
        sheet = SheetBuilder(accounts)
        sheet.leaf("scan_risk", scene.loss, "valuation_points")
        sheet.leaf("groups_apart", apart, "valuation_points")
        sheet.leaf("to_minimum", _across(np.maximum(least - loss, 0.0)), "minimum")
        sheet.sum("requirement", "scan_risk", "groups_apart", "to_minimum")
        equity = equity_columns(sheet, priced, held)
        need = self.order_need(priced, held, parameters)
        base = sheet["requirement"] * parameters.number("level.im_factor")
        level_columns(sheet, "requirement", parameters, order_margin(need, base))
        return PoolAnswer(
            sheet.build(held.account, 0),
            scene.scenario,
            scene.runner_up_scenario,
            scene.runner_up,
            equity.source,
            loss=scene.loss,
        )

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """Initial requirement after the worst fills; an upper bound where the minimum binds."""
        fills = fills_in_dollars(priced, held)
        return None if fills is None else _need(priced, held, fills, parameters)

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """[A, 10] P&L of the account point by point, after the offsets of its groups."""
        return _risk(priced, held).vectors(len(held.row) - 1)[:, :POINTS]

    def details(self, priced: Priced, held: PoolBook, parameters: Parameters) -> tuple[Detail, ...]:
        """Portfolio groups with their worst points, and what each class does there."""
        book = with_equity_rows(priced, held)
        found, groups = _risk(priced, held), priced.facts["groups"]
        labels = priced.scenarios.label if priced.scenarios is not None else ()
        least = least_charge(held.row, held.column, held.quantity, groups)[0]
        classes: tuple[tuple[str, str, str], ...] = priced.facts["classes"]
        portfolios = sorted({portfolio for portfolio, _, _ in classes})
        at = dict(zip(found.group.tolist(), found.point.tolist(), strict=True))
        rows = []
        for group, loss, point in zip(
            found.group.tolist(), found.loss.tolist(), found.point.tolist(), strict=True
        ):
            minimum = float(least[group])
            total = max(loss, minimum)
            rows.append((portfolios[group], labels[point], loss, minimum, total))
        parts = []
        level = class_vectors(book.row, book.column, book.quantity, _pnl(priced), groups)
        for code, pnl in zip(level.code.tolist(), level.pnl, strict=True):
            portfolio, product, coin = classes[code]
            point = at[portfolios.index(portfolio)]
            parts.append((coin, product, portfolio, labels[point], float(pnl[point])))
        return _details(rows, parts)


# ---------------------------------------------------------------- what prices and rules say


def _table(parameters: Parameters, coin: str) -> str:
    """Prefix of a coin's numbers."""
    known = parameters.tables("class")
    if coin not in known and _OTHER not in known:
        raise ModelError(
            "parameter_missing",
            "no valuation range for this underlying",
            place=f"{parameters.model} {parameters.label}",
            value=coin,
            limit=", ".join(known) or "none",
            remedy="Give its numbers, or a table class.OTHER, with --params FILE.",
        )
    return f"class.{coin if coin in known else _OTHER}"


def _classes(market: DollarMarket, parameters: Parameters) -> tuple[tuple[str, str, str], ...]:
    """(portfolio group, product group, coin) in the order of their codes."""
    out = []
    for coin in coin_names(market.part):
        product = str(parameters.get(f"{_table(parameters, coin)}.product"))
        if product == _ALONE:
            out.append((coin, coin, coin))
        else:
            out.append((str(parameters.get(f"product.{product}.portfolio")), product, coin))
    return tuple(sorted(out))


def _groups(
    market: DollarMarket, parameters: Parameters, classes: tuple[tuple[str, str, str], ...]
) -> Groups:
    """Codes, offsets and least charges; a group of one class alone has nothing to offset."""
    products = sorted({(portfolio, product) for portfolio, product, _ in classes})
    portfolios = sorted({portfolio for portfolio, _ in products})
    place = {coin: k for k, (_, _, coin) in enumerate(classes)}
    of_row = np.array([place.get(item.underlying, -1) for item in market.part.items], np.int32)
    derivative = is_kind(market.part, Kind.PERPETUAL, Kind.FUTURE, Kind.OPTION)
    share = np.array(
        [
            parameters.number(f"{_table(parameters, item.underlying)}.minimum_share")
            if item.underlying in place
            else 0.0
            for item in market.part.items
        ]
    )
    coins = np.where(derivative, market.coins * market.index_usd, 0.0)
    return groups_of(
        of_row,
        [products.index((portfolio, product)) for portfolio, product, _ in classes],
        np.array([portfolios.index(portfolio) for portfolio, _ in products], np.int32),
        [_offset(parameters, f"product.{product}.class_offset") for _, product in products],
        [_offset(parameters, f"portfolio.{name}.product_offset") for name in portfolios],
        share * coins,
    )


def _offset(parameters: Parameters, name: str) -> float:
    """The offset of a group; 1 of a coin that is a group by itself."""
    return parameters.number(name) if name in parameters else 1.0


def _scenarios(market: DollarMarket, parameters: Parameters) -> ScenarioSet:
    """Point k of each coin is that of its own range; volatility and time stand still."""
    grid = str(parameters.get("reading.grid"))
    factor: Mapping[str, Floats] = {
        coin: 1.0
        + valuation_points(
            parameters.number(f"{_table(parameters, coin)}.down"),
            parameters.number(f"{_table(parameters, coin)}.up"),
            grid,
        )
        for coin in coin_names(market.part)
    }
    share = valuation_points(0.5, 0.5, grid) / 0.5
    names = [f"point {k + 1}: {100.0 * x:+.4g} % of the range" for k, x in enumerate(share)]
    still = np.ones((len(market.part.expiries), POINTS))
    return scenario_set(market, names, factor, still)


def _premium(market: DollarMarket, scenarios: ScenarioSet) -> Floats:
    """[I, 10] P&L of one unit of settlement currency that a premium pays: of a coin, else 0."""
    names = {pair[0]: k for k, pair in enumerate(market.part.pairs)}
    own = np.array([item.settle == item.underlying for item in market.part.items], np.bool_)
    rows = np.array([names[item.underlying] for item in market.part.items], np.int32)
    move = scenarios.spot[rows] - 1.0 if len(rows) else np.zeros((0, POINTS))
    return frozen(np.where(own, market.index_usd, 0.0)[:, None] * move, np.float64)


# ---------------------------------------------------------------- of accounts


def _pnl(priced: Priced) -> Floats:
    assert priced.risk is not None  # set by price()
    return priced.risk.pnl


def _risk(priced: Priced, held: PoolBook) -> GroupRisk:
    book = with_equity_rows(priced, held)
    groups: Groups = priced.facts["groups"]
    return group_risk(
        book.row, book.column, book.quantity, _pnl(priced), POINTS, groups, trusted=True
    )


def _across(table: Floats) -> Floats:
    """[A] sums of the columns from the left: neighbours change no bit."""
    total = np.zeros(len(table))
    for column in table.T:
        total = total + column
    return total


def _need(priced: Priced, held: PoolBook, fills: Fills, parameters: Parameters) -> OrderNeed:
    groups: Groups = priced.facts["groups"]
    factor = parameters.number("level.im_factor")
    accounts, count = len(held.row) - 1, groups.product_offset.size
    owner = row_of_position(fills.row)
    inside = groups.of_row[fills.column] >= 0
    column = fills.column[inside]
    row = np.concatenate([[0], np.cumsum(np.bincount(owner[inside], minlength=accounts))])
    gain = fills.gain[inside] / factor
    # A premium in coin leaves or reaches a balance that is at risk: the worse of both.
    booked = fills.cash[inside, None] * priced.facts["premium"][column]
    moves = fills.moves(_pnl(priced))[inside, :POINTS] + np.minimum(booked, 0.0)
    book = with_equity_rows(priced, held)
    rows = book.row, book.column, book.quantity
    found = worst_fills(rows, _pnl(priced), POINTS, groups, row, column, moves, gain)
    least = least_charge(held.row, held.column, held.quantity, groups)
    more = growth(held, fills)
    known = groups.of_row[more.column] >= 0
    group = groups.portfolio[groups.product[groups.of_row[more.column[known]]]]
    charge = more.size[known] * groups.minimum[more.column[known]]
    key: Ints = (more.account[known] * count + group).astype(np.int32)
    least = least + by_row(key, charge, accounts * count).reshape(accounts, count) + found.cost
    outside = by_row(owner, np.where(inside, 0.0, np.maximum(-fills.gain, 0.0)), accounts)
    need = factor * _across(np.maximum(found.need, least)) + outside
    filled = fills.gain < 0.0
    filled[inside] = found.filled
    first = found.point[:, 0] if count == 1 else np.full(accounts, -1, np.int32)
    return OrderNeed(need, fills, filled, first)


def _details(
    rows: list[tuple[str, str, float, float, float]], parts: list[tuple[str, str, str, str, float]]
) -> tuple[Detail, ...]:
    return (
        Detail(
            "portfolio_groups",
            "Portfolio groups at their worst valuation points",
            (
                ("group", "Portfolio group", "name"),
                ("point", "Valuation point", "text"),
                ("loss_usd", "Worst loss", "amount"),
                ("minimum_usd", "Least charge", "amount"),
                ("margin_usd", "Margin", "amount"),
            ),
            tuple(rows),
        ),
        Detail(
            "class_groups",
            "Class groups where their portfolio group is worst",
            (
                ("class", "Class group", "name"),
                ("product", "Product group", "name"),
                ("group", "Portfolio group", "name"),
                ("point", "Valuation point", "text"),
                ("pnl_usd", "Profit and loss", "amount"),
            ),
            tuple(parts),
            ("losses count in full, gains times the offsets of product and portfolio group",),
        ),
    )
