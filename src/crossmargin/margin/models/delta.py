"""Margin by net delta: what a whole account loses when its direction is wrong, and a floor.

    delta charge  a |net| + b hedged within a bucket + c hedged across buckets + liquidity, per coin
    floor         u |net| + h hedged, per coin                      (2 % and 1 %: a public minimum)
    requirement   max(delta charge, floor)

a is stated, or z sigma sqrt(days): the delta VaR of a normal move. Delta says nothing of gamma and
vega. Every account is therefore revalued in full at the model's own shifts; where that loses more
than the requirement by a stated share the account is *unsafe*: a column, a table, and a warning
with every result. The requirement stays that of the delta: a book of options belongs to a model
that sees them.
"""

from __future__ import annotations

from typing import final

import numpy as np

from crossmargin.core.arrays import Bools, Floats
from crossmargin.instruments.contracts import Instruments
from crossmargin.margin.equity import with_equity_rows
from crossmargin.margin.families.coin_premiums import with_premiums
from crossmargin.margin.families.delta_details import delta_tables
from crossmargin.margin.families.delta_orders import delta_need
from crossmargin.margin.families.delta_rules import (
    CONVENTIONS,
    charges_of,
    delta_sums,
    delta_usd,
    ladder_of,
    rates_of,
)
from crossmargin.margin.families.dollar_greeks import (
    dollar_greeks,
    known_coins,
    refuse_unknown_derivatives,
)
from crossmargin.margin.families.expiry_ladder import bucket_of, ladder_days
from crossmargin.margin.families.greeks_grid import probes_of, shifts_of
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
from crossmargin.pricing.apart import parted, tables_of

__all__ = ["DeltaMargin"]

_OWN = "this project's own model and calibration"
_MINIMUM = "tradeparadex/paradex-docs, portfolio margin: 2 % net, 1 % hedged; worked example"
_PLACE = "asset.NAME in a parameter file"

