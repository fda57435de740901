"""``correlated``: the whole account over joint moves of coins that are correlated.

    requirement  the largest of the joint scenarios, base and stressed (or of the credit table), and
                 of the losses where the two sides of an offset part

The worst of base and stressed counts: a hedge across coins saves what it would still save when
correlations go to one and when the hedge breaks by the stated share.
"""

from __future__ import annotations

from typing import final

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.instruments.contracts import Instruments
from crossmargin.margin.families.cross_details import cross_tables
from crossmargin.margin.families.cross_orders import cross_need
from crossmargin.margin.families.cross_rules import (
    NETTINGS,
    joint_names,
    known_coins,
    refuse_unknown_derivatives,
    tenths_of,
)
from crossmargin.margin.families.cross_scan import CrossScan, Netted, cross_scan, netted
from crossmargin.margin.families.whole_account import (
    ALL_OF,
    KINDS,
    coin_names,
    dollar_market,
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
from crossmargin.margin.pools import by_row, row_of_position
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.market.view import View

__all__ = ["Correlated"]

_OWN = "this project's own model and calibration"
_PLACE = "coin.NAME in a parameter file"

SPEC = ModelSpec(
    name="correlated",
    title="Cross-asset netting: joint scenarios of correlated coins, base and stressed",
    family="cross-asset",
    venue="",
    version="1",
    folder="correlated",
    kinds=KINDS,
    currency="USD",
    scale=ScaleLaw.HOMOGENEOUS,
    balance_side="cash, coins and option value at mark, in dollars",
    rules=(
        Rule(
            "joint_scenarios",
            "worst of the joint moves of coins under the correlation matrix, base and stressed, "
            "or the credit table; coins outside the matrix add up",
            _OWN,
            Fidelity.INFERRED,
            ("reading.netting",),
        ),
        Rule("breaks", "largest loss where one offset parts by its stated gap", _OWN,
             Fidelity.EXACT),
        Rule("plain_sum", "what the coins need one by one: shown, not required", _OWN,
             Fidelity.EXACT),
        Rule("levels", "IM and MM as shares of the requirement", _OWN, Fidelity.EXACT),
        Rule(
            "order_margin",
            "worst fill of the open orders, an upper bound where groups or credits meet; what "
            "fills lose against the mark is added",
            _OWN,
            Fidelity.EXACT,
        ),
        Rule("balance_side", "equity in dollars", _OWN, Fidelity.EXACT),
    ),
    readings={"reading.netting": NETTINGS},
    standard="fixed-rate",
    maps_from=ALL_OF,
)  # fmt: skip


@final
class Correlated:
    """One pool of dollars for the whole account."""

    spec = SPEC

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """The whole account; a derivative on a coin without numbers is refused."""
        refuse_unknown_derivatives(instruments, parameters)
        joint = ", ".join(joint_names(parameters)) or "no coins"
        note = (
            f"{joint} net over joint moves; correlations stressed by {tenths_of(parameters)} tenths"
            " towards one and towards broken hedges; rates of zero"
        )
        return plan_account(instruments, parameters, (note,))

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """The joint scenarios; ModelError ``matrix_not_psd`` where the matrix is none."""
        market = dollar_market(pool, view)
        scan = cross_scan(market, parameters)
        facts = {"market": market, "scan": scan}
        return priced_account(market, pool, scan.scenarios, scan.risk, {}, facts)

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block of accounts."""
        refuse_strangers(priced, held, self._known(priced, parameters), _PLACE)
        now = self._netted(priced, held)
        sheet = SheetBuilder(len(held.row) - 1)
        sheet.leaf("plain_sum", now.plain, "plain_sum")
        sheet.leaf("base_risk", now.base, "joint_scenarios")
        sheet.leaf("scan_risk", now.worst.loss, "joint_scenarios")
        # Groups have worst scenarios of their own, and credits are no scenario.
        beyond = np.maximum(now.joint - now.worst.loss, 0.0)
        sheet.leaf("not_offset", beyond, "joint_scenarios")
        sheet.sum("joint_risk", "scan_risk", "not_offset")
        sheet.difference("netting_saves", "plain_sum", "joint_risk")
        sheet.leaf("break_risk", now.parting, "breaks")
        sheet.max("requirement", "joint_risk", "break_risk")
        base = parameters.number("level.im_factor") * sheet["requirement"]
        need = self._need(priced, held, parameters, now)
        equity = equity_columns(sheet, priced, held)
        level_columns(sheet, "requirement", parameters, order_margin(need, base))
        return PoolAnswer(
            sheet.build(held.account, 0),
            now.worst.scenario,
            now.worst.runner_up_scenario,
            now.worst.runner_up,
            equity.source,
            loss=now.worst.loss,
        )

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """Initial requirement after the worst fills; see ``cross_orders``."""
        return self._need(priced, held, parameters, self._netted(priced, held))

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """[A, S] P&L of the whole account."""
        return self._netted(priced, held).total[:, : len(_scan(priced).scenarios)]

    def refusals(self, priced: Priced, held: PoolBook) -> tuple[Refusal, ...]:
        """Accounts with a coin that has no numbers."""
        return strangers(priced, held, _scan(priced).coins.names, _PLACE)

    def details(self, priced: Priced, held: PoolBook, parameters: Parameters) -> tuple[Detail, ...]:
        """Coins, matrices and what netting saves under each."""
        return cross_tables(_scan(priced), self._netted(priced, held))

    def _known(self, priced: Priced, parameters: Parameters) -> tuple[str, ...]:
        return known_coins(parameters, coin_names(priced.pool.instruments))

    def _netted(self, priced: Priced, held: PoolBook) -> Netted:
        return netted(_scan(priced), held, priced)

    def _need(
        self, priced: Priced, held: PoolBook, parameters: Parameters, now: Netted
    ) -> OrderNeed | None:
        fills = fills_in_dollars(priced, held)
        if fills is None:
            return None
        found = cross_need(priced, _scan(priced), held, fills, now)
        owner = row_of_position(fills.row)
        cost = by_row(owner, np.maximum(-fills.gain, 0.0), len(held.row) - 1)
        need = parameters.number("level.im_factor") * found.need + cost
        return OrderNeed(need, fills, found.filled, found.scenario)


def _scan(priced: Priced) -> CrossScan:
    scan: CrossScan = priced.facts["scan"]
    return scan
