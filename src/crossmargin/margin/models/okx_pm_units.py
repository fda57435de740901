"""OKX's risk units: which contracts stand together, their scenarios and what each row carries.

Merged (since the turn of 2025): every contract of a coin, whatever it is quoted in, with the coin
itself. Before: one unit a quote currency, the coin in the unit that the account's mode chose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from crossmargin.core.arrays import Bools, Floats, frozen
from crossmargin.core.clock import DAY_MS, YEAR_MS
from crossmargin.instruments.contracts import Instruments, Kind
from crossmargin.margin.copies import by_copy
from crossmargin.margin.families.currency_equity import currency_codes
from crossmargin.margin.model import Plan, Pool
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.parameter_rows import Column
from crossmargin.margin.pools import is_kind, make_pool
from crossmargin.market.view import View
from crossmargin.pricing.greeks import greeks
from crossmargin.pricing.revalue import padded
from crossmargin.scenarios.risk_array import Added, RiskArray, price
from crossmargin.scenarios.sets import ScenarioSet, shocked_forwards

__all__ = ["ACCOUNT", "QUOTES", "UnitColumns", "plan_units", "unit_columns", "unit_risk"]

ACCOUNT = "account"  # label of the pool of balances, borrowing and equity
QUOTES = ("USDT", "USD", "USDC")
_DERIVATIVES = (Kind.PERPETUAL, Kind.FUTURE, Kind.OPTION)
_HUGE = 1e15
_MOVES = (Column("move", -1.0 + 2.0**-53, 1e3),)
_VOLS = (Column("days", 0.0, _HUGE), Column("points", 0.0, 1e3), Column("share", 0.0, 1e3))


def plan_units(instruments: Instruments, parameters: Parameters) -> Plan:
    """A pool per risk unit in alphabetical order, then the account's own, which sees every row."""
    merged = parameters.get("rules.units") == "merged"
    spot = parameters.get("rules.spot")
    unit = [
        "" if i.kind == Kind.ASSET else i.underlying if merged else f"{i.underlying}-{i.quote}"
        for i in instruments.items
    ]
    pools = []
    for label in sorted({name for name in unit if name}):
        coin, _, quote = label.partition("-")
        takes_spot = spot in ("every", quote)
        rows = [
            k
            for k, item in enumerate(instruments.items)
            if unit[k] == label
            or (item.kind == Kind.ASSET and item.underlying == coin and takes_spot)
        ]
        pool = make_pool(instruments, np.array(rows, np.int32), label, "USD", ())
        pools.append(replace(pool, facts=_unit_facts(pool.instruments, coin, parameters)))
    everything = np.arange(len(instruments), dtype=np.int32)
    held = tuple(i.underlying for i in instruments.items if i.kind == Kind.ASSET)
    whole = make_pool(instruments, everything, ACCOUNT, "USD", held)
    names, code = currency_codes(whole.instruments)
    pools.append(
        replace(
            whole,
            facts={
                "cash_at_risk": True,
                "sees_all": True,
                "currencies": names,
                "currency_code": code,
            },
        )
    )
    note = "requirements of the risk units add up; equity and borrowing stand in the account's row"
    return Plan(tuple(pools), parameters, (note,))


def _unit_facts(part: Instruments, coin: str, parameters: Parameters) -> Mapping[str, Any]:
    """Codes of a unit: its tiers, and runs of one quote, expiry and kind of row."""

    def tier(table: str) -> str:
        name = f"{table}.{coin}"
        return str(parameters.get(name)) if name in parameters else "other"

    # Bucket 0 is the coin itself, then perpetuals and expiries by time, across settlements.
    moments = sorted({i.expiry_ms for i in part.items if i.kind == Kind.FUTURE or i.right})
    place = {moment: k + 2 for k, moment in enumerate(moments)}
    runs: dict[tuple[str, str, int, bool], int] = {}
    run, bucket, quote = np.full(len(part), -1, np.int32), [], []
    for k, item in enumerate(part.items):
        if item.kind == Kind.ASSET:
            continue
        key = item.settle, item.quote, item.expiry_ms, item.kind == Kind.OPTION
        if key not in runs:
            runs[key] = len(runs)
            bucket.append(place.get(item.expiry_ms, 1))
            quote.append(QUOTES.index(item.quote) if item.quote in QUOTES else len(QUOTES))
        run[k] = runs[key]
    return {
        "cash_at_risk": False,
        "coin": coin,
        "spot_tier": tier("spot_tier"),
        "tier": tier("tier_of"),
        "run": frozen(run, np.int32),
        "bucket": frozen(bucket, np.int32),
        "quote": frozen(quote, np.int32),
        "moments": tuple(moments),
    }


