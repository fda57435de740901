"""Lyra v1 (Avalon, Newport): the least collateral of each short option, position by position.

    S'      spot x call shock, or x put shock
    vol     A up to point A, B from point B, a line between (by seconds of life)
    value   Black-Scholes of S', strike, vol, rate, life (at least one second)
    short call, covered in coin   min(max(value n / S', static coin), n)      coins
    short call, covered in cash   max(value n, static cash)                   USDC
    short put                     min(max(value n, static cash), strike n)    USDC
    long                          nothing

A call that settles in its own coin is one covered in coin. One level: what opens a position also
keeps it. The protocol stopped; its successor is Derive.
Source: derivexyz/v1-core at ea9e36ab (2023-09-01), re-stated; its test cases reproduce.
"""

from __future__ import annotations

from typing import final

import numpy as np

from crossmargin.core.arrays import Floats
from crossmargin.core.clock import YEAR_MS
from crossmargin.core.errors import ModelError
from crossmargin.instruments.contracts import Instrument, Instruments, Kind
from crossmargin.margin.equity import mark_value
from crossmargin.margin.families.derive import coin_worth, sign_counted
from crossmargin.margin.fills import fills_of, order_margin
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
    Standing,
)
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import by_row, is_kind, make_pool, per_row, row_of_position
from crossmargin.margin.sheet import SheetBuilder
from crossmargin.margin.usdc_pools import CASH, stable_usd
from crossmargin.market.view import View
from crossmargin.pricing.revalue import revalue

__all__ = ["LyraV1", "collateral", "shock_vol"]

_CODE = "derivexyz/v1-core at ea9e36ab (2023-09-01), OptionGreekCache; 11 recorded cases"

SPEC = ModelSpec(
    name="lyra-v1",
    title="Lyra v1 minimum collateral",
    family="per-position",
    venue="derive",
    version="v1",
    folder="lyra-v1",
    kinds=(Kind.ASSET, Kind.OPTION),
    currency="USDC",
    scale=ScaleLaw.FIXED_PART,
    balance_side=(
        "cash and coins at the index: they stand for the collateral that each position holds; "
        "option value backs nothing"
    ),
    rules=(
        Rule(
            "collateral",
            "value at a shocked spot and vol, at least a static amount, at most full cover",
            _CODE,
            Fidelity.EXACT,
        ),
        Rule(
            "order_margin",
            "every sell filled, every fill that costs: an upper bound",
            "this project's; the protocol's market maker took trades at once, nothing rested",
            Fidelity.INFERRED,
        ),
        Rule("balance_side", "collateral is held by each position", _CODE, Fidelity.STATED),
    ),
    standard="lyra-v1",
    maps_from=("derive",),
    unknown=(
        "recorded cases reach the static amount, the cap and the vol, not the value between",
        "a surplus of one position does not cover another; here an account's collateral is one",
    ),
    standing=Standing.HISTORICAL,
)
_NAMES = ("vol_a", "vol_b", "point_a_seconds", "point_b_seconds")


