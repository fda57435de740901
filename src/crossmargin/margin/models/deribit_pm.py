"""Deribit portfolio margin: segregated (S:PM) and cross (X:PM).

    standard table   9 price buckets m = R k/4 (k = -4..4) x vol up, same, down: 27 numbers
    extended table   -66 -33 +50 +100 +200 +300 +400 +500 %, vol up; delta-one clamped at +-R,
                     options x factor x R/|m| (coin: x (1+m)/(1+sgn R)), then the dampener
    offset           per currency: gains x pnl_offset, at most max_offsetable_pnl
    worst_case       -min(27 + 8 numbers, 0), rounded to nine places
    roll_shock       sum over expiries of max(exp(AMR T) - 1, min move) |delta_expiry|
    delta_shock      |D*| min(m_inc max(|D*| - threshold/I, 0), max): long options reduce, never add
    risk_matrix      worst_case + delta_shock + roll_shock + correlation_contingency
    IM = risk_matrix + open orders + maker protection + spot, rounded to nine places
    MM = 0.8 risk_matrix

Segregated: one pool a settlement currency, in coin. Cross: one pool in dollars at the *shocked*
index, in which the equity of a coin is itself a delta position.
Source: the venue's API reference, change log and help pages; third-party rewrites where marked.
"""

from __future__ import annotations

from dataclasses import replace
from typing import final

import numpy as np

from crossmargin.core.arrays import Bools, Floats, Ints, frozen
from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.deribit_common import (
    margin_delta,
)
from crossmargin.margin.equity import equity_of, equity_table, mark_value, with_equity_rows
from crossmargin.margin.fills import fills_of, order_margin
from crossmargin.margin.model import OrderNeed, Plan, Pool, PoolAnswer, PoolBook, Priced
from crossmargin.margin.models.deribit_pm_charges import (
    add_holds,
    delta_shock,
    haircut,
    hold_tables,
    per_base,
    roll_shock,
    shock_tables,
)
from crossmargin.margin.models.deribit_pm_orders import matrix_need, shocks_need
from crossmargin.margin.models.deribit_pm_pieces import pieces_of
from crossmargin.margin.models.deribit_pm_rules import CROSS, SEGREGATED
from crossmargin.margin.models.deribit_pm_table import Table, equity_rows
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pieces import Pieces
from crossmargin.margin.pools import each_group, is_kind, make_pool, row_of_position, sizes_of
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.market.fields import DOLLAR_PEGGED
from crossmargin.market.view import View
from crossmargin.pricing.fold import fold_net, fold_tables, fold_worst
from crossmargin.pricing.sums import sum_table
from crossmargin.scenarios.risk_array import price, price_netted

__all__ = ["DeribitPM"]