def _coin_usd(part: Instruments, view: View) -> Floats:
    """[I] dollars a coin of the underlying at the index of the row's own quote; 1 if unknown."""
    usd = view.index[part.pair] * view.usd[part.quote]
    return np.where(usd > 0.0, usd, 1.0)


def unit_risk(pool: Pool, view: View, parameters: Parameters) -> tuple[ScenarioSet, RiskArray]:
    """MR1, MR6 and MR2 as one weighted set, and the P&L of every row in dollars.

    A delta-one contract moves with the index of its quote. What is paid in coin gains the dollars
    of its value at the shocked index less those at today's; by the other reading its coins are
    worth today's index.
    """
    part = pool.instruments
    scenarios = _scenarios(pool, view, parameters)
    coin, coin_usd = _in_coin(part), _coin_usd(part, view)
    move = padded(scenarios.move[None, :])
    shocked = parameters.get("reading.coin_pnl") == "dollar_value"
    # Dollars of a unit: by settlement currency, of what is paid in coin by pair.
    of_pair = np.ones(len(part.pairs))
    of_pair[part.pair[coin]] = coin_usd[coin]
    grown = 1.0 + move if shocked else np.ones_like(move)
    unit = np.concatenate([view.usd[:, None] * np.ones_like(move), of_pair[:, None] * grown])
    code = np.where(coin, len(part.names) + part.pair, part.settle).astype(np.int32)

    def moved(value: Floats) -> Added:
        """The dollars that today's value of what is paid in coin gains with the coin."""
        rows = np.flatnonzero(coin & (value != 0.0) & shocked).astype(np.int32)
        return rows, value[rows] * coin_usd[rows], np.zeros(len(rows), np.int32), move

    target = view.index[part.pair]
    return scenarios, price(part, view, scenarios, target, unit=(unit, code), added=moved)


def _in_coin(part: Instruments) -> Bools:
    """[I] rows whose P&L is in the coin."""
    return part.inverse & is_kind(part, *_DERIVATIVES)


def _scenarios(pool: Pool, view: View, parameters: Parameters) -> ScenarioSet:
    """7 moves x (up, up, same, down, down), the two extremes at their share, a day of decay.

    A volatility goes by points and by a share of itself: what loses more binds, book by book.
    """
    part = pool.instruments
    rows = parameters.rows(f"tier.{pool.facts['spot_tier']}.spot_moves", _MOVES)
    extreme = parameters.number(f"tier.{pool.facts['tier']}.extreme_move")
    share = parameters.number("general.extreme_share")
    points, portion = _vol_moves(view, parameters)
    life_ms = view.life_ms.astype(np.float64)
    root = np.sqrt(life_ms / YEAR_MS)
    hours = parameters.number("general.theta_hours")
    later = np.sqrt(np.maximum(life_ms - hours * DAY_MS / 24.0, 0.0) / YEAR_MS)
    none = np.zeros(len(root))
    bent = (
        ("up", "vol up by points", root, points * root),
        ("up", "vol up by a share", root * (1.0 + portion), none),
        ("same", "vol same", root, none),
        ("down", "vol down by points", root, -points * root),
        ("down", "vol down by a share", root * np.maximum(1.0 - portion, 0.0), none),
    )
    cells = [
        (float(row[0]), vol, f"{100.0 * float(row[0]):+.4g} %, {text}", factor, shift, 1.0)
        for row in rows
        for vol, text, factor, shift in bent
    ]
    cells += [
        (move, "same", f"extreme {100.0 * move:+.4g} %, x{share:.4g}", root, none, share)
        for move in (-extreme, extreme)
    ]
    cells.append((0.0, "later", f"{hours:.4g} hours later", later, none, 1.0))
    move = np.array([cell[0] for cell in cells])
    shape = (len(part.expiries), len(cells))
    return ScenarioSet(
        label=tuple(cell[2] for cell in cells),
        move=frozen(move, np.float64),
        vol_label=tuple(cell[1] for cell in cells),
        spot=frozen(np.broadcast_to(1.0 + move, (len(part.pairs), len(move))), np.float64),
        forward=shocked_forwards(
            view.forward, view.forward_settled, np.broadcast_to(1.0 + move, shape)
        ),
        vol_factor=frozen(np.stack([cell[3] for cell in cells], axis=1), np.float64),
        vol_shift=frozen(np.stack([cell[4] for cell in cells], axis=1), np.float64),
        vol_floor=frozen(np.zeros(shape), np.float64),
        discount=frozen(np.ones(shape[0]), np.float64),
        root_years=frozen(root, np.float64),
        weight=frozen([cell[5] for cell in cells], np.float64),
        reflect=frozen(np.zeros(len(cells)), np.bool_),
    )