@final
class LyraV1:
    """One pool; each short position needs its own collateral."""

    spec = SPEC

    def plan(self, instruments: Instruments, parameters: Parameters) -> Plan:
        """One pool of everything. Refuses puts covered in coin and what has no market."""
        for item in instruments.items:
            if item.underlying == CASH:
                continue
            if item.underlying not in parameters.tables("market"):
                raise ModelError(
                    "parameter_missing",
                    "no parameters for this underlying",
                    place=f"{parameters.model} {parameters.label}",
                    value=item.underlying,
                    limit=", ".join(parameters.tables("market")),
                    remedy="Give the venue's parameters of that underlying with --params FILE.",
                )
            if _in_coin(item) and item.right < 0:
                raise ModelError(
                    "kind_not_accepted",
                    "a put cannot be covered in coin",
                    place=f"{item.venue} {item.native_id}",
                    value=item.settle,
                    limit=CASH,
                    remedy="Settle it in cash.",
                )
        rows = np.arange(len(instruments), dtype=np.int32)
        return Plan((make_pool(instruments, rows, "account", CASH, (CASH,)),), parameters)

    def price(self, pool: Pool, view: View, parameters: Parameters) -> Priced:
        """[I] value of one short, the static amount and the cap, all in dollars."""
        part = pool.instruments
        spot = view.index[part.pair]
        coin = np.array([_in_coin(item) for item in part.items], np.bool_)
        put = part.right < 0
        option = is_kind(part, Kind.OPTION)

        def of(name: str) -> Floats:
            out = np.zeros(len(part))
            for k in np.flatnonzero(option).tolist():
                out[k] = parameters.number(f"market.{part.items[k].underlying}.{name}")
            return out

        shock = np.where(put, of("put_shock"), of("call_shock"))
        value = _shocked_value(part, view, parameters, option) * part.multiplier
        columns = {
            "unit": np.where(coin, value / np.where(option, shock, 1.0), value),
            "static": np.where(coin, of("static_coin") * spot, of("static_cash")),
            "full": np.where(coin, spot, np.where(put, part.strike, 0.0)) * part.multiplier,
            "capped": (coin | put) & option,
        }
        mark = mark_value(part, view)
        stable = stable_usd(view, part)
        cash, worth = pool.cash.astype(np.float64), coin_worth(part, view, stable)
        facts = {"counted_table": np.stack([cash, mark, worth, np.zeros(len(part))], axis=1)}
        return Priced(pool, view, stable, None, None, columns, mark, facts)

    def margin(self, priced: Priced, held: PoolBook, parameters: Parameters) -> PoolAnswer:
        """The sheet of a block of accounts."""
        accounts = len(held.row) - 1
        charge = per_row(held.row, collateral(priced, held.column, held.quantity))
        sheet = SheetBuilder(accounts)
        sheet.leaf("collateral", charge, "collateral")
        source = sign_counted(sheet, priced, held)
        need = self.order_need(priced, held, parameters)
        sheet.leaf("order_margin", order_margin(need, sheet["collateral"]), "order_margin")
        sheet.sum("counted_im", "cash", "collateral_value")
        sheet.sum("im", "collateral", "order_margin")
        sheet.sum("counted_mm", "cash", "collateral_value")
        sheet.scale("mm", "collateral", 1.0)
        nothing = np.full(accounts, -1, np.int32)
        return PoolAnswer(
            sheet.build(held.account, 0), nothing, nothing, np.zeros(accounts), source
        )

    def order_need(
        self, priced: Priced, held: PoolBook, parameters: Parameters
    ) -> OrderNeed | None:
        """Collateral never falls with size: at most every sell fills, and what costs fills."""
        units = np.ones(len(priced.pool.instruments))
        fills = fills_of(priced, held, units, mmp=True, value_counts=False)
        if fills is None:
            return None
        accounts, count = len(held.row) - 1, len(units)
        size = np.zeros((accounts, count))
        np.add.at(size, (row_of_position(held.row), held.column), held.quantity)
        owner = row_of_position(fills.row)
        np.add.at(size, (owner, fills.column), np.minimum(fills.size, 0.0))
        every = np.tile(np.arange(count, dtype=np.int32), accounts)
        charge = collateral(priced, every, size.reshape(-1)).reshape(accounts, count)
        cost = by_row(owner, np.maximum(-fills.gain, 0.0), accounts)
        need = np.add.accumulate(charge, axis=1)[:, -1] + cost
        filled = (fills.size < 0.0) | (fills.gain < 0.0)
        return OrderNeed(need, fills, filled, np.full(accounts, -1, np.int32))

    def vector(self, priced: Priced, held: PoolBook) -> Floats | None:
        """No scenarios: position by position."""
        return None


def _in_coin(item: Instrument) -> bool:
    return item.kind == Kind.OPTION and item.settle == item.underlying


def shock_vol(life_seconds: Floats, parameters: Parameters, coin: str) -> Floats:
    """Volatility of the shocked value: flat, a line, flat."""
    a, b, first, last = (parameters.number(f"market.{coin}.{name}") for name in _NAMES)
    share = np.clip((life_seconds - first) / max(last - first, 1.0), 0.0, 1.0)
    return np.asarray(a - (a - b) * share)


def _shocked_value(
    part: Instruments, view: View, parameters: Parameters, option: np.ndarray
) -> Floats:
    """[I] value of one option at the shocked spot and vol of its kind; 0 for other rows."""
    out = np.zeros(len(part))
    rows = np.flatnonzero(option & view.ok)
    if not len(rows):
        return out
    seconds = np.maximum(view.life_ms / 1000.0, 1.0)
    years = seconds * 1000.0 / YEAR_MS
    coins = [key[0] for key in part.expiries]

    def of(name: str) -> Floats:
        return np.array([parameters.number(f"market.{coin}.{name}") for coin in coins])

    discount = np.exp(-of("rate") * years)
    spot = view.index[part.expiry_pair]
    moved = np.stack([of("call_shock"), of("put_shock")], axis=1) * (spot / discount)[:, None]
    vol = [shock_vol(seconds[e], parameters, coin) for e, coin in enumerate(coins)]
    spread = np.repeat((np.array(vol) * np.sqrt(years))[:, None], 2, axis=1)
    nothing = np.zeros_like(spread)
    right = part.right[rows].astype(np.float64)
    found = revalue(
        moved,
        discount,
        nothing,
        spread,
        nothing,
        part.expiry[rows],
        part.strike[rows],
        right,
        np.ones(len(rows)),
    )
    out[rows] = np.where(right > 0.0, found[:, 0], found[:, 1])
    return out


def collateral(priced: Priced, column: np.ndarray, quantity: Floats) -> Floats:
    """[N] collateral of each position, dollars."""
    columns = priced.columns
    short = np.maximum(-quantity, 0.0)
    least = np.maximum(columns["unit"][column] * short, columns["static"][column])
    full = columns["full"][column] * short
    capped = np.where(columns["capped"][column] > 0.0, np.minimum(least, full), least)
    return np.where(short > 0.0, capped, 0.0)