SPEC = ModelSpec(
    name="delta",
    title="Portfolio delta: net and hedged delta with a floor",
    family="delta",
    venue="",
    version="1",
    folder="delta",
    kinds=KINDS,
    currency="USD",
    scale=ScaleLaw.SUPERLINEAR,
    balance_side="cash, coins and option value at mark, in dollars",
    rules=(
        Rule(
            "delta",
            "dollars of delta by coin: net, gross, hedged; three conventions of an option's delta",
            f"{_OWN}; conventions: API documentation of Deribit and OKX",
            Fidelity.INFERRED,
            ("reading.option_delta",),
        ),
        Rule("net", "stated rate of |net|, or z sigma sqrt(days)", _OWN, Fidelity.EXACT),
        Rule("hedged", "rate of delta hedged within a bucket of expiry", _OWN, Fidelity.EXACT),
        Rule("ladder", "rate of delta hedged across buckets of expiry", _OWN, Fidelity.EXACT),
        Rule(
            "liquidity",
            "price impact of trading the net delta out",
            f"{_OWN}; square-root and linear impact: textbook",
            Fidelity.EXACT,
        ),
        Rule("floor", "u |net| + h hedged", _MINIMUM, Fidelity.EXACT),
        Rule("error", "full revaluation at the shifts: shown and flagged", _OWN, Fidelity.EXACT),
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
    readings={"reading.option_delta": CONVENTIONS},
    standard="fixed-rate",
    maps_from=ALL_OF,
    unknown=("gamma, vega and every other risk of options: flagged by revaluation, not margined",),
)


@final
class DeltaMargin:
    """One pool of dollars for the whole account."""

    spec = SPEC

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """The whole account; a derivative on a coin without numbers is refused."""
        refuse_unknown_derivatives(instruments, parameters)
        how = parameters.get("reading.option_delta")
        return plan_account(
            instruments, parameters, (f"delta of options: {how}; sticky strike; rates of zero",)
        )

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """Deltas under the convention, the ladder, and the shifts that judge them."""
        market = dollar_market(pool, view)
        known = known_coins(parameters)
        coins = tuple(name for name in coin_names(pool.instruments) if name in known)
        found = dollar_greeks(market, coins)
        dollars = delta_usd(market, found, str(parameters.get("reading.option_delta")))
        rates = rates_of(coins, parameters)
        shifts = shifts_of(market, coins, parameters, rates.net.tolist(), 0.0)
        days = ladder_days(parameters)
        bucket = bucket_of(market, days)
        facts: dict[str, object] = {
            "market": market,
            "greeks": found,
            "rates": rates,
            "ladder": ladder_of(found, bucket, dollars),
            "bucket": bucket,
            "days": days,
            "shifts": shifts,
            "probes": probes_of(market, coins, parameters),
        }
        risk = dollar_risk(market, shifts.scenarios)
        facts["full"] = tables_of(risk.pnl, found.group, max(len(coins), 1))
        # No scenario is margined: the shifts only judge, and stand among the facts.
        return priced_account(market, pool, None, risk, {"delta_usd": dollars}, facts)

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block of accounts."""
        refuse_strangers(priced, held, known_coins(parameters), _PLACE)
        accounts = len(held.row) - 1
        sheet = SheetBuilder(accounts)
        base = self._requirement(sheet, priced, held, parameters)
        full = self._full(priced, held)
        sheet.leaf("full_loss", full, "error")
        sheet.difference("delta_error", "full_loss", "requirement")
        unsafe = _unsafe(full, sheet["requirement"], parameters)
        sheet.leaf("unsafe", unsafe.astype(np.float64), "error")
        need = self.order_need(priced, held, parameters)
        equity = equity_columns(sheet, priced, held)
        level_columns(sheet, "requirement", parameters, order_margin(need, base))
        nothing = np.full(accounts, -1, np.int32)
        return PoolAnswer(
            sheet.build(held.account, 0), nothing, nothing, np.zeros(accounts), equity.source
        )

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """Initial requirement after the worst fills; see ``delta_orders``."""
        fills = fills_in_dollars(priced, held)
        if fills is None:
            return None
        return delta_need(
            with_equity_rows(priced, held),
            fills,
            with_premiums(priced, fills),
            priced.facts["greeks"],
            priced.facts["ladder"],
            priced.columns["delta_usd"],
            priced.facts["rates"],
            parameters.number("level.im_factor"),
        )

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """No scenario is margined."""
        return None

    def refusals(self, priced: Priced, held: PoolBook) -> tuple[Refusal, ...]:
        """Accounts with a coin that has no numbers."""
        return strangers(priced, held, priced.facts["greeks"].coins, _PLACE)

    def details(self, priced: Priced, held: PoolBook, parameters: Parameters) -> tuple[Detail, ...]:
        """The ladder, the risk by coin, the conventions, and the error per shift."""
        if len(held.row) != 2 or not len(held.column):
            return ()
        return delta_tables(priced, with_equity_rows(priced, held), parameters)

    def warnings(self, priced: Priced, held: PoolBook, parameters: Parameters) -> tuple[str, ...]:
        """A sentence where options make the delta margin unsafe."""
        if len(held.row) != 2 or not len(held.column):
            return ()
        sheet = SheetBuilder(1)
        self._requirement(sheet, priced, held, parameters)
        full, needed = self._full(priced, held), sheet["requirement"]
        if not bool(_unsafe(full, needed, parameters)[0]):
            return ()
        return (
            f"delta margin is unsafe here: revalued in full at the model's own shifts the account "
            f"loses {full[0]:,.2f} USD, the requirement is {needed[0]:,.2f} USD; gamma and vega "
            "are not margined",
        )

    def _requirement(
        self, sheet: SheetBuilder, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> Floats:
        """Columns up to ``requirement``; [A] the initial requirement without orders."""
        book = with_equity_rows(priced, held)
        sums = delta_sums(priced.facts["ladder"], book.row, book.column, book.quantity)
        found = charges_of(priced.facts["rates"], sums)
        net, gross = _over_coins(np.abs(sums.net)), _over_coins(sums.gross)
        sheet.leaf("net_delta_usd", net, "delta")
        sheet.leaf("gross_delta_usd", gross, "delta")
        sheet.leaf("hedged_delta_usd", np.maximum(gross - net, 0.0) / 2.0, "delta")
        sheet.leaf("net_charge", found.net, "net")
        sheet.leaf("hedged_charge", found.hedged, "hedged")
        sheet.leaf("ladder_charge", found.across, "ladder")
        sheet.leaf("liquidity_charge", found.liquidity, "liquidity")
        parts = ("net_charge", "hedged_charge", "ladder_charge", "liquidity_charge")
        sheet.sum("delta_charge", *parts)
        sheet.leaf("min_delta", found.floor, "floor")
        sheet.max("requirement", "delta_charge", "min_delta")
        return np.asarray(parameters.number("level.im_factor") * sheet["requirement"])

    def _full(self, priced: Priced, held: PoolBook) -> Floats:
        """[A] loss of full revaluation at the shifts, each coin at its own worst."""
        assert priced.risk is not None  # set by price()
        book = with_equity_rows(priced, held)
        where = (book.row, book.column, book.quantity)
        return parted(*where, priced.facts["full"], priced.risk.count, trusted=True).apart


def _unsafe(full: Floats, needed: Floats, parameters: Parameters) -> Bools:
    """[A] where revaluation loses more than is required by the stated share of what it loses."""
    share = parameters.number("check.unsafe_share")
    limit = np.maximum(share * full, parameters.number("check.least_usd"))
    return np.asarray(full - needed > limit)


def _over_coins(values: Floats) -> Floats:
    total = np.zeros(len(values))
    for u in range(values.shape[1]):
        total += values[:, u]
    return total
