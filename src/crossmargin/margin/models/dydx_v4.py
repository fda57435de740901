"""dYdX v4: perpetuals in USDC, each market by itself, in the chain's own integers.

    NC    USDC + sum (notional + quote balance)        quote balance = -(size x entry price)
    IMR   sum ceil(|notional| max(imf(OI), custom) / 1e6)
    MMR   sum ceil(ceil(|notional| i / 1e6) fraction / 1e6)

A position of the book is cut to whole base quantums and a price rounded to the market's ticks; all
that follows is exact. Open orders need nothing. Source: dydxprotocol/v4-chain at 84d4664b.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from crossmargin.core.arrays import Bools, Floats
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.families.exact_accounts import exact_leaves, quote_equity
from crossmargin.margin.families.exact_dydx import (
    MILLION,
    QUOTE_DECIMALS,
    Tier,
    adjusted_imf_ppm,
    margin_requirements,
    quote_quantums,
)
from crossmargin.margin.families.exact_plan import one_pool
from crossmargin.margin.families.exact_units import (
    entry_quote,
    held_units,
    ticks,
    units,
    whole,
)
from crossmargin.margin.families.screening import Bounds
from crossmargin.margin.model import (
    Fidelity,
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
from crossmargin.margin.pools import per_row, row_of_position
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.margin.usdc_pools import CASH, stable_usd
from crossmargin.market.view import View

__all__ = ["DydxV4"]

_CHAIN = "dydxprotocol/v4-chain at 84d4664b"
_UNIT = 10.0**-QUOTE_DECIMALS
# Parts of the gross notional by which a float sum of n products may be off, for n = 0.
_ROUNDING, _ROUNDINGS = 2.0**-52, 16.0

SPEC = ModelSpec(
    name="dydx-v4",
    title="dYdX v4 margin of a subaccount",
    family="integer per position",
    venue="dydx",
    version="v4",
    folder="dydx-v4",
    kinds=(Kind.ASSET, Kind.PERPETUAL),
    currency=CASH,
    scale=ScaleLaw.FIXED_PART,
    balance_side="net collateral: USDC and each position's value less what it cost",
    rules=(
        Rule("initial", "share of the notional, rising with open interest", _CHAIN, Fidelity.EXACT),
        Rule("maintenance", "fraction of the unscaled initial margin", _CHAIN, Fidelity.EXACT),
        Rule("net_collateral", "USDC and open profit, in quantums", _CHAIN, Fidelity.EXACT),
        Rule("surplus", "net collateral less requirement, exact", _CHAIN, Fidelity.EXACT),
    ),
    standard="fixed-rate",
    quantum=_UNIT,
    maps_from=("dydx",),
    unknown=(
        "open interest: where the snapshot holds none, a capped market's initial margin is a "
        "lower bound",
        "markets added or moved to another tier since genesis: give them with --params FILE",
    ),
)


@dataclass(frozen=True, slots=True)
class _Market:
    """One perpetual in the chain's integers."""

    tier: Tier
    price: int
    exponent: int
    resolution: int
    open_interest: int  # quote quantums; 0 where unknown
    unknown: bool  # the tier is capped and no open interest is known

    def notional(self, base: int) -> int:
        return quote_quantums(base, self.price, self.exponent, self.resolution)


