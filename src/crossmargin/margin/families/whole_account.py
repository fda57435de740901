"""The whole account as one pool of dollars: what the models of no venue share.

Everything that an account holds is margined together, in dollars. Money (dollar-pegged or not) is
cash at its dollar price; a coin that is held is a position and its value is equity. What settles in
coin is worth the shocked index:

    coin held          q I (f - 1)                       linear future, perpetual   q m F (f - 1)
    inverse future     q m / F (1 - 1/f) I f             linear option              q m (V' - V)
    inverse option     q m (V'/F' I f - V/F I)

with I the index in dollars, F the mark or forward, f the scenario's factor, V Black-76 with the
expiry's rate left out (the house's choice for crypto: forwards carry it), in dollars. P&L starts
from the model value, so that no move is no loss.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from crossmargin.core.arrays import Bools, Floats, frozen
from crossmargin.core.clock import YEAR_MS
from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.equity import Equity, equity_of, mark_value
from crossmargin.margin.fills import fills_of
from crossmargin.margin.model import (
    Fills,
    Plan,
    Pool,
    PoolBook,
    Priced,
    Refusal,
)
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import is_kind, make_pool, row_of_position
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.market.fields import DOLLAR_PEGGED, OTHER_MONEY
from crossmargin.market.view import View
from crossmargin.pricing.greeks import greeks
from crossmargin.pricing.revalue import padded
from crossmargin.scenarios.risk_array import RiskArray, price
from crossmargin.scenarios.sets import ScenarioSet

__all__ = [
    "ALL_OF",
    "KINDS",
    "DollarMarket",
    "coin_names",
    "dollar_market",
    "dollar_risk",
    "equity_columns",
    "fills_in_dollars",
    "is_money",
    "names_used",
    "level_columns",
    "plan_account",
    "priced_account",
    "refuse_strangers",
    "scenario_set",
    "strangers",
]

KINDS = (Kind.ASSET, Kind.PERPETUAL, Kind.FUTURE, Kind.OPTION)
ALL_OF = ("deribit", "derive", "paradex", "okx", "bybit", "binance")
_LABEL = "account"


def is_money(name: str) -> bool:
    """Whether a currency is money: its dollar price does not move with the coins."""
    return name in DOLLAR_PEGGED or name in OTHER_MONEY


def coin_names(instruments: Instruments) -> tuple[str, ...]:
    """Underlyings that move: of every derivative, and of coins held; in order of name."""
    return tuple(sorted(name for name in names_used(instruments) if not is_money(name)))


def names_used(instruments: Instruments) -> set[str]:
    """Underlyings of the rows, money too."""
    return {instruments.names[k] for k in np.unique(instruments.underlying).tolist()}


def plan_account(
    instruments: Instruments, parameters: Parameters, notes: tuple[str, ...] = ()
) -> Plan:
    """One pool of all rows. ``notes`` are printed with every result: conventions, horizons."""
    money = tuple({i.underlying: None for i in instruments.items if i.kind == Kind.ASSET})
    columns = np.arange(len(instruments), dtype=np.int32)
    pool = make_pool(instruments, columns, _LABEL, "USD", money)
    return Plan((pool,), parameters, notes)


@dataclass(frozen=True, slots=True)
class DollarMarket:
    """The market of the pool in dollars. Letters: I instruments, E expiries, P pairs."""

    part: Instruments
    view: View
    years: Floats  # [E] calendar life, milliseconds over those of 365 days
    forward: Floats  # [E] quote currency, settled part included
    settle_usd: Floats  # [I] dollars per unit of the settlement currency (an asset's own)
    index_usd: Floats  # [I] dollars per coin of the underlying (an asset's own)
    coins: Floats  # [I] coins per unit: contracts of an option, size of a future, 1 of a coin held
    delta: Floats  # [I] coins of delta per unit, Black-76 N(d1) of an option; 1 of a coin held
    moving: Bools  # [I] rows whose value moves with a coin: derivatives, and coins held

    @property
    def life_years(self) -> Floats:
        """[I] life of each row; 0 where it has none."""
        if not len(self.years):
            return np.zeros(len(self.part))
        return np.where(self.part.expiry >= 0, self.years[self.part.expiry], 0.0)

    @property
    def forward_of(self) -> Floats:
        """[I] forward of each dated row, the mark of a perpetual, the index of a coin; in quote."""
        index = self.view.index[self.part.pair] if len(self.part.pairs) else np.zeros(0)
        out = np.where(self.view.mark > 0.0, self.view.mark, index)
        dated = self.part.expiry >= 0
        if len(self.forward):
            out = np.where(dated, self.forward[self.part.expiry], out)
        return np.asarray(out)


def dollar_market(pool: Pool, view: View) -> DollarMarket:
    """Deltas, coins and dollar prices of a pool."""
    part = pool.instruments
    derivative = is_kind(part, Kind.PERPETUAL, Kind.FUTURE, Kind.OPTION)
    money = np.array([is_money(name) for name in part.names], np.bool_)
    held = is_kind(part, Kind.ASSET) & ~money[part.underlying]
    coin_usd = view.usd[part.underlying]
    index_usd = np.where(derivative, view.index[part.pair] * view.usd[part.quote], coin_usd)
    turned = part.inverse & (part.kind != Kind.OPTION) & (view.mark > 0.0)
    size = np.where(turned, part.multiplier / np.where(turned, view.mark, 1.0), part.multiplier)
    coins = np.where(derivative, size, np.where(held, 1.0, 0.0))
    forward = view.forward + view.forward_settled
    years = np.asarray(view.life_ms / YEAR_MS)
    delta = coins.copy()
    options = np.flatnonzero(is_kind(part, Kind.OPTION))
    delta[options] = 0.0
    options = options[view.ok[options]]
    if len(options):
        expiry = part.expiry[options]
        right = part.right[options].astype(np.float64)
        unit = greeks(
            forward[expiry], part.strike[options], years[expiry], view.vol[options], right
        ).delta
        delta[options] = unit * part.multiplier[options]
    settle_usd = view.usd[part.settle]
    return DollarMarket(
        part, view, years, forward, settle_usd, index_usd, coins, delta, derivative | held
    )


def scenario_set(
    market: DollarMarket,
    label: Sequence[str],
    factor: Mapping[str, Floats],
    vol_factor: Floats,
    *,
    vol_shift: Floats | None = None,
    weight: Floats | None = None,
    passed_years: float = 0.0,
) -> ScenarioSet:
    """Scenarios from a price factor [S] by coin and a factor (and shift) on vols [E, S].

    ``passed_years`` goes by before the revaluation: lives are shorter by it, and an option that
    expires inside it is worth its intrinsic value at the shocked forward. A coin that ``factor``
    does not name stays where it is. The move shown is that of the first coin.
    """
    count, part = len(label), market.part
    one = np.ones(count)
    spot = np.array([factor.get(pair[0], one) for pair in part.pairs]).reshape(-1, count)
    of_expiry = np.array([factor.get(key[0], one) for key in part.expiries]).reshape(-1, count)
    view = market.view
    root = np.sqrt(np.maximum(market.years - passed_years, 0.0))[:, None]
    shift = np.zeros((len(part.expiries), count)) if vol_shift is None else vol_shift * root
    first = next(iter(factor.values()), one)
    change = vol_factor.mean(axis=0) if len(vol_factor) else one
    named = ["up" if c > 1.0 else "down" if c < 1.0 else "same" for c in change.tolist()]
    return ScenarioSet(
        label=tuple(label),
        move=frozen(first - 1.0, np.float64),
        vol_label=tuple(named),
        spot=frozen(spot, np.float64),
        forward=frozen(
            view.forward[:, None] * of_expiry + view.forward_settled[:, None], np.float64
        ),
        vol_factor=frozen(vol_factor * root, np.float64),
        vol_shift=frozen(shift, np.float64),
        vol_floor=frozen(np.zeros((len(part.expiries), count)), np.float64),
        discount=frozen(np.ones(len(part.expiries)), np.float64),
        root_years=frozen(np.sqrt(market.years), np.float64),
        weight=frozen(one if weight is None else weight, np.float64),
        reflect=frozen(np.zeros(count), np.bool_),
    )


def dollar_risk(market: DollarMarket, scenarios: ScenarioSet) -> RiskArray:
    """[I, S8] dollars of one unit of each row; see the module for the formulas."""
    part, view = market.part, market.view
    raw = price(part, view, scenarios, market.forward_of)
    factor = padded(scenarios.spot)[part.pair]
    option, coin = is_kind(part, Kind.OPTION), part.inverse
    index = market.index_usd[:, None] * factor
    pnl = raw.pnl * np.where(coin[:, None], index, market.settle_usd[:, None])
    worth = np.where(coin & option, raw.value * market.index_usd, 0.0)
    pnl = pnl + worth[:, None] * (factor - 1.0)
    held = is_kind(part, Kind.ASSET) & market.moving
    pnl = np.where(held[:, None], market.index_usd[:, None] * (factor - 1.0), pnl)
    return RiskArray.of(pnl, raw.value, raw.count)


def priced_account(
    market: DollarMarket,
    pool: Pool,
    scenarios: ScenarioSet | None,
    risk: RiskArray | None,
    columns: Mapping[str, Floats],
    facts: Mapping[str, object],
) -> Priced:
    """The stage ``price`` of a model of this family."""
    given = {"settle_usd": market.settle_usd, **facts}
    value = mark_value(pool.instruments, market.view)
    return Priced(pool, market.view, 1.0, scenarios, risk, columns, value, given)


def equity_columns(sheet: SheetBuilder, priced: Priced, held: PoolBook) -> Equity:
    """Leaves ``cash``, ``unrealised``, ``option_value`` and their sum ``equity``, in dollars."""
    equity = equity_of(priced, held, priced.facts["settle_usd"])
    sheet.leaf("cash", equity.cash, "balance_side")
    sheet.leaf("unrealised", equity.unrealised, "balance_side")
    sheet.leaf("option_value", equity.option_value, "balance_side")
    sheet.sum("equity", "cash", "unrealised", "option_value")
    return equity


def level_columns(
    sheet: SheetBuilder, requirement: str, parameters: Parameters, order_margin: Floats
) -> None:
    """The last columns: ``initial = im_factor x``, ``im`` with orders, ``mm = mm_factor x``.

    All of the equity counts at both levels.
    """
    sheet.scale("initial", requirement, parameters.number("level.im_factor"), "levels")
    sheet.leaf("order_margin", order_margin, "order_margin")
    sheet.sum("counted_im", "equity")
    sheet.sum("im", "initial", "order_margin")
    sheet.sum("counted_mm", "equity")
    sheet.scale("mm", requirement, parameters.number("level.mm_factor"), "levels")


# ---------------------------------------------------------------- coins without numbers


def strangers(
    priced: Priced, held: PoolBook, known: Sequence[str], place: str
) -> tuple[Refusal, ...]:
    """Accounts that hold a coin which the model has no numbers for, one error each."""
    part = priced.pool.instruments
    strange = np.array(
        [
            item.kind == Kind.ASSET and not is_money(item.underlying)
            and item.underlying not in known
            for item in part.items
        ],
        np.bool_,
    )  # fmt: skip
    out = []
    hit = np.flatnonzero(strange[held.column] & (held.quantity != 0.0))
    rows = row_of_position(held.row)[hit]
    for row in np.unique(rows).tolist():
        column = int(held.column[hit[rows == row][0]])
        error = ModelError(
            "parameter_missing",
            "the model has no numbers for a coin that the account holds",
            place=f"account {held.book.account[row]}, {part.label(column)}",
            value=part.items[column].underlying,
            limit=", ".join(known) or "none",
            remedy=f"Give the numbers of the coin ({place}), or leave the line out.",
        )
        out.append(Refusal(row, error))
    return tuple(out)


def refuse_strangers(priced: Priced, held: PoolBook, known: Sequence[str], place: str) -> None:
    """Raise the first of :func:`strangers`."""
    for refusal in strangers(priced, held, known, place):
        raise refusal.error


# ---------------------------------------------------------------- open orders


def fills_in_dollars(priced: Priced, held: PoolBook, *, value_counts: bool = True) -> Fills | None:
    """The open orders of a block as possible fills; None where there are none."""
    settle_usd: Floats = priced.facts["settle_usd"]
    return fills_of(priced, held, settle_usd, mmp=True, value_counts=value_counts)
