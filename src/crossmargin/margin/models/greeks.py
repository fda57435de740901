"""Margin by Greeks: the second-order expansion of a whole account over a shift grid.

    P&L_s       D dS + 1/2 G dS^2 + V dv + Th dt + X dS dv + 1/2 W dv^2, summed over the account
    together    worst P&L_s, every coin in the same scenario
    apart       the sum over coins of each one's own worst
    netted      c x together + (1 - c) x apart
    buffer      sqrt(2 / pi) k sigma S^2 |Gamma| sqrt(dt) x steps, per coin: what re-hedging costs
    requirement netted + buffer (+ what the expansion misses, a switch); of a book of long options
                and coins alone at most what those can lose

The expansion is a fast approximation, and only near the unshocked market. Every row is therefore
revalued in full over the same shifts; the gap is shown beside the requirement and an account where
it exceeds a stated share of its full loss is *unsafe*: a warning with every result. What is charged
then is a switch: ``flagged`` (default) leaves the requirement the expansion's, so that the model is
what its name says; ``charged`` adds what is missing, and the requirement is never below that of the
full revaluation. An expansion that says too much is left as it is under both.
"""

from __future__ import annotations

from typing import NamedTuple, final

import numpy as np

from crossmargin.core.arrays import Bools, Floats
from crossmargin.instruments.contracts import Instruments
from crossmargin.margin.equity import with_equity_rows
from crossmargin.margin.families.dollar_greeks import (
    DollarGreeks,
    dollar_greeks,
    known_coins,
    per_coin,
    refuse_unknown_derivatives,
)
from crossmargin.margin.families.greeks_buffer import buffer_rates, hedging_cost
from crossmargin.margin.families.greeks_details import greeks_tables
from crossmargin.margin.families.greeks_error import Judged, judged
from crossmargin.margin.families.greeks_grid import expanded_pnl, grid_of, probes_of, shift_terms
from crossmargin.margin.families.greeks_orders import greeks_need
from crossmargin.margin.families.whole_account import (
    ALL_OF,
    KINDS,
    coin_names,
    dollar_market,
    dollar_risk,
    equity_columns,
    fills_in_dollars,
    level_columns,
    plan_account,
    priced_account,
    refuse_strangers,
    strangers,
)
from crossmargin.margin.fills import order_margin
from crossmargin.margin.model import (
    Detail,
    Fidelity,
    ModelSpec,
    OrderNeed,
    Plan,
    Pool,
    PoolAnswer,
    PoolBook,
    Priced,
    Refusal,
    Rule,
    ScaleLaw,
)
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.market.view import View
from crossmargin.pricing.apart import Parted, chosen_terms, parted, tables_of
from crossmargin.pricing.netting import NONE, Worst, empty_worst, pick_kernel
from crossmargin.pricing.sums import row_sums
from crossmargin.pricing.taylor import TERMS

__all__ = ["GreeksMargin"]

_OWN = "this project's own model and calibration"
_PLACE = "asset.NAME in a parameter file"

SPEC = ModelSpec(
    name="greeks",
    title="Greeks: second-order expansion over a shift grid",
    family="greeks",
    venue="",
    version="1",
    folder="greeks",
    kinds=KINDS,
    currency="USD",
    scale=ScaleLaw.HOMOGENEOUS,
    balance_side="cash, coins and option value at mark, in dollars",
    rules=(
        Rule(
            "taylor",
            "worst loss over the grid by net delta, gamma, vega, theta, vanna and volga",
            f"{_OWN}; expansion: textbook",
            Fidelity.EXACT,
        ),
        Rule(
            "offset",
            "moves of different coins offset each other only by netting.common_share",
            _OWN,
            Fidelity.EXACT,
        ),
        Rule(
            "long_cap",
            "a book of long options and long coins alone loses at most their value",
            f"{_OWN}; no-arbitrage bound",
            Fidelity.EXACT,
        ),
        Rule(
            "error",
            "full revaluation of the same shifts: shown and flagged, or its excess charged",
            _OWN,
            Fidelity.INFERRED,
            ("reading.error",),
        ),
        Rule(
            "gamma_buffer",
            "expected cost of re-hedging net gamma over the close-out",
            f"{_OWN}; expected cost of discrete hedging: textbook",
            Fidelity.EXACT,
        ),
        Rule("levels", "IM and MM as shares of the requirement", _OWN, Fidelity.EXACT),
        Rule(
            "order_margin",
            "worst fill of the open orders: every part at the fills that are worst for it, an "
            "upper bound",
            _OWN,
            Fidelity.EXACT,
        ),
        Rule("balance_side", "equity in dollars", _OWN, Fidelity.EXACT),
    ),
    readings={"reading.error": ("flagged", "charged")},
    standard="fixed-rate",
    maps_from=ALL_OF,
    unknown=("beyond the grid nothing is margined; far moves are probed and shown only",),
    expands=True,
)


