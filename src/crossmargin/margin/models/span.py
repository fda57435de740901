"""``span``: SPAN for coins: 16 scenarios, calendar spreads, credits, a short option minimum.

The algorithm is the published one (``families/span_engine``); no exchange publishes terms for these
contracts in this form, so ranges, charges and credits are this project's own calibration
(``scripts/calibrate_span.py``). To margin a book under an exchange's own file: `xm.span_file`.
"""

from __future__ import annotations

from typing import final

import numpy as np

from crossmargin.core.arrays import Floats, Ints, Longs
from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.equity import with_equity_rows
from crossmargin.margin.families.span_coins import coin_terms, coins_of, scan_scenarios
from crossmargin.margin.families.span_engine import Rows, SpanResult, SpanTerms, requirement
from crossmargin.margin.families.span_orders import span_need
from crossmargin.margin.families.whole_account import (
    ALL_OF,
    KINDS,
    dollar_market,
    dollar_risk,
    equity_columns,
    fills_in_dollars,
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
from crossmargin.pricing.rows import TIE

__all__ = ["Span"]

_PUBLIC = "published descriptions of SPAN"
_OWN = "this project's own calibration"
_REMEDY = "--params FILE with a table coin.NAME"

SPEC = ModelSpec(
    name="span",
    title="SPAN for coins: 16 scenarios, spreads, credits, short option minimum",
    family="span",
    venue="",
    version="1",
    folder="span",
    kinds=KINDS,
    currency="USD",
    scale=ScaleLaw.HOMOGENEOUS,
    balance_side="cash, coins at their price and profit of open futures; options count in the "
    "requirement, as net option value",
    rules=(
        Rule(
            "scan",
            "a coin's worst loss over 16 moves of price, volatility and time; of the two extreme "
            "moves a share counts",
            f"{_PUBLIC}; reproduces an exchange's arrays. Ranges: {_OWN}",
            Fidelity.EXACT,
        ),
        Rule(
            "intra",
            "a charge for each coin of delta that offsets one of another expiry, by tiers",
            f"{_PUBLIC}; reproduces published examples. Rates: {_OWN}",
            Fidelity.EXACT,
        ),
        Rule(
            "delivery",
            "a charge on deltas in spreads that expire within the horizon: the settlement averages "
            "the index, the hedge does not",
            f"{_PUBLIC}. Rates: {_OWN}",
            Fidelity.STATED,
        ),
        Rule(
            "inter",
            "a share of the price risk of both legs where a coin's net delta offsets another's, "
            "dollar for dollar; never more than a coin's scan risk",
            f"{_PUBLIC}; reproduces a published example. Share and limit: {_OWN}",
            Fidelity.EXACT,
        ),
        Rule(
            "som",
            "the least requirement of a coin: a share of the index for each short option",
            f"{_PUBLIC}. Share: {_OWN}",
            Fidelity.STATED,
        ),
        Rule(
            "nov",
            "the value of long options less that of short ones stands against the risk; no "
            "requirement is below zero",
            f"{_PUBLIC}; options are paid up front",
            Fidelity.STATED,
        ),
        Rule("levels", "initial is a multiple of maintenance", _PUBLIC, Fidelity.STATED),
        Rule(
            "order_margin",
            "an upper bound over the fills: each part at its own worst, no credit between coins",
            "this project's",
            Fidelity.INFERRED,
        ),
        Rule("balance_side", "the equity at marks without options", _PUBLIC, Fidelity.STATED),
    ),
    one_balance=True,
    standard="fixed-rate",
    maps_from=ALL_OF,
    unknown=("an exchange's own terms for these contracts: its file is margined by xm.span_file",),
)


@final
class Span:
    """One dollar pool; a combined commodity a coin."""

    spec = SPEC

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """The pool; ModelError ``parameter_missing`` for contracts on a coin without numbers."""
        known = coins_of(parameters)
        for item in instruments.items:
            if item.kind != Kind.ASSET and item.underlying not in known:
                raise ModelError(
                    "parameter_missing",
                    "the model has no numbers for a coin",
                    place=f"{item.venue} {item.native_id}",
                    value=item.underlying,
                    limit=", ".join(known) or "none",
                    remedy=f"Give the numbers of the coin ({_REMEDY}), or leave the line out.",
                )
        days = parameters.number("scan.look_ahead_days")
        notes = (
            f"ranges, charges and credits are this project's own calibration; {days:g} days of "
            "look-ahead; forwards and lives of 365 days",
        )
        return plan_account(instruments, parameters, notes)

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """Arrays and terms of the market."""
        market = dollar_market(pool, view)
        scenarios = scan_scenarios(market, parameters)
        risk = dollar_risk(market, scenarios)
        priced = priced_account(market, pool, scenarios, risk, {}, {})
        terms = coin_terms(market, risk, priced.option_value, parameters)
        columns = {"delta": terms.tables.delta}
        facts = {"terms": terms, "known": coins_of(parameters)}
        return priced_account(market, pool, scenarios, risk, columns, facts)

    def refusals(self, priced: Priced, held: PoolBook) -> tuple[Refusal, ...]:
        """Accounts that hold a coin without numbers."""
        return strangers(priced, held, priced.facts["known"], _REMEDY)

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block of accounts."""
        refuse_strangers(priced, held, priced.facts["known"], _REMEDY)
        terms: SpanTerms = priced.facts["terms"]
        rows = _rows(priced, held)
        found = requirement(terms, rows)
        sheet = SheetBuilder(len(held.row) - 1)
        _risk_columns(sheet, terms, found)
        sheet.scale("initial", "requirement", parameters.number("level.im_factor"), "levels")
        need = _need(priced, held, rows, found, parameters)
        sheet.leaf("order_margin", order_margin(need, sheet["initial"]), "order_margin")
        equity = equity_columns(sheet, priced, held)
        sheet.difference("without_options", "equity", "net_option_value")
        sheet.sum("counted_im", "without_options")
        sheet.sum("im", "initial", "order_margin")
        sheet.sum("counted_mm", "without_options")
        sheet.scale("mm", "requirement", parameters.number("level.mm_factor"), "levels")
        main, every = _main(found), np.arange(sheet.rows)
        runner_up, runner_up_loss = _runner_up(found, main)
        return PoolAnswer(
            sheet.build(held.account, 0),
            found.active[every, main],
            runner_up,
            runner_up_loss,
            equity.source,
            loss=found.scan[every, main],
        )

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """An upper bound over all sets of fills; see ``span_orders``."""
        rows = _rows(priced, held)
        found = requirement(priced.facts["terms"], rows)
        return _need(priced, held, rows, found, parameters)

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """[A, S] P&L of the coin whose scan loses most: each coin has its own worst scenario."""
        found = requirement(priced.facts["terms"], _rows(priced, held))
        return -found.losses[np.arange(len(found.losses)), _main(found)]

    def details(self, priced: Priced, held: PoolBook, parameters: Parameters) -> tuple[Detail, ...]:
        """What each coin comes to, with its active scenario, and the spreads that were formed."""
        terms: SpanTerms = priced.facts["terms"]
        found = requirement(terms, _rows(priced, held))
        return _coin_table(priced, terms, found), _risk_table(terms, found), _spread_table(found)


def _rows(priced: Priced, held: PoolBook) -> Rows:
    """The positions, with coins as the reported equity has them."""
    book = with_equity_rows(priced, held)
    return Rows(book.row, book.column, book.quantity)


def _need(
    priced: Priced, held: PoolBook, rows: Rows, found: SpanResult, parameters: Parameters
) -> OrderNeed | None:
    """The order bound beside a requirement that is known; None where there are no orders."""
    fills = fills_in_dollars(priced, held, value_counts=False)
    if fills is None:
        return None
    im_factor = parameters.number("level.im_factor")
    return span_need(priced.facts["terms"], rows, fills, found, im_factor)


def _risk_columns(sheet: SheetBuilder, terms: SpanTerms, found: SpanResult) -> None:
    """A branch for each coin of the set, held or not, so that every sheet has the same columns."""
    risks = []
    for c, commodity in enumerate(terms.commodities):
        name = commodity.code.lower()
        for part, rule in (("scan", "scan"), ("intra", "intra"), ("delivery", "delivery")):
            sheet.leaf(f"{part}_{name}", getattr(found, part)[:, c], rule)
        sheet.sum(f"charged_{name}", f"scan_{name}", f"intra_{name}", f"delivery_{name}")
        sheet.leaf(f"inter_credit_{name}", found.inter[:, c], "inter")
        sheet.difference(f"after_credit_{name}", f"charged_{name}", f"inter_credit_{name}")
        sheet.leaf(f"short_minimum_{name}", found.som[:, c], "som")
        risks.append(sheet.max(f"risk_{name}", f"after_credit_{name}", f"short_minimum_{name}"))
    sheet.sum("risk", *risks)
    total = np.zeros(sheet.rows)
    for c in range(len(terms.commodities)):
        total += found.nov[:, c]
    sheet.leaf("net_option_value", total, "nov")
    sheet.difference("after_options", "risk", "net_option_value")
    sheet.leaf("nothing", 0.0, "nov")
    sheet.max("requirement", "after_options", "nothing")


def _main(found: SpanResult) -> Longs:
    """[A] the coin whose scan loses most, the first of equals; a coin that is held comes first."""
    held = found.active >= 0
    return np.asarray(np.argmax(np.where(held, found.scan, -1.0), axis=1), np.int64)


def _runner_up(found: SpanResult, main: Longs) -> tuple[Ints, Floats]:
    """[A] the worst of the other scenarios of that coin, and its loss."""
    every = np.arange(len(main))
    gain = -found.losses[every, main]
    active = found.active[every, main]
    held = active >= 0
    gain[every[held], active[held]] = np.inf
    least = gain.min(axis=1)
    second = np.argmax(gain <= (least + TIE * np.abs(least))[:, None], axis=1).astype(np.int32)
    loss = np.where(held, np.maximum(-gain[every, second], 0.0), 0.0)
    return np.where(held, second, -1).astype(np.int32), loss


def _coin_table(priced: Priced, terms: SpanTerms, found: SpanResult) -> Detail:
    scenarios = priced.scenarios
    assert scenarios is not None  # set by price()
    parts = (found.scan, found.intra, found.delivery, found.inter, found.som, found.risk)
    rows: list[tuple[str | float, ...]] = []
    for c, commodity in enumerate(terms.commodities):
        code = int(found.active[0, c])
        if code >= 0:
            label = scenarios.label[code] if found.scan[0, c] > 0.0 else "—"
            rows.append((commodity.code, label, *(float(part[0, c]) for part in parts)))
    columns = (
        ("coin", "coin", "name"),
        ("active_scenario", "active scenario", "text"),
        ("scan_usd", "scan", "amount"),
        ("intra_usd", "calendar", "amount"),
        ("delivery_usd", "delivery", "amount"),
        ("inter_credit_usd", "credit", "amount"),
        ("short_minimum_usd", "least", "amount"),
        ("risk_usd", "risk", "amount"),
    )
    notes = ("each coin has a worst scenario of its own; the grid is of the coin that loses most",)
    return Detail("combined_commodities", "Combined commodities", columns, tuple(rows), notes)


def _risk_table(terms: SpanTerms, found: SpanResult) -> Detail:
    parts = (found.time_risk, found.vol_risk, found.price_risk, found.net_delta, found.nov)
    rows: list[tuple[str | float, ...]] = [
        (commodity.code, *(float(part[0, c]) for part in parts))
        for c, commodity in enumerate(terms.commodities)
        if found.active[0, c] >= 0
    ]
    columns = (
        ("coin", "coin", "name"),
        ("time_risk_usd", "time risk", "amount"),
        ("vol_risk_usd", "vol risk", "amount"),
        ("price_risk_usd", "price risk", "amount"),
        ("net_delta_coins", "net delta", "quantity"),
        ("net_option_value_usd", "net option value", "amount"),
    )
    return Detail("price_risk", "What the scan is made of", columns, tuple(rows))


def _spread_table(found: SpanResult) -> Detail:
    rows = tuple(
        (
            made.kind,
            made.label,
            float(made.count[0]),
            float(sum(v[0] for v in made.amount.values())),
        )
        for made in found.formed
        if made.count[0] > 0.0
    )
    columns = (
        ("kind", "kind", "name"),
        ("spread", "spread", "text"),
        ("count", "spreads", "quantity"),
        ("amount_usd", "charge or credit", "amount"),
    )
    notes = ("between coins a spread is a dollar of delta; a credit ends at the coin's scan risk",)
    return Detail("spreads", "Spreads formed", columns, rows, notes)
