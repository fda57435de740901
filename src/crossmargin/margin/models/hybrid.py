"""``hybrid``: buckets with walls, in each of which static and model margin are blended by weight.

One pool a bucket. A coin's tier says where its contracts lie; an account may choose another place
for a contract and posts money to a bucket (``hybrid_buckets``). The model's part is the netting of
correlated coins (``cross_scan``) among the positions of that bucket alone; the static part is a
share of each position (``hybrid_static``). No bucket pays for another.
"""

from __future__ import annotations

from typing import final

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.families.cross_rules import (
    NETTINGS,
    known_coins,
    refuse_unknown_derivatives,
)
from crossmargin.margin.families.cross_scan import CrossScan, cross_scan
from crossmargin.margin.families.hybrid_blend import (
    blend_need,
    blend_of,
    bucket_equity,
    bucket_fills,
    now_of,
    own_book,
)
from crossmargin.margin.families.hybrid_buckets import (
    Walls,
    bucket_names,
    buckets_of,
    codes_of,
    posted_usd,
)
from crossmargin.margin.families.hybrid_moves import moves_table
from crossmargin.margin.families.hybrid_static import static_of
from crossmargin.margin.families.whole_account import (
    ALL_OF,
    KINDS,
    coin_names,
    dollar_market,
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
from crossmargin.margin.pools import make_pool
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.market.view import View

__all__ = ["Hybrid"]

_OWN = "this project's own model and calibration"
_PLACE = "coin.NAME in a parameter file"

SPEC = ModelSpec(
    name="hybrid",
    title="Hybrid: walled buckets by tier, static and model margin blended",
    family="cross-asset",
    venue="",
    version="1",
    folder="hybrid",
    kinds=KINDS,
    currency="USD",
    scale=ScaleLaw.HOMOGENEOUS,
    balance_side="core: cash and coins at mark; another bucket: what is posted, its coins, the "
    "profit since entry; option value by the model's weight",
    rules=(
        Rule(
            "joint_scenarios",
            "worst joint move of the bucket's coins, base and stressed, or the credit table",
            _OWN,
            Fidelity.INFERRED,
            ("reading.netting",),
        ),
        Rule("breaks", "largest loss where one offset parts by its stated gap", _OWN,
             Fidelity.EXACT),
        Rule("static", "share of each position, as fixed-rate charges it", _OWN, Fidelity.EXACT),
        Rule("blend", "weight x model + (1 - weight) x static", _OWN, Fidelity.EXACT),
        Rule("floor", "least share of the gross notional", _OWN, Fidelity.EXACT),
        Rule("levels", "IM and MM of the model's part as shares of it", _OWN, Fidelity.EXACT),
        Rule(
            "order_margin",
            "each part at the fills that are worst for it, an upper bound; an order lies where "
            "its contract does",
            _OWN,
            Fidelity.EXACT,
        ),
        Rule("posting", "the core's money that the account posted to a bucket", _OWN,
             Fidelity.EXACT),
        Rule("balance_side", "equity of the bucket alone, in dollars", _OWN, Fidelity.EXACT),
    ),
    readings={"reading.netting": NETTINGS},
    standard="fixed-rate",
    maps_from=ALL_OF,
    walls=True,
)  # fmt: skip


@final
class Hybrid:
    """One pool a bucket; every pool sees the whole table, its walls say what lies inside."""

    spec = SPEC

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """A pool a bucket; a derivative on a coin without numbers is refused."""
        refuse_unknown_derivatives(instruments, parameters)
        names, code = bucket_names(parameters), codes_of(instruments, parameters)
        every = np.arange(len(instruments), dtype=np.int32)
        money = tuple({i.underlying: None for i in instruments.items if i.kind == Kind.ASSET})
        pools = tuple(
            make_pool(instruments, every, name, "USD", money, {"walls": Walls(number, names, code)})
            for number, name in enumerate(names)
        )
        note = (
            "no bucket pays for another; money lies in the core until it is posted, the profit of "
            "another bucket's positions counts there since their entry prices, beside the balance"
        )
        return Plan(pools, parameters, (note,))

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """The joint scenarios and the static charges of the bucket."""
        market = dollar_market(pool, view)
        scan = cross_scan(market, parameters)
        buckets = buckets_of(parameters)
        facts = {
            "market": market,
            "scan": scan,
            "walls": pool.facts["walls"],
            "buckets": buckets,
            "statics": tuple(static_of(market, bucket) for bucket in buckets),
        }
        return priced_account(market, pool, scan.scenarios, scan.risk, {}, facts)

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block of accounts in one bucket."""
        known = known_coins(parameters, coin_names(priced.pool.instruments))
        refuse_strangers(priced, held, known, _PLACE)
        walls: Walls = priced.facts["walls"]
        bucket = priced.facts["buckets"][walls.number]
        now = now_of(priced, held, walls.number)
        im, mm = blend_of(bucket, priced.facts["statics"][walls.number], now, held, parameters)
        sheet = SheetBuilder(len(held.row) - 1)
        sheet.leaf("scan_risk", now.worst.loss, "joint_scenarios")
        beyond = np.maximum(now.joint - now.worst.loss, 0.0)
        sheet.leaf("not_offset", beyond, "joint_scenarios")
        sheet.sum("joint_risk", "scan_risk", "not_offset")
        sheet.leaf("break_risk", now.parting, "breaks")
        sheet.max("model_risk", "joint_risk", "break_risk")
        ones = np.ones(sheet.rows)
        sheet.leaf("weight", bucket.weight * ones, "blend")
        sheet.leaf("static_weight", (1.0 - bucket.weight) * ones, "blend")
        for level, part in (("im", im), ("mm", mm)):
            factor = parameters.number(f"level.{level}_factor")
            sheet.scale(f"model_{level}", "model_risk", factor, "levels")
            sheet.leaf(f"static_{level}", part.static, "static")
            sheet.product(f"model_part_{level}", "weight", f"model_{level}")
            sheet.product(f"static_part_{level}", "static_weight", f"static_{level}")
            sheet.sum(f"blended_{level}", f"model_part_{level}", f"static_part_{level}")
            sheet.leaf(f"floor_{level}", part.floor, "floor")
        sheet.max("initial", "blended_im", "floor_im")
        need = self.order_need(priced, held, parameters)
        sheet.leaf("order_margin", order_margin(need, sheet["initial"]), "order_margin")
        equity = bucket_equity(priced, held, walls.number)
        sheet.leaf("cash", equity.cash, "balance_side")
        sheet.leaf("posted", posted_usd(walls.names, walls.number, held.book), "posting")
        sheet.leaf("unrealised", equity.unrealised, "balance_side")
        sheet.leaf("option_value", equity.option_value, "balance_side")
        sheet.sum("equity", "cash", "posted", "unrealised", "option_value")
        sheet.product("counted_value", "weight", "option_value")
        sheet.sum("counted_im", "cash", "posted", "unrealised", "counted_value")
        sheet.sum("im", "initial", "order_margin")
        sheet.sum("counted_mm", "cash", "posted", "unrealised", "counted_value")
        sheet.max("mm", "blended_mm", "floor_mm")
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
        """Initial requirement of the bucket after the worst fills."""
        walls: Walls = priced.facts["walls"]
        bucket = priced.facts["buckets"][walls.number]
        fills = bucket_fills(priced, held, bucket.weight, walls)
        if fills is None:
            return None
        own = own_book(held, walls.number)
        now = now_of(priced, held, walls.number)
        static = priced.facts["statics"][walls.number]
        return blend_need(priced, own, fills, now, bucket, static, parameters)

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """[A, S] P&L of what lies in the bucket."""
        scan: CrossScan = priced.facts["scan"]
        number = priced.facts["walls"].number
        return now_of(priced, held, number).total[:, : len(scan.scenarios)]

    def refusals(self, priced: Priced, held: PoolBook) -> tuple[Refusal, ...]:
        """Accounts with a coin that has no numbers."""
        return strangers(priced, held, priced.facts["scan"].coins.names, _PLACE)

    def details(self, priced: Priced, held: PoolBook, parameters: Parameters) -> tuple[Detail, ...]:
        """Each position in each other bucket."""
        return moves_table(priced, held, parameters)

    def warnings(self, priced: Priced, held: PoolBook, parameters: Parameters) -> tuple[str, ...]:
        """Positions outside the core whose profit to date nobody can tell."""
        number = priced.facts["walls"].number
        part = priced.pool.instruments
        open_ = (part.kind[held.column] != Kind.ASSET) & (held.quantity != 0.0)
        blind = np.flatnonzero(open_ & ~held.entry_known)
        if number == 0 or not len(blind):
            return ()
        names = ", ".join(part.items[int(held.column[j])].native_id for j in blind[:5].tolist())
        return (
            f"bucket {priced.pool.label}: no entry price of {names}: what it has gained or lost "
            "so far is not counted in its bucket",
        )