class _Netted(NamedTuple):
    """P&L of a block under the expansion and in full, and what is made of both."""

    worst: Worst
    terms: Floats  # [A, 6] losses by term in the worst scenario
    apart: Floats
    judged: Judged


@final
class GreeksMargin:
    """One pool of dollars for the whole account."""

    spec = SPEC

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """The whole account; a derivative on a coin without numbers is refused."""
        refuse_unknown_derivatives(instruments, parameters)
        days = parameters.number("general.horizon_days")
        note = f"expansion of second order; grid now and {days:g} days later; rates of zero"
        return plan_account(instruments, parameters, (note,))

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """The grid, priced by the expansion and in full, and the columns of the charges."""
        market = dollar_market(pool, view)
        known = known_coins(parameters)
        coins = tuple(name for name in coin_names(pool.instruments) if name in known)
        found = dollar_greeks(market, coins)
        grid = grid_of(market, coins, parameters)
        risk = dollar_risk(market, grid.scenarios)
        pnl, terms = expanded_pnl(shift_terms(market, found, grid))
        columns = dict(zip(TERMS, found.expansion, strict=True))
        facts = {
            "market": market,
            "greeks": found,
            "grid": grid,
            "taylor": pnl,
            "taylor_apart": tables_of(pnl, found.group, max(len(coins), 1)),
            "full_apart": tables_of(risk.pnl, found.group, max(len(coins), 1)),
            "terms": terms,
            "probes": probes_of(market, coins, parameters),
            "gamma": per_coin(found, found.gamma_usd),
            "buffer": buffer_rates(coins, parameters),
            "bounds": _bounds(found, grid.move, pool),
        }
        return priced_account(market, pool, grid.scenarios, risk, columns, facts)

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block of accounts."""
        refuse_strangers(priced, held, known_coins(parameters), _PLACE)
        accounts = len(held.row) - 1
        netted = self._netted(priced, held, parameters)
        share = parameters.number("netting.common_share")
        sheet = SheetBuilder(accounts)
        for k, name in enumerate(TERMS):
            sheet.leaf(f"{name}_loss", netted.terms[:, k].copy(), "taylor")
        sheet.sum("taylor_loss", *(f"{name}_loss" for name in TERMS))
        missing = np.maximum(netted.apart - netted.worst.loss, 0.0)
        sheet.leaf("offset_charge", (1.0 - share) * missing, "offset")
        sheet.sum("netted_loss", "taylor_loss", "offset_charge")
        sheet.leaf("full_loss", netted.judged.full_loss, "error")
        sheet.difference("taylor_error", "full_loss", "netted_loss")
        sheet.leaf("largest_gap", netted.judged.gap, "error")
        sheet.leaf("unsafe", netted.judged.unsafe.astype(np.float64), "error")
        charged = parameters.get("reading.error") == "charged"
        error = np.maximum(sheet["taylor_error"], 0.0) if charged else np.zeros(accounts)
        sheet.leaf("expansion_error", error, "error")
        gamma = self._gamma(priced, held)
        sheet.leaf("gamma_buffer", hedging_cost(gamma, priced.facts["buffer"]), "gamma_buffer")
        sheet.sum("risk", "netted_loss", "expansion_error", "gamma_buffer")
        sheet.leaf("most_to_lose", _most(priced, held, sheet["risk"]), "long_cap")
        sheet.min("requirement", "risk", "most_to_lose")
        need = self.order_need(priced, held, parameters)
        base = parameters.number("level.im_factor") * sheet["requirement"]
        equity = equity_columns(sheet, priced, held)
        level_columns(sheet, "requirement", parameters, order_margin(need, base))
        return PoolAnswer(
            sheet.build(held.account, 0),
            netted.worst.scenario,
            netted.worst.runner_up_scenario,
            netted.worst.runner_up,
            equity.source,
            loss=netted.worst.loss,
        )

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """Initial requirement after the worst fills; see ``greeks_orders``."""
        fills = fills_in_dollars(priced, held)
        return None if fills is None else greeks_need(priced, held, fills, parameters)

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """[A, S] P&L of the expansion."""
        return np.asarray(self._parted(priced, held, "taylor_apart")[0][:, : _count(priced)])

    def refusals(self, priced: Priced, held: PoolBook) -> tuple[Refusal, ...]:
        """Accounts with a coin that has no numbers."""
        return strangers(priced, held, priced.facts["greeks"].coins, _PLACE)

    def details(self, priced: Priced, held: PoolBook, parameters: Parameters) -> tuple[Detail, ...]:
        """Net Greeks by coin and expiry, the error per scenario, and far probes."""
        return greeks_tables(priced, with_equity_rows(priced, held), parameters)

    def warnings(self, priced: Priced, held: PoolBook, parameters: Parameters) -> tuple[str, ...]:
        """A sentence where the expansion is unsafe."""
        if len(held.row) != 2 or not len(held.column):
            return ()
        netted = self._netted(priced, held, parameters)
        found = netted.judged
        if not bool(found.unsafe[0]):
            return ()
        limit = 100.0 * parameters.number("check.unsafe_share")
        together = netted.worst.loss[0]
        rest = 1.0 - parameters.number("netting.common_share")
        own = together + rest * max(netted.apart[0] - together, 0.0)
        return (
            f"the expansion is unsafe here: off by {found.gap[0]:,.2f} USD in a scenario, over "
            f"{limit:g} % of the full loss; by it the account loses {own:,.2f} USD, revalued in "
            f"full {found.full_loss[0]:,.2f} USD: margin it by full revaluation",
        )

    def _parted(self, priced: Priced, held: PoolBook, name: str) -> Parted:
        book = with_equity_rows(priced, held)
        where = (book.row, book.column, book.quantity)
        return parted(*where, priced.facts[name], _count(priced), trusted=True)

    def _netted(self, priced: Priced, held: PoolBook, parameters: Parameters) -> _Netted:
        count = _count(priced)
        book = with_equity_rows(priced, held)
        total, apart = self._parted(priced, held, "taylor_apart")
        full, full_apart = self._parted(priced, held, "full_apart")
        found = judged(total[:, :count], full[:, :count], full_apart, parameters)
        picked = empty_worst(len(book.row) - 1)
        width = total.shape[1]
        pick_kernel.run(book.row, total.ravel(), width, count, NONE, NONE, *picked)
        chosen = np.where(picked.loss > 0.0, picked.scenario, -1).astype(np.int32)
        parts = chosen_terms(
            book.row, book.column, book.quantity, chosen, priced.facts["terms"], trusted=True
        )
        return _Netted(picked, -parts[:, : len(TERMS)], apart, found)

    def _gamma(self, priced: Priced, held: PoolBook) -> Floats:
        """[A, U] net S^2 Gamma by coin."""
        return row_sums(
            held.row, held.column, held.quantity, priced.facts["gamma"], trusted=True
        ).net


def _count(priced: Priced) -> int:
    assert priced.scenarios is not None  # set by price()
    return len(priced.scenarios)


def _bounds(greeks: DollarGreeks, move: Floats, pool: Pool) -> Floats:
    """[I, 3] what a long unit can lose; 1 of an option or coin; 1 of a future or perpetual."""
    part = pool.instruments
    known = greeks.group >= 0
    value = greeks.value_usd.copy()
    lone = known & (greeks.expansion.delta != 0.0) & (part.expiry < 0) & (part.kind == 0)
    lowest = -move.min(axis=1) if move.size else np.zeros(0)
    value[lone] = greeks.index_usd[lone] * np.maximum(lowest[greeks.group[lone]], 0.0)
    open_end: Bools = known & np.isin(part.kind, (2, 3))
    return np.stack([value, (known & ~open_end) * 1.0, open_end * 1.0], axis=1)


def _most(priced: Priced, held: PoolBook, otherwise: Floats) -> Floats:
    """[A] most that a book of long options and coins can lose; ``otherwise`` where it is not."""
    book = with_equity_rows(priced, held)
    found = row_sums(book.row, book.column, book.quantity, priced.facts["bounds"], trusted=True)
    short = found.short[:, 1] < 0.0
    linear = (found.long[:, 2] - found.short[:, 2]) > 0.0
    return np.where(short | linear, otherwise, found.net[:, 0])