def _vol_moves(view: View, parameters: Parameters) -> tuple[Floats, Floats]:
    """[E] points and share of the volatility, straight between the stated lives, flat beyond."""
    table = np.array(parameters.rows("vol.moves", _VOLS), np.float64)
    table = table[np.argsort(table[:, 0], kind="stable")]
    days = view.life_ms / DAY_MS
    after = np.searchsorted(table[:, 0], days, side="left")
    low, high = np.maximum(after - 1, 0), np.minimum(after, len(table) - 1)
    span = table[high, 0] - table[low, 0]
    part = np.where(span > 0.0, (days - table[low, 0]) / np.where(span > 0.0, span, 1.0), 0.0)
    both = table[low, 1:] + part[:, None] * (table[high, 1:] - table[low, 1:])
    return np.ascontiguousarray(both[:, 0]), np.ascontiguousarray(both[:, 1])


@dataclass(frozen=True, slots=True)
class UnitColumns:
    """[I] what a unit of quantity carries; ``basis[buckets]`` rates of MR4 by bucket."""

    delta: Floats  # coins
    cash_delta: Floats  # dollars at the mark
    coins: Floats  # spot held
    charge_long: Floats  # MR7 before its multiple, dollars
    charge_short: Floats
    option: Floats
    basis: Floats
    spot_usd: float | Floats  # of each copy of the table


def unit_columns(pool: Pool, view: View, parameters: Parameters) -> UnitColumns:
    """Deltas, the minimum charge of each row and the basis rate of each bucket."""
    part, tier = pool.instruments, pool.facts["tier"]
    coin_usd = _coin_usd(part, view)
    future = is_kind(part, Kind.PERPETUAL, Kind.FUTURE)
    option = is_kind(part, Kind.OPTION)
    size = part.multiplier
    linear_delta = np.where(part.inverse, size * view.usd[part.quote] / coin_usd, size)
    delta = np.where(future, linear_delta, 0.0)
    money = np.where(part.inverse, size * view.usd[part.quote], size * view.mark)
    money = np.where(part.inverse, money, money * view.usd[part.settle])
    cash = np.where(future, money, 0.0)
    adjusted = parameters.get("reading.coin_pnl") == "index"
    option_delta = _option_delta(part, view, adjusted=adjusted)
    delta += option_delta
    cash += option_delta * coin_usd
    rate = _known(parameters, f"tier.{tier}.minimum_rate")
    charge = rate * np.abs(cash) * future
    extra = np.zeros((2, len(part)))
    if parameters.get("reading.option_charge") == "code_2023":
        extra = _option_charge(part, view, parameters, option) * coin_usd
    spot_usd: float | Floats = 0.0
    coin = pool.facts["coin"]
    if coin in part.names:
        spot_usd = by_copy(part, view.usd, part.names.index(coin))
    return UnitColumns(
        delta=delta,
        cash_delta=cash,
        coins=is_kind(part, Kind.ASSET).astype(np.float64),
        charge_long=charge + extra[0],
        charge_short=charge + extra[1],
        option=option.astype(np.float64),
        basis=_basis_rates(pool, view, parameters, tier),
        spot_usd=spot_usd,
    )