@final
class DeribitPM:
    """One class for both modes: ``cross`` chooses the pool and its currency."""

    def __init__(self, *, cross: bool) -> None:
        self.cross = cross
        self.spec = CROSS if cross else SEGREGATED

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """Segregated: a pool per settlement currency. Cross: one pool."""
        settles = sorted({item.settle for item in instruments.items})
        if self.cross:
            everything = np.arange(len(instruments), dtype=np.int32)
            pools: tuple[Pool, ...] = (
                _pool(instruments, everything, "account", "USD", tuple(settles)),
            )
        else:
            codes = instruments.settle
            pools = tuple(
                _pool(
                    instruments,
                    np.flatnonzero(codes == instruments.names.index(name)).astype(np.int32),
                    name,
                    name,
                    (name,),
                )
                for name in settles
            )
        for pool in pools:
            for name in pool.facts["bases"]:
                if f"pair.{name}.price_range" not in parameters:
                    raise _no_parameters(name, parameters)
        return Plan(pools, parameters)

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """Scenario set, risk array and delta columns of a pool."""
        return self._priced(pool, view, parameters, None)

    def price_netted(
        self, pool: Pool, view: View, parameters: Parameters, held: PoolBook
    ) -> Priced:
        """The same for accounts that each stand in a market of their own, without open orders.

        The risk array has a row for each currency of each account, summed as it is priced.
        """
        return self._priced(pool, view, parameters, held)

    def _priced(
        self, pool: Pool, view: View, parameters: Parameters, held: PoolBook | None
    ) -> Priced:
        table = Table(pool, view, parameters)
        scenarios = table.scenarios()
        unit = table.conversion(self.cross)
        added, coin_rows = equity_rows(pool, view, table) if self.cross else (None, {})
        run, rows = pool.facts["base_run"], None
        if held is None or held.book.reported.equity:
            risk = price(pool.instruments, view, scenarios, view.mark, unit=unit, added=added)
        else:
            net = sizes_of(held, len(pool.instruments)), run, len(pool.facts["bases"])
            risk = price_netted(pool.instruments, view, scenarios, view.mark, net, unit, added)
            run = np.arange(net[2], dtype=np.int32)
            rows = each_group(net[2], len(held.row) - 1)
        worth = _worth(pool, view, cross=self.cross)
        delta = margin_delta(pool.instruments, view)
        option = is_kind(pool.instruments, Kind.OPTION)
        # Long options may only reduce a delta shock, so they are summed apart from the rest.
        split = [option & (delta > 0), option & (delta < 0), ~option]
        delta_table = np.stack([np.where(part, delta, 0.0) for part in split], axis=1)
        bases = pool.facts["bases"]
        usd_per_unit = 1.0 if self.cross else _usd_of(pool, view)
        option_value = mark_value(pool.instruments, view)
        facts = {
            "fold": fold_tables(
                risk.pnl.shape[1],
                run,
                per_base(parameters, bases, "currency", "pnl_offset"),
                np.ones(len(bases)),
                _caps(bases, parameters, table.pool_usd(self.cross)),
                table.dead(self.cross),
            ),
            "coin_rows": coin_rows,
            "netted": rows,
            "roll": table.roll_rates(),
            "worth": worth,
            "equity_table": equity_table(pool, option_value, worth),
            "delta_by_base": sum_table(delta_table, pool.facts["base_run"]),
            "delta_by_expiry": sum_table(delta[:, None], pool.facts["roll_run"]),
            "shock_net": parameters.choice("reading.delta_shock", "reduced_by_long") == "net",
            "shock": shock_tables(
                pool, parameters, table.index_of_bases(), table.dollars_of_bases()
            ),
            **hold_tables(pool, view, worth, parameters),
        }
        return Priced(
            pool,
            view,
            usd_per_unit,
            scenarios,
            risk,
            {"delta": delta},
            option_value,
            facts,
        )

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block of accounts."""
        scenarios, risk = priced.scenarios, priced.risk
        assert scenarios is not None and risk is not None  # set by price()
        equity = equity_of(priced, held, priced.facts["worth"], table=priced.facts["equity_table"])
        counted = with_equity_rows(priced, held) if self.cross else held
        rows = priced.facts["netted"] or (counted.row, counted.column, counted.quantity)
        row, column, quantity = rows
        worst = fold_worst(
            row,
            column,
            quantity,
            risk.pnl,
            len(scenarios),
            priced.facts["fold"],
            trusted=True,
        )
        sheet = SheetBuilder(len(held.row) - 1)
        sheet.leaf("worst_case_unrounded", worst.loss, "risk_matrix")
        sheet.round("worst_case", "worst_case_unrounded", 9, "rounding")
        sheet.leaf("delta_shock", delta_shock(priced, held), "delta_shock")
        sheet.leaf("roll_shock", roll_shock(priced, held), "roll_shock")
        sheet.leaf("correlation_contingency", 0.0, "correlation_contingency")
        parts = ("worst_case", "delta_shock", "roll_shock", "correlation_contingency")
        sheet.sum("risk_matrix_margin", *parts)
        need = self.order_need(priced, held, parameters)
        orders: Floats | float = 0.0
        if need is not None:
            base = worst.loss + sheet["delta_shock"] + sheet["roll_shock"]
            orders = order_margin(need, base)
        add_holds(sheet, priced, held, orders)
        parts = ("risk_matrix_margin", "open_orders_margin", "mmp_margin", "spot_margin")
        sheet.sum("im_unrounded", *parts)
        sheet.leaf("cash", equity.cash, "balance_side")
        sheet.leaf("unrealised", equity.unrealised, "balance_side")
        sheet.leaf("option_value", equity.option_value, "balance_side")
        sheet.sum("equity", "cash", "unrealised", "option_value")
        sheet.leaf("collateral_haircut", haircut(priced, counted), "haircut")
        sheet.difference("counted_im", "equity", "collateral_haircut")
        sheet.round("im", "im_unrounded", 9, "rounding")
        sheet.scale("counted_mm", "equity", 1.0)
        sheet.scale("mm", "risk_matrix_margin", parameters.number("general.mm_factor"), "mm_factor")
        return PoolAnswer(
            sheet.build(held.account, 0),
            worst.scenario,
            worst.runner_up_scenario,
            worst.runner_up,
            equity.source,
            at_least=_several(priced, held) | _unknown_haircut(priced, counted),
            loss=worst.loss,
        )

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """Matrix, roll and delta shock after the worst fills; see ``deribit_pm_orders``.

        Orders under maker protection are held for by their own rule.
        """
        fills = fills_of(priced, held, priced.facts["worth"], mmp=False)
        if fills is None:
            return None
        counted = with_equity_rows(priced, held) if self.cross else held
        shocks = shocks_need(priced, held, fills)
        found = matrix_need(priced, counted, fills)
        return OrderNeed(found.need + shocks, fills, found.filled, found.scenario)

    def pieces(self, priced: Priced, held: PoolBook, parameters: Parameters) -> Pieces:
        """Matrix and roll shock; see ``deribit_pm_pieces``."""
        return pieces_of(priced, held, cross=self.cross)

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """[A, 35] aggregated P&L: after offset and dampener."""
        assert priced.risk is not None  # set by price()
        counted = with_equity_rows(priced, held) if self.cross else held
        full = fold_net(
            counted.row, counted.column, counted.quantity, priced.risk.pnl, priced.facts["fold"]
        )
        return full[:, : priced.risk.count]


def _several(priced: Priced, held: PoolBook) -> Bools:
    """[A] accounts that hold more than one currency of the pool: their add-on is not published."""
    accounts = len(held.row) - 1
    if len(priced.pool.facts["bases"]) < 2:
        return np.zeros(accounts, np.bool_)
    run = priced.pool.facts["base_run"]
    real = (run[held.column] >= 0) & (held.quantity != 0.0)
    codes = run[held.column[real]]
    # A currency's lines stand together in an account: where the code changes, there are several.
    if len(codes) == 0 or accounts == 1:
        return np.full(accounts, len(codes) > 0 and codes[0] != codes[-1])
    rows = row_of_position(held.row)[real]
    out = np.zeros(accounts, np.bool_)
    out[rows[1:][(codes[1:] != codes[:-1]) & (rows[1:] == rows[:-1])]] = True
    return out


def _unknown_haircut(priced: Priced, held: PoolBook) -> Bools:
    """[A] accounts with a positive balance whose haircut is not known: it is left out."""
    accounts = len(held.row) - 1
    unknown: Bools = priced.facts["haircut_unknown"]
    if not unknown.any():
        return np.zeros(accounts, np.bool_)
    found = unknown[held.column] & (held.quantity > 0.0)
    return np.bincount(row_of_position(held.row)[found], minlength=accounts) > 0


def _no_parameters(base: str, parameters: Parameters) -> ModelError:
    known = ", ".join(parameters.tables("pair"))
    return ModelError(
        "parameter_missing",
        "the risk parameters of this underlying are not known at that date",
        place=f"{parameters.model} {parameters.label}",
        value=base,
        limit=known,
        remedy="Give the venue's parameters of that pair with --params FILE.",
    )


def _pool(
    instruments: Instruments, rows: Ints, label: str, currency: str, cash: tuple[str, ...]
) -> Pool:
    """A pool with its codes: fold runs by underlying, roll runs by expiry."""
    pool = make_pool(instruments, rows, label, currency, cash)
    part = pool.instruments
    run = part.runs("settle", "underlying")
    bases: dict[int, str] = {}
    for k, item in enumerate(part.items):
        # Dollars and stablecoins have no matrix of their own: their rows carry no P&L.
        bases.setdefault(int(run[k]), item.underlying)
    derivative = {int(run[k]) for k, item in enumerate(part.items) if item.kind != Kind.ASSET}
    in_matrix = currency == "USD"  # cross mode: a coin's equity is a position of its own
    kept = [
        code
        for code, base in bases.items()
        if code in derivative or (in_matrix and not _is_dollar(base))
    ]
    place = {code: k for k, code in enumerate(kept)}
    base_run = np.array([place.get(int(code), -1) for code in run], np.int32)
    facts = {
        "bases": tuple(bases[code] for code in kept),
        "base_run": frozen(base_run, np.int32),
        "roll_run": part.runs("settle", "underlying", "expiry"),
        "class_run": part.runs("pair", "expiry", "kind", "inverse"),
    }
    return replace(pool, facts=facts)


def _is_dollar(name: str) -> bool:
    return name in DOLLAR_PEGGED


def _worth(pool: Pool, view: View, *, cross: bool) -> Floats:
    """[I] pool currency per unit of a row's settlement currency."""
    if not cross:
        return np.ones(len(pool.instruments))
    return np.asarray(view.usd[pool.instruments.settle])


def _caps(bases: tuple[str, ...], parameters: Parameters, usd_per_unit: Floats) -> Floats:
    """[G] the largest gain that counts, in the pool's currency."""
    return per_base(parameters, bases, "currency", "max_offsetable_pnl_usd") / usd_per_unit


def _usd_of(pool: Pool, view: View) -> float:
    """Dollars per unit of a pool's currency."""
    return float(view.usd[pool.instruments.names.index(pool.currency)])
