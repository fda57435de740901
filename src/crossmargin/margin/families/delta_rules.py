"""Delta of an account in dollars: net, gross and hedged by coin and bucket of expiry, and its cost.

With n_b the net and g_b the gross delta of a coin in bucket b, in dollars of the index:

    net       N = |sum n_b|
    within    (sum g_b - sum |n_b|) / 2      long against short of one bucket
    across    (sum |n_b| - N) / 2            long of one bucket against short of another
    hedged    within + across = (G - N) / 2
    charge    a N + b within + c across + liquidity(N)         floor    u N + h hedged
    liquidity Y sigma N sqrt(N / turnover), or N x bp x N / depth / 2, or none

Coins do not offset each other. Three conventions of an option's delta, in coins a contract:

    black              slope of the dollar value: N(d1) of an option that is paid in coin
    net_transaction    the same less the mark of what is paid in coin: the premium is coin held
    premium_adjusted   the same less the model value of every option, (K / F) N(d2) of a call
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from crossmargin.core.arrays import Floats, Ints, frozen
from crossmargin.instruments.contracts import Kind
from crossmargin.margin.families.dollar_greeks import DollarGreeks
from crossmargin.margin.families.whole_account import DollarMarket
from crossmargin.margin.parameter_files import Parameters
from crossmargin.margin.pools import is_kind
from crossmargin.pricing.sums import SumTable, row_sums_of, sum_table

__all__ = [
    "CONVENTIONS",
    "Charges",
    "DeltaSums",
    "Ladder",
    "Rates",
    "charges_of",
    "delta_sums",
    "delta_usd",
    "ladder_of",
    "liquidity_cost",
    "rates_of",
]

CONVENTIONS = ("black", "net_transaction", "premium_adjusted")


@dataclass(frozen=True, slots=True)
class Ladder:
    """Rungs of coin and bucket that a table of instruments has rows on.

    ``rung[I]`` is -1 where a row has no delta; ``coin_of[R]`` and ``bucket_of[R]`` decode it.
    """

    rung: Ints
    coin_of: Ints
    bucket_of: Ints
    coins: int
    table: SumTable  # dollars of delta of each row, a column a rung


class DeltaSums(NamedTuple):
    """[A, U] dollars by coin: signed net, sum of |net| over buckets, gross."""

    net: Floats
    by_bucket: Floats
    gross: Floats


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates of each coin [U], fractions of the dollar delta; the floor's are common."""

    net: Floats
    hedged: float
    across: float
    floor_net: float
    floor_hedged: float
    impact: str
    sigma_daily: Floats
    impact_share: float
    turnover_usd: Floats
    depth_usd: Floats
    depth_fraction: float


class Charges(NamedTuple):
    """[A] dollars of each charge, summed over the coins in their order."""

    net: Floats
    hedged: Floats
    across: Floats
    liquidity: Floats
    floor: Floats


def delta_usd(market: DollarMarket, greeks: DollarGreeks, convention: str) -> Floats:
    """[I] dollars of delta of one unit under a convention."""
    part = market.part
    option = is_kind(part, Kind.OPTION) & market.view.ok & (greeks.group >= 0)
    coins = greeks.expansion.delta.copy()
    if convention == "net_transaction":
        paid = option & part.inverse
        coins[paid] -= (part.multiplier * market.view.mark)[paid]
    elif convention == "premium_adjusted":
        coins[option] -= greeks.value_usd[option] / greeks.index_usd[option]
    return np.asarray(coins * greeks.index_usd)


def ladder_of(greeks: DollarGreeks, bucket: Ints, dollars: Floats) -> Ladder:
    """The rungs of a table: each coin's buckets, in order."""
    most = int(bucket.max(initial=0)) + 1
    code = np.where(greeks.group >= 0, greeks.group * most + bucket, -1)
    found = np.unique(code[code >= 0])
    place = np.full(max(len(greeks.coins), 1) * most + 1, -1, np.int32)
    place[found] = np.arange(len(found), dtype=np.int32)
    rung = place[code]  # code -1 reads the last place, which is -1
    columns = np.zeros((len(dollars), max(len(found), 1)))
    rows = np.flatnonzero(rung >= 0)
    columns[rows, rung[rows]] = dollars[rows]
    return Ladder(
        frozen(rung, np.int32),
        frozen(found // most, np.int32),
        frozen(found % most, np.int32),
        len(greeks.coins),
        sum_table(columns),
    )


def delta_sums(ladder: Ladder, row: np.ndarray, column: Ints, quantity: Floats) -> DeltaSums:
    """Net and gross of each account by coin, rung after rung."""
    found = row_sums_of(row, column, quantity, ladder.table)
    accounts = len(row) - 1
    net, bare, gross = (np.zeros((accounts, ladder.coins)) for _ in range(3))
    for r, u in enumerate(ladder.coin_of.tolist()):
        net[:, u] += found.net[:, r]
        bare[:, u] += np.abs(found.net[:, r])
        gross[:, u] += found.long[:, r] - found.short[:, r]
    return DeltaSums(net, bare, gross)


def rates_of(coins: tuple[str, ...], parameters: Parameters) -> Rates:
    """The numbers of a set; the net rate stated, or z sigma sqrt(days) where the form says var."""

    def each(name: str) -> Floats:
        return np.array([parameters.number(f"asset.{coin}.{name}") for coin in coins])

    sigma, net = each("sigma_daily"), each("net_rate")
    if parameters.get("form.net_rate") == "var":
        days = parameters.number("general.horizon_days")
        net = parameters.number("var.z") * sigma * math.sqrt(days)
    return Rates(
        net=net,
        hedged=parameters.number("charge.hedged"),
        across=parameters.number("charge.across"),
        floor_net=parameters.number("floor.net"),
        floor_hedged=parameters.number("floor.hedged"),
        impact=str(parameters.get("form.impact")),
        sigma_daily=sigma,
        impact_share=parameters.number("liquidity.impact"),
        turnover_usd=each("turnover_usd"),
        depth_usd=each("depth_usd"),
        depth_fraction=parameters.number("liquidity.depth_bp") / 1e4,
    )


def liquidity_cost(rates: Rates, u: int, net: Floats) -> Floats:
    """[A] dollars that trading ``net`` (not negative) dollars of coin ``u`` moves the price by."""
    if rates.impact == "square_root":
        strength = rates.impact_share * float(rates.sigma_daily[u])
        return np.asarray(strength * net * np.sqrt(net / float(rates.turnover_usd[u])))
    if rates.impact == "linear":  # half of the move at the last dollar
        return np.asarray(0.5 * rates.depth_fraction * net * (net / float(rates.depth_usd[u])))
    return np.zeros(len(net))


def charges_of(rates: Rates, sums: DeltaSums) -> Charges:
    """The charges of a block."""
    accounts = len(sums.net)
    out = Charges(*(np.zeros(accounts) for _ in range(5)))
    for u, rate in enumerate(rates.net.tolist()):
        net = np.abs(sums.net[:, u])
        within = np.maximum(sums.gross[:, u] - sums.by_bucket[:, u], 0.0) / 2.0
        across = np.maximum(sums.by_bucket[:, u] - net, 0.0) / 2.0
        out.net[:] += rate * net
        out.hedged[:] += rates.hedged * within
        out.across[:] += rates.across * across
        out.liquidity[:] += liquidity_cost(rates, u, net)
        out.floor[:] += rates.floor_net * net + rates.floor_hedged * (within + across)
    return out