@final
class DydxV4:
    """One pool: a subaccount."""

    spec = SPEC

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """Every line in one pool; ModelError ``parameter_missing`` for a market without a tier."""
        return one_pool(instruments, parameters, CASH, (CASH,), "market")

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """Markets in integers, and their floats for the bounds of a population."""
        part = pool.instruments
        markets: dict[int, _Market] = {}
        columns = {name: np.zeros(len(part)) for name in ("value", "quantum", "im", "mm")}
        for k, item in enumerate(part.items):
            if item.kind != Kind.PERPETUAL:
                continue
            subject, mark = f"{item.venue}|{item.native_id}", float(view.mark[k])
            market = _market(subject, item.underlying, view, mark, parameters)
            markets[k] = market
            columns["value"][k] = market.price * 10.0**market.exponent
            columns["quantum"][k] = columns["value"][k] * 10.0**market.resolution
            imf = adjusted_imf_ppm(market.tier, market.open_interest)
            columns["im"][k] = imf / MILLION
            fraction = market.tier.initial_margin_ppm * market.tier.maintenance_fraction_ppm
            columns["mm"][k] = fraction / MILLION**2
        nothing = np.zeros(len(part))
        usd = stable_usd(view, part)
        return Priced(pool, view, usd, None, None, columns, nothing, {"markets": markets})

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block of accounts, every row in integers."""
        markets: dict[int, _Market] = priced.facts["markets"]
        equity = quote_equity(priced, held, QUOTE_DECIMALS, lambda k: bool(priced.pool.cash[k]))
        accounts = len(held.row) - 1
        custom = _custom(held, accounts)
        rows: list[list[int]] = []
        at_least = np.zeros(accounts, np.bool_)
        for a in range(accounts):
            profit = imr = mmr = 0
            for j in range(int(held.row[a]), int(held.row[a + 1])):
                market = markets.get(int(held.column[j]))
                if market is None:
                    continue
                base = held_units(held, j, -market.resolution)
                notional = market.notional(base)
                needs = margin_requirements(notional, market.tier, market.open_interest, custom[a])
                imr, mmr = imr + needs[0], mmr + needs[1]
                at_least[a] |= market.unknown and base != 0
                if equity.open_profit[a] and held.entry_known[j]:
                    shift = market.resolution + QUOTE_DECIMALS
                    profit += notional + entry_quote(base, float(held.entry_price[j]), shift)
            rows.append([equity.cash[a], profit, imr, mmr])
        sheet = _sheet(rows)
        none = np.full(accounts, -1, np.int32)
        built = sheet.build(held.account, 0)
        return PoolAnswer(built, none, none, np.zeros(accounts), equity.source, at_least=at_least)

    def bounds(
        self, priced: Priced, held: PoolBook, parameters: Parameters, level: str
    ) -> Bounds | None:
        """Floats of a block: a quantum a position for each cut, and the roundings of the sums."""
        if held.book.choices or held.book.reported.equity or held.exact is not None:
            return None
        size, column = held.quantity, held.column
        perpetual = priced.columns["value"][column] != 0.0
        value = size * priced.columns["value"][column]
        cash = per_row(held.row, np.where(priced.pool.cash[column] == 1, size, 0.0))
        known = held.entry_known & perpetual
        given = _counts_profit(priced, held)[row_of_position(held.row)]
        cost = np.where(known & given, size * held.entry_price, 0.0)
        profit = per_row(held.row, np.where(known & given, value, 0.0) - cost)
        counted = cash + profit
        needed = per_row(held.row, np.abs(value) * priced.columns[level][column])
        gross = per_row(
            held.row, np.abs(value) + np.abs(cost) + np.where(perpetual, 0.0, np.abs(size))
        )
        lines = np.diff(held.row)
        # What a base quantum is worth may be lost to the cut of a quantity, or gained.
        cut = per_row(held.row, priced.columns["quantum"][column])
        slack = (4.0 * lines + 4.0) * _UNIT + 2.0 * cut + gross * (_ROUNDINGS + lines) * _ROUNDING
        return Bounds(counted, needed, slack)

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """Open orders need nothing."""
        return None

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """No scenarios: position by position."""
        return None


def _market(subject: str, name: str, view: View, mark: float, parameters: Parameters) -> _Market:
    """A perpetual of the set, at the nearest tick to the view's mark."""
    table = f"market.{name}"
    tier_table = f"tier.{parameters.get(f'{table}.tier')}"
    tier = Tier(
        whole(parameters, f"{tier_table}.initial_margin_ppm"),
        whole(parameters, f"{tier_table}.maintenance_fraction_ppm"),
        whole(parameters, f"{tier_table}.open_interest_lower_cap"),
        whole(parameters, f"{tier_table}.open_interest_upper_cap"),
    )
    exponent = whole(parameters, f"{table}.price_exponent")
    resolution = whole(parameters, f"{table}.atomic_resolution")
    price = ticks(mark, exponent)
    known = view.read("open_interest", subject, -1.0)
    interest = units(max(known, 0.0), -resolution)
    return _Market(
        tier,
        price,
        exponent,
        resolution,
        quote_quantums(interest, price, exponent, resolution),
        tier.upper_cap > 0 and known < 0.0,
    )


def _custom(held: PoolBook, accounts: int) -> list[int]:
    """[A] the holder's own initial margin share, ppm (choice ``custom_imf_ppm``); 0 where none."""
    chosen = held.book.choices.get("custom_imf_ppm")
    return [0] * accounts if chosen is None else [int(share) for share in chosen.tolist()]


def _counts_profit(priced: Priced, held: PoolBook) -> Bools:
    """[A] whether open profit counts: beside a balance, or where every entry price is known."""
    lines = np.diff(held.row)
    balance = per_row(held.row, priced.pool.cash[held.column].astype(np.float64)) > 0.0
    known = per_row(held.row, held.entry_known.astype(np.float64))
    return np.asarray(balance | ((known == lines) & (lines > 0)))


def _sheet(rows: list[list[int]]) -> SheetBuilder:
    """Columns of [cash, profit, imr, mmr] in quantums."""
    sheet = SheetBuilder(len(rows))
    add = exact_leaves(sheet, rows, QUOTE_DECIMALS)
    add("cash", "net_collateral", (0,))
    add("unrealised", "net_collateral", (1,))
    add("equity", "net_collateral", (0, 1))
    add("surplus_im", "surplus", (0, 1), (2,))
    add("surplus_mm", "surplus", (0, 1), (3,))
    add("initial", "initial", (2,))
    add("maintenance", "maintenance", (3,))
    sheet.scale("counted_im", "equity", 1.0)
    sheet.scale("im", "initial", 1.0)
    sheet.scale("counted_mm", "equity", 1.0)
    sheet.scale("mm", "maintenance", 1.0)
    return sheet