def _known(parameters: Parameters, name: str) -> float:
    """A number that is left out where nobody knows it."""
    return parameters.number(name) if name in parameters else 0.0


def _option_delta(part: Instruments, view: View, *, adjusted: bool) -> Floats:
    """[I] coins of an option's forward delta.

    ``adjusted``: less its mark where it is paid in coin, because its coins move with the index too.
    """
    out = np.zeros(len(part))
    rows = np.flatnonzero(is_kind(part, Kind.OPTION) & view.ok)
    if len(rows):
        expiry = part.expiry[rows]
        forward = (view.forward + view.forward_settled)[expiry]
        right = part.right[rows].astype(np.float64)
        years = (view.life_ms / YEAR_MS)[expiry]
        unit = greeks(forward, part.strike[rows], years, view.vol[rows], right).delta
        index = view.index[part.pair[rows]]
        coins = unit - view.mark[rows] if adjusted else unit
        own = np.where(part.inverse[rows], coins, unit * forward / index)
        out[rows] = part.multiplier[rows] * own
    return out


def _option_charge(part: Instruments, view: View, parameters: Parameters, option: Bools) -> Floats:
    """[2, I] coins of slippage and fee of one long and one short option, as a code of 2023 has it.

    Long ``min(max(d, d |delta|), mark)``, short ``max(d, d |delta|)``; fee ``min(f, cap mark)``.
    """
    index = view.index[part.pair]
    safe = np.where(index > 0.0, index, 1.0)
    mark = np.where(part.inverse, view.mark, view.mark / safe)
    least = parameters.number("option_minimum.per_delta")
    slip = np.maximum(
        least, least * np.abs(_option_delta(part, view, adjusted=False) / part.multiplier)
    )
    fee = np.minimum(
        parameters.number("option_minimum.fee"), parameters.number("option_minimum.fee_cap") * mark
    )
    both = np.stack([np.minimum(slip, mark) + fee, slip + fee])
    return np.where(option, both * part.multiplier, 0.0)


def _basis_rates(pool: Pool, view: View, parameters: Parameters, tier: str) -> Floats:
    """[buckets] share of a bucket's cash delta that MR4 charges: spot, perpetuals, expiries.

    ``annual x years``, by one reading at least what a lone perpetual is charged. Before 2025 the
    share of the price plus the share of the basis of the expiry.
    """
    part = pool.instruments
    moments: tuple[int, ...] = pool.facts["moments"]
    years = np.array([max(m - view.as_of_ms, 0) / YEAR_MS for m in moments])
    if parameters.get("rules.basis") == "annualised":
        least = _known(parameters, f"tier.{tier}.basis_least")
        dated = parameters.number(f"tier.{tier}.basis_annual") * years
        if parameters.get("reading.basis_dated") == "at_least_perpetual":
            dated = np.maximum(dated, least)
    else:
        least = parameters.number(f"tier.{tier}.basis_price")
        dated = least + parameters.number(f"tier.{tier}.basis_move") * _basis(part, view, moments)
    spot = least if parameters.get("reading.basis_spot") == "charged" else 0.0
    return np.concatenate([[spot, least], dated])


def _basis(part: Instruments, view: View, moments: tuple[int, ...]) -> Floats:
    """[expiries] the widest |forward / index - 1| of an expiry among its quotes."""
    out = np.zeros(len(moments))
    forward = view.forward + view.forward_settled
    for e, (_, _, _, expiry_ms) in enumerate(part.expiries):
        index = float(view.index[part.expiry_pair[e]])
        if expiry_ms in moments and index > 0.0:
            k = moments.index(expiry_ms)
            out[k] = max(out[k], abs(float(forward[e]) / index - 1.0))
    return out
